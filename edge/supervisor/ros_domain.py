"""One robot a ROS domain: two would take each other's commands."""

import socket

from edge.domain.errors import SetupError


def claim(domain_id: int) -> socket.socket:
    """Take the domain for as long as the socket that this gives is open. Raises SetupError.

    Held by an abstract socket's name. The kernel frees it however its holder ends, and it reaches exactly as far as
    ROS does when it stays on this machine: the network namespace.
    """
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        holder.bind(f"\0luna-ros-domain-{domain_id}")
    except OSError as error:
        holder.close()
        raise SetupError(
            f"ROS domain {domain_id} belongs to another robot that runs on this machine.",
            hint="Choose another with --domain-id (0 to 101), or stop that robot.",
        ) from error
    return holder
