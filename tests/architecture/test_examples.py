"""Every example of the documents is run by a test, or listed with the reason why it cannot be."""

import re

import pytest

from tests.support.documents import pages
from tests.support.documents.pages import ALONE, BUILT, CALLED, PROVED, RECORDED, TYPED, UNRUN


@pytest.mark.parametrize("page", pages.documents())
def test_every_example_is_run_or_listed_with_its_reason(page: str) -> None:
    run = {"console"} if page in (*TYPED, *CALLED) else {"console", "python"} if page in (*BUILT, *ALONE) else set()
    run |= {"python"} if page in PROVED else set()
    run |= {"console"} if page in RECORDED else set()
    unrun = [block for block in pages.blocks(page) if block.language not in run]
    assert [f"{block.page}:{block.line}" for block in unrun if block.excuse is None] == []


def test_each_example_listed_as_unrun_exists_once() -> None:
    examples = [block for page in pages.documents() for block in pages.blocks(page)]
    assert sorted(block.excuse for block in examples if block.excuse) == sorted(UNRUN)


@pytest.mark.parametrize("page", [*TYPED, *CALLED, *BUILT, *ALONE])
def test_every_example_that_is_typed_prompts(page: str) -> None:
    typed = [block for block in pages.blocks(page) if block.language == "console" and block.excuse is None]
    assert typed
    assert [block.line for block in typed if not block.text.startswith("$ ")] == []


def test_progress_is_shown_before_results_as_on_a_terminal() -> None:
    ended = re.compile(r"([a-z_.]+)(?: [a-z]+)?: [0-9,]+ [a-z ]+ in [0-9.]+ s")
    late = []
    for page in (*TYPED, *BUILT, *ALONE):
        for step in pages.steps(page):
            lines = step.promised.splitlines()
            for number, line in enumerate(lines):
                found = ended.fullmatch(line)
                # What a command says before it begins names it too, such as what an import is about to record.
                if found and not all(before.startswith(f"{found[1]}: ") for before in lines[:number]):
                    late.append(f"{step.at}: {line}")
    assert late == []


@pytest.mark.parametrize("page", pages.documents())
def test_no_example_hides_in_an_indentation_or_another_kind_of_fence(page: str) -> None:
    rest = pages.without_blocks(page)
    assert [mark for mark in ("```", "~~~", "\n    $ ", "\n    # ", "\n    >>> ") if mark in rest] == []


@pytest.mark.parametrize(
    "page", [page for page in (*TYPED, *CALLED, *BUILT, *ALONE) if "## It worked if" in pages.text(page)]
)
def test_every_how_to_ends_with_a_command_that_is_run(page: str) -> None:
    text = pages.text(page)
    lines = [int(step.at.rpartition(":")[2]) for step in pages.steps(page)]
    assert max(lines) > text[: text.index("## It worked if")].count("\n")
