"""Colours mean one thing, legends say which, and colour-blind readers tell parts apart."""

import colorsys
import io
import itertools
import re
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from mannequin.generator.body.charts import face_adjacency
from mannequin.generator.body.model import MERGE_14, PARTS, PARTS_14
from mannequin.generator.catalog import Catalog
from mannequin.generator.clip import CHANNELS
from mannequin.generator.colours import (
    DRAWN,
    PALETTES,
    Bar,
    Key,
    Style,
    Swatches,
    Wheel,
    chart_colours,
    colourise,
    fitted,
    legend,
    part_colours,
)
from mannequin.generator.errors import ConfigError
from mannequin.legends import legend_html

LEAST = {"part": 32.0, "chart": 27.0}
"""ΔE*ab by which what touches differs."""

LINEAR_SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""On linear sRGB. Source: Machado, Oliveira, Fernandes 2009, severity 1."""

XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(rgb, sight) -> np.ndarray:
    """(N, 3) CIELAB (white D65) of (N, 3) uint8 sRGB as ``sight`` sees it."""
    c = np.asarray(rgb) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ np.array(LINEAR_SIGHT[sight]).T
    relative = np.clip(linear, 0, 1) @ XYZ.T / XYZ.sum(1)
    f = np.where(relative > (6 / 29) ** 3, np.cbrt(relative), relative / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def differences(colours, sight) -> np.ndarray:
    """(N, N) ΔE*ab between colours."""
    seen = lab(colours, sight)
    return np.linalg.norm(seen[:, None] - seen[None], axis=-1)


@pytest.fixture(scope="module")
def touching():
    """Name of a labelling → pairs of labels that share an edge on any built-in body."""
    catalog, pairs = Catalog(), {"part": set(), "chart": set()}
    for body in catalog.bodies.values():
        topology = catalog.body(body).topology
        adjacency = face_adjacency(topology.faces)
        for kind, found in pairs.items():
            label = getattr(topology, kind)[adjacency]
            found |= {
                tuple(sorted(map(int, pair))) for pair in label[(label[:, 0] != label[:, 1]) & (label > 0).all(1)]
            }
    assert len(pairs["part"]) >= 25 and len(pairs["chart"]) >= 40
    return pairs


def counterparts(names) -> set[tuple[int, int]]:
    """Pairs (from 1) of a left and a right thing of the same name."""
    index = {name: i + 1 for i, name in enumerate(names)}
    return {(i, index[name.replace("left", "right")]) for name, i in index.items() if "left" in name}


def closest(colours, pairs, sight) -> float:
    apart = differences(colours, sight)
    return min(apart[a, b] for a, b in pairs)


# To colour-blind eyes


@pytest.mark.parametrize("sight", LINEAR_SIGHT)
def test_parts_that_touch_and_counterparts_are_told_apart(touching, sight):
    pairs = touching["part"] | counterparts(PARTS)
    assert closest(part_colours(), pairs, sight) >= LEAST["part"]


@pytest.mark.parametrize("sight", LINEAR_SIGHT)
def test_merged_parts_too(touching, sight):
    merged = {tuple(MERGE_14[list(pair)]) for pair in touching["part"]}
    pairs = {(a, b) for a, b in merged if a != b} | counterparts(PARTS_14)
    assert closest(part_colours(parts=14), pairs, sight) >= LEAST["part"]


@pytest.mark.parametrize("sight", LINEAR_SIGHT)
def test_charts_too(touching, sight):
    names = [name for name, _ in legend("chart").entries]
    assert closest(chart_colours(), touching["chart"] | counterparts(names), sight) >= LEAST["chart"]


@pytest.mark.parametrize("sight", LINEAR_SIGHT)
def test_any_two_parts_differ_and_all_from_the_background(sight):
    apart = differences(part_colours(), sight)
    assert apart[0, 1:].min() >= 30
    assert apart[1:, 1:][~np.eye(24, dtype=bool)].min() >= 10


def test_jet_would_not_pass(touching):
    worst = min(closest(part_colours("surreal"), touching["part"], sight) for sight in LINEAR_SIGHT)
    assert worst < LEAST["part"] / 2


@pytest.mark.parametrize("names, colours", [(PARTS, part_colours()), (PARTS_14, part_colours(parts=14))])
def test_left_is_warm_and_right_is_cool(names, colours):
    seen = lab(colours[1:], "normal")
    for name, (_, a, b) in zip(names, seen, strict=True):
        if name.startswith(("left", "right")):
            warm = -15 < np.degrees(np.arctan2(b, a)) < 100  # from pink by red to yellow
            assert warm == name.startswith("left"), name


# Legends of tables


def everything(count: int) -> tuple[np.ndarray, np.ndarray]:
    """An image that shows the values 0…count, and where there is a surface."""
    image = np.arange(count + 1, dtype=np.uint8)[None].repeat(2, 0)
    return image, image > 0


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("name, names", [("segm", PARTS), ("segm14", PARTS_14)])
def test_the_legend_of_parts_is_that_of_the_picture(palette, name, names):
    style = Style(palette)
    image, mask = everything(len(names))
    picture, entries = colourise(image, mask, name, style), legend(name, style).entries
    assert tuple(entry for entry, _ in entries) == names
    assert [tuple(c) for c in picture[0, 1:].tolist()] == [colour for _, colour in entries]
    assert (picture[:, 0] == 0).all()
    assert (part_colours(palette, len(names)) == picture[0]).all()
    assert len(set(entries)) == len(names)


def test_jet_is_matlabs():
    assert part_colours("surreal")[12].tolist() == [round(255 * c) for c in (0.5, 1.0, 0.5)]
    assert part_colours("surreal")[24].tolist() == [128, 0, 0]
    assert part_colours("surreal", 14)[7].tolist() == [128, 255, 128]


def test_the_legend_of_charts_follows_their_meaning(touching):
    image, mask = everything(24)
    entries = legend("chart").entries
    assert [tuple(c) for c in colourise(image, mask, "chart")[0, 1:].tolist()] == [colour for _, colour in entries]
    topology = Catalog().body("mannequin-neutral").topology
    for chart, (name, _) in enumerate(entries, 1):
        parts = {PARTS[p - 1] for p in np.unique(topology.part[topology.chart == chart])}
        side = next((s for s in ("left", "right") if name.startswith(s)), "")
        word = next(w for w in ("torso", "hand", "foot", "thigh", "shin", "upper arm", "forearm", "head") if w in name)
        first = {
            "torso": "spine",
            "hand": "Hand",
            "foot": "Foot",
            "thigh": "UpLeg",
            "shin": "Leg",
            "upper arm": "Arm",
            "forearm": "ForeArm",
            "head": "head",
        }
        assert side + first[word] in parts, (name, parts)


def test_people_and_objects_have_their_names_and_colours():
    image, mask = everything(9)
    picture = colourise(image, mask, "instance")
    entries = legend("instance", image=image, mask=mask, names={1: "Ann", 2: "ball"}).entries
    assert [n for n, _ in entries] == ["Ann", "ball", "3", "4", "5", "6", "7", "8", "9"]
    assert [c for _, c in entries] == [tuple(c) for c in picture[0, 1:].tolist()]
    assert len(set(map(tuple, picture[0, 1:8].tolist()))) == 7


@pytest.mark.parametrize("name", ["occluded", "occluded_backward"])
def test_occlusion(name):
    image, mask = np.array([[0, 0, 1]], np.uint8), np.array([[False, True, True]])
    picture = colourise(image, mask, name)
    assert [tuple(c) for c in picture[0, 1:].tolist()] == [c for _, c in legend(name).entries] and not picture[
        0, 0
    ].any()


# Legends of numbers


@pytest.mark.parametrize("low, high", [(2.0, 4.0), (0.5, 30.0)])
def test_the_depth_bar_has_the_colour_of_the_picture(low, high):
    style = Style(depth=(low, high))
    bar = legend("depth", style)
    assert isinstance(bar, Bar) and (bar.low, bar.high, bar.unit) == (low, high, "m")
    n = len(bar.colours)
    depth = np.linspace(low, high, n, dtype=np.float32)[None]
    assert (colourise(depth, depth > 0, "depth", style)[0] == bar.colours).all()
    beyond = np.array([[low / 2, high * 2]], np.float32)
    assert (colourise(beyond, beyond > 0, "depth", style)[0] == bar.colours[[0, -1]]).all()


def test_near_is_bright_and_steps_are_even():
    """Lightness falls all along viridis, by equal steps."""
    lightness = lab(legend("depth", Style(depth=(1, 2))).colours, "normal")[:, 0]
    steps = -np.diff(lightness[::10])
    assert (steps > 0).all() and steps.max() < 1.6 * steps.min()
    assert lightness[0] > 85 and lightness[-1] > 18


def test_a_depth_range_is_fitted_to_the_picture():
    rng = np.random.default_rng(0)
    depth = rng.uniform(3, 5, (50, 60)).astype(np.float32)
    mask = depth > 3.2
    bar = legend("depth", image=depth, mask=mask)
    assert (bar.low, bar.high) == pytest.approx(tuple(np.percentile(depth[mask], (1, 99))))
    assert (colourise(depth, mask, "depth") == colourise(depth, mask, "depth", Style(depth=(bar.low, bar.high)))).all()
    flat = legend("depth", image=np.full((4, 4), 2.0, np.float32), mask=np.ones((4, 4), bool))
    assert flat.low < flat.high


def test_a_legend_without_range_or_picture_is_refused():
    with pytest.raises(ValueError, match="depth"):
        legend("depth")


DIRECTIONS = {"right": (1, 0), "down": (0, 1), "left": (-1, 0), "up": (0, -1), "down right": (1, 1)}


@pytest.mark.parametrize("name", ["flow", "flow_backward"])
@pytest.mark.parametrize("towards", DIRECTIONS)
@pytest.mark.parametrize("length", [0.0, 1.5, 3.0, 9.0])
def test_flow_has_the_colour_of_the_wheel(name, towards, length):
    style = Style(flow=3.0)
    x, y = np.array(DIRECTIONS[towards]) / np.hypot(*DIRECTIONS[towards])
    flow = np.array([[[length * x, length * y], [0, 0]]], np.float32)
    picture = colourise(flow, np.array([[True, False]]), name, style)
    hue = {"right": 0, "down right": 45, "down": 90, "left": 180, "up": 270}[towards]
    expected = np.array(colorsys.hsv_to_rgb(hue / 360, min(length / 3.0, 1), 1)) * 255
    assert np.abs(picture[0, 0] - expected).max() <= 1 and not picture[0, 1].any()
    wheel = legend(name, style)
    assert isinstance(wheel, Wheel) and wheel.longest == 3.0 and wheel.unit == "px"
    n = len(wheel.picture)
    reach = min(length / 3.0, 0.98)
    i, j = (int((1 + reach * v) * n / 2) for v in (y, x))
    assert np.abs(wheel.picture[i, j].astype(int) - expected).max() <= 12
    assert not wheel.picture[0, 0].any()


def test_the_wheel_is_fitted_to_the_longest_of_a_film():
    flow = np.zeros((100, 2), np.float32)
    flow[:, 0] = np.arange(100)
    assert fitted(Style(), flow=flow).flow == pytest.approx(np.percentile(np.arange(100), 99))
    assert fitted(Style(flow=2.0), flow=flow).flow == 2.0
    assert fitted(Style(), depth=np.zeros(0), flow=np.zeros((0, 2))).flow > 0


def test_normals_have_the_colours_of_the_ball():
    ball = legend("normal")
    assert isinstance(ball, Key)
    n = len(ball.picture)
    facing = {"middle": (0, 0, -1), "right": (1, 0, 0), "left": (-1, 0, 0), "above": (0, -1, 0), "below": (0, 1, 0)}
    said = {"middle": "to you", "right": "right", "left": "left", "above": "up", "below": "down"}
    assert dict(ball.labels) == said
    for x, y, z in facing.values():
        colour = colourise(np.array([[[x, y, z]]], np.float32), np.ones((1, 1), bool), "normal")[0, 0].astype(int)
        assert np.abs(colour - (np.array([x, -y, -z]) + 1) * 127.5).max() <= 1
        at = ball.picture[int((1 + 0.97 * y) * n / 2), int((1 + 0.97 * x) * n / 2)]
        assert np.abs(at.astype(int) - colour).max() < 40  # near the rim, where the ball still faces the eye a little


@pytest.mark.parametrize("name", ["uv", "chart_uv"])
def test_texture_coordinates_have_the_colours_of_the_square(name):
    square = legend(name).picture
    n = len(square)
    for u, v in itertools.product((0.1, 0.5, 0.9), repeat=2):
        colour = colourise(np.array([[[u, v]]], np.float32), np.ones((1, 1), bool), name)[0, 0].astype(int)
        assert colour.tolist() == [round(255 * u), round(255 * v), 102]
        assert np.abs(square[int((1 - v) * n), int(u * n)].astype(int) - colour).max() <= 3


def test_colour_images_stay_as_they_are():
    image = np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8)
    assert (colourise(image, np.zeros((3, 4), bool), "rgb") == image).all() and legend("rgb") is None


@pytest.mark.parametrize("name", [n for n in DRAWN if n != "rgb"])
def test_pictures_without_anything_are_black(name):
    channel = CHANNELS["segm" if name == "segm14" else name]
    image, mask = np.zeros((3, 4, *channel.shape), channel.dtype), np.zeros((3, 4), bool)
    picture = colourise(image, mask, name)
    assert picture.shape == (3, 4, 3) and picture.dtype == np.uint8 and not picture.any()
    assert legend(name, image=image, mask=mask) is not None


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda: Style("surrael"), "'surreal'"),
        (lambda: Style(depth=(3, 3)), "nearest"),
        (lambda: Style(depth=(1, float("nan"))), "nearest"),
        (lambda: Style(flow=0), "more than 0"),
        (lambda: part_colours(parts=7), "24 or 14"),
        (lambda: legend("depht"), "'depth'"),
        (lambda: colourise(np.zeros((2, 2)), np.ones((2, 2), bool), "norml"), "'normal'"),
    ],
)
def test_mistakes_are_named(make, says):
    with pytest.raises(ConfigError, match=says):
        make()


# Legends as HTML


def pictures_in(html: str) -> list[np.ndarray]:
    return [
        np.array(Image.open(io.BytesIO(b64decode(data))))
        for data in re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    ]


def test_swatches_in_html_have_names_and_colours_in_order():
    html = legend_html(legend("segm"))
    found = re.findall(r"background:rgb\((\d+),(\d+),(\d+)\)\"></span>([^<]+)</span>", html)
    assert [(name, tuple(map(int, rgb))) for *rgb, name in found] == list(legend("segm").entries)


def test_names_in_html_are_escaped():
    html = legend_html(Swatches((("<script>alert('&')</script>", (1, 2, 3)),)))
    assert "<script>" not in html and "&lt;script&gt;" in html and "&amp;" in html


def test_the_bar_in_html_runs_from_low_to_high():
    bar = legend("depth", Style(depth=(1.5, 3.25)))
    html = legend_html(bar)
    assert html.index("1.5 m") < html.index("3.25 m")
    assert (pictures_in(html)[0][0] == bar.colours).all()


@pytest.mark.parametrize(
    "name, words",
    [("flow", ("up", "down", "left", "right", "2.5 px")), ("normal", ("to you", "up")), ("uv", ("u", "v"))],
)
def test_pictures_in_html_stand_alone(name, words):
    made = legend(name, Style(flow=2.5))
    html = legend_html(made)
    assert (pictures_in(html)[0] == made.picture).all()
    assert all(f">{word}<" in html or word in html.split("<div>")[-1] for word in words)
    assert "http" not in html


def test_nothing_needs_no_legend():
    assert legend_html(None) == ""
