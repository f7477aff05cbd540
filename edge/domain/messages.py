"""All that the robot writes to people about a trip; edge/words.toml has the sentences: `message`."""

from collections.abc import Mapping
from enum import StrEnum

from edge import words
from edge.domain.failures import Failure
from edge.domain.notifications import NotificationType


class Message(StrEnum):
    REQUEST_RECEIVED = "REQUEST_RECEIVED"
    REQUEST_APPROVED = "REQUEST_APPROVED"
    PICKUP_PLANNED = "PICKUP_PLANNED"
    LOAD_WANTED = "LOAD_WANTED"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    SETTING_OUT = "SETTING_OUT"
    COMING_FOR_BOOK = "COMING_FOR_BOOK"
    AT_DESK_FOR_LOAD = "AT_DESK_FOR_LOAD"
    AT_READER_FOR_LOAD = "AT_READER_FOR_LOAD"
    ON_THE_WAY = "ON_THE_WAY"
    AT_READER = "AT_READER"
    AT_DESK_WITH_RETURN = "AT_DESK_WITH_RETURN"
    HANDED_OVER = "HANDED_OVER"
    GIVEN_BACK = "GIVEN_BACK"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    TURNING_BACK = "TURNING_BACK"
    BROUGHT_BACK = "BROUGHT_BACK"
    LOAD_STRANDED = "LOAD_STRANDED"
    NEW_PASSWORD = "NEW_PASSWORD"
    LINKED = "LINKED"


_UPDATE = NotificationType.DELIVERY_UPDATE
_REQUEST = NotificationType.REQUEST_STATUS
_ARRIVED = NotificationType.ROBOT_ARRIVED
_ALERT = NotificationType.SYSTEM_ALERT

TYPES: dict[Message, NotificationType] = {
    Message.REQUEST_RECEIVED: _REQUEST,
    Message.REQUEST_APPROVED: _REQUEST,
    Message.PICKUP_PLANNED: _REQUEST,
    Message.AWAITING_APPROVAL: _REQUEST,
    Message.LOAD_WANTED: _UPDATE,
    Message.SETTING_OUT: _UPDATE,
    Message.COMING_FOR_BOOK: _UPDATE,
    Message.AT_DESK_FOR_LOAD: _ARRIVED,
    Message.AT_READER_FOR_LOAD: _ARRIVED,
    Message.ON_THE_WAY: _UPDATE,
    Message.AT_READER: _ARRIVED,
    Message.AT_DESK_WITH_RETURN: _ARRIVED,
    Message.HANDED_OVER: _UPDATE,
    Message.GIVEN_BACK: _UPDATE,
    Message.CANCELLED: _REQUEST,
    Message.FAILED: _UPDATE,
    Message.TURNING_BACK: _UPDATE,
    Message.BROUGHT_BACK: _UPDATE,
    Message.LOAD_STRANDED: _ALERT,
    Message.NEW_PASSWORD: NotificationType.ACCOUNT,
    Message.LINKED: NotificationType.ACCOUNT,
}


def in_words(code: str, facts: Mapping[str, str], language: str = words.ENGLISH) -> tuple[str, str]:
    """Title and text of a Message, or of an Alarm. `facts`: the names of the places `source`, `destination` and
    `home`; what is brought, a `book`'s title or another `load`, and in which `slot` of the
    tray; and the `failure` of the task."""
    book, failure = facts.get("book"), facts.get("failure")
    if book:
        load = words.text("word", "BOOK", language, title=book)
    else:
        load = facts.get("load") or words.text("word", "LOAD", language)
    if slot := facts.get("slot"):
        load = words.text("word", "IN_SLOT", language, load=load, slot=slot)
    known = failure is not None and failure in Failure.__members__
    reason = words.text("failure", failure, language) if failure and known else ""
    section = "message" if code in Message.__members__ else "alarm"
    filled = {**facts, "load": load, "reason": reason}
    title, *said = words.texts(section, code, language, **filled)
    text = " ".join(" ".join(said).split())
    return title, text[:1].upper() + text[1:]
