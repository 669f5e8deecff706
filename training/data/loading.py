"""How a DataLoader is to be set for these datasets."""

import cv2
import torch


def loader_settings(workers: int, pin: bool | None = None) -> dict:
    """Keyword arguments for torch's DataLoader.

    workers: processes that read; 0 reads in the training process. pin: page-locked batches, which copy to a GPU while
    it computes; by default where there is one. Samples draw from streams of their own, so workers need no seed.
    """
    settings = {"num_workers": workers, "pin_memory": torch.cuda.is_available() if pin is None else pin}
    if workers:
        # Forked from a clean server, not from the training process: threads of OpenMP and CUDA do not survive a fork.
        settings |= {
            "persistent_workers": True,
            "prefetch_factor": 4,
            "multiprocessing_context": "forkserver",
            "worker_init_fn": _one_thread,
        }
    return settings


def _one_thread(worker: int) -> None:
    """Workers are parallel already; threads of their own would only get in each other's way."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
