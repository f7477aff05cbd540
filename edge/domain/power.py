"""How full the battery is, in the three words that matter, and what staff are told about power.

Charge is a fraction, 0 to 1.
"""

from dataclasses import dataclass
from enum import StrEnum

FULL = 0.95
"""A charger may rest when the battery is this full."""


class Power(StrEnum):
    OK = "OK"
    LOW = "LOW"
    """No new task is taken; what is in hand is finished; then to the dock."""
    CRITICAL = "CRITICAL"
    """To the dock at once, unless somebody's load is on the tray."""


@dataclass(frozen=True, slots=True)
class PowerLimits:
    """Below `low` and `critical`; once low, tasks are taken again from `charged` on."""

    low: float
    critical: float
    charged: float


def power_after(
    before: Power | None, level: float, limits: PowerLimits, *, charging: bool
) -> Power:
    """The state at a charge of `level`. None: nobody knows what was before, so one who charges goes on charging."""
    if level < limits.critical:
        return Power.CRITICAL
    if level < limits.low:
        return Power.CRITICAL if before is Power.CRITICAL else Power.LOW
    if level >= limits.charged or before is Power.OK:
        return Power.OK
    return Power.LOW if before is not None or charging else Power.OK


@dataclass(frozen=True, slots=True)
class Battery:
    """`level` of the charge now; `reserve`: the least with which a task may end, back at the dock. `drive_s` and
    `stand_s`: how long a full battery lasts when the robot drives, and when it stands, in s."""

    level: float
    reserve: float
    drive_s: float
    stand_s: float

    def lasts(self, driving_s: float, standing_s: float) -> bool:
        """Whether the reserve is left after so much driving and standing. A full one is never refused, for no charging
        makes it better."""
        left = self.level - driving_s / self.drive_s - standing_s / self.stand_s
        return self.level >= FULL or left >= self.reserve


@dataclass(frozen=True, slots=True)
class Charge:
    """`power`: None until the battery was heard. `uncharged_s`: how long the robot has stood on its dock without
    charging; from `patience_s` on that is long. `docked_again`: for that reason it has backed off and docked anew."""

    power: Power | None = None
    uncharged_s: float = 0.0
    patience_s: float = 20.0
    docked_again: bool = False

    @property
    def is_wanted(self) -> bool:
        """Charging comes before work."""
        return self.power in (Power.LOW, Power.CRITICAL)

    @property
    def is_missed(self) -> bool:
        """It should be charging, and is not."""
        return self.uncharged_s >= self.patience_s


class Alarm(StrEnum):
    """What staff are told about power; edge/words.toml has the sentences: `alarm`."""

    BATTERY_LOW = "BATTERY_LOW"
    BATTERY_CRITICAL = "BATTERY_CRITICAL"
    NOT_CHARGING = "NOT_CHARGING"
    CANNOT_DOCK = "CANNOT_DOCK"
    CHARGES_FIRST = "CHARGES_FIRST"


def alarms(charge: Charge, *, home_failed: bool, short: bool = False) -> frozenset[Alarm]:
    """What staff should know now. `home_failed`: the last drive to the dock did not arrive. `short`: a task waits until
    the battery is fuller."""
    wanted = {Power.LOW: Alarm.BATTERY_LOW, Power.CRITICAL: Alarm.BATTERY_CRITICAL}
    found = {wanted[charge.power]} if charge.power in wanted else set()
    if charge.docked_again and charge.is_missed:
        found.add(Alarm.NOT_CHARGING)
    if short and not found:
        found.add(Alarm.CHARGES_FIRST)
    if home_failed and (charge.is_wanted or short):
        found.add(Alarm.CANNOT_DOCK)
    return frozenset(found)
