"""Who may read and publish what."""

from pathlib import Path

import pytest

from edge.domain.errors import SetupError
from edge.settings import Settings
from sync import accounts
from sync.wire.topics import Topics

MINE, OTHERS = Topics("demo", "luna-01"), Topics("demo", "luna-02")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "secrets").mkdir()
    for name in ("robot", "central", "integrator"):
        (tmp_path / "secrets" / f"mqtt-{name}").write_text(name)
    return Settings(data_dir=tmp_path)


def test_a_robot_publishes_its_own_and_reads_what_is_meant_for_it(settings: Settings) -> None:
    robot = accounts.load(settings)["luna-01"]

    assert robot.may_publish(MINE.events_up) and robot.may_read(MINE.commands)
    assert not robot.may_publish(OTHERS.events_up) and not robot.may_read(OTHERS.commands)
    assert not robot.may_publish(MINE.commands) and not robot.may_publish(MINE.events_up_ack)
    assert robot.may_publish("uagv/v2/LUNA/luna-01/state")
    assert not robot.may_publish("uagv/v2/LUNA/luna-02/state")


def test_central_tells_robots_and_cannot_speak_for_them(settings: Settings) -> None:
    central = accounts.load(settings)["central"]

    assert central.may_publish(MINE.events_down) and central.may_publish(OTHERS.events_up_ack)
    assert not central.may_publish(MINE.events_up) and not central.may_publish(MINE.state)


def test_an_integrator_reads_all_and_gives_orders_only(settings: Settings) -> None:
    integrator = accounts.load(settings)["integrator"]

    assert integrator.may_read("#")
    assert integrator.may_publish(MINE.commands) and integrator.may_publish(
        "uagv/v2/LUNA/luna-01/order"
    )
    assert not integrator.may_publish(MINE.events_up_ack)
    assert not integrator.may_publish("uagv/v2/LUNA/luna-01/state")


def test_a_missing_secret_is_named(settings: Settings) -> None:
    (settings.data_dir / "secrets" / "mqtt-central").unlink()

    with pytest.raises(SetupError, match="mqtt-central"):
        accounts.load(settings)
