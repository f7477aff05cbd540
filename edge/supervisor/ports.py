"""TCP ports of this machine: whether those that were asked for are free."""

import errno
import socket

from edge.domain.errors import SetupError
from edge.settings import Settings


def check(settings: Settings) -> None:
    """Raises SetupError where the API or the broker could not listen."""
    wanted = [
        ("--port", settings.api.plain_host, settings.api.port),
        ("--mqtt-port", settings.mqtt.host, settings.mqtt.port),
    ]
    if settings.api.tls:
        wanted.append(("LUNA_API__TLS_PORT", settings.api.host, settings.api.tls_port))
    taken: dict[int, str] = {}
    for option, host, port in wanted:
        if port in taken:
            said = f"{taken[port]} and {option} are both {port}."
            raise SetupError(said, hint="Choose two different ones.")
        taken[port] = option
        _check_one(option, host, port)


def free(host: str) -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _check_one(option: str, host: str, port: int) -> None:
    with socket.socket() as probe:
        # As servers do it: connections that are only dying away are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            said = (
                "is in use"
                if error.errno == errno.EADDRINUSE
                else f"can't be had: {error.strerror}"
            )
            raise SetupError(
                f"Port {port} {said}.", hint=f"Choose another with {option}, or stop what uses it."
            ) from error
