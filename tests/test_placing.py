"""Several people in a clip: who they are, how they stand to each other, and that nobody gets into anybody."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from mannequin.generator import placing
from mannequin.generator.cameras import camera_track, project, to_camera
from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.config import SampleConfig
from mannequin.generator.environment import builtin_environments
from mannequin.generator.errors import ConfigError
from mannequin.generator.penetration import DEEPEST, Penetration, scene_penetration
from mannequin.generator.people import frame_times, perform, person_pose, person_vertices
from mannequin.generator.placing import Member, Spheres, cover, make_unit, meet, place_units
from mannequin.generator.presets import company
from mannequin.generator.presets.arrangement import SPACING, heading_of
from mannequin.generator.rigs.framing import clip_joints
from mannequin.generator.sampling import sample_clip
from mannequin.generator.scene import build_scene
from mannequin.generator.streams import stream
from mannequin.generator.tags import of_everybody, of_person
from tests.people_results import walker, wham

if not builtin_environments():
    pytest.skip("the built-in environments come with bpy, which is not installed", allow_module_level=True)

FRAMES = 6


@pytest.fixture(scope="module")
def catalog():
    return Catalog()


@pytest.fixture(scope="module")
def clip(catalog):
    """A clip by its options, drawn once."""
    known = {}

    def draw(preset="studio", index=0, **options):
        key = (preset, index, *sorted(options.items()))
        if key not in known:
            config = SampleConfig(preset=preset, **({"frames": FRAMES, "light": "sh"} | options))
            known[key] = sample_clip(config, catalog, 11, index)
        return known[key]

    return draw


# Spheres and places


def balls(*paths, radius=0.2):
    """A unit of balls on paths (T, 3)."""
    spheres = Spheres(np.stack([np.asarray(p, float) for p in paths], axis=1), np.full(len(paths), radius))
    return make_unit([Member(0, 0.0)], [spheres])


def test_balls_meet_between_frames_and_only_at_the_same_time():
    crossing = balls([(-1, 0, 1), (1, 0, 1), (3, 0, 1)])
    across = balls([(0, -1, 1), (0, 1, 1), (0, 3, 1)])
    later = balls([(0, -3, 1), (0, -1, 1), (0, 1, 1)])
    assert meet(crossing, across, 0.0) and not meet(crossing, later, 0.0)
    still = balls([(0, 0.45, 1)] * 3)
    assert not meet(crossing, still, 0.04) and meet(crossing, still, 0.06)
    assert meet(crossing, still, 0.0, 0.0, -0.06) and not meet(crossing, still, 0.0, 9.0, 0.0)


def test_places_are_apart_by_the_gap_and_widen_until_all_fit():
    units = [balls([(0, 0, 1), (0, 0.5, 1)]) for _ in range(9)]
    spots = place_units(units, stream(0, 0, "placing"), 0.3, 0.01)
    assert spots == place_units(units, stream(0, 0, "placing"), 0.3, 0.01)
    apart = [np.hypot(*np.subtract(a, b)) for n, a in enumerate(spots) for b in spots[:n]]
    assert min(apart) >= 0.4 + 0.3 - 1e-9 and max(apart) < 4.0


def test_places_end_somewhere(monkeypatch):
    monkeypatch.setattr(placing, "WIDEST", 0.5)
    assert place_units([balls([(0, 0, 1)]) for _ in range(9)], stream(0, 0, "placing"), 0.3, 0.01) is None


@pytest.mark.slow
@pytest.mark.parametrize("joints", [24, 52])
def test_spheres_hold_the_dressed_body(catalog, clip, joints):
    """All but folds at joints, which stand out by little."""
    person = clip(people="3", arrangement="near", joints=joints).people[1]
    times = frame_times(person, FRAMES, 30.0)
    done, model = perform(person, catalog, times), catalog.body(person.body, joints)
    spheres = cover(model, person.betas, catalog.clothes(person.appearance.texture, model), done)
    spheres = spheres.moved(person.yaw, *person.place[:2])
    skin = person_vertices(person, catalog, person_pose(person, catalog, times))
    for points, middles in zip(skin[::3], spheres.middles[::3], strict=True):
        outside = np.min(np.linalg.norm(points[:, None] - middles, axis=2) - spheres.radii, axis=1)
        assert (outside > 0).mean() < 0.1 and outside.max() < 0.04
        assert spheres.radii.max() <= 0.07


# Clips


@pytest.mark.parametrize("arrangement", SPACING)
def test_nobody_gets_into_anybody(catalog, clip, arrangement):
    """By the meshes; the tag says what is found in the scene that is rendered."""
    spec = clip(people="3", arrangement=arrangement)
    assert [p.name for p in spec.people] == ["person0", "person1", "person2"]
    assert spec.tags["people"] == 3 and spec.tags["arrangement"] == arrangement
    found = scene_penetration(build_scene(spec, catalog))
    assert found.depth == spec.tags["penetration"] <= DEEPEST


def test_people_in_each_other_are_found_in_the_scene(catalog, clip):
    spec = clip(people="3", arrangement="near")
    first, second, third = spec.people
    spec = replace(spec, people=(first, replace(second, place=first.place), third))
    found = scene_penetration(build_scene(spec, catalog))
    assert found.depth > 0.03 and set(found.pair) == {"person0", "person1"} and -1 <= found.frame <= FRAMES


def test_everybody_is_drawn_from_streams_of_their_own(clip):
    """One more person, or another arrangement, changes nobody but where they stand and face."""

    def who(person):
        return replace(person, place=(0, 0, 0), yaw=0.0)

    three, two, one = (clip(people=n, arrangement="apart") for n in "321")
    near = clip(people="3", arrangement="near")
    assert [who(p) for p in three.people[:2]] == [who(p) for p in two.people] and who(two.people[0]) == who(
        one.people[0]
    )
    assert [who(p) for p in near.people] == [who(p) for p in three.people]
    assert three.light == two.light == one.light and one.people[0].place == (0, 0, 0)
    assert not {"people", "arrangement", "penetration"} & set(one.tags)
    assert clip(people="1", arrangement="apart") == clip()


@pytest.mark.slow
def test_ranges_draw_each_number_and_any_draws_each_arrangement(catalog):
    config = SampleConfig(frames=1, fps=5.0, people="1-3", light="sh")
    specs = [sample_clip(config, catalog, 2, k) for k in range(24)]
    assert {len(s.people) for s in specs} == {1, 2, 3}
    assert {s.tags["arrangement"] for s in specs if len(s.people) > 1} == set(SPACING)


def middles(spec, catalog):
    return [clip_joints(p, catalog, spec.num_frames, spec.fps)[:, 0, :2] for p in spec.people]


def headings(spec, catalog):
    done = [perform(p, catalog, frame_times(p, spec.num_frames, spec.fps)) for p in spec.people]
    return [heading_of(p, d) + p.yaw for p, d in zip(spec.people, done, strict=True)]


@pytest.mark.parametrize("index", range(3))
def test_pairs_face_each_other(catalog, clip, index):
    spec = clip(people="3", arrangement="facing", index=index)
    (a, b, _), (one, other, _) = middles(spec, catalog), headings(spec, catalog)
    towards = (b[0] - a[0]) / np.linalg.norm(b[0] - a[0])
    assert 0.85 < np.linalg.norm(b[0] - a[0]) < 2.5
    assert np.cos(one) * towards[0] + np.sin(one) * towards[1] > 0.9
    assert np.cos(other) * towards[0] + np.sin(other) * towards[1] < -0.9


def test_people_walk_together(catalog, clip):
    spec = clip(people="3", arrangement="together")
    (a, b, c), turned = middles(spec, catalog), headings(spec, catalog)
    assert len({p.motion.asset for p in spec.people}) == 1
    starts = [p.motion.start for p in spec.people]
    assert len(set(starts)) == 3 and np.ptp(starts) < 1.0
    assert np.allclose(np.cos(np.subtract(turned, turned[0])), 1.0, atol=1e-9)
    forward = np.array([np.cos(turned[0]), np.sin(turned[0])])
    for left, right in ((b, a), (c, b)):
        beside = left[0] - right[0]
        assert abs(beside @ forward) < 0.3 and 0.5 < forward[0] * beside[1] - forward[1] * beside[0] < 1.5
    assert isinstance(spec.tags["action"], str) and "; " not in spec.tags["action"]


def test_who_walks_faces_the_way_they_go(catalog, clip):
    person = clip().people[0]
    person = replace(person, motion=replace(person.motion, asset="action/walk", style={}))
    done = perform(person, catalog, frame_times(person, 30, 30.0))
    went = done.transl[-1] - done.transl[0]
    assert np.cos(heading_of(person, done) - np.arctan2(went[1], went[0])) > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["crowd", "surreal"])
def test_every_preset_holds_all_people_in_the_frame(catalog, clip, preset):
    for index in range(2):
        spec = clip(preset, index, keep_in_frame=True, people="4")
        h, w = spec.resolution
        (camera,) = spec.cameras
        joints = np.concatenate([clip_joints(p, catalog, spec.num_frames, spec.fps) for p in spec.people], axis=1)
        seen = to_camera(joints, np.array(camera.T_world_camera[0]))
        pixels = project(seen, camera_track(camera, 1)[0][0])
        assert (seen[..., 2] > 0.3).all() and (pixels > 0).all() and (pixels < [w, h]).all()
    assert spec.preset == preset and len(spec.people) == 4


def test_surreals_camera_looks_at_the_middle_of_several(clip):
    spec = clip("surreal", people="3", arrangement="near")
    pose = np.array(spec.cameras[0].T_world_camera[0])
    assert np.isclose(pose[1, 3], np.mean([p.place[1] for p in spec.people]))
    assert spec.tags["sequence"] == spec.people[0].motion.asset.replace("/", "_")


def test_lamps_stand_beyond_the_people(clip):
    one, many = clip(light="lamps"), clip(light="lamps", people="6", arrangement="apart")
    apart = [np.hypot(*lamp.position[:2]) for s in (one, many) for lamp in s.light.lamps[:1]]
    reach = max(np.hypot(*p.place[:2]) for p in many.people)
    assert apart[1] > max(apart[0], reach) and many.light.lamps[0].power > one.light.lamps[0].power


# What cannot be


@pytest.mark.parametrize("people", ["0", "9x", "", "3-2", "1-65", "-2", "1,2", "٣"])
def test_impossible_numbers_of_people_are_refused(catalog, people):
    with pytest.raises(ConfigError, match="people is .*expected a number from 1 to 64"):
        sample_clip(SampleConfig(people=people), catalog, 0, 0)


def test_people_beyond_the_memory_are_refused_before_they_are_drawn(catalog):
    with pytest.raises(ConfigError, match=r"64 people in 1000 frames take 11 GB .*at most 6 GB.*--people or --frames"):
        sample_clip(SampleConfig(people="2-64", frames=1000), catalog, 0, 0)


def test_an_unknown_arrangement_suggests_the_nearest(catalog):
    with pytest.raises(ConfigError, match="'crowd'"):
        sample_clip(SampleConfig(people="2", arrangement="crowdy"), catalog, 0, 0)


def test_people_who_cannot_be_placed_are_told_what_to_lower(catalog, monkeypatch):
    monkeypatch.setattr(placing, "WIDEST", 0.1)
    monkeypatch.setattr(placing, "MOST_DRAWS", 3)
    with pytest.raises(ConfigError, match=r"The 8 people .* 6 frames .*--people or --frames.*than apart \(near, "):
        sample_clip(SampleConfig(frames=FRAMES, people="8", arrangement="apart"), catalog, 0, 0)


def test_people_in_each_other_are_placed_anew_then_given_up(catalog, clip, monkeypatch):
    depths = [0.02, 0.0]
    monkeypatch.setattr(
        company, "deepest_penetration", lambda *_, **__: Penetration(depths.pop(0), ("person0", "person1"))
    )
    config = SampleConfig(frames=FRAMES, people="3", arrangement="near", light="sh")
    again = sample_clip(config, catalog, 11, 0)
    before = clip(people="3", arrangement="near")
    assert [p.motion for p in again.people] == [p.motion for p in before.people]
    assert [p.place for p in again.people] != [p.place for p in before.people]
    depths[:] = [0.02] * company.MOST_TRIES
    with pytest.raises(ConfigError, match=r"person0 and person1 being 0\.020 m in each other.*--people"):
        sample_clip(config, catalog, 11, 0)
    assert not depths


# Recordings of two


@dataclass(frozen=True)
class Recorded:
    """A built-in action as if it had been recorded at a place, with somebody else."""

    motion: object
    partners: tuple[str, ...]
    at: tuple[float, float]
    begin: float

    def __getattr__(self, name):
        return getattr(self.motion, name)

    def sample(self, times, skeleton, style):
        track = self.motion.sample(times, skeleton, {})
        return replace(track, transl=track.transl + [*self.at, 0.0])


class Pairs(Catalog):
    """Whoever waves was recorded with somebody who claps, 0.9 m to the world's x of them, and begins 0.25 s later."""

    apart = 0.9

    def motion(self, motion_id):
        motion = super().motion(motion_id)
        if motion_id == "action/wave":
            return Recorded(motion, ("action/clap",), (5.0, 3.0), 0.25)
        if motion_id == "action/clap":
            return Recorded(motion, ("action/wave",), (5.0 + self.apart, 3.0), 0.0)
        return motion


def pairs_in(spec):
    found = []
    for one, other in zip(spec.people, spec.people[1:], strict=False):
        if {one.motion.asset, other.motion.asset} == {"action/wave", "action/clap"}:
            found.append((one, other))
    return found


@pytest.mark.slow
def test_who_was_recorded_together_stays_together(clip):
    catalog, config = Pairs(), SampleConfig(frames=3, people="4", arrangement="near", light="sh")
    specs = [sample_clip(config, catalog, 1, k) for k in range(6)]
    found = [pair for spec in specs for pair in pairs_in(spec)]
    assert found
    for one, other in found:
        sign = 1 if one.motion.asset == "action/wave" else -1
        assert other.motion.start == one.motion.start + sign * 0.25 and one.yaw == other.yaw
        away = sign * np.subtract(other.place, one.place)[:2]
        a, b = (person_pose(p, catalog, frame_times(p, 3, 30.0)).joints[1, 0] for p in (one, other))
        assert np.allclose(sign * (b - a)[:2], away, atol=1e-9)
        turned = [
            np.cos(one.yaw) * away[0] + np.sin(one.yaw) * away[1],
            np.cos(one.yaw) * away[1] - np.sin(one.yaw) * away[0],
        ]
        assert np.allclose(turned, [0.9, 0.0], atol=0.15)  # pelvises sway a little about where they were recorded


@pytest.mark.slow
def test_people_of_a_video_are_to_each_other_as_they_were(tmp_path):
    """Track 7 begins 20 frames after track 1, 1.2 m by 0.8 m from there."""
    one, other = walker(60), walker(60, (1.2, 0.8), heading=180)
    wham(tmp_path / "a.pkl", {1: (*one, range(60)), 7: (other[0][:50], other[1][:50], range(20, 70))})
    catalog = Catalog(Assets(motion=(str(tmp_path / "a.pkl"),)))
    apart, together = np.linalg.norm((other[1][0] - one[1][20])[:2]), 0
    for index in range(8):
        spec = sample_clip(SampleConfig(frames=10, people="2", arrangement="near", light="sh"), catalog, 3, index)
        start = {p.motion.asset: p.motion.start for p in spec.people}
        if len(start) == 2 and np.isclose(start["a#1"] - start["a#7"], 20 / 30):
            a, b = middles(spec, catalog)
            assert np.allclose(np.linalg.norm(b - a, axis=1), apart, atol=5e-3) and spec.num_frames == 10
            together += 1
    assert 2 <= together < 8  # where both are there for ten frames


@pytest.mark.slow
def test_who_was_recorded_in_each_other_is_drawn_anew(monkeypatch):
    catalog, config = Pairs(), SampleConfig(frames=3, people="4", arrangement="near", light="sh")
    index = next(k for k in range(9) if pairs_in(sample_clip(config, catalog, 1, k)))
    monkeypatch.setattr(Pairs, "apart", 0.1)
    spec = sample_clip(config, catalog, 1, index)
    assert not pairs_in(spec) and spec.tags["penetration"] <= DEEPEST


# What is said of everybody


def test_tags_of_everybody(clip):
    assert of_everybody(["walk", "walk"]) == "walk" and of_everybody(["walk", "run; jump"]) == "walk; run, jump"
    spec = clip(people="3", arrangement="apart")
    actions = [p.motion.asset.removeprefix("action/") for p in spec.people]
    assert spec.tags["action"] == "; ".join(actions) and len(set(actions)) > 1
    assert [of_person(spec, "action", p.name) for p in spec.people] == actions
    assert of_person(spec, "people", "person0") == 3 and of_person(spec, "action", "") == spec.tags["action"]
    same = replace(spec, tags=spec.tags | {"action": "walk"})
    assert [of_person(same, "action", p.name) for p in spec.people] == ["walk"] * 3
