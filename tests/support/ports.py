"""TCP ports of loopback for the servers that tests start."""

import socket

_KEPT: list[socket.socket] = []


def free_port() -> int:
    """A port for the server that is told it, and for no other as long as this process lives, also between its starts.

    The socket that has it is kept and never listens. The kernel gives its port to nobody by chance, but a server that
    sets SO_REUSEADDR, as all of ours do, may listen there; while none does, connections are refused.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    _KEPT.append(kept)
    return int(kept.getsockname()[1])
