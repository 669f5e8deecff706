"""Built-in actions: feet that hold, limbs that bend the right way, motion that is smooth and repeatable."""

import time
from functools import cache

import numpy as np
import pytest

from mannequin.generator.body.builtin import load_builtin
from mannequin.generator.body.lbs import make_skeleton
from mannequin.generator.errors import ConfigError
from mannequin.generator.motion.actions.jump import JUMP
from mannequin.generator.motion.actions.sit import seat
from mannequin.generator.motion.base import PoseTrack
from mannequin.generator.motion.kinematics.figure import Figure, mirror_order, mirror_skeleton
from mannequin.generator.motion.procedural import ACTIONS, complete_style, load_action, sample_style
from mannequin.generator.motion.skeletons import ANKLE, ELBOW, KNEE, WRIST
from mannequin.generator.rotations import rodrigues

FPS = 30.0
NAMES = sorted(ACTIONS)
PEOPLE = (("neutral", 24, None), ("female", 52, 1), ("male", 24, 2))


@cache
def skeleton_of(gender="neutral", joints=24, seed=None):
    model = load_builtin(gender, joints)
    betas = np.zeros(model.num_betas) if seed is None else np.random.default_rng(seed).normal(0.0, 1.2, model.num_betas)
    return make_skeleton(model, betas)


@cache
def performances(name):
    """(style, skeleton, track, joints (T, J, 3), orientations, soles (T, 2K, 3)) of several people and styles."""
    rng, out = np.random.default_rng(7), []
    for person in PEOPLE:
        for k in range(4):
            style = sample_style(rng, ACTIONS[name]) if k else {}
            skeleton = skeleton_of(*person)
            track = load_action(name).sample(np.arange(240) / FPS + 0.01, skeleton, style)
            out.append((style, skeleton, track) + posed(skeleton, track))
    return out


def posed(skeleton, track: PoseTrack):
    """Joint positions, orientations and sole points in the world, by plain forward kinematics."""
    local = rodrigues(track.pose)
    at, turned = np.zeros(track.pose.shape), np.zeros_like(local)
    for j, p in enumerate(skeleton.parents):
        if p < 0:
            turned[:, j], at[:, j] = local[:, j], skeleton.joints[j] + track.transl
        else:
            turned[:, j] = turned[:, p] @ local[:, j]
            at[:, j] = at[:, p] + turned[:, p] @ (skeleton.joints[j] - skeleton.joints[p])
    soles = [
        at[:, carriers] + np.einsum("tkij,kj->tki", turned[:, carriers], points - skeleton.joints[carriers])
        for points, carriers in zip(skeleton.soles, skeleton.sole_joints)
    ]
    return at, turned, np.concatenate(soles, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_soles_on_the_floor_neither_slide_nor_sink(name):
    for style, _, _, _, _, soles in performances(name):
        assert soles[..., 2].min() > -1e-6, style
        touching = np.maximum(soles[1:, :, 2], soles[:-1, :, 2]) < 0.001
        step = np.linalg.norm(np.diff(soles[..., :2], axis=0), axis=-1) * touching
        assert step.max() < 0.002, style
        if name not in ("run", "jump"):
            assert soles[..., 2].min(1).max() < 0.005, "someone floats"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_motion_is_smooth(name):
    fast = name in ("run", "jump", "kick", "walk")
    for style, _, _, at, _, _ in performances(name):
        assert np.linalg.norm(np.diff(at, axis=0), axis=-1).max() * FPS < (17.0 if fast else 6.0), style
        acceleration = np.linalg.norm(np.diff(at, 2, axis=0), axis=-1) * FPS**2
        assert acceleration.max() < (330.0 if fast else 120.0), style
        chest = acceleration[:, 9].max()
        assert chest < (60.0 if fast else 15.0), style


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_curve_through_time_is_continuous(name):
    """At a 20 times finer step everything moves about 20 times less."""
    skeleton, action = skeleton_of(), load_action(name)
    steps = []
    for rate in (1000.0, 20000.0):
        times = np.arange(0.0, 8.0, 0.0101)
        near = action.sample(times + 1.0 / rate, skeleton, {})
        here = action.sample(times, skeleton, {})
        steps.append(np.abs(posed(skeleton, near)[0] - posed(skeleton, here)[0]).max())
    assert steps[1] < 0.1 * steps[0]


@pytest.mark.parametrize("name", NAMES)
def test_knees_and_elbows_bend_one_way_and_not_too_far(name):
    for style, _, track, _, _, _ in performances(name):
        knees = np.degrees(track.pose[:, KNEE])
        assert knees[..., 0].min() >= 0.0 and knees[..., 0].max() < 150.0, style
        assert np.abs(knees[..., 1:]).max() == 0.0
        local = rodrigues(track.pose[:, ELBOW])
        flexion = np.degrees(np.arctan2(local[..., 2, 0] * [-1, 1], local[..., 0, 0])) * [-1, -1]
        assert flexion.min() > -1.0 and flexion.max() < 150.0, style
        assert np.degrees(np.linalg.norm(track.pose[:, ANKLE], axis=-1)).max() < 65.0, style
        assert np.degrees(np.linalg.norm(track.pose[:, WRIST], axis=-1)).max() < 85.0, style


@pytest.mark.parametrize("name", NAMES)
def test_hands_stay_out_of_the_trunk_and_of_each_other(name):
    for style, skeleton, _, at, turned, _ in performances(name):
        size = Figure(skeleton).stature / 1.7
        for side in (0, 1):
            knuckles = at[:, WRIST[side]] + turned[:, WRIST[side]] @ np.array([(0.08, -0.08)[side], 0.0, 0.0])
            for point in (at[:, WRIST[side]], knuckles):
                assert distance_to_bone(point, at[:, 0], at[:, 9]).min() > 0.105 * size, style
                assert distance_to_bone(point, at[:, 9], at[:, 12]).min() > 0.105 * size, style
        assert np.linalg.norm(at[:, WRIST[0]] - at[:, WRIST[1]], axis=-1).min() > 0.02, style


def distance_to_bone(points, start, end):
    along = end - start
    share = np.clip(((points - start) * along).sum(-1) / (along * along).sum(-1), 0.0, 1.0)
    return np.linalg.norm(points - start - share[:, None] * along, axis=-1)


@pytest.mark.parametrize("name", [n for n in NAMES if "side" in ACTIONS[n].parameters])
def test_the_other_side_is_the_mirror_image(name):
    skeleton = skeleton_of("male", 52, 2)
    times = np.linspace(0.0, 5.0, 20)
    right = load_action(name).sample(times, skeleton, {"side": -1.0})
    left = load_action(name).sample(times, mirror_skeleton(skeleton), {"side": 1.0})
    at, other = posed(skeleton, right)[0], posed(mirror_skeleton(skeleton), left)[0]
    np.testing.assert_allclose(at[:, mirror_order(52)] * [-1, 1, 1], other, atol=1e-9)
    if name not in ("kick", "turn"):
        moved = np.abs(right.pose - right.pose[:1]).max((0, 2))
        assert moved[17] > 0.5 > moved[16], "below 0 it is the right arm that acts"


@pytest.mark.parametrize("name", NAMES)
def test_pure_function_of_time(name):
    skeleton, times = skeleton_of("female", 52, 1), np.linspace(-3.0, 20.0, 50)
    whole = load_action(name).sample(times, skeleton, {"variation": 5.0})
    again = load_action(name).sample(times, skeleton, {"variation": 5.0})
    single = load_action(name).sample(times[17:18], skeleton, {"variation": 5.0})
    assert whole.pose.tobytes() == again.pose.tobytes() and whole.transl.tobytes() == again.transl.tobytes()
    np.testing.assert_allclose(whole.pose[17], single.pose[0], atol=1e-9)
    assert whole.pose.shape == (50, 52, 3) and np.isfinite(whole.pose).all()
    other = load_action(name).sample(times, skeleton, {"variation": 6.0})
    assert np.abs(other.pose - whole.pose).max() > 0.01


@pytest.mark.parametrize("name", NAMES)
def test_at_the_start_people_stand_upright_and_face_the_viewer(name):
    skeleton = skeleton_of()
    track = load_action(name).sample(np.zeros(1), skeleton, {})
    _, turned, _ = posed(skeleton, track)
    assert turned[0, 0, 2, 1] > 0.9, "up is the world's Z"
    assert turned[0, 0, 1, 2] < -0.9, "forward is the world's -Y"


@pytest.mark.parametrize("name,speed", [("walk", 0.7), ("walk", 1.27), ("walk", 1.9), ("run", 2.2), ("run", 4.0)])
def test_gait_has_the_speed_asked_for(name, speed):
    skeleton = skeleton_of()
    track = load_action(name).sample(np.array([0.0, 30.0]), skeleton, {"speed": speed})
    assert -np.diff(track.transl[:, 1])[0] / 30.0 == pytest.approx(speed, rel=0.05)


def test_curved_path_turns_left_for_positive_curvature():
    track = load_action("walk").sample(np.array([0.0, 4.0]), skeleton_of(), {"curve": 0.2})
    assert track.transl[1, 0] - track.transl[0, 0] > 1.0


def test_running_leaves_the_floor_and_falls_freely():
    skeleton, dt = skeleton_of(), 1.0 / 240.0
    for speed in (2.0, 3.0, 5.0):
        track = load_action("run").sample(np.arange(0.0, 3.0, dt), skeleton, {"speed": speed})
        at, _, soles = posed(skeleton, track)
        clear = soles[..., 2].min(1) > 0.006
        assert clear.mean() > 0.08
        falling = clear[:-2] & clear[1:-1] & clear[2:]
        assert np.median(np.diff(at[:, 0, 2], 2)[falling]) / dt**2 == pytest.approx(-9.81, abs=1.0)


def test_jump_is_ballistic_and_as_high_as_asked():
    skeleton, dt = skeleton_of(), 1.0 / 240.0
    for height in (0.1, 0.25, 0.45):
        track = load_action("jump").sample(np.arange(0.0, 2.5, dt), skeleton, {"height": height, "idle": 0.3})
        at, _, soles = posed(skeleton, track)
        pelvis, clear = at[:, 0, 2], soles[..., 2].min(1) > 0.004
        inner = np.flatnonzero(clear)[6:-6]
        assert len(inner) > 20
        acceleration = np.diff(pelvis, 2)[inner - 1] / dt**2
        assert np.abs(acceleration + 9.81).max() < 1.5
        assert pelvis.max() - pelvis[inner[0]] <= height + 0.01
        assert soles[..., 2].min(1).max() > 0.8 * height


def test_kick_reaches_its_height():
    skeleton = skeleton_of()
    figure = Figure(skeleton)
    for angle in (0.8, 1.25, 1.6):
        track = load_action("kick").sample(np.arange(0.0, 3.0, 0.01), skeleton, {"height": angle, "side": 1.0})
        at = posed(skeleton, track)[0]
        hanging = figure.pelvis_height - 0.07 - figure.leg_reach[0] * np.cos(angle)
        assert at[:, ANKLE[0], 2].max() > hanging - 0.06
        assert -(at[:, ANKLE[0], 1] - at[:, ANKLE[1], 1]).min() > 0.4 * np.sin(angle)


def test_sitting_reaches_the_chair_and_rests_there():
    for person in PEOPLE:
        skeleton = skeleton_of(*person)
        for chair in (0.85, 1.0, 1.2):
            track = load_action("sit").sample(np.linspace(3.2, 4.2, 20), skeleton, {"chair": chair})
            height, _ = seat(Figure(skeleton), complete_style(ACTIONS["sit"], {"chair": chair}))
            pelvis = posed(skeleton, track)[0][:, 0, 2]
            np.testing.assert_allclose(pelvis, height, atol=0.02)


def test_reach_gets_to_its_height():
    skeleton = skeleton_of()
    figure = Figure(skeleton)
    for height in (0.3, 0.6, 0.85, 1.1):
        track = load_action("reach").sample(np.array([1.6]), skeleton, {"height": height, "side": 1.0})
        wrist = posed(skeleton, track)[0][0, WRIST[0]]
        assert wrist[2] == pytest.approx(height * figure.stature, abs=0.09)


def test_bend_brings_the_hands_to_the_floor():
    skeleton = skeleton_of()
    track = load_action("bend").sample(np.array([1.75]), skeleton, {})
    assert posed(skeleton, track)[0][0, WRIST, 2].max() < 0.25 * Figure(skeleton).leg


def test_turn_turns_by_the_angle_to_the_side():
    skeleton = skeleton_of()
    for side in (-1.0, 1.0):
        track = load_action("turn").sample(np.array([0.0, 3.2]), skeleton, {"angle": 1.2, "side": side, "idle": 0.3})
        forward = posed(skeleton, track)[1][:, 0, :, 2]
        angle = np.arctan2(forward[:, 0], -forward[:, 1])
        assert angle[1] - angle[0] == pytest.approx(1.2 * side, abs=0.05)


def test_clap_brings_palms_together_again_and_again():
    skeleton = skeleton_of("neutral", 52)
    at = posed(skeleton, load_action("clap").sample(np.arange(1.0, 3.5, 0.005), skeleton, {}))[0]
    gap = np.linalg.norm(at[:, 25] - at[:, 40], axis=-1)
    assert 0.01 < gap.min() < 0.07 and gap.max() > 0.12
    beats = (np.diff((gap < 0.5 * (gap.min() + gap.max())).astype(int)) == 1).sum()
    assert 5 <= beats <= 7


def test_walkers_lift_the_arm_opposite_to_the_leg():
    skeleton = skeleton_of()
    at = posed(skeleton, load_action("walk").sample(np.arange(0.0, 6.0, 0.02), skeleton, {"idle": 0.3}))[0]
    forward = -(at[..., 1] - at[:, :1, 1])
    assert np.corrcoef(forward[:, WRIST[0]], forward[:, ANKLE[1]])[0, 1] > 0.7
    assert np.corrcoef(forward[:, WRIST[0]], forward[:, ANKLE[0]])[0, 1] < -0.7


def test_idle_arms_hang_beside_the_hips():
    for person in PEOPLE:
        skeleton = skeleton_of(*person)
        at = posed(skeleton, load_action("wave").sample(np.zeros(1), skeleton, {}))[0][0]
        for side, sign in ((0, 1.0), (1, -1.0)):
            assert sign * at[WRIST[side], 0] > sign * at[(1, 2)[side], 0] + 0.09
            assert at[WRIST[side], 2] < at[ELBOW[side], 2] < at[(16, 17)[side], 2]


def test_styles_are_drawn_within_their_ranges_and_repeatably():
    for action in ACTIONS.values():
        for seed in range(20):
            style = sample_style(np.random.default_rng(seed), action)
            assert style == sample_style(np.random.default_rng(seed), action)
            assert complete_style(action, style) == style
        for low, default, high in action.parameters.values():
            assert low <= default <= high and low < high


def test_wrong_requests_say_what_to_do():
    skeleton = skeleton_of()
    with pytest.raises(ConfigError, match="Did you mean 'walk'"):
        load_action("wlak")
    with pytest.raises(ConfigError, match="Did you mean 'speed'"):
        load_action("walk").sample(np.zeros(1), skeleton, {"sped": 1.0})
    with pytest.raises(ConfigError, match="expected 0.08 to 0.45"):
        load_action("jump").sample(np.zeros(1), skeleton, {"height": 3.0})
    with pytest.raises(ConfigError, match="expected 0.08 to 0.45"):
        complete_style(JUMP, {"height": float("nan")})
    with pytest.raises(ConfigError, match="finite seconds"):
        load_action("walk").sample(np.array([np.nan]), skeleton, {})


def test_no_frames_give_no_poses():
    for name in NAMES:
        track = load_action(name).sample(np.zeros(0), skeleton_of(), {})
        assert track.pose.shape == (0, 24, 3) and track.transl.shape == (0, 3)


def test_sampling_a_clip_is_quick():
    skeleton, times, best = skeleton_of(), np.arange(102) / FPS, np.inf
    for _ in range(7):
        start = time.process_time()
        load_action("clap").sample(times, skeleton, {})
        best = min(best, time.process_time() - start)
    assert best < 0.06
