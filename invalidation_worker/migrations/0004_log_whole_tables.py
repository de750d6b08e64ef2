import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

import invalidation_worker.triggers


class Migration(migrations.Migration):
    dependencies = [
        ("invalidation_worker", "0003_dead_letter_partitions"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedagent",
            name="log_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedagent",
            name="log_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedagent",
            name="log_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedlistinghistory",
            name="log_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedlistinghistory",
            name="log_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedlistinghistory",
            name="log_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedmedia",
            name="log_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedmedia",
            name="log_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedmedia",
            name="log_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedoffice",
            name="log_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedoffice",
            name="log_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedoffice",
            name="log_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedopenhouse",
            name="log_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedopenhouse",
            name="log_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedopenhouse",
            name="log_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedproperty",
            name="log_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedproperty",
            name="log_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="loggedproperty",
            name="log_delete",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedagent",
            trigger=pgtrigger.compiler.Trigger(
                name="log_insert",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, (SELECT to_jsonb(image) FROM (SELECT n."member_key", n."member_full_name", n."member_email", n."member_preferred_phone") image)::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM new_rows n; END IF;',
                    hash="8815cc8962d8b8741a52e4a24381a1cb18ae21c4",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_log_insert_f2858",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="listings_agent",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedagent",
            trigger=pgtrigger.compiler.Trigger(
                name="log_update",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, CASE WHEN o.member_key IS NOT NULL THEN (SELECT to_jsonb(image) FROM (SELECT o."member_key", o."member_full_name", o."member_email", o."member_preferred_phone") image) END::jsonb, CASE WHEN n.member_key IS NOT NULL THEN (SELECT to_jsonb(image) FROM (SELECT n."member_key", n."member_full_name", n."member_email", n."member_preferred_phone") image) END::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM old_rows o FULL JOIN new_rows n ON o.member_key = n.member_key WHERE o.member_key IS NULL OR n.member_key IS NULL OR (o."member_key", o."member_full_name", o."member_email", o."member_preferred_phone") IS DISTINCT FROM (n."member_key", n."member_full_name", n."member_email", n."member_preferred_phone"); END IF;',
                    hash="f080a400a86b4b9575812df9a19a6036d198dfa2",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_log_update_09200",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="listings_agent",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedagent",
            trigger=pgtrigger.compiler.Trigger(
                name="log_delete",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, (SELECT to_jsonb(image) FROM (SELECT o."member_key", o."member_full_name", o."member_email", o."member_preferred_phone") image)::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM old_rows o; END IF;',
                    hash="bb1ccd4fbda2be8320cd6c6f0110efbeedb33cb1",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_log_delete_b9a91",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="listings_agent",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedlistinghistory",
            trigger=pgtrigger.compiler.Trigger(
                name="log_insert",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, (SELECT to_jsonb(image) FROM (SELECT n."history_transactional_key", n."resource_record_key", n."change_type", n."previous_value", n."new_value", n."modification_timestamp") image)::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM new_rows n; END IF;',
                    hash="29874b0f8488c843b618b94543f7dc3e95fb2337",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_log_insert_05c8a",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="listings_listinghistory",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedlistinghistory",
            trigger=pgtrigger.compiler.Trigger(
                name="log_update",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, CASE WHEN o.history_transactional_key IS NOT NULL THEN (SELECT to_jsonb(image) FROM (SELECT o."history_transactional_key", o."resource_record_key", o."change_type", o."previous_value", o."new_value", o."modification_timestamp") image) END::jsonb, CASE WHEN n.history_transactional_key IS NOT NULL THEN (SELECT to_jsonb(image) FROM (SELECT n."history_transactional_key", n."resource_record_key", n."change_type", n."previous_value", n."new_value", n."modification_timestamp") image) END::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM old_rows o FULL JOIN new_rows n ON o.history_transactional_key = n.history_transactional_key WHERE o.history_transactional_key IS NULL OR n.history_transactional_key IS NULL OR (o."history_transactional_key", o."resource_record_key", o."change_type", o."previous_value", o."new_value", o."modification_timestamp") IS DISTINCT FROM (n."history_transactional_key", n."resource_record_key", n."change_type", n."previous_value", n."new_value", n."modification_timestamp"); END IF;',
                    hash="dac1e3160598e850cadc79deb03aa9afdd0c45ff",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_log_update_a2214",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="listings_listinghistory",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedlistinghistory",
            trigger=pgtrigger.compiler.Trigger(
                name="log_delete",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, (SELECT to_jsonb(image) FROM (SELECT o."history_transactional_key", o."resource_record_key", o."change_type", o."previous_value", o."new_value", o."modification_timestamp") image)::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM old_rows o; END IF;',
                    hash="20a84f3ccb3a485c1c678e7bf74edd6ac80e0330",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_log_delete_e7fcf",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="listings_listinghistory",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedmedia",
            trigger=pgtrigger.compiler.Trigger(
                name="log_insert",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, (SELECT to_jsonb(image) FROM (SELECT n."media_key", n."listing_key", n."media_url", n."media_category", n."order", n."short_description") image)::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM new_rows n; END IF;',
                    hash="8f8a6aaca4832158d0bd7ffc40b948fc8bdae660",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_log_insert_67849",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="listings_media",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedmedia",
            trigger=pgtrigger.compiler.Trigger(
                name="log_update",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, CASE WHEN o.media_key IS NOT NULL THEN (SELECT to_jsonb(image) FROM (SELECT o."media_key", o."listing_key", o."media_url", o."media_category", o."order", o."short_description") image) END::jsonb, CASE WHEN n.media_key IS NOT NULL THEN (SELECT to_jsonb(image) FROM (SELECT n."media_key", n."listing_key", n."media_url", n."media_category", n."order", n."short_description") image) END::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM old_rows o FULL JOIN new_rows n ON o.media_key = n.media_key WHERE o.media_key IS NULL OR n.media_key IS NULL OR (o."media_key", o."listing_key", o."media_url", o."media_category", o."order", o."short_description") IS DISTINCT FROM (n."media_key", n."listing_key", n."media_url", n."media_category", n."order", n."short_description"); END IF;',
                    hash="70336c63536878ccc41b5ae13f38d57b937a7dde",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_log_update_e40b1",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="listings_media",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedmedia",
            trigger=pgtrigger.compiler.Trigger(
                name="log_delete",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, (SELECT to_jsonb(image) FROM (SELECT o."media_key", o."listing_key", o."media_url", o."media_category", o."order", o."short_description") image)::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM old_rows o; END IF;',
                    hash="58256bf7bfa806548aa81d78783cc22b2446bd18",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_log_delete_307bc",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="listings_media",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedoffice",
            trigger=pgtrigger.compiler.Trigger(
                name="log_insert",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, (SELECT to_jsonb(image) FROM (SELECT n."office_key", n."office_name", n."office_phone", n."office_email") image)::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM new_rows n; END IF;',
                    hash="32980ddc959400da4320aae2966d17135f5dc0a8",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_log_insert_db9eb",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="listings_office",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedoffice",
            trigger=pgtrigger.compiler.Trigger(
                name="log_update",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, CASE WHEN o.office_key IS NOT NULL THEN (SELECT to_jsonb(image) FROM (SELECT o."office_key", o."office_name", o."office_phone", o."office_email") image) END::jsonb, CASE WHEN n.office_key IS NOT NULL THEN (SELECT to_jsonb(image) FROM (SELECT n."office_key", n."office_name", n."office_phone", n."office_email") image) END::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM old_rows o FULL JOIN new_rows n ON o.office_key = n.office_key WHERE o.office_key IS NULL OR n.office_key IS NULL OR (o."office_key", o."office_name", o."office_phone", o."office_email") IS DISTINCT FROM (n."office_key", n."office_name", n."office_phone", n."office_email"); END IF;',
                    hash="fd2a591e402ae0a83fc5b08daced89cb0c5c9589",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_log_update_0e03a",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="listings_office",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedoffice",
            trigger=pgtrigger.compiler.Trigger(
                name="log_delete",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, (SELECT to_jsonb(image) FROM (SELECT o."office_key", o."office_name", o."office_phone", o."office_email") image)::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM old_rows o; END IF;',
                    hash="424cfa99ed9f54c62f1ff375befe31cd467656c0",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_log_delete_2e309",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="listings_office",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedopenhouse",
            trigger=pgtrigger.compiler.Trigger(
                name="log_insert",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, (SELECT to_jsonb(image) FROM (SELECT n."open_house_key", n."listing_key", n."open_house_start_time", n."open_house_end_time", n."open_house_status", n."open_house_type") image)::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM new_rows n; END IF;',
                    hash="353ba4d8cc1adf6a465c57d92aab077a9bf24d76",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_log_insert_d4472",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="listings_openhouse",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedopenhouse",
            trigger=pgtrigger.compiler.Trigger(
                name="log_update",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, CASE WHEN o.open_house_key IS NOT NULL THEN (SELECT to_jsonb(image) FROM (SELECT o."open_house_key", o."listing_key", o."open_house_start_time", o."open_house_end_time", o."open_house_status", o."open_house_type") image) END::jsonb, CASE WHEN n.open_house_key IS NOT NULL THEN (SELECT to_jsonb(image) FROM (SELECT n."open_house_key", n."listing_key", n."open_house_start_time", n."open_house_end_time", n."open_house_status", n."open_house_type") image) END::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM old_rows o FULL JOIN new_rows n ON o.open_house_key = n.open_house_key WHERE o.open_house_key IS NULL OR n.open_house_key IS NULL OR (o."open_house_key", o."listing_key", o."open_house_start_time", o."open_house_end_time", o."open_house_status", o."open_house_type") IS DISTINCT FROM (n."open_house_key", n."listing_key", n."open_house_start_time", n."open_house_end_time", n."open_house_status", n."open_house_type"); END IF;',
                    hash="c5d1bcdb7393cd80d915147854b0fff6eae5b843",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_log_update_f6d90",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="listings_openhouse",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedopenhouse",
            trigger=pgtrigger.compiler.Trigger(
                name="log_delete",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, (SELECT to_jsonb(image) FROM (SELECT o."open_house_key", o."listing_key", o."open_house_start_time", o."open_house_end_time", o."open_house_status", o."open_house_type") image)::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM old_rows o; END IF;',
                    hash="0c46696dcb34f3205bebe49ee516129970a30bef",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_log_delete_5a9a4",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="listings_openhouse",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedproperty",
            trigger=pgtrigger.compiler.Trigger(
                name="log_insert",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, (SELECT to_jsonb(image) FROM (SELECT n."listing_key", n."listing_id", n."standard_status", n."property_type", n."property_sub_type", n."list_price", n."original_list_price", n."close_price", n."close_date", n."original_entry_timestamp", n."bedrooms_total", n."bathrooms_total_integer", n."bathrooms_full", n."bathrooms_half", n."living_area", n."lot_size_square_feet", n."year_built", n."stories_total", n."garage_spaces", n."association_fee", n."association_fee_frequency", n."tax_annual_amount", n."waterfront_yn", n."pool_private_yn", n."new_construction_yn", n."view", n."heating", n."cooling", n."appliances", n."unparsed_address", n."unit_number", n."city", n."city_key", n."state_or_province", n."postal_code", n."county_or_parish", n."subdivision_name", n."latitude", n."longitude", n."parcel_number", n."public_remarks", n."virtual_tour_url_unbranded", n."list_agent_key", n."list_office_key", n."internet_entire_listing_display_yn", n."internet_address_display_yn") image)::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM new_rows n; END IF;',
                    hash="cc18532c19430cf9f78bdb641a672be1e2ede55d",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_log_insert_566cd",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="listings_property",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedproperty",
            trigger=pgtrigger.compiler.Trigger(
                name="log_update",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, CASE WHEN o.listing_key IS NOT NULL THEN (SELECT to_jsonb(image) FROM (SELECT o."listing_key", o."listing_id", o."standard_status", o."property_type", o."property_sub_type", o."list_price", o."original_list_price", o."close_price", o."close_date", o."original_entry_timestamp", o."bedrooms_total", o."bathrooms_total_integer", o."bathrooms_full", o."bathrooms_half", o."living_area", o."lot_size_square_feet", o."year_built", o."stories_total", o."garage_spaces", o."association_fee", o."association_fee_frequency", o."tax_annual_amount", o."waterfront_yn", o."pool_private_yn", o."new_construction_yn", o."view", o."heating", o."cooling", o."appliances", o."unparsed_address", o."unit_number", o."city", o."city_key", o."state_or_province", o."postal_code", o."county_or_parish", o."subdivision_name", o."latitude", o."longitude", o."parcel_number", o."public_remarks", o."virtual_tour_url_unbranded", o."list_agent_key", o."list_office_key", o."internet_entire_listing_display_yn", o."internet_address_display_yn") image) END::jsonb, CASE WHEN n.listing_key IS NOT NULL THEN (SELECT to_jsonb(image) FROM (SELECT n."listing_key", n."listing_id", n."standard_status", n."property_type", n."property_sub_type", n."list_price", n."original_list_price", n."close_price", n."close_date", n."original_entry_timestamp", n."bedrooms_total", n."bathrooms_total_integer", n."bathrooms_full", n."bathrooms_half", n."living_area", n."lot_size_square_feet", n."year_built", n."stories_total", n."garage_spaces", n."association_fee", n."association_fee_frequency", n."tax_annual_amount", n."waterfront_yn", n."pool_private_yn", n."new_construction_yn", n."view", n."heating", n."cooling", n."appliances", n."unparsed_address", n."unit_number", n."city", n."city_key", n."state_or_province", n."postal_code", n."county_or_parish", n."subdivision_name", n."latitude", n."longitude", n."parcel_number", n."public_remarks", n."virtual_tour_url_unbranded", n."list_agent_key", n."list_office_key", n."internet_entire_listing_display_yn", n."internet_address_display_yn") image) END::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM old_rows o FULL JOIN new_rows n ON o.listing_key = n.listing_key WHERE o.listing_key IS NULL OR n.listing_key IS NULL OR (o."listing_key", o."listing_id", o."standard_status", o."property_type", o."property_sub_type", o."list_price", o."original_list_price", o."close_price", o."close_date", o."original_entry_timestamp", o."bedrooms_total", o."bathrooms_total_integer", o."bathrooms_full", o."bathrooms_half", o."living_area", o."lot_size_square_feet", o."year_built", o."stories_total", o."garage_spaces", o."association_fee", o."association_fee_frequency", o."tax_annual_amount", o."waterfront_yn", o."pool_private_yn", o."new_construction_yn", o."view", o."heating", o."cooling", o."appliances", o."unparsed_address", o."unit_number", o."city", o."city_key", o."state_or_province", o."postal_code", o."county_or_parish", o."subdivision_name", o."latitude", o."longitude", o."parcel_number", o."public_remarks", o."virtual_tour_url_unbranded", o."list_agent_key", o."list_office_key", o."internet_entire_listing_display_yn", o."internet_address_display_yn") IS DISTINCT FROM (n."listing_key", n."listing_id", n."standard_status", n."property_type", n."property_sub_type", n."list_price", n."original_list_price", n."close_price", n."close_date", n."original_entry_timestamp", n."bedrooms_total", n."bathrooms_total_integer", n."bathrooms_full", n."bathrooms_half", n."living_area", n."lot_size_square_feet", n."year_built", n."stories_total", n."garage_spaces", n."association_fee", n."association_fee_frequency", n."tax_annual_amount", n."waterfront_yn", n."pool_private_yn", n."new_construction_yn", n."view", n."heating", n."cooling", n."appliances", n."unparsed_address", n."unit_number", n."city", n."city_key", n."state_or_province", n."postal_code", n."county_or_parish", n."subdivision_name", n."latitude", n."longitude", n."parcel_number", n."public_remarks", n."virtual_tour_url_unbranded", n."list_agent_key", n."list_office_key", n."internet_entire_listing_display_yn", n."internet_address_display_yn"); END IF;',
                    hash="68a231c6ec0ab6ef1132a684202a83e0a82655bc",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_log_update_3356f",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="listings_property",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="loggedproperty",
            trigger=pgtrigger.compiler.Trigger(
                name="log_delete",
                sql=invalidation_worker.triggers.AlwaysTriggerSql(
                    func='IF current_setting(\'listings.log_whole_tables\', true) = \'on\' THEN INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, NULL::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() ; ELSE INSERT INTO invalidation_worker_changeevent (table_name, operation, before, after, transaction_id, logged_at) SELECT TG_TABLE_NAME, TG_OP, (SELECT to_jsonb(image) FROM (SELECT o."listing_key", o."listing_id", o."standard_status", o."property_type", o."property_sub_type", o."list_price", o."original_list_price", o."close_price", o."close_date", o."original_entry_timestamp", o."bedrooms_total", o."bathrooms_total_integer", o."bathrooms_full", o."bathrooms_half", o."living_area", o."lot_size_square_feet", o."year_built", o."stories_total", o."garage_spaces", o."association_fee", o."association_fee_frequency", o."tax_annual_amount", o."waterfront_yn", o."pool_private_yn", o."new_construction_yn", o."view", o."heating", o."cooling", o."appliances", o."unparsed_address", o."unit_number", o."city", o."city_key", o."state_or_province", o."postal_code", o."county_or_parish", o."subdivision_name", o."latitude", o."longitude", o."parcel_number", o."public_remarks", o."virtual_tour_url_unbranded", o."list_agent_key", o."list_office_key", o."internet_entire_listing_display_yn", o."internet_address_display_yn") image)::jsonb, NULL::jsonb, pg_current_xact_id()::text::bigint, clock_timestamp() FROM old_rows o; END IF;',
                    hash="4156fe7cbe2ff8317fa8ba517cd79b1a7dc68cc4",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_log_delete_b487a",
                    referencing="REFERENCING OLD TABLE AS old_rows ",
                    table="listings_property",
                    when="AFTER",
                ),
            ),
        ),
    ]
