"""What may be in flight, and when it is sent again."""

from hypothesis import given
from hypothesis import strategies as st

from sync.wire.stream import RESEND_AFTER_S, RESEND_AT_MOST_S, WINDOW_BATCHES, Sender


def filled(acked: int = 0) -> Sender:
    """A sender with all that it may send on its way, ten events a batch."""
    sender = Sender(acked)
    while sender.has_room:
        sender.went(sender.sent + 10, 0.0)
    return sender


def test_no_more_batches_are_in_flight_than_the_window_holds() -> None:
    sender = filled()

    assert sender.sent == 10 * WINDOW_BATCHES
    assert not sender.has_room


def test_an_acknowledgement_makes_room() -> None:
    sender = filled()

    assert sender.confirmed(20, 1.0)

    assert (sender.acked, sender.has_room) == (20, True)


def test_the_same_acknowledgement_again_sends_again_once() -> None:
    sender = filled()
    sender.confirmed(10, 1.0)

    assert not sender.confirmed(10, 2.0)
    assert sender.sent == 10
    sender.went(20, 2.0)
    sender.confirmed(10, 3.0)

    assert sender.sent == 20


def test_what_the_broker_kept_of_an_earlier_time_sends_nothing_again() -> None:
    sender = filled()

    sender.confirmed(0, 1.0, live=False)

    assert sender.sent == 10 * WINDOW_BATCHES


def test_progress_makes_a_repeated_acknowledgement_count_again() -> None:
    sender = filled()
    sender.confirmed(0, 1.0)
    sender.went(10, 1.0)
    sender.confirmed(10, 2.0)
    sender.went(20, 2.0)

    sender.confirmed(10, 3.0)

    assert sender.sent == 10


def test_silence_sends_again_one_batch_at_a_time_and_ever_later() -> None:
    sender = filled()
    assert not sender.resend_overdue(RESEND_AFTER_S - 0.1)

    assert sender.resend_overdue(RESEND_AFTER_S)
    assert sender.sent == 0
    sender.went(10, RESEND_AFTER_S)
    assert not sender.has_room
    assert not sender.resend_overdue(2 * RESEND_AFTER_S)

    now = RESEND_AFTER_S
    for _ in range(10):
        wait = sender.resend_in_s(now)
        assert wait is not None and wait <= RESEND_AT_MOST_S
        now += wait
        assert sender.resend_overdue(now)
        sender.went(10, now)


def test_an_answer_after_silence_opens_the_window_again() -> None:
    sender = filled()
    sender.resend_overdue(RESEND_AFTER_S)
    sender.went(10, RESEND_AFTER_S)

    sender.confirmed(10, RESEND_AFTER_S + 1)
    sender.went(20, RESEND_AFTER_S + 1)

    assert sender.has_room


def test_the_other_side_restored_from_a_backup_gets_again_what_it_lost() -> None:
    sender = filled(acked=100)

    assert not sender.confirmed(60, 1.0)

    assert (sender.acked, sender.sent) == (60, 60)


def test_a_new_connection_begins_at_what_is_confirmed() -> None:
    sender = filled()
    sender.confirmed(10, 1.0)

    sender.restart()

    assert (sender.sent, sender.has_room) == (10, True)


def test_nothing_in_flight_is_never_overdue() -> None:
    assert Sender(5).resend_in_s(1e9) is None
    assert not Sender(5).resend_overdue(1e9)


@given(
    st.lists(
        st.one_of(
            st.just("send"), st.just("lose"), st.just("deliver"), st.just("ack"), st.just("wait")
        )
    )
)
def test_whatever_is_lost_in_the_end_all_arrives_in_order(story: list[str]) -> None:
    """A receiver that applies only what comes next, over a link that loses batches and acknowledgements."""
    last, now, received = 100, 0.0, 0
    sender = Sender(0)
    wire: list[tuple[int, int]] = []
    for act in [*story, *["send", "deliver", "ack", "wait"] * 60]:
        now += 0.1
        if act == "send" and sender.has_room and sender.sent < last:
            first, end = sender.sent, min(sender.sent + 10, last)
            wire.append((first, end))
            sender.went(end, now)
        elif act == "lose" and wire:
            wire.pop()
        elif act == "deliver" and wire:
            first, end = wire.pop(0)
            received = max(received, end) if first <= received else received
        elif act == "ack":
            sender.confirmed(received, now)
        elif act == "wait":
            now += RESEND_AFTER_S
            sender.resend_overdue(now)
        assert sender.acked <= received <= last
        assert sender.acked <= sender.sent
    assert sender.acked == last
