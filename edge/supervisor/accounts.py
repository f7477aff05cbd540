"""The accounts of the demo: made once with random passwords, and written down for whoever tries the robot."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge.domain.errors import SetupError
from edge.private_file import write_private

ROLES = ("student", "librarian", "admin")
PEOPLE_FILE = "demo-people.json"
ACCOUNTS_FILE = "demo-accounts.json"
INTEGRATOR = "integrator"
DOMAIN = "library.example.org"
CENTRAL_EMAIL = f"central@{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    password: str
    pin: str


def invent_people(data_dir: Path) -> None:
    """Make up the demo's people and keep them among the secrets of a new data directory."""
    people = {role: asdict(_person(f"{role}@{DOMAIN}")) for role in ROLES}
    write_private(data_dir / "secrets" / PEOPLE_FILE, json.dumps(people))


def people(data_dir: Path) -> dict[str, Person]:
    """The demo's people by role. Raises SetupError."""
    path = data_dir / "secrets" / PEOPLE_FILE
    try:
        return {role: Person(**fields) for role, fields in json.loads(path.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise SetupError(
            f"The demo's accounts in {path} cannot be read.", hint="Start on a new --data-dir."
        ) from error


def write_accounts(
    data_dir: Path, *, url: str, mqtt_host: str, mqtt_port: int, central_url: str | None
) -> dict[str, Any]:
    """Write demo-accounts.json with the places where things are now. What it says. Raises SetupError."""
    accounts: dict[str, Any] = {"url": url}
    accounts |= {role: asdict(one) for role, one in people(data_dir).items()}
    accounts["mqtt"] = {
        "host": mqtt_host,
        "port": mqtt_port,
        "username": INTEGRATOR,
        "password": _secret(data_dir, "mqtt-integrator"),
    }
    accounts["central"] = central_url and {
        "url": central_url,
        "email": CENTRAL_EMAIL,
        "password": _secret(data_dir, "central-admin"),
    }
    write_private(data_dir / ACCOUNTS_FILE, json.dumps(accounts, indent=2) + "\n")
    return accounts


def table(accounts: dict[str, Any]) -> str:
    """The accounts as lines to print."""
    lines = [
        f"  {role:<10} {one['email']:<24} password {one['password']}  PIN {one['pin']}"
        for role, one in ((role, accounts[role]) for role in ROLES)
    ]
    mqtt, central = accounts["mqtt"], accounts["central"]
    at = f"{mqtt['host']}:{mqtt['port']}"
    lines.append(f"  {'MQTT':<10} {mqtt['username']:<24} password {mqtt['password']}  at {at}")
    if central:
        who, at = central["email"], central["url"]
        lines.append(f"  {'central':<10} {who:<24} password {central['password']}  at {at}")
    return "\n".join(lines)


def _person(email: str) -> Person:
    import secrets  # loads OpenSSL, 4 MB, which the supervisor itself has no use for

    return Person(email, secrets.token_urlsafe(9), f"{secrets.randbelow(1_000_000):06}")


def _secret(data_dir: Path, name: str) -> str:
    return (data_dir / "secrets" / name).read_text().strip()
