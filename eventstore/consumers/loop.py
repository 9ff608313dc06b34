"""The loop: hydrate, then follow; one consumer or several in turn, in one thread, until caught up or asked to end."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from django.conf import settings
from django.db import connections

from eventstore import store
from eventstore.consumers.process_manager_runner import Reaction
from eventstore.consumers.projector_runner import Projection
from eventstore.consumers.registry import consumers
from eventstore.consumers.runner import Consumer, Step
from eventstore.errors import NotCaughtUp
from eventstore.runtime.outages import BackOff, Reconnecting, jitter
from eventstore.runtime.shutdown import Stop
from eventstore.runtime.wakeup import wake_up

Report = Callable[[str], None]
Seen = Callable[[int, int], None]

_FIRST_RETRY_S: Final = 1.0
_LAST_RETRY_S: Final = 60.0
_SHOW_EVERY_S: Final = 0.5


def quiet(_line: str) -> None:
    """Report nothing."""


def unseen(_done: int, _total: int) -> None:
    """Show nothing."""


def forget_statements() -> None:
    """Forget the statements that DEBUG keeps, every one of them, in a process that lives long."""
    for connection in connections.all(initialized_only=True):
        connection.queries_log.clear()


class _Turn:
    """One consumer's place in the round."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.finished = False
        self.position = 0
        self.reason = ""
        self.retries = BackOff(_FIRST_RETRY_S, _LAST_RETRY_S)
        self.retry_at = 0.0

    def is_resting(self) -> bool:
        """Whether it stopped, it is too early to try again, and nobody has skipped or resumed."""
        return time.monotonic() < self.retry_at and self.consumer.is_held()


class Follower:
    """Drives consumers in turn, each at its own pace, in one thread."""

    def __init__(
        self, followed: Sequence[Consumer], stop: Stop, *, once: bool, report: Report = quiet, seen: Seen = unseen
    ) -> None:
        self._turns = [_Turn(consumer) for consumer in followed]
        self._stop, self._once, self._report = stop, once, report
        self._seen, self._seen_at = seen, time.monotonic()
        self._reconnecting = Reconnecting(stop, report)
        self._wake_up = wake_up(stop)

    def run(self) -> None:
        """Go on until caught up (`once`) or asked to end.

        Raises ConsumerStopped where the one consumer stops, and with `once` NotCaughtUp where any could not finish,
        asked to end among the reasons.
        """
        self._each(self._register)
        self._hydrate()
        self.follow()

    def follow(self) -> None:
        """Do the same without registering first and without the delay."""
        try:
            while not self._stop.asked and not all(turn.finished for turn in self._turns):
                self._wake_up.listen()
                if not self._each(self._take) and not all(turn.finished for turn in self._turns):
                    self._wake_up.wait(settings.CONSUMER_POLL_INTERVAL_MS / 1000)
        finally:
            self._wake_up.close()
        reasons = [turn.reason for turn in self._turns if turn.reason and turn.finished]
        if self._once:
            reasons += [f"{turn.consumer.label} was interrupted" for turn in self._turns if not turn.finished]
        if reasons:
            raise NotCaughtUp(reasons)

    def _hydrate(self) -> None:
        """Wait, so that what a crash was about has had time to appear; then the loop catches up, then follows."""
        entropy = jitter(settings.HYDRATION_DELAY_ENTROPY_MS)
        self._stop.wait((settings.HYDRATION_DELAY_MS + entropy) / 1000)

    def _each(self, act: Callable[[_Turn], bool]) -> bool:
        """Let everybody who has not finished act in turn; whether anybody has got on."""
        got_on = False
        for turn in self._turns:
            if not turn.finished:
                got_on |= bool(self._reconnecting.until_done(lambda turn=turn: act(turn)))  # type: ignore[misc]
        return got_on

    @staticmethod
    def _register(turn: _Turn) -> bool:
        turn.consumer.begin()
        return True

    def _take(self, turn: _Turn) -> bool:
        if turn.is_resting():
            return False
        step = turn.consumer.step()
        forget_statements()
        match step:
            case Step.PROGRESSED:
                turn.retries.reset()
                self._show(turn)
                return True
            case Step.STOPPED:
                self._has_stopped(turn)
            case _:
                turn.finished = self._once
                turn.reason = _reason(turn.consumer, step)
        return False

    def _show(self, turn: _Turn) -> None:
        """Tell now and then how many events have been dealt with, of all that each consumer has before it."""
        turn.position = turn.consumer.place.position if turn.consumer.rows else turn.position
        if time.monotonic() - self._seen_at >= _SHOW_EVERY_S:
            self._seen_at = time.monotonic()
            head = store.head().position
            done = sum(head if other.finished else other.position for other in self._turns)
            self._seen(done, head * len(self._turns))

    def _has_stopped(self, turn: _Turn) -> None:
        stopped = turn.consumer.stopped
        assert stopped is not None  # noqa: S101 - Step.STOPPED says so
        if self._once:
            turn.finished, turn.reason = True, str(stopped)
        elif len(self._turns) == 1:
            raise stopped
        else:
            delay = turn.retries.delay()
            turn.retry_at = time.monotonic() + delay
            self._report(f"{stopped}; trying again in {delay:.0f} s")


def _reason(consumer: Consumer, step: Step) -> str:
    if step is Step.PAUSED:
        return f"{consumer.label} is paused"
    if step is Step.WAITING:
        return f"{consumer.label} is waiting for {consumer.waiting_for}, which is paused or stopped"
    return ""


def projections(names: Iterable[str], batch_size: int | None = None) -> list[Consumer]:
    """The groups of the named projectors, or all; raises UnknownConsumer and CircularDependency."""
    size = batch_size or settings.CONSUMER_BATCH_SIZE
    return [Projection(group, size) for group in consumers.groups(names)]


def reaction(name: str, batch_size: int | None = None) -> Consumer:
    """The process manager of that name; raises UnknownConsumer."""
    consumers.groups()  # a circle is refused when the process starts
    return Reaction(consumers.manager(name), batch_size or settings.CONSUMER_BATCH_SIZE)


def catch_up(*names: str) -> None:
    """Bring process managers and projectors to the head, within this process, without any delay; all, where none named.

    Raises UnknownConsumer, and NotCaughtUp with the reasons.
    """
    named = names or tuple(consumers.names)
    managers = [name for name in named if consumers.kind(name) == "process_manager"]
    projectors = [name for name in named if name not in managers]
    reasons: list[str] = []
    # Process managers first: what they emit is there for the projectors to read.
    for followed in ([reaction(name) for name in managers], projections(projectors) if projectors else []):
        try:
            Follower(followed, Stop(), once=True).follow()
        except NotCaughtUp as error:
            reasons += error.reasons
    if reasons:
        raise NotCaughtUp(reasons)
