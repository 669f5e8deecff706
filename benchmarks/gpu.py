"""Everything that only a GPU can show, as one check: the ``gpu`` tests, then each figure, within a budget of time.

    python -m benchmarks.gpu [--out gpu_check] [--budget 600] [--wheels DIR] [--device cuda] [--parts tests steps …]
    python -m benchmarks.gpu --collect wheels      # where there is a network: what a bare machine lacks, for --wheels

It runs from the source tree, on a bare machine with an NVIDIA GPU, Python 3.11 or later, torch, numpy and numba but
without a network; --wheels names a folder of the pure Python packages that it lacks. Every part is a process of its
own, gets no more time than is left, and leaves its figures in OUT/<part>.json; a part that fails costs none of the
others. OUT/gpu.json and OUT/gpu.md hold all of it, with the card's name. --device cpu lets the CPU stand in, with small
networks, to try the check itself.

    tests       pytest -m gpu
    steps       milliseconds and memory of a training step of stacked hourglasses, by number format
    loading     samples a second: a dataset by the loader's processes, and straight from the generator
    training    a short training of a small network on generated people, and how good it is on those held out
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

WHEELS = (
    "docstring-parser", "lightning-fabric", "lightning-utilities", "shtab", "trimesh", "typeguard", "tyro",
    "typing-extensions", "packaging", "fsspec", "rich", "markdown-it-py", "mdurl", "pygments", "joblib",
    "threadpoolctl", "pytest", "pluggy", "iniconfig", "hypothesis", "sortedcontainers",
)  # fmt: skip
"""Pure Python packages that a machine made for deep learning may lack."""

SHARES = {"tests": 0.3, "steps": 0.35, "loading": 0.15, "training": 0.2}
"""Of the budget that each part may take; what an early part leaves, later ones may use."""

WAYS: dict[str, dict[str, Any]] = {
    "fp32": {},
    "tf32": {"tf32": True},
    "bf16 + channels last": {"precision": "bf16-mixed", "channels_last": True},
    "bf16 + channels last + compiled": {"precision": "bf16-mixed", "channels_last": True, "compile": True},
}
"""Of taking a step."""


def main() -> int:
    """Run the check. 0 if every part succeeded, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gpu_check"), help="folder of the results")
    parser.add_argument("--budget", type=float, default=600.0, help="seconds for all parts together")
    parser.add_argument("--wheels", type=Path, help="folder of wheels to use")
    parser.add_argument("--collect", type=Path, metavar="DIR", help="download the wheels to DIR, and do nothing else")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--parts", nargs="+", choices=tuple(SHARES), default=list(SHARES))
    parser.add_argument("--only", choices=tuple(SHARES), help=argparse.SUPPRESS)  # a part, in its own process
    args = parser.parse_args()
    if args.collect:
        return collect(args.collect)
    if args.only:
        PARTS[args.only](args.device, args.out, time.monotonic() + args.budget)
        return 0
    return check(args)


def collect(folder: Path) -> int:
    """Download WHEELS, those for any machine and no others."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--platform", "any", "--python-version", "3.12", "--implementation", "py", "--dest", str(folder)]
    failed = [name for name in WHEELS if subprocess.run([*command, name]).returncode]
    size = sum(path.stat().st_size for path in folder.glob("*.whl")) / 2**20
    print(f"{len(list(folder.glob('*.whl')))} wheels, {size:.1f} MiB, in {folder}")
    if failed:
        print(f"Not found as pure Python: {', '.join(failed)}")
    return 1 if failed else 0


def check(args: argparse.Namespace) -> int:
    """All parts, each in a process of its own."""
    args.out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as site:
        environment = _environment(args.wheels, Path(site))
        done: dict[str, Any] = {"device": args.device, "machine": _machine(environment), "parts": {}}
        left = sum(SHARES[part] for part in args.parts)
        for part in args.parts:
            room = (args.budget - (time.monotonic() - began)) * SHARES[part] / left
            left -= SHARES[part]
            done["parts"][part] = _part(part, args, environment, max(room, 10.0))
            (args.out / "gpu.json").write_text(json.dumps(done, indent=1))
            (args.out / "gpu.md").write_text(table(done))
    print((args.out / "gpu.md").read_text())
    return 0 if all(part["ok"] for part in done["parts"].values()) else 1


def _environment(wheels: Path | None, site: Path) -> dict[str, str]:
    """Of the parts: the tree and the wheels' content come first, but a package that is there is not replaced."""
    for wheel in sorted(wheels.glob("*.whl")) if wheels else ():
        if not _there(wheel.name.split("-")[0]):
            zipfile.ZipFile(wheel).extractall(site)
    places = [str(ROOT), str(site), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(place for place in places if place), "PYTHONUNBUFFERED": "1"}


def _there(distribution: str) -> bool:
    from importlib import metadata

    try:
        metadata.version(distribution.replace("_", "-"))
    except metadata.PackageNotFoundError:
        return False
    return True


def _machine(environment: dict[str, str]) -> dict[str, Any]:
    """What the figures were measured on; torch is asked in a process of its own."""
    code = (
        "import json, torch, numpy; cuda = torch.cuda.is_available(); "
        "print(json.dumps({'torch': torch.__version__, 'numpy': numpy.__version__, "
        "'card': torch.cuda.get_device_name() if cuda else None, 'cuda': torch.version.cuda}))"
    )
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    found = json.loads(told.stdout) if told.returncode == 0 else {"problem": told.stderr.strip()[-2000:]}
    return {"python": platform.python_version(), "cores": os.cpu_count(), **found}


def _part(name: str, args: argparse.Namespace, environment: dict[str, str], seconds: float) -> dict[str, Any]:
    """What became of a part: ok, seconds, figures (those that it had when its time was over, too) and, if it failed,
    the end of what it said."""
    command = [sys.executable, "-m", "benchmarks.gpu", "--only", name, "--device", args.device]
    command += ["--out", str(args.out.resolve()), "--budget", str(0.9 * seconds)]
    print(f"{name}: at most {seconds:.0f} s", flush=True)
    begun = time.monotonic()
    log = args.out / f"{name}.log"
    with open(log, "wb") as said:
        try:
            status = subprocess.run(
                command, cwd=ROOT, env=environment, stdout=said, stderr=subprocess.STDOUT, timeout=seconds
            ).returncode
        except subprocess.TimeoutExpired:
            status = "its time was over"
    figures = args.out / f"{name}.json"
    return {
        "ok": status == 0,
        "status": status,
        "seconds": round(time.monotonic() - begun, 1),
        "figures": json.loads(figures.read_text()) if figures.exists() else None,
        "said": log.read_text("utf-8", "replace")[-3000:] if status != 0 else "",
    }


def _keep(out: Path, part: str, figures: Any) -> None:
    """Leave figures, also for when the time is over before the part is done."""
    (out / f"{part}.json").write_text(json.dumps(figures, indent=1))


def tests(device: str, out: Path, until: float) -> None:
    """The tests marked ``gpu``; on a CPU they are skipped, each with its reason."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "tests/test_gpu.py"]
    command += [f"--junit-xml={out / 'tests.xml'}"]
    status = subprocess.run(command, timeout=max(10.0, until - time.monotonic())).returncode
    import xml.etree.ElementTree as xml

    suite = next(xml.parse(out / "tests.xml").getroot().iter("testsuite"))
    counts = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    _keep(out, "tests", counts | {"passed": counts["tests"] - sum(list(counts.values())[1:])})
    sys.exit(status)


def steps(device: str, out: Path, until: float) -> None:
    """A step of networks of the thesis's sizes, on one batch that stays on the device."""
    sizes = {"hourglass-8": (8, 256, 256, 6), "hourglass-2": (2, 256, 256, 12)}
    if device == "cpu":
        sizes = {"hourglass-2, 32 features, 64 pixels": (2, 32, 64, 2)}
    found: list[dict[str, Any]] = []
    for way, options in WAYS.items():
        for network, size in sizes.items():
            if time.monotonic() > until:
                found.append({"network": network, "way": way, "failed": "no time was left"})
            elif device == "cpu" and "compile" in options:
                found.append({"network": network, "way": way, "failed": "compiling is for a GPU"})
            else:
                try:
                    found.append({"network": network, "way": way, **_step(device, size, **options)})
                except Exception as e:  # a way that fails costs none of the others
                    found.append({"network": network, "way": way, "failed": f"{type(e).__name__}: {str(e)[:500]}"})
            _keep(out, "steps", found)


def _step(device: str, size: tuple[int, int, int, int], tf32: bool = False, **options) -> dict[str, float]:
    import torch

    from mannequin.training.core.config import TrainConfig
    from mannequin.training.core.learner import Learner, session
    from mannequin.training.options.hourglass import HourglassOptions
    from mannequin.training.registry import make_task

    stacks, features, side, batch = size
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    config = TrainConfig(steps=1, batch=batch, accelerator="cuda" if device == "cuda" else "cpu", **options)
    task = make_task("segmentation", HourglassOptions(stacks=stacks, features=features, size=side, depth=4))
    draw = torch.Generator().manual_seed(0)
    samples = {
        "image": torch.randn(batch, 3, side, side, generator=draw),
        "parts": torch.randint(15, (batch, side, side), generator=draw, dtype=torch.uint8),
    }
    with session(config) as fabric:
        learner = Learner(task, config, fabric)
        learner.train_mode()
        samples = fabric.to_device(samples)

        def step() -> float:
            begun = _now(device)
            fabric.backward(torch.stack(list(learner.step(samples).losses.values())).sum())
            learner.optimizer.step()
            learner.optimizer.zero_grad()
            return _now(device) - begun

        first = step()
        step()
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        taken = [step() for _ in range(20 if device == "cuda" else 3)]
        memory = torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else float("nan")
    milliseconds = 1000 * statistics.median(taken)
    return {
        "batch": batch,
        "first_step_s": round(first, 1),
        "step_ms": round(milliseconds, 2),
        "samples_per_second": round(1000 * batch / milliseconds, 1),
        "memory_gib": round(memory, 2) if memory == memory else None,  # pyright: ignore[reportReturnType]
    }


def _now(device: str) -> float:
    """Seconds, once the device has done all that it was told."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()
    return time.perf_counter()


def _people(folder: Path, clips: int, size: int) -> None:
    """A dataset of the rasteriser, made by as many processes as there are cores."""
    from mannequin.generator.catalog import Assets
    from mannequin.generator.config import SampleConfig
    from mannequin.renderers.production.job import Job, job_outputs, run_job, worker_count

    sample = SampleConfig(frames=2, fps=1.25, size=(size, size))
    outputs = job_outputs(("rgb", "segm", "depth"))
    run_job(Job(sample, Assets(), 0, "raster", outputs, "jpeg"), folder, clips, workers=worker_count("auto"))


def loading(device: str, out: Path, until: float) -> None:
    """How fast samples come, with nothing to wait for them."""
    from functools import partial

    from torch.utils.data import DataLoader

    from mannequin.generator.catalog import Assets
    from mannequin.generator.config import SampleConfig
    from mannequin.renderers.choice import open_renderer
    from mannequin.training.core.interrupts import begin_loading
    from mannequin.training.data.clips import ClipSamples
    from mannequin.training.data.generated import GeneratedSamples
    from mannequin.training.data.loading import loader_settings
    from mannequin.training.registry import make_task

    task, workers = make_task("segmentation"), max(1, (os.cpu_count() or 2) - 1)
    found: dict[str, Any] = {"workers": workers}
    with tempfile.TemporaryDirectory() as folder:
        people = Path(folder) / "people"
        _people(people, 200 if device == "cuda" else 8, 256)
        stored = ClipSamples(people, task.needs, task.targets, augment=True, size=task.size)
        opener = partial(open_renderer, "raster")
        sample = SampleConfig(size=(384, 384))
        streamed = GeneratedSamples(sample, Assets(), 0, opener, task.needs, task.targets, True, task.size)
        for name, data, keys in (
            ("dataset", stored, [(epoch, k) for epoch in range(1000) for k in range(len(stored))]),
            ("stream", streamed, [(0, k) for k in range(10**6)]),
        ):
            batches = [keys[k : k + 8] for k in range(0, len(keys), 8)]
            settings = loader_settings(workers, device == "cuda")
            settings["worker_init_fn"] = partial(
                begin_loading, settings["worker_init_fn"]
            )  # they end with this process
            loader = DataLoader(data, batch_sampler=batches, collate_fn=task.collate, **settings)
            source = iter(loader)
            next(source)  # processes start, code is compiled
            begun, count = time.perf_counter(), 0
            stop = min(until, time.monotonic() + (15.0 if device == "cuda" else 5.0))
            while time.monotonic() < stop:
                count += len(next(source)["id"])
            found[f"{name}_samples_per_second"] = round(count / (time.perf_counter() - begun), 1)
            _keep(out, "loading", found)
    os._exit(0)  # the loader's processes end with this one, in the middle of batches that nobody waits for


def training(device: str, out: Path, until: float) -> None:
    """Minutes of real training: the preset small on a CUDA device in 16 bits, as long as there is time."""
    from dataclasses import replace

    import torch

    from mannequin.training.core.loop import Progress, train
    from mannequin.training.data.sources import from_datasets
    from mannequin.training.evaluation.measure import measure
    from mannequin.training.registry import TASKS, load_trained

    preset = TASKS["segmentation"].presets["small"]
    small = device == "cpu"
    network = replace(preset.network, features=16, size=64) if small else preset.network
    steps = 20 if small else 1500
    config = replace(
        preset.train,
        steps=steps,
        batch=4 if small else 32,
        warmup=0 if small else 100,
        workers=1 if small else max(1, (os.cpu_count() or 2) // 2),
        validate_every=steps,
        validation_samples=32,
        precision="32-true" if small else "bf16-mixed",
        accelerator="cpu" if small else "cuda",
    )
    with tempfile.TemporaryDirectory() as folder:
        people, run = Path(folder) / "people", Path(folder) / "run"
        begun = time.perf_counter()
        _people(people, 16 if small else 1000, 192)
        found: dict[str, Any] = {"generating_s": round(time.perf_counter() - begun, 1)}
        task = TASKS["segmentation"].task(network)
        data = from_datasets([people], [], task, replace(preset.data, val_share=0.3 if small else 0.1), 0)
        begun = time.perf_counter()
        paces: list[Progress] = []
        train(task, data.train, data.val, config, run, paces.append, data.about)
        found |= {
            "steps": steps,
            "batch": config.batch,
            "training_s": round(time.perf_counter() - begun, 1),
            "samples_per_second": round(steps * config.batch / (time.perf_counter() - begun), 1),
            "waiting_for_data": round(statistics.median(progress.wait_share for progress in paces), 3),
        }
        _keep(out, "training", found)
        task, model, _ = load_trained(run)
        on = torch.device("cuda" if device == "cuda" else "cpu")
        held_out = len(data.val)  # pyright: ignore[reportArgumentType]
        measured = measure(task, model, data.val, range(held_out), device=on, batch=16)
        found |= {"held_out": held_out, **{name: round(value, 4) for name, value in measured.results.items()}}
        _keep(out, "training", found)


PARTS: dict[str, Callable[[str, Path, float], None]] = {
    "tests": tests, "steps": steps, "loading": loading, "training": training,
}  # fmt: skip


def table(done: dict[str, Any]) -> str:
    """All figures as Markdown."""
    machine = done["machine"]
    card = machine.get("card") or "no CUDA device"
    lines = [f"# GPU check: {card}", ""]
    lines += [", ".join(f"{name} {value}" for name, value in machine.items() if name != "card" and value), ""]
    for name, part in done["parts"].items():
        state = "done" if part["ok"] else f"failed ({part['status']})"
        lines += [f"## {name}: {state}, {part['seconds']} s", ""]
        figures = part["figures"]
        if isinstance(figures, list):
            columns = list(dict.fromkeys(key for row in figures for key in row))
            lines += [_row(columns), _row(["---"] * len(columns))]
            lines += [_row([row.get(column, "") for column in columns]) for row in figures] + [""]
        elif figures:
            lines += [_row(["figure", "value"]), _row(["---", "---:"])]
            lines += [_row(pair) for pair in figures.items()] + [""]
        if part["said"]:
            lines += ["```", part["said"].strip()[-1500:], "```", ""]
    return "\n".join(lines)


def _row(cells) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
