"""The page, and the file that it is written to."""

from collections.abc import Callable
from pathlib import Path

from mannequin.generator.errors import ConfigError, DatasetError
from mannequin.generator.io.atomic import write_bytes
from mannequin.generator.io.remote import Place, RemotePath
from mannequin.report import sections
from mannequin.report.datasheet import datasheet, rebuild
from mannequin.report.distributions import GROUPS, distributions
from mannequin.report.html import Html, el, join, text
from mannequin.report.source import Source, read_source
from mannequin.report.style import STYLE

SECTIONS = (
    ("clips", "Clips", sections.clips),
    ("channels", "Channels", sections.channels),
    ("distributions", "Distributions", lambda source: distributions(source.gathered.statistics)),
    ("validation", "Validation", sections.validation),
    ("making", "How the making went", sections.making),
    ("datasheet", "Datasheet", datasheet),
    ("rebuild", "Make it again", rebuild),
)
"""(anchor, title, content) in order."""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""A browser that opens the page lets it load nothing and run nothing."""

NAME = "report.html"


def write_report(
    path: Place, out: Path | None, clips: int, on_progress: Callable = lambda progress: None
) -> tuple[Path, int]:
    """Write the report on the dataset or clip at ``path``; returns (file, bytes).

    out: the file; None for report.html in the dataset or, where that cannot be written, <name>-report.html
    in the working folder. clips: how many are read, 0 for all. on_progress: takes
    mannequin.renderers.production.job.Progress.
    Raises DatasetError if there is nothing to report or ``out`` cannot be written, ConfigError for impossible options.
    """
    if out is not None and (out.suffix != ".html" or out.is_dir()):
        raise ConfigError(f"The report {out} cannot be written; expected a file name that ends in .html.")
    source = read_source(path, clips, on_progress)
    data = page(source)
    if out is not None:
        return out, write_bytes(out, data)
    beside = Path(f"{source.name.removesuffix('.h5')}-{NAME}")
    if source.collection.kind == "clip" or isinstance(path, RemotePath):
        return beside, write_bytes(beside, data)
    try:
        return path / NAME, write_bytes(path / NAME, data)
    except DatasetError:  # of someone else, or on a disk that cannot be written
        return beside, write_bytes(beside, data)


def page(source: Source) -> bytes:
    """The whole file."""
    body = [sections.head(source), _contents(source)]
    main = [
        el("section", el("h2", title), content(source), id=anchor, class_="leaf") for anchor, title, content in SECTIONS
    ]
    body.append(el("main", *main))
    body.append(el("footer", "Made from the files by mannequin report; no figure here was typed by hand."))
    meta = (
        Html('<meta charset="utf-8"/>'),
        el("meta", http_equiv="Content-Security-Policy", content=Html(POLICY)),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", text(source.name), " – dataset report"),
        el("style", Html(STYLE)),
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{join(meta)}</head><body><div '
        f'class="page">{join(body)}</div></body></html>\n'
    ).encode()


def _contents(source: Source) -> Html:
    items = []
    for anchor, title, _ in SECTIONS:
        inner = None
        if anchor == "distributions":
            inner = el("ol", *(el("li", el("a", name, href=f"#{group}")) for group, name, _ in GROUPS))
        items.append(el("li", el("a", title, href=f"#{anchor}"), inner))
    return el("nav", el("ol", *items), aria_label="Contents")
