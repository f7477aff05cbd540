"""What `luna sim` makes of its options, the settings file and the machine before it starts anything."""

import os
import socket
from pathlib import Path

import pytest

from edge.domain.errors import SetupError
from edge.supervisor import ports, ros_domain
from edge.supervisor.roster import SIMULATION
from edge.supervisor.sim import DEFAULT_DOMAIN_ID, facts_of_run, settings_of_run


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set here is gone with the test."""
    monkeypatch.setattr(
        os, "environ", {k: v for k, v in os.environ.items() if not k.startswith("LUNA_")}
    )


def test_a_simulation_differs_from_a_robot_where_it_has_to(tmp_path: Path) -> None:
    settings = settings_of_run(tmp_path, {})
    assert settings.ros.domain_id == DEFAULT_DOMAIN_ID
    assert settings.requests.auto_approve
    assert settings.robot.serial_port == str(tmp_path / "run" / "board")
    assert settings.mqtt.host == "127.0.0.1"
    assert settings.robot.holds_to_latch == 0


def test_an_option_outranks_the_environment_and_that_the_file(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(
        "[robot]\nholds_to_latch = 5\n"
        "[ros]\ndomain_id = 7\n[api]\nport = 1111\n[mqtt]\nport = 2222\n[requests]\nauto_approve = false\n"
    )
    os.environ["LUNA_MQTT__PORT"] = "3333"
    settings = settings_of_run(tmp_path, {"LUNA_API__PORT": 4444, "LUNA_SIM__SPEED": None})
    assert settings.ros.domain_id == 7
    assert settings.robot.holds_to_latch == 5
    assert settings.api.port == 4444
    assert settings.mqtt.port == 3333
    assert settings.sim.speed == 1.0
    assert not settings.requests.auto_approve


def test_the_children_inherit_what_was_decided(tmp_path: Path) -> None:
    settings_of_run(tmp_path, {"LUNA_API__PORT": 4444})
    assert os.environ["LUNA_API__PORT"] == "4444"
    assert os.environ["LUNA_ROS__DOMAIN_ID"] == str(DEFAULT_DOMAIN_ID)


def test_every_process_finds_what_it_is_called_with(tmp_path: Path) -> None:
    facts = facts_of_run(settings_of_run(tmp_path, {}), 9000)
    for program in SIMULATION:
        program.command(facts)


def test_faster_than_time_speeds_change_faster_but_are_the_same(tmp_path: Path) -> None:
    slow = facts_of_run(settings_of_run(tmp_path, {}), 9000)
    fast = facts_of_run(settings_of_run(tmp_path, {"LUNA_SIM__SPEED": 4.0}), 9000)
    name = "max_acceleration_m_s2"
    assert float(fast[name]) == 4 * float(slow[name])
    assert fast["max_speed_m_s"] == slow["max_speed_m_s"]


def test_two_ports_that_are_one_are_refused(tmp_path: Path) -> None:
    port = ports.free("127.0.0.1")
    settings = settings_of_run(tmp_path, {"LUNA_API__PORT": port, "LUNA_MQTT__PORT": port})
    with pytest.raises(SetupError, match=f"--port and --mqtt-port are both {port}"):
        ports.check(settings)


def test_the_port_of_https_is_another_too(tmp_path: Path) -> None:
    one, other = ports.free("127.0.0.1"), ports.free("127.0.0.1")
    (tmp_path / "settings.toml").write_text(f"[api]\ntls = true\ntls_port = {other}\n")
    settings = settings_of_run(tmp_path, {"LUNA_API__PORT": one, "LUNA_MQTT__PORT": other})
    with pytest.raises(SetupError, match=f"--mqtt-port and LUNA_API__TLS_PORT are both {other}"):
        ports.check(settings)


def test_a_port_that_somebody_listens_on_is_refused_by_its_option(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = settings_of_run(tmp_path, {"LUNA_MQTT__PORT": port})
        with pytest.raises(SetupError, match=f"Port {port} is in use") as refused:
            ports.check(settings_of_run(tmp_path, {"LUNA_API__PORT": ports.free("127.0.0.1")}))
    assert "--mqtt-port" in refused.value.hint
    assert settings.mqtt.port == port


def test_a_ros_domain_is_one_robots_until_it_ends() -> None:
    holder = ros_domain.claim(100_000)  # none that any robot has
    with pytest.raises(SetupError, match="100000 belongs to another robot"):
        ros_domain.claim(100_000)
    holder.close()
    ros_domain.claim(100_000).close()
