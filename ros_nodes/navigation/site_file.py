"""Waypoints and lanes as a YAML file that a person can read and edit.

    waypoints:
      - {id: desk-1, name: Issue desk, code: DESK-1, kind: desk, x: 4.8, y: 4.3, theta_deg: 0}
    lanes:
      - {from: desk-1, to: hall-2, width_m: 1.4, speed_limit_m_s: 0.5}
      - {from: hall-2, to: annex, one_way: true, closed_from: 2026-08-01T18:00:00Z}

A lane's length is counted from its ends where it is left out. Angles are degrees here, radians
inside. Times have a zone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from edge.domain.errors import ValidationError
from edge.domain.lane_rules import SHORTER_M, distance
from edge.domain.times import normal_time
from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from ros_nodes.navigation.errors import SiteFileError

DEFAULT_LANE_WIDTH_M = 0.8
DEFAULT_SPEED_LIMIT_M_S = 0.5

_HINT = "Mend it by hand, or make it anew: luna map propose MAP --out FILE."


@dataclass(frozen=True)
class Site:
    """What is drawn on a map."""

    waypoints: tuple[Waypoint, ...]
    lanes: tuple[Lane, ...]


def read_site(path: Path) -> Site:
    """Read waypoints and lanes. Raises SiteFileError, in one line, that names the entry that is
    wrong."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SiteFileError(f"The site {path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise SiteFileError(f"{path} is not a site: it is not YAML.", hint=_HINT) from error
    if not isinstance(content, dict) or not isinstance(content.get("waypoints"), list):
        raise SiteFileError(f"{path} is not a site: it has no list of waypoints.", hint=_HINT)
    waypoints = [_entry(path, "waypoint", row, _waypoint) for row in content["waypoints"]]
    known = {waypoint.id: waypoint for waypoint in waypoints}
    if len(known) < len(waypoints):
        raise SiteFileError(f"{path}: two waypoints have the same id.", hint=_HINT)
    rows = content.get("lanes") or []
    lanes = [_entry(path, "lane", row, lambda entry: _lane(entry, known)) for row in rows]
    return Site(tuple(waypoints), tuple(lanes))


def write_site(site: Site, path: Path) -> None:
    """Write waypoints and lanes, each on a line of its own."""
    lines = [
        "# Waypoints and lanes. Metres, degrees, m/s. Lanes go both ways unless one_way: true."
    ]
    lines.append("waypoints:")
    lines += [f"  - {_flow(_waypoint_row(waypoint))}" for waypoint in site.waypoints]
    lines.append("lanes:")
    places = by_id(site.waypoints)
    lines += [f"  - {_flow(_lane_row(lane, places))}" for lane in site.lanes]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _entry(path: Path, what: str, row: Any, build: Any) -> Any:
    try:
        return build(row)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        said = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise SiteFileError(f"{path}: the {what} {row!r} is wrong: {said}.", hint=_HINT) from error


def _waypoint(row: Mapping[str, Any]) -> Waypoint:
    identity = str(row["id"])
    return Waypoint(
        id=identity,
        name=str(row.get("name") or identity),
        location_code=str(row.get("code") or ""),
        x=_finite(row["x"]),
        y=_finite(row["y"]),
        z=_finite(row.get("z", 0.0)),
        theta=math.radians(_finite(row.get("theta_deg", 0.0))),
        kind=WaypointKind(row.get("kind", "junction")),
        metadata=dict(row.get("metadata") or {}),
        is_active=_flag(row, "active", True),
    )


def _lane(row: Mapping[str, Any], known: Mapping[str, Waypoint]) -> Lane:
    start, end = str(row["from"]), str(row["to"])
    for name in (start, end):
        if name not in known:
            raise ValueError(f"there is no waypoint {name}")
    straight = distance(known[start], known[end])
    lane = Lane(
        id=str(row.get("id") or f"{start}--{end}"),
        start=start,
        end=end,
        length_m=_finite(row.get("length_m", straight)),
        width_m=_finite(row.get("width_m", DEFAULT_LANE_WIDTH_M)),
        speed_limit_m_s=_finite(row.get("speed_limit_m_s", DEFAULT_SPEED_LIMIT_M_S)),
        one_way=_flag(row, "one_way", False),
        closed=_flag(row, "closed", False),
        closed_from=_time(row, "closed_from"),
        closed_until=_time(row, "closed_until"),
    )
    if start == end or min(lane.length_m, lane.width_m, lane.speed_limit_m_s) <= 0:
        raise ValueError("a lane needs two ends and a length, width and speed above 0")
    return lane


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is not a number")
    return number


def _flag(row: Mapping[str, Any], name: str, default: bool) -> bool:
    value = row.get(name, default)
    if not isinstance(value, bool):
        raise ValueError(f"{name} is neither true nor false")
    return value


def _time(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value is None:
        return None
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    try:
        return normal_time(text, field=name)
    except ValidationError as error:
        raise ValueError(f"{name}: {error.message.rstrip('.')}") from error


def _waypoint_row(waypoint: Waypoint) -> dict[str, Any]:
    row: dict[str, Any] = {"id": waypoint.id, "name": waypoint.name}
    row |= {"code": waypoint.location_code} if waypoint.location_code else {}
    row |= {"kind": waypoint.kind.value, "x": round(waypoint.x, 3), "y": round(waypoint.y, 3)}
    row |= {"z": waypoint.z} if waypoint.z else {}
    row |= {"theta_deg": round(math.degrees(waypoint.theta), 1)}
    row |= {"metadata": dict(waypoint.metadata)} if waypoint.metadata else {}
    return row | ({} if waypoint.is_active else {"active": False})


def _lane_row(lane: Lane, places: Mapping[str, Waypoint]) -> dict[str, Any]:
    """Without the length of a lane that is as long as its ends are apart, so that an end can be moved by hand."""
    row: dict[str, Any] = {"id": lane.id, "from": lane.start, "to": lane.end}
    if abs(lane.length_m - distance(places[lane.start], places[lane.end])) > SHORTER_M:
        row |= {"length_m": round(lane.length_m, 3)}
    row |= {"width_m": round(lane.width_m, 2), "speed_limit_m_s": round(lane.speed_limit_m_s, 2)}
    names = ("one_way", "closed", "closed_from", "closed_until")
    return row | {name: value for name in names if (value := getattr(lane, name))}


def _flow(row: Mapping[str, Any]) -> str:
    text: str = yaml.safe_dump(
        row, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True
    )
    return text.strip()


def link(start: Waypoint, end: Waypoint, *, width_m: float, speed_limit_m_s: float) -> Lane:
    """A straight lane both ways between two waypoints."""
    length = distance(start, end)
    name = f"{start.id}--{end.id}"
    return Lane(name, start.id, end.id, length, width_m, speed_limit_m_s)


def by_id(waypoints: Sequence[Waypoint]) -> dict[str, Waypoint]:
    return {waypoint.id: waypoint for waypoint in waypoints}
