"""Modules and functions stay small enough to be read at a sitting, and say what they are for."""

import ast
import re
from collections import Counter
from pathlib import Path

from tests.architecture.sources import ROOT, application, everything, name, tree
from tests.support.resident.server import LOADED

MOST_LINES_OF_A_MODULE = 300
MOST_LINES_OF_A_FUNCTION = 40
READS_OF_THE_ENVIRONMENT = {"os.environ", "os.getenv", "os.environb", "environ.Env"}
LONGER_FOR_A_REASON = {"ledger/rules/events.py", "ledger/rules/commands.py"}
"""All events are one list, and so are all commands, to be read from the top or looked up in."""
MOST_MODULES_OF_A_FOLDER = 16
DONE_AGAIN = {"web/slots.py": ["WEB_THREADS"], "web/tokens.py": ["WEB_THREADS"]}
"""What the resident process of the tests does again for each fork, in tests/support/resident/server.py."""
NAMES_WITHOUT_MEANING = {"utils", "util", "helpers", "helper", "common", "misc"}


def test_a_module_has_at_most_300_lines() -> None:
    lengths = {name(path): len(path.read_text().splitlines()) for path in application()}
    assert {file for file, lines in lengths.items() if lines > MOST_LINES_OF_A_MODULE} - LONGER_FOR_A_REASON == set()


def test_a_function_has_at_most_40_lines() -> None:
    lengths = {
        f"{name(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in application()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {named: lines for named, lines in lengths.items() if lines > MOST_LINES_OF_A_FUNCTION} == {}


def test_a_folder_has_at_most_16_modules() -> None:
    modules = Counter(path.parent for path in everything() if path.stem != "__init__")
    assert {name(folder): count for folder, count in modules.items() if count > MOST_MODULES_OF_A_FOLDER} == {}


def test_a_module_begins_with_a_sentence_that_says_what_it_is_for() -> None:
    sentences = {
        name(path): (ast.get_docstring(tree(path)) or "").partition("\n\n")[0].rstrip() for path in everything()
    }
    assert [file for file, sentence in sentences.items() if not sentence.endswith((".", "!", "?", ":", "`"))] == []


def test_only_the_settings_read_the_environment() -> None:
    settings = {
        *(f"settings/{module}.py" for module in ("__init__", "environment", "database_urls", "wsgi")),
        "manage.py",
    }
    reads = {name(path): READS_OF_THE_ENVIRONMENT & set(dotted_names(tree(path))) for path in application()}
    assert {file: read for file, read in reads.items() if read and file not in settings} == {}


def test_manage_and_wsgi_do_no_more_with_the_environment_than_name_the_settings() -> None:
    for file in ("manage.py", "settings/wsgi.py"):
        text = (ROOT / file).read_text()
        assert re.findall(r"environ.*", text) == ['environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")'], file


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [name(path) for path in everything() if path.stem in NAMES_WITHOUT_MEANING] == []


def test_every_time_out_of_a_test_is_the_one_of_all_tests() -> None:
    tests = [path for path in everything() if name(path).startswith("tests") and path != Path(__file__)]
    others = {name(path): re.findall(r"(?<!_)timeout=[1-9].*|mark\.timeout.*", path.read_text()) for path in tests}
    assert {path: found for path, found in others.items() if found} == {}


def test_no_module_that_the_resident_process_of_the_tests_loads_reads_a_setting_while_it_is_imported() -> None:
    loaded = [path for path in application() if name(path).partition("/")[0] in {*LOADED, "web"}]
    read = {name(path): settings_read_at_import(tree(path)) for path in loaded}
    assert {path: settings for path, settings in read.items() if settings} == DONE_AGAIN


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


def test_a_package_holds_a_docstring_and_nothing_that_loads_models_too_early() -> None:
    packages = [path for path in application() if path.stem == "__init__" and name(path) != "settings/__init__.py"]
    assert [name(path) for path in packages if len(tree(path).body) != 1] == []


def dotted_names(module: ast.Module) -> list[str]:
    """Return every `a.b` that is used, and every `from a import b`."""
    names = []
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names.append(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names
