"""`luna fault`: let something go wrong with the robot of a running `luna sim`."""

from pathlib import Path

import click

from edge import ipc, options
from edge.domain.errors import UnavailableError, ValidationError

ANSWER_S = 3.0
SOCKET = Path("run") / "faults.sock"


@click.command()
@click.argument("name")
@click.argument("value", default="on")
@click.option(
    "--for", "seconds", type=float, help="Seconds, after which it ends by itself. [never]"
)
@options.data_dir(help="Of the running luna sim.")
def command(name: str, value: str, seconds: float | None, data_dir: Path) -> None:
    """Let something go wrong: NAME on, off, or a number.

    The line: silent, deaf, noise 0.3, half 0.3, late 0.3, version 2, flood, reboot, unplug.
    The sensors: button, bumper, lifted, tilt 0.4, tray (open). The world: wheels, obstacle, battery 0.05.
    """
    order = f"{name} {value}" + (f" for {seconds:g}" if seconds is not None else "")
    try:
        with ipc.connect(data_dir / SOCKET, timeout_s=ANSWER_S) as desk:
            desk.send(order.encode())
            refused = desk.recv(4096).decode()
    except OSError as error:
        raise UnavailableError(
            f"No simulated robot runs on {data_dir}.", hint="Is luna sim running?"
        ) from error
    if refused:
        raise ValidationError(refused)
