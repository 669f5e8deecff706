"""Environment images and photos as backgrounds."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from mannequin.generator.environment import (
    builtin_environments,
    environment_view,
    equirectangular,
    find_environments,
    find_photos,
    fit_photo,
    load_environment,
    load_photo,
    to_linear,
)
from mannequin.generator.errors import AssetError
from tests.scenes import look_at

K = np.array([[100.0, 0, 80], [0, 110.0, 60], [0, 0, 1]])


@pytest.mark.parametrize("suffix", [".exr", ".hdr"])
def test_environment_files_are_read_as_linear_rgb(tmp_path, suffix):
    image = np.random.default_rng(0).uniform(0, 8, (16, 32, 3)).astype(np.float32)
    cv2.imwrite(str(tmp_path / f"sky{suffix}"), image[..., ::-1])
    read = load_environment(tmp_path / f"sky{suffix}")
    assert read.dtype == np.float32
    np.testing.assert_allclose(
        read, image, rtol=2e-3 if suffix == ".exr" else 0, atol=1e-6 if suffix == ".exr" else 0.05
    )


def test_values_that_are_no_light_are_cut(tmp_path):
    image = np.ones((4, 8, 3), np.float32)
    image[0, 0], image[1, 1], image[2, 2] = np.nan, -3, np.inf
    cv2.imwrite(str(tmp_path / "sky.exr"), image)
    read = load_environment(tmp_path / "sky.exr")
    assert np.isfinite(read).all() and not read[0, 0].any() and not read[1, 1].any() and (read[2, 2] > 60000).all()


def test_broken_files_are_named(tmp_path):
    for name, data in (("broken.exr", b"\x76\x2f\x31\x01 nothing"), ("empty.hdr", b"")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(AssetError, match=name):
            load_environment(tmp_path / name)
        with pytest.raises(AssetError, match=name):
            load_photo(tmp_path / name)
    with pytest.raises(AssetError, match="absent.exr"):
        load_environment(tmp_path / "absent.exr")
    cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(AssetError, match="linear"):
        load_environment(tmp_path / "photo.png")


def test_folders_are_searched(tmp_path):
    (tmp_path / "a").mkdir()
    for name in ("a/one.hdr", "two.EXR", "three.jpg"):
        (tmp_path / name).touch()
    assert list(find_environments(tmp_path).files) == ["a/one.hdr", "two.EXR"]
    assert list(find_photos(tmp_path).files) == ["three.jpg"]
    with pytest.raises(AssetError, match="holds no photo"):
        find_photos(tmp_path / "a")
    with pytest.raises(AssetError, match="does not exist"):
        find_photos(tmp_path / "b")


def test_builtin_environments_need_no_bpy_import():
    code = (
        "import sys, mannequin.generator.environment as e; print(len(e.builtin_environments()), 'bpy' in sys.modules, "
        "'cv2' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert out[1:] == ["False", "False"]
    names = builtin_environments()
    assert "sunset" not in names and len(names) == int(out[0])
    for path in names.values():
        image = load_environment(path)
        assert image.shape[2] == 3 and 0.01 < image.mean() < 10


@pytest.mark.parametrize("yaw", [0.0, 2.5])
def test_camera_sees_the_direction_it_looks_in(yaw):
    v, u = np.mgrid[:256, :512]
    smooth = np.stack(
        [np.sin(2 * np.pi * (u + 0.5) / 512), np.cos(2 * np.pi * (u + 0.5) / 512), (v + 0.5) / 256], -1
    ).astype(np.float32)
    pose = look_at((1, 2, 3), (-0.5, 2.1, 3.3))  # looks at -x, across the image's seam
    seen = environment_view(smooth, K, pose, (120, 160), yaw, 2.0)
    x, y = np.meshgrid(np.arange(160) + 0.5, np.arange(120) + 0.5)
    rays = np.stack([(x - 80) / 100, (y - 60) / 110, np.ones_like(x)], -1) @ pose[:3, :3].T
    azimuth = np.arctan2(rays[..., 1], rays[..., 0]) - yaw
    elevation = np.arctan2(rays[..., 2], np.hypot(rays[..., 0], rays[..., 1]))
    a = 2 * np.pi * (0.5 - azimuth / (2 * np.pi))
    np.testing.assert_allclose(seen, 2 * np.stack([np.sin(a), np.cos(a), 0.5 - elevation / np.pi], -1), atol=2e-3)
    assert seen.dtype == np.float32
    assert equirectangular(rays, yaw)[0].max() - equirectangular(rays, yaw)[0].min() > (0.9 if yaw == 0 else 0)


def test_the_ground_of_an_environment_lies_at_the_height_of_the_clips():
    """A camera as far above a raised floor sees what it saw above z = 0; at infinity no height matters."""
    env = np.random.default_rng(1).uniform(0, 4, (64, 128, 3)).astype(np.float32)
    low, high = (look_at((1.0, -3.0, 1.4 + z), (0.5, 0.0, 0.6 + z)) for z in (0.0, 2.5))
    seen = environment_view(env, K, low, (120, 160), 0.3, 1.0, 1.6)
    again = environment_view(env, K, high, (120, 160), 0.3, 1.0, 1.6, 2.5)
    assert np.abs(again - seen).mean() < 1e-3
    assert np.abs(environment_view(env, K, high, (120, 160), 0.3, 1.0, 1.6) - seen).mean() > 0.1
    far = environment_view(env, K, low, (120, 160), 0.3, 1.0)
    assert (environment_view(env, K, low, (120, 160), 0.3, 1.0, ground=2.5) == far).all()


@pytest.mark.parametrize("size", [(100, 400), (400, 100), (120, 160), (7, 9)])
def test_photo_covers_the_frame_without_distortion(size):
    rows, columns = size
    photo = np.zeros((rows, columns, 3), np.uint8)
    photo[..., 0] = np.linspace(0, 255, columns)[None]
    photo[..., 1] = np.linspace(0, 255, rows)[:, None]
    for offset in ((0, 0), (0.5, 0.5), (1, 1)):
        fitted = fit_photo(photo, (120, 160), offset)
        assert fitted.shape == (120, 160, 3) and fitted.dtype == np.float32
        scale = max(120 / rows, 160 / columns)
        left, top = offset[0] * (columns - 160 / scale), offset[1] * (rows - 120 / scale)
        middle = (left + 80 / scale) / columns * 255, (top + 60 / scale) / rows * 255
        srgb = np.interp(fitted[60, 80, :2], to_linear(np.arange(256, dtype=np.uint8)), np.arange(256))
        np.testing.assert_allclose(srgb, middle, atol=max(3, 255 / min(size)))


def exr(path, parts, **header):
    """An EXR of the given parts: (name, {channel: (h, w) float32})."""
    OpenEXR = pytest.importorskip("OpenEXR")
    made = [
        OpenEXR.Part({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}, channels, name)
        for name, channels in parts
    ]
    OpenEXR.File(made).write(str(path))
    return path


def planes(names, shape=(4, 8)):
    return {name: np.full(shape, k + 1.0, np.float32) for k, name in enumerate(names)}


@pytest.mark.parametrize(
    ("parts", "values"),
    [
        ([("", planes(["R", "G", "B", "Z"]))], (1, 2, 3)),
        ([("", planes(["ViewLayer.Combined.R", "ViewLayer.Combined.G", "ViewLayer.Combined.B"]))], (1, 2, 3)),
        (
            [("", planes([f"ViewLayer.{p}.{c}" for p in ("AO", "Combined", "DiffCol") for c in "RGBA"] + ["Z"]))],
            (5, 6, 7),
        ),
        ([("depth", planes("Z")), ("rgba", planes("RGBA"))], (1, 2, 3)),
        ([("", planes(["beauty.r", "beauty.g", "beauty.b", "normal.X", "normal.Y", "normal.Z"]))], (1, 2, 3)),
        ([("", planes("Y"))], (1, 1, 1)),
        ([("", planes(["N.X", "N.Y", "N.Z", "R", "G", "B"]))], (4, 5, 6)),
    ],
)
def test_colour_is_found_by_the_names_of_channels(tmp_path, parts, values):
    read = load_environment(exr(tmp_path / "a.exr", parts))
    assert read.shape == (4, 8, 3) and (read == np.array(values, np.float32)).all()


@pytest.mark.parametrize("names", ["Z", ["N.X", "N.Y", "N.Z"], ["R", "G"], ["a.R", "a.G", "a.B", "b.R", "b.G", "b.B"]])
def test_without_one_layer_of_colour_the_channels_are_named(tmp_path, names):
    with pytest.raises(AssetError, match="its channels are.*" + sorted(names)[0].replace(".", r"\.")):
        load_environment(exr(tmp_path / "a.exr", [("", planes(names))]))


@pytest.mark.parametrize(
    ("shape", "word"),
    [
        ((8, 8), "angular map"),
        ((6, 8), "cross"),
        ((8, 6), "cross"),
        ((4, 24), "strip"),
        ((24, 4), "strip"),
        ((8, 14), "8 high"),
    ],
)
def test_other_projections_are_refused_by_their_name(tmp_path, shape, word):
    for suffix in ("hdr", "exr"):
        path = tmp_path / f"a.{suffix}"
        cv2.imwrite(str(path), np.ones((*shape, 3), np.float32))
        with pytest.raises(AssetError, match=f"{word}.*2 wide to 1 high"):
            load_environment(path)
    cv2.imwrite(str(tmp_path / "nearly.hdr"), np.ones((100, 199, 3), np.float32))
    assert load_environment(tmp_path / "nearly.hdr").shape == (100, 199, 3)


def test_a_black_light_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "black.exr"), np.zeros((4, 8, 3), np.float32))
    with pytest.raises(AssetError, match="is black"):
        load_environment(tmp_path / "black.exr")


def test_what_is_displayed_counts_not_what_was_rendered(tmp_path):
    window = (np.array([-1, 0], np.int32), np.array([6, 3], np.int32))
    path = exr(tmp_path / "a.exr", [("", planes("RGB", (4, 6)))], displayWindow=window)
    read = load_environment(path)
    assert read.shape == (4, 8, 3) and not read[:, 0].any() and not read[:, 7].any() and (read[:, 1:7, 1] == 2).all()


def test_layers_of_a_damaged_file_are_refused(tmp_path):
    noise = np.random.default_rng(0).random((64, 128)).astype(np.float32)
    path = exr(tmp_path / "a.exr", [("x", {f"A.{channel}": noise for channel in "RGB"})])
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[: len(whole) // 2] + bytes(400) + whole[len(whole) // 2 + 400 :]):
        path.write_bytes(damaged)
        with pytest.raises(AssetError, match=r"a\.exr"):
            load_environment(path)
