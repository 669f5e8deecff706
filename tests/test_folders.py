"""Folders as users have them: bad files are left out and told, the same for every seed; nothing is lost silently."""

import io
import os
import re
from pathlib import Path

import numpy as np
import pytest
from bvh_files import person_text
from PIL import Image

from mannequin.generator.appearance.folder import find_textures
from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.config import SampleConfig
from mannequin.generator.errors import AssetError, ConfigError
from mannequin.generator.io.listing import list_files, natural
from mannequin.generator.motion.finding import find_motions, search_motions
from mannequin.generator.presets.sampler import Sampler
from mannequin.generator.sampling import resolve


def put(path: Path, content: bytes | str = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def skin(path: Path, value: int = 100) -> Path:
    content = io.BytesIO()
    Image.new("RGB", (16, 16), (value, value, value)).save(content, "PNG")
    return put(path, content.getvalue())


def drawn(assets: Assets, kind: str, seeds=range(8), **config) -> set[str]:
    """What eight seeds draw of a kind."""
    catalog, resolved = Catalog(assets), resolve(SampleConfig(frames=2, light="lamps", **config))
    people = [Sampler(catalog, seed, 0, resolved.split).person(resolved) for seed in seeds]
    return {p.motion.asset if kind == "motion" else p.appearance.texture for p in people}


CLUTTER = (
    "._walk.bvh", ".hidden/walk.bvh", "__MACOSX/walk.bvh", "Thumbs.db", ".DS_Store", "female_train.txt",
    "@eaDir/walk.bvh", "desktop.ini", "README", "list.csv",
)  # fmt: skip


def test_clutter_is_passed_over_everywhere(tmp_path):
    for name in CLUTTER:
        put(tmp_path / name, b"\0\5\x16\7 AppleDouble")
    put(tmp_path / "walk.bvh", person_text())
    put(tmp_path / "dance.fbx")
    skin(tmp_path / "skin.png")
    assert [m.name for m in find_motions(tmp_path)] == ["walk"]
    assert list(find_textures(tmp_path, "mesh").files) == ["texture/skin.png"]
    assert list_files(tmp_path, (".bvh",)).others == {".fbx": 1, ".png": 1}
    assert search_motions([tmp_path]).passed_over == (f"{tmp_path}: 1 .fbx, 1 .png",)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.npz", b"PK\3\4 cut short"),
        ("page.bvh", b"<!DOCTYPE html><title>404</title>"),
        ("pointer.bvh", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3191\n"),
        ("late.bvh", person_text(frames=4).rstrip().rsplit("\n", 1)[0] + "\n1 2 three\n"),
        ("empty.bvh", b""),
    ],
)
def test_a_bad_motion_is_left_out_for_every_seed(tmp_path, name, content):
    put(tmp_path / "good.bvh", person_text())
    put(tmp_path / name, content)
    catalog = Catalog(Assets(motion=(str(tmp_path),)))
    assert catalog.motions == ("good",)
    (fault,) = catalog.files.left_out
    assert fault.kind == "motion" and name.split(".")[0] in fault.name and name in fault.reason
    assert drawn(catalog.assets, "motion") == {"good"}
    (tmp_path / "good.bvh").unlink()
    with pytest.raises(AssetError, match=re.escape(name)):
        _ = Catalog(catalog.assets).motions


def test_what_only_a_whole_reading_shows_is_drawn_again_by_content_alone(tmp_path, monkeypatch):
    """As in folders too large to be read whole before: any order and any process draw the same."""
    monkeypatch.setattr("mannequin.generator.survey.WHOLE", 0)
    for name in ("a", "b", "c"):
        put(tmp_path / f"{name}.bvh", person_text(frames=9))
    np.savez(tmp_path / "bad.npz", poses=np.full((4, 72), np.nan), trans=np.zeros((4, 3)), mocap_framerate=30.0)
    assets = Assets(motion=(str(tmp_path),))
    assert "bad" in Catalog(assets).motions
    config = resolve(SampleConfig(frames=2, light="lamps"))
    one, backwards = Catalog(assets), Catalog(assets)
    forward = [Sampler(one, 1, k, "all").person(config).motion for k in range(20)]
    again = [Sampler(backwards, 1, k, "all").person(config).motion for k in reversed(range(20))]
    assert forward == again[::-1] and {m.asset for m in forward} == {"a", "b", "c"}
    assert [f.name for f in one.files.met] == ["bad"] and [f.name for f in one.files.check_all()] == ["bad"]


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        ("textures", "page.png", b"<html>"),
        ("textures", "half.png", None),
        ("backgrounds", "page.jpg", b"<html>"),
        ("environments", "black.hdr", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 4 +X 8\n" + bytes(4 * 8 * 4)),
        ("environments", "square.hdr", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 8 +X 8\n" + b"\x80" * 256),
    ],
)
def test_bad_images_are_left_out(tmp_path, kind, name, content):
    good = {"textures": "good.png", "backgrounds": "good.png", "environments": "good.hdr"}[kind]
    whole = skin(tmp_path / "good.png").read_bytes()
    put(tmp_path / name, whole[:-30] if content is None else content)
    if kind == "environments":
        put(tmp_path / good, b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 4 +X 8\n" + b"\x80" * 128)
        (tmp_path / "good.png").unlink()
    catalog = Catalog(Assets(**{kind: str(tmp_path)}))
    ids = {"textures": "textures", "backgrounds": "photos", "environments": "environments"}[kind]
    assert [i.removeprefix("texture/") for i in getattr(catalog, ids)] == [good]
    (fault,) = catalog.files.left_out
    assert name in fault.reason
    (tmp_path / good).unlink()
    with pytest.raises(AssetError, match=re.escape(name)):
        getattr(Catalog(catalog.assets), ids)


def test_equal_names_of_several_folders(tmp_path):
    for name in ("3/walk.bvh", "4/walk.bvh", "4/run.bvh"):
        put(tmp_path / name, person_text())
    paths = [tmp_path / "3", tmp_path / "4"]
    ids = ["3/walk", "4/walk", "run"]
    for order in (paths, paths[::-1], [*paths, tmp_path / "4"], [tmp_path / "3/walk.bvh", tmp_path / "4"]):
        found = search_motions(order).files
        assert list(found) == ids and [str(m.path.relative_to(tmp_path)) for m in found.values()] == [
            "3/walk.bvh",
            "4/walk.bvh",
            "4/run.bvh",
        ]
    assert [m.name for m in find_motions(tmp_path)] == ["3/walk", "4/run", "4/walk"]
    assert [m.name for m in find_motions(tmp_path / "3")] == ["walk"]


def test_names_that_need_more_of_their_path(tmp_path):
    for name in ("a/takes/walk.bvh", "b/takes/walk.bvh", "b/takes/walk.BVH", "c/b/takes/walk.bvh"):
        put(tmp_path / name, person_text())
    folders = [tmp_path / "a/takes", tmp_path / "b/takes", tmp_path / "c"]
    names = list(search_motions(folders).files)
    assert len(names) == 4 and names == list(search_motions(folders[::-1]).files)
    assert {"a/takes/walk", "walk.BVH"} - set(names) <= {"a/takes/walk"} and "b/takes/walk" in names


def test_links(tmp_path):
    put(tmp_path / "in/sub/walk.bvh", person_text())
    put(tmp_path / "out/run.bvh", person_text())
    (tmp_path / "in/again.bvh").symlink_to(tmp_path / "in/sub/walk.bvh")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    (tmp_path / "in/out").symlink_to(tmp_path / "out")
    (tmp_path / "in/run.bvh").symlink_to(tmp_path / "out/run.bvh")
    (tmp_path / "in/gone.bvh").symlink_to(tmp_path / "in/none.bvh")
    os.mkfifo(tmp_path / "in/pipe.bvh")
    found = search_motions([tmp_path / "in"])
    assert list(found.files) == ["again", "sub/walk"]
    told = {Path(f.name).name: f.reason for f in found.left_out}
    assert set(told) == {"loop", "out", "run.bvh", "gone.bvh", "pipe.bvh"}
    assert "link to a folder" in told["loop"] and "leads out" in told["run.bvh"] and "no file" in told["gone.bvh"]
    (tmp_path / "named").symlink_to(tmp_path / "in")
    assert list(search_motions([tmp_path / "named"]).files) == ["again", "sub/walk"]


# Textures by gender and split


def surreal(folder: Path) -> Path:
    for gender, value in (("female", 50), ("male", 200)):
        for number in (1, 2, 3):
            skin(folder / gender / f"nongrey_{gender}_000{number}.png", value)
        line = f"{{0}}/nongrey_{gender}_000{{1}}.png"
        put(folder / f"{gender}_train.txt", f"\ufeff{line.format(gender, 1)}\r\n{line.format(gender, 2)}\r\n")
        put(folder / f"{gender}_test.txt", line.format(f"textures/{gender}", 3))
    return folder


def test_surreals_folder_by_gender_and_split(tmp_path):
    catalog = Catalog(Assets(textures=str(surreal(tmp_path / "skins"))))
    assert not catalog.files.left_out
    for gender in ("female", "male"):
        name = f"texture/{gender}/nongrey_{gender}_000{{}}.png"
        assert catalog.textures_for(gender, "train") == (name.format(1), name.format(2))
        assert catalog.textures_for(gender, "test") == (name.format(3),)
        assert catalog.textures_for(gender, "all") == tuple(name.format(k) for k in (1, 2, 3))
    config = resolve(SampleConfig(frames=2, light="lamps"))
    people = [Sampler(catalog, 0, k, "all").person(config) for k in range(16)]
    assert {p.body.split("-")[1] for p in people} == {"female", "male"}
    assert all(p.appearance.texture.split("/")[1] == p.body.split("-")[1] for p in people)


@pytest.mark.parametrize(
    ("name", "gender"),
    [
        ("a.png", ""),
        ("Female/a.png", "female"),
        ("men/x/a.png", "male"),
        ("SkinFemale01.png", "female"),
        ("skin_male_2.png", "male"),
        ("skin_m_2.png", ""),
        ("maleficent.png", ""),
        ("FEMALE-3.png", "female"),
    ],
)
def test_whose_a_texture_is(tmp_path, name, gender):
    skin(tmp_path / name)
    (texture,) = find_textures(tmp_path, "mesh").files.values()
    assert texture.gender == gender


def test_textures_that_contradict_themselves_or_are_not_there_are_told(tmp_path):
    surreal(tmp_path)
    skin(tmp_path / "male" / "nongrey_female_0009.png")
    put(
        tmp_path / "male_train.txt",
        "male/nongrey_male_0001.png\nmale/lost.png\nfemale/nongrey_female_0002.png\n../x.png\n",
    )
    found = find_textures(tmp_path, "mesh")
    assert sorted(Path(f.name).name for f in found.left_out) == [
        "male_train.txt",
        "male_train.txt",
        "nongrey_female_0002.png",
        "nongrey_female_0009.png",
    ]
    assert "texture/female/nongrey_female_0002.png" not in found.files


def test_a_gender_without_textures_is_refused_whatever_the_seed(tmp_path):
    skin(tmp_path / "male" / "a.png")
    catalog = Catalog(Assets(textures=str(tmp_path)))
    for gender in ("female", "male"):
        with pytest.raises(ConfigError, match="none for female bodies"):
            catalog.textures_for(gender, "all")
    for number in range(2):
        skin(tmp_path / "female" / f"{number}.png")
    put(tmp_path / "female_train.txt", "female/0.png")
    put(tmp_path / "male_train.txt", "male/a.png")
    with pytest.raises(ConfigError, match="of the split 'test'"):
        Catalog(catalog.assets).textures_for("male", "test")


def test_numbers_in_names_count():
    names = ["f10", "f9", "f1", "f02", "f2", "F3", "g1"]
    assert sorted(names, key=natural) == ["f1", "f02", "f2", "F3", "f9", "f10", "g1"]


def test_a_cut_body_is_left_out(tmp_path, monkeypatch):
    read = []

    def load(path, **options):
        read.append(path.name)
        if path.stat().st_size < 5:
            raise AssetError(f"{path} is cut short.")
        return path

    monkeypatch.setattr("mannequin.generator.body.files.load_body", load)
    for name, size in (("SMPL_FEMALE.pkl", 3), ("x/SMPL_FEMALE.npz", 9), ("SMPL_MALE.pkl", 9), ("._SMPL_MALE.pkl", 3)):
        put(tmp_path / name, bytes(size))
    catalog = Catalog(Assets(body=str(tmp_path)))
    assert catalog.bodies == {"female": "user-female", "male": "user-male"}
    assert [Path(f.name).name for f in catalog.files.left_out] == ["SMPL_FEMALE.pkl"] and catalog.body(
        "user-female", 24
    )
    assert np.array_equal(read[-1], "SMPL_FEMALE.npz")
