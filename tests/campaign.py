"""Reads hostile files, each in a process of its own with a gigabyte of memory and twenty seconds, and judges the ends.

    python -m tests.campaign tests.bombs.clips     # every case; with 2 at its end, every second

The function, of a folder, yields (name, read, path): what ``read(path)`` raises must be one of our errors that names
the file. Prints each verdict to standard error, and a line of JSON: ``ends`` (how many ended how, or were passed over)
and ``bad`` (case → what went wrong).
"""

import gc
import hashlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import cv2

from mannequin.generator.errors import MannequinError

MEMORY = 1 << 30
"""Bytes that a case may take beyond what the process that imported the readers has."""
SECONDS = 20
"""Of processor time."""
STUCK_SECONDS = 600
"""After which a case that does nothing is stopped: a hang takes no processor time."""
LONGEST = 5000


def main() -> None:
    cv2.setNumThreads(0)  # its threads do not outlive a fork
    gc.freeze()  # or every process would copy what has been imported
    ends, bad, seen = Counter(), {}, set()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        os.chdir(folder)
        module, _, kind = sys.argv[1].rpartition(".")
        every = int(sys.argv[2]) if len(sys.argv) > 2 else 1
        for k, (case, read, path) in enumerate(getattr(import_module(module), kind)(folder)):
            fingerprint = (getattr(read, "__qualname__", ""), _digest(path))
            if fingerprint in seen:
                bad[case] = "the same as another case"
                continue
            seen.add(fingerprint)
            verdict = judged(read, path) if k % every == 0 else "passed over"
            print(f"{case} => {verdict}", file=sys.stderr, flush=True)
            ends[verdict.partition(":")[0]] += 1
            if not verdict.startswith(("read", "refused", "passed over")):
                bad[case] = verdict
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    print(json.dumps({"ends": ends, "bad": bad}))


def judged(read: Callable, path: Path) -> str:
    """How reading ends: "read", "refused: …" by an error of ours, or else what should not be."""
    receiver, sender = os.pipe()
    child = os.fork()
    if not child:
        os.close(receiver)
        _limit()
        os.write(sender, attempt(read, path).encode("utf-8", "replace")[:1000])
        os._exit(0)
    os.close(sender)
    with os.fdopen(receiver, "rb") as stream:
        said = stream.read().decode("utf-8", "replace")
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return said or f"left with {os.waitstatus_to_exitcode(status)}"


def attempt(read: Callable, path: Path) -> str:
    try:
        read(path)
    except MannequinError as e:
        if not 20 < len(str(e)) < LONGEST or path.stem not in str(e):
            return f"unclear: {e!s:.500}"
        return f"refused: {e!s:.500}"
    except BaseException as e:
        return f"{type(e).__name__}: {e!s:.500}"
    return "read"


def _limit() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(STUCK_SECONDS)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # codecs say there what the verdict says better


def _digest(path: Path) -> str:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.is_file())).hexdigest()


if __name__ == "__main__":
    main()
