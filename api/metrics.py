"""The numbers that an operator watches, in Prometheus' text form."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from starlette.types import Scope

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

ROBOT = {
    "stopped": "1 while a stop is latched.",
    "battery_ratio": "Charge, 1 is full.",
    "tasks_queued": "Tasks that wait for the robot.",
    "disk_free_bytes": "Room on the data's disk.",
    "certificate_ends_seconds": "When the certificate for HTTPS ends, in s since 1970.",
}
"""How the robot is; what nobody knows is NaN."""


class Metrics:
    """A registry of its own, so that two apps in one process (tests) never meet."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "luna_http_requests",
            "Requests answered, by route, method and status.",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "luna_http_request_seconds",
            "Time to answer a request.",
            ["route"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.sockets = Gauge("luna_websocket_clients", "Open WebSockets.", registry=self.registry)
        self.dropped = Counter(
            "luna_websocket_dropped",
            "WebSockets dropped because they were too slow.",
            registry=self.registry,
        )
        self.stops = Counter(
            "luna_stop_requests",
            "STOP by HTTP or WebSocket, by outcome.",
            ["outcome"],
            registry=self.registry,
        )
        self.refused = Counter(
            "luna_http_refused",
            "Requests refused before they were looked at, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.sign_ins = Counter(
            "luna_sign_ins",
            "Tries to sign in by password or PIN, by outcome.",
            ["outcome"],
            registry=self.registry,
        )
        self.outbox = Gauge(
            "luna_outbox_waiting",
            "Events that central has not acknowledged yet.",
            registry=self.registry,
        )
        self.part = Gauge(
            "luna_part_ready", "1: ok, 0.5: degraded, 0: down.", ["part"], registry=self.registry
        )
        self.robot = {
            name: Gauge(f"luna_{name}", meaning, registry=self.registry)
            for name, meaning in ROBOT.items()
        }
        ProcessCollector(registry=self.registry)

    def request(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unknown")
        key = (route, scope["method"], status)
        known = self._known.get(key)
        if known is None:  # finding them anew would cost each request 5 µs
            known = self._known[key] = self._requests.labels(*key), self._seconds.labels(route)
        count, histogram = known
        count.inc()
        histogram.observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)
