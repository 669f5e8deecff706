"""``mannequin predict``"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from mannequin.terminal import Console


@dataclass(frozen=True)
class Predict:
    """Find people, joints, parts of the body, depth or actions.

    Without --box the whole image is what the network sees, as a square with black borders;
    it was trained on people who fill most of it. A box holds for all images. Images are
    written to OUT/overlay, colours over them, and the values to OUT/segm (8-bit PNG:
    0 background, 1…14 parts) or OUT/depth (16-bit PNG: 0 nobody, else 10000 + tenths of
    millimetres from the pelvis, larger is farther), at the pixels of the image;
    boxes are written to OUT/boxes, joints to OUT/joints2d and actions to OUT/action, as JSON.
    OUT/predictions.json says so too.

    What is there already is not made again.

    examples:
      mannequin predict run photos --out found
      mannequin predict run photo.jpg --out found --box 20 40 80 220 --box 90 60 150 220
      mannequin predict run walk.mp4 --out found --frames
    """

    checkpoint: tyro.conf.Positional[Path]
    """Folder of a training run, whose best checkpoint is taken, or of a checkpoint."""

    source: tyro.conf.Positional[Path]
    """An image, a folder of images, or a film."""

    out: Path
    """Folder to write to."""

    box: Annotated[
        tyro.conf.UseAppendAction[tuple[tuple[float, float, float, float], ...]],
        tyro.conf.arg(metavar="X0 Y0 X1 Y1", help_behavior_hint="(default: the whole image)"),
    ] = ()
    """Edges of a person in pixels, with about a sixth of the height to spare; for several people, several times."""

    opacity: float = 0.6
    """Of the colours over the image, 0 to 1."""

    plain: bool = False
    """Leave the legends out; pictures are then as large as the images."""

    frames: bool = False
    """Of a film, write the values of every frame too."""

    batch: int = 8
    """Images that go through the network at once; decides speed and memory, not results."""

    workers: int = 2
    """Threads that read images and make pictures meanwhile. 0: between the batches."""

    threads: int = 0
    """Threads that compute. 0: as OMP_NUM_THREADS says, else as many as cores are free."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """What to compute on; auto is a CUDA device if there is one."""

    def run(self) -> int:
        from mannequin.cli.training.extra import need_training

        need_training()
        from mannequin.training.predict.job import PredictOptions, predict

        options = PredictOptions(
            self.checkpoint,
            self.source,
            self.out,
            self.box,
            self.opacity,
            self.plain,
            self.frames,
            self.batch,
            self.device,
            self.workers,
            self.threads,
        )
        console = Console(stderr=True)
        with console.doing("predicting") as tell:
            outcome = predict(
                options,
                lambda what, done, total: tell(f"{what} {done}" + (f" of {total}" if total else "")),
                console.print,
            )
        for message in outcome.failed.values():
            console.print(message)
        if outcome.passed_over:
            console.print(f"passed over in {self.source}: {outcome.passed_over}")
        parts = [f"{len(outcome.done)} done"] + [
            f"{len(names)} {how}"
            for names, how in ((outcome.skipped, "there already"), (outcome.failed, "failed"))
            if names
        ]
        Console().print(f"{outcome.task}: {', '.join(parts)}. Look at {self.out / 'overlay'}")
        return 1 if outcome.failed else 0
