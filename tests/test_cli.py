"""The command line as a demanding user meets it: one clear message for every mistake, and nothing half-made."""

import importlib
import json
import os
import pickle
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pytest
from bvh_files import person_text
from fakes import fake_smpl_pkl, fake_smplh_npz

import mannequin
from mannequin.cli.main import COMMANDS, main, manual
from mannequin.cli.progress import ClipBar
from mannequin.generator.config import SampleConfig
from mannequin.generator.dataset.folder import open_dataset
from mannequin.generator.presets import PRESETS
from mannequin.renderers.production import worker as task_module
from mannequin.renderers.production.job import Progress

ROOT = Path(__file__).resolve().parents[1]
SMALL = (
    "--renderer",
    "raster",
    "--clips",
    "1",
    "--frames",
    "1",
    "--size",
    "24",
    "24",
    "--samples",
    "1",
    "--light",
    "lamps",
    "--workers",
    "0",
)


@pytest.fixture(autouse=True)
def fresh_tools():
    task_module._open.clear()
    yield
    task_module._open.clear()


@pytest.fixture
def refuses(run, tmp_path):
    """Runs `generate` with options that cannot be; checks that nothing was made; returns the message."""

    def refuses(*options):
        out = tmp_path / "refused"
        status, said, message = run("generate", out, *SMALL, *options)
        assert status == 2 and said == ""
        assert "Traceback" not in message and message.count("mannequin: ") == 1 and message.startswith("mannequin: ")
        assert not out.exists()
        return message

    return refuses


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A dataset of one clip."""
    out = tmp_path_factory.mktemp("made") / "out"
    with pytest.raises(SystemExit) as exit_:
        main(["generate", str(out), *SMALL])
    assert exit_.value.code == 0
    return out


def folder(path: Path, **files) -> Path:
    path.mkdir(parents=True)
    for name, data in files.items():
        (path / name.replace("_dot_", ".")).write_bytes(data)
    return path


def png(size=(32, 32)) -> bytes:
    return cv2.imencode(".png", np.full((*size, 3), 120, np.uint8))[1].tobytes()


# Body models


def test_a_missing_model_says_which_file_from_which_site_and_where_it_goes(refuses, tmp_path):
    message = refuses("--body", tmp_path / "SMPL_FEMALE.pkl")
    for part in (tmp_path / "SMPL_FEMALE.pkl", "https://smpl.is.tue.mpg.de", "basicmodel_", "Put them", "folder"):
        assert str(part) in message


@pytest.mark.parametrize("data", [b"", b"hello", "cut"])
@pytest.mark.parametrize("name", ["SMPL_FEMALE.pkl", "SMPLH_MALE.npz"])
def test_a_damaged_model_is_named_and_its_site_too(refuses, tmp_path, data, name):
    path = tmp_path / name
    (fake_smpl_pkl if name.endswith("pkl") else fake_smplh_npz)(path)
    path.write_bytes(path.read_bytes()[:20000] if data == "cut" else data)
    message = refuses("--body", path)
    assert str(path) in message and "https://smpl.is.tue.mpg.de" in message


def test_a_pickle_that_runs_code_does_not(refuses, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harm"),)

    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Evil(), 2))
    message = refuses("--body", tmp_path / "evil.pkl")
    assert "posix.mkdir" in message and "Nothing was run" in message
    assert not (tmp_path / "harm").exists()


def test_another_thing_than_a_model_is_refused(refuses, tmp_path):
    np.savez(tmp_path / "m.npz", poses=np.zeros(3))
    assert "'v_template'" in refuses("--body", tmp_path / "m.npz")


def test_a_body_without_fingers_cannot_have_52_joints(refuses, tmp_path):
    message = refuses("--body", fake_smpl_pkl(tmp_path / "SMPL_MALE.pkl"), "--joints", "52")
    assert "24 joints" in message and "SMPL-H" in message


def test_textures_of_another_mesh_are_refused(refuses, tmp_path):
    skins = folder(tmp_path / "skins", a_dot_png=png(), topology_dot_txt=b"smpl-6890")
    message = refuses("--textures", skins)
    assert "'smpl-6890'" in message and "'mannequin-1'" in message and "--body" in message


# Motion


def test_bvh_without_usable_joints(refuses, tmp_path):
    text = (
        "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\nEnd Site\n{\nOFFSET 0 1 "
        "0\n}\n}\n"
    )
    (tmp_path / "snake.bvh").write_text(text + "MOTION\nFrames: 1\nFrame Time: 0.03\n0 0 0\n")
    message = refuses("--motion", tmp_path / "snake.bvh")
    assert "snake.bvh" in message and "hip" in message and "--joint-map" in message


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda text: text.replace(text.splitlines()[-1].split()[-1] + "\n", "nan\n"), "finite"),
        (lambda text: text.split("Frames:")[0] + "Frames: 0\nFrame Time: 0.01\n", "0 frames"),
        (lambda text: text[: len(text) // 2], "Expected"),
    ],
)
def test_damaged_bvh(refuses, tmp_path, change, says):
    (tmp_path / "a.bvh").write_text(change(person_text()))
    message = refuses("--motion", tmp_path / "a.bvh")
    assert "a.bvh" in message and says in message


@pytest.mark.parametrize(
    "values, says",
    [
        ({"poses": np.zeros((4, 70)), "mocap_framerate": 60.0}, "(4, 70)"),
        ({"poses": np.zeros((4, 156)), "mocap_framerate": "fast"}, "mocap_framerate"),
        ({"poses": np.zeros((4, 156)), "mocap_framerate": 0.0}, "one rate"),
        ({"poses": np.full((4, 156), np.nan), "mocap_framerate": 60.0}, "radians"),
        ({"poses": np.zeros((0, 156)), "mocap_framerate": 60.0, "trans": np.zeros((0, 3))}, "at least one frame"),
    ],
)
def test_unusable_amass_files(refuses, tmp_path, values, says):
    np.savez(tmp_path / "m.npz", **({"trans": np.zeros((4, 3))} | values))
    message = refuses("--motion", tmp_path / "m.npz")
    assert "m.npz" in message and says in message and "Expected" in message


# Folders of images


@pytest.mark.parametrize("option", ["--motion", "--textures", "--backgrounds", "--environments", "--body"])
def test_empty_and_absent_folders_are_named(refuses, tmp_path, option):
    light = ("--light", "hdri")
    for path in (folder(tmp_path / "empty"), tmp_path / "absent" / "folder"):
        message = refuses(option, path, *light)
        assert str(path) in message and ("xpected" in message or "Model files are" in message)


@pytest.mark.parametrize(
    "option, name", [("--textures", "a.png"), ("--backgrounds", "a.jpg"), ("--environments", "a.hdr")]
)
def test_files_that_are_no_images_are_named(refuses, tmp_path, option, name):
    path = folder(tmp_path / "images", **{name.replace(".", "_dot_"): b"no image"})
    message = refuses(option, path, "--light", "hdri")
    assert str(path / name) in message and "xpected" in message


@pytest.mark.parametrize("option", ["--backgrounds", "--environments", "--textures"])
def test_folders_without_images_say_what_they_should_hold(refuses, tmp_path, option):
    message = refuses(option, folder(tmp_path / "images", a_dot_txt=b"text"), "--light", "hdri")
    assert str(tmp_path / "images") in message and ("xpected" in message)


@pytest.mark.parametrize("name", ["[/x]", "[bold]", "[red]a[/red]", "a[", "[link=file]"])
def test_paths_with_brackets_are_printed_as_they_are(refuses, tmp_path, name):
    assert f"'{tmp_path}/{name}'" in refuses("--textures", folder(tmp_path / name))
    assert f"{tmp_path}/{name}.pkl" in refuses("--body", tmp_path / f"{name}.pkl")


def test_success_prints_brackets_too(run, tmp_path):
    out = tmp_path / "[/x]"
    status, said, _ = run("generate", out, *SMALL, "--outputs", "segm")
    assert status == 0 and f"mannequin show '{out}'" in said
    assert str(out) in run("info", out)[1]
    assert str(out / "p.png") in run("show", out, "--out", out / "p.png")[1]


# Several people


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [("--people", "2-3"), ("--preset", "crowd"), ("--preset", "surreal", "--people", "2")]
)
def test_several_people(run, tmp_path, options):
    out = tmp_path / "out"
    assert run("generate", out, *SMALL, *options, "--outputs", "labels")[0] == 0
    spec = json.loads(run("info", out / "clips/000/000000.h5", "--json")[1])
    assert len(spec["people"]) == spec["tags"]["people"] > 1 and spec["tags"]["penetration"] <= 0.01


def test_people_who_cannot_be_placed_are_one_message(refuses, monkeypatch):
    monkeypatch.setattr("mannequin.generator.placing.WIDEST", 0.1)
    monkeypatch.setattr("mannequin.generator.placing.MOST_DRAWS", 3)
    said = refuses("--people", "6", "--arrangement", "apart")
    assert "Lower --people or --frames, or use another --arrangement than apart" in said


# Options


@pytest.mark.parametrize(
    "options, says",
    [
        (("--size", "0", "64"), "8 to 8192"),
        (("--size", "64", "-4"), "8 to 8192"),
        (("--size", "100000", "100000"), "8 to 8192"),
        (("--size", "8192", "8192", "--frames", "1000"), "201 GB"),
        (("--frames", "0"), "frames"),
        (("--frames", "-3"), "frames"),
        (("--clips", "-1"), "clips"),
        (("--clips", "999999999999"), "clips"),
        (("--clips", "0"), "--clips"),
        (("--samples", "0"), "samples"),
        (("--fps", "nan"), "fps"),
        (("--fps", "-30"), "fps"),
        (("--seed", "-1"), "seed"),
        (("--seed", str(2**63)), "2^63"),
        (("--workers", "-1"), "workers"),
        (("--workers", "many"), "workers"),
        (("--preset", "studoi"), "'studio'"),
        (("--people", "9x"), "such as 1-4"),
        (("--motion", "wlak"), "'walk'"),
        (("--outputs", "detph"), "'depth'"),
        (("--outputs", "label"), "'labels'"),
        (("--body", "builtn"), "builtin"),
    ],
)
def test_impossible_values_say_what_is_possible(refuses, options, says):
    assert says in refuses(*options)


@pytest.mark.parametrize(
    "options, says",
    [
        (("--split", "tset"), "'test'"),
        (("--renderer", "rastr"), "'raster'"),
        (("--joints", "25"), "'52'"),
        (("--arrangement", "crowdy"), "'crowd'"),
        (("--seed", "1.5"), "--seed"),
        (("--size", "64"), "--size"),
        (("--size", "None"), "--size"),
        (("--colour", "red"), "--colour"),
    ],
)
def test_values_that_cannot_be_read_are_refused_by_the_parser(run, tmp_path, options, says):
    status, _, message = run("generate", tmp_path / "out", *options)
    assert status == 2 and says in message and not (tmp_path / "out").exists()


def test_an_unknown_command_suggests_the_nearest(run):
    status, _, message = run("genrate", "out")
    assert status == 2 and "'generate'" in message


# Where datasets go


def test_a_folder_that_cannot_be_made(run, tmp_path):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        status, _, message = run("generate", out, *SMALL)
        assert status == 2 and str(out) in message and "hoose another" in message
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a place where even root may not write")
def test_a_place_that_cannot_be_written(run):
    status, _, message = run("generate", "/proc/mannequin", *SMALL)
    assert status == 2 and "/proc/mannequin" in message


def test_a_folder_of_other_things_stays_as_it_is(run, tmp_path):
    path = folder(tmp_path / "photos", a_dot_jpg=b"dear")
    status, _, message = run("generate", path, *SMALL)
    assert status == 2 and "a.jpg" in message and [p.name for p in path.iterdir()] == ["a.jpg"]


def test_another_dataset_is_kept_and_the_difference_shown(run, dataset):
    before = (dataset / "dataset.json").read_bytes()
    status, _, message = run("generate", dataset, *SMALL, "--seed", "3", "--fps", "25")
    assert status == 2 and "seed: 0 there, 3 now" in message and "sample.fps: 30.0 there, 25.0 now" in message
    assert (dataset / "dataset.json").read_bytes() == before


def test_a_full_disk(run, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    status, _, message = run("generate", tmp_path / "out", *SMALL)
    assert status == 2 and "disk is full" in message and "Traceback" not in message
    assert not [p for p in (tmp_path / "out").rglob("*") if p.is_file() and p.parent.name != ".log"]


# Blender


@pytest.mark.parametrize(
    "error, says",
    [
        (ModuleNotFoundError("No module named 'bpy'", name="bpy"), 'pip install "mannequin[blender]"'),
        (ImportError("libX11.so.6: cannot open shared object file: No such file or directory"), "libx11-6"),
    ],
)
def test_blender_missing_says_what_to_install(run, tmp_path, monkeypatch, error, says):
    from mannequin.renderers.blender import session

    def absent(name, *args):
        raise error

    monkeypatch.setattr(session, "_loaded", None)
    monkeypatch.setattr(session, "PYTHON", "3.11")
    monkeypatch.setattr(importlib, "import_module", absent)
    status, _, message = run("generate", tmp_path / "out", *SMALL, "--renderer", "blender")
    assert status == 2 and says in message and "Traceback" not in message and not (tmp_path / "out").exists()


def test_without_blender_environments_must_be_given(refuses, run, monkeypatch):
    monkeypatch.setattr("mannequin.generator.environment.builtin_environments", dict)
    message = refuses("--light", "hdri")
    assert "--environments" in message and 'pip install "mannequin[blender]"' in message
    status, said, _ = run("assets", "list")
    assert status == 0 and "not installed" in said


# Looking at datasets


@pytest.mark.parametrize("command", ["info", "show", "validate", "export"])
@pytest.mark.parametrize("kind", ["absent", "empty", "foreign", "file", "damaged"])
def test_what_is_no_dataset_is_refused(run, tmp_path, command, kind):
    path = tmp_path / kind
    if kind == "file":
        path.write_text("text")
    elif kind != "absent":
        content = {"empty": {}, "foreign": {"a_dot_txt": b"text"}, "damaged": {"dataset_dot_json": b"{"}}[kind]
        folder(path, **content)
    status, _, message = run(command, path, *([tmp_path / "exported"] if command == "export" else []))
    assert status == 2 and str(path) in message and "Traceback" not in message
    assert not (tmp_path / "exported").exists()
    assert "Delete" not in message


@pytest.mark.blender
@pytest.mark.parametrize("keep", [0, 0.5])
def test_a_damaged_clip_is_named(run, dataset, tmp_path, keep):
    subprocess.run(["cp", "-r", dataset, tmp_path / "copy"], check=True)
    clip = tmp_path / "copy" / "clips" / "000" / "000000.h5"
    data = clip.read_bytes()
    clip.write_bytes(data[: int(keep * len(data))])
    for command in (
        ("info", clip),
        ("info", tmp_path / "copy"),
        ("show", clip),
        ("export", tmp_path / "copy", tmp_path / "exported"),
    ):
        status, _, message = run(*command)
        assert status == 2 and str(clip) in message and "Traceback" not in message
    status, said, _ = run("validate", tmp_path / "copy")
    assert status == 1 and "not valid" in said


def test_info_of_a_clip_and_a_dataset(run, dataset):
    clip = dataset / "clips" / "000" / "000000.h5"
    status, said, _ = run("info", clip)
    assert status == 0 and "24 high and 24 wide" in said and "occluded_backward" in said
    status, said, _ = run("info", dataset)
    assert status == 0 and "1 clip," in said
    assert '"preset": "studio"' in run("info", clip, "--json")[1]


# Assets


def test_assets_are_listed(run):
    status, said, _ = run("assets", "list")
    assert status == 0 and all(
        word in said for word in ("mannequin-female", "action/walk", "outfit/0", "bodies", "photos")
    )


def test_every_bad_asset_is_reported(run, tmp_path):
    images = folder(tmp_path / "images", a_dot_png=b"no", b_dot_png=png(), c_dot_png=b"no")
    status, _, message = run("assets", "check", "--textures", images, "--backgrounds", images)
    assert status == 1
    assert message.count(str(images / "a.png")) >= 2 and message.count(str(images / "c.png")) >= 2
    assert str(images / "b.png") not in message


def test_building_needs_a_wheel(run, tmp_path):
    assert run("assets", "build")[0] == 2
    status, _, message = run("assets", "build", "--wheel", tmp_path / "a.whl", "--out", tmp_path / "out")
    assert status == 2 and "pip download" in message


# A user's own files


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A folder of a user's bodies, textures, photos, environments and motions."""
    path, rng = tmp_path_factory.mktemp("own"), np.random.default_rng(0)
    fake_smpl_pkl(path / "SMPL_FEMALE.pkl")
    fake_smplh_npz(path / "SMPLH_MALE.npz")
    for name, count in (("skins", 2), ("photos", 2)):
        for k in range(count):
            image = cv2.imencode(".png", rng.integers(0, 255, (64, 64, 3), np.uint8))[1].tobytes()
            (path / name).mkdir(exist_ok=True)
            (path / name / f"{k}.png").write_bytes(image)
    (path / "skies").mkdir()
    sky = np.full((32, 64, 3), 0.3, np.float32)
    sky[:16] = 1.5
    assert cv2.imwrite(str(path / "skies" / "day.hdr"), sky)
    poses, trans = np.zeros((90, 156)), np.zeros((90, 3))
    poses[:, 0] = np.pi / 2
    poses[:, 48:52] = np.linspace(-0.6, 0.6, 90)[:, None]
    trans[:, 0] = np.linspace(0, 1, 90)
    (path / "amass" / "s1").mkdir(parents=True)
    np.savez(
        path / "amass" / "s1" / "go_poses.npz",
        poses=poses,
        trans=trans,
        betas=np.zeros(16),
        gender="female",
        mocap_framerate=60.0,
    )
    shapes = {f"{gender}shapes": rng.normal(0, 1, (20, 10)) for gender in ("female", "male")}
    np.savez(path / "smpl_data.npz", pose_01_01=poses[:, :72], trans_01_01=trans, **shapes)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        (
            "--body",
            "SMPL_FEMALE.pkl",
            "--motion",
            "amass",
            "--textures",
            "skins",
            "--backgrounds",
            "photos",
            "--environments",
            "skies",
        ),
        ("--body", "SMPLH_MALE.npz", "--motion", "amass", "walk", "--joints", "52", "--environments", "skies"),
        (
            "--body",
            ".",
            "--motion",
            "smpl_data.npz",
            "--preset",
            "surreal",
            "--keep-in-frame",
            "True",
            "--backgrounds",
            "photos",
        ),
        (
            "--body",
            "SMPLH_MALE.npz",
            "--motion",
            "smpl_data.npz",
            "--joints",
            "52",
            "--textures",
            "skins",
            "--backgrounds",
            "photos",
        ),
    ],
    ids=lambda options: " ".join(options[1:4:2]),
)
def test_own_files_work_together(run, own, tmp_path, monkeypatch, options):
    monkeypatch.chdir(own)
    light = ("--light", "hdri") if "--environments" in options else ()
    status, _, message = run(
        "generate", tmp_path / "out", *SMALL, *light, *options, "--size", "64", "64", "--clips", "2"
    )
    assert status == 0, message
    monkeypatch.chdir(tmp_path)  # a dataset finds its assets from anywhere
    for index in range(2):
        clip = open_dataset(tmp_path / "out").read(index)
        view = clip.views["camera0"]
        assert (view.frame("segm", 0) > 0).mean() > 0.01
        assert len(np.unique(view.frame("segm", 0))) > 8
        track = clip.people["person0"]
        assert track.pose.shape[1] == (52 if "--joints" in options else 24)
        assert clip.spec.people[0].body.startswith("user-")


# The manual


@pytest.mark.parametrize("columns", [80, 100])
def test_the_manual_is_short_and_fits(monkeypatch, run, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    status, said, _ = run("--help")
    assert status == 0 and said == manual() + "\n"
    assert all(len(line) <= 80 for line in said.splitlines())
    for name in COMMANDS:
        assert sum(line.startswith(f"  {name} ") for line in said.splitlines()) == 1


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("columns", [80, 100])
def test_every_command_has_a_manual_with_examples(monkeypatch, run, name, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    status, said, _ = run(name, "--help")
    assert status == 0
    assert f"  mannequin {name} " in said.split("usage:")[0]
    assert all(len(line) <= columns + 5 for line in said.splitlines())
    assert "{None}" not in said and "(default: )" not in said and "''" not in said


def test_no_command_prints_the_manual(run):
    status, said, _ = run()
    assert status == 2 and said == manual() + "\n"


def test_version(run):
    status, said, _ = run("--version")
    name, number, folder = said.splitlines()[0].split()
    assert status == 0 and (name, number) == ("mannequin", f"{mannequin.__version__},")
    assert Path(folder) == Path(mannequin.__file__).resolve().parent


@pytest.fixture
def another(tmp_path, monkeypatch):
    """Installs Mannequin of some version in a folder that Python looks into."""

    def install(version, editable=False):
        site = tmp_path / "site"
        about = site / f"mannequin-{version}.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mannequin\nVersion: {version}\n")
        home = tmp_path / "a tree" if editable else site
        (home / "mannequin").mkdir(parents=True)
        (home / "mannequin" / "__init__.py").write_text("")
        if editable:
            origin = {"url": home.as_uri(), "dir_info": {"editable": True}}
            (about / "direct_url.json").write_text(json.dumps(origin))
        monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
        return home / "mannequin"

    return install


@pytest.mark.parametrize("editable", [False, True])
def test_another_installation_is_told(run, another, editable):
    folder = another("99.0", editable)
    said = run("--version")[1]
    assert f"also there, and not used: mannequin 99.0, {folder}" in said
    status, _, complaint = run("status", "nothing")
    assert status == 2 and "version 99.0 is installed too" in complaint and str(folder) in complaint


def test_another_installation_of_the_same_version_is_no_trouble(run, another):
    folder = another(mannequin.__version__)
    assert str(folder) in run("--version")[1]
    assert "installed too" not in run("status", "nothing")[2]


def test_the_manual_states_the_defaults_of_the_presets(run):
    said = " ".join(run("generate", "--help")[1].split("usage:")[1].replace("│", " ").split())
    options = {f.name for f in fields(SampleConfig)}
    for preset, made in PRESETS.items():
        assert set(made.defaults) <= options
        for name, value in made.defaults.items():
            value = (
                " ".join(map(str, value))
                if isinstance(value, tuple)
                else f"{value:g}"
                if isinstance(value, float)
                else value
            )
            section = said.split(f"--{name.replace('_', '-')} ")[1].split(" --")[0]
            assert f"{preset} {value}" in section, (preset, name)


@pytest.mark.parametrize("left, says", [(0.4, "0:00:00 left"), (3725, "1:02:05 left"), (86400 * 3.5, "3.5 days left")])
def test_the_log_says_how_far_how_fast_and_how_long(capsys, left, says):
    with ClipBar() as bar:
        bar.show(Progress("", 2, 9))
        bar.show(Progress("a", 3, 9, 12.34, left))
        bar.show(Progress("b", 4, 9, 12.34, left))  # too soon after for a log
    assert capsys.readouterr().err == f"3 of 9 clips, 12.3 frames/s, {says}\n"


# As processes


def process(*args, **kwargs):
    return subprocess.run(
        [sys.executable, "-m", "mannequin", *map(str, args)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        **kwargs,
    )


@pytest.mark.slow
def test_a_real_process_refuses_with_status_two(tmp_path):
    done = process("generate", tmp_path / "out", "--body", tmp_path / "no[/x].pkl")
    assert done.returncode == 2 and done.stdout == "" and not (tmp_path / "out").exists()
    assert f"{tmp_path}/no[/x].pkl" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_real_process_makes_a_dataset_and_logs_to_standard_error(tmp_path):
    done = process("generate", tmp_path / "out", *SMALL, "--outputs", "segm")
    assert done.returncode == 0, done.stderr
    assert "1 of 1 clips" in done.stderr and "1 written" in done.stdout
    assert len(open_dataset(tmp_path / "out")) == 1


@pytest.mark.slow
def test_a_reader_that_stops_reading_is_no_error(dataset):
    clip = dataset / "clips" / "000" / "000000.h5"
    command = [sys.executable, "-m", "mannequin", "info", clip, "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        writer.stdout.close()
        message = writer.stderr.read()
    assert message == b"" and writer.returncode == 141


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of files")
def test_a_file_too_large_for_the_system_is_not_left_half(tmp_path):
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

    photos = folder(tmp_path / "photos", a_dot_png=png((240, 240)))
    options = ("--size", "240", "240", "--frames", "3", "--rgb", "png", "--backgrounds", photos)
    done = process("generate", tmp_path / "out", *SMALL, *options, preexec_fn=limit)
    assert done.returncode == 2 and "Traceback" not in done.stderr and "ulimit" in done.stderr
    assert sorted(p.name for p in (tmp_path / "out").rglob("*") if p.is_file() and p.parent.name != ".log") == [
        "dataset.json"
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a system that deletes folders in use")
def test_a_working_folder_that_was_deleted_is_named(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    command = [sys.executable, "-m", "mannequin", "generate", "out", *SMALL]
    words = ["sh", "-c", 'rmdir "$PWD" && "$@"', "sh", *command]
    done = subprocess.run(
        words, check=False, cwd=gone, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 2 and "deleted" in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("mannequin: ") == 1
