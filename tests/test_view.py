"""The viewer: its parts one by one, and all of it in a real browser."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mannequin.generator.clip import BY_ANOTHER, BY_ONESELF, CHANNELS, OUTSIDE, VISIBLE
from mannequin.generator.colours import OKABE_ITO, part_colours
from mannequin.generator.dataset import failures
from mannequin.generator.dataset.collection import open_collection
from mannequin.generator.dataset.folder import create_or_resume
from mannequin.generator.dataset.native import open_clip, write_clip
from mannequin.generator.dataset.source import MemorySource
from mannequin.generator.errors import ConfigError, DatasetError
from mannequin.view.about import description_html, facts_html
from mannequin.view.clip_images import ClipImages, ImageOptions
from mannequin.view.image_planes import ImagePlanes, columns_for, pixel_at
from mannequin.view.index import ClipIndex, Query
from mannequin.view.pixels import read_pixel
from mannequin.view.playback import Playback
from mannequin.view.seen import MOST_LISTED, Seen, SeenBy, people_html
from mannequin.view.server import Viewer
from tests.browser import Visit
from tests.clips import ball_clip, camera_looking, mask_of
from tests.test_architecture import modules_after

ROOT = Path(__file__).resolve().parents[1]
SIZE = 60, 80
"""Rows and columns of the clips: few, so that each pixel is large on the screen."""

ACTIONS = ("walk", "run", "jump")
DAMAGED, FAILED, CLIPS = 3, 5, 5
WIDE = 120_000.0
"""Milliseconds that a page may take for what is asked of it, on a machine under load."""


def make_clip(index: int, frames: int = 6):
    """A clip of two people seen by two cameras; odd ones are for testing."""
    eyes = [camera_looking(f"eye {i}", (x, -6.0, 1.0), focal=150.0, resolution=SIZE) for i, x in enumerate((0.0, 1.5))]
    clip = ball_clip(
        frames,
        SIZE,
        2,
        eyes,
        index=index,
        name=f"clip {index}",
        tags={"action": ACTIONS[index % 3], "take": "blue door"},
    )
    split = "test" if index % 2 else "train"
    object.__setattr__(clip.spec, "split", split)
    return clip


def make_dataset(folder: Path, clips: int = CLIPS):
    dataset = create_or_resume(folder, {"made": "by a test"}, clips)
    for index in range(clips):
        path = dataset.path_of(index)
        path.parent.mkdir(parents=True, exist_ok=True)
        if index == DAMAGED:
            path.write_bytes(b"no clip at all")
        else:
            write_clip(path, make_clip(index), rgb="png")
    record = failures.Failure(FAILED, f"clip {FAILED}", "the arm came off", "", 3, "", "", {}, None)
    failures.record(folder, record)
    return dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("view") / "out")


@pytest.fixture(scope="module")
def clip(dataset):
    """The first clip, in memory."""
    return dataset.read(0)


def wait_for(condition, seconds: float = 120.0):
    """The first true value of ``condition``."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)
    return value


# Which frame is due


def test_playback_keeps_time_and_passes_over_what_is_late():
    playback = Playback(frames=10, fps=20.0, first=3, start=100.0, speed=1.0, loop=True)
    assert [playback.frame(100.0 + s, 0) for s in (0.0, 0.049, 0.05, 0.1, 0.3, 0.35)] == [3, 3, 4, 5, 9, 0]
    assert playback.frame(100.0 + 7 * 0.5, 0) == 3
    assert playback.wait(100.02) == pytest.approx(0.03)


def test_playback_ends_where_it_does_not_loop():
    playback = Playback(frames=10, fps=20.0, first=0, start=0.0, speed=0.5, loop=False)
    assert playback.frame(0.5, 0) == 5 and not playback.ends(5)
    assert playback.frame(60.0, 0) == 9 and playback.ends(9)


def test_every_frame_in_its_turn_however_late():
    playback = Playback(frames=3, fps=20.0, first=0, start=0.0, speed=None, loop=True)
    assert [playback.frame(99.0, t) for t in (0, 1, 2)] == [1, 2, 0]


# The list of clips


@pytest.fixture
def index(dataset):
    index = ClipIndex(open_collection(dataset.path))
    wait_for(lambda: index.is_complete)
    yield index
    index.close()


def test_names_are_there_before_any_file_is_opened(dataset, monkeypatch):
    collection, go_on = open_collection(dataset.path), threading.Event()
    summary = collection.summary
    monkeypatch.setattr(collection, "summary", lambda key: go_on.wait() and summary(key))
    index = ClipIndex(collection)
    try:
        assert [f"{i:06d}" for i in range(CLIPS)] == index.search(Query())[:CLIPS]
        assert index.search(Query("000002")) == ["000002"] and index.search(Query(action="walk")) == []
        go_on.set()
        wait_for(lambda: index.is_complete)
        assert index.search(Query(action="walk")) == ["000000"]
    finally:
        go_on.set()
        index.close()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(), [0, 1, 2, 3, 4, 5]),
        (Query("jump"), [2]),
        (Query("DOOR blue"), [0, 1, 2, 4]),
        (Query(split="test"), [1]),
        (Query(action="run"), [1, 4]),
        (Query("0004", action="run"), [4]),
        (Query(body="mannequin-female"), [0, 1, 2, 4]),
        (Query(body="mannequin-male"), []),
        (Query(state="damaged"), [DAMAGED]),
        (Query(state="failed"), [FAILED]),
        (Query("arm came"), [FAILED]),
    ],
)
def test_search_and_filters(index, query, found):
    assert index.search(query) == [f"{i:06d}" for i in found]


def test_filters_offer_what_occurs(index):
    assert index.values() == {
        "split": ["test", "train"],
        "action": ["jump", "run", "walk"],
        "body": ["mannequin-female"],
        "state": ["damaged", "done", "failed"],
    }


def test_clips_that_come_and_go_are_seen_after_a_refresh(tmp_path):
    dataset = make_dataset(tmp_path / "out", 3)
    index = ClipIndex(open_collection(dataset.path))
    try:
        wait_for(lambda: index.is_complete)
        dataset.path_of(0).unlink()
        write_clip(dataset.path_of(FAILED), make_clip(FAILED))
        assert len(index) == 4 and index.entry("000005").state == "failed"
        index.refresh()
        wait_for(lambda: index.is_complete)
        assert index.search(Query()) == ["000001", "000002", "000005"]
        assert index.entry("000005").state == "done" and index.entry("000000").state == ""
    finally:
        index.close()


# Pictures and pixels


def test_pictures_are_arranged_as_large_as_they_fit():
    assert [columns_for(4, (240, 320), aspect) for aspect in (0.3, 1.3, 9.0)] == [1, 2, 4]
    assert columns_for(1, (240, 320), 1.0) == columns_for(0, (240, 320), 1.0) == 1


def test_a_ray_meets_the_pixel_it_points_at():
    x, y, corner = 17, 41, (2.0, -1.1)
    target = np.array([corner[0] + (x + 0.5) / SIZE[0], 0.0, corner[1] - (y + 0.5) / SIZE[0]])
    eye = np.array([0.3, -4.0, 2.0])
    assert pixel_at(eye, target - eye, corner, SIZE) == (x, y)
    assert pixel_at(eye, target - eye - (9.0, 0, 0), corner, SIZE) is None


def test_a_pixel_reads_back_every_channel_exactly(dataset, clip):
    view, t = clip.views["eye 1"], 2
    y, x = np.argwhere(view.frame("instance", t) == 2)[5]
    with dataset.open(0) as reader:
        readings = {r.channel: r for r in read_pixel(reader, "eye 1", t, x, y)}
    assert list(readings) == list(CHANNELS)
    for name, reading in readings.items():
        assert np.array_equal(reading.value, view.frame(name, t)[y, x]) and reading.value.dtype == CHANNELS[name].dtype
    assert readings["instance"].meaning == "person1" and readings["depth"].meaning == "m"


def test_pictures_of_all_cameras_and_channels_and_over_the_colour(dataset, clip):
    with dataset.open(0) as reader:
        images = ClipImages(reader)
        options = ImageOptions(("eye 0", "eye 1"), ("rgb", "segm"))
        assert [tile.title for tile in images.tiles(options, 0, False)] == [
            "eye 0 · rgb",
            "eye 0 · segm",
            "eye 1 · rgb",
            "eye 1 · segm",
        ]
        (mixed,) = images.tiles(ImageOptions(("eye 0",), ("rgb", "segm"), opacity=0.25), 0, False)
    segm, rgb = (clip.views["eye 0"].frame(name, 0) for name in ("segm", "rgb"))
    body = segm > 0
    expected = 0.25 * part_colours()[segm] + 0.75 * rgb
    assert np.abs(mixed.picture[body] - expected[body]).max() <= 0.51
    assert np.array_equal(mixed.picture[~body], rgb[~body])


def test_pictures_at_rest_are_enlarged_pixel_by_pixel(dataset):
    with dataset.open(0) as reader:
        (small,), (large,) = (
            ClipImages(reader).tiles(ImageOptions(("eye 0",), ("segm",)), 0, at_rest) for at_rest in (False, True)
        )
    times = len(large.picture) // len(small.picture)
    assert times > 1 and np.array_equal(large.picture, small.picture.repeat(times, 0).repeat(times, 1))


def with_whole_masks(clip):
    """``clip`` with amodal masks: person0 whole would fill the upper half of the image, person1 nowhere be seen."""
    views = {}
    for camera, view in clip.views.items():
        upper = np.arange(SIZE[0] * SIZE[1]) < SIZE[0] * SIZE[1] // 2
        masks = {name: np.tile(upper, (clip.spec.num_frames, 1)) & (name == "person0") for name in view.people}
        people = {
            name: replace(person, amodal_pixels=masks[name].sum(1).astype(np.int32))
            for name, person in view.people.items()
        }
        amodal = {name: mask_of(SIZE, mask) for name, mask in masks.items()}
        views[camera] = replace(view, people=people, amodal=amodal)
    return replace(clip, views=views)


def test_whole_outlines_are_drawn_over_the_enlarged_picture():
    clip = with_whole_masks(make_clip(0))
    images = ClipImages(MemorySource(clip))
    assert "amodal" in images.channels("eye 0")
    options = ImageOptions(("eye 0",), ("amodal",))
    for at_rest in (False, True):
        (tile,) = images.tiles(options, 0, at_rest)
        times = len(tile.picture) // SIZE[0]
        enlarged = clip.views["eye 0"].rgb[0].repeat(times, 0).repeat(times, 1)
        changed = (tile.picture != enlarged).any(-1)
        assert changed[: len(changed) // 2].mean() > 0.3 and not changed[len(changed) // 2 + times :].any()
    (other,) = images.tiles(ImageOptions(("eye 0",), ("amodal",), people=("person1",)), 0, False)
    times = len(other.picture) // SIZE[0]
    assert (other.picture == clip.views["eye 0"].rgb[0].repeat(times, 0).repeat(times, 1)).all()
    ((name, meaning),) = images.legends(options)
    assert name == "amodal" and [n for n, _ in meaning.entries] == ["person0", "person1", "hatched: hidden"]


def test_the_box_of_a_person_has_the_same_colour_alone():
    clip = make_clip(0)
    images = ClipImages(MemorySource(clip))
    (tile,) = images.tiles(ImageOptions(("eye 0",), joints=True, people=("person1",)), 0, False)
    times = len(tile.picture) // SIZE[0]
    x0, y0, *_ = clip.views["eye 0"].people["person1"].box[0].astype(int) * times
    assert tuple(tile.picture[y0, x0]) == OKABE_ITO[1]


def test_what_is_seen_of_everybody_is_told_of_each_camera():
    clip = with_whole_masks(make_clip(0))
    view = clip.views["eye 1"]
    view.people["person0"].visibility[2] = np.repeat((VISIBLE, BY_ONESELF, BY_ANOTHER, OUTSIDE), (10, 8, 5, 1))
    seen = ClipImages(MemorySource(clip)).seen(("eye 0", "eye 1"), 2)
    assert [s.camera for s in seen] == ["eye 0", "eye 1"] and [len(s.people) for s in seen] == [2, 2]
    first, second = seen[1].people
    assert first.joints == (10, 8, 5, 0, 1, 0) and np.isnan(second.share)
    assert first.share == view.people["person0"].pixels[2] / (SIZE[0] * SIZE[1] // 2)
    told = people_html(2, seen)
    assert f"{100 * first.share:.0f} % seen" in told and "outside the image" in told
    assert (
        "10 of 24 joints visible, 8 hidden by oneself, 5 hidden by another, 1 outside the image" in told
        and "At frame 2." in told
    )


def test_a_crowd_is_counted_and_files_that_tell_no_shares_say_so():
    clip = ball_clip(1, SIZE, people=MOST_LISTED + 3)
    (seen,) = ClipImages(MemorySource(clip)).seen(("camera",), 0)
    told = people_html(0, [seen])
    assert len(seen.people) == MOST_LISTED == told.count("data-person=") and "and 3 more" in told
    assert told.count("share seen not recorded") == MOST_LISTED
    assert "Nobody was recorded" in people_html(0, [])
    wicked = people_html(0, [SeenBy("'><img src=x>", (Seen("'><img src=x>", 1, 1.0, (1,) * 6),))] * 2)
    assert "<img" not in wicked and "'>&lt;" not in wicked.replace("'>'", "")


def test_the_range_of_depth_is_that_of_the_whole_clip(dataset, clip):
    with dataset.open(0) as reader:
        near, far = ClipImages(reader).style(ImageOptions().style, "eye 0", "depth").depth
    assert (near, far) == pytest.approx(np.percentile(clip.views["eye 0"].labels.values["depth"], (1, 99)), rel=1e-6)


def test_what_stands_in_a_file_is_no_html(tmp_path):
    wicked = "<img src=x onerror=alert(1)>"
    clip = ball_clip(1, SIZE, name=wicked, tags={"action": wicked, wicked: 1.0})
    write_clip(tmp_path / "a.h5", clip)
    with open_clip(tmp_path / "a.h5") as reader:
        pages = facts_html(reader, open_collection(tmp_path / "a.h5"), "a") + description_html(reader.spec)
    assert "<img" not in pages and pages.count("&lt;img") >= 4


# The server


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def test_a_port_in_use_is_named_with_another(dataset):
    with (
        Viewer(dataset.path) as viewer,
        pytest.raises(ConfigError, match=rf"Port {viewer.port} .* in use.*--port {viewer.port + 1}"),
    ):
        Viewer(dataset.path, port=viewer.port)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"host": "no.such.host.invalid"}, ConfigError, "Unknown host"),
        ({"host": "192.0.2.1"}, ConfigError, "Cannot listen on 192.0.2.1"),
        ({"port": 70_000}, ConfigError, "Port 70000 does not exist"),
        ({"clip": "000123"}, ConfigError, "Unknown clip '000123'"),
        ({"palette": "pink"}, ConfigError, "Unknown palette"),
    ],
)
def test_what_cannot_be_is_refused(dataset, options, error, message):
    with pytest.raises(error, match=message):
        Viewer(dataset.path, **options)


def test_what_is_no_dataset_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="holds no clips"):
        Viewer(tmp_path)
    create_or_resume(tmp_path / "empty", {}, 3)
    with pytest.raises(DatasetError, match="no finished clips"):
        Viewer(tmp_path / "empty")


def test_the_package_can_be_called_again_and_again(dataset, capsys):
    import mannequin

    for source in (dataset, str(dataset.path), dataset.path_of(1)):
        with mannequin.view(source) as viewer:
            assert urllib.request.urlopen(viewer.url).status == 200
        assert viewer.url in capsys.readouterr().out


def test_importing_mannequin_brings_nothing_heavy():
    assert not modules_after("import mannequin") & {"numpy", "viser", "h5py", "cv2", "tyro", "rich"}


def test_threads_end_with_the_viewer(dataset):
    before = set(threading.enumerate())
    Viewer(dataset.path).close()
    wait_for(lambda: {t for t in threading.enumerate() if "index" in t.name} <= before)


# In a browser


@pytest.fixture(scope="module")
def viewer(dataset):
    with Viewer(dataset.path) as viewer:
        yield viewer


class Page(Visit):
    """The viewer's page, with what a user sees and does."""

    def __init__(self, browser, viewer, width: int = 1000, height: int = 560):
        super().__init__(browser, f"{viewer.url}{'&' if '?' in viewer.url else '?'}fixedDpr=1", width, height)
        # viser lowers the resolution on slow machines otherwise, and pictures of it are compared.
        self.page.set_default_timeout(WIDE)
        self.page.get_by_role("button", name="● rgb").wait_for()
        self.page.locator(".mantine-Notification-root button").first.click()  # of the missing GPU

    def begin(self):
        """The colour image of the first frame of the first clip."""
        self.field("search").fill("")
        self.clip("000000")
        self.page.get_by_role("tab", name="Pictures").click()
        wait_for(lambda: self.frame() == 0)
        for name in {
            text[2:] for text in self.page.get_by_role("button").all_inner_texts() if text.startswith("● ")
        } ^ {"images", "rgb"}:
            self.press(f"○ {name}" if name in ("images", "rgb") else f"● {name}")

    def frame(self) -> int:
        """The number of the frame shown."""
        return int(re.search(r"frame (\d+) of", self.page.get_by_text("of 0…").first.inner_text())[1])

    def press(self, name: str):
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def clip(self, key: str):
        self.page.get_by_role("button", name=key).first.click()

    def field(self, label: str):
        return self.page.locator("label", has_text=re.compile(f"^{label}$")).locator("xpath=following::input[1]").first

    def canvas(self) -> np.ndarray:
        """(H, W, 3) uint8 RGB screenshot between the panels."""
        image = cv2.imdecode(np.frombuffer(self.page.screenshot(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1].copy()
        image[:, :245], image[:, -345:] = 255, 255
        return image

    def picture(self) -> tuple[np.ndarray, tuple[int, int, int, int]]:
        """The canvas once a single picture stands still on it, and that picture's (left, top, right, bottom)."""
        last = [self.canvas()]

        def still():
            time.sleep(0.5)
            last.append(self.canvas())
            box = box_of(last[-1])
            return box and np.array_equal(last[-1], last[-2]) and box

        box = wait_for(still)
        return last[-1], box

    def reading(self) -> dict[str, str]:
        """Channel → the numbers shown for the pixel, those of one camera."""
        cells = self.page.locator("[data-channel]")
        return {c.get_attribute("data-channel"): c.inner_text() for c in cells.all()}


@pytest.fixture(scope="module")
def opened(browser, viewer):
    with Page(browser, viewer) as page:
        yield page
        assert page.errors == []


@pytest.fixture
def page(opened):
    opened.begin()
    return opened


def box_of(canvas: np.ndarray) -> tuple[int, int, int, int] | None:
    """Where the only picture is; None if there is another number of them, or a scene."""
    dark = (canvas < 250).all(-1)
    rows, columns = np.flatnonzero(dark.mean(1) > 0.25), np.flatnonzero(dark.mean(0) > 0.25)
    if not len(rows) or not len(columns):
        return None
    box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    fits = abs((box[2] - box[0]) / (box[3] - box[1]) - SIZE[1] / SIZE[0]) < 0.03
    return box if fits and dark[box[1] : box[3], box[0] : box[2]].mean() > 0.5 else None


def spot(box: tuple[int, int, int, int], x: int, y: int) -> tuple[float, float]:
    """Where on the screen the middle of pixel (x, y) of the picture in ``box`` is."""
    left, top, right, bottom = box
    return left + (x + 0.5) * (right - left) / SIZE[1], top + (y + 0.5) * (bottom - top) / SIZE[0]


def test_a_click_reads_what_the_file_says(page, clip):
    page.press("○ segm")
    page.press("● rgb")
    page.page.get_by_text("leftUpLeg").wait_for()
    canvas, box = page.picture()
    page.page.get_by_role("tab", name="Pixel").click()
    view = clip.views["eye 0"]
    body = np.argwhere(view.frame("segm", 0) > 0)
    for y, x in body[:: len(body) // 3]:
        right, down = spot(box, x, y)
        assert (
            np.abs(canvas[int(down), int(right)].astype(int) - part_colours()[view.frame("segm", 0)[y, x]]).max() <= 1
        )
        page.page.mouse.click(right, down)
        page.page.locator(f"[data-pixel='{x},{y}']").wait_for()
        for name, text in page.reading().items():
            value = view.frame(name, 0)[y, x]
            assert np.array_equal(np.array(text.split(", "), value.dtype), np.atleast_1d(value)), name


def test_a_pixel_can_be_named_in_numbers(page, clip):
    page.page.get_by_role("tab", name="Pixel").click()
    for name, value in (("x", "33"), ("y", "20")):
        page.field(name).fill(value)
        page.field(name).press("Enter")
    page.page.locator("[data-pixel='33,20']").wait_for()
    assert page.reading()["depth"] == str(clip.views["eye 0"].frame("depth", 0)[20, 33])


def test_frames_step_and_play(page):
    before, _ = page.picture()
    page.press(">|")
    wait_for(lambda: page.frame() == 5)
    assert not np.array_equal(page.picture()[0], before)
    page.press("<")
    wait_for(lambda: page.frame() == 4)
    page.press("|<")
    wait_for(lambda: page.frame() == 0)
    page.press("play")
    seen, pictures = set(), set()
    wait_for(
        lambda: seen.add(page.frame()) or pictures.add(page.canvas().tobytes()) or (len(seen) > 2 and len(pictures) > 2)
    )
    page.press("pause")
    page.page.get_by_role("button", name="play", exact=True).wait_for()


def test_keys_step_through_frames_and_clips(page):
    page.page.get_by_role("tab", name="About").click()
    page.page.evaluate("document.activeElement.blur()")  # a tab would take the arrows for itself
    page.page.keyboard.press("ArrowRight")
    wait_for(lambda: page.frame() == 1)
    page.page.keyboard.press("ArrowDown")
    page.page.get_by_text("clip 1 (000001)").wait_for()
    assert page.frame() == 0
    page.page.keyboard.press("ArrowUp")
    page.page.get_by_text("clip 0 (000000)").wait_for()


def test_a_browser_that_stalls_is_sent_no_more(page, monkeypatch):
    shown = []
    show = ImagePlanes.show
    monkeypatch.setattr(ImagePlanes, "show", lambda self, tiles: (shown.append(1), show(self, tiles)))
    page.press("play")
    wait_for(lambda: len(shown) > 3)
    before = len(shown)
    page.page.evaluate("() => { const start = Date.now(); while (Date.now() - start < 2000); }")
    assert len(shown) - before <= 3  # of the sixty that the clip has in two seconds
    wait_for(lambda: len(shown) > before + 5)
    page.press("pause")


def test_legends_follow_the_channels(page):
    page.press("○ segm")
    page.page.get_by_text("leftUpLeg").wait_for()
    page.press("○ instance")
    page.page.get_by_text("person1", exact=True).first.wait_for()
    page.press("● segm")
    page.page.get_by_text("leftUpLeg").wait_for(state="detached")


def test_people_are_listed_for_each_camera_and_frame(page, clip):
    page.page.get_by_role("tab", name="People").click()
    told = page.page.locator("[data-person='eye 0/person1']")
    told.wait_for()
    visible = int(clip.views["eye 0"].people["person1"].visible[0].sum())
    assert f"{visible} of 24 joints visible" in told.inner_text()
    page.press(">|")
    page.page.get_by_text("At frame 5.").wait_for()
    assert page.page.locator("[data-person='eye 1/person1']").count() == 0


def test_all_cameras_are_seen_side_by_side(page):
    page.picture()  # stands alone

    def choose(camera: str):
        page.page.get_by_role("tab", name="Pictures").click()
        page.field("camera").click()
        page.page.get_by_role("option", name=camera).click()

    choose("all cameras")
    try:
        page.page.get_by_role("tab", name="People").click()
        page.page.locator("[data-person='eye 1/person0']").wait_for()
        wait_for(lambda: pictures_on(page.canvas()) == 2)
    finally:
        choose("eye 0")
    page.picture()


def pictures_on(canvas: np.ndarray) -> int:
    """How many pictures there are, in even rows."""
    dark = (canvas < 250).all(-1)
    rows, columns = (np.concatenate([[False], dark.mean(axis) > 0.2]).astype(int) for axis in (1, 0))
    return int((np.diff(rows) == 1).sum() * (np.diff(columns) == 1).sum())


def test_search_narrows_the_list(page):
    page.page.get_by_role("button", name="000004 · run").wait_for()
    page.field("search").fill("jump")
    page.page.get_by_text("1 of 6 clips").wait_for()
    page.press("000002 · jump · 2 people")
    page.field("search").fill("")
    page.page.get_by_text("6 of 6 clips").wait_for()


def test_clips_that_cannot_be_shown_say_why_and_the_rest_works(page):
    page.page.get_by_role("button", name="000003 · damaged").click()
    page.page.get_by_text("not a whole HDF5 file").first.wait_for()
    page.page.get_by_role("button", name="000005 · failed").click()
    page.page.get_by_text("the arm came off (tried 3 times)").first.wait_for()
    page.clip("000001")
    page.page.get_by_text("the arm came off").first.wait_for(state="detached")
    page.picture()


def test_two_browsers_do_not_disturb_one_another(browser, page, viewer):
    with Page(browser, viewer) as other:
        other.page.get_by_role("button", name="000001 · run").click()
        other.press(">|")
        wait_for(lambda: other.frame() == 5)
        assert page.frame() == 0
        assert len(viewer._sessions) == 2
        sessions = dict(viewer._sessions)
    wait_for(lambda: len(viewer._sessions) == 1)
    (left,) = (s for n, s in sessions.items() if n not in viewer._sessions)
    wait_for(lambda: left.images is None)


def test_the_scene_and_back(page):
    pictures, _ = page.picture()
    page.press("○ 3D")
    wait_for(lambda: (page.canvas() < 250).any(-1).mean() > 0.3 and box_of(page.canvas()) is None)
    page.press("○ images")
    wait_for(lambda: np.abs(page.canvas().astype(int) - pictures).mean() < 0.5)


def test_pictures_turned_by_a_drag_face_the_user_again(page):
    before, (left, top, right, bottom) = page.picture()
    mouse = page.page.mouse
    mouse.move((left + right) / 2, (top + bottom) / 2)
    mouse.down()
    mouse.move(right, bottom, steps=4)
    wait_for(lambda: np.abs(page.canvas().astype(int) - before).mean() > 2)
    mouse.up()
    wait_for(lambda: np.abs(page.canvas().astype(int) - before).mean() < 0.5)


def test_a_clip_deleted_while_others_are_seen(browser, tmp_path):
    dataset = make_dataset(tmp_path / "out", 2)
    with Viewer(dataset.path) as viewer, Page(browser, viewer) as page:
        page.page.get_by_role("button", name="000001 · run").wait_for()
        dataset.path_of(1).unlink()
        page.page.get_by_role("button", name="000001 · run").click()
        page.page.get_by_text("has no clip 1").first.wait_for()
        page.press("look for new clips")
        page.page.get_by_role("button", name="000001 · run").wait_for(state="detached")
        page.page.get_by_role("button", name="000000 · walk").click()
        page.page.get_by_text("has no clip 1").first.wait_for(state="detached")


def test_the_page_complains_of_nothing_and_asks_nobody_else(opened, viewer):
    assert opened.errors == []
    origin = viewer.url.partition("/?")[0]
    assert all(url.startswith((origin, "data:", "blob:")) for url in opened.requests)


# The command


@pytest.mark.slow
def test_the_command_line(dataset):
    port = free_port()
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from "
        "mannequin.cli.main import main; main()"
    )
    command = [sys.executable, "-u", "-c", code, "view", str(dataset.path), "--port", str(port), "--host", "0.0.0.0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        said = [process.stdout.readline() for _ in range(3)]
        url = said[0].split()[-1]
        assert url.startswith(f"http://localhost:{port}/?token=") and url.partition("?")[2] in said[1]
        with urllib.request.urlopen(url) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "Closed.\n" and process.wait() == 0


@pytest.mark.slow
def test_without_viser_the_extra_is_named(dataset):
    code = (
        "import sys; sys.modules['viser'] = None; from mannequin.cli.main import main; main(['view', "
        f"{json.dumps(str(dataset.path))}])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "pip install 'mannequin[view]'" in done.stderr
