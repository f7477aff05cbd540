"""The gate's decisions told as a story: everything around them alive, time moved by hand."""

from edge.domain.stops import StopSource
from firmware_bridge.authority import Authority, Decision, Moment
from firmware_bridge.latch import Latch
from firmware_bridge.messages import Inputs, Limits, Status

LIMITS = Limits(0.31, 1.5, 0.5, 2.0, 1.0, 4.0)
TICK_S = 0.02


class Story:
    """An authority with everything around it alive, until a story takes something away."""

    def __init__(
        self,
        latch: Latch | None = None,
        holds_to_latch: int = 3,
        announce_s: float = 0.0,
        watched: tuple[str, ...] = ("ros", "supervisor"),
    ) -> None:
        self.now = 1000.0
        self._ids = iter(range(1_000_000))
        self.authority = Authority(
            LIMITS,
            latch or Latch(),
            self.at,
            new_id=lambda _: f"id-{next(self._ids)}",
            holds_to_latch=holds_to_latch,
            announce_s=announce_s,
            watched=watched,
        )
        self.beating = {"ros", "supervisor"}
        self.command: tuple[float, float] | None = (0.3, 0.0)
        self.decision = Decision(0.0, 0.0, False, None)
        self.board = Status(0, Inputs.NONE, 0)
        self.authority.link(True)
        self.board_says(self.board)

    @property
    def at(self) -> Moment:
        return Moment(self.now, self.now + 1e9)

    def board_says(self, status: Status) -> None:
        self.board = status
        self.authority.board_said(status, self.at)

    def forward(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.now += TICK_S
            for process in self.beating:
                self.authority.heartbeat(process, self.now, self.at)
            if self.command is not None:
                self.authority.command(*self.command, self.now, self.at)
            self.decision = self.authority.tick(self.at)

    def moves(self) -> bool:
        return bool(self.decision.linear_m_s or self.decision.angular_rad_s)

    @property
    def state(self) -> str:
        return self.authority.state(self.at).state.value

    @property
    def causes(self) -> list[str]:
        return [cause.name.value for cause in self.authority.state(self.at).causes]

    def stop(self) -> str:
        event_id, _ = self.authority.stop(StopSource.API, "anna", "a child", self.at)
        self.board_says(Status(self.board.latch + 1, Inputs.HOST_LATCH, 0))
        return event_id

    def reset(self, event_id: str) -> None:
        latch = self.authority.plan_reset(event_id, self.now, self.at)
        self.authority.adopt(latch, "bob", self.at)

    def resume(self) -> None:
        self.authority.adopt(self.authority.plan_resume(self.now, self.at), "bob", self.at)
