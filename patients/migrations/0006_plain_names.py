from django.db import migrations, models

INDEXES = {
    "key_by_last": ("practice", "X", "last", "first", "date_of_birth"),
    "key_by_first": ("practice", "X", "first", "last", "date_of_birth"),
    "key_by_birth": ("practice", "X", "date_of_birth", "last", "first"),
    "key_by_status": ("practice", "X", "status", "last", "first", "date_of_birth"),
}


def fields(name, owner):
    return tuple(owner if field == "X" else field for field in INDEXES[name])


class RemoveIndexFromState(migrations.RemoveIndex):
    """The database renames the column inside its indexes by itself."""

    def database_forwards(self, *args):
        pass

    database_backwards = database_forwards


class AddIndexToState(migrations.AddIndex):
    def database_forwards(self, *args):
        pass

    database_backwards = database_forwards


class Migration(migrations.Migration):
    """Rename a column to its plain English name. No value changes, and no index is built again."""

    dependencies = [("patients", "0005_recently_opened")]

    operations = [
        *(RemoveIndexFromState("namekey", name) for name in INDEXES),
        migrations.RenameField("namekey", "whose", "owner"),
        *(AddIndexToState("namekey", models.Index(fields=fields(name, "owner"), name=name)) for name in INDEXES),
        # Labels and help texts; the tables stay as they are.
        migrations.AlterField(
            model_name='contact',
            name='active',
            field=models.BooleanField(default=True, help_text='Set by the practice. Imports don’t change it.'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='email',
            field=models.EmailField(blank=True, max_length=254, verbose_name='email address'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='given_names',
            field=models.CharField(blank=True, max_length=160, verbose_name='first and middle names'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='has_authority',
            field=models.BooleanField(default=True, help_text='A contact who is not authorized gets no PIN.', verbose_name='authorized to see the record'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='in_source',
            field=models.BooleanField(default=True, help_text='Set by imports: checked if the last import contained this contact.', verbose_name='in the record system'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='source_key',
            field=models.CharField(blank=True, editable=False, help_text='Identifies the contact in the record system.', max_length=200),
        ),
        migrations.AlterField(
            model_name='patient',
            name='active',
            field=models.BooleanField(default=True, help_text='Uncheck if this person is no longer a patient of the practice.'),
        ),
        migrations.AlterField(
            model_name='patient',
            name='email',
            field=models.EmailField(blank=True, max_length=254, verbose_name='email address'),
        ),
        migrations.AlterField(
            model_name='patient',
            name='language',
            field=models.CharField(blank=True, help_text='A BCP 47 language tag, for example es.', max_length=35),
        ),
        migrations.AlterField(
            model_name='patient',
            name='source_system',
            field=models.CharField(help_text='The system that assigned the source identifier.', max_length=200),
        ),
    ]
