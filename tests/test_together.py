"""Motions of people who were recorded together, in files of their own: one space, on any bodies."""

import json

import numpy as np
import pytest
from bvh_files import PERSON, person_text
from scipy.spatial.transform import Rotation
from smpl_motions import IN_FILE, posed, skeleton, squats, standing, write

from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.errors import AssetError, ConfigError
from mannequin.generator.motion.base import Skeleton
from mannequin.generator.motion.notes import motion_notes
from mannequin.generator.motion.procedural import ACTIONS, load_action
from mannequin.generator.presets.sampler import motions_of

BESIDE = np.array([1.3, 0.4, 0.0])
"""Metres from the one to the other, along the floor."""


def sized(factor):
    """A body of another size."""
    body = skeleton()
    soles = (body.soles[0] * factor, body.soles[1] * factor)
    return Skeleton(body.joints * factor, body.parents, soles, body.sole_joints)


def catalog(folder, groups, **options):
    (folder / "groups.json").write_text(json.dumps(groups))
    return Catalog(Assets(motion=(str(folder),), motion_groups=str(folder / "groups.json"), **options))


def pelvis(motion, body, times):
    return body.joints[0] + motion.sample(times, body, {}).transl


def walks(frames=90):
    """Somebody who stands, and is carried along the floor."""
    return standing(frames), np.stack([np.linspace(0, 1.0, frames), np.zeros(frames), np.zeros(frames)], axis=1)


def two_smpl(folder, turn=IN_FILE["z"], lift=0.0, beside=BESIDE):
    """Somebody who squats beside somebody who lies on the floor, in one space."""
    pose, height = squats()
    path = np.stack([np.linspace(0, 0.5, 90), np.zeros(90), height], axis=1)
    write(folder / "18_01.npz", pose, path, turn)
    lying = standing(90)
    lying[:, 0] = (Rotation.from_euler("x", -90, degrees=True) * Rotation.from_rotvec(lying[:, 0])).as_rotvec()
    write(folder / "19_01.npz", lying, path * [1, 1, 0] + beside + [0, 0, 0.15 + lift], turn)
    return path


@pytest.mark.parametrize("axis", ["z", "y", "-y"])
def test_distances_are_kept_on_bodies_of_any_sizes(tmp_path, axis):
    two_smpl(tmp_path, IN_FILE[axis])
    found = catalog(tmp_path, [["18_01", "19_01"]])
    one, other = found.motion("18_01"), found.motion("19_01")
    assert (one.partners, other.partners) == (("19_01",), ("18_01",)) and one.begin == other.begin == 0.0
    times = np.linspace(0, 2, 20)
    for tall, small in ((1.0, 1.0), (1.15, 0.8), (0.8, 1.15)):
        bodies = sized(tall), sized(small)
        apart = pelvis(other, bodies[1], times) - pelvis(one, bodies[0], times)
        root = np.abs(bodies[0].joints[0]).max() + np.abs(bodies[1].joints[0]).max()
        wrong = apart[:, :2] @ _turn(one, found).T - BESIDE[:2]
        assert np.abs(wrong - wrong[0]).max() < 2e-3, "they stay to each other as they were"
        assert np.abs(wrong).max() < 2.1 * root, "but for where SMPL has its pelvis"
        _, soles = posed(one.sample(times, bodies[0], {}).pose, pelvis(one, bodies[0], times), bodies[0])
        assert abs(soles[..., 2].min()) < 0.02, "and the one stands on the floor"


def _turn(motion, found):
    """(2, 2) of the file's floor to that of the world, for files whose Z was up: from the way that somebody goes."""
    way = np.diff(pelvis(motion, skeleton(), np.array([0.0, 2.0])), axis=0)[0, :2]
    x = way / np.linalg.norm(way)
    return np.array([[x[0], x[1]], [-x[1], x[0]]])


def test_one_up_for_all(tmp_path):
    """Who lies still, seen alone, looks like somebody who stands."""
    two_smpl(tmp_path, IN_FILE["y"], lift=1.2)
    alone = Catalog(Assets(motion=(str(tmp_path / "19_01.npz"),))).motion("19_01")
    assert not alone.facts()["up"].startswith("y ")
    found = catalog(tmp_path, [["18_01", "19_01"]])
    assert all(found.motion(name).facts()["up"].startswith("y ") for name in found.motions)
    joints, _ = posed(found.motion("19_01").sample(np.zeros(1), skeleton(), {}).pose, np.zeros((1, 3)), skeleton())
    assert np.ptp(joints[..., 2]) < 0.6


def test_who_is_carried_stays_up(tmp_path):
    two_smpl(tmp_path, lift=1.2, beside=0.3 * BESIDE)
    found = catalog(tmp_path, [["18_01", "19_01"]])
    body, times = skeleton(), np.linspace(0, 2, 20)
    height = pelvis(found.motion("19_01"), body, times)[:, 2]
    np.testing.assert_allclose(height, 1.35, atol=0.05)
    assert "carried" in found.motion("19_01").floor(body)
    assert "carried" not in found.motion("18_01").floor(body)
    (tmp_path / "apart").mkdir()
    two_smpl(tmp_path / "apart", lift=1.2)
    found = catalog(tmp_path / "apart", [["18_01", "19_01"]])
    assert "carried" not in found.motion("19_01").floor(body), "nobody is there who could"


def bvh(path, shift, size=1.0, frames=60):
    root = np.stack([np.linspace(0, 0.6, frames), np.full(frames, 0.95 * size), np.zeros(frames)], axis=1) + shift
    places = {name: (parent, tuple(np.multiply(offset, size))) for name, (parent, offset) in PERSON.items()}
    path.write_text(person_text({"pelvis": np.tile(np.eye(3), (frames, 1, 1))}, root, scale=100.0, places=places))


def test_bvh_files_of_people_of_several_sizes_keep_one_scale(tmp_path):
    bvh(tmp_path / "18_01.bvh", [0, 0, 0])
    bvh(tmp_path / "19_01.bvh", [0.0, 0, 2.0], size=0.8)
    found = catalog(tmp_path, [["18_01", "19_01"]])
    one, other = found.motion("18_01"), found.motion("19_01")
    times, expected = np.linspace(0, 1, 10), 2.0 * 0.83 / (0.83 * 0.9)
    for bodies in ((skeleton(), skeleton()), (sized(1.2), sized(0.8))):
        apart = pelvis(other, bodies[1], times) - pelvis(one, bodies[0], times)
        assert np.abs(np.linalg.norm(apart[:, :2], axis=1) - expected).max() < 0.03
    alone = Catalog(Assets(motion=(str(tmp_path),)))
    ways = [
        np.linalg.norm(np.diff(pelvis(c.motion("19_01"), skeleton(), np.array([0.0, 1.0])), axis=0))
        for c in (alone, found)
    ]
    assert ways[0] > 1.1 * ways[1], "alone, a way is scaled to the legs of who goes it"


def test_they_are_one_subject(tmp_path):
    two_smpl(tmp_path)
    for name in ("18_02", "19_02", "20_01", "21_01", "22_01", "23_01", "24_01"):
        write(tmp_path / f"{name}.npz", *_moved())
    found = catalog(tmp_path, [["18_01", "19_01"], ["19_02", "20_01"]])
    assert {found.motion(f"{n}_01").subject for n in (18, 19, 20)} == {"18+19+20"}
    assert found.motion("18_02").subject == "18+19+20" and found.motion("18_02").partners == ()
    assert found.motion("21_01").subject == "21"
    for split in ("train", "test"):
        used = set(motions_of(found, split))
        assert len({name in used for name in ("18_01", "18_02", "19_01", "19_02", "20_01")}) == 1


def _moved():
    pose, height = squats()
    return pose, np.stack([np.zeros(90), np.zeros(90), height], axis=1)


@pytest.mark.parametrize(
    "groups, message",
    [
        ([["18_01", "19_1"]], "Did you mean '19_01'"),
        ([["18_01"]], "lists of two or more"),
        ([["18_01", "19_01"], ["19_01", "18_01"]], "again"),
        ({"a": ["18_01", "19_01"]}, "no list"),
        ([], "no list"),
        ([["18_01", 3]], "lists of two or more"),
        ([["18_01", "c"]], "several formats"),
    ],
)
def test_groups_that_cannot_be(tmp_path, groups, message):
    two_smpl(tmp_path)
    bvh(tmp_path / "c.bvh", [0, 0, 0])
    with pytest.raises(ConfigError, match=message):
        _ = catalog(tmp_path, groups).motions


def test_groups_without_recordings(tmp_path):
    (tmp_path / "groups.json").write_text("[[1")
    with pytest.raises(ConfigError, match="needs recordings"):
        _ = Catalog(Assets(motion_groups=str(tmp_path / "groups.json"))).motions
    two_smpl(tmp_path)
    with pytest.raises(ConfigError, match="JSON"):
        _ = Catalog(Assets(motion=(str(tmp_path),), motion_groups=str(tmp_path / "groups.json"))).motions


def test_a_bad_file_leaves_its_partner_out_or_alone(tmp_path):
    two_smpl(tmp_path)
    (tmp_path / "19_01.npz").write_bytes(b"PK cut")
    found = catalog(tmp_path, [["18_01", "19_01"]])
    assert found.motions == ("18_01",) and found.motion("18_01").partners == ()
    two_smpl(tmp_path)
    with np.load(tmp_path / "19_01.npz") as held:
        arrays = dict(held)
    np.savez(tmp_path / "19_01.npz", **arrays | {"poses": np.full_like(arrays["poses"], np.nan)})
    found = catalog(tmp_path, [["18_01", "19_01"]])
    with pytest.raises(AssetError, match="no finite numbers"):
        _ = found.motions


def test_other_lengths_are_told(tmp_path):
    write(tmp_path / "a.npz", *_moved())
    write(tmp_path / "b.npz", *(array[:40] for array in _moved()))
    found = catalog(tmp_path, [["a", "b"]])
    (line,) = [note for note in motion_notes(map(found.motion, found.motions)) if "together" in note]
    assert "a 2.97 s" in line and "b 1.30 s" in line


def test_others_have_no_partners(tmp_path):
    write(tmp_path / "a.npz", *_moved())
    (motion,) = map(Catalog(Assets(motion=(str(tmp_path),))).motion, ("a",))
    action = load_action(next(iter(ACTIONS)))
    assert motion.partners == action.partners == () and motion.begin == action.begin == 0.0


def test_the_file_is_recorded_with_its_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "groups.json").write_text("[]")
    assert Assets(motion_groups="groups.json").located().motion_groups == str(tmp_path / "groups.json")


def test_a_rest_frame_that_is_left_out_keeps_the_clock(tmp_path):
    bent = np.tile(Rotation.from_euler("z", -60, degrees=True).as_matrix(), (40, 1, 1))
    rest = bent.copy()
    rest[0] = np.eye(3)
    for name, shoulder in (("a", rest), ("b", bent)):
        (tmp_path / f"{name}.bvh").write_text(person_text({"l_shoulder": shoulder}, scale=100.0))
    found = catalog(tmp_path, [["a", "b"]])
    assert found.motion("a").begin == pytest.approx(1 / 120) and found.motion("b").begin == 0.0
    assert found.motion("a").duration == pytest.approx(38 / 120) and found.motion("a").partners == ("b",)
