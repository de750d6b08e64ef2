"""Triggers that log every change of a shown column, in the transaction that makes it.

Statement-level with transition tables: a write of 5,000 rows runs one function, not 5,000.
https://www.postgresql.org/docs/current/sql-createtrigger.html
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from pgtrigger import compiler

from listings.shown import LOG_WHOLE_TABLES, Shown

LOG = "invalidation_worker_changeevent"


class AlwaysTriggerSql(compiler.UpsertTriggerSql):
    """Enabled ALWAYS, so that a replication session, too, is seen; and never ignored."""

    def get_template(self) -> str:
        return """
            CREATE OR REPLACE FUNCTION {pgid}() RETURNS TRIGGER AS $$
                BEGIN
                    {func}
                    RETURN NULL;
                END;
            $$ LANGUAGE plpgsql;
            DROP TRIGGER IF EXISTS {pgid} ON {table};
            CREATE TRIGGER {pgid} {when} {operation} ON {table} {referencing}
                FOR EACH {level} EXECUTE FUNCTION {execute};
            ALTER TABLE {table} ENABLE ALWAYS TRIGGER {pgid};
            COMMENT ON TRIGGER {pgid} ON {table} IS '{hash}';
        """


class LogTrigger(pgtrigger.Trigger):
    """A statement-level AFTER trigger, compiled by `AlwaysTriggerSql`."""

    level = pgtrigger.Statement
    when = pgtrigger.After

    def compile(self, model: models.Model) -> compiler.Trigger:
        return compiler.Trigger(
            name=self.name,
            sql=AlwaysTriggerSql(
                pgid=self.get_pgid(model),
                func=self.render_func(model),
                table=model._meta.db_table,
                when=self.when,
                operation=self.operation,
                referencing=self.referencing or "",
                level=self.level,
                execute=self.render_execute(model),
            ),
        )


def log_triggers(shown: Shown) -> list[pgtrigger.Trigger]:
    """The four triggers of one table: one row in the log per row that visibly changed."""
    key = shown.key
    changed = f"({_columns(shown, 'o')}) IS DISTINCT FROM ({_columns(shown, 'n')})"
    # FULL JOIN: a changed key is one row that has gone and one that has come.
    joined = (
        f"old_rows o FULL JOIN new_rows n ON o.{key} = n.{key} "
        f"WHERE o.{key} IS NULL OR n.{key} IS NULL OR {changed}"
    )
    before, after = _image(shown, "o"), _image(shown, "n")
    return [
        LogTrigger(
            name="log_insert",
            operation=pgtrigger.Insert,
            referencing=_rows(new="new_rows"),
            func=_log_rows("NULL", after, "FROM new_rows n"),
        ),
        LogTrigger(
            name="log_update",
            operation=pgtrigger.Update,
            referencing=_rows(old="old_rows", new="new_rows"),
            func=_log_rows(
                f"CASE WHEN o.{key} IS NOT NULL THEN {before} END",
                f"CASE WHEN n.{key} IS NOT NULL THEN {after} END",
                f"FROM {joined}",
            ),
        ),
        LogTrigger(
            name="log_delete",
            operation=pgtrigger.Delete,
            referencing=_rows(old="old_rows"),
            func=_log_rows(before, "NULL", "FROM old_rows o"),
        ),
        LogTrigger(name="log_truncate", operation=pgtrigger.Truncate, func=_log("NULL", "NULL")),
    ]


def _rows(**names: str) -> pgtrigger.Referencing:
    return pgtrigger.Referencing(**names)  # type: ignore[no-untyped-call]


def _log_rows(before: str, after: str, source: str) -> str:
    return (
        f"IF current_setting('{LOG_WHOLE_TABLES}', true) = 'on' THEN {_log('NULL', 'NULL')} "
        f"ELSE {_log(before, after, source)} END IF;"
    )


def _log(before: str, after: str, source: str = "") -> str:
    return (
        f"INSERT INTO {LOG} (table_name, operation, before, after, transaction_id, logged_at) "
        f"SELECT TG_TABLE_NAME, TG_OP, {before}::jsonb, {after}::jsonb, "
        f"pg_current_xact_id()::text::bigint, clock_timestamp() {source};"
    )


def _columns(shown: Shown, row: str) -> str:
    return ", ".join(f'{row}."{column}"' for column in (shown.key, *shown.columns))


def _image(shown: Shown, row: str) -> str:
    # A subselect, not jsonb_build_object, which takes at most 50 pairs.
    return f"(SELECT to_jsonb(image) FROM (SELECT {_columns(shown, row)}) image)"
