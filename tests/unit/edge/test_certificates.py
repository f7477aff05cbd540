"""The robot's own certificates: what they are good for, and what is said of those that are not."""

import ipaddress
import re
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509

from edge import certificates, tls_command
from edge.domain.errors import ConflictError, LunaError, SetupError, ValidationError

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NAMES = ("luna-01", "luna-01.local", "localhost")
HERE = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("192.168.1.7"))
PUBLIC = ipaddress.ip_address("203.0.113.5")


@pytest.fixture
def robot(tmp_path: Path) -> Path:
    certificates.init(tmp_path, NAMES, HERE, NOW, force=False)
    return tmp_path


def contents(robot: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (robot / "tls").iterdir()}


def authority(robot: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((robot / "tls" / "ca.crt").read_bytes())


def test_it_is_for_the_robots_names_and_addresses_and_no_device_finds_it_too_long(
    robot: Path,
) -> None:
    found = certificates.examine(robot)
    assert (found.names, found.addresses, found.by_us) == (NAMES, HERE, True)
    assert found.begins < NOW < found.ends
    assert found.ends - found.begins < timedelta(days=398)
    assert found.trouble(NOW) == ""


def test_nobody_else_may_read_the_keys(robot: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in (robot / "tls").iterdir()}
    assert modes == {"ca.key": 0o600, "server.pem": 0o600, "ca.crt": 0o600}


def test_a_stolen_authority_forges_no_other_site(robot: Path) -> None:
    said = authority(robot).extensions
    basic = said.get_extension_for_class(x509.BasicConstraints)
    constraints = said.get_extension_for_class(x509.NameConstraints)
    assert basic.critical and basic.value.ca and basic.value.path_length == 0
    assert constraints.critical
    permitted = constraints.value.permitted_subtrees or []
    assert {one.value for one in permitted if isinstance(one, x509.DNSName)} == set(NAMES)
    networks = [str(one.value) for one in permitted if isinstance(one, x509.IPAddress)]
    assert networks and not any(PUBLIC in ipaddress.ip_network(one) for one in networks)


def test_a_second_authority_takes_the_place_of_the_first_only_by_force(robot: Path) -> None:
    before = contents(robot)
    with pytest.raises(ConflictError, match="--force"):
        certificates.init(robot, NAMES, HERE, NOW, force=False)
    assert contents(robot) == before
    certificates.init(robot, NAMES, HERE, NOW, force=True)
    assert all(contents(robot)[name] != data for name, data in before.items())


def test_a_renewed_one_is_by_the_same_authority_for_where_the_robot_is_now(robot: Path) -> None:
    before, later = contents(robot), NOW + timedelta(days=380)
    moved = (HERE[0], ipaddress.ip_address("10.1.2.3"), PUBLIC)
    found = certificates.renew(robot, moved, later)
    assert found.addresses == moved[:2]  # the public one was not there when the authority was made
    assert found.ends > later + timedelta(days=390) and found.by_us
    after = contents(robot)
    assert after["ca.crt"] == before["ca.crt"] and after["server.pem"] != before["server.pem"]


def test_it_is_renewed_a_month_before_its_end_but_not_by_a_clock_that_was_never_set(
    robot: Path,
) -> None:
    found = certificates.examine(robot)
    assert not found.is_due(NOW)
    assert found.is_due(found.ends - timedelta(days=29))
    assert found.is_due(found.ends + timedelta(days=29))
    assert not found.is_due(datetime(1970, 1, 2, tzinfo=UTC))


def test_near_the_end_of_its_authority_it_is_not_made_anew_again_and_again(robot: Path) -> None:
    last = authority(robot).not_valid_after_utc
    found = certificates.renew(robot, HERE, last - timedelta(days=20))
    assert last - timedelta(days=1) < found.ends <= last
    assert not found.is_due(last - timedelta(days=19))
    assert found.is_due(last - timedelta(days=9))
    with pytest.raises(SetupError, match="The authority is good until 2036-05-29 only"):
        certificates.renew(robot, HERE, last - timedelta(hours=5))


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), "the clock says 1970-01-01. Set the clock"),
        (NOW + timedelta(days=300), "^$"),
        (NOW + timedelta(days=390), "ends in 6 days, on 2027-07-03. luna tls renew"),
        (NOW + timedelta(days=400), "ended on 2027-07-03. luna tls renew"),
    ],
)
def test_what_is_wrong_with_its_time_is_said(robot: Path, when: datetime, said: str) -> None:
    assert re.search(said, certificates.examine(robot).trouble(when))


def test_none_is_made_while_the_clock_is_wrong(robot: Path) -> None:
    before, unset = contents(robot), datetime(1970, 1, 1, tzinfo=UTC)
    with pytest.raises(SetupError, match=r"1970-01-01.*timedatectl"):
        certificates.init(robot, NAMES, HERE, unset, force=True)
    with pytest.raises(SetupError, match="1970-01-01"):
        certificates.renew(robot, HERE, unset)
    assert contents(robot) == before


def _swap(robot: Path) -> None:
    """The key of one and the certificate of another."""
    pem = (robot / "tls" / "server.pem").read_text()
    certificate = pem[pem.index("-----BEGIN CERT") :]
    certificates.renew(robot, HERE, NOW)
    key = (robot / "tls" / "server.pem").read_text().partition("-----BEGIN CERT")[0]
    (robot / "tls" / "server.pem").write_text(key + certificate)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda robot: (robot / "tls" / "server.pem").unlink(), "no certificate.*luna tls init"),
        (lambda robot: (robot / "tls" / "server.pem").write_text("hello"), "no certificate in PEM"),
        (
            lambda robot: (robot / "tls" / "server.pem").write_bytes(b"\0" * 99),
            "no certificate in PEM",
        ),
        (
            lambda robot: (robot / "tls" / "server.pem").write_bytes(contents(robot)["ca.crt"]),
            "no key in PEM",
        ),
        (_swap, "do not fit. luna tls renew"),
    ],
)
def test_what_is_wrong_with_the_file_is_said(
    robot: Path, harm: Callable[[Path], object], said: str
) -> None:
    harm(robot)
    with pytest.raises(SetupError, match=said):
        certificates.examine(robot)


def test_an_authority_with_the_wrong_key_signs_nothing(robot: Path) -> None:
    (robot / "tls" / "ca.key").write_bytes(
        contents(robot)["server.pem"].partition(b"-----BEGIN CERT")[0]
    )
    with pytest.raises(SetupError, match=r"not the key of .*--force"):
        certificates.renew(robot, HERE, NOW)
    (robot / "tls" / "ca.key").unlink()
    with pytest.raises(ConflictError, match="renewed by them"):
        certificates.renew(robot, HERE, NOW)
    assert not certificates.examine(robot).by_us


@pytest.mark.parametrize(
    "name",
    ["", "a b", "büro.example", "192.168.1.4", "*.example", "x" * 254, "-luna", "a..b", "a/b"],
)
def test_a_name_that_is_none_makes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValidationError, match="no name of a host"):
        certificates.init(tmp_path, [*NAMES, name], HERE, NOW, force=False)
    assert not (tmp_path / "tls").exists()


def test_openssl_trusts_what_the_authority_says_of_its_own_names_alone(tmp_path: Path) -> None:
    certificates.init(tmp_path, NAMES, HERE, datetime.now(UTC), force=False)
    trust = ssl.create_default_context(cafile=tmp_path / "tls" / "ca.crt")
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(tmp_path / "tls" / "server.pem")
    for name, fits in (("luna-01.local", True), ("192.168.1.7", True), ("bank.example", False)):
        assert _shake_hands(shown, trust, name) == fits


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> bool:
    """Whether the client believes it, in a whole handshake in memory."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(back, there, server_hostname=name)
    other = server.wrap_bio(there, back, server_side=True)
    for _ in range(4):
        for side in (one, other):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return True


def test_the_command_makes_shows_and_renews_it(tmp_path: Path) -> None:
    def luna_tls(*arguments: str) -> str:
        done = CliRunner().invoke(
            tls_command.command, [*arguments, "--data-dir", str(tmp_path)], catch_exceptions=False
        )
        assert done.exit_code == 0, done.output
        return done.output

    assert "tls = true" in luna_tls("init", "--name", "luna.example.org")
    assert "luna.example.org" in luna_tls("show")
    assert certificates.fingerprint(tmp_path) in luna_tls("show")
    before = contents(tmp_path)["server.pem"]
    luna_tls("renew")
    assert contents(tmp_path)["server.pem"] != before
    with pytest.raises(LunaError, match="already"):
        luna_tls("init")


def test_there_is_no_certificate_without_a_robot(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no robot in"):
        CliRunner().invoke(
            tls_command.command, ["init", "--data-dir", str(tmp_path / "x")], catch_exceptions=False
        )
