"""The options of training."""

from dataclasses import dataclass, replace
from typing import Literal

from mannequin.generator.errors import ConfigError


@dataclass(frozen=True)
class TrainConfig:
    """How to train.

    The same options, data, seed and, on a CPU, threads give the same weights; see ``deterministic``.
    """

    steps: int = 0
    """How long to train, in steps of the optimiser. 0: as --epochs says."""

    epochs: int = 0
    """How long to train, in passes over the data. 0: as --steps says."""

    batch: int = 8
    """Samples that go through the network at once, on each device."""

    accumulate: int = 1
    """Batches whose gradients add up to one step."""

    optimiser: Literal["rmsprop", "adamw", "sgd"] = "rmsprop"
    """What turns gradients into steps."""

    lr: float = 1e-3
    """Learning rate, before the schedule."""

    weight_decay: float = 0.0
    """Pull of the weights towards zero."""

    momentum: float = 0.0
    """Share of the last step that goes into the next one; for rmsprop and sgd."""

    alpha: float = 0.99
    """Weight of the past in rmsprop's running mean of squared gradients."""

    schedule: Literal["constant", "multistep", "cosine"] = "constant"
    """Course of the learning rate: constant, falling at milestones, or along a cosine to zero."""

    milestones: tuple[float, ...] = ()
    """When the learning rate falls; for multistep."""

    decay: float = 0.1
    """Factor by which it falls at each milestone."""

    warmup: float = 0.0
    """How long the learning rate first rises from zero; with any schedule."""

    schedule_unit: Literal["steps", "epochs"] = "steps"
    """What --milestones and --warmup are counted in."""

    grad_clip: float = 0.0
    """Longest gradient, all parameters together; longer ones are shortened to it. 0: no limit."""

    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    """Number format: 32 bits, or 16 where that does no harm, which is faster and needs less memory."""

    compile: bool = False
    """Compile the network first: minutes at the start, faster steps after. For a GPU; on a CPU it takes longest and
    gains least."""

    channels_last: bool = False
    """Lay images out in memory as GPUs like it for convolutions, above all with bf16-mixed."""

    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """What to train on; auto is a CUDA device if there is one. For several devices start with torchrun."""

    seed: int = 0
    """What the initial weights, the order of samples and dropout follow from: any whole number from 0."""

    deterministic: bool = False
    """Only use operations that give the same bits every time, and refuse others. On a CPU most do so anyway."""

    workers: int = 2
    """Processes that load data, for each device. 0: load between the steps."""

    threads: int = 0
    """Threads that compute, in each process. 0: as OMP_NUM_THREADS says, else as the run began, else as many as cores
    are free."""

    validate_every: int = 0
    """Steps between validations. 0: one after each epoch. The last step is always followed by one."""

    validation_samples: int = 0
    """Validation samples to use, from the first. 0: all."""

    checkpoint_every: int = 0
    """Steps between checkpoints. 0: one with each validation. A new best validation always makes one."""

    log_every: int = 20
    """Steps between lines of the log, which hold the mean of those between."""

    picture_every: int = 1
    """Validations between pictures of what is predicted for the first batch. 0: no pictures."""

    keep: int = 2
    """Latest checkpoints to keep, besides the best."""

    dev_run: bool = False
    """Two steps, one validation, a log, a picture and a checkpoint, to see that all of it works."""

    def __post_init__(self):
        for name, least in _LEAST.items():
            if not getattr(self, name) >= least:
                raise ConfigError(f"{_flag(name)} is {getattr(self, name)}; expected at least {least}.")
        check_threads(self.threads)
        if not self.lr > 0:
            raise ConfigError(f"--lr is {self.lr}; expected more than 0, such as 0.001.")
        if not 0 <= self.alpha < 1 or not 0 <= self.momentum < 1:
            raise ConfigError(
                f"--alpha is {self.alpha} and --momentum {self.momentum}; expected numbers from 0 to below 1."
            )
        if self.steps and self.epochs:
            raise ConfigError(f"--steps {self.steps} and --epochs {self.epochs} exclude each other; give one.")
        if not (self.steps or self.epochs or self.dev_run):
            raise ConfigError("Neither --steps nor --epochs says how long to train; give one.")
        if self.momentum and self.optimiser == "adamw":
            raise ConfigError(f"--momentum {self.momentum} has no meaning for --optimiser adamw; leave it out.")
        self._check_milestones()

    def _check_milestones(self) -> None:
        if self.milestones and self.schedule != "multistep":
            raise ConfigError(f"--milestones go with --schedule multistep, not {self.schedule}; leave one of them out.")
        if self.schedule == "multistep" and not self.milestones:
            raise ConfigError("--schedule multistep needs --milestones, such as 40 45 with --schedule-unit epochs.")
        if list(self.milestones) != sorted(set(self.milestones)) or any(not m > 0 for m in self.milestones):
            raise ConfigError(
                f"--milestones are {' '.join(map(str, self.milestones))}; expected rising numbers above 0."
            )

    def resolved(self) -> "TrainConfig":
        """With what ``dev_run`` decides filled in."""
        if not self.dev_run:
            return self
        return replace(
            self,
            steps=2,
            epochs=0,
            validate_every=2,
            validation_samples=self.batch,
            checkpoint_every=1,
            log_every=1,
            picture_every=1,
        )


_LEAST = dict.fromkeys(("batch", "accumulate", "log_every", "keep"), 1) | dict.fromkeys(
    (
        "steps", "epochs", "weight_decay", "decay", "warmup", "grad_clip", "seed", "workers",
        "validate_every", "validation_samples", "checkpoint_every", "picture_every",
    ),
    0,
)  # fmt: skip

MOST_THREADS = 1024
"""Threads that may be asked for."""


def check_threads(asked: int) -> None:
    """Raises ConfigError for a value of --threads that cannot be."""
    if not 0 <= asked <= MOST_THREADS:
        raise ConfigError(f"--threads is {asked}; expected 1 to {MOST_THREADS}, or 0 for as many as cores are free.")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
