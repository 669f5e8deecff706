"""What a task of a farm asks of its machine."""

import re
from dataclasses import dataclass, fields
from typing import Annotated

import tyro

from mannequin.generator.errors import ConfigError

_TIME = re.compile(r"(?:(\d{1,4})-)?(\d{1,4}):([0-5]\d):([0-5]\d)")
_NAME = re.compile(r"[\w.,:@+=-]*", re.ASCII)
_MOST = {"cpus": 4096, "memory": 65536, "gpus": 64}


@dataclass(frozen=True)
class Resources:
    """Of one task. What is 0 or left out, the farm decides."""

    cpus: int = 4
    """Cores of a task; it starts as many processes."""

    memory: int = 0
    """GiB of main memory of a task; a process of Cycles takes about one."""

    time: Annotated[str, tyro.conf.arg(metavar="TIME")] = ""
    """Longest time of a task, [DAYS-]HOURS:MINUTES:SECONDS. A task that is cut off is continued by submitting again."""

    gpus: int = 0
    """Graphics cards of a task, for --device cuda or optix."""

    partition: str = ""
    """slurm: the partition to submit to."""

    account: str = ""
    """slurm: the account to charge."""

    def check(self) -> None:
        """Raise ConfigError if a farm could not understand it."""
        for name, most in _MOST.items():
            least = 1 if name == "cpus" else 0
            if not least <= getattr(self, name) <= most:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}; expected {least} to {most:,}. Leave --{name} out if unsure."
                )
        if self.time and not self.seconds:
            raise ConfigError(
                f"time is {self.time!r}; expected [DAYS-]HOURS:MINUTES:SECONDS, as in 1-12:00:00 or 08:00:00."
            )
        for name in ("partition", "account"):
            if not _NAME.fullmatch(getattr(self, name)):
                raise ConfigError(
                    f"{name} is {getattr(self, name)!r}; expected a name without spaces, as `sinfo` or "
                    "`sacctmgr` show it."
                )

    @property
    def seconds(self) -> int:
        """``time`` in seconds; 0 if it says nothing."""
        match = _TIME.fullmatch(self.time)
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0, 0)
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def given(resources: Resources, *names: str) -> list[str]:
    """Which of the options ``names`` were set."""
    return [f.name for f in fields(resources) if f.name in names and getattr(resources, f.name) != f.default]
