"""The table of snapshots, which is only a cache."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Creates the table."""

    dependencies: ClassVar = [("eventstore", "0009_append_as_the_owner")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stream_id", models.CharField(max_length=100)),
                ("version", models.BigIntegerField()),
                ("position", models.BigIntegerField()),
                ("recorded_at", models.DateTimeField()),
                ("fingerprint", models.CharField(help_text="A digest of the code that folded it.", max_length=64)),
                ("state", models.TextField(help_text="The state, as JSON.")),
                ("checksum", models.CharField(help_text="A digest of all other columns.", max_length=64)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("stream_id", "version"), name="snapshot_stream_id_version_unique")
                ],
            },
        ),
    ]
