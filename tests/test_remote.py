"""Datasets and assets in an S3 service, and connections that break."""

import importlib
import io
import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from bvh_files import person_text
from jobs import ROOT, digests, here, small_job
from PIL import Image
from stores import BUCKET, S3, Proxy, client, environment, forgotten, keys, served

from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.dataset import failures, runlog
from mannequin.generator.dataset.folder import create_or_resume, open_dataset
from mannequin.generator.dataset.native import verify_clip
from mannequin.generator.dataset.progress import read_progress
from mannequin.generator.dataset.runlog import now
from mannequin.generator.errors import AssetError, ConfigError, DatasetError, MissingExtraError
from mannequin.generator.io.downloads import local
from mannequin.generator.io.remote import RemotePath, place
from mannequin.renderers.validation.validate import validate

URL = f"s3://{BUCKET}/out"
pytestmark = pytest.mark.usefixtures("fresh_tools")
COMMAND = (
    "--renderer",
    "raster",
    "--frames",
    "2",
    "--size",
    "32",
    "32",
    "--samples",
    "1",
    "--light",
    "lamps",
    "--clips",
    "2",
    "--quiet",
)


@pytest.fixture
def s3(monkeypatch, tmp_path):
    for name in [
        name for name in os.environ if name.startswith(("AWS_", "FSSPEC_")) or name.lower().endswith("_proxy")
    ]:
        monkeypatch.delenv(name)
    with served(tmp_path) as (store, told), forgotten():
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        yield store


def put(store: S3, key: str, data: bytes) -> None:
    client(store).put_object(Bucket=BUCKET, Key=key, Body=data)


def run(*words) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "mannequin", *map(str, words)], cwd=ROOT, check=False, capture_output=True, text=True
    )


def without_logs(store: S3) -> dict[str, bytes]:
    return {key: data for key, data in keys(store).items() if "/.log/" not in key}


def test_a_dataset_in_a_bucket_has_the_bytes_of_one_on_disk(s3, tmp_path):
    job = small_job()
    here(job, place(URL), 2)
    here(job, tmp_path / "out", 2)
    on_disk = {f"out/{name}": (tmp_path / "out" / name).read_bytes() for name in digests(tmp_path / "out")}
    assert without_logs(s3) == on_disk
    assert len(on_disk) == 3


@pytest.mark.blender
def test_it_is_resumed_read_and_counted(s3):
    job = small_job()
    here(job, place(URL), 1)
    first = keys(s3)["out/clips/000/000000.h5"]
    found = read_progress(place(URL))
    assert (found.done, found.missing) == (1, 0) and found.seconds["render"] > 0
    summary = here(job, place(URL), 2)
    assert (summary.kept, summary.clips) == (1, 1)
    assert keys(s3)["out/clips/000/000000.h5"] == first
    dataset = open_dataset(URL)
    assert list(dataset) == [0, 1] and dataset.num_clips == 2
    assert dataset.size() == sum(len(data) for key, data in keys(s3).items() if key.endswith(".h5"))
    assert dataset.read(1).spec.index == 1
    with pytest.raises(DatasetError, match="has no clip 2; it has 2 from 0 to 1"):
        dataset.read(2)
    assert not validate(place(URL), clips=1, frames=1).failed


def test_every_command_takes_a_url(s3, tmp_path):
    done = run("generate", URL, *COMMAND)
    assert done.returncode == 0, done.stderr
    assert run("status", URL, "--json").returncode == 0
    assert json.loads(run("status", URL, "--json").stdout)["done"] == 2
    assert f"{URL}: 2 clips" in run("info", URL).stdout
    assert "2 frames, 32 high and 32 wide" in run("info", f"{URL}/clips/000/000001.h5").stdout
    assert run("export", URL, tmp_path / "surreal").returncode == 0
    assert run("export", URL, f"s3://{BUCKET}/surreal").returncode == 0
    mats = {p.relative_to(tmp_path).as_posix(): p.read_bytes() for p in (tmp_path / "surreal").rglob("*.*")}
    assert len(mats) == 12 and mats == {key: data for key, data in keys(s3).items() if key.startswith("surreal/")}


def test_other_options_and_foreign_things_are_refused(s3):
    here(small_job(), place(URL), 1)
    with pytest.raises(DatasetError, match="made with other options"):
        create_or_resume(URL, {"seed": 6})
    put(s3, "photos/a.jpg", b"x")
    with pytest.raises(DatasetError, match="not a dataset .it holds a.jpg"):
        create_or_resume(f"s3://{BUCKET}/photos", {})


def test_the_first_of_two_descriptions_stands(s3):
    path = place(f"s3://{BUCKET}/file")
    path.write_bytes(b"first", replace=False)
    path.write_bytes(b"second", replace=False)
    assert path.read_bytes(10) == b"first"
    path.write_bytes(b"third")
    assert path.read_bytes(10) == b"third"
    with pytest.raises(DatasetError, match="has 5 bytes.*at most 4"):
        path.read_bytes(4)


def test_a_damaged_clip_is_named(s3):
    here(small_job(), place(URL), 1)
    key = "out/clips/000/000000.h5"
    put(s3, key, keys(s3)[key][:-100])
    assert "s3://people/out/clips/000/000000.h5" in verify_clip(f"s3://{BUCKET}/{key}")[0]


def test_records_of_failed_clips_are_in_the_bucket(s3):
    failure = failures.Failure(0, "walk", "no", "", 1, now(), "here", {}, None)
    failures.record(place(URL), failure)
    failures.record(place(URL), failure)
    assert json.loads(keys(s3)["out/failed/000/000000.json"])["attempts"] == 2
    create_or_resume(f"s3://{BUCKET}/other", {}, num_clips=2)
    failures.record(place(f"s3://{BUCKET}/other"), failure)
    found = read_progress(f"s3://{BUCKET}/other")
    assert (found.failed, found.missing) == (1, 1)
    failures.forget(place(URL), 0)
    failures.forget(place(URL), 0)
    assert "out/failed/000/000000.json" not in keys(s3)


def test_a_long_log_is_cut_to_its_end_and_tells_how_fast_the_run_is(s3, monkeypatch):
    monkeypatch.setattr(runlog, "REMOTE_SECONDS", 0.0)
    monkeypatch.setattr(runlog, "TAIL_BYTES", 2000)
    with runlog.RunLog(place(URL)) as log:
        for index in range(50):
            log.say(clip=index, host="a", frames=2, seconds={"render": 1.0})
    (key,) = keys(s3)
    assert key.startswith("out/.log/") and len(keys(s3)[key]) == 2000
    ((changed, lines),), _ = runlog.tails(place(URL))
    assert abs(changed - time.time()) < 3600
    assert [line["clip"] for line in lines[:-1]] == list(range(lines[0]["clip"], 50)) and lines[-1]["end"] == "done"


def test_a_log_reaches_the_bucket_although_the_run_raises(s3):
    with pytest.raises(KeyboardInterrupt), runlog.RunLog(place(URL)) as log:
        log.say(clip=0)
        raise KeyboardInterrupt
    ((_, lines),), _ = runlog.tails(place(URL))
    assert lines[1]["clip"] == 0 and lines[-1]["end"] == "KeyboardInterrupt"


# Connections that break


def test_a_server_that_dies_ends_the_run_and_the_same_command_resumes(s3, tmp_path):
    job = small_job()
    kept = []

    def kill_after_the_first(progress):
        if progress.clip and not kept:
            kept.append(keys(s3))
            s3.kill()

    with pytest.raises(DatasetError, match=r"s3://people/out.*run the same command again; what is finished is kept"):
        here(job, place(URL), 3, on_progress=kill_after_the_first)
    assert sorted(kept[0])[-2:] == ["out/clips/000/000000.h5", "out/dataset.json"]
    s3.start()  # on the same port; moto forgets everything, a service would not
    client(s3).create_bucket(Bucket=BUCKET)
    for key, data in kept[0].items():
        put(s3, key, data)
    summary = here(job, place(URL), 3)
    assert (summary.kept, summary.clips) == (1, 2)
    here(job, tmp_path / "out", 3)
    assert without_logs(s3) == {
        f"out/{name}": (tmp_path / "out" / name).read_bytes() for name in digests(tmp_path / "out")
    }


def test_an_upload_that_is_cut_leaves_no_half_object(s3, monkeypatch):
    proxy = Proxy(s3.port)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
    path = place(f"s3://{BUCKET}/clip")
    data = bytes(range(256)) * 2000
    proxy.most = 100_000
    with pytest.raises(DatasetError, match="Cannot write s3://people/clip"):
        path.write_bytes(data)
    assert proxy.cuts > 1  # the driver has tried again
    assert keys(s3) == {}
    proxy.most = None
    path.write_bytes(data)
    assert keys(s3) == {"clip": data}
    proxy.most = 100_000
    with pytest.raises(DatasetError, match="Cannot write"):
        path.write_bytes(data[::-1])
    assert keys(s3) == {"clip": data}
    proxy.close()


def test_a_run_whose_uploads_are_cut_goes_on_later(s3, monkeypatch, tmp_path):
    proxy = Proxy(s3.port)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
    proxy.most = 18_000  # more than the description, less than a clip
    with pytest.raises(DatasetError, match="Cannot write s3://people/out/clips/000/000000.h5"):
        here(small_job(), place(URL), 1)
    assert set(without_logs(s3)) == {"out/dataset.json"}
    proxy.most = None
    assert here(small_job(), place(URL), 1).clips == 1
    assert verify_clip(f"{URL}/clips/000/000000.h5") == []
    proxy.close()


def test_a_copy_that_is_cut_leaves_no_half_file(s3, monkeypatch, tmp_path):
    proxy = Proxy(s3.port)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
    data = bytes(range(256)) * 20_000
    put(s3, "photos/large.png", data)
    proxy.most_back = 100_000
    with pytest.raises(AssetError, match="Cannot read s3://people/photos/large.png"):
        local(f"s3://{BUCKET}/photos")
    assert proxy.cuts and not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    proxy.most_back = None
    assert (local(f"s3://{BUCKET}/photos") / "large.png").read_bytes() == data
    proxy.close()


def test_one_message_for_a_server_that_is_not_there(s3):
    s3.kill()
    done = run("status", URL)
    assert done.returncode == 2
    assert done.stderr.startswith(f"mannequin: Cannot look at {URL}") and "Traceback" not in done.stderr
    assert "check the network" in done.stderr


def test_one_message_for_a_bucket_that_is_not_there(s3):
    done = run("generate", "s3://absent/out", *COMMAND)
    assert done.returncode == 2
    assert "create the bucket" in done.stderr and "Traceback" not in done.stderr


class Refusing(BaseHTTPRequestHandler):
    """Answers everything as S3 answers those whom it does not let in; ``code`` says why."""

    code = ""

    def refuse(self) -> None:
        body = f"<Error><Code>{self.code}</Code><Message>No.</Message></Error>".encode()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(400 if "Token" in self.code else 403)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = refuse

    def log_message(self, *_) -> None:
        pass


@pytest.mark.parametrize(
    "code", ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"]
)
def test_one_message_with_wrong_credentials(tmp_path, monkeypatch, run, code):
    handler = type("Handler", (Refusing,), {"code": code})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, forgotten():
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, value in environment(f"http://127.0.0.1:{server.server_port}", tmp_path).items():
            monkeypatch.setenv(name, value)
        for words in (("generate", URL, *COMMAND, "--workers", "0"), ("info", URL), ("export", URL, tmp_path / "out")):
            status, said, error = run(*words)
            assert (status, said) == (2, "")
            assert error.count("mannequin: ") == 1 and "check the credentials" in error, error
            assert "Traceback" not in error
        server.shutdown()
    assert not (tmp_path / "out").exists()


def test_one_message_without_credentials(s3, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(DatasetError, match="check the credentials"):
        open_dataset(URL)


# Assets


def texture(shade: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), shade, np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_a_folder_of_assets_is_copied_once_and_again_when_it_changes(s3, monkeypatch):
    put(s3, "photos/a.png", texture(10))
    put(s3, "photos/deep/b.png", texture(20))
    url = f"s3://{BUCKET}/photos"
    folder = local(url)
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*.png")} == {"a.png", "deep/b.png"}
    fetched = []
    real = RemotePath.download
    monkeypatch.setattr(RemotePath, "download", lambda self, path: (fetched.append(self.name), real(self, path)))
    assert local(url + "/") == folder and not fetched
    (folder / "a.png").unlink()
    assert local(url) == folder and fetched == ["a.png"]
    put(s3, "photos/a.png", texture(11))
    other = local(url)
    assert other != folder and (other / "a.png").read_bytes() == texture(11)


def test_clips_with_assets_from_a_bucket_equal_those_from_disk(s3, tmp_path):
    (tmp_path / "photos").mkdir()
    for name, shade in (("a.png", 40), ("b.png", 200)):
        (tmp_path / "photos" / name).write_bytes(texture(shade))
        put(s3, f"photos/{name}", texture(shade))
    far = run("generate", URL, *COMMAND, "--backgrounds", f"s3://{BUCKET}/photos", "--workers", 2)
    near = run("generate", tmp_path / "out", *COMMAND, "--backgrounds", tmp_path / "photos")
    assert (far.returncode, near.returncode) == (0, 0), far.stderr + near.stderr
    clips = {
        f"out/{name}": (tmp_path / "out" / name).read_bytes()
        for name in digests(tmp_path / "out")
        if name.endswith(".h5")
    }
    assert clips == {key: data for key, data in keys(s3).items() if key.endswith(".h5")}
    assert json.loads(keys(s3)["out/dataset.json"])["config"]["assets"]["backgrounds"] == f"s3://{BUCKET}/photos"
    assert open_dataset(URL).read(0).spec.background.kind == "photo"


def test_a_motion_in_a_bucket(s3):
    put(s3, "walks/stroll.bvh", person_text().encode())
    whole, one = (Catalog(Assets(motion=(f"s3://{BUCKET}/walks{end}",))).motions for end in ("", "/stroll.bvh"))
    assert whole == one and len(one) == 1


def test_objects_cannot_be_copied_out_of_the_cache(s3):
    put(s3, "photos/../../escaped.png", texture(1))
    with pytest.raises(AssetError, match="no name for a file"):
        local(f"s3://{BUCKET}/photos")


def test_assets_that_are_not_there(s3):
    with pytest.raises(AssetError, match="Cannot list s3://people/none"):
        local(f"s3://{BUCKET}/none")


# URLs


def test_file_urls_are_local_paths(tmp_path):
    url = f"file://{tmp_path}/out"
    assert place(url) == tmp_path / "out"
    here(small_job(), place(url), 1)
    assert len(open_dataset(url)) == 1 and (tmp_path / "out" / "dataset.json").is_file()
    assert Assets(backgrounds=f"file://{tmp_path}").located().backgrounds == str(tmp_path)


@pytest.mark.parametrize("url", ["s3://", "s3:///", "s3://bucket/../other", "s3://a\0b"])
def test_urls_that_name_nothing(url):
    with pytest.raises(ConfigError, match="names no place"):
        place(url)


def test_an_unknown_protocol():
    with pytest.raises(ConfigError, match="protocol that nothing here knows"):
        place("nowhere://bucket/out").exists()


@pytest.mark.parametrize(
    "package, url, line", [("s3fs", "s3://b/out", r"mannequin\[remote\]"), ("gcsfs", "gs://b/out", "pip install gcsfs")]
)
def test_a_missing_driver(package, url, line, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(importlib.import_module("fsspec.registry")._registry, url[:2], raising=False)
    with pytest.raises(MissingExtraError, match=line):
        open_dataset(url)
