"""Libraries that others load where they find them, kept out of processes that have no use for them."""

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def hidden(*names: str) -> Iterator[None]:
    """What is imported meanwhile does not find these. Whoever wants them still gets them afterwards."""
    kept = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(kept))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in kept:
            del sys.modules[name]
