"""The task runner: does, one after the other, what the store says is to be done.

What to do is decided by edge.domain.errands; here it is carried out. Each change is written before it is
acted on, by the store's own thread, so that a slow disk never holds up the other nodes of this process.
Where it was killed, it looks at the store and goes on.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from luna_interfaces.msg import EmergencyStop as StopMessage
from rclpy.node import Node
from sensor_msgs.msg import BatteryState
from std_msgs.msg import Bool

from edge import logs
from edge.domain import errands
from edge.domain.errands import BACK_OFF, HOME, Act, Situation, Waits
from edge.domain.errors import LunaError
from edge.domain.power import Alarm, PowerLimits
from edge.domain.robots import CommandStatus, RobotCommand
from edge.domain.stops import MotionState
from edge.domain.tasks import Task
from edge.domain.times import seconds_between
from edge.domain.users import SYSTEM
from edge.domain.waypoints import Waypoint, WaypointKind
from edge.services import alarms, trips
from edge.settings import Settings
from edge.store.database import Database, Transaction, timestamp
from ros_nodes import convert, qos
from ros_nodes import task_work as work
from ros_nodes.alive import Beat
from ros_nodes.charge_watch import ChargeWatch
from ros_nodes.driver import Driver
from ros_nodes.held_tasks import HeldTasks
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
        self._snapshot = work.Snapshot((), False, False, ())
        self._orders: list[RobotCommand] = []
        self._writing: Future[Any] | None = None
        self._written: Callable[[Any], None] = self._take_snapshot
        self._stale = self._first_look = True
        self._stop_changed = False
        self._version = -1
        self._next_look = self._not_before = self._claim_at = self._renew_at = 0.0
        waits = settings.tasks
        self._waits = Waits(waits.load_wait_s, waits.handover_wait_s, waits.idle_dock_s)
        self._held = HeldTasks(self._waits)
        self._short = False
        self._busy_at = self._now()
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
        if self._may_write():
            self._look_around()
        if self._may_write() and self._held.wants_order:
            self._put_in_order()
        if self._may_write():
            self._do(errands.next_act(self._situation()))
        drive = self._driver.drive
        self._face.driving = drive is not None and drive.outcome is None
        lead = self._held.lead(self._now())
        self._face.task_id = None if lead is None else lead.id
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
                lambda tx: work.look(tx, self._settings, first=first, stopped=stopped),
                self._take_snapshot,
            )
        elif self._held.tasks and now >= self._renew_at:
            self._renew_at = now + self._settings.tasks.lease_s / 3
            held = self._held.tasks
            self._write(lambda tx: work.renew(tx, held, self._settings), lambda _: None)

    def _situation(self) -> Situation:
        now, snapshot, drive = self._now(), self._snapshot, self._driver.drive
        lead = self._held.lead(now)
        if lead is not None or self._orders or drive is not None:
            self._busy_at = now
        dock = self._dock()
        pose = self._face.pose if self._face.localised else None
        away_m = 0.0 if dock is None or pose is None else pose.distance(dock.x, dock.y)
        on_dock = dock is not None and pose is not None and away_m < AT_HOME_M
        return Situation(
            waits=self._waits,
            drive=drive,
            task=lead,
            waited_s=self._held.waited_s(lead, now),
            others=self._held.others(lead),
            orders=tuple(self._orders),
            queued=time.monotonic() >= self._claim_at,
            room=len(self._held.tasks) < self._settings.robot.tray_slots,
            short=self._short,
            stopped=self._face.stopped,
            paused=snapshot.paused,
            maintenance=snapshot.maintenance,
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
            told=snapshot.told,
            at=timestamp(self._database.clock),
        )

    def _dock(self) -> Waypoint | None:
        """The nearest as the crow flies; the first where it does not know its place."""
        docks = [
            one for one in self._snapshot.places if one.kind is WaypointKind.DOCK and one.is_active
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
            case errands.Step():
                self._write(lambda tx: work.make_steps(tx, act), self._take_step)
            case errands.Claim():
                level = self._face.battery
                self._write(lambda tx: work.claim(tx, self._settings, level), self._take_claim)
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

    def _may_write(self) -> bool:
        # Before the simulated clock is heard it shows 0, by which every wait would be over once it is.
        clock_is_heard = self._now() > 0
        return clock_is_heard and self._writing is None and time.monotonic() >= self._not_before

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

    def _take_snapshot(self, snapshot: work.Snapshot) -> None:
        self._first_look = False
        self._snapshot = snapshot
        self._claim_at = 0.0
        self._orders += snapshot.orders
        self._face.paused, self._face.maintenance = snapshot.paused, snapshot.maintenance
        self._face.alarms = sorted(snapshot.told)
        self._face.places = tuple(one for one in snapshot.places if one.is_active)
        self._held.take(snapshot.tasks, self._now(), self._waited_before)

    def _take_tasks(self, changed: Sequence[Task]) -> None:
        self._held.change(changed, self._now(), self._waited_before)
        for task in changed:
            log.info("task", id=task.id, phase=task.phase, slot=task.slot)

    def _waited_before(self, task: Task) -> float:
        """Seconds that a wait for people had lasted when this process took it up: a restart does not
        make it longer. On a simulated clock nobody knows."""
        if self._settings.sim.speed != 1.0:
            return 0.0
        return max(0.0, seconds_between(task.phase_since, timestamp(self._database.clock)))

    def _take_step(self, changed: Sequence[Task]) -> None:
        if self._driver.drive is not None and self._driver.drive.outcome is not None:
            self._driver.forget()
        self._take_tasks(changed)
        self._stale = True

    def _take_told(self, told: frozenset[Alarm]) -> None:
        self._snapshot = replace(self._snapshot, told=told)
        self._face.alarms = sorted(told)
        log.info("alarms", told=sorted(told))

    def _take_claim(self, claim: trips.Claim) -> None:
        self._short = claim.short
        if claim.tasks:
            self._take_tasks(claim.tasks)
        else:
            self._claim_at = time.monotonic() + DUE_S

    def _put_in_order(self) -> None:
        pose, slots, held = self._face.pose, self._settings.robot.tray_slots, self._held.tasks
        at = None if pose is None else (pose.x, pose.y)
        self._write(lambda tx: trips.in_order(tx, held, at, slots), self._held.set_order)

    def _answer(self, answer: errands.Answer) -> None:
        drive = self._driver.drive
        if drive is not None and drive.errand == answer.order_id and drive.outcome is None:
            self._driver.halt()
            return
        self._write(lambda tx: work.finish(tx, answer), lambda _: self._take_answered(answer))

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
