"""The native clip file: one HDF5 file holds one clip. No other package knows the format.

``docs/format.md`` describes it for readers without this package. ``layout`` says what there is, ``writer`` and
``reader`` follow it. ``benchmarks/container.py`` holds the measurement behind the choices: labels are kept only where
there is a surface, as integers with the pixel axis last; what compresses well is deflated at level 1, what does not is
stored. Every chunk and every header carries a checksum, and the whole content a sha256.
"""

from mannequin.generator.dataset.native.layout import FORMAT_VERSION, SUFFIX
from mannequin.generator.dataset.native.reader import ClipReader, open_clip, read_clip, verify_clip
from mannequin.generator.dataset.native.writer import clip_bytes, write_clip

__all__ = [
    "FORMAT_VERSION",
    "SUFFIX",
    "ClipReader",
    "clip_bytes",
    "open_clip",
    "read_clip",
    "verify_clip",
    "write_clip",
]
