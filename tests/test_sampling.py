"""Sampling: purity, distributions, framing, splits."""

from dataclasses import fields, replace

import numpy as np
import pytest

from mannequin.generator.cameras import camera_track, project, to_camera
from mannequin.generator.catalog import Assets, Catalog, members
from mannequin.generator.config import ResolvedConfig, SampleConfig
from mannequin.generator.environment import builtin_environments
from mannequin.generator.errors import ConfigError
from mannequin.generator.presets import PRESETS
from mannequin.generator.presets.sampler import Sampler
from mannequin.generator.presets.surreal import clips_in
from mannequin.generator.records import to_plain
from mannequin.generator.rigs.framing import clip_joints
from mannequin.generator.sampling import plan_size, resolve, sample_clip
from mannequin.generator.spec import ClipSpec

if not builtin_environments():
    pytest.skip("the built-in environments come with bpy, which is not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def catalog():
    return Catalog()


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_same_arguments_same_clip_whatever_was_drawn_before(preset, catalog):
    config = SampleConfig(preset=preset, frames=8)
    forward = [sample_clip(config, catalog, 0, i) for i in range(4)]
    backward = [sample_clip(config, Catalog(), 0, i) for i in (3, 2, 1, 0)]
    assert forward == backward[::-1]
    assert len({s.to_json() for s in forward}) == 4
    assert all(ClipSpec.from_json(s.to_json()) == s for s in forward)


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_changing_one_option_leaves_other_factors_alone(preset, catalog):
    """Light of another kind, or fingers, must not change who does what before which camera."""
    base = sample_clip(SampleConfig(preset=preset, frames=8), catalog, 5, 2)
    lamps = sample_clip(SampleConfig(preset=preset, frames=8, light="lamps"), catalog, 5, 2)
    assert lamps.light != base.light
    assert (lamps.people, lamps.cameras, lamps.name) == (base.people, base.cameras, base.name)
    fingers = sample_clip(SampleConfig(preset=preset, frames=8, joints=52), catalog, 5, 2)
    for person, other in zip(base.people, fingers.people, strict=True):
        assert replace(person, joints=52, place=other.place) == other
        assert np.allclose(person.place, other.place, atol=1e-6)  # of surreact, where they are on the average
    assert fingers.light == base.light


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_two_people_of_a_clip_are_no_clones(preset, catalog):
    """Each draws from streams of their own; the first draws what they drew alone."""
    config = resolve(SampleConfig(preset=preset, frames=8))
    pairs = []
    for index in range(12):
        sampler = Sampler(catalog, 5, index, config.split)
        one, two = (sampler.person(config, number) for number in range(2))
        assert (one.name, one.instance, two.name, two.instance) == ("person0", 1, "person1", 2)
        assert two == sampler.person(config, 1) and sampler.person(config, 2) != two
        assert one.betas != two.betas and one.yaw != two.yaw and one.motion != two.motion
        pairs.append((one, two))
    same_clothes = sum(one.appearance == two.appearance for one, two in pairs)
    same_body = sum(one.body == two.body for one, two in pairs)
    same_action = sum(one.motion.asset == two.motion.asset for one, two in pairs)
    assert same_clothes == 0 and 0 < same_body < 12 and same_action < 6
    if preset == "studio":
        assert [one for one, _ in pairs] == [sample_clip(config, catalog, 5, i).people[0] for i in range(12)]


def test_seeds_differ_and_zero_is_one_of_them(catalog):
    config = SampleConfig(preset="surreal", frames=8)
    assert len({sample_clip(config, catalog, seed, 0).to_json() for seed in (0, 1, 2)}) == 3


@pytest.mark.slow
def test_surreal_distributions(catalog):
    """The table of the thesis: bounds exactly, means within four standard errors."""
    n = 300
    specs = [sample_clip(SampleConfig(preset="surreal", frames=2, fps=5.0), catalog, 0, i) for i in range(n)]
    c = np.array([s.light.coefficients for s in specs])
    assert 0.5 <= c[:, 0].min() and c[:, 0].max() < 1.4
    assert -0.7 < c[:, 1].min() and c[:, 1].max() <= 0
    assert np.abs(c[:, 2:]).max() <= 0.7 and abs(c[:, 2:].mean()) < 4 * 0.7 / np.sqrt(3 * 7 * n)
    distance = np.array([s.cameras[0].T_world_camera[0][0][3] for s in specs])
    assert abs(distance.mean() - 8) < 4 / np.sqrt(n) and 0.85 < distance.std() < 1.15
    yaw = np.array([s.people[0].yaw for s in specs])
    assert 0 <= yaw.min() and yaw.max() < 2 * np.pi and abs(np.exp(1j * yaw).mean()) < 4 / np.sqrt(n)
    female = np.mean([s.people[0].body.endswith("female") for s in specs])
    assert abs(female - 0.5) < 4 * 0.5 / np.sqrt(n)
    K, _ = camera_track(sample_clip(SampleConfig(preset="surreal", frames=2), catalog, 0, 0).cameras[0], 2)
    assert K[0].tolist() == [[600, 0, 160], [0, 600, 120], [0, 0, 1]]


def test_surreal_clip_counts_follow_the_released_lists():
    """ceil((n − (100 − step)) / step); 49_08 has 144 frames at 30 Hz."""
    assert [clips_in(144, 100, s) for s in (50, 30, 70)] == [2, 3, 2]
    assert [clips_in(100, 100, s) for s in (50, 30, 70)] == [1, 1, 1]
    assert clips_in(10, 100, 50) == 1


@pytest.mark.slow
def test_surreal_plan_covers_each_clip_once(catalog):
    config = resolve(SampleConfig(preset="surreal", frames=100))
    small = Catalog(Assets(motion=("walk", "jump")))
    size = plan_size(config, small)
    names = [sample_clip(config, small, 3, i).name for i in range(size)]
    assert len(set(names)) == size
    assert sample_clip(config, small, 3, size).name == names[0] + "_1"


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_bodies_stay_in_frame_when_asked(preset, catalog):
    config = SampleConfig(preset=preset, frames=20, keep_in_frame=True)
    for index in range(12 if preset != "crowd" else 2):
        spec = sample_clip(config, catalog, 1, index)
        h, w = spec.resolution
        for camera in spec.cameras:
            joints = np.stack([clip_joints(p, catalog, spec.num_frames, spec.fps) for p in spec.people])
            seen = to_camera(joints, np.array(camera.T_world_camera[0]))
            pixels = project(seen, camera_track(camera, 1)[0][0])
            assert (seen[..., 2] > 0.3).all()
            assert (pixels > 0).all() and (pixels < [w, h]).all()


@pytest.mark.slow
def test_splits_share_nothing(catalog):
    config = SampleConfig(preset="surreal", frames=2, fps=5.0)
    seen = {
        split: [sample_clip(replace(config, split=split), catalog, 0, i) for i in range(60)]
        for split in ("train", "test")
    }
    for what in (
        lambda s: s.people[0].appearance.texture,
        lambda s: s.background.environment,
        lambda s: s.people[0].betas,
    ):
        assert not {what(s) for s in seen["train"]} & {what(s) for s in seen["test"]}


def test_members_divide_four_to_one_and_share_when_too_few():
    items = tuple(f"subject{k}" for k in range(100))
    assert len(members(items, "test")) == 20 and set(members(items, "train")) == set(items) - set(
        members(items, "test")
    )
    assert members(("a", "b"), "test") == ("a", "b")
    with pytest.raises(ConfigError, match="split"):
        members(items, "validation")


@pytest.mark.parametrize("preset", PRESETS)
def test_resolved_options_say_the_same_in_the_same_order(preset):
    """Their fields are what dataset.json records, in that order; nothing is open any more, and what was given stays."""
    config = SampleConfig(preset=preset, frames=7, keep_in_frame=False)
    resolved = resolve(config)
    assert [f.name for f in fields(resolved)] == [f.name for f in fields(config)]
    given, values = to_plain(config), to_plain(resolved)
    assert None not in values.values() and given == {k: None if given[k] is None else v for k, v in values.items()}
    assert resolve(resolved) == resolved
    with pytest.raises(TypeError, match="frames"):
        ResolvedConfig(preset=preset)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"preset": "surreel"}, "surreal"),
        ({"frames": 0}, "frames"),
        ({"frames": -5}, "frames"),
        ({"size": (0, 320)}, "height"),
        ({"size": (240, 10**6)}, "width"),
        ({"fps": 0.0}, "fps"),
        ({"samples": 0}, "samples"),
    ],
)
def test_impossible_options_are_refused(change, says, catalog):
    with pytest.raises(ConfigError, match=says):
        sample_clip(SampleConfig(**change), catalog, 0, 0)


def test_unknown_action_suggests_the_nearest():
    with pytest.raises(ConfigError, match="'walk'"):
        _ = Catalog(Assets(motion=("wallk",))).motions
