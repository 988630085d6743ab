from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="LimitCount",
            fields=[
                ("key", models.UUIDField(primary_key=True, serialize=False)),
                ("count", models.PositiveIntegerField()),
                ("ends_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.RunSQL(
            "ALTER TABLE web_limitcount SET UNLOGGED", "ALTER TABLE web_limitcount SET LOGGED"
        ),
    ]
