"""Keeps in mind what the battery told, so that the rules of edge.domain.errands can weigh it. No ROS."""

from edge.domain.power import FULL, Charge, Power, PowerLimits, power_after


class ChargeWatch:
    """`look` at each tick; `back_off` and `leave` when the robot sets out."""

    def __init__(self, limits: PowerLimits, patience_s: float) -> None:
        """`patience_s`: so soon after docking it should charge."""
        self._limits, self._patience_s = limits, patience_s
        self._power: Power | None = None
        self._uncharged_since: float | None = None
        self._docked_again = False

    def look(self, now: float, level: float | None, *, charging: bool, on_dock: bool) -> Charge:
        """`now` in s; `level`: None where nothing was heard; `on_dock`: it stands there."""
        if level is None:
            return Charge(patience_s=self._patience_s)
        self._power = power_after(self._power, level, self._limits, charging=charging)
        self._docked_again = self._docked_again and not charging
        if not on_dock or charging or level >= FULL:
            self._uncharged_since = None
        elif self._uncharged_since is None:
            self._uncharged_since = now
        waited = 0.0 if self._uncharged_since is None else now - self._uncharged_since
        return Charge(self._power, waited, self._patience_s, self._docked_again)

    def back_off(self) -> None:
        """It drives off its dock to dock again."""
        self._docked_again = True

    def leave(self) -> None:
        """It drives elsewhere: the next time on its dock is a first one."""
        self._docked_again = False
