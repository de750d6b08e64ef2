import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("invalidation_worker", "0002_vacuum_change_log")]

    operations = [
        migrations.AddField(
            model_name="deadletter",
            name="partitions",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(), null=True, size=None
            ),
        )
    ]
