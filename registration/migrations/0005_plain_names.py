from typing import Any, Final

from django.db import migrations, models

# The sentences that the earlier versions stored, and the codes that replace them.
_SENTENCES: Final = {
    "declined": "The family declined the portal.",
    "ineligible": "The patient is deceased or inactive.",
    "contact_lost_authority": "The contact may not see the record any more.",
    "sent_again": "It was sent again.",
    "reissued": "A new registration was issued.",
    "too_many_attempts": "Too many wrong tries.",
    "resend_claimed": "Another one of the same was claimed.",
    "matched": "The family registered without it, and the match was made.",
}
_NEEDS_RENEWAL: Final = "Needs renewal: the patient has come of age."


def replace_sentences(apps: Any, schema_editor: Any) -> None:
    """Replace stored sentences with codes. Reasons that staff typed stay as they are."""
    registrations = apps.get_model("registration", "Registration").objects.using(schema_editor.connection.alias)
    for code, sentence in _SENTENCES.items():
        registrations.filter(end_reason=sentence).update(end_code=code, end_reason="")
    associations = apps.get_model("registration", "Association").objects.using(schema_editor.connection.alias)
    associations.filter(ending="age", end_reason=_NEEDS_RENEWAL).update(ending="renewal", end_reason="")


def restore_sentences(apps: Any, schema_editor: Any) -> None:
    registrations = apps.get_model("registration", "Registration").objects.using(schema_editor.connection.alias)
    for code, sentence in _SENTENCES.items():
        registrations.filter(end_code=code).update(end_code="", end_reason=sentence)
    associations = apps.get_model("registration", "Association").objects.using(schema_editor.connection.alias)
    associations.filter(ending="renewal").update(ending="age", end_reason=_NEEDS_RENEWAL)



class Migration(migrations.Migration):
    """Rename columns and models to plain English names, and store why a registration ended as a code."""

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
        migrations.AddField(
            "registration",
            "end_code",
            models.CharField(
                blank=True,
                choices=[
                    ("declined", "The family declined the portal."),
                    ("ineligible", "The patient is deceased or inactive."),
                    ("contact_lost_authority", "The contact is no longer authorized to see the record."),
                    ("sent_again", "It was sent again."),
                    ("reissued", "A new registration was issued."),
                    ("too_many_attempts", "Too many failed attempts."),
                    ("resend_claimed", "Another PIN or link for the same registration was used."),
                    ("matched", "The family signed up without it, and their request was matched."),
                ],
                default="",
                help_text="Why it ended, if the system ended it.",
                max_length=30,
            ),
            preserve_default=False,
        ),
        migrations.RunPython(replace_sentences, restore_sentences),
    ]
