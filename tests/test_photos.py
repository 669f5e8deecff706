"""Images as users have them: any format, bit depth and orientation gives the same pixels, or the right word."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from mannequin.generator.errors import AssetError
from mannequin.generator.io.photos import check_head, read_photo
from mannequin.renderers.frames import read_images

GREY = np.repeat(np.repeat(np.array([[0, 64], [128, 255]], np.uint8), 8, axis=0), 8, axis=1)
COLOUR = np.stack([GREY, GREY.T, 255 - GREY], axis=-1)


def saved(path: Path, image: Image.Image, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def of(path: Path) -> np.ndarray:
    return read_photo(path, "a photo").astype(int)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "webp", "tiff", "jpg", "avif"])
def test_every_format_is_turned_as_its_camera_was_held(tmp_path, suffix, orientation):
    if suffix == "avif" and not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    tall = np.zeros((16, 32, 3), np.uint8)
    tall[:8, :16] = 255  # the corner at the top left of the upright picture
    back = {1: lambda p: p, 2: np.fliplr, 3: lambda p: np.rot90(p, 2), 4: np.flipud, 5: lambda p: p.transpose(1, 0, 2)}
    back |= {6: lambda p: np.rot90(p, 1), 7: lambda p: np.rot90(p, 2).transpose(1, 0, 2), 8: lambda p: np.rot90(p, -1)}
    exif = Image.Exif()
    exif[274] = orientation
    lossless = {"lossless": True} if suffix == "webp" else {"quality": 100} if suffix in ("jpg", "avif") else {}
    stored = Image.fromarray(np.ascontiguousarray(back[orientation](tall)))
    found = of(saved(tmp_path / f"p.{suffix}", stored, exif=exif.tobytes(), **lossless))
    assert found.shape == tall.shape and np.abs(found - tall).mean() < 8


def test_depths_and_palettes(tmp_path):
    grey = np.repeat(GREY[..., None], 3, axis=2).astype(int)
    wide = GREY.astype(np.uint16) * 257
    cases = {
        "g16.png": (Image.fromarray(wide), grey),
        "g16.tif": (Image.fromarray(wide), grey),
        "g8.png": (Image.fromarray(GREY), grey),
        "la.png": (Image.fromarray(np.stack([GREY, GREY], -1)), grey),
        "one.png": (Image.fromarray(GREY).convert("1", dither=0), np.where(grey > 127, 255, 0)),
        "rgba.png": (Image.fromarray(np.dstack([COLOUR, GREY])), COLOUR),
        "pal.png": (Image.fromarray(COLOUR).quantize(16), COLOUR),
        "still.gif": (Image.fromarray(COLOUR).quantize(16), COLOUR),
        "cmyk.tif": (Image.fromarray(COLOUR).convert("CMYK"), COLOUR),
    }
    for name, (image, expected) in cases.items():
        np.testing.assert_allclose(of(saved(tmp_path / name, image)), expected, atol=1, err_msg=name)
    image = Image.fromarray(COLOUR).quantize(16)
    assert np.abs(of(saved(tmp_path / "clear.png", image, transparency=0)) - COLOUR).max() <= 1
    jpeg = of(saved(tmp_path / "cmyk.jpg", Image.fromarray(COLOUR).convert("CMYK"), quality=100))
    assert np.abs(jpeg - COLOUR).mean() < 4


def test_sixteen_bits_of_colour(tmp_path):
    cv2 = pytest.importorskip("cv2")
    cv2.imwrite(str(tmp_path / "c16.png"), COLOUR[..., ::-1].astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / "c16.tiff"), COLOUR[..., ::-1].astype(np.uint16) * 257)
    assert (of(tmp_path / "c16.png") == COLOUR).all()
    try:
        found = of(tmp_path / "c16.tiff")
    except AssetError as e:
        assert "c16.tiff" in str(e)
    else:
        assert (found == COLOUR).all()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\xff\x0a" + bytes(30), "JPEG XL"),
        (b"8BPS\0\1" + bytes(30), "Photoshop"),
        (b"<!DOCTYPE html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\0\5\x16\7" + bytes(40), "AppleDouble"),
        (b"", "empty"),
    ],
)
def test_what_is_no_image_is_called_by_its_name(tmp_path, content, word):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    for read in (lambda: of(path), lambda: check_head(path, "a photo")):
        with pytest.raises(AssetError, match=word):
            read()


def test_what_has_no_place_in_eight_bits_is_refused(tmp_path):
    with pytest.raises(AssetError, match="floating-point"):
        of(saved(tmp_path / "f.tif", Image.fromarray(np.ones((4, 4), np.float32))))
    frames = [Image.fromarray(GREY), Image.fromarray(GREY.T)]
    with pytest.raises(AssetError, match="film of 2 frames"):
        of(saved(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:]))


@pytest.mark.parametrize("progressive", [False, True])
def test_jpegs_without_their_last_bytes(tmp_path, progressive):
    """Without the end mark, every pixel is there; without more, rows would be grey."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG", progressive=progressive)
    whole, path = buffer.getvalue(), tmp_path / "a.jpg"
    path.write_bytes(whole)
    expected = of(path)
    for extra in (b"", b"\0" * 40):
        path.write_bytes(whole + extra)
        assert (of(path) == expected).all()
    path.write_bytes(whole[:-2])
    assert (of(path) == expected).all()
    for cut in (10, 200, len(whole) // 2):
        path.write_bytes(whole[:-cut])
        with pytest.raises(AssetError, match="cut short: the last rows are missing"):
            of(path)


# Frames of footage


def frames(folder: Path, *names: str) -> Path:
    for k, name in enumerate(names):
        saved(folder / name, Image.new("RGB", (4, 4), (10 * k, 0, 0)))
    return folder


def order(path: Path, count: int) -> tuple[list[int], list[str]]:
    said: list[str] = []
    return [int(f[0, 0, 0]) // 10 for f in read_images(path, count, said.append)], said


def test_frames_are_in_the_order_of_their_numbers(tmp_path):
    for name in ("frame_{}.png", "{}.png", "cam2_{}_rgb.bmp", "take 3 ({}).png"):
        folder = frames(tmp_path / name.format(""), *(name.format(k) for k in range(12)))
        (folder / "Thumbs.db").touch()
        assert order(folder, 12) == (list(range(12)), [])
    assert order(frames(tmp_path / "stamps", "20240101_235959.png", "20240102_000000.png"), 2) == ([0, 1], [])
    assert order(frames(tmp_path / "words", "a.png", "b.png"), 2) == ([0, 1], [])


def test_gaps_and_other_files_are_told(tmp_path):
    folder = frames(tmp_path, "f_0001.png", "f_0002.png", "f_0004.png")
    (folder / "f_0003.heic").touch()
    found, said = order(folder, 3)
    assert found == [0, 1, 2] and "1 .heic" in said[0] and "between the numbers 2 and 4" in said[1]
    assert order(frames(tmp_path / "even", "f_0.png", "f_5.png", "f_10.png"), 3) == ([0, 1, 2], [])


@pytest.mark.parametrize(
    "names",
    [
        ("a_1.png", "a_2.png", "b_1.png", "b_2.png"),
        ("cam1_1.png", "cam1_2.png", "cam2_1.png", "cam2_2.png"),
        ("cover.png", "f_1.png", "f_2.png"),
    ],
)
def test_several_sequences_are_refused(tmp_path, names):
    with pytest.raises(AssetError, match="several sequences"):
        order(frames(tmp_path, *names), len(names))


def test_one_image_for_each_number(tmp_path):
    with pytest.raises(AssetError, match="have one number"):
        order(frames(tmp_path, "f_1.png", "f_01.png"), 2)
