"""What the dataset is and is not, in the sense of Gebru et al., "Datasheets for Datasets" (2021)."""

import json

from mannequin import __version__
from mannequin.generator.body.shipped import manifest
from mannequin.generator.catalog import BUILTIN
from mannequin.generator.clip import CHANNELS
from mannequin.generator.errors import AssetError
from mannequin.report.html import Html, count, el, facts, join, size, table, text
from mannequin.report.source import Source
from mannequin.terminal import quoted

ARRAYS = (
    ("K", "camera", "(T, 3, 3)", "px", "intrinsics"),
    (
        "T_world_camera",
        "camera, frame",
        "(T, 4, 4)",
        "m",
        "takes camera coordinates to the world; x right, y down, z forward",
    ),
    (
        "joints2d",
        "camera, person, frame",
        "(T, J, 2)",
        "px",
        "projected joints; x right, y down, (0, 0) the outer corner of the image",
    ),
    ("joints_camera", "camera, person, frame", "(T, J, 3)", "m", "joints in the camera frame"),
    (
        "in_frame, visible",
        "camera, person, frame",
        "(T, J)",
        "yes or no",
        "joint projects into the image; and is not hidden",
    ),
    ("box, pixels", "camera, person, frame", "(T, 4), (T)", "px", "tight edges, and number, of the visible pixels"),
    (
        "pose",
        "person, frame",
        "(T, J, 3)",
        "rad",
        "axis-angles; the first takes the body's Y-up frame to the Z-up world",
    ),
    ("betas", "person", "(S)", "", "shape coefficients of the body named beside them"),
    ("transl", "person, frame", "(T, 3)", "m", "as SMPL's transl"),
    (
        "joints",
        "person, frame",
        "(T, J, 3)",
        "m",
        "joints in the world; Z up, the ground is z = 0 unless the description says otherwise",
    ),
)
"""(name, one for each, shape, unit, meaning) of what stands beside the images."""

LIMITS = (
    "The colour image is a renderer's estimate, with noise of its sampling; as JPEG it loses a little more. "
    "Labels are computed, not estimated: "
    "what the ray through the centre of a pixel meets, never averaged.",
    "The rasteriser draws no shadows under an environment light.",
    "Depth is planar z of the surface, clothes included. Joints lie inside the body, 5–15 cm behind the "
    "surface at their pixel.",
    "visible is decided by the pixel at a joint: the same or a neighbouring part of the same person, or "
    "nothing nearer.",
    "Charts have DensePose's order, but coordinates of their own.",
    "Files keep depth in steps of 0.1 mm, flow in 1/128 px, normals in 1/32767.",
    "Clothes follow the skin and hair is a surface; there is no loose cloth, no hair strands and no contact "
    "with objects.",
)

UNKNOWN = (
    "How it was made, with which software, options, seed, assets and licences, is not in the files; ask who "
    "made it. A light or a "
    "background that is not recorded is counted as such above.",
    "Focal length and rotation of the camera are not in the files either; they are those of SURREAL's "
    "recipe, as far as joints2D and joints3D agree with it.",
    "Which pixel belongs to whom is known where there is one person; with several, a pixel counts for whose "
    "joint of that part is nearest.",
    "visible is judged by parts in front of a joint: the files do not say it.",
    "There is no occlusion, no UV and no flow from t to t + 1; flow_backward is minus the gtflow of the "
    "files, and zero at frame 0.",
    "SMPL's transl is not in the files.",
    "Images of SURREAL's own releases are mirrored against the bodies; pictures and figures here have that undone.",
)
"""Of a dataset in SURREAL's layout."""

MOST_OPTIONS = 200


def datasheet(source: Source) -> Html:
    """All of it."""
    parts = [el("h3", "Composition"), _composition(source), el("h3", "Channels"), _channels(source), _arrays(source)]
    parts += [el("h3", "How it was made"), _making(source), el("h3", "Sources and licences"), _sources(source)]
    parts += [el("h3", "Software"), _software(source), el("h3", "Not exact, and not there"), _limits(source)]
    return join(parts)


def _composition(source: Source) -> Html:
    s = source.gathered.statistics
    splits = ", ".join(f"{name} {n:,}" for name, n in s.names["split"].ranked()) + (
        " (of the clips read)" if s.clips < source.gathered.total else ""
    )
    rows = [
        (
            "One instance is",
            "a clip: frames of one scene with its people, seen by one or more cameras, all that is known of "
            "them, and its description",
        ),
        ("Instances", f"{count(source.gathered.total, 'clip')}, {size(source.bytes)}"),
        ("Splits, in clips", splits),
        ("People", _people(source)),
        (
            "Sampling",
            "each clip is drawn by itself from the distributions of its preset; its seed and number decide it"
            if source.command
            else "not recorded",
        ),
    ]
    return facts(rows)


def _people(source: Source) -> str:
    if "footage" in source.config:
        return (
            "the pictures are footage of real people, labelled by a fitted body; their consent and rights are "
            "not recorded here"
        )
    if source.command is None:
        return "not recorded"
    assets = source.config["assets"]
    moved = (
        "motions are computed"
        if not assets["motion"] or all("/" not in m and "." not in m for m in assets["motion"])
        else "motions may have been recorded from people"
    )
    shown = "; textures are the user's, and may show people" if assets["textures"] else ""
    return f"nobody in it is real: bodies, clothes and faces are synthetic; {moved}{shown}"


def _channels(source: Source) -> Html:
    rows = []
    for name in source.gathered.channels:
        c = CHANNELS[name]
        shape = f"(T, H, W{''.join(f', {n}' for n in c.shape)})"
        rows.append([el("code", name), c.dtype, shape, c.unit, c.frame, c.background, c.meaning])
    return table(["channel", "type", "shape", "unit", "frame", "background", "meaning"], rows)


def _arrays(source: Source) -> Html:
    rows = [[el("code", name), each, shape, unit, meaning] for name, each, shape, unit, meaning in ARRAYS]
    note = "T frames of height H and width W, J joints (24 or 52), S coefficients. Left is the person's left."
    return join((table(["array", "for each", "shape", "unit", "meaning"], rows), el("p", note, class_="note")))


def _making(source: Source) -> Html:
    if not source.config:
        return el("p", "Not recorded in the files.")
    rows = [(el("code", text(name)), text(value or "–", 2000)) for name, value in _flat(source.config)[:MOST_OPTIONS]]
    return join((el("p", "The options it was made with, presets resolved:"), facts(rows)))


def _flat(plain, path: str = "") -> list[tuple[str, str]]:
    """(dotted name, value) of plain values within one another."""
    if isinstance(plain, dict):
        return [row for name, value in plain.items() for row in _flat(value, f"{path}.{name}" if path else str(name))]
    if isinstance(plain, list) and not any(isinstance(value, (dict, list)) for value in plain):
        return [(path, ", ".join(str(value) for value in plain))]
    return [(path, plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False))]


def _sources(source: Source) -> Html:
    if source.command is None:
        named = "The options above name the files it was made from. Their licences are those of whoever gave them."
        return el("p", named if source.config else "Not recorded in the files.")
    assets, own = source.config["assets"], []
    for name, builtin in (
        ("body", "Mannequin's own, made from MakeHuman data; CC0 1.0"),
        ("motion", "procedural actions of Mannequin"),
        ("textures", "procedural skin and clothes of Mannequin"),
        ("backgrounds", "views of the environments"),
        ("environments", "worlds that come with Blender (bpy); CC0 1.0"),
    ):
        value = assets[name]
        given = value if isinstance(value, str) else ", ".join(value)
        users = given not in ("", BUILTIN) and not (
            name == "motion" and all("/" not in m and "." not in m for m in value)
        )
        own.append(
            [name, text(given or "built in"), "the user's; its licence and hash are not recorded" if users else builtin]
        )
    return join((table(["asset", "given", "source and licence"], own), _shipped(source)))


def _shipped(source: Source) -> Html | None:
    """The files of the built-in body, if it was used."""
    if source.config["assets"]["body"] != BUILTIN:
        return None
    try:
        held = manifest()
    except AssetError as e:
        return el("p", str(e))
    rows = [
        [el("code", f["path"]), size(f["bytes"]), str(f.get("license", "")), el("code", f["sha256"], class_="hash")]
        for f in held["files"]
    ]
    source_of = held.get("source")
    origin = source_of if isinstance(source_of, dict) else {}
    here, there = __version__, source.versions.get("mannequin", "an unknown version")
    said = (
        f"Made from {origin.get('package', 'an unknown package')} (SHA-256 {origin.get('sha256', 'unknown')}): "
        f"{origin.get('used', '')}. "
    )
    other = "" if here == there else f"Hashes are those of mannequin {here}; the dataset was made with {there}."
    return join((table(["file", "size", "licence", "SHA-256"], rows), el("p", said, other, class_="note")))


def _software(source: Source) -> Html:
    s = source.gathered.statistics
    names = sorted({*source.versions, *s.versions})
    if not names:
        return el("p", "Not recorded in the files.")
    rows = [
        [
            el("code", n),
            source.versions.get(n, "–"),
            ", ".join(v for v, _ in s.versions[n].ranked()[:5]) if n in s.versions else "–",
        ]
        for n in names
    ]
    return table(["package", "that began the dataset", "that made the clips read"], rows)


def _limits(source: Source) -> Html:
    lines = UNKNOWN if source.collection.kind == "surreal" else LIMITS
    return el("ul", *(el("li", line) for line in lines), class_="plain")


def rebuild(source: Source) -> Html:
    """The commands that make it again."""
    name = source.name
    if source.command is None:
        kind = (
            "It was made by `mannequin label` from the files that the options above name."
            if "footage" in source.config
            else "The files do not hold what made them."
        )
        return el("p", kind)
    version = source.versions.get("mannequin", "")
    said = (
        f"With mannequin {version} and the software above, this gives the same bytes; other versions may draw "
        "other clips. "
        "Clips that are there already are kept, so the same line continues an unfinished dataset."
    )
    check = "\n".join(quoted("mannequin", command, name) for command in ("validate", "report"))
    return join((el("p", said), el("pre", source.command), el("p", "Then:"), el("pre", check)))
