"""The certificate in use: looked at again and again, and never a reason to end."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from api.tls import Tls
from edge import certificates
from edge.settings import Settings


class Listening:
    def __init__(self) -> None:
        self.contexts: list[ssl.SSLContext] = []
        self.refuses = False

    async def __call__(self, context: ssl.SSLContext) -> None:
        if self.refuses:
            raise OSError(98, "Address already in use")
        self.contexts.append(context)


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    return Tls(Settings.model_validate({"data_dir": tmp_path, "api": {"tls": True}}))


def certify(data_dir: Path, monkeypatch: pytest.MonkeyPatch, *, days_ago: float = 0) -> None:
    monkeypatch.setattr(certificates, "CLOCK_WAS_SET", datetime(2000, 1, 1, tzinfo=UTC))
    now = datetime.now(UTC) - timedelta(days=days_ago)
    certificates.init(data_dir, ["localhost"], certificates.LOOPBACK, now, force=True)


def test_it_listens_once_there_is_a_certificate(
    tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening = Listening()
    asyncio.run(tls.look(listening))
    assert "luna tls init" in tls.trouble() and not listening.contexts
    certify(tmp_path, monkeypatch)
    listening.refuses = True
    asyncio.run(tls.look(listening))
    assert "Address already in use" in tls.trouble()
    listening.refuses = False
    for _ in range(2):
        asyncio.run(tls.look(listening))
    assert len(listening.contexts) == 1 and tls.trouble() == ""


def test_a_renewed_certificate_is_shown_without_a_restart(
    tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening = Listening()
    certify(tmp_path, monkeypatch)
    asyncio.run(tls.look(listening))
    before = tls.ends
    certificates.renew(tmp_path, certificates.LOOPBACK, datetime.now(UTC) + timedelta(days=40))
    asyncio.run(tls.look(listening))
    assert before and tls.ends and tls.ends > before and len(listening.contexts) == 1


def test_one_that_ends_soon_is_renewed_and_one_that_cannot_be_says_so(
    tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certify(tmp_path, monkeypatch, days_ago=390)
    asyncio.run(tls.look(Listening()))
    asyncio.run(tls.look(Listening()))
    assert tls.trouble() == "" and tls.ends
    assert tls.ends > datetime.now(UTC) + timedelta(days=390)
    (tmp_path / "tls" / "server.pem").write_text("rubbish")
    asyncio.run(tls.look(Listening()))
    assert "no certificate in PEM" in tls.trouble()


def test_one_that_cannot_be_renewed_is_shown_until_its_end(
    tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    certify(tmp_path, monkeypatch, days_ago=380)
    monkeypatch.setattr(certificates, "renew", fail)
    listening = Listening()
    asyncio.run(tls.look(listening))
    assert "No space left" in tls.trouble() and len(listening.contexts) == 1


def test_a_certificate_that_nobody_can_read_ends_nothing(
    tls: Tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(_: Path) -> None:
        raise x509.DuplicateExtension("two of them", ExtensionOID.KEY_USAGE)

    certify(tmp_path, monkeypatch)
    monkeypatch.setattr(certificates, "examine", odd)
    asyncio.run(tls.look(Listening()))
    assert "two of them" in tls.trouble()
