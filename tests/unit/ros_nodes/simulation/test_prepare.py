"""How a catalogue is shared out among the shelves of a proposed site."""

from edge.domain.inventory import BookDraft, CatalogueRecord
from edge.domain.shelving import shelf_for
from edge.domain.waypoints import CALL_NUMBER_FROM, CALL_NUMBER_TO, Waypoint, WaypointKind
from ros_nodes.simulation.prepare import shelved

NUMBERS = ["005.13 KNU", "100 ARI", "510 EUC", "813.54 MOR", "823.7 AUS", "823.8 DIC", "99"]
RECORDS = [
    CatalogueRecord(BookDraft("A title", call_number=number), (), number) for number in NUMBERS
]


def _shelf(letter: str, **metadata: str) -> Waypoint:
    return Waypoint(
        letter, letter, f"SHELF-{letter}", 0, 0, kind=WaypointKind.SHELF, metadata=metadata
    )


def test_the_books_stand_evenly_on_the_shelves_in_the_order_of_their_call_numbers() -> None:
    shelves = shelved([_shelf("A"), _shelf("B"), _shelf("C")], RECORDS)
    stands = [shelf_for(number, shelves) for number in ("005.13 KNU", "99", "100 ARI", "510 EUC")]
    assert stands == ["SHELF-A", "SHELF-A", "SHELF-A", "SHELF-B"]
    assert {shelf_for(number, shelves) for number in NUMBERS} == {"SHELF-A", "SHELF-B", "SHELF-C"}


def test_a_shelf_that_says_what_stands_on_it_stays_as_it_is() -> None:
    told = _shelf("A", **{CALL_NUMBER_FROM: "000", CALL_NUMBER_TO: "999"})
    assert shelved([told], RECORDS) == [told]


def test_more_shelves_than_books_leave_some_empty() -> None:
    shelves = shelved([_shelf(letter) for letter in "ABCDEFGHIJ"], RECORDS)
    assert sum(shelf.call_numbers is not None for shelf in shelves) == len(NUMBERS)


def test_without_call_numbers_nothing_is_shared_out() -> None:
    record = CatalogueRecord(BookDraft("A title"), (), "1")
    assert shelved([_shelf("A")], [record]) == [_shelf("A")]
