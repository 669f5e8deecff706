"""``mannequin generate``"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Annotated, Literal

import tyro
from rich.table import Table
from rich.text import Text

from mannequin.cli.progress import ClipBar
from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.config import SampleConfig
from mannequin.generator.errors import ConfigError, MannequinError
from mannequin.generator.io.listing import LeftOut
from mannequin.generator.io.remote import Place
from mannequin.terminal import Console, print_json, quoted


@dataclass(frozen=True)
class Generate:
    """Make a dataset, or continue one that was interrupted.

    The same options and seed give the same bytes. Clips appear whole or not at
    all; run the same command again to continue. --clips may be raised later.
    Files of yours that cannot be used are left out and named at the end; the exit
    status is then 1. --strict refuses them instead.

    examples:
      mannequin generate out
          8 clips of built-in people and actions, rendered by Cycles
      mannequin generate out --renderer raster --size 256 256 --motion walk run
          the fast rasteriser, two actions
      mannequin generate out --preset surreal --motion cmu/ --clips 0 --workers auto
          the SURREAL recipe: every clip of the recordings in cmu/, on all cores
      mannequin generate out --preset surreact --motion tracks/ --clips 0
          eight synchronised views of every recording in tracks/
      mannequin generate out --body SMPL_FEMALE.pkl --motion amass/ --textures skins/
          your own body, motions and textures
      mannequin generate out --outputs labels vertices
          all labels and the posed vertices, no colour
    """

    out: tyro.conf.Positional[Place]
    """Folder of the dataset, or its URL (s3://bucket/out, see docs/remote.md); created if absent."""

    sample: SampleConfig = field(default_factory=SampleConfig)
    assets: Assets = field(default_factory=Assets)

    clips: int = 8
    """How many clips. 0: all that a preset with an end has (surreal, surreact)."""

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
    """Processes, each on a core of its own if there are several; auto for one per core. A clip that takes three
    processes with it is given up, the others go on. 0: no process beside this one, for debugging."""

    shard: Annotated[str, tyro.conf.arg(metavar="N/SHARDS")] = "1/1"
    """Make one shard of the clips: 3/100 is every hundredth, from the third. Shards share the folder."""

    dask: Annotated[str, tyro.conf.arg(metavar="ADDRESS")] = ""
    """Render on the workers of this Dask scheduler, as tcp://host:8786, all of which see the folder; --workers has no
    say then. See docs/farm.md."""

    strict: bool = False
    """Refuse files that cannot be used, before anything is made, instead of leaving them out; every file of your
    assets is read for it, which takes long for many."""

    retry_failed: bool = False
    """Try those clips again that failed before (see OUT/failed)."""

    clip_timeout: float = 600.0
    """Seconds for each frame of a clip after which its process counts as hung and is ended. 0: no limit."""

    quiet: bool = False
    """Say nothing but what went wrong."""

    json: bool = False
    """Print the summary as JSON."""

    def run(self) -> int:
        from mannequin.renderers.production.job import run_job, worker_count
        from mannequin.renderers.production.shards import parse_shard

        workers, shard = worker_count(self.workers), parse_shard(self.shard)
        job = self.job()
        self._tell_of_motions(job)
        with ClipBar(self.quiet) as bar:
            summary = run_job(
                job,
                self.out.absolute() if self.dask else self.out,
                self.clips,
                1 if self.dask else workers,
                self.device,
                bar.show,
                indices=shard.indices,
                retry_failed=self.retry_failed,
                strict=self.strict,
                seconds_per_frame=self.clip_timeout,
                **self._crew(),
            )
        _print(self, summary)
        return 0 if summary.is_clean else 1

    def job(self):
        """The mannequin.renderers.production.job.Job that these options ask for."""
        from mannequin.renderers.production.job import Job, job_outputs

        if not self.clip_timeout >= 0:
            raise ConfigError(
                f"clip-timeout is {self.clip_timeout}; expected seconds for each frame, or 0 for no limit."
            )
        return Job(
            sample=self.sample,
            assets=self.assets,
            seed=self.seed,
            renderer=self.renderer,
            outputs=job_outputs(self.outputs),
            rgb=self.rgb,
        )

    def check(self) -> None:
        """Draw the first clip, without rendering it. Raises what is wrong with options and assets."""
        from mannequin.generator.sampling import sample_clip
        from mannequin.generator.survey import unusable

        job = self.job()
        catalog = Catalog(job.assets.located())
        if self.strict and (faults := catalog.files.check_all()):
            raise unusable(faults)
        sample_clip(job.sample, catalog, job.seed, 0)
        _print_left_out(catalog.files.left_out)

    def _tell_of_motions(self, job) -> None:
        """Print what users should know of their recordings; what is wrong with them comes when they are used."""
        from mannequin.generator.motion.notes import motion_notes
        from mannequin.generator.sampling import resolve

        if self.quiet or not self.assets.motion:
            return
        with suppress(MannequinError):
            config, catalog = resolve(job.sample), Catalog(job.assets.located())
            length = (config.frames - 1) / config.fps if config.preset not in ("surreal", "surreact") else None
            for line in motion_notes((catalog.motion(name) for name in catalog.motions), length):
                Console(stderr=True).print(f"note: {line}")

    def _crew(self) -> dict:
        """Who renders, if not processes on this machine."""
        if not self.dask:
            return {}
        from mannequin.renderers.production.dask_pool import dask_pool

        return {"pool": lambda workers: dask_pool(self.dask)}


def _print(command: Generate, summary) -> None:
    for name, reason in summary.failed:
        Console(stderr=True).print(Text.assemble(("failed ", "bold red"), f"{name}: {reason}"))
    _print_left_out(summary.left_out)
    if command.json:
        print_json(asdict(summary))
    elif not command.quiet:
        _print_table(command.out, summary)


def _print_left_out(faults: Sequence[LeftOut]) -> None:
    """Say which files of the user are done without, and why."""
    for fault in faults:
        Console(stderr=True).print(Text.assemble(("left out ", "bold red"), f"{fault.name}: {fault.reason}"))


def _print_table(out: Place, summary) -> None:
    table = Table(show_header=False, box=None)
    for name, value in summary.rows():
        table.add_row(name, value)
    console = Console()
    console.print(table)
    if summary.left_out:
        console.print("Files were left out, named above. Mend them or move them away.")
    if not summary.is_complete:
        console.print(f"What is known of the failed clips: {out / 'failed'}")
    if summary.clips + summary.kept:
        console.print(
            f"Look at it: {quoted('mannequin', 'show', out)}\nProve it: {quoted('mannequin', 'validate', out)}"
        )
