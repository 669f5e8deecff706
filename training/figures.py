"""What the results of meters are called, and how they are written. Nothing here needs torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """scale: from the meter's value to ``unit``. digits: behind the point."""

    title: str
    unit: str
    scale: float
    digits: int = 1

    def text(self, value: float | None) -> str:
        """A value of the meter, with its unit; None stands for what could not be said."""
        return "unknown" if value is None else f"{value * self.scale:.{self.digits}f} {self.unit}".rstrip()


FIGURES = {
    "loss": Figure("loss", "", 1, 4),
    "iou": Figure("IoU, 14 parts", "%", 100),
    "accuracy": Figure("pixel accuracy (recall), 14 parts", "%", 100),
    "iou_with_background": Figure("IoU, with background", "%", 100),
    "accuracy_with_background": Figure("pixel accuracy, with background", "%", 100),
    "pixels": Figure("pixels right, plain", "%", 100),
    "silhouette": Figure("IoU of person", "%", 100),
    "iou_head": Figure("IoU, head", "%", 100),
    "iou_torso": Figure("IoU, torso", "%", 100),
    "iou_upper_legs": Figure("IoU, upper legs", "%", 100),
    "rmse": Figure("RMSE", "mm", 1),
    "st_rmse": Figure("st-RMSE", "mm", 1),
    "pose_rmse": Figure("PoseRMSE", "mm", 1),
    "st_pose_rmse": Figure("st-PoseRMSE", "mm", 1),
}
"""Results by name, as meters have them, in the order of tables."""


def figure_of(name: str) -> Figure:
    """That of the result called ``name``; one that is not known goes by its name."""
    return FIGURES.get(name, Figure(name, "", 1, 4))
