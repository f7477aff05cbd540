"""Orders to the robot that are no tasks, and what it was told to be (paused, under maintenance)."""

import orjson

from edge.domain.robots import CommandStatus, CommandType, RobotCommand
from edge.store.database import Transaction, to_json
from edge.store.repository import R_co, Repository
from edge.store.sqlite import Row


class Commands(Repository[R_co]):
    def get(self, command_id: str) -> RobotCommand | None:
        row = self._store.row("SELECT * FROM robot_command WHERE id = ?", command_id)
        return None if row is None else _command(row)

    def with_status(self, status: CommandStatus) -> list[RobotCommand]:
        """The oldest first."""
        rows = self._store.rows(
            """SELECT * FROM robot_command
            WHERE status IN ('PENDING', 'RUNNING') AND status = ? ORDER BY issued_at, id""",
            status,
        )
        return [_command(row) for row in rows]

    def add(self: "Commands[Transaction]", command: RobotCommand) -> None:
        self._store.insert(
            "robot_command",
            id=command.id,
            type=command.type,
            params=to_json(command.params),
            issuer=command.issuer,
            status=command.status,
            issued_at=command.issued_at,
            expires_at=command.expires_at,
        )

    def save(self: "Commands[Transaction]", command: RobotCommand) -> None:
        self._store.update(
            "robot_command",
            command.id,
            status=command.status,
            finished_at=command.finished_at,
            result=to_json(command.result),
        )


def _command(row: Row) -> RobotCommand:
    return RobotCommand(
        id=row["id"],
        type=CommandType(row["type"]),
        params=orjson.loads(row["params"]),
        issuer=row["issuer"],
        status=CommandStatus(row["status"]),
        issued_at=row["issued_at"],
        expires_at=row["expires_at"],
        finished_at=row["finished_at"],
        result=orjson.loads(row["result"]),
    )


class Switches(Repository[R_co]):
    """Few named values that stay over a restart."""

    def on(self, *names: str) -> set[str]:
        """Those of them that are on."""
        rows = self._store.rows(
            f"SELECT key FROM state WHERE value = 'on' AND key IN ({', '.join('?' * len(names))})",
            *names,
        )
        return {row["key"] for row in rows}

    def set(self: "Switches[Transaction]", name: str, on: bool) -> None:
        self._store.execute(
            "INSERT INTO state (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            name,
            "on" if on else "off",
        )
