from typing import Any, Final

import django.db.models.deletion
import django.utils.timezone
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
        # Labels and help texts; the tables stay as they are.
        migrations.AlterField(
            model_name='association',
            name='authorization',
            field=models.CharField(blank=True, help_text='For a proxy: the authorization, for example a court order or a signed consent form.', max_length=200),
        ),
        migrations.AlterField(
            model_name='association',
            name='ending',
            field=models.CharField(blank=True, choices=[('removed', 'Removed'), ('date', 'End date reached'), ('age', 'Minor age limit'), ('renewal', 'Needs renewal (minor age limit)')], max_length=10),
        ),
        migrations.AlterField(
            model_name='association',
            name='ends_at',
            field=models.DateTimeField(help_text='Access ends automatically at this time.', null=True),
        ),
        migrations.AlterField(
            model_name='association',
            name='past_age_limit',
            field=models.BooleanField(default=False, help_text='The minor age limit was applied or does not apply. It will not be applied again.'),
        ),
        migrations.AlterField(
            model_name='association',
            name='reminded',
            field=models.PositiveSmallIntegerField(default=0, help_text='How many reminders of the end date were sent.'),
        ),
        migrations.AlterField(
            model_name='pindisplay',
            name='session',
            field=models.CharField(editable=False, help_text='Digest of the session key.', max_length=64),
        ),
        migrations.AlterField(
            model_name='portalaccount',
            name='language',
            field=models.CharField(default='en', help_text='Language of pages and messages.', max_length=10),
        ),
        migrations.AlterField(
            model_name='portalaccount',
            name='terms',
            field=models.CharField(help_text='Version of the terms of use that was accepted.', max_length=200),
        ),
        migrations.AlterField(
            model_name='registration',
            name='account',
            field=models.ForeignKey(help_text='The existing account that gets access.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='registration.portalaccount'),
        ),
        migrations.AlterField(
            model_name='registration',
            name='authority_override_for',
            field=models.JSONField(default=list, help_text='Patients whose record the contact is not authorized to see, for whom staff gave a reason.'),
        ),
        migrations.AlterField(
            model_name='registration',
            name='authorization',
            field=models.CharField(blank=True, help_text='For a proxy: the authorization, for example a court order.', max_length=200),
        ),
        migrations.AlterField(
            model_name='registration',
            name='end_reason',
            field=models.CharField(blank=True, help_text='Why it ended, if staff typed a reason.', max_length=200),
        ),
        migrations.AlterField(
            model_name='registration',
            name='form_token',
            field=models.UUIDField(editable=False, help_text='Identifies the window that submitted it (idempotency key).'),
        ),
        migrations.AlterField(
            model_name='registration',
            name='identified_by',
            field=models.CharField(blank=True, choices=[('photo_id', 'Photo ID'), ('known', 'Known to staff'), ('callback', 'Called back at the number on record'), ('other', 'Other')], max_length=10),
        ),
        migrations.AlterField(
            model_name='registration',
            name='language',
            field=models.CharField(default='en', help_text='Language of the message and the PIN sheet.', max_length=10),
        ),
        migrations.AlterField(
            model_name='registration',
            name='override_reasons',
            field=models.JSONField(default=dict, help_text='The safety warnings before it was sent, each with the reason that staff gave.'),
        ),
        migrations.AlterField(
            model_name='registration',
            name='recipient_key',
            field=models.CharField(editable=False, help_text='Identifies the recipient. The same person has the same key.', max_length=200),
        ),
        migrations.AlterField(
            model_name='registration',
            name='replaces',
            field=models.ForeignKey(help_text='The earlier registration, which stays valid until this one’s message is accepted.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='replacements', to='registration.registration'),
        ),
        migrations.AlterField(
            model_name='registration',
            name='request_digest',
            field=models.CharField(editable=False, help_text='Digest of the request, so that submitting it twice creates one registration.', max_length=64),
        ),
        migrations.AlterField(
            model_name='registration',
            name='risk_acknowledged',
            field=models.BooleanField(default=False, help_text='The family knows that email and texts are not private, and prefers them (HIPAA).'),
        ),
        migrations.AlterField(
            model_name='registration',
            name='sent_again',
            field=models.BooleanField(default=False, editable=False, help_text='A newer registration was sent in its place.'),
        ),
        migrations.AlterField(
            model_name='selfregistration',
            name='answer',
            field=models.CharField(blank=True, help_text='The family’s answer.', max_length=500),
        ),
        migrations.AlterField(
            model_name='selfregistration',
            name='likely',
            field=models.ForeignKey(help_text='The only patient with this name and date of birth. Their status is Self Registered.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='self_registrations', to='patients.patient'),
        ),
        migrations.AlterField(
            model_name='selfregistration',
            name='likely_checked_at',
            field=models.DateTimeField(default=django.utils.timezone.now, help_text='When the likely patient was last looked up.'),
        ),
        migrations.AlterField(
            model_name='selfregistration',
            name='override_reasons',
            field=models.JSONField(default=dict, help_text='The safety warnings before the match, each with the reason that staff gave.'),
        ),
        migrations.AlterField(
            model_name='selfregistration',
            name='question',
            field=models.CharField(blank=True, help_text='The practice’s question to the family.', max_length=500),
        ),
        migrations.AlterField(
            model_name='selfregistration',
            name='state',
            field=models.CharField(choices=[('waiting', 'Waiting'), ('asked', 'Asked for more information'), ('matched', 'Matched'), ('refused', 'Not our patient'), ('withdrawn', 'Withdrawn by the family')], default='waiting', max_length=10),
        ),
    ]
