"""The report: its figures against brute force, its page in a real browser, its refusals."""

import dataclasses
import itertools
import json
import re
import shlex
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mannequin.cli.main import main, parse
from mannequin.generator.appearance.choices import tone_of
from mannequin.generator.appearance.outfit import dress
from mannequin.generator.body.builtin import load_builtin
from mannequin.generator.body.model import SMPL_JOINTS
from mannequin.generator.clip import CHANNELS
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset import failures
from mannequin.generator.dataset.failures import Failure
from mannequin.generator.dataset.folder import create_or_resume, open_dataset
from mannequin.generator.dataset.native import open_clip, write_clip
from mannequin.generator.dataset.surreal import export_surreal
from mannequin.generator.errors import ConfigError, DatasetError
from mannequin.generator.records import to_plain
from mannequin.generator.spec import AppearanceSpec, MotionSpec
from mannequin.renderers.validation.record import latest, leave
from mannequin.renderers.validation.record import to_plain as record_of
from mannequin.renderers.validation.table import Finding, Report
from mannequin.report import measures
from mannequin.report.camera_motion import camera_motion
from mannequin.report.charts import _grouped, histogram
from mannequin.report.distributions import distributions
from mannequin.report.html import el, number, text
from mannequin.report.measures import azimuth, body_pose, elevation, measure, pitch
from mannequin.report.page import write_report
from mannequin.report.rebuild import generate_command
from mannequin.report.runs import read_runs
from mannequin.report.statistics import Statistics
from mannequin.report.tallies import EvenSample, Histogram, LogHistogram, Names, Turns
from tests.browser import Visit
from tests.clips import ball_clip, camera_looking, noise_clip
from tests.jobs import here, small_job

replace = dataclasses.replace
SIZE = (60, 80)
FACING = np.array([np.pi / 2, 0.0, 0.0])
"""Root of an upright body that faces -Y with its left at +X."""

HOSTILE = "<script>alert(1)</script>\"'&\u202e\x07</td><img src=x onerror=alert(2)>"


def dataset_of(folder, clips, config=None):
    dataset = create_or_resume(folder, config or {"renderer": "raster", "seed": 3}, len(clips))
    for index, clip in enumerate(clips):
        write_clip(dataset.path_of(index), clip)
    return dataset


def statistics_of(tmp_path, clips) -> Statistics:
    found = Statistics()
    for index, clip in enumerate(clips):
        write_clip(tmp_path / f"{index}.h5", clip)
        with open_clip(tmp_path / f"{index}.h5") as reader:
            found.add(measure(reader))
    return found


def balls(count=3, **options):
    return [ball_clip(3, SIZE, index=i, name=f"clip {i}", seed=i, **options) for i in range(count)]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A report on a real, small dataset, with logs and a damaged clip in the middle."""
    folder = tmp_path_factory.mktemp("report") / "people"
    here(small_job(), folder, 5)
    path = open_dataset(folder).path_of(2)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    path.write_bytes(data)
    write_report(folder, None, 0)
    return folder


def page_of(folder, **options) -> str:
    return write_report(folder, None, options.pop("clips", 0), **options)[0].read_text("utf-8")


# Tallies


@pytest.mark.parametrize("seed", range(4))
def test_a_histogram_counts_what_numpy_counts(seed):
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.normal(2.0, 3.0, 5000), [-1.0, 5.0, np.nan, np.inf]])
    tally = Histogram(-1.0, 5.0, 60)
    for part in np.array_split(values, 7):
        tally.add(part)
    finite = values[np.isfinite(values)]
    assert np.array_equal(tally.counts, np.histogram(finite, 60, (-1.0, 5.0))[0])
    assert (tally.under, tally.over, tally.lost) == ((finite < -1).sum(), (finite > 5).sum(), 2)
    assert tally.n == tally.under + tally.over + tally.counts.sum() == len(finite)
    assert tally.mean == pytest.approx(finite.mean()) and (tally.smallest, tally.largest) == (
        finite.min(),
        finite.max(),
    )
    for q in (0.2, 0.5, 0.7):
        assert tally.quantile(q) == pytest.approx(np.quantile(finite, q), abs=0.11)


def test_an_empty_histogram_says_so():
    assert np.isnan(Histogram(0, 1, 4).quantile(0.5)) and np.isnan(Histogram(0, 1, 4).mean)


@pytest.mark.parametrize(
    "low,high,bins", [(0.0, 200.0, 4000), (-90.0, 90.0, 180), (-0.5, 255.5, 256), (0.0, 16384.0, 16384)]
)
def test_bars_hold_every_count_once_on_round_borders(low, high, bins):
    tally = Histogram(low, high, bins)
    tally.add(np.random.default_rng(1).uniform(low, high, 300))
    bars = _grouped(tally)
    assert sum(n for *_, n in bars) == 300 and len(bars) <= 40
    assert all(b == pytest.approx(c) for (_, b, _), (c, *_) in itertools.pairwise(bars))
    assert sum(int(n) for n in re.findall(r": (\d+) of 300", histogram(tally, "t", "m"))) == 300


def test_names_are_counted_and_their_number_is_bounded(monkeypatch):
    monkeypatch.setattr("mannequin.report.tallies.MOST_NAMES", 2)
    tally = Names()
    tally.add(["b", "a", "b", "c", "a", "b", "d"])
    assert (tally.ranked(), tally.others, tally.n) == ([("b", 3), ("a", 2)], 2, 7)


def test_an_even_sample_stays_small_and_spreads_over_all():
    sample = EvenSample(10)
    for k in range(1000):
        sample.add(k)
    gaps = np.diff(sample.items)
    assert 5 <= len(sample.items) <= 10 and sample.items[0] == 0 and (gaps == gaps[0]).all() and sample.items[-1] > 800


def test_spread_of_rotations_is_that_about_the_best_mean():
    rotations = Rotation.random(40, random_state=3)[:20] * Rotation.from_rotvec([0.1, 0.2, 0.3])
    tally = Turns()
    for part in (rotations[:7], rotations[7:]):
        tally.add(part.as_matrix().sum(0), len(part))
    mean = rotations.mean()  # scipy's is the chordal mean, by quaternions
    assert tally.spread == pytest.approx(np.arccos(np.cos((mean.inv() * rotations).magnitude()).mean()), abs=1e-6)
    turned = Turns()
    turned.add(Rotation.from_rotvec([[0, 0, 0.5], [0, 0, -0.5]]).as_matrix().sum(0), 2)
    assert turned.spread == pytest.approx(0.5)


def test_values_of_many_magnitudes():
    values = 10.0 ** np.random.default_rng(0).uniform(-9, -2, 500)
    tally = LogHistogram()
    for value in [*values, 0.0, 0.0, np.nan]:
        tally.add(value)
    assert (tally.n, tally.zeros, tally.largest) == (502, 2, values.max())
    for q in (0.1, 0.5, 0.9):
        assert tally.quantile(q) == pytest.approx(np.quantile([*values, 0, 0], q), rel=0.3)


# Measures


@pytest.mark.parametrize(
    "eye,degrees",
    [((0, -4, 1), 0.0), ((4, 0, 1), 90.0), ((-4, 0, 1), -90.0), ((3, -3, 2), 45.0), ((1e-9, 4, 1), 180.0)],
)
def test_where_a_camera_stands_about_a_person(eye, degrees):
    """In closed form: an upright person at the origin faces -Y."""
    root, pelvis = FACING[None], np.array([[0.0, 0.0, 1.0]])
    assert np.degrees(azimuth(root, pelvis, np.array([eye], float)))[0] == pytest.approx(degrees, abs=1e-5)
    turned = (Rotation.from_euler("z", 30, degrees=True) * Rotation.from_rotvec(FACING)).as_rotvec()[None]
    seen = np.degrees(azimuth(turned, pelvis, np.array([eye], float)))[0]
    assert (seen - degrees + 30 + 180) % 360 - 180 == pytest.approx(
        0, abs=1e-5
    )  # to its left by 30°, so the camera is 30° to the right


def test_a_person_who_lies_is_seen_from_the_side_that_shows():
    lying = Rotation.from_euler("x", -90, degrees=True) * Rotation.from_rotvec(FACING)  # on the back, face up
    assert np.degrees(azimuth(lying.as_rotvec()[None], np.zeros((1, 3)), np.array([[0.0, 0.0, 3.0]])))[
        0
    ] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("height,expected", [(1.0, 0.0), (1.0 + 3.0, -45.0), (1.0 - 3.0, 45.0)])
def test_pitch_and_elevation_in_closed_form(height, expected):
    camera = camera_looking("c", (0.0, -3.0, height), target=(0.0, 0.0, 1.0))
    T = np.array(camera.T_world_camera)
    assert np.degrees(pitch(T))[0] == pytest.approx(expected, abs=1e-5)
    assert np.degrees(elevation(np.array([[0.0, 0.0, 1.0]]), T[:, :3, 3]))[0] == pytest.approx(-expected, abs=1e-5)


def test_a_pose_in_its_own_frame_does_not_see_where_the_person_is():
    rng = np.random.default_rng(5)
    joints, root = rng.normal(size=(2, 24, 3)), rng.normal(size=(2, 3))
    turn, step = Rotation.from_rotvec([0.3, -1.0, 2.0]), np.array([5.0, -2.0, 1.0])
    moved = turn.apply(joints.reshape(-1, 3)).reshape(joints.shape) + step
    roots = (turn * Rotation.from_rotvec(root)).as_rotvec()
    assert body_pose(roots, moved) == pytest.approx(body_pose(root, joints), abs=1e-9)


def test_all_of_a_clip_against_brute_force(tmp_path):
    cameras = (
        camera_looking("a", (0.5, -5.0, 2.0), resolution=SIZE, focal=90.0),
        camera_looking("b", (3.0, 2.0, 0.5), resolution=SIZE, focal=200.0),
    )
    clips = balls(people=2, cameras=cameras)
    s = statistics_of(tmp_path, clips)
    seen = {
        "distance": [],
        "azimuth": [],
        "height": [],
        "cut": [],
        "hidden": [],
        "people": [],
        "cover": [],
        "pitch": [],
    }
    parts, joints = np.zeros(25, int), np.zeros((24, 3), int)
    for clip, view, t in ((c, v, t) for c in clips for v in c.views.values() for t in range(3)):
        present = 0
        eye = view.T_world_camera[t, :3, 3]
        seen["pitch"].append(
            np.degrees(np.arctan2(view.T_world_camera[t, 2, 2], np.hypot(*view.T_world_camera[t, :2, 2])))
        )
        for p, person in view.people.items():
            if not person.in_frame[t].any() and not person.pixels[t]:
                continue
            present += 1
            seen["distance"].append(np.sqrt(((clip.people[p].joints[t, 0] - eye) ** 2).sum()))
            ahead = eye - clip.people[p].joints[t, 0]  # people of balls face -Y with their left at +X
            seen["azimuth"].append(np.degrees(np.arctan2(ahead[0], -ahead[1])))
            if person.pixels[t]:
                rows = np.nonzero((view.frame("instance", t) == 1 + int(p[-1])).any(1))[0]
                seen["height"].append(rows.max() + 1 - rows.min())
            inside, visible = person.in_frame[t], person.visible[t] & person.in_frame[t]
            seen["cut"].append(100 - 100 * inside.mean())
            if inside.any():
                seen["hidden"].append(100 * (inside & ~visible).sum() / inside.sum())
            joints += np.stack([np.ones(24, int), inside, visible], 1)
        seen["people"].append(present)
        seen["cover"].append(100 * view.labels.mask(t).mean())
        parts += np.bincount(view.frame("segm", t)[view.labels.mask(t)], minlength=25)
    assert s.clips == 3 and s.frames == 18
    assert np.array_equal(s.parts, parts) and parts[1:].all()
    assert np.array_equal(np.stack([s.joints[name] for name in SMPL_JOINTS]), joints)
    for name, values in seen.items():
        tally = s.values[name]
        assert tally.n == len(values) > 0, name
        expected = Histogram(tally.low, tally.high, len(tally.counts))
        expected.add(values)
        assert tally.mean == pytest.approx(np.mean(values), abs=1e-4), name
        assert np.abs(np.cumsum(tally.counts - expected.counts)).max() <= 1, (
            name
        )  # rounding to float32 may cross a border


def test_camera_motion_in_closed_form():
    t, fps = np.arange(6), 25.0
    poses = np.tile(np.eye(4), (6, 1, 1))
    poses[:, :3, :3] = Rotation.from_rotvec(np.radians(3.0) * t[:, None] * (0, 0, 1)).as_matrix()
    poses[:, 0, 3] = 0.02 * t
    K = np.diag([100.0, 100.0, 1.0]) * np.array([1, 1.1, 1.25, 1.5, 1.1, 1.0])[:, None, None]
    found = camera_motion(poses, K, fps)
    assert found.speed == pytest.approx([0.5] * 5) and np.degrees(found.turning) == pytest.approx([75.0] * 5)
    assert found.zoom == pytest.approx(1.5) and found.moves
    still = camera_motion(poses[:1].repeat(4, 0), K[:1].repeat(4, 0), fps)
    assert not still.moves and still.zoom == 1.0
    assert not camera_motion(poses[:1], K[:1], fps).moves
    broken = camera_motion(np.full((3, 4, 4), np.inf), np.zeros((3, 3, 3)), fps)
    assert np.isnan(broken.zoom) and np.isnan(broken.speed).all()


def test_what_is_seen_of_people_in_company_and_what_hides_their_joints(tmp_path):
    clips = [noise_clip(seed, frames=4, resolution=(9, 12), people=2) for seed in range(3)]
    tags = {"rig": "ring:2", "camera_motion": "orbit", "arrangement": "near", "penetration": 0.004}
    clips[0] = replace(clips[0], spec=replace(clips[0].spec, tags=tags))
    alone = noise_clip(9, frames=4, resolution=(9, 12), people=1)
    s = statistics_of(tmp_path, [*clips, alone])
    people = [person for clip in clips for person in clip.views["camera 0"].people.values()]
    shares = [100 * p.pixels[t] / p.amodal_pixels[t] for p in people for t in range(4) if p.amodal_pixels[t]]
    assert s.values["seen"].n == len(shares) > 5 and s.values["seen"].mean == pytest.approx(np.mean(shares))
    counts = np.zeros(6, int)
    for person in (*people, *alone.views["camera 0"].people.values()):
        for t in range(4):
            if person.pixels[t] > 0 or person.in_frame[t].any():
                counts += np.bincount(person.visibility[t], minlength=6)
    assert counts.all() and np.array_equal(s.visibility, counts)
    assert s.values["penetration"].n == 1 and s.values["penetration"].mean == pytest.approx(4.0)
    assert [s.names[kind].ranked() for kind in ("rig", "camera_motion", "arrangement")] == [
        [("ring:2", 1)],
        [("orbit", 1)],
        [("near", 1)],
    ]
    page = str(distributions(s))
    for words in (
        "Why joints are not visible",
        "hidden by another",
        "Seen of people in company",
        "Deepest penetration",
    ):
        assert words in page


def test_chunks_of_frames_change_nothing(tmp_path, monkeypatch):
    whole = statistics_of(tmp_path, balls(1))
    monkeypatch.setattr(measures, "CHUNK_PIXELS", 1)
    single = statistics_of(tmp_path, balls(1))
    assert np.array_equal(whole.parts, single.parts) and np.array_equal(
        whole.values["cover"].counts, single.values["cover"].counts
    )


def test_poses_and_shapes_against_brute_force(tmp_path):
    clips = [noise_clip(seed, frames=5, people=2) for seed in range(3)]
    s = statistics_of(tmp_path, clips)
    for j, name in ((1, "left_hip"), (15, "head")):
        turns = Rotation.from_rotvec(
            np.concatenate([track.pose[:, j] for clip in clips for track in clip.people.values()]).astype(float)
        )
        mean = turns.mean()
        assert s.turns[name].n == 30
        assert s.turns[name].spread == pytest.approx(
            np.arccos(np.cos((mean.inv() * turns).magnitude()).mean()), abs=1e-4
        )
    poses = []
    for k, clip in enumerate(clips):
        for track in clip.people.values():
            for t in (0, 1, 3, 4):
                turn = Rotation.from_rotvec(track.pose[t, 0].astype(float)).inv()
                poses.append((k, turn.apply((track.joints[t] - track.joints[t, 0])[:22].astype(float))))
    apart = [
        100 * np.linalg.norm(a - b, axis=1).mean() for (i, a), (j, b) in itertools.combinations(poses, 2) if i != j
    ]
    found = s.pose_distances()
    assert (found.n, found.pairs.n, found.nearest.n) == (24, len(apart), 24)
    assert found.pairs.mean == pytest.approx(np.mean(apart), rel=1e-4)
    betas = s.betas["mannequin-female"]
    assert [tally.n for tally in betas] == [6, 6, 6] and [tally.smallest for tally in betas] == [0.5, -0.25, 0.0]


def test_what_outfits_stand_for_is_what_bodies_wear(tmp_path):
    clip = ball_clip(2, SIZE, people=2)
    people = tuple(
        replace(p, appearance=AppearanceSpec(f"outfit/{n}"), motion=MotionSpec("action/walk"))
        for p, n in zip(clip.spec.people, (11, 512))
    )
    s = statistics_of(tmp_path, [replace(clip, spec=replace(clip.spec, people=people))])
    worn = [dress(load_builtin("female"), n, 16).description for n in (11, 512)]
    for kind in ("top", "bottom", "shoes", "hair", "pattern"):
        assert s.names[kind].counts == {w[kind]: sum(v[kind] == w[kind] for v in worn) for w in worn}
    assert s.values["tone"].mean == pytest.approx((tone_of(11) + tone_of(512)) / 2)
    assert s.names["action"].counts == {"walk": 2} and s.names["light"].counts == {"spherical harmonics": 1}


def test_brightness_is_that_of_the_middle_frame(tmp_path):
    clip = ball_clip(4, SIZE)
    view = clip.views["camera"]
    grey, mask = cv2.cvtColor(view.rgb[2], cv2.COLOR_RGB2GRAY).astype(float), view.labels.mask(2)
    write_clip(tmp_path / "c.h5", clip, rgb="png")
    with open_clip(tmp_path / "c.h5") as reader:
        values = measure(reader).values
    assert values["person_luma"][0] == pytest.approx([grey[mask].mean()], abs=0.5)
    assert values["background_luma"][0] == pytest.approx([grey[~mask].mean()], abs=0.5)


# The page


class Checker(HTMLParser):
    """Elements must nest, and be closed."""

    VOID = {"meta", "img", "br", "link", "input"}

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.wrong, self.tags, self.ids, self.links = [], [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [v for k, v in attributes if k in ("href", "src")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


SECTIONS = ("clips", "channels", "distributions", "validation", "making", "datasheet", "rebuild")


@pytest.mark.slow
def test_the_page_is_well_formed_and_alone(made):
    page = (made / "report.html").read_text("utf-8")
    found = Checker(page)
    assert not found.wrong and not found.open
    assert len(set(found.ids)) == len(found.ids) and set(SECTIONS) <= set(found.ids)
    assert not {"script", "link", "iframe", "object"} & set(found.tags)
    assert all(link.startswith("data:image/") or (link[0] == "#" and link[1:] in found.ids) for link in found.links)
    assert not re.findall(r"@import|url\(", page) and len(page) < 10_000_000
    assert {f"channel-{name}" for name in (*CHANNELS, "segm14", "joints")} <= set(found.ids)


def test_a_browser_shows_it_and_asks_for_nothing(made, browser):
    with Visit(browser, (made / "report.html").as_uri()) as visit:
        page = visit.page
        assert not visit.errors
        assert [r for r in visit.requests if not r.startswith("data:")] == [(made / "report.html").as_uri()]
        assert page.evaluate("[...document.images].filter(i => !i.naturalWidth).length") == 0
        assert page.evaluate("document.images.length") > 14 * 4
        assert [h.inner_text() for h in page.query_selector_all("h2")] == [
            "Clips",
            "Channels",
            "Distributions",
            "Validation",
            "How the making went",
            "Datasheet",
            "Make it again",
        ]
        assert page.evaluate(
            "[...document.querySelectorAll('svg')].every(s => s.getAttribute('aria-label') && s.querySelector('title'))"
        )
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_dark_and_light_differ_and_stay_legible(made, browser):
    page = browser.new_page()
    page.goto((made / "report.html").as_uri())
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colours = [
            page.evaluate(f"getComputedStyle(document.{what}")
            for what in ("body).backgroundColor", "querySelector('svg text')).fill", "body).color")
        ]
        ground, *inks = (np.mean([int(v) for v in re.findall(r"\d+", c)[:3]]) for c in colours)
        assert all(abs(ink - ground) > 120 for ink in inks)
        grounds.append(ground)
    page.close()
    assert grounds[0] > 200 and grounds[1] < 60


def test_it_prints(made, browser):
    page = browser.new_page()
    page.goto((made / "report.html").as_uri())
    page.emulate_media(media="print")
    assert page.pdf(prefer_css_page_size=True)[:5] == b"%PDF-"
    assert page.evaluate("getComputedStyle(document.querySelector('figure')).breakInside") == "avoid"
    page.close()


def test_a_damaged_clip_is_told_and_the_rest_stands(made):
    page = (made / "report.html").read_text("utf-8")
    assert "1 of 5 clips read are damaged" in page and "<code>000002</code>" in page
    assert str(made) not in page  # where it lay concerns nobody
    assert "n 8 people in frames" in page or "n 8 frames of a camera" in page  # 4 sound clips of 2 frames


def test_the_same_dataset_gives_the_same_bytes(made, tmp_path):
    first = write_report(made, tmp_path / "a.html", 0)[0].read_bytes()
    assert first == (made / "report.html").read_bytes() == write_report(made, tmp_path / "b.html", 0)[0].read_bytes()


def test_names_from_strangers_stay_text(tmp_path, browser):
    clip = ball_clip(2, SIZE, tags={"action": HOSTILE})
    person = replace(clip.spec.people[0], appearance=AppearanceSpec(HOSTILE), motion=MotionSpec(HOSTILE))
    spec = replace(clip.spec, people=(person,), split=HOSTILE, preset=HOSTILE)
    dataset = dataset_of(
        tmp_path / "a<b>&'c",
        [replace(clip, spec=spec, versions={HOSTILE: HOSTILE}, agreement={HOSTILE: 0.5})],
        {"renderer": HOSTILE, HOSTILE: [HOSTILE]},
    )
    failures.record(dataset.path, Failure(7, HOSTILE, HOSTILE, "", 1, HOSTILE, HOSTILE, {}, None))
    (dataset.path / ".log").mkdir()
    log = [
        {"run": HOSTILE, "host": HOSTILE, "t": 0},
        {"clip": 0, "host": HOSTILE, "frames": 2, "seconds": {HOSTILE: 1.0}, "t": 1.0},
        {"end": HOSTILE, "t": 2},
    ]
    (dataset.path / ".log" / "x.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in log) + '[1\n{"t": "x"}\n\xff'
    )
    report = Report()
    report.add(HOSTILE, [Finding(HOSTILE, float("nan"), 1.0, HOSTILE, note=HOSTILE)])
    report.say(HOSTILE)
    leave(dataset.path, record_of(report, 1))
    page = page_of(dataset.path)
    found = Checker(page)
    assert "script" not in found.tags and not found.wrong and not found.open
    assert "\u202e" not in page and "\x07" not in page and page.count("alert(1)") > 10
    with Visit(browser, (dataset.path / "report.html").as_uri()) as visit:
        assert not visit.errors and visit.page.title().startswith("a<b>&'c")
        assert not visit.page.query_selector("img[src='x']")


@pytest.mark.parametrize("name", ["surreal", "mirrored"])
def test_a_folder_in_surreals_layout(tmp_path, name):
    dataset = dataset_of(tmp_path / "d", balls(2))
    export_surreal(dataset, tmp_path / name, mirror=name == "mirrored")
    page = page_of(tmp_path / name)
    found = Checker(page)
    assert not found.wrong and not found.open and set(SECTIONS) <= set(found.ids)
    for words in (
        "no record of how it was made",
        "Only Mannequin",
        "Not in these clips: flow, occluded",
        "do not hold what made them",
    ):
        assert words in page, words
    ours = page_of(dataset.path)
    told = [re.search(r"Distance</?.*?aria-label=\"(Distance:[^\"]+)\"", p)[1] for p in (ours, page)]
    assert told[0] == told[1]  # the same people at the same distance, whatever the layout


def test_a_single_clip_file(tmp_path, monkeypatch):
    write_clip(tmp_path / "one.h5", ball_clip(2, SIZE))
    monkeypatch.chdir(tmp_path)
    file, size = write_report(tmp_path / "one.h5", None, 0)
    assert file == Path("one-report.html") and size == file.stat().st_size


def test_a_dataset_without_colour(tmp_path):
    page = page_of(dataset_of(tmp_path / "d", balls(2, rgb=False)).path)
    assert "Not in these clips: rgb." in page and 'id="channel-rgb"' not in page and 'id="channel-joints"' in page


def test_some_of_many_clips_are_read_and_said_to_be(tmp_path):
    page = page_of(dataset_of(tmp_path / "d", balls(6)).path, clips=3)
    assert "statistics of 3 of 6 clips" in page and "≈ 18" in page
    for key in ("000000", "000005"):
        assert f"<b>{key}</b>" in page


# Validation, runs, failures, rebuilding


@pytest.mark.blender
def test_validate_leaves_its_result_for_the_report(tmp_path, capsys):
    here(small_job(), tmp_path / "d", 1)
    with pytest.raises(SystemExit) as end:
        main(["validate", str(tmp_path / "d"), "--clips", "1", "--frames", "1", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told == latest(tmp_path / "d") and told["valid"] is (end.value.code == 0) and told["clips"] == 1
    page = page_of(tmp_path / "d")
    assert f"{len(told['rows'])} checks passed" in page and "flow along rays" in page


def test_a_validation_that_failed_or_is_old_is_told(tmp_path):
    dataset = dataset_of(tmp_path / "d", balls(2))
    assert "not validated" in page_of(dataset.path)
    report = Report()
    report.add("000000.h5", [Finding("depth along rays", 0.5, 0.1, "m", note="frame 3"), Finding("sound", 0.0, 1.0)])
    leave(dataset.path, record_of(report, 9))
    page = page_of(dataset.path)
    assert "not valid: 1 of 2 checks failed" in page and "Now there are 2" in page and "frame 3" in page


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"format": "mannequin-validation", "format_version": 1, "rows": [{}], "notes": []}']
)
def test_a_damaged_validation_is_told_and_the_rest_stands(tmp_path, content):
    dataset = dataset_of(tmp_path / "d", balls(1))
    (dataset.path / ".log").mkdir()
    (dataset.path / ".log" / "validation.json").write_text(content)
    page = page_of(dataset.path)
    assert "result of the validation is damaged" in page and "validate again" in page


def test_runs_are_summed(tmp_path):
    dataset = dataset_of(tmp_path / "d", balls(1))
    (dataset.path / ".log").mkdir()
    lines = [
        {"run": "2026-01-02T03:04:05+00:00", "host": "a", "workers": 2, "t": 0.0},
        {"clip": 0, "host": "a", "frames": 10, "seconds": {"render": 4.0, "write": 1.0}, "peak_mb": 100.0, "t": 5.0},
        {"clip": 1, "host": "b", "frames": 10, "seconds": {"render": 3.0, "write": 1.0}, "peak_mb": 300.0, "t": 8.0},
        {"clip": 2, "host": "a", "error": "no", "t": 9.0},
        {"clip": 3, "died": "killed", "t": 9.5},
        {"clip": 4, "kept": True, "t": 9.6},
        {"end": "done", "t": 10.0},
        {"run": "2026-01-02T04:00:00+00:00", "host": "a", "workers": 1, "t": 0.0},
        {"clip": 2, "host": "a", "frames": 5, "seconds": {"render": 1.0}, "peak_mb": 50.0, "t": 2.0},
    ]
    (dataset.path / ".log" / "a-1.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in lines) + '{"clip": 9, "fra'
    )
    found = read_runs(dataset.path)
    assert (found.clips, found.frames, found.wall, found.peak_mb, found.hosts) == (3, 25, 12.0, 300.0, {"a", "b"})
    assert found.seconds == {"render": 8.0, "write": 2.0}
    assert [(r.clips, r.failed, r.died, r.end) for r in found.runs] == [(2, 1, 1, "done"), (1, 0, 0, "")]
    page = page_of(dataset.path)
    assert "2.08 frames per second of a run, 2.5 per process" in page and "cut off" in page


def test_failures_are_listed_with_the_way_to_retry(tmp_path):
    dataset = dataset_of(tmp_path / "d", balls(1), to_plain(small_job()))
    dataset = create_or_resume(tmp_path / "d", to_plain(small_job()), 3)
    failures.record(dataset.path, Failure(1, "the second", "Out of cheese.", "", 2, "2026-01-01", "host", {}, None))
    page = page_of(dataset.path)
    for words in ("1 of 3 planned clips are there", "1 missing", "1 failed", "Out of cheese.", "--retry-failed"):
        assert words in page, words


@pytest.mark.parametrize(
    "config", [SampleConfig(), SampleConfig("surreal", 7, 12.5, (40, 48), 2, "train", 52, True, "lamps")]
)
def test_the_command_makes_the_same_dataset(tmp_path, config):
    job = replace(
        small_job(),
        sample=config,
        assets=replace(small_job().assets, motion=("walk", "run"), textures="/a folder/of 'skins'"),
    )
    dataset = create_or_resume(tmp_path / "d", to_plain(job), 9)
    words = shlex.split(generate_command(dataset, "my data"))
    command = parse(words[1:])
    assert words[:3] == ["mannequin", "generate", "my data"] and command.job() == job and command.clips == 9


def test_a_foreign_config_has_no_command(tmp_path):
    assert generate_command(create_or_resume(tmp_path / "d", {"footage": {"params": "x"}}, 1), "d") is None


# Where it goes, and refusals


def test_it_lies_in_the_dataset_which_stays_one(made):
    assert here(small_job(), made, 5).kept == 5
    assert "report.html" in {p.name for p in made.iterdir()}


def test_a_dataset_that_takes_no_file_is_reported_beside(tmp_path, monkeypatch):
    dataset = dataset_of(tmp_path / "d", balls(1))
    (dataset.path / "report.html").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert write_report(dataset.path, None, 0)[0] == Path("d-report.html")
    assert [p.name for p in (tmp_path / "here").iterdir()] == ["d-report.html"]


@pytest.mark.parametrize(
    "out,clips,words", [("x.txt", 0, "ends in .html"), ("d/clips", 0, "ends in .html"), ("r.html", -1, "clips is -1")]
)
def test_impossible_options_are_refused(tmp_path, out, clips, words):
    dataset_of(tmp_path / "d", balls(1))
    with pytest.raises(ConfigError, match=words):
        write_report(tmp_path / "d", tmp_path / out, clips)


def test_what_is_no_dataset_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    create_or_resume(tmp_path / "planned", {"seed": 1}, 3)
    for name, words in (("absent", "absent"), ("empty", "no clips"), ("planned", "no finished clips")):
        with pytest.raises(DatasetError, match=words):
            write_report(tmp_path / name, tmp_path / "r.html", 0)
    assert not (tmp_path / "r.html").exists()


def test_nothing_but_damage_is_refused(tmp_path):
    dataset = dataset_of(tmp_path / "d", balls(2))
    for path in dataset.clips():
        path.write_bytes(b"not a clip")
    with pytest.raises(DatasetError, match="None of the 2 clips"):
        write_report(dataset.path, None, 0)


def test_the_command_says_where_and_how_much(tmp_path, capsys):
    dataset_of(tmp_path / "d", balls(1))
    with pytest.raises(SystemExit) as end:
        main(["report", str(tmp_path / "d")])
    told = capsys.readouterr()
    assert end.value.code == 0 and "report.html" in told.out and "kB" in told.out and "1 of 1 clips" in told.err


# Text


@pytest.mark.parametrize(
    "value,said",
    [
        (0.0, "0"),
        (1234567.0, "1,234,567"),
        (-2.5, "−2.5"),
        (0.01234, "0.0123"),
        (1e-6, "10⁻⁶"),
        (2.2e-16, "2.2·10⁻¹⁶"),
        (float("nan"), "–"),
    ],
)
def test_numbers_for_people(value, said):
    assert number(value) == said


def test_text_is_escaped_unless_it_is_markup():
    assert el("p", "<b>", el("i", "&"), title='"') == '<p title="&quot;">&lt;b&gt;<i>&amp;</i></p>'
    assert text("\ud800\x00é") == "\ufffd\ufffdé" and len(text("x" * 9999)) <= 300
