"""Readers give books back, and the robot fetches them."""

from edge.domain.errors import ConflictError, NotFoundError, ValidationError
from edge.domain.inventory import Copy, CopyStatus, user_place
from edge.domain.returns import TABLE, Return, ReturnEvent, ReturnStatus
from edge.domain.tasks import TaskType
from edge.domain.transitions import follow
from edge.services import audit, catalogue, outbox, places, tasks, users
from edge.services.records import record
from edge.store.copies import Copies
from edge.store.database import Reader, Transaction, new_id
from edge.store.paging import Page
from edge.store.repository import check_page
from edge.store.returns import Returns


def create(
    tx: Transaction,
    *,
    user_id: str,
    pickup_location: str,
    book_id: str | None = None,
    copy_id: str | None = None,
    return_id: str | None = None,
) -> Return:
    """The robot will come to `pickup_location` for a book that the reader has. Name the book or the copy.

    Raises NotFoundError, UnknownWaypointError, ValidationError, ConflictError.
    """
    before = Returns(tx).get(return_id) if return_id else None
    if before is not None:
        return before
    tx.need_room()
    users.get(tx, user_id)
    place = places.find_destination(tx, pickup_location, field="pickup_location")
    copy = _lent_copy(tx, user_id, book_id, copy_id)
    if Copies(tx).is_in_use(copy.id):
        raise ConflictError("RETURN_PLANNED", copy_id=copy.id)
    returned = Return(
        id=return_id or new_id(),
        user_id=user_id,
        book_id=copy.book_id,
        copy_id=copy.id,
        pickup_location=place.location_code,
        status=ReturnStatus.PENDING,
        initiated_at=tx.now,
        picked_up_at=None,
        completed_at=None,
        task_id=new_id(),
    )
    Returns(tx).add(returned)
    outbox.emit(tx, "return.created", "return", returned.id, record(returned))
    audit.record(tx, "return.create", "return", returned.id, copy_id=copy.id)
    tasks.plan(
        tx,
        queued=True,
        task_id=returned.task_id,
        task_type=TaskType.RETURN_PICKUP,
        return_id=returned.id,
        source_location=place.location_code,
        destination_location=places.nearest_desk(tx, place).location_code,
        copy_id=copy.id,
    )
    return get(tx, returned.id)


def get(reader: Reader, return_id: str) -> Return:
    """Raises NotFoundError."""
    returned = Returns(reader).get(return_id)
    if returned is None:
        raise NotFoundError("NO_SUCH_RETURN")
    return returned


def list_returns(
    reader: Reader,
    *,
    user_id: str | None = None,
    status: ReturnStatus | None = None,
    page: int = 1,
    limit: int = 20,
    sort: str = "created_at",
    order: str = "asc",
) -> Page[Return]:
    check_page(page, limit)
    return Returns(reader).page(user_id, status, page=page, limit=limit, sort=sort, order=order)


def picked_up(tx: Transaction, return_id: str) -> Return:
    """The reader has put the book on the robot. Raises InvalidTransitionError where it is not there yet."""
    returned = get(tx, return_id)
    follow(TABLE, returned.status, ReturnEvent.PICK_UP)
    tasks.load_placed(tx, returned.task_id or "")
    return get(tx, return_id)


def cancel(tx: Transaction, return_id: str) -> Return:
    """Possible until the book is on the robot. Raises InvalidTransitionError."""
    returned = get(tx, return_id)
    follow(TABLE, returned.status, ReturnEvent.CANCEL)
    tasks.cancel(tx, returned.task_id or "")
    return get(tx, return_id)


def _lent_copy(tx: Transaction, user_id: str, book_id: str | None, copy_id: str | None) -> Copy:
    """The copy that this reader has."""
    if copy_id is not None:
        copies = [catalogue.get_copy(tx, copy_id)]
    elif book_id is not None:
        copies = catalogue.list_copies(tx, catalogue.get(tx, book_id).id)
    else:
        raise ValidationError("WHICH_COPY", field="book_id")
    place = user_place(user_id)
    lent = [c for c in copies if c.status is CopyStatus.CHECKED_OUT and c.location == place]
    if not lent:
        raise ConflictError("NOT_YOUR_BOOK", book_id=book_id, copy_id=copy_id)
    return lent[0]
