"""What ``mannequin info`` prints."""

import json
from pathlib import Path

import numpy as np
from rich.table import Column, Table

from mannequin.generator.clip import CHANNELS
from mannequin.generator.dataset.collection import open_collection
from mannequin.generator.dataset.folder import DESCRIPTION, open_dataset
from mannequin.generator.dataset.native import SUFFIX, open_clip, read_clip
from mannequin.generator.errors import ConfigError, DatasetError, MannequinError
from mannequin.generator.io.npz import NpzFile
from mannequin.generator.io.remote import Place, RemotePath, place
from mannequin.generator.motion.finding import SUFFIXES as MOTIONS
from mannequin.terminal import Console, print_json, quoted

LISTED = 20
"""Clips of a dataset that are listed."""


def show(command) -> int:
    """Print a clip or dataset as ``command`` (an Info) asks."""
    from mannequin.generator.io.downloads import local

    path = place(command.path)
    if not path.exists():
        raise DatasetError(
            f"There is nothing at {path}. Check the path, or make a dataset: {quoted('mannequin', 'generate', path)}"
        )
    if path.is_dir():
        if isinstance(path, RemotePath) or (path / DESCRIPTION).exists():
            return _dataset(path, command)
        return _folder(path, command)
    if path.suffix == SUFFIX:
        return _clip(path, command)
    file = local(str(path))
    if path.suffix.lower() in MOTIONS and _holds_motion(file):
        return _motions(path, command)
    if path.suffix.lower() == ".mat" and path.stem.endswith("_info"):
        return _surreal(path, command)
    return _told(input_info().describe_file(file), command)


def input_info():
    """The module, which takes a while to import."""
    from mannequin.cli import input_info as module

    return module


def _holds_motion(file: Path) -> bool:
    """Whether an .npz is no body model and no camera, and a .pkl no body model."""
    from mannequin.generator.motion.people_files import people_of
    from mannequin.generator.rigs.calibration import is_camera

    if file.suffix.lower() == ".pkl":
        try:
            people = people_of(file)
        except MannequinError:
            return False
        return bool(people.people or people.faults)
    if file.suffix.lower() != ".npz":
        return True
    keys = set(NpzFile(file).keys)
    return not (input_info().BODY_KEYS <= keys or is_camera(dict.fromkeys(keys)))


def _folder(path: Path, command) -> int:
    """A folder that is no dataset of ours: clips in SURREAL's layout, or assets."""
    try:
        open_collection(path)
    except DatasetError:
        return _told([input_info().describe_folder(path)], command)
    return _surreal(path, command)


def _surreal(path: Place, command) -> int:
    clips = open_collection(path)
    shown = [clips.summary(key) for key in clips.keys[:LISTED]]
    facts = {
        "file": str(path),
        "taken_for": "clips in SURREAL's layout",
        "used_as": "data for `view`, `report`, `export`, `train` and `evaluate`",
        "clips": len(clips),
        "first": [each.problem or each.name for each in shown],
    }
    return _told([facts], command)


def _told(facts: list[dict], command) -> int:
    if command.json:
        print_json(facts if len(facts) > 1 else facts[0])
        return 0
    console = Console()
    for each in facts:
        for key, value in each.items():
            lines = value if isinstance(value, list) else [value]
            if isinstance(value, dict):
                lines = [", ".join(f"{name} {inner}" for name, inner in value.items())]
            if lines and all(isinstance(line, (int, float)) and not isinstance(line, bool) for line in lines):
                lines = [", ".join(f"{line:.6g}" for line in lines)]
            for number, line in enumerate(lines):
                console.print(f"  {line}" if number else f"{key.replace('_', ' ')}: {line}")
    return 0


def _motions(path: Place, command) -> int:
    """The motions of a file."""
    from mannequin.cli.motion_info import describe_motion, draw_motion, print_motion
    from mannequin.generator.io.downloads import local
    from mannequin.generator.motion.finding import find_motions
    from mannequin.generator.motion.recorded import mapped
    from mannequin.generator.motion.together import together
    from mannequin.generator.pictures import save_picture

    joint_map = str(local(command.joint_map)) if command.joint_map else ""
    console, motions = Console(), list(together(mapped(find_motions(local(str(path))), joint_map), ()).values())
    if command.joint_map_template:
        return _template(motions[0])
    facts = [describe_motion(motion) for motion in motions[:LISTED]]
    if command.json:
        print_json(facts)
    else:
        for each in facts:
            print_motion(console, each)
        if len(motions) > LISTED:
            console.print(f"and {len(motions) - LISTED} more")
    if command.picture:
        save_picture(place(command.picture), draw_motion(motions[0]))
    return 0


def _template(motion) -> int:
    from mannequin.generator.motion.recorded import BvhMotion

    if not isinstance(motion, BvhMotion):
        raise ConfigError(f"{motion.path} has no joints to map: SMPL parameters are in a fixed order. Expected a .bvh.")
    print_json(motion.template())
    return 0


def _clip(path: Place, command) -> int:
    clip = read_clip(path)
    spec, console = clip.spec, Console()
    if command.json:
        print_json(json.loads(spec.to_json()))
    else:
        _print_clip(console, clip)
    return 0


def _print_clip(console: Console, clip) -> None:
    spec = clip.spec
    h, w = spec.resolution
    console.print(f"{spec.name}  preset {spec.preset}, seed {spec.seed}, index {spec.index}")
    console.print(
        f"{spec.num_frames} frames{_cut(spec)}, {h} high and {w} wide, at {spec.fps:g} Hz; light {spec.light.kind}, "
        f"background {spec.background.kind}"
    )
    for person in spec.people:
        console.print(
            f"{person.name}: {person.body}, {person.motion.asset} from {person.motion.start:.2f} s, "
            f"{person.appearance.texture}"
        )
    for camera, view in clip.views.items():
        _print_view(console, camera, view, clip)
    worst = {k.removesuffix("_worst"): v for k, v in sorted(clip.agreement.items()) if k.endswith("_worst")}
    if worst:
        console.print("renderers differ, in the worst frame: " + ", ".join(f"{k} {v:.3g}" for k, v in worst.items()))
    console.print("made by " + ", ".join(f"{k} {v}" for k, v in clip.versions.items()))


def _cut(spec) -> str:
    asked = spec.tags.get("frames_asked")
    return f" (of {asked:g} that were asked for: the recording is no longer)" if isinstance(asked, float) else ""


def _print_view(console: Console, camera: str, view, clip) -> None:
    table = Table("channel", "dtype", "shape", "unit", title=camera)
    for name in view.channels:
        channel = CHANNELS[name]
        table.add_row(
            name, channel.dtype, str((clip.spec.num_frames, *clip.spec.resolution) + channel.shape), channel.unit
        )
    console.print(table)
    if view.people:
        shown = np.mean([person.visible.mean() for person in view.people.values()])
        console.print(f"joints visible: {100 * shown:.0f} %")


def _dataset(path: Place, command) -> int:
    dataset, console = open_dataset(path), Console()
    files = dataset.clips()
    if command.json:
        print_json(dataset.config)
    else:
        _print_dataset(console, dataset, files)
    return 0


def _print_dataset(console: Console, dataset, files) -> None:
    planned = f" of {dataset.num_clips} planned" if (dataset.num_clips or 0) > len(files) else ""
    console.print(
        f"{dataset.path}: {len(files)}{planned} clip{'' if len(files) == 1 else 's'}, {dataset.size() / 1e6:.1f} MB"
    )
    table = Table("file", Column("clip", overflow="fold"), "frames", "height, width", "people", "action")
    for file in files[:LISTED]:
        with open_clip(file) as clip:
            s = clip.spec
            h, w = s.resolution
            table.add_row(
                file.name, s.name, str(s.num_frames), f"{h}, {w}", str(len(s.people)), str(s.tags.get("action", ""))
            )
    console.print(table)
    if len(files) > LISTED:
        console.print(f"and {len(files) - LISTED} more")
