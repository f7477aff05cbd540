"""`python -m sync --data-dir DIR`: keeps the robot and the central server the same, and takes orders by MQTT."""

import argparse
import signal
from pathlib import Path

from edge import logs
from edge.domain.errors import SetupError
from edge.settings import load
from edge.store.database import Database
from sync.bridge import Bridge


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="luna-sync", description="the robot's link to the central server"
    )
    parser.add_argument("--data-dir", type=Path, required=True)
    arguments = parser.parse_args()
    logs.configure("sync", arguments.data_dir)
    try:
        settings = load(arguments.data_dir)
        database = Database.open(settings.store_path)
        bridge = Bridge(settings, database)
    except SetupError as error:
        raise SystemExit(str(error)) from error
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: bridge.stop())
    bridge.run()
    database.close()


if __name__ == "__main__":
    main()
