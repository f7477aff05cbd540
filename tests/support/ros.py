"""ROS in tests: every test file that speaks ROS has a domain of its own, so that none hears another."""

import contextlib
import itertools
import socket
from collections.abc import Iterator, Sequence

from edge.domain.errors import SetupError
from edge.supervisor import ros_domain

DOMAINS = range(40, 102)
"""Above 101 the ports of a domain are among those that the kernel gives to anybody; the low ones are for people."""

_TURN = itertools.cycle(DOMAINS)
"""rclpy can leave nodes of an ended context in the graph, so a domain is not taken twice in a row."""


@contextlib.contextmanager
def own_domain() -> Iterator[int]:
    """A ROS domain id that no other test on this machine holds. Give it as ROS_DOMAIN_ID or --domain-id.

    Held by the name of an abstract socket, which the kernel frees however this process ends.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as claim:
        yield _claim(claim)


def _claim(claim: socket.socket) -> int:
    for domain in itertools.islice(_TURN, len(DOMAINS)):
        with contextlib.suppress(OSError, SetupError):
            # A robot may run there, left over from tests that were killed.
            ros_domain.claim(domain).close()
            claim.bind(f"\0luna-test-ros-domain-{domain}")
            return domain
    raise RuntimeError(f"all {len(DOMAINS)} ROS domains for tests are taken")


@contextlib.contextmanager
def ros_context(arguments: Sequence[str] = ()) -> Iterator[None]:
    """rclpy in this process, in the domain that ROS_DOMAIN_ID names; its signal handlers are left out.

    `arguments`: of ROS, as ("-r", "__ns:=/robot1").
    """
    import rclpy  # 0.1 s, and only few tests need it
    from rclpy.signals import SignalHandlerOptions

    given = ["--ros-args", *arguments] if arguments else None
    rclpy.init(args=given, signal_handler_options=SignalHandlerOptions.NO)
    try:
        yield
    finally:
        rclpy.try_shutdown()
