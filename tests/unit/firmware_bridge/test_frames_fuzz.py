"""A long line full of damage, the same each time. LUNA_SOAK=1 makes it thirty times as long."""

import contextlib
import os
from random import Random

import pytest

from firmware_bridge.frames import MAX_PAYLOAD_BYTES, Frame, FrameDecoder, encode
from firmware_bridge.messages import MessageError, MessageType, parse

ROUNDS = 300_000 if os.environ.get("LUNA_SOAK") else 10_000
LONGEST = 16 + MAX_PAYLOAD_BYTES + 2 + 1
MISTAKEN = 1e-4
"""Most of the badly damaged frames that may pass: a CRC of 16 bits lets 1.5e-5 through."""

pytestmark = pytest.mark.timeout(3600 if os.environ.get("LUNA_SOAK") else 60)


def some_frame(random: Random) -> Frame:
    return Frame(
        type=random.choice(list(MessageType)),
        session=random.choice([0, 1, random.getrandbits(32)]),
        sequence=random.choice([random.randrange(1_000), random.getrandbits(32)]),
        stamp_ms=random.getrandbits(32),
        ttl_ms=random.choice([0, 200, 500]),
        payload=random.randbytes(random.choice([0, 1, 4, 4, 8, 16, 24, MAX_PAYLOAD_BYTES])),
    )


def damaged(line: bytes, random: Random) -> bytes:
    """Bytes changed, lost, doubled, put in, cut off, or replaced by rubbish."""
    at, size = random.randrange(len(line)), random.randrange(1, 8)
    kind = random.randrange(6)
    if kind == 0:
        return line[:at] + random.randbytes(size) + line[at + size :]
    if kind == 1:
        return line[:at] + line[at + size :]
    if kind == 2:
        return line[: at + size] + line[at:]
    if kind == 3:
        return line[:at] + random.randbytes(size) + line[at:]
    if kind == 4:
        return line[:at]
    return random.randbytes(random.randrange(200))


def test_no_flipped_bit_is_ever_taken() -> None:
    random = Random(1)
    for _ in range(ROUNDS):
        line = bytearray(encode(some_frame(random)))
        bit = random.randrange(len(line) * 8 - 8)
        line[bit // 8] ^= 1 << bit % 8
        assert FrameDecoder().feed(bytes(line)) == []


def test_damage_never_raises_and_costs_one_sound_frame_at_most() -> None:
    random, decoder, mistaken = Random(2), FrameDecoder(), 0
    for _ in range(ROUNDS):
        first, *sound = sent = [some_frame(random) for _ in range(3)]
        line = damaged(encode(first), random) + b"".join(map(encode, sound))
        got = []
        while line:
            size = random.choice([1, 7, 24, 64, 4096])
            got += decoder.feed(line[:size])
            line = line[size:]
            assert len(decoder._rest) <= LONGEST
        assert got[-1] == sound[-1]
        mistaken += sum(frame not in sent for frame in got)
        for frame in got:
            with contextlib.suppress(MessageError):
                parse(frame)
    assert mistaken <= MISTAKEN * ROUNDS
    assert decoder.dropped.keys() >= {"overlong", "cobs", "short", "crc"}
