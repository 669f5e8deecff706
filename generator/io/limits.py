"""How much a file that somebody made may ask of us. Readers refuse more before they take memory for it.

Each is well above what honest files hold; a file beyond one can be cut, resized or converted.
"""

MIB, GIB = 1 << 20, 1 << 30

JSON_BYTES = 64 * MIB
"""A clip described frame by frame takes a third of a kilobyte for each."""

JSON_DEPTH = 64
"""Lists and objects within one another."""

IMAGE_BYTES = GIB
"""Of an image file."""

IMAGE_PIXELS = 1 << 27
"""Of a photo or environment image: 16,384 × 8,192."""

TEXTURE_TEXELS = 8192
"""A side of a texture."""

TEXTURE_COORDINATE = 100.0
"""Of a mesh. Those beyond [0, 1] repeat the image; no file does so this often."""

TOPOLOGY_ID_BYTES = 1000
"""Of the file in a folder of textures that names the mesh they are made for."""

FOOTAGE_BYTES = 8 * GIB
"""Of real footage once it is decoded."""

BODY_BYTES = 4 * GIB
"""Of a body model file; the largest official one has half a gigabyte."""

BODY_ENTRIES = 1 << 26
"""Numbers in one array of a body model: four times the most that one has."""

BODY_COORDINATE = 100.0
"""Metres, and shares of a vertex: no coordinate, displacement or regressor of a person comes near."""

PICKLE_STEPS = 1 << 22
"""Reads of a pickle; each builds at most one object. A body model takes some thousands."""

ARRAY_BYTES = 2 * GIB
"""Of an array in a motion file; an hour of AMASS at 120 Hz has 0.5 GiB."""

ZIP_DIRECTORY_BYTES = 32 * MIB
"""Of a zip file's table of contents: some 300,000 members."""

BVH_BYTES = GIB
BVH_HEAD_BYTES = 4 * MIB
"""Of a BVH file, and of its skeleton."""

BVH_JOINTS = 1000

MOTION_RATES = (1.0, 2000.0)
"""Frames per second that a recording may have."""

COORDINATE = 1e9
"""Largest number in a motion or mesh; beyond it single precision and squares break down."""

MESH_BYTES = 64 * MIB
"""Some million vertices; reading takes 16 times as much memory. Of an object's mesh file or an .obj of texture
coordinates."""

MATLAB_BYTES = 256 * MIB
"""Of one variable of a MATLAB file once it is decompressed."""

CLIP_ARRAY_BYTES = 8 * GIB
"""Of one array read from a clip at once."""
