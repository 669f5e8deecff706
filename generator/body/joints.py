"""Fewer joints for the same mesh: SMPL-H and SMPL-X bodies driven as SMPL ones."""

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from mannequin.generator.body.model import FINGERS, SMPL_JOINTS, SMPL_PARENTS, SMPLH_JOINTS, SMPLH_PARENTS, BodyModel
from mannequin.generator.errors import ConfigError


def with_joints(model: BodyModel, joints: int) -> BodyModel:
    """The body with the 24 joints of SMPL or the 52 of SMPL-H; itself if it has them.

    Fingers join the hand, jaw and eyes the head. The result moves exactly as the full body does
    while those joints rest. Raises ConfigError for joints that the model cannot have.
    """
    if joints == model.num_joints:
        return model
    if "pelvis" not in model.joint_names:
        raise ConfigError(
            f"The model {model.name!r} ({model.family}) is no whole body; expected SMPL, SMPL-H or SMPL-X."
        )
    if joints not in (24, 52) or joints > model.num_joints:
        raise ConfigError(
            f"The body {model.name!r} ({model.family}) has {model.num_joints} joints and cannot be used with {joints}. "
            "Fingers need SMPL-H (https://mano.is.tue.mpg.de) or SMPL-X (https://smpl-x.is.tue.mpg.de); else "
            "ask for 24."
        )
    names, parents = (SMPL_JOINTS, SMPL_PARENTS) if joints == 24 else (SMPLH_JOINTS, SMPLH_PARENTS)
    target = np.array([_merged_into(name, names) for name in model.joint_names])
    weights = np.zeros((model.num_vertices, joints), np.float32)
    np.add.at(weights.T, target, model.weights.T)
    return replace(
        model,
        posedirs=_posedirs(model, names),
        joint_regressor=sp.vstack([_regressor_row(model, name) for name in names]).tocsr(),
        weights=weights,
        parents=np.array(parents, np.int64),
        joint_names=names,
    )


def _merged_into(name: str, names) -> int:
    if name in names:
        return names.index(name)
    side, _, rest = name.partition("_")
    return names.index(f"{side}_hand" if rest[:-1] in FINGERS else "head")


def _posedirs(model, names) -> np.ndarray:
    """Correctives of the joints that stay; a merged hand has none."""
    old = model.posedirs.reshape(model.num_joints - 1, 9, -1)
    new = np.zeros((len(names) - 1,) + old.shape[1:], np.float32)
    for row, name in enumerate(names[1:]):
        if name in model.joint_names:
            new[row] = old[model.joint_names.index(name) - 1]
    return new.reshape(9 * len(new), -1)


def _regressor_row(model, name):
    """(1, V): the joint's own row; for a merged hand the mean of its knuckles."""
    if name in model.joint_names:
        return model.joint_regressor[model.joint_names.index(name)]
    side = name.partition("_")[0]
    knuckles = [model.joint_names.index(f"{side}_{finger}1") for finger in FINGERS if finger != "thumb"]
    return sp.csr_matrix(model.joint_regressor[knuckles].mean(axis=0))
