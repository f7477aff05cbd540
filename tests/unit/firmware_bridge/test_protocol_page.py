"""docs/firmware-protocol.md says what the code does."""

from pathlib import Path

import pytest

from firmware_bridge.frames import Frame, encode
from firmware_bridge.messages import FaultCode, MessageType, Motion


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "firmware-protocol.md").read_text()


def test_the_page_shows_the_bytes_of_its_example(page: str) -> None:
    motion = Motion(0.3, 0.0)
    data = encode(Frame(motion.TYPE, 0x11223344, 7, 1000, 200, motion.pack()))
    assert data.hex(" ") in page


@pytest.mark.parametrize("kind", MessageType)
def test_the_page_lists_each_message_with_its_number(page: str, kind: MessageType) -> None:
    assert f"| {kind.value:#04x} | {kind.name} |" in page


@pytest.mark.parametrize("code", FaultCode)
def test_the_page_lists_each_fault_with_its_number(page: str, code: FaultCode) -> None:
    assert f"{code.value} {code.name}" in page
