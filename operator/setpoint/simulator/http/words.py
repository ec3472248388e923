"""Words that mean nothing, always the same: what the simulator answers, and a tiny model's vocabulary."""

from itertools import islice, product

_CONSONANTS = "bdfgklmnprstvz"
_VOWELS = "aeiou"


def words(count: int) -> list[str]:
    """The first `count` pronounceable words of two syllables ("baba", "babe", ...), at most 4,900."""
    syllables = ["".join(pair) for pair in product(_CONSONANTS, _VOWELS)]
    return ["".join(pair) for pair in islice(product(syllables, syllables), count)]
