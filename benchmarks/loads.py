"""Load on HTTP servers, from a core of its own: wrk where rates are asked for, our own clients for single latencies."""

import asyncio
import contextlib
import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import cpu_s

_CORES = sorted(os.sched_getaffinity(0))
ON_SERVER_CORE = ("taskset", "-c", str(_CORES[0]))
ON_CLIENT_CORE = ("taskset", "-c", str(_CORES[-1]))
START_S = 60.0
LEAST = 20
"""Fewer latencies have no p99."""
MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `headers` go with every request."""

    pid: int
    port: int
    headers: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk found. `cpu_us`: processor time of the server for each answer, all its threads."""

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    answers: int


def wrk_is_there() -> bool:
    return shutil.which("wrk") is not None


@contextlib.contextmanager
def serving(
    arguments: Sequence[str], port: int, environment: Mapping[str, str], *, one_core: bool = True
) -> Iterator[Server]:
    """`python *arguments`, on one core or wherever there is room, answering on `port`."""
    where = ON_SERVER_CORE if one_core else ()
    command = [*where, sys.executable, *arguments]
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        _wait_for(port, process)
        yield Server(process.pid, port, {})
    finally:
        process.terminate()
        process.wait(20)


def uvicorn(application: str, port: int) -> list[str]:
    """As uvicorn's own documentation has it for speed, without an access log."""
    return [
        "-m", "uvicorn", application, "--port", str(port), "--loop", "uvloop", "--http", "httptools",
        "--log-level", "warning", "--no-access-log",
    ]  # fmt: skip


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=5).connect()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def ask(server: Server, path: str, body: object = None) -> object:
    """One answer, to compare. Raises urllib.error.HTTPError."""
    data = None if body is None else json.dumps(body).encode()
    headers = {**server.headers, "Content-Type": "application/json"}
    request = urllib.request.Request(server.url + path, data, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def wrk(server: Server, path: str, clients: int, seconds: int, script: Path | None = None) -> Load:
    """As many requests as `clients` connections get answered. Raises RuntimeError where one is refused."""
    began = cpu_s(server.pid)
    done = subprocess.run(
        wrk_command(server, path, clients, seconds, script),
        capture_output=True,
        text=True,
        check=True,
    )
    said, cpu = done.stdout, cpu_s(server.pid) - began
    answers = int(_found(r"(\d+) requests in", said))
    if "Non-2xx" in said or not answers:
        raise RuntimeError(f"{path}: {said}")
    times = {
        one: float(value) * MS[unit]
        for one, value, unit in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)", said)
    }
    return Load(
        float(_found(r"Requests/sec:\s+([\d.]+)", said)),
        times["50"],
        times["99"],
        cpu / answers * 1e6,
        answers,
    )


def wrk_command(
    server: Server, path: str, clients: int, seconds: int, script: Path | None = None
) -> list[str]:
    command = [*ON_CLIENT_CORE, "wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency"]
    command += ["--timeout", "30s"]
    for name, value in server.headers.items():
        command += ["-H", f"{name}: {value}"]
    return [*command, *(("-s", str(script)) if script else ()), server.url + path]


def posting(path: Path, first: int, last: int) -> Path:
    """A script for wrk: each request is for another book, from number `first` on to `last` and round again."""
    path.write_text(
        f"""wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local n = {first}
request = function()
    n = n + 1
    if n > {last} then n = {first} end
    return wrk.format(nil, nil, nil, '{{"book_id": "' .. n .. '", "request_location": "R1"}}')
end
"""
    )
    return path


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(f"wrk said something else: {text}")
    return found[1]


def latencies(
    server: Server, method: str, path: str, seconds: float, pause_s: float
) -> list[float]:
    """Of single requests one after the other on one connection, in ms; a 503 counts as an answer, as late as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    took: list[float] = []
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends or len(took) < LEAST:
        began = time.perf_counter()
        connection.request(method, path, headers=dict(server.headers))
        answer = connection.getresponse()
        answer.read()
        took.append((time.perf_counter() - began) * 1e3)
        if answer.status >= 400 and answer.status != 503:
            raise RuntimeError(f"{method} {path}: {answer.status}")
        time.sleep(pause_s)
    connection.close()
    return took


def p99(took: Sequence[float]) -> float:
    return statistics.quantiles(took, n=100)[98]


# WebSockets: `python -m benchmarks.loads PORT COUNT SECONDS` holds so many open and counts what comes.


@contextlib.contextmanager
def watching(server: Server, count: int, seconds: float) -> Iterator["subprocess.Popen[str]"]:
    """Once all are connected; `heard` tells what came."""
    told = (str(server.port), str(count), str(seconds))
    process = subprocess.Popen(
        [*ON_CLIENT_CORE, sys.executable, "-m", "benchmarks.loads", *told],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        if not process.stdout.readline():
            raise RuntimeError("the WebSockets do not connect")
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def heard(process: "subprocess.Popen[str]") -> tuple[float, float]:
    """Poses a second in all, and the watching process's own share of a core."""
    assert process.stdout is not None
    rate, share = json.loads(process.stdout.readline())
    return rate, share


async def _watch(port: int, count: int, seconds: float) -> None:
    from websockets.asyncio.client import connect

    poses, connected = 0, asyncio.Semaphore(0)

    async def one() -> None:
        nonlocal poses
        url = f"ws://127.0.0.1:{port}/api/v1/ws"
        async with connect(url, compression=None, open_timeout=START_S) as socket:
            await socket.send('{"type": "auth"}')  # as the touchscreen
            await socket.send('{"type": "subscribe", "channels": ["robot"]}')
            connected.release()
            async for message in socket:
                poses += '"pose"' in str(message)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one()) for _ in range(count)]
        for _ in tasks:
            await connected.acquire()
        print("connected", flush=True)
        await asyncio.sleep(0.5)
        poses, cpu, began = 0, time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        took = time.perf_counter() - began
        print(json.dumps([poses / took, (time.process_time() - cpu) / took]), flush=True)
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(_watch(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
