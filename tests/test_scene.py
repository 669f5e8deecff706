"""From descriptions to posed scenes: the ground, and clips that earlier versions wrote."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mannequin.generator.catalog import Catalog
from mannequin.generator.clip import LABELS
from mannequin.generator.dataset.native import read_clip
from mannequin.generator.dataset.packing import SCALES
from mannequin.generator.scene import build_scene
from mannequin.generator.spec import ClipSpec, PlaneGround
from mannequin.renderers.raster.renderer import RasterRenderer

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def catalog():
    return Catalog()


@pytest.mark.parametrize("height", [1.25, -0.5])
def test_people_stand_on_the_ground(catalog, height):
    spec = ClipSpec.from_json((DATA / "spec_version_1.json").read_text())
    spec = replace(spec, people=(spec.people[0], replace(spec.people[1], place=(0.6, 0.5, 0.2))))
    low, high = (build_scene(replace(spec, ground=g), catalog) for g in (PlaneGround(), PlaneGround(height)))
    lift = np.array([0.0, 0.0, height])
    for mesh, raised, moves in zip(low.meshes, high.meshes, (True, True, False, False, False), strict=True):
        np.testing.assert_allclose(raised.vertices, mesh.vertices + lift * moves, atol=1e-5)
    for name, track in low.people.items():
        np.testing.assert_allclose(high.people[name].joints, track.joints + lift, atol=1e-5)
    lowest = [mesh.vertices[1][:, 2].min() for mesh in high.meshes[:2]]
    np.testing.assert_allclose(lowest, (height, height + 0.2), atol=0.03)
    nowhere = build_scene(replace(spec, ground=None), catalog)
    assert all((a.vertices == b.vertices).all() for a, b in zip(low.meshes, nowhere.meshes, strict=True))


def test_a_clip_of_version_1_is_rendered_again_as_it_was(catalog):
    """From its upgraded description: to the step in which labels are stored, classes exactly."""
    old = read_clip(DATA / "clip_version_1.h5")
    assert old.spec.version == 2 and old.spec.instances == {1: "person0"}
    again = RasterRenderer(catalog).render(old.spec, [n for n in LABELS if n in old.views["camera0"].channels])
    view, seen = old.views["camera0"], again.views["camera0"]
    assert (view.labels.pixels == seen.labels.pixels).all() and (view.labels.offsets == seen.labels.offsets).all()
    for name, value in view.labels.values.items():
        step = SCALES.get(name, 0)
        assert np.abs(value.astype(float) - seen.labels.values[name]).max() <= step
    for name, person in view.people.items():
        assert (person.box == seen.people[name].box).all() and (person.visible == seen.people[name].visible).all()
    np.testing.assert_allclose(again.people["person0"].joints, old.people["person0"].joints, atol=1e-6)
