from django.db import migrations

import database.transaction_ids


class Migration(migrations.Migration):
    dependencies = [("contacts", "0014_one_index_of_changes")]

    operations = [
        # Without a default first: contacts that are there stay as they are, and are not written.
        migrations.AddField(
            model_name="contact",
            name="recorded_in",
            field=database.transaction_ids.TransactionIdField(
                editable=False, null=True, verbose_name="transaction"
            ),
        ),
        migrations.AlterField(
            model_name="contact",
            name="recorded_in",
            field=database.transaction_ids.TransactionIdField(
                db_default=database.transaction_ids.CurrentTransactionId(),
                editable=False,
                null=True,
                verbose_name="transaction",
            ),
        ),
    ]
