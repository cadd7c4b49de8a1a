"""Chance as a function of a key: the same number on every machine and in any order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from volano.maths.hashing import hash63

Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def splitmix64(states: npt.ArrayLike) -> Words:
    """The first output of splitmix64 from each state (Steele, Lea and Flood 2014; Vigna's reference code).

    >>> int(splitmix64([1234567])[0])
    6457827717110365317
    """
    z: Words = np.atleast_1d(np.asarray(states)).astype(np.uint64) + _STEP
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


def words(ids: npt.ArrayLike, salt: int | str) -> Words:
    """64 random-looking bits for each id under a salt; a text salt is hashed first.

    >>> bool(words([7], "a")[0] == words([1, 7], "a")[1])
    True
    """
    number = hash63(salt) if isinstance(salt, str) else salt
    spice: Words = splitmix64(np.array([number & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64))
    return splitmix64(splitmix64(ids) ^ spice)


def uniform(ids: npt.ArrayLike, salt: int | str) -> Floats:
    """A number in [0, 1) for each id under a salt, from the upper 53 of its 64 bits.

    >>> uniform([1, 2], "demo").round(3).tolist() == uniform([2, 1], "demo")[::-1].round(3).tolist()
    True
    """
    return (words(ids, salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(ids: npt.ArrayLike, salt: int | str) -> Floats:
    """A standard normal number for each id under a salt (Box and Muller 1958)."""
    bits = words(ids, salt)
    radius = np.sqrt(-2.0 * np.log1p(-((bits >> np.uint64(11)).astype(np.float64) * 2.0**-53)))
    turn = (splitmix64(bits) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return np.asarray(radius * np.cos(2.0 * np.pi * turn), dtype=np.float64)
