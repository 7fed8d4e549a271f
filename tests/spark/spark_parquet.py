"""Parquet both ways with Apache Spark, which needs Java and a minute: make test-spark.

The name is not test_*.py, so that the everyday run passes it by.
"""
import datetime
import decimal
import os
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "integration"))
os.environ["TZ"] = "UTC"
time.tzset()

from parquet_tables import (FIELDS, expected_columns, meaning, plain, random_groups, read_ours, write_ours)  # noqa: E402


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession

    session = (SparkSession.builder.master("local[2]").appName("aisle-tests")
               .config("spark.sql.session.timeZone", "UTC").config("spark.ui.enabled", "false")
               .config("spark.sql.shuffle.partitions", "2").config("spark.driver.memory", "1g").getOrCreate())
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd"])
@pytest.mark.parametrize("sizes", [[0], [1], [700, 1, 3000]], ids=str)
@pytest.mark.parametrize("vectorized", ["true", "false"])
def test_spark_reads_ours(spark, tmp_path, sizes, codec, vectorized):
    groups = random_groups(f"{sizes} {codec}", sizes)
    path = write_ours(tmp_path / "ours.parquet", FIELDS, groups, codec)
    spark.conf.set("spark.sql.parquet.enableVectorizedReader", vectorized)
    frame = spark.read.parquet(str(path))
    assert frame.columns == [name for name, _, _ in FIELDS]
    assert [kind for _, kind in frame.dtypes] == [
        "string", "string", "bigint", "decimal(18,2)", "date", "timestamp", "boolean", "string", "decimal(18,18)"]
    # Days and times as numbers: Python's own cannot hold every one of them on the way out of Spark.
    frame = frame.selectExpr("id", "note", "count", "price", "unix_date(day) AS day", "unix_micros(at) AS at", "paid",
                             "status", "`größe`")
    rows = frame.collect()
    wanted = expected_columns(groups)
    for index, (name, kind, _) in enumerate(FIELDS):
        want = wanted[index]
        if kind in ("date", "timestamp"):
            want = [value for group in groups for value in group[index]]
        assert [row[index] for row in rows] == want, name


def test_spark_filters_by_statistics(spark, tmp_path):
    groups = [[[str(1000 + row) for row in range(first, first + 5000)]] for first in (0, 5000, 10000)]
    path = write_ours(tmp_path / "filtered.parquet", [("id", "term", 0)], groups)
    frame = spark.read.parquet(str(path))
    assert frame.where("id = '7000'").count() == 1
    assert frame.where("id > '9'").count() == 1000


@pytest.mark.parametrize("codec", ["snappy", "zstd", "uncompressed"])
@pytest.mark.parametrize("setting", [
    None, ("spark.sql.parquet.writeLegacyFormat", "true"),
    ("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS"), ("parquet.writer.version", "v2")], ids=str)
def test_ours_reads_spark(spark, tmp_path, setting, codec):
    start = datetime.datetime(2024, 12, 31, 23, 59, 58, 123456)
    rows = [(f"order {row}" if row % 7 else None, row * 3 - 50, row * 2**40, decimal.Decimal(row * 37).scaleb(-2),
             decimal.Decimal(row * -10**15).scaleb(-4), datetime.date(2025, 1, 1) + datetime.timedelta(days=row),
             start + datetime.timedelta(minutes=row), row % 3 == 0) for row in range(3000)]
    schema = ("text string, small int, large bigint, price decimal(7,2), wide decimal(20,4), day date, "
              "at timestamp, paid boolean")
    writer = spark.createDataFrame(rows, schema).coalesce(1).write.option("compression", codec)
    folder = tmp_path / "written"
    if setting is not None and setting[0].startswith("spark.sql."):
        spark.conf.set(*setting)
    elif setting is not None:
        writer = writer.option(*setting)
    writer.parquet(str(folder))
    if setting is not None and setting[0].startswith("spark.sql."):
        spark.conf.unset(setting[0])
    fields, columns = read_ours(next(folder.glob("*.parquet")))
    found = [[meaning(field["kind"], field["scale"], value) for value in column]
             for field, column in zip(fields, columns)]
    assert list(zip(*found)) == [tuple(plain(value) for value in row) for row in rows]
