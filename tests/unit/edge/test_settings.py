"""Settings: where a value comes from, and what is said of wrong ones."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from edge import settings
from edge.domain.errors import SetupError


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LUNA_")]:
        monkeypatch.delenv(name)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    found = settings.load(tmp_path)
    assert found.api.port == 8080
    assert found.data_dir == tmp_path
    assert found.store_path == tmp_path / "luna.db"
    assert found.run_dir == tmp_path / "run"


def test_the_environment_outranks_the_file_and_the_file_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings.toml").write_text('[api]\nport = 1000\nhost = "0.0.0.0"\n')
    monkeypatch.setenv("LUNA_API__PORT", "2000")
    found = settings.load(tmp_path)
    assert (found.api.port, found.api.host) == (2000, "0.0.0.0")
    assert found.api.access_token_s == 900


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "settings.toml").write_text(
        '[api]\nport = 0\ncolour = "red"\n[robot]\nid = "a b"\n[typo]\nx = 1\n'
    )
    monkeypatch.setenv("LUNA_ROBOT__MAX_SPEED_M_S", "fast")
    with pytest.raises(SetupError) as refusal:
        settings.load(tmp_path)
    for name in ("api.port", "api.colour", "robot.id", "typo", "robot.max_speed_m_s"):
        assert name in refusal.value.message
    assert refusal.value.hint


def test_a_setting_that_there_is_not_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings.toml").write_text("[robot]\nspeed = 1\n")
    monkeypatch.setenv("LUNA_ROBOTT__ID", "luna-02")
    with pytest.raises(SetupError) as refused:
        settings.load(tmp_path)
    for name in ("robot.speed", "robott"):
        assert f"{name}: there is no such setting" in str(refused.value)


def test_the_library_has_a_time_zone_that_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.load(tmp_path).library.zone.key == "UTC"
    monkeypatch.setenv("LUNA_LIBRARY__TIME_ZONE", "America/New_York")
    zone = settings.load(tmp_path).library.zone
    assert zone.utcoffset(datetime(2026, 7, 1)) == timedelta(hours=-4)


@pytest.mark.parametrize(
    "name", ["", "Berlin", "Europe", "europe/../Berlin", "/etc/localtime", "X\0"]
)
def test_a_time_zone_that_there_is_not_is_refused_in_a_clear_line(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "settings.toml").write_text(f"[library]\ntime_zone = {json.dumps(name)}\n")
    with pytest.raises(SetupError, match=r"library.time_zone: .* name one like Europe/Berlin"):
        settings.load(tmp_path)


@pytest.mark.parametrize("junk", [b"[api", b"\xff\xfe", b"api = 5\n"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "settings.toml").write_bytes(junk)
    with pytest.raises(SetupError):
        settings.load(tmp_path)


def test_nobody_changes_settings_that_are_in_use(tmp_path: Path) -> None:
    found = settings.load(tmp_path)
    with pytest.raises(ValidationError):
        found.api.port = 1  # type: ignore[misc]


def test_a_secret_is_read_and_a_missing_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "jwt.key").write_text("s3cret\n")
    assert settings.read_secret(tmp_path, "jwt.key") == "s3cret"
    with pytest.raises(SetupError, match="mqtt-robot"):
        settings.read_secret(tmp_path, "mqtt-robot")
