"""The api process: `python -m api --data-dir DIR`."""

import asyncio
import contextlib
import ctypes
import functools
import signal
import socket
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import uvicorn
import uvloop

from api import readiness
from api.app import create_app
from api.context import Context
from api.live import Live
from api.patience import HEAD_S, PatientProtocol
from api.tls import Tls
from edge import ipc, logs
from edge import settings as edge_settings
from edge.domain.errors import SetupError
from edge.settings import Settings
from edge.store.database import Database
from edge.store.keeper import Keeper

BEAT_S = 0.5
GRACE_S = 1
"""Seconds that open requests get at the end; WebSockets are closed at once."""
PING_S = 20.0
MAX_SOCKET_MESSAGE = 16 * 1024

M_MMAP_THRESHOLD = -3
LARGE_BYTES = 1 << 20

log = logs.get("api")


@click.command()
@click.option(
    "--data-dir", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True
)
def main(data_dir: Path) -> None:
    """Serve the HTTP contract, the live events and the touchscreen."""
    logs.configure("api", data_dir)
    _give_memory_back()
    _spool_to(data_dir / "uploads")
    try:
        settings = edge_settings.load(data_dir)
        key = edge_settings.read_secret(settings.data_dir, "jwt.key")
        live = Live(settings)
        database = Database.open(settings.store_path, on_commit=live.committed)
    except SetupError as error:
        raise click.ClickException(str(error)) from error
    with contextlib.closing(database), contextlib.closing(Keeper(settings, database)) as keeper:
        keeper.start()
        app = create_app(settings, database, live, key)
        context: Context = app.state.context
        uvloop.run(serve(Server(_config(app, settings), context.tls), context))


class Server(uvicorn.Server):
    """Ends on a signal and lets the rest of this process end too; uvicorn's own then dies of the signal.

    Listens for HTTPS beside plain HTTP, which uvicorn's own cannot.
    """

    def __init__(self, config: uvicorn.Config, tls: Tls) -> None:
        super().__init__(config)
        self._tls = tls

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._tls.enabled:
            self.started = False  # READY is told once HTTPS listens too
            await self._tls.look(self.listen)
            self.started = True

    async def listen(self, context: ssl.SSLContext) -> None:
        """Serve the same by HTTPS where the settings say. Raises OSError."""
        protocol = functools.partial(
            PatientProtocol, self.config, self.server_state, self.lifespan.state
        )
        loop, api = asyncio.get_running_loop(), self._tls.settings
        listener = await loop.create_server(
            protocol, api.host, api.tls_port, ssl=context, ssl_handshake_timeout=HEAD_S
        )
        self.servers.append(listener)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


async def serve(server: Server, context: Context) -> None:
    """Serve until SIGTERM or SIGINT; tell the service manager how it goes."""
    beside = [asyncio.create_task(_beat(server, context))]
    if context.tls.enabled:
        beside.append(asyncio.create_task(context.tls.keep(server.listen)))
    try:
        await server.serve()
    finally:
        for one in beside:
            one.cancel()
        ipc.notify("STOPPING=1")


async def _beat(server: Server, context: Context) -> None:
    """From the event loop, so that a loop that hangs is silent. READY once it listens and the robot can work."""
    told_ready = False
    while True:
        ipc.notify("WATCHDOG=1")
        if not told_ready and server.started:
            parts = readiness.parts(context)
            down = [
                f"{name}: {part.reason}" for name, part in parts.items() if part.status == "down"
            ]
            told_ready = not down
            ipc.notify("READY=1" if told_ready else f"STATUS={' '.join(down)}")
            if told_ready:
                log.info("ready", port=server.config.port)
        await asyncio.sleep(BEAT_S if told_ready else BEAT_S / 10)


def _spool_to(folder: Path) -> None:
    """Files that come by HTTP go onto the data's own disk: /tmp may be memory."""
    folder.mkdir(exist_ok=True)
    tempfile.tempdir = str(folder)


def _give_memory_back() -> None:
    """Keep glibc from holding on to the 19 MiB that each password takes while it is looked at (40 MB in all)."""
    with contextlib.suppress(AttributeError, OSError):  # another C library has its own ways
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def _config(app: object, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=settings.api.plain_host,
        port=settings.api.port,
        http=PatientProtocol,
        ws="websockets-sansio",
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_max_size=MAX_SOCKET_MESSAGE,
        ws_per_message_deflate=False,
        # The peer's address decides who stands at the robot: no header may ever replace it.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_level="warning",
        log_config=None,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=30,
    )


if __name__ == "__main__":
    main()
