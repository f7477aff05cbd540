"""A tray with several slots: who comes along, in which order, and that no book is lost whatever happens."""

import random

import pytest

from edge.domain.errands import Claim, Go, Step
from edge.domain.power import Power
from edge.domain.tasks import FINAL, LOADED, Phase, Priority, TaskEvent
from tests.support.carrying import PLACES, Carrying, queued

SOURCES = ("DESK", "DESK", "DESK-2", "ROOM-2")


def some_tasks(chance: random.Random, count: int) -> Carrying:
    tasks = {}
    for number in range(count):
        source = chance.choice(SOURCES)
        destination = chance.choice([place for place in PLACES if place not in (source, "DOCK")])
        priority = chance.choice(list(Priority))
        tasks[f"task-{number}"] = queued(f"task-{number}", source, destination, priority=priority)
    return Carrying(chance.randint(1, 4), tasks)


@pytest.mark.parametrize("seed", range(150))
def test_whatever_happens_no_book_is_lost_and_none_too_many_is_on_board(seed: int) -> None:
    chance = random.Random(seed)
    robot = some_tasks(chance, chance.randint(1, 6))
    for _ in range(chance.randint(20, 300)):
        robot.step()
        if chance.random() < 0.5:
            robot.chance(chance)
        assert len(robot.in_hand) <= robot.slots
        assert len({task.slot for task in robot.in_hand}) == len(robot.in_hand)
        loaded = {task.id for task in robot.tasks.values() if task.phase in LOADED}
        assert set(robot.on_board) == loaded
    robot.power, robot.stopped = Power.OK, False
    robot.run()
    assert all(task.phase in FINAL for task in robot.tasks.values())
    for task in robot.tasks.values():
        there = task.destination_location if task.phase is Phase.COMPLETED else task.source_location
        assert robot.books[task.id] in (there, "stranded")
        assert robot.books[task.id] == there or task.phase is Phase.FAILED


def three_orders(slots: int) -> Carrying:
    """Asked for in an order that goes to and fro."""
    tasks = {
        "far": queued("far", destination="ROOM-2"),
        "aside": queued("aside", destination="ROOM-3"),
        "near": queued("near", destination="ROOM-1"),
    }
    return Carrying(slots, tasks)


def test_three_orders_are_one_trip_and_cost_less_than_first_come_first_served() -> None:
    together, apart = three_orders(3), three_orders(1)
    together.run()
    apart.run()
    assert together.stops == ["DESK", "ROOM-1", "ROOM-2", "ROOM-3"]
    assert apart.stops == ["DESK", "ROOM-2", "DESK", "ROOM-3", "DESK", "ROOM-1"]
    assert together.seconds < 0.6 * apart.seconds


def loaded_trip() -> Carrying:
    """At the desk, with all three books on board."""
    robot = three_orders(3)
    for _ in range(100):
        robot.step()
        robot.end_drive()
        robot.people_act()
        if len(robot.on_board) == 3:
            return robot
    raise AssertionError(robot.tasks)


def test_all_that_is_fetched_at_one_place_is_waited_for_together() -> None:
    robot = three_orders(3)
    for _ in range(20):
        robot.step()
        robot.end_drive()
    assert [task.phase for task in robot.tasks.values()] == [Phase.WAITING_FOR_LOAD] * 3
    assert robot.stops == ["DESK"]


def test_after_a_crash_the_books_on_board_go_on_to_their_rooms() -> None:
    robot = loaded_trip()
    robot.restart()
    robot.run()
    assert robot.books == {"far": "ROOM-2", "aside": "ROOM-3", "near": "ROOM-1"}
    assert robot.stops.count("DESK") == 1


def test_one_that_is_cancelled_in_mid_trip_goes_home_and_the_others_are_delivered() -> None:
    robot = loaded_trip()
    robot.happen(TaskEvent.CANCEL, "near")
    robot.run()
    assert robot.books == {"far": "ROOM-2", "aside": "ROOM-3", "near": "DESK"}
    assert "ROOM-1" not in robot.stops


def test_where_nobody_is_there_the_others_are_delivered_and_the_book_goes_home() -> None:
    robot = loaded_trip()
    while robot.tasks["near"].phase is not Phase.WAITING_FOR_HANDOVER:
        robot.step()
        robot.end_drive()
    robot.step()
    robot.seconds += 301.0
    assert robot.step() == Step("near", TaskEvent.GIVE_UP_WAITING)
    robot.run()
    assert robot.books == {"far": "ROOM-2", "aside": "ROOM-3", "near": "DESK"}


def test_a_drive_that_fails_fails_only_those_who_were_to_be_served_there() -> None:
    robot = loaded_trip()
    while not isinstance(robot.step(), Go):
        pass
    robot.end_drive("BLOCKED")
    robot.run()
    assert robot.books == {"far": "ROOM-2", "aside": "ROOM-3", "near": "DESK"}


def test_who_asks_while_the_robot_is_under_way_joins_where_that_costs_less() -> None:
    robot = three_orders(4)
    del robot.tasks["aside"]
    for _ in range(3):
        robot.step()
    robot.tasks["late"] = queued("late", destination="ROOM-2", priority=Priority.URGENT)
    robot.books["late"] = "DESK"
    robot.run()
    assert robot.stops.count("DESK") == 1


def test_who_asks_for_the_other_way_waits_for_the_next_trip() -> None:
    robot = loaded_trip()
    robot.slots = 4
    robot.tasks["late"] = queued("late", "DESK-2", "DESK", priority=Priority.LOW)
    assert robot.step() == Claim()
    assert robot.tasks["late"].phase is Phase.QUEUED


def test_with_a_full_tray_nobody_joins() -> None:
    robot = loaded_trip()
    robot.tasks["late"] = queued("late", destination="ROOM-2", priority=Priority.URGENT)
    for _ in range(5):
        assert robot.step() != Claim()


def test_with_a_low_battery_what_is_not_on_board_is_given_back_and_the_rest_delivered() -> None:
    robot = loaded_trip()
    robot.tasks["near"] = queued("near", phase=Phase.ASSIGNED, slot=robot.tasks["near"].slot)
    robot.books["near"] = "DESK"
    robot.power = Power.LOW
    assert robot.step() == Step("near", TaskEvent.RELEASE)
    for _ in range(30):
        robot.step()
        robot.end_drive()
        robot.people_act()
    assert robot.books == {"far": "ROOM-2", "aside": "ROOM-3", "near": "DESK"}
    assert robot.tasks["near"].phase is Phase.QUEUED
