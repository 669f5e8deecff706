"""``mannequin experiment``"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from mannequin.generator.errors import MissingExtraError
from mannequin.terminal import Console
from mannequin.training.experiments.scale import Scale


@dataclass(frozen=True)
class Experiment:
    """Measure what synthetic data is worth, as the thesis did.

    Nothing needs to be downloaded: a stand-in for real images is made, too, path-traced and badly photographed, of
    people, clothes, motions and surroundings that the synthetic images lack. What each experiment expects is fixed in
    training/experiments/plans.py. See docs/results.md.

    pretraining: few real images alone, against synthetic ones before them, in as many steps. finetuning: the same, but
    with as many steps on real images. amount: few or many synthetic clips. clothing: few or many outfits in as many
    clips.

    Finished runs are kept, and shared between experiments of one folder; run the same command again to continue.

    examples:
      mannequin experiment pretraining --workers 2
          into experiments/: all runs, pretraining-segmentation.md, .svg, .json and .png
      mannequin experiment amount --task depth --seeds 10
          depth instead of parts, more seeds
    """

    name: tyro.conf.Positional[Literal["pretraining", "finetuning", "amount", "clothing"]]
    """Which experiment."""

    out: Path = Path("experiments")
    """Folder of clips, runs and results; created if absent."""

    task: Literal["segmentation", "depth"] = "segmentation"
    """What is learnt."""

    seeds: int = 5
    """Repetitions. A seed decides the first weights, the order of samples and the subsets of the data."""

    scale: Scale = field(default_factory=Scale)

    workers: Annotated[str, tyro.conf.arg(metavar="N|auto")] = "auto"
    """Processes, each making clips or training a network of its own; auto for one per core."""

    quiet: bool = False
    """Say nothing but the tables."""

    def run(self) -> int:
        try:
            from mannequin.training.experiments.campaign import campaign
            from mannequin.training.experiments.contact_sheet import sheet
            from mannequin.training.experiments.page import markdown, plot
        except ModuleNotFoundError as e:
            raise MissingExtraError(f"{e.name} is missing, which training needs: pip install 'mannequin[train]'") from e
        from mannequin.generator.io.atomic import write_bytes
        from mannequin.generator.pictures import save_picture
        from mannequin.renderers.choice import open_renderer
        from mannequin.renderers.production.job import worker_count

        console = Console(stderr=True, quiet=self.quiet)
        outcome = campaign(
            self.name,
            self.task,
            self.seeds,
            self.out,
            self.scale,
            open_renderer,
            worker_count(self.workers),
            console.print,
        )
        place = self.out / f"{self.name}-{self.task}"
        texts = {
            ".md": markdown(outcome),
            ".svg": plot(outcome),
            ".json": json.dumps(outcome.to_plain(), indent=1, allow_nan=False),
        }
        for ending, text in texts.items():
            write_bytes(place.with_suffix(ending), text.encode())
        save_picture(place.with_suffix(".png"), sheet(outcome, self.out))
        Console().print(texts[".md"])
        console.print(f"Written: {place}.md, .svg, .json and .png, predictions of the first seed")
        return 0
