"""The scenes of a dataset, posed again from what its clips say."""

from mannequin.generator.body.model import BodyModel
from mannequin.generator.catalog import Assets, Catalog
from mannequin.generator.clip import Clip
from mannequin.generator.records import from_plain
from mannequin.generator.scene import Scene, build_scene
from mannequin.generator.spec import HAND_JOINTS
from mannequin.renderers.footage import BodyParameters, footage_scene

DRAWN, FOOTAGE, FOREIGN = "drawn", "footage", "foreign"


class Poser:
    """Knows from a dataset's config where bodies and other assets are.

    kind: DRAWN for what ``mannequin generate`` made, FOOTAGE for ``mannequin label``, FOREIGN for
    a config that names no assets, whose clips cannot be posed again.
    """

    def __init__(self, config: dict):
        self.kind, assets = FOREIGN, Assets()
        if "assets" in config:
            self.kind, assets = DRAWN, from_plain(Assets, config["assets"])
        elif isinstance(config.get("footage"), dict) and "body" in config["footage"]:
            self.kind, assets = FOOTAGE, Assets(body=str(config["footage"]["body"]))
        self.catalog = Catalog(assets)

    def models(self, clip: Clip) -> dict[str, BodyModel]:
        """Name of a person or hand → body. Raises MannequinError for a body that is not at hand."""
        people = {p.name: self.catalog.body(p.body, p.joints) for p in clip.spec.people}
        return people | {h.name: self.catalog.body(h.body, HAND_JOINTS) for h in clip.spec.hands}

    def scene(self, clip: Clip, with_colour: bool) -> Scene:
        """What ``clip`` describes; for footage, what its parameters pose. Raises MannequinError."""
        if self.kind == DRAWN:
            return build_scene(clip.spec, self.catalog, ("rgb",) if with_colour else ())
        (name, track), (camera,) = next(iter(clip.people.items())), clip.spec.cameras
        parameters = BodyParameters(track.pose.astype(float), track.transl.astype(float), track.betas.astype(float))
        return footage_scene(clip.spec, self.models(clip)[name], parameters, camera)
