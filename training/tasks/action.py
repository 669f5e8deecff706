"""What a person does, of a few named actions, in a window of frames (thesis ch. 6 is where this goes)."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mannequin.generator.colours import HIDDEN, SEEN
from mannequin.generator.pictures import titled
from mannequin.training.batch import Batch
from mannequin.training.cost import flops
from mannequin.training.data.colour import NORMALISATION, to_rgb
from mannequin.training.data.needs import Needs
from mannequin.training.losses.classification import cross_entropy, log_shares
from mannequin.training.metrics.classification import ClassificationMeter
from mannequin.training.models.video import VideoConfig, VideoNetwork
from mannequin.training.options.action import ActionOptions
from mannequin.training.pictures import enlarged
from mannequin.training.predict.action import ActionPredictor
from mannequin.training.targets.action import Action
from mannequin.training.task import Description, Exportable, PredictorOptions, Step, Task

_SHOWN = 3
"""Frames of a window on a picture."""

_BAR = 6
"""Pixels of the bar that says whether a prediction is right."""


class ActionTask(Task):
    """In training a window is a sample; in use all windows of a clip are one, whose shares are their mean.

    Batches of windows have ``image`` (B, 3, T, size, size); those of clips a list of (windows, 3, T, size, size).
    ``action`` is (B,) of either. Outputs are (B, C) logarithms of the classes' shares.
    """

    name = "action"
    best = ("top1", "max")
    test_sampling = "clip"

    def __init__(self, config: ActionOptions = ActionOptions()):
        self.config = config
        self.needs = Needs(frames=config.frames, spacing=config.spacing)
        self.truth = Action(config.actions)
        self.targets = (self.truth,)

    @property
    def size(self) -> int:
        return self.config.size

    def model(self) -> nn.Module:
        c = self.config
        return VideoNetwork(
            VideoConfig(len(c.actions), width=c.width, depth=c.depth, differences=c.differences, dropout=c.dropout)
        )

    def collate(self, samples: Sequence[dict[str, Any]]) -> Batch:
        batch = super().collate([sample | {"image": np.moveaxis(sample["image"], -3, -4)} for sample in samples])
        if samples[0]["image"].ndim == 5:  # clips, whose windows all show one action
            batch["image"] = list(batch["image"])
            batch[self.truth.name] = torch.stack([labels[0] for labels in batch[self.truth.name]])
        return batch

    def step(self, model: nn.Module, batch: Batch) -> Step:
        image, truth = batch["image"], batch.get(self.truth.name)
        if isinstance(image, Tensor):
            logs = log_shares(model(image))
        else:
            logs = log_shares(model(torch.cat(image)), [len(windows) for windows in image])
        return Step({} if truth is None else {"cross_entropy": cross_entropy(logs, truth)}, logs)

    def meter(self) -> ClassificationMeter:
        return ClassificationMeter(self.config.actions, self.truth.name)

    def rows(self, outputs: Tensor, batch: Batch) -> Iterator[dict[str, np.ndarray]]:
        """First, middle and last frame of a window, the first one of a clip; the likeliest action with its share, and
        the true one; the bar is orange where they differ."""
        truths = batch[self.truth.name].tolist()
        for image, logs, truth in zip(batch["image"], outputs.float(), truths, strict=True):
            video = image if image.ndim == 4 else image[0]  # (3, T, size, size)
            chosen = np.linspace(0, video.shape[1] - 1, _SHOWN).round().astype(int)
            frames = to_rgb(video[:, chosen].movedim(1, 0).float().cpu().numpy())
            found = int(logs.argmax())
            picture = enlarged(np.concatenate(list(frames), axis=1))
            bar = np.full((_BAR, picture.shape[1], 3), SEEN if found == truth else HIDDEN, np.uint8)
            share, names = float(logs[found].exp()), self.config.actions
            said = f"{names[found]} {share:.0%}, truth: {names[truth]}"
            yield {"frames of a window": titled(np.concatenate([bar, picture]), said)}

    def describe(self, model: nn.Module) -> Description:
        c = self.config
        cost = flops(model, (1, 3, c.frames, c.size, c.size))
        window = f"{c.frames} frames" + (f", {c.spacing} frames of the clip from one to the next" * (c.spacing > 1))
        seen = ", each less the one before" if c.differences else ""
        return Description(
            title="a 3D residual network",
            says=f"which of {len(c.actions)} actions a person does",
            loss="the cross-entropy of the action, of every window for itself",
            network=(
                (
                    "architecture",
                    f"R3D (Tran et al. 2018): {c.width} channels in the first of four stages, {c.depth} "
                    f"block{'s' * (c.depth > 1)} each",
                ),
                ("input", f"{window}, {c.size} × {c.size} pixels, RGB, whitened" + seen),
                ("output", f"scores of {', '.join(c.actions)}"),
                (
                    "operations",
                    f"{cost / 1e9:,.3g} GFLOPs for one window; a multiplication with its addition counts two",
                ),
            ),
            limits=(
                "Whatever a film shows, it says one of these actions: it has no class for others, nor for none.",
                "It looks at motions at the frame rate of the clips that it learnt from. Films of another rate are "
                "faster or slower than what it knows.",
            ),
            measured="by the mean of the shares over a sample's windows",
        )

    def predictor(self, model: nn.Module, options: PredictorOptions) -> ActionPredictor:
        return ActionPredictor(model, self.needs, self.config.actions, self.size, options)

    def exportable(self, model: nn.Module) -> Exportable:
        c = self.config
        shape = (3, c.frames, c.size, c.size)
        return Exportable(
            module=model,
            input="video",
            shape=shape,
            output="scores",
            about={
                "classes": list(c.actions),
                "input": {"name": "video", "shape": ["batch", *shape], "type": "float32", "channels": "RGB"},
                "window": {"frames": c.frames, "spacing": c.spacing},
                "normalisation": NORMALISATION,
                "output": {
                    "name": "scores",
                    "shape": ["batch", len(c.actions)],
                    "type": "float32",
                    "rule": "their softmax is the share of each class; of several windows take the mean of the shares",
                },
            },
        )
