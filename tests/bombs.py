"""Hostile files of every kind that is read, small on disk and large in what they claim: cases of tests/campaign.py."""

import json
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from pathlib import Path

import cv2
import h5py
import numpy as np
import scipy.sparse as sp
from joblib.numpy_pickle import NumpyArrayWrapper
from scipy.io import savemat

from mannequin.cli.commands.status import rows
from mannequin.generator.body.usermesh import read_obj_uv
from mannequin.generator.dataset import images as colour
from mannequin.generator.dataset.collection import open_collection
from mannequin.generator.dataset.folder import create_or_resume, find_dataset
from mannequin.generator.dataset.native import clip_bytes, layout, read_clip, verify_clip
from mannequin.generator.dataset.progress import read_progress
from mannequin.generator.dataset.surreal_reader import SurrealReader
from mannequin.generator.errors import ConfigError, DatasetError
from mannequin.generator.io.films import IndexedFilm
from mannequin.generator.io.reading import read_bytes
from mannequin.generator.motion.finding import find_motions
from mannequin.generator.motion.together import together
from mannequin.generator.spec import ClipSpec
from mannequin.renderers.frames import read_images
from mannequin.renderers.validation.table import Report
from mannequin.renderers.validation.validate import _count
from mannequin.report.page import write_report
from tests import hostile
from tests import test_hostile_input as readers
from tests.bvh_files import person_text
from tests.clips import ball_clip
from tests.mutations import NASTY_NUMBERS, nested
from tests.people_results import joblib_bytes
from tests.test_native_table import joined, split

Case = tuple[str, Callable, Path]
MIB = 1 << 20


def read_people(path: Path) -> None:
    for motion in together(find_motions(path), ()).values():
        assert motion.duration >= 0 and motion.partners is not None
        _ = motion.notes
        motion.read()


def people(folder: Path) -> Iterator[Case]:
    """Results of people in a video: joblib's and plain pickles, PyTorch's zips."""
    pose = {"pose": np.zeros((12, 72), np.float32), "trans": np.zeros((12, 3)), "frame_ids": np.arange(12)}
    sound = joblib_bytes({1: pose})
    programs = {
        "lists": b"\x80\x02" + b"]" * 20_000_000 + b".",
        "memo": b"\x80\x04]" + b"\x94" * 20_000_000 + b".",
        "deep": b"\x80\x02)" + b"\x85" * 2_000_000 + b".",
        "laughs": b"\x80\x02]\x94" + b"".join(b"](" + b"h%c" % k * 10 + b"e\x94" for k in range(99)) + b".",
        "long bytes": b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b".",
        "long text": b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b".",
        "many keys": pickle.dumps({k: {} for k in range(300_000)}),
        "many people": pickle.dumps(dict.fromkeys(range(3000), pose)),
        "frames of billions": joblib_bytes({1: pose | {"frame_ids": np.arange(12) * 10**8}}),
        "cut": sound[: len(sound) // 2],
    }
    for name, content in programs.items():
        yield f"pickle, {name}", read_people, put(folder / "a.pkl", content)
        yield f"zlib, {name}", read_people, put(folder / "a.pkl", zlib.compress(content, 1))
        with zipfile.ZipFile(folder / "a.pt", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a/data.pkl", content)
        yield f"tensors, {name}", read_people, folder / "a.pt"
        yield f"npy, {name}", read_people, put(folder / "a.npy", npy("()", content, "'|O'"))
    zeros = bytes(64 * MIB)
    packer = zlib.compressobj(1)
    bomb = packer.compress(b"\x80\x04\x8e" + struct.pack("<Q", 40 * len(zeros)))
    bomb += b"".join(packer.compress(zeros) for _ in range(40)) + packer.flush()
    yield "zlib of 2.5 GB in one piece", read_people, put(folder / "a.pkl", bomb)
    for key in ("pose", "verts"):
        for shape in ((1 << 40, 72), (1 << 22, 72), (2**62,), (-1, 72), (3,) * 40):
            wrapper = NumpyArrayWrapper(np.ndarray, shape, "C", np.dtype("f8"))
            yield (
                f"{key} of {shape}",
                read_people,
                put(folder / "a.pkl", pickle.dumps({1: {key: wrapper}}) + zeros[:999]),
            )
    for count in (1 << 31, 1 << 40):
        place = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu\x8a\x08" + struct.pack(
            "<q", count
        )
        shape = b"(\x8a\x08" + struct.pack("<q", count // 72) + b"KHt(KHK\x01t"
        tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + place + b"tQK\0" + shape + b"\x89}tR"
        with zipfile.ZipFile(folder / "a.pt", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("a/data.pkl", b"\x80\x02}X\x04\0\0\0pose" + tensor + b"s.")
            archive.writestr("a/data/0", zeros)
        yield f"a tensor of {count}", read_people, folder / "a.pt"


def put(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# Arrays


def npy(shape: str, data: bytes, descr: str = "'<f8'") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"
    return b"\x93NUMPY\x02\0" + struct.pack("<I", len(header)) + header.encode() + data


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def arrays(folder: Path) -> Iterator[Case]:
    kinds = (
        (readers._AMASS, readers.motions),
        (readers._SURREAL, readers.shapes),
        (readers._SURREAL, readers.motions),
        (readers._DENSE_BODY, readers.body_arrays),
        (readers._PARAMETERS, readers.read_parameters),
    )
    claims = {
        "2^40 rows": npy("(1099511627776, 72)", bytes(99)),
        "2^31 rows": npy("(2147483648, 156)", bytes(99)),
        "2^62 in one axis": npy("(4611686018427387903,)", bytes(99)),
        "texts of 2 GB": npy("(1,)", bytes(99), "'<U500000000'"),
        "rows within rows": npy("(4,)", bytes(99), "('<f8', (100000000,))"),
        "half a gigabyte": npy("(67108864,)", bytes(99)),
    }
    for (sample, read), (claim, content) in product(kinds, claims.items()):
        for key in sample:
            members = {f"{name}.npy": _saved(value) for name, value in sample.items()} | {f"{key}.npy": content}
            yield f"{read.__name__}, {key} of {claim}", read, zipped(folder / "a.npz", members)
    zeros = bytes(100 * MIB)
    for sample, read in kinds:
        members = {f"{name}.npy": _saved(value) for name, value in sample.items()}
        width = 72
        big = npy(f"({len(zeros) // 8 // width}, {width})", zeros)
        long = {f"{key}.npy": big for key in list(sample)[:2]}
        yield f"{read.__name__}, zeros", read, zipped(folder / "a.npz", members | long)
        many = {f"{k}.npy": b"" for k in range(3_000)}
        yield f"{read.__name__}, many members", read, zipped(folder / "a.npz", members | many)
        data = bytearray(zipped(folder / "a.npz", members).read_bytes())
        for at in _found(data, b"PK\1\2"):
            struct.pack_into("<I", data, at + 24, 0xFFFFFFF0)
        yield f"{read.__name__}, members said to be of 4 GB", read, put(folder / "a.npz", bytes(data))


def _saved(value) -> bytes:
    value = value.toarray() if sp.issparse(value) else np.asarray(value)
    return npy(str(value.shape), value.tobytes(), repr(value.dtype.str))


def _found(data: bytes | bytearray, mark: bytes) -> Iterator[int]:
    at = data.find(mark)
    while at >= 0:
        yield at
        at = data.find(mark, at + 1)


# Pickles


def pickles(folder: Path) -> Iterator[Case]:
    end, million = b".", 1_000_000
    programs = {
        "lists": b"]" * million,
        "dictionaries": b"}" * million,
        "marks": b"(" * million,
        "tuples": b")" * million,
        "nothing": b"N" * million,
        "memory": b"]" + b"\x94" * million,
        "duplicates": b"]" + b"2" * million,
        "numbers": b"K\1" * million,
        "decimal numbers": b"I1\n" * million,
        "long decimal": b"I" + b"9" * million + b"\n",
        "long hexadecimal": b"I0x" + b"f" * million + b"\n",
        "long": b"\x8b" + struct.pack("<i", million) + b"\xff" * million,
        "long that is said": b"\x8b" + struct.pack("<i", 2**31 - 1),
        "long negative": b"\x8b" + struct.pack("<i", -1),
        "text that is said": b"\x8d" + struct.pack("<Q", 2**60),
        "bytes that are said": b"\x8e" + struct.pack("<Q", 2**40),
        "bytes of 4 GB": b"B" + struct.pack("<I", 2**32 - 1),
        "frame": b"\x95" + struct.pack("<Q", 2**63),
        "place in memory": b"]r" + struct.pack("<I", 2**32 - 1),
        "nested in ones": b")" + b"\x85" * million,
        "nested in twos": b")" + b"2\x86" * (million // 2),
        "a list of itself": b"]\x94" + b"(" + b"h\0" * million + b"e",
        "lists of lists": b"]\x94" + b"".join(b"](" + b"h%c" % k * 10 + b"e\x94" for k in range(200)),
        "deep key": b"}" + b")" + b"\x85" * million + b"K\1s",
        "line without end": b"cnumpy" + b"a" * million,
        "name": b"c" + b"a" * million + b"\n" + b"b" * million + b"\n",
    }
    for name, body in programs.items():
        yield name, readers.body_arrays, put(folder / "a.pkl", b"\x80\x04" + body + end)
    odd = {
        "sparse of 2^40 rows": _sparse((2**40, 2)),
        "sparse of 2^26": _sparse((2, 2**25)),
        "sparse of 2^26 in rows": _sparse((2**26, 1)),
        "many numbers": [0] * 500_000,
        "large number": [2**70],
        "texts": ["a" * MIB, *["b"] * 10_000],
        "nested": nested(300),
        "text": "a" * million,
        "not a number": np.full((4, 3), np.nan),
        "of no rows": np.zeros((0, 2**20)),
        "of texts": np.array(["a" * 2000] * 300),
    }
    for (name, value), key in product(odd.items(), ("v_template", "J_regressor")):
        yield (
            f"{key} {name}",
            readers.body_arrays,
            put(folder / "a.pkl", pickle.dumps(readers._DENSE_BODY | {key: value})),
        )


def _sparse(shape: tuple[int, int]):
    made = sp.csc_matrix((2, 2))
    made._shape = shape
    return made


# Recordings


def recordings(folder: Path) -> Iterator[Case]:
    text = person_text()
    head, _, tail = text.partition("MOTION")
    first, second, *rows = tail.lstrip().split("\n")
    still = "JOINT b { OFFSET 0 0 0 CHANNELS 0 }"
    one = "HIERARCHY ROOT a {{ OFFSET 0 0 0 CHANNELS 1 Xrotation {} }}\nMOTION\nFrames: {}\nFrame Time: 0.01\n{}"
    contents = {
        "frames of many still joints": one.format(still * 990, 1_000_000, "0\n" * 1_000_000),
        "a million frames": one.format(still, 1_000_000, "0\n" * 1_000_000),
        "1001 joints": one.format(still * 1001, 1, "0\n"),
        "999 joints deep": one.format("JOINT b { OFFSET 0 0 0 CHANNELS 0 " * 998 + "}" * 998, 2, "0\n0\n"),
        "joints deep": one.format("JOINT b { OFFSET 0 0 0 CHANNELS 0 " * 100_000 + "}" * 100_000, 2, "0\n0\n"),
        "names of a megabyte": one.format(
            f"JOINT {'b' * MIB} {{ OFFSET 0 0 0 CHANNELS 0 End Site {{ OFFSET 0 0 0 }} }}", 2, "0\n0\n"
        ),
        "ends at a long name": one.format(
            f"JOINT {'b' * MIB} {{ OFFSET 0 0 0 CHANNELS 0 " + "End Site { OFFSET 0 0 0 } " * 900 + "}", 2, "0\n0\n"
        ),
        "a row of a million": text.replace(rows[0], "1 " * 1_000_000),
        "blank rows": text + "\n" * 2_000_000,
        "a long number": text.replace(rows[0].split()[0], "0" * 1_000_000 + "1", 1),
        "no numbers": head + "MOTION\nFrames: 2\nFrame Time: 0.01\n" + "x" * MIB,
        "words": "HIERARCHY " + "a " * 2_000_000 + "MOTION",
        "braces": "HIERARCHY " + "} " * 1_000_000 + "MOTION",
        "hierarchy": " " * (5 * MIB) + text,
        "channels": text.replace("CHANNELS 3", "CHANNELS 99999999"),
        "channels in power": text.replace("CHANNELS 3", "CHANNELS 1e400"),
        "offset": text.replace("OFFSET 0", "OFFSET 1e400", 1),
    }
    for count in ("1000000000", "-1", "0", "9" * 5000, "1e9", "1_0", "inf", str(2**63), "3"):
        contents[f"{count[:12]} frames"] = text.replace(first, f"Frames: {count}", 1)
    for each in ("0", "-1", "nan", "inf", "1e-300", "1e400", "9" * 5000):
        contents[f"frame time {each[:9]}"] = text.replace(second, f"Frame Time: {each}", 1)
    for value in ("1e400", "nan", "-inf", "1e308", "0x10", "1_000", "٣" * 3):
        contents[f"value {value}"] = text.replace(rows[0].split()[0], value, 1) if value not in text else value
    for name, content in contents.items():
        yield name, readers.motions, put(folder / "a.bvh", content)


# Pictures


def png(
    width: int, height: int, depth: int = 8, colour_type: int = 2, chunks: tuple = (), data: bytes = bytes(MIB)
) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))
    body = b"".join(chunk(kind, content) for kind, content in chunks)
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IDAT", zlib.compress(data, 1)) + chunk(b"IEND", b"")


def tiff(width: int, height: int, tags: dict[int, int] | None = None) -> bytes:
    """Grey, and what ``tags`` say instead."""
    wanted = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 64} | (tags or {})
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value & 0xFFFFFFFF) for tag, value in sorted(wanted.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(wanted)) + entries + struct.pack("<I", 0) + bytes(64)


SIZES = ((60_000, 60_000), (1, 2**31 - 1), (16_384, 8_192), (12_000, 11_000), (2**31 - 1, 2**31 - 1), (0, 9))


def headed(width: int, height: int) -> dict[str, bytes]:
    """Images that state a size, and hold next to nothing."""
    jpeg, bmp = (readers.encoded(suffix, readers._PICTURE) for suffix in (".jpg", ".bmp"))
    exr, short = readers.encoded(".exr", readers._SKY), (width & 0xFFFF, height & 0xFFFF)
    window = exr.index(b"dataWindow\0box2i\0") + 21
    display = exr.index(b"displayWindow\0box2i\0") + 24
    box = struct.pack("<4i", 0, 0, width - 1, height - 1)
    webp = (
        b"WEBPVP8X\x0a\0\0\0\0\0\0\0"
        + (width - 1 & 0xFFFFFF).to_bytes(3, "little")
        + (height - 1 & 0xFFFFFF).to_bytes(3, "little")
    )
    return {
        "png": png(width, height),
        "jpeg": hostile.patched(jpeg, jpeg.index(b"\xff\xc0") + 5, struct.pack(">HH", short[1], short[0])),
        "bmp": hostile.patched(bmp, 18, struct.pack("<ii", width, height)),
        "webp": b"RIFF" + struct.pack("<I", len(webp)) + webp,
        "tiff": tiff(width, height),
        "hdr": f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n".encode() + bytes(99),
        "exr": hostile.patched(hostile.patched(exr, window, box), display, box),
    }


def texture(path: Path):
    return readers.load_texture(path, "mesh")


def painted(path: Path):
    return readers.object_mesh.__wrapped__("plane", path.name)


def pictures(folder: Path) -> Iterator[Case]:
    for width, height in SIZES:
        for kind, content in headed(width, height).items():
            path, name = folder / f"a.{kind}", f"{kind} of {width} × {height}"
            if kind in ("hdr", "exr"):
                yield name, readers.load_environment, put(path, content)
                continue
            yield name, readers.load_photo, put(path, content)
            yield f"{name} on a mesh", painted, put(path, content)
            if kind in ("png", "jpeg"):
                yield f"{name} as a texture", texture, put(path, content)
    rows = {(8, 2): 3, (16, 6): 8, (8, 3): 1, (1, 0): 1 / 8, (16, 0): 2, (8, 4): 2}
    for (depth, kind), each in rows.items():
        for side in (8192, 11_000):
            row = 1 + int(side * each)
            palette = ((b"PLTE", bytes(768)),) if kind == 3 else ()
            content = png(side, side, depth, kind, palette, bytes(row * side))
            for read in (readers.load_photo, texture, painted):
                yield (
                    f"whole png of {side}², {depth} bit, kind {kind}, {read.__name__}",
                    read,
                    put(folder / "a.png", content),
                )
    text = b"Comment\0\0" + zlib.compress(bytes(300 * MIB), 1)
    extras = {
        "text": (b"zTXt", text),
        "profile": (b"iCCP", b"icc\0\0" + zlib.compress(bytes(300 * MIB), 1)),
        "international text": (b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(300 * MIB), 1)),
        "frames": (b"acTL", struct.pack(">II", 2**31 - 1, 0)),
        "palette": (b"PLTE", bytes(3 * 256)),
        "meta": (b"eXIf", b"II*\0\x08\0\0\0" + b"\xff" * 60_000),
    }
    for (name, chunk), read in product(extras.items(), (readers.load_photo, texture, painted)):
        yield (
            f"png with {name}, {read.__name__}",
            read,
            put(folder / "a.png", png(64, 64, chunks=(chunk,), data=bytes(64 * 193))),
        )
    odd = {
        "strips": {278: 1, 273: 8},
        "tiles": {322: 2**31 - 16, 323: 2**31 - 16, 324: 8, 325: 64},
        "samples": {277: 65_535},
        "bits": {258: 2**20},
        "itself": {330: 8},
        "compression": {259: 32_773},
    }
    for (name, tags), read in product(odd.items(), (readers.load_photo, painted)):
        yield f"tiff with odd {name}, {read.__name__}", read, put(folder / "a.tiff", tiff(64, 64, tags))


# Meshes


def uv(path: Path):
    return read_obj_uv(path, 4, np.array([[0, 1, 2], [1, 2, 3]]))


def meshes(folder: Path) -> Iterator[Case]:
    head = "ply\nformat {} 1.0\n{}end_header\n"
    xyz = "property float x\nproperty float y\nproperty float z\n"
    plys = {
        "10^12 vertices": f"element vertex 999999999999\n{xyz}element face 9\nproperty list uchar int vertex_indices\n",
        "2^31 vertices": f"element vertex 2147483647\n{xyz}",
        "negative vertices": f"element vertex -5\n{xyz}element face 1\nproperty list uchar int vertex_indices\n",
        "10^9 faces": f"element vertex 3\n{xyz}element face 1000000000\nproperty list uchar int vertex_indices\n",
        "long lists": f"element vertex 1\n{xyz}element face 1\nproperty list uint int vertex_indices\n",
        "properties": "element vertex 1\n" + "".join(f"property double p{k}\n" for k in range(20_000)),
        "elements": "".join(f"element e{k} 1000000\nproperty float x\n" for k in range(2_000)),
    }
    for (name, body), form in product(plys.items(), ("ascii", "binary_little_endian", "binary_big_endian")):
        yield (
            f"ply of {name}, {form}",
            readers.mesh,
            put(folder / "a.ply", head.format(form, body).encode() + b"\xff" * 64),
        )
    point, many = "v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\n", 100_000
    objs = {
        "materials": "mtllib a.mtl\n" + point + "".join(f"usemtl m{k}\nf 1/1 2/2 3/3\n" for k in range(many)),
        "groups": point + "".join(f"g g{k}\nf 1/1 2/2 3/3\n" for k in range(many)),
        "objects": point + "".join(f"o o{k}\nf 1/1 2/2 3/3\n" for k in range(many)),
        "libraries": "".join(f"mtllib m{k}.mtl\n" for k in range(many)) + point + "f 1/1 2/2 3/3\n",
        "smooth": point + "".join(f"s {k}\nf 1/1 2/2 3/3\n" for k in range(many)),
        "a polygon": point + "f " + "1 2 3 " * many + "\n",
        "polygons of all sizes": point + "".join("f " + "1 2 3 " * k + "\n" for k in range(1, 400)),
        "a long line": point + "f 1 2 3 #" + "x" * (2 * MIB) + "\n",
        "a corner beyond": point + "f 1 2 99999999999999999999\n",
        "a corner before": point + "f -1 -2 -2147483648\n",
        "corners that differ": point + "f 1 2 3\nf 1/1 2 3/3\n" * many,
        "vertices": "v 0 0 0\n" * 500_000 + "f 1 2 3\n",
        "vertices that are no numbers": "v nan inf 1e400\n" * many + "f 1 2 3\n",
        "vertices of one number": "v 1\n" * many + "f 1 2 3\n",
        "continued lines": point + "f 1 2 \\\n" * many,
        "repeats": "v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1e9 0\nvt 0 1e9\nf 1/1 2/2 3/3\n",
        "corners alone": point + "f 1/1 1/1 1/1\n" * many,
        "wide vertices": "v " + "0 " * MIB + "\nf 1 1 1\n",
        "wide coordinates": "vt " + "0 " * MIB + "\n",
    }
    for (name, content), read in product(objs.items(), (readers.mesh, uv)):
        yield f"obj with {name}, {read.__name__}", read, put(folder / "a.obj", content)
    offs = {
        "claims": "OFF\n999999999 999999999 0\n0 0 0\n",
        "negative": "OFF\n-1 -1 0\n",
        "wide": "OFF\n3 1 0\n" + "0 0 0\n" * 3 + "9" * 1000 + " 0 1 2\n",
    }
    offs |= {"blank": "OFF" + "\n" * MIB, "a long face": "OFF\n3 1 0\n" + "0 0 0\n" * 3 + "1000000 " + "0 " * 1_000_000}
    for name, content in offs.items():
        yield f"off, {name}", readers.mesh, put(folder / "a.off", content)
    stls = {
        "claims": bytes(80) + b"\xff" * 4 + bytes(50),
        "solid": b"solid a\n" + b"facet normal 0 0 0\n" * many,
        "negative": bytes(80) + b"\0\0\0\x80" + bytes(50),
    }
    stls |= {
        "loops": b"solid a\nfacet normal 0 0 0\nouter loop\n"
        + b"vertex 0 0 0\n" * many
        + b"endloop\nendfacet\nendsolid\n"
    }
    for name, content in stls.items():
        yield f"stl, {name}", readers.mesh, put(folder / "a.stl", content)


# Clips


def whole(path: Path) -> None:
    """As info, report, viewer and validate do, one after another."""
    problems = verify_clip(path)
    open_collection(path).summary(path.stem)
    try:
        readers.whole_clip(path)
    except (ConfigError, DatasetError) as e:
        problems.append(str(e))
    if problems:
        raise DatasetError(problems[0])


TEXTS = ("people/person0", "views/camera", "views/camera/labels/depth", "/", "spec", "people")


def _shared_text(item, size: int) -> None:
    """Many texts that are one and the same in the file."""
    kind = h5py.h5t.py_create(h5py.string_dtype(), logical=True)
    made = h5py.h5a.create(item.id, b"joint_names", kind, h5py.h5s.create_simple((3000,)))
    made.write(np.array(["a" * size] + [""] * 2999, object), h5py.h5t.py_create(h5py.string_dtype()))


def _attribute(file, place: str, name: str) -> None:
    item = file[place]
    made = {
        "numbers": np.zeros(5000),
        "table": np.zeros((50, 50)),
        "rows": np.zeros(2, np.dtype(("f8", (4000,)))),
        "texts": ["a" * 1000] * 2000,
        "a text": "a" * (4 * MIB),
        "fixed text": np.bytes_("a" * 60_000),
        "fields": np.zeros(3, "i4,f8"),
        "ragged": np.array([np.zeros(9), np.zeros(3)], object),
        "infinite": float("inf"),
        "empty": h5py.Empty("f8"),
        "complex": 1j,
        "reference": item.ref,
    }[name]
    if name == "ragged":
        item.attrs.create("joint_names", made, dtype=h5py.vlen_dtype("f8"))
    elif name == "reference":
        item.attrs.create("joint_names", made, dtype=h5py.ref_dtype)
    else:
        item.attrs["joint_names"] = made


def point_at_one(data: bytes, text: bytes) -> bytes:
    """Every reference to an empty text becomes one to ``text``, so that thousands share it."""
    collection, at = next(
        (c, c + data[c : c + 4096 + len(text) * 2].find(text)) for c in _found(data, b"GCOL") if text in data[c:]
    )
    reference = struct.pack("<IQI", len(text), collection, struct.unpack_from("<H", data, at - 16)[0])
    first = data.find(reference)
    end = first + 16 * 3000
    return data[:first] + reference * 3000 + data[end:]


@cache
def sound_clip() -> bytes:
    return bytes(clip_bytes(ball_clip(2, (24, 32), people=1), rgb="png"))


def edited(folder: Path, edit: Callable, *arguments) -> Path:
    """A sound clip after ``edit`` of its HDF5 file, which has lost its table by that."""
    path = folder / "a.h5"
    for name in (path, folder / "other.h5"):
        name.write_bytes(sound_clip())
    with h5py.File(path, "r+", libver=("earliest", "v110")) as file:
        edit(file, *arguments)
    return path


def clips(folder: Path) -> Iterator[Case]:
    path = folder / "a.h5"

    for place in ("people/person0", "views/camera"):
        for size in (64 * 1024, MIB, 3 * MIB):

            def share(file, place=place, size=size):
                for name in list(file[place].attrs):
                    del file[place].attrs[name]
                _shared_text(file[place], size)

            data = edited(folder, share).read_bytes()
            yield f"3000 texts that are one of {size} in {place}", whole, put(path, point_at_one(data, b"a" * size))
    for place, name in product(
        TEXTS,
        (
            "numbers",
            "table",
            "rows",
            "texts",
            "a text",
            "fixed text",
            "fields",
            "ragged",
            "infinite",
            "empty",
            "complex",
            "reference",
        ),
    ):
        try:
            edited(folder, _attribute, place, name)
        except (OSError, RuntimeError, KeyError):  # more than this version of HDF5 puts into one attribute
            continue
        yield f"attribute of {name} in {place}", whole, path
    for place in (
        "views/camera/K",
        "views/camera/rgb/data",
        "views/camera/labels/runs",
        "views/camera/labels/frame_offsets",
        "people/person0/pose",
        "people/person0/betas",
        "spec",
    ):
        for change in sorted(readers.CHANGES.keys() - {"wide chunk", "huge and stored"}):
            edited(folder, lambda file: None)
            readers.change_clip(path, place, change)
            yield f"{change} as {place}", whole, path


def clip_structures(folder: Path) -> Iterator[Case]:
    structures = {
        "deep groups": lambda file: file.create_group("/".join(["g"] * 3000)),
        "groups nine deep": lambda file: file.create_group("/".join(["g"] * 10)),
        "many groups": lambda file: [file.create_group(f"g/{k}") for k in range(5000)],
        "many attributes": lambda file: [file["people"].attrs.__setitem__(f"a{k}", k) for k in range(3000)],
        "many links": lambda file: [file.__setitem__(f"people/p{k}", h5py.SoftLink("/spec")) for k in range(5000)],
        "a named type": lambda file: file.__setitem__("people/t", np.dtype("f8")),
        "a mount of another": lambda file: file.__setitem__("views/camera/x", h5py.ExternalLink("other.h5", "/")),
    }
    for name, edit in structures.items():
        yield name, whole, edited(folder, edit)
    for name, edit in {
        "2 GiB of zeros as betas": lambda file: _zeros(file, "people/person0/betas", (1 << 29,), "f4", (1 << 24,)),
        "2 GiB of betas in one chunk": lambda file: _zeros(file, "people/person0/betas", (1 << 29,), "f4", (1 << 28,)),
        "1001 betas": lambda file: _zeros(file, "people/person0/betas", (1001,), "f4", (1001,)),
        "vertices": lambda file: _zeros(file, "people/person0/vertices", (2, 1 << 24, 3), "f4", (1, 1 << 20, 3)),
        "half a gigabyte of text": lambda file: _zeros(file, "spec", (1 << 29,), "u1", (1 << 24,)),
        "a gigabyte of pictures": lambda file: _zeros(file, "views/camera/rgb/data", (1 << 30,), "u1", (1 << 24,)),
        "a gigabyte of runs": lambda file: _zeros(file, "views/camera/labels/runs", (2, 1 << 27), "u4", (2, 1 << 20)),
        "a gigabyte nobody asks for": lambda file: _zeros(file, "people/person0/x", (1 << 30,), "u1", (1 << 24,)),
    }.items():
        yield name, whole, edited(folder, edit)
    for frames, side in ((1_000_000, 8), (100_000, 8), (45_000, 8), (45_000, 2000), (2, 16_384), (3, 9000)):
        yield f"{frames} empty frames of {side}²", whole, edited(folder, _empty, frames, side)
    for field, value in product(
        (
            "num_frames",
            "fps",
            "index",
            "seed",
            "samples",
            "resolution",
            "people",
            "cameras",
            "objects",
            "tags",
            "light",
        ),
        (10**400, 2**64, -1, 1e308, "x", None, [10**9, 10**9], nested(60), [[]] * 10_000),
    ):
        yield f"{field} of {value!r:.30}", whole, edited(folder, _describe, {field: value})
    tiny = colour.encode(np.zeros((24, 32, 3), np.uint8), "png").tobytes()
    for name, image in {
        "huge": png(16_384, 16_384),
        "of many chunks": png(
            32, 24, chunks=((b"zTXt", b"a\0\0" + zlib.compress(bytes(100 * MIB), 1)),), data=bytes(24 * 97)
        ),
        "cut": tiny[:40],
    }.items():
        yield f"pictures {name}", whole, edited(folder, _pictures, image)


def _zeros(file, name: str, shape: tuple, kind: str, chunk: tuple) -> None:
    """Zeros stored with little work: every chunk is the same bytes, written as they are packed."""
    about = dict(file[name].attrs) if name in file else {}
    if name in file:
        del file[name]
    made = file.create_dataset(name, shape, kind, chunks=chunk, compression="gzip")
    packed = zlib.compress(bytes(int(np.prod(chunk)) * np.dtype(kind).itemsize), 9)
    for at in np.ndindex(*(-(-s // c) for s, c in zip(shape, chunk))):
        made.id.write_direct_chunk(tuple(k * c for k, c in zip(at, chunk)), packed)
    made.attrs.update(about)


def _describe(file, fields: dict) -> None:
    plain = json.loads(file["spec"][...].tobytes()) | fields
    del file["spec"]
    file["spec"] = np.frombuffer(json.dumps(plain).encode(), np.uint8)


def _empty(file, frames: int, side: int) -> None:
    """The same people in many frames in which nothing is seen."""
    for name in (n for n in readers.names_in_open(file) if isinstance(file[n], h5py.Dataset)):
        item = file[name]
        kinds = layout.VIEW | layout.RGB | layout.LABEL_INDEX | layout.PERSON_VIEW | layout.TRACK
        kind = kinds.get(name.rpartition("/")[2])
        if name.endswith("rgb/data") or (name.count("/") == 3 and "/labels/" in name and kind is None):
            shape, kind = (*item.shape[:-1], 0), layout.Kind(item.dtype.name, "N")
            del file[name]
            file.create_dataset(name, shape, kind.dtype)
        elif name.endswith("/runs"):
            del file[name]
            file.create_dataset(name, (2, 0), "u4")
        elif kind is not None and kind.axes != "33":
            want = [size if size is not None else old for size, old in zip(layout.sizes(kind, frames, 24), item.shape)]
            _zeros(file, name, tuple(want), item.dtype.str, (min(want[0], 10_000), *want[1:]))
    if "views/camera/rgb" in file:
        del file["views/camera/rgb"]
    _describe(file, {"num_frames": frames, "resolution": [side, side]})


def _pictures(file, image: bytes) -> None:
    for name, value in (
        ("data", np.frombuffer(image * 2, np.uint8)),
        ("frame_offsets", np.array([0, len(image), 2 * len(image)])),
    ):
        del file[f"views/camera/rgb/{name}"]
        file[f"views/camera/rgb/{name}"] = value


def tables(folder: Path) -> Iterator[Case]:
    sound = bytes(clip_bytes(ball_clip(2, (24, 32), people=1), rgb="png"))
    inner, told, chunks = split(sound)
    path = folder / "a.h5"
    values = (
        2**40,
        2**63,
        10**400,
        -1,
        1e400,
        [2**40],
        [2**63] * 8,
        [2**63] * 20_000,
        [],
        [0],
        "f8",
        ["deflate"] * 2,
        None,
        nested(60),
        True,
    )
    for name, field in product(
        ("people/person0/betas", "spec", "views/camera/labels/depth"), ("shape", "chunk", "first", "filters", "dtype")
    ):
        for value in values:
            bent = json.loads(json.dumps(told))
            bent["arrays"][name][field] = value
            yield f"{name} {field} {value!r:.30}", whole, put(path, joined(inner, bent, chunks))
    for field, value in product(
        ("num_frames", "resolution", "people", "cameras"),
        (2**40, 10**400, -1, [2**20, 2**20], [2**40, 2**40], [{"name": "a", "joints": 2**40}] * 9, nested(60)),
    ):
        bent = json.loads(json.dumps(told))
        bent["outline"][field] = value
        yield f"outline {field} {value!r:.30}", whole, put(path, joined(inner, bent, chunks))
    for field, value in product(
        ("joint_names", "body"), (["a" * 1000] * 2000, "a" * MIB, 1e400, nested(60), {"a": [1] * 9999})
    ):
        bent = json.loads(json.dumps(told))
        bent["groups"]["people/person0"][field] = value
        yield f"attribute {field} {value!r:.30}", whole, put(path, joined(inner, bent, chunks))
    for name, read, file in hostile.clips(folder):
        yield name, read_or_refuse if read is verify_clip else read, file


def read_or_refuse(path: Path) -> None:
    if problems := verify_clip(path):
        raise DatasetError(problems[0])
    read_clip(path)


# SURREAL's layout


def surreal_clip(path: Path) -> None:
    with SurrealReader(path) as reader:
        for camera in reader.cameras:
            for channel in reader.channels(camera):
                reader.frame(camera, channel, 0)
        reader.read()


def element(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", kind, len(body)) + body + bytes(-len(body) % 8)


def matrix(name: str, kind: int, dimensions: tuple[int, ...], *parts: bytes) -> bytes:
    """A variable of a MATLAB 5 file."""
    flags = element(6, struct.pack("<II", kind, 0))
    axes = element(5, struct.pack(f"<{len(dimensions)}i", *dimensions))
    return element(14, flags + axes + element(1, name.encode()) + b"".join(parts))


def mat(*variables: bytes, packed: bool = False) -> bytes:
    body = (
        b"".join(struct.pack("<II", 15, len(p)) + p for p in map(zlib.compress, variables))
        if packed
        else b"".join(variables)
    )
    return b"MATLAB 5.0".ljust(124) + b"\0\1IM" + body


def nested_cells(depth: int) -> bytes:
    inner = matrix("", 4, (1, 1), element(4, b"a\0"))
    head = len(matrix("", 1, (1, 1)))
    sizes = [len(inner) + head * k for k in range(depth)]
    heads = [
        struct.pack("<II", 14, size + head - 8) + matrix("cloth" if k == depth - 1 else "", 1, (1, 1))[8:head]
        for k, size in enumerate(sizes)
    ]
    return b"".join(reversed(heads)) + inner


def _info(frames: int = 3) -> dict:
    return {
        "joints3D": np.random.default_rng(0).normal(size=(3, 24, frames)),
        "joints2D": np.zeros((2, 24, frames)),
        "pose": np.zeros((72, frames)),
        "shape": np.zeros((10, frames)),
        "zrot": np.zeros((frames, 1)),
        "camLoc": np.array([[5.0], [0.0], [1.0]]),
        "gender": np.ones((frames, 1)),
        "light": np.zeros((9, frames)),
        "cloth": np.array(["a.jpg"] * frames, object),
        "bg": "b.jpg",
        "sequence": "01_01",
        "source": "cmu",
        "clipNo": 1.0,
        "stride": 1.0,
    }


def surreal(folder: Path) -> Iterator[Case]:
    path = folder / "a_info.mat"

    def saved(held: dict, packed: bool = True) -> Path:
        savemat(path, held, do_compression=packed)
        return path

    odd = {
        "zeros": np.zeros((3, 24, 200_000), np.uint8),
        "many": np.zeros((72, 300_000), np.uint8),
        "infinite": np.full((3, 24, 3), np.inf),
        "complex": np.zeros((3, 24, 3), complex),
        "of no size": np.zeros((0, 2**30)),
        "of many axes": np.zeros((1,) * 30),
        "a record": np.zeros(3, "f8,i4"),
        "sparse": sp.csc_matrix((2**30, 3)),
        "cells": np.array([np.zeros(2)] * 3 + ["a"], object),
        "many cells": np.array([""] * 20_000, object),
        "cells in cells": np.array([np.array(["a"], object)] * 3, object),
        "a long text": "a" * (2 * MIB),
        "a number": 2.0**1000,
    }
    for key, (name, value) in product(
        ("joints3D", "pose", "shape", "cloth", "camLoc", "gender", "sequence"), odd.items()
    ):
        yield f"{name} as {key}", surreal_clip, saved(_info() | {key: value})
    for frames in (90_000, 150_000):
        held = {
            k: np.zeros(v.shape, np.uint8) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v
            for k, v in _info(frames).items()
        } | {"cloth": "a"}
        yield f"{frames} frames", surreal_clip, saved(held)
    for depth in (2, 300, 20_000, 50_000):
        base = saved({k: v for k, v in _info().items() if k != "cloth"}, False).read_bytes()
        yield f"cells {depth} deep", surreal_clip, put(path, base + nested_cells(depth))
    claims = {
        "negative": (-3, 24, -3),
        "2^31": (2**31 - 1, 2**31 - 1),
        "2^26": (2**26,),
        "zero": (0, 2**31 - 1),
        "axes": (1,) * 5000,
    }
    for (name, shape), kind, packed in product(claims.items(), (1, 2, 3, 4, 5, 6, 9, 16, 17, 250), (False, True)):
        variable = matrix("joints3D", kind, shape, element(9, bytes(64)))
        yield (
            f"class {kind} that claims {name}{' packed' * packed}",
            surreal_clip,
            put(path, mat(variable, packed=packed)),
        )
    yield (
        "a variable of 300 MiB",
        surreal_clip,
        put(path, mat(matrix("joints3D", 6, (3, 24, 546_133), element(2, bytes(300 * MIB))), packed=True)),
    )
    yield (
        "cells of nothing",
        surreal_clip,
        put(path, mat(matrix("joints3D", 1, (1, 4 * MIB), struct.pack("<II", 14, 0) * (4 * MIB)), packed=True)),
    )
    yield (
        "many variables",
        surreal_clip,
        put(path, mat(*(matrix(f"v{k}", 6, (1, 1), element(9, bytes(8))) for k in range(20_000)))),
    )


# Films


def film_info(path: Path) -> None:
    film = IndexedFilm(path)
    try:
        film.frame(0)
        film.frame(10**6)
    finally:
        film.close()


def film_frames(path: Path) -> None:
    read_images(path, 100_000)


def film_all(path: Path) -> None:
    from mannequin.generator.io.films import open_film

    with open_film(path) as film:
        for _ in film.frames:
            pass


def films(folder: Path) -> Iterator[Case]:
    def film(side: int, frames: int, suffix: str, code: str) -> bytes:
        path = folder / f"made.{suffix}"
        out = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 25, (side, side))
        for _ in range(frames):
            out.write(np.zeros((side, side, 3), np.uint8))
        out.release()
        data = path.read_bytes()
        path.unlink()
        return data

    small, large, long = film(64, 20, "mp4", "mp4v"), film(2000, 40, "mp4", "mp4v"), film(256, 300, "avi", "MJPG")
    contents = {"a.mp4": [small, large], "a.avi": [long, film(64, 5, "avi", "MJPG")]}
    side = struct.pack(">HH", 64, 64)
    contents["a.mp4"] += [
        small.replace(side, struct.pack(">HH", *new))
        for new in ((65_535, 65_535), (0, 0), (16_384, 8_192), (1, 65_535))
    ]
    for box in (b"stsz", b"stts", b"stco", b"stsc", b"mvhd", b"tkhd", b"mdhd", b"elst"):
        at = small.find(box)
        contents["a.mp4"] += (
            [hostile.patched(small, at + 4 + k, b"\xff\xff\xff\xf0") for k in (8, 12)] if at > 0 else []
        )
    avi = film(64, 5, "avi", "MJPG")
    at = avi.index(b"strf") + 12
    contents["a.avi"] += [
        hostile.patched(avi, at, struct.pack("<ii", *new))
        for new in ((2**31 - 1, 2**31 - 1), (60_000, 60_000), (-1, -1), (16_384, 8_192))
    ]
    contents["a.avi"] += [
        avi.replace(b"\xff\xc0\0\x11\x08\0\x40\0\x40", b"\xff\xc0\0\x11\x08" + struct.pack(">HH", *new))
        for new in ((65_500, 65_500), (16_000, 8_000), (0, 64))
    ]
    readings = (film_info, film_frames, film_all)
    for name, kind in contents.items():
        for (number, content), read in product(enumerate(kind), readings):
            yield f"{name}, number {number}, {read.__name__}", read, put(folder / name, content)
    lists = {
        "m3u8": b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n",
        "concat": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "zeros": bytes(MIB),
        "nothing": b"",
    }
    for (name, content), read in product(lists.items(), readings):
        yield f"{name}, {read.__name__}", read, put(folder / "a.mp4", content)


def footage(folder: Path) -> Iterator[Case]:
    path = folder / "footage"

    def made(content: bytes, count: int) -> Path:
        path.mkdir()
        for k in range(count):
            (path / f"{k:04d}.png").write_bytes(content)
        return path

    def frames(path: Path) -> None:
        read_images(path, 40)

    side = 3000
    yield "frames of zeros", frames, made(png(side, side, data=bytes((3 * side + 1) * side)), 41)
    for width, height in SIZES:
        for kind, content in headed(width, height).items():
            if kind not in ("hdr", "exr"):
                yield f"{kind} of {width} × {height}", frames, made(content, 1)


# Descriptions


def stands(path: Path) -> None:
    """As status and validate count."""
    dataset = find_dataset(path)
    read_progress(path)
    _count(dataset, Report())
    create_or_resume(path, {"a": 1}, 3)


def spec(path: Path) -> None:
    try:
        ClipSpec.from_json(read_bytes(path, 64 * MIB, "a description").decode())
    except ConfigError as e:
        raise ConfigError(f"{path}: {e}") from e


def camera(path: Path) -> None:
    readers.read_camera(path, 3)


def descriptions(folder: Path) -> Iterator[Case]:
    out = folder / "dataset"
    for key, value in product(
        ("num_clips", "config", "format_version", "clip_format_version", "versions"),
        (10**9, 10**12 + 1, 10**400, 2**64, -1, 1e300, nested(60), nested(70), {"a": 10**400}),
    ):
        create_or_resume(out, {"a": 1}, 3)
        text = json.loads((out / "dataset.json").read_text()) | {key: value}
        (out / "dataset.json").write_text(json.dumps(text))
        yield f"dataset, {key} {value!r:.30}", stands, out
    texts = {
        "1e400": '{"size": [48, 64], "K": 1e400}',
        "digits": "1" * 5_000_000,
        "deep": "[" * 2_000_000,
        "wide": "[" + "[]," * 1_500_000 + "0]",
        "one long text": '"' + "a" * (4 * MIB) + '"',
        "keys": "{" + ",".join(f'"{k}":0' for k in range(300_000)) + "}",
        "escapes": '"' + "\\u0000" * 600_000 + '"',
        "digits after": "[" + "0." + "1" * 2_000_000 + "]",
        "nan": '{"size": NaN}',
        "zeros": "\0" * MIB,
        "mark": "\ufeff" * 100_000,
    }
    for (name, text), read in product(texts.items(), (spec, camera, readers.read_manifest)):
        yield f"{name}, {read.__name__}", read, put(folder / "a.json", text)
    for key, value in product(
        readers._CAMERA, (10**400, 2**64, 1e308, [], [[]], nested(60), [[1e308] * 3] * 3, [0] * 500_000, None)
    ):
        yield f"camera, {key} {value!r:.30}", camera, put(folder / "a.json", json.dumps(readers._CAMERA | {key: value}))
    plain = json.loads(ball_clip(2, (24, 32), people=1).spec.to_json())
    for key, value in product(
        ("seed", "num_frames", "fps", "resolution", "people", "tags"), (*NASTY_NUMBERS[3:9], nested(60), [[]] * 200_000)
    ):
        yield f"spec, {key} {value!r:.30}", spec, put(folder / "a.json", json.dumps(plain | {key: value}))


# Datasets, as report and status read them


def reported(path: Path) -> None:
    """As ``report`` and ``status`` do."""
    rows(read_progress(path))
    write_report(path, path / "report.html", 0)


def datasets(folder: Path) -> Iterator[Case]:
    out = folder / "dataset"

    def fresh() -> Path:
        create_or_resume(out, {"a": 1}, 3)
        for name in (".log", "clips/000", "failed/000"):
            (out / name).mkdir(parents=True, exist_ok=True)
        put(find_dataset(out).path_of(0), sound_clip())
        return out

    for name, number in product(
        ("t", "clip", "frames", "peak_mb"), (*NASTY_NUMBERS, nested(60), [[]] * 99_999, "a" * MIB)
    ):
        line = {"run": "a", "host": "b", "clip": 0, "t": 2.0, "frames": 3, "seconds": {"a": 1.0}} | {name: number}
        put(fresh() / ".log" / "a-1.jsonl", "\n".join([json.dumps(line | {"t": 0.0}), json.dumps(line)]))
        yield f"log, {name} {number!r:.30}", reported, out
    tables = {
        "many names": {str(k): 1.0 for k in range(200_000)}, "numbers": [1.0] * 200_000, "texts": {"a": "b" * MIB},
        "within": {"a": nested(200)}, "large": {"a_worst": 1e308, "b_worst": -1e308}, "endless": {"a": 10**400},
    }  # fmt: skip
    for key, (name, held) in product(("seconds", "agreement", "versions"), tables.items()):
        line = {"run": "a", "host": "b", "t": 0.0, "versions": {}}
        clip = {"clip": 0, "t": 1.0, "frames": 3, "seconds": {}, "agreement": {}} | {key: held}
        put(fresh() / ".log" / "a-1.jsonl", json.dumps(line | {key: held}) + "\n" + json.dumps(clip))
        yield f"log, {key} of {name}", reported, out
    logs = {
        "one long line": b"a" * (100 * MIB), "zeros": bytes(100 * MIB), "empty lines": b"\n" * (50 * MIB),
        "many lines": b'{"t":0,"clip":1}\n' * 2_000_000, "deep": b"[" * (50 * MIB), "bytes": bytes(range(256)) * 99_999,
        "brackets": b"{\n" * (25 * MIB),
    }  # fmt: skip
    for name, content in logs.items():
        put(fresh() / ".log" / "a-1.jsonl", content)
        yield f"log of {name}", reported, out
    records = {
        "deep": "[" * 2_000_000, "digits": '{"clip": ' + "1" * 5_000_000 + "}", "nan": '{"clip": NaN}', "list": "[0]",
        "long error": json.dumps({"clip": 1, "error": "a" * (20 * MIB)}), "numbers": '{"clip": 1e400, "error": 5}',
    }  # fmt: skip
    for place, (name, content) in product((".log/validation.json", "failed/000/000001.json"), records.items()):
        put(fresh() / place, content)
        yield f"{place} of {name}", reported, out
    for k in range(9):
        put(fresh() / "failed" / "000" / f"{10**k + 1:06d}.json", f'{{"clip": {k}}}')
        yield f"a failure of clip {10**k + 1}", reported, out
    for name, _, file in clip_structures(folder):
        content = file.read_bytes()
        put(find_dataset(fresh()).path_of(0), content)
        yield f"report, {name}", reported, out
