"""The preset surreact: its cameras, its plan, what its views share, and noise in poses."""

from dataclasses import replace

import numpy as np
import pytest
from people_results import vibe, walker

from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.config import SampleConfig
from mannequin.generator.environment import builtin_environments
from mannequin.generator.errors import ConfigError
from mannequin.generator.motion.ground_contact import lowest
from mannequin.generator.people import frame_times, person_pose
from mannequin.generator.rotations import from_axis_angle, of_one_sign, rodrigues, to_matrices
from mannequin.generator.sampling import plan_size, sample_clip
from mannequin.generator.spec import AppearanceSpec, ClipSpec, MotionSpec, PersonSpec

if not builtin_environments():
    pytest.skip("the built-in environments come with bpy, which is not installed", allow_module_level=True)

SHORT = SampleConfig(preset="surreact", frames=3, pose_noise=0.05)


@pytest.fixture(scope="module")
def catalog():
    return Catalog(Assets(motion=("wave", "clap", "bend")))


@pytest.fixture(scope="module")
def specs(catalog):
    return [sample_clip(SHORT, catalog, 4, i) for i in range(40)]


def stands(spec):
    return np.array([camera.T_world_camera[0] for camera in spec.cameras])


@pytest.mark.slow
def test_eight_cameras_stand_around_people_who_face_the_first(specs, catalog):
    for spec in specs[:6]:
        T, person = stands(spec), spec.people[0]
        joints = person_pose(person, catalog, frame_times(person, 3, 30.0)).joints
        middle = joints[1:-1, 0].mean(axis=0)
        assert np.abs(middle[:2]).max() < 1e-9 and len(T) == 8
        azimuth = np.degrees(np.arctan2(T[:, 0, 3], -T[:, 1, 3])) % 360
        assert np.abs((azimuth - 45 * np.arange(8) + 180) % 360 - 180).max() < 1e-6
        across = (joints[:, 1] - joints[:, 2]).sum(axis=0)  # to the left of who faces -y: along x
        assert abs(across[1]) < 1e-9 < across[0]
        to_middle = middle - T[:, :3, 3]
        assert np.abs(np.cross(to_middle, T[:, :3, 2])).max() < 1e-6
        assert {(c.fx, c.fy, c.cx, c.cy) for c in spec.cameras} == {(600.0, 600.0, 160.0, 120.0)}


@pytest.mark.slow
def test_distances_and_heights_are_surreacts_above_the_ground(specs):
    """Bounds exactly, means within four standard errors."""
    T = np.array([stands(spec)[0] for spec in specs])
    distance, height = -T[:, 1, 3], T[:, 2, 3]
    assert 4 <= distance.min() and distance.max() <= 6
    assert abs(distance.mean() - 5) < 4 * 2 / np.sqrt(12 * len(specs))
    assert 0.05 - 1e-9 <= height.min() < 0.7 and 2 < height.max() < 3.2  # the pelvis is at about 0.9 m


@pytest.mark.slow
def test_the_plan_is_every_motion_once_and_views_are_clips_where_each_looks_another_way(catalog):
    view = replace(SHORT, looks="view")
    assert (plan_size(SHORT, catalog), plan_size(view, catalog)) == (3, 24)
    names = [sample_clip(SHORT, catalog, 4, i).name for i in range(6)]
    assert len(set(names)) == 6
    assert {n.split("/")[1] for n in names} == {f"action_{a}_r0{r}" for a in ("wave", "clap", "bend") for r in (0, 1)}
    names = {sample_clip(view, catalog, 4, i).name for i in range(24)}
    assert len(names) == 24 and sum(name.endswith("_v315_r00") for name in names) == 3
    assert sample_clip(replace(SHORT, frames=None), catalog, 4, 0).num_frames == 241  # eight seconds


def test_views_that_look_another_way_share_motion_and_noise_alone(catalog):
    config = replace(SHORT, looks="view")
    group = [sample_clip(config, catalog, 4, i) for i in range(8, 16)]
    assert all(spec.people[0].motion == group[0].people[0].motion for spec in group)
    for what in (
        lambda s: s.people[0].betas,
        lambda s: s.people[0].appearance,
        lambda s: s.light,
        lambda s: s.cameras[0].T_world_camera[0][2][3],
    ):
        assert len({what(spec) for spec in group}) > 5
    assert len({spec.people[0].body for spec in group}) == 2
    assert [spec.tags["view"] for spec in group] == [45.0 * k for k in range(8)]
    azimuth = [np.degrees(np.arctan2(stands(s)[0, 0, 3], -stands(s)[0, 1, 3])) % 360 for s in group]
    assert np.abs((azimuth - 45 * np.arange(8) + 180) % 360 - 180).max() < 1e-6
    assert group[0].people[0].motion.noise != sample_clip(config, catalog, 4, 16).people[0].motion.noise


@pytest.mark.slow
def test_everybody_of_a_recording_is_there_while_all_are_and_of_one_gender(tmp_path):
    one, other = walker(60), walker(60, (1.2, 0.8), heading=180)
    tracks = {1: (*one, range(60)), 7: (other[0][:50], other[1][:50], range(5, 55)), 9: (*other, range(50, 110))}
    vibe(tmp_path / "S001A050.pkl", tracks)
    catalog, config = Catalog(Assets(motion=(str(tmp_path),))), SampleConfig(preset="surreact")
    assert plan_size(config, catalog) == 2 and plan_size(replace(config, people="1"), catalog) == 3
    found = {len(spec.people): spec for spec in (sample_clip(config, catalog, 0, i) for i in range(2))}
    alone, pair = found[1], found[2]
    assert (pair.num_frames, alone.num_frames) == (50, 60)
    assert sorted(p.motion.start for p in pair.people) == [0.0, pytest.approx(5 / 30)]
    for i in range(8):
        spec = sample_clip(config, catalog, i, 0)
        assert len({p.body for p in spec.people}) == 1
    first, second = (person_pose(p, catalog, frame_times(p, 50, 30.0)).joints[1:-1, 0] for p in pair.people)
    assert np.abs((first + second).mean(axis=0)[:2]).max() < 1e-9
    between = (second - first).mean(axis=0)
    assert abs(between[1]) < 1e-6 < abs(between[0])  # side by side before the first camera
    assert pair.tags["arrangement"] == "recorded" and pair.tags["people"] == 2.0


def test_more_people_than_a_clip_may_have_are_told_not_left_out(tmp_path, monkeypatch):
    one, other = walker(60), walker(60, (1.2, 0.8), heading=180)
    vibe(tmp_path / "S001A050.pkl", {1: (*one, range(60)), 7: (*other, range(60))})
    monkeypatch.setattr("mannequin.generator.presets.company.MOST_PEOPLE", 1)
    with pytest.raises(ConfigError, match="2 people were recorded together with .*at most 1 in a clip"):
        sample_clip(SampleConfig(preset="surreact"), Catalog(Assets(motion=(str(tmp_path),))), 0, 0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pose_noise": 0.7}, "0 to 0.5"),
        ({"pose_noise": -0.1}, "0 to 0.5"),
        ({"pose_noise": float("nan")}, "0 to 0.5"),
        ({"looks": "view", "preset": "studio"}, "--preset surreact"),
        ({"looks": "view", "cameras": "stereo:0.1"}, "ring:N or fixed"),
    ],
)
def test_impossible_options_are_refused(change, says, catalog):
    with pytest.raises(ConfigError, match=says):
        sample_clip(replace(SHORT, **change), catalog, 0, 0)
    if "cameras" in change:
        with pytest.raises(ConfigError, match=says):
            plan_size(replace(SHORT, **change), catalog)


# Noise


def person(noise=(), motion="walk", joints=24):
    return PersonSpec(
        "a",
        1,
        "mannequin-male",
        (0.5,),
        MotionSpec(f"action/{motion}", 0.0, {}, noise),
        AppearanceSpec("outfit/0"),
        joints=joints,
    )


def posed(catalog, *args, frames=40, **options):
    someone = person(*args, **options)
    return person_pose(someone, catalog, frame_times(someone, frames, 30.0))


@pytest.fixture(scope="module")
def every():
    return Catalog()


@pytest.mark.parametrize("joints", [24, 52])
def test_noise_is_added_to_quaternions_and_nothing_else(every, joints):
    noise = tuple(np.random.default_rng(0).uniform(-0.05, 0.05, 96).tolist())
    plain, noisy = posed(every, joints=joints), posed(every, noise, joints=joints)
    count = 24 if joints == 24 else 22
    q = of_one_sign(from_axis_angle(plain.pose[:, :count])) + np.reshape(noise, (24, 4))[:count]
    found = rodrigues(noisy.pose[:, :count])
    assert np.abs(found - to_matrices(q)).max() < 1e-9
    assert np.array_equal(noisy.pose[:, count:], plain.pose[:, count:])
    assert np.array_equal(posed(every, (0.0,) * 96).joints, posed(every, (0.0,) * 96).joints)
    assert np.abs(posed(every, (0.0,) * 96, joints=joints).joints - plain.joints).max() < 1e-9


@pytest.mark.parametrize("motion", ["walk", "jump", "kick"])
def test_noise_keeps_people_as_high_as_they_were(every, motion):
    """By joints alone; soles turned by the noise reach a little lower or higher than those of the plain pose."""
    noise = tuple(np.random.default_rng(1).uniform(-0.05, 0.05, 96).tolist())
    plain, noisy = posed(every, motion=motion), posed(every, noise, motion=motion)
    off = lowest(noisy.joints) - lowest(plain.joints)
    assert np.abs(off).max() < 0.04 and np.abs(noisy.joints - plain.joints).max() > 0.05
    step = np.abs(np.diff(noisy.joints[..., 2], axis=0)).max() - np.abs(np.diff(plain.joints[..., 2], axis=0)).max()
    assert step < 0.03  # nobody hops


@pytest.mark.slow
def test_noise_that_is_none_is_refused(specs):
    spec = specs[0]
    assert len(spec.people[0].motion.noise) == 96 and max(map(abs, spec.people[0].motion.noise)) <= 0.05
    assert ClipSpec.from_json(spec.to_json()) == spec
    for noise in ((0.1,) * 95, (float("nan"),) * 96, (1.5,) * 96):
        bad = replace(spec.people[0], motion=replace(spec.people[0].motion, noise=noise))
        with pytest.raises(ConfigError, match="motion.noise"):
            replace(spec, people=(bad,))
