"""Draws people from MakeHuman's macro parameters and blends their meshes.

Every macro target stands for one corner of the parameter space (say, a young female with
average muscle and maximal weight); its coefficient is the product of the hat functions of the
parameters in its name, as in MPFB2's ``targetservice``.
"""

import numpy as np

from .mpfb import MpfbData

AGES = ("young", "old")
"""Only adults are built."""

LEVELS = {
    "gender": ("male", "female"),
    "muscle": ("minmuscle", "averagemuscle", "maxmuscle"),
    "weight": ("minweight", "averageweight", "maxweight"),
    "height": ("minheight", "maxheight"),
    "proportions": ("idealproportions", "uncommonproportions"),
    "cupsize": ("mincup", "averagecup", "maxcup"),
    "firmness": ("minfirmness", "averagefirmness", "maxfirmness"),
}
RACES = ("african", "asian", "caucasian")
BODY_END = 13380
"""Vertices below this id are skin; the others are eyes, hair, clothes and joint markers."""

STATURE = {"male": (1.76, 0.07), "female": (1.63, 0.065)}
"""Mean and standard deviation of adult stature in metres."""


def macro_targets(data: MpfbData, mirror: np.ndarray) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """All adult macro targets: displacements (K, V, 3) in metres and their K label tuples.

    They are made exactly symmetric by ``mirror`` (V,): as drawn they are lopsided by up to a
    centimetre, which would go into the shape components as noise.
    """
    labels, paths = [], []

    def add(prefix: str, *label: str) -> None:
        path = f"targets/{prefix}" + "-".join(label) + ".target.gz"
        if data.exists(path):  # the set has gaps: only women have cup sizes, for one
            labels.append(label)
            paths.append(path)

    for gender in LEVELS["gender"]:
        for age in AGES:
            for race in RACES:
                add("macrodetails/", race, gender, age)
            for muscle in LEVELS["muscle"]:
                for weight in LEVELS["weight"]:
                    key = (gender, age, muscle, weight)
                    add("macrodetails/universal-", *key)
                    for height in LEVELS["height"]:
                        add("macrodetails/height/", *key, height)
                    for proportions in LEVELS["proportions"]:
                        add("macrodetails/proportions/", *key, proportions)
                    for cup in LEVELS["cupsize"]:
                        for firmness in LEVELS["firmness"]:
                            add("breast/", *key, cup, firmness)
    targets = np.stack([data.target(path, len(mirror)) for path in paths])
    return 0.5 * (targets + targets[:, mirror] * (-1.0, 1.0, 1.0)), labels


def hat_weights(value: np.ndarray, count: int) -> np.ndarray:
    """(N, count) piecewise-linear weights of values in [0, 1] over evenly spaced anchors."""
    anchors = np.linspace(0.0, 1.0, count)
    return np.maximum(0.0, 1.0 - np.abs(value[:, None] - anchors) * (count - 1))


def coefficients(people: dict[str, np.ndarray], labels: list[tuple[str, ...]]) -> np.ndarray:
    """(N, K) coefficient of every target for every person."""
    factor: dict[str, np.ndarray] = dict(zip(AGES, (1.0 - people["age"], people["age"])))
    for name, levels in LEVELS.items():
        factor.update(zip(levels, hat_weights(people[name], len(levels)).T))
    factor.update(zip(RACES, people["race"].T))
    return np.stack([np.prod([factor[k] for k in label], axis=0) for label in labels], axis=1)


def sample_people(gender: str, count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Parameters of ``count`` adults, all in [0, 1]; "height" is set later by stature.

    Gender is drawn near its two ends only, also for "neutral": half-way blends of the male and
    the female targets are not people (their chests bulge). Age runs from 25 to 85 in
    MakeHuman's terms, 0 being "young".
    """
    low, high = {"male": (0.0, 0.12), "female": (0.88, 1.0), "neutral": (0.0, 0.12)}[gender]
    femininity = rng.uniform(low, high, count)
    if gender == "neutral":
        femininity = np.where(np.arange(count) % 2 == 0, femininity, 1.0 - femininity)

    def clipped(mean: float, sd: float, least: float = 0.0) -> np.ndarray:
        return np.clip(rng.normal(mean, sd, count), least, 1.0)

    return {
        "gender": femininity,
        "age": rng.uniform(0.0, 0.9, count),
        "muscle": clipped(0.5, 0.17),
        "weight": clipped(0.5, 0.19, 0.05),
        "proportions": clipped(0.6, 0.2),
        "cupsize": clipped(0.5, 0.2),
        "firmness": clipped(0.6, 0.2),
        "race": rng.dirichlet([0.8, 0.8, 0.8], count),
        "height": np.full(count, 0.5),
    }


def set_stature(people, vertices, targets, labels, rng) -> None:
    """Solve the height parameter so that stature follows ``STATURE`` (in place)."""
    ends = [vertices[:BODY_END, 1].argmax(), vertices[:BODY_END, 1].argmin()]
    female = people["gender"] > 0.5
    noise = rng.standard_normal(len(female))
    mean, sd = (np.where(female, f, m) for f, m in zip(STATURE["female"], STATURE["male"]))
    reach = []
    for height in (0.0, 1.0):
        people["height"] = np.full(len(female), height)
        y = vertices[ends, 1] + coefficients(people, labels) @ targets[:, ends, 1]
        reach.append(y[:, 0] - y[:, 1])
    wanted = mean + sd * noise
    people["height"] = np.clip((wanted - reach[0]) / (reach[1] - reach[0]), 0.0, 1.0)


def sample_shapes(gender, count, vertices, targets, labels, rng) -> np.ndarray:
    """(N, V, 3) metres: the meshes of N random adults in MakeHuman's A-pose."""
    people = sample_people(gender, count, rng)
    set_stature(people, vertices, targets, labels, rng)
    blend = coefficients(people, labels)
    flat = blend @ targets.reshape(len(labels), -1)
    return vertices + flat.reshape(count, *vertices.shape)
