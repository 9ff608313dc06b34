"""Counts what tests try, so that the report of `make prove` can say how much it was."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

FOLDER: Final = "DAYBOOK_TEST_COUNTS"
"""The environment variable that names the folder into which the counts are written; without it they are not."""


def count(what: str, numbers: Mapping[str, int]) -> None:
    """Write down how often each thing happened, for the report."""
    folder = os.environ.get(FOLDER)
    if folder:
        with (Path(folder) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"what": what, "numbers": dict(numbers)}) + "\n")
