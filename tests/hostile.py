"""Reads bombs in a process with little memory and narrow limits, and reports every act beyond reading them.

Prints one line of JSON: ``grown`` (case → MiB that the peak grew by), ``escaped`` (case → error that is
not ours) and ``acts`` (processes, sockets, foreign code, files written or opened outside the folder).
"""

import json
import os
import pickle
import resource
import struct
import sys
import tempfile
import threading
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np

from mannequin.generator.dataset.native import clip_bytes, verify_clip
from mannequin.generator.dataset.native import table as tables
from mannequin.generator.errors import MannequinError
from mannequin.generator.io import limits
from tests import test_hostile_input as readers
from tests.clips import noise_clip
from tests.test_native_table import joined, split

MIB = 1 << 20
ROOM = 2048 * MIB
FORBIDDEN = (
    "os.system",
    "subprocess.Popen",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "socket.",
    "urllib.",
    "ctypes.dlopen",
    "os.remove",
    "os.rename",
)


def npz(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


def npy(shape, size):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header.encode() + bytes(size)


def png(side):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
        + chunk(b"IEND", b"")
    )


def patched(content, at, new):
    return content[:at] + new + content[at + len(new) :]


def images(folder):
    picture, sky = readers._PICTURE, readers._SKY
    exr = readers.encoded(".exr", sky)
    window = exr.index(b"dataWindow\0box2i\0") + 21
    jpeg = readers.encoded(".jpg", picture)
    contents = {
        "png": png(60000),
        "jpeg": patched(jpeg, jpeg.index(b"\xff\xc0") + 5, b"\xff\x00\xff\x00"),
        "bmp": patched(readers.encoded(".bmp", picture), 18, struct.pack("<ii", 60000, 60000)),
        "webp": patched(readers.encoded(".webp", picture), 26, b"\xff\x3f\xff\x3f")
        if readers.encoded(".webp", picture)[12:16] == b"VP8 "
        else b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\x03\xff\xff\x03",
        "hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 60000 +X 60000\n" + bytes(99),
        "exr": patched(exr, window, struct.pack("<4i", 0, 0, 59999, 59999)),
    }
    for kind, content in contents.items():
        path = folder / f"a.{kind}"
        path.write_bytes(content)
        yield kind, readers.load_environment if kind in ("hdr", "exr") else readers.load_photo, path
    yield "png texture", lambda path: readers.load_texture(path, "mesh"), folder / "a.png"


def packed(folder):
    npz(folder / "claims.npz", poses=npy((1 << 40, 72), 99), trans=npy((1 << 40, 3), 99), betas=npy((10,), 80))
    npz(folder / "zeros.npz", poses=npy((500_000, 72), 500_000 * 576), trans=npy((500_000, 3), 500_000 * 24))
    npz(folder / "all.npz", poses=npy("(-1,)", 300 * MIB), trans=npy("(-1,)", 99))
    for name in ("claims", "zeros", "all"):
        yield f"npz that {name}", readers.read_parameters, folder / f"{name}.npz"
    body = {"list": b"\x80\x02" + b"]" * 20_000_000 + b".", "memo": b"\x80\x04]" + b"\x94" * 20_000_000 + b"."}
    body["laughs"] = b"\x80\x04]\x94" + b"".join(b"](" + b"h%c" % k * 10 + b"e\x94" for k in range(99)) + b"."
    body["deep key"] = b"\x80\x02})" + b"\x85" * 2_000_000 + b"K\x01s."
    body["deep"] = b"\x80\x02)" + b"\x85" * 2_000_000 + b"."
    body["long"] = b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"."
    body["strings"] = pickle.dumps(readers._DENSE_BODY | {"f": ["a" * 10**6] + ["b"] * 10**5})
    for name, content in body.items():
        (folder / f"{name}.pkl").write_bytes(content)
        yield f"pickle, {name}", readers.body_arrays, folder / f"{name}.pkl"


def texts(folder):
    bvh = readers.person_text()
    _, _, tail = bvh.partition("MOTION")
    row = tail.rstrip().rsplit("\n", 1)[1]
    files = {
        "words.bvh": "HIERARCHY " + "a " * 20_000_000 + "MOTION",
        "word.bvh": bvh.rstrip() + "0" * 50_000_000,
        "frames.bvh": bvh.replace("Frames: 2", "Frames: 999999999999"),
        "column.bvh": bvh.replace(row, "1 " * 20_000_000),
        "deep.bvh": "HIERARCHY ROOT a {" + "JOINT a {" * 200_000 + "MOTION\n",
        "blank.bvh": bvh + "\n" * 20_000_000,
        "deep.json": "[" * 5_000_000,
        "digits.json": "1" * 5_000_000,
        "wide.json": "[" + "[]," * 10_000_000 + "0]",
        "a.ply": "ply\nformat binary_little_endian "
        "1.0\nelement vertex "
        "999999999999\nproperty float "
        "x\nproperty float "
        "y\nproperty float z\nelement face "
        "9\nproperty list uchar "
        "int vertex_indices\nend_header\n",
        "a.off": "OFF\n999999999 999999999 0\n0 0 0\n",
        "a.obj": "v 0 0 0\n" * 900_000,
    }
    for name, content in files.items():
        (folder / name).write_text(content)
        read = {".bvh": readers.motions, ".json": lambda path: readers.read_camera(path, 1)}.get(
            Path(name).suffix, readers.mesh
        )
        yield name, read, folder / name
    (folder / "a.stl").write_bytes(bytes(80) + b"\xff" * 4 + bytes(50))
    yield "a.stl", readers.mesh, folder / "a.stl"


def clips(folder):
    sound = bytes(clip_bytes(noise_clip(0, channels=(), rgb=False)))
    for change in ("huge", "huge and stored", "wide chunk", "deflate twice"):
        path = folder / f"{change}.h5"
        path.write_bytes(sound)
        readers.change_clip(path, "views/camera 0/K", change)
        yield f"clip, {change}", verify_clip, path
    path = folder / "runs.h5"
    path.write_bytes(sound)
    with h5py.File(path, "r+") as file:
        spec = json.loads(file["spec"][...].tobytes()) | {"resolution": [16384, 16384]}
        labels, each = "views/camera 0/labels", 2**28
        new = {
            "spec": np.frombuffer(json.dumps(spec).encode(), np.uint8),
            f"{labels}/runs": np.array([[0, 0], [each, each]], np.uint32),
            f"{labels}/run_offsets": np.array([0, 1, 2]),
            f"{labels}/frame_offsets": np.array([0, each, 2 * each]),
        }
        for name, value in new.items():
            del file[name]
            file[name] = value
    yield "clip, runs", verify_clip, path
    inner, told, chunks = split(sound)
    zeros = zlib.compress(bytes(300 * MIB), 9)
    first = told["arrays"]["spec"]["first"]
    for kind, about in (
        ("deflated", {"shape": [300 * MIB], "chunk": [300 * MIB], "filters": ["deflate"]}),
        ("deflated, small shape", {"filters": ["deflate"]}),
        ("stored nowhere", {"shape": [2**40], "chunk": [2**40]}),
        ("many chunks", {"shape": [2**50], "chunk": [1]}),
        ("one place, many chunks", {"shape": [300 * MIB], "chunk": [MIB], "filters": ["deflate"]}),
    ):
        bent = json.loads(json.dumps(told))
        bent["arrays"]["spec"] |= about
        places = np.concatenate([chunks, np.repeat(chunks[:1], 300)]) if kind.startswith("one") else chunks.copy()
        if kind.startswith("one"):
            bent["arrays"]["spec"]["first"] = len(chunks)
            places[len(chunks) :] = (len(inner), len(zeros), zlib.crc32(zeros), 0)
        else:
            places[first] = (len(inner), len(zeros), zlib.crc32(zeros), 0)
        path = folder / f"table {kind}.h5"
        path.write_bytes(joined(inner + zeros, bent, places))
        yield f"clip, table, {kind}", verify_clip, path
    path = folder / "long table.h5"
    foot = tables._foot(bytes(20 * MIB), len(sound), 20 * MIB, 0)
    path.write_bytes(sound + bytes(20 * MIB) + foot)
    yield "clip, long table", verify_clip, path
    path = folder / "table of many.h5"
    path.write_bytes(sound + tables._foot(b"", len(sound), 0, 2**32 - 1))
    yield "clip, table of many", verify_clip, path


def watch(folder, acts):
    """Adds to ``acts`` whatever this thread does that a reader has no business to do."""
    known = (str(folder), sys.prefix, sys.base_prefix, str(Path(__file__).parents[1]), "/proc/", "<frozen")

    def hook(event, arguments):
        if threading.current_thread() is not threading.main_thread() or not acts["watching"]:
            return
        if event.startswith(FORBIDDEN):
            acts["seen"].append(f"{event} {arguments!r:.200}")
        elif event == "exec" and not arguments[0].co_filename.startswith(known):
            caller = sys._getframe(1).f_code.co_filename
            if not caller.endswith(
                ("/dataclasses.py", "/collections/__init__.py")
            ):  # classes of modules imported on first use
                acts["seen"].append(f"exec {arguments[0].co_filename} by {caller}")
        elif event == "open" and isinstance(arguments[0], (str, bytes)):
            name, mode = str(Path(str(arguments[0])).absolute()), str(arguments[1] or "r")
            if not name.startswith(known) or any(letter in mode for letter in "wax+"):
                acts["seen"].append(f"open {name} {mode}")

    sys.addaudithook(hook)


def main():
    limits.ARRAY_BYTES = limits.BVH_BYTES = 64 * MIB
    limits.JSON_BYTES = limits.CHUNK_BYTES = limits.MESH_BYTES = 8 * MIB
    limits.PICKLE_STEPS = 1 << 18
    acts, grown, escaped = {"watching": False, "seen": []}, {}, {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        made = [case for make in (images, packed, texts, clips) for case in make(folder)]
        os.chdir(folder)
        (folder / "sound.obj").write_text(readers._OBJ)
        readers.mesh(folder / "sound.obj")  # what trimesh imports on first use is no act of a file
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
        watch(folder, acts)
        for case, read, path in made:
            Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
            before = status("VmRSS")
            acts["watching"] = True
            try:
                read(path)
            except MannequinError:
                pass
            except BaseException as e:
                escaped[case] = f"{type(e).__name__}: {e!s:.200}"
            acts["watching"] = False
            grown[case] = (status("VmHWM") - before) >> 10
    print(json.dumps({"grown": grown, "escaped": escaped, "acts": acts["seen"]}))


def status(name):
    """KiB."""
    return int(
        next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name)).split()[1]
    )


if __name__ == "__main__":
    main()
