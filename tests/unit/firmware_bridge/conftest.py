"""The robot of these stories, and the boards."""

from functools import partial

import pytest

from firmware_bridge.authority import Decision
from firmware_bridge.messages import Motion
from firmware_bridge.simulated_firmware import SimulatedFirmware
from tests.support.c_board import CBoard, Reference, compile_reference, compiler
from tests.support.peer import MakeBoard, Peer
from tests.support.story import Story


@pytest.fixture
def story() -> Story:
    driving = Story()
    driving.forward(1.0)
    assert driving.decision == Decision(0.3, 0.0, False, None)
    return driving


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """firmware_bridge/reference/, compiled."""
    if compiler() is None:
        pytest.skip("no C compiler (cc or gcc)")
    library = tmp_path_factory.mktemp("reference") / "libluna.so"
    return Reference(compile_reference(library, "-O1", "-shared", "-fPIC"))


@pytest.fixture(params=["python", "c"])
def make_board(request: pytest.FixtureRequest) -> MakeBoard:
    """Each rule of the page holds for both boards."""
    if request.param == "python":
        return SimulatedFirmware
    return partial(CBoard, request.getfixturevalue("reference"))


@pytest.fixture
def stranger(make_board: MakeBoard) -> Peer:
    """There is no session yet."""
    return Peer(make_board)


@pytest.fixture
def peer(stranger: Peer) -> Peer:
    """A session is open and the robot drives at 0.3 m/s."""
    stranger.hello()
    stranger.driving = Motion(0.3, 0.0)
    stranger.forward(1.0)
    assert stranger.board.velocity == (0.3, 0.0)
    stranger.told.clear()
    return stranger


@pytest.fixture
def fresh(stranger: Peer) -> Peer:
    """Nothing was sent or ticked yet. The gate's clock is half a millisecond on, as stamps are cut to whole ones."""
    stranger.clock_s = 3.0005
    return stranger


@pytest.fixture
def exact(fresh: Peer) -> Peer:
    """A session is open."""
    fresh.hello()
    fresh.told.clear()
    return fresh
