"""The command `luna`. Its commands live in the rooms they belong to, and are found when called.

Results go to stdout, talk and errors to stderr. Exit codes: 0 done, 1 not done (one line says why),
2 called wrongly.
"""

import sys
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution
from typing import Any

import click

from edge.domain.errors import LunaError

DISTRIBUTION = "luna-edge"
GROUP = "luna.commands"

SUMMARIES = {
    "db": "Check, copy and restore the robot's store.",
    "deliver-demo": "Let one book travel through a running robot, step by step.",
    "doctor": "Say what of this machine is fit for LUNA, and what is not.",
    "fault": "Let something go wrong with a simulated robot.",
    "map": "Propose, check, draw and load places and lanes on a map.",
    "replay": "Watch a mission of the simulated robot again, as an animated picture.",
    "reset": "End a stop, at the robot; it still stands.",
    "resume": "Let it go on, after a reset or a pause.",
    "settings": "Show the settings in force, and where each comes from.",
    "sim": "Run the whole robot on its simulator, until Ctrl-C.",
    "status": "Say how the robot is.",
    "stop": "Stop the robot now.",
    "tls": "The robot's own certificate for HTTPS: make, show, renew.",
}
"""For `luna --help`, which so needs to import none of them."""


class LazyGroup(click.Group):
    """A group whose commands are entry points of this distribution, imported when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_entry_points())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = _entry_points().get(cmd_name)
        return None if entry is None else _load(entry)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, SUMMARIES.get(name, "")) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _entry_points() -> dict[str, EntryPoint]:
    # One distribution by name: reading the metadata of all would take longer than all the rest.
    try:
        entries = distribution(DISTRIBUTION).entry_points.select(group=GROUP)
    except PackageNotFoundError:
        return {}
    return {entry.name: entry for entry in entries}


def _load(entry: EntryPoint) -> click.Command:
    command = entry.load()
    if not isinstance(command, click.Command):
        raise TypeError(f"{entry.value} is not a command")
    return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=DISTRIBUTION, prog_name="luna")
def luna() -> None:
    """LUNA edge: the software of a library delivery robot."""


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line and leave with its exit code."""
    try:
        luna.main(args=arguments, prog_name="luna")
    except LunaError as error:
        click.echo(f"luna: {one_line(error)}", err=True)
        sys.exit(1)


def one_line(error: LunaError) -> str:
    """What went wrong and what to do about it, without whatever line breaks a parser put in."""
    return " ".join(str(error).split())


if __name__ == "__main__":
    main()
