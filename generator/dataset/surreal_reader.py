"""Reads clips in SURREAL's file layout through the same methods as our own.

Files: those that SURREAL's authors released, SURREACT's, and our exports (plain and mirrored). What it returns obeys
``docs/conventions.md``: unmirrored, the person's own left, Z up, depth 0 where nothing is. What the layout lacks:

- ``transl``: NaN, for it is joints[:, 0] minus the rest pose's pelvis, which only the body model knows.
- ``flow``: the files hold the motion from the frame before; flow_backward is minus that, and zero at frame 0.
- ``instance``: given for one person only. The people of a clip of several share the segmentation; a pixel is
  counted for whose joint of that part is nearest, which is right unless people touch.
- ``visible``: the body's thickness is unknown, so any nearer part but the joint's own and its neighbours hides it.
- Normals and flow of SURREACT's own files are in conventions of Blender's that nothing here could check: left out.
"""

import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np

from mannequin.generator.body.model import PARTS, SMPL_JOINTS, SMPL_PARENTS
from mannequin.generator.cameras import to_camera, to_matrix4
from mannequin.generator.clip import CHANNELS, LABELS, Foreground, PersonTrack, amodal_of_one, told_by_flags
from mannequin.generator.dataset.source import ClipSource
from mannequin.generator.dataset.surreal import MATRICES
from mannequin.generator.dataset.surreal_camera import HANDEDNESS, find_sight, image_points, unmirror
from mannequin.generator.dataset.surreal_info import SUFFIX, Info, read_info
from mannequin.generator.errors import ConfigError, DatasetError, unknown_name
from mannequin.generator.io.films import IndexedFilm
from mannequin.generator.io.matfile import MatFile
from mannequin.generator.spec import (
    AppearanceSpec,
    CameraSpec,
    ClipSpec,
    LampLight,
    MotionSpec,
    PersonSpec,
    PhotoBackground,
    PlainBackground,
    ShLight,
)

CAMERA = "camera"
SPLITS = ("train", "val", "test")

_BACKGROUND_DEPTH = 1e4  # metres; files have 1e10, or a half float's infinity
_FPS, _RESOLUTION = 30.0, (240, 320)
_WITNESSES = 5  # frames of the segmentation, where joints2D is missing
_PLAIN = ("", "plain", "environment")  # what our exporter calls backgrounds that are no photo
_FROM_IMAGES = {"visible", "box", "pixels", "visibility", "amodal_box", "amodal_pixels"}
_SUFFIXES = {channel: suffix for suffix, channel in MATRICES.items()}


def clip_files(info: Path) -> list[Path]:
    """Where the files of the clip of an ``_info.mat`` may be."""
    stem = str(info).removesuffix(SUFFIX)
    return [info, Path(f"{stem}.mp4"), *(Path(f"{stem}_{s}.mat") for s in MATRICES)]


class SurrealReader(ClipSource):
    """One clip in SURREAL's layout; ``path`` is its ``_info.mat``.

    mirrored: whether the images in the files are; those returned never are.
    handedness: "auto" finds it out, "mirrored" and "plain" state it. Raises DatasetError for files that are damaged,
    do not tell, or contradict what was stated.
    """

    def __init__(self, path: Path | str, handedness: str = "auto"):
        if handedness not in HANDEDNESS:
            raise unknown_name("handedness", handedness, HANDEDNESS)
        self._path = Path(path)
        if not self.path.name.endswith(SUFFIX):
            raise DatasetError(f"{path} is no clip in SURREAL's layout. Expected a file that ends in {SUFFIX}.")
        self._stem = self.path.name.removesuffix(SUFFIX)
        self._handedness = handedness
        self._mats: dict[str, MatFile] = {}
        self._video, self._seen, self._latest = None, {}, (-1, {})
        self._files = {s for s in MATRICES if self._beside(f"_{s}.mat").exists()}
        self._has_video = self._beside(".mp4").exists()
        try:
            self._read()
        except BaseException:
            self.close()
            raise

    def _read(self) -> None:
        resolution = self._resolution()
        self._info = read_info(self.path, resolution[0])
        if self._info.is_surreact:
            self._files -= {"normal", "gtflow"}
        self._sight = find_sight(self._info, resolution, self._handedness, self._witnesses(), self.path)
        self.mirrored = self._sight.mirrored
        try:
            self._spec = self._describe(resolution)
        except ConfigError as e:
            raise DatasetError(f"{self.path} describes no clip: {e}") from e

    def close(self) -> None:
        """Frees the video; the reader cannot be used after it."""
        if self._video is not None:
            self._video.close()

    @property
    def path(self) -> Path:
        """Its ``_info.mat``."""
        return self._path

    @property
    def spec(self) -> ClipSpec:
        """What the info file tells."""
        return self._spec

    @property
    def versions(self) -> dict[str, str]:
        """Empty: the files name none."""
        return {}

    @property
    def agreement(self) -> dict[str, float]:
        """Empty: the files tell none."""
        return {}

    @property
    def cameras(self) -> tuple[str, ...]:
        """Name of the one camera of a file."""
        return (CAMERA,)

    @property
    def people(self) -> tuple[str, ...]:
        """Names of the people, in the order of the file."""
        return tuple(person.name for person in self.spec.people)

    def shown(self, camera: str) -> tuple[str, ...]:
        """Names of the people whom ``camera`` recorded: all."""
        self._check_camera(camera)
        return self.people

    def channels(self, camera: str) -> tuple[str, ...]:
        """Names of the image channels that there are files for, in the order of CHANNELS."""
        self._check_camera(camera)
        found = {MATRICES[suffix] for suffix in self._files}
        found |= {"rgb"} if self._has_video else set()
        found |= {"instance"} if "segm" in found and self._info.num_people == 1 else set()
        return tuple(name for name in CHANNELS if name in found)

    def K(self, camera: str) -> np.ndarray:
        """(T, 3, 3) float64 intrinsics at each frame, pixels."""
        self._check_camera(camera)
        return np.repeat(self._sight.K[None], self.spec.num_frames, axis=0)

    def T_world_camera(self, camera: str) -> np.ndarray:
        """(T, 4, 4) float64 pose of ``camera`` at each frame."""
        self._check_camera(camera)
        return np.repeat(self._sight.T_world_camera[None], self.spec.num_frames, axis=0)

    def labels(self, camera: str, channels: Iterable[str], start: int = 0, stop: int | None = None) -> Foreground:
        """Label ``channels`` of frames ``start`` to ``stop``; with none, where there is a surface."""
        start, stop = self._span(start, stop)
        known, channels = self.channels(camera), tuple(channels)
        for name in channels:
            if name not in LABELS or name not in known:
                raise unknown_name("channel", name, known)
        pixels, values = [], {name: [] for name in channels}
        for t in range(start, stop):
            pixels.append(np.flatnonzero(self._surface(t)).astype(np.uint32))
            for name in channels:
                image = self._label(name, t)
                values[name].append(image.reshape((-1,) + image.shape[2:])[pixels[-1]])
        offsets = np.concatenate([[0], np.cumsum([len(p) for p in pixels])]).astype(np.int64)
        return Foreground(
            self.spec.resolution, offsets, np.concatenate(pixels), {n: np.concatenate(v) for n, v in values.items()}
        )

    def rgb(self, camera: str, start: int = 0, stop: int | None = None) -> np.ndarray:
        """(stop - start, H, W, 3) uint8 sRGB, as the video gives it."""
        start, stop = self._span(start, stop)
        if "rgb" not in self.channels(camera):
            raise unknown_name("channel", "rgb", self.channels(camera))
        video = self._open_video()
        frames = np.stack([video.frame(t) for t in range(start, stop)])
        return np.ascontiguousarray(frames[:, :, ::-1]) if self.mirrored else frames

    def person_arrays(
        self, camera: str, person: str, names: Iterable[str], start: int = 0, stop: int | None = None
    ) -> dict[str, np.ndarray]:
        """Of a PersonView only the arrays ``names``, by name. Images are read for visible, box and pixels, and only
        once."""
        self._check_camera(camera)
        names = tuple(names)
        number, (start, stop) = self._number(person), self._span(start, stop)
        joints = self._joints
        if not _FROM_IMAGES.isdisjoint(names):
            for t in range(start, stop):
                if t not in self._seen:
                    self._seen[t] = self._see_people(t)
        return {
            name: np.stack([self._seen[t][name][number] for t in range(start, stop)])
            if name in _FROM_IMAGES
            else joints[name][number, start:stop].copy()
            for name in names
        }

    def in_sight(self, camera: str, person: str) -> np.ndarray:
        """(T,) bool, a joint of ``person`` is within the image. Nothing is decoded, so what hides them does not
        count."""
        return self.person_arrays(camera, person, ("in_frame",))["in_frame"].any(axis=1)

    def track(self, person: str) -> PersonTrack:
        """``person`` in the world; transl is not in the files, hence NaN."""
        number, info = self._number(person), self._info
        return PersonTrack(
            body=self.spec.people[number].body,
            gender=info.genders[number],
            pose=info.pose[number].astype(np.float32),
            betas=info.betas[number].astype(np.float32),
            transl=np.full((info.num_frames, 3), np.nan, np.float32),
            joints=info.joints[number].astype(np.float32),
            joint_names=SMPL_JOINTS,
        )

    def _check_camera(self, camera: str) -> None:
        if camera != CAMERA:
            raise unknown_name("camera", camera, self.cameras)

    def _number(self, person: str) -> int:
        if person not in self.people:
            raise unknown_name("person", person, self.people)
        return self.people.index(person)

    def _beside(self, end: str) -> Path:
        return self.path.with_name(self._stem + end)

    def _open_video(self) -> IndexedFilm:
        if self._video is None:
            self._video = IndexedFilm(self._beside(".mp4"))
        return self._video

    def _mat(self, suffix: str) -> MatFile:
        if suffix not in self._mats:
            self._mats[suffix] = MatFile(self._beside(f"_{suffix}.mat"), f"the {suffix} images of a SURREAL clip")
        return self._mats[suffix]

    def _resolution(self) -> tuple[int, int]:
        """(height, width) of the labels, which must be the video's, or of the video; SURREAL's where there is
        neither."""
        video = self._open_video().resolution if self._has_video else None
        suffix = next((s for s in MATRICES if s in self._files), None)
        if suffix is None:
            return video or _RESOLUTION
        labels = cast(tuple[int, int], self._mat(suffix).read(f"{suffix}_1").shape[:2])
        if video not in (None, labels):
            raise self._mat(suffix).damaged(
                f"{suffix}_1 has {labels} pixels (height, width), the video beside it {video}"
            )
        return labels

    def _witnesses(self):
        """Yields (frame, segmentation as in the file) of some frames."""
        if "segm" in self._files:
            count = self._info.num_frames
            for t in np.unique(np.linspace(0, count - 1, min(count, _WITNESSES)).astype(int)):
                yield int(t), self._mat("segm").read(f"segm_{t + 1}")

    def _label(self, channel: str, t: int) -> np.ndarray:
        """(H, W, …) image of a label channel as our conventions have it."""
        if channel == "instance":
            return (self._matrix("segm", t) > 0).astype(np.uint8)
        return self._matrix(_SUFFIXES[channel], t)

    def _surface(self, t: int) -> np.ndarray:
        """(H, W) bool, where there is a person or an object."""
        telling = [s for s in ("segm", "depth") if s in self._files] or sorted(self._files)
        mask = np.zeros(self.spec.resolution, bool)
        for suffix in telling:
            image = self._matrix(suffix, t) != 0
            mask |= image.any(axis=2) if image.ndim == 3 else image
        return mask

    def _matrix(self, suffix: str, t: int) -> np.ndarray:
        """(H, W, …) image ``<suffix>_<t + 1>`` as our conventions have it; those of the frame read last are kept."""
        if self._latest[0] != t:
            self._latest = (t, {})
        kept = self._latest[1]
        if suffix not in kept:
            kept[suffix] = self._convert(suffix, self._raw(suffix, t), t)
        return kept[suffix]

    def _raw(self, suffix: str, t: int) -> np.ndarray:
        file, name = self._mat(suffix), f"{suffix}_{t + 1}"
        image, channel = file.read(name), CHANNELS[MATRICES[suffix]]
        want = self.spec.resolution + channel.shape
        if image.shape != want or image.dtype.kind not in "uif":
            raise file.damaged(f"{name} is {image.dtype} {image.shape}; expected {channel.dtype} {want}")
        if suffix == "segm" and not ((image >= 0) & (image <= len(PARTS))).all():
            raise file.damaged(f"{name} has parts beyond {len(PARTS)}")
        return image.astype(channel.dtype)

    def _convert(self, suffix: str, image: np.ndarray, t: int) -> np.ndarray:
        if suffix == "depth":
            image = np.where((image > 0) & (image < _BACKGROUND_DEPTH), image, np.float32(0))
        if suffix == "gtflow":
            image = np.zeros_like(image) if t == 0 else 0 - image
        if not self.mirrored:
            return image
        if image.ndim == 3:
            image = image * np.array([-1, 1, 1][: image.shape[2]], np.float32) + np.float32(0)
        return np.ascontiguousarray(image[:, ::-1])

    @cached_property
    def _points(self) -> tuple[np.ndarray, np.ndarray]:
        """(P, T, 24, 3) joints in the camera frame, metres, and (P, T, 24, 2) in the image, pixels or NaN."""
        info, sight = self._info, self._sight
        local = to_camera(info.joints, sight.T_world_camera)
        image = image_points(local, sight.K)
        if info.joints2d is not None:
            told = unmirror(info.joints2d, sight.mirrored, self.spec.resolution[1])
            image = np.where(np.isfinite(told), told, image)
        return local, image

    @cached_property
    def _joints(self) -> dict[str, np.ndarray]:
        """Those arrays of the people's PersonViews that the info file tells, with an axis of people before."""
        (local, image), (h, w) = self._points, self.spec.resolution
        in_frame = (local[..., 2] > 0) & (image >= 0).all(axis=-1) & (image < (w, h)).all(axis=-1)
        return {
            "joints2d": np.nan_to_num(image).astype(np.float32),
            "joints_camera": local.astype(np.float32),
            "in_frame": in_frame,
        }

    def _see_people(self, t: int) -> dict[str, np.ndarray]:
        """The other arrays at frame ``t``, with an axis of people."""
        count, in_frame = self._info.num_people, self._joints["in_frame"][:, t]
        visible, box, pixels = in_frame.copy(), np.zeros((count, 4), np.float32), np.zeros(count, np.int32)
        if "segm" in self._files:
            local, image = (points[:, t] for points in self._points)
            owner = self._owners(t, local, image)
            visible &= ~self._hidden(t, owner, local, image, in_frame)
            for p in range(count):
                box[p], pixels[p] = _extent(owner == p)
        amodal_box, amodal_pixels = amodal_of_one(box, pixels, count == 1)
        return {
            "visible": visible,
            "box": box,
            "pixels": pixels,
            "visibility": told_by_flags(in_frame, visible, count == 1),
            "amodal_box": amodal_box,
            "amodal_pixels": amodal_pixels,
        }

    def _owners(self, t: int, local: np.ndarray, image: np.ndarray) -> np.ndarray:
        """(H, W) int index of the person whose pixel it is, -1 for nobody's. local, image: (P, 24, 3 and 2) joints."""
        segm = self._matrix("segm", t)
        owner = np.where(segm > 0, 0, -1)
        if len(local) == 1:
            return owner
        y, x = np.nonzero(segm)
        at, joint = np.stack([x, y], axis=1) + 0.5, segm[y, x] - 1
        if "depth" in self._files:
            K, z = self._sight.K, self._matrix("depth", t)[y, x, None]
            at, joints = np.hstack([(at - K[:2, 2]) / K[[0, 1], [0, 1]] * z, z]), local
        else:
            joints = image
        far = np.linalg.norm(joints[:, joint] - at, axis=-1)
        owner[y, x] = np.nan_to_num(far, nan=np.inf).argmin(axis=0)
        return owner

    def _hidden(self, t: int, owner: np.ndarray, local, image, in_frame) -> np.ndarray:
        """(P, 24) bool: another surface stands in a joint's pixel and, if the depth is known, is nearer."""
        hidden = np.zeros(in_frame.shape, bool)
        p, j = np.nonzero(in_frame)
        x, y = np.floor(image[p, j]).astype(int).T
        own = (owner[y, x] == p) & _OWN_PARTS[j, self._matrix("segm", t)[y, x]]
        nearer = self._matrix("depth", t)[y, x] < local[p, j, 2] if "depth" in self._files else True
        hidden[p, j] = self._surface(t)[y, x] & ~own & nearer
        return hidden

    def _describe(self, resolution: tuple[int, int]) -> ClipSpec:
        info, (K, T) = self._info, (self._sight.K, self._sight.T_world_camera)
        run = next((part for part in reversed(self.path.parts[:-1]) if re.fullmatch(r"run\d+", part)), "")
        view = re.search(r"_v(\d{3})(?:_r\d+)?$", self._stem)
        tags = info.tags | ({"run": float(run[3:])} if run else {}) | ({"view": float(view[1])} if view else {})
        fx, fy, cx, cy = (float(v) for v in (K[0, 0], K[1, 1], K[0, 2], K[1, 2]))
        return ClipSpec(
            name="_".join(filter(None, (run, self._stem))),
            seed=0,
            index=0,
            split=next((part for part in reversed(self.path.parts[:-1]) if part in SPLITS), ""),
            preset="",
            fps=self._fps(),
            num_frames=info.num_frames,
            resolution=(int(resolution[0]), int(resolution[1])),
            people=tuple(_person(info, p) for p in range(info.num_people)),
            cameras=(CameraSpec(CAMERA, fx, fy, cx, cy, (to_matrix4(T),)),),
            light=LampLight(()) if info.light is None else ShLight(info.light),
            background=PlainBackground() if info.background in _PLAIN else PhotoBackground(info.background),
            ground=None,
            tags=tags,
        )

    def _fps(self) -> float:
        fps = self._open_video().fps if self._has_video else _FPS
        return fps if np.isfinite(fps) and fps > 0 else _FPS


def _person(info: Info, number: int) -> PersonSpec:
    x, y, _ = info.joints[number, 0, 0]
    return PersonSpec(
        name=f"person{number}",
        instance=number + 1,
        body=f"smpl_{info.genders[number]}",
        betas=tuple(info.betas[number].tolist()),
        motion=MotionSpec(info.sequence),
        appearance=AppearanceSpec(info.textures[number]),
        yaw=float(info.yaw[number]),
        place=(float(x), float(y), 0.0),
    )


def _extent(mask: np.ndarray) -> tuple[tuple[int, int, int, int], int]:
    """Tight pixel edges (x0, y0, x1, y1) of a mask, zeros if it is empty, and how many pixels it has."""
    y, x = np.nonzero(mask)
    return ((x.min(), y.min(), x.max() + 1, y.max() + 1) if len(x) else (0, 0, 0, 0)), len(x)


def _own_parts() -> np.ndarray:
    """(24, 25) bool: the parts that never hide a joint: its own, its parent's, its children's."""
    own = np.zeros((len(SMPL_PARENTS), len(PARTS) + 1), bool)
    for joint, parent in enumerate(SMPL_PARENTS):
        own[joint, joint + 1] = True
        if parent >= 0:
            own[joint, parent + 1] = own[parent, joint + 1] = True
    return own


_OWN_PARTS = _own_parts()
