"""Describe, pose and record synthetic people. Nothing here imports a renderer."""

if __name__ != "mannequin.generator":
    raise ImportError(f"This package is a part of Mannequin: import mannequin.generator, not {__name__}.")
