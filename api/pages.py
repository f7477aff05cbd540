"""The touchscreen's page and its files, read once; and the small page that answers STOP without JavaScript."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import orjson
from fastapi import Request, Response
from markupsafe import Markup

from api.languages import spoken
from edge import words
from edge.words import LANGUAGES

UI = Path(__file__).parent / "ui"
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # Not no-referrer: with that a browser sends `Origin: null` with a form, and STOP would be refused.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
SHOWN = ("page", "status", "step", "drive", "failure", "cause", "fault", "line", "alarm")
"""Sections of the words that the page may have to say."""


@dataclass(frozen=True, slots=True)
class Asset:
    data: bytes
    media_type: str

    @property
    def etag(self) -> str:
        return f'"{zlib.crc32(self.data):08x}"'


@dataclass(frozen=True, slots=True)
class Button:
    """For signing in by somebody else: `start` is where it goes."""

    name: str
    label: str
    start: str


class Pages:
    """`time_zone`: the library's, in which the page shows times."""

    def __init__(self, robot_name: str, time_zone: str, buttons: Sequence[Button] = ()) -> None:
        loader = jinja2.FileSystemLoader(UI)
        environment = jinja2.Environment(
            loader=loader, autoescape=True, undefined=jinja2.StrictUndefined
        )
        self._index = environment.get_template("index.html")
        self._stopped = environment.get_template("stop.html")
        self._refused = environment.get_template("refused.html")
        self._robot_name = robot_name
        self._buttons = buttons
        self._words = {one: _words(one, time_zone) for one in LANGUAGES}
        self._assets = {
            path.name: Asset(path.read_bytes(), TYPES[path.suffix])
            for path in UI.iterdir()
            if path.suffix in TYPES
        }
        for language, said in self._words.items():
            asset = Asset(orjson.dumps(said), "application/json")
            self._assets[f"words-{language}.json"] = asset

    def index(self, language: str) -> Response:
        # In a script element nothing is a tag but its end.
        data = orjson.dumps(self._words[language]).decode().replace("<", "\\u003c")
        return self._html(self._index, language, data=Markup(data), buttons=self._buttons)

    def stop_outcome(self, language: str, *, confirmed: bool) -> Response:
        status = 200 if confirmed else 503
        return self._html(self._stopped, language, status, confirmed=confirmed)

    def refused(self, language: str, said: str, status: int) -> Response:
        """For who came back from a provider and is not signed in."""
        return self._html(self._refused, language, status, said=said)

    def asset(self, name: str, if_none_match: str | None) -> Response | None:
        """None where there is no such file."""
        asset = self._assets.get(name)
        if asset is None:
            return None
        headers = {"ETag": asset.etag, "Cache-Control": "no-cache"}
        if if_none_match == asset.etag:
            return Response(status_code=304, headers=headers)
        return Response(asset.data, media_type=asset.media_type, headers=headers)

    def _html(
        self, template: jinja2.Template, language: str, status: int = 200, **more: Any
    ) -> Response:
        said = self._words[language]["page"]
        text = template.render(robot_name=self._robot_name, lang=language, w=said, **more)
        headers = {**HEADERS, **spoken(language)}
        return Response(text, status, headers, "text/html; charset=utf-8")


def wants_page(request: Request) -> bool:
    """Whether a browser asks, by a form or an address, and not a program."""
    return "text/html" in request.headers.get("accept", "")


def _words(language: str, time_zone: str) -> dict[str, Any]:
    """What the page says: by section and key; of an alarm not its title."""
    said = {
        name: {key: " ".join(texts[-2:]) for key, texts in words.section(name, language).items()}
        for name in SHOWN
    }
    return {"language": language, "time_zone": time_zone, **said}
