"""A lifecycle node that also works where nobody manages it: it configures and activates itself, unless told not to.

What rclpy's own does badly is mended here: an error in a transition was lost, and a transition that does not exist
from a state left its caller without an answer.
"""

from collections.abc import Callable

from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from edge import logs
from edge.domain.errors import LunaError, SetupError

AUTOSTART = "autostart"
Trigger = Callable[[], TransitionCallbackReturn]

log = logs.get("ros.lifecycle")


class ManagedNode(LifecycleNode):
    """Overwrite the four steps. What they raise fails the transition: the node stays in the state that it was in."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._failure: LunaError | None = None
        self._change_state = self._service_change_state.callback
        self._service_change_state.callback = self._answer

    def start(self) -> None:
        """Call it when all is there to be configured. Raises LunaError where that fails."""
        if not self.get_parameter(AUTOSTART).value:
            log.info("waits for a lifecycle manager", node=self.get_name())
            return
        triggers: tuple[Trigger, ...] = (self.trigger_configure, self.trigger_activate)
        for trigger in triggers:
            if trigger() is not TransitionCallbackReturn.SUCCESS:
                raise self._failure or SetupError(f"The node {self.get_name()} does not start.")

    def configure(self) -> None:
        """Get ready."""

    def activate(self) -> None:
        """Begin to act."""

    def deactivate(self) -> None:
        """Act no more."""

    def cleanup(self) -> None:
        """Give back what `configure` took."""

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._do(self.configure, "configured")

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._do(self.activate, "active")

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._do(self.deactivate, "inactive")

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._do(self.cleanup, "cleaned up")

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        steps = {"active": (self.deactivate, self.cleanup), "inactive": (self.cleanup,)}
        results = [self._do(step, "shut down") for step in steps.get(state.label, ())]
        failed = [result for result in results if result is not TransitionCallbackReturn.SUCCESS]
        return failed[0] if failed else TransitionCallbackReturn.SUCCESS

    def _do(self, step: Callable[[], None], done: str) -> TransitionCallbackReturn:
        self._failure = None
        try:
            step()
        except LunaError as error:
            self._failure = error
            log.error(str(error), node=self.get_name())
            return TransitionCallbackReturn.FAILURE
        except Exception:
            log.exception("a change of the lifecycle failed", node=self.get_name())
            return TransitionCallbackReturn.FAILURE
        log.info("lifecycle", node=self.get_name(), now=done)
        return TransitionCallbackReturn.SUCCESS

    def _answer(
        self, order: ChangeState.Request, answer: ChangeState.Response
    ) -> ChangeState.Response:
        wanted = order.transition.label or order.transition.id
        possible = {
            name
            for id, label, *_ in self._state_machine.available_transitions
            for name in (id, label)
        }
        if wanted not in possible:
            log.warning("no such transition now", node=self.get_name(), wanted=wanted)
            answer.success = False
            return answer
        changed: ChangeState.Response = self._change_state(order, answer)
        return changed
