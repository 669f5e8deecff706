"""Heights of recordings that float, sink, drift or were never recorded, and those that must be left alone."""

from types import SimpleNamespace

import numpy as np
import pytest
from smpl_motions import performed, posed, skeleton, squats, standing, write

from mannequin.generator.motion.base import Reading
from mannequin.generator.motion.ground_contact import ground_contact
from mannequin.generator.motion.ground_contact import lowest as lowest_point
from mannequin.renderers.validation.table import Report
from mannequin.renderers.validation.validate import tell_contact
from mannequin.report.measures import MEASURES


def lowest(soles):
    return soles[..., 2].min(axis=1)


def at(height, frames):
    return np.stack([np.zeros(frames), np.zeros(frames), np.broadcast_to(height, frames)], axis=1)


def story(motion):
    return motion.fit(skeleton()).floor


@pytest.mark.parametrize("height", [0.0, 0.98, 5.0])
def test_a_squat_without_height_stands_on_the_floor_all_the_time(tmp_path, height):
    pose, true = squats()
    write(tmp_path / "a.npz", pose, at(height, len(pose)))
    joints, soles, motion = performed(tmp_path / "a.npz")
    assert np.abs(lowest(soles)).max() < 0.02 and "not recorded" in story(motion)
    np.testing.assert_allclose(joints[:, 0, 2], true, atol=0.02)


def test_a_squat_with_its_height_is_left_as_it_is(tmp_path):
    pose, true = squats()
    write(tmp_path / "a.npz", pose, at(true, len(pose)))
    joints, _, motion = performed(tmp_path / "a.npz")
    np.testing.assert_allclose(joints[:, 0, 2], true, atol=1e-9)
    assert story(motion) == "as recorded"


@pytest.mark.parametrize("offset", [-0.6, 0.3])
def test_a_constant_offset_is_taken_out(tmp_path, offset):
    pose, true = squats()
    write(tmp_path / "a.npz", pose, at(true + offset, len(pose)))
    assert np.abs(lowest(performed(tmp_path / "a.npz")[1])).max() < 0.02


@pytest.mark.parametrize("rate", [0.1, -0.08])
def test_drift_is_taken_out(tmp_path, rate):
    pose = np.concatenate([squats()[0]] * 3)
    true = np.concatenate([squats()[1]] * 3)
    write(tmp_path / "a.npz", pose, at(true + rate * np.arange(len(pose)) / 30, len(pose)))
    _, soles, motion = performed(tmp_path / "a.npz")
    assert np.abs(lowest(soles)).max() < 0.03 and "drift" in story(motion)


def jump(up, frames=40, fps=120):
    """Height of a pelvis that leaves the floor and lands ``up`` metres higher, in free fall between."""
    t = np.arange(frames) / fps
    last = t[-1]
    return (up / last + 0.5 * 9.81 * last) * t - 0.5 * 9.81 * t * t


def test_jumps_and_steps_are_kept(tmp_path):
    """Three jumps: on the spot, up a step, down again."""
    rest = np.zeros(80)
    true = np.concatenate([rest, jump(0), rest, jump(0.2), rest + 0.2, 0.2 + jump(-0.2), rest])
    pose = standing(len(true))
    stand = -posed(pose[:1], np.zeros((1, 3)), skeleton())[1][..., 2].min()
    write(tmp_path / "a.npz", pose, at(stand + true, len(true)), rate=120.0)
    _, soles, _ = performed(tmp_path / "a.npz")
    np.testing.assert_allclose(lowest(soles), true, atol=0.02)


@pytest.mark.parametrize("unit", [0.01, 0.001])
def test_centimetres_and_millimetres(tmp_path, unit):
    """Somebody who squats, in other units."""
    pose, true = squats(30)
    write(tmp_path / "a.npz", pose, at(true, 30))
    arrays = dict(np.load(tmp_path / "a.npz"))
    np.savez(tmp_path / "b.npz", **(arrays | {"trans": arrays["trans"] / unit}))
    joints, soles, motion = performed(tmp_path / "b.npz")
    assert f"{unit:g} m" in motion.facts()["note"][0]
    assert np.abs(lowest(soles)).max() < 0.02
    np.testing.assert_allclose(np.ptp(joints[:, 0, 2]), np.ptp(true), atol=0.03)


def test_trusted_heights_are_those_of_the_file(tmp_path):
    pose, true = squats()
    write(tmp_path / "a.npz", pose, at(true + 0.3, len(pose)))
    joints, _, motion = performed(tmp_path / "a.npz", Reading(floor="trust"))
    np.testing.assert_allclose(joints[:, 0, 2], true + 0.3, atol=1e-9)
    assert story(motion) == "as recorded"


def test_the_measure_of_contact():
    pose, true = squats()
    joints, _ = posed(pose, at(true, len(pose)), skeleton())
    contact = ground_contact(joints)
    assert contact.airborne == contact.sunk == 0.0 and contact.highest < 0.05
    contact = ground_contact(joints + [0.0, 0.0, 0.3])
    assert contact.airborne == 1.0 and contact.highest == pytest.approx(0.3, abs=0.05)
    assert ground_contact(joints, ground=0.3).sunk == 1.0
    half = joints + np.where(np.arange(len(joints)) % 2, 1.0, 0.0)[:, None, None] * [0.0, 0.0, 1.0]
    assert ground_contact(half).airborne == 0.5


@pytest.mark.parametrize("lift, notes", [(0.0, 0), (0.4, 1), (-0.3, 1)])
def test_validation_notes_who_floats_or_sinks(lift, notes):
    pose, true = squats()
    joints, _ = posed(pose, at(true + 0.2 + lift, len(pose)), skeleton())
    clip = SimpleNamespace(people={"person0": SimpleNamespace(joints=joints)})
    clip.spec = SimpleNamespace(name="clip", ground_height=0.2)
    report = Report()
    tell_contact(clip, report)
    assert len(report.notes) == notes and not report.failed
    if notes:
        assert ("off" if lift > 0 else "under") in report.notes[0] and "100 %" in report.notes[0]


def test_the_report_measures_the_lowest_point():
    pose, true = squats()
    joints, _ = posed(pose, at(true, len(pose)), skeleton())
    assert np.abs(lowest_point(joints)).max() < 0.05
    assert MEASURES["lowest"].low < -1 and MEASURES["lowest"].high > 2
