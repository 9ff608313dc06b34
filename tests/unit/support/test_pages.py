"""The comparison of a command's output with its page: progress and measured times never decide."""

import pytest

from tests.support.documents.pages import differences

PROMISED = "invoices.csv: 5 invoices and settlements in 0.1 s\nrecorded: 5\n"


@pytest.mark.parametrize(
    "progress",
    [
        "",
        "invoices.csv: 5 invoices and settlements in 73.2 s\n",
        "invoices.csv: 2 of 5 invoices and settlements, 1/s, 3 s left\n",
        "2026-11-25T17:30:09.228808Z [info ] operator action [a.logger] action=rebuild\n",
        '{"event": "operator action", "level": "info", "timestamp": "2026-11-25T17:29:18.368583Z"}\n',
        "run_projector: 2,000 of 5,000 events, 0/s\nverify_ledger: 2,296 steps in 0.1 s\n",
    ],
)
def test_progress_and_log_are_not_compared(progress: str) -> None:
    assert differences(PROMISED, f"{progress}recorded: 5\n") == []


def test_a_missing_and_an_unexpected_line_are_differences() -> None:
    assert differences(PROMISED, "recorded: 6\n") == ["- recorded: 5", "+ recorded: 6"]


def test_dots_stand_for_any_lines_and_within_a_line_for_any_text() -> None:
    assert differences("…\nposition …: funded\n", "first\nposition 7: funded\nlast\n") == []
