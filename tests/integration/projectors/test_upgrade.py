"""An installation whose read models an earlier release made is right at once, and quick after a rebuild."""

from eventstore.consumers.loop import catch_up
from eventstore.models import Checkpoint, Generation
from projectors.catalog import PROJECTORS
from projectors.models import AccountSum, JournalLine
from projectors.queries.live import live
from projectors.queries.trial_balance import trial_balance
from projectors.verification.verify import verify
from tests.support.databases import Database
from tests.support.ledger.random_histories import History, record
from tests.support.processes import RunManage

BEFORE_SUMS = "0003"
NEW = ("customers", "late_activity", "search")


def test_read_models_of_an_earlier_release_go_on_and_new_ones_begin(database: Database, run_manage: RunManage) -> None:
    appends = History(33, 250, fees_late=True).appends
    record(appends[:-40])
    catch_up(*(projector.name for projector in PROJECTORS))
    lines = live(JournalLine).count()
    run_manage("migrate", "projectors", BEFORE_SUMS, env=database.owners)
    Checkpoint.objects.filter(name__in=NEW).delete()
    Generation.objects.update(filled=[])  # the earlier release described no generation

    run_manage("migrate", env=database.owners)
    assert live(JournalLine).count() == lines
    record(appends[-40:])
    run_manage("run_projector", "--once")
    assert not AccountSum.objects.exists()
    walked = trial_balance()
    assert walked
    verify(lambda _done, _total: None)

    run_manage("rebuild_projector", "journal")
    assert live(AccountSum).exists()
    assert trial_balance() == walked
    verify(lambda _done, _total: None)
