from typing import Any

from django.db import migrations

import patients.keys

_AT_ONCE = 2_000


def fill(apps: Any, schema_editor: Any) -> None:
    """Fill the column in batches, so that the patients of a large practice are never all in memory."""
    rows = apps.get_model("patients", "Patient").objects.using(schema_editor.connection.alias)
    rows = rows.exclude(mrn="").only("pk", "mrn").order_by("pk")
    batch = list(rows[:_AT_ONCE])
    while batch:
        for patient in batch:
            patient.mrn_key = patients.keys.mrn_key(patient.mrn)
        rows.model.objects.using(schema_editor.connection.alias).bulk_update(batch, ["mrn_key"], batch_size=300)
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:_AT_ONCE])


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0002_the_family"),
    ]

    operations = [
        migrations.AddField(
            model_name="patient",
            name="mrn_key",
            field=patients.keys.KeyField(blank=True, default="", editable=False, max_length=64),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
