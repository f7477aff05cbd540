"""The VDA 5050 side of the robot: a link of its own, because a connection has one last will and each face needs one."""

import math
from datetime import timedelta
from functools import partial
from typing import Any

from pydantic import ValidationError

from edge import logs
from edge.domain import errors
from edge.domain.errors import LunaError
from edge.domain.robots import CommandStatus, CommandType
from edge.domain.stops import StopCause
from edge.domain.users import Actor
from edge.domain.waypoints import Waypoint
from edge.services import audit, places, remote, robot, tasks
from edge.services.relocation import check_pose
from edge.settings import Settings
from edge.store.database import Database, Transaction
from sync import accounts
from sync.link import Link
from sync.link_events import Connected, LinkEvent, LinkSettings, Publication, Received
from sync.vda5050 import factsheet
from sync.vda5050.messages import Action, Headers, InstantActions, Node, Order
from sync.vda5050.order import (
    FAILED,
    FINISHED,
    NO_ORDER,
    NO_ROUTE,
    ORDER,
    RUNNING,
    VALIDATION,
    FleetOrder,
    RejectedError,
    Step,
    steps_of,
)
from sync.view import RobotView

log = logs.get("sync.vda5050")

FLEET = Actor(id="vda5050")
KEEPALIVE_S = 15
MOVING_M_S = 0.01
BEGIN_WITHIN = timedelta(minutes=1)
"""A drive that has not begun by then is not begun: nobody expects the robot to set off hours later."""


class FleetFace:
    """`step` is called by the bridge's loop, often."""

    def __init__(
        self, settings: Settings, database: Database, view: RobotView, password: str
    ) -> None:
        self._settings = settings
        self._database = database
        self._view = view
        self._prefix = accounts.vda5050_prefix(settings)
        self._headers = Headers(settings.robot.manufacturer, settings.robot.serial_number)
        self.link = Link(self._link_settings(password))
        self._order = FleetOrder.from_json(database.read(remote.fleet_order))
        self._places = {place.location_code: place for place in database.read(places.waypoints)}
        self._paused = False
        self._said: dict[str, Any] = {}
        self._said_at = 0.0
        self._shown_at = 0.0
        self._state_wanted = False

    def start(self) -> None:
        self.link.start()

    def stop(self) -> None:
        self.link.stop([self._connection("OFFLINE")])

    def step(self, now_s: float, *, store_changed: bool) -> bool:
        """Take in what came, and tell what changed. True where the store was changed."""
        before = self._order.to_json()
        for event in self.link.receive():
            try:
                self._handle(event)
            # What the store raises: the fleet manager sees no new state, and asks again.
            except Exception:
                log.exception("a message could not be taken")
            if isinstance(event, Received):
                event.done()
        if store_changed:
            self._paused = self._database.read(robot.get_state).paused
            self._places = {
                place.location_code: place for place in self._database.read(places.waypoints)
            }
            self._watch_drive()
        if (pose := self._view.pose) is not None:
            self._order.moved_to(pose.x, pose.y)
        after = self._order.to_json()
        changed = after != before
        if changed:
            self._database.write(FLEET, lambda tx: remote.save_fleet_order(tx, after))
        if self.link.connected:
            self._tell_state(now_s)
            self._show(now_s)
        return changed

    def _handle(self, event: LinkEvent) -> None:
        if isinstance(event, Connected):
            self.link.publish(self._connection("ONLINE"))
            self._tell_factsheet()
            self._state_wanted = True
        elif isinstance(event, Received):
            if event.topic == f"{self._prefix}/order":
                self._on_order(event.payload)
            elif event.topic == f"{self._prefix}/instantActions":
                self._on_actions(event.payload)

    def _on_order(self, payload: bytes) -> None:
        try:
            order = Order.model_validate_json(payload)
        except ValidationError as error:
            said = error.errors()[0]
            where = ".".join(map(str, said["loc"]))
            self._order.reject(RejectedError(VALIDATION, f"{where}: {said['msg']}"))
            return
        try:
            if self._order.check(order):
                self._accept(order)
        except RejectedError as refusal:
            log.warning("order rejected", order=order.order_id, why=str(refusal))
            self._order.reject(refusal)

    def _accept(self, order: Order) -> None:
        """Raises RejectedError. The drive and the order are one transaction: neither is without the other."""
        if self._view.ask_stopped():
            raise RejectedError(ORDER, "The robot is stopped.", orderId=order.order_id)
        target_node = next(node for node in reversed(order.nodes) if node.released)
        target = self._place(target_node)
        if target is None:
            raise RejectedError(NO_ROUTE, "No place of ours is there.", nodeId=target_node.node_id)
        steps = steps_of(order, self._position)
        taken = FleetOrder.from_json(self._order.to_json())

        def carry_out(tx: Transaction) -> None:
            if tasks.active(tx, self._settings.robot.id) is not None:
                raise RejectedError(
                    ORDER, "The robot is busy with a delivery.", orderId=order.order_id
                )
            if robot.get_state(tx).maintenance:
                raise RejectedError(
                    ORDER, "The robot is under maintenance.", orderId=order.order_id
                )
            drive = robot.order(
                tx,
                CommandType.GO_TO,
                {"location": target.location_code},
                expires_at=(self._database.clock.now() + BEGIN_WITHIN).isoformat(),
            )
            taken.take(order, steps, drive.id)
            remote.save_fleet_order(tx, taken.to_json())

        self._database.write(FLEET, carry_out)
        self._order = taken
        log.info(
            "order accepted",
            order=order.order_id,
            update=order.order_update_id,
            to=target.location_code,
        )

    def _on_actions(self, payload: bytes) -> None:
        try:
            wanted = InstantActions.model_validate_json(payload)
        except ValidationError as error:
            self._order.reject(RejectedError(VALIDATION, str(error.errors()[0]["msg"])))
            return
        for action in wanted.actions:
            if not self._order.remember(f"action:{action.action_id}"):
                continue
            try:
                status, result = self._act(action)
            except LunaError as error:
                status, result = FAILED, error.message
            self._order.set_action(action.action_id, action.action_type, status, result)
            self._database.write(FLEET, partial(_audit, action, status))

    def _act(self, action: Action) -> tuple[str, str]:
        match action.action_type:
            case "cancelOrder":
                return self._cancel(action)
            case "startPause":
                self._database.write(FLEET, robot.pause)
            case "stopPause":
                if self._view.ask_stopped():
                    return (
                        FAILED,
                        "It is stopped. Only a person at the robot can let it move again.",
                    )
                self._database.write(FLEET, robot.resume)
            case "initPosition":
                self._relocate(action)
            case "stateRequest":
                self._state_wanted = True
            case "factsheetRequest":
                self._tell_factsheet()
            case _:
                return FAILED, "This action is not supported."
        return FINISHED, ""

    def _relocate(self, action: Action) -> None:
        """Whether the robot then knows its place is in agvPosition. Raises LunaError where it cannot be there."""
        if action.text("mapId") not in ("", self._settings.robot.site):
            raise errors.ValidationError(f"There is no map {action.text('mapId')!r} here.")
        x, y, theta = (action.number(key) for key in ("x", "y", "theta"))
        pose = check_pose(self._settings.map_path, x, y, theta)
        self._database.write(FLEET, lambda tx: robot.order(tx, CommandType.INITIAL_POSE, pose))

    def _cancel(self, action: Action) -> tuple[str, str]:
        if not self._order.steps:
            self._order.report(
                NO_ORDER, "No order is under way.", "WARNING", actionId=action.action_id
            )
            return FAILED, "No order is under way."
        halt = self._database.write(
            FLEET, lambda tx: robot.order(tx, CommandType.CANCEL_MOTION, {})
        )
        self._order.steps, self._order.drive = [], None
        self._order.cancel = {"order": halt.id, "action": action.action_id}
        return RUNNING, ""

    def _watch_drive(self) -> None:
        if self._order.drive is not None:
            status, reason = self._end_of(self._order.drive)
            if status is CommandStatus.DONE:
                self._order.arrived()
            elif status is not None:
                self._order.failed(reason or status)
        if self._order.cancel:
            status, reason = self._end_of(self._order.cancel["order"])
            if status is not None:
                ended = FINISHED if status is CommandStatus.DONE else FAILED
                self._order.set_action(self._order.cancel["action"], "cancelOrder", ended, reason)
                self._order.cancel = {}

    def _end_of(self, order_id: str) -> tuple[CommandStatus | None, str]:
        """How an order to the robot ended; None while it is under way."""
        order = self._database.read(lambda r: robot.get_command(r, order_id))
        if order.finished_at is None:
            return None, ""
        return order.status, str(order.result.get("reason") or "")

    def _place(self, node: Node) -> Waypoint | None:
        """The waypoint that a node means: by its name or code, else the nearest within the node's deviation."""
        try:
            return self._database.read(lambda r: places.find(r, node.node_id, field="nodeId"))
        except LunaError:
            wanted = node.node_position
        if wanted is None:
            return None
        if wanted.map_id not in ("", self._settings.robot.site):
            raise RejectedError(
                ORDER, f"There is no map {wanted.map_id!r} here.", nodeId=node.node_id
            )
        reach = wanted.allowed_deviation or 0.5
        near = [place for place in self._places.values() if place.location_code and place.is_active]
        found = min(
            near,
            key=lambda place: math.dist((place.x, place.y), (wanted.x, wanted.y)),
            default=None,
        )
        if found is None or math.dist((found.x, found.y), (wanted.x, wanted.y)) > reach:
            return None
        return found

    def _position(self, node: Node) -> tuple[float, float] | None:
        if node.node_position is not None:
            return node.node_position.x, node.node_position.y
        found = self._place(node)
        return None if found is None else (found.x, found.y)

    def _tell_state(self, now_s: float) -> None:
        if not self._state_wanted and now_s - self._said_at < factsheet.STATE_MIN_INTERVAL_S:
            return
        state = self._state()
        # Where it is and how fast comes by visualization; for the state they are no news.
        telling = {
            name: part for name, part in state.items() if name not in ("agvPosition", "velocity")
        }
        news = telling != self._said or now_s - self._said_at >= factsheet.STATE_INTERVAL_S
        if not news and not self._state_wanted:
            return
        if self._publish("state", state):
            self._said, self._said_at, self._state_wanted = telling, now_s, False

    def _state(self) -> dict[str, Any]:
        order, view = self._order, self._view
        speed, turn = view.velocity
        battery = view.battery
        state = {
            "orderId": order.order_id,
            "orderUpdateId": order.update_id,
            "lastNodeId": order.last_node_id,
            "lastNodeSequenceId": order.last_sequence,
            "nodeStates": [_step(step, "nodeId") for step in order.steps if step.is_node],
            "edgeStates": [_step(step, "edgeId") for step in order.steps if not step.is_node],
            "driving": abs(speed) > MOVING_M_S or abs(turn) > MOVING_M_S,
            "paused": self._paused,
            "newBaseRequest": bool(order.steps) and order.target is None,
            "operatingMode": "AUTOMATIC",
            "actionStates": order.actions,
            "batteryState": {
                "batteryCharge": round(100 * battery.level) if battery else 0,
                "charging": battery.charging if battery else False,
            },
            "errors": order.errors,
            "safetyState": self._safety(),
        }
        return {**state, **self._where()}

    def _where(self) -> dict[str, Any]:
        pose = self._view.pose
        if pose is None:
            return {}
        speed, turn = self._view.velocity
        position = {
            "x": pose.x,
            "y": pose.y,
            "theta": pose.theta,
            "mapId": self._settings.robot.site,
        }
        return {
            "agvPosition": {**position, "positionInitialized": self._view.localised},
            "velocity": {"vx": speed, "vy": 0.0, "omega": turn},
        }

    def _safety(self) -> dict[str, Any]:
        causes = [cause.name for cause in self._view.gate.causes] if self._view.gate else []
        stopped = "MANUAL" if self._view.stopped else "AUTOACK" if causes else "NONE"
        return {"eStop": stopped, "fieldViolation": StopCause.PROTECTIVE_ZONE in causes}

    def _show(self, now_s: float) -> None:
        if now_s - self._shown_at < factsheet.VISUALIZATION_INTERVAL_S:
            return
        where = self._where()
        if where and self._publish("visualization", where):
            self._shown_at = now_s

    def _tell_factsheet(self) -> None:
        self._publish("factsheet", factsheet.factsheet(self._settings.robot), retain=True)

    def _publish(self, topic: str, body: dict[str, Any], *, retain: bool = False) -> bool:
        payload = self._headers.dress(topic, body, self._database.clock.now())
        return self.link.publish(Publication(f"{self._prefix}/{topic}", payload, 0, retain))

    def _connection(self, state: str) -> Publication:
        payload = self._headers.dress(
            "connection", {"connectionState": state}, self._database.clock.now()
        )
        return Publication(f"{self._prefix}/connection", payload, 1, retain=True)

    def _link_settings(self, password: str) -> LinkSettings:
        mqtt = self._settings.mqtt
        return LinkSettings(
            mqtt.host,
            mqtt.port,
            f"{self._settings.robot.id}-vda5050",
            accounts.robot_username(self._settings),
            password,
            keepalive_s=KEEPALIVE_S,
            will=self._connection("CONNECTIONBROKEN"),
            subscriptions=[(f"{self._prefix}/{name}", 1) for name in ("order", "instantActions")],
            # What came while we were away is too old to be driven.
            keep_session=False,
        )


def _audit(action: Action, status: str, tx: Transaction) -> None:
    audit.record(tx, f"vda5050.{action.action_type}", "action", action.action_id, status=status)


def _step(step: Step, name: str) -> dict[str, Any]:
    return {name: step.id, "sequenceId": step.sequence, "released": step.released}
