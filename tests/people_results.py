"""Files as programs write them of people in videos: VIBE, PHALP (4D-Humans), HMMR, WHAM, GVHMR."""

import collections
import io
import pickle
import zipfile

import joblib
import numpy as np
from scipy.spatial.transform import Rotation

from tests.smpl_motions import skeleton, squats

CAMERA = Rotation.from_euler("x", 90, degrees=True)
"""From a world with Z up to a camera that looks along its Y: x right, y down, z forward."""

SIZE = (720, 1280)
ROOT = skeleton().joints[0]


def walker(frames=60, place=(0.0, 0.0), speed=0.5, heading=0.0):
    """Poses (T, 24, 3) and pelvis (T, 3) of somebody who squats while the floor moves them along x, Z up."""
    pose, height = squats(frames)
    turn = Rotation.from_euler("z", heading, degrees=True)
    pose[:, 0] = (turn * Rotation.from_rotvec(pose[:, 0])).as_rotvec()
    pelvis = np.stack([place[0] + speed * np.arange(frames) / 30, np.full(frames, place[1]), height], axis=1)
    return pose, pelvis


def seen(pose, pelvis, turn=CAMERA, back=(0.0, 5.0, -1.0)):
    """The same in the axes of a camera: pose (T, 24, 3) and SMPL's translation (T, 3). back: where the camera's origin
    has the world's, in the world's axes."""
    pose = pose.copy()
    pose[:, 0] = (turn * Rotation.from_rotvec(pose[:, 0])).as_rotvec()
    return pose, turn.apply(pelvis + back) - ROOT


def weak(transl, focal=1500.0):
    """VIBE's orig_cam of (T, 3) metres in the camera's axes."""
    scale = focal / transl[:, 2] / (SIZE[1] / 2)
    return np.stack([scale, scale * SIZE[1] / SIZE[0], transl[:, 0], transl[:, 1]], axis=1)


def vibe(path, tracks, compress=0, **more):
    """tracks: label → (pose, pelvis, frame numbers)."""
    results = {}
    for label, (pose, pelvis, frames) in tracks.items():
        turned, transl = seen(pose, pelvis)
        count = len(frames)
        results[label] = {
            "pred_cam": np.ones((count, 3), np.float32), "orig_cam": weak(transl).astype(np.float32),
            "verts": np.zeros((count, 6890, 3), np.float32), "pose": turned.reshape(count, 72).astype(np.float32),
            "betas": np.ones((count, 10), np.float32), "joints3d": np.zeros((count, 49, 3), np.float32),
            "joints2d": None, "bboxes": np.ones((count, 4)), "frame_ids": np.asarray(frames), **more,
        }  # fmt: skip
    joblib.dump(results, path, compress=compress)


def phalp(path, tracks, lost=(), compress=3):
    """lost: (label, frame) in which PHALP only guesses."""
    last = max(frames[-1] for _, _, frames in tracks.values())
    results = {}
    for frame in range(last + 1):
        row = collections.defaultdict(list)
        for label, (pose, pelvis, frames) in tracks.items():
            if frame in list(frames):
                k = list(frames).index(frame)
                turned, transl = seen(pose[k : k + 1], pelvis[k : k + 1])
                turns = Rotation.from_rotvec(turned[0]).as_matrix().astype(np.float32)
                far = transl[0] * [1, 1, 5000.0 / np.hypot(*SIZE)]
                row["tid"].append(label)
                row["tracked_time"].append(3 if (label, frame) in lost else 0)
                row["smpl"].append(
                    {"global_orient": turns[:1], "body_pose": turns[1:], "betas": np.ones(10, np.float32)}
                )
                row["camera"].append((np.full(3, 99.0) if (label, frame) in lost else far).astype(np.float32))
                row["size"].append(list(SIZE))
                row["appe"].append(np.zeros(4096, np.float32))
                row["conf"].append(np.float32(0.9))
                row["mask"].append([{"size": list(SIZE), "counts": b"abc"}])
        results[f"outputs/_DEMO/a/img/{frame:06d}.jpg"] = {"time": frame, "shot": 0, "annotations": [], **row}
    joblib.dump(results, path, compress=compress)


def wham(path, tracks, own=None):
    """own: label → (turn about the vertical in degrees, shift (2,)) of each person's own world, Y up."""
    results = collections.defaultdict(dict)
    for label, (pose, pelvis, frames) in tracks.items():
        turned, transl = seen(pose, pelvis)
        angle, shift = (own or {}).get(label, (0.0, (0.0, 0.0)))
        world = Rotation.from_euler("x", -90, degrees=True) * Rotation.from_euler("z", angle, degrees=True)
        there, way = seen(pose, pelvis, world, (*shift, 0.0))
        results[np.int64(label)].update(
            pose=turned.reshape(-1, 72), trans=transl, pose_world=there.reshape(-1, 72), trans_world=way,
            betas=np.ones((len(pose), 10)), verts=np.zeros((len(pose), 6890, 3), np.float32),
            frame_ids=np.asarray(frames),
        )  # fmt: skip
    joblib.dump(results, path)


def hmmr(path, pose):
    turned, _ = seen(pose, np.zeros((len(pose), 3)))
    turns = Rotation.from_rotvec(turned.reshape(-1, 3)).as_matrix().reshape(-1, 24, 3, 3)
    held = {
        "cams": np.ones((len(pose), 3)),
        "poses": turns,
        "shapes": np.ones((len(pose), 10)),
        "joints": np.ones((5, 3)),
    }
    path.write_bytes(pickle.dumps(held, 2))


def gvhmr(path, pose, pelvis):
    there, way = seen(pose, pelvis, Rotation.from_euler("x", -90, degrees=True), (0.0, 0.0, 0.0))
    turned, transl = seen(pose, pelvis)

    def parameters(pose, transl):
        flat = pose.reshape(len(pose), 72).astype(np.float32)
        body = {"global_orient": flat[:, :3], "body_pose": flat[:, 3:66], "transl": transl.astype(np.float32)}
        return body | {"betas": np.ones((len(pose), 10), np.float32)}

    save_tensors(
        path,
        {
            "smpl_params_global": parameters(there, way),
            "smpl_params_incam": parameters(turned, transl),
            "K_fullimg": np.tile(np.eye(3, dtype=np.float32), (len(pose), 1, 1)),
            "net_outputs": {"model_output": {"pred_x": np.zeros((1, len(pose), 151), np.float32)}},
        },
    )


def save_tensors(path, tree):
    """As torch.save does, without torch: a zip of a pickle and the bytes of each tensor."""
    storages = []

    def text(value):
        return b"X" + len(value.encode()).to_bytes(4, "little") + value.encode()

    def number(value):
        return b"J" + int(value).to_bytes(4, "little", signed=True)

    def group(values):
        return b"(" + b"".join(map(number, values)) + b"t"

    def body(value):
        if isinstance(value, dict):
            return b"}(" + b"".join(text(key) + body(inner) for key, inner in value.items()) + b"u"
        storages.append(np.ascontiguousarray(value).tobytes())
        strides = [step // value.itemsize for step in np.ascontiguousarray(value).strides]
        kind = {"f4": "FloatStorage", "f8": "DoubleStorage", "i8": "LongStorage"}[value.dtype.str[1:]]
        place = b"(" + text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text(str(len(storages) - 1))
        place += text("cpu") + number(value.size) + b"tQ"
        about = group([0])[1:-1] + group(value.shape) + group(strides) + b"\x89" + b"ccollections\nOrderedDict\n)R"
        return b"ctorch._utils\n_rebuild_tensor_v2\n(" + place + about + b"tR"

    content = b"\x80\x02" + body(tree) + b"."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/byteorder", "little")
        for number_, data in enumerate(storages):
            archive.writestr(f"archive/data/{number_}", data)


def joblib_bytes(value, **options) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer, **options)
    return buffer.getvalue()
