"""The command that makes a dataset again, from the options that it keeps."""

from dataclasses import fields

from mannequin.generator.catalog import BUILTIN
from mannequin.generator.dataset.folder import Dataset
from mannequin.generator.errors import ConfigError
from mannequin.generator.records import from_plain
from mannequin.renderers.production.worker import Job
from mannequin.terminal import quoted


def generate_command(dataset: Dataset, name: str) -> str | None:
    """The line for a shell, every option written out; None for a dataset that ``generate`` did not make."""
    try:
        job = from_plain(Job, dataset.config)
    except ConfigError:
        return None
    words = ["mannequin", "generate", f"./{name}" if name.startswith("-") else name]
    for field in fields(job.sample):
        value = getattr(job.sample, field.name)
        if value is not None:
            words += [_flag(field.name), *(map(str, value) if isinstance(value, tuple) else [_plain(value)])]
    for field in fields(job.assets):
        value = getattr(job.assets, field.name)
        if value and value != BUILTIN:
            words += [_flag(field.name), *([value] if isinstance(value, str) else value)]
    clips = dataset.num_clips or len(dataset)
    words += [
        "--clips",
        str(clips),
        "--seed",
        str(job.seed),
        "--renderer",
        job.renderer,
        "--rgb",
        job.rgb,
        "--outputs",
        *job.outputs,
    ]
    return quoted(*words)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _plain(value) -> str:
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)
