"""``mannequin generate``"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.table import Table
from rich.text import Text

from generator.catalog import Assets
from generator.config import SampleConfig
from mannequin.progress import ClipBar


@dataclass(frozen=True)
class Generate:
    """Make a dataset, or continue one that was interrupted.

    The same options and seed give the same bytes. Clips appear whole or not at
    all; run the same command again to continue. --clips may be raised later.

    examples:
      mannequin generate out
          8 clips of built-in people and actions, rendered by Cycles
      mannequin generate out --renderer raster --size 256 256 --motion walk run
          the fast rasteriser, two actions
      mannequin generate out --preset surreal --motion cmu/ --clips 0 --workers auto
          the SURREAL recipe: every clip of the recordings in cmu/, on all cores
      mannequin generate out --body SMPL_FEMALE.pkl --motion amass/ --textures skins/
          your own body, motions and textures
      mannequin generate out --outputs labels vertices
          all labels and the posed vertices, no colour
    """

    out: tyro.conf.Positional[Path]
    """Folder of the dataset; created if absent."""

    sample: SampleConfig = field(default_factory=SampleConfig)
    assets: Assets = field(default_factory=Assets)

    clips: int = 8
    """How many clips. 0: all that a preset with an end has (surreal)."""

    seed: int = 0
    """What everything random follows from: any whole number from 0."""

    renderer: Literal["blender", "raster"] = "blender"
    """Colour by path tracing (Cycles), or by the fast rasteriser. The labels are the same."""

    device: Literal["cpu", "cuda", "optix"] = "cpu"
    """What Cycles renders on."""

    outputs: tuple[str, ...] = ()
    """Channels to write: rgb, segm, instance, depth, normal, flow, flow_backward, occluded,
    occluded_backward, uv, chart, chart_uv. "labels" stands for all but rgb. "vertices" comes on request only."""

    rgb: Literal["jpeg", "png"] = "jpeg"
    """Colour as JPEG of quality 95 without chroma subsampling, or lossless."""

    workers: Annotated[str, tyro.conf.arg(metavar="N|auto")] = "1"
    """Processes, each on a core of its own; auto for one per core."""

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
        workers = worker_count(self.workers)
        with ClipBar() as bar:
            summary = run_job(job, self.out, self.clips, workers, self.device, bar.show)
        _print(self.out, summary)
        return 1 if summary.failed else 0


def _print(out: Path, summary) -> None:
    table = Table(show_header=False, box=None)
    for name, value in summary.rows():
        table.add_row(name, value)
    console = Console(highlight=False, soft_wrap=True)
    console.print(table)
    for name, reason in summary.failed:
        Console(stderr=True, highlight=False, soft_wrap=True).print(Text.assemble(("failed ", "bold red"), f"{name}: {reason}"))
    if summary.clips + summary.kept:
        console.print(f"Look at it: mannequin info {out} --picture sheet.png\nProve it: mannequin validate {out}", markup=False)
