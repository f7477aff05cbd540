"""The parameters of the nodes are those of launch/params/luna.yaml: declared, described, kept within their ranges."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from rcl_interfaces.msg import ParameterType
from rclpy.node import Node
from rclpy.parameter import Parameter

from edge.domain.errors import SetupError
from edge.settings import Settings, load
from edge.store.database import Database
from ros_nodes import parameters
from ros_nodes.base import Base
from ros_nodes.emergency_stop import EmergencyStop
from ros_nodes.task_runner import TaskRunner
from tests.support.moving import make_library
from tests.support.navigator_bench import Told, bench

NAVIGATOR = "/**/navigator"


@pytest.fixture(scope="module")
def file(root: Path) -> Path:
    return root / "launch" / "params" / "luna.yaml"


def flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        path = f"{above}{name}"
        found |= flat(value, f"{path}.") if isinstance(value, dict) else {path: value}
    return found


def in_file(file: Path, node: str) -> dict[str, Any]:
    return flat(yaml.safe_load(file.read_text())[node]["ros__parameters"])


def ours(node: Node) -> dict[str, Any]:
    """The declared parameters, without those that rclpy gives to every node."""
    names = [name for name in node._parameters if not name.startswith(("qos_", "start_type_"))]
    return {name: node.get_parameter(name).value for name in names}


def runner(settings: Settings, stack: contextlib.ExitStack) -> TaskRunner:
    store = Database.open(settings.store_path)
    stack.callback(store.close)
    return TaskRunner(settings, Told(), store)


def test_the_file_has_every_parameter_of_every_node_with_its_default_and_no_other(
    file: Path, tmp_path: Path, ros_domain: int
) -> None:
    everywhere, navigators = in_file(file, "/**"), in_file(file, NAVIGATOR)
    make_library(tmp_path)
    with bench(tmp_path, met=False) as started, contextlib.ExitStack() as stack:
        assert ours(started.node) == everywhere | navigators
        settings = load(tmp_path)
        for node in (Base(settings), EmergencyStop(settings, Told()), runner(settings, stack)):
            assert ours(node) == everywhere
            stack.callback(Node.destroy_node, node)
    assert set(yaml.safe_load(file.read_text())) == {"/**", NAVIGATOR}


def test_each_parameter_says_what_it_is_and_each_number_its_range(
    tmp_path: Path, ros_domain: int
) -> None:
    with bench(tmp_path, met=False) as started:
        names = [one.name for one in parameters.NAVIGATOR]
        for said in started.node.describe_parameters(names):
            assert said.description, said.name
            if said.type == ParameterType.PARAMETER_DOUBLE:
                [span] = said.floating_point_range
                assert span.from_value < span.to_value
            elif said.type == ParameterType.PARAMETER_INTEGER:
                [span] = said.integer_range
                assert span.from_value < span.to_value


@pytest.mark.parametrize("namespace", ["", "/robot1"])
def test_a_node_that_is_started_with_the_file_has_its_values(
    namespace: str, file: Path, tmp_path: Path, ros_domain: int
) -> None:
    changed = tmp_path / "changed.yaml"
    text = file.read_text().replace("ask_after_s: 4.0", "ask_after_s: 7.5")
    changed.write_text(text.replace("replans: 3", "replans: 1"))
    arguments = ["--params-file", str(changed), "-r", f"__ns:={namespace or '/'}"]
    with bench(tmp_path, arguments, met=False) as started:
        assert ours(started.node) == in_file(changed, "/**") | in_file(changed, NAVIGATOR)
        patience = parameters.patience(started.node)
        assert (patience.ask_after_s, patience.replans) == (7.5, 1)


@pytest.mark.parametrize(
    "given", ["progress.ask_after_s:=0.0", "progress.replans:=99", "pose_period_s:=fast"]
)
def test_a_start_with_a_value_out_of_range_is_refused_in_words(
    given: str, tmp_path: Path, ros_domain: int
) -> None:
    name = given.partition(":")[0]
    refused = pytest.raises(SetupError, match=f"parameter {name} of the node navigator")
    with refused, bench(tmp_path, ["-p", given], met=False):
        pass


def test_while_it_runs_a_value_is_taken_or_refused_with_a_reason(
    tmp_path: Path, ros_domain: int
) -> None:
    with bench(tmp_path, met=False) as started:
        good, bad, fixed = started.node.set_parameters(
            [
                Parameter("progress.ask_after_s", value=9.0),
                Parameter("feedback_period_s", value=-1.0),
                Parameter("autostart", value=False),
            ]
        )
        assert good.successful
        assert parameters.patience(started.node).ask_after_s == 9.0
        assert not bad.successful and "range" in bad.reason
        assert not fixed.successful and "read-only" in fixed.reason
