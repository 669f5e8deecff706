"""Random streams: one for every factor of every clip, independent of all others."""

import hashlib

import numpy as np

from mannequin.generator.errors import ConfigError


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


def shuffled_position(index: int, size: int, seed: int) -> int:
    """Position of ``index`` in a seeded random order of 0…size - 1, which is never listed.

    A Feistel network permutes the even-bit-length range above ``size``; what falls outside is
    permuted again until it falls inside ("cycle walking", Black and Rogaway 2002).
    """
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    while True:
        left, right = index >> half, index & ((1 << half) - 1)
        for turn in range(4):
            left, right = right, left ^ (rank(f"{seed}/{size}/{turn}/{right}") & ((1 << half) - 1))
        index = left << half | right
        if index < size:
            return index
