"""`luna settings` on a real settings file."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge.settings_command import command


@pytest.fixture
def robot(tmp_path: Path) -> Path:
    (tmp_path / "settings.toml").write_text("[robot]\nname = 'Ada'\n[api]\nport = 9001\n")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "jwt.key").write_text("do-not-tell")
    return tmp_path


def _shown(robot: Path) -> dict[str, tuple[object, str]]:
    result = CliRunner().invoke(command, ["--data-dir", str(robot), "--json"])
    return {line["name"]: (line["value"], line["source"]) for line in json.loads(result.output)}


def test_each_setting_tells_where_it_comes_from(
    robot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUNA_API__PORT", "9002")
    shown = _shown(robot)
    assert shown["robot.name"] == ("Ada", "settings.toml")
    assert shown["api.port"] == (9002, "LUNA_API__PORT")
    assert shown["mqtt.port"] == (1883, "default")


def test_secrets_are_named_and_never_shown(robot: Path) -> None:
    result = CliRunner().invoke(command, ["--data-dir", str(robot)])
    assert result.exit_code == 0
    assert "jwt.key" in result.output
    assert "do-not-tell" not in result.output
