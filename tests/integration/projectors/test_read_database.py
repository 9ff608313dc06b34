"""Read models in a database of their own, of another kind even than the log's."""

from pathlib import Path

from tests.support.databases import Database
from tests.support.ledger.random_histories import History, record
from tests.support.processes import RunManage


def test_read_models_in_a_database_of_their_own_are_kept_rebuilt_and_verified(
    database: Database, run_manage: RunManage, tmp_path: Path
) -> None:
    env = {"READ_DATABASE_URL": f"sqlite:///{tmp_path / 'read.sqlite3'}", "HYDRATION_DELAY": "0"}
    run_manage("migrate", "--database", "read", env=env)
    record(History(21, 100).appends)
    run_manage("run_projector", "--once", env=env)
    run_manage("rebuild_projector", "journal", env=env)
    assert "the trial balance is zero" in run_manage("verify_ledger", env=env).stdout
