"""What `luna sim` does: the whole robot on its simulator, with a broker and the reference central server."""

import functools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import click

from edge.domain.errors import SetupError
from edge.settings import Settings, load
from edge.supervisor import accounts, data_dir, origin, ports, ros_domain
from edge.supervisor.hold import released
from edge.supervisor.loop import ENDING_SIGNALS
from edge.supervisor.process import spawn
from edge.supervisor.ros_environment import ros_environment
from edge.supervisor.roster import CENTRAL, SIMULATION

LOOPBACK = "127.0.0.1"
DEFAULT_DOMAIN_ID = 42
"""Not 0, which every other ROS program on the machine uses unless told otherwise."""
SETUP_FAILED = 2
"""Exit code of the preparation where the input is at fault and one line on stderr says so."""


def run(
    directory: Path,
    options: Mapping[str, int | float | None],
    *,
    map_file: Path | None,
    catalogue: Path | None,
    with_central: bool,
) -> NoReturn:
    """Become the robot's supervisor. `options`: settings of this run, by the name of their variable; None: as they
    are. Raises SetupError."""
    os.umask(0o077)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    directory = _where(directory)
    settings = settings_of_run(directory, options)
    made_from = origin.Origin.of(map_file, catalogue)

    @functools.cache
    def claimed() -> socket.socket:
        """What of the machine this robot has for itself; looked at before anything is made."""
        ports.check(settings)
        return ros_domain.claim(settings.ros.domain_id)

    def build(draft: Path) -> None:
        claimed()
        click.echo(f"luna: making a library in {directory}, once", err=True)
        accounts.invent_people(draft)
        _prepare(draft, made_from, settings.sim.seed)
        made_from.write(draft)

    lock = data_dir.hold(directory, build)
    with released(directory, lock):
        made_from.check(directory)
        _bring_up_to_date(settings.store_path)
        for descriptor in (lock, claimed().fileno()):
            os.set_inheritable(descriptor, True)
        _become_supervisor(settings, lock, with_central=with_central)


def _where(directory: Path) -> Path:
    """The directory itself, which a rename can put in its place, and not a link to it."""
    directory = directory.absolute()
    try:
        return directory.resolve() if directory.is_symlink() else directory
    except OSError:
        return directory  # whatever is wrong with it is said when it is used


def _bring_up_to_date(store: Path) -> None:
    """A store of an older program gets this one's tables, before anybody opens it. Raises SetupError."""
    from edge.store import backup  # not in the supervisor that this process becomes

    if store.exists() and (aside := backup.migrate(store)) is not None:
        click.echo(f"luna: the store is brought up to date; as it was, it is {aside}", err=True)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def settings_of_run(directory: Path, options: Mapping[str, int | float | None]) -> Settings:
    """The settings of this run, which the children inherit by our environment. Raises SetupError."""
    given = {name: str(value) for name, value in options.items() if value is not None}
    os.environ.update(given)
    settings = load(directory)
    # What a simulation wants unless somebody decided otherwise, and what it cannot do without.
    if "domain_id" not in settings.ros.model_fields_set:
        os.environ["LUNA_ROS__DOMAIN_ID"] = str(DEFAULT_DOMAIN_ID)
    if "auto_approve" not in settings.requests.model_fields_set:
        os.environ["LUNA_REQUESTS__AUTO_APPROVE"] = "true"
    if "holds_to_latch" not in settings.robot.model_fields_set:
        # A busy desk starves processes now and then; that is no trouble that wants a person.
        os.environ["LUNA_ROBOT__HOLDS_TO_LATCH"] = "0"
    os.environ["LUNA_MQTT__HOST"] = LOOPBACK
    os.environ["LUNA_ROBOT__SERIAL_PORT"] = str(directory / "run" / "board")
    return load(directory)


def _prepare(draft: Path, made_from: origin.Origin, seed: int) -> None:
    """Fill a new data directory, in a process of its own: it needs numpy. Raises SetupError."""
    arguments = [
        "-m",
        "ros_nodes.simulation.prepare",
        "--data-dir",
        str(draft),
        "--seed",
        str(seed),
    ]
    arguments += made_from.options()
    child = spawn(arguments, os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, talk = child.communicate()
    except BaseException:
        child.kill()
        child.wait()
        raise
    said = talk.decode(errors="replace").strip()
    if child.returncode == SETUP_FAILED:
        raise SetupError(said.rsplit("\n", 1)[-1])
    for line in said.splitlines():
        click.echo(f"luna: {line}", err=True)
    if child.returncode != 0:
        raise SetupError(
            "The library could not be made; what went wrong stands above.",
            hint="This is a fault of the program: please report it.",
        )


def _become_supervisor(settings: Settings, lock: int, *, with_central: bool) -> NoReturn:
    """Go on as the supervisor, in this process but without all that was needed to come this far: half of its memory.

    Raises SetupError.
    """
    central_port = ports.free(LOOPBACK)
    accounts.write_accounts(
        settings.data_dir,
        url=f"http://{settings.api.plain_host}:{settings.api.port}",
        mqtt_host=settings.mqtt.host,
        mqtt_port=settings.mqtt.port,
        central_url=f"http://{LOOPBACK}:{central_port}" if with_central else None,
    )
    programs = [one.name for one in SIMULATION if with_central or one is not CENTRAL]
    facts = json.dumps(facts_of_run(settings, central_port))
    arguments = ["--data-dir", str(settings.data_dir), "--lock", str(lock), "--facts", facts]
    # A Ctrl-C in between waits until the supervisor is there to take it.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    os.execve(
        sys.executable,
        [sys.executable, "-P", "-m", "edge.supervisor", *arguments, *programs],
        _environment(settings),
    )


def facts_of_run(settings: Settings, central_port: int) -> dict[str, str]:
    """What the command lines of the processes are made from."""
    robot, speed = settings.robot, settings.sim.speed
    facts: dict[str, object] = {
        "data_dir": settings.data_dir,
        "board": robot.serial_port,
        "max_speed_m_s": robot.max_speed_m_s,
        "max_turn_rad_s": robot.max_turn_rad_s,
        # The gate lives in wall time, in which simulated speeds change so much faster.
        "max_acceleration_m_s2": robot.max_acceleration_m_s2 * speed,
        "max_turn_acceleration_rad_s2": robot.max_turn_acceleration_rad_s2 * speed,
        "announce_s": robot.announce_s,
        "holds_to_latch": robot.holds_to_latch,
        "central_port": central_port,
        "central_email": accounts.CENTRAL_EMAIL,
        "mqtt_host": settings.mqtt.host,
        "mqtt_port": settings.mqtt.port,
        "site": robot.site,
        "url": f"http://{settings.api.plain_host}:{settings.api.port}",
    }
    return {name: str(value) for name, value in facts.items()}


def _environment(settings: Settings) -> dict[str, str]:
    lean = {
        "MALLOC_ARENA_MAX": "2",  # else glibc keeps 64 MB of address space a thread, and grows
        # Large blocks go back to the system when freed (a password check takes 19 MB), whatever
        # was freed before: by default glibc learns to keep them.
        "MALLOC_MMAP_THRESHOLD_": "131072",
        "OPENBLAS_NUM_THREADS": "1",  # our arrays are small; idle worker threads cost memory
        "PYTHONFAULTHANDLER": "1",
        "LUNA_LOG": "file",
    }
    return {**lean, **os.environ, **ros_environment(settings)}
