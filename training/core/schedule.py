"""How many steps there are, what is due after which, and the learning rate of each."""

import math
from bisect import bisect_right
from dataclasses import dataclass

from mannequin.generator.errors import ConfigError
from mannequin.training.core.config import TrainConfig


def length_of(data) -> int | None:
    """Samples of a dataset, or of one pass over it; None if it has no end."""
    try:
        return len(data)
    except TypeError:
        return None


@dataclass(frozen=True)
class Course:
    """The course of a run, counted in steps; step n is the n-th, from 1.

    Samples come as one endless row, pass after pass, each pass in an order of its own. A step takes the
    next ``per_step`` of them, so that a pass may end within a step and none is left out.
    samples: of one pass; None for data without an end, which has no passes.
    """

    config: TrainConfig
    samples: int | None
    per_step: int
    steps: int

    @classmethod
    def of(cls, config: TrainConfig, samples: int | None, processes: int) -> "Course":
        """Raises ConfigError for what cannot be counted with such data."""
        if samples == 0:
            raise ConfigError("The training data has no samples; give a dataset, or a split of it, that has some.")
        if samples is None:
            _refuse_epochs(config)
        per_step = config.batch * config.accumulate * processes
        return cls(config, samples, per_step, config.steps or math.ceil(config.epochs * (samples or 0) / per_step))

    @property
    def _pass(self) -> int:
        """Samples of one pass, where something is counted in passes."""
        assert self.samples, "refused at the beginning"
        return self.samples

    def epoch(self, step: int) -> float:
        """Passes over the data after ``step`` steps; 0 if there are none to count."""
        return step * self.per_step / self.samples if self.samples else 0.0

    def validation_due(self, step: int) -> bool:
        """Whether to validate after step ``step``."""
        return step == self.steps or self._every(self.config.validate_every, step)

    def checkpoint_due(self, step: int) -> bool:
        """Whether to keep what step ``step`` has reached."""
        if step == self.steps:
            return True
        every = self.config.checkpoint_every
        return self._every(every, step) if every else self.validation_due(step)

    def log_due(self, step: int) -> bool:
        """Whether to write a line of the log after step ``step``."""
        return step == self.steps or step % self.config.log_every == 0

    def _every(self, interval: int, step: int) -> bool:
        if interval:
            return step % interval == 0
        return step * self.per_step // self._pass > (step - 1) * self.per_step // self._pass

    def lr(self, step: int) -> float:
        """Learning rate of step ``step``."""
        config, before = self.config, step - 1
        unit = self._pass / self.per_step if config.schedule_unit == "epochs" else 1.0
        warmup = config.warmup * unit
        rise = min(1.0, step / warmup) if warmup else 1.0
        if config.schedule == "multistep":
            fall = config.decay ** bisect_right(config.milestones, before / unit)
        elif config.schedule == "cosine":
            done = max(0.0, before - warmup) / max(1.0, self.steps - warmup)
            fall = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        else:
            fall = 1.0
        return config.lr * rise * fall


def _refuse_epochs(config: TrainConfig) -> None:
    """Nothing is counted in epochs where there are none."""
    for wrong, flag, advice in (
        (config.epochs, f"--epochs {config.epochs}", "give --steps"),
        (config.schedule_unit == "epochs", "--schedule-unit epochs", "count in steps"),
        (not config.validate_every, "--validate-every 0", "give the steps between validations"),
    ):
        if wrong:
            raise ConfigError(f"{flag} needs data that comes to an end, and this is generated without one; {advice}.")
