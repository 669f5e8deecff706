"""Hourglass networks against a plain computation on the same weights, and the counts of the published ones."""

import pytest
import torch
import torch.nn.functional as F
from torch._dynamo.testing import CompileCounterWithBackend

from mannequin.generator.errors import ConfigError
from mannequin.training.core.learner import compiled
from mannequin.training.cost import flops, parameters
from mannequin.training.models.hourglass import Hourglass, HourglassConfig, Maps, Residual, StackedHourglass

SMALL = HourglassConfig(outputs=5, stacks=2, features=16, depth=2)


def network(config: HourglassConfig = SMALL, seed: int = 0) -> StackedHourglass:
    """Evaluating, its statistics and affine parameters of batch normalisation no longer ones and zeros."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = StackedHourglass(config).eval()
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-0.5, 0.5)
                module.running_var.uniform_(0.5, 2)
                torch.nn.init.uniform_(module.weight, 0.5, 2)
                torch.nn.init.uniform_(module.bias, -0.5, 0.5)
    return model


def images(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


class Plain:
    """The same network written once more as sums over named weights, with nothing of torch.nn."""

    def __init__(self, model: torch.nn.Module):
        self.weights = {name: t.detach() for name, t in model.state_dict().items()}

    def conv(self, x, name, stride=1):
        """A convolution as a matrix product over the unfolded image."""
        w = self.weights[f"{name}.weight"]
        b, _, h, _ = x.shape
        columns = F.unfold(x, w.shape[2], padding=w.shape[2] // 2, stride=stride)
        y = w.flatten(1) @ columns + self.weights[f"{name}.bias"][:, None]
        return y.view(b, len(w), h // stride, -1)

    def bn_relu(self, x, name):
        mean, var, weight, bias = (
            self.weights[f"{name}.{part}"][:, None, None] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return ((x - mean) / (var + 1e-5).sqrt() * weight + bias).clamp(min=0)

    def pool(self, x):
        b, c, h, w = x.shape
        return x.view(b, c, h // 2, 2, w // 2, 2).amax((3, 5))

    def residual(self, x, name):
        y = x
        for k in (0, 3, 6):
            y = self.conv(self.bn_relu(y, f"{name}.block.{k}"), f"{name}.block.{k + 2}")
        return y + (self.conv(x, f"{name}.skip") if f"{name}.skip.weight" in self.weights else x)

    def hourglass(self, x, name, depth):
        low = self.residual(self.pool(x), f"{name}.down")
        low = self.hourglass(low, f"{name}.inner", depth - 1) if depth > 1 else self.residual(low, f"{name}.inner")
        low = self.residual(low, f"{name}.up")
        return self.residual(x, f"{name}.around") + low.repeat_interleave(2, 2).repeat_interleave(2, 3)

    def network(self, x, stacks, depth):
        x = self.bn_relu(self.conv(x, "stem.0", stride=2), "stem.1")
        x = self.pool(self.residual(x, "stem.3"))
        x = self.residual(self.residual(x, "stem.5"), "stem.6")
        maps = []
        for i in range(stacks):
            body = self.residual(self.hourglass(x, f"stacks.{i}.body.0", depth), f"stacks.{i}.body.1")
            body = self.bn_relu(self.conv(body, f"stacks.{i}.body.2"), f"stacks.{i}.body.3")
            maps.append(self.conv(body, f"stacks.{i}.maps"))
            if i < stacks - 1:
                x = x + self.conv(body, f"stacks.{i}.from_body") + self.conv(maps[-1], f"stacks.{i}.from_maps")
        return maps


def close(a, b) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-4 * b.abs().max().item())


@torch.no_grad()
def test_a_residual_module_is_what_its_equation_says():
    for inputs, outputs in ((8, 8), (8, 16)):
        holder = torch.nn.ModuleDict({"r": Residual(inputs, outputs)}).eval()
        x = images(2, inputs, 6, 10)
        assert close(holder["r"](x), Plain(holder).residual(x, "r"))


@torch.no_grad()
def test_one_hourglass_is_what_its_equation_says():
    holder = torch.nn.ModuleDict({"h": Hourglass(8, 3)}).eval()
    x = images(2, 8, 16, 24)
    assert close(holder["h"](x), Plain(holder).hourglass(x, "h", 3))


@torch.no_grad()
def test_the_whole_network_is_what_its_equations_say():
    model, x = network(), images(2, 3, 32, 48)
    ours, plain = model(x), Plain(model).network(x, stacks=2, depth=2)
    assert ours.full is None and len(ours.stacks) == 2
    assert all(close(a, b) for a, b in zip(ours.stacks, plain))
    assert ours.stacks[0].shape == (2, 5, 8, 12)


@torch.no_grad()
def test_up_is_interpolation_then_relu_then_convolution():
    model, x = network(HourglassConfig(outputs=5, stacks=2, features=16, depth=2, up=True)), images(1, 3, 32, 32)
    maps, plain = model(x), Plain(model)
    last = maps.stacks[-1]
    big = torch.empty(1, 5, 32, 32)
    for row in range(32):  # between the centres of the two nearest cells, at +0.5
        for column in range(32):
            (y, fy), (x_, fx) = (divmod(min(max((at + 0.5) / 4 - 0.5, 0), 7), 1) for at in (row, column))
            y, x_ = int(y), int(x_)
            y1, x1 = min(y + 1, 7), min(x_ + 1, 7)
            top = last[:, :, y, x_] * (1 - fx) + last[:, :, y, x1] * fx
            bottom = last[:, :, y1, x_] * (1 - fx) + last[:, :, y1, x1] * fx
            big[:, :, row, column] = top * (1 - fy) + bottom * fy
    assert close(maps.full, plain.conv(big.clamp(min=0), "up.1"))
    assert maps.scores((32, 32)) is maps.full
    assert close(Maps(maps.stacks, None).scores((32, 32)), big)


def test_labels_are_of_the_last_stack_and_the_highest_score():
    first, last = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    first[:, 1], last[:, 2] = 9, 1
    last[0, 0, 0, 0] = 5
    assert Maps((first, last), None).labels((2, 2)).tolist() == [[[0, 2], [2, 2]]]


@pytest.mark.parametrize(
    "config, count",
    [
        ({"outputs": 15}, 25_430_264),
        ({"outputs": 20}, 25_449_504),
        ({"outputs": 16}, 25_434_112),
        ({"outputs": 15, "up": True}, 25_432_304),
        ({"outputs": 15, "stacks": 2}, 6_569_630),
        ({"outputs": 16, "stacks": 2}, 6_570_400),
        ({"outputs": 16 * 19, "stacks": 2, "inputs": 34}, 6_889_376),
    ],
)
def test_parameters_and_shapes_of_the_published_networks(config, count):
    config = HourglassConfig(**config)
    with torch.device("meta"):
        model = StackedHourglass(config)
        assert parameters(model) == count
        maps = model(torch.empty(2, config.inputs, 256, 256))
    assert len(maps.stacks) == config.stacks
    assert all(scores.shape == (2, config.outputs, 64, 64) for scores in maps.stacks)
    assert (maps.full.shape == (2, config.outputs, 256, 256)) if config.up else maps.full is None


@pytest.mark.parametrize(
    "name, value", [("outputs", 0), ("inputs", 0), ("stacks", 0), ("depth", -1), ("features", 20), ("features", 0)]
)
def test_impossible_configurations_are_refused_by_name(name, value):
    with pytest.raises(ConfigError, match=f"{name} of a hourglass network is {value}; expected"):
        HourglassConfig(**{"outputs": 5, name: value})


def test_images_that_do_not_halve_often_enough_are_refused():
    with pytest.raises(ValueError, match="30 × 32 pixels; expected multiples of 16"):
        network()(torch.zeros(1, 3, 30, 32))


@torch.no_grad()
def test_channels_last_stays_and_changes_nothing():
    model, x = network(), images(2, 3, 32, 32)
    plain = model(x).stacks
    last = model.to(memory_format=torch.channels_last)(x.contiguous(memory_format=torch.channels_last)).stacks
    assert all(s.is_contiguous(memory_format=torch.channels_last) for s in last)
    assert all(close(a, b) for a, b in zip(last, plain))


@torch.no_grad()
def test_the_graph_is_captured_whole():
    """By torch.compile without a break, and by torch.export for any batch size."""
    model, x = network(HourglassConfig(outputs=5, stacks=2, features=8, depth=1, up=True)), images(2, 3, 16, 16)
    whole = torch.compile(model, backend="eager", fullgraph=True)(x)
    batch = {0: torch.export.Dim("batch", min=1, max=64)}
    program = torch.export.export(model, (x,), dynamic_shapes=(batch,))
    exported = program.module()(images(3, 3, 16, 16, seed=2))
    assert isinstance(exported, Maps) and close(whole.full, model(x).full)
    assert close(exported.full, model(images(3, 3, 16, 16, seed=2)).full)
    assert all(scores.shape == (3, 5, 4, 4) for scores in exported.stacks)


@torch.no_grad()
def test_alike_stacks_are_compiled_once():
    """Stem, first stack and last stack: three graphs for five stacks, and three more for the other mode."""
    model, x = network(HourglassConfig(outputs=5, stacks=5, features=8, depth=1)), images(2, 3, 16, 16)
    plain = {training: model.train(training)(x).stacks for training in (True, False)}
    counter = CompileCounterWithBackend("eager")
    compiled(model, backend=counter)
    for graphs, training in ((3, False), (6, True)):
        found = model.train(training)(x).stacks
        assert counter.frame_count == graphs
        assert len(found) == 5 and all(close(a, b) for a, b in zip(found, plain[training], strict=True))


def test_operations_of_a_convolution_are_counted_in_closed_form():
    conv = torch.nn.Conv2d(3, 8, 5, stride=2, padding=2)
    assert flops(conv, (2, 3, 20, 30)) == 2 * (3 * 5 * 5) * 8 * 10 * 15 * 2


def test_operations_of_a_module_with_several_inputs():
    class Product(torch.nn.Module):
        def forward(self, a, b):
            return a @ b

    assert flops(Product(), (4, 5), (5, 6)) == 2 * 4 * 5 * 6


def test_operations_of_a_network_are_those_of_its_convolutions():
    model = StackedHourglass(SMALL).train()
    before = {name: t.clone() for name, t in model.state_dict().items()}
    counted = flops(model, (2, 3, 32, 32))
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())
    assert model.training and next(model.parameters()).device.type == "cpu"
    seen = []
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda m, _, y: seen.append(2 * y.numel() * m.weight[0].numel()))
    model(images(2, 3, 32, 32))
    assert counted == sum(seen) and len(seen) > 40


def test_frozen_parameters_do_not_count():
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 5), torch.nn.BatchNorm1d(5))
    model[0].requires_grad_(False)
    assert parameters(model) == 4 * 5 + 5 + 10
