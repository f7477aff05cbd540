"""The data directory on a real disk: whole or not at all, and one robot at a time."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.domain.errors import SetupError
from edge.supervisor import accounts, data_dir
from edge.supervisor.hold import released
from edge.supervisor.origin import Origin


def _build(path: Path) -> None:
    (path / "luna.db").write_text("a store")


def _no_build(path: Path) -> None:
    raise AssertionError("there is one already")


@contextlib.contextmanager
def _held(path: Path, build: Callable[[Path], None]) -> Iterator[None]:
    with released(path, data_dir.hold(path, build)):
        yield


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_directory_is_whole_and_private(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "down" / "data"
    with _held(place, _build):
        assert json.loads((place / "format.json").read_text()) == {"format": 1}
        assert _mode(place) == _mode(place / "secrets") == 0o700
        secrets = list((place / "secrets").iterdir())
        assert {path.name for path in secrets} == set(data_dir.SECRETS)
        assert {_mode(path) for path in secrets} == {0o600}
        assert len({path.read_text() for path in secrets}) == len(secrets)


def test_a_second_start_finds_what_the_first_one_made(tmp_path: Path) -> None:
    place = tmp_path / "data"
    with _held(place, _build):
        before = {path: path.read_text() for path in (place / "secrets").iterdir()}
    with _held(place, _no_build):
        assert {path: path.read_text() for path in (place / "secrets").iterdir()} == before


def test_an_empty_directory_may_be_there_before(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.mkdir(mode=0o755)
    with _held(place, _build):
        assert _mode(place) == 0o700


def test_settings_written_beforehand_are_kept(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.mkdir()
    (place / "settings.toml").write_text("[robot]\nname = 'Mine'\n")
    with _held(place, _build):
        assert "Mine" in (place / "settings.toml").read_text()
        assert (place / "luna.db").exists()


def test_a_build_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        _build(path)
        raise SetupError("no map")

    with (
        pytest.raises(SetupError, match="no map"),
        _held(tmp_path / "deep" / "down" / "data", fail),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_builder_left_is_swept_away_by_the_next(tmp_path: Path) -> None:
    program = textwrap.dedent(
        f"""
        import os, pathlib, signal
        from edge.supervisor import data_dir
        data_dir.hold(pathlib.Path({str(tmp_path / "data")!r}), lambda _: os.kill(os.getpid(), signal.SIGKILL))
        """
    )
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    with _held(tmp_path / "data", _build):
        assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_two_robots_never_share_one(tmp_path: Path) -> None:
    place = tmp_path / "data"
    with (
        _held(place, _build),
        pytest.raises(SetupError, match="A robot is running"),
        _held(place, _no_build),
    ):
        pass
    with _held(place, _no_build):
        pass


def test_a_failed_second_start_disturbs_nothing(tmp_path: Path) -> None:
    place = tmp_path / "data"
    with _held(place, _build):
        (place / "run" / "stop.sock").touch()
        with pytest.raises(SetupError), _held(place, _no_build):
            pass
        assert (place / "run" / "stop.sock").exists()


def test_sockets_are_gone_after_the_end_and_before_a_start(tmp_path: Path) -> None:
    place = tmp_path / "data"
    with _held(place, _build):
        (place / "run" / "stop.sock").touch()
    assert list((place / "run").iterdir()) == []
    (place / "run" / "board").symlink_to("/dev/pts/none")
    with _held(place, _no_build):
        assert list((place / "run").iterdir()) == []


def _other_version(place: Path) -> None:
    (place / "format.json").write_text('{"format": 7}')


def _no_format(place: Path) -> None:
    (place / "format.json").write_text("nonsense")


def _foreign(place: Path) -> None:
    (place / "format.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(_other_version, "format 7"), (_no_format, "understood"), (_foreign, "not LUNA's")],
)
def test_a_directory_that_is_not_ours_is_refused_and_left_alone(
    tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    place = tmp_path / "data"
    with _held(place, _build):
        pass
    spoil(place)
    before = sorted(place.rglob("*"))
    with pytest.raises(SetupError, match=said) as raised, _held(place, _no_build):
        pass
    assert "--data-dir" in raised.value.hint
    assert sorted(place.rglob("*")) == before


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.touch()
    with pytest.raises(SetupError, match="not a directory"), _held(place, _build):
        pass


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_directory_without_write_permission_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "data"
    with _held(place, _build):
        pass
    place.chmod(0o500)
    with pytest.raises(SetupError, match="cannot be written"), _held(place, _no_build):
        pass
    place.chmod(0o700)


def test_a_place_where_nothing_can_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "data"
    with pytest.raises(SetupError, match="cannot be used"), _held(place, _build):
        pass


def test_accounts_are_made_once_and_written_anew_with_each_start(tmp_path: Path) -> None:
    place = tmp_path / "data"
    with _held(place, accounts.invent_people):
        first = _accounts(place, 8080)
        assert _mode(place / "demo-accounts.json") == 0o600
        assert json.loads((place / "demo-accounts.json").read_text()) == first
        second = _accounts(place, 9090)
    assert second["url"] == "http://127.0.0.1:9090"
    assert {role: first[role] for role in accounts.ROLES} == {
        role: second[role] for role in accounts.ROLES
    }
    assert len({first[role]["password"] for role in accounts.ROLES}) == 3


def _accounts(place: Path, port: int) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}"
    return accounts.write_accounts(
        place, url=url, mqtt_host="127.0.0.1", mqtt_port=1883, central_url=url
    )


def test_another_map_on_the_same_directory_is_refused_with_what_to_do(tmp_path: Path) -> None:
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text("image: one.pgm")
    other.write_text("image: other.pgm")
    Origin.of(one, None).write(tmp_path)
    Origin.of(one, None).check(tmp_path)
    Origin.of(None, None).check(tmp_path)
    with pytest.raises(SetupError, match="another map") as raised:
        Origin.of(other, None).check(tmp_path)
    assert "--data-dir" in raised.value.hint
    with pytest.raises(SetupError, match="made without --catalogue"):
        Origin.of(None, other).check(tmp_path)


def test_a_map_that_is_missing_is_named_with_its_option(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"--map .*none\.yaml cannot be read: No such file"):
        Origin.of(tmp_path / "none.yaml", None)
