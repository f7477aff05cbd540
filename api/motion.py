"""Whether an order that starts motion may be given now, and from where."""

from api.context import Context
from api.deps import Principal
from edge.domain.errors import ConflictError, RobotStoppedError, UnavailableError
from edge.domain.stops import STANDING_STATES
from edge.services import robot as robots


def refuse_to_start(robot: Context, who: Principal) -> None:
    """Raises UnavailableError, RobotStoppedError; ConflictError under maintenance, when somebody may have their hands
    in the robot, except for whoever stands beside it."""
    gate = robot.live.gate
    if gate is None:
        raise UnavailableError("GATE_AWAY")
    if gate.state in STANDING_STATES:
        raise RobotStoppedError("STOPPED", event_id=gate.event_id)
    if not who.at_robot and robot.read(robots.get_state).maintenance:
        raise ConflictError("UNDER_MAINTENANCE")
