"""Which side of a recorded skeleton is left: by names, and by where it faces.

People's toes point forward, their knees bend forward, they walk forward, their faces look forward.
Each of these votes for one of the two directions at right angles to the hips and the trunk; names
vote too. Where names say otherwise than clear anatomy, the file is a mirror image, and anatomy is
believed: a person comes out that nobody's joints contradict.
"""

from dataclasses import dataclass

import numpy as np

from mannequin.generator import exact
from mannequin.generator.errors import AssetError
from mannequin.generator.motion.joint_names import LEFT
from mannequin.generator.motion.joint_tree import Tree
from mannequin.generator.rotations import angle_between, unit

LEGS, ARMS = ("hip", "knee", "ankle", "toe"), ("collar", "shoulder", "elbow", "wrist")

WEIGHTS = {"map": 10.0, "toes": 3.0, "knees": 3.0, "names": 2.5, "foot ends": 2.0, "walking": 1.0, "face": 1.0}
"""What each kind of evidence counts, where all of it points one way."""

UNDECIDED = 0.5
"""Sum of the votes below which nobody can tell."""

FOOT, AHEAD = np.deg2rad(30.0), 0.5
"""A foot lies this far off the shin's direction, and its heading along front or back by this cosine at least."""

BENT, BENT_POSES = np.deg2rad(20.0), 3
"""A knee bent this far tells front from back, in so many poses."""

WALK = 0.5
"""Leg lengths that someone must get on by for the direction to tell."""

FACE = ("eye", "eyeball", "jaw", "nose", "chin", "mouth")


@dataclass(frozen=True)
class Facing:
    """swapped: role → whether the first joint of its pair is the right one. toes: whether those found show forward.

    told: how it was decided. doubts: sentences.
    """

    swapped: dict[str, bool]
    toes: bool
    told: str
    doubts: tuple[str, ...]

    def first_is_left(self, role: str) -> bool:
        return not self.swapped.get(role, False)


def decide(tree: Tree, sided: dict[str, tuple[int, int]], head: int, given, source: str) -> Facing:
    """Left and right of the pairs in ``sided``: of legs, and of arms, all left
    joints come first, or all right ones.

    given: the roles that the user's map names, left first. Raises AssetError where nothing tells.
    """
    poses = tree.poses
    across = {role: poses[:, sided[role][0]] - poses[:, sided[role][1]] for role in ("hip", "shoulder")}
    same = 1.0 if float(exact.dot(_unit(across["hip"]), _unit(across["shoulder"])).mean()) >= 0.0 else -1.0
    hips = poses[:, list(sided["hip"])].mean(axis=1)
    up = _unit(poses[:, head] - hips)
    ahead = _unit(np.cross(_unit(across["hip"]), up))
    votes, notes = _toes(tree, sided, ahead)
    votes |= _knees(tree, sided, ahead) | _walking(tree, sided, hips, ahead) | _face(tree, head, up, ahead)
    by_name = _named(tree, sided, LEGS), same * _named(tree, sided, ARMS)
    if by_name[0] * by_name[1] < 0:
        notes.append("the names of legs and arms call opposite sides left")
    if any(by_name):
        votes["names"] = float(np.sign(sum(by_name)))
    if given:
        votes["map"] = 1.0 if any(role in LEGS for role in given) else same
    total = sum(WEIGHTS[kind] * vote for kind, vote in votes.items())
    if abs(total) < UNDECIDED:
        raise AssetError(
            f"The motion {source} does not tell left from right (evidence: {_told(votes) or 'none'}). Expected "
            "sides in the joints' names, or toes, bent knees or a path that show where front is. Name the "
            "joints in a map: see mannequin info --help, --joint-map."
        )
    side = 1.0 if total > 0 else -1.0
    against = [kind for kind, vote in votes.items() if vote * side < -0.3]
    if against:
        notes.append(_contradiction(tree, sided, against, votes, side))
    swapped = dict.fromkeys(LEGS, side < 0) | dict.fromkeys(ARMS, side * same < 0)
    shown = "toes" in votes or "foot ends" in votes
    return Facing(swapped, shown and not {"toes", "foot ends"} & set(against), _told(votes), tuple(notes))


def _told(votes: dict[str, float]) -> str:
    return ", ".join(f"{kind} ({abs(vote):.2f})" for kind, vote in sorted(votes.items(), key=lambda v: -WEIGHTS[v[0]]))


def _contradiction(tree: Tree, sided, against: list[str], votes, side: float) -> str:
    believed = ", ".join(kind for kind, vote in votes.items() if vote * side > 0.3) or "the sum of weak evidence"
    left = sided["hip"][0 if side > 0 else 1]
    if "names" in against:
        return (
            f"names and anatomy contradict each other on left and right; believed: {believed}. So "
            f"{tree.labels[left]!r} is the left hip, as in a mirror image"
        )
    return f"{', '.join(against)} would have front at the back; believed: {believed}"


def _toes(tree: Tree, sided, ahead: np.ndarray) -> tuple[dict[str, float], list[str]]:
    """The vote of the feet, and what is told where they are none."""
    if "toe" not in sided:
        return {}, ["nothing hangs from the ankles: feet keep the angle that they have in the reference pose"]
    off, cosines = [], []
    for knee, ankle, toe in zip(sided["knee"], sided["ankle"], sided["toe"]):
        foot, shin = tree.poses[:, toe] - tree.poses[:, ankle], tree.poses[:, ankle] - tree.poses[:, knee]
        off.append(angle_between(foot, shin))
        across = _unit(foot - _unit(shin) * exact.dot(foot, _unit(shin))[:, None])
        cosines.append(exact.dot(across, ahead))
    # Where the rest pose is no pose of a person, the frames are many more.
    slant, heading = float(np.median(off)), np.median(np.array(cosines), axis=1)
    label = tree.labels[sided["toe"][0]]
    if slant < FOOT:
        return {}, [f"{label!r} lies straight below the shin and is no toe: front is told by other things"]
    if abs(heading).min() < AHEAD or heading[0] * heading[1] < 0:
        return {}, [f"{label!r} points sideways and is no toe: front is told by other things"]
    kind = "foot ends" if tree.names[sided["toe"][0]].is_end else "toes"
    return {kind: float(heading.mean())}, []


def _knees(tree: Tree, sided, ahead: np.ndarray) -> dict[str, float]:
    cosines = []
    for joints in zip(sided["hip"], sided["knee"], sided["ankle"]):
        hip, knee, ankle = (tree.poses[:, j] for j in joints)
        bent = angle_between(knee - hip, ankle - knee) > BENT
        cosines.append(exact.dot(_unit(knee - (hip + ankle) / 2.0), ahead)[bent])
    seen = np.concatenate(cosines)
    return {"knees": float(seen.mean())} if len(seen) >= BENT_POSES and abs(float(seen.mean())) > 0.2 else {}


def _walking(tree: Tree, sided, hips: np.ndarray, ahead: np.ndarray) -> dict[str, float]:
    joints = [(sided[a][k], sided[b][k]) for a, b in (("hip", "knee"), ("knee", "ankle")) for k in (0, 1)]
    leg = sum(float(exact.norm(tree.poses[-1, a] - tree.poses[-1, b])) for a, b in joints) / 2.0
    path, facing = np.diff(hips[1:], axis=0), ahead[1:-1]  # without the rest pose
    if not len(path) or float(exact.norm(hips[-1] - hips[1])) < WALK * leg:
        return {}
    vote = float(exact.dot(path, facing).sum() / exact.norm(path).sum())
    return {"walking": vote} if abs(vote) > 0.3 else {}


def _face(tree: Tree, head: int, up: np.ndarray, ahead: np.ndarray) -> dict[str, float]:
    joints = [j for j, name in enumerate(tree.names) if name.word in FACE and head in tree.paths[j][:-1]]
    if not joints:
        return {}
    to = tree.poses[:, joints].mean(axis=1) - tree.poses[:, head]
    vote = float(exact.dot(_unit(to - up * exact.dot(to, up)[:, None]), ahead).mean())
    return {"face": vote} if abs(vote) > 0.3 else {}


def _named(tree: Tree, sided, roles) -> float:
    """+1 where the names of the roles' first joints say left, -1 right, 0 where they are silent or undecided."""
    sides = [tree.names[j].side for role in roles if role in sided for j in sided[role][:1] if not tree.names[j].is_end]
    said = [1 if side == LEFT else -1 for side in sides if side is not None]
    return float(np.sign(sum(said)))


def _unit(v: np.ndarray) -> np.ndarray:
    """Directions of (…, 3); 0 stays 0."""
    return unit(np.where(exact.norm(v)[..., None] > 1e-12, v, [1.0, 0.0, 0.0])) * (exact.norm(v)[..., None] > 1e-12)
