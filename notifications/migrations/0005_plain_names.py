from django.db import migrations


class Migration(migrations.Migration):
    """Rename columns and models to plain English names. No value changes."""

    dependencies = [("notifications", "0004_may_be_out")]

    operations = [
        migrations.RenameModel("StoppedAddress", "SuppressedAddress"),
        migrations.RenameModel("WorkerSeen", "WorkerHeartbeat"),
        migrations.RenameField("outgoingmessage", "good_until", "valid_until"),
        migrations.RenameField("outgoingmessage", "left_behind", "abandoned_count"),
        migrations.RenameField("outgoingmessage", "cancel_asked", "cancel_requested"),
    ]
