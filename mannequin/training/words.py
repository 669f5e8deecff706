"""Metrics in words."""

METRICS = {
    "loss": ("loss", 1.0, "{:.3f}"),
    "iou": ("overlap (IoU), mean of the 14 parts", 100.0, "{:.1f} %"),
    "accuracy": ("pixels of a part that are found, mean of the 14 parts", 100.0, "{:.1f} %"),
    "iou_with_background": ("overlap (IoU), with background", 100.0, "{:.1f} %"),
    "accuracy_with_background": ("pixels found, with background", 100.0, "{:.1f} %"),
    "pixels": ("pixels that are right", 100.0, "{:.1f} %"),
    "silhouette": ("overlap (IoU) of the silhouette", 100.0, "{:.1f} %"),
    "rmse": ("error of depth (RMSE)", 1.0, "{:.1f} mm"),
    "st_rmse": ("the same after best scale and shift", 1.0, "{:.1f} mm"),
    "pose_rmse": ("error of depth at the joints", 1.0, "{:.1f} mm"),
    "st_pose_rmse": ("the same after best scale and shift", 1.0, "{:.1f} mm"),
}
"""Name of a metric → what it is, its factor and how it is written."""


def described(name: str) -> str:
    """What the metric ``name`` is."""
    return METRICS[name][0] if name in METRICS else name


def figure(name: str, value: float | None) -> str:
    """A value of it; None stands for what could not be said."""
    if value is None:
        return "unknown"
    _, factor, form = METRICS.get(name, ("", 1.0, "{:.4g}"))
    return form.format(factor * value)
