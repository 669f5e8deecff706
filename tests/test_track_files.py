"""People in result files of video-to-body systems: each track a motion, all in one space and on one clock."""

import json
import pickle

import joblib
import numpy as np
import pytest
from people_results import gvhmr, hmmr, phalp, save_tensors, seen, vibe, walker, wham
from scipy.spatial.transform import Rotation
from smpl_motions import posed, skeleton, standing

from mannequin.cli.main import main
from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.errors import AssetError
from mannequin.generator.motion.notes import motion_notes
from mannequin.generator.motion.tracks import FEWEST, HOLE, POSE_WEIGHTS, WAY_WEIGHTS, smooth_poses, smooth_way
from mannequin.generator.presets.sampler import motions_of
from mannequin.generator.rotations import from_axis_angle

ONE, OTHER = walker(60), walker(60, (1.2, 0.8), heading=180)
TWO = {1: (*ONE, range(60)), 7: (OTHER[0][:50], OTHER[1][:50], range(20, 70))}
APART = OTHER[1][0] - ONE[1][20]
"""Metres from the one to the other in the frames that they share."""


def catalog(path, **options):
    return Catalog(Assets(motion=(str(path),), **options))


def pelvis(motion, times):
    return skeleton().joints[0] + motion.sample(np.asarray(times, float), skeleton(), {}).transl


def apart(found, names):
    """(T, 3) from the one to the other at the moments of frames 20 to 59."""
    one, other = map(found.motion, names)
    times = np.arange(20, 60) / 30.0
    return pelvis(other, times + one.begin - other.begin) - pelvis(one, times)


@pytest.mark.parametrize("write, depth", [(vibe, False), (phalp, True), (wham, True)])
@pytest.mark.parametrize("compress", [0, 3])
def test_two_people_stay_to_each_other_as_they_were(tmp_path, write, depth, compress):
    write(tmp_path / "a.pkl", TWO, **({} if write is wham else {"compress": compress}))
    found = catalog(tmp_path / "a.pkl")
    assert found.motions == ("a#1", "a#7")
    one, other = map(found.motion, found.motions)
    assert (one.partners, other.partners) == (("a#7",), ("a#1",))
    assert one.begin == 0.0 and other.begin == pytest.approx(20 / 30)
    assert one.duration == pytest.approx(59 / 30) and other.duration == pytest.approx(49 / 30)
    assert one.subject == other.subject == "a"
    way = apart(found, found.motions)
    np.testing.assert_allclose(way[:, 0], APART[0], atol=2e-3)
    np.testing.assert_allclose(way[:, 1], APART[1] if depth else 0.0, atol=2e-3)


def test_heights_and_poses_are_upright(tmp_path):
    vibe(tmp_path / "a.pkl", TWO)
    found = catalog(tmp_path / "a.pkl")
    for name in found.motions:
        track = found.motion(name).sample(np.linspace(0, 1.6, 12), skeleton(), {})
        joints, soles = posed(track.pose, skeleton().joints[0] + track.transl, skeleton())
        assert (joints[:, 15, 2] - joints[:, 0, 2] > 0.3).all() and np.abs(soles[..., 2].min(axis=1)).max() < 0.03


def test_worlds_of_their_own_are_laid_into_one_by_the_camera(tmp_path):
    wham(tmp_path / "a.pkl", TWO, own={1: (-100.0, (1.0, 0.0)), 7: (40.0, (3.0, 2.0))})
    found = catalog(tmp_path / "a.pkl")
    way = apart(found, found.motions)
    assert np.abs(np.linalg.norm(way[:, :2], axis=1) - np.linalg.norm(APART[:2])).max() < 2e-3
    one, other = (
        found.motion(name).sample(np.array([t]), skeleton(), {}).pose[0, 0]
        for name, t in (("a#1", 1.0), ("a#7", 1.0 / 3))
    )
    turned = Rotation.from_rotvec(other) * Rotation.from_rotvec(one).inv()
    expected = Rotation.from_rotvec(OTHER[0][10, 0]) * Rotation.from_rotvec(ONE[0][30, 0]).inv()
    assert (turned * expected.inv()).magnitude() < np.deg2rad(1)
    assert "worlds" not in str(found.motion("a#1").facts()["read from"]) and any(
        "world of their own" in note for note in found.motion("a#1").notes
    )


def test_worlds_without_a_camera_have_no_partners(tmp_path):
    wham(tmp_path / "a.pkl", TWO)
    held = joblib.load(tmp_path / "a.pkl")
    joblib.dump(
        {k: {n: v for n, v in track.items() if n not in ("pose", "trans")} for k, track in held.items()},
        tmp_path / "a.pkl",
    )
    found = catalog(tmp_path / "a.pkl")
    assert found.motion("a#1").partners == () and "nobody is set beside another" in str(found.motion("a#1").notes)


def test_one_person_alone_keeps_the_place_of_a_weak_camera(tmp_path):
    vibe(tmp_path / "a.pkl", {4: TWO[1]})
    (name,) = catalog(tmp_path / "a.pkl").motions
    motion = catalog(tmp_path / "a.pkl").motion(name)
    assert name == "a#4" and np.ptp(pelvis(motion, [0, 1, 1.9])[:, 0]) < 0.02
    assert any("stays in place" in note for note in motion.notes)


def test_files_of_one_person(tmp_path):
    hmmr(tmp_path / "hmmr_output.pkl", ONE[0])
    gvhmr(tmp_path / "hmr4d_results.pt", *ONE)
    found = catalog(tmp_path)
    assert found.motions == ("hmmr_output", "hmr4d_results")
    motion = found.motion("hmr4d_results")
    assert "preferred to the camera's" in motion.facts()["read from"] and motion.facts()["up"].startswith("y ")
    assert np.ptp(motion.read().pelvis(skeleton())[:, 0]) == pytest.approx(0.5 * 59 / 30, abs=1e-6)
    joints = [
        posed(found.motion(n).sample(np.array([1.0]), skeleton(), {}).pose, np.zeros((1, 3)), skeleton())[0]
        for n in found.motions
    ]
    np.testing.assert_allclose(joints[0], joints[1], atol=0.05)


def test_a_result_of_several_gvhmr_people(tmp_path):
    held = {}
    for label, (pose, way, _) in TWO.items():
        there, transl = seen(pose, way)
        flat = there.reshape(len(pose), 72)
        held[f"person_{label}"] = {"global_orient": flat[:, :3], "body_pose": flat[:, 3:66], "transl": transl}
    save_tensors(tmp_path / "a.pt", held)
    found = catalog(tmp_path / "a.pt")
    assert found.motions == ("a#person_1", "a#person_7")


def interhuman():
    people = {}
    for number, (pose, way) in enumerate((ONE, OTHER), start=1):
        people[f"person{number}"] = {
            "trans": way - skeleton().joints[0], "root_orient": pose[:, 0], "pose_body": pose[:, 1:22].reshape(60, 63),
            "betas": np.ones(10), "gender": "male",
        }  # fmt: skip
    return people


def write_interhuman(folder, how):
    people, path = interhuman(), folder / ("a.npz" if how.startswith("npz") else f"a.{how}")
    if how == "pkl":
        path.write_bytes(pickle.dumps(people | {"mocap_framerate": 59.94, "frames": 60, "text": ["they walk"]}, 4))
    elif how == "npy":
        np.save(path, people | {"mocap_framerate": 60}, allow_pickle=True)
    elif how == "npz of groups":
        arrays = {f"{who}/{key}": value for who, held in people.items() for key, value in held.items()}
        np.savez(path, **arrays, mocap_framerate=60)
    else:
        keys = ("trans", "root_orient", "pose_body", "betas")
        np.savez(path, **{key: np.stack([held[key] for held in people.values()]) for key in keys}, fps=60)
    return path


@pytest.mark.parametrize("how", ["pkl", "npy", "npz of groups", "npz by axis"])
def test_recordings_of_several_in_one_file(tmp_path, how):
    found = catalog(write_interhuman(tmp_path, how))
    one, other = map(found.motion, found.motions)
    assert one.partners == (other.name,) and one.rate == pytest.approx(60, abs=0.1) and one.begin == 0.0
    way = pelvis(other, np.arange(60) / 60) - pelvis(one, np.arange(60) / 60)
    np.testing.assert_allclose(way[:, :2], np.tile([1.2, 0.8], (60, 1)), atol=0.01)
    if how == "pkl":
        assert found.motions == ("a#person1", "a#person2")


def test_one_up_for_all_of_a_file(tmp_path):
    """Who lies still, seen alone by a camera, looks like somebody who stands before another one."""
    lying = standing(60)
    lying[:, 0] = (Rotation.from_euler("x", -90, degrees=True) * Rotation.from_rotvec(lying[:, 0])).as_rotvec()
    place = np.tile([2.0, 0.0, 0.15], (60, 1))
    held = {0: seen(*ONE), 1: seen(lying, place), 2: seen(*OTHER)}
    frames = np.arange(60)
    joblib.dump(
        {k: {"pose": p.reshape(60, 72), "trans": t, "frame_ids": frames} for k, (p, t) in held.items()},
        tmp_path / "a.pkl",
    )
    found = catalog(tmp_path / "a.pkl")
    assert all(found.motion(n).facts()["up"].startswith("-y (") for n in found.motions)
    track = found.motion("a#1").sample(np.array([0.5]), skeleton(), {})
    assert np.ptp(posed(track.pose, np.zeros((1, 3)), skeleton())[0][..., 2]) < 0.6


def test_partners_never_part_between_training_and_testing(tmp_path):
    for number in range(6):
        vibe(tmp_path / f"v{number}.pkl", TWO)
    found = catalog(tmp_path)
    for split in ("train", "test"):
        used = motions_of(found, split)
        assert used and all(set(found.motion(name).partners) <= set(used) for name in used)


# Frames


def without(track, missing):
    pose, way, frames = track
    kept = [k for k, frame in enumerate(frames) if frame not in missing]
    return pose[kept], way[kept], [frames[k] for k in kept]


def test_few_missing_frames_are_filled(tmp_path):
    hole = range(25, 25 + HOLE)
    wham(tmp_path / "a.pkl", {1: without(TWO[1], hole), 7: TWO[7]})
    motion = catalog(tmp_path / "a.pkl").motion("a#1")
    assert motion.duration == pytest.approx(59 / 30) and any(f"{HOLE} of 60 frames" in note for note in motion.notes)
    way = pelvis(motion, np.arange(60) / 30)[:, 0]
    assert np.abs(np.diff(way) - 0.5 / 30).max() < 2e-3


def test_long_holes_cut_a_track(tmp_path):
    wham(tmp_path / "a.pkl", {1: without(TWO[1], range(25, 25 + HOLE + 1)), 7: TWO[7]})
    found = catalog(tmp_path / "a.pkl")
    assert found.motions == ("a#1.1", "a#1.2", "a#7")
    assert [found.motion(name).begin for name in found.motions] == pytest.approx([0, 41 / 30, 20 / 30])
    assert found.motion("a#1.1").partners == ("a#7",) and found.motion("a#7").partners == ("a#1.1", "a#1.2")
    assert any("cut where" in line for line in motion_notes(map(found.motion, found.motions)))


def test_short_tracks_are_left_out_and_told(tmp_path):
    short = (ONE[0][: FEWEST - 1], ONE[1][: FEWEST - 1], range(FEWEST - 1))
    wham(tmp_path / "a.pkl", {1: TWO[1], 5: short})
    found = catalog(tmp_path / "a.pkl")
    assert found.motions == ("a#1",) and found.files.left_out == ()
    assert any(f"left out, of fewer than {FEWEST} frames: 5" in note for note in found.motion("a#1").notes)
    wham(tmp_path / "a.pkl", {5: short})
    with pytest.raises(AssetError, match=f"none in {FEWEST} frames or more"):
        _ = catalog(tmp_path / "a.pkl").motions


@pytest.mark.parametrize(
    "held, message",
    [
        ({}, "holds no people"),
        ({1: {"pose": np.zeros((0, 72)), "frame_ids": np.zeros(0)}}, "no frames"),
        ({1: {"pose": np.zeros((20, 72)), "frame_ids": np.arange(19)}}, "19 frame_ids for 20 frames"),
        ({1: {"pose": np.zeros((20, 72)), "frame_ids": np.full(20, np.nan)}}, "no whole numbers"),
        ({1: {"pose": np.zeros((20, 71))}}, "Expected .frames, n."),
        ({1: {"pose": np.full((20, 72), np.nan), "trans": np.zeros((20, 3))}}, "no finite numbers"),
        ({1: {"pose": np.zeros((20, 72)), "trans": np.zeros((19, 3))}}, "as many frames"),
        ([1, 2, 3], "holds no people"),
        (7, "holds no people"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path, held, message):
    joblib.dump(held, tmp_path / "a.pkl")
    with pytest.raises(AssetError, match=message):
        _ = catalog(tmp_path / "a.pkl").motions


def test_a_bad_track_leaves_the_others(tmp_path):
    joblib.dump(
        {
            1: {"pose": seen(*ONE)[0].reshape(60, 72), "trans": seen(*ONE)[1]},
            2: {"pose": np.full((60, 72), np.nan), "trans": np.zeros((60, 3))},
        },
        tmp_path / "a.pkl",
    )
    found = catalog(tmp_path / "a.pkl")
    assert found.motions == ("a#1",) and "no finite numbers" in found.files.left_out[0].reason


def test_frames_in_any_order_and_twice(tmp_path):
    order = np.r_[np.random.default_rng(0).permutation(60), 3, 4]
    pose, way = seen(*ONE)
    joblib.dump({1: {"pose": pose.reshape(60, 72)[order], "trans": way[order], "frame_ids": order}}, tmp_path / "a.pkl")
    joblib.dump({1: {"pose": pose.reshape(60, 72), "trans": way}}, tmp_path / "b.pkl")
    found = catalog(tmp_path)
    tracks = [found.motion(name).sample(np.arange(60) / 30, skeleton(), {}) for name in found.motions]
    np.testing.assert_array_equal(tracks[0].pose, tracks[1].pose)


def test_what_phalp_guesses_is_not_used(tmp_path):
    lost = {(1, frame) for frame in range(30, 36)}
    phalp(tmp_path / "a.pkl", TWO, lost=lost)
    motion = catalog(tmp_path / "a.pkl").motion("a#1")
    assert any("6 of 60 frames" in note for note in motion.notes)
    assert np.abs(np.diff(pelvis(motion, np.arange(60) / 30), axis=0)).max() < 0.1


# Smoothing


def test_rotations_are_smoothed_over_quaternions_of_one_sign():
    angles = np.pi + np.deg2rad([-3, -1, 1, 4, 9, 2])
    turned = Rotation.from_rotvec(np.outer(angles, [0, 0, 1])).as_rotvec()
    assert turned[0, 2] > 0 > turned[-1, 2], "neighbouring axis-angles of opposite axes"
    out = Rotation.from_rotvec(smooth_poses(turned[:, None])[:, 0])
    half = angles / 2
    q = np.stack([np.sin(half), np.cos(half)], axis=1)
    a, b, c = POSE_WEIGHTS
    expected = np.concatenate([q[:1], a * q[:-2] + b * q[1:-1] + c * q[2:], q[-1:]])
    back = Rotation.from_rotvec(np.outer(2 * np.arctan2(expected[:, 0], expected[:, 1]), [0, 0, 1]))
    assert (out * back.inv()).magnitude().max() < 1e-9
    assert np.isfinite(from_axis_angle(turned)).all() and len(smooth_poses(turned[:2, None])) == 2


def test_ways_are_smoothed_by_surreacts_kernel():
    five = np.array([0.15, 0.2, 0.3, 0.2, 0.15])
    nine = np.convolve(five, five)
    kernel = np.convolve(nine, nine)
    np.testing.assert_allclose(WAY_WEIGHTS, kernel, atol=1e-15)
    way = np.random.default_rng(1).normal(size=(50, 3)).cumsum(axis=0)
    expected = np.stack([np.convolve(way[:, k], kernel, "valid") for k in range(3)], axis=1)
    np.testing.assert_allclose(smooth_way(way)[8:-8], expected, atol=1e-12)
    line = np.outer(np.arange(20), [1.0, 2.0, 3.0])
    np.testing.assert_allclose(smooth_way(line), line, atol=1e-12)


def test_estimates_of_frames_are_smoothed_and_others_are_not(tmp_path):
    rng = np.random.default_rng(2)
    pose = ONE[0] + rng.normal(0, 0.05, ONE[0].shape)
    tracks = {1: (pose, ONE[1], range(60))}
    wham(tmp_path / "w.pkl", tracks)
    vibe(tmp_path / "v.pkl", tracks)
    found = catalog(tmp_path)
    turned = {n: found.motion(n).sample(np.arange(60) / 30, skeleton(), {}).pose[:, 18] for n in found.motions}
    assert np.abs(turned["w#1"] - pose[:, 18]).max() < 1e-6
    tremble = {name: np.diff(each, 2, axis=0).std() for name, each in turned.items()}
    assert tremble["v#1"] < 0.4 * tremble["w#1"]


# Commands


def run(*words):
    with pytest.raises(SystemExit) as end:
        main([*map(str, words)])
    return end.value.code


def test_info_lists_the_people(tmp_path, capsys):
    vibe(tmp_path / "vibe_output.pkl", TWO)
    assert run("info", tmp_path / "vibe_output.pkl", "--json") == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["name"], first["frames"], first["partners"]) == ("vibe_output#1", 60, ["vibe_output#7"])
    assert second["frames of the video"] == "20 to 69" and second["up"].startswith("-y")
    assert any("without depth" in note for note in first["note"])


@pytest.mark.slow
def test_generate_reads_them_as_they_are(tmp_path, capsys):
    vibe(tmp_path / "vibe_output.pkl", TWO)
    words = ("--renderer", "raster", "--clips", 1, "--frames", 2, "--size", 32, 32, "--outputs", "segm")
    assert run("generate", tmp_path / "out", "--motion", tmp_path / "vibe_output.pkl", *words) == 0
    told = capsys.readouterr()
    assert "1 written" in told.out and "smoothed" in told.err


# Nothing is run


class _Act:
    def __reduce__(self):
        return (print, ("run",))


@pytest.mark.parametrize("dump", [joblib.dump, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_nothing_that_a_file_names_is_run(tmp_path, capsys, dump):
    dump({1: {"pose": _Act()}}, tmp_path / "a.pkl")
    with pytest.raises(AssetError, match="builtins.print.*Nothing was run"):
        _ = catalog(tmp_path / "a.pkl").motions
    assert "run" not in capsys.readouterr().out


def test_other_compressions_are_named(tmp_path):
    joblib.dump({1: {"pose": np.zeros((20, 72))}}, tmp_path / "a.pkl", compress=("bz2", 3))
    with pytest.raises(AssetError, match="bzip2"):
        _ = catalog(tmp_path / "a.pkl").motions


def test_a_folder_passes_over_what_holds_nobody(tmp_path):
    vibe(tmp_path / "a.pkl", TWO)
    joblib.dump([{"bbox": np.zeros(4)}], tmp_path / "hmmr_bbox.pkl")
    np.save(tmp_path / "frames.npy", np.zeros(4))
    found = catalog(tmp_path)
    assert found.motions == ("a#1", "a#7") and found.files.left_out == ()
