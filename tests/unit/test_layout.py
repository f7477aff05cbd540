"""The shape of the repository that its tools, and ROS, rely on."""

import re
import tomllib
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

PACKAGES = ("edge", "ros_nodes", "firmware_bridge", "sync", "api", "central")


@pytest.fixture(scope="module")
def pyproject(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())


def test_no_other_distribution_provides_our_names(root: Path) -> None:
    providers = metadata.packages_distributions()
    for name in PACKAGES:
        assert set(providers.get(name, [])) <= {"luna-edge"}, name
        spec = find_spec(name)
        assert spec is not None and spec.origin == str(root / name / "__init__.py")


def test_the_package_list_is_that_of_the_folders(root: Path, pyproject: dict[str, Any]) -> None:
    include = pyproject["tool"]["setuptools"]["packages"]["find"]["include"]
    assert include == [pattern for name in PACKAGES for pattern in (name, f"{name}.*")]
    folders = {path.parent.name for path in root.glob("*/__init__.py")}
    assert folders - {"benchmarks"} == set(PACKAGES)  # those are run from a clone, never installed


def test_every_folder_with_code_is_a_package(root: Path) -> None:
    """One without an __init__.py would be missing from a built wheel."""
    for name in PACKAGES:
        for file in (root / name).rglob("*.py"):
            assert (file.parent / "__init__.py").exists(), file


def test_nothing_hides_the_launch_package_of_ros(root: Path) -> None:
    assert not list((root / "launch").rglob("__init__.py"))


def test_the_root_is_no_ros_package(root: Path) -> None:
    """So `colcon list` finds exactly luna_interfaces and luna_bringup."""
    for name in ("setup.py", "setup.cfg", "package.xml"):
        assert not (root / name).exists()
    tracked = {path.parent.name for path in root.glob("*/package.xml")}
    assert tracked == {"interfaces", "launch"}


def test_every_command_leads_somewhere(pyproject: dict[str, Any]) -> None:
    """Looked up without importing: the rooms' libraries do not belong into one process."""
    project = pyproject["project"]
    commands = {entry.name: entry for entry in metadata.entry_points(group="luna.commands")}
    assert set(commands) == set(project["entry-points"]["luna.commands"])
    scripts = metadata.distribution("luna-edge").entry_points.select(group="console_scripts")
    assert set(scripts.names) == set(project["scripts"])
    for entry in (*commands.values(), *scripts):
        spec = find_spec(entry.module)
        assert spec is not None and spec.origin is not None, entry
        pattern = rf"^(def {entry.attr}\(|{entry.attr}\b.* = |from .* import .*\b{entry.attr}\b)"
        assert re.search(pattern, Path(spec.origin).read_text(), re.MULTILINE), entry


def test_the_service_files_start_what_is_installed(root: Path, pyproject: dict[str, Any]) -> None:
    units = sorted((root / "launch" / "systemd").glob("*.service"))
    assert [unit.stem for unit in units] == ["luna-api", "luna-gate", "luna-ros", "luna-sync"]
    for unit in units:
        text = unit.read_text()
        started = re.findall(r"^ExecStart=/opt/luna/\.venv/bin/(\S+) --data-dir \S+", text, re.M)
        assert started == [unit.stem]
        assert unit.stem in pyproject["project"]["scripts"]
        for line in ("Type=notify", "Restart=always", "StartLimitIntervalSec=0"):
            assert line in text.splitlines()
        assert re.search(r"^WatchdogSec=\d+$", text, re.M)


def test_every_requirement_is_pinned_and_installed(root: Path) -> None:
    """But for what lies apart: what a benchmark's peers are made of, and SQLite where there is no wheel of it."""
    apart = {root / "requirements" / name for name in ("bench.txt", "sqlite.txt")}
    for file in set((root / "requirements").glob("*.txt")) - apart:
        for line in file.read_text().splitlines():
            if line and not line.startswith("#"):
                requirement = Requirement(line)
                assert str(requirement.specifier) == f"=={metadata.version(requirement.name)}", line


def test_no_package_is_pinned_twice(root: Path) -> None:
    pins = [
        Requirement(line).name
        for file in (root / "requirements").glob("*.txt")
        for line in file.read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert sorted(pins) == sorted(set(pins))


def test_the_readme_names_only_commands_that_exist(root: Path, pyproject: dict[str, Any]) -> None:
    readme = (root / "README.md").read_text()
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b(?=`|\s*$|[\s;,.])", readme, re.MULTILINE))
    assert {"run", "test", "check"} <= named
    assert named <= targets
    commands = set(re.findall(r"\bluna ([a-z][a-z-]+)\b", readme))
    assert commands <= set(pyproject["project"]["entry-points"]["luna.commands"])
