"""`luna stop`: stop the robot from a shell on it."""

import getpass
from pathlib import Path

import click

from firmware_bridge.sockets import GateUnavailableError, request_stop


@click.command("stop")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="LUNA_DATA_DIR",
    default=Path(".luna"),
    show_default=True,
    help="The robot's data directory.",
)
@click.option("--reason", default="", help="Why; it stands in the record of the stop.")
def command(data_dir: Path, reason: str) -> None:
    """Stop the robot at once. Prints the stop's event id once the motion gate confirmed it.

    The robot stays stopped until a person at it resets this stop. Exit code 1: not confirmed, use
    the red button.
    """
    try:
        receipt = request_stop(
            data_dir / "run", source="CLI", who=getpass.getuser(), reason=reason or "luna stop"
        )
    except GateUnavailableError as error:
        raise click.ClickException(f"not confirmed: {error}") from error
    click.echo(receipt.event_id)
    if receipt.joined:
        click.echo("It was stopped already; this is that stop's id.", err=True)
    click.echo("luna reset, then luna resume, lets it go on.", err=True)
