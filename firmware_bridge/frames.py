"""Bytes of the serial line in, frames out, and back. No port, no clock; docs/firmware-protocol.md
is the specification.

On the line a frame is COBS(header, payload, CRC) and one zero byte. COBS leaves no zero inside, so
a reader that lost its place finds the next frame at the next zero. All numbers are little-endian.
"""

import struct
from binascii import crc_hqx
from collections import Counter
from typing import NamedTuple

from cobs import cobs

VERSION = 1
"""Protocol version, the first byte of each frame. A frame of another version is dropped and
counted."""

MAX_PAYLOAD_BYTES = 48
"""Largest payload. The largest message has 24 bytes; twice that is room to grow within this
version."""

_HEADER = struct.Struct("<BBHIII")
_CRC = struct.Struct("<H")
_CRC_START = 0xFFFF  # CRC-16/CCITT-FALSE
_SHORTEST = _HEADER.size + _CRC.size
_LONGEST = _SHORTEST + MAX_PAYLOAD_BYTES
_LONGEST_ENCODED = _LONGEST + 1  # COBS adds one byte to anything under 254


class Frame(NamedTuple):
    """One frame of either direction.

    `session`: the nonce that the board chose at the handshake; 0 before it. `sequence`: rises by
    one with each frame of its sender in this session. `stamp_ms`: the sender's own clock, in ms
    modulo 2^32. `ttl_ms`: for how long after `stamp_ms` the frame may be acted upon; 0 where age
    does not matter (telemetry).
    """

    type: int
    session: int
    sequence: int
    stamp_ms: int
    ttl_ms: int
    payload: bytes


def encode(frame: Frame, version: int = VERSION) -> bytes:
    """The bytes of `frame` with its delimiter. `version`: another one, to be refused by who knows
    only ours. Raises ValueError when the payload is too long."""
    if len(frame.payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(
            f"a payload has at most {MAX_PAYLOAD_BYTES} bytes, not {len(frame.payload)}"
        )
    body = (
        _HEADER.pack(
            version, frame.type, frame.ttl_ms, frame.session, frame.sequence, frame.stamp_ms
        )
        + frame.payload
    )
    coded: bytes = cobs.encode(body + _CRC.pack(crc_hqx(body, _CRC_START)))
    return coded + b"\0"


class FrameDecoder:
    """Takes bytes as they come and gives the whole frames in them.

    Half a frame waits for its rest. Rubbish is dropped up to the next zero byte; `dropped` counts
    it by reason: "overlong", "cobs", "short", "crc", "version".
    """

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes, oldest first. Never raises, whatever the bytes are."""
        *pieces, self._rest = (self._rest + data).split(b"\0")
        frames = []
        for piece in pieces:
            if self._skipping:  # the end of what was cut off for its length below
                self._skipping = False
            elif piece and (frame := self._decode(piece)) is not None:
                frames.append(frame)
        if len(self._rest) > _LONGEST_ENCODED:
            # The peer chooses when to send a zero; it must not choose how much memory we hold.
            if not self._skipping:
                self.dropped["overlong"] += 1
            self._skipping = True
            self._rest = b""
        return frames

    def _decode(self, piece: bytes) -> Frame | None:
        if len(piece) > _LONGEST_ENCODED:
            self.dropped["overlong"] += 1
            return None
        try:
            raw = cobs.decode(piece)
        except cobs.DecodeError:
            self.dropped["cobs"] += 1
            return None
        if len(raw) < _SHORTEST:
            self.dropped["short"] += 1
            return None
        body = raw[:-2]
        if crc_hqx(body, _CRC_START) != raw[-2] | raw[-1] << 8:
            self.dropped["crc"] += 1
            return None
        version, kind, ttl_ms, session, sequence, stamp_ms = _HEADER.unpack_from(body)
        if version != VERSION:
            self.dropped["version"] += 1
            return None
        # What Frame(...) does, without the function in Python that a NamedTuple's __new__ is.
        fields = (kind, session, sequence, stamp_ms, ttl_ms, body[_HEADER.size :])
        return tuple.__new__(Frame, fields)
