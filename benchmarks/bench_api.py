"""The HTTP side beside an application of the usual shape, and beside the limit (rows 2a to 2e).

Each is a server of its own on one core, asked in turn from the other one, in rounds. Rates of reads are compared by the
processor time that an answer costs: on a full core that is the same, and others on the machine change it less. Ours is
the product's own process, asked by a student with an access token; the peers ask nobody who they are. Wants wrk (apt)
and aiosqlite (make bench-api gets it).
"""

import contextlib
import importlib.util
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import loads
from benchmarks.api_servers import Library, ours, peer
from benchmarks.loads import Load, Server
from benchmarks.peers.bare import PATH as NOTHING
from benchmarks.processes import cpu_s
from benchmarks.report import Row, table
from tests.support.api_process import Ros
from tests.support.gates import end_stop, gate

BOOKS = 60_000
CLIENTS, WRITERS = 16, 8
SOCKETS, POSES_PER_S = 200, 10
SLOW_SYNC_MS = 20
SIZES = (1_000, 100_000, 1_000_000)
STOP = "/api/v1/robot/emergency-stop"
GET, LIST, SEARCH = (
    "/api/v1/books/{}",
    "/api/v1/books?limit=50",
    "/api/v1/books?q=topic123&limit=20",
)
REQUESTS = "/api/v1/requests"
PEER, LIMIT = "usual shape", "limit"


def run(place: Path, *, quick: bool) -> list[Row]:
    if not loads.wrk_is_there() or importlib.util.find_spec("aiosqlite") is None:
        print("bench-api needs wrk (sudo apt install wrk) and aiosqlite: make bench-api")
        return []
    library = Library.made(place / "library", 10_000 if quick else BOOKS)
    rounds, seconds = (1, 1) if quick else (3, 2)
    rows = _told(_compared(library, rounds, seconds))  # alone: the peers have no robot to listen to
    with gate(library.data_dir), contextlib.closing(Ros(library.data_dir)):
        rows += _told(_watched(library, seconds))
        rows += _told(_slow_card(library, place, 3.0 if quick else 10.0))
    return [*rows, *_growth(place, (500, 1_000) if quick else SIZES, seconds)]


def _told(rows: list[Row]) -> list[Row]:
    """At once: the whole takes long."""
    print(table(rows), flush=True)
    return rows


def _row(
    what: str, value: float, unit: str, aim: float | None = None, *, least: bool = False
) -> Row:
    return Row("api", what, value, unit, aim, at_least=least)


# Side by side


def _compared(library: Library, rounds: int, seconds: int) -> list[Row]:
    with contextlib.ExitStack() as stack:
        product = stack.enter_context(ours(library))
        bare_ours = stack.enter_context(ours(library, "benchmarks.peers.bare"))
        bare = stack.enter_context(peer("bare"))
        example = _data(loads.ask(product, GET.format(1)))
        copies = [library.copy_for_peers(example) for _ in range(2)]
        limit = stack.enter_context(peer("limit", copies[0]))
        usual = stack.enter_context(peer("usual", copies[1]))
        all_three = {"ours": product, LIMIT: limit, PEER: usual}
        for path in (GET.format(7), "/api/v1/books?limit=2"):
            answers = [_data(loads.ask(server, path)) for server in all_three.values()]
            assert answers[0] == answers[1] == answers[2], f"{path}: they answer differently"
        nothing = _asked({"ours": bare_ours, "bare": bare}, NOTHING, rounds, seconds)
        one = _asked(all_three, GET.format(777), rounds, seconds)
        alone = _asked({"ours": product, PEER: usual}, GET.format(777), rounds, seconds, clients=1)
        many = _asked(all_three, LIST, rounds, seconds)
        found = _asked({"ours": product, PEER: usual}, SEARCH, rounds, seconds)
        made = _posted(library, all_three, rounds, seconds)
    return [
        *_rows("2a a route that does nothing", nothing),
        _ratio(
            "2a a route that does nothing: all that is around it",
            nothing,
            "ours",
            "bare",
            _cpu,
            "x CPU",
            1.5,
        ),
        *_rows("2b one book", one),
        _ratio("2b one book: ours / limit", one, "ours", LIMIT, _cpu, "x CPU", 3.2),
        _ratio(
            "2b one book: usual shape / ours", one, PEER, "ours", _cpu, "x CPU", 5.0, least=True
        ),
        _ratio(
            "2b one book, one client: p50, ours / usual shape", alone, "ours", PEER, _p50, "x", 0.4
        ),
        *_rows("2c 50 books", many),
        _ratio("2c 50 books: ours / limit", many, "ours", LIMIT, _cpu, "x CPU", 2.2),
        _ratio(
            "2c 50 books: usual shape / ours", many, PEER, "ours", _cpu, "x CPU", 3.5, least=True
        ),
        *_rows("search, 20 books", found),
        _ratio("search, 20 books: usual shape (LIKE) / ours", found, PEER, "ours", _cpu, "x CPU"),
        *_rows(f"2d durable POST, {CLIENTS} clients", made),
        _ratio(
            "2d durable POST: ours / usual shape", made, "ours", PEER, _rate, "x", 5.0, least=True
        ),
        _ratio("2d durable POST: p99, ours / usual shape", made, "ours", PEER, _p99, "x", 0.2),
        _ratio("2d durable POST: ours / bare SQLite's two rows", made, "ours", LIMIT, _rate, "x"),
    ]


def _data(answer: object) -> dict[str, object]:
    """What was asked for, without an envelope."""
    assert isinstance(answer, dict | list)
    return answer["data"] if isinstance(answer, dict) and "data" in answer else answer  # type: ignore[return-value]


Found = dict[str, list[Load]]


def _asked(
    servers: dict[str, Server], path: str, rounds: int, seconds: int, *, clients: int = CLIENTS
) -> Found:
    found: Found = {name: [] for name in servers}
    for _ in range(rounds):
        for name, server in servers.items():
            found[name].append(loads.wrk(server, path, clients, seconds))
    return found


def _posted(library: Library, servers: dict[str, Server], rounds: int, seconds: int) -> Found:
    found: Found = {name: [] for name in servers}
    for _ in range(rounds):
        for name, server in servers.items():
            load = loads.wrk(server, REQUESTS, CLIENTS, seconds, library.posting(name))
            if name == "ours":  # what was under way when it ended may have been done too
                library.used += load.answers + CLIENTS
            found[name].append(load)
    return found


def _rate(load: Load) -> float:
    return load.rate


def _cpu(load: Load) -> float:
    return load.cpu_us


def _p50(load: Load) -> float:
    return load.p50_ms


def _p99(load: Load) -> float:
    return load.p99_ms


def _rows(what: str, found: Found) -> list[Row]:
    rows = []
    for name, each in found.items():
        rows += [
            _row(f"{what}: {name}", statistics.median(map(_rate, each)), "/s"),
            _row(f"{what}: {name}, CPU", statistics.median(map(_cpu, each)), "us"),
            _row(f"{what}: {name}, p99", statistics.median(map(_p99, each)), "ms"),
        ]
    return rows


def _ratio(
    what: str, found: Found, one: str, other: str, of: Callable[[Load], float], unit: str,
    aim: float | None = None, *, least: bool = False,
) -> Row:  # fmt: skip
    pairs = zip(found[one], found[other], strict=True)
    return _row(what, statistics.median(of(a) / of(b) for a, b in pairs), unit, aim, least=least)


# Live events


def _watched(library: Library, seconds: float) -> list[Row]:
    rows, wanted = [], float(SOCKETS * POSES_PER_S)
    shares = {}
    with ours(library) as product, peer("usual", library.data_dir / "none.db") as usual:
        for name, server in (("ours", product), (PEER, usual)):
            with loads.watching(server, SOCKETS, 3 * seconds) as watching:
                time.sleep(0.5)
                cpu, began = cpu_s(server.pid), time.perf_counter()
                rate, own = loads.heard(watching)
                shares[name] = (cpu_s(server.pid) - cpu) / (time.perf_counter() - began)
            what = f"{SOCKETS} WebSockets, pose at {POSES_PER_S} Hz: {name}"
            rows += [
                _row(f"{what}, of those due", rate / wanted * 100, "%", 95, least=True),
                _row(f"{what}, CPU of a core", shares[name] * 100, "%"),
                _row(f"{what}, CPU of who watches", own * 100, "%"),
            ]
    return rows


# A slow card, and STOP


def _slow_card(library: Library, place: Path, seconds: float) -> list[Row]:
    """Every sync takes so much longer by a library that stands before libc; everybody comes at once."""
    with ours(library, environment=_slow(place), one_core=False) as product:
        idle = loads.p99(loads.latencies(product, "GET", GET.format(7), seconds, 0.002))
        stop_idle = _stop_p99(library, product, seconds)
        with _background(library, product, WRITERS, REQUESTS) as writing:
            busy = loads.p99(loads.latencies(product, "GET", GET.format(7), seconds, 0.002))
            with loads.watching(product, SOCKETS, 3600):
                stop_busy = _stop_p99(library, product, seconds)
                with _background(library, product, CLIENTS, GET.format(9)):
                    stop_full = _stop_p99(library, product, seconds)
        posts = writing()
    slow = f"2e a sync takes {SLOW_SYNC_MS} ms more"
    beside = f"STOP, p99, {WRITERS} write, syncs of {SLOW_SYNC_MS} ms, {SOCKETS} watch"
    return [
        _row(f"{slow}: one book, p99, nobody writes", idle, "ms"),
        _row(f"{slow}: one book, p99, {WRITERS} write", busy, "ms", idle + 5.0),
        _row(f"{slow}: durable POST, {WRITERS} clients", posts, "/s"),
        _row("STOP, p99, nobody else asks", stop_idle, "ms"),
        _row(beside, stop_busy, "ms", stop_idle + 5.0),
        _row(f"{beside}, and {CLIENTS} ask as fast as they can", stop_full, "ms"),
    ]


def _slow(place: Path) -> dict[str, str]:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("no C compiler: sudo apt install gcc")
    shim = place / "disk.so"
    source = Path(__file__).parents[1] / "tests" / "support" / "disk.c"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", source, "-o", shim, "-ldl"], check=True)
    return {"LD_PRELOAD": str(shim), "DISK_FOLDER": str(place), "DISK_SYNC_MS": str(SLOW_SYNC_MS)}


def _stop_p99(library: Library, server: Server, seconds: float) -> float:
    took = loads.latencies(server, "POST", STOP, seconds, 0.01)
    end_stop(library.data_dir)
    return loads.p99(took)


@contextlib.contextmanager
def _background(
    library: Library, server: Server, clients: int, path: str
) -> Iterator[Callable[[], float]]:
    """So many clients ask as fast as they are answered; called afterwards, it tells how many answers came a second."""
    script = library.posting("background") if path == REQUESTS else None
    command = loads.wrk_command(server, path, clients, 3600, script)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    try:
        yield lambda: float(said.partition("Requests/sec:")[2].split()[0])
    finally:
        process.send_signal(2)
        said, _ = process.communicate(timeout=40)
        if "Non-2xx" in said:
            raise RuntimeError(f"{path}: {said}")


# Growth


def _growth(place: Path, sizes: tuple[int, ...], seconds: int) -> list[Row]:
    jobs = {
        "one book": GET.format(7),
        "50 books": LIST,
        "search": SEARCH,
    }
    rows: list[Row] = []
    first: dict[str, float] = {}
    for size in sizes:
        library = Library.made(place / f"library-{size}", size)
        with ours(library) as product:
            for name, path in jobs.items():
                loads.wrk(product, path, 1, 1)  # pages that are not in memory yet
                cpu = statistics.median(
                    loads.wrk(product, path, 1, seconds).cpu_us for _ in range(3)
                )
                rows.append(_row(f"{size:,} books: {name}, CPU", cpu, "us"))
                first.setdefault(name, cpu)
                if size == sizes[-1]:
                    aim = 1.3 if name == "one book" else None
                    rows.append(
                        _row(f"{size:,} / {sizes[0]:,} books: {name}", cpu / first[name], "x", aim)
                    )
        shutil.rmtree(library.data_dir)
    return rows
