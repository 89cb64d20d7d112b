"""What can go wrong in the stores."""

from __future__ import annotations

from infra.errors import ErrorCode


class StoreCode(ErrorCode):
    """Codes of the stores."""

    CLICKHOUSE_UNREACHABLE = (
        "ClickHouse does not answer at this address",
        "see that it runs (`tickhouse status`) and that the address is right",
    )
    CLICKHOUSE_LOST = (
        "ClickHouse went away during a query; what was written before it is there, the rest is not",
        "see that it runs (`tickhouse status`) and run the same again: rows that arrived are not written twice",
    )
    STORE_FULL = (
        "ClickHouse has no room on its disk",
        "free space there or shorten `[retention]`, then run the same again: rows that arrived are not written twice",
    )
    STORE_BUSY = (
        "ClickHouse merges more slowly than rows arrive, and takes no more for now",
        "wait until it has caught up and run the same again, in larger pieces if they are small",
    )
    STORE_MEMORY = (
        "the query needs more memory than ClickHouse may use",
        "ask for fewer instruments or a shorter time at once, or raise ClickHouse's limit",
    )
    REDIS_UNREACHABLE = (
        "Redis does not answer at this address",
        "see that it runs (`tickhouse status`) and that the address is right",
    )
    MIGRATION_CHANGED = (
        "a migration that was already applied has other text now",
        "restore its text and put the change into a new, higher-numbered file",
    )
    MIGRATION_MISNAMED = (
        "a migration's file name is not NNNN_words.sql, or its number is taken",
        "rename it with the next free number",
    )
    MIGRATION_RUNNING = (
        "another process applies migrations to this database",
        "wait for it; if that process is gone for good, `DROP TABLE schema_lock` there and start again",
    )
    TABLE_UNKNOWN = "the table does not exist in this database", "apply the migrations with `tickhouse up`"
    COLUMN_UNKNOWN = "the frame has a column that the table lacks", "drop or rename the column named here"
    TIME_NAIVE = "a time column has no zone", "pass UTC nanoseconds or aware datetimes"
    DATA_NOT_COMPLETE = (
        "the ingest log does not call this day complete",
        "ingest the day again, or name its state in `allow` to read it as it is",
    )
    INSTRUMENT_CLASH = (
        "two lives of instruments got the same id at the same time",
        "run the instrument ingest again, one at a time",
    )
    INSTRUMENT_CHANGED = (
        "a living instrument came back with a contract that its scales cannot express",
        "close the old life first: a change of scale or contract size is a new instrument",
    )
    INSTRUMENTS_INVALID = (
        "a key of config/instruments.toml is unknown or has a wrong value",
        "correct the key named here; docs/instruments.md explains each",
    )
    ARCHIVE_BROKEN = (
        "an archived day is missing, damaged or not what its manifest says",
        "bring the file back from a backup; where the table still has the day, delete the file and archive it again",
    )
    ARCHIVE_UNSUITED = (
        "the archive keeps days of tables that age, and this is none",
        "name a table of `[retention]`, such as trades",
    )
    ARCHIVE_MISSING = (
        "this day of the table is not in the archive",
        "see what is there with `tickhouse archive list`, or backfill the day from its source",
    )
    CHAMPION_BROKEN = (
        "the champion's files disagree with their checksum or are incomplete",
        "publish the champion again by running the promotion",
    )
