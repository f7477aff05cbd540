"""The robot's HTTP API as one person sees it: for the commands of a shell, with the standard library alone."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from edge.domain.errors import LunaError

CALL_S = 10.0
WHO_ANSWERS = "Is luna sim running, or on a robot the service luna-api?"


class CallError(LunaError):
    """The server refused, or does not answer."""

    code = "CALL"


@dataclass
class Server:
    """One HTTP server. Every call gives `data` of the answer, and raises CallError."""

    url: str
    token: str = ""

    def get(self, path: str, **query: Any) -> Any:
        return self._call("GET", path + (f"?{urlencode(query)}" if query else ""))

    def post(self, path: str, body: Mapping[str, Any], key: str = "") -> Any:
        return self._call("POST", path, body, {"Idempotency-Key": key} if key else {})

    def put(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._call("PUT", path, body or {})

    def signed_in(self, email: str, password: str) -> "Server":
        answer = self.post("/api/v1/auth/login", {"email": email, "password": password})
        return Server(self.url, answer["access_token"])

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Any:
        headers = {"Content-Type": "application/json", **(more or {})}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=CALL_S) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                said = _said(error.read()) or f"{method} {path} was answered with {error.code}."
            raise CallError(said) from error
        except (OSError, http.client.HTTPException) as error:
            raise unanswered(self.url) from error


def unanswered(url: str) -> CallError:
    """What to tell where nobody answers; how exactly is of no use to whoever reads it."""
    return CallError(f"The robot's API at {url} does not answer.", hint=WHO_ANSWERS)


def _said(body: bytes) -> str:
    """What an error's envelope says, for people; empty where it is none."""
    try:
        error = json.loads(body)["error"]
        return f"{error['message']} ({error['code']})"
    except (ValueError, KeyError, TypeError):
        return ""
