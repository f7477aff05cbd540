"""Records as JSON: the same form in the HTTP answers and in the events for the other side."""

from dataclasses import fields
from functools import cache, singledispatch
from typing import Any

from edge.domain.requests import Request
from edge.domain.tasks import Task
from edge.domain.waypoints import Waypoint

_JSON = frozenset({str, int, float, bool, type(None)})
_OF_THE_RUNNER = ("phase", "phase_since", "lease_until")


@singledispatch
def record(thing: Any) -> dict[str, Any]:
    """`thing`, a dataclass of the domain, as a dict for JSON; nothing secret in it."""
    return {
        name: value if type(value := getattr(thing, name)) in _JSON else _plain(value)
        for name in _names(thing.__class__)
    }


_all_fields = record.dispatch(object)


@record.register
def _(request: Request) -> dict[str, Any]:
    found = _all_fields(request)
    del found["pin"]
    return found


@record.register
def _(task: Task) -> dict[str, Any]:
    found = _all_fields(task) | {"status": task.status.value, "step": _plain(task.step)}
    for name in _OF_THE_RUNNER:
        del found[name]
    return found


@record.register
def _(waypoint: Waypoint) -> dict[str, Any]:
    found = _all_fields(waypoint)
    for axis in "xyz":
        found[f"{axis}_coordinate"] = found.pop(axis)
    return found


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _plain(value: Any) -> Any:
    """Only what JSON has. Enums of the domain are texts already."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(one) if isinstance(one, str | int | float) else record(one) for one in value]
    return dict(value) if isinstance(value, dict) else value
