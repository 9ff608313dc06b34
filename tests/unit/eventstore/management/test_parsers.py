"""No command takes a misspelt option for another one."""

import pytest
from django.core.management import get_commands, load_command_class

from eventstore.management.base import ConsoleCommand


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("create_api_client", ["bank", "--all-command"]),
        ("consumers", ["pause", "balances", "--reas", "a good one"]),
    ],
)
def test_the_beginning_of_an_option_is_not_that_option(
    name: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = load_command_class(get_commands()[name], name)
    assert isinstance(command, ConsoleCommand)
    command._called_from_command_line = True  # type: ignore[attr-defined] # the stubs lack it
    with pytest.raises(SystemExit) as end:
        command.create_parser("manage.py", name).parse_args(arguments)
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("CommandError: unrecognized arguments: --")
