"""Foreign keys that another index begins with, or by which nobody looks, lose the index of their own.

What is due is found in the very order in which it is taken: rows of one moment need no sorting.

The indexes are dropped by name: to alter the fields would copy the whole table on SQLite, once for each.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

#: Table and column of each, with the name that Django gave it.
INDEXES = {
    ("messaging_dailycount", "service_id"): "messaging_dailycount_service_id_047f1f31",
    ("messaging_dailyspeed", "service_id"): "messaging_dailyspeed_service_id_7191ff4b",
    ("messaging_message", "approved_by_id"): "messaging_message_approved_by_id_ef20196f",
    ("messaging_message", "author_id"): "messaging_message_author_id_40198c92",
    ("messaging_message", "copy_of_id"): "messaging_message_copy_of_id_21f8c26c",
    ("messaging_message", "recipient_id"): "messaging_message_recipient_id_6eb91564",
    ("messaging_message", "service_id"): "messaging_message_service_id_afd32b88",
    ("messaging_message", "submitted_by_id"): "messaging_message_submitted_by_id_d1f7f713",
    ("messaging_message", "template_id"): "messaging_message_template_id_922791e8",
    ("messaging_reachability", "recipient_id"): "messaging_reachability_recipient_id_bcc3dd0d",
    ("messaging_reachability", "service_id"): "messaging_reachability_service_id_880cffe5",
}


class Migration(migrations.Migration):

    dependencies = [
        ('messaging', '0002_batches'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(f'DROP INDEX "{name}"', f'CREATE INDEX "{name}" ON "{table}" ("{column}")')
                for (table, column), name in INDEXES.items()
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='dailycount',
                    name='service',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='daily_counts', to='messaging.service'),
                ),
                migrations.AlterField(
                    model_name='dailyspeed',
                    name='service',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='daily_speeds', to='messaging.service'),
                ),
                migrations.AlterField(
                    model_name='message',
                    name='approved_by',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AlterField(
                    model_name='message',
                    name='author',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to=settings.AUTH_USER_MODEL, verbose_name='scritto da'),
                ),
                migrations.AlterField(
                    model_name='message',
                    name='copy_of',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='copies', to='messaging.message'),
                ),
                migrations.AlterField(
                    model_name='message',
                    name='recipient',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='messaging.recipient', verbose_name='destinatario'),
                ),
                migrations.AlterField(
                    model_name='message',
                    name='service',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='messaging.service', verbose_name='servizio'),
                ),
                migrations.AlterField(
                    model_name='message',
                    name='submitted_by',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AlterField(
                    model_name='message',
                    name='template',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='messaging.template', verbose_name='modello'),
                ),
                migrations.AlterField(
                    model_name='reachability',
                    name='recipient',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='reachability', to='messaging.recipient'),
                ),
                migrations.AlterField(
                    model_name='reachability',
                    name='service',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='messaging.service'),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('template__isnull', False)), fields=['template'], name='message_template'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('copy_of__isnull', False)), fields=['copy_of'], name='message_copy_of'),
        ),
        migrations.RemoveIndex(model_name='message', name='message_due'),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('next_attempt_at__isnull', False)), fields=['service', 'lane', 'next_attempt_at', 'id'], name='message_due'),
        ),
    ]
