"""Batches of samples, loaded by other processes while the network trains."""

import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader

from mannequin.training.batch import Batch
from mannequin.training.core.interrupts import begin_loading, signals_held
from mannequin.training.data.loading import loader_settings


def loader(data, batches, workers: int, fabric: Fabric, collate: Callable[[list], Batch]) -> DataLoader:
    """A loader of ``data``, which is indexed by the keys that ``batches`` lists, batch by batch, which ``collate`` puts
    together."""
    settings = loader_settings(workers, pin=fabric.device.type == "cuda")
    if workers:
        settings["worker_init_fn"] = partial(begin_loading, settings.get("worker_init_fn"))
    # A generator of its own: by default the loader would draw from torch's random state, and change what training
    # draws.
    return DataLoader(data, batch_sampler=batches, collate_fn=collate, generator=torch.Generator(), **settings)


def on_device(batches: DataLoader, fabric: Fabric) -> Iterator[tuple[Batch, float]]:
    """(batch on its device, seconds that it was waited for). Loading begins with the first."""
    with signals_held():
        source = iter(batches)
    for _ in range(len(batches)):
        start = time.perf_counter()
        batch = next(source)
        yield fabric.to_device(batch), time.perf_counter() - start
