"""All runs of an experiment, each made once, on several cores."""

import json
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib

from mannequin.generator.dataset.folder import differences, software_versions
from mannequin.generator.errors import ConfigError, MannequinError
from mannequin.generator.io.atomic import is_empty, write_bytes
from mannequin.generator.io.reading import read_json
from mannequin.generator.records import to_plain
from mannequin.training.core.resume import versions
from mannequin.training.experiments.datasets import ExperimentData, Opener, make
from mannequin.training.experiments.plans import Arm, Direction, Experiment, Part, plan
from mannequin.training.experiments.runs import Chain, result_path, run_chain
from mannequin.training.experiments.scale import Scale
from mannequin.training.experiments.statistics import Paired, paired
from mannequin.training.registry import make_task

SETTINGS = "settings.json"
TOGETHER = 10
"""Clips that a process makes at a time."""


@dataclass(frozen=True)
class Outcome:
    """What an experiment found.

    metric: that the directions are about, on the stand-in for real images; more is better where ``sign`` is 1, less
    where -1. runs: arm → what was measured, seed after seed. gains: of the directions, as much better as the first arm
    is.
    """

    experiment: Experiment
    task: str
    scale: Scale
    metric: str
    sign: int
    runs: dict[str, list[dict]]
    gains: dict[Direction, Paired]

    def values(self, arm: Arm, kind: str = "real") -> list[float]:
        """The metric of ``arm`` on "real" or "synth" images, seed after seed."""
        return [run["metrics"][kind][self.metric] for run in self.runs[arm.name]]

    def to_plain(self) -> dict:
        """All of it, as JSON holds it."""
        return {
            "experiment": to_plain(self.experiment),
            "task": self.task,
            "scale": to_plain(self.scale),
            "metric": self.metric,
            "gains": [to_plain(d) | to_plain(gain) | {"verdict": gain.verdict} for d, gain in self.gains.items()],
            "runs": self.runs,
            "versions": versions(),
        }


def campaign(
    name: str,
    task: str,
    seeds: int,
    out: Path,
    scale: Scale,
    opener: Opener,
    workers: int,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Make the clips, train and measure what is missing in ``out``, and compare.

    workers: processes; each trains one network at a time. Killed at any time, the same call goes on.
    Raises ConfigError for impossible options, and where ``out`` holds runs of another scale.
    """
    if seeds < 2:
        raise ConfigError(f"--seeds is {seeds}; expected at least 2, or there is no interval.")
    experiment = plan(name, scale)
    _claim(out, scale)
    data = ExperimentData(out / "data", scale)
    parts = dict.fromkeys(part for arm in experiment.arms for part in (arm.first, arm.then))
    with joblib.parallel_config("loky", n_jobs=workers, inner_max_num_threads=1), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "A worker stopped while some jobs", UserWarning
        )  # joblib starts workers anew as they grow
        _make(data, tuple(parts), seeds, opener, say)
        _train(experiment.arms, task, seeds, out, scale, say)
    return outcome(experiment, task, seeds, out, scale)


def outcome(experiment: Experiment, task: str, seeds: int, out: Path, scale: Scale) -> Outcome:
    """What the results in ``out`` say."""
    metric, aim = make_task(task).best
    sign = 1 if aim == "max" else -1
    runs = {arm.name: [_result(out, task, seed, arm) for seed in range(seeds)] for arm in experiment.arms}

    def gain(direction: Direction) -> Paired:
        better, worse = (
            [sign * run["metrics"]["real"][metric] for run in runs[name]]
            for name in (direction.better, direction.worse)
        )
        return paired(better, worse)

    return Outcome(experiment, task, scale, metric, sign, runs, {d: gain(d) for d in experiment.directions})


def chains(arms: tuple[Arm, ...], task: str, seeds: int) -> list[Chain]:
    """The arms at every seed, those with the same first part together; one seed after the other."""
    thens = {}
    for arm in arms:
        thens.setdefault(arm.first, []).append(arm.then)
    return [Chain(task, seed, first, tuple(some)) for seed in range(seeds) for first, some in thens.items()]


def _make(data: ExperimentData, parts: tuple[Part, ...], seeds: int, opener: Opener, say) -> None:
    sets = {clip_set.paths: clip_set for clip_set in (data.test("real"), data.test("synth"))}
    sets |= {
        clip_set.paths: clip_set for seed in range(seeds) for part in parts for clip_set in [data.clip_set(part, seed)]
    }
    planned = [clip for clip_set in sets.values() for clip in clip_set.missing()]
    tasks = (joblib.delayed(make)(planned[k : k + TOGETHER], opener) for k in range(0, len(planned), TOGETHER))
    done = 0
    for count in _as_done(tasks):
        done += count
        say(f"{done} of {len(planned)} clips made")


def _train(arms: tuple[Arm, ...], task: str, seeds: int, out: Path, scale: Scale, say) -> None:
    total = len(arms) * seeds
    done = sum(result_path(out, task, seed, arm.first, arm.then).exists() for arm in arms for seed in range(seeds))
    todo = (joblib.delayed(run_chain)(chain, out, scale) for chain in chains(arms, task, seeds))
    for written in _as_done(todo):
        done += len(written)
        for path in written:
            say(f"{done} of {total} runs done: {path.stem}")


def _as_done(tasks: Iterable) -> Iterable[Any]:
    """Results of joblib's tasks, as they come."""
    parallel: Any = joblib.Parallel(return_as="generator_unordered", batch_size=1)  # pyright: ignore[reportArgumentType]
    return parallel(tasks)


def _claim(out: Path, scale: Scale) -> None:
    """Write down the scale of what is in ``out``, or compare it."""
    path, here = out / SETTINGS, json.loads(json.dumps({"scale": to_plain(scale), "versions": software_versions()}))
    if not path.exists():
        if out.exists() and not is_empty(out):
            raise ConfigError(
                f"{out} is not empty and holds no experiments (it has no {SETTINGS}). Choose an empty or a "
                "new folder for --out."
            )
        write_bytes(path, json.dumps(here, indent=1).encode())
        return
    there = read_json(path, "the settings of experiments", MannequinError)
    lines = differences(there.get("scale"), here["scale"])
    if lines:
        shown = "\n".join(f"  {line}" for line in lines)
        raise ConfigError(
            f"{out} holds runs with other options:\n{shown}\nUse the same ones, or choose another folder for --out."
        )


def _result(out: Path, task: str, seed: int, arm: Arm) -> dict:
    return read_json(result_path(out, task, seed, arm.first, arm.then), "the result of a run", MannequinError)
