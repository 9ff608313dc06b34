"""`python -m benchmarks.page`: writes docs/performance.svg and the tables of docs/performance.md from the figures."""

import re
from typing import Final

from benchmarks.page.chart import chart
from benchmarks.page.figures import DOCS, read
from benchmarks.page.tables import long_table, short_table
from benchmarks.report import say

PAGE: Final = DOCS / "performance.md"
CHART: Final = DOCS / "performance.svg"
_PART: Final = "(?s)(?<=<!-- {name}: python -m benchmarks.page writes it -->\n).*?(?=<!-- end of {name} -->)"


def page(text: str) -> str:
    """Return the page with the tables of the figures in their places."""
    figures = read()
    for name, table in (("short table", short_table(figures)), ("long table", long_table(figures))):
        text, found = re.subn(_PART.format(name=name), lambda _, table=table: f"\n{table}\n\n", text)  # type: ignore[misc] # mypy infers no default of a lambda
        if found != 1:
            message = f"{PAGE} has no place of the {name}"
            raise ValueError(message)
    return text


def main() -> None:
    """Write both."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    CHART.write_text(chart(read()), encoding="utf-8")
    say(f"{PAGE.name} and {CHART.name} show {len(read())} figures")


if __name__ == "__main__":
    main()
