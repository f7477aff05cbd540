"""`luna status`: how the robot is, from a shell on it."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click

from api.client import unanswered
from edge import options
from edge import settings as edge_settings

CALL_S = 3.0


@click.command()
@options.data_dir(help="The robot's data directory.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(data_dir: Path, as_json: bool) -> None:
    """Say how the robot is. Exit code 1: it cannot do its job, or nobody answers."""
    url = address(data_dir)
    ready, parts = _ask(url, "/ready")
    _, robot = _ask(url, "/api/v1/robot/status")
    known = parts.get("data") or parts["error"]["details"]
    if as_json:
        click.echo(
            json.dumps(
                {"ready": ready, "parts": known["parts"], "robot": robot.get("data")}, indent=2
            )
        )
    else:
        _say(robot.get("data") or {}, known["parts"])
    if not ready:
        raise SystemExit(1)


def _say(robot: dict[str, Any], parts: dict[str, Any]) -> None:
    battery = robot.get("battery_level")
    rows = {
        "robot": f"{robot.get('robot_name')} ({robot.get('id')})",
        "status": ", ".join(dict.fromkeys(str(robot.get(name)) for name in ("status", "mode"))),
        "place": robot.get("current_location") or "on its way",
        "battery": "unknown" if battery is None else f"{battery:.0%}",
        "queue": f"{robot.get('queue_length')} waiting",
    }
    rows |= {name: f"{part['status']} {part['reason']}".rstrip() for name, part in parts.items()}
    for name, said in rows.items():
        click.echo(f"{name:<10} {said}")
    for fault in robot.get("faults", []):
        click.echo(f"{'fault':<10} {fault['message']} {fault['remedy']}")
    if robot.get("emergency_stop", {}).get("active"):
        click.echo(f"{'next':<10} luna reset, then luna resume, lets it go on.")


def address(data_dir: Path) -> str:
    """Where the API of this robot is: a running luna sim has written it down."""
    try:
        return str(json.loads((data_dir / "demo-accounts.json").read_text())["url"])
    except (OSError, ValueError, KeyError):
        api = edge_settings.load(data_dir).api
        return f"http://127.0.0.1:{api.port}"


def _ask(url: str, path: str) -> tuple[bool, dict[str, Any]]:
    """Whether it was answered with a 200, and the envelope."""
    try:
        with urllib.request.urlopen(url + path, timeout=CALL_S) as answer:
            return True, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return False, json.load(error)
    except (OSError, ValueError) as error:
        raise unanswered(url) from error
