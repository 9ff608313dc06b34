"""Names are unique without regard to case, and idempotency keys belong to a user's id and not to a name."""

from typing import Any

from django.db import migrations
from django.db.models import Count
from django.db.models.functions import Lower


def refuse_duplicates(apps: Any, schema_editor: Any) -> None:
    users = apps.get_model("auth", "User").objects.using(schema_editor.connection.alias)
    names = users.values_list(Lower("username"), flat=True).annotate(number=Count("pk")).filter(number__gt=1)
    if names:
        raise ValueError(
            f"these names differ only in case from another user's: {', '.join(sorted(names))}. Rename one of each in the"
            " admin with the release before, and migrate again."
        )


def move_keys(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    keys = apps.get_model("eventstore", "RecordedKey").objects.using(alias)
    for pk, name in apps.get_model("auth", "User").objects.using(alias).values_list("pk", "username"):
        for scope in keys.filter(scope__startswith=f"{name}:").values_list("scope", flat=True).distinct():
            keys.filter(scope=scope).update(scope=f"user {pk}:{scope.removeprefix(f'{name}:')}")


class Migration(migrations.Migration):

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("eventstore", "0001_initial"),
        ("ledger", "0001_permissions"),
    ]

    operations = [
        migrations.RunPython(refuse_duplicates, migrations.RunPython.noop, elidable=True),
        migrations.RunSQL(
            "CREATE UNIQUE INDEX auth_user_name_without_case ON auth_user (LOWER(username))",
            "DROP INDEX auth_user_name_without_case",
        ),
        migrations.RunPython(move_keys, migrations.RunPython.noop, elidable=True),
    ]
