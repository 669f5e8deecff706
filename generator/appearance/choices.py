"""What a numbered person looks like: every choice, drawn from the number alone."""

from dataclasses import dataclass

import numpy as np

from mannequin.generator.appearance import garments as g
from mannequin.generator.appearance.garments import Garment
from mannequin.generator.appearance.measures import Measures

SKIN_TONES = (
    "edcebb",
    "e7c2aa",
    "dfb597",
    "d2a27e",
    "c18e67",
    "a67450",
    "87593b",
    "69422b",
    "4e3122",
    "38241b",
)
"""sRGB albedo of the ten steps of the Monk skin tone scale, light to dark.

Monk's own swatches are colours for a questionnaire on a screen; the light ones are nearly white.
These keep its order and even spacing, with the hue and lightness of living skin.
"""

HAIR_COLOURS = {
    "black": "15110f",
    "brown black": "221813",
    "dark brown": "35231a",
    "brown": "4c3322",
    "auburn": "5e3420",
    "light brown": "745236",
    "copper": "734227",
    "blond": "b08d5a",
    "light blond": "cbb083",
    "grey": "85817c",
    "white": "c9c5bf",
}
IRIS_COLOURS = {
    "dark brown": "2c1a10",
    "brown": "4a2d19",
    "hazel": "6b5330",
    "green": "5a6b48",
    "blue": "567792",
    "grey": "6c7a82",
}
HAIR_STYLES = {
    "male": {"short": 0.36, "side part": 0.2, "buzz": 0.17, "curly": 0.12, "bald": 0.1, "long": 0.05},
    "female": {
        "long": 0.34,
        "bob": 0.2,
        "bun": 0.17,
        "short": 0.06,
        "curly": 0.13,
        "side part": 0.05,
        "ponytail": 0.05,
    },
}
TOPS = {
    "male": {"t-shirt": 0.32, "long sleeve": 0.15, "shirt": 0.19, "hoodie": 0.16, "polo": 0.1, "vest": 0.08},
    "female": {"t-shirt": 0.24, "long sleeve": 0.18, "blouse": 0.14, "hoodie": 0.12, "vest": 0.14, "dress": 0.18},
}
BOTTOMS = {
    "male": {"jeans": 0.38, "trousers": 0.26, "shorts": 0.26, "joggers": 0.1},
    "female": {"jeans": 0.36, "trousers": 0.18, "shorts": 0.16, "leggings": 0.3},
}
SHOES = {"sneakers": 0.62, "boots": 0.18, "dress shoes": 0.2}
CLOTH = (
    "e9e7e2",
    "d9d4c7",
    "f2efe9",
    "232a38",
    "2f4058",
    "39597c",
    "7fa0bf",
    "a12f2f",
    "c4573f",
    "d98f3c",
    "e0bb55",
    "4d6b42",
    "2f4a3c",
    "86a08a",
    "1f1f22",
    "4a4b50",
    "85868c",
    "b9b9bd",
    "6a4a6d",
    "b07a94",
    "d9a9a9",
    "7a5a3f",
    "b08a5e",
    "2c7a7b",
    "7a2338",
)
DENIMS = ("26364f", "1e2a3f", "3f5c80", "6f8fb3", "2d2f36", "8fa3b5")
BOTTOM_CLOTH = ("26272b", "34363c", "6f6250", "a08f70", "4b5142", "2a3448", "3d2f28", "8a8780", "c8bfae", "5c2f33")
LEATHER = ("1b1816", "2b1d15", "4a2d1a", "6d4527", "17181c")
TRAINERS = ("ececea", "1f2023", "b43a35", "2c4a7c", "8c8f94", "d9d2c4", "3f5a45", "d0a040")


@dataclass(frozen=True)
class Outfit:
    """All choices of one person. Colours are (3,) sRGB in [0, 1]; tone is 0 (light) … 9 (dark)."""

    number: int
    tone: float
    skin: np.ndarray
    hair_style: str
    hair_colour_name: str
    hair: np.ndarray
    hair_volume: float
    brow_strength: float
    iris_name: str
    iris: np.ndarray
    beard: str
    lipstick: float
    blush: float
    freckles: float
    age: float
    garments: tuple[Garment, ...]
    top: str
    bottom: str
    pattern: str
    shoes: str
    shoe_colours: np.ndarray
    sock_height: float

    def describe(self) -> dict[str, str | float]:
        """The choices in words and plain numbers."""
        return {
            "skin tone": round(self.tone, 3),
            "hair": self.hair_style,
            "hair colour": self.hair_colour_name,
            "eyes": self.iris_name,
            "beard": self.beard,
            "top": self.top,
            "bottom": self.bottom,
            "shoes": self.shoes,
            "pattern": self.pattern,
        }


def colour(text: str) -> np.ndarray:
    """(3,) sRGB in [0, 1] of a hexadecimal colour."""
    return np.array([int(text[k : k + 2], 16) for k in (0, 2, 4)]) / 255.0


def tone_of(number: int) -> float:
    """Skin tone in [0, 9]: the golden-ratio sequence, so that any run of numbers is spread evenly."""
    return 9.0 * (((number + 1) * 0x9E3779B97F4A7C15) % 2**64) / 2**64


def skin_colour(tone: float) -> np.ndarray:
    """(3,) sRGB albedo between the steps of ``SKIN_TONES``."""
    steps = np.array([colour(c) for c in SKIN_TONES])
    return np.array([np.interp(tone, np.arange(10), steps[:, k]) for k in range(3)])


def choose(number: int, gender: str, m: Measures) -> Outfit:
    """The outfit ``number`` on a body of ``gender``; lengths are fitted to the measures ``m``."""
    rng = np.random.default_rng([0x4D616E6E, number])
    tone = tone_of(number)
    sex = gender if gender in ("female", "male") else ("female", "male")[int(rng.integers(2))]
    style = _pick(rng, HAIR_STYLES[sex])
    top, bottom, shoes = (_pick(rng, t) for t in (TOPS[sex], BOTTOMS[sex], SHOES))
    hair_name, iris_name = _hair_colour(rng, tone), _iris_colour(rng, tone)
    face = rng.random(8)
    pattern_rng, cut_rng, shoe_rng = rng.spawn(3)
    upper = _top(top, cut_rng, pattern_rng, m, number)
    if top == "dress":
        bottom = "bare legs"
        worn = [_NOTHING, upper]
    else:
        lower = _bottom(bottom, cut_rng, m, number)
        tucked = cut_rng.random() < {"shirt": 0.5, "blouse": 0.5, "polo": 0.35, "vest": 0.3, "hoodie": 0.0}.get(
            top, 0.12
        )
        if tucked:
            worn = [upper._replace(hem=m.hip_y), lower._replace(belt=int(bottom in ("jeans", "trousers")))]
        else:
            worn = [lower._replace(belt=0), upper]
    beard = "none"
    if sex == "male":
        beard = ("none", "stubble", "goatee", "full")[int(np.searchsorted([0.5, 0.76, 0.86], face[0]))]
    return Outfit(
        number=number,
        tone=tone,
        skin=skin_colour(tone),
        hair_style=style,
        hair_colour_name=hair_name,
        hair=colour(HAIR_COLOURS[hair_name]),
        hair_volume=0.75 + 0.5 * face[1],
        brow_strength=0.55 + 0.4 * face[2],
        iris_name=iris_name,
        iris=colour(IRIS_COLOURS[iris_name]),
        beard=beard,
        lipstick=max(0.0, 1.6 * face[3] - 0.8) if sex == "female" else 0.0,
        blush=0.4 + 0.6 * face[4],
        freckles=max(0.0, 2.5 * face[5] - 1.7) if tone < 3.5 else 0.0,
        age=face[6],
        garments=tuple(worn),
        top=top,
        bottom=bottom,
        pattern=("plain", "stripes", "checks", "print", "clouds", "blocks", "heather", "denim")[upper.pattern],
        shoes=shoes,
        shoe_colours=_shoe_colours(shoes, shoe_rng),
        sock_height=float(shoe_rng.uniform(0.03, 0.14)),
    )


def _pick(rng, odds: dict[str, float]) -> str:
    names, weights = list(odds), np.cumsum(list(odds.values()))
    return names[int(np.searchsorted(weights, rng.random() * weights[-1], side="right"))]


def _hair_colour(rng, tone: float) -> str:
    old, shade = rng.random(2)
    if old < 0.1:
        return "grey" if old < 0.07 else "white"
    dark = ("black", "black", "brown black", "dark brown")
    light = (
        "brown black",
        "dark brown",
        "brown",
        "auburn",
        "light brown",
        "copper",
        "blond",
        "light blond",
        "brown",
        "black",
    )
    names = dark if tone > 5.0 or (tone > 3.0 and shade < 0.7) else light
    return names[int(rng.integers(len(names)))]


def _iris_colour(rng, tone: float) -> str:
    names = tuple(IRIS_COLOURS) if tone < 3.5 else tuple(IRIS_COLOURS)[: 2 if tone > 5.5 else 3]
    return names[int(rng.integers(len(names)))]


def _shoe_colours(shoes: str, rng) -> np.ndarray:
    """(3, 3) upper, sole, laces or trim."""
    if shoes == "sneakers":
        upper = colour(TRAINERS[int(rng.integers(len(TRAINERS)))])
        sole = colour("eeeeea") if rng.random() < 0.75 else colour("222224")
        trim = colour(TRAINERS[int(rng.integers(len(TRAINERS)))])
        return np.stack([upper, sole, trim])
    upper = colour(LEATHER[int(rng.integers(len(LEATHER)))])
    return np.stack([upper, upper * 0.45, upper * 0.6])


def _pattern(rng, garment: str) -> tuple[int, float]:
    """(pattern, its size in metres)."""
    odds = {
        "shirt": (0.35, 0.25, 0.4, 0, 0, 0, 0),
        "blouse": (0.5, 0.1, 0.05, 0, 0.35, 0, 0),
        "dress": (0.35, 0.15, 0.1, 0, 0.35, 0.05, 0),
        "hoodie": (0.4, 0.05, 0, 0.3, 0, 0.1, 0.15),
    }
    shares = np.cumsum(odds.get(garment, (0.3, 0.2, 0.05, 0.24, 0.07, 0.07, 0.07)))
    return int(np.searchsorted(shares, rng.random() * shares[-1], side="right")), float(rng.uniform(0.018, 0.075))


def _colours(rng, palette) -> dict[str, float]:
    """Main, second and third colour, with a little variation so that no two shops are the same."""
    out = {}
    for suffix in ("", "2", "3"):
        c = np.clip(colour(palette[int(rng.integers(len(palette)))]) * rng.uniform(0.85, 1.08, 3), 0.02, 0.93)
        out |= {f"red{suffix}": c[0], f"green{suffix}": c[1], f"blue{suffix}": c[2]}
    return {k: float(v) for k, v in out.items()}


_BLANK = Garment(
    kind=g.TOP,
    hem=0.0,
    waist=0.0,
    sleeve=0.0,
    strap=0.0,
    neck=g.CREW,
    neck_drop=0.0,
    pattern=g.PLAIN,
    scale=0.04,
    red=0.0,
    green=0.0,
    blue=0.0,
    red2=0.0,
    green2=0.0,
    blue2=0.0,
    red3=0.0,
    green3=0.0,
    blue3=0.0,
    collar=0,
    placket=0,
    pockets=0,
    belt=0,
    rib=0,
    side_stripe=0,
    thickness=0.003,
    loose=0.0,
    folds=0.5,
    seed=0,
)

_NOTHING = _BLANK._replace(kind=g.BOTTOM, hem=g.ABSENT)


def _top(name: str, rng, pattern_rng, m: Measures, number: int) -> Garment:
    """A garment of the upper body, or a dress."""
    upper_arm, fore_arm = m.elbow_x - m.shoulder_x, m.wrist_x - m.elbow_x
    pattern, scale = _pattern(pattern_rng, name)
    short = m.shoulder_x + upper_arm * rng.uniform(0.5, 0.85)
    long = m.elbow_x + fore_arm * rng.uniform(0.94, 0.99)
    rolled = m.elbow_x + fore_arm * rng.uniform(0.15, 0.4)
    cut = rng.random(4)
    blank = _BLANK._replace(
        hem=m.hip_y + m.trunk * rng.uniform(-0.06, 0.04),
        pattern=pattern,
        scale=scale,
        seed=(number * 97 + 31) % 2**31,
        strap=m.shoulder_x * rng.uniform(0.62, 0.78),
        **_colours(pattern_rng, CLOTH),
    )
    if name == "dress":
        hem = m.knee_y + (m.hip_y - m.knee_y) * float(rng.uniform(0.02, 0.42))
        sleeve = float(short) if cut[0] < 0.5 else 0.0
        return blank._replace(
            kind=g.DRESS,
            hem=hem,
            sleeve=sleeve,
            neck=g.SCOOP if cut[1] < 0.6 else g.VEE,
            neck_drop=0.05,
            thickness=0.004,
            loose=0.5 + 0.5 * cut[2],
            folds=0.5,
        )
    if name == "vest":
        return blank._replace(
            neck=g.SCOOP, neck_drop=0.03 + 0.03 * cut[0], thickness=0.003, loose=0.3 * cut[1], folds=0.45
        )
    if name in ("shirt", "blouse", "polo"):
        sleeve = short if name == "polo" or cut[0] < 0.2 else rolled if cut[0] < 0.4 else long
        return blank._replace(
            sleeve=float(sleeve),
            neck=g.VEE,
            neck_drop=0.05,
            collar=1,
            placket=2 if name == "polo" else 1,
            pockets=int(name == "shirt" and cut[1] < 0.5),
            thickness=0.006,
            loose=0.5 + 0.45 * cut[2],
            folds=0.8,
        )
    if name == "hoodie":
        return blank._replace(
            sleeve=float(long),
            neck=g.HIGH,
            rib=1,
            pockets=int(cut[0] < 0.6),
            thickness=0.009,
            loose=0.7 + 0.3 * cut[1],
            folds=0.9,
            hem=m.hip_y + m.trunk * float(rng.uniform(-0.08, 0.0)),
        )
    neck = (g.CREW, g.CREW, g.VEE, g.SCOOP)[int(4 * cut[0])]
    drop = {g.CREW: 0.0, g.VEE: 0.06, g.SCOOP: 0.025}[neck]
    sleeve = long if name == "long sleeve" else short
    return blank._replace(
        sleeve=float(sleeve),
        neck=neck,
        neck_drop=drop,
        rib=int(name == "long sleeve" and cut[1] < 0.5),
        thickness=0.004,
        loose=0.2 + 0.7 * cut[2],
        folds=0.6,
    )


def _bottom(name: str, rng, m: Measures, number: int) -> Garment:
    """Trousers of any length."""
    cut = rng.random(4)
    waist = m.hip_y + m.trunk * (0.16 + 0.08 * cut[0])
    full = m.ankle_y + 0.004 + 0.035 * cut[1]
    blank = _BLANK._replace(kind=g.BOTTOM, hem=full, waist=waist, seed=(number * 89 + 57) % 2**31)
    if name == "jeans":
        return blank._replace(
            pattern=g.DENIM, pockets=1, thickness=0.005, loose=0.15 + 0.8 * cut[2], folds=0.8, **_colours(rng, DENIMS)
        )
    if name == "leggings":
        return blank._replace(
            thickness=0.002, folds=0.15, **_colours(rng, ("1d1d20", "1d1d20", "2b2f3c", "3d2b3a", "54565c"))
        )
    if name == "joggers":
        return blank._replace(
            pattern=g.HEATHER,
            rib=1,
            side_stripe=int(cut[3] < 0.4),
            thickness=0.007,
            loose=0.5 + 0.4 * cut[2],
            folds=0.8,
            **_colours(rng, ("3a3b40", "85868c", "23262e", "2c3a52")),
        )
    if name == "shorts":
        hem = m.knee_y + (m.hip_y - m.knee_y) * (0.02 + 0.4 * cut[1])
        return blank._replace(
            hem=hem,
            pockets=1,
            side_stripe=int(cut[3] < 0.25),
            thickness=0.006,
            loose=0.6 + 0.4 * cut[2],
            folds=0.7,
            **_colours(rng, BOTTOM_CLOTH + CLOTH[3:8]),
        )
    return blank._replace(
        pockets=1, thickness=0.006, loose=0.5 + 0.5 * cut[2], folds=0.7, **_colours(rng, BOTTOM_CLOTH)
    )
