"""The frames of docs/firmware-protocol.md, read a second time: written from that page alone and sharing no
code with the product, so that a mistake of its codec shows instead of cancelling out."""

from collections.abc import Iterator
from typing import NamedTuple

HELLO, HEARTBEAT, MOTION, STOP, CLEAR, LIMITS = range(0x01, 0x07)
WELCOME, STATUS, ODOMETRY, BATTERY, INPUTS, TRAY, TILT, FAULT = range(0x81, 0x89)
LATCH_STOP, LEAVING_STOP = 1, 2
VERSION = 1


class WireFrame(NamedTuple):
    """One sound frame. Fields as in the page's table: ms, and ms modulo 2^32."""

    type: int
    ttl_ms: int
    session: int
    sequence: int
    stamp_ms: int
    payload: bytes

    def age_s(self, now: float) -> float:
        """At `now`, in s of the sender's clock."""
        return ((int(now * 1e3) - self.stamp_ms + 2**31) % 2**32 - 2**31) / 1e3

    def motion(self) -> tuple[int, int]:
        """Of a MOTION: mm/s and mrad/s."""
        v, w = self.payload[:2], self.payload[2:4]
        return int.from_bytes(v, "little", signed=True), int.from_bytes(w, "little", signed=True)


class WireReader:
    """Bytes of one direction in, sound frames out; `broken` counts what was no frame."""

    def __init__(self) -> None:
        self.broken = 0
        self._rest = b""

    def feed(self, data: bytes) -> list[WireFrame]:
        *pieces, self._rest = (self._rest + data).split(b"\0")
        frames = []
        for piece in pieces:
            frame = read_frame(piece)
            if frame is not None:
                frames.append(frame)
            elif piece:
                self.broken += 1
        return frames


def read_frame(coded: bytes) -> WireFrame | None:
    """The frame whose bytes between two zeros are `coded`; None where they are none."""
    raw = _without_cobs(coded)
    if raw is None or not 18 <= len(raw) <= 66 or raw[0] != VERSION:
        return None
    if _crc(raw[:-2]) != int.from_bytes(raw[-2:], "little"):
        return None
    return WireFrame(
        raw[1],
        int.from_bytes(raw[2:4], "little"),
        int.from_bytes(raw[4:8], "little"),
        int.from_bytes(raw[8:12], "little"),
        int.from_bytes(raw[12:16], "little"),
        raw[16:-2],
    )


def _without_cobs(coded: bytes) -> bytes | None:
    """Each block begins with its length; between two blocks there was a zero."""
    blocks: list[bytes] = []
    place = 0
    while place < len(coded):
        length = coded[place]
        if length == 0 or place + length > len(coded):
            return None
        blocks.append(coded[place + 1 : place + length])
        place += length
    return b"\0".join(blocks)


def _crc_table() -> Iterator[int]:
    for byte in range(256):
        value = byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
        yield value


_CRC = tuple(_crc_table())


def _crc(data: bytes) -> int:
    """CRC-16/CCITT-FALSE, most significant bit first."""
    value = 0xFFFF
    for byte in data:
        value = (value << 8 & 0xFFFF) ^ _CRC[value >> 8 ^ byte]
    return value
