"""``mannequin export``"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from mannequin.generator.io.remote import Place
from mannequin.terminal import Console


@dataclass(frozen=True)
class Export:
    """Write a dataset in another's layout, or a network for others.

    Of a dataset, images go into videos (lossy, as in SURREAL), labels into .mat files with SURREAL's names,
    signs and axes. The dataset itself stays as it is.

    A network takes (batch, 3, size, size) whitened images, for actions (batch, 3, frames, size, size) windows of
    them, and returns one tensor, such as the scores of the classes at every pixel. Before it is written it is
    compared with the original on random input. Task, classes, size and normalisation stand in the metadata of the
    .onnx, or in a .json beside the .pt2.

    examples:
      mannequin export out surreal_out --layout surreal
      mannequin export out surreact_out --layout surreact
      mannequin export run parts.onnx --layout onnx
      mannequin export run/checkpoints/step-00001000 parts.pt2 --layout torch
    """

    source: tyro.conf.Positional[Place]
    """Folder of the dataset, or its URL; or a training run, whose best checkpoint is taken, or a checkpoint."""

    out: tyro.conf.Positional[Place]
    """Folder to write to, or its URL; of a network, the file."""

    layout: Annotated[Literal["surreal", "surreact", "onnx", "torch"], tyro.conf.arg(metavar="LAYOUT")] = "surreal"
    """surreal: run*/<sequence>/<sequence>_c0001.mp4 and _info, _segm, _depth, _gtflow, _normal .mat. surreact:
    <sequence>/<sequence>_v045_r00.mp4 and the same, v045 being the view in degrees. Of a network: onnx, or torch for
    torch.export's .pt2."""

    mirror: bool = False
    """Mirror images left-right, as in the released SURREAL data, whose camera has determinant -1."""

    def run(self) -> int:
        return self._dataset() if self.layout in ("surreal", "surreact") else self._network()

    def _dataset(self) -> int:
        from mannequin.generator.dataset.folder import open_dataset
        from mannequin.generator.dataset.surreact import export_surreact
        from mannequin.generator.dataset.surreal import export_surreal
        from mannequin.generator.errors import ConfigError

        if self.mirror and self.layout == "surreact":
            raise ConfigError("--mirror is for --layout surreal; SURREACT's images are not mirrored. Leave it out.")
        dataset = open_dataset(self.source)
        with Console(stderr=True).doing("exporting") as tell:

            def progress(done: int, total: int) -> None:
                tell(f"exporting clip {done} of {total}")

            if self.layout == "surreact":
                count = export_surreact(dataset, self.out, progress)
            else:
                count = export_surreal(dataset, self.out, self.mirror, progress)
        _say(f"{count} clips written to {self.out}")
        return 0

    def _network(self) -> int:
        from mannequin.cli.training.extra import need_training
        from mannequin.generator.errors import ConfigError

        if self.mirror:
            raise ConfigError(f"--mirror is for datasets; leave it out with --layout {self.layout}.")
        if not (isinstance(self.source, Path) and isinstance(self.out, Path)):
            raise ConfigError(
                f"--layout {self.layout} reads and writes files of this machine, not URLs. Copy the run here first."
            )
        need_training()
        from mannequin.training.export import export_network

        console = Console(stderr=True)
        with console.doing("exporting"):
            done = export_network(self.source, self.out, self.layout, console.print)
        _say(f"largest difference from the original: {done.difference:.2g}, of scores up to {done.largest:.2g}")
        _say(f"network written to {' and '.join(str(path) for path in done.files)}")
        return 0


def _say(line: str) -> None:
    Console().print(line)
