import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    """Reword labels and help texts. The tables stay as they are."""

    dependencies = [
        ('portal', '0003_administered'),
    ]

    operations = [
        migrations.AlterField(
            model_name='auditevent',
            name='action',
            field=models.CharField(choices=[('signed_in', 'Signed in'), ('sign_in_failed', 'Sign-in failed'), ('signed_out', 'Signed out'), ('searched', 'Searched patients'), ('account_viewed', 'Viewed a patient account'), ('registration_issued', 'Registered a patient'), ('pin_shown', 'Showed a PIN'), ('sheet_printed', 'Printed a PIN sheet'), ('registration_superseded', 'Replaced a registration'), ('registration_revoked', 'Revoked a registration'), ('registration_expired', 'Registration expired'), ('message_accepted', 'Message accepted'), ('message_failed', 'Message failed'), ('message_cancelled', 'Message canceled'), ('patients_imported', 'Imported patients'), ('trail_viewed', 'Viewed activity'), ('registration_claimed', 'Used a PIN or link'), ('claim_failed', 'Failed attempt to use a PIN or link'), ('registration_locked', 'Registration locked'), ('tries_limited', 'Blocked after too many attempts'), ('account_created', 'Created a portal account'), ('account_changed', 'Changed a portal account'), ('family_viewed', 'Family viewed their access'), ('access_given', 'Access granted'), ('access_removed', 'Access removed'), ('access_restored', 'Access restored'), ('access_ended', 'Access ended'), ('access_limited', 'Access limited'), ('self_registered', 'Requested access without a PIN'), ('self_registration_withdrawn', 'Canceled an access request'), ('matched', 'Merge Match completed'), ('match_refused', 'Marked as not our patient'), ('match_reopened', 'Reopened an access request'), ('match_asked', 'Asked the family for information'), ('match_answered', 'Family answered a question'), ('declined', 'Family declined the portal'), ('decline_undone', 'Undid a decline'), ('messages_stopped', 'Stopped messages to an address'), ('messages_allowed', 'Resumed messages to an address'), ('sign_in_reset', 'Removed lost passkeys'), ('screen_handed_over', 'Started kiosk mode for a family'), ('told_of_age_limit', 'Notified of the minor age limit'), ('reminded', 'Reminded that access will end'), ('administered', 'Changed on the administration pages')], max_length=30, verbose_name='what'),
        ),
        migrations.AlterField(
            model_name='auditevent',
            name='address',
            field=models.GenericIPAddressField(null=True, verbose_name='IP address'),
        ),
        migrations.AlterField(
            model_name='auditevent',
            name='chain',
            field=models.CharField(editable=False, help_text='The practice’s ID, or “installation”.', max_length=36),
        ),
        migrations.AlterField(
            model_name='practice',
            name='age_of_majority',
            field=models.PositiveSmallIntegerField(default=18, help_text='18 in most states, 19 in Alabama and Nebraska, 21 in Mississippi. From this age on, patients can have their own PIN.', validators=[django.core.validators.MinValueValidator(16), django.core.validators.MaxValueValidator(25)]),
        ),
        migrations.AlterField(
            model_name='practice',
            name='clinical_portal_url',
            field=models.CharField(blank=True, help_text='The web address where families see the medical record, if it is on another site.', max_length=200, validators=[django.core.validators.URLValidator(['https', 'http'])], verbose_name='clinical portal'),
        ),
        migrations.AlterField(
            model_name='practice',
            name='email',
            field=models.EmailField(help_text='Receives replies from families.', max_length=254, verbose_name='email address'),
        ),
        migrations.AlterField(
            model_name='practice',
            name='hours_by_email',
            field=models.PositiveSmallIntegerField(blank=True, help_text='Leave blank to use the setting above.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(504)], verbose_name='hours valid if sent by email'),
        ),
        migrations.AlterField(
            model_name='practice',
            name='hours_by_text',
            field=models.PositiveSmallIntegerField(blank=True, help_text='Leave blank to use the setting above.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(504)], verbose_name='hours valid if sent by text message'),
        ),
        migrations.AlterField(
            model_name='practice',
            name='hours_in_person',
            field=models.PositiveSmallIntegerField(blank=True, help_text='Leave blank to use the setting above.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(504)], verbose_name='hours valid if given in person'),
        ),
        migrations.AlterField(
            model_name='practice',
            name='minor_age_limit',
            field=models.PositiveSmallIntegerField(default=18, help_text='On this birthday, parents’ access changes, and the patient can have their own PIN.', validators=[django.core.validators.MinValueValidator(12), django.core.validators.MaxValueValidator(25)]),
        ),
        migrations.AlterField(
            model_name='practice',
            name='name_on_messages',
            field=models.CharField(choices=[('initials', 'Initials'), ('first_name', 'First name')], default='initials', help_text='How messages and PIN sheets refer to the patient. They never show the full name or the date of birth.', max_length=10),
        ),
        migrations.AlterField(
            model_name='practice',
            name='phone',
            field=models.CharField(help_text='The number that families call, like (612) 555-0142.', max_length=20),
        ),
        migrations.AlterField(
            model_name='practice',
            name='pin_profile',
            field=models.CharField(choices=[('practice', 'Standard: 7 days for every delivery method'), ('nist', 'NIST SP 800-63A-4: email 24 hours, text message 10 minutes, in person 7 days')], default='practice', max_length=10, verbose_name='how long PINs are valid'),
        ),
        migrations.AlterField(
            model_name='practice',
            name='short_name',
            field=models.CharField(help_text='Used in text messages, which have room for only 140 characters.', max_length=30, validators=[django.core.validators.RegexValidator("^[A-Za-z0-9 .,'&-]+$", "Use only unaccented letters, digits, spaces and . , ' & -")]),
        ),
        migrations.AlterField(
            model_name='practice',
            name='slug',
            field=models.SlugField(error_messages={'unique': 'Another practice has this short address. Enter a different one.'}, help_text='Used in links to the family pages: /start/?practice=…', max_length=60, unique=True, verbose_name='short address'),
        ),
        migrations.AlterField(
            model_name='practice',
            name='teen_from',
            field=models.PositiveSmallIntegerField(default=12, help_text='From this age until patients can have their own PIN, staff must give a reason to send a PIN to a parent.', validators=[django.core.validators.MinValueValidator(10), django.core.validators.MaxValueValidator(17)], verbose_name='age at which patients count as teens'),
        ),
        migrations.AlterField(
            model_name='practice',
            name='terms_url',
            field=models.CharField(blank=True, help_text='The web address of your own terms. Leave blank to use the portal’s terms.', max_length=200, validators=[django.core.validators.URLValidator(['https', 'http'])], verbose_name='terms of use'),
        ),
        migrations.AlterField(
            model_name='practice',
            name='usual_identification',
            field=models.CharField(blank=True, choices=[('photo_id', 'Photo ID'), ('known', 'Known to staff'), ('callback', 'Called back at the number on record'), ('other', 'Other')], help_text='Preselected in the Patient Registration window. Leave blank if staff should choose each time.', max_length=10),
        ),
        migrations.AlterField(
            model_name='user',
            name='email',
            field=models.EmailField(error_messages={'unique': 'Another user has this email address. Enter a different one.'}, max_length=254, unique=True, verbose_name='email address'),
        ),
        migrations.AlterField(
            model_name='user',
            name='is_active',
            field=models.BooleanField(default=True, verbose_name='can sign in'),
        ),
        migrations.AlterField(
            model_name='user',
            name='is_staff',
            field=models.BooleanField(default=False, help_text='Can open the administration pages.', verbose_name='administrator'),
        ),
    ]
