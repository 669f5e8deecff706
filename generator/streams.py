"""Random streams: one for every factor of every clip, independent of all others."""

import hashlib

import numpy as np

from generator.errors import ConfigError


def stream(seed: int, index: int, factor: str) -> np.random.Generator:
    """The random generator of ``factor`` ("pose", "light", …) for clip ``index`` of ``seed``.

    Keyed by all three, so that drawing more for one factor changes nothing of another.
    Any seed from 0 to 2⁶³ − 1 is as good as any other.
    """
    if not 0 <= seed < 2**63:
        raise ConfigError(f"seed is {seed}; expected a whole number from 0 to 2^63 - 1.")
    digest = hashlib.blake2b(factor.encode(), digest_size=8).digest()
    return np.random.default_rng(np.random.SeedSequence([seed, index, int.from_bytes(digest, "little")]))


def rank(name: str) -> int:
    """A fixed pseudo-random number for a name, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


def scatter(index: int, size: int, seed: int) -> int:
    """Position of ``index`` in a seeded order of 0…size - 1 that needs no memory (an affine map)."""
    rng = stream(seed, size, "order")
    step = int(rng.integers(1, size)) if size > 1 else 1
    while np.gcd(step, size) != 1:
        step = step % size + 1
    return (index * step + int(rng.integers(size))) % size
