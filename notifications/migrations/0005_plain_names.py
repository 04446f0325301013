import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    """Rename columns and models to plain English names. No value changes."""

    dependencies = [("notifications", "0004_may_be_out")]

    operations = [
        migrations.RenameModel("StoppedAddress", "SuppressedAddress"),
        migrations.RenameModel("WorkerSeen", "WorkerHeartbeat"),
        migrations.RenameField("outgoingmessage", "good_until", "valid_until"),
        migrations.RenameField("outgoingmessage", "left_behind", "abandoned_count"),
        migrations.RenameField("outgoingmessage", "cancel_asked", "cancel_requested"),
        # Labels and help texts; the tables stay as they are.
        migrations.AlterField(
            model_name='carrier',
            name='date_note',
            field=models.CharField(blank=True, help_text='Shown instead of the date if the exact day is unknown, such as “December 2024 (reported)”.', max_length=60),
        ),
        migrations.AlterField(
            model_name='carrier',
            name='ends_on',
            field=models.DateField(blank=True, help_text='Last day of service. After that, the carrier is treated as ended.', null=True),
        ),
        migrations.AlterField(
            model_name='carrier',
            name='gateway',
            field=models.CharField(help_text='The domain that follows number@, such as vtext.com.', max_length=100, validators=[django.core.validators.RegexValidator('^[a-z0-9-]+(\\.[a-z0-9-]+)+$', 'Enter a domain in lowercase, such as vtext.com.')]),
        ),
        migrations.AlterField(
            model_name='carrier',
            name='source',
            field=models.CharField(blank=True, help_text='Where this information comes from.', max_length=200),
        ),
        migrations.AlterField(
            model_name='carrier',
            name='status',
            field=models.CharField(choices=[('verified', 'Verified'), ('unverified', 'Not verified'), ('ending', 'Ending'), ('ended', 'Ended')], default='unverified', max_length=10),
        ),
        migrations.AlterField(
            model_name='carrier',
            name='verified_on',
            field=models.DateField(blank=True, help_text='The last day one of our texts is known to have arrived.', null=True),
        ),
        migrations.AlterField(
            model_name='deliveryevent',
            name='kind',
            field=models.CharField(choices=[('queued', 'Queued'), ('retry', 'Not accepted; will retry'), ('accepted', 'Accepted by the mail server'), ('failed', 'Failed'), ('cancelled', 'Canceled')], max_length=9),
        ),
        migrations.AlterField(
            model_name='outgoingmessage',
            name='abandoned_count',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='How many times a worker stopped before recording the result. If above 0, the message may have been sent.'),
        ),
        migrations.AlterField(
            model_name='outgoingmessage',
            name='address_refused',
            field=models.BooleanField(default=False, help_text='The message failed because the address does not exist or does not accept mail.'),
        ),
        migrations.AlterField(
            model_name='outgoingmessage',
            name='channel',
            field=models.CharField(choices=[('email', 'Email'), ('text', 'Text message')], max_length=5),
        ),
        migrations.AlterField(
            model_name='outgoingmessage',
            name='outcome',
            field=models.CharField(blank=True, help_text='The latest result, as shown to staff.', max_length=200),
        ),
        migrations.AlterField(
            model_name='outgoingmessage',
            name='recipient',
            field=models.CharField(help_text='The email address the message is sent to.', max_length=254),
        ),
        migrations.AlterField(
            model_name='outgoingmessage',
            name='shown_recipient',
            field=models.CharField(help_text='The email address or phone number that staff see.', max_length=254),
        ),
        migrations.AlterField(
            model_name='outgoingmessage',
            name='state',
            field=models.CharField(choices=[('queued', 'Queued'), ('sending', 'Sending'), ('accepted', 'Accepted'), ('failed', 'Failed'), ('cancelled', 'Canceled')], default='queued', max_length=9),
        ),
        migrations.AlterField(
            model_name='outgoingmessage',
            name='valid_until',
            field=models.DateTimeField(help_text='The message is not sent at or after this time.', null=True),
        ),
        migrations.AlterField(
            model_name='suppressedaddress',
            name='address',
            field=models.CharField(help_text='An email address in lowercase, or the ten digits of a phone number.', max_length=254),
        ),
        migrations.AlterField(
            model_name='suppressedaddress',
            name='by_name',
            field=models.CharField(help_text='The person who recorded the opt-out.', max_length=254),
        ),
        migrations.AlterField(
            model_name='suppressedaddress',
            name='channel',
            field=models.CharField(choices=[('email', 'Email'), ('text', 'Text message')], max_length=5),
        ),
    ]
