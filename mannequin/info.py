"""What ``mannequin info`` prints."""

import json
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from generator.clip import CHANNELS
from generator.dataset.folder import open_dataset
from generator.dataset.native import open_clip, read_clip
from generator.errors import ConfigError, DatasetError
from generator.pictures import channel_sheet, colourise, grid, save_picture, titled


def show(command) -> int:
    """Print a clip or dataset as ``command`` (an Info) asks."""
    path = Path(command.path)
    if path.is_dir():
        return _dataset(path, command)
    if not path.exists():
        raise DatasetError(f"There is no clip or dataset at {path}.")
    return _clip(path, command)


def _clip(path: Path, command) -> int:
    clip = read_clip(path)
    spec, console = clip.spec, Console()
    if not 0 <= command.frame < spec.num_frames:
        raise ConfigError(f"frame is {command.frame}; {path.name} has frames 0 to {spec.num_frames - 1}.")
    if command.json:
        print(json.dumps(json.loads(spec.to_json()), indent=2))
    else:
        _print_clip(console, clip)
    if command.picture:
        _save(command.picture, channel_sheet(clip, command.frame), console)
    return 0


def _print_clip(console: Console, clip) -> None:
    spec = clip.spec
    console.print(f"[bold]{spec.name}[/]  preset {spec.preset}, seed {spec.seed}, index {spec.index}", highlight=False)
    h, w = spec.resolution
    console.print(f"{spec.num_frames} frames of {w} x {h} at {spec.fps:g} Hz; light {spec.light.kind}, background {spec.background.kind}", highlight=False)
    for person in spec.people:
        console.print(f"{person.name}: {person.body}, {person.motion.asset} from {person.motion.start:.2f} s, {person.appearance.texture}", highlight=False)
    for camera, view in clip.views.items():
        table = Table("channel", "dtype", "shape", "unit", title=camera)
        for name in view.channels:
            channel = CHANNELS[name]
            table.add_row(name, channel.dtype, str((spec.num_frames, h, w) + channel.shape), channel.unit)
        console.print(table)
        shown = np.mean([p.visible.mean() for p in view.people.values()]) if view.people else 0.0
        console.print(f"joints visible: {100 * shown:.0f} %", highlight=False)
    for name, value in sorted(clip.agreement.items()):
        if name.endswith("_worst"):
            console.print(f"renderers differ, {name.removesuffix('_worst')}: {value:.3g} (worst frame)", highlight=False)
    console.print("made by " + ", ".join(f"{k} {v}" for k, v in clip.versions.items()), highlight=False)


def _dataset(path: Path, command) -> int:
    dataset, console = open_dataset(path), Console()
    files = dataset.clips()
    if command.json:
        print(json.dumps(dataset.config, indent=2))
    else:
        size = sum(f.stat().st_size for f in files)
        console.print(f"[bold]{path}[/]: {len(files)} clips, {size / 1e6:.1f} MB", highlight=False)
        table = Table("file", "clip", "frames", "size", "people", "action")
        for file in files[:20]:
            with open_clip(file) as clip:
                s = clip.spec
                table.add_row(file.name, s.name, str(s.num_frames), f"{s.resolution[1]} x {s.resolution[0]}", str(len(s.people)), str(s.tags.get("action", "")))
        console.print(table)
    if command.picture:
        _save(command.picture, dataset_sheet(files, command.frame), console)
    return 0


def dataset_sheet(files, frame: int, channels=("rgb", "segm", "depth", "normal", "flow", "uv")) -> np.ndarray:
    """(h, w, 3) uint8: a row of channels for each of at most six clips, evenly spread."""
    picked = [files[int(i)] for i in np.unique(np.linspace(0, len(files) - 1, min(6, len(files))).round())]
    cells, columns = [], 0
    for file in picked:
        clip = read_clip(file)
        view = next(iter(clip.views.values()))
        names = [c for c in channels if c in view.channels]
        columns = max(columns, len(names))
        t = min(frame, clip.spec.num_frames - 1)
        cells.append([titled(colourise(view, n, t), f"{n}  {clip.spec.name}" if k == 0 else n) for k, n in enumerate(names)])
    return grid([cell for row in cells for cell in row if cell.shape == cells[0][0].shape], columns)


def _save(path: Path, picture: np.ndarray, console: Console) -> None:
    try:
        save_picture(path, picture)
    except (OSError, ValueError) as e:
        raise ConfigError(f"Cannot write the picture {path}: {e}. Give a path that ends in .png and can be written.") from e
    console.print(f"picture: {path}", highlight=False)
