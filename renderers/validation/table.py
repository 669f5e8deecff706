"""Rows of the validation table, and how findings of many clips become one row."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One measure of one clip: it holds when value <= limit (or >= where ``at_least``)."""

    check: str
    value: float
    limit: float
    unit: str = ""
    at_least: bool = False
    note: str = ""

    @property
    def ok(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit


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


def add(rows: dict[str, Row], where: str, findings) -> None:
    """Merge the findings of the clip named ``where`` into ``rows``."""
    for finding in findings:
        row = rows.get(finding.check)
        if row is None:
            rows[finding.check] = Row(finding.check, 1, int(not finding.ok), finding, where)
            continue
        row.examined += 1
        row.failed += int(not finding.ok)
        if _badness(finding) > _badness(row.worst):
            row.worst, row.where = finding, where


def _badness(finding: Finding) -> float:
    return -finding.value if finding.at_least else finding.value
