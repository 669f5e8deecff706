"""What the open clip says of everybody at one frame: how much of them each camera sees, and what hides the rest."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mannequin.generator.clip import UNKNOWN, VISIBILITY, VISIBLE, PersonView, visible_share
from mannequin.generator.colours import OKABE_ITO

MOST_LISTED = 40
"""People and hands of a camera that are read and listed; more are only counted."""


@dataclass(frozen=True)
class Seen:
    """Somebody as one camera sees them at one frame.

    share: of what would be seen if nothing else were there; None where that is not recorded, NaN where nothing would
    be. joints: how many there are of each of VISIBILITY.
    """

    name: str
    instance: int
    share: float | None
    joints: tuple[int, ...]


def seen_at(name: str, instance: int, view: PersonView, t: int) -> Seen:
    """What ``view`` says at frame ``t``."""
    is_known = view.amodal_pixels[t] != UNKNOWN
    share = float(visible_share(view.pixels[t : t + 1], view.amodal_pixels[t : t + 1])[0]) if is_known else None
    codes = np.minimum(view.visibility[t], len(VISIBILITY) - 1)  # a damaged file may say more
    return Seen(name, instance, share, tuple(np.bincount(codes, minlength=len(VISIBILITY)).tolist()))


@dataclass(frozen=True)
class SeenBy:
    """What ``camera`` sees at one frame of ``people``, and of how many ``more`` who are not listed."""

    camera: str
    people: tuple[Seen, ...]
    more: int = 0


def people_html(t: int, cameras: Sequence[SeenBy]) -> str:
    """A list for each camera of what it sees at frame ``t``; safe whatever the names are."""
    if not any(seen.people for seen in cameras):
        return _body("Nobody was recorded.")
    parts = [f"<div style='opacity:.65'>At frame {t}.</div>"]
    for seen in cameras:
        if len(cameras) > 1:
            parts.append(f"<div style='font-weight:600;margin:.6em 0 .2em'>{html.escape(seen.camera)}</div>")
        parts += [_person(seen.camera, one) for one in seen.people]
        if seen.more:
            parts.append(f"<div>and {seen.more:,} more</div>")
    return _body("".join(parts))


def _person(camera: str, one: Seen) -> str:
    red, green, blue = OKABE_ITO[(one.instance - 1) % len(OKABE_ITO)]
    key = html.escape(f"{camera}/{one.name}", quote=True)
    return (
        f"<div data-person='{key}' style='margin:.35em 0;overflow-wrap:anywhere'>"
        f"<span style='display:inline-block;width:.8em;height:.8em;margin-right:.4em;"
        f"background:rgb({red},{green},{blue})'></span><b>{html.escape(one.name)}</b>: {_share(one.share)}"
        f"<div style='padding-left:1.2em;opacity:.8'>{_joints(one.joints)}</div></div>"
    )


def _share(share: float | None) -> str:
    if share is None:
        return "share seen not recorded"
    return "outside the image" if np.isnan(share) else f"{100 * share:.0f} % seen"


def _joints(counts: tuple[int, ...]) -> str:
    told = [f"{counts[VISIBLE]} of {sum(counts)} joints visible"]
    told += [f"{n} {VISIBILITY[code]}" for code, n in enumerate(counts) if n and code != VISIBLE]
    return ", ".join(told)


def _body(content: str) -> str:
    return f"<div style='padding:0 .75em .5em;font-size:.8em;line-height:1.45'>{content}</div>"
