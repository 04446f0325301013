from django.db import migrations, models


class Migration(migrations.Migration):
    """Rename columns and models to plain English names. No value changes."""

    dependencies = [("registration", "0004_for_a_large_practice")]

    operations = [
        migrations.RenameModel("Reveal", "PinDisplay"),
        migrations.RenameModel("TryCount", "AttemptCounter"),
        migrations.RenameField("emailcode", "tries", "attempts"),
        migrations.RenameField("association", "authorisation", "authorization"),
        migrations.RenameField("association", "told_of_age_limit", "age_limit_notice_sent"),
        migrations.RenameField("selfregistration", "confirmed", "override_reasons"),
        migrations.RenameField("registration", "confirmed", "override_reasons"),
        migrations.RenameField("registration", "authority_asked", "authority_override_for"),
        migrations.RenameField("registration", "authorisation", "authorization"),
        migrations.RenameField("registration", "told_of_risk", "risk_acknowledged"),
        migrations.RenameField("registration", "wrong_tries", "wrong_attempts"),
        migrations.RemoveConstraint("registration", "one_registration_a_wish"),
        migrations.RemoveIndex("registration", "registration_by_window"),
        migrations.RenameField("registration", "window", "form_token"),
        migrations.RenameField("registration", "wish", "request_digest"),
        migrations.AddConstraint(
            "registration",
            models.UniqueConstraint(
                fields=("practice", "form_token", "request_digest"),
                condition=models.Q(state="pending"),
                name="unique_pending_request",
            ),
        ),
        migrations.AddIndex("registration", models.Index(fields=("form_token",), name="registration_by_form_token")),
    ]
