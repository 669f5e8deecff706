"""How much a file that somebody made may ask of us. Readers refuse more before they take memory for it.

What a reader holds in memory at one time may follow the file's size: :func:`room`. The other numbers are of things
whose size says nothing of what they unpack to. Each is well above what honest files hold; a file beyond one can be
cut, resized or converted.
"""

from mannequin.generator.errors import MannequinError

MIB, GIB = 1 << 20, 1 << 30

ROOM = 512 * MIB
EXPANSION = 64
"""See :func:`room`. Packed arrays of honest files take up to ten times their size in memory, pictures and plain masks
up to 64 times; a bomb takes a thousand times."""


def room(size: int) -> int:
    """Bytes of memory that reading a file of ``size`` bytes may take at one time."""
    return ROOM + EXPANSION * size


def check_room(where: str, what: str, asked: int, size: int, error: type[MannequinError], advice: str) -> None:
    """Raises ``error`` if reading ``what`` of the file ``where``, of ``size`` bytes, takes more memory than it may.

    asked: bytes that it takes. advice: a sentence on what to do.
    """
    if asked > room(size):
        raise error(
            f"{where}: {what} takes {asked} bytes of memory; of a file of {size} bytes at most {room(size)} are "
            f"read at once. {advice}"
        )


JSON_BYTES = 64 * MIB
"""A clip described frame by frame takes a third of a kilobyte for each."""

JSON_DEPTH = 64
"""Lists and objects within one another."""

JSON_INTEGER = 1 << 64
"""Whole numbers stay below it, on both sides of 0; other numbers are finite."""

CLIPS = 10**12
"""Planned in a dataset."""

IMAGE_BYTES = GIB
"""Of an image file."""

IMAGE_PIXELS = 1 << 27
"""Of a photo or environment image: 16,384 × 8,192."""

IMAGE_COST = {
    "PNG": 16, "JPEG": 16, "BMP": 16, "TIFF": 20, "WEBP": 20, "GIF": 20, "AVIF": 30, "HDR": 40, "EXR": 40,
}  # fmt: skip
"""Bytes of memory that decoding takes for each pixel, by format."""

TEXTURE_TEXELS = 8192
"""A side of a texture."""

TEXTURE_COORDINATE = 100.0
"""Of a mesh. Those beyond [0, 1] repeat the image; no file does so this often."""

TOPOLOGY_ID_BYTES = 1000
"""Of the file in a folder of textures that names the mesh they are made for."""

FOOTAGE_BYTES = 8 * GIB
"""Of real footage once it is decoded."""

FILM_EXPANSION = 500
"""Bytes of decoded frames for each of a film, besides ROOM."""

FILM_COST = 40
"""Bytes of memory that decoding a film takes for each pixel of a frame: codecs keep some twenty frames."""

BODY_BYTES = 4 * GIB
"""Of a body model file; the largest official one has half a gigabyte."""

BODY_ENTRIES = 1 << 26
"""Numbers in one array of a body model: four times the most that one has."""

BODY_COORDINATE = 100.0
"""Metres, and shares of a vertex: no coordinate, displacement or regressor of a person comes near."""

BODY_COST = 4
"""Times that an array of a body model is in memory while it is checked."""

PICKLE_STEPS = 1 << 18
"""Reads of a pickle; each builds at most one object. A body model takes some thousands."""

RESULT_BYTES = 64 * GIB
"""Of a result file of people in a video, most of which are meshes that are passed over."""

RESULT_STEPS = 1 << 22
RESULT_STEP = 16
"""Reads of such a file's pickle, and one more for each of so many bytes: PHALP's have some forty for each."""

TENSOR_PICKLE_BYTES = 16 * MIB
"""Of what a .pt file says of its tensors, and in which all its values but them are."""

PEOPLE = 500
FRAME_NUMBER = 1 << 31
"""People of one file of motions, and numbers of frames in them."""

ARRAY_BYTES = 2 * GIB
"""Of an array in a motion file; an hour of AMASS at 120 Hz has 0.5 GiB."""

ARRAY_COST = 12
"""Times that an array of poses is in memory while its rotations are made."""

ZIP_DIRECTORY_BYTES = 32 * MIB
"""Of a zip file's table of contents: some 300,000 members."""

BVH_BYTES = GIB
BVH_HEAD_BYTES = 4 * MIB
"""Of a BVH file, and of its skeleton."""

COLMAP_BYTES = GIB
"""Of a text file of COLMAP's, which may list all points of all images."""

BVH_JOINTS = 1000

BVH_NAME = 1000
"""Characters of a joint's name."""

JOINT_MAP_BYTES = MIB
"""Of a map of joints: some dozen names for each skeleton."""

GROUPS_BYTES = MIB
"""Of a list of motions that were recorded together."""

BVH_COST = 400
"""Bytes of memory for each joint of each frame while poses become positions."""

MOTION_RATES = (1.0, 2000.0)
"""Frames per second that a recording may have."""

COORDINATE = 1e9
"""Largest number in a motion or mesh; beyond it single precision and squares break down."""

MESH_BYTES = 64 * MIB
"""Some million vertices; reading takes 16 times as much memory. Of an object's mesh file or an .obj of texture
coordinates."""

MESH_MATERIALS = 1000
"""Times that an .obj turns to a material; each makes a mesh of its own."""

MATLAB_BYTES = 256 * MIB
"""Of one variable of a MATLAB file once it is decompressed."""

MATLAB_COST = 32
"""Bytes of memory for each number of such a variable."""

MATLAB_TEXT_BYTES = MIB
"""Of a variable of text, or of cells of text, whose objects take many times their size."""

SURREAL_FRAMES = 100_000
"""Frames times people of a clip in SURREAL's layout: an hour of one person."""

CLIP_BYTES = 8 * GIB
"""Of a clip file that is fetched whole, from an object store."""

CHUNK_BYTES = 64 * MIB
"""Of one chunk of an array in a clip; the writer's have one or two, a frame of vertices more."""

CLIP_DEPTH = 8
"""Groups within one another in a clip file; the format has five."""

ATTRIBUTE_VALUES = 256
ATTRIBUTE_BYTES = 64 * 1024
"""Of one attribute in a clip file, and of the texts that HDF5 keeps together for several."""

BETAS = 1000
VERTICES = 1 << 22
"""Shape coefficients and vertices of a person in a clip."""

WEIGHT_BYTES = 16 * GIB
"""Of a checkpoint's file of tensors."""

NETWORK_SIZE = 65_536
"""The most that any option of a checkpoint's network may be: sizes, channels, depths."""


def frames(size: int) -> int:
    """Frames that a clip file of ``size`` bytes may have: honest ones take hundreds of bytes for each."""
    return 50_000 + size // 64
