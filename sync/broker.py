"""A broker for one machine: mosquitto where it is installed, else the embedded one. Loopback only.

`python -m sync.broker --data-dir DIR` writes mosquitto's files into DIR/broker and becomes mosquitto, so that killing
this process kills the broker. LUNA_BROKER=embedded asks for the embedded one.
"""

import argparse
import base64
import contextlib
import hashlib
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterable
from pathlib import Path

from edge import ipc, logs
from edge.domain.errors import SetupError
from edge.settings import Settings
from edge.settings import load as load_settings
from sync import accounts
from sync.accounts import Account

PASSWORD_ROUNDS = 101
"""mosquitto's own number. The passwords are long random ones, which no rounds need to protect."""
SALT_BYTES = 12
"""The only length that mosquitto 2.0 takes."""
ACCEPTS_WITHIN_S = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="luna-broker", description="the MQTT broker of one machine"
    )
    parser.add_argument("--data-dir", type=Path, required=True)
    arguments = parser.parse_args()
    logs.configure("broker", arguments.data_dir)
    try:
        settings = load_settings(arguments.data_dir)
        users = accounts.load(settings)
        binary = find_mosquitto()
        if binary is None:
            from sync import embedded_broker  # heavy, and rarely needed

            embedded_broker.run(settings, users)
        else:
            become_mosquitto(binary, settings, users.values())
    except SetupError as error:
        raise SystemExit(str(error)) from error


def find_mosquitto() -> str | None:
    """Debian keeps it in /usr/sbin, which is not on every path. None: use the embedded broker."""
    if os.environ.get("LUNA_BROKER") == "embedded":
        return None
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def become_mosquitto(binary: str, settings: Settings, users: Iterable[Account]) -> None:
    """Write the files and turn into mosquitto. Never comes back."""
    configuration = write_configuration(settings, users)
    _tell_when_it_accepts(settings.mqtt.port)
    os.execv(binary, [binary, "-c", str(configuration)])


def write_configuration(settings: Settings, users: Iterable[Account]) -> Path:
    """mosquitto.conf, with its password and access lists beside it."""
    folder = settings.data_dir / "broker"
    folder.mkdir(mode=0o700, exist_ok=True)
    users = list(users)
    accounts.write_private(
        folder / "passwords", "".join(f"{_password_line(user)}\n" for user in users)
    )
    accounts.write_private(folder / "access", "\n".join(_access_lines(users)) + "\n")
    path = folder / "mosquitto.conf"
    accounts.write_private(path, _configuration(folder, settings.mqtt.port))
    return path


def _configuration(folder: Path, port: int) -> str:
    lines = [
        # Started by root, mosquitto would become another user, who may not read this folder.
        *(["user root"] if os.getuid() == 0 else []),
        f"listener {port} 127.0.0.1",
        "allow_anonymous false",
        f"password_file {folder / 'passwords'}",
        f"acl_file {folder / 'access'}",
        # Saved after each change at most a second late: with the defaults, killing the broker loses every message
        # that it had confirmed in the last half hour.
        "persistence true",
        f"persistence_location {folder}/",
        "autosave_interval 1",
        "autosave_on_changes true",
        # Small messages that wait for TCP acknowledgements cut the rate to a sixth.
        "set_tcp_nodelay true",
        # Beyond this many, mosquitto drops messages without a word to the publisher.
        "max_queued_messages 10000",
        "max_queued_bytes 67108864",
        "max_inflight_messages 20",
        "persistent_client_expiration 7d",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
    ]
    return "\n".join(lines) + "\n"


def _password_line(user: Account) -> str:
    """A line of mosquitto's password file: PBKDF2 over SHA-512, `$7$rounds$salt$hash`."""
    salt = secrets.token_bytes(SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", user.password.encode(), salt, PASSWORD_ROUNDS)
    parts = (base64.b64encode(part).decode() for part in (salt, digest))
    return f"{user.username}:$7${PASSWORD_ROUNDS}${'$'.join(parts)}"


def _access_lines(users: Iterable[Account]) -> Iterable[str]:
    for user in users:
        yield f"user {user.username}"
        yield from (f"topic read {topic}" for topic in user.reads)
        yield from (f"topic write {topic}" for topic in user.writes)


def _tell_when_it_accepts(port: int) -> None:
    """Leave a process behind that reports readiness, since mosquitto cannot, and ends.

    Forked twice, so that it is nobody's zombie.
    """
    broker = os.getpid()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        if os.fork() == 0:
            _wait_and_notify(port, broker)
    finally:
        os._exit(0)


def _wait_and_notify(port: int, broker: int) -> None:
    deadline = time.monotonic() + ACCEPTS_WITHIN_S
    while time.monotonic() < deadline:
        os.kill(broker, 0)  # raises where it is gone, which ends this process too
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=0.5),
        ):
            ipc.notify("READY=1")
            return
        time.sleep(0.01)


if __name__ == "__main__":
    main()
