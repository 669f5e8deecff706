"""Films: what is read is what was written, upright, and files that are no films."""

import struct

import numpy as np
import pytest

from mannequin.generator.errors import AssetError, MissingExtraError
from mannequin.generator.io import films as module
from mannequin.generator.io.films import IndexedFilm, open_film, write_film
from mannequin.renderers.frames import read_images

pytest.importorskip("av")


def pictures(count: int = 5, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """A white bar that goes right on a film whose upper half is red."""
    made = []
    for t in range(count):
        picture = np.zeros((height, width, 3), np.uint8)
        picture[: height // 2, :, 0] = 200
        picture[:, 8 * t : 8 * t + 8] = 255
        made.append(picture)
    return made


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "bar.mp4"
    write_film(path, pictures(), 12.5)
    return path


def read(path) -> list[np.ndarray]:
    with open_film(path) as opened:
        return list(opened.frames)


def test_what_is_read_is_what_was_written(film):
    with open_film(film) as opened:
        assert (opened.fps, opened.num_frames) == (12.5, 5)
        frames = list(opened.frames)
    for frame, picture in zip(frames, pictures(), strict=True):
        assert frame.dtype == np.uint8 and np.abs(frame.astype(int) - picture).mean() < 8


@pytest.mark.parametrize("quarters, matrix", [(1, (0, -1, 1, 0)), (2, (-1, 0, 0, -1)), (-1, (0, 1, -1, 0))])
def test_films_of_a_turned_camera_come_upright(film, quarters, matrix):
    """The header of the track says how to turn it; ISO/IEC 14496-12, 8.3.2: (a, b, u, c, d, v, x, y, w)."""
    plain, data = read(film), bytearray(film.read_bytes())
    start = data.index(b"tkhd") + 4 + 40  # version 0: the matrix comes after 40 bytes
    a, b, c, d = matrix
    assert struct.unpack_from(">9i", data, start) == (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    struct.pack_into(">9i", data, start, a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    film.write_bytes(data)
    for turned, frame in zip(read(film), plain, strict=True):
        assert np.array_equal(turned, np.rot90(frame, quarters))
    indexed = IndexedFilm(film)
    assert indexed.resolution == np.rot90(plain[0], quarters).shape[:2] and indexed.fps == 12.5
    for t in (2, 0, 4):
        assert np.array_equal(indexed.frame(t), np.rot90(plain[t], quarters))
    indexed.close()
    assert np.array_equal(read_images(film, len(plain)), [np.rot90(frame, quarters) for frame in plain])


def test_a_damaged_film_is_named_with_the_frame(tmp_path):
    path = tmp_path / "noise.mp4"
    noise = np.random.default_rng(0).integers(0, 256, (12, 48, 64, 3), dtype=np.uint8)
    write_film(path, noise, 25)
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    end = start - 8 + struct.unpack_from(">I", data, start - 8)[0]
    data[(start + end) // 2 : end] = b"\xff" * (end - (start + end) // 2)
    path.write_bytes(data)
    with pytest.raises(AssetError, match=r"noise\.mp4 is damaged after \d+ frames"):
        read(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"not a film", b"#EXTM3U\n#EXTINF:1,\n{other}\n", b"ffconcat version 1.0\nfile '{other}'\n"],
    ids=["empty", "text", "playlist", "list of films"],
)
def test_what_is_no_film_is_refused(tmp_path, film, content):
    """Lists of films too: they would open files that nobody named."""
    path = tmp_path / "other.mp4"
    path.write_bytes(content.replace(b"{other}", film.name.encode()))
    with pytest.raises(AssetError, match="is not a film"):
        read(path)


def test_large_frames_are_refused_before_they_are_decoded(film, monkeypatch):
    monkeypatch.setattr(module.limits, "IMAGE_PIXELS", 64 * 48 - 1)
    with pytest.raises(AssetError, match="64 × 48 pixels"):
        read(film)


def test_a_film_that_fails_leaves_nothing(tmp_path):
    def failing():
        yield from pictures(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_film(tmp_path / "a.mp4", failing(), 25)
    assert not list(tmp_path.iterdir())


def test_without_its_package_reading_says_what_to_install(film, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mannequin\[export\]'"):
        read(film)
