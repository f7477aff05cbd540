"""A page of a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Page(Generic[T_co]):
    """`items` are number (page - 1) * limit + 1 and on of `total`."""

    items: Sequence[T_co]
    page: int
    limit: int
    total: int
