"""Validation of a whole dataset, clip by clip."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from generator.catalog import Assets, Catalog
from generator.dataset.folder import open_dataset
from generator.dataset.native import read_clip, verify_clip
from generator.errors import DatasetError, MannequinError, MissingExtraError
from generator.records import from_plain
from generator.scene import build_scene
from renderers.choice import open_renderer
from renderers.validation.geometry import geometry_findings
from renderers.validation.ranges import range_findings
from renderers.validation.rerender import rerender_findings
from renderers.validation.table import Finding, Row, add


def validate(path: Path, clips: int = 20, frames: int = 2, on_progress: Callable[[int, int], None] = lambda done, total: None) -> dict[str, Row]:
    """Check → Row for the dataset at ``path``.

    Every file is opened and its checksums computed; ``clips`` of them, evenly spread, are read,
    posed again and compared, ``frames`` of each rendered again by the other renderer.
    """
    dataset = open_dataset(path)
    files = dataset.clips()
    picked = {int(i) for i in np.linspace(0, len(files) - 1, min(clips, len(files))).round()}
    tools = _Tools(dataset.config)
    rows: dict[str, Row] = {}
    for number, file in enumerate(files):
        on_progress(number, len(files))
        where = file.name
        problems = verify_clip(file)
        add(rows, where, [Finding("files are whole", len(problems), 0, "problems", note="; ".join(problems))])
        if problems or number not in picked:
            continue
        try:
            add(rows, where, _clip_findings(file, tools, frames))
        except DatasetError as e:
            add(rows, where, [Finding("clips can be read", 1, 0, "problems", note=str(e))])
    on_progress(len(files), len(files))
    return rows


class _Tools:
    """Catalog and renderers of the dataset under examination."""

    def __init__(self, config: dict):
        self.can_pose = "assets" in config
        if not self.can_pose:
            return
        self.catalog = Catalog(from_plain(Assets, config["assets"]))
        self.maker = config["renderer"]
        self.raster = open_renderer("raster", self.catalog)
        try:
            from renderers.blender.renderer import BlenderRenderer

            self.cycles = BlenderRenderer(self.catalog, labels="cycles")
        except MissingExtraError:
            self.cycles = None

    @property
    def labels(self):
        """The renderer to hold labels against: Cycles, else the rasteriser."""
        return self.cycles or self.raster

    @property
    def colour(self):
        """The renderer that did not make the colour; None where it is not installed."""
        return self.raster if self.maker == "blender" else self.cycles


def _clip_findings(file, tools: _Tools, frames: int) -> list[Finding]:
    clip = read_clip(file)
    findings = range_findings(clip)
    if not tools.can_pose:
        return findings
    try:
        scene = build_scene(clip.spec, tools.catalog, ("rgb",))
    except MannequinError as e:
        return findings + [Finding("description can be posed again", 1, 0, "problems", note=str(e))]
    findings += geometry_findings(clip, scene)
    for t in np.unique(np.linspace(0, clip.spec.num_frames - 1, frames + 2)[1:-1].round().astype(int)):
        findings += rerender_findings(clip, scene, int(t), tools.labels, tools.colour)
    return findings
