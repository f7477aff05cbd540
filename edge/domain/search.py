"""What the catalogue's search understands: words, folded to plain letters the same way on both sides."""

import re
import unicodedata

from edge.domain.inventory import isbn13

_WORD = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"(?<!\w)\d[\d\s\u2013-]*[\dXx](?!\w)")
"""Perhaps an ISBN, with hyphens or spaces in it."""
_BETWEEN = re.compile(r"[\s\u2013-]+")

# Letters that Unicode does not take apart, and the signs of romanised names, which nobody types.
_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
    | dict.fromkeys("\u02bb\u02bc\u02b9\u02ba\u2018\u2019'`", "")
)


def fold(text: str) -> str:
    """Lower case, no diacritics, letters as a plain keyboard has them."""
    taken_apart = unicodedata.normalize("NFD", text.casefold())
    plain = "".join(letter for letter in taken_apart if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", plain).translate(_LETTERS)


def words(text: str) -> list[str]:
    """The words of a search, folded. An ISBN, hyphens or not, is one word: its thirteen digits."""
    return _WORD.findall(fold(_DIGITS.sub(_joined, text)))


def _joined(match: re.Match[str]) -> str:
    found = match.group()
    digits = _BETWEEN.sub("", found).upper()
    half_typed = found.startswith(("978-", "979-"))
    return isbn13(digits) or (digits if half_typed else found)
