"""What there is to learn: all that the loop, evaluation, prediction, model cards and exports ask of a task.

A task says what it needs of a clip (``needs``, ``targets``), makes the network, takes a step with it, and knows what
comes out: how good it is, how it looks, and what it is when it is written to files.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from mannequin.generator.colours import Legend
from mannequin.generator.errors import ConfigError
from mannequin.training.batch import Batch, collated
from mannequin.training.data.needs import Needs
from mannequin.training.metrics.meter import Meter
from mannequin.training.targets.target import Target

Edges = tuple[float, float, float, float]
"""A box of an image: x0 y0 x1 y1, pixels."""


@dataclass(frozen=True, eq=False)
class Step:
    """What a network makes of a batch.

    losses: named terms, each a number that is a mean over the batch; their sum is minimised. Empty where the batch
    lacks what they need, as in use. outputs: what meters, pictures and predictions read: tensors with a first axis of
    samples, lists with an entry for each, and tuples (named ones too) and dicts of them.
    """

    losses: dict[str, Tensor]
    outputs: Any

    @property
    def loss(self) -> Tensor:
        """The sum of the terms, of which there are some."""
        return reduce(add, self.losses.values())


@dataclass(frozen=True)
class Description:
    """What the model card says of a task.

    title: its network in a few words. says: what the network says of an image, a clause. loss: what is minimised, a
    clause. network: (name, value) rows. limits: sentences. measured: how results of validation are taken, a few words.
    """

    title: str
    says: str
    loss: str
    network: tuple[tuple[str, str], ...]
    limits: tuple[str, ...] = ()
    measured: str = ""


class Prediction(Protocol):
    """What a network says of one image, or film, of the user's."""

    def content(self) -> bytes:
        """Of the file of its values."""
        ...

    def draw(self, image: np.ndarray, opacity: float, plain: bool) -> np.ndarray:
        """(h, w, 3) uint8 sRGB: the image (H, W, 3) with the prediction over it, and unless ``plain`` its legend."""
        ...


class Predictor(Protocol):
    """A network on images of any size. folder, suffix: of the files of values. values: what stands in them, in words
    or lists, as plain values. film_only: whether images must be the frames of a film."""

    folder: str
    suffix: str
    values: dict[str, Any]
    film_only: bool

    def predict(self, images: Iterable[np.ndarray]) -> Iterator[Prediction]:
        """A prediction for each image (H, W, 3) uint8 sRGB, in order; what ``images`` raises is raised."""
        ...


@dataclass(frozen=True)
class PredictorOptions:
    """boxes: where people are, in every image; none for the whole image. batch: crops that go through the network at
    once; decides speed and memory, not results."""

    device: torch.device
    boxes: tuple[Edges, ...] = ()
    batch: int = 8


@dataclass(frozen=True, eq=False)
class Exportable:
    """A network for other programs.

    module: takes ``input`` and returns one tensor. input: name of it. shape: of one sample. output: name of what it
    returns. about: what must be known to use it, as plain values.
    """

    module: nn.Module
    input: str
    shape: tuple[int, ...]
    output: str
    about: dict[str, Any] = field(default_factory=dict)


class Task(ABC):
    """What there is to learn.

    name: stands in checkpoints. best: the result of the meter that decides which checkpoint is best, and whether
    high or low is good; "loss" is the loss on the validation data. legend: of its pictures, or None. test_sampling: how
    clips are measured, as of Selection: every sample for itself, or all of a clip together.

    config: a frozen dataclass of plain values from which the task can be made again; stands in checkpoints too.

    frozen: names of parts of the network that stay as they are, statistics and all. Training must begin with weights
    for each, --init PART=RUN.
    """

    name: ClassVar[str]
    best: ClassVar[tuple[str, Literal["max", "min"]]]
    needs: Needs
    targets: tuple[Target, ...]
    test_sampling: ClassVar[Literal["all", "clip"]] = "all"
    legend: Legend | None = None
    config: Any
    frozen: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def model(self) -> nn.Module:
        """A new network, its weights drawn from torch's random state. It returns tensors, or tuples (named ones too),
        lists or dicts of them; not frozen dataclasses, into which Fabric cannot look. It may have ``regions``, see
        :func:`mannequin.training.core.learner.compiled`."""

    @abstractmethod
    def step(self, model: nn.Module, batch: Batch) -> Step:
        """Put a batch through ``model``, which takes targets too if it wants them."""

    @abstractmethod
    def meter(self) -> Meter:
        """A meter that has counted nothing yet."""

    @abstractmethod
    def rows(self, outputs: Any, batch: Batch) -> Iterator[dict[str, np.ndarray]]:
        """Of each sample pictures (H, W, 3) uint8 sRGB by title, such as image, truth, prediction and error."""

    @abstractmethod
    def describe(self, model: nn.Module) -> Description:
        """For the model card."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Side of the crop, pixels."""

    def collate(self, samples: Sequence[dict[str, Any]]) -> Batch:
        """Samples as a batch: stacked, or as a list where they differ in shape."""
        return {name: collated([sample[name] for sample in samples]) for name in samples[0]}

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """Groups of parameters for the optimiser, as torch takes them. "lr_scale" in one multiplies the learning rate
        of its parameters. A parameter in no group stays as it is. By default all that want gradients and are in no
        frozen part, in one."""
        still = {id(p) for part in self.frozen for p in model.get_submodule(part).parameters()}
        return [{"params": [p for p in model.parameters() if p.requires_grad and id(p) not in still]}]

    def train_mode(self, model: nn.Module) -> None:
        """Switch ``model`` to training; parts that are frozen stay in use, so that their statistics stay too."""
        model.train()
        for part in self.frozen:
            model.get_submodule(part).eval()

    def may_begin_anew(self, name: str) -> bool:
        """Whether the weight called ``name`` keeps what it was drawn as where --init has none of that name."""
        return False

    def predictor(self, model: nn.Module, options: PredictorOptions) -> Predictor:
        """``model`` on a user's images. Raises ConfigError for a task that has no use for them."""
        raise ConfigError(f"Networks of the task {self.name!r} cannot be used on single images.")

    def exportable(self, model: nn.Module) -> Exportable:
        """``model`` for other programs. Raises ConfigError for a task whose networks cannot be exported."""
        raise ConfigError(f"Networks of the task {self.name!r} cannot be exported.")
