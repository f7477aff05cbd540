"""Where the robot was last."""

import orjson

from edge.domain.robots import LastPose
from edge.store.database import Transaction, to_json
from edge.store.repository import R_co, Repository

_KEY = "pose"


class Whereabouts(Repository[R_co]):
    def get(self) -> LastPose | None:
        text = self._store.value("SELECT value FROM state WHERE key = ?", _KEY)
        return None if text is None else LastPose(**orjson.loads(text))

    def put(self: "Whereabouts[Transaction]", pose: LastPose) -> None:
        value = to_json({"x": pose.x, "y": pose.y, "theta": pose.theta})
        self._store.execute(
            "INSERT INTO state (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            _KEY,
            value,
        )
