"""Each generation of a read model knows its position, and a checkpoint row knows if its store went back."""

from typing import ClassVar

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

_REBUILD = "@rebuild"


def describe_existing(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make a row for each generation that a checkpoint names.

    Its position stays unknown: projectors of the release before may still run, and move the checkpoint alone.
    """
    alias = schema_editor.connection.alias
    checkpoint, generation = apps.get_model("eventstore", "Checkpoint"), apps.get_model("eventstore", "Generation")
    rows = checkpoint.objects.using(alias).filter(kind__in=["projector", "rebuild"])
    generation.objects.using(alias).bulk_create(
        generation(projector=row.name.removesuffix(_REBUILD), number=row.generation, position=None)
        for row in rows
    )


class Migration(migrations.Migration):
    dependencies: ClassVar = [("eventstore", "0004_bounded_wait_for_the_append_lock")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="checkpoint",
            name="went_back_from",
            field=models.BigIntegerField(
                null=True,
                help_text="The position that a running process remembered when it found the row at a lower one.",
            ),
        ),
        migrations.AlterField(
            model_name="operatoraction",
            name="action",
            field=models.CharField(
                choices=[
                    ("pause", "Pause"), ("resume", "Resume"), ("skip", "Skip"), ("rebuild", "Rebuild"),
                    ("retire", "Retire"),
                ],
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="Generation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("projector", models.CharField(max_length=100)),
                ("number", models.IntegerField()),
                (
                    "position",
                    models.BigIntegerField(
                        null=True,
                        help_text="The last position whose effects the rows hold; null until a release that keeps it.",
                    ),
                ),
                ("filled", models.JSONField(default=list, help_text="The tables that have rows of the generation.")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["projector", "number"], name="generation_projector_number_unique"),
                ],
            },
        ),
        migrations.RunPython(describe_existing, migrations.RunPython.noop, hints={"model_name": "generation"}),
    ]
