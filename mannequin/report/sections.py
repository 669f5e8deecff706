"""The other sections of the page."""

from mannequin.cli.progress import duration
from mannequin.generator.clip import CHANNELS
from mannequin.report import charts
from mannequin.report.distributions import card
from mannequin.report.html import Html, count, el, facts, join, number, size, table, text
from mannequin.report.pictures import picture, strip
from mannequin.report.source import Source
from mannequin.terminal import quoted

MOST_ROWS = 50
"""Of failures and of runs."""

DERIVED = {"segm14": "SURREAL's merge of segm to 14 parts; not in the files"}
KINDS = {"native": "Mannequin dataset", "surreal": "dataset in SURREAL's layout", "clip": "single clip"}


def head(source: Source) -> Html:
    """Name, state and size."""
    s, found = source.gathered.statistics, source.gathered
    renderer = source.config.get("renderer") or "not recorded"
    whole = found.read == found.total
    frames = f"{s.frames:,}" if whole else f"≈ {number(s.frames / found.read * found.total)}"
    people = s.names["action"].n
    shown = (
        (f"{found.total:,}", "clips"),
        (frames, "frames, all cameras"),
        (f"{people:,}" if whole else f"≈ {number(people / found.read * found.total)}", "people in clips"),
        (size(source.bytes), "in clips"),
        (renderer, "renderer"),
        (source.config.get("seed", "–"), "seed"),
    )
    return el(
        "header",
        el("p", KINDS[source.collection.kind], class_="kicker"),
        el("h1", text(source.name)),
        el("p", _lead(source), class_="lead"),
        el("ul", *(el("li", words, class_=class_ or None) for class_, words in states(source)), class_="states"),
        el("div", *(el("div", el("b", value), el("span", name)) for value, name in shown), class_="figures"),
    )


def _lead(source: Source) -> str:
    s = source.gathered.statistics
    sizes = [name for name, _ in s.names["resolution"].ranked()]
    what = f"{sizes[0]} pixels" if len(sizes) == 1 else f"{len(sizes)} image sizes"
    actions, channels = len(s.names["action"].counts), len(source.gathered.channels)
    made = f"; mannequin {source.versions['mannequin']}" if "mannequin" in source.versions else ""
    when = next((run.started[:10] for run in source.runs.runs if run.started), "")
    return (
        f"{count(actions, 'action')}, {count(channels, 'channel')}, {what} (height × "
        f"width){made}{f'; begun {when}' if when else ''}"
    )


def states(source: Source) -> list[tuple[str, str]]:
    """(class, words): what is whole, missing, failed or damaged."""
    inventory, found = source.inventory, source.gathered
    said = (
        [("warn", "no record of how it was made, of failures or of checks")]
        if source.collection.kind == "surreal"
        else []
    )
    if inventory is not None:
        said.append(
            (
                "good" if inventory.done == inventory.total else "warn",
                f"{inventory.done:,} of {inventory.total:,} planned clips are there",
            )
        )
        if inventory.missing:
            said.append(("warn", f"{inventory.missing:,} missing"))
    if source.failures:
        said.append(("bad", f"{len(source.failures):,} failed"))
    if found.num_damaged:
        said.append(("bad", f"{found.num_damaged:,} of {found.num_damaged + found.read:,} clips read are damaged"))
    if found.read + found.num_damaged < found.total:
        said.append(("", f"statistics of {found.read:,} of {found.total:,} clips, evenly spread"))
    return said + _validity(source)


def _validity(source: Source) -> list[tuple[str, str]]:
    if source.collection.dataset is None:
        return []
    if source.trouble:
        return [("bad", "result of the validation is damaged")]
    if source.validation is None:
        return [("", "not validated")]
    rows = source.validation["rows"]
    failed = sum(not row["ok"] for row in rows)
    if failed or not source.validation["valid"]:
        return [("bad", f"not valid: {failed} of {len(rows)} checks failed")]
    return [("good", f"valid: {len(rows)} checks passed")]


def clips(source: Source) -> Html:
    """The contact sheet."""
    thumbnails = source.gathered.thumbnails
    figures = []
    for s in thumbnails:
        about = ", ".join(
            part
            for part in (s.split.removeprefix("all"), count(s.people, "person", "people"), count(s.frames, "frame"))
            if part
        )
        caption = el("figcaption", el("b", text(s.key)), " ", text(s.action, 80), el("br"), about)
        figures.append(el("figure", picture(s.picture, f"clip {s.key}: {s.action}"), caption))
    total = source.gathered.total
    which = "All clips" if len(thumbnails) == total else f"{len(thumbnails)} of {total:,} clips, evenly spread"
    return join(
        (el("p", f"{which}: the middle frame of the first camera.", class_="note"), el("div", *figures, class_="sheet"))
    )


def channels(source: Source) -> Html:
    """A strip of pictures for each channel, and what its colours mean."""
    having = [s for s in source.gathered.thumbnails if s.labels is not None]
    labels = [s.labels for s in having if s.labels is not None]
    said = (
        f"The same {count(len(having), 'frame')} in every channel. Colours mean the same all along a strip; "
        "labels are thinned out, not averaged."
    )
    parts = [el("p", said, class_="note")]
    joints = el("div", *(picture(each.joints, f"joints of clip {each.key}") for each in labels), class_="strip")
    key = (
        "Joints, bones and the tight box about the visible pixels; hollow where a joint is hidden. Arrays "
        "joints2d, visible, box."
    )
    if "rgb" in source.gathered.channels:
        parts.append(
            _channel(
                "rgb",
                el("div", *(picture(s.picture, f"rgb of clip {s.key}") for s in having), class_="strip"),
                Html(""),
            )
        )
    parts.append(el("div", el("h4", "joints"), el("p", key), joints, class_="channel", id="channel-joints"))
    for name in (*(n for n in CHANNELS if n != "rgb"), "segm14"):
        if any(name in each.channels for each in labels):
            parts.append(_channel(name, *strip(labels, name)))
    absent = [name for name in CHANNELS if name not in source.gathered.channels]
    if absent:
        parts.append(el("p", f"Not in these clips: {', '.join(absent)}.", class_="note"))
    return join(parts)


def _channel(name: str, pictures: Html, legend: Html) -> Html:
    channel = CHANNELS.get(name)
    meaning = (
        f"{channel.meaning} · {channel.unit} · frame: {channel.frame} · background: {channel.background}"
        if channel
        else DERIVED[name]
    )
    return el(
        "div",
        el("h4", name),
        el("p", meaning),
        pictures,
        el("div", legend, class_="legend") if legend else None,
        class_="channel",
        id=f"channel-{name}",
    )


def validation(source: Source) -> Html:
    """What `mannequin validate` found, what the renderers disagreed on, what could not be read."""
    return join(
        (
            el("h3", "Checks"),
            _checks(source),
            el("h3", "Two renderers"),
            _agreement(source),
            el("h3", "Damage"),
            _damage(source),
        )
    )


def _checks(source: Source) -> Html:
    if source.trouble:
        return el("p", source.trouble)
    if source.validation is None:
        if source.collection.dataset is None:
            return el(
                "p",
                "Only Mannequin's own datasets can be validated; nothing is known of the labels of this one "
                "beyond what is shown here.",
            )
        command = el("code", quoted("mannequin", "validate", source.name))
        return el("p", "Not validated. Run ", command, " and make this report again.")
    held = source.validation
    rows = []
    for row in held["rows"][:200]:
        value = "not a number" if row["value"] is None else number(row["value"], 2)
        limit = f"{'≥' if row['at_least'] else '≤'} {number(row['limit'])} {row['unit']}"
        result = (
            el("span", "ok", class_="yes") if row["ok"] else el("span", f"failed in {row['failed']:,}", class_="no")
        )
        rows.append(
            [
                row["check"],
                f"{row['examined']:,}",
                value,
                limit,
                result,
                text(row["where"] + (f": {row['note']}" if row["note"] and not row["ok"] else "")),
            ]
        )
    said = "Valid. " if held["valid"] else "Not valid. "
    when = f"Checked {text(held['at'][:19].replace('T', ' '))} (UTC), when there were {count(held['clips'], 'clip')}."
    stale = (
        f" Now there are {source.gathered.total:,}: validate again." if held["clips"] != source.gathered.total else ""
    )
    notes = [el("li", text(note)) for note in held["notes"][:20]]
    return join(
        (
            el("p", said, when, stale),
            table(["check", "clips", "worst", "limit", "", "worst in"], rows, numbers=(1, 2)),
            el("ul", *notes, class_="plain note") if notes else None,
        )
    )


def _agreement(source: Source) -> Html:
    found = source.gathered.statistics.agreement
    if not found and source.collection.kind == "surreal":
        return el("p", "This layout does not say whether renderers were compared.")
    if not found:
        said = "The files hold no comparison of two renderers: one alone made these clips. "
        return el("p", said, el("code", "mannequin validate"), " renders sampled frames again with the other.")
    worst = {name.removesuffix("_worst"): tally for name, tally in found.items() if name.endswith("_worst")} or found
    cards, rows = [], []
    for name, tally in worst.items():
        unit = "m" if name.startswith("depth_") and "_of_" not in name else "share of pixels" if "_of_" in name else ""
        title = name.replace("_", " ")
        rows.append(
            [
                title,
                unit,
                f"{tally.n:,}",
                *(number(v, 2) for v in (tally.quantile(0.5), tally.quantile(0.95), tally.largest)),
            ]
        )
        if tally.zeros < tally.n:
            cards.append(
                card(
                    title,
                    unit,
                    "",
                    charts.log_histogram(tally, title, unit),
                    f"n {tally.n:,} clips, largest {number(tally.largest, 2)}",
                )
            )
    note = (
        "While Cycles made the colour, the rasteriser made the same labels by itself. Of each clip, the worst "
        "frame; a clip beyond the limits is not written."
    )
    head = ["measure", "unit", "clips", "median", "95 %", "largest"]
    return join(
        (el("p", note, class_="note"), table(head, rows, numbers=(2, 3, 4, 5)), el("div", *cards, class_="charts"))
    )


def _damage(source: Source) -> Html:
    found = source.gathered
    if not found.num_damaged:
        return el(
            "p",
            f"None of the {found.read:,} clips read is damaged. Checksums of stored blocks were computed as "
            "far as they were read.",
        )
    more = f" The first {len(found.damaged)} are listed." if found.num_damaged > len(found.damaged) else ""
    said = (
        f"{count(found.num_damaged, 'clip')} of {found.num_damaged + found.read:,} cannot be read; no figure here "
        f"counts them.{more}"
    )
    return join(
        (
            el("p", said),
            table(
                ["clip", "what is wrong"],
                [[el("code", text(key)), text(message, 600)] for key, message in found.damaged],
            ),
        )
    )


def making(source: Source) -> Html:
    """Throughput and failures."""
    return join((el("h3", "Throughput"), _throughput(source), el("h3", "Failures"), _failures(source)))


def _throughput(source: Source) -> Html:
    r = source.runs
    unread = f"; {r.unread:,} logs not read" if r.unread else ""
    if not r.clips:
        return el("p", f"There are no logs of the runs that made it, so nothing is known of its speed{unread}.")
    busy = sum(r.seconds.values())
    rows = [
        (
            "Clips made",
            f"{r.clips:,}, {r.frames:,} frames, as the logs have it"
            + ("" if r.is_whole else "; of their ends only")
            + unread,
        ),
        (
            "Speed",
            f"{number(r.frames / r.wall)} frames per second of a run, {number(r.frames / busy)} per process"
            if r.wall and busy
            else "not known",
        ),
        ("Time", f"{duration(r.wall)} of runs, {duration(busy)} of processes"),
        ("Memory", f"{number(r.peak_mb, 4)} MB at most, for a process"),
        ("Machines", f"{count(len(r.hosts), 'host')}, {count(len(r.runs), 'run')}"),
    ]
    bars = [
        (name, v, f"{1000 * v / max(r.frames, 1):.1f} ms", f"{name}: {100 * v / busy:.1f} % of the time", "bar", None)
        for name, v in r.seconds.items()
        if busy
    ]
    drawn = (
        card("Stages", "ms per frame", "", charts.bars(bars, "Time per stage"), f"n {r.clips:,} clips")
        if bars
        else None
    )
    listed = []
    for u in r.runs[-MOST_ROWS:]:
        counts = [f"{n:,}" for n in (u.workers, u.clips, u.failed, u.frames)]
        pace = [duration(u.wall), number(u.frames / u.wall if u.wall else 0), number(u.peak_mb, 4)]
        listed.append(
            [
                text(u.started[:19].replace("T", " ") or "–"),
                text(u.host, 40),
                *counts,
                *pace,
                text(u.end or "cut off", 20),
            ]
        )
    head = ["started (UTC)", "host", "workers", "clips", "failed", "frames", "time", "frames/s", "peak MB", "end"]
    more = el("p", f"The last {MOST_ROWS} of {len(r.runs):,} runs.", class_="note") if len(r.runs) > MOST_ROWS else None
    return join(
        (
            facts(rows),
            el("div", drawn, class_="charts") if drawn else None,
            table(head, listed, numbers=tuple(range(2, 9))),
            more,
        )
    )


def _failures(source: Source) -> Html:
    if source.collection.dataset is None:
        return el("p", "This layout keeps no record of clips that could not be made.")
    if not source.failures:
        return el("p", "No clip was given up.")
    rows = [
        [f"{f.clip:06d}", text(f.name, 80), text(f.error, 600), f"{f.attempts:,}", text(f"{f.at[:10]} {f.host}", 60)]
        for f in source.failures[:MOST_ROWS]
    ]
    more = f" The first {MOST_ROWS} are listed." if len(source.failures) > MOST_ROWS else ""
    retry = (
        join((el("p", "To try them again:"), el("pre", f"{source.command} --retry-failed"))) if source.command else None
    )
    said = (
        f"{count(len(source.failures), 'clip')} could not be made.{more} Tracebacks and descriptions are in the "
        "folder failed."
    )
    return join((el("p", said), table(["clip", "name", "error", "attempts", "when, where"], rows, numbers=(3,)), retry))
