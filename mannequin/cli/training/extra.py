"""Whether what training needs is installed."""

from importlib.util import find_spec

from mannequin.generator.errors import MissingExtraError

NEEDED = ("torch", "lightning_fabric", "safetensors", "tensorboard")


def need_training() -> None:
    """Raises MissingExtraError if it is not."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"Training needs {', '.join(missing)}, which is not installed. Install it: pip install 'mannequin[train]'"
        )
