"""Every asset a clip may name, by id: built in, or brought by the user."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from mannequin.generator.body.model import BodyModel
from mannequin.generator.errors import AssetError, ConfigError, MissingExtraError, unknown_name
from mannequin.generator.io import limits
from mannequin.generator.io.listing import Found, LeftOut
from mannequin.generator.io.remote import is_url, place
from mannequin.generator.motion.base import Motion, Reading
from mannequin.generator.streams import rank, stream
from mannequin.generator.survey import Kind, UserFiles, none_left

NUM_OUTFITS = 1000
NUM_SHAPES = 2000
BUILTIN = "builtin"


@dataclass(frozen=True)
class Assets:
    """What people, their surroundings and their motions are made of; the built-in ones are CC0."""

    body: str = BUILTIN
    """builtin, or a SMPL / SMPL-H / SMPL-X model file, or a folder of them. Here and below, URLs such as
    s3://bucket/folder will do too; they are copied once, see docs/remote.md."""

    motion: tuple[str, ...] = ()
    """Names of built-in actions; .bvh, AMASS .npz or SURREAL smpl_data.npz files; what VIBE, PHALP (4D-Humans), WHAM or
    GVHMR saved of a video (.pkl, .pt); folders of them. None given: all actions."""

    joint_map: str = ""
    """JSON file that says which joint of .bvh files is what, where that is not recognised. None given: by names and
    shape. `mannequin info FILE.bvh --joint-map-template` prints one to correct, see docs/inputs.md."""

    motion_groups: str = ""
    """JSON file that says which motion files were recorded together, in one space: [["18_01", "19_01"], …], by the ids
    of motions, see docs/inputs.md. People of one file are known to be."""

    textures: str = ""
    """Folder of texture images in the body's own UV layout. None given: procedural skin and clothes."""

    backgrounds: str = ""
    """Folder of photos. None given: views of the environment images."""

    environments: str = ""
    """Folder of .hdr / .exr environment images. None given: the CC0 worlds that come with bpy."""

    up: Literal["auto", "x", "-x", "y", "-y", "z", "-z"] = "auto"
    """Which way is up in motion files. auto: as people stand and lie in them; mannequin info FILE tells."""

    floor: Literal["auto", "trust"] = "auto"
    """auto: feet that stand in a recording are put on the floor, and heights that were not recorded, or drift, are
    mended. trust: heights are those of the file, whose floor is at 0."""

    motion_rate: float | None = None
    """Frames per second of motion files that do not say theirs. None given: 30."""

    def located(self) -> "Assets":
        """The same with absolute paths, so that a dataset finds its assets from any folder."""

        def absolute(name: str) -> str:
            if is_url(name):
                return str(place(name).absolute())
            return str(Path(name).absolute()) if name != BUILTIN and (Path(name).exists() or "/" in name) else name

        paths = {
            name: getattr(self, name)
            for name in ("joint_map", "motion_groups", "textures", "backgrounds", "environments")
        }
        return replace(
            self,
            body=absolute(self.body),
            motion=tuple(absolute(name) for name in self.motion),
            **{name: absolute(path) if path else "" for name, path in paths.items()},
        )


class Catalog:
    """The assets of one job. Loading is lazy; everything loaded is kept.

    What lists of ids hold can be drawn; files that cannot be used are not in them, see ``generator/survey.py``.
    """

    def __init__(self, assets: Assets = Assets(), left_out: tuple[LeftOut, ...] | None = None):
        """left_out: what another catalog of the same assets left out; by default it is found out when first needed."""
        self.assets, self._known = assets, left_out

    @cache
    def _local(self, path: str) -> Path:
        """``path``, or the copy of what lies there."""
        from mannequin.generator.io.downloads import local

        return local(path)

    @cached_property
    def files(self) -> UserFiles:
        """What the user brought, and what of it cannot be used."""
        from mannequin.generator import environment
        from mannequin.generator.appearance import folder

        a, kinds = self.assets, {}
        if a.body != BUILTIN:
            kinds["body"] = Kind(lambda: Found({}, self._body_faults()))
        if len(self._actions) < len(a.motion):
            kinds["motion"] = Kind(self._find_motions, lambda motion: motion.duration, _check_motion)
        elif a.motion_groups:
            raise ConfigError("--motion-groups needs recordings; name them by --motion.")
        if a.textures:
            kinds["texture"] = Kind(
                lambda: folder.find_textures(self._local(a.textures), self._topology),
                lambda texture: folder.check_texture_head(texture.path),
                lambda texture: folder.load_texture(texture.path, self._topology),
            )
        if a.environments:
            kinds["environment"] = Kind(
                lambda: environment.find_environments(self._local(a.environments)),
                environment.check_environment_head,
                environment.load_environment,
            )
        if a.backgrounds:
            kinds["photo"] = Kind(
                lambda: environment.find_photos(self._local(a.backgrounds)),
                environment.check_photo_head,
                environment.load_photo,
            )
        return UserFiles(kinds, self._known)

    @cached_property
    def _topology(self) -> str:
        """Id of the mesh that textures are put on."""
        return self.body(next(iter(self.bodies.values()))).topology.id

    # Bodies

    @cached_property
    def bodies(self) -> dict[str, str]:
        """Gender → body id."""
        if self.assets.body == BUILTIN:
            return {g: f"mannequin-{g}" for g in ("female", "male", "neutral")}
        return {gender: f"user-{gender}" for gender in self._user_bodies}

    @cached_property
    def genders(self) -> tuple[str, ...]:
        """Genders to draw people from: the two specific ones where they exist, hands never beside a body."""
        return drawn_genders(self.bodies)

    @cached_property
    def _body_choices(self) -> tuple[dict[str, tuple[Path, ...]], tuple[LeftOut, ...]]:
        from mannequin.generator.body.files import body_choices

        return body_choices(self._local(self.assets.body))

    def _body_faults(self) -> tuple[LeftOut, ...]:
        """Of a folder, the files that come before the first sound one of each gender that people are drawn from."""
        from mannequin.generator.body.files import load_body

        choices, found = self._body_choices[0], list(self._body_choices[1])
        if not Path(self._local(self.assets.body)).expanduser().is_dir():
            return ()
        for gender in drawn_genders(choices):
            for path in choices[gender]:
                try:
                    load_body(path, gender=gender)
                except AssetError as e:
                    found.append(LeftOut("body", str(path), str(e)))
                else:
                    break
        return tuple(found)

    @cached_property
    def _user_bodies(self) -> dict[str, Path]:
        bad = {fault.name for fault in self.files.left_out_of("body")}
        sound = {g: [p for p in paths if str(p) not in bad] for g, paths in self._body_choices[0].items()}
        if not any(sound.values()):
            raise none_left(list(self.files.left_out_of("body")))
        return {gender: paths[0] for gender, paths in sound.items() if paths}

    def body(self, body_id: str, joints: int = 24) -> BodyModel:
        """The model of ``body_id`` with 24 or 52 joints, or of a hand with its 16."""
        if body_id not in self.bodies.values():
            raise unknown_name("body", body_id, self.bodies.values())
        return self._body(body_id, joints)

    @lru_cache(maxsize=8)
    def _body(self, body_id: str, joints: int) -> BodyModel:
        origin, gender = body_id.split("-", 1)
        if origin == "mannequin":
            from mannequin.generator.body.builtin import load_builtin

            return load_builtin(gender, joints)
        from mannequin.generator.body.files import load_body

        return load_body(self._user_bodies[gender], name=body_id, gender=gender, joints=joints)

    def relaxed_hands(self) -> np.ndarray:
        """(2, 15, 3) axis-angles of the (left, right) hand at rest, in the order of SMPL-H."""
        from mannequin.generator.body.builtin import hand_pose_space

        return hand_pose_space().relaxed

    def shapes(self, body_id: str) -> np.ndarray:
        """(N, S) betas to draw bodies from: SURREAL's real ones where given, else unit normals."""
        real = self._real_shapes.get(body_id.split("-", 1)[1])
        if real is not None:
            return real
        from mannequin.generator.exact import normals

        size = min(10, self.body(body_id).num_betas)
        return np.clip(normals(stream(0, 0, f"shapes of {body_id}"), (NUM_SHAPES, size)), -2.5, 2.5)

    @cached_property
    def _real_shapes(self) -> dict[str, np.ndarray]:
        from mannequin.generator.motion.smpl_files import read_surreal_shapes

        if self.assets.body == BUILTIN:
            return {}
        for path in self.assets.motion:
            if Path(path).name.startswith("smpl_data"):
                return read_surreal_shapes(self._local(path))
        return {}

    # Motion

    @cached_property
    def _actions(self) -> tuple[str, ...]:
        from mannequin.generator.motion.procedural import ACTIONS

        if not self.assets.motion:
            return tuple(ACTIONS)
        return tuple(name for name in self.assets.motion if name in ACTIONS)

    def _find_motions(self) -> Found:
        from mannequin.generator.motion.finding import search_motions
        from mannequin.generator.motion.recorded import mapped
        from mannequin.generator.motion.together import read_groups, together

        found = search_motions(self._motion_path(name) for name in self.assets.motion if name not in self._actions)
        joint_map = str(self._local(self.assets.joint_map)) if self.assets.joint_map else ""
        motions = (file.read_as(self._reading) for file in found.files.values())
        groups = read_groups(str(self._local(self.assets.motion_groups)) if self.assets.motion_groups else "")
        return replace(found, files=together(mapped(motions, joint_map), groups, found.left_out))

    def _motion_path(self, name: str) -> Path:
        from mannequin.generator.motion.procedural import ACTIONS
        from mannequin.generator.motion.recorded import EXPECTED

        if is_url(name):
            return self._local(name)
        if Path(name).exists():
            return Path(name)
        if Path(name).suffix or "/" in name:
            raise AssetError(f"No motion file or folder at {name!r}. {EXPECTED}")
        raise unknown_name("action", name, ACTIONS)

    @cached_property
    def _reading(self) -> Reading:
        rate = self.assets.motion_rate
        if rate is not None and not limits.MOTION_RATES[0] <= rate <= limits.MOTION_RATES[1]:
            low, high = limits.MOTION_RATES
            raise ConfigError(f"motion-rate is {rate:g}; expected {low:g} to {high:g} Hz.")
        return Reading(self.assets.up, self.assets.floor, rate)

    @cached_property
    def motions(self) -> tuple[str, ...]:
        """Ids of all motions, in a fixed order."""
        return tuple(f"action/{name}" for name in self._actions) + self.files.usable("motion")

    def motion(self, motion_id: str) -> Motion:
        """The Motion of ``motion_id``."""
        if motion_id.startswith("action/"):
            return _action(motion_id.removeprefix("action/"))
        recordings = self.files.found("motion").files
        if motion_id not in recordings:
            raise unknown_name("motion", motion_id, self.motions)
        return recordings[motion_id]

    # Appearance

    @cached_property
    def textures(self) -> tuple[str, ...]:
        """Ids of all textures."""
        if self.assets.textures:
            return self.files.usable("texture")
        return tuple(f"outfit/{k}" for k in range(NUM_OUTFITS))

    @cache
    def textures_for(self, gender: str, split: str) -> tuple[str, ...]:
        """Ids of those that bodies of ``gender`` may wear in ``split``. Raises ConfigError if any of the genders that
        people are drawn from has none."""
        from mannequin.generator.appearance.folder import has_lists, wearable

        if not self.assets.textures:
            return members(self.textures, split)
        files = self.files.found("texture").files
        usable = {name: files[name] for name in self.textures}
        found = {g: wearable(usable, g, split) for g in dict.fromkeys((*self.genders, gender))}
        if not has_lists(files):
            found = {g: _members_of_each(names, split, lambda name: usable[name].gender) for g, names in found.items()}
        for each, names in found.items():
            if not names:
                listed = f" of the split {split!r} in its lists" if has_lists(files) and split != "all" else ""
                raise ConfigError(
                    f"The folder of textures {self.assets.textures!r} has none for {each} bodies{listed}, and people "
                    f"are drawn from {', '.join(self.genders)}. Add some, choose another --split, or give the --body "
                    "file of the gender that there are textures for."
                )
        return found[gender]

    def clothes(self, texture_id: str, body: BodyModel) -> np.ndarray:
        """(V, 3) float32 metres at rest by which what ``texture_id`` stands for covers ``body``."""
        from mannequin.generator.appearance.outfit import clothes

        if texture_id.startswith("outfit/"):
            return clothes(body, _outfit_number(texture_id))
        return np.zeros((body.num_vertices, 3), np.float32)

    def texture(self, texture_id: str, body: BodyModel, resolution: int) -> np.ndarray:
        """(R, R, 3) uint8 sRGB; procedural ones are painted with R = ``resolution`` texels."""
        from mannequin.generator.appearance.folder import load_texture
        from mannequin.generator.appearance.outfit import dress

        if texture_id.startswith("outfit/"):
            return dress(body, _outfit_number(texture_id), resolution).texture
        if texture_id not in self.files.found("texture").files:
            raise unknown_name("texture", texture_id, self.textures)
        return load_texture(self.files.found("texture").files[texture_id].path, body.topology.id)

    # Light and background

    @cached_property
    def _environment_files(self) -> dict[str, Path]:
        from mannequin.generator.environment import builtin_environments

        if self.assets.environments:
            return self.files.found("environment").files
        found = builtin_environments()
        if not found:
            raise MissingExtraError(
                'The built-in environment images come with Blender: pip install "mannequin[blender]", on Python 3.11 '
                "or 3.13. Or give a folder of your own with --environments."
            )
        return found

    @property
    def environments(self) -> tuple[str, ...]:
        """Ids of all environment images."""
        return self.files.usable("environment") if self.assets.environments else tuple(self._environment_files)

    @lru_cache(maxsize=4)
    def environment(self, environment_id: str) -> np.ndarray:
        """(h, w, 3) float32 linear equirectangular image."""
        from mannequin.generator.environment import load_environment

        if environment_id not in self._environment_files:
            raise unknown_name("environment", environment_id, self.environments)
        return load_environment(self._environment_files[environment_id])

    @cache
    def brightness(self, environment_id: str) -> float:
        """Luminance of a white surface under the environment, averaged over all ways it may face."""
        from mannequin.generator.exact import matmul
        from mannequin.generator.light import hdri_irradiance

        ambient = hdri_irradiance(self.environment(environment_id))[0] * 0.282095
        return float(matmul(ambient, [0.2126, 0.7152, 0.0722]))

    @property
    def photos(self) -> tuple[str, ...]:
        """Ids of the user's background photos; empty when none were given."""
        return self.files.usable("photo")

    @lru_cache(maxsize=4)
    def photo(self, photo_id: str) -> np.ndarray:
        """(h, w, 3) uint8 sRGB photo."""
        from mannequin.generator.environment import load_photo

        files = self.files.found("photo").files
        if photo_id not in files:
            raise unknown_name("background", photo_id, self.photos)
        return load_photo(files[photo_id])


def _check_motion(motion) -> None:
    _ = motion.duration  # as it says itself, which is not read with the rest
    motion.check()


def _outfit_number(texture_id: str) -> int:
    digits = texture_id.removeprefix("outfit/")
    if not re.fullmatch("[0-9]{1,9}", digits):
        raise ConfigError(f"Unknown outfit {texture_id!r}. Expected outfit/ and a whole number of at most nine digits.")
    return int(digits)


@cache
def _action(name: str) -> Motion:
    from mannequin.generator.motion.procedural import load_action

    return load_action(name)


def members(items, split: str) -> tuple:
    """The items that ``split`` ("train", "test" or "all") may use, in their own order."""
    if split not in ("train", "test", "all"):
        raise ConfigError(f"split is {split!r}; expected train, test or all.")
    if split == "all" or len(items) < 5:
        return tuple(items)
    ordered = sorted(items, key=lambda item: rank(str(item)))
    test = set(ordered[: len(items) // 5])
    return tuple(i for i in items if (i in test) == (split == "test"))


def _members_of_each(items: tuple[str, ...], split: str, kind: Callable[[str], str]) -> tuple[str, ...]:
    """:func:`members` of each kind of items on its own, in their order."""
    kinds = dict.fromkeys(map(kind, items))
    chosen = {item for each in kinds for item in members([i for i in items if kind(i) == each], split)}
    return tuple(item for item in items if item in chosen)


def drawn_genders(there: Iterable[str]) -> tuple[str, ...]:
    """Those of the genders of bodies that people are drawn from."""
    for among in (("female", "male"), ("neutral",)):
        if found := tuple(g for g in among if g in there):
            return found
    return tuple(there)
