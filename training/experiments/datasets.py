"""Clips of the worlds on disk, and samples of them in memory."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from mannequin.generator.catalog import Catalog
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.spec import ClipSpec
from mannequin.generator.streams import stream
from mannequin.training.data.crop import Augmentation, augmentation, crop_box, crop_matrix
from mannequin.training.data.frames import read_shot
from mannequin.training.data.index import Selection, sights
from mannequin.training.data.readers import Readers
from mannequin.training.data.samples import Shot, channels_of, make_sample
from mannequin.training.experiments import domains as worlds
from mannequin.training.experiments.domains import World
from mannequin.training.experiments.plans import Part
from mannequin.training.experiments.scale import Scale

LABELS = ("segm", "depth")

Opener = Callable[[str, Catalog], object]
"""Of a renderer, by name; as mannequin.renderers.choice.open_renderer."""


@dataclass(frozen=True, eq=False)
class Lot:
    """Clips of one world: where they are or will be, and a function that draws them, which takes a while."""

    world: World
    paths: tuple[Path, ...]
    draw: Callable[[], list[ClipSpec]]

    def missing(self) -> list["Piece"]:
        """What is not on disk."""
        if all(path.exists() for path in self.paths):
            return []
        return [
            Piece(path, self.world, spec)
            for path, spec in zip(self.paths, self.draw(), strict=True)
            if not path.exists()
        ]


@dataclass(frozen=True)
class Piece:
    """A clip to make."""

    path: Path
    world: World
    spec: ClipSpec


class Material:
    """What the experiments of one folder learn from and are measured with. Nothing is rendered here."""

    def __init__(self, folder: Path, scale: Scale):
        self.folder, self.scale = folder, scale
        self._catalog = lru_cache(maxsize=None)(Catalog)
        self._dressed = lru_cache(maxsize=1)(self._clothed)

    def test(self, kind: str) -> Lot:
        """The test set of "real" or "synth" images, one frame a clip."""
        world = self._stand_in() if kind == "real" else worlds.synthetic(self.scale.image, 1, "test")
        return self._lot(
            world, f"{kind}-test", self.scale.test, lambda: self._draw(world, f"{kind} test", self.scale.test)
        )

    def pool(self, kind: str) -> Lot:
        """All "synth" or "real" clips that there are to learn from. What people wear in the test set is not among the
        real ones'."""
        if kind == "synth":
            world, count = worlds.synthetic(self.scale.image, self.scale.frames), self.scale.clips[-1]
            return self._lot(world, kind, count, lambda: self._draw(world, kind, count))
        world, count = self._stand_in(), self.scale.real_pool
        return self._lot(
            world, kind, count, lambda: self._draw(world, kind, count, worlds.worn(self.test("real").draw()))
        )

    def outfits(self, count: int, seed: int) -> Lot:
        """The clips in ``count`` outfits."""
        world = worlds.synthetic(self.scale.image, self.scale.frames)
        return self._lot(
            world,
            f"outfits-{count}/seed{seed}",
            self.scale.outfit_clips,
            lambda: worlds.dressed(self._dressed(seed), count),
        )

    def lot(self, part: Part, seed: int) -> Lot:
        """The clips that must be there for ``part``."""
        return self.outfits(part.count, seed) if part.kind == "outfits" else self.pool(part.kind)

    def learning(self, part: Part, seed: int) -> tuple[Path, ...]:
        """Clips to learn from. Of the same kind and seed, fewer are among more."""
        paths = self.lot(part, seed).paths
        if part.kind == "outfits":
            return paths
        order = stream(seed, 0, f"subset of {part.kind}").permutation(len(paths))
        return tuple(paths[k] for k in sorted(order[: part.count]))

    def _stand_in(self) -> World:
        return worlds.stand_in(self.scale.image)

    def _lot(self, world: World, name: str, count: int, draw: Callable[[], list[ClipSpec]]) -> Lot:
        return Lot(world, tuple(self.folder / name / f"{k:06d}.h5" for k in range(count)), draw)

    def _draw(self, world: World, name: str, count: int, avoid: frozenset[str] = frozenset()) -> list[ClipSpec]:
        return worlds.draw(world, self._catalog(world.assets), name, count, avoid)

    def _clothed(self, seed: int) -> tuple[list[ClipSpec], list[str]]:
        world = worlds.synthetic(self.scale.image, self.scale.frames)
        return worlds.wardrobe(world, self._catalog(world.assets), self.scale.outfit_clips, seed)


def make(pieces: list[Piece], opener: Opener) -> int:
    """Render clips to their files; returns how many."""
    for path, world, spec in ((p.path, p.world, p.spec) for p in pieces):
        clip = _renderer(opener, world).render(spec, ("rgb", *channels_of(LABELS)))
        if world.camera:
            views = {name: replace(view, rgb=_photographed(view.rgb, spec)) for name, view in clip.views.items()}
            clip = replace(clip, views=views)
        write_clip(path, clip, rgb="png")
    return len(pieces)


@cache
def _renderer(opener: Opener, world: World):
    """The renderer of this process."""
    return opener(world.renderer, Catalog(world.assets))


def _photographed(rgb: np.ndarray, spec: ClipSpec) -> np.ndarray:
    return np.stack(
        [worlds.photographed(image, stream(spec.seed, spec.index, f"camera faults/{t}")) for t, image in enumerate(rgb)]
    )


@lru_cache(maxsize=4096)
def _shots(path: Path) -> list[Shot]:
    """All of a clip that can be learnt from, decoded once in each process."""
    readers, selection = Readers((str(path),)), Selection(labels=LABELS)
    try:
        return [read_shot(readers, sight, int(t), LABELS) for sight in sights(readers, selection) for t in sight.frames]
    finally:
        readers.close()


class MemoryFrames(Dataset):
    """Samples as of mannequin.training.data.frames.FrameDataset, from memory."""

    def __init__(self, paths: Iterable[Path], augment: bool, seed: int, size: int):
        self.shots = [shot for path in paths for shot in _shots(path)]
        self.augment, self.seed, self.size = augment, seed, size

    def __len__(self) -> int:
        return len(self.shots)

    def __getitem__(self, key: tuple[int, int]) -> dict:
        epoch, index = key
        shot = self.shots[index]
        drawn = augmentation(stream(self.seed, index, f"augmentation/{epoch}")) if self.augment else Augmentation()
        return make_sample(shot, crop_matrix(crop_box(shot.joints2d), drawn, self.size), drawn.gains, self.size)
