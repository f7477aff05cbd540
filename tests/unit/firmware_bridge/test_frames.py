"""The codec: whole, in pieces, damaged, and random."""

import struct
from binascii import crc_hqx

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.frames import MAX_PAYLOAD_BYTES, Frame, FrameDecoder, encode

frames = st.builds(
    Frame,
    type=st.integers(0, 0xFF),
    session=st.integers(0, 2**32 - 1),
    sequence=st.integers(0, 2**32 - 1),
    stamp_ms=st.integers(0, 2**32 - 1),
    ttl_ms=st.integers(0, 0xFFFF),
    payload=st.binary(max_size=MAX_PAYLOAD_BYTES),
)
LONGEST = 16 + MAX_PAYLOAD_BYTES + 2 + 1
"""Bytes of header, payload, CRC and COBS: no more need ever be kept."""
SAMPLE = Frame(3, 0x11223344, 7, 1000, 200, b"\x2c\x01\x00\x00")


def raw(version: int, payload: bytes = b"", crc_error: int = 0) -> bytes:
    """A frame written out from the specification, not by the product's encoder."""
    body = struct.pack("<BBHIII", version, 3, 200, 0x11223344, 7, 1000) + payload
    coded: bytes = cobs.encode(body + struct.pack("<H", crc_hqx(body, 0xFFFF) ^ crc_error))
    return coded + b"\0"


def test_a_frame_is_the_bytes_of_the_specification() -> None:
    assert encode(SAMPLE) == raw(1, SAMPLE.payload)
    # Written out; docs/firmware-protocol.md shows the same bytes.
    assert encode(SAMPLE).hex() == "040103c8064433221107010103e80301032c01010319a900"


def test_the_crc_is_ccitt_false() -> None:
    assert crc_hqx(b"123456789", 0xFFFF) == 0x29B1


@given(st.lists(frames, max_size=5))
def test_what_is_encoded_is_decoded_whole_or_byte_by_byte(sent: list[Frame]) -> None:
    line = b"".join(encode(frame) for frame in sent)
    assert FrameDecoder().feed(line) == sent
    decoder = FrameDecoder()
    assert [frame for byte in line for frame in decoder.feed(bytes([byte]))] == sent
    assert not decoder.dropped


@pytest.mark.parametrize("bit", range(len(encode(SAMPLE)) * 8))
def test_a_flipped_bit_is_never_taken_and_the_next_frame_is(bit: int) -> None:
    line = bytearray(encode(SAMPLE))
    line[bit // 8] ^= 1 << bit % 8
    after = SAMPLE._replace(sequence=8)
    decoder = FrameDecoder()
    got = decoder.feed(bytes(line) + encode(after) + encode(after._replace(sequence=9)))
    # A flipped delimiter joins two frames into one broken one; the next delimiter is a new beginning.
    assert got in ([after, after._replace(sequence=9)], [after._replace(sequence=9)])
    assert decoder.dropped.total() >= 1


@given(st.binary(max_size=300), frames)
def test_the_decoder_takes_any_rubbish_and_finds_the_frame_after_it(
    rubbish: bytes, frame: Frame
) -> None:
    assert FrameDecoder().feed(rubbish + b"\0" + encode(frame))[-1] == frame


@given(frames, st.data())
def test_no_frame_is_taken_with_a_flipped_bit(frame: Frame, data: st.DataObject) -> None:
    line = bytearray(encode(frame))
    bit = data.draw(st.integers(0, len(line) * 8 - 9))  # not the delimiter
    line[bit // 8] ^= 1 << bit % 8
    decoder = FrameDecoder()
    assert decoder.feed(bytes(line)) == []
    assert decoder.dropped.total() >= 1


@given(st.binary(max_size=300), st.lists(frames, min_size=2, max_size=4), st.integers(1, 400))
def test_rubbish_takes_one_frame_with_it_at_most(
    rubbish: bytes, sent: list[Frame], size: int
) -> None:
    line = rubbish + b"".join(encode(frame) for frame in sent)
    decoder = FrameDecoder()
    got = [
        frame for at in range(0, len(line), size) for frame in decoder.feed(line[at : at + size])
    ]
    assert got[1 - len(sent) :] == sent[1:]


@given(st.lists(st.binary(max_size=100), max_size=10))
def test_rubbish_in_pieces_never_raises_nor_grows(pieces: list[bytes]) -> None:
    decoder = FrameDecoder()
    for piece in pieces:
        decoder.feed(piece)
        assert len(decoder._rest) <= LONGEST


def test_the_longest_frame_may_come_in_pieces() -> None:
    line = encode(SAMPLE._replace(payload=bytes(MAX_PAYLOAD_BYTES)))
    assert len(line) == LONGEST + 1
    decoder = FrameDecoder()
    assert decoder.feed(line[:-1]) == []
    assert len(decoder.feed(line[-1:])) == 1
    assert not decoder.dropped


def test_an_endless_frame_is_cut_off_and_counted_once() -> None:
    decoder = FrameDecoder()
    for _ in range(100):
        assert decoder.feed(b"x" * 100) == []
        assert len(decoder._rest) <= LONGEST
    assert decoder.feed(b"\0" + encode(SAMPLE)) == [SAMPLE]
    assert decoder.dropped == {"overlong": 1}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"\x09ab\0", "cobs"),
        (b"\x03ab\0", "short"),
        (raw(1, crc_error=1), "crc"),
        (raw(2), "version"),
        (b"x" * 200 + b"\0", "overlong"),
        (cobs.encode(b"x" * 67) + b"\0", "overlong"),
    ],
)
def test_each_kind_of_rubbish_is_counted_by_its_name(line: bytes, why: str) -> None:
    decoder = FrameDecoder()
    assert decoder.feed(line) == []
    assert decoder.dropped == {why: 1}


def test_an_idle_line_of_zeros_is_no_fault() -> None:
    decoder = FrameDecoder()
    assert decoder.feed(b"\0\0\0" + encode(SAMPLE) + b"\0") == [SAMPLE]
    assert not decoder.dropped


def test_a_payload_that_is_too_long_is_our_own_mistake() -> None:
    longest = SAMPLE._replace(payload=bytes(MAX_PAYLOAD_BYTES))
    assert FrameDecoder().feed(encode(longest)) == [longest]
    with pytest.raises(ValueError, match="at most 48"):
        encode(SAMPLE._replace(payload=bytes(MAX_PAYLOAD_BYTES + 1)))
