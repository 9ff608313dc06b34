"""GET /metrics: requests, appends and consumers, for Prometheus."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time
from functools import cache
from typing import Final

from django.conf import settings
from django.db import Error, connections
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from ninja.errors import AuthenticationError
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from eventstore import store
from eventstore.consumers.status import Status, statuses
from eventstore.log import replica
from ledger import as_of
from ledger.fee_lag import fee_lag
from relays.following.status import STATES, follower_statuses
from web.protocol import problems
from web.protocol.authentication import authenticators
from web.server import worker_counts

_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_LABELS: Final = ("method", "route", "status")
_REQUESTS: Final = Counter("daybook_http_requests", "Requests answered.", _LABELS)
_DURATIONS: Final = Histogram(
    "daybook_http_request_duration_seconds",
    "Time until the answer began; streaming comes on top.",
    _LABELS,
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_CONVERTER: Final = re.compile(r"<\w+:")
_STATES: Final = ("running", "waiting", "paused", "stopped", "gone")


def route(request: HttpRequest) -> str:
    """Return the pattern of a request's path. Patterns are few; paths, which contain uuids, are not."""
    if request.resolver_match is not None:
        return _without_converters(request.resolver_match.route)
    return settings.STATIC_URL if request.path.startswith(settings.STATIC_URL) else "none"


@cache
def _without_converters(pattern: str) -> str:
    return f"/{_CONVERTER.sub('<', pattern)}"


def observe(method: str, pattern: str, status: int, seconds: float) -> None:
    """Count a request and its duration."""
    labels = (method if method in _METHODS else "other", pattern, str(status))
    _REQUESTS.labels(*labels).inc()
    _DURATIONS.labels(*labels).observe(seconds)


class LedgerCollector(Collector):
    """Reads the state of the ledger and its consumers from the database at each scrape."""

    def collect(self) -> Iterator[Metric]:
        """Yield the head, the business date, and each consumer's lag and state."""
        head = store.head().position
        yield GaugeMetricFamily("daybook_head_position", "Position of the last event.", value=head)
        cycled = as_of.last_cycled(head)
        if cycled is not None:
            midnight = datetime.combine(cycled.data.new_date, time(), UTC).timestamp()
            yield GaugeMetricFamily(
                "daybook_business_date_seconds",
                "The last date cycled, as the Unix time of its midnight in UTC.",
                value=midnight,
            )
        yield from _late_fees()
        yield from _replica(head)
        yield from _followers()
        read_models_answer = _answers(settings.READ_DATABASE)
        yield GaugeMetricFamily(
            "daybook_read_models_up", "1 if the database of the read models answers.", value=float(read_models_answer)
        )
        if read_models_answer:
            yield from _consumers(statuses())


def _answers(alias: str) -> bool:
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        connections[alias].close()
        return False
    return True


def _replica(head: int) -> Iterator[Metric]:
    state = replica.examine()
    if state is not None:
        yield GaugeMetricFamily(
            "daybook_log_replica_up", "1 if queries read from the replica of the log.", value=float(not state.fault)
        )
        if not state.fault:
            lag = max(head - state.position, 0)
            yield GaugeMetricFamily("daybook_log_replica_lag_events", "Events that the replica lacks.", value=lag)


def _late_fees() -> Iterator[Metric]:
    lag = fee_lag()
    if lag is None:
        return
    yield GaugeMetricFamily(
        "daybook_late_fees_dates_behind", "Business dates begun whose late fees are not complete.", value=lag.dates
    )
    if lag.assessed_through is not None:
        midnight = datetime.combine(lag.assessed_through, time(), UTC).timestamp()
        yield GaugeMetricFamily(
            "daybook_fees_assessed_through_seconds",
            "The last date whose late fees are complete, as UTC.",
            value=midnight,
        )


def _consumers(found: list[Status]) -> Iterator[Metric]:
    labels = ("consumer", "kind")
    position = GaugeMetricFamily("daybook_consumer_position", "Position of the last event handled.", labels=labels)
    events = GaugeMetricFamily("daybook_consumer_lag_events", "Number of events after its position.", labels=labels)
    seconds = GaugeMetricFamily(
        "daybook_consumer_lag_seconds", "Age of the first event after its position.", labels=labels
    )
    failed = GaugeMetricFamily("daybook_consumer_failed", "1 if an error stopped it.", labels=labels)
    errors = CounterMetricFamily(
        "daybook_consumer_errors", "Number of failures at the event after its position.", labels=labels
    )
    state = GaugeMetricFamily("daybook_consumer_state", "1 for its present state.", labels=(*labels, "state"))
    for status in found:
        key = (status.name, status.kind)
        position.add_metric(key, status.position)
        events.add_metric(key, status.lag_events)
        seconds.add_metric(key, status.lag_seconds)
        failed.add_metric(key, float(status.error is not None))
        errors.add_metric(key, 0 if status.error is None else status.error.count)
        for name in _STATES:
            state.add_metric((*key, name), float(status.state == name))
    yield from (position, events, seconds, failed, errors, state)


def _followers() -> Iterator[Metric]:
    labels = ("follower",)
    position = GaugeMetricFamily(
        "daybook_follower_position",
        "Position of the last event that a follower in this database handled.",
        labels=labels,
    )
    events = GaugeMetricFamily(
        "daybook_follower_lag_events", "Number of events after it, if it follows this log.", labels=labels
    )
    state = GaugeMetricFamily("daybook_follower_state", "1 for its present state.", labels=(*labels, "state"))
    for status in follower_statuses():
        position.add_metric([status.name], status.position)
        if status.lag_events is not None:
            events.add_metric([status.name], status.lag_events)
        for name in STATES:
            state.add_metric([status.name, name], float(status.state == name))
    yield from (position, events, state)


def text() -> bytes:
    """Return all metrics, added up over this server's processes."""
    shown = CollectorRegistry()
    shown.register(LedgerCollector())
    if settings.METRICS_DIRECTORY:
        shown.register(MultiProcessCollector(None, settings.METRICS_DIRECTORY))
        with worker_counts.reading(settings.METRICS_DIRECTORY):
            return generate_latest(shown)
    return generate_latest(shown) + generate_latest(REGISTRY)


@require_safe
def view(request: HttpRequest) -> HttpResponse:
    """Answer the metrics; the caller needs the permission to read the ledger."""
    try:
        if all(known(request) is None for known in authenticators()):
            return problems.handle(request, AuthenticationError())
        return HttpResponse(text(), content_type=CONTENT_TYPE_LATEST)
    except Exception as error:  # noqa: BLE001 - every error is answered as under /api/
        return problems.handle(request, error)
