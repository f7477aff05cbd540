"""A real OpenID provider in a process of its own: Django OAuth Toolkit, as a library would run it, with a few people.

It knows one client, the robot: PKCE is asked for, codes are good once, id tokens are signed by RS256.
"""

import contextlib
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.ports import free_port

CLIENT_ID, CLIENT_SECRET = "luna", "canary-4f1c-client-secret"
PASSWORD = "canary-4f1c-at-the-provider"
START_S = 50.0

PEOPLE: dict[str, dict[str, Any]] = {
    "ada": {"email": "ada@example.org", "email_verified": True, "given_name": "Ada"},
    "grace": {"email": "grace@example.org", "email_verified": True, "groups": ["staff"]},
    "root": {"email": "root@example.org", "email_verified": True, "groups": ["root"]},
    "sly": {"email": "victim@example.org", "email_verified": False},
    "eve": {"email": "eve@example.org", "email_verified": True},
    "stranger": {"email": "stranger@elsewhere.example", "email_verified": True},
    "student": {"email": "student@example.org", "email_verified": True},
    "librarian": {"email": "librarian@example.org", "email_verified": True},
    "mallory": {"email": "mallory@example.org", "email_verified": True},
}
"""What it says of whom, by the name that they sign in by there."""


@dataclass
class OpenIdProvider:
    process: subprocess.Popen[bytes]
    port: int

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}/o"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def openid_provider(directory: Path, *redirect_uris: str) -> Iterator[OpenIdProvider]:
    """Running and answering. `redirect_uris`: where it may send people back to."""
    port = free_port()
    command = [sys.executable, "-m", "tests.support.openid_provider", str(port)]
    with (directory / "provider.log").open("wb") as log:
        process = subprocess.Popen([*command, *redirect_uris], stdout=log, stderr=log)
    provider = OpenIdProvider(process, port)
    try:
        _wait_until_it_answers(provider, directory)
        yield provider
    finally:
        provider.kill()


def _wait_until_it_answers(provider: OpenIdProvider, directory: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        with contextlib.suppress(OSError):
            about = f"{provider.issuer}/.well-known/openid-configuration"
            urllib.request.urlopen(about, timeout=5).close()
            return
        said = (directory / "provider.log").read_text()
        assert provider.process.poll() is None and time.monotonic() < deadline, said[-2000:]
        time.sleep(0.05)


def main(port: int, redirect_uris: list[str]) -> None:
    from wsgiref.simple_server import make_server

    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from jwcrypto.jwk import JWK

    key = JWK.generate(kty="RSA", size=2048)
    settings.configure(
        SECRET_KEY="for tests",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="tests.support.openid_provider_urls",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        MIGRATION_MODULES=dict.fromkeys(("auth", "contenttypes", "sessions", "oauth2_provider")),
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        LOGIN_URL="/login",
        USE_TZ=True,
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_ISS_ENDPOINT": f"http://127.0.0.1:{port}/o",
            "OIDC_RSA_PRIVATE_KEY": key.export_to_pem(True, None).decode(),
            "OAUTH2_VALIDATOR_CLASS": "tests.support.openid_provider_urls.Validator",
            "PKCE_REQUIRED": True,
            "SCOPES": {"openid": "", "email": "", "profile": ""},
            "ALLOWED_REDIRECT_URI_SCHEMES": ["http", "https"],
        },
    )
    django.setup()
    call_command("migrate", verbosity=0, run_syncdb=True)
    _fill(redirect_uris)
    make_server("127.0.0.1", port, get_wsgi_application()).serve_forever()


def _fill(redirect_uris: list[str]) -> None:
    from django.contrib.auth.models import User
    from oauth2_provider.models import Application

    for name in PEOPLE:
        User.objects.create_user(name, password=PASSWORD)
    Application.objects.create(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=" ".join(redirect_uris),
        skip_authorization=True,
        algorithm="RS256",
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
