"""Start, spin and end of a ROS process."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import rclpy
from rclpy.node import Node

from edge.settings import load
from ros_nodes.runtime import Runtime, choose_executor, steady
from tests.support.moving import make_library
from tests.support.ros import ros_context

START_S, END_S = 40.0, 10.0


def test_the_events_executor_is_chosen_because_it_turns(ros_domain: int) -> None:
    with ros_context():
        executor = choose_executor()
        assert type(executor).__name__ == "EventsExecutor"
        executor.shutdown()


def test_where_it_does_not_turn_the_standard_executor_takes_its_place(
    ros_domain: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ros_nodes.runtime._turns", lambda executor: False)
    with ros_context():
        executor = choose_executor()
        assert type(executor).__name__ == "SingleThreadedExecutor"
        executor.shutdown()


def test_a_callback_that_raises_ends_neither_its_own_timer_nor_the_others(
    tmp_path: Path, ros_domain: int
) -> None:
    with Runtime(load(tmp_path)) as runtime:
        node = Node("clumsy")
        failed, worked = [], []

        def fail() -> None:
            failed.append(1)
            raise RuntimeError("a bug")

        def work() -> None:
            worked.append(1)
            if len(worked) > 10 and len(failed) > 3:
                runtime.stop()

        node.create_timer(0.01, fail, clock=steady())
        node.create_timer(0.01, work, clock=steady())
        runtime.add(node)
        runtime.run()

    assert len(failed) > 3


def test_the_last_word_of_a_node_still_gets_out(tmp_path: Path, ros_domain: int) -> None:
    said = []
    with Runtime(load(tmp_path)) as runtime:
        node = Node("polite")
        runtime.add(node, lambda: said.append(rclpy.ok()))
        threading.Timer(0.2, runtime.stop).start()
        runtime.run()
    assert said == [True]


def test_a_last_word_is_said_while_all_is_open_and_one_that_fails_silences_no_other(
    tmp_path: Path, ros_domain: int
) -> None:
    said: list[str] = []

    def fail() -> None:
        raise RuntimeError("a bug")

    with Runtime(load(tmp_path)) as runtime, contextlib.ExitStack() as opened:
        opened.callback(said.append, "closed")
        for name, say in (
            ("base", lambda: said.append("zero")),
            ("clumsy", fail),
            ("other", lambda: said.append("bye")),
        ):
            runtime.add(Node(name), say)
        threading.Timer(0.2, runtime.stop).start()
        runtime.run()
    assert said == ["zero", "bye", "closed"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("module", ["ros_nodes", "ros_nodes.simulation"])
def test_a_signal_ends_the_process_cleanly_in_time(
    module: str, number: int, tmp_path: Path, ros_domain: int
) -> None:
    make_library(tmp_path / "data")
    command = [sys.executable, "-m", module, "--data-dir", str(tmp_path / "data")]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(START_S)
        environment = {
            **os.environ,
            "LUNA_ROS__DOMAIN_ID": str(ros_domain),
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
        }
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        try:
            while manager.recv(64) != b"READY=1":
                pass
            process.send_signal(number)
            _, said = process.communicate(timeout=END_S)
        finally:
            process.kill()

    assert process.returncode == 0
    assert "Traceback" not in said


@pytest.mark.parametrize("module", ["ros_nodes", "ros_nodes.simulation"])
def test_without_data_it_says_so_in_one_line(module: str, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    command = [sys.executable, "-m", module, "--data-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert str(tmp_path) in done.stderr
