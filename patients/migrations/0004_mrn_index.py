from django.db import migrations, models


class Migration(migrations.Migration):
    """Apart from the filling: PostgreSQL builds no index over rows that the same transaction has changed."""

    dependencies = [
        ("patients", "0003_mrn_key"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(fields=["practice", "mrn_key"], name="patient_by_mrn"),
        ),
    ]
