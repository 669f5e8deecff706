"""Whether everything that can happen to a run leaves a dataset as it would have been: kills, stops, disks, clocks, S3.

    python -m benchmarks.chaos [--minutes 10] [--seed 0] [--only KIND ...] [--rounds N]

Makes a small dataset undisturbed, then rounds. In each, commands are started over a folder and
disturbed; then the same commands run to the end in peace, and what is there is compared byte by byte
with what an undisturbed run leaves. Nothing may be left over either: no half file, no process. A
disturbed command may fail, with an exit status that says how and one message. Prints a table; exit
status 1 if a round found anything else, with the command that repeats the round.
"""

import argparse
import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from benchmarks.faults import build, faults

ROOT = Path(__file__).resolve().parents[1]
CLIPS = 6
SMALL = "--renderer raster --frames 3 --size 48 64 --samples 1 --light lamps --quiet --retry-failed"
GENERATE = ("generate", "{at}/out", "--clips", str(CLIPS), *SMALL.split())
TRAIN = "--steps 6 --batch 2 --workers 0 --size 32 --features 8 --depth 1 --checkpoint-every 2 --validate-every 3"
COMMANDS = {
    "generate": GENERATE,
    "export": ("export", "{at}/out", "{at}/surreal"),
    "report": ("report", "{at}/out", "--quiet"),
    "validate": ("validate", "{at}/out", "--clips", "1", "--frames", "1"),
    "train": ("train", "segmentation", "--data", "{at}/out", "--out", "{at}/run", "--quiet", *TRAIN.split()),
}
NEEDS = {"validate": "bpy", "train": "torch"}
READING = {"commands", "amid", "disk"}
"""Kinds that disturb these, too; other kinds need no reference of them."""
ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
ENDS = {0, 1, 2, 130, 143, *(-number for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT))}
"""How a command may end that is disturbed: by itself, or by a signal that is sent here."""
DAYS = 400 * 86400
PATIENCE = 1800.0
"""Seconds after which a command that runs in peace hangs: many times what the slowest takes on a loaded machine."""


@dataclass
class Tally:
    """What came of the rounds of one kind. statuses: of the disturbed commands, and how many ended so."""

    rounds: int = 0
    disturbances: int = 0
    statuses: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class Running:
    """A command at work, in a session of its own, with what it says in a file."""

    def __init__(
        self,
        words: tuple[str, ...],
        at: Path,
        environment: dict[str, str] | None = None,
        output: int | IO = subprocess.DEVNULL,
    ):
        self.name = words[0]
        self._said = tempfile.TemporaryFile("w+b")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mannequin", *(word.format(at=at) for word in words)],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"} | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=self._said,
            start_new_session=True,
        )

    @property
    def is_over(self) -> bool:
        return self._process.poll() is not None

    def members(self) -> list[int]:
        """Its processes: the first one, and workers."""
        return [pid for pid, session in _sessions() if session == self._process.pid]

    def send(self, pid: int | None, number: int) -> bool:
        """Send a signal to one of its processes, or to all, as a terminal does; whether there was one."""
        try:
            os.kill(pid, number) if pid else os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return False
        return True

    def end(self) -> tuple[int, str]:
        """Wait for all its processes; returns its exit status and what it said. Raises TimeoutError if it hangs."""
        limit = time.monotonic() + PATIENCE
        while not self.is_over or self.members():
            if time.monotonic() > limit:
                raise TimeoutError(f"{self.name} hangs")
            time.sleep(0.02)
        self._said.seek(0)
        return self._process.returncode, self._said.read().decode("utf-8", "replace")

    def close(self) -> None:
        """End what there still is."""
        self.send(None, signal.SIGKILL)
        self._process.wait()
        self._said.close()


def _sessions() -> Iterator[tuple[int, int]]:
    """(process, its session) of all that are alive."""
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                state, _, _, session = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[:4]
            except OSError:
                continue
            if state != "Z":
                yield int(name), int(session)


class Chaos:
    """What rounds have in common. at: a folder for all of them, where the reference is made."""

    def __init__(self, at: Path, only: set[str]):
        self.at, self.library = at, build(at)
        self.seconds, self.expected = {}, {}
        for name in COMMANDS:
            if name not in NEEDS or (find_spec(NEEDS[name]) and only & READING):
                start = time.monotonic()
                self.finish(name, at)
                self.seconds[name] = time.monotonic() - start
        self.expected = found(at)

    def finish(self, name: str, at: Path, environment: dict[str, str] | None = None) -> None:
        """Run a command in peace. Raises RuntimeError if it fails."""
        running = Running(COMMANDS[name], at, environment)
        try:
            status, said = running.end()
        finally:
            running.close()
        if status:
            raise RuntimeError(f"{name}, undisturbed, ended with status {status}: {said.strip()[-2000:]}")

    def copy(self, at: Path) -> None:
        """Put the dataset there, as an undisturbed run leaves it."""
        for name in self.expected:
            if name.startswith("out/") and name != "out/report.html":
                (at / name).parent.mkdir(parents=True, exist_ok=True)
                (at / name).write_bytes((self.at / name).read_bytes())


@dataclass
class Round:
    """One round. at: its folder. environment: of all commands."""

    chaos: Chaos
    at: Path
    rng: random.Random
    tally: Tally
    seed: int

    @contextmanager
    def running(self, commands: list[tuple], environment: dict[str, str] | None = None):
        """Commands, all started. When the block ends it waits for them, and looks at how they ended."""
        with ExitStack() as stack:
            started = []
            for words in commands:
                started.append(Running(words, self.at, environment))
                stack.callback(started[-1].close)
            yield started
            for each in started:
                self.judge(each.name, *each.end())

    def judge(self, name: str, status: int, said: str) -> None:
        """Note how a disturbed command ended; a traceback, or several messages, are faults."""
        self.tally.statuses[status] += 1
        messages = said.count("mannequin: ")
        is_early = "KeyboardInterrupt" in said and "mannequin/cli" not in said  # Python itself was still starting
        has_traceback = "Traceback (most recent call last)" in said and not is_early
        if has_traceback or messages > 1 or (status == 2 and not messages) or status not in ENDS:
            self.tally.faults.append(f"{name} ended with status {status} and said: {said.strip()[-1500:]}")

    def peace(self, *names: str) -> None:
        """Run commands to the end, undisturbed, and compare what is there with what should be."""
        for name in names:
            self.chaos.finish(name, self.at)
        self.compare(found(self.at), {name.split("/")[0] for name in map(_product, names)} | {"out"})

    def compare(self, there: dict[str, str], parts: set[str]) -> None:
        """Note every file that differs. parts: of the reference that should be there."""
        expected = {name: value for name, value in self.chaos.expected.items() if name.split("/")[0] in parts}
        if "out/report.html" not in there:
            expected.pop("out/report.html", None)
        for name in sorted(expected.keys() | there.keys()):
            if expected.get(name) != there.get(name):
                how = "is missing" if name not in there else "is left over" if name not in expected else "differs"
                self.tally.faults.append(f"{name} {how}")

    def signals(self, running: list[Running], seconds: float, most: int) -> None:
        """Disturb commands 1 to ``most`` times within about ``seconds``, as long as one runs."""
        for _ in range(self.rng.randint(1, most)):
            _pause(self.rng.uniform(0, seconds / most), running)
            alive = [each for each in running if not each.is_over]
            if not alive:
                return
            self.signal(self.rng.choice(alive))

    def signal(self, command: Running) -> None:
        """Send one signal to the command, to one of its workers, or to all."""
        number = self.rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSTOP))
        members = command.members()
        if not members:
            return
        to = self.rng.choice((members[0], self.rng.choice(members), None))
        self.tally.disturbances += command.send(to, number)
        if number == signal.SIGSTOP:
            time.sleep(self.rng.uniform(0, 1.5))
            command.send(to, signal.SIGCONT)


def _product(name: str) -> str:
    return {"export": "surreal", "train": "run"}.get(name, "out")


def _pause(seconds: float, running: list[Running]) -> None:
    """Wait, or until all is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not all(each.is_over for each in running):
        time.sleep(0.01)


def found(at: Path) -> dict[str, str]:
    """What there is under a folder and must not vary: hash of every file, but of some only whether it is whole."""
    return {
        path.relative_to(at).as_posix(): _what(path)
        for part in ("out", "surreal", "run")
        for path in sorted((at / part).rglob("*"))
        if path.is_file() and not _varies(path.relative_to(at))
    }


def _varies(path: Path) -> bool:
    """Whether a file holds times: logs, and of a training all but checkpoints. Half files never may be there."""
    is_log = ".log" in path.parts or (path.parts[0] == "run" and path.suffix != ".safetensors")
    return is_log and not any(part.endswith(".part") for part in path.parts)


def _what(path: Path) -> str:
    data = path.read_bytes()
    if path.suffix == ".html":
        return "whole" if data.rstrip().endswith(b"</html>") else "half"
    return hashlib.sha256(data).hexdigest()


# Kinds of rounds


def one(round: Round) -> None:
    """Signals to a run and its workers."""
    for _ in range(2):
        with round.running([(*GENERATE, "--workers", "2")]) as running:
            round.signals(running, round.chaos.seconds["generate"], 3)
    round.peace("generate")


def two(round: Round) -> None:
    """Signals to two runs over one folder."""
    with round.running([(*GENERATE, "--workers", "1")] * 2) as running:
        round.signals(running, 1.5 * round.chaos.seconds["generate"], 6)
    round.peace("generate")


def shards(round: Round) -> None:
    """Signals to four shards over one folder."""
    with round.running([(*GENERATE, "--workers", "1", "--shard", f"{k}/4") for k in (1, 2, 3, 4)]) as running:
        round.signals(running, 2 * round.chaos.seconds["generate"], 10)
    round.peace("generate")


def commands(round: Round) -> None:
    """Signals to what reads datasets: export, report, validate, train."""
    name = round.rng.choice([name for name in round.chaos.seconds if name != "generate"])
    round.chaos.copy(round.at)
    for _ in range(3):
        with round.running([COMMANDS[name]]) as running:
            round.signals(running, round.chaos.seconds[name], 1)
    round.peace(name)


def amid(round: Round) -> None:
    """Signals at a certain call of those that write: half files, and files without their name."""
    name = round.rng.choice(list(round.chaos.seconds))
    if name != "generate":
        round.chaos.copy(round.at)
    for _ in range(4):
        number = round.rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
        under_faults(round, [COMMANDS[name]], signal=number, first=_early(round.rng))
    round.peace(name)


def _early(rng: random.Random) -> int:
    """Which of a process's calls that write: early ones as often as late ones."""
    return rng.choice((rng.randint(1, 4), rng.randint(1, 12), rng.randint(1, 60)))


def disk(round: Round) -> None:
    """A disk that is full, over its quota, failing or read-only."""
    name = round.rng.choice(["generate", "generate", *round.chaos.seconds])
    if name != "generate":
        round.chaos.copy(round.at)
    for _ in range(3):
        under_faults(round, [COMMANDS[name]], errno=round.rng.choice(ERRORS), first=_early(round.rng))
    round.peace(name)


def slow(round: Round) -> None:
    """A disk that takes its time, and signals."""
    with_faults = [(*GENERATE, "--workers", "1")] * 2
    under_faults(round, with_faults, lambda running: round.signals(running, 8.0, 2), sleep=200_000)
    round.peace("generate")


def clock(round: Round) -> None:
    """A clock that jumps by a year, two runs, and a disk that may know no locks."""
    both = [(*GENERATE, "--workers", "1")] * 2
    under_faults(round, both, clock=DAYS, locks=round.rng.randint(0, 1))
    round.peace("generate")


def under_faults(round: Round, words: list[tuple], then: Callable = lambda running: None, **what: int) -> None:
    """Run commands under faults of the system."""
    library, told = round.chaos.library, round.at / "told"
    assert library is not None
    with round.running(words, faults(library, round.at, told, round.seed, **what)) as running:
        then(running)
    if told.exists():
        round.tally.disturbances += told.stat().st_size
        told.unlink()


def store(round: Round) -> None:
    """An object store whose connections are cut, and signals."""
    from tests import stores

    words = tuple(word.replace("{at}/", f"s3://{stores.BUCKET}/") for word in GENERATE)
    with stores.served(round.at) as (service, environment):
        proxy = stores.Proxy(service.port)
        through = environment | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}"}
        for _ in range(2):
            proxy.most = round.rng.choice((None, 1000, 20_000, 60_000))
            proxy.most_back = round.rng.choice((None, 300, 2000))
            with round.running([(*words, "--workers", "1")], through) as running:
                round.signals(running, 2 * round.chaos.seconds["generate"], 1)
        round.tally.disturbances += proxy.cuts
        proxy.close()
        with round.running([words], environment):
            pass
        there = {key: data for key, data in stores.keys(service).items() if "/.log/" not in key}
    round.compare({key: hashlib.sha256(data).hexdigest() for key, data in there.items()}, {"out"})


KINDS = {kind.__name__: kind for kind in (one, two, shards, commands, amid, disk, slow, clock, store)}
PRELOADED = {"amid", "disk", "slow", "clock"}


def play(chaos: Chaos, kind: str, seed: int, tally: Tally) -> None:
    """A round; what it finds is added to the tally and printed."""
    before = len(tally.faults)
    with tempfile.TemporaryDirectory(dir=chaos.at) as name:
        try:
            KINDS[kind](Round(chaos, Path(name), random.Random(seed), tally, seed))
        except (RuntimeError, TimeoutError) as e:
            tally.faults.append(str(e))
    tally.rounds += 1
    for line in tally.faults[before:]:
        print(f"{kind}, seed {seed}: {line}", flush=True)
    if len(tally.faults) > before:
        print(f"again: python -m benchmarks.chaos --only {kind} --seed {seed} --rounds 1", flush=True)


def usable(only: list[str], library: Path | None) -> list[str]:
    """The kinds that this machine can play; says why others are left out."""
    without = {kind: "there is no C compiler" for kind in PRELOADED if library is None}
    if find_spec("moto") is None:
        without["store"] = "moto is not installed"
    for kind in only:
        if kind in without:
            print(f"{kind} is left out: {without[kind]}.")
    return [kind for kind in only if kind not in without]


def table(tallies: dict[str, Tally]) -> str:
    """Markdown."""
    lines = ["| kind | rounds | disturbances | exit statuses | found |", "|---|---:|---:|---|---:|"]
    for kind, tally in tallies.items():
        statuses = ", ".join(f"{status} × {count}" for status, count in sorted(tally.statuses.items()))
        lines.append(f"| {kind} | {tally.rounds} | {tally.disturbances} | {statuses} | {len(tally.faults)} |")
    return "\n".join(lines)


def stoppable() -> None:
    """Let Ctrl-C and SIGTERM end this process as exceptions do, commands and folders with it."""

    def end(number, frame):
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # or commands would inherit that it is ignored


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="how long rounds begin")
    parser.add_argument("--rounds", type=int, default=0, help="of each kind, in place of --minutes")
    parser.add_argument("--seed", type=int, default=0, help="of the first round; the next has the next")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    options = parser.parse_args(words)
    stoppable()
    with tempfile.TemporaryDirectory() as name:
        chaos = Chaos(Path(name), set(options.only))
        kinds = usable(options.only, chaos.library)
        tallies = {kind: Tally() for kind in kinds}
        end, number = time.monotonic() + 60 * options.minutes, 0
        while number < options.rounds * len(kinds) if options.rounds else time.monotonic() < end:
            play(chaos, kinds[number % len(kinds)], options.seed + number, tallies[kinds[number % len(kinds)]])
            number += 1
    print(table(tallies))
    return int(any(tally.faults for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main())
