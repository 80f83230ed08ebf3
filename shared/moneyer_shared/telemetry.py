"""Logs a machine reads and metrics a dashboard draws; neither ever carries a value of a source (I8)."""

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class JsonFormatter(logging.Formatter):
    """One JSON object a line. Exceptions keep type and place; their message may quote data and is dropped."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "service": self.service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            entry["error"] = place_of(record.exc_info[1])
        return json.dumps(entry, default=str)


def place_of(error: BaseException) -> dict[str, Any]:
    """Type and stack of an exception, without its message: a driver may quote a row there."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "type": type(error).__qualname__,
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
        "cause": type(error.__cause__).__qualname__ if error.__cause__ else None,
    }


def configure_logging(service: str, level: str = "INFO") -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.getLogger("uvicorn.access").disabled = True
    # Statement logs print bound parameters; at any level they stay silent.
    for noisy in ("sqlalchemy.engine", "asyncpg", "httpcore", "hpack"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class Metrics:
    """The counters every service has; a service adds its own to the same registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self.seconds = Histogram("http_request_seconds", "Time to answer.", ("method", "route"), registry=self.registry)
        self._gauges: dict[str, Gauge] = {}

    def show(self, name: str, meaning: str, found: float | Mapping[str, float], label: str = "kind") -> None:
        """Show a figure as it is now, or one of each kind; a kind that is not there any more is not shown either."""
        if name not in self._gauges:
            labels = (label,) if isinstance(found, Mapping) else ()
            self._gauges[name] = Gauge(name, meaning, labels, registry=self.registry)
        gauge = self._gauges[name]
        if not isinstance(found, Mapping):
            gauge.set(found)
            return
        gauge.clear()
        for kind, value in found.items():
            gauge.labels(kind).set(value)
