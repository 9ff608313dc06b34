"""Several prepared statements in one message: the answers come together, so the process waits once."""

import select
from collections.abc import Iterator, Sequence
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import pq

from eventstore.libpq.prepared import BINARY, TEXT, Prepared, Value, by_cursor, loaded, pack, prepare_anew
from eventstore.libpq.session import begin, error_of, session_of

Statement = tuple[Prepared, Sequence[Value | None]]

NOTHING: Final[Iterator[object]] = iter(())
"""What there is to do while an answer is awaited, if there is nothing."""
_HAS_ENDED: Final = object()
_DONE: Final = frozenset({pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK})


def fetch_all(connection: BaseDatabaseWrapper, statements: Sequence[Statement]) -> list[list[tuple[Any, ...]]]:
    """Return the rows of each statement; raises Django's errors. Inside `atomic()` it begins the transaction too."""
    connection.validate_no_broken_transaction()
    connection.ensure_connection()
    if connection.execute_wrappers or connection.queries_logged:
        return [by_cursor(connection, statement, values) for statement, values in statements]
    with connection.wrap_database_errors:
        try:
            results = _results(connection, statements)
        except psycopg.errors.InvalidSqlStatementName:
            # DISCARD ALL or a pooler dropped the statements. An open transaction has failed.
            session_of(connection).prepared.clear()
            if connection.in_atomic_block:
                raise
            results = _results(connection, statements)
        return [loaded(connection.connection, result) for result in results]


def _results(connection: BaseDatabaseWrapper, statements: Sequence[Statement]) -> list[pq.abc.PGresult]:
    raw: psycopg.Connection[Any] = connection.connection
    begins = not raw.autocommit and raw.pgconn.transaction_status == pq.TransactionStatus.IDLE
    if begins and (raw.isolation_level or raw.read_only or raw.deferrable):
        begin(connection)  # in the way that psycopg says it
        begins = False
    if settings.PREPARED_STATEMENTS:
        for statement, _ in statements:
            prepare_anew(connection, statement)
    with raw.lock:
        results = _exchange(raw.pgconn, statements, begins=begins)
    failed = next((result for result in results if result.status not in _DONE), None)
    if failed is not None:
        raise error_of(failed, raw)
    return results[begins:]


def _exchange(pgconn: pq.abc.PGconn, statements: Sequence[Statement], *, begins: bool) -> list[pq.abc.PGresult]:
    """Send all statements, and return the results of those that were not left out after an error."""
    packed = [(statement, pack(statement, values), [BINARY] * len(values)) for statement, values in statements]
    pgconn.enter_pipeline_mode()
    try:
        if begins:
            pgconn.send_query_params(b"BEGIN", None)
        for statement, values, formats in packed:
            if settings.PREPARED_STATEMENTS:
                pgconn.send_query_prepared(statement.name, values, formats, TEXT)
            else:
                pgconn.send_query_params(statement.numbered, values, statement.types, formats, TEXT)
        pgconn.pipeline_sync()
        results = _received(pgconn, len(statements) + begins)
    except BaseException:
        pgconn.finish()  # else the next statements would take answers that still come for their own
        raise
    if pgconn.status == pq.ConnStatus.OK:
        pgconn.exit_pipeline_mode()
    return results


def _received(pgconn: pq.abc.PGconn, number: int) -> list[pq.abc.PGresult]:
    """Receive the results up to the end of the pipeline; each is followed by None."""
    results, poll = [], select.poll()
    poll.register(pgconn.socket, select.POLLIN)
    for _ in range(number):
        while (result := next_result(pgconn, poll)) is not None:
            results.append(result)
        if pgconn.status != pq.ConnStatus.OK:
            break
    else:
        next_result(pgconn, poll)  # that of the sync
    if not results:
        raise psycopg.OperationalError("the connection was lost")
    return results


def next_result(
    pgconn: pq.abc.PGconn, poll: select.poll, meanwhile: Iterator[object] = NOTHING
) -> pq.abc.PGresult | None:
    """Wait for a result and return it. Once all is sent, `meanwhile` is advanced until the result is there.

    The wait lets other threads run, one of which cancels what takes too long.
    """
    while (is_sending := pgconn.flush()) or pgconn.is_busy():
        if is_sending or next(meanwhile, _HAS_ENDED) is _HAS_ENDED:
            poll.modify(pgconn.socket, select.POLLIN | (select.POLLOUT if is_sending else 0))
            poll.poll()
        pgconn.consume_input()
    return pgconn.get_result()


def only_result(pgconn: pq.abc.PGconn, meanwhile: Iterator[object]) -> pq.abc.PGresult:
    """Return the result of the one statement that was sent; advance `meanwhile` until it is there."""
    poll, last = select.poll(), None
    poll.register(pgconn.socket, select.POLLIN)
    try:
        while (result := next_result(pgconn, poll, meanwhile)) is not None:
            last = result
    except BaseException:
        pgconn.finish()  # else the next statement would take the answer that still comes for its own
        raise
    assert last is not None  # noqa: S101 - libpq makes a result of each failure
    return last
