"""`python -m central --data-dir DIR --port N …`: the reference central server of one site."""

import argparse
import socket
from pathlib import Path

import uvicorn

from central.accounts import Tokens, own_secret, set_admin
from central.app import create_app
from central.robots import SiteLink
from central.store import Store
from edge import ipc
from sync.link import LinkSettings


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        ipc.notify("READY=1")


def main() -> None:
    arguments = _arguments()
    folder: Path = arguments.data_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        mqtt_password = arguments.mqtt_password_file.read_text().strip()
        admin_password = own_secret(arguments.admin_password_file or folder / "admin-password")
    except OSError as error:
        raise SystemExit(f"A password cannot be read: {error}. Give the file of one.") from error
    store = Store(folder / "central.db")
    with store.transaction() as tx:
        set_admin(tx, arguments.admin_email, admin_password)
    broker = LinkSettings(
        arguments.mqtt_host,
        arguments.mqtt_port,
        f"central-{arguments.site}",
        arguments.mqtt_username,
        mqtt_password,
    )
    app = create_app(store, Tokens(folder / "jwt.key"), SiteLink(store, broker, arguments.site))
    config = uvicorn.Config(
        app,
        host=arguments.host,
        port=arguments.port,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    _Server(config).run()
    store.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="luna-central", description="the reference central server"
    )
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mqtt-host", default="127.0.0.1")
    parser.add_argument("--mqtt-port", type=int, default=1883)
    parser.add_argument("--mqtt-username", default="central")
    parser.add_argument("--mqtt-password-file", type=Path, required=True)
    parser.add_argument("--site", required=True)
    parser.add_argument("--admin-email", default="admin@central.example")
    parser.add_argument(
        "--admin-password-file", type=Path, help="default: DIR/admin-password, made at first start"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
