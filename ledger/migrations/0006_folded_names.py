"""The database refuses a name that differs from another user's only in case, in every alphabet."""

from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from eventstore.vendor_sql import run_file
from ledger.user_names import folded

SQL: Final = Path(__file__).parent / "sql"


def fold_names(apps: Any, schema_editor: Any) -> None:
    """Take the name of each user; raises ValueError if two differ only in case."""
    alias = schema_editor.connection.alias
    names = dict(apps.get_model("auth", "User").objects.using(alias).values_list("pk", "username"))
    same: dict[str, list[str]] = defaultdict(list)
    for name in names.values():
        same[folded(name)].append(name)
    doubles = [" and ".join(sorted(several)) for several in same.values() if len(several) > 1]
    if doubles:
        raise ValueError(
            f"these names of users differ only in case: {'; '.join(sorted(doubles))}. Rename one of each in the admin"
            " with the release before, and migrate again."
        )
    folded_name, user_name = apps.get_model("ledger", "FoldedName"), apps.get_model("ledger", "UserName")
    folded_name.objects.using(alias).bulk_create(folded_name(username=n, folded=folded(n)) for n in names.values())
    user_name.objects.using(alias).bulk_create(user_name(user_id=pk, folded=folded(n)) for pk, n in names.items())


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("ledger", "0005_groups"),
    ]

    operations = [
        migrations.CreateModel(
            name="FoldedName",
            fields=[
                ("username", models.CharField(max_length=150, primary_key=True, serialize=False)),
                ("folded", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="UserName",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="folded_name",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("folded", models.TextField(unique=True)),
            ],
        ),
        # The triggers come first, so that no name is taken while these are folded.
        migrations.RunPython(run_file("user_names", SQL), run_file("user_names_away", SQL)),
        migrations.RunPython(fold_names, migrations.RunPython.noop),
        migrations.RunSQL(
            "DROP INDEX auth_user_name_without_case",
            "CREATE UNIQUE INDEX auth_user_name_without_case ON auth_user (LOWER(username))",
        ),
    ]
