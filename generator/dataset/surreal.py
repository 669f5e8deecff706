"""Export in the file layout of SURREAL (SURREACT's where a clip has several cameras or people).

    run<r>/<sequence>/<sequence>_c0001.mp4, _info.mat, _segm.mat, _depth.mat, _gtflow.mat, _normal.mat

Names, types, shapes and axes were compared with the sample `_info.mat` that SURREAL's authors
released, in which they were checked numerically.

World. SURREAL's axes are (x, y, z)_surreal = (X, -Z, Y) of our Z-up world: a rotation, so bodies are
not mirrored in it. A body's root is Rx(90°) Rz(zrot) R(pose[:3]); ours is Rz(zrot) R(pose[:3]).
SURREAL's camera looks along -x from T = camLoc, and its released images obey

    u = 600 (Tz - z) / (Tx - x) + 160,    v = 600 (y - Ty) / (Tx - x) + 120.

u grows along -z, v along y, depth along -x: a left-handed camera, so those images are mirrored. Ours
are not: u = 600 (z - Tz) / (Tx - x) + 160. With ``mirror`` the formulas hold as written: images
are flipped left-right, x of flow and normals is negated and joints2D's x is W - x, while poses, joints3D and the
names of the parts stay the body's own (its left hand keeps the label leftHand on the other side of the image).

The layout holds no rotation and no focal length: the formulas hold for cameras placed as SURREAL's
(those of the preset "surreal"). For others use the native data.

Other conventions: joints2D on pixel edges (0…W), y down, not rounded. depth is planar, in metres,
1e10 where nothing is. gtflow_t is the displacement from frame t - 1 to t, y down, at the pixels of
frame t, hence minus our flow_backward; gtflow_1 is zero. normal in camera axes (x right, y down, z forward).
shape holds the first ten betas. A body of 52 joints gives its first 22, then the two index knuckles, with zero pose.
light is NaN where the light is not spherical harmonics.
"""

import io
import re
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from scipy.io import savemat
from scipy.spatial.transform import Rotation

from mannequin.generator.clip import Clip, View
from mannequin.generator.dataset.folder import Dataset
from mannequin.generator.dataset.native import open_clip
from mannequin.generator.errors import DatasetError, MissingExtraError
from mannequin.generator.io.atomic import remove, write_bytes
from mannequin.generator.io.remote import Place, place
from mannequin.generator.spec import ClipSpec, PhotoBackground, ShLight

DEPTH_BACKGROUND = 1e10
WORLD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""(3, 3), takes our world coordinates to SURREAL's."""

GENDERS = {"female": 0, "male": 1, "neutral": 2}
MATRICES = {"segm": "segm", "depth": "depth", "gtflow": "flow_backward", "normal": "normal"}
"""Suffix of a file → the channel it needs. Files of channels that a clip lacks are left out."""

_JOINTS_OF_52 = (*range(22), 22, 37)
_HEADER = b"MATLAB 5.0 MAT-file, written by Mannequin".ljust(116)


def export_surreal(dataset: Dataset, out: Place | str, mirror: bool = False, progress=None) -> int:
    """Write every finished clip of ``dataset`` under ``out``; returns how many.

    mirror: as in the released data (see above). progress: called with (clips done, clips in all).
    A clip's `_info.mat` is written last, so where it stands the rest is whole. Raises
    MissingExtraError if colour images are to be encoded and PyAV is absent.
    """
    files, taken = dataset.clips(), set()
    for number, path in enumerate(files):
        with open_clip(path) as reader:
            stem = _stem(reader.spec, taken)
            cameras = reader.cameras
            tracks = {p: reader.track(p) for p in reader.people}
            for k, camera in enumerate(cameras):
                clip = Clip(reader.spec, {camera: reader.view(camera)}, tracks)
                suffix = f"_v{k:03d}" if len(cameras) > 1 else ""
                _write_view(clip, camera, place(out), stem, suffix, mirror)
        if progress:
            progress(number + 1, len(files))
    return len(files)


def view_files(clip: Clip, camera: str, mirror: bool = False, sequence: str = "") -> dict[str, bytes]:
    """Contents by file suffix (".mp4", "_segm.mat", …, "_info.mat" last) of what ``camera`` saw."""
    view = clip.views[camera]
    files = {}
    if view.rgb is not None:
        files[".mp4"] = _video(_flip(view.rgb, mirror), clip.spec)
    for suffix, channel in MATRICES.items():
        if channel in view.channels:
            frames = (_image(view, suffix, t, mirror) for t in range(clip.spec.num_frames))
            files[f"_{suffix}.mat"] = _mat({f"{suffix}_{t + 1}": frame for t, frame in enumerate(frames)})
    files["_info.mat"] = _mat(info(clip, camera, mirror, sequence))
    return files


def info(clip: Clip, camera: str, mirror: bool = False, sequence: str = "") -> dict[str, Any]:
    """The keys of `_info.mat`. Several people stand along a leading axis, as in SURREACT."""
    spec, view = clip.spec, clip.views[camera]
    people = [p for p in spec.people if p.name in clip.people and p.name in view.people]
    if not people:
        raise DatasetError(
            f"Clip {spec.name!r} shows nobody; SURREAL's layout holds at least one person. Export a dataset of people."
        )
    rows = [_person(p, clip.people[p.name], view.people[p.name], spec, mirror) for p in people]
    light = spec.light.coefficients if isinstance(spec.light, ShLight) else (np.nan,) * 9
    bg = spec.background.image if isinstance(spec.background, PhotoBackground) else spec.background.kind
    position = view.T_world_camera[0, :3, 3]
    distance = np.float32(view.people[people[0].name].joints_camera[0, 0, 2])
    clip_number, stride = (_tag(spec, key, default) for key, default in (("clip", 1), ("stride", 0)))
    return {
        "sequence": sequence or spec.name,
        "clipNo": np.array(clip_number, np.min_scalar_type(clip_number)),
        "source": str(spec.tags.get("source", "mannequin")),
        "bg": _cells([bg] * spec.num_frames)[None],
        "gender": _people([r["gender"] for r in rows]),
        "light": np.repeat(np.array(light, np.float32)[:, None], spec.num_frames, axis=1),
        "stride": np.array(stride, np.min_scalar_type(stride)),
        "camDist": distance,
        "camLoc": (WORLD @ position).astype(np.float32)[:, None],
        "joints2D": _people([r["joints2D"] for r in rows]),
        "joints3D": _people([r["joints3D"] for r in rows]),
        "pose": _people([r["pose"] for r in rows]),
        "zrot": _people([r["zrot"] for r in rows]),
        "cloth": np.stack([_cells([p.appearance.texture] * spec.num_frames) for p in people]),
        "shape": _people([r["shape"] for r in rows]),
    }


def _person(person, track, seen, spec: ClipSpec, mirror: bool) -> dict[str, np.ndarray]:
    """One person's arrays of `_info.mat`, frames last (zrot and gender: T × 1)."""
    t, w = spec.num_frames, spec.resolution[1]
    joints2d = _joints24(seen.joints2d)
    if mirror:
        joints2d = joints2d * np.array([-1, 1], np.float32) + np.array([w, 0], np.float32)
    joints3d = _joints24(track.joints).astype(np.float64) @ WORLD.T
    betas = np.zeros(10, np.float32)
    betas[: min(10, len(track.betas))] = track.betas[:10]
    zrot = np.float32(person.yaw)
    if track.gender not in GENDERS:
        raise DatasetError(
            f"Clip {spec.name!r} has a person of gender {track.gender!r}; SURREAL's layout has {', '.join(GENDERS)}."
        )
    return {
        "joints2D": joints2d.transpose(2, 1, 0).astype(np.float32),
        "joints3D": joints3d.transpose(2, 1, 0).astype(np.float32),
        "pose": _pose(track.pose, float(zrot)).T.astype(np.float32),
        "zrot": np.full((t, 1), zrot),
        "shape": np.repeat(betas[:, None], t, axis=1),
        "gender": np.full((t, 1), GENDERS[track.gender], np.uint8),
    }


def _pose(pose: np.ndarray, zrot: float) -> np.ndarray:
    """(T, J, 3) ours → (T, 72) whose root, turned by zrot about the vertical, is ours."""
    t, j = pose.shape[:2]
    pose = pose[:, :24].astype(np.float64) if j == 24 else np.concatenate([pose[:, :22], np.zeros((t, 2, 3))], axis=1)
    root = Rotation.from_euler("z", -zrot) * Rotation.from_rotvec(pose[:, 0])
    return np.concatenate([root.as_rotvec()[:, None], pose[:, 1:]], axis=1).reshape(t, 72)


def _joints24(joints: np.ndarray) -> np.ndarray:
    """(T, J, d) → (T, 24, d)."""
    return joints if joints.shape[1] == 24 else joints[:, _JOINTS_OF_52]


def _image(view: View, suffix: str, t: int, mirror: bool) -> np.ndarray:
    """(H, W, …) the matrix ``<suffix>_<t + 1>``."""
    image = view.frame(MATRICES[suffix], t)
    if suffix == "depth":
        image = np.where(view.labels.mask(t), image, np.float32(DEPTH_BACKGROUND))
    if suffix == "gtflow":
        image = np.zeros_like(image) if t == 0 else 0 - image
    if mirror and image.ndim == 3:
        image = image * np.array([-1, 1, 1][: image.shape[2]], np.float32) + np.float32(0)
    return _flip(image[None], mirror)[0]


def _flip(frames: np.ndarray, mirror: bool) -> np.ndarray:
    """(T, H, W, …), left and right exchanged if asked for."""
    return np.ascontiguousarray(frames[:, :, ::-1]) if mirror else frames


def _people(arrays: list[np.ndarray]) -> np.ndarray:
    """One person's array, or several people's along a leading axis."""
    return arrays[0] if len(arrays) == 1 else np.stack(arrays)


def _cells(texts: list[str]) -> np.ndarray:
    cells = np.empty(len(texts), object)
    cells[:] = texts
    return cells


def _mat(values: dict) -> bytes:
    """A compressed MATLAB 5 file, without the time that scipy writes into its header."""
    buffer = io.BytesIO()
    savemat(buffer, values, do_compression=True)
    return _HEADER + buffer.getvalue()[len(_HEADER) :]


def _video(frames: np.ndarray, spec: ClipSpec) -> bytes:
    """(T, H, W, 3) uint8 sRGB → MP4 of H.264, crf 23, yuv420p."""
    try:
        import av
    except ImportError as e:
        raise MissingExtraError("Videos need PyAV. Install it: pip install 'mannequin[export]'.") from e
    h, w = spec.resolution
    if h % 2 or w % 2:
        raise DatasetError(
            f"Clip {spec.name!r} is {w} × {h}; H.264 as in SURREAL needs an even width and height. Render at "
            "such a size."
        )
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(spec.fps).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = w, h, "yuv420p"
        stream.codec_context.thread_count = 1
        stream.options = {"crf": "23"}
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return buffer.getvalue()


def _stem(spec: ClipSpec, taken: set) -> str:
    """ "run0/01_01/01_01_c0001" from the tags; a repeated draw of a clip goes three runs further."""
    sequence = re.sub(r"[^\w.-]+", "_", str(spec.tags.get("sequence", spec.name))).strip(".")[:100] or "clip"
    run, number = _tag(spec, "run", 0), _tag(spec, "clip", 1)
    while (stem := f"run{run}/{sequence}/{sequence}_c{number:04d}") in taken:
        run += 3
    taken.add(stem)
    return stem


def _tag(spec: ClipSpec, name: str, default: int) -> int:
    """A whole number among the tags, which are whatever a sampler wrote there."""
    value = spec.tags.get(name, default)
    if not isinstance(value, (int, float)) or not 0 <= value < 2**31:
        raise DatasetError(
            f"Clip {spec.name!r} has the tag {name} = {value!r}; expected a whole number from 0. Render it "
            "again with its preset."
        )
    return int(value)


def _write_view(clip: Clip, camera: str, out: Place, stem: str, suffix: str, mirror: bool) -> None:
    marker = out / f"{stem}{suffix}_info.mat"
    files = view_files(clip, camera, mirror, PurePosixPath(stem).name)
    remove(marker)
    for end, content in files.items():
        write_bytes(out / f"{stem}{suffix}{end}", content)
