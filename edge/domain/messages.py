"""All that the robot writes to people about a trip, in plain sentences."""

from dataclasses import dataclass
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class Template:
    """Filled with `load`, `source`, `destination`, and `reason`, a sentence that may be empty."""

    type: NotificationType
    title: str
    text: str

    def fill(self, **words: str) -> str:
        return " ".join(self.text.format(**words).split())


_UPDATE = NotificationType.DELIVERY_UPDATE
_REQUEST = NotificationType.REQUEST_STATUS
_ARRIVED = NotificationType.ROBOT_ARRIVED
_ALERT = NotificationType.SYSTEM_ALERT

TEMPLATES: dict[Message, Template] = {
    Message.REQUEST_RECEIVED: Template(
        _REQUEST,
        "Request received",
        "We have your request for {load}. A librarian will look at it.",
    ),
    Message.REQUEST_APPROVED: Template(
        _REQUEST, "Request approved", "The robot will bring {load} to {destination}."
    ),
    Message.PICKUP_PLANNED: Template(
        _REQUEST, "Pick-up planned", "The robot will come to {source} to take {load} back."
    ),
    Message.AWAITING_APPROVAL: Template(
        _REQUEST, "A request waits for you", "{load} is wanted at {destination}. Please approve it."
    ),
    Message.LOAD_WANTED: Template(
        _UPDATE,
        "Please fetch a load",
        "{load} is wanted at {destination}. Please have it at {source}.",
    ),
    Message.SETTING_OUT: Template(
        _UPDATE,
        "The robot is fetching your book",
        "The robot is on its way to {source} for {load}.",
    ),
    Message.COMING_FOR_BOOK: Template(
        _UPDATE, "The robot is coming", "The robot is on its way to {source} to take {load} back."
    ),
    Message.AT_DESK_FOR_LOAD: Template(
        _ARRIVED, "The robot waits to be loaded", "Please put {load} on the robot at {source}."
    ),
    Message.AT_READER_FOR_LOAD: Template(
        _ARRIVED, "The robot is here", "The robot is at {source}. Please put {load} on it."
    ),
    Message.ON_THE_WAY: Template(
        _UPDATE, "On the way", "The robot is on its way to {destination} with {load}."
    ),
    Message.AT_READER: Template(
        _ARRIVED, "The robot is here", "The robot is at {destination}. Please take {load}."
    ),
    Message.AT_DESK_WITH_RETURN: Template(
        _ARRIVED, "The robot brings a return", "Please take {load} off the robot at {destination}."
    ),
    Message.HANDED_OVER: Template(_UPDATE, "Delivered", "{load} was handed over at {destination}."),
    Message.GIVEN_BACK: Template(
        _UPDATE, "Given back", "{load} is back at the library. Thank you."
    ),
    Message.CANCELLED: Template(
        _REQUEST, "Cancelled", "The trip to {destination} with {load} was cancelled. {reason}"
    ),
    Message.FAILED: Template(
        _UPDATE, "It did not work", "The trip to {destination} with {load} has failed. {reason}"
    ),
    Message.TURNING_BACK: Template(
        _UPDATE, "The robot turns back", "The robot takes {load} back to {home}. {reason}"
    ),
    Message.BROUGHT_BACK: Template(_UPDATE, "Brought back", "{load} is back at {home}. {reason}"),
    Message.LOAD_STRANDED: Template(
        _ALERT,
        "The robot needs help",
        "{load} is still on the robot, which cannot bring it back. {reason}",
    ),
}
