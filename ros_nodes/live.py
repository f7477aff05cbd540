"""What the nodes show to people: how they reach the live socket, in whichever process it is served."""

import json
from typing import Any, Protocol

from rclpy.node import Node
from std_msgs.msg import String

from ros_nodes import qos


class Live(Protocol):
    """`edge.live.LiveServer` is one."""

    def publish(self, kind: str, **data: Any) -> None: ...

    def hint(self, what: str) -> None: ...

    @property
    def listened_to(self) -> bool: ...


class RemoteLive(Node):
    """The live socket for a node in a process of its own: what is shown goes by a topic."""

    def __init__(self) -> None:
        super().__init__("live")
        self._topic = self.create_publisher(String, "live", qos.STREAM)

    def publish(self, kind: str, **data: Any) -> None:
        self._topic.publish(String(data=json.dumps({"kind": kind, **data})))

    def hint(self, what: str) -> None:
        self.publish("hint", what=what)

    @property
    def listened_to(self) -> bool:
        return self._topic.get_subscription_count() > 0


class LiveRelay(Node):
    """The other end of `RemoteLive`, in the process that serves the socket."""

    def __init__(self, live: Live) -> None:
        super().__init__("live_relay")
        self._live = live
        self.create_subscription(String, "live", self._on_message, qos.STREAM)

    def _on_message(self, message: String) -> None:
        data = json.loads(message.data)
        kind = data.pop("kind")
        if kind == "hint":
            self._live.hint(**data)
        else:
            self._live.publish(kind, **data)
