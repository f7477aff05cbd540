"""`luna doctor`: what of this machine is fit for the robot, and how to mend what is not.

Looks, and changes nothing. rclpy and the broker are only located here, never imported: they belong
to rooms above this one.
"""

import ctypes
import json
import os
import platform
import shutil
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from http.client import HTTPException
from importlib import metadata, util
from pathlib import Path

import click

from edge import options
from edge.domain.errors import SetupError
from edge.domain.times import CLOCK_WAS_SET

MIB = 1024 * 1024
MEMORY_UNFIT, MEMORY_TIGHT = 400 * MIB, 700 * MIB  # the robot's processes take about 350 MiB
DISK_UNFIT, DISK_TIGHT = (
    200 * MIB,
    1024 * MIB,
)  # the store keeps growing for weeks without a network
ANSWER_S = 5.0
CLOCK_UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"  # runs, but somebody should know
    FAIL = "fail"  # does not run


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    verdict: Verdict
    found: str
    fix: str = ""


def python() -> Finding:
    version = platform.python_version()
    fit = (3, 11) <= sys.version_info[:2] < (3, 13)
    fix = "sudo apt install python3 python3-venv python3-dev, then make setup"
    return _finding("Python", Verdict.OK if fit else Verdict.FAIL, version, fix)


def ros() -> Finding:
    """rclpy and our messages, from wheels or from the system, and not two of them."""
    spec = util.find_spec("rclpy")
    if spec is None or spec.origin is None:
        return Finding("ROS 2", Verdict.FAIL, "no rclpy", "make setup")
    if util.find_spec("luna_interfaces") is None:
        return Finding("ROS 2", Verdict.FAIL, "luna_interfaces is not built", "make setup")
    wheels = _version("ros-rclpy")
    if wheels is None:
        return Finding("ROS 2", Verdict.OK, f"system, {Path(spec.origin).parent}")
    if not Path(spec.origin).is_relative_to(sys.prefix):
        fix = "start from a shell in which no other ROS is sourced"
        return Finding("ROS 2", Verdict.FAIL, f"{spec.origin} hides the wheels", fix)
    return Finding("ROS 2", Verdict.OK, f"wheels, rclpy {wheels}")


def compiler() -> Finding:
    """Needed to build the messages; once they stand, only for changing them."""
    missing = [tool for tool in ("g++", "cmake", "make") if shutil.which(tool) is None]
    if not missing:
        return Finding("compiler", Verdict.OK, "g++, cmake, make")
    built = util.find_spec("luna_interfaces") is not None
    verdict = Verdict.WARN if built else Verdict.FAIL
    return Finding(
        "compiler", verdict, f"no {', '.join(missing)}", f"sudo apt install {' '.join(missing)}"
    )


def sqlite() -> Finding:
    try:
        # Here and not above: a machine without the library shall get a finding and not a traceback.
        from edge.store import sqlite as library

        version = ".".join(map(str, library.library_version()))
        library.check_library()
    except ImportError as error:
        return Finding("SQLite", Verdict.FAIL, str(error), "make setup")
    except SetupError as error:
        return Finding("SQLite", Verdict.FAIL, error.message, error.hint)
    return Finding("SQLite", Verdict.OK, version)


def broker() -> Finding:
    """On a desk either broker does; a robot in service wants the real one, there or elsewhere."""
    mosquitto = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if mosquitto:
        return Finding("MQTT broker", Verdict.OK, mosquitto)
    fix = "sudo apt install mosquitto"
    if embedded := _version("amqtt"):
        return Finding(
            "MQTT broker", Verdict.WARN, f"embedded amqtt {embedded}, for a desk only", fix
        )
    return Finding("MQTT broker", Verdict.FAIL, "none", f"make setup, or {fix}")


def serial_ports(dev: Path = Path("/dev")) -> Finding:
    ports = [*sorted(dev.glob("serial/by-id/*")), *sorted(dev.glob("ttyACM*"))]
    if not ports:
        fix = "on a desk: nothing to do; on a robot: plug the motor board in"
        return Finding("serial ports", Verdict.WARN, "none", fix)
    closed = [port for port in ports if not os.access(port, os.R_OK | os.W_OK)]
    if closed:
        fix = "sudo usermod -aG dialout $USER, then log in again"
        return Finding("serial ports", Verdict.FAIL, f"no access to {_listed(closed)}", fix)
    return Finding("serial ports", Verdict.OK, _listed(ports))


def disk(data_dir: Path) -> Finding:
    place = next(folder for folder in (data_dir, *data_dir.parents) if folder.exists())
    found = f"{_mib(free := shutil.disk_usage(place).free)} free for {data_dir}"
    if not os.access(place, os.W_OK):
        return Finding(
            "disk", Verdict.FAIL, f"{place} is not writable", "choose another --data-dir"
        )
    return _finding(
        "disk", _enough(free, DISK_UNFIT, DISK_TIGHT), found, f"make room under {place}"
    )


def clock(now: datetime | None = None) -> Finding:
    """Deadlines and tokens are times: a clock that was never set, or drifts, breaks them."""
    now = now or datetime.now(UTC)
    fix = "sudo timedatectl set-ntp true"
    if now < CLOCK_WAS_SET:
        return Finding("clock", Verdict.FAIL, f"it says {now:%Y-%m-%d}", fix)
    # With no mode set, adjtimex(2) only reports. The structure is 208 bytes on 64-bit Linux.
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(256))
    if state == CLOCK_UNSYNCHRONISED:
        return Finding("clock", Verdict.WARN, "not synchronised", fix)
    return Finding("clock", Verdict.OK, "synchronised")


def memory(meminfo: Path = Path("/proc/meminfo")) -> Finding:
    fields = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
    available = int(fields["MemAvailable"].split()[0]) * 1024
    verdict = _enough(available, MEMORY_UNFIT, MEMORY_TIGHT)
    return _finding(
        "memory", verdict, f"{_mib(available)} available", "close other programs, or add memory"
    )


def https(data_dir: Path) -> Finding:
    """Where HTTPS is switched on: the certificate, and the running API's answer to a client that trusts it."""
    # As the above: a finding, and not a traceback, without the libraries.
    from edge import settings as edge_settings

    try:
        api = edge_settings.load(data_dir).api
        if not api.tls:
            return Finding("HTTPS", Verdict.OK, "switched off")
        from edge import certificates

        found = certificates.examine(data_dir)
    except ImportError as error:
        return Finding("HTTPS", Verdict.FAIL, str(error), "make setup")
    except SetupError as error:
        return Finding("HTTPS", Verdict.FAIL, error.message, error.hint)
    if trouble := found.trouble(datetime.now(UTC)):
        return Finding("HTTPS", Verdict.FAIL, trouble, "luna tls renew")
    if missing := set(certificates.own_addresses()) - set(found.addresses):
        said = f"the certificate is not for {_listed(missing)}"
        return Finding("HTTPS", Verdict.WARN, said, "luna tls renew")
    answer = _https_answer(data_dir, api.tls_port)
    return Finding("HTTPS", Verdict.OK, f"until {found.ends:%Y-%m-%d}; the API {answer}")


def _https_answer(data_dir: Path, port: int) -> str:
    """What a client here that trusts nothing but the robot's authority gets to hear."""
    authority = data_dir / "tls" / "ca.crt"
    try:
        trust = ssl.create_default_context(cafile=authority if authority.exists() else None)
        with urllib.request.urlopen(
            f"https://localhost:{port}/health", timeout=ANSWER_S, context=trust
        ):
            return "answers"
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, ConnectionRefusedError):
            return "does not run"
        return f"does not answer: {reason}"


def examine(data_dir: Path) -> list[Finding]:
    checks: Iterable[Callable[[], Finding]] = (
        python, ros, compiler, sqlite, broker, serial_ports, lambda: disk(data_dir), clock, memory,
        lambda: https(data_dir),
    )  # fmt: skip
    return [check() for check in checks]


def _finding(name: str, verdict: Verdict, found: str, fix: str) -> Finding:
    """A finding that shows its fix only where there is something to fix."""
    return Finding(name, verdict, found, "" if verdict is Verdict.OK else fix)


def _enough(have: int, unfit: int, tight: int) -> Verdict:
    if have < unfit:
        return Verdict.FAIL
    return Verdict.WARN if have < tight else Verdict.OK


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _mib(size: int) -> str:
    return f"{size // MIB} MiB"


def _listed(paths: Iterable[object]) -> str:
    return ", ".join(map(str, paths))


def _table(findings: list[Finding]) -> Iterable[str]:
    names = max(len(finding.name) for finding in findings)
    for one in findings:
        yield f"{one.verdict:<4}  {one.name:<{names}}  {one.found}" + (
            f"  ->  {one.fix}" if one.fix else ""
        )


@click.command(
    help="Say what of this machine is fit for the robot, with the fix beside what is not."
)
@options.data_dir(help="Where the robot's data are, or shall be.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(data_dir: Path, as_json: bool) -> None:
    findings = examine(data_dir.absolute())
    if as_json:
        click.echo(json.dumps([asdict(one) for one in findings], indent=2))
    else:
        click.echo("\n".join(_table(findings)))
    if any(one.verdict is Verdict.FAIL for one in findings):
        raise click.exceptions.Exit(1)
