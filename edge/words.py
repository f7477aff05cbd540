"""What is said to people, in their language: the sentences of words.toml by section and key.

The core, and programs that talk to it, pass keys and facts; whoever shows something to a person asks here.
"""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

ENGLISH = "en"
LANGUAGES = (ENGLISH, "de")
"""The first is for those whose language we do not speak."""

Texts = tuple[str, ...]


def texts(section: str, key: str, language: str = ENGLISH, **facts: Any) -> Texts:
    """The sentences of `key`, filled in: mostly what is so, then what to do about it.

    A key that is not in the catalogue is its own sentence: what has no translation is said as it is.
    """
    found = catalogue().get(section, {}).get(key)
    if found is None:
        return (key,)
    filling = _Facts(facts)
    return tuple(one.format_map(filling) for one in found[language])


def text(section: str, key: str, language: str = ENGLISH, **facts: Any) -> str:
    """The same as one text."""
    return " ".join(" ".join(texts(section, key, language, **facts)).split())


def section(name: str, language: str) -> dict[str, Texts]:
    """All of a section, not filled in."""
    return {key: found[language] for key, found in catalogue()[name].items()}


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Mapping[str, Mapping[str, Texts]]]:
    """Section, key, language, sentences. Read when something is first said."""
    read = tomllib.loads((Path(__file__).with_name("words.toml")).read_text(encoding="utf-8"))
    return {
        name: {key: {one: tuple(said[one]) for one in LANGUAGES} for key, said in keys.items()}
        for name, keys in read.items()
    }


class _Facts(dict[str, Any]):
    """A fact that nobody gave must not hide the rest of the sentence; a list is said with commas."""

    def __missing__(self, name: str) -> str:
        return "–"

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        return ", ".join(map(str, value)) or "–" if isinstance(value, list | tuple) else value
