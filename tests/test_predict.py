"""Predictions for images and films: at the right pixels, in files that say what they mean, whatever the input."""

import json
import os
from itertools import permutations
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from mannequin.generator.body.model import PARTS_14
from mannequin.generator.errors import ConfigError
from mannequin.generator.io.films import open_film, write_film
from mannequin.generator.pictures import draw_legend
from mannequin.training.core import threads
from mannequin.training.data.colour import MEAN, STD, whitened
from mannequin.training.models.hourglass import Maps
from mannequin.training.options.hourglass import HourglassOptions
from mannequin.training.predict import job
from mannequin.training.predict.class_maps import ClassMap
from mannequin.training.predict.crops import squares
from mannequin.training.registry import load_trained, make_task
from mannequin.training.targets.depth_bins import DepthBins, depth_of_bins
from mannequin.training.task import PredictorOptions
from tests.trained import checkpoint

CPU = torch.device("cpu")
TASK = make_task("segmentation", HourglassOptions(stacks=1, features=8, depth=1, size=64))


class ByColour(nn.Module):
    """Finds class 1 where red is above a half, 2 where green and 3 where blue is; at a quarter of the resolution."""

    def forward(self, image):
        colours = image * torch.tensor(STD).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)
        scores = torch.zeros(len(image), 15, *(side // 4 for side in image.shape[-2:]))
        scores[:, 0], scores[:, 1:4] = 0.5, F.avg_pool2d(colours, 4)
        scores[:, 4:] = -9.0
        return Maps((20 * scores,), None)


def found_in(images, boxes=(), batch=8, task=TASK, model=None):
    """The classes (H, W) at the pixels of each image, one after the other."""
    predictor = task.predictor(model or ByColour().eval(), PredictorOptions(CPU, boxes, batch))
    return (found.labels for found in predictor.predict(images))


def overlay(image, labels, opacity, plain) -> np.ndarray:
    return ClassMap(labels, TASK.truth).draw(image, opacity, plain)


def discs(height: int, width: int, *places) -> tuple[np.ndarray, np.ndarray]:
    """(image, its true classes): discs (x, y, radius, class) in their colours on black."""
    y, x = np.mgrid[:height, :width] + 0.5
    labels = np.zeros((height, width), np.uint8)
    for cx, cy, radius, label in places:
        labels[np.hypot(x - cx, y - cy) < radius] = label
    return (labels[..., None] == (1, 2, 3)).astype(np.uint8) * 255, labels


def overlap(a: np.ndarray, b: np.ndarray, label: int) -> float:
    return ((a == label) & (b == label)).sum() / ((a == label) | (b == label)).sum()


# From the image to the crop and back


@pytest.mark.parametrize("size", [(64, 64), (48, 40), (200, 300), (301, 97), (20, 500)], ids=str)
def test_classes_are_at_the_pixels_of_the_image(size):
    """Half a pixel of the crop at most: of a disc with radius r that is an overlap of about 1 - 1 / r."""
    h, w = size
    radius = 0.4 * min(size)
    image, truth = discs(h, w, (0.55 * w, 0.45 * h, radius, 1))
    (found,) = found_in([image])
    assert found.shape == size and found.dtype == np.uint8
    assert overlap(found, truth, 1) > 1 - 1.6 / (radius * 64 / max(size)) - 0.03


def test_an_image_as_large_as_the_crop_gets_what_the_network_says(trained):
    task, model, _ = load_trained(trained)
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    (found,) = found_in([image], task=task, model=model)
    with torch.inference_mode():
        said = model(torch.from_numpy(whitened(image))[None]).labels((32, 32))[0]
    assert np.array_equal(found, said.numpy()) and len(np.unique(found)) > 1


def test_small_people_in_large_images_need_a_box():
    image, truth = discs(480, 640, (500, 60, 6, 1), (100, 400, 6, 3))
    (without,) = found_in([image])
    (boxed,) = found_in([image], ((480, 40, 520, 80), (85, 390, 110, 415)))
    assert overlap(without, truth, 1) < 0.75
    for label in (1, 3):
        assert overlap(boxed, truth, label) > 0.9
    assert not boxed[100:380].any()


def test_beyond_the_squares_round_boxes_there_is_background():
    image = np.full((50, 80, 3), (255, 0, 0), np.uint8)
    (found,) = found_in([image], ((10, 20, 30, 26),))  # the square is 10…30 × 13…33
    expected = np.zeros((50, 80), np.uint8)
    expected[13:33, 10:30] = 1
    assert np.array_equal(found, expected)


def test_a_box_may_reach_beyond_the_image():
    image, truth = discs(60, 60, (5, 30, 12, 2))
    (found,) = found_in([image], ((-15, 10, 25, 50),))
    assert overlap(found, truth, 2) > 0.93


def test_where_boxes_overlap_the_surest_class_wins():
    image, _ = discs(60, 90, (30, 30, 14, 1), (50, 30, 14, 3))
    boxes = ((10, 5, 50, 55), (30, 5, 80, 55), (0, 0, 90, 60))
    alone = [next(found_in([image], (box,))) for box in boxes]
    merged = [next(found_in([image], some)) for some in permutations(boxes)]
    assert all(np.array_equal(merged[0], other) for other in merged)
    for found, *single in zip(*(a.ravel() for a in (merged[0], *alone)), strict=True):
        assert found in single if found else not any(single)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_batch_decides_nothing(batch):
    images = [discs(40 + 7 * k, 60, (30, 20, 8 + k, 1 + k % 3))[0] for k in range(5)]
    boxes = ((0, 0, 40, 40), (20, 5, 60, 45))
    for a, b in zip(found_in(images, boxes, batch), found_in(images, boxes, 64), strict=True):
        assert np.array_equal(a, b) and a.any()


def test_images_are_asked_for_no_further_ahead_than_a_batch():
    asked = []

    def images():
        for k in range(9):
            asked.append(k)
            yield discs(30, 30, (15, 15, 5, 1))[0]

    next(found_in(images(), batch=3))
    assert asked == [0, 1, 2]


def test_large_images_go_strip_by_strip(monkeypatch):
    image, _ = discs(90, 70, (35, 45, 20, 1))
    (whole,) = found_in([image])
    monkeypatch.setattr("mannequin.training.predict.class_maps._SCORES", 15 * 70 * 4)
    (strips,) = found_in([image])
    assert np.array_equal(whole, strips)


@pytest.mark.parametrize(
    "box", [(5, 5, 5, 9), (9, 5, 5, 9), (0, 9, 4, 2), (0, 0, float("inf"), 9), (float("nan"), 0, 5, 9)], ids=str
)
def test_what_is_no_box_is_refused(box):
    with pytest.raises(ConfigError, match="is no box"):
        found_in([], (box,))


@pytest.mark.parametrize("box", [(40, 0, 50, 9), (0, -9, 9, 0), (-9, 0, 0, 9), (0, 30, 9, 31)], ids=str)
def test_boxes_outside_the_image_are_refused(box):
    with pytest.raises(ConfigError, match="outside the image, which is 40 × 30"):
        squares((30, 40), (box,))


# What is written


def test_depth_files_hold_tenths_of_millimetres_from_the_pelvis():
    labels = np.arange(20, dtype=np.uint8)[None]
    stored = DepthBins().values(labels)
    assert stored.dtype == np.uint16 and stored[0, 0] == 0
    metres = (stored[0, 1:].astype(float) - 10_000) / 10_000
    assert metres == pytest.approx(depth_of_bins(torch.from_numpy(labels))[0, 1:].numpy(), abs=1e-6)
    assert metres[9] == pytest.approx(-0.0225) and metres[18] == pytest.approx(0.3825)


def test_overlays_mix_colours_only_where_there_is_a_person():
    image, labels = discs(40, 300, (20, 20, 10, 1))
    image += 30 * (labels == 0)[..., None].astype(np.uint8)
    colour = TASK.truth.colours()[1]
    assert np.array_equal(overlay(image, labels, 0.0, plain=True), image)
    full = overlay(image, labels, 1.0, plain=True)
    assert (full[labels == 1] == colour).all() and np.array_equal(full[labels == 0], image[labels == 0])
    half = overlay(image, labels, 0.5, plain=False)
    assert np.abs(half[:40][labels == 1] - (colour / 2 + (127.5, 0, 0))).max() <= 1
    assert np.array_equal(half[40:], draw_legend(TASK.legend, 300))


def test_small_overlays_are_enlarged_so_that_a_legend_fits():
    image, labels = discs(40, 60, (20, 20, 10, 1))
    picture = overlay(image, labels, 0.6, plain=False)
    assert picture.shape[1] == 300 and np.array_equal(picture[2:200:5, 2::5], overlay(image, labels, 0.6, plain=True))


# The command


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of segmentation."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    checkpoint(folder)
    return folder


@pytest.fixture
def by_colour(trained, monkeypatch):
    """The same run with a network that has learned something."""
    monkeypatch.setattr(job, "load_trained", lambda path: (TASK, ByColour().eval(), load_trained(path)[2]))
    return trained


@pytest.fixture
def photos(tmp_path):
    """Three images of different formats, shapes and channels, and what is no image."""
    folder = tmp_path / "photos"
    folder.mkdir()
    truths = {}
    for name, size in (("a.png", (60, 80)), ("b.jpg", (90, 40)), ("c.PNG", (50, 50))):
        image, truths[name] = discs(*size, (20, 25, 15, 1))
        Image.fromarray(image).save(
            folder / name, format="JPEG" if name == "b.jpg" else "PNG", **({"quality": 95} if name == "b.jpg" else {})
        )
    (folder / "notes.txt").write_text("not for us")
    (folder / ".hidden.png").write_text("nor this")
    return SimpleNamespace(folder=folder, truths=truths)


def stored(path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def files(folder) -> dict:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_folder_of_images(run, by_colour, photos, tmp_path):
    status, said, complaint = run("predict", by_colour, photos.folder, "--out", tmp_path / "out")
    assert (status, complaint) == (0, "") and said == f"segmentation: 3 done. Look at {tmp_path / 'out' / 'overlay'}\n"
    assert set(files(tmp_path / "out")) == {
        "predictions.json",
        *(f"{kind}/{name}.png" for kind in ("overlay", "segm") for name in "abc"),
    }
    for name, truth in photos.truths.items():
        found = stored(tmp_path / "out" / "segm" / f"{name[0]}.png")
        assert found.dtype == np.uint8 and found.shape == truth.shape and overlap(found, truth, 1) > 0.9
    about = json.loads((tmp_path / "out" / "predictions.json").read_text("utf-8"))
    assert (
        about["task"] == "segmentation"
        and about["values"]["values"] == ["background", *PARTS_14]
        and about["checkpoint"]["step"] == 4
    )


def test_images_that_differ_by_their_suffix_alone_keep_their_own_predictions(tmp_path):
    for name in ("a.jpg", "a.png", "a.jpg.png", "B.gif", "b.avif", "c.jfif", "d.heic", "._c.jfif"):
        (tmp_path / name).touch()
    named, others = job._images(tmp_path)
    assert {path.name: name for path, name in named.items()} == {
        "a.jpg": "a.jpg",
        "a.png": "a.png",
        "a.jpg.png": "a.jpg.png",
        "B.gif": "B.gif",
        "b.avif": "b.avif",
        "c.jfif": "c",
    } and others == "1 .heic"


@pytest.mark.parametrize("options", [("--workers", 0), ("--workers", 0, "--batch", 1), ("--workers", 3, "--batch", 2)])
def test_workers_and_batch_decide_nothing(run, by_colour, photos, tmp_path, options):
    for name, more in (("as usual", ()), ("otherwise", options)):
        assert run("predict", by_colour, photos.folder, "--out", tmp_path / name, *more)[0] == 0
    assert files(tmp_path / "as usual") == files(tmp_path / "otherwise")


def test_threads_are_stated(run, by_colour, photos, tmp_path, monkeypatch):
    for name in threads.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads, "cores", lambda: threads.Cores(2, 2, 0))
    source = photos.folder / "a.png"
    assert run("predict", by_colour, source, "--out", tmp_path / "a")[2] == (
        "2 of 2 cores, 0 busy, 1 loads data: 1 thread\n"
    )
    assert run("predict", by_colour, source, "--out", tmp_path / "b", "--threads", 1)[::2] == (0, "")


def test_large_images_go_through_the_network_alone(monkeypatch):
    monkeypatch.setattr("mannequin.training.predict.crops.HELD_BYTES", 30 * 40 * 3)
    asked = []

    def images():
        for k in range(5):
            asked.append(k)
            yield discs(*((40, 40) if k == 2 else (20, 30)), (15, 15, 5, 1))[0]

    held = [list(asked) for _ in found_in(images(), batch=8)]
    assert held == [[0, 1]] * 2 + [[0, 1, 2]] + [[0, 1, 2, 3, 4]] * 2


def test_several_people_have_several_boxes(run, by_colour, tmp_path):
    image, truth = discs(400, 500, (60, 60, 8, 1), (420, 300, 8, 3))
    Image.fromarray(image).save(tmp_path / "a.png")
    assert (
        run(
            "predict",
            by_colour,
            tmp_path / "a.png",
            "--out",
            tmp_path / "out",
            "--box",
            40,
            40,
            80,
            80,
            "--box",
            395,
            275,
            440,
            325,
        )[0]
        == 0
    )
    found = stored(tmp_path / "out" / "segm" / "a.png")
    assert overlap(found, truth, 1) > 0.9 and overlap(found, truth, 3) > 0.9


def test_depth_through_the_command(run, tmp_path, photos):
    checkpoint(tmp_path / "run", "depth")
    assert run("predict", tmp_path / "run", photos.folder / "a.png", "--out", tmp_path / "out", "--plain")[0] == 0
    assert set(files(tmp_path / "out")) == {"predictions.json", "overlay/a.png", "depth/a.png"}
    depth = stored(tmp_path / "out" / "depth" / "a.png")
    task, model, _ = load_trained(tmp_path / "run")
    (labels,) = found_in([job.read_image(photos.folder / "a.png")], task=task, model=model)
    assert np.array_equal(depth, task.truth.values(labels)) and depth.dtype == np.uint16 and len(np.unique(depth)) > 1
    assert stored(tmp_path / "out" / "overlay" / "a.png").shape == (60, 80, 3)


def test_what_is_there_is_not_made_again_unless_the_image_changed(run, by_colour, photos, tmp_path):
    out = tmp_path / "out"
    run("predict", by_colour, photos.folder, "--out", out)
    (out / "segm" / "b.png").unlink()
    before = {name: (out / "overlay" / name).stat().st_mtime_ns for name in ("a.png", "b.png", "c.png")}
    image, truth = discs(60, 80, (60, 30, 10, 3))
    Image.fromarray(image).save(photos.folder / "a.png")
    assert run("predict", by_colour, photos.folder, "--out", out)[1].startswith(
        "segmentation: 2 done, 1 there already."
    )
    after = {name: (out / "overlay" / name).stat().st_mtime_ns for name in before}
    assert {name for name in before if before[name] != after[name]} == {"a.png", "b.png"}
    assert overlap(stored(out / "segm" / "a.png"), truth, 3) > 0.9


def test_an_interruption_leaves_whole_files_and_the_rest_for_later(run, by_colour, photos, tmp_path, monkeypatch):
    whole, out = tmp_path / "whole", tmp_path / "out"
    run("predict", by_colour, photos.folder, "--out", whole)
    write = job.write_bytes

    def interrupted(path, data):
        if path.parts[-2:] == ("overlay", "b.png"):
            raise KeyboardInterrupt
        write(path, data)

    monkeypatch.setattr(job, "write_bytes", interrupted)
    assert run("predict", by_colour, photos.folder, "--out", out)[0] == 130
    assert set(files(out)) == {"predictions.json", "overlay/a.png", "segm/a.png", "segm/b.png"}
    monkeypatch.undo()
    monkeypatch.setattr(job, "load_trained", lambda path: (TASK, ByColour().eval(), load_trained(path)[2]))
    assert run("predict", by_colour, photos.folder, "--out", out)[1].startswith(
        "segmentation: 2 done, 1 there already."
    )
    assert files(out) == files(whole)


def test_images_that_cannot_be_read_are_named_and_the_rest_done(run, by_colour, photos, tmp_path):
    (photos.folder / "b2.png").write_bytes((photos.folder / "a.png").read_bytes()[:60])
    (photos.folder / "d.jpg").write_text("no image")
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(photos.folder / "e.png")
    status, said, complaint = run(
        "predict", by_colour, photos.folder, "--out", tmp_path / "out", "--box", 10, 10, 30, 40
    )
    assert status == 1 and said.startswith("segmentation: 3 done, 3 failed.")
    lines = complaint.splitlines()
    assert (
        len(lines) == 3
        and "b2.png cannot be read as an image" in lines[0]
        and "d.jpg is not an image" in lines[1]
        and "8 × 8 pixels" in lines[2]
        and "e.png" in lines[2]
    )
    assert all((tmp_path / "out" / "segm" / f"{name}.png").exists() for name in "abc")
    assert run("predict", by_colour, photos.folder, "--out", tmp_path / "out", "--box", 10, 10, 30, 40)[0] == 1


def test_photos_of_a_turned_camera_come_upright(run, by_colour, tmp_path):
    image, truth = discs(60, 80, (20, 20, 12, 1))
    turned = Image.fromarray(np.rot90(image, 1))  # as a camera held sideways stores it
    tags = Image.Exif()
    tags[0x0112] = 6  # to be turned by a quarter clockwise
    turned.save(tmp_path / "a.jpg", exif=tags, quality=95)
    run("predict", by_colour, tmp_path / "a.jpg", "--out", tmp_path / "out")
    assert overlap(stored(tmp_path / "out" / "segm" / "a.png"), truth, 1) > 0.9


# Films


def centre(labels: np.ndarray, label: int) -> np.ndarray:
    return np.argwhere(labels == label)[:, ::-1].mean(0) + 0.5


@pytest.fixture
def walk(tmp_path):
    """A red disc that goes right, 8 pixels a frame."""
    pytest.importorskip("av")
    path = tmp_path / "walk.mp4"
    write_film(path, (discs(64, 96, (20 + 8 * t, 30, 12, 1))[0] for t in range(7)), 10)
    return path


def test_a_film_becomes_a_film(run, by_colour, walk, tmp_path):
    out = tmp_path / "out"
    status, said, _ = run("predict", by_colour, walk, "--out", out, "--frames", "--plain", "--opacity", 1, "--batch", 3)
    assert status == 0 and said.startswith("segmentation: 1 done")
    assert set(files(out)) == {"predictions.json", "overlay/walk.mp4", *(f"segm/walk/{t:06d}.png" for t in range(7))}
    for t in range(7):
        assert centre(stored(out / "segm" / "walk" / f"{t:06d}.png"), 1) == pytest.approx((20 + 8 * t, 30), abs=1)
    with open_film(out / "overlay" / "walk.mp4") as film:
        assert film.fps == 10
        shown = list(film.frames)
    assert len(shown) == 7 and shown[0].shape == (64, 96, 3)
    for t, picture in enumerate(shown):
        assert np.abs(picture[30, 20 + 8 * t].astype(int) - TASK.truth.colours()[1]).max() < 25
    assert run("predict", by_colour, walk, "--out", out, "--frames", "--plain", "--opacity", 1)[1].startswith(
        "segmentation: 0 done, 1 there already"
    )


def test_films_have_legends_and_even_sides(run, by_colour, walk, tmp_path):
    assert run("predict", by_colour, walk, "--out", tmp_path / "out")[0] == 0
    with open_film(tmp_path / "out" / "overlay" / "walk.mp4") as film:
        picture = next(film.frames)
    high = 3 * 64 + len(draw_legend(TASK.legend, 3 * 96))
    assert picture.shape == (high + high % 2, 3 * 96, 3)
    assert set(files(tmp_path / "out")) == {"predictions.json", "overlay/walk.mp4"}


def test_a_film_that_breaks_off_leaves_no_film(run, by_colour, walk, tmp_path, monkeypatch):
    real, calls = ClassMap.draw, []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(ClassMap, "draw", interrupted)
    assert run("predict", by_colour, walk, "--out", tmp_path / "out")[0] == 130
    assert set(files(tmp_path / "out")) == {"predictions.json"}
    monkeypatch.setattr(ClassMap, "draw", real)
    assert run("predict", by_colour, walk, "--out", tmp_path / "out")[0] == 0


# What is refused


@pytest.mark.parametrize(
    "options, says",
    [
        (("--opacity", "1.5"), "--opacity is 1.5"),
        (("--batch", "0"), "--batch is 0"),
        (("--workers", "-1"), "--workers is -1"),
        (("--threads", "2000"), "--threads is 2000"),
        (("--box", "5", "5", "2", "9"), "--box 5 5 2 9 is no box"),
        (("--box", "500", "5", "600", "9"), "outside the image, which is 80 × 60"),
    ],
)
def test_options_that_make_no_sense(run, trained, photos, tmp_path, options, says):
    status, _, complaint = run("predict", trained, photos.folder / "a.png", "--out", tmp_path / "out", *options)
    assert status == 2 and says in complaint and "Traceback" not in complaint
    assert not list((tmp_path / "out").rglob("*.png"))


def _missing(path):
    return path / "nothing", "There is no"


def _empty(path):
    (path / "empty").mkdir()
    return path / "empty", "has no images"


def _damaged(path):
    (path / "a.png").write_bytes(b"\x89PNG nothing")
    return path / "a.png", "a.png is not an image"


def _no_film(path):
    (path / "a.mp4").write_bytes(b"nothing")
    return path / "a.mp4", "a.mp4 is not a film"


def _pipe(path):
    os.mkfifo(path / "p.png")
    return path / "p.png", "no"


@pytest.mark.parametrize("make", [_missing, _empty, _damaged, _no_film, _pipe])
def test_input_that_cannot_be_read(run, trained, tmp_path, make):
    source, says = make(tmp_path)
    status, _, complaint = run("predict", trained, source, "--out", tmp_path / "out")
    assert status == 2 and says in complaint and "Traceback" not in complaint


def test_a_folder_of_other_things_is_left_alone(run, trained, photos, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    status, _, complaint = run("predict", trained, photos.folder, "--out", tmp_path / "out")
    assert status == 2 and "is not empty" in complaint and list(files(tmp_path / "out")) == ["thesis.tex"]


def test_predictions_of_other_networks_or_options_are_not_mixed(run, trained, photos, tmp_path):
    out = tmp_path / "out"
    assert run("predict", trained, photos.folder, "--out", out)[0] == 0
    before = files(out)
    checkpoint(tmp_path / "other", network=HourglassOptions(stacks=2, features=8, depth=1, size=32))
    for args, says in (
        ((tmp_path / "other", photos.folder), "sha256"),
        ((trained, photos.folder, "--box", 0, 0, 9, 9), "boxes"),
        ((trained, photos.folder / "a.png"), "source"),
        ((trained, photos.folder, "--opacity", 0.3), "opacity"),
    ):
        status, _, complaint = run("predict", *args, "--out", out)
        assert status == 2 and says in complaint and files(out) == before


def _nothing(path):
    (path / "r").mkdir()
    return "There is no checkpoint in"


def _other_version(path):
    state = checkpoint(path / "r") / "state.json"
    state.write_text(state.read_text().replace('"format_version": 2', '"format_version": 7'))
    return "format version 7; this release reads 1 and 2"


def _cut(path):
    weights = checkpoint(path / "r") / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    return "is damaged"


def _other_task(path):
    state = checkpoint(path / "r") / "state.json"
    state.write_text(state.read_text().replace('"task": "segmentation"', '"task": "hair"'))
    return "is of the task 'hair'"


@pytest.mark.parametrize("make", [_nothing, _other_version, _cut, _other_task])
def test_what_is_no_checkpoint_of_ours(run, photos, tmp_path, make):
    says = make(tmp_path)
    status, _, complaint = run("predict", tmp_path / "r", photos.folder, "--out", tmp_path / "out")
    assert status == 2 and says in complaint and not (tmp_path / "out").exists()


def test_without_the_extra_the_command_says_what_to_install(run, trained, photos, tmp_path, monkeypatch):
    from mannequin.cli.training import extra

    monkeypatch.setattr(extra, "find_spec", lambda name: None)
    status, _, complaint = run("predict", trained, photos.folder, "--out", tmp_path / "out")
    assert status == 2 and "pip install 'mannequin[train]'" in complaint
