import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The tables are long: they are written to while the indexes are built.
    atomic = False

    dependencies = [
        ('contacts', '0009_changes_and_moved_rows'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='contactmerge',
            index=models.Index(fields=['survivor', '-requested_at', '-id'], name='merges_that_one_survived'),
        ),
        AddIndexConcurrently(
            model_name='contactmerge',
            index=models.Index(fields=['loser', '-requested_at', '-id'], name='merges_that_one_lost'),
        ),
        migrations.AlterField(
            model_name='contactmerge',
            name='loser',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='merges_lost', to='contacts.contact'),
        ),
        migrations.AlterField(
            model_name='contactmerge',
            name='survivor',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='merges_survived', to='contacts.contact'),
        ),
    ]
