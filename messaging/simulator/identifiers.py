"""Message ids: ULIDs of our own making (notes, 6.3)."""

import random
import time
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]
_random: Final = random.SystemRandom()
_generator: Final = random.Random(_random.getrandbits(128))


def new_ulid() -> str:
    """48 bits of milliseconds and 80 of chance: two in one millisecond have no order."""
    value = (time.time_ns() // 1_000_000 << 80) | _generator.getrandbits(80)
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])
