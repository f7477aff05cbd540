"""What the processes write down about themselves: events with facts, as structlog has them.

`LUNA_LOG` says how: `text` (readable, on stderr: the default), `json` (JSON lines on stderr, for a
journal), `file` (JSON lines in DIR/logs/<process>.log, bounded; what `luna sim` asks of its
processes). Whatever the libraries log by Python's own logging goes the same way. Never log personal
data, PINs, passwords or tokens.
"""

import logging
import logging.handlers
import os
import sys
from pathlib import Path
from typing import Any

from edge.hidden import hidden

with hidden("rich", "greenlet"):  # for tracebacks in colour: 40 ms and 6 MB a process
    import structlog
    from structlog.typing import EventDict, Processor

FORMATS = ("text", "json", "file")
FILE_BYTES = 5_000_000
OLD_FILES = 2


def configure(process: str, data_dir: Path | None = None) -> None:
    """Set logging up for this process; call it once, first thing in `main`."""
    wanted = os.environ.get("LUNA_LOG", "text")
    if wanted == "file" and data_dir is not None:
        handler: logging.Handler = _LogFile(data_dir / "logs" / f"{process}.log")
    else:
        handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(process, readable=wanted == "text" or wanted not in FORMATS))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(os.environ.get("LUNA_LOG_LEVEL", "INFO").upper())
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def get(name: str) -> structlog.stdlib.BoundLogger:
    """A logger: `get("sync").info("connected", host=host)`. May be made before `configure`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    structlog.processors.StackInfoRenderer(),
]


def _formatter(process: str, *, readable: bool) -> logging.Formatter:
    def name_process(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {**event, "process": process}

    last: list[Processor]
    if readable:
        last = [
            structlog.dev.ConsoleRenderer(
                timestamp_key="time",
                colors=sys.stderr.isatty(),
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    else:
        render = structlog.processors.JSONRenderer(default=str)
        last = [structlog.processors.format_exc_info, name_process, render]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


class _LogFile(logging.handlers.RotatingFileHandler):
    """A bounded file that also takes what C libraries and dying interpreters write to stderr."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        super().__init__(path, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8")
        self._take_output()

    def doRollover(self) -> None:
        super().doRollover()
        self._take_output()

    def _take_output(self) -> None:
        if self.stream is not None:
            for descriptor in (1, 2):
                os.dup2(self.stream.fileno(), descriptor)
