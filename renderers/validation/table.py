"""Rows of the validation table, and how findings of many clips become one row."""

import math
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """One measure of one clip: it holds when value <= limit (or >= where ``at_least``).

    A value that is not a number never holds. note: where within the clip, or what is wrong.
    """

    check: str
    value: float
    limit: float
    unit: str = ""
    at_least: bool = False
    note: str = ""

    @property
    def ok(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def badness(self) -> float:
        """Orders findings of one check; the largest is the worst."""
        if math.isnan(self.value):
            return math.inf
        return self.limit - self.value if self.at_least else self.value - self.limit


@dataclass
class Row:
    """One line of the table. examined: clips looked at. worst: the Finding farthest from its limit."""

    check: str
    examined: int
    failed: int
    worst: Finding
    where: str

    @property
    def ok(self) -> bool:
        return self.failed == 0


@dataclass
class Report:
    """All rows by check, in the order of their first finding, and what could not be checked."""

    rows: dict[str, Row] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def failed(self) -> list[str]:
        """Checks that failed."""
        return [row.check for row in self.rows.values() if not row.ok]

    def add(self, where: str, findings: list[Finding]) -> None:
        """Merge the findings of one clip, the file named ``where``."""
        worst = {}
        for finding in findings:
            if finding.check not in worst or finding.badness > worst[finding.check].badness:
                worst[finding.check] = finding
        for check, finding in worst.items():
            row = self.rows.get(check)
            if row is None:
                self.rows[check] = Row(check, 1, int(not finding.ok), finding, where)
                continue
            row.examined += 1
            row.failed += int(not finding.ok)
            if finding.badness > row.worst.badness:
                row.worst, row.where = finding, where

    def say(self, note: str) -> None:
        """Remember something that could not be checked, once."""
        if note not in self.notes:
            self.notes.append(note)
