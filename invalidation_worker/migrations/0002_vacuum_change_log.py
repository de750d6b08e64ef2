from django.db import migrations

# The log is a queue: nearly every row that was ever in it is dead. Vacuum by their number, not by
# a share of the table, or each look at the oldest row has to step over them.
TABLE = "invalidation_worker_changeevent"


class Migration(migrations.Migration):
    dependencies = [("invalidation_worker", "0001_initial")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {TABLE} SET "
            "(autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)",
            f"ALTER TABLE {TABLE} RESET "
            "(autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)",
        )
    ]
