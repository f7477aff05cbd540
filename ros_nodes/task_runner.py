"""The task runner: does, one after the other, what the store says is to be done.

What to do is decided by edge.domain.errands; here it is carried out. Each change is written before it is
acted on, by the store's own thread, so that a slow disk never holds up the other nodes of this process.
Where it was killed, it looks at the store and goes on.
"""

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from luna_interfaces.msg import EmergencyStop as StopMessage
from rclpy.node import Node
from sensor_msgs.msg import BatteryState
from std_msgs.msg import Bool

from edge import logs
from edge.domain import errands
from edge.domain.errands import BACK_OFF, HOME, Act, Situation, Waits
from edge.domain.errors import ConflictError, LunaError
from edge.domain.power import Alarm, PowerLimits
from edge.domain.robots import CommandStatus, RobotCommand
from edge.domain.stops import MotionState
from edge.domain.tasks import FINAL, Phase, Task
from edge.domain.times import seconds_between
from edge.domain.users import SYSTEM
from edge.domain.waypoints import Waypoint, WaypointKind
from edge.services import alarms, journal, places, robot, tasks
from edge.settings import Settings
from edge.store.database import Database, Transaction, timestamp
from ros_nodes import convert, qos
from ros_nodes.alive import Beat
from ros_nodes.charge_watch import ChargeWatch
from ros_nodes.driver import Driver
from ros_nodes.live import Live
from ros_nodes.navigation.docking import approach_id
from ros_nodes.navigation.geometry import Pose
from ros_nodes.robot_face import RobotFace
from ros_nodes.runtime import pace, steady

TICK_S = 0.05
LOOK_S = 1.0
"""How often the store is asked whether it changed; a hint asks at once."""
DUE_S = 5.0
"""How often the queue is asked for a task whose time has come, while nothing changes."""
TROUBLE_S = 1.0
"""Pause after a write that failed."""
MOVED_M = 0.02
AT_HOME_M = 0.25

log = logs.get("ros.task_runner")


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the store says at one moment. `orders`: those begun just now."""

    task: Task | None
    paused: bool
    maintenance: bool
    places: tuple[Waypoint, ...]
    orders: tuple[RobotCommand, ...] = ()
    told: frozenset[Alarm] = frozenset()


def look(tx: Transaction, settings: Settings, *, first: bool, stopped: bool) -> Outlook:
    """Read all that matters, and begin the orders that wait.

    `first`: after a start; `stopped`: the gate's state changed, so that its journal has news.
    """
    if first or stopped:
        journal.import_journal(tx, settings.data_dir / "gate")
    if first:
        robot.abandon_commands(tx)
    orders = []
    while (order := robot.next_command(tx)) is not None:
        orders.append(order)
    state = robot.get_state(tx)
    return Outlook(
        tasks.active(tx, settings.robot.id),
        state.paused,
        state.maintenance,
        tuple(places.waypoints(tx)),
        tuple(orders),
        frozenset(alarms.raised(tx)),
    )


def finish(tx: Transaction, answer: errands.Answer) -> None:
    """Write how an order ended, unless that is written already."""
    result = {"reason": answer.reason} if answer.reason else {}
    with contextlib.suppress(ConflictError):
        robot.finish_command(tx, answer.order_id, answer.status, result)


def charge_watch(settings: Settings) -> ChargeWatch:
    limits = settings.robot
    # The board tells of its battery by real time, so that takes longer on a clock that runs faster.
    patience_s = limits.charge_seen_s * max(1.0, settings.sim.speed)
    power = PowerLimits(limits.low_battery, limits.critical_battery, limits.charged_battery)
    return ChargeWatch(power, patience_s)


class TaskRunner(Node):
    def __init__(self, settings: Settings, live: Live, database: Database) -> None:
        super().__init__("task_runner")
        self._settings, self._database = settings, database
        self._actor = replace(SYSTEM, origin=settings.robot.id)
        self._driver = Driver(self)
        self._face = RobotFace(live)
        self._pace = pace(self, settings)
        self._beat = Beat(self)
        self._outlook = Outlook(None, False, False, ())
        self._orders: list[RobotCommand] = []
        self._writing: Future[Any] | None = None
        self._written: Callable[[Any], None] = self._take_outlook
        self._stale = self._first_look = True
        self._stop_changed = False
        self._version = -1
        self._next_look = self._not_before = self._claim_at = self._renew_at = 0.0
        self._phase: tuple[str, Phase] | None = None
        self._phase_since = self._busy_at = self._now()
        self._home_failed = False
        self._charge_watch = charge_watch(settings)
        self._initial_pose = self.create_publisher(
            PoseWithCovarianceStamped, "initialpose", qos.STREAM
        )
        self.create_subscription(PoseStamped, "pose", self._on_pose, qos.STREAM)
        self.create_subscription(Bool, "localised", self._on_localised, qos.STATE)
        self.create_subscription(StopMessage, "emergency_stop", self._on_stop, qos.STATE)
        self.create_subscription(BatteryState, "battery_state", self._on_battery, qos.STREAM)
        self.create_timer(TICK_S, self._tick, clock=steady())

    def wake(self) -> None:
        """The store may have changed. Safe to call from any thread."""
        self._stale = True

    # What is heard

    def _on_pose(self, message: PoseStamped) -> None:
        pose, before = convert.pose(message.pose), self._face.pose
        if before is not None and pose.distance(before.x, before.y) > MOVED_M:
            self._busy_at = self._now()  # also where somebody else drives it
        self._face.pose = pose

    def _on_localised(self, message: Bool) -> None:
        self._face.localised = bool(message.data)

    def _on_stop(self, message: StopMessage) -> None:
        self._face.stop = MotionState(message.state)
        self._stale = self._stop_changed = True

    def _on_battery(self, message: BatteryState) -> None:
        self._face.battery = float(message.percentage)
        charging = BatteryState.POWER_SUPPLY_STATUS_CHARGING
        self._face.charging = message.power_supply_status == charging

    # The loop

    def _now(self) -> float:
        """Seconds of the clock by which people are waited for."""
        return float(self._pace.now().nanoseconds) * 1e-9

    def _tick(self) -> None:
        self._collect()
        if self._writing is None and time.monotonic() >= self._not_before:
            self._look_around()
        if self._writing is None and time.monotonic() >= self._not_before:
            self._do(errands.next_act(self._situation()))
        drive = self._driver.drive
        self._face.driving = drive is not None and drive.outcome is None
        self._face.show()
        self._beat()

    def _look_around(self) -> None:
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + LOOK_S
            version = self._database.data_version()
            self._stale = self._stale or version != self._version
            self._version = version
        if self._stale:
            self._stale = False
            first, stopped = self._first_look, self._stop_changed
            self._stop_changed = False
            self._write(
                lambda tx: look(tx, self._settings, first=first, stopped=stopped),
                self._take_outlook,
            )
        elif self._outlook.task is not None and now >= self._renew_at:
            self._renew_at = now + self._settings.tasks.lease_s / 3
            self._write(self._renewal(self._outlook.task.id), lambda _: None)

    def _situation(self) -> Situation:
        now, outlook, drive = self._now(), self._outlook, self._driver.drive
        if outlook.task is not None or self._orders or drive is not None:
            self._busy_at = now
        dock = self._dock()
        pose = self._face.pose if self._face.localised else None
        away_m = 0.0 if dock is None or pose is None else pose.distance(dock.x, dock.y)
        on_dock = dock is not None and pose is not None and away_m < AT_HOME_M
        limits = self._settings.tasks
        return Situation(
            waits=Waits(limits.load_wait_s, limits.handover_wait_s, limits.idle_dock_s),
            drive=drive,
            task=outlook.task,
            waited_s=now - self._phase_since,
            orders=tuple(self._orders),
            queued=time.monotonic() >= self._claim_at,
            stopped=self._face.stopped,
            paused=outlook.paused,
            maintenance=outlook.maintenance,
            idle_s=now - self._busy_at,
            dock=None if dock is None else dock.location_code,
            approach=None if dock is None else approach_id(dock.id),
            at_home=away_m < AT_HOME_M,
            home_failed=self._home_failed,
            charge=self._charge_watch.look(
                now,
                self._face.battery,
                charging=self._face.charging,
                on_dock=on_dock and drive is None,
            ),
            told=outlook.told,
            at=timestamp(self._database.clock),
        )

    def _dock(self) -> Waypoint | None:
        """The nearest as the crow flies; the first where it does not know its place."""
        docks = [
            one for one in self._outlook.places if one.kind is WaypointKind.DOCK and one.is_active
        ]
        pose = self._face.pose
        return min(
            docks, key=lambda one: pose.distance(one.x, one.y) if pose else 0.0, default=None
        )

    def _do(self, act: Act) -> None:
        match act:
            case errands.Go(errand, waypoint):
                self._go(errand, waypoint)
            case errands.Halt():
                self._driver.halt()
            case errands.Forget():
                drive = self._driver.drive
                if drive is not None and drive.errand == HOME:
                    self._home_failed = drive.outcome not in errands.NO_FAILURE
                self._driver.forget()
            case errands.Step(task_id, event, failure):
                self._write(
                    lambda tx: tasks.apply(tx, task_id, event, failure=failure), self._take_step
                )
            case errands.Claim():
                self._write(self._claim, self._take_claim)
            case errands.Relocate(order):
                self._relocate(order)
            case errands.Answer():
                self._answer(act)
            case errands.Tell(wanted):
                self._write(
                    lambda tx: alarms.set_alarms(tx, wanted), lambda _: self._take_told(wanted)
                )
            case errands.Wait():
                pass

    def _go(self, errand: str, waypoint: str) -> None:
        if not self._driver.go(errand, waypoint):
            return
        if errand == BACK_OFF:
            self._charge_watch.back_off()
        elif errand != HOME:
            self._charge_watch.leave()

    # Writing: one job at a time, done in the store's thread, collected at a later tick

    def _write(self, work: Callable[[Transaction], Any], then: Callable[[Any], None]) -> None:
        self._writing, self._written = self._database.submit(self._actor, work), then

    def _collect(self) -> None:
        if self._writing is None or not self._writing.done():
            return
        job, self._writing = self._writing, None
        try:
            result = job.result()
        except LunaError as error:  # somebody else was quicker; look again
            log.warning("a change was refused", reason=str(error))
        except Exception:  # a full disk, for one: nothing was changed, so the same is tried again
            log.exception("a change failed")
        else:
            self._written(result)
            return
        self._stale = self._stop_changed = True
        self._not_before = time.monotonic() + TROUBLE_S

    def _take_outlook(self, outlook: Outlook) -> None:
        self._first_look = False
        self._outlook = outlook
        self._claim_at = 0.0
        self._orders += outlook.orders
        self._face.paused, self._face.maintenance = outlook.paused, outlook.maintenance
        self._face.alarms = sorted(outlook.told)
        self._face.places = tuple(one for one in outlook.places if one.is_active)
        self._take_task(outlook.task)

    def _take_task(self, task: Task | None) -> None:
        if task is not None and task.phase in FINAL:
            task = None
        self._outlook = replace(self._outlook, task=task)
        self._face.task_id = None if task is None else task.id
        phase = None if task is None else (task.id, task.phase)
        if phase != self._phase:
            self._phase, self._phase_since = phase, self._now() - self._waited_before(task)
            log.info("task", id=self._face.task_id, phase=None if task is None else task.phase)

    def _waited_before(self, task: Task | None) -> float:
        """Seconds that a wait for people had lasted when this process took it up: a restart does not
        make it longer. On a simulated clock nobody knows."""
        if task is None or self._settings.sim.speed != 1.0:
            return 0.0
        return max(0.0, seconds_between(task.phase_since, timestamp(self._database.clock)))

    def _take_step(self, task: Task) -> None:
        self._driver.forget()
        self._take_task(task)
        self._stale = True

    def _take_told(self, told: frozenset[Alarm]) -> None:
        self._outlook = replace(self._outlook, told=told)
        self._face.alarms = sorted(told)
        log.info("alarms", told=sorted(told))

    def _claim(self, tx: Transaction) -> Task | None:
        return tasks.claim_next(
            tx, robot_id=self._settings.robot.id, lease_s=self._settings.tasks.lease_s
        )

    def _take_claim(self, task: Task | None) -> None:
        if task is None:
            self._claim_at = time.monotonic() + DUE_S
        else:
            self._take_task(task)

    def _renewal(self, task_id: str) -> Callable[[Transaction], None]:
        limits = self._settings
        return lambda tx: tasks.renew(
            tx, task_id, robot_id=limits.robot.id, lease_s=limits.tasks.lease_s
        )

    def _answer(self, answer: errands.Answer) -> None:
        drive = self._driver.drive
        if drive is not None and drive.errand == answer.order_id and drive.outcome is None:
            self._driver.halt()
            return
        self._write(lambda tx: finish(tx, answer), lambda _: self._take_answered(answer))

    def _take_answered(self, answer: errands.Answer) -> None:
        """Forgotten only now: an answer that could not be written is given again."""
        drive = self._driver.drive
        if drive is not None and drive.errand == answer.order_id:
            self._driver.forget()
        self._orders = [one for one in self._orders if one.id != answer.order_id]
        log.info("order", id=answer.order_id, status=answer.status, reason=answer.reason)

    def _relocate(self, order: RobotCommand) -> None:
        x, y, theta = (float(order.params.get(key, 0.0)) for key in ("x", "y", "theta"))
        message = PoseWithCovarianceStamped()
        message.header.frame_id = convert.MAP
        message.header.stamp = self.get_clock().now().to_msg()
        message.pose.pose = convert.pose_message(Pose(x, y, theta))
        self._initial_pose.publish(message)
        self._answer(errands.Answer(order.id, CommandStatus.DONE))
