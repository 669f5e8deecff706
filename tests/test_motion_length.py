"""Clips and the length of recordings; people and splits."""

import numpy as np
import pytest
from smpl_motions import squats, standing, write

from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.config import SampleConfig
from mannequin.generator.errors import ConfigError
from mannequin.generator.motion.notes import motion_notes
from mannequin.generator.people import frame_times
from mannequin.generator.presets.sampler import motions_of
from mannequin.generator.sampling import sample_clip

CONFIG = SampleConfig(frames=30, fps=30.0, light="sh", size=(64, 64))


def record(path, frames, rate=30.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pose, height = squats(frames) if frames > 1 else (standing(1), np.ones(1))
    write(path, pose, np.stack([height * 0, height * 0, height], 1), rate=rate)


def drawn(folder, count=12, config=CONFIG):
    catalog = Catalog(Assets(motion=(str(folder),)))
    return [(sample_clip(config, catalog, 0, index), catalog) for index in range(count)]


def test_no_frame_lies_outside_of_a_recording(tmp_path):
    for name, frames in (("a", 40), ("b", 16), ("c", 31), ("d", 30), ("e", 1)):
        record(tmp_path / name / "x.npz", frames)
    clips = drawn(tmp_path, 10)
    assert {clip.people[0].motion.asset for clip, _ in clips} == {"a/x", "c/x", "d/x"}, "those that last"
    for clip, catalog in clips:
        (person,) = clip.people
        times = frame_times(person, clip.num_frames, clip.fps)[1:-1]
        assert clip.num_frames == 30 and times[0] >= 0
        assert times[-1] <= catalog.motion(person.motion.asset).duration + 1e-6
        assert "frames_asked" not in clip.tags


@pytest.mark.parametrize("frames", [1, 16])
def test_where_none_is_long_enough_clips_are_as_long_as_the_recording(tmp_path, frames):
    record(tmp_path / "short.npz", frames)
    for clip, _ in drawn(tmp_path, 3):
        assert clip.num_frames == frames and clip.people[0].motion.start == 0.0
        assert clip.tags["frames_asked"] == 30.0
    (note,) = motion_notes([drawn(tmp_path, 1)[0][1].motion("short")], 29 / 30)
    assert "0.97 s" in note and "cut" in note


def test_surreal_cuts_and_says_so(tmp_path):
    record(tmp_path / "short.npz", 16)
    (clip, _), *_ = drawn(tmp_path, 1, SampleConfig(preset="surreal", frames=100, size=(64, 64)))
    assert clip.num_frames == 16 and clip.tags["frames_asked"] == 100.0


def test_built_in_actions_have_no_end():
    clip = sample_clip(SampleConfig(frames=400, fps=30.0, light="sh"), Catalog(Assets(motion=("walk",))), 0, 0)
    assert clip.num_frames == 400 and "frames_asked" not in clip.tags


@pytest.mark.slow
@pytest.mark.parametrize("people", [2, 3, 4, 7])
def test_nobody_trains_and_tests(tmp_path, people):
    for person in range(people):
        for take in range(2):
            record(tmp_path / "set" / f"s{person}" / f"take{take}.npz", 30)
    used = {}
    for split in ("train", "test"):
        catalog = Catalog(Assets(motion=(str(tmp_path),)))
        used[split] = {catalog.motion(motion).subject for motion in motions_of(catalog, split)}
    assert used["train"] and used["test"] and not used["train"] & used["test"]


def test_one_person_cannot_be_split(tmp_path):
    record(tmp_path / "s1" / "a.npz", 30)
    record(tmp_path / "s1" / "b.npz", 30)
    with pytest.raises(ConfigError, match="s1, who is for training"):
        drawn(tmp_path, 1, SampleConfig(frames=10, light="sh", split="test"))


def test_bvh_files_in_folders_of_people(tmp_path):
    from bvh_files import person_text

    from mannequin.generator.motion.finding import find_motions

    for name in ("anna/walk.bvh", "anna/run.bvh", "49/49_08.bvh", "all/104_53.bvh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(person_text())
    found = {motion.name: motion.subject for motion in find_motions(tmp_path)}
    assert found == {"anna/walk": "anna", "anna/run": "anna", "49/49_08": "49", "all/104_53": "104"}


def test_options_reach_the_motions_and_the_record(tmp_path):
    record(tmp_path / "a.npz", 30)
    with np.load(tmp_path / "a.npz") as file:
        np.savez(tmp_path / "b.npz", poses=file["poses"], trans=file["trans"])
    assets = Assets(motion=(str(tmp_path / "b.npz"),), up="-y", floor="trust", motion_rate=60.0)
    motion = Catalog(assets.located()).motion("b")
    assert motion.rate == 60.0 and motion.facts()["up"].startswith("-y, as asked")
    (note,) = motion_notes([motion])
    assert "60 Hz given" in note
    with pytest.raises(ConfigError, match="motion-rate"):
        Catalog(Assets(motion=(str(tmp_path / "b.npz"),), motion_rate=0.0)).motion("b")
