"""Modules and functions stay small enough to be read at a sitting, and say what they are for."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, application, everything, name
from tests.support.resident.server import LOADED

MOST_LINES_OF_A_MODULE = 300
MOST_LINES_OF_A_FUNCTION = 40
READS_OF_THE_ENVIRONMENT = {"os.environ", "os.getenv", "os.environb", "environ.Env"}
LONGER_FOR_A_REASON = {"ledger/rules/events.py", "ledger/rules/commands.py"}
"""All events are one list, and so are all commands, to be read from the top or looked up in."""
MOST_MODULES_OF_A_FOLDER = 16
NAMES_WITHOUT_MEANING = {"utils", "util", "helpers", "helper", "common", "misc"}


@pytest.mark.parametrize("path", application(), ids=name)
def test_a_module_has_at_most_300_lines(path: Path) -> None:
    if name(path) not in LONGER_FOR_A_REASON:
        assert len(path.read_text().splitlines()) <= MOST_LINES_OF_A_MODULE


@pytest.mark.parametrize("path", application(), ids=name)
def test_a_function_has_at_most_40_lines(path: Path) -> None:
    functions = [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {named: lines for named, lines in lengths.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}


def test_a_folder_has_at_most_16_modules() -> None:
    modules = Counter(path.parent for path in everything() if path.stem != "__init__")
    assert {name(folder): count for folder, count in modules.items() if count > MOST_MODULES_OF_A_FOLDER} == {}


@pytest.mark.parametrize("path", everything(), ids=name)
def test_a_module_begins_with_a_sentence_that_says_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(tree(path))
    assert docstring
    assert docstring.partition("\n\n")[0].rstrip().endswith((".", "!", "?", ":", "`"))


@pytest.mark.parametrize("path", application(), ids=name)
def test_only_the_settings_read_the_environment(path: Path) -> None:
    if name(path) not in {"settings/environment.py", "settings/__init__.py", "settings/wsgi.py", "manage.py"}:
        assert READS_OF_THE_ENVIRONMENT & set(dotted_names(tree(path))) == set()


def test_manage_and_wsgi_do_no_more_with_the_environment_than_name_the_settings() -> None:
    for file in ("manage.py", "settings/wsgi.py"):
        text = (ROOT / file).read_text()
        assert re.findall(r"environ.*", text) == ['environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")'], file


@pytest.mark.parametrize("path", everything(), ids=name)
def test_no_module_has_a_name_that_says_nothing(path: Path) -> None:
    assert path.stem not in NAMES_WITHOUT_MEANING


def test_every_time_out_of_a_test_is_the_one_of_all_tests() -> None:
    tests = [path for path in everything() if name(path).startswith("tests") and path != Path(__file__)]
    others = {name(path): re.findall(r"(?<!_)timeout=[1-9].*|mark\.timeout.*", path.read_text()) for path in tests}
    assert {path: found for path, found in others.items() if found} == {}


def test_no_module_that_the_resident_process_of_the_tests_loads_reads_a_setting_while_it_is_imported() -> None:
    loaded = [path for path in application() if name(path).partition("/")[0] in LOADED]
    read = {name(path): settings_read_at_import(tree(path)) for path in loaded}
    assert {path: settings for path, settings in read.items() if settings} == {}


def settings_read_at_import(module: ast.Module) -> list[str]:
    """Return the settings that are read outside functions."""
    todo: list[ast.AST] = [module]
    read = []
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "settings":
            read.append(node.attr)
        functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
        todo += [child for child in ast.iter_child_nodes(node) if not isinstance(child, functions)]
    return read


@pytest.mark.parametrize("path", [path for path in application() if path.stem == "__init__"], ids=name)
def test_a_package_holds_a_docstring_and_nothing_that_loads_models_too_early(path: Path) -> None:
    if name(path) != "settings/__init__.py":
        assert len(tree(path).body) == 1


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def dotted_names(module: ast.Module) -> list[str]:
    """Return every `a.b` that is used, and every `from a import b`."""
    names = []
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names.append(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names
