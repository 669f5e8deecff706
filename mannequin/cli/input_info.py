"""What ``mannequin info`` says of files and folders that are no clips: what each is taken for and used as."""

from collections.abc import Callable
from pathlib import Path

from mannequin.generator.appearance import folder as textures
from mannequin.generator.body import files as bodies
from mannequin.generator.environment import ENVIRONMENT_SUFFIXES, load_environment
from mannequin.generator.errors import AssetError, ConfigError, MannequinError
from mannequin.generator.io.films import FILMS, IndexedFilm
from mannequin.generator.io.listing import list_files, natural, told_others
from mannequin.generator.io.npz import NpzFile
from mannequin.generator.io.photos import FORMATS, read_photo
from mannequin.generator.io.plain_yaml import YAML, read_yaml
from mannequin.generator.io.reading import read_json
from mannequin.generator.motion.finding import SUFFIXES as MOTIONS
from mannequin.generator.motion.finding import search_motions
from mannequin.generator.rigs.calibration import describe_camera, is_camera

LISTED = 20
KINDS = (
    "a clip (.h5), a dataset, clips in SURREAL's layout, a motion (.bvh, .npz), people in a video "
    "(.pkl, .pt), SMPL parameters (.npz), a body model (.pkl, .npz), textures or photos (images), an environment "
    "image (.exr, .hdr), a film, a camera (.json, .yaml, .npz), a training run, or a folder of any of these"
)
_RUN = ("config.json", "checkpoints")
BODY_KEYS = {"v_template", "shapedirs", "weights"}


def describe_file(path: Path) -> list[dict]:
    """Facts of one file, in plain values: taken_for, used_as, what it holds, doubtful. Motions are told of elsewhere
    (``motion_info``). Raises what is wrong with it; ConfigError for a kind that is not known."""
    suffix = path.suffix.lower()
    if suffix in FORMATS:
        return [_image(path)]
    if suffix in ENVIRONMENT_SUFFIXES:
        return [_environment(path)]
    if suffix in FILMS:
        return [_film(path)]
    if suffix == ".pkl" or (suffix == ".npz" and BODY_KEYS <= set(NpzFile(path).keys)):
        return [_body(path)]
    if suffix in (".json", *YAML) and is_camera(_plain(path)):
        return [_camera(path)]
    if suffix == ".npz" and is_camera(dict.fromkeys(NpzFile(path).keys)):
        return [_camera(path)]
    raise _unknown(path, f"It ends in {suffix!r}." if suffix else "It has no suffix.")


def describe_folder(path: Path) -> dict:
    """Facts of a folder of assets. Raises ConfigError for one that holds nothing known."""
    if all((path / name).exists() for name in _RUN):
        return _facts(path, "a training run", "a network for `predict`, `evaluate` and `export`")
    found: dict = {}
    for part in (_motions, _bodies, _textures, _environments):
        found |= part(path)
    if not found:
        others = list_files(path, ()).others
        raise _unknown(path, f"It holds {told_others(others)}." if others else "It is empty.")
    doubtful = found.pop("left_out", [])
    used_as = "motions, bodies, textures, photos or environments of `generate`"
    return _facts(path, "a folder of assets", used_as) | found | {"left_out": doubtful}


def _facts(path: Path, taken_for: str, used_as: str, **more) -> dict:
    return {"file": str(path), "taken_for": taken_for, "used_as": used_as, **more}


def _unknown(path: Path, seen: str) -> ConfigError:
    return ConfigError(f"{path} is nothing that Mannequin knows. {seen} Expected {KINDS}.")


def _plain(path: Path):
    expected = "a camera"
    return read_yaml(path, expected) if path.suffix.lower() in YAML else read_json(path, expected)


def _image(path: Path) -> dict:
    pixels = read_photo(path, "an image")
    height, width = pixels.shape[:2]
    square = height == width and textures.LEAST_SIZE <= height
    use = "a background (--backgrounds), or for `predict`" + (", or a texture (--textures)" if square else "")
    doubtful = [] if square else ["textures must be square"]
    if int(pixels.max()) - int(pixels.min()) < 2:
        doubtful.append("it has one colour")
    gender = textures.gender_of(Path(path.parent.name, path.name)) or "anybody"
    return _facts(path, "an image", use, height=height, width=width, texture_for=gender, doubtful=doubtful)


def _environment(path: Path) -> dict:
    image = load_environment(path)
    height, width = image.shape[:2]
    doubtful = []
    if float(image.max()) <= 1.0:
        doubtful.append("nothing in it is brighter than 1: it may have been made from a photo")
    return _facts(
        path,
        "an equirectangular environment image",
        "light and background (--environments)",
        height=height,
        width=width,
        mean=float(image.mean()),
        brightest=float(image.max()),
        doubtful=doubtful,
    )


def _film(path: Path) -> dict:
    film = IndexedFilm(path)
    try:
        height, width = film.resolution
    finally:
        film.close()
    return _facts(path, "a film", "footage for `label --images` or `predict`", height=height, width=width, fps=film.fps)


def _body(path: Path) -> dict:
    model = bodies.load_body(path)
    return _facts(
        path,
        "a body model",
        "people (--body)",
        gender=model.gender,
        vertices=model.num_vertices,
        joints=len(model.joint_names),
        betas=model.num_betas,
        topology=model.topology.id,
    )


def _camera(path: Path) -> dict:
    told = describe_camera(path)
    fields = ", ".join(f"{what} from {key!r}" for what, key in told.pop("fields").items())
    notes = told.pop("notes")
    return _facts(path, "a camera", "the camera of `label --camera`", read=fields, **told, doubtful=notes)


def _tried(read: Callable):
    """What ``read`` gives, or None where a folder holds none of its kind."""
    try:
        return read()
    except AssetError:
        return None


def _motions(path: Path) -> dict:
    if not list_files(path, MOTIONS).files:
        return {}
    try:
        found = search_motions([path])
    except AssetError as e:
        return {"left_out": [str(e)]}
    left_out = [fault.reason for fault in found.left_out]
    for motion in found.files.values():
        try:
            _ = motion.duration
        except MannequinError as e:
            left_out.append(str(e))
    return {"motions": len(found.files), "names": list(found.files)[:LISTED], "left_out": left_out}


def _bodies(path: Path) -> dict:
    found = _tried(lambda: bodies.find_bodies(path))
    return {"bodies": {gender: str(file) for gender, file in found.items()}} if found else {}


def _textures(path: Path) -> dict:
    listing = list_files(path, FORMATS)
    if not listing.files:
        return {}
    found = textures.list_textures(path)
    genders = [texture.gender or "anybody" for texture in found.files.values()]
    splits = sorted({split for texture in found.files.values() for split in texture.lists or ()})
    return {
        "images": len(found.files),
        "first": sorted((name.removeprefix("texture/") for name in found.files), key=natural)[:LISTED],
        "as_textures_for": {gender: genders.count(gender) for gender in sorted(set(genders))},
        "lists_of_splits": splits,
        "images_left_out": [fault.reason for fault in found.left_out],
        "passed_over": list(found.passed_over),
    }


def _environments(path: Path) -> dict:
    files = list_files(path, ENVIRONMENT_SUFFIXES).files
    if not files:
        return {}
    bad = []
    for file in files:
        try:
            load_environment(file)
        except AssetError as e:
            bad.append(str(e))
    return {"environments": len(files), "environments_left_out": bad}
