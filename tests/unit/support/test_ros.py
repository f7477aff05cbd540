from tests.support.ros import DOMAINS, own_domain


def test_no_two_tests_share_a_ros_domain() -> None:
    with own_domain() as one, own_domain() as other:
        assert one != other
        assert {one, other} <= set(DOMAINS)
