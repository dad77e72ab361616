"""Where log lines go and what they look like. Nothing is configured on import."""

import json
import logging
import sys
from typing import TYPE_CHECKING, Any

import structlog
import structlog.tracebacks

from certinel.config import LogSettings

if TYPE_CHECKING:
    from structlog.types import Processor

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)  # variables hold passwords and tokens
)


def configure(settings: LogSettings) -> None:
    """Send structlog's and the standard library's lines to standard error, one line an event.

    Lines for machines are JSON objects with ``timestamp``, ``level`` and ``event``.
    """
    level = _LEVELS[settings.level]
    as_json = settings.form == "json" or (settings.form == "auto" and not sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = (
        [_TRACEBACKS, _event_first, structlog.processors.JSONRenderer(serializer=_json)]
        if as_json
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[*shared, *last, _encoded],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # two lines for every connection: each is one write, which a logger of text makes two of
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_plain, *last]))
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


_encoder = json.JSONEncoder(default=str, separators=(",", ":"))


def _json(event: object, **_options: object) -> str:
    """Write JSON with an encoder made once: one made for each line costs more than the line."""
    return _encoder.encode(event)


def _event_first(_logger: object, _name: str, event: "structlog.typing.EventDict") -> "structlog.typing.EventDict":
    first = {name: event.pop(name) for name in ("timestamp", "level", "event") if name in event}
    return {**first, **event}


def _encoded(_logger: object, _name: str, line: Any) -> bytes:
    return str(line).encode(errors="backslashreplace")


def _plain(_logger: object, _name: str, event: "structlog.typing.EventDict") -> "structlog.typing.EventDict":
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(logging.getLogger(), "", event)
