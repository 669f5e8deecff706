"""``mannequin generate``"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from generator.catalog import Assets
from generator.config import SampleConfig


@dataclass(frozen=True)
class Generate:
    """Make a dataset, or continue one that was interrupted.

    The same options and seed give the same bytes. Clips appear whole or not at all; run the same
    command again to continue. Examples:

      mannequin generate out                              8 clips of built-in people and actions
      mannequin generate out --preset surreal --motion cmu/ --clips 1000 --workers auto
      mannequin generate out --motion walk run --size 256 256 --renderer raster
      mannequin generate out --body SMPL_FEMALE.pkl --motion amass/ --textures smpl_textures/
    """

    out: tyro.conf.Positional[Path]
    """Folder of the dataset; created if absent."""

    sample: SampleConfig = field(default_factory=SampleConfig)
    assets: Assets = field(default_factory=Assets)

    clips: int = 8
    """How many clips. 0: all that a preset with an end has (surreal)."""

    seed: int = 0
    """Every dataset has one; 0 is as good as any."""

    renderer: Literal["blender", "raster"] = "blender"
    """Colour by path tracing (Cycles), or by the fast rasteriser. The labels are the same."""

    device: Literal["cpu", "cuda", "optix"] = "cpu"
    """What Cycles renders on."""

    outputs: tuple[str, ...] = ()
    """Channels to write (see README), and "vertices" on request. Empty: all channels. "labels": all but rgb."""

    rgb: Literal["jpeg", "png"] = "jpeg"
    """Colour at JPEG quality 95 without chroma subsampling, or lossless."""

    workers: str = "1"
    """Processes, each on a core of its own; "auto" for one per core."""

    def run(self) -> int:
        from renderers.job import Job, job_outputs, run_job, worker_count

        job = Job(
            sample=self.sample,
            assets=self.assets,
            seed=self.seed,
            renderer=self.renderer,
            outputs=job_outputs(self.outputs),
            rgb=self.rgb,
        )
        console = Console()
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
        )
        with bar:
            task = bar.add_task("starting", total=None, rate="")

            def show(progress):
                bar.update(task, description=progress.clip, total=progress.total, completed=progress.done, rate=f"{progress.fps:.1f} frames/s")

            summary = run_job(job, self.out, self.clips, worker_count(self.workers), self.device, show)
        _print(console, self.out, summary)
        return 1 if summary.failed else 0


def _print(console: Console, out: Path, summary) -> None:
    table = Table(show_header=False, box=None)
    for name, value in summary.rows():
        table.add_row(name, value)
    console.print(table)
    for name, reason in summary.failed:
        console.print(f"[bold red]failed[/] {name}: {reason}", highlight=False)
    console.print(f"Look at it: mannequin info {out} · check it: mannequin validate {out}", highlight=False)
