"""luna map, as a person calls it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge.domain.errors import LunaError
from ros_nodes.navigation import images
from ros_nodes.navigation.commands import command
from ros_nodes.navigation.site_file import read_site
from ros_nodes.simulation.demo_library import write_demo_library


@pytest.fixture
def library(tmp_path: Path) -> tuple[str, str]:
    map_path, site_path = write_demo_library(tmp_path)
    return str(map_path), str(site_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_a_proposal_can_be_checked_and_drawn(library: tuple[str, str], tmp_path: Path) -> None:
    site, picture = tmp_path / "new.yaml", tmp_path / "map.png"
    assert run("propose", library[0], "--out", str(site)).exit_code == 0
    assert len(read_site(site).waypoints) > 10
    assert "no problems" in run("check", library[0], str(site)).stdout
    assert run("draw", library[0], "--site", str(site), "--out", str(picture)).exit_code == 0
    assert images.decode(picture.read_bytes()).shape == (840 * 3 // 2 + 26, 1860)


def test_a_site_that_was_edited_is_not_written_over(
    library: tuple[str, str], tmp_path: Path
) -> None:
    site = tmp_path / "mine.yaml"
    site.write_text("my work")
    assert "--force" in str(run("propose", library[0], "--out", str(site)).exception)
    assert site.read_text() == "my work"
    assert run("propose", library[0], "--out", str(site), "--force").exit_code == 0


def test_the_demo_library_has_no_problems(library: tuple[str, str]) -> None:
    assert run("check", *library).exit_code == 0


def test_problems_are_listed_and_end_in_failure(library: tuple[str, str]) -> None:
    site = Path(library[1])
    text = site.read_text().replace("x: 4.8, y: 3.8", "x: 4.8, y: 2.8")
    site.write_text(text)
    result = run("check", *library)
    assert "desk-1: (4.8, 2.8) is in a wall" in result.stdout
    assert isinstance(result.exception, LunaError)


@pytest.mark.parametrize("name", ["propose", "draw"])
def test_a_bad_map_ends_with_one_line_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(name, str(tmp_path / "none.yaml"), "--out", str(out))
    assert isinstance(result.exception, LunaError)
    assert "\n" not in str(result.exception)
    assert not out.exists()


def test_a_place_that_cannot_be_written_is_named(library: tuple[str, str], tmp_path: Path) -> None:
    result = run("propose", library[0], "--out", str(tmp_path / "no" / "where.yaml"))
    assert "cannot be written" in str(result.exception)
