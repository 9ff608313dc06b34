"""The event store has the same defaults in Daybook as in any other project."""

import re

from eventstore.runtime.defaults import DEFAULTS
from tests.support.processes import ROOT


def test_the_event_store_has_the_defaults_of_daybooks_settings() -> None:
    source = (ROOT / "settings" / "__init__.py").read_text()
    numbers = dict(re.findall(r'^(\w+) = number\("\w+", ([0-9_]+),', source, re.MULTILINE))
    known = {name: value for name, value in DEFAULTS.items() if name in numbers}
    assert len(known) == 14
    assert {name: int(numbers[name]) for name in known} == known
