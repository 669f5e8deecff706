"""Samples put together, and taken apart again."""

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import default_collate

Batch = dict[str, Any]
"""Samples that the task's ``collate`` has put together: tensors with a first axis of samples, and lists with an entry
for each; "id" is the list of their names."""


def collated(values: list[Any]) -> Any:
    """Values of samples as one of a batch: a tensor, or a list of names and of what cannot be stacked."""
    if isinstance(values[0], str):
        return values
    tensors = [torch.as_tensor(value) for value in values]
    return default_collate(tensors) if len({tensor.shape for tensor in tensors}) == 1 else tensors


def one_of(values: Any, k: int) -> Any:
    """Sample ``k`` of outputs or of a batch, as a batch of one."""
    if isinstance(values, Tensor):
        return values[k : k + 1]
    if isinstance(values, dict):
        return {name: one_of(value, k) for name, value in values.items()}
    if isinstance(values, tuple):
        parts = [one_of(value, k) for value in values]
        return type(values)(*parts) if hasattr(values, "_fields") else tuple(parts)
    return [values[k]] if isinstance(values, list) else values
