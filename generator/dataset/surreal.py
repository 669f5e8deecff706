"""Export in the file layout of SURREAL (with SURREACT's axis of people where a clip has several).

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

from mannequin.generator.cameras import is_still
from mannequin.generator.clip import Clip, PersonTrack, View
from mannequin.generator.dataset.folder import Dataset
from mannequin.generator.dataset.native import open_clip
from mannequin.generator.errors import DatasetError, MissingExtraError
from mannequin.generator.io.atomic import remove, write_bytes
from mannequin.generator.io.remote import Place, place
from mannequin.generator.spec import ClipSpec, PersonSpec, PhotoBackground, ShLight

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
            check_still(reader, "surreal")
            tracks = {p: reader.track(p) for p in reader.people}
            for k, camera in enumerate(cameras):
                clip = Clip(reader.spec, {camera: reader.view(camera)}, tracks)
                suffix = f"_v{k:03d}" if len(cameras) > 1 else ""
                contents = view_files(clip, camera, mirror, PurePosixPath(stem).name)
                write_view(contents, place(out), f"{stem}{suffix}")
        if progress:
            progress(number + 1, len(files))
    return len(files)


def check_still(reader, layout: str) -> None:
    """Raise DatasetError if a camera of the clip that ``reader`` reads moves or zooms: ``layout`` holds one still
    camera for a clip."""
    for camera in reader.cameras:
        moving = not is_still(reader.T_world_camera(camera))
        if moving or not is_still(reader.K(camera)):
            raise DatasetError(
                f"Camera {camera!r} of clip {reader.spec.name!r} {'moves' if moving else 'zooms'}; the layout "
                f"{layout!r} holds one still camera for a clip. Export clips of still cameras (--camera-motion still), "
                "or use the dataset as it is."
            )


def view_files(clip: Clip, camera: str, mirror: bool = False, sequence: str = "") -> dict[str, bytes]:
    """Contents by file suffix (".mp4", "_segm.mat", …, "_info.mat" last) of what ``camera`` saw."""
    return image_files(clip, camera, mirror) | {"_info.mat": mat_file(info(clip, camera, mirror, sequence))}


def image_files(clip: Clip, camera: str, mirror: bool = False) -> dict[str, bytes]:
    """Contents by file suffix of the video and the label images."""
    view = clip.views[camera]
    files = {}
    if view.rgb is not None:
        files[".mp4"] = _video(_flip(view.rgb, mirror), clip.spec)
    for suffix, channel in MATRICES.items():
        if channel in view.channels:
            frames = (_image(view, suffix, t, mirror) for t in range(clip.spec.num_frames))
            files[f"_{suffix}.mat"] = mat_file({f"{suffix}_{t + 1}": frame for t, frame in enumerate(frames)})
    return files


def info(clip: Clip, camera: str, mirror: bool = False, sequence: str = "") -> dict[str, Any]:
    """The keys of `_info.mat`. Several people stand along a leading axis, as in SURREACT."""
    spec, view = clip.spec, clip.views[camera]
    people = shown_people(clip, camera)
    rows = [_person(p, clip.people[p.name], view.people[p.name], spec, mirror) for p in people]
    bg, light = background_name(spec), light_coefficients(spec)
    position = view.T_world_camera[0, :3, 3]
    distance = np.float32(view.people[people[0].name].joints_camera[0, 0, 2])
    clip_number, stride = (whole_tag(spec, key, default) for key, default in (("clip", 1), ("stride", 0)))
    return {
        "sequence": sequence or spec.name,
        "clipNo": np.array(clip_number, np.min_scalar_type(clip_number)),
        "source": str(spec.tags.get("source", "mannequin")),
        "bg": cells([bg] * spec.num_frames)[None],
        "gender": of_people([r["gender"] for r in rows]),
        "light": np.repeat(light[:, None], spec.num_frames, axis=1),
        "stride": np.array(stride, np.min_scalar_type(stride)),
        "camDist": distance,
        "camLoc": (WORLD @ position).astype(np.float32)[:, None],
        "joints2D": of_people([r["joints2D"] for r in rows]),
        "joints3D": of_people([r["joints3D"] for r in rows]),
        "pose": of_people([r["pose"] for r in rows]),
        "zrot": of_people([r["zrot"] for r in rows]),
        "cloth": np.stack([cells([p.appearance.texture] * spec.num_frames) for p in people]),
        "shape": of_people([r["shape"] for r in rows]),
    }


def shown_people(clip: Clip, camera: str) -> list[PersonSpec]:
    """Raises DatasetError if there are none."""
    people = [p for p in clip.spec.people if p.name in clip.people and p.name in clip.views[camera].people]
    if not people:
        raise nobody(clip.spec)
    return people


def nobody(spec: ClipSpec) -> DatasetError:
    """The error to raise for a clip without people."""
    return DatasetError(
        f"Clip {spec.name!r} shows nobody; SURREAL's layout holds at least one person. Export a dataset of people."
    )


def background_name(spec: ClipSpec) -> str:
    return spec.background.image if isinstance(spec.background, PhotoBackground) else spec.background.kind


def light_coefficients(spec: ClipSpec) -> np.ndarray:
    """(9,) float32, NaN where light is not spherical harmonics."""
    return np.array(spec.light.coefficients if isinstance(spec.light, ShLight) else (np.nan,) * 9, np.float32)


def gender_number(track: PersonTrack, spec: ClipSpec) -> int:
    """Raises DatasetError for a gender without a number."""
    if track.gender not in GENDERS:
        raise DatasetError(
            f"Clip {spec.name!r} has a person of gender {track.gender!r}; SURREAL's layout has {', '.join(GENDERS)}."
        )
    return GENDERS[track.gender]


def ten_betas(track: PersonTrack) -> np.ndarray:
    """(10,) float32."""
    betas = np.zeros(10, np.float32)
    betas[: min(10, len(track.betas))] = track.betas[:10]
    return betas


def _person(person, track, seen, spec: ClipSpec, mirror: bool) -> dict[str, np.ndarray]:
    """One person's arrays of `_info.mat`, frames last (zrot and gender: T × 1)."""
    t, w = spec.num_frames, spec.resolution[1]
    joints2d = joints24(seen.joints2d)
    if mirror:
        joints2d = joints2d * np.array([-1, 1], np.float32) + np.array([w, 0], np.float32)
    joints3d = joints24(track.joints).astype(np.float64) @ WORLD.T
    zrot = np.float32(person.yaw)
    return {
        "joints2D": joints2d.transpose(2, 1, 0).astype(np.float32),
        "joints3D": joints3d.transpose(2, 1, 0).astype(np.float32),
        "pose": pose72(track.pose, Rotation.from_euler("z", -float(zrot))).T.astype(np.float32),
        "zrot": np.full((t, 1), zrot),
        "shape": np.repeat(ten_betas(track)[:, None], t, axis=1),
        "gender": np.full((t, 1), gender_number(track, spec), np.uint8),
    }


def pose72(pose: np.ndarray, turn: Rotation) -> np.ndarray:
    """(T, J, 3) ours → (T, 72), the root turned by ``turn``."""
    t, j = pose.shape[:2]
    pose = pose[:, :24].astype(np.float64) if j == 24 else np.concatenate([pose[:, :22], np.zeros((t, 2, 3))], axis=1)
    root = turn * Rotation.from_rotvec(pose[:, 0])
    return np.concatenate([root.as_rotvec()[:, None], pose[:, 1:]], axis=1).reshape(t, 72)


def joints24(joints: np.ndarray) -> np.ndarray:
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


def of_people(arrays: list[np.ndarray]) -> np.ndarray:
    """One person's array, or several people's along a leading axis."""
    return arrays[0] if len(arrays) == 1 else np.stack(arrays)


def cells(texts: list[str]) -> np.ndarray:
    column = np.empty(len(texts), object)
    column[:] = texts
    return column


def mat_file(values: dict) -> bytes:
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


def sequence_of(spec: ClipSpec) -> str:
    """What the recording is called, as part of a file's name."""
    return re.sub(r"[^\w.-]+", "_", str(spec.tags.get("sequence", spec.name))).strip(".")[:100] or "clip"


def _stem(spec: ClipSpec, taken: set) -> str:
    """ "run0/01_01/01_01_c0001" from the tags; a repeated draw of a clip goes three runs further."""
    sequence = sequence_of(spec)
    run, number = whole_tag(spec, "run", 0), whole_tag(spec, "clip", 1)
    while (stem := f"run{run}/{sequence}/{sequence}_c{number:04d}") in taken:
        run += 3
    taken.add(stem)
    return stem


def whole_tag(spec: ClipSpec, name: str, default: int) -> int:
    """A whole number among the tags, which are whatever a sampler wrote there."""
    value = spec.tags.get(name, default)
    if not isinstance(value, (int, float)) or not 0 <= value < 2**31:
        raise DatasetError(
            f"Clip {spec.name!r} has the tag {name} = {value!r}; expected a whole number from 0. Render it "
            "again with its preset."
        )
    return int(value)


def write_view(files: dict[str, bytes], out: Place, stem: str) -> None:
    """Write ``files`` of one view by their suffixes, "_info.mat" last, which stands for all being whole."""
    remove(out / f"{stem}_info.mat")
    for end, content in files.items():
        write_bytes(out / f"{stem}{end}", content)
