from django.db import migrations, models

# `listings.city_tally` reads it. Without a model: see there.
TABLE = """
CREATE TABLE listings_citytally (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    city_key text NOT NULL,
    city text NOT NULL,
    state_or_province text NOT NULL,
    number integer NOT NULL -- so many homes more on the market, or fewer
);
-- Nearly every row that was ever in it is dead: vacuum by their number, not by a share.
ALTER TABLE listings_citytally SET
    (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
"""

MARKET = """internet_entire_listing_display_yn
            AND standard_status IN ('Active', 'Active Under Contract', 'Coming Soon', 'Pending')"""

# Rows that are alone in their spelling stay where they are, so that a fold costs what has been
# written since the last one. What another transaction is folding is passed over: its sum takes
# their place when it commits, and they stay if it rolls back.
FOLD = """
CREATE FUNCTION listings_citytally_fold() RETURNS void LANGUAGE sql AS $$
    WITH taken AS (
        DELETE FROM listings_citytally
        WHERE id IN (
            SELECT id FROM listings_citytally
            WHERE (city_key, city, state_or_province) IN (
                SELECT city_key, city, state_or_province FROM listings_citytally
                GROUP BY city_key, city, state_or_province HAVING count(*) > 1
            )
            FOR UPDATE SKIP LOCKED
        )
        RETURNING city_key, city, state_or_province, number
    )
    INSERT INTO listings_citytally (city_key, city, state_or_province, number)
    SELECT city_key, city, state_or_province, sum(number) FROM taken
    GROUP BY city_key, city, state_or_province HAVING sum(number) <> 0
$$;
"""

# For a table that the triggers have not seen change, or have seen twice: here and after a restore
# of data alone. Writers wait until it is over, readers do not.
COUNT = f"""
CREATE FUNCTION listings_citytally_count() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE listings_property IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM listings_citytally;
    INSERT INTO listings_citytally (city_key, city, state_or_province, number)
        SELECT city_key, city, state_or_province, count(*) FROM listings_property
        WHERE {MARKET}
        GROUP BY city_key, city, state_or_province;
END
$$;
"""


def homes(rows, number):
    return f"""SELECT city_key, city, state_or_province, {number} AS number FROM {rows}
            WHERE {MARKET}"""


def trigger(operation, transitions, changed):
    """A folder under stricter isolation than the usual would fail where another has folded since
    its snapshot, and its writer's transaction with it.
    """
    name = f"listings_citytally_{operation.lower()}"
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lowest bigint;
    highest bigint;
BEGIN
    WITH added AS (
        INSERT INTO listings_citytally (city_key, city, state_or_province, number)
        SELECT city_key, city, state_or_province, sum(number) FROM (
            {changed}
        ) AS changed
        GROUP BY city_key, city, state_or_province HAVING sum(number) <> 0
        RETURNING id
    )
    SELECT min(id), max(id) INTO lowest, highest FROM added;
    IF highest / 1000 > (lowest - 1) / 1000
        AND current_setting('transaction_isolation') IN ('read committed', 'read uncommitted')
    THEN
        PERFORM listings_citytally_fold();
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER {name} AFTER {operation} ON listings_property REFERENCING {transitions}
    FOR EACH STATEMENT EXECUTE FUNCTION {name}();
ALTER TABLE listings_property ENABLE ALWAYS TRIGGER {name};
"""


OLD, NEW = homes("old_rows", -1), homes("new_rows", 1)
BOTH = f"""{OLD}
            UNION ALL
            {NEW}"""

TRIGGERS = (
    trigger("INSERT", "NEW TABLE AS new_rows", NEW)
    + trigger("UPDATE", "OLD TABLE AS old_rows NEW TABLE AS new_rows", BOTH)
    + trigger("DELETE", "OLD TABLE AS old_rows", OLD)
    + """
CREATE FUNCTION listings_citytally_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE listings_citytally;
    RETURN NULL;
END
$$;
CREATE TRIGGER listings_citytally_truncate AFTER TRUNCATE ON listings_property
    FOR EACH STATEMENT EXECUTE FUNCTION listings_citytally_truncate();
ALTER TABLE listings_property ENABLE ALWAYS TRIGGER listings_citytally_truncate;
"""
)

NOTHING = (
    "".join(
        f"DROP TRIGGER {name} ON listings_property; DROP FUNCTION {name}();"
        for name in (
            "listings_citytally_insert",
            "listings_citytally_update",
            "listings_citytally_delete",
            "listings_citytally_truncate",
        )
    )
    + "DROP FUNCTION listings_citytally_count(); DROP FUNCTION listings_citytally_fold();"
    + "DROP TABLE listings_citytally;"
)


class Migration(migrations.Migration):
    dependencies = [
        ("listings", "0007_indexes_of_few"),
    ]

    operations = [
        # Once the triggers are there nobody writes until this commits, so nothing is missed.
        migrations.RunSQL(
            [TABLE, FOLD, COUNT, TRIGGERS, "SELECT listings_citytally_count()"], NOTHING
        ),
        # Nobody counts cities in it any more, so it need not know their names.
        migrations.RemoveIndex(
            model_name="property",
            name="property_market_city",
        ),
        migrations.AddIndex(
            model_name="property",
            index=models.Index(
                condition=models.Q(
                    ("internet_entire_listing_display_yn", True),
                    (
                        "standard_status__in",
                        ("Active", "Active Under Contract", "Coming Soon", "Pending"),
                    ),
                ),
                fields=["city_key", "listing_key"],
                name="property_market_city",
            ),
        ),
        migrations.AddIndex(
            model_name="property",
            index=models.Index(
                condition=models.Q(
                    ("internet_entire_listing_display_yn", True),
                    (
                        "standard_status__in",
                        ("Active", "Active Under Contract", "Coming Soon", "Pending"),
                    ),
                ),
                fields=["city_key"],
                name="property_market_in_city",
            ),
        ),
    ]
