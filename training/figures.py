"""What the results of meters are called, and how they are written. Nothing here needs torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """scale: from the meter's value to ``unit``. digits: behind the point."""

    title: str
    unit: str
    scale: float
    digits: int = 1

    def text(self, value: float | None) -> str:
        """A value of the meter, with its unit; None stands for what could not be said."""
        return "unknown" if value is None else f"{value * self.scale:.{self.digits}f} {self.unit}".rstrip()


LOSS = Figure("loss", "", 1, 4)


def figure_of(name: str, figures: dict[str, Figure]) -> Figure:
    """That of the result called ``name``; one that is not known goes by its name."""
    return figures.get(name, Figure(name, "", 1, 4))
