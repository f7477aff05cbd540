"""Users, staying signed in, and what people are told."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edge.domain.errors import (
    ConflictError,
    NotFoundError,
    UnauthenticatedError,
    ValidationError,
)
from edge.domain.notifications import NotificationType
from edge.domain.users import FREE_FAILURES, Actor, Role, User
from edge.services import audit, idempotency, notifications, sessions, users
from tests.support.store import Library, small_library

WEEK_S = 7 * 86400.0


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with small_library(tmp_path) as library:
        yield library


def sign_in(library: Library) -> str:
    return library.do(lambda tx: sessions.open_family(tx, library.student.id, lifetime_s=WEEK_S))


def rotate(library: Library, token: str) -> tuple[User, str]:
    return library.do(lambda tx: sessions.rotate(tx, token))


def test_a_refresh_token_gives_a_new_one_of_the_same_family(library: Library) -> None:
    first = sign_in(library)
    user, second = rotate(library, first)
    assert user.id == library.student.id and second != first
    family = library.see(lambda reader: sessions.family(reader, first))
    assert family is not None
    assert library.see(lambda reader: sessions.family(reader, second)) == family


def test_a_token_used_twice_ends_its_family_for_good(library: Library) -> None:
    first = sign_in(library)
    other = sign_in(library)
    _, second = rotate(library, first)
    with pytest.raises(UnauthenticatedError):
        rotate(library, first)
    with pytest.raises(UnauthenticatedError):
        rotate(library, second)
    assert rotate(library, other)[0].id == library.student.id
    seen = library.see(lambda reader: audit.list_entries(reader, action="session.token_reused"))
    assert seen.total == 1


def test_signing_out_ends_the_family(library: Library) -> None:
    _, token = rotate(library, sign_in(library))
    library.do(lambda tx: sessions.revoke(tx, token))
    with pytest.raises(UnauthenticatedError):
        rotate(library, token)


def test_a_token_is_worth_nothing_when_it_is_old_unknown_or_its_user_is_gone(
    library: Library,
) -> None:
    with pytest.raises(UnauthenticatedError):
        rotate(library, "made up")
    token = sign_in(library)
    library.do(lambda tx: users.update_profile(tx, library.student.id, active=False))
    with pytest.raises(UnauthenticatedError):
        rotate(library, token)
    library.do(lambda tx: users.update_profile(tx, library.student.id, active=True))
    token = sign_in(library)
    library.clock.advance(WEEK_S)
    with pytest.raises(UnauthenticatedError):
        rotate(library, token)


def test_a_short_session_stays_short_when_it_is_renewed(library: Library) -> None:
    first = library.do(lambda tx: sessions.open_family(tx, library.student.id, lifetime_s=900))
    library.clock.advance(600)
    _, second = rotate(library, first)
    library.clock.advance(901)
    with pytest.raises(UnauthenticatedError):
        rotate(library, second)


def test_no_token_stands_in_the_store(library: Library) -> None:
    token = sign_in(library)
    rows = library.see(lambda reader: reader.rows("SELECT * FROM refresh_token"))
    assert token not in str([tuple(row) for row in rows])


def test_a_new_password_signs_everybody_out(library: Library) -> None:
    token = sign_in(library)
    library.do(lambda tx: users.set_password(tx, library.student.id, "other"))
    with pytest.raises(UnauthenticatedError):
        rotate(library, token)
    found = library.see(lambda reader: users.by_login(reader, "ADA@example.org"))
    assert found is not None and found[1] == "other"


def test_failures_in_a_row_lock_the_account_for_longer_each_time(library: Library) -> None:
    def fail() -> float:
        library.do(lambda tx: sessions.login_failed(tx, library.student.id))
        return library.see(lambda reader: sessions.locked_s(reader, library.student.id))

    assert [fail() for _ in range(FREE_FAILURES)] == [0.0] * FREE_FAILURES
    assert 0 < fail() < fail()
    library.do(lambda tx: sessions.login_succeeded(tx, library.student.id))
    assert fail() == 0.0


def test_an_address_belongs_to_one_account_however_it_is_written(library: Library) -> None:
    with pytest.raises(ConflictError):
        library.person("ADA@Example.org", Role.STUDENT)
    with pytest.raises(ConflictError):
        library.do(
            lambda tx: users.update_profile(tx, library.librarian.id, email="Ada@example.org")
        )


def test_a_profile_changes_only_in_what_people_may_change(library: Library) -> None:
    changed = library.do(
        lambda tx: users.update_profile(
            tx, library.student.id, version=1, first_name="Augusta", email="ADA@example.org"
        )
    )
    assert (changed.first_name, changed.version) == ("Augusta", 2)
    with pytest.raises(ValidationError):
        library.do(lambda tx: users.update_profile(tx, library.student.id, id="other"))
    with pytest.raises(ConflictError):
        library.do(
            lambda tx: users.update_profile(tx, library.student.id, version=1, role=Role.ADMIN)
        )


def test_a_card_signs_in_like_an_address(library: Library) -> None:
    made = library.do(
        lambda tx: users.register(
            tx,
            email="mary@example.org",
            password_hash="p",
            first_name="Mary",
            last_name="Somerville",
            card_number="L-0001",
            pin_hash="h",
        )
    )
    assert library.see(lambda reader: users.by_login(reader, "L-0001")) == (made, "p", "h")
    assert library.see(lambda reader: users.by_login(reader, "L-0002")) is None


def test_no_secret_of_a_user_leaves_the_store(library: Library) -> None:
    library.do(lambda tx: users.set_password(tx, library.student.id, "secret-hash"))
    library.do(lambda tx: users.set_pin(tx, library.student.id, "secret-pin"))
    library.do(lambda tx: users.update_profile(tx, library.student.id, first_name="A"))
    told = library.see(lambda r: r.rows("SELECT data FROM outbox UNION SELECT details FROM audit"))
    assert "secret" not in str([row[0] for row in told])


def test_users_can_be_listed_by_role(library: Library) -> None:
    page = library.see(lambda reader: users.list_users(reader, role=Role.LIBRARIAN))
    assert [user.id for user in page.items] == [library.librarian.id]


def tell(library: Library, title: str, user: User | None = None) -> str:
    to = user or library.student
    return library.do(
        lambda tx: notifications.notify(tx, to.id, NotificationType.SYSTEM_ALERT, title)
    ).id


def test_the_newest_notice_comes_first_and_reading_is_once(library: Library) -> None:
    first = tell(library, "one")
    library.clock.advance(1)
    tell(library, "two")
    library.clock.advance(1)

    def titles(**more: Any) -> list[str]:
        page = library.see(lambda r: notifications.list_for(r, library.student.id, **more))
        return [one.title for one in page.items]

    assert titles() == ["two", "one"]
    read = library.do(lambda tx: notifications.mark_read(tx, library.student.id, first))
    library.clock.advance(1)
    again = library.do(lambda tx: notifications.mark_read(tx, library.student.id, first))
    assert again == read and read.read_at is not None
    assert titles(unread_only=True) == ["two"]
    assert library.do(lambda tx: notifications.mark_all_read(tx, library.student.id)) == 1
    assert titles(unread_only=True) == []
    assert library.events().count("notification.read") == 2


def test_nobody_reads_or_deletes_anothers_notice(library: Library) -> None:
    mine = tell(library, "one")
    for act in (notifications.mark_read, notifications.delete):
        with pytest.raises(NotFoundError):
            library.do(partial(act, user_id=library.librarian.id, notification_id=mine))
    library.do(lambda tx: notifications.delete(tx, library.student.id, mine))
    with pytest.raises(NotFoundError):
        library.see(lambda reader: notifications.get(reader, library.student.id, mine))


def test_the_same_question_gets_the_same_answer(library: Library) -> None:
    library.do(lambda tx: idempotency.remember(tx, "ada", "key", "abc", 201, {"id": 1}))
    recall = idempotency.recall
    assert library.see(lambda reader: recall(reader, "ada", "key", "abc")) == (201, {"id": 1})
    assert library.see(lambda reader: recall(reader, "grace", "key", "abc")) is None
    with pytest.raises(ConflictError):
        library.see(lambda reader: recall(reader, "ada", "key", "other"))


def test_the_audit_says_who_did_what_from_where(library: Library) -> None:
    actor = Actor(library.librarian.id, Role.LIBRARIAN, origin="central")
    library.do(lambda tx: users.update_profile(tx, library.student.id, first_name="A"), actor)
    page = library.see(lambda reader: audit.list_entries(reader, actor=library.librarian.id))
    (entry,) = page.items
    assert (entry.action, entry.entity_id) == ("user.update", library.student.id)
    assert (entry.origin, entry.details) == ("central", {"fields": ["first_name"]})
