"""Every process has its systemd unit and its compose service, and each names commands and settings that exist."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from eventstore.consumers.registry import PROCESS_MANAGER, consumers
from tests.architecture.sources import APPLICATION, ROOT, name

UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
ALWAYS = ["run_projector", "daily_cycle --loop"]
"""The long-lived commands besides the web and the process managers."""
CLEANING = ["expire_idempotency_keys", "cleartokens", "clearsessions", "axes_reset_logs --age 90"]
INSTALLED = "/opt/daybook"


def long_lived() -> list[str]:
    """Return the command of each process that must always run."""
    managers = [known for known in consumers.names if consumers.kind(known) == PROCESS_MANAGER]
    return sorted([*ALWAYS, *(f"run_processmanager {manager}" for manager in managers)])


RELAY = "run_relay %i"
"""The command of the unit that is made for each relay which an installation uses."""


def unit(path: Path) -> dict[str, list[str]]:
    """Return a unit's settings, each with all of its values."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def managed(line: str) -> str:
    """Return the command of manage.py in a command line, or ""."""
    return line.partition("manage.py ")[2]


def compose() -> dict[str, Any]:
    """Return the services of compose.yaml."""
    services: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return services


def said(service: dict[str, Any]) -> str:
    return " ".join(service.get("command", []))


def environment(path: Path) -> set[str]:
    return set(re.findall(r"^([A-Z_]+)=", path.read_text(), re.MULTILINE))


def settings() -> set[str]:
    return set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))


def test_every_long_lived_process_has_a_unit_that_always_restarts() -> None:
    always = [unit(path) for path in SERVICES if unit(path).get("Restart") == ["always"]]
    started = [managed(found["ExecStart"][0]) or found["ExecStart"][0] for found in always]
    assert sorted(started) == sorted([*long_lived(), RELAY, f"{INSTALLED}/.venv/bin/gunicorn settings.wsgi"])
    assert all(found["StartLimitIntervalSec"] == ["0"] for found in always)


def test_every_long_lived_process_has_a_service_that_restarts() -> None:
    running = {label: service for label, service in compose().items() if service["restart"] == "unless-stopped"}
    assert {"postgres", "web"} <= set(running)
    assert set(long_lived()) <= {managed(said(service)) for service in running.values()}


def test_every_long_lived_process_runs_in_development_too() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    assert sorted(filter(None, map(managed, lines))) == long_lived()
    assert "web: gunicorn settings.wsgi" in lines


def test_expired_rows_are_deleted_once_a_day() -> None:
    units = unit(ROOT / "deploy" / "systemd" / "daybook-housekeeping.service")["ExecStart"]
    assert [managed(line) for line in units] == CLEANING
    assert re.findall(r"manage\.py (.+)", said(compose()["housekeeping"])) == CLEANING


def test_every_command_that_is_run_exists() -> None:
    texts = [path.read_text() for path in (*SERVICES, ROOT / "compose.yaml", ROOT / "Containerfile", ROOT / "Procfile")]
    named = {command for text in texts for command in re.findall(r'manage\.py"?,? "?([a-z_]+)\b(?!\.)', text)}
    assert named - set(get_commands()) == set()


@pytest.mark.parametrize("path", [*SERVICES, ROOT / "Containerfile", ROOT / "deploy" / "daybook.env.example"], ids=name)
def test_every_variable_that_is_set_is_a_setting(path: Path) -> None:
    text = path.read_text()
    named = environment(path) if path.suffix == ".example" else set(re.findall(r"\b([A-Z]+_[A-Z_]+)=", text))
    others = {name for name in named if name.startswith(("PYTHON", "PIP"))}
    assert named - others - settings() == set()


@pytest.mark.parametrize("path", SERVICES, ids=name)
def test_every_unit_is_confined(path: Path) -> None:
    found = unit(path)
    assert found["User"] == ["daybook"]
    assert found["ProtectSystem"] == ["strict"]
    assert found["CapabilityBoundingSet"] == [""]
    assert found["EnvironmentFile"] == ["/etc/daybook/daybook.env"]


def test_the_target_starts_all_of_it() -> None:
    wanted = " ".join(unit(ROOT / "deploy" / "systemd" / "daybook.target")["Wants"]).split()
    started = {path.name for path in UNITS} - {
        "daybook.target",
        "daybook-housekeeping.service",
        "daybook-relay@.service",
    }
    assert set(wanted) == started


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_finds_no_fault_in_the_units(tmp_path: Path) -> None:
    for path in UNITS:
        text = path.read_text().replace(f"{INSTALLED}/.venv/bin", str(Path(sys.executable).parent))
        (tmp_path / path.name).write_text(text.replace(INSTALLED, str(ROOT)))
    verify = ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_service_is_confined() -> None:
    for label, service in compose().items():
        if label != "postgres":
            assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), label
            # Only migrations connect as the owner of the tables.
            owner = ["deploy/daybook.env", "deploy/owner.env"]
            assert service["env_file"] == (owner if label == "migrate" else "deploy/daybook.env")
    assert compose()["migrate"]["restart"] == "no"
    assert compose()["web"]["ports"] == ["127.0.0.1:8000:8000"]


def test_the_image_contains_the_whole_application_and_nothing_else() -> None:
    text = (ROOT / "Containerfile").read_text()
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE))
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(" ".join(copied).split()) == kept == {*APPLICATION, "manage.py", "gunicorn.conf.py", "requirements.txt"}
    assert "--require-hashes" in text
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["python:3.12-slim"] * 2
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001"]


@pytest.mark.parametrize("file", ["daybook.env", "owner.env", "postgres.env"])
def test_no_secret_is_in_the_repository(file: str) -> None:
    assert f"/deploy/{file}" in (ROOT / ".gitignore").read_text().splitlines()
    example = (ROOT / "deploy" / f"{file}.example").read_text()
    assert re.findall(r"^(?:SECRET_KEY|POSTGRES_PASSWORD)=(.+)$", example, re.MULTILINE) == []


CLUSTER = ROOT / "deploy" / "cluster"


def filled(folder: Path) -> dict[str, str]:
    """Return the templates of the cluster, filled with the example's values and a secret for each that has none."""
    lines = (CLUSTER / "cluster.env.example").read_text().splitlines()
    (folder / "cluster.env").write_text(
        "".join(f"{line}secret\n" if line.endswith("=") else f"{line}\n" for line in lines)
    )
    fill = ["sh", str(CLUSTER / "fill.sh"), str(folder / "cluster.env"), str(folder / "filled")]
    subprocess.run(fill, check=True, capture_output=True)
    return {path.name: path.read_text() for path in (folder / "filled").iterdir()}


def test_the_templates_of_a_cluster_are_filled_with_the_values_of_the_example(tmp_path: Path) -> None:
    texts = filled(tmp_path)
    assert set(texts) == {"etcd.env", "patroni.yml", "haproxy.cfg", "pgbouncer.ini", "userlist.txt"}
    assert [name for name, text in texts.items() if "${" in text] == []
    patroni = yaml.safe_load(texts["patroni.yml"])
    assert patroni["bootstrap"]["dcs"]["synchronous_mode"] is True
    assert patroni["bootstrap"]["dcs"]["postgresql"]["parameters"]["synchronous_commit"] == "on"
    assert patroni["postgresql"]["authentication"]["superuser"]["password"] == "secret"
    assert patroni["etcd3"]["hosts"] == "10.0.0.1:2379,10.0.0.2:2379,10.0.0.3:2379"
    assert texts["userlist.txt"] == '"daybook_app" "secret"\n'
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "filled").iterdir()} == {0}


def test_a_value_that_is_missing_is_named(tmp_path: Path) -> None:
    fill = ["sh", str(CLUSTER / "fill.sh"), str(CLUSTER / "cluster.env.example"), str(tmp_path / "filled")]
    done = subprocess.run(fill, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr.startswith("PATRONI_PASSWORD has no value")) == (1, True)
    assert not (tmp_path / "filled").exists()


def test_a_cluster_in_containers_has_three_nodes_of_each_and_the_door() -> None:
    services = yaml.safe_load((CLUSTER / "compose.yaml").read_text())["services"]
    numbered = {f"{what}{number}" for what in ("node", "etcd") for number in (1, 2, 3)}
    assert set(services) == {*numbered, "haproxy", "pgbouncer"}
    assert {service["restart"] for service in services.values()} == {"unless-stopped"}
    assert all(port.startswith("127.0.0.1:") for port in services["haproxy"]["ports"])


@pytest.mark.parametrize("path", sorted((CLUSTER / "systemd").iterdir()), ids=name)
def test_every_unit_of_a_cluster_always_restarts_and_is_no_root(path: Path) -> None:
    found = unit(path)
    assert (found["Restart"], found["StartLimitIntervalSec"]) == (["always"], ["0"])
    assert (found["User"], found["ProtectSystem"]) == (["postgres"], ["strict"])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_finds_no_fault_in_the_units_of_a_cluster(tmp_path: Path) -> None:
    for path in (CLUSTER / "systemd").iterdir():
        # The programs need not be installed.
        (tmp_path / path.name).write_text(
            re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", path.read_text(), flags=re.MULTILINE)
        )
    verify = ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
