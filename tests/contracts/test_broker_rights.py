"""What every broker that we start must do: mosquitto and the embedded one."""

import contextlib
import itertools
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from sync.link_events import Publication
from sync.wire.topics import Topics
from tests.support.broker import KINDS, BrokerProcess, Probe, make_data_dir, running

TOPICS = Topics("demo", "luna-01")
EVERYTHING = (("#", 1),)
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module", params=KINDS)
def broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrokerProcess]:
    data_dir = make_data_dir(tmp_path_factory.mktemp("broker"))
    with running(data_dir, request.param) as broker:
        yield broker


@pytest.fixture
def probes() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def probe(
    probes: contextlib.ExitStack, broker: BrokerProcess, account: str, **options: object
) -> Probe:
    """With a session of its own: what one that stands from before has to take first would keep it waiting."""
    password = "robot-password" if account == "luna-01" else None
    session = f"probe-{next(NUMBERS)}"
    made = Probe(broker.port, account, **{"password": password, "client_id": session, **options})  # type: ignore[arg-type]
    probes.callback(made.stop)
    return made


def refused(broker: BrokerProcess, username: str, password: str) -> bool:
    """Whether a plain MQTT 3.1.1 CONNECT with this login is answered by a refusal."""
    name = b"stranger"
    fields = (name, username.encode(), password.encode()) if username else (name,)
    body = b"\x00\x04MQTT\x04" + (b"\xc2" if username else b"\x02") + b"\x00\x05"
    body += b"".join(len(field).to_bytes(2, "big") + field for field in fields)
    with socket.create_connection(("127.0.0.1", broker.port), 5) as connection:
        connection.sendall(b"\x10" + bytes([len(body)]) + body)
        answer = connection.recv(4)
    return answer[:2] == b"\x20\x02" and answer[3] in (4, 5)


def test_a_login_without_a_password_is_refused(broker: BrokerProcess) -> None:
    assert refused(broker, "", "")


def test_a_login_with_a_wrong_password_is_refused(broker: BrokerProcess) -> None:
    assert refused(broker, "luna-01", "central-password")
    assert refused(broker, "nobody", "robot-password")


def test_the_right_password_is_taken(broker: BrokerProcess) -> None:
    assert not refused(broker, "luna-01", "robot-password")


def test_a_refused_login_does_not_throw_out_who_has_the_same_client_id(
    broker: BrokerProcess, probes: contextlib.ExitStack
) -> None:
    rightful = probe(
        probes, broker, "luna-01", client_id="stranger", subscriptions=[(TOPICS.commands, 1)]
    )
    rightful.wait_connected()

    assert refused(broker, "integrator", "wrong")

    integrator = probe(probes, broker, "integrator").wait_connected()
    integrator.publish(TOPICS.commands, b"still here")
    rightful.wait_message(TOPICS.commands, b"still here")


def test_the_integrator_reads_all_and_may_send_commands(
    broker: BrokerProcess, probes: contextlib.ExitStack
) -> None:
    robot = probe(probes, broker, "luna-01", subscriptions=[(TOPICS.commands, 1)]).wait_connected()
    integrator = probe(probes, broker, "integrator", subscriptions=EVERYTHING).wait_connected()

    integrator.publish(TOPICS.commands, b"go")
    robot.wait_message(TOPICS.commands, b"go")
    robot.publish(TOPICS.events_up, b"moved")
    integrator.wait_message(TOPICS.events_up, b"moved")


def test_nobody_publishes_in_anothers_name(
    broker: BrokerProcess, probes: contextlib.ExitStack
) -> None:
    watcher = probe(
        probes, broker, "integrator", client_id="watcher", subscriptions=EVERYTHING
    ).wait_connected()
    integrator = probe(probes, broker, "integrator").wait_connected()
    robot = probe(probes, broker, "luna-01").wait_connected()
    other = Topics("demo", "luna-02")

    integrator.publish(TOPICS.events_up, b"forged")
    integrator.publish(TOPICS.events_up_ack, b"forged")
    robot.publish(other.events_up, b"forged")
    robot.publish(TOPICS.commands, b"forged")
    integrator.publish(TOPICS.commands, b"end")
    robot.publish(TOPICS.state, b"end")

    watcher.wait_message(TOPICS.commands, b"end")
    watcher.wait_message(TOPICS.state, b"end")
    assert b"forged" not in [message.payload for message in watcher.messages]


def test_a_robot_does_not_read_what_is_meant_for_another(
    broker: BrokerProcess, probes: contextlib.ExitStack
) -> None:
    other = Topics("demo", "luna-02")
    robot = probe(
        probes, broker, "luna-01", subscriptions=[("#", 1), (TOPICS.commands, 1)]
    ).wait_connected()
    integrator = probe(probes, broker, "integrator").wait_connected()

    integrator.publish(other.commands, b"not yours")
    integrator.publish(TOPICS.commands, b"yours")

    robot.wait_message(TOPICS.commands, b"yours")
    assert {message.topic for message in robot.messages} == {TOPICS.commands}


def test_a_retained_message_meets_who_comes_later(
    broker: BrokerProcess, probes: contextlib.ExitStack
) -> None:
    watcher = probe(probes, broker, "integrator", subscriptions=EVERYTHING).wait_connected()
    robot = probe(probes, broker, "luna-01").wait_connected()
    robot.publish(TOPICS.connection, b"kept", retain=True)
    watcher.wait_message(TOPICS.connection, b"kept")

    late = probe(probes, broker, "central", subscriptions=[(TOPICS.connection, 1)])
    late.wait_message(TOPICS.connection, b"kept")
    assert late.messages[0].retained


def test_a_message_of_qos_1_waits_for_who_is_away(
    broker: BrokerProcess, probes: contextlib.ExitStack
) -> None:
    integrator = probe(probes, broker, "integrator").wait_connected()
    away = Probe(
        broker.port,
        "luna-01",
        password="robot-password",
        client_id="away",
        subscriptions=[(TOPICS.commands, 1)],
    )
    away.wait_connected()
    integrator.publish(TOPICS.commands, b"first")
    away.wait_message(TOPICS.commands, b"first")
    away.stop()

    integrator.publish(TOPICS.commands, b"while away")

    back = probe(probes, broker, "luna-01", client_id="away", subscriptions=[(TOPICS.commands, 1)])
    back.wait_message(TOPICS.commands, b"while away")


def test_a_message_that_was_not_acknowledged_comes_again(
    broker: BrokerProcess, probes: contextlib.ExitStack
) -> None:
    wanted = [(TOPICS.commands, 1)]
    dying = Probe(
        broker.port,
        "luna-01",
        password="robot-password",
        client_id="dying",
        subscriptions=wanted,
        acknowledges=False,
    )
    dying.wait_connected()
    integrator = probe(probes, broker, "integrator").wait_connected()
    integrator.publish(TOPICS.commands, b"held")
    dying.wait_message(TOPICS.commands, b"held")
    dying.stop()

    again = probe(probes, broker, "luna-01", client_id="dying", subscriptions=wanted)
    again.wait_message(TOPICS.commands, b"held")


def test_who_comes_again_takes_the_place_of_the_connection_that_still_stands(
    broker: BrokerProcess, probes: contextlib.ExitStack
) -> None:
    integrator = probe(probes, broker, "integrator").wait_connected()
    with _stale(broker, "torn") as got:
        integrator.publish(TOPICS.commands, b"unacknowledged")
        assert got.wait(10)

        again = probe(
            probes, broker, "luna-01", client_id="torn", subscriptions=[(TOPICS.commands, 1)]
        )
        again.wait_message(TOPICS.commands, b"unacknowledged")
        again.wait_connected()
        integrator.publish(TOPICS.commands, b"after")
        again.wait_message(TOPICS.commands, b"after")


@contextlib.contextmanager
def _stale(broker: BrokerProcess, client_id: str) -> Iterator[threading.Event]:
    """A connection that acknowledges nothing and never comes back; the event: it got a message."""
    got, subscribed = threading.Event(), threading.Event()
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id,
        clean_session=False,
        reconnect_on_failure=False,
        manual_ack=True,
    )
    client.username_pw_set("luna-01", "robot-password")
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda *_: got.set()
    client.connect("127.0.0.1", broker.port)
    client.subscribe(TOPICS.commands, 1)
    client.loop_start()
    try:
        assert subscribed.wait(10)
        yield got
    finally:
        client.loop_stop()


def test_the_last_will_is_published_for_who_vanishes(
    broker: BrokerProcess, probes: contextlib.ExitStack
) -> None:
    watcher = probe(
        probes, broker, "central", subscriptions=[(TOPICS.connection, 1)]
    ).wait_connected()
    will = Publication(TOPICS.connection, b"broken", 1, retain=True)
    with _Cut(broker.port) as cut:
        robot = Probe(
            cut.port, "luna-01", password="robot-password", client_id="vanishing", will=will
        )
        robot.wait_connected()
        probes.callback(robot.stop)
        cut.sever()
        watcher.wait_message(TOPICS.connection, b"broken")


def test_who_says_goodbye_leaves_no_last_will(
    broker: BrokerProcess, probes: contextlib.ExitStack
) -> None:
    watcher = probe(
        probes, broker, "central", subscriptions=[(TOPICS.state, 1), (TOPICS.connection, 1)]
    )
    watcher.wait_connected()
    will = Publication(TOPICS.connection, b"unwanted", 1, retain=True)
    robot = Probe(broker.port, "luna-01", password="robot-password", client_id="polite", will=will)
    robot.wait_connected()

    robot.link.stop([Publication(TOPICS.connection, b"bye", 1, retain=True)])

    other = probe(probes, broker, "luna-01", client_id="other").wait_connected()
    other.publish(TOPICS.state, b"end")
    watcher.wait_message(TOPICS.state, b"end")
    assert b"bye" in watcher.payloads(TOPICS.connection)
    assert b"unwanted" not in watcher.payloads(TOPICS.connection)


class _Cut:
    """A wire to the broker that can be cut, and stays cut."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._ends: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "_Cut":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.sever()

    def sever(self) -> None:
        self._listener.close()
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_copy, args=(one, other), daemon=True).start()


def _copy(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)


def test_data_directories_may_have_any_name(tmp_path: Path) -> None:
    data_dir = make_data_dir(tmp_path / "a library's robot")
    with running(data_dir, "mosquitto") as broker:
        assert not refused(broker, "luna-01", "robot-password")
