"""Structured logs in which no fiscal code is ever legible."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

from messaging.appio.fiscal_codes import mask


def mask_fiscal_codes(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask the fiscal codes in every text of a log event, the exception's text included."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = mask(value)
        elif not isinstance(value, int | float | bool | None.__class__) and not name.startswith("_"):
            event[name] = mask(str(value))
    return event


def logging_configuration(*, level: str, as_json: bool) -> dict[str, Any]:
    """The LOGGING setting: one line an event on standard error, as JSON or for a person to read."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    final: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        mask_fiscal_codes,
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    quiet = ["urllib3", "kombu", "amqp", "celery.beat", "celery.worker.strategy", "celery.app.trace"]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": final,
                "foreign_pre_chain": [*shared, structlog.stdlib.ExtraAdder()],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {name: {"level": logging.WARNING} for name in quiet},
    }
