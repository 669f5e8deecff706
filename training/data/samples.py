"""From what was read of a clip to a sample: one crop, one augmentation, and every target's values."""

import numpy as np

from mannequin.generator.streams import stream
from mannequin.training.data.crop import Augmentation, Crop, augmentation, crop_box, crop_matrix, image_box
from mannequin.training.data.needs import Needs
from mannequin.training.data.raw import RawSample
from mannequin.training.targets.target import Target


def drawn(augment: bool, seed: int, epoch: int, index: int) -> Augmentation:
    """The augmentation of sample (epoch, index): of its own random stream, or none."""
    return augmentation(stream(seed, index, f"augmentation/{epoch}")) if augment else Augmentation()


def crop_of(raw: RawSample, needs: Needs, augmentation: Augmentation, size: int) -> Crop:
    """One crop for all frames of ``raw``."""
    box = crop_box(raw.person.joints2d) if needs.crop == "person" else image_box(raw.resolution)
    return Crop(crop_matrix(box, augmentation, size), size, augmentation.gains)


def make_sample(
    raw: RawSample, needs: Needs, targets: tuple[Target, ...], augmentation: Augmentation, size: int
) -> dict:
    """What the network sees of one camera and what it is to say.

    image: (T, 3, size, size) float32, whitened (mannequin.training.data.colour), if it is needed. matrix: (2, 3)
    float32, takes points of the image to the crop. id: as in RawSample. All else is of the targets. Where the sample
    is of a single frame, values have no axis of T.
    """
    crop = crop_of(raw, needs, augmentation, size)
    of_frames, of_window = {}, {}
    if raw.rgb is not None:
        of_frames["image"] = np.stack([crop.colour(image) for image in raw.rgb])
    for target in targets:
        (of_window if target.of_window else of_frames).update(target.encode(raw, crop))
    if needs.frames is None:
        of_frames = {name: value[0] for name, value in of_frames.items()}
    return of_frames | of_window | {"matrix": crop.matrix.astype(np.float32), "id": raw.id}


def stacked(samples: list[dict]) -> dict:
    """Views or windows as one sample: a first axis for them; the id is the first one's."""
    names = [name for name in samples[0] if name != "id"]
    return {name: np.stack([sample[name] for sample in samples]) for name in names} | {"id": samples[0]["id"]}
