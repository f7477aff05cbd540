"""The robot's own certificate authority, and the certificate by which its API is known.

`tls/` of the data directory: `ca.crt` (what people trust, on their own devices), `ca.key`, and `server.pem`: key and
certificate of the API in one file, so that a power cut never leaves two that do not fit. The authority is good for the
names of this robot and for addresses of local networks, and for nothing else in the world: its key, when stolen, forges
no other site. Where a library has an authority of its own, its key, certificate and chain take the place of our
`server.pem`.
"""

import ipaddress
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge.domain.errors import ConflictError, SetupError, ValidationError
from edge.domain.times import CLOCK_WAS_SET
from edge.private_file import write_private

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CA_DAYS = 3650
SERVER_DAYS = 397
"""Apple's devices refuse what is good for 398 days and more."""
RENEW_DAYS = 30
"""So long before its end it is renewed."""
WARN_DAYS = 14
"""An end so near means that renewing did not work."""
BEFORE = timedelta(hours=1)
"""Good from a while ago: the devices' clocks differ."""

LOCAL: tuple[Network, ...] = tuple(
    ipaddress.ip_network(one)
    for one in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
        "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip
"""What the authority may vouch for, wherever the robot is moved to."""
LOOPBACK: tuple[Address, ...] = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"))

_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)
_AGAIN = "Make them anew with luna tls init --force; devices then have to trust the new authority."


@dataclass(frozen=True, slots=True)
class Files:
    folder: Path

    @property
    def ca_key(self) -> Path:
        return self.folder / "ca.key"

    @property
    def ca(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def server(self) -> Path:
        """The key, the certificate, and what is between that and its authority."""
        return self.folder / "server.pem"

    @property
    def all(self) -> tuple[Path, ...]:
        return self.ca, self.ca_key, self.server


def files(data_dir: Path) -> Files:
    return Files(data_dir / "tls")


@dataclass(frozen=True, slots=True)
class Certificate:
    """What devices are shown. `by_us`: made by the authority beside it."""

    names: tuple[str, ...]
    addresses: tuple[Address, ...]
    begins: datetime
    ends: datetime
    by_us: bool

    def days_left(self, now: datetime) -> float:
        return (self.ends - now) / timedelta(days=1)

    def is_due(self, now: datetime) -> bool:
        """Whether it should be renewed. A clock that was never set is no reason.

        One that is short, because its authority ends soon, is not renewed again and again.
        """
        soon = min(timedelta(days=RENEW_DAYS), (self.ends - self.begins) / 2)
        return self.by_us and now >= self.begins and self.ends - now < soon

    def trouble(self, now: datetime) -> str:
        """Why devices refuse it, or soon will; empty where all is well."""
        if now < self.begins:
            said = f"The certificate is good from {self.begins:%Y-%m-%d} on, and the clock says {now:%Y-%m-%d}."
            return f"{said} Set the clock; if that is right, luna tls renew."
        how = "luna tls renew makes a new one." if self.by_us else "Ask who made it for a new one."
        if now >= self.ends:
            return f"The certificate ended on {self.ends:%Y-%m-%d}. {how}"
        if self.days_left(now) < WARN_DAYS:
            return f"The certificate ends in {int(self.days_left(now))} days, on {self.ends:%Y-%m-%d}. {how}"
        return ""


def init(
    data_dir: Path,
    names: Sequence[str],
    addresses: Iterable[Address],
    now: datetime,
    *,
    force: bool,
) -> Certificate:
    """A new authority for these names, and a certificate by it. Raises SetupError, ConflictError, ValidationError."""
    place = files(data_dir)
    _require_clock(now)
    wanted = tuple(dict.fromkeys(_checked(name) for name in names))
    there = [one.name for one in place.all if one.exists()]
    if there and not force:
        raise ConflictError(
            f"{place.folder} has {', '.join(there)} already.",
            hint="luna tls renew makes a new certificate by the same authority; --force makes a new authority,"
            " which every device has to trust anew.",
        )
    place.folder.mkdir(mode=0o700, exist_ok=True)
    addresses = tuple(addresses)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _authority(ca_key, wanted, addresses, now)
    write_private(place.ca_key, _pem(ca_key))
    write_private(place.ca, _pem_of(ca))
    _issue(place, ca, ca_key, addresses, now)
    return examine(data_dir)


def renew(data_dir: Path, addresses: Iterable[Address], now: datetime) -> Certificate:
    """A new key and certificate by the same authority, for its names and for where the robot is now.

    Raises SetupError, ConflictError.
    """
    place = files(data_dir)
    _require_clock(now)
    if not place.ca_key.exists():
        raise ConflictError(
            f"There is no authority's key {place.ca_key}.",
            hint="luna tls init makes one; a certificate by somebody else is renewed by them.",
        )
    ca, ca_key = _certificates(place.ca)[0], _key(place.ca_key)
    if ca.public_key() != ca_key.public_key():
        raise SetupError(f"{place.ca_key} is not the key of {place.ca}.", hint=_AGAIN)
    if now >= ca.not_valid_after_utc - timedelta(days=1):
        said = f"The authority is good until {ca.not_valid_after_utc:%Y-%m-%d} only."
        raise SetupError(said, hint=_AGAIN)
    _issue(place, ca, ca_key, addresses, now)
    return examine(data_dir)


def examine(data_dir: Path) -> Certificate:
    """The certificate that is there. Raises SetupError where it, its key or both together cannot be used."""
    place = files(data_dir)
    if not place.server.exists():
        raise SetupError(
            f"There is no certificate in {place.folder}.", hint="Make one with luna tls init."
        )
    found = _certificates(place.server)[0]
    if _key(place.server).public_key() != found.public_key():
        said = f"The key and the certificate in {place.server} do not fit."
        raise SetupError(said, hint="luna tls renew makes new ones.")
    names = _alternatives(found)
    return Certificate(
        tuple(names.get_values_for_type(x509.DNSName)),
        tuple(one for one in names.get_values_for_type(x509.IPAddress) if isinstance(one, Address)),
        found.not_valid_before_utc,
        found.not_valid_after_utc,
        place.ca_key.exists() and place.ca.exists() and _is_by(found, _certificates(place.ca)[0]),
    )


def fingerprint(data_dir: Path) -> str:
    """SHA-256 of the authority's certificate, as phones show it. Raises SetupError."""
    digest = _certificates(files(data_dir).ca)[0].fingerprint(hashes.SHA256())
    return digest.hex(":").upper()


def own_addresses() -> tuple[Address, ...]:
    """Where this machine is now, loopback first; link-local ones of IPv6 left out, which nobody types."""
    import psutil  # only where certificates are made or looked at by people

    texts = {
        one.address for each in psutil.net_if_addrs().values() for one in each
        if one.family.name in ("AF_INET", "AF_INET6") and "%" not in one.address
    }  # fmt: skip
    found = {ipaddress.ip_address(text) for text in texts}
    others = sorted(
        (one for one in found if not one.is_loopback), key=lambda one: (one.version, int(one))
    )
    return (*LOOPBACK, *others)


def own_names(host: str) -> tuple[str, ...]:
    """What this machine is called, given its host name."""
    short = host.lower().removesuffix(".local")
    return tuple(dict.fromkeys((short, f"{short}.local", "localhost")))


def _checked(name: str) -> str:
    lower = name.strip().lower()
    # The latter is an address.
    if not _NAME.fullmatch(lower) or lower.rpartition(".")[2].isdecimal():
        said = f"{name!r} is no name of a host, like luna-01.example.org; other letters are written as xn--…"
        raise ValidationError(said, fields={"name": [said]})
    return lower


def _require_clock(now: datetime) -> None:
    """Raises SetupError: a certificate of 1970 would be of no use to anybody."""
    if now < CLOCK_WAS_SET:
        raise SetupError(
            f"The clock says {now:%Y-%m-%d}, which cannot be.",
            hint="Set it: sudo timedatectl set-ntp true.",
        )


# Making


def _authority(
    key: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
    addresses: Iterable[Address],
    now: datetime,
) -> x509.Certificate:
    here = [ipaddress.ip_network(one) for one in addresses if not any(one in net for net in LOCAL)]
    permitted = [*map(x509.DNSName, names), *map(x509.IPAddress, (*LOCAL, *here))]
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"LUNA robot {names[0]}"[:64])])
    return (
        _begun(named, named, key.public_key(), now, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _issue(
    place: Files,
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    addresses: Iterable[Address],
    now: datetime,
) -> None:
    permitted = (
        ca.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    )
    names = [one.value for one in permitted if isinstance(one, x509.DNSName)]
    networks = [one.value for one in permitted if isinstance(one, x509.IPAddress)]
    fit = [
        one for one in addresses if any(one in net for net in networks if isinstance(net, Network))
    ]
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    days = min(SERVER_DAYS, (ca.not_valid_after_utc - now).days)
    certificate = (
        _begun(named, ca.subject, key.public_key(), now, days)
        .add_extension(
            x509.SubjectAlternativeName([*map(x509.DNSName, names), *map(x509.IPAddress, fit)]),
            False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), False
        )
        .sign(ca_key, hashes.SHA256())
    )
    write_private(place.server, _pem(key) + _pem_of(certificate))


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    begins = now - BEFORE
    ends, number = begins + timedelta(days=days), x509.random_serial_number()
    named = x509.SubjectKeyIdentifier.from_public_key(key)
    made = x509.CertificateBuilder(issuer, subject, key, number, begins, ends)
    return made.add_extension(named, critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    kind, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, kind, plain).decode()


def _pem_of(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


# Reading


def _certificates(path: Path) -> list[x509.Certificate]:
    """Raises SetupError."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        why = (
            os.strerror(error.errno)
            if isinstance(error, OSError) and error.errno
            else "it is no certificate in PEM"
        )
        raise SetupError(f"{path} cannot be read: {why}.", hint=_AGAIN) from error


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Raises SetupError. A key of another kind, of another authority, will do as well."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        why = (
            os.strerror(error.errno)
            if isinstance(error, OSError) and error.errno
            else "it is no key in PEM, or locked"
        )
        raise SetupError(f"{path} cannot be read: {why}.", hint=_AGAIN) from error
    return key  # type: ignore[return-value]


def _alternatives(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])


def _is_by(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
