"""Small jobs for tests, as values and as options of the command."""

import hashlib
from pathlib import Path

from mannequin.generator.catalog import Assets
from mannequin.generator.config import SampleConfig
from mannequin.renderers.production.job import Job, Summary, job_outputs, run_job

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = (
    "--renderer",
    "raster",
    "--frames",
    "2",
    "--size",
    "40",
    "48",
    "--samples",
    "2",
    "--light",
    "lamps",
    "--seed",
    "5",
)
"""Of the command that makes the clips of small_job()."""


def small_job(renderer: str = "raster", outputs=()) -> Job:
    config = SampleConfig(frames=2, size=(40, 48), samples=2, light="lamps")
    return Job(config, Assets(), 5, renderer, job_outputs(outputs), "jpeg")


def here(job: Job, out: Path, clips: int, **options) -> Summary:
    """Run a job in this process, which is faster."""
    return run_job(job, out, clips, workers=0, **options)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a dataset, hidden ones included; logs, which hold times, are not of it."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.parent.name != ".log"]
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
