"""A clip's description and metadata, as HTML that is safe whatever stands in the file."""

import html
import json
from collections.abc import Mapping

from mannequin.generator.dataset.collection import Collection
from mannequin.generator.dataset.source import ClipSource
from mannequin.generator.spec import ClipSpec

LONGEST_JSON = 60_000
"""Characters of the description shown; the whole can be downloaded."""


def facts_html(reader: ClipSource, collection: Collection, key: str) -> str:
    """What is in the clip, how it came about and how to make it again."""
    spec, made = reader.spec, []
    facts = {
        "clip": f"{spec.name} ({key})",
        "frames": f"{spec.num_frames} at {spec.fps:g} Hz, {spec.resolution[0]} × {spec.resolution[1]} (height × width)",
        "split, preset": f"{spec.split}, {spec.preset}",
        "seed, index": f"{spec.seed}, {spec.index}",
        "cameras": ", ".join(reader.cameras),
        "people": "; ".join(f"{p.name}: {p.body}, {p.motion.asset}, {p.appearance.texture}" for p in spec.people),
        "hands": "; ".join(f"{h.name}: {h.body}" for h in spec.hands) or "none",
        "objects": "; ".join(f"{o.name}: {o.mesh}, {o.category}" for o in spec.objects) or "none",
        "light, background": f"{spec.light.kind}, {spec.background.kind}",
        "tags": ", ".join(f"{k}={v}" for k, v in spec.tags.items()) or "none",
        "file": str(reader.path),
    }
    made.append(_table("Clip", facts))
    made.append(_table("Software", reader.versions))
    if reader.agreement:
        made.append(_table("What the two renderers disagreed on", {k: f"{v:.4g}" for k, v in reader.agreement.items()}))
    made.append(_heading("To make it again") + _code(reproduction(spec, collection)))
    return _body("".join(made))


def reproduction(spec: ClipSpec, collection: Collection) -> str:
    """A program that renders the clip anew."""
    if collection.dataset is None or "assets" not in collection.dataset.config:
        return "# The folder does not say which assets were used; the description below is complete but for these.\n"
    config = collection.dataset.config
    return (
        "from mannequin.generator.catalog import Assets, Catalog\n"
        "from mannequin.generator.clip import DEFAULT_OUTPUTS\n"
        "from mannequin.generator.dataset.folder import open_dataset\n"
        "from mannequin.generator.records import from_plain\n"
        "from mannequin.renderers.choice import open_renderer\n\n"
        f"dataset = open_dataset({str(collection.path)!r})\n"
        f"spec = dataset.open({spec.index}).spec\n"
        "catalog = Catalog(from_plain(Assets, dataset.config['assets']))\n"
        f"clip = open_renderer({config.get('renderer', 'raster')!r}, catalog).render(spec, DEFAULT_OUTPUTS)\n"
    )


def description_html(spec: ClipSpec) -> str:
    """The description as indented JSON; its middle is left out if it is very long."""
    text = json.dumps(json.loads(spec.to_json()), indent=1, ensure_ascii=False)
    if len(text) > LONGEST_JSON:
        cut = len(text) - LONGEST_JSON
        text = (
            f"{text[: LONGEST_JSON // 2]}\n… {cut} characters left out; download the whole "
            f"…\n{text[-LONGEST_JSON // 2 :]}"
        )
    return _body(_code(text))


def message_html(title: str, text: str) -> str:
    """A few plain sentences under a heading."""
    return _body(f"{_heading(title)}<div style='white-space:pre-wrap;overflow-wrap:anywhere'>{html.escape(text)}</div>")


def _body(content: str) -> str:
    return f"<div style='padding:0 .75em .5em;font-size:.8em;line-height:1.45'>{content}</div>"


def _heading(text: str) -> str:
    return f"<div style='font-weight:600;margin:.6em 0 .2em'>{html.escape(text)}</div>"


def _table(title: str, rows: Mapping[str, str]) -> str:
    cells = "".join(
        "<tr><td "
        f"style='opacity:.65;padding-right:8px;white-space:nowrap;vertical-align:top'>{html.escape(str(k))}</td>"
        f"<td style='overflow-wrap:anywhere'>{html.escape(str(v))}</td></tr>"
        for k, v in rows.items()
    )
    return f"{_heading(title)}<table>{cells}</table>"


def _code(text: str) -> str:
    style = (
        "font-size:.9em;white-space:pre-wrap;overflow-wrap:anywhere;background:rgba(128,128,128,.12);"
        "padding:.5em;border-radius:4px;margin:0"
    )
    return f"<pre style='{style}'>{html.escape(text)}</pre>"
