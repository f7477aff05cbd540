import json
import shutil
import sys
from datetime import UTC, datetime
from http.client import BadStatusLine, RemoteDisconnected
from pathlib import Path
from unittest.mock import Mock
from urllib.error import URLError

import pytest
from click.testing import CliRunner

from edge import doctor
from edge.doctor import Finding, Verdict


def test_this_machine_is_fit_where_the_tests_run(tmp_path: Path) -> None:
    unfit = [one for one in doctor.examine(tmp_path) if one.verdict is Verdict.FAIL]
    # What is left of these two is for who else works on the machine to say.
    assert not [one for one in unfit if one.name not in ("memory", "disk")]


def test_what_is_not_fit_has_its_fix_beside_it(tmp_path: Path) -> None:
    for one in doctor.examine(tmp_path):
        assert bool(one.fix) == (one.verdict is not Verdict.OK), one


def test_the_exit_status_tells_an_unfit_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = [Finding("memory", Verdict.WARN, "little", "close programs")]
    monkeypatch.setattr(doctor, "examine", lambda data_dir: findings)
    assert CliRunner().invoke(doctor.command, ["--data-dir", str(tmp_path)]).exit_code == 0
    findings.append(Finding("disk", Verdict.FAIL, "full", "make room"))
    result = CliRunner().invoke(doctor.command, ["--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "fail  disk    full  ->  make room" in result.output.splitlines()


def test_programs_get_the_same_findings_as_json(tmp_path: Path) -> None:
    result = CliRunner().invoke(doctor.command, ["--data-dir", str(tmp_path), "--json"])
    said = {one["name"]: one["verdict"] for one in json.loads(result.output)}
    assert said["SQLite"] == "ok"
    assert len(said) == 10


def test_a_machine_without_ros_is_unfit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "rclpy", raising=False)
    assert doctor.ros() == Finding("ROS 2", Verdict.FAIL, "no rclpy", "make setup")


def test_another_ros_that_hides_the_wheels_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rclpy").mkdir()
    (tmp_path / "rclpy" / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "rclpy", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    finding = doctor.ros()
    assert finding.verdict is Verdict.FAIL
    assert str(tmp_path) in finding.found


def test_without_a_compiler_a_built_robot_still_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    finding = doctor.compiler()
    assert finding.verdict is Verdict.WARN
    assert finding.fix == "sudo apt install g++ cmake make"


def test_the_embedded_broker_is_for_a_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path: None)
    finding = doctor.broker()
    assert finding.verdict is Verdict.WARN
    assert "amqtt" in finding.found


def test_a_port_that_may_not_be_opened_is_unfit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor.serial_ports(tmp_path).verdict is Verdict.WARN
    (tmp_path / "ttyACM0").touch()
    assert doctor.serial_ports(tmp_path).verdict is Verdict.OK
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may open everything
    assert doctor.serial_ports(tmp_path).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("free_mib", "verdict"), [(199, Verdict.FAIL), (1023, Verdict.WARN), (1024, Verdict.OK)]
)
def test_the_disk_is_that_of_a_directory_not_made_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_mib: int, verdict: Verdict
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=free_mib * doctor.MIB)
    monkeypatch.setattr(shutil, "disk_usage", asked := Mock(return_value=usage))
    assert doctor.disk(tmp_path / "not" / "yet").verdict is verdict
    asked.assert_called_once_with(tmp_path)


@pytest.mark.parametrize(
    ("available_mib", "verdict"),
    [(399, Verdict.FAIL), (400, Verdict.WARN), (699, Verdict.WARN), (700, Verdict.OK)],
)
def test_memory_is_judged_by_what_is_left(
    tmp_path: Path, available_mib: int, verdict: Verdict
) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(f"MemTotal: 9 kB\nMemAvailable:   {available_mib * 1024} kB\n")
    assert doctor.memory(meminfo).verdict is verdict


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (URLError(ConnectionRefusedError()), "does not run"),
        (URLError(TimeoutError("timed out")), "does not answer: timed out"),
        (TimeoutError("timed out"), "does not answer: timed out"),
        (RemoteDisconnected("closed"), "does not answer: closed"),
        (BadStatusLine("SSH-2.0"), "does not answer: SSH-2.0"),
    ],
    ids=repr,
)
def test_an_api_that_answers_no_https_is_said_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, happens: Exception, said: str
) -> None:
    monkeypatch.setattr("urllib.request.urlopen", Mock(side_effect=happens))
    assert doctor._https_answer(tmp_path, 443) == said


def test_a_clock_that_was_never_set_is_unfit() -> None:
    assert doctor.clock(datetime(1970, 1, 1, tzinfo=UTC)).verdict is Verdict.FAIL
