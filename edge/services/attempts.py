"""Guesses at secrets that are short: after several in a row nobody guesses for a while, also over a restart."""

from edge.domain.times import later, seconds_between
from edge.domain.users import KIOSK_FAILURES, KIOSK_WINDOW_S, lock_s
from edge.services import audit
from edge.store.attempts import AttemptLog, Attempts
from edge.store.database import Reader, Transaction

KIOSK = "kiosk"
"""All wrong PINs at this robot's touchscreen, whosever they are."""
REMEMBERED_S = 86400.0


def hand_over(request_id: str) -> str:
    """The hand-over PIN of a request."""
    return f"hand-over:{request_id}"


def left_s(reader: Reader, key: str) -> float:
    """How long nobody may guess at it yet, s."""
    found = AttemptLog(reader).get(key)
    if found is None or found.locked_until is None:
        return 0.0
    return max(0.0, seconds_between(reader.now, found.locked_until))


def failed(tx: Transaction, key: str) -> None:
    """Count a wrong guess."""
    log = AttemptLog(tx)
    log.sweep(later(tx.now, -REMEMBERED_S))
    known = log.get(key)
    if key == KIOSK and known and seconds_between(known.since, tx.now) >= KIOSK_WINDOW_S:
        known = None
    failures = known.failures + 1 if known else 1
    since = known.since if known else tx.now
    log.set(key, Attempts(failures, since, _locked_until(tx, key, failures, since)))
    if key == KIOSK and failures == KIOSK_FAILURES:
        audit.record(tx, "kiosk.locked", "robot", tx.origin, failures=failures)


def succeeded(tx: Transaction, key: str) -> None:
    AttemptLog(tx).clear(key)


def _locked_until(tx: Transaction, key: str, failures: int, since: str) -> str | None:
    if key == KIOSK:
        return later(since, KIOSK_WINDOW_S) if failures >= KIOSK_FAILURES else None
    seconds = lock_s(failures)
    return tx.later(seconds) if seconds else None
