"""Figures that the thesis reports (G. Varol, "Learning human body and human action representations from visual data",
2019, chapter 3), each with the data that it was measured on. They are targets on those data, never results of ours.
"""

from collections.abc import Container
from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """What was reported on one data set.

    source: where it stands. protocol: what was measured. n: images, in words. columns: training data →
    name of the meter's figures → value in the figure's unit.
    """

    source: str
    protocol: str
    n: str
    columns: dict[str, dict[str, float]]


def _columns(names: str, **trained: tuple[float, ...]) -> dict[str, dict[str, float]]:
    return {key.replace("_", "+"): dict(zip(names.split(), values, strict=True)) for key, values in trained.items()}


_SURREAL = "SURREAL test split, middle frame of every clip"
_H36M = "Human3.6M S11, every 64th frame, 4 cameras"

PUBLISHED = {
    "surreal": (
        Published("thesis 3.5.2", _SURREAL, "12,528", _columns("iou accuracy", Synth=(69.13, 80.61))),
        Published("thesis 3.5.2", _SURREAL, "12,528", _columns("rmse st_rmse", Synth=(72.9, 56.3))),
    ),
    "fsitting": (
        Published(
            "thesis, Table 3.2",
            "Freiburg Sitting People, 4 test subjects",
            "not stated",
            _columns(
                "iou_head iou_torso iou_upper_legs iou accuracy",
                Real=(58.44, 24.92, 30.15, 28.77, 38.02),
                Synth=(73.20, 65.55, 39.41, 40.10, 51.88),
                Synth_Real=(72.88, 80.76, 65.41, 59.58, 78.14),
                Synth_Real_up=(85.09, 87.91, 77.00, 68.84, 83.37),
            ),
        ),
    ),
    "h36m": (
        Published(
            "thesis, Table 3.3",
            _H36M,
            "not stated",
            _columns(
                "iou_with_background iou accuracy_with_background accuracy",
                Real=(49.61, 46.32, 58.54, 55.69),
                Synth=(46.35, 42.91, 56.51, 53.55),
                Synth_Real=(57.07, 54.30, 67.72, 65.53),
            ),
        ),
        Published(
            "thesis, Table 3.4",
            _H36M,
            "not stated",
            _columns(
                "rmse st_rmse pose_rmse st_pose_rmse",
                Real=(96.3, 75.2, 122.6, 94.5),
                Synth=(111.6, 98.1, 152.5, 131.5),
                Synth_Real=(90.0, 67.1, 92.9, 82.8),
            ),
        ),
    ),
}
"""By protocol."""


def published_for(protocol: str, figures: Container[str]) -> Published | None:
    """What to show beside results called ``figures`` under ``protocol``: of generated data those on SURREAL, which is
    other data."""
    for published in PUBLISHED.get("surreal" if protocol == "native" else protocol, ()):
        if all(name in figures for column in published.columns.values() for name in column):
            return published
    return None
