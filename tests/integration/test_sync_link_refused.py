"""A broker that lets us in but grants no subscription: we would hear nothing, so it is no connection."""

import socket
import threading

from sync.link import Link
from sync.link_events import Connected, Disconnected, LinkEvent, LinkSettings, Refused
from tests.support.site import wait_for

CONNACK = bytes([0x20, 3, 0, 0, 0])
NOT_AUTHORIZED = 0x87


def refuse_subscription(listener: socket.socket) -> None:
    """The broker's half of MQTT 5: mosquitto and amqtt grant what they later do not deliver."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(CONNACK)
        subscribe = connection.recv(4096)
        connection.sendall(bytes([0x90, 4, *subscribe[2:4], 0, NOT_AUTHORIZED]))
        while connection.recv(4096):
            pass


def test_a_login_without_any_subscription_is_no_connection() -> None:
    seen: list[LinkEvent] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=refuse_subscription, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        wanted = [("somebody/else", 1)]
        link = Link(LinkSettings("127.0.0.1", port, "deaf", "robot", "", subscriptions=wanted))

        def ended() -> bool:
            seen.extend(link.receive())
            return any(isinstance(event, Disconnected) for event in seen)

        link.start()
        try:
            wait_for(ended, "the end of a connection that hears nothing", 5.0)
        finally:
            link.stop()
    assert [type(event) for event in seen if not isinstance(event, Disconnected)] == [Refused]
    assert not any(isinstance(event, Connected) for event in seen)
