"""Disks that fail or are slow, and clocks that jump: a library that comes before the system's own calls (faults.c)."""

import os
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


def build(folder: Path) -> Path | None:
    """The library, made in ``folder`` by this machine's C compiler; None if there is none, or no Linux."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None or not Path("/proc/self/fd").is_dir():
        return None
    library = folder / "faults.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
    done = subprocess.run(command, check=False, capture_output=True)
    return library if done.returncode == 0 else None


def faults(library: Path, folder: Path, told: Path, seed: int, **what: int) -> dict[str, str]:
    """Variables of the environment under which a process has them.

    folder: whose files are meant. told: a file that gets a letter for each process that something
    happened to. what: errno, first, signal, sleep, clock, locks, as faults.c says.
    """
    common = {
        "LD_PRELOAD": str(library),
        "FAULTS_FOLDER": f"{folder}/",
        "FAULTS_TOLD": str(told),
        "FAULTS_SEED": str(seed),
    }
    return common | {f"FAULTS_{name.upper()}": str(value) for name, value in what.items()}
