from typing import Any

from django.db import migrations

import patients.keys

_AT_ONCE = 2_000


def fill(apps: Any, schema_editor: Any) -> None:
    """In the order of the primary key, so that a practice with a million patients never has them all in memory."""
    rows = apps.get_model("patients", "Patient").objects.using(schema_editor.connection.alias)
    rows = rows.exclude(mrn="").only("pk", "mrn").order_by("pk")
    some = list(rows[:_AT_ONCE])
    while some:
        for patient in some:
            patient.mrn_key = patients.keys.mrn_key(patient.mrn)
        rows.model.objects.using(schema_editor.connection.alias).bulk_update(some, ["mrn_key"], batch_size=300)
        some = list(rows.filter(pk__gt=some[-1].pk)[:_AT_ONCE])


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
