from django.db import migrations

# Django gives every text key a second index for LIKE, which only other collations than C need;
# each costs as much to keep up as the first one.
DROP = r"""
    DO $$
    DECLARE unneeded name;
    BEGIN
        FOR unneeded IN
            SELECT indexname FROM pg_indexes
            WHERE schemaname = current_schema()
                AND tablename LIKE 'listings\_%' AND indexname LIKE '%\_like'
        LOOP
            EXECUTE format('DROP INDEX %I', unneeded);
        END LOOP;
    END
    $$
"""


class Migration(migrations.Migration):
    dependencies = [("listings", "0001_initial")]

    operations = [migrations.RunSQL(DROP, migrations.RunSQL.noop)]
