"""The page: head, contents, sections."""

from mannequin.report import sections
from mannequin.report.datasheet import datasheet, rebuild
from mannequin.report.distributions import GROUPS, distributions
from mannequin.report.html import Html, el, join, text
from mannequin.report.source import Source
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
