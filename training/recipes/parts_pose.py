"""Parts of the body first, then 2D joints from the image and the parts: BodyNet's way of chaining networks."""

from mannequin.training.options.pose2d import PARTS, PRESETS
from mannequin.training.recipes.recipe import Recipe, Stage


def _stages(preset: str) -> tuple[Stage, ...]:
    parts, pose = PARTS[preset], PRESETS[preset]
    return (
        Stage("parts", "segmentation", parts.network, parts.train, parts.data),
        Stage("pose", "pose2d", pose.network, pose.train, pose.data, {"parts": "parts"}),
    )


PARTS_POSE = Recipe(
    "parts-pose", "14 parts of the body, then 2D joints from them", {name: _stages(name) for name in PRESETS}
)
