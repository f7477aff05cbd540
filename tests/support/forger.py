"""A provider that says whatever a test wants, also what no honest one would say; and GitHub, as far as we ask it."""

import base64
import contextlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CODE = "canary-4f1c-code"
ACCESS_TOKEN = "canary-4f1c-access-token"

Answer = tuple[int, Any]


@dataclass
class Forger:
    """`changes`: claims that its id tokens have otherwise, None for missing; `about`: the same for its discovery
    document; `sign`: makes the token of its header and claims; `answers`: what a path answers instead;
    `waits`: how long it takes, s."""

    server: ThreadingHTTPServer
    key: RSAKey
    changes: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    sign: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
    nonce: str = ""
    waits: dict[str, float] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    person: int = 0

    def be_honest(self) -> None:
        """From now on, and of somebody whom nobody has seen yet."""
        self.changes, self.about, self.answers, self.sign = {}, {}, {}, None
        self.asked, self.forms, self.waits = [], [], {}
        self.person += 1

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, path: str, form: dict[str, str]) -> Answer:
        self.asked.append(path)
        self.forms.append(form)
        threading.Event().wait(self.waits.get(path, 0.0))
        if path in self.answers:
            return self.answers[path]
        usual: dict[str, Callable[[], Any]] = {
            "/.well-known/openid-configuration": self._discovery,
            "/jwks": lambda: KeySet([self.key]).as_dict(private=False),
            "/token": lambda: {"access_token": ACCESS_TOKEN, "id_token": self.id_token()},
            "/login/oauth/access_token": lambda: {"access_token": ACCESS_TOKEN},
        }
        return (200, usual[path]()) if path in usual else (404, {"error": "not_found"})

    def _discovery(self) -> dict[str, Any]:
        site = self.issuer
        said = {
            "issuer": site,
            "authorization_endpoint": f"{site}/authorize",
            "token_endpoint": f"{site}/token",
            "jwks_uri": f"{site}/jwks",
        }
        return said | self.about

    def id_token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": "luna",
            "sub": f"{self.person}",
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonce,
            "email": f"{self.person}@{self.server.server_port}.example",
            "email_verified": True,
        }
        changed = {
            name: value for name, value in (claims | self.changes).items() if value is not None
        }
        header = {"alg": "RS256", "kid": self.key.kid}
        if self.sign is not None:
            return self.sign(header, changed)
        return jwt.encode(header, changed, self.key)

    def by_public_key(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """HS256 with the public key as its secret: what a careless reader of tokens takes for RS256."""
        said = f"{_base64({**header, 'alg': 'HS256'})}.{_base64(claims)}"
        signature = hmac.digest(self.key.as_pem(private=False), said.encode(), "sha256")
        return f"{said}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    def unsigned(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        parts = [_base64({**header, "alg": "none"}), _base64(claims), ""]
        return ".".join(parts)

    def by_another_key(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        return jwt.encode(header, claims, RSAKey.generate_key(2048))

    def altered(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        head, _, signature = jwt.encode(header, claims, self.key).split(".")
        return ".".join([head, _base64({**claims, "sub": "somebody else"}), signature])


def _base64(thing: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(thing).encode()).rstrip(b"=").decode()


@contextlib.contextmanager
def forger() -> Iterator[Forger]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    one = Forger(server, RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"}))
    server.forger = one  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self._answer({name: values[0] for name, values in parse_qs(body).items()})

    def _answer(self, form: dict[str, str]) -> None:
        one: Forger = self.server.forger  # type: ignore[attr-defined]
        status, said = one.answer(urlsplit(self.path).path, form)
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""
