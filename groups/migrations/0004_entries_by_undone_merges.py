from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('groups', '0003_exits_and_causes'),
    ]

    operations = [
        migrations.AlterField(
            model_name='membershipevent',
            name='cause',
            field=models.CharField(choices=[('activity', 'An activity'), ('change', 'A change of the contact'), ('agreement', 'An answer to a consent'), ('merge', 'A merge of contacts'), ('undo', 'The undo of a merge'), ('touched', 'Activities were moved or deleted'), ('created', 'The contact was created'), ('window', 'Time passed'), ('rule', 'The rule was changed'), ('group', 'Another group'), ('email', 'What became of an email'), ('user', 'A user of the admin'), ('automation', 'An automation'), ('code', 'A command, a file or Python code')], max_length=20),
        ),
    ]
