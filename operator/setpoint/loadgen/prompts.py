"""Prompts of a wanted number of tokens, new for each request, so that no prefix cache flatters the endpoint.

A prompt is a row of words that are one token each: taken from the model's own tokenizer when it is at hand,
else common English words, whose tokens are then calibrated by the usage that the endpoint counts.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_COMMON = """
about above after again air all along also always and animal answer any are around ask away back ball base be
because bed been before began begin being below best better big bird black blue boat body book both box boy
bring brought build but call came can car care carry cat center change check child city class clear close
cold color come common could country course cover cross cut dark day deep did different do dog done door down
draw drive dry during each early earth ease east eat end enough even ever every example eye face fact fall
family far farm fast father feel feet few field figure fill find fine fire first fish five fly follow food
foot for force form found four free friend from front full game gave get girl give go gold good got great
green ground group grow had half hand happen hard has have he head hear heat help here high hold home horse
hot hour house how hundred idea if in inch interest is island it just keep kind king knew know land language
large last late laugh lay lead learn leave left less let letter life light like line list listen little live
long look love low machine made main make man many map mark may mean measure men might mile mind minute miss
money moon more morning most mother mountain move much music must name near need never new next night no
north
"""
COMMON_WORDS = tuple(_COMMON.split())
_LEAST_WORDS = 64
_MOST_WORDS = 4096


@dataclass(frozen=True, slots=True)
class Prompts:
    """Makes the text of a prompt. The linear law: tokens = overhead_tokens + tokens_per_word * words."""

    salt: str
    """Differs between runs: the same load again has the same lengths, never the same texts."""
    words: tuple[str, ...] = COMMON_WORDS
    shared_prefix: float = 0.0
    """Share of each prompt, from its beginning, that all prompts have in common."""
    tokens_per_word: float = 1.0
    overhead_tokens: float = 0.0
    """What the chat template and the begin-of-text token add."""

    def text(self, key: object, tokens: int) -> str:
        """Return a prompt of about `tokens` tokens, the same for the same key."""
        number = max(1, round((tokens - self.overhead_tokens) / self.tokens_per_word))
        shared = round(self.shared_prefix * number)
        words = Random(f"{self.salt}/prefix").choices(self.words, k=shared) if shared else []
        words += Random(f"{self.salt}/{key}").choices(self.words, k=number - shared)
        return " ".join(words)

    def calibrated(self, short: tuple[int, int], long: tuple[int, int]) -> "Prompts":
        """Return prompts by the law that two measurements (words, tokens) show.

        Raises ValueError when no such law is behind them.
        """
        words, tokens = long[0] - short[0], long[1] - short[1]
        if words <= 0 or tokens <= 0:
            raise ValueError(f"{short[0]} words counted as {short[1]} tokens, {long[0]} as {long[1]}")
        per_word = tokens / words
        return replace(self, tokens_per_word=per_word, overhead_tokens=short[1] - per_word * short[0])


def words_of_tokenizer(path: Path) -> tuple[str, ...]:
    """Return words that are one token each in a row, by a model's tokenizer.json (or its folder).

    Raises ValueError when it cannot be loaded or has too few such words.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise ValueError("reading a tokenizer needs the package tokenizers: pip install tokenizers") from None
    file = path / "tokenizer.json" if path.is_dir() else path
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the package raises a bare Exception for whatever is wrong
        raise ValueError(f"{file} cannot be loaded as a tokenizer.json: {error}") from None
    words = _single_token_words(tokenizer)
    if len(words) < _LEAST_WORDS:
        raise ValueError(f"{file} has only {len(words)} words of one token; {_LEAST_WORDS} are needed")
    return words


def _single_token_words(tokenizer: "Tokenizer") -> tuple[str, ...]:
    """Return up to _MOST_WORDS words which add exactly one token each to a text."""
    candidates = sorted({word for token in tokenizer.get_vocab() if (word := token.lstrip("Ġ▁")).isalnum()})
    Random(0).shuffle(candidates)

    def tokens(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False).ids

    words: list[str] = []
    seen: set[int] = set()
    for word in candidates:
        twice, thrice = tokens(f"{word} {word}"), tokens(f"{word} {word} {word}")
        if len(thrice) == len(twice) + 1 and thrice[-1] not in seen:
            seen.add(thrice[-1])
            words.append(word)
            if len(words) == _MOST_WORDS:
                break
    return tuple(words)
