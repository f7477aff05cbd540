"""The order under way: what may replace it, and what of it is done. No clock, no socket, no store."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from sync.vda5050.messages import Order

REMEMBERED = 100
"""Orders and actions whose ids are known, so that none is carried out again when somebody replays it."""
NEAR_M = 0.5
"""A node that allows no deviation of its own counts as passed within this distance."""

VALIDATION, ORDER, UPDATE, NO_ROUTE = (
    "validationError",
    "orderError",
    "orderUpdateError",
    "noRouteError",
)
NO_ORDER = "noOrderToCancel"
WAITING, RUNNING, FINISHED, FAILED = "WAITING", "RUNNING", "FINISHED", "FAILED"


class RejectedError(Exception):
    """The order changes nothing but the errors."""

    def __init__(self, kind: str, description: str, **references: str) -> None:
        super().__init__(description)
        self.kind = kind
        self.references = references


@dataclass(frozen=True, slots=True)
class Step:
    """A node or edge that is still to come. Only nodes have a position, in m; `near_m` counts as there."""

    id: str
    sequence: int
    released: bool
    x: float | None = None
    y: float | None = None
    near_m: float = NEAR_M

    @property
    def is_node(self) -> bool:
        return self.sequence % 2 == 0

    def is_near(self, x: float, y: float) -> bool:
        if self.x is None or self.y is None:
            return False
        return (self.x - x) ** 2 + (self.y - y) ** 2 <= self.near_m**2


@dataclass(slots=True)
class FleetOrder:
    """`drive` is the robot's order that carries out the released part, while it is under way."""

    order_id: str = ""
    update_id: int = 0
    last_node_id: str = ""
    last_sequence: int = 0
    steps: list[Step] = field(default_factory=list)
    actions: list[dict[str, str]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    drive: str | None = None
    cancel: dict[str, str] = field(default_factory=dict)
    """The robot's order to halt, and the action that asked for it, while that is under way."""
    seen: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        known = {name: value for name, value in data.items() if name in cls.__dataclass_fields__}
        known["steps"] = [Step(**step) for step in known.get("steps", [])]
        return cls(**known)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def target(self) -> Step | None:
        """The last released node that is still to come."""
        return next((step for step in reversed(self.steps) if step.is_node and step.released), None)

    def check(self, order: Order) -> bool:
        """Whether `order` is to be taken; False where it is known already. Raises RejectedError."""
        _check_form(order)
        if order.order_id != self.order_id:
            if self.steps:
                raise RejectedError(ORDER, "Another order is under way.", orderId=order.order_id)
            if f"order:{order.order_id}" in self.seen:
                raise RejectedError(
                    ORDER, "This order was carried out before.", orderId=order.order_id
                )
            return True
        if order.order_update_id < self.update_id:
            references = {"orderId": order.order_id, "orderUpdateId": str(order.order_update_id)}
            raise RejectedError(UPDATE, "A newer update is known.", **references)
        if order.order_update_id == self.update_id:
            return False
        start = (order.nodes[0].node_id, order.nodes[0].sequence_id)
        target = self.target
        expected = (
            (target.id, target.sequence) if target else (self.last_node_id, self.last_sequence)
        )
        if start != expected:
            raise RejectedError(
                UPDATE, "It does not begin where the known part ends.", orderId=order.order_id
            )
        return True

    def take(self, order: Order, steps: list[Step], drive: str | None) -> None:
        """Make `order` the one under way. `steps` are all of its nodes and edges in sequence."""
        if order.order_id == self.order_id:
            first = steps[0].sequence
            self.steps = [step for step in self.steps if step.sequence < first] + steps
            if not any(step.sequence < first for step in self.steps):
                self._pass_first()
        else:
            self.actions = []
            self.steps = list(steps)
            if len(steps) > 1:
                self._pass_first()
        self.order_id, self.update_id = order.order_id, order.order_update_id
        self.drive, self.errors = drive, []
        self.remember(f"order:{order.order_id}")

    def moved_to(self, x: float, y: float) -> bool:
        """Strike off what is passed; nodes come one after the other. True where that changed anything."""
        node = next((step for step in self.steps if step.is_node), None)
        if node is None or not node.released or len(self.steps) == 1 or not node.is_near(x, y):
            return False
        self._pass(node)
        return True

    def arrived(self) -> None:
        """The drive ended at the last released node."""
        if (target := self.target) is not None:
            self._pass(target)
        self.drive = None

    def failed(self, reason: str) -> None:
        """The drive ended somewhere else. The robot is free for another order."""
        self.steps, self.drive = [], None
        self.report(
            "driveFailed", f"It did not get there: {reason}.", "FATAL", orderId=self.order_id
        )

    def reject(self, refusal: RejectedError) -> None:
        self.report(refusal.kind, str(refusal), "WARNING", **refusal.references)

    def report(self, kind: str, description: str, level: str, **references: str) -> None:
        """Show an error until an order is accepted; the newest of a kind stands for all."""
        found = [
            {"referenceKey": key, "referenceValue": value} for key, value in references.items()
        ]
        error = {
            "errorType": kind,
            "errorLevel": level,
            "errorDescription": description,
            "errorReferences": found,
        }
        self.errors = [one for one in self.errors if one["errorType"] != kind] + [error]

    def set_action(self, action_id: str, action_type: str, status: str, result: str = "") -> None:
        action = {"actionId": action_id, "actionType": action_type, "actionStatus": status}
        if result:
            action["resultDescription"] = result
        others = [one for one in self.actions if one["actionId"] != action_id]
        self.actions = [*others, action][-REMEMBERED:]

    def remember(self, key: str) -> bool:
        """False where it was known."""
        if key in self.seen:
            return False
        self.seen = [*self.seen, key][-REMEMBERED:]
        return True

    def _pass_first(self) -> None:
        self._pass(self.steps[0])

    def _pass(self, node: Step) -> None:
        self.last_node_id, self.last_sequence = node.id, node.sequence
        self.steps = [step for step in self.steps if step.sequence > node.sequence]


def steps_of(order: Order, place: Callable[[Any], tuple[float, float] | None]) -> list[Step]:
    """Nodes and edges in sequence. `place` finds where a node is."""
    steps = [Step(edge.edge_id, edge.sequence_id, edge.released) for edge in order.edges]
    for node in order.nodes:
        x, y = place(node) or (None, None)
        near = node.node_position.allowed_deviation if node.node_position else 0.0
        steps.append(Step(node.node_id, node.sequence_id, node.released, x, y, near or NEAR_M))
    return sorted(steps, key=lambda step: step.sequence)


def _check_form(order: Order) -> None:
    """Raises RejectedError."""
    nodes, edges = order.nodes, order.edges
    where = {"orderId": order.order_id}
    if len(edges) != len(nodes) - 1:
        raise RejectedError(VALIDATION, "There is one edge between two nodes.", **where)
    first = nodes[0].sequence_id
    in_order = first % 2 == 0
    in_order &= [node.sequence_id for node in nodes] == list(
        range(first, first + 2 * len(nodes), 2)
    )
    in_order &= [edge.sequence_id for edge in edges] == list(
        range(first + 1, first + 2 * len(edges), 2)
    )
    if not in_order:
        raise RejectedError(
            VALIDATION, "The sequence ids do not count over nodes and edges.", **where
        )
    released = [step.released for step in steps_of(order, lambda node: None)]
    if released != sorted(released, reverse=True) or not released[0]:
        raise RejectedError(VALIDATION, "The released part comes first.", **where)
    if released.count(True) % 2 == 0:
        raise RejectedError(VALIDATION, "The released part ends with a node.", **where)
    actions = [action for node in nodes for action in node.actions]
    actions += [action for edge in edges for action in edge.actions]
    if actions:
        said = f"Actions at nodes and edges are not supported: {actions[0].action_type}."
        raise RejectedError(ORDER, said, actionId=actions[0].action_id, **where)
