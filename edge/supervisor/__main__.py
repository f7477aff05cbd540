"""The supervisor's process: what `luna sim` turns into when all is prepared.

Small on purpose: it stays for weeks, and imports no settings, no HTTP and no numbers.
"""

import argparse
import contextlib
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from edge.domain.errors import SetupError
from edge.supervisor.accounts import ACCOUNTS_FILE, table
from edge.supervisor.hold import released
from edge.supervisor.loop import Supervisor
from edge.supervisor.roster import SIMULATION


def main() -> int:
    options = _options()
    os.set_inheritable(options.lock, False)
    data_dir, facts = options.data_dir, json.loads(options.facts)
    supervisor = Supervisor(
        [one for one in SIMULATION if one.name in options.programs],
        facts=facts,
        environment=os.environ,
        data_dir=data_dir,
        on_ready=lambda: _announce(facts["url"], data_dir),
        tell=_Voice(data_dir / "logs" / "supervisor.log"),
    )
    try:
        with released(data_dir, options.lock):
            supervisor.run()
    except SetupError as error:
        print(f"luna: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="edge.supervisor", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument(
        "--lock", type=int, required=True, help="descriptor that holds the directory"
    )
    parser.add_argument(
        "--facts", required=True, help="what the arguments of processes are made from, in JSON"
    )
    parser.add_argument("programs", nargs="+")
    return parser.parse_args()


def _announce(url: str, data_dir: Path) -> None:
    accounts = json.loads((data_dir / ACCOUNTS_FILE).read_text())
    luna = (
        f"{_near(Path(sys.executable).with_name('luna'))} deliver-demo --data-dir {_near(data_dir)}"
    )
    hint = f"  Open {url}/ or let it deliver a book: {luna}"
    _say(f"ready {url}\n{table(accounts)}\n{hint}", sys.stdout)


def _near(path: Path) -> str:
    """As somebody types it who stands where this was started."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _say(text: str, where: TextIO) -> None:
    """A terminal that went away must not take the robot with it."""
    with contextlib.suppress(OSError):
        print(text, file=where, flush=True)


class _Voice:
    """Tells people what happened to a process: on the terminal, and in a log."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def __call__(self, line: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{now} {line}\n")
        _say(f"luna: {line}", sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
