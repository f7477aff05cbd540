"""`luna tls`: the robot's own authority and certificate for HTTPS."""

import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import click

from edge import certificates, options
from edge import settings as edge_settings
from edge.certificates import Certificate
from edge.domain.errors import SetupError

IN_DIR = options.data_dir("directory", help="The robot's data directory.")


@click.group()
def command() -> None:
    """HTTPS by a certificate of this robot's own. docs/http.md says how devices come to trust it."""


@command.command()
@IN_DIR
@click.option("--name", "more", multiple=True, help="A further name of the robot.")
@click.option("--force", is_flag=True, help="Replace what is there: devices have to trust it anew.")
def init(directory: Path, more: tuple[str, ...], force: bool) -> None:
    """Make an authority and a certificate, for the names and addresses that this machine has."""
    if not directory.is_dir():
        raise SetupError(f"There is no robot in {directory}.", hint="Name it with --data-dir.")
    names = [*certificates.own_names(socket.gethostname()), *more]
    addresses = certificates.own_addresses()
    made = certificates.init(directory, names, addresses, datetime.now(UTC), force=force)
    _say(directory, made)
    api = edge_settings.load(directory).api
    if not api.tls:
        click.echo("Switch it on: tls = true under [api] in settings.toml, then restart the robot.")
    for name in more:
        click.echo(
            f"Its pages work by that name once allowed_origins has https://{name}:{api.tls_port}"
        )


@command.command()
@IN_DIR
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def show(directory: Path, as_json: bool) -> None:
    """Say what is certified, until when, and by which authority. Exit code 1: devices refuse it."""
    found = certificates.examine(directory)
    if as_json:
        click.echo(json.dumps(_facts(directory, found), indent=2))
    else:
        _say(directory, found)
    if found.trouble(datetime.now(UTC)):
        raise SystemExit(1)


@command.command()
@IN_DIR
def renew(directory: Path) -> None:
    """A new certificate by the same authority, for the addresses that the robot has now. It runs on meanwhile."""
    addresses = certificates.own_addresses()
    _say(directory, certificates.renew(directory, addresses, datetime.now(UTC)))


def _say(directory: Path, found: Certificate) -> None:
    facts = _facts(directory, found)
    for name, value in facts.items():
        said = ", ".join(value) if isinstance(value, list) else str(value)
        if said:
            click.echo(f"{name:<10} {said}")


def _facts(directory: Path, found: Certificate) -> dict[str, str | list[str]]:
    return {
        "names": list(found.names),
        "addresses": [str(one) for one in found.addresses],
        "until": f"{found.ends:%Y-%m-%d}",
        "authority": str(certificates.files(directory).ca) if found.by_us else "not this robot",
        "sha-256": certificates.fingerprint(directory) if found.by_us else "",
        "trouble": found.trouble(datetime.now(UTC)),
    }
