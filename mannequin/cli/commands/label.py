"""``mannequin label``"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from mannequin.terminal import Console


@dataclass(frozen=True)
class Label:
    """Make labels for real footage from a fitted body and its camera.

    Writes a dataset of one clip: segmentation, depth, joints and all other labels, aligned with
    the pixels of the footage (lens distortion included). With --images the footage itself becomes
    the clip's rgb.

    example:
      mannequin label fit.npz out --camera calibration.json --body SMPL_NEUTRAL.pkl \\
          --images video.mp4
      mannequin show out
    """

    params: tyro.conf.Positional[Path]
    """.npz with poses (T, 66 | 72 | 156 | 165) axis-angles, or root and body apart, trans (T, 3) metres, betas; T
    frames. docs/inputs.md lists all names that are read."""

    out: tyro.conf.Positional[Path]
    """Folder of the dataset to write."""

    camera: Path
    """.json, .yaml or .npz: size [height, width], K, R and t (OpenCV) or T_world_camera, optional distortion; OpenCV's
    and ROS's names and shapes will do."""

    body: str = "builtin"
    """The SMPL / SMPL-H / SMPL-X file that the parameters belong to."""

    gender: Literal["female", "male", "neutral"] | None = None
    """Which of several bodies; neutral by default, or the only one there is."""

    images: Path | None = None
    """Video file, or folder of images, to keep beside the labels."""

    fps: float = 30.0
    """Rate of the footage."""

    def run(self) -> int:
        from mannequin.generator.catalog import Assets, Catalog
        from mannequin.generator.dataset.folder import create_or_resume
        from mannequin.generator.dataset.native import write_clip
        from mannequin.generator.errors import unknown_name
        from mannequin.generator.rigs.calibration import read_camera
        from mannequin.renderers.footage import label_footage, read_parameters
        from mannequin.renderers.frames import read_images

        catalog = Catalog(Assets(body=self.body))
        gender = self.gender or (next(iter(catalog.bodies)) if len(catalog.bodies) == 1 else "neutral")
        if gender not in catalog.bodies:
            raise unknown_name("gender of body", gender, catalog.bodies)
        parameters = read_parameters(self.params)
        camera, size = read_camera(self.camera, len(parameters.pose))
        rgb = read_images(self.images, len(parameters.pose), Console(stderr=True).print) if self.images else None
        model = catalog.body(catalog.bodies[gender], parameters.pose.shape[1])
        clip = label_footage(model, parameters, camera, size, self.params.stem, self.fps, rgb)
        files = {"params": self.params, "camera": self.camera, "images": self.images}
        footage = {name: str(file.absolute()) if file else "" for name, file in files.items()}
        footage |= {"body": catalog.assets.located().body, "gender": gender}
        dataset = create_or_resume(self.out, {"footage": footage, "clips": 1}, num_clips=1)
        size = write_clip(dataset.path_of(0), clip)
        Console().print(f"{clip.spec.num_frames} labelled frames, {size / 1e6:.1f} MB, in {self.out}")
        return 0
