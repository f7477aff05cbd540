"""The same question with the same key gets the same answer again, also after a restart."""

from typing import Any

from edge.domain.errors import ConflictError
from edge.store.database import Reader, Transaction
from edge.store.idempotency import Answer, Answers


def recall(reader: Reader, user_id: str, key: str, fingerprint: str) -> tuple[int, Any] | None:
    """Status and body of the first answer. Raises ConflictError where the key was used for something else."""
    answer = Answers(reader).find(user_id, key)
    if answer is None:
        return None
    if answer.fingerprint != fingerprint:
        raise ConflictError("KEY_USED")
    return answer.status, answer.body


def remember(
    tx: Transaction, user_id: str, key: str, fingerprint: str, status: int, body: Any
) -> None:
    """Call it in the transaction of the change that is answered."""
    Answers(tx).add(user_id, key, Answer(fingerprint, status, body))
