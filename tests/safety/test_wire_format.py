"""The second codec: it reads what the page shows and what the product writes, and nothing that is damaged."""

from random import Random

from firmware_bridge import frames
from firmware_bridge.frames import Frame
from tests.support.wire_format import MOTION, WireFrame, WireReader, read_frame

EXAMPLE = bytes.fromhex("04 01 03 c8 06 44 33 22 11 07 01 01 03 e8 03 01 03 2c 01 01 03 19 a9 00")
"""Of docs/firmware-protocol.md."""


def test_the_example_of_the_page_is_read() -> None:
    (frame,) = WireReader().feed(EXAMPLE)
    assert frame == WireFrame(MOTION, 200, 0x11223344, 7, 1000, b"\x2c\x01\x00\x00")
    assert frame.motion() == (300, 0)


def test_it_reads_what_the_product_writes() -> None:
    random, reader = Random(1), WireReader()
    for _ in range(2000):
        session, sequence, stamp = (
            random.randrange(1 << 32) >> random.randrange(33) for _ in "123"
        )
        payload = random.randbytes(random.randrange(49)) if random.random() < 0.5 else bytes(48)
        kind, ttl = random.randrange(256), random.randrange(1 << 16)
        sent = Frame(kind, session, sequence, stamp, ttl, payload)
        (read,) = reader.feed(frames.encode(sent))
        assert read._asdict() == sent._asdict()


def test_a_frame_with_one_bit_flipped_is_none() -> None:
    for bit in range(8 * (len(EXAMPLE) - 1)):
        damaged = bytearray(EXAMPLE[:-1])
        damaged[bit // 8] ^= 1 << bit % 8
        assert read_frame(bytes(damaged)) is None


def test_every_single_byte_in_between_is_survived() -> None:
    reader = WireReader()
    for byte in range(1, 256):
        assert len(reader.feed(bytes([byte, 0]) + EXAMPLE)) == 1
    assert reader.broken == 255
