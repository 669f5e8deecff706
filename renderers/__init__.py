"""Turn scenes into clips."""

if __name__ != "mannequin.renderers":
    raise ImportError(f"This package is a part of Mannequin: import mannequin.renderers, not {__name__}.")
