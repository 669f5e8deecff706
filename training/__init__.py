"""Learning from generated data."""

if __name__ != "mannequin.training":
    raise ImportError(f"This package is a part of Mannequin: import mannequin.training, not {__name__}.")
