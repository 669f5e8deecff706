"""What a dataset holds, as tallies of fixed size."""

from collections import defaultdict

import numpy as np

from mannequin.generator.clip import VISIBILITY
from mannequin.report.measures import MEASURES, Facts
from mannequin.report.tallies import EvenSample, Histogram, LogHistogram, Names, Turns

MOST_POSES = 400
"""Of all clips, compared with each other."""

MOST_BODIES = 12
"""Different bodies whose shape is counted apart."""

NAMES = {
    "resolution": ("Image size", "clips"),
    "frames": ("Frames of a clip", "clips"),
    "rate": ("Frames per second", "clips"),
    "split": ("Split", "clips"),
    "preset": ("Preset", "clips"),
    "cameras": ("Cameras of a clip", "clips"),
    "people": ("People of a clip", "clips"),
    "rig": ("Rig of cameras", "clips"),
    "camera_motion": ("Camera motion", "clips"),
    "arrangement": ("Arrangement of people", "clips"),
    "objects": ("Objects of a clip", "clips"),
    "action": ("Action", "people in clips"),
    "body": ("Body", "people in clips"),
    "gender": ("Gender of the body", "people in clips"),
    "light": ("Light", "clips"),
    "environment": ("Environment image of the light", "clips"),
    "background": ("Background", "clips"),
    "photo": ("Photo", "clips"),
    "top": ("Upper garment", "people in clips"),
    "bottom": ("Lower garment", "people in clips"),
    "shoes": ("Shoes", "people in clips"),
    "hair": ("Hair", "people in clips"),
    "pattern": ("Pattern", "people in clips"),
    "texture": ("Texture", "people in clips"),
    "channel": ("Channel", "cameras of clips"),
}
"""kind of name → (title, what n counts)."""


class Statistics:
    """The sum of what clips add; exact, except that poses are sampled."""

    def __init__(self):
        self.clips = self.frames = 0
        self.values = {name: Histogram(m.low, m.high, m.bins) for name, m in MEASURES.items()}
        self.names = {kind: Names() for kind in NAMES}
        self.parts = np.zeros(25, np.int64)
        self.visibility = np.zeros(len(VISIBILITY), np.int64)
        self.joints: dict[str, np.ndarray] = {}
        self.turns: dict[str, Turns] = defaultdict(Turns)
        self.poses = EvenSample(MOST_POSES)
        self.betas: dict[str, list[Histogram]] = {}
        self.agreement: dict[str, LogHistogram] = {}
        self.versions: dict[str, Names] = {}

    def add(self, facts: Facts) -> None:
        """Count one clip."""
        self.clips += 1
        self.frames += facts.frames
        self.parts += facts.parts
        self.visibility += facts.visibility
        for name, values in facts.values.items():
            for value in values:
                self.values[name].add(value)
        for kind, names in facts.names.items():
            self.names[kind].add(names)
        for name, row in facts.joints.items():
            self.joints[name] = self.joints.get(name, np.zeros(3, np.int64)) + row
        for name, (total, n) in facts.turns.items():
            self.turns[name].add(total, n)
        for pose in facts.poses:
            self.poses.add((self.clips, pose))
        for body, betas in facts.betas:
            self._add_betas(body, betas)
        for name, value in facts.agreement.items():
            if len(self.agreement) < 100 or name in self.agreement:
                self.agreement.setdefault(name, LogHistogram()).add(value)
        for name, version in facts.versions.items():
            if len(self.versions) < 100 or name in self.versions:
                self.versions.setdefault(name, Names()).add([version])

    def _add_betas(self, body: str, betas: np.ndarray) -> None:
        if body not in self.betas and len(self.betas) == MOST_BODIES:
            return
        rows = self.betas.setdefault(body, [])
        rows += [Histogram(-10.0, 10.0, 400) for _ in range(min(len(betas), 10) - len(rows))]
        for row, value in zip(rows, betas):
            row.add([value])

    def pose_distances(self) -> "PoseDistances":
        """Between the sampled poses of different clips."""
        owners = np.array([owner for owner, _ in self.poses.items], np.int64)
        poses = np.array([pose for _, pose in self.poses.items])
        pairs, nearest = Histogram(0.0, 200.0, 400), Histogram(0.0, 200.0, 400)
        for k, pose in enumerate(poses):
            apart = 100.0 * np.linalg.norm(poses - pose, axis=-1).mean(-1)
            other = owners != owners[k]
            pairs.add(apart[other & (np.arange(len(poses)) > k)])
            if other.any():
                nearest.add([apart[other].min()])
        return PoseDistances(len(poses), pairs, nearest)


class PoseDistances:
    """Mean distance of corresponding joints, in cm, of poses seen from their own pelvis.

    n: poses. pairs: between any two of different clips. nearest: from each to the nearest of another clip.
    """

    def __init__(self, n: int, pairs: Histogram, nearest: Histogram):
        self.n, self.pairs, self.nearest = n, pairs, nearest
