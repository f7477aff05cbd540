from edge.domain import requests
from edge.domain.requests import RequestEvent, RequestStatus
from tools.state_machines import PAGE, picture, redrawn


def test_the_pictures_in_the_docs_are_those_of_the_tables() -> None:
    page = PAGE.read_text()
    assert redrawn(page) == page, "draw them anew: python -m tools.state_machines"


def test_a_changed_table_makes_another_picture() -> None:
    short = dict(requests.TABLE[RequestStatus.PENDING])
    del short[RequestEvent.CANCEL]
    changed = {**requests.TABLE, RequestStatus.PENDING: short}
    assert "PENDING --> CANCELLED" in picture(requests.TABLE)
    assert "PENDING --> CANCELLED" not in picture(changed)


def test_each_state_of_a_request_has_its_name_elsewhere() -> None:
    page = PAGE.read_text()
    assert all(f"| `{status}` | " in page for status in RequestStatus)
