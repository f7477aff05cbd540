"""What is wrong with the robot's power, as staff are told and as its status shows."""

from collections.abc import Collection

from edge.domain.notifications import NotificationType
from edge.domain.power import Alarm
from edge.services import audit, notifications
from edge.store.database import Reader, Transaction
from edge.store.memory import Memory

_NAME = "alarms"


def raised(reader: Reader) -> dict[Alarm, str]:
    """Since when each has been."""
    return {
        Alarm(code): str(since)
        for code, since in Memory(reader).get(_NAME).items()
        if code in Alarm.__members__  # a newer program may have written others
    }


def set_alarms(tx: Transaction, wanted: Collection[Alarm]) -> None:
    """These are the alarms now. Staff are told of each once, when it is new; it stays over a restart."""
    before = raised(tx)
    for alarm in sorted(set(wanted) - set(before)):
        notifications.notify_staff(tx, NotificationType.SYSTEM_ALERT, alarm)
        audit.record(tx, "alarm.raise", "robot", tx.origin, code=alarm)
    for alarm in sorted(set(before) - set(wanted)):
        audit.record(tx, "alarm.clear", "robot", tx.origin, code=alarm)
    Memory(tx).put(_NAME, {alarm.value: before.get(alarm, tx.now) for alarm in wanted})
