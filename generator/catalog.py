"""Every asset a clip may name, by id: built in, or brought by the user."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

import numpy as np

from mannequin.generator.body.model import BodyModel
from mannequin.generator.errors import AssetError, ConfigError, MissingExtraError, unknown_name
from mannequin.generator.io.remote import is_url, place
from mannequin.generator.motion.base import Motion
from mannequin.generator.streams import rank, stream

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
    """Names of built-in actions; .bvh, AMASS .npz or SURREAL smpl_data.npz files; folders of them. None given: all
    actions."""

    textures: str = ""
    """Folder of texture images in the body's own UV layout. None given: procedural skin and clothes."""

    backgrounds: str = ""
    """Folder of photos. None given: views of the environment images."""

    environments: str = ""
    """Folder of .hdr / .exr environment images. None given: the CC0 worlds that come with bpy."""

    def located(self) -> "Assets":
        """The same with absolute paths, so that a dataset finds its assets from any folder."""

        def absolute(name: str) -> str:
            if is_url(name):
                return str(place(name).absolute())
            return str(Path(name).absolute()) if name != BUILTIN and (Path(name).exists() or "/" in name) else name

        return Assets(
            absolute(self.body),
            tuple(absolute(name) for name in self.motion),
            *(absolute(name) if name else "" for name in (self.textures, self.backgrounds, self.environments)),
        )


class Catalog:
    """The assets of one job. Loading is lazy; everything loaded is kept."""

    def __init__(self, assets: Assets = Assets()):
        self.assets = assets

    @cache
    def _local(self, path: str) -> Path:
        """``path``, or the copy of what lies there."""
        from mannequin.generator.io.downloads import local

        return local(path)

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
        for among in (("female", "male"), ("neutral",)):
            if found := tuple(g for g in among if g in self.bodies):
                return found
        return tuple(self.bodies)

    @cached_property
    def _user_bodies(self) -> dict[str, Path]:
        from mannequin.generator.body.files import find_bodies

        return find_bodies(self._local(self.assets.body))

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

    @cached_property
    def _recordings(self) -> Mapping[str, Motion]:
        paths = [self._motion_path(name) for name in self.assets.motion if name not in self._actions]
        if not paths:
            return {}
        from mannequin.generator.motion.finding import find_motions

        return {motion.name: motion for path in paths for motion in find_motions(path)}

    def _motion_path(self, name: str) -> Path:
        from mannequin.generator.motion.procedural import ACTIONS

        if is_url(name):
            return self._local(name)
        if Path(name).exists():
            return Path(name)
        if Path(name).suffix or "/" in name:
            raise AssetError(
                f"No motion file or folder at {name!r}. Expected a .bvh, AMASS .npz or SURREAL smpl_data.npz file, "
                "or a folder of them."
            )
        raise unknown_name("action", name, ACTIONS)

    @cached_property
    def motions(self) -> tuple[str, ...]:
        """Ids of all motions, in a fixed order."""
        return tuple(f"action/{name}" for name in self._actions) + tuple(sorted(self._recordings))

    def motion(self, motion_id: str) -> Motion:
        """The Motion of ``motion_id``."""
        if motion_id.startswith("action/"):
            return _action(motion_id.removeprefix("action/"))
        if motion_id not in self._recordings:
            raise unknown_name("motion", motion_id, self.motions)
        return self._recordings[motion_id]

    # Appearance

    @cached_property
    def _user_textures(self) -> dict[str, Path]:
        from mannequin.generator.appearance.folder import find_textures

        body = self.body(next(iter(self.bodies.values())))
        return find_textures(self._local(self.assets.textures), body.topology.id)

    @cached_property
    def textures(self) -> tuple[str, ...]:
        """Ids of all textures."""
        if self.assets.textures:
            return tuple(self._user_textures)
        return tuple(f"outfit/{k}" for k in range(NUM_OUTFITS))

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
        if texture_id not in self._user_textures:
            raise unknown_name("texture", texture_id, self.textures)
        return load_texture(self._user_textures[texture_id], body.topology.id)

    # Light and background

    @cached_property
    def _environment_files(self) -> dict[str, Path]:
        from mannequin.generator.environment import builtin_environments, find_environments

        if self.assets.environments:
            return find_environments(self._local(self.assets.environments))
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
        return tuple(self._environment_files)

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

    @cached_property
    def _photos(self) -> dict[str, Path]:
        from mannequin.generator.environment import find_photos

        return find_photos(self._local(self.assets.backgrounds)) if self.assets.backgrounds else {}

    @property
    def photos(self) -> tuple[str, ...]:
        """Ids of the user's background photos; empty when none were given."""
        return tuple(self._photos)

    @lru_cache(maxsize=4)
    def photo(self, photo_id: str) -> np.ndarray:
        """(h, w, 3) uint8 sRGB photo."""
        from mannequin.generator.environment import load_photo

        if photo_id not in self._photos:
            raise unknown_name("background", photo_id, self.photos)
        return load_photo(self._photos[photo_id])


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
