from edge.supervisor import ros_domain
from tests.support.ros import DOMAINS, own_domain


def test_no_two_tests_share_a_ros_domain() -> None:
    with own_domain() as one, own_domain() as other:
        assert one != other
        assert {one, other} <= set(DOMAINS)


def test_a_domain_is_not_taken_twice_in_a_row() -> None:
    with own_domain() as one:
        pass
    with own_domain() as next_one:
        assert one != next_one


def test_a_domain_where_a_robot_runs_is_not_taken() -> None:
    with own_domain() as one:
        pass
    with (
        ros_domain.claim(DOMAINS[(DOMAINS.index(one) + 1) % len(DOMAINS)]),
        own_domain() as next_one,
    ):
        assert next_one not in (one, one + 1)
