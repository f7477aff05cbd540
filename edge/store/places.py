"""Waypoints and the lanes between them."""

from typing import Any

import orjson

from edge.domain.waypoints import Lane, Waypoint, WaypointKind
from edge.store.database import Transaction, to_json
from edge.store.repository import R_co, Repository
from edge.store.sqlite import Row


class Places(Repository[R_co]):
    def waypoints(self, kind: WaypointKind | None = None) -> list[Waypoint]:
        rows = self._store.rows(
            "SELECT * FROM waypoint WHERE ?1 IS NULL OR kind = ?1 ORDER BY rowid", kind
        )
        return [_waypoint(row) for row in rows]

    def get(self, waypoint_id: str) -> Waypoint | None:
        row = self._store.row("SELECT * FROM waypoint WHERE id = ?", waypoint_id)
        return None if row is None else _waypoint(row)

    def find(self, name_or_code: str) -> Waypoint | None:
        """By the code on its sign, else by its name; neither minds capitals."""
        wanted = name_or_code.strip()
        if not wanted:
            return None
        for condition in ("location_code = ? AND location_code <> ''", "name = ? COLLATE NOCASE"):
            row = self._store.row(
                f"SELECT * FROM waypoint WHERE {condition} ORDER BY id LIMIT 1", wanted
            )
            if row is not None:
                return _waypoint(row)
        return None

    def names(self, *codes: str) -> dict[str, str]:
        """Of the waypoints with these codes."""
        rows = self._store.rows(
            f"""SELECT location_code, name FROM waypoint
            WHERE location_code <> '' AND location_code IN ({", ".join("?" * len(codes))})""",
            *codes,
        )
        return {row["location_code"]: row["name"] for row in rows}

    def version(self, waypoint_id: str) -> int:
        return int(self._store.value("SELECT version FROM waypoint WHERE id = ?", waypoint_id) or 0)

    def is_in_use(self, code: str) -> bool:
        """Whether an open task goes there."""
        return bool(
            self._store.value(
                """SELECT EXISTS (SELECT 1 FROM task
                WHERE ? IN (source_location, destination_location)
                AND phase NOT IN ('COMPLETED', 'FAILED', 'CANCELLED'))""",
                code,
            )
        )

    def lanes(self) -> list[Lane]:
        return [_lane(row) for row in self._store.rows("SELECT * FROM lane ORDER BY id")]

    def put(self: "Places[Transaction]", waypoint: Waypoint) -> int:
        """Add it, or write over the one with its id; gives its version."""
        columns = _columns(waypoint)
        changed = self._store.update("waypoint", waypoint.id, updated_at=self._store.now, **columns)
        if changed:
            self._store.execute(
                "UPDATE waypoint SET version = version + 1 WHERE id = ?", waypoint.id
            )
            return self.version(waypoint.id)
        now = self._store.now
        self._store.insert("waypoint", id=waypoint.id, created_at=now, updated_at=now, **columns)
        return 1

    def remove(self: "Places[Transaction]", waypoint_id: str) -> None:
        """With the lanes that end there."""
        self._store.execute("DELETE FROM waypoint WHERE id = ?", waypoint_id)

    def replace_lanes(self: "Places[Transaction]", lanes: list[Lane]) -> None:
        self._store.execute("DELETE FROM lane")
        for lane in lanes:
            self._store.insert(
                "lane",
                id=lane.id,
                start=lane.start,
                end=lane.end,
                length_m=lane.length_m,
                width_m=lane.width_m,
                speed_limit_m_s=lane.speed_limit_m_s,
                one_way=lane.one_way,
                closed=lane.closed,
                closed_from=lane.closed_from,
                closed_until=lane.closed_until,
            )


def _columns(waypoint: Waypoint) -> dict[str, Any]:
    return {
        "name": waypoint.name,
        "location_code": waypoint.location_code,
        "x": waypoint.x,
        "y": waypoint.y,
        "z": waypoint.z,
        "theta": waypoint.theta,
        "kind": waypoint.kind,
        "metadata": to_json(dict(waypoint.metadata)),
        "is_active": waypoint.is_active,
    }


def _waypoint(row: Row) -> Waypoint:
    return Waypoint(
        id=row["id"],
        name=row["name"],
        location_code=row["location_code"],
        x=row["x"],
        y=row["y"],
        z=row["z"],
        theta=row["theta"],
        kind=WaypointKind(row["kind"]),
        metadata=orjson.loads(row["metadata"]),
        is_active=bool(row["is_active"]),
        version=row["version"],
    )


def _lane(row: Row) -> Lane:
    return Lane(
        id=row["id"],
        start=row["start"],
        end=row["end"],
        length_m=row["length_m"],
        width_m=row["width_m"],
        speed_limit_m_s=row["speed_limit_m_s"],
        one_way=bool(row["one_way"]),
        closed=bool(row["closed"]),
        closed_from=row["closed_from"],
        closed_until=row["closed_until"],
    )
