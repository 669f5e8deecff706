"""What a network costs: parameters and floating-point operations."""

import torch
from torch import nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode


def parameters(model: nn.Module) -> int:
    """Numbers that training changes; statistics such as batch normalisation's do not count."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def flops(model: nn.Module, *shapes: tuple[int, ...]) -> int:
    """Floating-point operations of one forward pass; a multiplication with its addition counts two.

    shapes: of the model's inputs, batch included. Counted are convolutions, matrix products and
    attention, as by ``torch.utils.flop_counter``. Nothing is computed and the model stays as it
    is: the pass runs on tensors without storage.
    """
    weights = {name: t.to("meta") for name, t in (*model.named_parameters(), *model.named_buffers())}
    inputs = tuple(torch.empty(shape, device="meta") for shape in shapes)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        functional_call(model, weights, inputs)
    return counter.get_total_flops()
