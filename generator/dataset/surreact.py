"""Export in the file layout of SURREACT.

    <sequence>/<sequence>_v045_r00.mp4, _info.mat, _segm.mat, _depth.mat, _gtflow.mat, _normal.mat

v045 is the azimuth of the camera in degrees, rounded; r00 counts repetitions of a sequence. Keys, shapes and the camera
are those of the released generator and loader, which read no key that is not here.

World. SURREACT's axes are (X, -Y, -Z) of our Z-up world, for its poses are those of cameras, whose y is down: a body's
root is Rx(90°) R(pose[:3]). A camera of zrot_euler φ (degrees), cam_dist d and cam_height h stands at
(d sin φ, d cos φ, h), is turned by φ about the vertical and tilted by atan((h - 1) / d), and so looks at (0, 0, 1);
60 mm on a 32 mm sensor. That point is the one on its axis that is nearest to the middle of the people's pelvises, so
the world of a file is ours shifted: joints3D are, and the camera with them.

joints2D on pixel edges (0…W), y up, as the released generator has them, not rounded. Images are not mirrored. segm,
depth, gtflow and normal are as in :mod:`mannequin.generator.dataset.surreal`. gender is one number where all people
share it, as they do in SURREACT, else one for each person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from mannequin.generator.clip import Clip, PersonTrack
from mannequin.generator.dataset.folder import Dataset
from mannequin.generator.dataset.native import open_clip
from mannequin.generator.dataset.surreal import (
    WORLD,
    background_name,
    cells,
    check_still,
    gender_number,
    image_files,
    joints24,
    light_coefficients,
    mat_file,
    nobody,
    of_people,
    pose72,
    sequence_of,
    shown_people,
    ten_betas,
    whole_tag,
    write_view,
)
from mannequin.generator.dataset.surreal_info import SURREACT_WORLD
from mannequin.generator.errors import DatasetError
from mannequin.generator.io.remote import Place, place
from mannequin.generator.spec import ClipSpec

_LOOKED_AT = np.array([0.0, 0.0, 1.0])
_OVERHEAD = 0.05
"""Metres, level, from a camera to what it looks at, below which it has no azimuth."""


def export_surreact(dataset: Dataset, out: Place | str, progress=None) -> int:
    """Write every finished clip of ``dataset`` under ``out``; returns how many.

    progress: called with (clips done, clips in all). The `_info.mat` of a view is written last, so where it stands the
    rest is whole. Raises DatasetError for cameras that move, that look straight down or up, or that look the same way,
    and MissingExtraError if colour images are to be encoded and PyAV is absent.
    """
    files, taken = dataset.clips(), set()
    for number, path in enumerate(files):
        with open_clip(path) as reader:
            check_still(reader, "surreact")
            tracks = {p: reader.track(p) for p in reader.people}
            views = {}
            for camera in reader.cameras:
                shown = [tracks[person] for person in reader.shown(camera)]
                views[camera] = (
                    round(_stand(reader.spec, camera, reader.T_world_camera(camera)[0], shown).degrees) % 360
                )
            for camera, stem in _stems(reader.spec, views, taken).items():
                clip = Clip(reader.spec, {camera: reader.view(camera)}, tracks)
                write_view(view_files(clip, camera), place(out), stem)
        if progress:
            progress(number + 1, len(files))
    return len(files)


def view_files(clip: Clip, camera: str) -> dict[str, bytes]:
    """Contents by file suffix (".mp4", "_segm.mat", …, "_info.mat" last) of what ``camera`` saw."""
    return image_files(clip, camera) | {"_info.mat": mat_file(info(clip, camera))}


def info(clip: Clip, camera: str) -> dict[str, Any]:
    """The keys of `_info.mat`. Several people stand along a leading axis."""
    spec, view, people = clip.spec, clip.views[camera], shown_people(clip, camera)
    tracks = [clip.people[p.name] for p in people]
    stand = _stand(spec, camera, view.T_world_camera[0], tracks)
    joints2d = [joints24(view.people[p.name].joints2d) * [1, -1] + [0, spec.resolution[0]] for p in people]
    joints3d = [(joints24(t.joints) - stand.origin) @ SURREACT_WORLD.T for t in tracks]
    genders = [gender_number(track, spec) for track in tracks]
    turn = Rotation.from_matrix(WORLD.T @ SURREACT_WORLD)  # there and back again: Rx(90°)
    return {
        "bg": background_name(spec),
        "cloth": cells([p.appearance.texture for p in people]),
        "gender": np.array(genders[:1] if len(set(genders)) == 1 else genders, np.uint8),
        "joints2D": of_people([j.transpose(2, 1, 0).astype(np.float32) for j in joints2d]),
        "joints3D": of_people([j.transpose(2, 1, 0).astype(np.float32) for j in joints3d]),
        "pose": of_people([pose72(track.pose, turn).T.astype(np.float32) for track in tracks]),
        "sequence": sequence_of(spec),
        "shape": of_people([ten_betas(track) for track in tracks]),
        "source": str(spec.tags.get("source", "mannequin")),
        "zrot_euler": stand.degrees,
        "light": light_coefficients(spec),
        "cam_height": stand.height,
        "cam_dist": stand.distance,
    }


@dataclass(frozen=True, eq=False)
class _Stand:
    """A camera in the file's world, whose origin is at ``origin`` (3,) of ours. degrees: 0 to 360. Metres."""

    degrees: float
    height: float
    distance: float
    origin: np.ndarray


def _stand(spec: ClipSpec, camera: str, T_world_camera: np.ndarray, tracks: Sequence[PersonTrack]) -> _Stand:
    """Raises DatasetError if it looks at nobody, straight down or up."""
    if not tracks:
        raise nobody(spec)
    position, forward = T_world_camera[:3, 3], T_world_camera[:3, 2]
    pelvises = [track.joints[:, 0].mean(axis=0, dtype=np.float64) for track in tracks]
    far = float((np.mean(pelvises, axis=0) - position) @ forward)
    distance = far * float(np.hypot(forward[0], forward[1]))
    if distance < _OVERHEAD:
        raise DatasetError(
            f"Camera {camera!r} of clip {spec.name!r} looks straight {'down' if forward[2] < 0 else 'up'} or away "
            "from the people; SURREACT's layout tells cameras by their azimuth around them. Export --layout surreal."
        )
    origin = position + far * forward - SURREACT_WORLD.T @ _LOOKED_AT
    height = float((SURREACT_WORLD @ (position - origin))[2])
    return _Stand(float(np.degrees(np.arctan2(-forward[0], forward[1]))) % 360, height, distance, origin)


def _stems(spec: ClipSpec, views: dict[str, int], taken: set[str]) -> dict[str, str]:
    """Camera → "S001/S001_v045_r00"; repetitions go on from the tag while a name is taken."""
    if len(set(views.values())) < len(views):
        told = ", ".join(f"{camera} {degrees}°" for camera, degrees in views.items())
        raise DatasetError(
            f"Cameras of clip {spec.name!r} look the same way ({told}); SURREACT's layout tells them by whole degrees. "
            "Export --layout surreal."
        )
    sequence, repetition = sequence_of(spec), whole_tag(spec, "repetition", 0)
    while True:
        stems = {camera: f"{sequence}/{sequence}_v{view:03d}_r{repetition:02d}" for camera, view in views.items()}
        if taken.isdisjoint(stems.values()):
            taken.update(stems.values())
            return stems
        repetition += 1
