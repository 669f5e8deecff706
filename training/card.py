"""The model card of a training run: what was trained on what, how well it does, what it cannot do, how to make it
again.

After Mitchell et al., "Model Cards for Model Reporting" (2019). Written anew from what lies in the run:

    <run>/card.md     the card
    <run>/card.svg    its curves of the loss
"""

import csv
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from mannequin.generator.catalog import BUILTIN, Assets
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset.collection import open_collection
from mannequin.generator.dataset.folder import Dataset
from mannequin.generator.errors import MannequinError, TrainingError
from mannequin.generator.io.atomic import write_bytes
from mannequin.generator.io.reading import read_json
from mannequin.generator.records import to_plain
from mannequin.training.core.checkpoint import digest
from mannequin.training.cost import parameters
from mannequin.training.data.needs import Needs
from mannequin.training.evaluation.record import EVALUATIONS, FORMAT
from mannequin.training.options.preset import Preset
from mannequin.training.plot import Curve, draw
from mannequin.training.registry import entry_of, load_trained
from mannequin.training.task import Task

CARD, CURVES = "card.md", "card.svg"

SYNTHETIC = (
    "It has seen no real photograph. How well it does on photographs is known only where an evaluation above says so.",
    "Bodies, motions, clothes and places are those that the generator has; people, poses and clothes that it "
    "cannot make were never seen.",
)

CROPPED = (
    "It expects one person, who fills most of the crop. Without a box round the person it is used outside of "
    "what it was trained for.",
)

COMMON = (
    "How it does for different groups of people was not measured.",
    "It is not meant for decisions about people, such as identification or surveillance.",
)

CommandOf = Callable[[Dataset, str], str | None]
"""(a dataset, its name) → the line for a shell that makes it again; None if there is none."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What the card is of. about: of the run's best checkpoint, as ``load_weights`` says it."""

    run: Path
    task: Task
    model: nn.Module
    about: dict


def write_card(run: Path, command_of: CommandOf = lambda dataset, name: None) -> Path:
    """Write the card of ``run`` and return where it is. What is not there any more, such as a dataset, is said to be
    so.

    Raises TrainingError if ``run`` has no checkpoint, or a damaged one.
    """
    trained = Trained(run, *load_trained(run))
    curves = _curves(run)
    if curves:
        write_bytes(run / CURVES, draw(curves, "loss").encode())
    sections = (
        _head(trained),
        _network(trained),
        _data(trained),
        _training(trained, curves),
        _validation(trained),
        _evaluations(trained),
        _limits(trained),
        _again(trained, command_of),
    )
    write_bytes(run / CARD, ("\n\n".join(section for section in sections if section) + "\n").encode())
    return run / CARD


def _head(trained: Trained) -> str:
    description, about = trained.task.describe(trained.model), trained.about
    return (
        f"# {trained.task.name.capitalize()} of people: {description.title}\n\n"
        f"Says {description.says}, from {_seen(trained.task.needs)}. This card is of the best checkpoint "
        f"by validation, after step {about['step']:,} of {about['total_steps']:,}."
    )


def _seen(needs: Needs) -> str:
    """What the network is shown."""
    whom = "one person" if needs.subject == "person" else "people"
    if not needs.image:
        return f"the joints of {whom}"
    return f"a colour image of {whom}" if needs.frames is None else f"{needs.frames} colour images of {whom}"


def _each(needs: Needs) -> str:
    """What a sample for training is."""
    whom = "a person" if needs.subject == "person" else "people"
    return f"{whom} in a frame each" if needs.frames is None else f"{whom} in {needs.frames} frames each"


def _network(trained: Trained) -> str:
    rows = [
        *trained.task.describe(trained.model).network,
        ("parameters", f"{parameters(trained.model):,}"),
        ("weights, SHA-256", f"`{digest(trained.about['checkpoint'])}`"),
    ]
    return "## Network\n\n" + _table(("", ""), rows)


def _data(trained: Trained) -> str:
    data = trained.about["data"]
    lines = ["## Data", ""]
    if "stream" in data:
        sample = " ".join(_flags(data["stream"], to_plain(SampleConfig())))
        lines.append(
            f"Endless new clips of the rasteriser, seed {data.get('seed')}{': ' + sample if sample else ''}. "
            f"{_licences(data.get('assets') or {})}"
        )
    named = [("training", path) for path in data.get("train", ())] + [
        ("validation", path) for path in data.get("val", ())
    ]
    if named:
        lines.append(
            _table(
                ("for", "dataset", "clips", "frames", "made", "sources and licences"),
                [_dataset(use, path) for use, path in named],
            )
        )
    if trained.about["samples"]:
        lines.append(f"\nSamples of one pass, {_each(trained.task.needs)}: {trained.about['samples']:,}.")
    if "train" in data and not data.get("val"):
        share = (data.get("options") or {}).get("val_share", 0)
        lines.append(
            f"\nFor validation {100 * share:g} % of the clips were held out whole, by their names. They are "
            "of the same kind as those of training."
        )
    if "init" in data:
        lines += [
            f"\n{f'The part {prefix} of the network' if prefix else 'Training'} began with the weights of another run, "
            f"after its step {start.get('step')}; its data count too."
            for prefix, start in data["init"].items()
        ]
    return "\n".join(lines)


def _dataset(use: str, path: str) -> tuple[str, ...]:
    """A row for one dataset, as far as it is still there."""
    name = _name(path)
    try:
        collection = open_collection(path)
    except MannequinError:
        return use, name, "not there any more", "", "", "unknown"
    clips = f"{len(collection):,}"
    if collection.dataset is None:
        return (
            use,
            name,
            clips,
            "",
            "SURREAL's layout" if collection.kind == "surreal" else "a single clip",
            "those of whoever gave it out",
        )
    config = collection.dataset.config
    if "sample" not in config:
        return use, name, clips, "", "labels of footage", "those of the footage; not recorded"
    sample = config["sample"]
    made = f"preset {sample.get('preset')}, seed {config.get('seed')}, renderer {config.get('renderer')}"
    frames = f"{len(collection) * sample['frames']:,}" if isinstance(sample.get("frames"), int) else ""
    return use, name, clips, frames, made, _licences(config.get("assets") or {})


def _licences(assets: dict) -> str:
    """Where what is seen comes from. assets: of mannequin.generator.catalog.Assets, as plain values."""
    usual = to_plain(Assets())
    own = [
        name
        for name in usual
        if assets.get(name) not in (None, usual[name], BUILTIN) and not _are_actions(name, assets[name])
    ]
    shipped = "built in, CC0 1.0"
    return shipped if not own else f"{', '.join(own)}: the user's, licence not recorded; the rest: {shipped}"


def _are_actions(name: str, value) -> bool:
    """Whether these are names of built-in actions rather than files."""
    return name == "motion" and all("/" not in motion and "." not in motion for motion in value)


def _training(trained: Trained, curves: dict[str, Curve]) -> str:
    about = trained.about
    config = about["config"]
    total = config["batch"] * config["accumulate"] * about["processes"]
    seen = f"{about['step'] * total:,} samples" + (
        f", {about['epoch']:.3g} passes over the data" if about["epoch"] else ""
    )
    text = (
        f"## Training\n\nThe loss is {trained.task.describe(trained.model).loss}. Up to this "
        f"checkpoint the network saw {seen}, "
        f"{total} to a step. Seed {config['seed']}; "
        f"{', '.join(f'{name} {version}' for name, version in about['versions'].items())}."
    )
    if curves.get("training"):
        (first, before), (last, after) = curves["training"][0], curves["training"][-1]
        text += f" The log's mean loss went from {before:.3g} at step {first:,} to {after:.3g} at step {last:,}."
    if curves:
        text += f"\n\n![Loss over the steps, in training and validation]({CURVES})"
    rows = [(f"`{name}`", _plain(value)) for part in ("task_config", "config") for name, value in about[part].items()]
    rows += [(f"`{name}`", _plain(value)) for name, value in (about["data"].get("options") or {}).items()]
    return f"{text}\n\n<details><summary>All options</summary>\n\n{_table(('option', 'value'), rows)}\n\n</details>"


def _curves(run: Path) -> dict[str, Curve]:
    """Losses over the steps, of the tables that a run keeps."""
    found = {
        name: _column(run / f"{table}.csv", "loss")
        for name, table in (("training", "train"), ("validation", "validation"))
    }
    return {name: curve for name, curve in found.items() if curve}


def _column(path: Path, name: str) -> Curve:
    if not path.exists():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return [(int(row["step"]), float(row[name])) for row in csv.DictReader(file) if row.get(name)]


def _validation(trained: Trained) -> str:
    metrics = trained.about["metrics"]
    if not metrics:
        return ""
    samples = trained.about["config"]["validation_samples"]
    which = f"the first {samples:,} samples" if samples else "all samples"
    return f"## Validation\n\nOn {which} of the validation data{_measured(trained)}.\n\n" + _table(
        ("", ""), _figures(trained.task, metrics)
    )


def _measured(trained: Trained) -> str:
    how = trained.task.describe(trained.model).measured
    return f", {how}" if how else ""


def _figures(task: Task, results: dict) -> list[tuple[str, str]]:
    """(what, value) of results, by the names that meters give them."""
    figures = task.meter().figures
    return [(figure.title, figure.text(results[name])) for name, figure in figures.items() if name in results]


def _evaluations(trained: Trained) -> str:
    """The records that `mannequin evaluate` has left in the run; other and damaged files are passed over."""
    parts = []
    for path in sorted((trained.run / EVALUATIONS).glob("*.json")):
        try:
            record = read_json(path, "a record of an evaluation", TrainingError)
            if not (isinstance(record, dict) and record.get("format") == FORMAT):
                continue
            of = (
                f"{record['n']:,} of {record['available']:,}"
                if record["n"] < record["available"]
                else f"{record['n']:,}"
            )
            where = ", ".join(_name(path) for path in record["data"])
            head = (
                f"Protocol {record['protocol']} ({record['description']}) on {where}; n = {of}; the checkpoint of "
                f"step {record['checkpoint']['step']:,}."
            )
            parts.append(f"{head}\n\n{_table(('', ''), _figures(trained.task, record['results']))}")
        except (TrainingError, KeyError, TypeError):
            continue
    return "## Evaluation\n\n" + "\n\n".join(parts) if parts else ""


def _limits(trained: Trained) -> str:
    cropped = trained.task.needs.image and trained.task.needs.crop == "person"
    own = trained.task.describe(trained.model).limits
    lines = (*(CROPPED if cropped else ()), *COMMON, *own, *(SYNTHETIC if _is_synthetic(trained.about["data"]) else ()))
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _is_synthetic(data: dict) -> bool:
    """Whether all that was learnt from is known to be generated, here and now."""
    if "init" in data:
        return False
    return "stream" in data or (bool(data.get("train")) and all(_generated(path) for path in data["train"]))


def _generated(path: str) -> bool:
    try:
        dataset = open_collection(path).dataset
    except MannequinError:
        return False
    return dataset is not None and "sample" in dataset.config


def _again(trained: Trained, command_of: CommandOf) -> str:
    data = trained.about["data"]
    lines = [
        line
        for path in dict.fromkeys((*data.get("train", ()), *data.get("val", ())))
        if (line := _making(path, command_of))
    ]
    lines.append(shlex.join(train_command(trained.about)))
    if data.get("train"):
        first = (data.get("val") or data["train"])[0]
        lines.append(shlex.join(["mannequin", "evaluate", "run", "--data", _name(first)]))
    block = "\n".join(lines)
    return (
        f"## Make it again\n\n```\n{block}\n```\n\nThe same options, data and seed give the same weights where "
        "torch computes the same bits; on a CPU most of it does."
    )


def _making(path: str, command_of: CommandOf) -> str | None:
    """The command that makes a dataset again, if it is there and was made by one."""
    try:
        dataset = open_collection(path).dataset
    except MannequinError:
        return None
    return command_of(dataset, _name(path)) if dataset is not None else None


def train_command(about: dict) -> list[str]:
    """Words of the command that trains the same again, with the preset that leaves least to say. about: of a
    checkpoint."""
    data = about["data"]
    name, said = min(
        ((name, _options(about, preset)) for name, preset in entry_of(about["task"]).presets.items()),
        key=lambda pair: len(pair[1]),
    )
    words = ["mannequin", "train", about["task"]]
    if "stream" in data:
        words.append("--stream")
    for flag in ("train", "val"):
        if data.get(flag):
            words += ["--data" if flag == "train" else "--val-data", *map(_name, data[flag])]
    if "init" in data:
        words += ["--init", *(f"{prefix}=OTHER_RUN" if prefix else "OTHER_RUN" for prefix in data["init"])]
    words += ["--preset", name, *said, "--out", "run"]
    drawn = (
        _flags(data["stream"], to_plain(SampleConfig())) + _flags(data.get("assets") or {}, to_plain(Assets()))
        if "stream" in data
        else []
    )
    return words + (["--", *drawn] if drawn else [])


def _options(about: dict, preset: Preset) -> list[str]:
    """What must be said beside ``preset``."""
    data = about["data"].get("options") or {}
    pairs = ((about["task_config"], preset.network), (about["config"], preset.train), (data, preset.data))
    words = [word for held, usual in pairs for word in _flags(held, to_plain(usual))]
    if about["config"]["epochs"] and "--steps" in words:  # which are then 0
        at = words.index("--steps")
        del words[at : at + 2]
    return words


def _flags(held: dict, usual: dict) -> list[str]:
    """Flags for the values of ``held`` that are not those of ``usual``."""
    words = []
    for name, value in held.items():
        flag = name.replace("_", "-")
        if value is None or (name in usual and value == usual[name]):
            continue
        if isinstance(value, bool) and isinstance(usual.get(name), bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", *map(_plain, value if isinstance(value, (list, tuple)) else [value])]
    return words


def _name(path) -> str:
    """Of a dataset, without where it lies: that is nobody else's business."""
    return str(path).rstrip("/").rsplit("/", 1)[-1] or str(path)


def _plain(value) -> str:
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _table(columns: tuple[str, ...], rows) -> str:
    """Markdown; what would break it is escaped."""
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines
    )
