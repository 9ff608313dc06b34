"""An address at which nothing can listen is refused with the reason and the remedy before anything is started."""

import errno
import os
import runpy
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import Mock

import pytest
from django.core.management import CommandError, call_command

from tests.support.processes import ROOT
from web.management.commands.check_web_address import tcp_fault, unix_fault


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder whose path is short enough for a socket."""
    with TemporaryDirectory() as path:
        yield Path(path)


def test_a_socket_that_can_be_made_or_was_left_behind_is_no_fault(folder: Path, settings: Any) -> None:
    path = folder / "web.sock"
    assert unix_fault(path) == ""
    with closing(socket.socket(socket.AF_UNIX)) as left:
        left.bind(str(path))
        left.listen()
        assert unix_fault(path) == "(another process listens there): end it, or name another path"
    assert unix_fault(path) == ""
    for address in (f"unix:{path}", "fd://3"):
        settings.WEB_BIND = address
        call_command("check_web_address")


def test_a_process_that_takes_no_connection_listens_all_the_same(folder: Path) -> None:
    path = folder / "web.sock"
    with closing(socket.socket(socket.AF_UNIX)) as hung, closing(socket.socket(socket.AF_UNIX)) as waiting:
        hung.bind(str(path))
        hung.listen(0)
        waiting.connect(str(path))  # now its queue is full, and to connect would wait
        assert unix_fault(path) == "(another process listens there): end it, or name another path"


def test_a_socket_or_a_folder_of_another_user_is_called_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "web.sock"
    with closing(socket.socket(socket.AF_UNIX)) as left:
        left.bind(str(path))
    with monkeypatch.context() as patched:
        # root may use every socket
        patched.setattr(socket, "socket", lambda *_: Mock(connect_ex=lambda _: errno.EACCES))
        assert unix_fault(path).startswith(f"(the socket {path} belongs to another user): remove it as that user")
    monkeypatch.setattr(Path, "stat", Mock(side_effect=PermissionError(errno.EACCES, "Permission denied")))
    assert unix_fault(path).startswith(
        f"(the folder {folder} cannot be looked into: Permission denied): give this user"
    )


def test_what_is_wrong_with_the_place_of_a_socket_is_said(folder: Path, settings: Any) -> None:
    (folder / "notes").write_text("not a socket")
    settings.WEB_BIND = f"unix:{folder}/missing/web.sock"
    with pytest.raises(CommandError) as refused:
        call_command("check_web_address")
    remedy = f"(the folder {folder}/missing does not exist): make it, or name another path"
    assert str(refused.value) == f"nothing can listen at WEB_BIND={settings.WEB_BIND} {remedy}"
    assert unix_fault(folder / "notes") == f"(the file {folder}/notes is no socket): remove it, or name another path"
    assert unix_fault(folder) == f"(the file {folder} is no socket): remove it, or name another path"
    assert "107 is the most of a socket): name a shorter path" in unix_fault(folder / ("s" * 107))


def test_a_folder_that_this_user_cannot_write_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write to every folder
    assert unix_fault(folder / "web.sock").startswith(f"(the folder {folder} cannot be written by this user): give it")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("127.0.0.1:8001", "http://127.0.0.1:8001/books/"),
        (":80", "http://127.0.0.1:80/books/"),
        ("0.0.0.0:80", "http://127.0.0.1:80/admin/"),
        ("[::]:80", "http://[::1]:80/books/"),
        ("unix:/run/web.sock", "at unix:/run/web.sock, which needs a proxy"),
    ],
)
def test_make_run_names_an_address_that_a_browser_can_open(address: str, shown: str) -> None:
    assert shown in runpy.run_path(str(ROOT / "deploy" / "procfile.py"))["where"](address)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.EACCES, "(Permission denied): a port below 1024 needs the rights of root; name another one"),
        (errno.EADDRINUSE, "(Address already in use): end the process that does, or name another address"),
        (errno.EADDRNOTAVAIL, "(Cannot assign requested address): it is not an address of this machine"),
        (errno.EINVAL, "(Invalid argument): name another address"),
    ],
)
def test_the_remedy_follows_from_why_a_port_cannot_be_had(
    code: int, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(socket, "create_server", refuse)
    assert tcp_fault("127.0.0.1:80").startswith(remedy)


def test_a_port_that_is_taken_or_of_another_machine_is_refused_by_the_system() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "(Address already in use" in tcp_fault(f"127.0.0.1:{taken.getsockname()[1]}")
    assert "it is not an address of this machine" in tcp_fault("203.0.113.1:8000")
    assert tcp_fault("127.0.0.1:0") == ""
