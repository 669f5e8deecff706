"""What meters of label maps share."""

from torch import Tensor

IGNORE = 255
"""Label of a pixel that nobody labelled; it counts in no loss and no metric."""


def checked_labels(predicted: Tensor, truth: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Both as int64 on the same device, or a ValueError."""
    if predicted.shape != truth.shape or truth.ndim != 3:
        raise ValueError(
            f"predicted is {tuple(predicted.shape)}, truth {tuple(truth.shape)}; expected two label maps (B, H, W)."
        )
    predicted, truth = predicted.long(), truth.to(predicted.device).long()
    for name, labels in (("predicted", predicted), ("truth", truth[truth != IGNORE])):
        if labels.numel() and not 0 <= labels.min() <= labels.max() < classes:
            raise ValueError(f"{name} has labels from {labels.min()} to {labels.max()}; expected 0 to {classes - 1}.")
    return predicted, truth
