"""The loop: waits, then drives runners in turn, in one thread: they catch up with the head and follow it."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from django.conf import settings

from eventstore import store
from eventstore.consumers import history
from eventstore.consumers.process_manager_runner import process_manager_runner
from eventstore.consumers.projector_runner import projector_runners
from eventstore.consumers.registry import PROCESS_MANAGER, RELAY, consumers
from eventstore.consumers.relay_runner import relay_runner
from eventstore.consumers.requested_rebuild import RequestedRebuild
from eventstore.consumers.runner import Runner, Step
from eventstore.consumers.status import show_outage
from eventstore.errors import NotCaughtUp
from eventstore.runtime.collector import leave_out_what_is_loaded
from eventstore.runtime.connections import forget_statements
from eventstore.runtime.outages import BackOff, Reconnecting, jitter
from eventstore.runtime.shutdown import Stop
from eventstore.runtime.wakeup import wake_up

_logger = logging.getLogger(__name__)

Report = Callable[[str], None]
ShowProgress = Callable[[int, int], None]

_FIRST_RETRY_S: Final = 1.0
_LAST_RETRY_S: Final = 60.0
_SHOW_EVERY_S: Final = 0.5


def report_nothing(_line: str) -> None:
    """Drop a report."""


def show_nothing(_done: int, _total: int) -> None:
    """Show no progress."""


class _Turn:
    """One runner in the loop, and what became of it so far."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.finished = False
        self.position = 0
        self.reason = ""
        self.retries = BackOff(_FIRST_RETRY_S, _LAST_RETRY_S)
        self.retry_at = 0.0

    def is_unfinished(self) -> bool:
        """Whether something is left to do; a rebuild that nobody asks for has nothing to do."""
        has_work = self.runner.is_asked_for if isinstance(self.runner, RequestedRebuild) else True
        return has_work and not self.finished

    def is_resting(self) -> bool:
        """Whether the consumer stopped, its next try is not due, and no operator has skipped or resumed."""
        return time.monotonic() < self.retry_at and self.runner.cursor.is_still_stopped()


class Loop:
    """Drives runners in turn, in one thread; with `once` each of them only as far as the head."""

    def __init__(  # noqa: PLR0913 - each is a word about the loop
        self,
        runners: Sequence[Runner],
        stop: Stop,
        *,
        once: bool,
        report: Report = report_nothing,
        show: ShowProgress = show_nothing,
        patience_s: float | None = None,
    ) -> None:
        self._turns = [_Turn(runner) for runner in runners]
        self._rebuilds = [runner for runner in runners if isinstance(runner, RequestedRebuild)]
        self._consumers = [runner for runner in runners if not isinstance(runner, RequestedRebuild)]
        self._stop, self._once, self._report = stop, once, report
        self._show, self._shown_at = show, time.monotonic()
        self._reconnecting = Reconnecting(stop, report, patience_s, self._show_outage)
        self._wake_up = wake_up(stop)

    def run(self) -> None:
        """Register, wait, and follow until every runner is at the head (`once`) or `stop` asks to end.

        Raises ConsumerStopped if the only consumer stops. With `once` raises NotCaughtUp if a consumer could not
        finish, also if it was asked to end.
        """
        level = logging.DEBUG if self._once else logging.INFO
        facts = {"consumers": [runner.cursor.label for runner in self._consumers]}
        _logger.log(level, "consumers started", extra=facts)
        try:
            self._each(self._begin)
            self._wait_before_reading()
            self.follow()
        finally:
            _logger.log(level, "consumers ended", extra=facts)

    def follow(self) -> None:
        """Do the same without registering first and without the hydration delay."""
        try:
            while not self._stop.asked and not self._all_finished():
                if not self._once:  # otherwise it never waits
                    self._wake_up.listen()
                if not self._each(self._step) and not self._all_finished():
                    self._wake_up.wait(settings.CONSUMER_POLL_INTERVAL_MS / 1000)
        finally:
            self._wake_up.close()
        reasons = [turn.reason for turn in self._turns if turn.reason and turn.finished]
        if self._once:
            reasons += [f"{turn.runner.cursor.label} was interrupted" for turn in self._turns if turn.is_unfinished()]
        if reasons:
            raise NotCaughtUp(reasons)

    def _wait_before_reading(self) -> None:
        """Wait for the hydration delay, so that events of a crash have time to become visible."""
        entropy = jitter(settings.HYDRATION_DELAY_ENTROPY_MS)
        self._stop.wait((settings.HYDRATION_DELAY_MS + entropy) / 1000)

    def _all_finished(self) -> bool:
        return all(turn.finished for turn in self._turns)

    def _each(self, act: Callable[[_Turn], bool]) -> bool:
        """Let each runner that is not finished act in turn; whether one of them progressed."""
        progressed = False
        for turn in self._turns:
            if not turn.finished:
                progressed |= bool(self._reconnecting.until_done(lambda turn=turn: act(turn)))  # type: ignore[misc] # mypy infers no default of a lambda
        return progressed

    def _show_outage(self, is_away: bool) -> None:  # noqa: FBT001 - as Reconnecting calls it
        for runner in self._consumers:
            show_outage(runner.cursor.names, runner.cursor.using, is_over=not is_away)

    @staticmethod
    def _begin(turn: _Turn) -> bool:
        turn.runner.begin()
        return True

    def _step(self, turn: _Turn) -> bool:
        if turn.is_resting():
            return False
        step = turn.runner.step()
        forget_statements()
        match step:
            case Step.PROGRESSED:
                turn.retries.reset()
                self._show_progress(turn)
                return True
            case Step.STOPPED:
                self._rest_after_stop(turn)
            case _:
                turn.finished = self._once
                turn.reason = _reason(turn.runner, step) if self._once else ""  # nobody else asks for it
        return False

    def _show_progress(self, turn: _Turn) -> None:
        """Show now and then how many events are handled, out of all that the consumers have to handle."""
        cursor = turn.runner.cursor
        turn.position = cursor.at.position if cursor.rows else turn.position
        if time.monotonic() - self._shown_at >= _SHOW_EVERY_S:
            leave_out_what_is_loaded()  # only a process that works for some seconds gains by it
            self._shown_at = time.monotonic()
            head = store.head().position
            done = sum(head if other.finished else other.position for other in self._turns)
            self._show(done, head * len(self._turns))

    def _rest_after_stop(self, turn: _Turn) -> None:
        stopped = turn.runner.cursor.stopped
        assert stopped is not None  # noqa: S101 - Step.STOPPED implies it
        if self._once:
            turn.finished, turn.reason = True, str(stopped)
        elif self._is_alone(turn):
            raise stopped
        else:
            delay = turn.retries.delay()
            turn.retry_at = time.monotonic() + delay
            self._report(f"{stopped}; trying again in {delay:.0f} s")

    def _is_alone(self, turn: _Turn) -> bool:
        """Whether nothing is left to do for the process once this consumer has stopped."""
        return [turn.runner] == self._consumers and not any(rebuild.is_asked_for for rebuild in self._rebuilds)


def _reason(runner: Runner, step: Step) -> str:
    """Return why a runner that is not at the head cannot go on."""
    cursor = runner.cursor
    if step is Step.PAUSED:
        return f"{cursor.label} is {history.standstill(cursor.names[0]) or 'paused'}"
    if step is Step.WAITING:
        state = history.standstill(cursor.waiting_for) if cursor.waiting_for in consumers.projectors else ""
        why = f", which is {state}" if state else ""
        return f"{cursor.label} is waiting for {cursor.waiting_for}{why}"
    return ""


class CatchUp:
    """Brings the named consumers, or all but the relays, to the head within this process, each time that it is called.

    `stop` ends it early. A database that is away is reported and waited for, at most `patience_s` seconds at a time.
    Raises UnknownConsumer.
    """

    def __init__(
        self, *names: str, stop: Stop | None = None, report: Report = report_nothing, patience_s: float | None = None
    ) -> None:
        named = names or (*consumers.managers, *consumers.projectors)
        managers = [name for name in named if consumers.kind(name) == PROCESS_MANAGER]
        relays = [name for name in named if consumers.kind(name) == RELAY]
        projectors = [name for name in named if name not in {*managers, *relays}]
        self._stop, self._report, self._patience_s = stop or Stop(), report, patience_s
        # Process managers first: the projectors and relays then read what they emit.
        self._groups: list[Sequence[Runner]] = [[process_manager_runner(name) for name in managers]]
        if projectors:
            self._groups.append(projector_runners(projectors))
        self._groups.append([relay_runner(name) for name in relays])

    def __call__(self) -> None:
        """Catch up without any delay; raises NotCaughtUp with the reasons."""
        reasons: list[str] = []
        for runners in self._groups:
            try:
                Loop(runners, self._stop, once=True, report=self._report, patience_s=self._patience_s).follow()
            except NotCaughtUp as error:
                reasons += error.reasons
        if reasons:
            raise NotCaughtUp(reasons)


def catch_up(*names: str, report: Report = report_nothing, patience_s: float | None = None) -> None:
    """Do the same as CatchUp once; raises UnknownConsumer and NotCaughtUp."""
    CatchUp(*names, report=report, patience_s=patience_s)()
