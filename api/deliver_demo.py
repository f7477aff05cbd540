"""`luna deliver-demo`: let one book travel through a running `luna sim`."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from api.story import CENTRAL, ROBOT, Story
from edge import options
from edge.domain.errors import SetupError

INTERRUPTED = 130
"""The exit code that shells give to Ctrl-C."""
BAR = 30
WIPE = "\r\033[K"


class Screen:
    """On a terminal a drive is a bar that moves; elsewhere each step is a plain line, and that is all."""

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._longest_m = 0.0
        self._drawn = False

    def step(self, text: str) -> None:
        self._wipe()
        self._longest_m = 0.0
        click.echo(text)

    def drive(self, where: str, left_m: float) -> None:
        if not self._live:
            return
        self._longest_m = max(self._longest_m, left_m, 0.1)
        done = round(BAR * (1 - left_m / self._longest_m))
        bar = "━" * done + "╌" * (BAR - done)
        click.echo(f"{WIPE}  {where}  {bar}  {left_m:5.1f} m", nl=False, color=True)
        self._drawn = True

    def _wipe(self) -> None:
        if self._drawn:
            click.echo(WIPE, nl=False, color=True)
            self._drawn = False


@click.command()
@options.data_dir(help="Of the running luna sim.")
@click.option(
    "--from",
    "start",
    type=click.Choice([ROBOT, CENTRAL]),
    default=ROBOT,
    show_default=True,
    help="Where the request is made.",
)
@click.option("--to", "room", default="", help="Code or name of the room. [any]")
@click.option(
    "--timeout", type=click.FloatRange(min=1), default=600.0, show_default=True, help="Seconds."
)
def command(data_dir: Path, start: str, room: str, timeout: float) -> None:
    """Let one book travel through a running robot, step by step. Ctrl-C cancels it."""
    screen = Screen(live=sys.stdout.isatty())
    story = Story(accounts(data_dir), screen, start=start, room=room, timeout_s=timeout)
    try:
        story.play()
    except KeyboardInterrupt:
        story.abandon()
        sys.exit(INTERRUPTED)
    click.echo("Delivered.")


def accounts(data_dir: Path) -> dict[str, Any]:
    """What demo-accounts.json says. Raises SetupError."""
    path = data_dir / "demo-accounts.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SetupError(
            f"{path} cannot be read.", hint="Start luna sim on this --data-dir first."
        ) from error
    return found
