"""Clips of the domains on disk, and samples of them in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from mannequin.generator.catalog import Catalog
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.spec import ClipSpec
from mannequin.generator.streams import stream
from mannequin.training.data.clips import ClipSamples
from mannequin.training.data.generated import Renderer
from mannequin.training.data.selection import Selection
from mannequin.training.experiments import domains
from mannequin.training.experiments.domains import Domain
from mannequin.training.experiments.plans import Part
from mannequin.training.experiments.scale import Scale
from mannequin.training.task import Task

OUTPUTS = ("rgb", "segm", "depth")
"""Channels of the clips, from which any task of the experiments learns."""

MEMORY = 2**34
"""Bytes that decoded frames may take in a process; experiments need far less."""

Opener = Callable[[str, Catalog], Renderer]
"""Of a renderer, by name; as mannequin.renderers.choice.open_renderer."""


@dataclass(frozen=True, eq=False)
class ClipSet:
    """Clips of one domain: where they are or will be, and a function that draws them, which takes a while."""

    domain: Domain
    paths: tuple[Path, ...]
    draw: Callable[[], list[ClipSpec]]

    def missing(self) -> list["PlannedClip"]:
        """What is not on disk."""
        if all(path.exists() for path in self.paths):
            return []
        return [
            PlannedClip(path, self.domain, spec)
            for path, spec in zip(self.paths, self.draw(), strict=True)
            if not path.exists()
        ]


@dataclass(frozen=True)
class PlannedClip:
    """A clip to make."""

    path: Path
    domain: Domain
    spec: ClipSpec


class ExperimentData:
    """What the experiments of one folder learn from and are measured with. Nothing is rendered here."""

    def __init__(self, folder: Path, scale: Scale):
        self.folder, self.scale = folder, scale
        self._catalog = lru_cache(maxsize=None)(Catalog)
        self._dressed = lru_cache(maxsize=1)(self._clothed)

    def test(self, kind: str) -> ClipSet:
        """The test set of "real" or "synth" images, one frame a clip."""
        domain = self._stand_in() if kind == "real" else domains.synthetic(self.scale.image, 1, "test")
        return self._lot(
            domain, f"{kind}-test", self.scale.test, lambda: self._draw(domain, f"{kind} test", self.scale.test)
        )

    def pool(self, kind: str) -> ClipSet:
        """All "synth" or "real" clips that there are to learn from. What people wear in the test set is not among the
        real ones'."""
        if kind == "synth":
            domain, count = domains.synthetic(self.scale.image, self.scale.frames), self.scale.clips[-1]
            return self._lot(domain, kind, count, lambda: self._draw(domain, kind, count))
        domain, count = self._stand_in(), self.scale.real_pool
        return self._lot(
            domain, kind, count, lambda: self._draw(domain, kind, count, domains.worn(self.test("real").draw()))
        )

    def outfits(self, count: int, seed: int) -> ClipSet:
        """The clips in ``count`` outfits."""
        domain = domains.synthetic(self.scale.image, self.scale.frames)
        return self._lot(
            domain,
            f"outfits-{count}/seed{seed}",
            self.scale.outfit_clips,
            lambda: domains.dressed(self._dressed(seed), count),
        )

    def clip_set(self, part: Part, seed: int) -> ClipSet:
        """The clips that must be there for ``part``."""
        return self.outfits(part.count, seed) if part.kind == "outfits" else self.pool(part.kind)

    def learning(self, part: Part, seed: int) -> tuple[Path, ...]:
        """Clips to learn from. Of the same kind and seed, fewer are among more."""
        paths = self.clip_set(part, seed).paths
        if part.kind == "outfits":
            return paths
        order = stream(seed, 0, f"subset of {part.kind}").permutation(len(paths))
        return tuple(paths[k] for k in sorted(order[: part.count]))

    def _stand_in(self) -> Domain:
        return domains.stand_in(self.scale.image)

    def _lot(self, domain: Domain, name: str, count: int, draw: Callable[[], list[ClipSpec]]) -> ClipSet:
        return ClipSet(domain, tuple(self.folder / name / f"{k:06d}.h5" for k in range(count)), draw)

    def _draw(self, domain: Domain, name: str, count: int, avoid: frozenset[str] = frozenset()) -> list[ClipSpec]:
        return domains.draw(domain, self._catalog(domain.assets), name, count, avoid)

    def _clothed(self, seed: int) -> tuple[list[ClipSpec], list[str]]:
        domain = domains.synthetic(self.scale.image, self.scale.frames)
        return domains.wardrobe(domain, self._catalog(domain.assets), self.scale.outfit_clips, seed)


def make(planned: list[PlannedClip], opener: Opener) -> int:
    """Render clips to their files; returns how many."""
    for path, domain, spec in ((p.path, p.domain, p.spec) for p in planned):
        clip = _renderer(opener, domain).render(spec, OUTPUTS)
        if domain.camera:
            views = {name: replace(view, rgb=_photographed(view.rgb, spec)) for name, view in clip.views.items()}
            clip = replace(clip, views=views)
        write_clip(path, clip, rgb="png")
    return len(planned)


@cache
def _renderer(opener: Opener, domain: Domain) -> Renderer:
    """The renderer of this process."""
    return opener(domain.renderer, Catalog(domain.assets))


def _photographed(rgb: np.ndarray | None, spec: ClipSpec) -> np.ndarray:
    assert rgb is not None, "colour is among OUTPUTS"
    return np.stack(
        [
            domains.photographed(image, stream(spec.seed, spec.index, f"camera faults/{t}"))
            for t, image in enumerate(rgb)
        ]
    )


def samples(paths: Sequence[Path], task: Task, augment: bool = False, seed: int = 0) -> ClipSamples:
    """All that can be learnt from clips, decoded once in each process."""
    return ClipSamples(paths, task.needs, task.targets, Selection(), augment, seed, task.size, cache=MEMORY)
