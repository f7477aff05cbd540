"""The typed payloads: there and back, and what is refused."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.frames import MAX_PAYLOAD_BYTES, Frame
from firmware_bridge.messages import (
    SENSED,
    Battery,
    Clear,
    Fault,
    FaultCode,
    Heartbeat,
    Hello,
    Inputs,
    InputsNow,
    Limits,
    Message,
    MessageError,
    MessageType,
    Motion,
    Odometry,
    Status,
    Stop,
    StopKind,
    Tilt,
    Tray,
    Welcome,
    parse,
)

SAMPLES: list[tuple[Message, str]] = [
    (Hello(0x01020304), "04030201"),
    (Heartbeat(), ""),
    (Motion(0.3, -1.5), "2c0124fa"),
    (Stop(StopKind.LATCH), "01"),
    (Clear(258), "0201"),
    (Limits(0.31, 1.5, 0.5, 2.0, 1.0, 4.0), "3601dc05f401d007e803a00f"),
    (Welcome(1, 0x0100, 0.5, 2.0), "010000000001f401d007"),
    (Status(3, Inputs.BUTTON | Inputs.HOST_LATCH, 9), "0300110009000000"),
    (Odometry(1.0, -2.0, 0.5, 0.3, -0.1), "10270000e0b1ffff20a107002c019cff"),
    (Battery(0.5, 24.0, -1.0, charging=True, low=False), "8813c05d9cff01"),
    (InputsNow(Inputs.BUMPER), "0200"),
    (Tray(-20, locked=True), "ecffffff01"),
    (Tilt(0.1, -0.1), "64009cff"),
    (Fault(FaultCode.LATE, 2), "0402000000"),
]


def frame(message: Message) -> Frame:
    return Frame(message.TYPE, 1, 1, 0, 0, message.pack())


def test_there_is_a_sample_of_each_type() -> None:
    assert {message.TYPE for message, _ in SAMPLES} == set(MessageType)


@pytest.mark.parametrize(("message", "written"), SAMPLES, ids=lambda x: type(x).__name__)
def test_a_message_is_the_bytes_of_the_specification_and_back(
    message: Message, written: str
) -> None:
    assert message.pack().hex() == written
    assert parse(frame(message)) == message


@pytest.mark.parametrize(("message", "_"), SAMPLES, ids=lambda x: type(x).__name__)
def test_a_payload_of_another_length_is_refused(message: Message, _: str) -> None:
    good = frame(message)
    with pytest.raises(MessageError):
        parse(good._replace(payload=good.payload + b"\0"))
    if good.payload:
        with pytest.raises(MessageError):
            parse(good._replace(payload=good.payload[:-1]))


@pytest.mark.parametrize(
    "bad",
    [
        Frame(0x7F, 1, 1, 0, 0, b""),
        Frame(4, 1, 1, 0, 0, b"\x09"),
        Frame(0x88, 1, 1, 0, 0, b"\xc8\0\0\0\0"),
    ],
)
def test_a_type_or_value_that_does_not_exist_is_refused(bad: Frame) -> None:
    with pytest.raises(MessageError):
        parse(bad)


@given(st.integers(0, 255), st.binary(max_size=48))
def test_no_payload_does_anything_but_parse_or_be_refused(kind: int, payload: bytes) -> None:
    with contextlib.suppress(MessageError):
        parse(Frame(kind, 1, 1, 0, 0, payload))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_never_sent(value: float) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        Motion(value, 0.0).pack()
    with pytest.raises(ValueError, match="cannot be sent"):
        Motion(0.0, value).pack()


@given(st.floats(-40.0, 40.0))
def test_rounding_never_makes_a_velocity_larger(value: float) -> None:
    back = Motion.unpack(Motion(value, 0.0).pack()).linear_m_s
    assert abs(back) <= abs(value) + 1e-8
    assert abs(back - value) < 1.1e-3 or abs(value) > 32.7


@given(st.integers(-32_000, 32_000))
def test_whole_steps_are_sent_as_they_are(steps: int) -> None:
    assert Motion.unpack(Motion(steps / 1e3, 0.0).pack()).linear_m_s == steps / 1e3


def test_a_number_out_of_range_stays_at_the_end_of_the_range() -> None:
    assert Motion.unpack(Motion(1e308, -1e308).pack()) == Motion(32.767, -32.768)


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (
            Limits(1e9, -1.0, 65.535, 65.536, 0.0, 1.0),
            Limits(65.535, 0.0, 65.535, 65.535, 0.0, 1.0),
        ),
        (Odometry(1e9, -1e9, 1e9, 0, 0), Odometry(214_748.3647, -214_748.3648, 2147.483647, 0, 0)),
        (Battery(1.5, 0, 0, False, True), Battery(1.0, 0, 0, False, True)),
        (Battery(-0.5, 99, -999, True, True), Battery(0.0, 65.535, -327.68, True, True)),
    ],
    ids=lambda message: type(message).__name__,
)
def test_each_field_stays_in_its_own_range(sent: Message, received: Message) -> None:
    assert parse(frame(sent)) == received


def test_a_battery_is_never_sent_as_more_than_full() -> None:
    assert Battery(1.5, 0, 0, False, False).pack()[:2] == (10_000).to_bytes(2, "little")


def test_a_battery_that_claims_more_than_full_is_full() -> None:
    claimed = frame(Battery(1.0, 24.0, 0.0, charging=False, low=False)).payload
    for level, fraction in ((9_999, 0.9999), (10_000, 1.0), (10_001, 1.0), (0xFFFF, 1.0)):
        battery = Battery.unpack(level.to_bytes(2, "little") + claimed[2:])
        assert battery == Battery(fraction, 24.0, 0.0, charging=False, low=False)


def test_the_numbers_of_bits_and_codes_are_those_of_the_specification() -> None:
    assert {bit.name: bit.value for bit in Inputs} == {
        "BUTTON": 0x01,
        "BUMPER": 0x02,
        "TILT": 0x04,
        "LIFTED": 0x08,
        "HOST_LATCH": 0x10,
        "HOST_LEFT": 0x20,
    }
    assert SENSED == 0x0F
    assert {kind.name: kind.value for kind in StopKind} == {"LATCH": 1, "LEAVING": 2}
    assert [code.value for code in FaultCode] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_only_a_status_with_a_cause_is_latched() -> None:
    assert Status(1, Inputs.HOST_LEFT, 0).latched
    assert not Status(1, Inputs.NONE, 0).latched


def test_counters_that_overflow_go_round() -> None:
    assert Status.unpack(Status(1, Inputs.NONE, 2**32 + 5).pack()).refused == 5


def test_the_smaller_of_each_limit_wins() -> None:
    ours, theirs = Limits(1, 9, 1, 9, 1, 9), Limits(2, 2, 2, 2, 2, 2)
    assert ours.lowered_to(theirs) == theirs.lowered_to(ours) == Limits(1, 2, 1, 2, 1, 2)


def test_the_largest_message_leaves_room_in_the_frame() -> None:
    assert max(len(message.pack()) for message, _ in SAMPLES) * 2 <= MAX_PAYLOAD_BYTES
