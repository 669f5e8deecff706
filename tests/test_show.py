"""Pictures and films of clips and datasets: what they show, and what is refused."""

import builtins
import io
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
from clips import ball_clip, camera_looking, mask_of, noise_clip
from PIL import Image

from mannequin import sheet
from mannequin import show as module
from mannequin.generator.body.model import PARTS, SMPL_PARENTS
from mannequin.generator.clip import PersonView, told_by_flags
from mannequin.generator.colours import (
    DRAWN,
    JOINTS,
    Bar,
    Style,
    Swatches,
    colourise,
    fitted,
    instance_colours,
    joint_colours,
    legend,
)
from mannequin.generator.dataset.folder import create_or_resume
from mannequin.generator.dataset.native import open_clip, write_clip
from mannequin.generator.dataset.source import MemorySource
from mannequin.generator.dataset.surreal import export_surreal
from mannequin.generator.errors import ConfigError, DatasetError
from mannequin.generator.pictures import (
    ENCODINGS,
    GAP,
    GROUND,
    AmodalMask,
    draw_amodal,
    draw_joints,
    draw_legend,
    grid,
    headed,
    resized,
    save_picture,
    titled,
)
from mannequin.sheet import ORDER
from mannequin.show import MOST_CLIPS

SIZE = (40, 56)
BOXED = (sheet.MARGIN, 15 + 12, 17 + 12)
"""Pixels of the margin, of a title and of a headline."""


@pytest.fixture(scope="module")
def clip_file(tmp_path_factory):
    """A clip of five frames of two people."""
    path = tmp_path_factory.mktemp("clip") / "walk.h5"
    write_clip(path, ball_clip(frames=5, resolution=SIZE, people=2), rgb="png")
    return path


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Eight clips of differing size and length."""
    made = create_or_resume(tmp_path_factory.mktemp("made") / "out", {"a": 1}, num_clips=8)
    for i in range(8):
        write_clip(
            made.path_of(i),
            ball_clip(frames=2 + i % 4, resolution=(40, 56 - 8 * (i % 2)), index=i, name=f"ball {i}"),
            rgb="png",
        )
    return made.path


def read(path) -> np.ndarray:
    return np.array(Image.open(path).convert("RGB"))


def cell(picture, row, column, size, legend_height=0) -> np.ndarray:
    """The picture at a place of a sheet of equal rows whose first alone is headed."""
    margin, title, head = BOXED
    y = margin + head + title + row * (title + size[0] + legend_height + 2 * GAP)
    x = margin + column * (size[1] + GAP)
    return picture[y : y + size[0], x : x + size[1]]


# Sheets of clips


def test_all_that_is_there_is_shown_in_order(run, clip_file, tmp_path):
    out = tmp_path / "all.png"
    status, said, message = run("show", clip_file, "--frame", "3", "--scale", "1", "--plain", "--out", out)
    assert status == 0 and said == f"picture: {out}\n", message
    drawn = read(out)
    with open_clip(clip_file) as reader:
        view = reader.view(reader.cameras[0])
    assert set(ORDER) == {*DRAWN, "joints", "amodal"}
    style = fitted(Style(), view.labels.frame("depth", 3)[view.labels.mask(3)], both_flows(view, 3))
    for i, name in enumerate(name for name in ORDER if name != "amodal"):  # which these files do not tell
        found = cell(drawn, i // 5, i % 5, SIZE)
        if name == "joints":
            expected = draw_joints(view.rgb[3], view.people.values(), 3)
        else:
            expected = colourise(view.frame(name, 3), view.labels.mask(3), name, style)
        assert (found == expected).all(), name


def both_flows(view, t):
    mask = view.labels.mask(t)
    return np.concatenate([view.frame(name, t)[mask] for name in ("flow", "flow_backward")])


def test_channels_and_columns_are_as_asked(run, clip_file, tmp_path):
    out = tmp_path / "some.png"
    names = ("depth", "rgb", "segm14")
    run(
        "show",
        clip_file,
        "--channels",
        *names,
        "--columns",
        "2",
        "--scale",
        "2",
        "--plain",
        "--depth-range",
        "1",
        "9",
        "--palette",
        "surreal",
        "--out",
        out,
    )
    drawn, size = read(out), (2 * SIZE[0], 2 * SIZE[1])
    with open_clip(clip_file) as reader:
        view = reader.view(reader.cameras[0])
    for i, name in enumerate(names):
        expected = colourise(view.frame(name, 0), view.labels.mask(0), name, Style("surreal", depth=(1, 9)))
        assert (cell(drawn, i // 2, i % 2, size) == expected.repeat(2, 0).repeat(2, 1)).all(), name
    assert (cell(drawn, 1, 1, size) == GROUND).all()


def test_the_default_size_and_rows_are_even(run, clip_file, tmp_path):
    out = tmp_path / "even.png"
    run("show", clip_file, "--channels", "rgb", "segm", "segm14", "depth", "uv", "chart", "--plain", "--out", out)
    width = 3 * module.WIDTH + 2 * GAP + 2 * BOXED[0]
    assert read(out).shape[1] == width + width % 2


def test_legends_are_under_their_pictures(run, clip_file, tmp_path):
    with_, without = tmp_path / "with.png", tmp_path / "without.png"
    common = ("show", clip_file, "--channels", "segm", "rgb", "--scale", "8", "--out")
    run(*common, with_)
    run(*common, without, "--plain")
    tall, short = read(with_), read(without)
    expected = draw_legend(legend("segm"), 8 * SIZE[1])
    assert len(tall) - len(short) == pytest.approx(len(expected), abs=1)
    top = BOXED[0] + BOXED[1] + BOXED[2] + 8 * SIZE[0]
    assert (tall[top : top + len(expected), BOXED[0] : BOXED[0] + 8 * SIZE[1]] == expected).all()
    assert (tall[top : top + len(expected), BOXED[0] + 8 * SIZE[1] :] == GROUND).all()  # colour has no legend


def colours_of(picture) -> set:
    return set(map(tuple, picture.reshape(-1, 3).tolist()))


def test_a_clip_without_colour_shows_joints_on_a_silhouette(run, tmp_path):
    path, out = tmp_path / "c.h5", tmp_path / "c.png"
    write_clip(path, ball_clip(frames=1, resolution=SIZE, rgb=False))
    assert run("show", path, "--channels", "joints", "--scale", "1", "--plain", "--out", out)[0] == 0
    found = cell(read(out), 0, 0, SIZE)
    with open_clip(path) as reader:
        mask = reader.labels("camera", ()).mask(0)
        people = [reader.person_view("camera", "person0")]
    grey = np.where(mask, 90, 0)[..., None].repeat(3, -1).astype(np.uint8)
    assert mask.any() and (found == draw_joints(grey, people, 0)).all() and (found != grey).any()
    status, _, message = run("show", path, "--channels", "rgb", "--out", out)
    assert status == 2 and "Unknown channel 'rgb'" in message


def test_another_camera(run, tmp_path):
    path, out = tmp_path / "c.h5", tmp_path / "c.png"
    clip = noise_clip(3, cameras=2, resolution=SIZE)
    write_clip(path, clip, rgb="png")
    for camera, view in clip.views.items():
        assert run("show", path, "--channels", "rgb", "--camera", camera, "--scale", "1", "--out", out)[0] == 0
        assert (cell(read(out), 0, 0, SIZE) == view.rgb[0]).all()


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    """A clip of two people whom three cameras see."""
    eyes = [(0.0, -6.0, 1.0), (5.0, -3.0, 1.0), (-5.0, -3.0, 1.0)]
    cameras = [camera_looking(f"c{i}", eye, focal=100.0, resolution=SIZE) for i, eye in enumerate(eyes)]
    path = tmp_path_factory.mktemp("ring") / "ring.h5"
    write_clip(path, ball_clip(frames=2, resolution=SIZE, people=2, cameras=cameras), rgb="png")
    return path


def test_all_cameras_stand_side_by_side(run, ring, tmp_path):
    out = tmp_path / "all.png"
    assert run("show", ring, "--frame", "1", "--scale", "1", "--out", out)[0] == 0
    drawn = read(out)
    with open_clip(ring) as reader:
        for i, camera in enumerate(reader.cameras):
            view = reader.view(camera)
            assert (cell(drawn, 0, i, SIZE) == draw_joints(view.rgb[1], view.people.values(), 1)).all()
    margin, title, head = BOXED
    assert drawn.shape[1] == 2 * margin + 3 * SIZE[1] + 2 * GAP
    assert len(drawn) == pytest.approx(2 * margin + title + head + SIZE[0], abs=1)


def test_channels_of_all_cameras_are_rows_and_one_camera_keeps_its_sheet(run, ring, tmp_path):
    out, one = tmp_path / "all.png", tmp_path / "one.png"
    assert run("show", ring, "--channels", "rgb", "segm", "--scale", "1", "--plain", "--out", out)[0] == 0
    drawn, (margin, title, head) = read(out), BOXED
    with open_clip(ring) as reader:
        for i, camera in enumerate(reader.cameras):
            y = margin + head + title + i * (head + title + SIZE[0] + 2 * GAP)
            view = reader.view(camera)
            assert (drawn[y : y + SIZE[0], margin : margin + SIZE[1]] == view.rgb[0]).all()
            segm = drawn[y : y + SIZE[0], margin + SIZE[1] + GAP : margin + 2 * SIZE[1] + GAP]
            assert (segm == colourise(view.frame("segm", 0), view.labels.mask(0), "segm")).all()
    assert run("show", ring, "--camera", "c1", "--scale", "1", "--plain", "--out", one)[0] == 0
    assert read(one).shape[1] == 2 * margin + 5 * SIZE[1] + 4 * GAP


def test_a_crowd_of_cameras_is_thinned_out(run, tmp_path):
    path, out = tmp_path / "c.h5", tmp_path / "c.png"
    write_clip(path, noise_clip(0, cameras=module.MOST_CAMERAS + 6, resolution=(4, 6), people=0))
    assert run("show", path, "--columns", "1", "--scale", "1", "--out", out)[0] == 0
    margin, title, head = BOXED
    rows = module.MOST_CAMERAS * (title + 4 + 2 * GAP) - 2 * GAP
    assert len(read(out)) == pytest.approx(2 * margin + head + rows, abs=1)


def whole_masks(clip, frames):
    """``clip`` with amodal masks and their pixels: person0 would be seen in columns 10 to 30, person1 nowhere."""
    whole, none = np.zeros((frames, *SIZE), bool), np.zeros((frames, *SIZE), bool)
    whole[:, 5:35, 10:30] = True
    view = clip.views["camera"]
    masks = {"person0": whole, "person1": none}
    amodal = {name: mask_of(SIZE, mask.reshape(frames, -1)) for name, mask in masks.items()}
    people = {
        name: replace(
            person,
            pixels=masks[name].sum((1, 2)).astype(np.int32) // 4,
            amodal_pixels=masks[name].sum((1, 2)).astype(np.int32),
        )
        for name, person in view.people.items()
    }
    return replace(clip, views={"camera": replace(view, amodal=amodal, people=people)}), whole


def test_whole_outlines_and_what_is_hidden(run, tmp_path):
    clip, whole = whole_masks(ball_clip(frames=2, resolution=SIZE, people=2), 2)
    view, path, out = clip.views["camera"], tmp_path / "c.h5", tmp_path / "c.png"
    write_clip(path, clip, rgb="png")
    status, _, message = run("show", path, "--channels", "amodal", "--scale", "1", "--plain", "--out", out)
    assert status == 0, message
    found = cell(read(out), 0, 0, SIZE)
    hidden = whole[0] & (view.frame("instance", 0) != 1)
    colour = instance_colours(1)[1]
    expected = draw_amodal(view.rgb[0], [AmodalMask(whole[0], hidden, tuple(colour.tolist()))])
    assert (found == expected).all()
    edge = whole[0] & ~cv2.erode(whole[0].astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    assert (found[edge] == colour).all()  # the outline
    assert ((found != view.rgb[0]).any(-1) == (hidden | edge)).mean() > 0.99  # elsewhere the picture itself
    assert 0.2 < (found[hidden & ~edge] == colour).all(-1).mean() < 0.6  # hatched


def test_the_legend_says_what_share_is_seen_at_one_height(run, tmp_path):
    clip, _ = whole_masks(ball_clip(frames=2, resolution=SIZE, people=2), 2)
    source = sheet.Source("clip", MemorySource(clip), "camera")
    assert source.share("person0", 0) == 0.25 and np.isnan(source.share("person1", 0))
    drawn = sheet.Sheet(
        (sheet.Row((sheet.Cell(source, "amodal", "amodal"),), "", ("amodal",)),), (200, 280), Style(), source.instances
    )
    names = {1: "person0: 25 % seen", 2: "person1: outside"}
    expected = draw_legend(legend("amodal", names=names), 280)
    key = drawn.draw(0)[sheet.MARGIN + BOXED[1] + 200 :][: len(expected), sheet.MARGIN :][:, :280]
    assert (key == expected).all()
    clip.views["camera"].people["person0"].pixels[1] = 600
    assert drawn.draw(1).shape == drawn.draw(0).shape


@pytest.mark.slow
@pytest.mark.parametrize("people, joints", [(0, 24), (1, 52)])
def test_odd_clips_are_shown_too(run, tmp_path, people, joints):
    """Nobody there, fingers, frames without a surface, joints far outside, flows of thousands of pixels."""
    path, out = tmp_path / "c.h5", tmp_path / "c.png"
    write_clip(path, noise_clip(0, frames=3, resolution=(9, 7), people=people, joints=joints))
    for frame in range(3):
        assert run("show", path, "--frame", frame, "--out", out) == (0, f"picture: {out}\n", "")


# Contact sheets


def test_a_dataset_is_shown_by_clips_spread_over_it(run, dataset, tmp_path):
    out = tmp_path / "d.png"
    status, _, message = run(
        "show", dataset, "--scale", "1", "--plain", "--frame", "3", "--channels", "rgb", "--out", out
    )
    assert status == 0, message
    drawn = read(out)
    margin, title, head = BOXED
    step = head + title + SIZE[0] + 2 * GAP
    for row, index in enumerate((0, 1, 3, 4, 6, 7)):
        y = margin + head + title + row * step
        found = drawn[y : y + SIZE[0], margin : margin + SIZE[1]]
        with open_clip(dataset / "clips" / "000" / f"{index:06d}.h5") as reader:
            expected = reader.rgb(reader.cameras[0])[min(3, reader.spec.num_frames - 1)]
        spare = (SIZE[1] - expected.shape[1]) // 2
        assert (found[:, spare : SIZE[1] - spare] == expected).all() and (found[:, :spare] == GROUND).all()
    assert len(drawn) == 2 * margin + MOST_CLIPS * step - 2 * GAP


def test_a_folder_in_surreals_layout_is_shown_too(run, tmp_path):
    clip, out = ball_clip(frames=3, resolution=SIZE), tmp_path / "s.png"
    made = create_or_resume(tmp_path / "out", {"a": 1}, num_clips=1)
    for i in range(2):
        write_clip(made.path_of(i), replace(clip, spec=replace(clip.spec, name=f"ball{i}")))
    export_surreal(made, tmp_path / "surreal")
    status, _, message = run(
        "show", tmp_path / "surreal", "--frame", "2", "--scale", "1", "--plain", "--out", out, "--palette", "surreal"
    )
    assert status == 0, message
    drawn, (margin, title, head), view = read(out), BOXED, clip.views["camera"]
    names = ("rgb", "segm", "depth", "normal", "flow_backward")
    assert drawn.shape[1] == 2 * margin + len(names) * SIZE[1] + (len(names) - 1) * GAP
    expected = colourise(view.frame("segm", 2), view.labels.mask(2), "segm", Style("surreal"))
    x = margin + SIZE[1] + GAP
    for row in range(2):
        y = margin + head + title + row * (head + title + SIZE[0] + 2 * GAP)
        assert (drawn[y : y + SIZE[0], x : x + SIZE[1]] == expected).all()


def test_names_are_after_what_is_shown_and_nothing_else_is_left(run, dataset, clip_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("show", dataset, "--channels", "segm")[1] == "picture: out.png\n"
    assert run("show", clip_file, "--channels", "segm")[1] == "picture: walk.png\n"
    assert run("show", clip_file, "--channels", "segm", "--frames", ":2", "--scale", "1")[1] == "film: walk.mp4\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.png", "walk.mp4", "walk.png"]


# Films


def decoded(path) -> list[np.ndarray]:
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == 30
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.mark.parametrize(
    "frames, expected", [((), range(5)), (("--frames", "1:4"), range(1, 4)), (("--frames", "3:"), range(3, 5))]
)
def test_a_film_shows_the_frames(run, clip_file, tmp_path, frames, expected):
    film, still = tmp_path / "f.mp4", tmp_path / "f.png"
    options = ("--channels", "rgb", "segm", "--scale", "3")
    status, _, message = run("show", clip_file, *options, *frames, "--out", film)
    assert status == 0, message
    shown = decoded(film)
    assert len(shown) == len(expected)
    for picture, t in zip(shown, expected):
        run("show", clip_file, *options, "--frame", t, "--out", still)
        assert picture.shape == read(still).shape
        assert np.abs(picture.astype(int) - read(still)).mean() < 6


def test_colours_of_a_film_do_not_flicker(run, tmp_path, monkeypatch):
    """Ranges are those of all frames, whatever each holds."""
    clip = ball_clip(frames=4, resolution=SIZE)
    labels = clip.views["camera"].labels
    for t in range(4):
        part = slice(labels.offsets[t], labels.offsets[t + 1])
        labels.values["depth"][part] += 3 * t
        labels.values["flow"][part] *= 1 + t
    write_clip(tmp_path / "c.h5", clip)
    styles = []
    monkeypatch.setattr(
        sheet,
        "colourise",
        lambda image, mask, name, style: styles.append(style) or colourise(image, mask, name, style),
    )
    run(
        "show",
        tmp_path / "c.h5",
        "--channels",
        "depth",
        "flow",
        "--frames",
        ":",
        "--scale",
        "1",
        "--out",
        tmp_path / "f.mp4",
    )
    assert len(styles) == 8 and len(set(styles)) == 1
    with open_clip(tmp_path / "c.h5") as reader:
        values = reader.labels("camera", ("depth", "flow")).values
    assert styles[0].depth == pytest.approx(tuple(np.percentile(values["depth"], (1, 99))), rel=1e-5)
    assert styles[0].flow == pytest.approx(np.percentile(np.linalg.norm(values["flow"], axis=1), 99), rel=1e-5)


def test_films_need_a_package_and_say_which(run, clip_file, tmp_path, monkeypatch):
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name == "av":
            raise ImportError("No module named 'av'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    status, _, message = run("show", clip_file, "--frames", "0:2", "--out", tmp_path / "f.mp4")
    assert status == 2 and "pip install 'mannequin[export]'" in message and not list(tmp_path.iterdir())


def test_a_film_that_fails_leaves_nothing(run, tmp_path, clip_file):
    data = bytearray(clip_file.read_bytes())
    with h5py.File(clip_file) as file:
        where = file["views/camera/rgb/data"].id.get_chunk_info(0)
    data[where.byte_offset + where.size - 400 : where.byte_offset + where.size - 300] = bytes(100)
    (tmp_path / "c.h5").write_bytes(data)
    status, _, message = run("show", tmp_path / "c.h5", "--channels", "rgb", "--out", tmp_path / "f.mp4")
    assert status == 2 and str(tmp_path / "c.h5") in message and "Traceback" not in message
    assert [p.name for p in tmp_path.iterdir()] == ["c.h5"]


# What is refused


@pytest.mark.parametrize(
    "options, says",
    [
        (("--frame", "5"), "frame is 5"),
        (("--frame", "-1"), "frame is -1"),
        (("--frames", "3:9"), "at most 0:5"),
        (("--frames", "3:3"), "A less than B"),
        (("--frames", "x"), "expected A:B"),
        (("--frame", "1", "--frames", "1:2"), "exclude each other"),
        (("--frames", "1:2", "--out", "a.png"), "makes a film"),
        (("--frame", "1", "--out", "a.mp4"), "makes a picture"),
        (("--channels", "dept"), "Did you mean 'depth'?"),
        (("--channels", "vertices"), "Unknown channel 'vertices'"),
        (("--camera", "camra"), "Did you mean 'camera'?"),
        (("--out", "a.gif"), "ends in .png, .jpg or .mp4"),
        (("--out", "folder"), "ends in .png, .jpg or .mp4"),
        (("--out", ""), "ends in .png, .jpg or .mp4"),
        (("--depth-range", "3", "2"), "depth range is 3 to 2"),
        (("--flow-range", "-1"), "flow range is -1"),
        (("--columns", "-1"), "columns is -1"),
        (("--scale", "-1"), "scale -1"),
        (("--scale", "inf"), "scale inf"),
        (("--scale", "9999"), "Choose a smaller --scale"),
        (("--out", "/proc/nothing/a.png"), "/proc/nothing/a.png"),
        (("--out", "/proc/nothing/a.mp4"), "/proc/nothing/a.mp4"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_mistakes_have_one_message_and_write_nothing(run, clip_file, tmp_path, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    status, said, message = run("show", clip_file, *options)
    assert status == 2 and said == "" and says in message and "Traceback" not in message
    assert message.count("mannequin: ") == 1 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["absent", "empty", "text", "damaged"])
def test_what_holds_no_clips_is_refused(run, clip_file, tmp_path, kind):
    path = tmp_path / ("c.h5" if kind == "damaged" else kind)
    if kind == "empty":
        path.mkdir()
    elif kind == "text":
        path.write_text("text")
    elif kind == "damaged":
        path.write_bytes(clip_file.read_bytes()[:3000])
    status, _, message = run("show", path, "--out", tmp_path / "a.png")
    assert status == 2 and str(path) in message and "Traceback" not in message and not (tmp_path / "a.png").exists()


def test_a_damaged_clip_of_a_dataset_is_named(run, dataset, tmp_path):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    clip = copy / "clips" / "000" / "000003.h5"
    clip.write_bytes(clip.read_bytes()[:2000])
    status, _, message = run("show", copy, "--out", tmp_path / "a.png")
    assert status == 2 and str(clip) in message and not (tmp_path / "a.png").exists()


# Drawing


def person(joints2d, visible) -> PersonView:
    t, j = visible.shape
    return PersonView(
        joints2d.astype(np.float32),
        np.ones((t, j, 3), np.float32),
        visible,
        visible,
        np.zeros((t, 4), np.float32),
        np.zeros(t, np.int32),
        told_by_flags(visible, visible, True),
        np.zeros((t, 4), np.float32),
        np.zeros(t, np.int32),
    )


def test_joints_are_where_they_are_filled_if_seen():
    joints = np.full((1, 24, 2), np.nan)
    alone = [0, 4, 5, 10, 15, 20, 21]  # no two of them share a bone, which would run over a hollow joint
    joints[0, alone] = [(20 + 25 * k, 30 + 20 * k) for k in range(len(alone))]
    visible = np.arange(24)[None] % 2 == 0
    picture = draw_joints(np.zeros((200, 200, 3), np.uint8), [person(joints, visible)], 0)
    large = draw_joints(np.zeros((400, 400, 3), np.uint8), [person(joints, visible)], 0, scale=2.0)
    for k in alone:
        x, y = joints[0, k].astype(int)
        assert tuple(picture[y, x]) == (tuple(joint_colours(24)[k]) if visible[0, k] else GROUND)
        assert tuple(large[2 * y, 2 * x]) == tuple(picture[y, x])


def test_joints_have_the_colour_of_their_side():
    for k, name in enumerate(PARTS):
        side = next((s for s in ("left", "right") if name.startswith(s)), "middle")
        assert tuple(joint_colours(24)[k]) == JOINTS[side], name
    assert dict(legend("joints").entries).items() >= JOINTS.items()


def test_bones_run_between_joints():
    joints = np.full((1, 24, 2), np.nan)
    joints[0, [1, 4]] = (20, 20), (180, 20)
    assert SMPL_PARENTS[4] == 1
    picture = draw_joints(np.zeros((40, 200, 3), np.uint8), [person(joints, np.ones((1, 24), bool))], 0)
    bone = picture[19:22, 30:170].astype(int).sum(0)
    assert (bone >= 0.8 * np.array(JOINTS["left"])).all() and not picture[30:].any()


def test_joints_behind_the_camera_and_their_bones_are_left_out():
    joints = np.full((1, 24, 2), np.nan)
    joints[0, [1, 4, 7]] = (20, 20), (100, 20), (180, 20)  # a chain
    seen = person(joints, np.ones((1, 24), bool))
    for depth in (0.0, -0.5):
        seen.joints_camera[0, 1, 2] = depth
        picture = draw_joints(np.zeros((40, 200, 3), np.uint8), [seen], 0)
        assert not picture[:, :90].any() and picture[19:22, 110:170].any()


@pytest.mark.parametrize("far", [np.nan, np.inf, 1e9, -1e9])
def test_joints_nowhere_are_left_out(far):
    joints = np.full((1, 24, 2), far)
    assert not draw_joints(np.zeros((9, 9, 3), np.uint8), [person(joints, np.zeros((1, 24), bool))], 0).any()


@pytest.mark.slow
@pytest.mark.parametrize("width", [40, 160, 320, 700])
@pytest.mark.parametrize("name", [n for n in (*DRAWN, "joints", "amodal") if n != "rgb"])
def test_legends_fit_the_width_and_show_every_colour(name, width):
    made = legend(name, Style(depth=(1, 3), flow=4.0), names={1: "Ann", 2: "Bo"})
    picture = draw_legend(made, width)
    assert picture.shape[1:] == (width, 3) and picture.dtype == np.uint8
    if isinstance(made, Swatches) and width >= 160:
        assert {colour for _, colour in made.entries} <= colours_of(picture)
    if isinstance(made, Bar):
        bar = picture[12]
        assert (bar[0] == made.colours[0]).all() and np.abs(bar[-1].astype(int) - made.colours[-1]).max() < 20


def test_no_legend_has_no_height():
    assert draw_legend(None, 30).shape == (0, 30, 3)


@pytest.mark.parametrize("name", ["segm", "segm14"])
def test_names_do_not_run_into_the_next_square(name):
    made = legend(name)
    picture = draw_legend(made, 320)
    for _, colour in made.entries:
        y, x = np.argwhere((picture == colour).all(-1))[0]
        assert x == 0 or (picture[y : y + 10, x - 4 : x] == GROUND).all()


@pytest.mark.parametrize("text", ["", "a", "a title much too long for the picture below it", "ünïcode", "\n", "漢字"])
def test_titles_are_cut_to_the_width(text):
    picture = np.full((10, 60, 3), 200, np.uint8)
    for made in (titled(picture, text), headed(picture, text)):
        assert made.shape[1] == 60 and (made[-10:] == 200).all() and len(made) > 20


def test_enlarged_pixels_stay_squares_and_reduced_ones_are_averaged():
    picture = np.array([[[0, 0, 0], [200, 100, 50]]], np.uint8)
    assert (resized(picture, 2, 4) == picture.repeat(2, 0).repeat(2, 1)).all()
    assert resized(resized(picture, 2, 4), 1, 1).tolist() == [[[100, 50, 25]]]


def test_a_grid():
    pictures = [np.full((4, 5, 3), value, np.uint8) for value in (50, 100, 150)]
    made = grid(pictures, 2)
    assert made.shape == (4 * 2 + GAP, 5 * 2 + GAP, 3)
    assert (
        (made[:4, :5] == 50).all()
        and (made[:4, -5:] == 100).all()
        and (made[-4:, :5] == 150).all()
        and (made[-4:, -5:] == GROUND).all()
    )


@pytest.mark.parametrize("suffix", ENCODINGS)
def test_pictures_are_written_whole(tmp_path, suffix):
    picture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8), (0, 0), 5)
    save_picture(tmp_path / f"a{suffix}", picture)
    again = np.array(Image.open(io.BytesIO((tmp_path / f"a{suffix}").read_bytes())))
    assert np.abs(again.astype(int) - picture).max() <= (0 if suffix == ".png" else 6)
    assert len(list(tmp_path.iterdir())) == 1


def test_pictures_that_cannot_be_written(tmp_path):
    with pytest.raises(ConfigError, match="ends in .png or .jpg"):
        save_picture(tmp_path / "a.bmp", np.zeros((2, 2, 3), np.uint8))
    (tmp_path / "file").write_text("text")
    with pytest.raises(DatasetError, match="a part of the path is a file"):
        save_picture(Path(tmp_path / "file" / "a.png"), np.zeros((2, 2, 3), np.uint8))
