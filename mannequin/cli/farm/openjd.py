"""An Open Job Description template (version 2023-09), as AWS Deadline Cloud and other farms take it.

The template runs ``mannequin`` without a shell, so that no argument needs quoting.
"""

import json
import os
from pathlib import Path

from mannequin.cli.farm.resources import Resources
from mannequin.generator.errors import ConfigError

SUFFIXES = (".yaml", ".yml", ".json")


def template(file: Path, arguments: list[str], shards: int, resources: Resources) -> dict:
    """The template to be written to ``file``: ``mannequin generate`` with ``arguments``, a task for every shard."""
    for argument in arguments[1:]:
        _check(argument)
    args = ["generate", "{{Param.Out}}", *arguments[1:]]
    args += ["--shard", "{{Task.Param.Shard}}/{{Param.Shards}}", "--workers", str(resources.cpus)]
    run = {"command": "{{Param.Mannequin}}", "args": args, "cancelation": {"mode": "NOTIFY_THEN_TERMINATE"}}
    if resources.seconds:
        run["timeout"] = resources.seconds
    step = {
        "name": "Render",
        "parameterSpace": {
            "taskParameterDefinitions": [{"name": "Shard", "type": "INT", "range": "1-{{Param.Shards}}"}]
        },
        "hostRequirements": {"amounts": [{"name": name, "min": least} for name, least in _amounts(resources)]},
        "script": {"actions": {"onRun": run}},
    }
    return {
        "specificationVersion": "jobtemplate-2023-09",
        "name": "mannequin",
        "description": "A dataset of synthetic people by Mannequin. Every task renders one shard of the clips.",
        "parameterDefinitions": [_out(file, arguments[0]), *_parameters(shards)],
        "steps": [step],
    }


def written(value: dict, suffix: str) -> str:
    """A template as JSON, or as YAML whose strings are all quoted."""
    if suffix == ".json":
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    return "\n".join(_yaml(value)) + "\n"


def _out(file: Path, out: str) -> dict:
    """The folder as a parameter. A default must lie below the template; else whoever submits says it."""
    parameter = {
        "name": "Out",
        "type": "PATH",
        "objectType": "DIRECTORY",
        "dataFlow": "OUT",
        "description": "Folder of the dataset, shared by all tasks.",
    }
    folder = file.absolute().parent
    if Path(out).is_relative_to(folder) and Path(out) != folder:
        parameter["default"] = os.path.relpath(out, folder)
    return parameter


def _parameters(shards: int) -> list[dict]:
    return [
        {
            "name": "Shards",
            "type": "INT",
            "minValue": 1,
            "default": shards,
            "description": "Tasks that share the clips.",
        },
        {
            "name": "Mannequin",
            "type": "STRING",
            "default": "mannequin",
            "description": "The command, or its full path.",
        },
    ]


def _amounts(resources: Resources) -> list[tuple[str, int]]:
    amounts = [("vcpu", resources.cpus), ("memory", 1024 * resources.memory), ("gpu", resources.gpus)]
    return [(f"amount.worker.{name}", least) for name, least in amounts if least]


def _check(argument: str) -> None:
    if "{{" in argument or not argument.isprintable():
        raise ConfigError(
            f"The argument {argument!r} cannot stand in an Open Job Description template, which has no way to write "
            "control characters or two opening braces. Rename the file."
        )


def _yaml(value, indent: str = "") -> list[str]:
    """Lines of a tree of dicts, lists, strings and numbers; JSON's strings are YAML's too."""
    lines = []
    for key, inner in value.items() if isinstance(value, dict) else (("-", inner) for inner in value):
        mark = f"{key}:" if key != "-" else "-"
        if not isinstance(inner, dict | list):
            lines.append(f"{indent}{mark} {json.dumps(inner, ensure_ascii=False)}")
        elif key == "-":
            first, *rest = _yaml(inner, indent + "  ")
            lines += [f"{indent}- {first.lstrip()}", *rest]
        else:
            lines += [f"{indent}{mark}", *_yaml(inner, indent + "  ")]
    return lines
