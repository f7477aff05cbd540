"""The language of who reads: what they chose on the robot's page, else what their browser or program prefers."""

import re
from contextvars import ContextVar
from functools import lru_cache

from starlette.datastructures import Headers

from edge.words import ENGLISH, LANGUAGES

LANGUAGE: ContextVar[str] = ContextVar("language", default=ENGLISH)
"""That of the request that is being answered."""
COOKIE = "language"
"""Where the page keeps what was chosen."""
VARY = "Accept-Language, Cookie"

_CHOSEN = re.compile(rf"(?:^|;\s*){COOKIE}=({'|'.join(LANGUAGES)})(?:;|$)")
_LONGEST = 400
"""Of a header that is looked at; nobody prefers so many."""


def language_of(headers: Headers) -> str:
    """Never fails: whatever the headers say, it is one of ours."""
    return _language(headers.get("cookie", ""), headers.get("accept-language", ""))


def spoken(language: str | None = None) -> dict[str, str]:
    """The headers of an answer that has sentences in it."""
    return {"Content-Language": language or LANGUAGE.get(), "Vary": VARY}


@lru_cache(maxsize=256)
def _language(cookie: str, accepted: str) -> str:
    chosen = _CHOSEN.search(cookie)
    return chosen[1] if chosen else _preferred(accepted[:_LONGEST])


def _preferred(accepted: str) -> str:
    """By RFC 9110, 12.5.4: the highest q wins, of equals the first; a region of ours is ours."""
    best, best_q = ENGLISH, 0.0
    for part in accepted.split(","):
        tag, _, weight = part.partition(";")
        name = tag.strip().lower().partition("-")[0]
        language = ENGLISH if name == "*" else name
        if language in LANGUAGES and (q := _weight(weight)) > best_q:
            best, best_q = language, q
    return best


def _weight(text: str) -> float:
    found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", text)
    if found:
        return float(found[1])
    return 0.0 if text.strip() else 1.0
