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
    ]
