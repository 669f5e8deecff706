"""Validation of a whole dataset, clip by clip."""

from collections.abc import Callable
from itertools import islice

import numpy as np

from mannequin.generator.clip import Clip
from mannequin.generator.dataset.folder import Dataset, open_dataset
from mannequin.generator.dataset.inventory import take_inventory, unfinished
from mannequin.generator.dataset.native import read_clip, verify_clip
from mannequin.generator.dataset.progress import read_progress
from mannequin.generator.errors import ConfigError, DatasetError, MannequinError, MissingExtraError
from mannequin.generator.io.remote import Place
from mannequin.generator.motion.ground_contact import ground_contact
from mannequin.generator.scene import Scene
from mannequin.renderers.choice import open_renderer
from mannequin.renderers.validation.amodal import amodal_findings, amodal_ray_findings
from mannequin.renderers.validation.colour import colour_findings, order_findings
from mannequin.renderers.validation.company import penetration_findings
from mannequin.renderers.validation.geometry import geometry_findings
from mannequin.renderers.validation.posing import DRAWN, FOOTAGE, FOREIGN, Poser
from mannequin.renderers.validation.ranges import range_findings
from mannequin.renderers.validation.rerender import one_frame, rerender_findings
from mannequin.renderers.validation.surface import ray_findings
from mannequin.renderers.validation.table import Finding, Report
from mannequin.renderers.validation.views import view_findings

ALONE = (
    "The dataset names no assets, so its bodies cannot be posed again. Not checked: parameters against joints, "
    "labels along rays, anything rendered again."
)
MIXED = (
    "Made on processors of different kinds ({}). That decides the last digits of Cycles' colours, and of how far they "
    "agree with the labels; descriptions and labels are the same on all."
)
FLOATS = 0.7
"""Share of frames of a clip; of runners a third, of people who hop on one spot a half."""

FLOATING = (
    "In {}, {} is {} the ground in {} % of the frames, the lower sole up to {} m over it. If nobody jumps, flies or "
    "climbs there, see what `mannequin info` says of the motion, and --up and --floor."
)
REAL_COLOUR = "The pictures are footage. Not checked: colour."
NO_LENS = (
    "Cycles has no lens distortion: the rasteriser rendered the labels of such cameras again, which made them too."
)


def validate(
    path: Place, clips: int = 20, frames: int = 2, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> Report:
    """Everything that can be checked of the dataset at ``path``.

    Every file is opened and its checksums computed; ``clips`` of them, evenly spread, are read,
    posed again and compared, ``frames`` of each rendered again by the other renderer.
    Raises DatasetError where there is no dataset, or nothing in it, and ConfigError for counts below 1.
    """
    for name, count in (("clips", clips), ("frames", frames)):
        if count < 1:
            raise ConfigError(f"{name} is {count}; expected 1 or more.")
    dataset = open_dataset(path)
    files = dataset.clips()
    if not files:
        raise DatasetError(
            f"{path} holds no finished clips, so there is nothing to validate. Run the command that started it again."
        )
    report = Report()
    _count(dataset, report)
    picked = {int(i) for i in np.linspace(0, len(files) - 1, min(clips, len(files))).round()}
    examiner = _Examiner(dataset.config, frames, report)
    for number, file in enumerate(files):
        on_progress(number, len(files))
        problems = verify_clip(file)
        report.add(file.name, [Finding("files are whole", len(problems), 0, "problems", note="; ".join(problems))])
        if not problems and number in picked:
            report.add(file.name, examiner.findings(read_clip(file), int(file.stem)))
    on_progress(len(files), len(files))
    tell_processors(dataset, report)
    if len(picked) < len(files):
        report.say(f"{len(picked)} of {len(files)} clips were examined closely; more with --clips.")
    return report


def _count(dataset: Dataset, report: Report) -> None:
    """All planned clips are there."""
    if dataset.num_clips is None:
        return
    planned = range(dataset.num_clips)
    missing = dataset.num_clips - take_inventory(dataset.path, planned).done
    first = islice(unfinished(dataset.path, planned, with_failed=True), min(missing, 5))
    note = f"no clip {', '.join(map(str, first))}{', …' if missing > 5 else ''}; run the same command again"
    report.add("dataset.json", [Finding("planned clips are there", missing, 0, "missing", note=note)])


def tell_processors(dataset: Dataset, report: Report) -> None:
    """Add a note if clips were made on processors of different kinds, as far as the logs say."""
    if len(kinds := read_progress(dataset.path).processors) > 1:
        report.say(MIXED.format(" and ".join(kinds)))


def tell_contact(clip: Clip, report: Report) -> None:
    """Add a note if somebody floats or sinks in most frames of a clip that was drawn."""
    for name, track in clip.people.items():
        contact = ground_contact(track.joints, clip.spec.ground_height)
        for share, what in ((contact.airborne, "off"), (contact.sunk, "deeper than 5 cm under")):
            if share > FLOATS:
                report.say(FLOATING.format(clip.spec.name, name, what, f"{100 * share:.0f}", f"{contact.highest:.2f}"))


class _Examiner:
    """Holds clips of one dataset against what did not make them."""

    def __init__(self, config: dict, frames: int, report: Report):
        self.poser, self.frames, self.report = Poser(config), frames, report
        self.made_colour = config.get("renderer", "raster")
        if self.poser.kind == FOREIGN:
            report.say(ALONE)
            return
        self.raster = open_renderer("raster", self.poser.catalog)
        self.cycles = self._open_cycles()

    def _open_cycles(self):
        try:
            from mannequin.renderers.blender.renderer import BlenderRenderer

            return BlenderRenderer(self.poser.catalog, labels="cycles")
        except MissingExtraError as e:
            self.report.say(f"The rasteriser rendered again what it had made itself, since there is no Cycles: {e}")
            return None

    def findings(self, clip: Clip, number: int) -> list[Finding]:
        """Everything about one clip, whose file has that number."""
        named = Finding(
            "clips are in their place", abs(clip.spec.index - number), 0, note=f"the clip says it is {clip.spec.index}"
        )
        findings = [named, *range_findings(clip), *amodal_findings(clip), *view_findings(clip)]
        if self.poser.kind == DRAWN:
            tell_contact(clip, self.report)
        if self.poser.kind == FOREIGN:
            return findings + geometry_findings(clip, None, {})
        has_colour = any(view.rgb is not None for view in clip.views.values())
        try:
            scene = self.poser.scene(clip, has_colour)
            models = self.poser.models(clip)
        except MannequinError as e:
            return (
                findings
                + [Finding("clips can be posed again", 1, 0, "problems", note=str(e))]
                + geometry_findings(clip, None, {})
            )
        findings += geometry_findings(clip, scene, models) + ray_findings(clip, scene)
        findings += amodal_ray_findings(clip, scene) + penetration_findings(clip, scene)
        frames = np.unique(np.linspace(0, clip.spec.num_frames - 1, self.frames + 2)[1:-1].round().astype(int))
        for t in frames:
            findings += rerender_findings(clip, one_frame(scene, int(t)), int(t), self._label_renderer(clip))
        if has_colour and self.poser.kind == FOOTAGE:
            self.report.say(REAL_COLOUR)
        if has_colour and self.poser.kind == DRAWN:
            findings += self._colour(clip, scene, [int(t) for t in frames])
        return findings

    def _label_renderer(self, clip: Clip):
        if self.cycles is not None and any(any(c.distortion) for c in clip.spec.cameras):
            self.report.say(NO_LENS)
            return self.raster
        return self.cycles or self.raster

    def _colour(self, clip: Clip, scene: Scene, frames: list[int]) -> list[Finding]:
        around = {s for t in frames for s in (t - 1, t, t + 1) if 0 <= s < clip.spec.num_frames}
        drawn = {t: self.raster.render_scene(one_frame(scene, t), ("rgb",)) for t in sorted(around)}
        other = self._other_colour(clip, scene, frames[0]) or drawn[frames[0]]
        findings = []
        for camera, view in clip.views.items():
            if view.rgb is not None:
                again = {t: (_rgb(c, camera)[0], c.views[camera].labels.mask(0)) for t, c in drawn.items()}
                findings += order_findings(view.rgb, again, frames)
                findings += colour_findings(view.rgb[frames[0]], _rgb(other, camera)[0], view.labels.mask(frames[0]))
        return findings

    def _other_colour(self, clip: Clip, scene: Scene, t: int) -> Clip | None:
        """Frame ``t`` by Cycles where the rasteriser made the colour, if Cycles can."""
        if self.made_colour == "blender" or self.cycles is None or any(any(c.distortion) for c in clip.spec.cameras):
            return None
        return self.cycles.render_scene(one_frame(scene, t), ("rgb",))


def _rgb(clip: Clip, camera: str) -> np.ndarray:
    """(T, H, W, 3) uint8 of a clip that was rendered in colour."""
    rgb = clip.views[camera].rgb
    assert rgb is not None
    return rgb
