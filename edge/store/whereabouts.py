"""Where the robot was last."""

import orjson

from edge.domain.robots import LastPose
from edge.store.database import Transaction, to_json
from edge.store.repository import R_co, Repository

_KEY = "pose"


class Whereabouts(Repository[R_co]):
    def get(self) -> LastPose | None:
        text = self._store.value("SELECT value FROM state WHERE key = ?", _KEY)
        if text is None:
            return None
        facts = orjson.loads(text)
        return LastPose(tuple(facts["pose"]), tuple(facts["odometry"]))

    def put(self: "Whereabouts[Transaction]", pose: LastPose) -> None:
        # Lists, because a caller's named tuple is not JSON.
        value = to_json({"pose": [*pose.pose], "odometry": [*pose.odometry]})
        self._store.execute(
            "INSERT INTO state (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            _KEY,
            value,
        )
