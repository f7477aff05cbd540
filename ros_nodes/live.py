"""What the nodes show to people: how they reach the live socket, whoever serves it."""

from typing import Any, Protocol


class Live(Protocol):
    """`edge.live.LiveServer` is one."""

    def publish(self, kind: str, **data: Any) -> None: ...

    def hint(self, what: str) -> None: ...

    @property
    def listened_to(self) -> bool: ...
