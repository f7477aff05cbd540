"""The budget of each client."""

from api.limits import MAX_CLIENTS, Buckets


def test_a_budget_is_used_up_and_fills_again() -> None:
    buckets = Buckets(2.0, burst=3)
    assert [buckets.wait_s("a", 0.0) for _ in range(3)] == [0.0] * 3
    assert buckets.wait_s("a", 0.0) == 0.5
    assert buckets.wait_s("a", 0.25) == 0.25
    assert buckets.wait_s("a", 0.5) == 0.0
    assert buckets.wait_s("a", 0.5) == 0.5


def test_each_client_has_its_own() -> None:
    buckets = Buckets(1.0, burst=1)
    assert (buckets.wait_s("a", 0.0), buckets.wait_s("b", 0.0)) == (0.0, 0.0)
    assert buckets.wait_s("a", 0.0) == 1.0


def test_a_rest_saves_up_no_more_than_a_burst() -> None:
    buckets = Buckets(1.0, burst=2)
    buckets.wait_s("a", 0.0)
    assert [buckets.wait_s("a", 1e6) > 0 for _ in range(3)] == [False, False, True]


def test_a_rate_of_nothing_is_no_limit() -> None:
    buckets = Buckets(0.0)
    assert {buckets.wait_s("a", 0.0) for _ in range(1000)} == {0.0}


def test_many_clients_are_not_remembered_for_ever() -> None:
    buckets = Buckets(1.0)
    for number in range(MAX_CLIENTS * 2):
        buckets.wait_s(str(number), 0.0)
    assert len(buckets._left) == MAX_CLIENTS
