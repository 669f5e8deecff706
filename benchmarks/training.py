"""How long a training step takes, and whether the loader keeps up: 32 bits, and what the preset "modern" does instead.

    python -m benchmarks.training [--ways fp32 bf16+channels-last modern] [--batch 6 16 32 64] [--stacks 8]

Every way trains the same stacked hourglass on parts with the code that trains (mannequin.training.core.learner), in a
process of its own; the ways take turns, so that a busy machine slows all of them. Step times are of one batch that
stays on the device, without data; the first step, in which torch compiles and tries out algorithms, and one more are
not counted. "modern" compiles, which is for a GPU: on a CPU it takes minutes, and what torch 2.13 writes for this
network in bf16 lacks a variable. Then every way is fed by the loader from clips of the preset "surreal", augmented, and
waits for data or does not. Prints markdown tables. On CUDA, times pass on the clock and memory is the most that tensors
took; on a CPU, steps take CPU time of one core and memory is that of the process. Medians over the turns; a ratio is
the median of those within each turn. 32-bit convolutions are what torch makes of them: TF32 where the device has it.
"""

import argparse
import multiprocessing
import os
import platform
import resource
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from mannequin.generator.catalog import Assets
from mannequin.generator.config import SampleConfig
from mannequin.renderers.production.job import Job, job_outputs, run_job
from mannequin.training.core.config import TrainConfig
from mannequin.training.core.learner import Learner, session
from mannequin.training.core.loader import loader, on_device
from mannequin.training.core.sampler import TrainingBatches
from mannequin.training.cost import flops, parameters
from mannequin.training.data.clips import ClipSamples
from mannequin.training.options.hourglass import PRESETS, HourglassOptions
from mannequin.training.tasks.segmentation import Segmentation

SWITCHES = {name: getattr(PRESETS["modern"].train, name) for name in ("precision", "compile", "channels_last")}
WAYS = {
    "fp32": (),
    "channels-last": ("channels_last",),
    "compiled": ("compile",),
    "bf16": ("precision",),
    "bf16+channels-last": ("precision", "channels_last"),
    "modern": tuple(SWITCHES),
}
"""Which of the switches each way has on."""


@dataclass(frozen=True)
class Plan:
    """steps: of a turn. clips: folder of the dataset that the loader reads. fed: steps on loaded data."""

    network: HourglassOptions
    config: TrainConfig
    turns: int
    steps: int
    clips: Path
    fed: int


class Way:
    """A network in training."""

    def __init__(self, plan: Plan, fabric):
        self.plan, self.fabric = plan, fabric
        self.cuda = fabric.device.type == "cuda"
        task = Segmentation(plan.network)
        self.learner = Learner(task, plan.config, fabric)
        self.learner.train_mode()
        batch, size = plan.config.batch, plan.network.size
        draw = torch.Generator().manual_seed(0)
        image = torch.randn(batch, 3, size, size, generator=draw)
        parts = torch.randint(task.classes, (batch, size, size), generator=draw, dtype=torch.uint8)
        self.batch = fabric.to_device({"image": image, task.truth.name: parts})

    def start(self) -> float:
        """Take the steps that do not count. Seconds of the first, by the clock."""
        start = time.perf_counter()
        self.step(self.batch)
        first = time.perf_counter() - start
        self.step(self.batch)
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()
        return first

    def turn(self) -> dict[str, float]:
        """Seconds of a step by stage, medians over the steps of a turn."""
        if self.cuda:
            self.step(self.batch)  # asks for the memory that the last turn gave back
        taken = [self.step(self.batch) for _ in range(self.plan.steps)]
        if self.cuda:
            torch.cuda.empty_cache()  # for the ways whose turn is next
        return {stage: statistics.median(t[stage] for t in taken) for stage in taken[0]}

    def step(self, batch) -> dict[str, float]:
        """Seconds by stage of one step, as mannequin.training.core.loop takes it."""
        learner, marks = self.learner, [self._now()]
        losses = learner.step(batch).losses
        marks.append(self._now())
        self.fabric.backward(sum(losses.values()))
        marks.append(self._now())
        learner.gradient_norm()
        learner.optimizer.step()
        learner.optimizer.zero_grad()
        marks.append(self._now())
        return {stage: end - begin for stage, begin, end in zip(("forward", "backward", "optimiser"), marks, marks[1:])}

    def memory(self) -> float:
        """GiB at the most, since the steps that do not count."""
        if self.cuda:
            return torch.cuda.max_memory_allocated() / 2**30
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

    def loading(self) -> float:
        """Samples per second of the loader, when nothing else keeps it waiting."""
        begun = time.perf_counter()
        for number, _ in enumerate(self._loaded()):
            if number == self._ahead():
                begun = time.perf_counter()
        return self.plan.fed * self.plan.config.batch / (time.perf_counter() - begun)

    def fed(self) -> tuple[float, float]:
        """(samples per second, share of the time spent waiting for data) of steps on loaded data."""
        waited, begun = 0.0, time.perf_counter()
        for number, (batch, seconds) in enumerate(self._loaded()):
            waited += seconds if number > self._ahead() else 0.0
            self.step(batch)
            if number == self._ahead():
                begun = time.perf_counter()
        spent = time.perf_counter() - begun
        return self.plan.fed * self.plan.config.batch / spent, waited / spent

    def _loaded(self):
        """Batches for ``fed`` steps, after those that the workers have ready when the first one comes."""
        config, task = self.plan.config, self.learner.task
        data = ClipSamples(self.plan.clips, task.needs, task.targets, augment=True, size=task.size)
        keys = TrainingBatches(len(data), 0, config.batch, 1, 0, self._ahead() + 1 + self.plan.fed)
        return on_device(loader(data, keys, config.workers, self.fabric, task.collate), self.fabric)

    def _ahead(self) -> int:
        """Batches that workers keep ready: four each, as of mannequin.training.data.loading."""
        return 4 * self.plan.config.workers

    def _now(self) -> float:
        if not self.cuda:
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()


def work(pipe, plan: Plan) -> None:
    """A worker: does what every message names until the pipe is closed. None stands for memory that did not suffice."""
    if plan.config.accelerator == "cpu":
        torch.set_num_threads(1)
    with session(plan.config) as fabric:
        way = None
        while True:
            try:
                task = pipe.recv()
            except EOFError:
                return
            try:
                way = way or Way(plan, fabric)
                pipe.send(getattr(way, task)())
            except torch.OutOfMemoryError:
                way = None  # gives back what it holds
                torch.cuda.empty_cache()
                pipe.send(None)


class Worker:
    """A way in a process of its own; silent once its memory did not suffice."""

    def __init__(self, plan: Plan):
        spawn = multiprocessing.get_context("spawn")
        self.pipe, theirs = spawn.Pipe()
        self.process = spawn.Process(target=work, args=(theirs, plan))
        self.process.start()
        theirs.close()
        self.fits = True

    def do(self, task: str):
        """The result of a method of Way."""
        if not self.fits:
            return None
        self.pipe.send(task)
        found = self.pipe.recv()
        self.fits = found is not None
        return found

    def close(self) -> None:
        self.pipe.close()
        self.process.join()


def measure(plan: Plan, ways: list[str]) -> str:
    """Markdown for one size of batch."""
    workers = {}
    try:
        for way in ways:
            switches = {name: SWITCHES[name] for name in WAYS[way]}
            workers[way] = Worker(replace(plan, config=replace(plan.config, **switches)))
        first = {way: worker.do("start") for way, worker in workers.items()}
        turns = [{way: worker.do("turn") for way, worker in workers.items()} for _ in range(plan.turns)]
        memory = {way: worker.do("memory") for way, worker in workers.items()}
        alone = next((rate for worker in workers.values() if (rate := worker.do("loading"))), None)
        fed = {way: worker.do("fed") for way, worker in workers.items()}
    finally:
        for worker in workers.values():
            worker.close()
    return report(plan.config, first, turns, memory, alone, fed)


def report(config: TrainConfig, first, turns, memory, alone, fed) -> str:
    """Markdown of what was measured. A way that did not fit into memory at any time has a row that says so."""
    base = next(iter(first))
    lines = [f"### Batches of {config.batch}, loaded by {config.workers} processes", ""]
    lines += [
        "| way | first step, s | forward, ms | backward, ms | optimiser, ms | step, ms | times as fast | "
        "samples / s | GiB "
        "| fed by the loader, samples / s | share waiting for data |",
        "|---|" + "---:|" * 10,
    ]
    for way in first:
        if fed[way] is None:
            lines.append(f"| {way} | out of memory |" + " |" * 9)
            continue
        taken = [turn[way] for turn in turns]
        stages = [statistics.median(t[stage] for t in taken) for stage in taken[0]]
        step = statistics.median(sum(t.values()) for t in taken)
        ratio = _ratio(turns, base, way) if fed[base] else "–"
        cells = [
            f"{first[way]:.1f}",
            *(f"{1e3 * s:.1f}" for s in (*stages, step)),
            ratio,
            f"{config.batch / step:.1f}",
            f"{memory[way]:.2f}",
        ]
        lines.append(f"| {way} | " + " | ".join([*cells, f"{fed[way][0]:.1f}", f"{fed[way][1]:.0%}"]) + " |")
    if alone:
        lines += ["", f"The loader alone: {alone:.0f} samples / s."]
    return "\n".join(lines)


def _ratio(turns, base: str, way: str) -> str:
    """How many times as fast as ``base``."""
    return f"{statistics.median(sum(turn[base].values()) / sum(turn[way].values()) for turn in turns):.2f} ×"


def make_clips(folder: Path, clips: int) -> Path:
    """A dataset for the loader."""
    run_job(
        Job(SampleConfig(preset="surreal", frames=20), Assets(), 0, "raster", job_outputs(()), "jpeg"),
        folder,
        clips,
        workers=0,
    )
    return folder


def machine(cuda: bool) -> str:
    """What was measured on."""
    cores = f"{len(os.sched_getaffinity(0))} cores, torch {torch.__version__}"
    if cuda:
        gpu = torch.cuda.get_device_properties(0)
        return f"{gpu.name} ({gpu.total_memory / 2**30:.0f} GiB), CUDA {torch.version.cuda}, {cores}"
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{names[0] if names else platform.machine()}, {cores}, {torch.backends.cpu.get_cpu_capability()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--ways",
        nargs="+",
        choices=WAYS,
        help="what to compare, with the first; default: fp32, bf16+channels-last and, on CUDA, modern",
    )
    parser.add_argument("--stacks", type=int, default=8)
    parser.add_argument("--features", type=int, default=256)
    parser.add_argument("--size", type=int, default=256, help="height and width of the images")
    parser.add_argument(
        "--batch", type=int, nargs="+", help="sizes of batches; default: 6 16 32 64 on CUDA, 1 on a CPU"
    )
    parser.add_argument("--turns", type=int, default=3, help="turns of each way")
    parser.add_argument("--steps", type=int, help="steps of a turn; default: 20 on CUDA, 1 on a CPU")
    parser.add_argument("--fed", type=int, help="steps on loaded data; default: 50 on CUDA, 3 on a CPU")
    parser.add_argument("--workers", type=int, help="processes that load; default: 8 on CUDA, 1 on a CPU")
    parser.add_argument("--clips", type=int, default=8, help="clips that the loader reads, of 20 frames")
    parser.add_argument(
        "--accelerator", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu"
    )
    options = parser.parse_args()
    cuda = options.accelerator == "cuda"
    batches, steps, fed, workers = ((6, 16, 32, 64), 20, 50, 8) if cuda else ((1,), 1, 3, 1)
    ways = options.ways or ["fp32", "bf16+channels-last", *(["modern"] if cuda else [])]
    network = HourglassOptions(stacks=options.stacks, features=options.features, size=options.size)
    model = Segmentation(network).model()
    gflops = flops(model, (1, 3, network.size, network.size)) / 1e9
    print(
        f"{machine(cuda)}. {network.stacks} stacks of {network.features} features at {network.size} × {network.size}: ",
        end="",
    )
    print(
        f"{parameters(model) / 1e6:.1f} million parameters, {gflops:.3g} GFLOP for a sample's forward pass.",
        end="\n\n",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(Path(folder, "compiled"))  # so that compiling always takes its time
        clips = make_clips(Path(folder, "clips"), options.clips)
        for batch in options.batch or batches:
            config = TrainConfig(
                steps=1, batch=batch, accelerator=options.accelerator, workers=_or(options.workers, workers)
            )
            plan = Plan(network, config, options.turns, _or(options.steps, steps), clips, _or(options.fed, fed))
            print(measure(plan, ways), end="\n\n", flush=True)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


if __name__ == "__main__":
    main()
