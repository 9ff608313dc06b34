"""The command that lists, pauses, resumes, rebuilds and retires consumers and lets them skip an event."""

import json
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from rich.console import Console
from rich.table import Table

from eventstore import store
from eventstore.clock import utc_now
from eventstore.consumers import operator_actions
from eventstore.consumers.status import Status, statuses
from eventstore.management.base import ConsoleCommand, OneLineParser
from eventstore.management.running import operator

_HEADINGS: Final = ("name", "kind", "state", "position", "head", "lag", "lag s", "events/s", "last seen")

_LONG_AGO_S: Final = 600


class Command(ConsoleCommand):
    """List the consumers, or act on one."""

    help = "Lists every consumer; pause, resume, skip, rebuild or retire act on one."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the actions and their options."""
        parser.add_argument("--json", action="store_true", help="a list for machines")
        metavar = "{pause,resume,skip,rebuild,retire}"
        actions = parser.add_subparsers(parser_class=OneLineParser, dest="action", metavar=metavar)
        for action, explained in (
            ("pause", "pause it from its next transaction on"),
            ("resume", "let it go on, or try the event again at which it stopped"),
            ("skip", "let it pass over the event at which it stopped"),
            ("rebuild", "ask the running projector to rebuild its read model"),
            ("retire", "forget a consumer whose code is gone"),
        ):
            one = actions.add_parser(action, help=explained)
            one.add_argument("name", help="the consumer; a projector stands for its group")
            needed = action == "skip"
            one.add_argument("--reason", default="", help="why; it is recorded")
            one.add_argument("--actor", default=operator(), help="who; by default the user of the operating system")
            if needed:
                one.add_argument("--position", help="the event at which it stopped")

    def handle(self, *_args: Any, **options: Any) -> None:
        """List or act."""
        name, who = options.get("name", ""), {"actor": options.get("actor", ""), "reason": options.get("reason", "")}
        match options["action"]:
            case "pause":
                operator_actions.pause(name, **who)
            case "resume":
                operator_actions.resume(name, **who)
            case "skip":
                operator_actions.skip(name, _position(options["position"]), **who)
            case "rebuild":
                operator_actions.request_rebuild(name, **who)
            case "retire":
                operator_actions.retire(name, **who)
            case _:
                self._list(as_json=options["json"])

    def _list(self, *, as_json: bool) -> None:
        found = statuses()
        store.durable_head()  # at or above every position that is shown; see Note [Only what is durable is answered]
        if as_json:
            content = [status.as_json() for status in found]
            self.stdout.write(json.dumps(content, cls=DjangoJSONEncoder, indent=2))
        elif self.stdout.isatty():
            console = Console()
            console.print(_table(found))
            for status in found:
                if status.error or status.waiting_for or status.state == "gone":
                    console.print(f"{status.name}: {_state(status)}", markup=False, highlight=False)
        else:
            self.stdout.write("\t".join(_HEADINGS))
            for status in found:
                self.stdout.write("\t".join(_cells(status)))


def _position(given: str | None) -> int:
    if given is None or not given.isdecimal():
        wrong = "" if given is None else f": {given!r} is not a position"
        raise CommandError(f"skip asks for --position, the event at which the consumer stopped{wrong}")
    return int(given)


def _table(found: list[Status]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("name", "kind", "state", "at", "head", "lag", "lag s", "rate", "seen"):
        table.add_column(heading, justify="left" if heading in {"name", "kind", "state"} else "right", no_wrap=True)
    for status in found:
        name, kind, _, *figures, _ = _cells(status)
        table.add_row(name, kind.replace("process_manager", "manager"), status.state, *figures, _ago(status))
    return table


def _ago(status: Status) -> str:
    if status.last_seen is None:
        return "never"
    seconds = int((utc_now() - status.last_seen).total_seconds())
    return f"{seconds} s ago" if seconds < _LONG_AGO_S else f"{status.last_seen:%Y-%m-%d %H:%M}"


def _state(status: Status) -> str:
    state = f"waiting for {status.waiting_for}" if status.waiting_for else status.state
    if status.state == "gone":
        return "gone: not in this code; `consumers retire` forgets it"
    if status.error is None:
        return state
    return f"{state} at {status.error.position}: {status.error.message} ({status.error.count} times)"


def _cells(status: Status) -> list[str]:
    seen = "never" if status.last_seen is None else status.last_seen.isoformat(sep=" ", timespec="seconds")
    rate = "" if status.rate is None else f"{status.rate:.0f}"
    figures = (status.position, status.head, status.lag_events, f"{status.lag_seconds:.1f}", rate)
    return [status.name, status.kind, _state(status), *map(str, figures), seen]
