"""The command line: its commands, its help and its errors."""

import subprocess
import sys
from importlib.metadata import EntryPoint, distribution

import click
import pytest
from click.testing import CliRunner

from edge import cli
from edge.domain.errors import SetupError

COMMANDS = sorted(
    distribution(cli.DISTRIBUTION).entry_points.select(group=cli.GROUP), key=lambda one: one.name
)


def test_every_command_has_its_summary_and_no_summary_lacks_its_command() -> None:
    assert sorted(cli.SUMMARIES) == [entry.name for entry in COMMANDS]


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_every_command_can_be_loaded_and_has_help(entry: EntryPoint) -> None:
    command = cli.luna.get_command(click.Context(cli.luna), entry.name)
    assert command is not None and command.help


def test_help_lists_the_commands_without_importing_any() -> None:
    program = (
        "import sys; from edge.cli import luna\n"
        "luna.main(['--help'], standalone_mode=False)\n"
        "heavy = {'pydantic', 'fastapi', 'numpy', 'rclpy', 'structlog', 'edge.supervisor'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "heavy: []" in done.stdout
    assert all(f"  {entry.name} " in done.stdout for entry in COMMANDS)


def test_an_unknown_command_is_called_wrongly() -> None:
    result = CliRunner().invoke(cli.luna, ["fly"])
    assert result.exit_code == 2
    assert "No such command 'fly'" in result.output


def test_an_error_is_one_line_with_what_to_do_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise SetupError("The map is\nno map.", hint="Give another.")

    monkeypatch.setattr(cli.luna, "main", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 1
    assert capsys.readouterr().err == "luna: The map is no map. Give another.\n"
