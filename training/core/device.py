"""What to compute on."""

from typing import Literal

import torch

from mannequin.generator.errors import ConfigError

Device = Literal["auto", "cpu", "cuda"]


def device_of(name: Device, option: str = "--device") -> torch.device:
    """auto is CUDA if there is a device. Raises ConfigError if cuda is asked for, by ``option``, and there is none."""
    cuda = torch.cuda.is_available()
    if name == "cuda" and not cuda:
        raise ConfigError(
            f"{option} cuda: torch finds no CUDA device here. Use auto or cpu, or install a torch built for CUDA."
        )
    return torch.device("cuda" if cuda and name != "cpu" else "cpu")
