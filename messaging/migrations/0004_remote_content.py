"""Content and files that IO fetches from us, who has opened them, and what is counted of delivered messages."""

import django.core.validators
import django.db.models.deletion
import messaging.fields
import messaging.models.attachment
import uuid
from django.conf import settings
from django.db import migrations, models

#: Both databases write these into the table's description, not into its rows.
_FLAG, _WORDS, _TEXT = "bool NOT NULL DEFAULT false", "varchar(300) NOT NULL DEFAULT ''", "text NOT NULL DEFAULT ''"
_PRECONDITION = "varchar(6) NOT NULL DEFAULT 'NEVER'"
_REMOTE_TEXT = {
    "has_remote_content": _FLAG,
    "protected_subject": _WORDS,
    "protected_body": _TEXT,
    "precondition": _PRECONDITION,
    "precondition_title": _WORDS,
    "precondition_body": _TEXT,
    "has_attachments": _FLAG,
}
COLUMNS = {
    "messaging_message": {
        "has_remote_content": _FLAG,
        "has_attachments": _FLAG,
        "precondition": _PRECONDITION,
        "remote_configuration": "varchar(26) NOT NULL DEFAULT ''",
    },
    "messaging_batch": {
        **_REMOTE_TEXT,
        "folder": "varchar(200) NOT NULL DEFAULT ''",
        "folder_name": "varchar(255) NOT NULL DEFAULT ''",
    },
    "messaging_template": _REMOTE_TEXT,
}


class Migration(migrations.Migration):

    dependencies = [
        ('messaging', '0003_lean_indexes'),
    ]

    operations = [
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('file', models.FileField(max_length=200, upload_to=messaging.models.attachment.stored_as)),
                ('name', models.CharField(max_length=127, verbose_name='nome')),
                ('size', models.PositiveBigIntegerField(verbose_name='byte')),
                ('digest', models.CharField(max_length=64)),
                ('pages', models.PositiveIntegerField(verbose_name='pagine')),
                ('declares', models.CharField(blank=True, max_length=4, verbose_name='dichiara PDF/A')),
                ('verdict', models.CharField(choices=[('not_asked', 'non verificato'), ('conforms', 'conforme'), ('fails', 'non conforme')], default='not_asked', max_length=10, verbose_name='verifica PDF/A')),
                ('uploaded_at', models.DateTimeField(auto_now_add=True, verbose_name='caricato il')),
                ('service', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attachments', to='messaging.service', verbose_name='servizio')),
                ('uploaded_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='caricato da')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('verdict__in', ['not_asked', 'conforms', 'fails'])), name='pdf_verdict_known')],
                'indexes': [models.Index(fields=['service', 'digest'], name='attachment_content')],
                'verbose_name': 'allegato',
                'verbose_name_plural': 'allegati',
            },
        ),
        migrations.CreateModel(
            name='BatchAttachment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=127)),
                ('name', models.CharField(max_length=127, verbose_name='nome')),
                ('problem', models.JSONField(blank=True, default=dict)),
                ('attachment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='messaging.attachment')),
                ('batch', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='files', to='messaging.batch')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('batch', 'key'), name='batch_file_once'), models.CheckConstraint(condition=models.Q(models.Q(('attachment__isnull', False), ('problem', {})), models.Q(('attachment__isnull', True), models.Q(('problem', {}), _negated=True)), _connector='OR'), name='batch_file_good_or_problem')],
            },
        ),
        migrations.CreateModel(
            name='BatchMilestone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('milestone', models.CharField(choices=[('observed', 'si sa se aperto o letto'), ('seen', 'aperto o letto'), ('payable', 'si sa se pagato'), ('paid', 'pagato')], max_length=10)),
                ('count', models.IntegerField(default=0)),
                ('batch', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='milestones', to='messaging.batch')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('batch', 'milestone'), name='batch_milestone_once')],
            },
        ),
        migrations.CreateModel(
            name='DailyMilestone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('milestone', models.CharField(choices=[('observed', 'si sa se aperto o letto'), ('seen', 'aperto o letto'), ('payable', 'si sa se pagato'), ('paid', 'pagato')], max_length=10)),
                ('count', models.IntegerField(default=0)),
                ('lowest_message', models.BigIntegerField(default=0)),
                ('service', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='daily_milestones', to='messaging.service')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('service', 'day', 'milestone'), name='daily_milestone_once')],
            },
        ),
        migrations.CreateModel(
            name='ManageKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('secret', messaging.fields.EncryptedTextField(verbose_name='chiave')),
                ('last_four', models.CharField(editable=False, max_length=4, verbose_name='ultimi quattro caratteri')),
                ('changed_at', models.DateTimeField(auto_now=True, verbose_name='cambiata il')),
                ('institution', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='manage_key', to='messaging.institution', verbose_name='ente')),
            ],
            options={
                'verbose_name': 'chiave dell’ente',
                'verbose_name_plural': 'chiavi degli enti',
            },
        ),
        migrations.CreateModel(
            name='MessageAttachment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField(verbose_name='posto')),
                ('name', models.CharField(max_length=127, verbose_name='nome per il cittadino')),
                ('added_at', models.DateTimeField(verbose_name='aggiunto il')),
                ('removed_at', models.DateTimeField(blank=True, null=True, verbose_name='tolto il')),
                ('added_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('attachment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='uses', to='messaging.attachment')),
                ('message', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='attached', to='messaging.message')),
                ('removed_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('removed_at__isnull', True)), fields=('message', 'position'), name='one_file_in_a_place'), models.CheckConstraint(condition=models.Q(models.Q(('removed_at__isnull', True), ('removed_by__isnull', True)), models.Q(('removed_at__isnull', False), ('removed_by__isnull', False)), _connector='OR'), name='file_removed_by_somebody')],
                'indexes': [models.Index(fields=['message', 'position'], name='attached_to_message')],
                'verbose_name': 'allegato di un messaggio',
                'verbose_name_plural': 'allegati dei messaggi',
            },
        ),
        migrations.CreateModel(
            name='Opening',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('part', models.CharField(choices=[('detail', 'testo'), ('precondition', 'avvertenza'), ('file', 'allegato')], max_length=12)),
                ('environment', models.CharField(choices=[('test', 'di prova'), ('production', 'di produzione')], max_length=10)),
                ('status', models.PositiveSmallIntegerField()),
                ('at', models.DateTimeField()),
                ('attachment', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='messaging.attachment')),
                ('message', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='openings', to='messaging.message')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('part__in', ['detail', 'precondition', 'file'])), name='opened_part_known')],
                'indexes': [models.Index(fields=['message', 'id'], name='opening_of_message')],
                'verbose_name': 'apertura',
                'verbose_name_plural': 'aperture',
            },
        ),
        migrations.CreateModel(
            name='RemoteConfiguration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('configuration_id', models.CharField(blank=True, editable=False, max_length=26, verbose_name='codice dato da IO')),
                ('name', models.CharField(max_length=100, verbose_name='nome')),
                ('description', models.CharField(max_length=300, verbose_name='descrizione')),
                ('precondition', models.CharField(choices=[('ALWAYS', 'ogni volta'), ('ONCE', 'solo la prima volta'), ('NEVER', 'mai')], default='NEVER', max_length=6, verbose_name='avvertenza prima di aprire')),
                ('is_lollipop_enabled', models.BooleanField(default=False, verbose_name='verifica della firma dell’app')),
                ('disable_lollipop_for', models.JSONField(blank=True, default=list, verbose_name='senza firma per')),
                ('confirmed_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='confermata da IO il')),
                ('changed_at', models.DateTimeField(auto_now=True, verbose_name='cambiata il')),
                ('institution', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='remote_configuration', to='messaging.institution', verbose_name='ente')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('precondition__in', ['ALWAYS', 'ONCE', 'NEVER'])), name='remote_precondition_known')],
                'verbose_name': 'contenuto remoto',
                'verbose_name_plural': 'contenuti remoti',
            },
        ),
        migrations.CreateModel(
            name='RemoteContent',
            fields=[
                ('message', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='remote_content', serialize=False, to='messaging.message')),
                ('subject', models.TextField(blank=True, verbose_name='oggetto protetto')),
                ('body', models.TextField(blank=True, verbose_name='testo protetto')),
                ('precondition_title', models.TextField(blank=True, verbose_name='titolo dell’avvertenza')),
                ('precondition_body', models.TextField(blank=True, verbose_name='testo dell’avvertenza')),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('version', models.PositiveIntegerField(default=1, verbose_name='versione')),
                ('written_at', models.DateTimeField(verbose_name='scritto il')),
                ('note', models.CharField(blank=True, max_length=300, verbose_name='perché')),
                ('erased_at', models.DateTimeField(blank=True, null=True)),
                ('first_opened_at', models.DateTimeField(blank=True, null=True, verbose_name='aperto la prima volta il')),
                ('written_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='scritto da')),
            ],
            options={
                'verbose_name': 'contenuto remoto di un messaggio',
                'verbose_name_plural': 'contenuti remoti dei messaggi',
            },
        ),
        migrations.CreateModel(
            name='RemoteContentVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(verbose_name='versione')),
                ('subject', models.TextField(blank=True, verbose_name='oggetto protetto')),
                ('body', models.TextField(blank=True, verbose_name='testo protetto')),
                ('precondition_title', models.TextField(blank=True)),
                ('precondition_body', models.TextField(blank=True)),
                ('written_at', models.DateTimeField(verbose_name='scritto il')),
                ('note', models.CharField(blank=True, max_length=300, verbose_name='perché')),
                ('content', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='messaging.remotecontent')),
                ('written_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('content', 'number'), name='content_version_once')],
                'verbose_name': 'versione sostituita',
                'verbose_name_plural': 'versioni sostituite',
            },
        ),
        migrations.CreateModel(
            name='RemoteEnvironment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('test', 'di prova'), ('production', 'di produzione')], max_length=10, verbose_name='ambiente')),
                ('base_url', models.CharField(max_length=300, verbose_name='indirizzo')),
                ('header_name', models.CharField(max_length=100, verbose_name='nome dell’intestazione')),
                ('test_users', models.JSONField(blank=True, default=list, verbose_name='persone di prova')),
                ('configuration', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='environments', to='messaging.remoteconfiguration')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('configuration', 'kind'), name='one_environment_of_a_kind'), models.CheckConstraint(condition=models.Q(('kind__in', ['test', 'production'])), name='environment_kind_known')],
                'verbose_name': 'ambiente',
                'verbose_name_plural': 'ambienti',
            },
        ),
        migrations.CreateModel(
            name='RemoteSecret',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('secret', messaging.fields.EncryptedTextField(verbose_name='segreto')),
                ('last_four', models.CharField(editable=False, max_length=4, verbose_name='ultimi quattro caratteri')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='creato il')),
                ('in_use', models.BooleanField(default=True, verbose_name='in uso')),
                ('accepted_until', models.DateTimeField(blank=True, null=True, verbose_name='accettato fino a')),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='secrets', to='messaging.remoteenvironment')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('in_use', True)), fields=('environment',), name='one_remote_secret_in_use'), models.CheckConstraint(condition=models.Q(('in_use', False), ('accepted_until__isnull', True), _connector='OR'), name='remote_secret_in_use_has_no_end')],
                'verbose_name': 'segreto',
                'verbose_name_plural': 'segreti',
            },
        ),
        migrations.CreateModel(
            name='UsedSignature',
            fields=[
                ('digest', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('seen_at', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.AddField(
            model_name='institution',
            name='remote_keep_months',
            field=models.PositiveSmallIntegerField(blank=True, help_text='Vuoto: per sempre. Il cittadino non può più aprire quello che viene cancellato.', null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='testi e allegati protetti: tenuti per mesi'),
        ),
        # By hand: Django would copy the whole table of messages on SQLite, once for each column.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f'ALTER TABLE "{table}" ADD COLUMN "{name}" {kind}', f'ALTER TABLE "{table}" DROP COLUMN "{name}"'
                )
                for table, columns in COLUMNS.items()
                for name, kind in columns.items()
            ],
            state_operations=[
                migrations.AddField(
                    model_name='batch',
                    name='folder',
                    field=models.CharField(blank=True, db_default='', default='', max_length=200),
                ),
                migrations.AddField(
                    model_name='batch',
                    name='folder_name',
                    field=models.CharField(blank=True, db_default='', default='', max_length=255, verbose_name='cartella degli allegati'),
                ),
                migrations.AddField(
                    model_name='batch',
                    name='has_attachments',
                    field=models.BooleanField(db_default=False, default=False, verbose_name='allegati'),
                ),
                migrations.AddField(
                    model_name='batch',
                    name='has_remote_content',
                    field=models.BooleanField(db_default=False, default=False, verbose_name='contenuto remoto'),
                ),
                migrations.AddField(
                    model_name='batch',
                    name='precondition',
                    field=models.CharField(choices=[('ALWAYS', 'ogni volta'), ('ONCE', 'solo la prima volta'), ('NEVER', 'mai')], db_default='NEVER', default='NEVER', max_length=6, verbose_name='avvertenza prima di aprire'),
                ),
                migrations.AddField(
                    model_name='batch',
                    name='precondition_body',
                    field=models.TextField(blank=True, db_default='', default='', verbose_name='testo dell’avvertenza'),
                ),
                migrations.AddField(
                    model_name='batch',
                    name='precondition_title',
                    field=models.CharField(blank=True, db_default='', default='', max_length=300, verbose_name='titolo dell’avvertenza'),
                ),
                migrations.AddField(
                    model_name='batch',
                    name='protected_body',
                    field=models.TextField(blank=True, db_default='', default='', verbose_name='testo protetto'),
                ),
                migrations.AddField(
                    model_name='batch',
                    name='protected_subject',
                    field=models.CharField(blank=True, db_default='', default='', max_length=300, verbose_name='oggetto protetto'),
                ),
                migrations.AddField(
                    model_name='template',
                    name='has_attachments',
                    field=models.BooleanField(db_default=False, default=False, verbose_name='allegati'),
                ),
                migrations.AddField(
                    model_name='template',
                    name='has_remote_content',
                    field=models.BooleanField(db_default=False, default=False, verbose_name='contenuto remoto'),
                ),
                migrations.AddField(
                    model_name='template',
                    name='precondition',
                    field=models.CharField(choices=[('ALWAYS', 'ogni volta'), ('ONCE', 'solo la prima volta'), ('NEVER', 'mai')], db_default='NEVER', default='NEVER', max_length=6, verbose_name='avvertenza prima di aprire'),
                ),
                migrations.AddField(
                    model_name='template',
                    name='precondition_body',
                    field=models.TextField(blank=True, db_default='', default='', verbose_name='testo dell’avvertenza'),
                ),
                migrations.AddField(
                    model_name='template',
                    name='precondition_title',
                    field=models.CharField(blank=True, db_default='', default='', max_length=300, verbose_name='titolo dell’avvertenza'),
                ),
                migrations.AddField(
                    model_name='template',
                    name='protected_body',
                    field=models.TextField(blank=True, db_default='', default='', verbose_name='testo protetto'),
                ),
                migrations.AddField(
                    model_name='template',
                    name='protected_subject',
                    field=models.CharField(blank=True, db_default='', default='', max_length=300, verbose_name='oggetto protetto'),
                ),
                migrations.AddField(
                    model_name='message',
                    name='has_attachments',
                    field=models.BooleanField(db_default=False, default=False, verbose_name='allegati'),
                ),
                migrations.AddField(
                    model_name='message',
                    name='has_remote_content',
                    field=models.BooleanField(db_default=False, default=False, verbose_name='contenuto remoto'),
                ),
                migrations.AddField(
                    model_name='message',
                    name='precondition',
                    field=models.CharField(choices=[('ALWAYS', 'ogni volta'), ('ONCE', 'solo la prima volta'), ('NEVER', 'mai')], db_default='NEVER', default='NEVER', max_length=6, verbose_name='avvertenza prima di aprire'),
                ),
                migrations.AddField(
                    model_name='message',
                    name='remote_configuration',
                    field=models.CharField(blank=True, db_default='', default='', max_length=26),
                ),
            ],
        ),
        migrations.AddField(
            model_name='message',
            name='paid_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='pagato, saputo il'),
        ),
        migrations.AddField(
            model_name='message',
            name='seen_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='aperto o letto il'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('seen_at__isnull', False)), fields=['service', '-id'], name='message_seen'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('paid_at__isnull', False)), fields=['service', '-id'], name='message_paid'),
        ),
    ]
