"""The section of the distributions."""

import numpy as np

from mannequin.generator.appearance.choices import skin_colour
from mannequin.generator.body.model import FINGERS, MERGE_14, PARTS, PARTS_14, SMPL_JOINTS
from mannequin.generator.clip import HIDDEN, VISIBILITY, VISIBLE
from mannequin.generator.colours import part_colours
from mannequin.report import charts
from mannequin.report.html import Html, count, el, facts, join, number
from mannequin.report.measures import MEASURES, POSES_OF_A_PERSON
from mannequin.report.statistics import NAMES, Statistics

GROUPS = (
    (
        "viewpoint",
        "Viewpoint",
        (
            *("distance", "azimuth", "elevation", "pitch", "camera_height", "focal"),
            *("camera_speed", "camera_turning", "zoom"),
        ),
    ),
    ("image", "In the image", ("people", "height", "cut", "hidden", "seen", "cover", "person_luma", "background_luma")),
    ("poses", "Actions and poses", ("action", "lowest", "penetration")),
    ("people", "Bodies and looks", ("gender", "body", "tone", "hair", "top", "bottom", "shoes", "pattern", "texture")),
    ("light", "Light and background", ("light", "environment", "strength", "ambient", "power", "background", "photo")),
)
"""(anchor, title, what it shows) of each group."""

CLIP_FACTS = (
    "resolution",
    "frames",
    "rate",
    "split",
    "preset",
    "cameras",
    "rig",
    "camera_motion",
    "people",
    "arrangement",
    "objects",
)


def distributions(s: Statistics) -> Html:
    """Every distribution, in groups; at last what is not known."""
    extra = {
        "viewpoint": [],
        "image": [*_joints(s), *_visibility(s), *_parts(s)],
        "poses": [*_diversity(s), *_spread(s)],
        "people": _shapes(s),
        "light": [],
    }
    parts = [el("h3", "Clips"), facts([(NAMES[kind][0], _listed(s, kind)) for kind in CLIP_FACTS if s.names[kind].n])]
    for anchor, title, shown in GROUPS:
        cards = [*(card for name in shown for card in _chart(s, name)), *extra[anchor]]
        if cards:
            parts += [el("h3", title, id=anchor), el("div", *cards, class_="charts")]
    absent = [title for title, n in _counted(s) if not n]
    if absent:
        parts.append(
            el("p", "Not shown, because no clip that was read has it: ", "; ".join(absent), ".", class_="note")
        )
    return join(parts)


def _counted(s: Statistics) -> list[tuple[str, int]]:
    """(title, n) of all that could be shown."""
    values = [(MEASURES[name].title, tally.n) for name, tally in s.values.items()]
    kinds = [(NAMES[kind][0], tally.n) for kind, tally in s.names.items()]
    return (
        values
        + kinds
        + [
            ("Pixels of each part", int(s.parts[1:].sum())),
            ("Joint visibility", sum(int(row[0]) for row in s.joints.values())),
        ]
    )


def _listed(s: Statistics, kind: str) -> str:
    """The names that occur, with how often if there are several."""
    ranked = s.names[kind].ranked()
    if len(ranked) == 1:
        return f"{ranked[0][0]}, in all"
    more = f"; {len(ranked) - 12:,} others" if len(ranked) > 12 else ""
    return "; ".join(f"{name} in {n:,}" for name, n in ranked[:12]) + more


def _chart(s: Statistics, name: str) -> list[Html]:
    """The card of a measure or of names; none if nothing was counted."""
    if name in MEASURES:
        return _measure(s, name)
    tally = s.names[name]
    if not tally.n:
        return []
    title, of = NAMES[name]
    return [
        card(
            title,
            "",
            "",
            charts.names(tally, f"{title}: n {tally.n:,} {of}"),
            f"n {tally.n:,} {of}, {count(len(tally.counts), 'value')}",
        )
    ]


def _measure(s: Statistics, name: str) -> list[Html]:
    tally, m = s.values[name], MEASURES[name]
    if not tally.n:
        return []
    unit = "" if m.unit in ("0–255", "step") else m.unit
    if name == "azimuth":
        drawn, said = charts.rose(tally, m.title), _directions(tally)
    else:
        drawn, said = (
            charts.histogram(tally, m.title, unit, _skin if name == "tone" else None),
            charts.summary(tally, unit),
        )
    return [card(m.title, m.unit, m.meaning, drawn, said.replace(f"n {tally.n:,}", f"n {tally.n:,} {m.of}", 1))]


def _skin(tone: float) -> str:
    """The colour of a skin tone."""
    return "rgb({:.0f},{:.0f},{:.0f})".format(*255 * skin_colour(tone))


def _directions(tally) -> str:
    """Shares of the four quarters about front, left, back and right."""
    quarters = np.roll(tally.counts, len(tally.counts) // 8).reshape(4, -1).sum(1)  # from 135° on
    shares = ", ".join(
        f"{name} {100 * n / max(tally.n, 1):.0f}\xa0%" for name, n in zip(("back", "right", "front", "left"), quarters)
    )
    return f"n {tally.n:,}, within 45° of: {shares}" + (f"; {tally.lost:,} unknown" if tally.lost else "")


def card(title: str, unit: str, note: str, drawn: Html, said: str) -> Html:
    """A chart with its name, what it means and its numbers."""
    head = el("h4", title, el("small", f" {unit}") if unit else None)
    return el(
        "figure",
        head,
        el("p", note, class_="note") if note else None,
        drawn,
        el("p", said, class_="sum"),
        class_="chart",
    )


def _fingerless(name: str) -> str:
    """Joints of fingers are counted together, one row for each hand."""
    side, _, rest = name.partition("_")
    return f"{side} fingers" if rest.startswith(FINGERS) else name.replace("_", " ")


def _joints(s: Statistics) -> list[Html]:
    """How often each joint is visible, hidden, outside."""
    rows: dict[str, np.ndarray] = {}
    for name, row in s.joints.items():
        rows[_fingerless(name)] = rows.get(_fingerless(name), 0) + row
    rows = {name: row for name, row in rows.items() if row[0]}
    if not rows:
        return []
    shown = []
    for name, (n, inside, visible) in rows.items():
        parts = (
            ("bar", visible, "visible"),
            ("bar2", inside - visible, "inside the image, hidden"),
            ("rest", n - inside, "outside of the image"),
        )
        shown.append(
            (
                name,
                [
                    (k / n, class_, f"{name}: {word} in {k:,} of {n:,} ({100 * k / n:.1f} %)")
                    for class_, k, word in parts
                ],
            )
        )
    words = (("bar", "visible"), ("bar2", "hidden"), ("rest", "outside"))
    key = el("div", *(el("span", el("i", style=f"background:var(--{v})"), word) for v, word in words), class_="key")
    n = max(int(row[0]) for row in rows.values())
    mean = np.mean([row[2] / row[0] for row in rows.values()])
    drawn = charts.stacked(shown, f"Joint visibility: share of people in frames, n {n:,}")
    said = f"n {n:,} people in frames; {100 * mean:.0f}\xa0% visible, mean of the joints"
    return [
        card(
            "Joint visibility",
            "% of people in frames",
            "hidden: by another part of the body, person or object",
            join((key, drawn)),
            said,
        )
    ]


def _visibility(s: Statistics) -> list[Html]:
    """What hides joints."""
    total, why = int(s.visibility.sum()), s.visibility.copy()
    why[VISIBLE] = 0
    if not why.any():
        return []
    rows = [
        (name, float(n), f"{100 * n / total:.2g} %", f"{name}: {n:,} of {total:,} joints", "bar", None)
        for name, n in zip(VISIBILITY, why.tolist())
        if n
    ]
    title = "Why joints are not visible"
    note = "another: a person, or a hand that stands alone"
    note += "; hidden: by what is not recorded" if why[HIDDEN] else ""
    said = f"n {total:,} joints of people in frames; {100 * why.sum() / total:.0f}\xa0% of them not visible"
    return [card(title, "% of joints", note, charts.bars(rows, f"{title}: n {total:,}"), said)]


def _parts(s: Statistics) -> list[Html]:
    """Pixels of each of 24 and of 14 parts."""
    if not s.parts[1:].sum():
        return []
    merged = np.bincount(MERGE_14, weights=s.parts, minlength=15).astype(np.int64)
    objects = f"; {int(s.parts[0]):,} foreground pixels belong to objects" if s.parts[0] else ""
    cards = []
    for names, pixels in ((PARTS, s.parts), (PARTS_14, merged)):
        total, colours = int(pixels[1:].sum()), part_colours(parts=len(names))
        rows = []
        for name, n, (r, g, b) in zip(names, pixels[1:], colours[1:]):
            share = 100 * n / total
            rows.append(
                (
                    name,
                    float(n),
                    f"{share:.2g} %",
                    f"{name}: {int(n):,} of {total:,} pixels ({share:.2f} %)",
                    "bar",
                    f"rgb({r},{g},{b})",
                )
            )
        title = f"Pixels of {len(names)} parts"
        cards.append(
            card(
                title,
                "% of people's pixels",
                "",
                charts.bars(rows, f"{title}: n {total:,} pixels"),
                f"n {total:,} pixels{objects}",
            )
        )
    return cards


def _spread(s: Statistics) -> list[Html]:
    """How far each joint's rotation scatters."""
    rows, hands = [], {}
    for name, turns in s.turns.items():
        if name in SMPL_JOINTS[1:] and turns.n:
            rows.append((name.replace("_", " "), float(np.degrees(turns.spread)), turns.n))
        elif _fingerless(name).endswith("fingers") and turns.n:
            hands.setdefault(_fingerless(name), []).append((float(np.degrees(turns.spread)), turns.n))
    rows += [(name, float(np.mean([v for v, _ in found])), found[0][1]) for name, found in hands.items()]
    if not rows:
        return []
    n = max(row[2] for row in rows)
    bars = [(name, v, f"{number(v)}°", f"{name}: {v:.1f}°, n {k:,}", "bar", None) for name, v, k in rows]
    mean = float(np.mean([v for _, v, _ in rows]))
    note = "of each joint's rotation about its mean: arccos of the mean cosine of the angle between them"
    said = f"n {n:,} frames of people; mean of the joints {number(mean)}°"
    return [
        card("Spread of rotations", "°", note, charts.bars(bars, f"Spread of the joints' rotations: n {n:,}"), said)
    ]


def _diversity(s: Statistics) -> list[Html]:
    """How far poses of different clips lie apart."""
    found = s.pose_distances()
    if not found.pairs.n:
        return []
    note = "mean distance of corresponding joints between poses of different clips, each turned to face the same way"
    nearest = number(found.nearest.quantile(0.5))
    said = (
        f"{charts.summary(found.pairs, 'cm')}; {found.n:,} poses, at most {POSES_OF_A_PERSON} of a person; to the "
        f"nearest of another clip: median {nearest} cm"
    )
    return [card("Poses apart", "cm", note, charts.histogram(found.pairs, "Poses apart", "cm"), said)]


def _shapes(s: Statistics) -> list[Html]:
    """Shape coefficients of each body."""
    cards = []
    for body, tallies in s.betas.items():
        rows = [(f"β{k + 1}", tally) for k, tally in enumerate(tallies)]
        if rows:
            n = max(tally.n for _, tally in rows)
            note = "bar: the middle half; line: 5th to 95th percentile; mark: median"
            drawn = charts.ranges(rows, f"Shape coefficients of {body}: n {n:,}")
            cards.append(card("Shape", body, note, drawn, f"n {n:,} people in clips; coefficients of this body"))
    return cards
