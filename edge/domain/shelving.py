"""Which shelf a book stands on, by its call number (Library of Congress or Dewey)."""

import math
import re
from collections.abc import Sequence

from edge.domain.waypoints import Waypoint

_PARTS = re.compile(r"\s*([A-Za-z]*)\s*(\d+(?:\.\d+)?)?\s*(.*)", re.DOTALL)


def call_number_key(text: str) -> tuple[str, float, str]:
    """Sorts call numbers as they stand on a shelf: PR99 before PR4034, and 99 before 823.8."""
    parts = _PARTS.fullmatch(text)
    letters, number, rest = parts.groups() if parts else ("", None, text)
    return letters.upper(), float(number or 0), rest.upper()


def shelf_for(call_number: str | None, shelves: Sequence[Waypoint]) -> str | None:
    """The code of the shelf whose range holds `call_number`; else the first; None where there is none."""
    if call_number:
        for shelf in shelves:
            if shelf.call_numbers is not None and _between(call_number, *shelf.call_numbers):
                return shelf.location_code
    return shelves[0].location_code if shelves else None


def _between(call_number: str, first: str, last: str) -> bool:
    """Both ends belong to the range, with all that begins like them: to PS also PS3545, to 899 also 899.12."""
    key, end = call_number_key(call_number), call_number_key(last)
    if key < call_number_key(first):
        return False
    letters, number, rest = end
    if rest:
        return key <= end or (key[:2] == end[:2] and key[2].startswith(rest))
    ceiling = math.inf if number == 0 else number if "." in last else math.floor(number + 1) - 1e-9
    return key[0] < letters or (key[0] == letters and key[1] <= ceiling)
