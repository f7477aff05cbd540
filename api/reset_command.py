"""`luna reset` and `luna resume`: let a stopped robot go on, from a shell on it, with a librarian's login."""

import json
from pathlib import Path
from typing import Any

import click

from api.client import Server
from api.status_command import address
from edge import options
from edge.domain.errors import RobotStoppedError, UnavailableError

EMAIL = click.option("--email", default="", help="A librarian's. [the demo's, or asked for]")
DATA_DIR = options.data_dir(help="The robot's data directory.")


@click.command()
@DATA_DIR
@EMAIL
@click.option("--yes", is_flag=True, help="The cause is gone and the way is free: do not ask.")
def reset(data_dir: Path, email: str, yes: bool) -> None:
    """End a stop, at the robot. It still stands until luna resume."""
    robot = signed_in(data_dir, email)
    stop = stop_of(robot)
    if stop["state"] == "RESET":
        click.echo("The stop is reset already. luna resume lets the robot go on.")
        return
    if not stop["active"]:
        click.echo("The robot is not stopped.")
        return
    for name in ("source", "reason", "since", "event_id"):
        click.echo(f"{name.replace('_id', ''):<10} {stop[name]}")
    if not yes:
        click.confirm("Is the cause gone and the way free?", abort=True)
    robot.post("/api/v1/robot/emergency-stop/reset", {"event_id": stop["event_id"]})
    click.echo("The stop is reset. The robot still stands; luna resume lets it go on.")


@click.command()
@DATA_DIR
@EMAIL
def resume(data_dir: Path, email: str) -> None:
    """Let the robot go on, after luna reset or after a pause. It may drive at once."""
    robot = signed_in(data_dir, email)
    if stop_of(robot)["active"]:
        raise RobotStoppedError("STOPPED", hint="luna reset comes first.")
    modes = robot.post("/api/v1/robot/resume", {})
    if modes["maintenance"]:
        click.echo("Resumed, but it is under maintenance and begins nothing by itself.")
    else:
        click.echo("The robot goes on.")


def signed_in(data_dir: Path, email: str) -> Server:
    """The robot as a librarian sees it: the demo's where there is one, else asked for. Raises CallError."""
    robot = Server(address(data_dir))
    robot.get("/health")  # before anybody is asked for a password in vain
    known = _demo_librarian(data_dir)
    email = email or known.get("email") or click.prompt("Email")
    by_demo = email == known.get("email")
    password = known["password"] if by_demo else click.prompt("Password", hide_input=True)
    return robot.signed_in(email, password)


def stop_of(robot: Server) -> dict[str, Any]:
    """What the robot says of its stop. Raises UnavailableError, CallError."""
    stop: dict[str, Any] = robot.get("/api/v1/robot/status")["emergency_stop"]
    if stop["active"] is None:
        raise UnavailableError("GATE_AWAY")
    return stop


def _demo_librarian(data_dir: Path) -> dict[str, str]:
    try:
        accounts = json.loads((data_dir / "demo-accounts.json").read_text())
        return dict(accounts["librarian"])
    except (OSError, ValueError, KeyError):
        return {}
