"""``mannequin export``"""

from dataclasses import dataclass
from typing import Literal

import tyro
from rich.console import Console

from generator.remote import Place


@dataclass(frozen=True)
class Export:
    """Write a dataset in the layout of another.

    Images go into videos (lossy, as in SURREAL), labels into .mat files with SURREAL's names,
    signs and axes. The dataset itself stays as it is.

    example:
      mannequin export out surreal_out --layout surreal
    """

    dataset: tyro.conf.Positional[Place]
    """Folder of the dataset, or its URL."""

    out: tyro.conf.Positional[Place]
    """Folder to write to, or its URL."""

    layout: Literal["surreal"] = "surreal"
    """surreal: run*/<sequence>/<sequence>_c0001.mp4 and _info, _segm, _depth, _gtflow, _normal .mat."""

    mirror: bool = False
    """Mirror images left-right, as in the released SURREAL data, whose camera has determinant -1."""

    def run(self) -> int:
        from generator.dataset.folder import open_dataset
        from generator.dataset.surreal import export_surreal

        console = Console()
        with Console(stderr=True).status("exporting") as status:
            count = export_surreal(
                open_dataset(self.dataset), self.out, mirror=self.mirror,
                progress=lambda done, total: status.update(f"exporting clip {done} of {total}"),
            )
        console.print(f"{count} clips written to {self.out}", markup=False, highlight=False)
        return 0
