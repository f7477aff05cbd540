"""The touchscreen's page and its two files, read once; and the small page that answers STOP without JavaScript."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from fastapi import Request, Response

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

    label: str
    start: str


class Pages:
    def __init__(self, robot_name: str, buttons: Sequence[Button] = ()) -> None:
        loader = jinja2.FileSystemLoader(UI)
        environment = jinja2.Environment(
            loader=loader, autoescape=True, undefined=jinja2.StrictUndefined
        )
        self._index = environment.get_template("index.html")
        self._stopped = environment.get_template("stop.html")
        self._refused = environment.get_template("refused.html")
        self._robot_name = robot_name
        self._buttons = buttons
        self._assets = {
            path.name: Asset(path.read_bytes(), TYPES[path.suffix])
            for path in UI.iterdir()
            if path.suffix in TYPES
        }

    def index(self) -> Response:
        return _html(self._index.render(robot_name=self._robot_name, buttons=self._buttons))

    def stop_outcome(self, *, confirmed: bool) -> Response:
        text = self._stopped.render(robot_name=self._robot_name, confirmed=confirmed)
        return _html(text, 200 if confirmed else 503)

    def refused(self, said: str, status: int) -> Response:
        """For who came back from a provider and is not signed in."""
        return _html(self._refused.render(robot_name=self._robot_name, said=said), status)

    def asset(self, name: str, if_none_match: str | None) -> Response | None:
        """None where there is no such file."""
        asset = self._assets.get(name)
        if asset is None:
            return None
        headers = {"ETag": asset.etag, "Cache-Control": "no-cache"}
        if if_none_match == asset.etag:
            return Response(status_code=304, headers=headers)
        return Response(asset.data, media_type=asset.media_type, headers=headers)


def wants_page(request: Request) -> bool:
    """Whether a browser asks, by a form or an address, and not a program."""
    return "text/html" in request.headers.get("accept", "")


def _html(text: str, status: int = 200) -> Response:
    return Response(text, status, HEADERS, "text/html; charset=utf-8")
