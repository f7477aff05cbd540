"""The codec in C against the codec in Python, both ways round."""

from binascii import crc_hqx
from typing import Any

import pytest
from cobs import cobs
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.frames import Frame, FrameDecoder, encode
from firmware_bridge.messages import (
    Battery,
    Clear,
    Fault,
    FaultCode,
    Heartbeat,
    Hello,
    InputsNow,
    Limits,
    MessageError,
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
from tests.support.c_board import CMessage, CReader, Reference

KINDS = (
    *(Hello, Heartbeat, Motion, Stop, Clear, Limits, Welcome, Status),
    *(Odometry, Battery, InputsNow, Tray, Tilt, Fault),
)
FORMS = {kind.TYPE.value: kind.FORM for kind in KINDS}
U32 = st.integers(0, 2**32 - 1)


def payloads(kind: Any) -> st.SearchStrategy[bytes]:
    """Every payload that this type may have."""
    if kind is Stop:
        return st.sampled_from(StopKind).map(lambda stop: bytes([stop]))
    if kind is Fault:
        return st.builds(FORMS[Fault.TYPE].pack, st.sampled_from(FaultCode), U32)
    size = FORMS[kind.TYPE].size
    # Zeros and 0xff are what COBS and the signs are about.
    byte = st.one_of(st.integers(0, 255), st.sampled_from([0, 0x7F, 0x80, 0xFF]))
    return st.lists(byte, min_size=size, max_size=size).map(bytes)


def frames_of(kind: Any) -> st.SearchStrategy[Frame]:
    return st.builds(
        Frame, st.just(int(kind.TYPE)), U32, U32, U32, st.integers(0, 0xFFFF), payloads(kind)
    )


frames = st.sampled_from(KINDS).flatmap(frames_of)
SAMPLE = Frame(3, 0x11223344, 7, 1000, 200, b"\x2c\x01\x00\x00")


def as_frame(message: CMessage) -> Frame:
    payload = FORMS[message.type].pack(*message.values())
    header = message.type, message.session, message.sequence, message.stamp_ms, message.ttl_ms
    return Frame(*header, payload)


def decoded(reader: CReader, line: bytes) -> list[Frame]:
    return [as_frame(message) for message in reader.feed(line)]


def test_the_example_of_the_page_is_its_bytes_in_c(reference: Reference) -> None:
    line = bytes.fromhex("040103c8064433221107010103e80301032c01010319a900")
    assert reference.encode(SAMPLE, (300, 0)) == line
    assert decoded(CReader(reference), line) == [SAMPLE]
    assert reference.crc(b"123456789") == 0x29B1


@given(frame=frames)
def test_c_writes_what_python_writes(reference: Reference, frame: Frame) -> None:
    assert reference.encode(frame, FORMS[frame.type].unpack(frame.payload)) == encode(frame)


@given(sent=st.lists(frames, max_size=5))
def test_c_reads_what_python_wrote(reference: Reference, sent: list[Frame]) -> None:
    reader = CReader(reference)
    assert decoded(reader, b"".join(map(encode, sent))) == sent
    assert reader.bad == reader.unknown == 0


@given(sent=st.lists(frames, max_size=5))
def test_python_reads_what_c_wrote(reference: Reference, sent: list[Frame]) -> None:
    line = b"".join(
        reference.encode(frame, FORMS[frame.type].unpack(frame.payload)) for frame in sent
    )
    assert FrameDecoder().feed(line) == sent


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_flipped_bit_is_never_taken_and_the_next_frame_but_one_is(
    reference: Reference, kind: Any
) -> None:
    payload = b"\x01" + bytes(FORMS[kind.TYPE].size - 1) if FORMS[kind.TYPE].size else b""
    whole = encode(SAMPLE._replace(type=int(kind.TYPE), payload=payload))
    after = [SAMPLE._replace(sequence=8), SAMPLE._replace(sequence=9)]
    for bit in range(len(whole) * 8):
        line = bytearray(whole)
        line[bit // 8] ^= 1 << bit % 8
        reader = CReader(reference)
        got = decoded(reader, bytes(line) + encode(after[0]) + encode(after[1]))
        assert got in (after, after[1:]), bit
        assert reader.bad >= 1


def damaged(frame: Frame, at: int, value: int, cut: int) -> bytes:
    line = bytearray(encode(frame))
    line[at % len(line)] = value
    return bytes(line[: len(line) - cut])


rubbish = st.one_of(
    st.binary(max_size=150),
    st.builds(encode, frames),
    st.builds(damaged, frames, st.integers(0, 67), st.integers(0, 255), st.integers(0, 3)),
    # Sound frames of a type, length or value that does not exist.
    st.builds(
        lambda kind, payload: encode(SAMPLE._replace(type=kind, payload=payload)),
        st.integers(0, 255),
        st.binary(max_size=48),
    ),
)


@settings(max_examples=300)
@given(pieces=st.lists(rubbish, max_size=8))
def test_of_any_rubbish_both_take_and_refuse_the_same(
    reference: Reference, pieces: list[bytes]
) -> None:
    reader, python = CReader(reference), FrameDecoder()
    taken, unknown = [], 0
    for piece in pieces:
        for frame in python.feed(piece):
            try:
                parse(frame)
                taken.append(frame)
            except MessageError:
                unknown += 1
    assert decoded(reader, b"".join(pieces)) == taken
    assert (reader.bad, reader.unknown) == (python.dropped.total(), unknown)


@given(noise=st.binary(max_size=300), frame=frames)
def test_after_any_noise_and_one_zero_the_next_frame_is_read(
    reference: Reference, noise: bytes, frame: Frame
) -> None:
    assert decoded(CReader(reference), noise + b"\0" + encode(frame))[-1] == frame


def test_an_endless_frame_is_refused_once_as_soon_as_it_is_too_long(reference: Reference) -> None:
    reader = CReader(reference)
    assert decoded(reader, b"x" * 67) == [] and reader.bad == 0
    assert decoded(reader, b"x" * 10_000) == [] and reader.bad == 1
    assert decoded(reader, b"\0" + encode(SAMPLE)) == [SAMPLE] and reader.bad == 1


def test_an_idle_line_of_zeros_is_no_fault(reference: Reference) -> None:
    reader = CReader(reference)
    assert decoded(reader, b"\0\0\0" + encode(SAMPLE) + b"\0") == [SAMPLE]
    assert reader.bad == reader.unknown == 0


def test_a_sound_frame_of_another_version_is_bad(reference: Reference) -> None:
    body = b"\x02" + cobs.decode(encode(SAMPLE)[:-1])[1:-2]
    reader = CReader(reference)
    assert (
        reader.feed(cobs.encode(body + crc_hqx(body, 0xFFFF).to_bytes(2, "little")) + b"\0") == []
    )
    assert reader.bad == 1


def test_a_type_that_does_not_exist_is_not_written(reference: Reference) -> None:
    message = CMessage(0x7F)
    assert reference.luna_encode(message, bytes(68)) == 0


@pytest.mark.parametrize(("code", "taken"), [(0, 0), (1, 1), (8, 1), (9, 0), (10, 0), (255, 0)])
def test_a_fault_of_a_code_that_does_not_exist_is_unknown(
    reference: Reference, code: int, taken: int
) -> None:
    reader = CReader(reference)
    payload = FORMS[Fault.TYPE].pack(code, 3)
    got = reader.feed(encode(SAMPLE._replace(type=Fault.TYPE.value, payload=payload)))
    assert (len(got), reader.unknown, reader.bad) == (taken, 1 - taken, 0)


def test_the_longest_frame_is_read_whole_though_no_type_has_it(reference: Reference) -> None:
    reader = CReader(reference)
    line = encode(SAMPLE._replace(type=0x7F, payload=b"x" * 48))
    assert len(line) == 68 and reader.feed(line) == []
    assert (reader.unknown, reader.bad) == (1, 0)


@pytest.mark.parametrize("size", range(1, 16))
def test_a_frame_shorter_than_a_header_is_bad_though_its_sum_is_right(
    reference: Reference, size: int
) -> None:
    body = (b"\x01\x7f" + bytes(14))[:size]
    reader = CReader(reference)
    line = cobs.encode(body + crc_hqx(body, 0xFFFF).to_bytes(2, "little")) + b"\0"
    assert reader.feed(line) == [] and (reader.bad, reader.unknown) == (1, 0)
