"""A SLURM array job: one batch script, submitted once, that runs as many tasks as there are shards."""

import shlex

from mannequin.cli.farm.resources import Resources

SUFFIXES = (".sbatch", ".slurm", ".sh")

SCRIPT = """\
#!/usr/bin/env bash
{directives}
#
# A dataset of synthetic people by Mannequin: {shards} tasks that write into one folder.
#
#   submit     sbatch {file}
#   continue   the same; finished clips are kept
#   try one    SLURM_ARRAY_TASK_ID=1 bash {file}
#
# A task that is preempted, or whose node fails, is queued again and goes on where it was.
# Every node must see the folder, the files named below and this Python under the same paths.
set -euo pipefail

shards={shards}
command=(
{arguments}
)

task=${{SLURM_ARRAY_TASK_ID:?is not set: submit this script with sbatch, or set it to a number up to $shards}}
exec "${{command[@]}}" --shard "$task/$shards" --workers "${{SLURM_CPUS_PER_TASK:-auto}}"
"""


def sbatch_script(file: str, python: str, arguments: list[str], shards: int, resources: Resources) -> str:
    """The script called ``file``, whose tasks run ``mannequin generate`` with ``arguments`` on ``python``."""
    command = [[python, "-m", "mannequin", "generate", arguments[0]], *_options(arguments[1:])]
    return SCRIPT.format(
        directives="\n".join(
            f"#SBATCH --{name}={value}" if value else f"#SBATCH --{name}"
            for name, value in _directives(shards, resources)
        ),
        shards=shards,
        file=shlex.quote(file),
        arguments="\n".join(f"  {shlex.join(line)}" for line in command),
    )


def _directives(shards: int, resources: Resources) -> list[tuple[str, str]]:
    optional = [
        ("mem", f"{resources.memory}G" if resources.memory else ""),
        ("time", resources.time),
        ("gpus-per-task", str(resources.gpus or "")),
        ("partition", resources.partition),
        ("account", resources.account),
    ]
    return [
        ("job-name", "mannequin"),
        ("array", f"1-{shards}"),
        ("ntasks", "1"),
        ("cpus-per-task", str(resources.cpus)),
        *((name, value) for name, value in optional if value),
        ("output", "mannequin-%A_%a.log"),
        ("open-mode", "append"),
        ("requeue", ""),
    ]


def _options(arguments: list[str]) -> list[list[str]]:
    """One line for every option and its values."""
    lines: list[list[str]] = []
    for argument in arguments:
        if argument.startswith("--") or not lines:
            lines.append([])
        lines[-1].append(argument)
    return lines
