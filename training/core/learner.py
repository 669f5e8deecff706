"""The network of a task and its optimiser, on the device that they train on."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, nn

from mannequin.generator.errors import TrainingError
from mannequin.training.batch import Batch
from mannequin.training.core.checkpoint import Checkpoint, fill
from mannequin.training.core.config import TrainConfig
from mannequin.training.core.device import device_of
from mannequin.training.core.init import Start, initialise
from mannequin.training.task import Step, Task


@contextmanager
def session(config: TrainConfig) -> Iterator[Fabric]:
    """The devices of ``config``: one, or under torchrun one for each process.

    torch's random state and its switches are as before when it ends. Raises ConfigError if there is no such device.
    """
    accelerator = device_of(config.accelerator, "--accelerator").type
    with _switches(config), torch.random.fork_rng(range(torch.cuda.device_count()) if accelerator == "cuda" else ()):
        fabric = Fabric(accelerator=accelerator, precision=config.precision, **_processes())
        fabric.launch()
        try:
            yield fabric
        finally:
            if fabric.world_size > 1:
                # a network's wrapper that outlives the group ends it with Python's lock held, for which its thread may
                # wait
                gc.collect()
                torch.distributed.destroy_process_group()


def _processes() -> dict:
    """How torchrun has arranged the processes, if it has started this one."""
    if not TorchElasticEnvironment.detect():
        return {"devices": 1, "plugins": [LightningEnvironment()]}
    return {
        "devices": int(os.environ["LOCAL_WORLD_SIZE"]),
        "num_nodes": int(os.environ["GROUP_WORLD_SIZE"]),
        "plugins": [TorchElasticEnvironment()],
        # Validation goes through the same wrapper, with fewer batches on some processes: a forward pass must wait for
        # nobody.
        "strategy": DDPStrategy(broadcast_buffers=False),
    }


@contextmanager
def _switches(config: TrainConfig):
    """torch's switches between the same bits every time and speed."""
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    if config.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts
    torch.use_deterministic_algorithms(config.deterministic)
    torch.backends.cudnn.benchmark = not config.deterministic
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]


def compiled(model: nn.Module, **options) -> nn.Module:
    """``model`` so that it compiles when first called. options: of torch.compile.

    One with ``regions``, modules some of which are alike, has these compiled one by one, in place: alike ones
    share what is compiled, which takes a fraction of the time that the whole would take.
    """
    regions = getattr(model, "regions", None)
    if regions is None:
        whole = torch.compile(model, **options)
        assert isinstance(whole, nn.Module)
        return whole
    for region in regions:
        region.compile(**options)
    return model


class Learner:
    """module: the network itself. model: what to call. optimizer: as Fabric wraps it."""

    def __init__(self, task: Task, config: TrainConfig, fabric: Fabric, starts: Sequence[Start] = ()):
        """A new network; every process starts with the same, and then has random numbers of its own. starts: weights
        to begin with."""
        self.task, self.config, self.fabric = task, config, fabric
        torch.manual_seed(config.seed)
        self.module = task.model()
        initialise(self.module, task, starts)
        if config.channels_last:
            for tensor in (*self.module.parameters(), *self.module.buffers()):
                tensor.data = _channels_last(tensor.data)
        groups = task.parameter_groups(self.module)
        trained = {id(p) for group in groups for p in group["params"]}
        for parameter in self.module.parameters():
            parameter.requires_grad_(id(parameter) in trained)
        names = {id(p): name for name, p in self.module.named_parameters()}
        self._names = [names[id(p)] for group in groups for p in group["params"]]
        model = compiled(self.module) if config.compile else self.module
        self.model, self.optimizer = fabric.setup(model, _optimiser(config, groups))
        torch.manual_seed(
            int(np.random.SeedSequence([config.seed, fabric.global_rank]).generate_state(1, np.uint64)[0])
        )

    def train_mode(self) -> None:
        """Switch to training, but for what is frozen."""
        self.model.train()
        self.task.train_mode(self.module)

    def step(self, batch: Batch) -> Step:
        """Put a batch, which is on its device, through the network."""
        return self.task.step(self.model, self.laid_out(batch))

    def laid_out(self, batch: Batch) -> Batch:
        """The batch with images as --channels-last has them."""
        if not self.config.channels_last:
            return batch
        return {name: _channels_last(value) for name, value in batch.items()}

    def gradient_norm(self) -> Tensor:
        """Length of the gradient of all parameters together, a number; the gradient is then cut to --grad-clip."""
        parameters = [p for p in self.module.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        if self.config.grad_clip:
            torch.nn.utils.clip_grads_with_norm_(parameters, self.config.grad_clip, norm)
        return norm

    def agree(self) -> None:
        """Give all processes the first one's running statistics, as those of batch normalisation."""
        if self.fabric.world_size > 1:
            for buffer in self.module.buffers():
                torch.distributed.broadcast(buffer, 0)

    def weights(self) -> dict[str, Tensor]:
        """Copies on the CPU of all that the network consists of."""
        return {name: _copy(value) for name, value in self.module.state_dict().items()}

    def training_state(self) -> dict[str, Tensor]:
        """Copies of the tensors that training needs to go on: optimiser/<parameter>/<name>, and random/<device> with
        a row for each process. All processes must call it."""
        state = {
            f"optimiser/{self._names[index]}/{name}": _copy(value)
            for index, values in self.optimizer.state_dict()["state"].items()
            for name, value in values.items()
            if value is not None  # of SGD without momentum
        }
        return state | {f"random/{device}": self._gathered(value) for device, value in self._random().items()}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint. Raises TrainingError if it is of another network or another training."""
        where = f"of step {checkpoint.state.step}"
        fill(self.module, checkpoint.weights, where)
        self._check_training(checkpoint.training, where)
        state = {}
        indices = {name: index for index, name in enumerate(self._names)}
        for key, value in checkpoint.training.items():
            kind, _, rest = key.partition("/")
            if kind == "optimiser":
                parameter, _, name = rest.rpartition("/")
                state.setdefault(indices[parameter], {})[name] = value
        self.optimizer.load_state_dict({"state": state, "param_groups": self.optimizer.state_dict()["param_groups"]})
        row = self.fabric.global_rank
        try:
            torch.set_rng_state(checkpoint.training["random/cpu"][row])
        except RuntimeError as e:
            raise _not_of_this(where, f"'random/cpu' is no state of random numbers ({e})") from e
        if self.fabric.device.type == "cuda" and "random/cuda" in checkpoint.training:
            torch.cuda.set_rng_state(checkpoint.training["random/cuda"][row], self.fabric.device)

    def _check_training(self, training: dict[str, Tensor], where: str) -> None:
        """Raises TrainingError unless ``training`` is such as ``training_state`` gives; it may be a stranger's."""
        shapes = {
            name: parameter.shape for name, parameter in self.module.named_parameters() if parameter.requires_grad
        }
        randoms = {f"random/{device}": value for device, value in self._random().items()}
        for key, value in training.items():
            kind, _, rest = key.partition("/")
            parameter, _, _ = rest.rpartition("/")
            if kind == "optimiser":
                fits = parameter in shapes and value.shape in ((), shapes[parameter]) and torch.isfinite(value).all()
            else:
                own = randoms.get(key)
                fits = own is None or (value.shape == (self.fabric.world_size, len(own)) and value.dtype == own.dtype)
            if not fits:
                raise _not_of_this(where, f"{key[:200]!r} of {tuple(value.shape)} {value.dtype} has no place in it")
        if "random/cpu" not in training:
            raise _not_of_this(where, "'random/cpu' is missing")

    def _random(self) -> dict[str, Tensor]:
        states = {"cpu": torch.get_rng_state()}
        if self.fabric.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.fabric.device)
        return states

    def _gathered(self, value: Tensor) -> Tensor:
        """A row for each process."""
        rows = self.fabric.all_gather(value)
        assert isinstance(rows, Tensor)
        return rows.reshape(self.fabric.world_size, -1).cpu()


def _not_of_this(where: str, why: str) -> TrainingError:
    return TrainingError(
        f"The checkpoint {where} is not of this training: {why}. Delete its folder and run the same command again, "
        "to go on from the one before it."
    )


def reduced(value: Tensor, fabric: Fabric, how: str) -> Tensor:
    """The "sum" or "mean" of ``value`` over all processes; one process gets its own back."""
    if fabric.world_size == 1:
        return value
    together = fabric.all_reduce(value, reduce_op=how)
    assert isinstance(together, Tensor)
    return together


def _optimiser(config: TrainConfig, groups: list[dict]) -> torch.optim.Optimizer:
    lr, weight_decay, momentum = config.lr, config.weight_decay, config.momentum
    if config.optimiser == "rmsprop":
        return torch.optim.RMSprop(groups, lr, config.alpha, weight_decay=weight_decay, momentum=momentum)
    if config.optimiser == "sgd":
        return torch.optim.SGD(groups, lr, momentum, weight_decay=weight_decay)
    return torch.optim.AdamW(groups, lr, weight_decay=weight_decay)


def _channels_last(value):
    """Images (B, C, H, W) and videos (B, C, T, H, W), and weights of their convolutions, laid out channels last;
    anything else as it is."""
    if isinstance(value, Tensor) and value.is_floating_point() and value.dim() in (4, 5):
        return value.contiguous(memory_format=torch.channels_last if value.dim() == 4 else torch.channels_last_3d)
    return value


def _copy(tensor: Tensor) -> Tensor:
    """On the CPU, in rows, sharing memory with nothing."""
    return tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
