"""Body models that users bring: SMPL, SMPL-H, SMPL-X and MANO files, and smplx's own objects.

Their licences let nobody but their makers hand them out; see ``WHERE`` for the sites.
"""

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from mannequin.generator import exact
from mannequin.generator.body.joints import with_joints
from mannequin.generator.body.model import SMPL_JOINTS, SMPLH_JOINTS, BodyModel, hand_joints
from mannequin.generator.body.usermesh import match_uv, read_obj_uv, user_topology
from mannequin.generator.errors import AssetError, TopologyError
from mannequin.generator.io import limits
from mannequin.generator.io.array_files import read_arrays
from mannequin.generator.io.listing import LeftOut, list_files
from mannequin.generator.io.reading import contained

WHERE = """Model files are free for research at their makers' sites (register, download, unpack):
  SMPL    https://smpl.is.tue.mpg.de    SMPL_python_v.1.1.0.zip: basicmodel_{f,m,neutral}_lbs_10_207_0_v1.1.0.pkl
  SMPL-H  https://mano.is.tue.mpg.de    "Extended SMPL+H model": smplh/{female,male,neutral}/model.npz
  SMPL-X  https://smpl-x.is.tue.mpg.de  SMPL-X v1.1: models/smplx/SMPLX_{FEMALE,MALE,NEUTRAL}.npz
  MANO    https://mano.is.tue.mpg.de    mano_v1_2.zip: models/MANO_{RIGHT,LEFT}.pkl
Put them unchanged into one folder and give that folder, or give one file."""

_X_HEAD = ("jaw", "left_eye_smplhf", "right_eye_smplhf")
_FAMILIES = {16: "mano", 24: "smpl", 52: "smplh", 55: "smplx"}
_JOINT_NAMES = {24: SMPL_JOINTS, 52: SMPLH_JOINTS, 55: SMPLH_JOINTS[:22] + _X_HEAD + SMPLH_JOINTS[22:]}
_X_ORDER = np.r_[0:22, 25:55, 22:25]
"""SMPL-X's joints with jaw and eyes moved to the end, so that the first 52 are SMPL-H's."""

_NEEDED = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")
_GENDERS = {
    "f": "female",
    "m": "male",
    "female": "female",
    "male": "male",
    "neutral": "neutral",
    "right": "right",
    "left": "left",
}
_STANDS_FOR = re.compile(r"(?<![a-z])(female|male|neutral|right|left|f|m)(?![a-z])")
_BODY_FILE = re.compile(r"(basicmodel|smpl|mano|model).*\.(pkl|npz)", re.IGNORECASE)


def find_bodies(path: Path) -> dict[str, Path]:
    """Gender ("female", "male", "neutral"; "left", "right" for hands) → model file.

    path: one model file, or a folder that holds files under their usual names, at most three
    folders deep. Of several for a gender, the first by name is taken, whole bodies before hands.
    """
    return {gender: files[0] for gender, files in body_choices(path)[0].items()}


def body_choices(path: Path) -> tuple[dict[str, tuple[Path, ...]], tuple[LeftOut, ...]]:
    """Gender → model files, the one to take first, as :func:`find_bodies` says; and what cannot be one."""
    path = Path(path).expanduser()
    if path.is_file():
        return {_gender_of(path) or "neutral": (path,)}, ()
    if not path.is_dir():
        raise AssetError(f"No body model at {path}. Expected builtin, a model file or a folder of them.\n{WHERE}")
    listing = list_files(path, (".pkl", ".npz"), depth=3)
    found: dict[str, tuple[Path, ...]] = {}
    for file in sorted(listing.files, key=lambda file: len(file.parts)):
        if _BODY_FILE.fullmatch(file.name) and (gender := _gender_of(file, path)):
            found[gender] = (*found.get(gender, ()), file)
    left_out = tuple(LeftOut("body", str(file), reason) for file, reason in listing.left_out)
    if not found:
        reasons = "".join(f"{fault.reason}\n" for fault in left_out)
        raise AssetError(f"No body model under its usual name in the folder {path}.\n{reasons}{WHERE}")
    order = {name: k for k, name in enumerate(("female", "male", "neutral", "left", "right"))}
    return dict(sorted(found.items(), key=lambda item: order[item[0]])), left_out


def _gender_of(path: Path, root: Path | None = None) -> str | None:
    """The gender or side that the file's name, else its folder's, states."""
    names = [path.stem] + ([path.parent.name] if root is None or path.parent != root else [])
    for name in names:
        if match := _STANDS_FOR.search(name.lower()):
            return _GENDERS[match[1]]
    return None


def load_body(
    path: Path,
    name: str | None = None,
    gender: str | None = None,
    joints: int | None = None,
    uv_path: Path | None = None,
) -> BodyModel:
    """The body or hand in a model file, or that of ``gender`` in a folder.

    name: asset id; the file's name by default. gender: as the file's name says by default.
    joints: 24 or 52 to have fewer than the file has (see :func:`with_joints`); None for all.
    uv_path: .obj with the texture coordinates; by default the file's own (SMPL-X), else those of an
    .obj of the same mesh beside it with "uv" in its name, else an atlas of our own charts.

    Raises UnsafeFileError where the file asks to run code, TopologyError where the .obj belongs to
    another mesh, ConfigError on joints that the file lacks, AssetError on all else.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        bodies = find_bodies(path)
        chosen = gender or next(iter(bodies))
        if chosen not in bodies:
            raise AssetError(f"No {chosen} body in {path}; it has {', '.join(bodies)}.\n{WHERE}")
        path = bodies[chosen]
    gender = gender or _gender_of(path) or "neutral"
    arrays = _read(path)
    raw = _check(arrays, str(path))
    raw = replace(raw, shapedirs=_shape_only(raw))
    uv = _find_uv(path, uv_path, raw, arrays)
    model = _build(raw, name or path.stem, gender, uv)
    return model if joints is None else with_joints(model, joints)


def from_smplx(module, name: str | None = None) -> BodyModel:
    """The same body as a model object of the ``smplx`` package (SMPL, SMPLH, SMPLX or MANO).

    Its constants are copied; poses are given to :func:`pose_body` in full (no hand PCA, no mean
    pose added). smplx itself is not imported.
    """
    wanted = {
        "v_template": "v_template",
        "shapedirs": "shapedirs",
        "posedirs": "posedirs",
        "J_regressor": "J_regressor",
        "weights": "lbs_weights",
        "f": "faces_tensor",
    }
    absent = [theirs for theirs in (*wanted.values(), "parents") if not hasattr(module, theirs)]
    if absent:
        raise AssetError(
            f"A {type(module).__name__} has no {absent[0]!r}; expected a model object of smplx, such as smplx.SMPL(…)."
        )
    arrays = {ours: _to_numpy(getattr(module, theirs)) for ours, theirs in wanted.items()}
    parents = _to_numpy(module.parents)
    arrays["kintree_table"] = np.stack([parents, np.arange(len(parents))])
    rows = arrays["posedirs"]
    arrays["posedirs"] = rows.T.reshape(-1, 3, len(rows))
    raw = _check(arrays, f"the smplx object {type(module).__name__}")
    gender = getattr(module, "gender", "neutral")
    if len(parents) == 16:
        gender = "right" if getattr(module, "is_rhand", True) else "left"
    return _build(raw, name or type(module).__name__.lower(), gender, None)


def _to_numpy(tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else np.asarray(tensor)


def _read(path: Path) -> dict:
    """The arrays of a model file; what is wrong with the file is said along with where to get a good one."""
    try:
        return read_arrays(path, _NEEDED + ("vt", "ft"))
    except AssetError as e:
        raise type(e)(f"{e}\n{WHERE}") from e


@dataclass(frozen=True, eq=False)
class _Raw:
    """A file's arrays once their shapes are known to fit one another (joints in the file's order)."""

    v_template: np.ndarray
    shapedirs: np.ndarray
    posedirs: np.ndarray
    regressor: sp.csr_matrix
    weights: np.ndarray
    parents: np.ndarray
    faces: np.ndarray


def _check(arrays: dict, where: str) -> _Raw:
    """Raises AssetError naming the first array that cannot belong to a body model."""
    absent = [key for key in _NEEDED if key not in arrays]
    if absent:
        raise AssetError(f"{where} has no {', '.join(map(repr, absent))}, so it is no body model.\n{WHERE}")
    regressor = arrays["J_regressor"]
    arrays = arrays | {"J_regressor": regressor.toarray() if sp.issparse(regressor) else regressor}
    for key in _NEEDED:
        _require(
            isinstance(arrays[key], np.ndarray) and arrays[key].ndim > 0,
            where,
            key,
            "a single value or sparse",
            "a dense array",
        )
        _require(arrays[key].dtype.kind in "biuf", where, key, f"of type {arrays[key].dtype}", "numbers")
        _require(np.isfinite(arrays[key]).all(), where, key, "not finite", "numbers without NaN or infinity")
    v, j = len(arrays["v_template"]), arrays["kintree_table"].shape[-1]
    _require(
        j in _FAMILIES, where, "kintree_table", f"of {j} joints", "16 (MANO), 24 (SMPL), 52 (SMPL-H) or 55 (SMPL-X)"
    )
    if arrays["shapedirs"].ndim == 2:
        arrays["shapedirs"] = arrays["shapedirs"][..., None]
    shapes = {
        "v_template": (v, 3),
        "shapedirs": (v, 3, -1),
        "posedirs": (v, 3, 9 * (j - 1)),
        "J_regressor": (j, v),
        "weights": (v, j),
        "kintree_table": (2, j),
        "f": (-1, 3),
    }
    for key, want in shapes.items():
        have = arrays[key].shape
        fits = len(have) == len(want) and all(w in (-1, h) for h, w in zip(have, want, strict=True))
        _require(fits, where, key, f"of shape {have}", f"{want} (-1: any)")
    for key in ("v_template", "shapedirs", "posedirs", "J_regressor"):
        most = np.abs(arrays[key]).max(initial=0)
        _require(
            most < limits.BODY_COORDINATE,
            where,
            key,
            f"holding {most:.3g}",
            f"values below {limits.BODY_COORDINATE:g} (units are metres)",
        )
    parents = arrays["kintree_table"][0].astype(np.int64)
    parents[0] = -1
    _require(
        (parents[1:] >= 0).all() and (parents < np.arange(j)).all(),
        where,
        "kintree_table",
        f"{parents.tolist()}",
        "every parent before its children",
    )
    faces = arrays["f"].astype(np.int64)
    _require(
        len(faces) > 0 and 0 <= faces.min() and faces.max() < v,
        where,
        "f",
        f"naming vertices {faces.min(initial=0)}…{faces.max(initial=0)}",
        f"0…{v - 1}",
    )
    for key, tolerance in (("weights", 1e-4), ("J_regressor", 1e-2)):
        off = np.abs(arrays[key].sum(axis=1, dtype=np.float64) - 1).max()
        _require(off < tolerance, where, key, f"with a row that sums to 1 ± {off:.3g}", "rows that sum to 1")
    _require(arrays["weights"].min() >= -1e-6, where, "weights", "negative", "weights of at least 0")
    _check_size(arrays["v_template"], arrays["J_regressor"], j, where)
    regressor = sp.csr_matrix(arrays["J_regressor"], dtype=np.float64)
    return _Raw(
        arrays["v_template"],
        arrays["shapedirs"],
        arrays["posedirs"],
        regressor,
        arrays["weights"],
        parents,
        faces.astype(np.int32),
    )


def _check_size(template, regressor, joints, where):
    """A body stands 1–2.3 m high along Y with its left at +X; a hand is 5–50 cm across."""
    size = np.ptp(template, axis=0)
    if joints == 16:
        _require(
            0.05 < size.max() < 0.5,
            where,
            "v_template",
            f"a hand {size.max():.3g} m across",
            "0.05–0.5 m (units are metres)",
        )
        return
    _require(
        1.0 < size[1] < 2.3, where, "v_template", f"{size[1]:.3g} m high", "1–2.3 m along Y (units are metres, Y up)"
    )
    hips = exact.matmul(regressor[1:3], template)
    _require(
        hips[0, 0] > hips[1, 0],
        where,
        "v_template",
        "with the left hip at the right",
        "the person's left at +X, as in SMPL",
    )


def _require(ok, where, key, found, expected):
    if not ok:
        raise AssetError(
            f"{key!r} of {where} is {found}; expected {expected}. The file is damaged or no body model; copy "
            f"or download it again.\n{WHERE}"
        )


def _build(raw: _Raw, name, gender, uv) -> BodyModel:
    joints = len(raw.parents)
    names = _JOINT_NAMES.get(joints) or hand_joints("left" if gender == "left" else "right")
    order = _X_ORDER if joints == 55 else np.arange(joints)
    place = np.argsort(order)
    parents = np.array([place[p] if p >= 0 else -1 for p in raw.parents[order]])
    names = tuple(names[k] for k in order)
    weights = raw.weights[:, order].astype(np.float32)
    regressor = raw.regressor[order]
    template = raw.v_template.astype(np.float32)
    rest = exact.matmul(regressor, template.astype(np.float64))
    return BodyModel(
        name=name,
        family=_FAMILIES[joints],
        gender=gender,
        v_template=template,
        shapedirs=np.ascontiguousarray(raw.shapedirs, np.float32),
        posedirs=_pose_rows(raw.posedirs, order),
        joint_regressor=regressor,
        weights=weights,
        parents=parents,
        joint_names=names,
        topology=user_topology(template, raw.faces, weights, rest, names, uv),
    )


def _shape_only(raw: _Raw) -> np.ndarray:
    """(V, 3, S): SMPL-X keeps expressions behind 300 shape components, or in older files behind 10."""
    if len(raw.parents) != 55:
        return raw.shapedirs
    return raw.shapedirs[:, :, : 300 if raw.shapedirs.shape[2] >= 400 else 10]


def _pose_rows(posedirs, order) -> np.ndarray:
    """(V, 3, 9 (J - 1)) as in files → (9 (J - 1), 3 V), joints in the given order."""
    rows = np.ascontiguousarray(posedirs.reshape(-1, posedirs.shape[2]).T, np.float32)
    return rows.reshape(len(order) - 1, 9, -1)[order[1:] - 1].reshape(len(rows), -1)


def _find_uv(path, uv_path, raw, arrays):
    """(F, 3, 2) official texture coordinates, or None."""
    vertices = len(raw.v_template)
    if uv_path is not None:
        return read_obj_uv(Path(uv_path).expanduser(), vertices, raw.faces)
    if "vt" in arrays and "ft" in arrays and arrays["ft"].shape == raw.faces.shape:
        _require(
            all(arrays[key].dtype.kind in "iuf" for key in ("vt", "ft"))
            and arrays["vt"].ndim == 2
            and arrays["vt"].shape[1] == 2,
            path,
            "vt",
            f"of shape {arrays['vt'].shape}",
            "(N, 2) numbers, as ft is of indices",
        )
        index = arrays["ft"].astype(np.int64)
        return match_uv(str(path), vertices, raw.faces, vertices, raw.faces, arrays["vt"], index)
    for beside in sorted(path.parent.glob("*uv*.obj")):
        with suppress(TopologyError):  # it belongs to another model in the folder
            return read_obj_uv(contained(beside, path.parent), vertices, raw.faces)
    return None
