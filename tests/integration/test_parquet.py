"""Parquet both ways: DuckDB, Polars and pyarrow read what the library writes, and it reads what they write."""
import datetime
import decimal
import struct

import duckdb
import polars
import pyarrow
import pyarrow.parquet
import pytest

from parquet_tables import (FIELDS, expected_columns, meaning, plain, random_groups, read_ours, write_ours)

SIZES = [[0], [1], [50], [700, 1, 3000], [70000]]
CODECS = ["none", "snappy", "zstd"]


def read_with_pyarrow(path):
    return [[plain(value) for value in column.to_pylist()] for column in pyarrow.parquet.read_table(path).columns]


def read_with_duckdb(path):
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        names = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
        texts = ", ".join(f'"{name}"::VARCHAR AS "{name}"' if kind == "timestamp" else f'"{name}"'
                          for name, (_, kind, _) in zip(names, FIELDS))
        rows = connection.execute(f"SELECT {texts} FROM '{path}'").fetchall()
    columns = [list(column) for column in zip(*rows)] if rows else [[] for _ in names]
    for index, (_, kind, _) in enumerate(FIELDS):
        if kind == "timestamp":
            columns[index] = [None if text is None else plain(datetime.datetime.fromisoformat(text.removesuffix("+00")))
                              for text in columns[index]]
    return columns


def read_with_polars(path):
    return [[plain(value) for value in column.to_list()] for column in polars.read_parquet(path).get_columns()]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_others_read_ours(tmp_path, sizes, codec):
    groups = random_groups(f"{sizes} {codec}", sizes)
    path = write_ours(tmp_path / "ours.parquet", FIELDS, groups, codec)
    expected = expected_columns(groups)
    for read in (read_with_pyarrow, read_with_duckdb, read_with_polars):
        found = read(path)
        assert len(found) == len(expected)
        for (name, _, _), want, have in zip(FIELDS, expected, found):
            assert have == want, f"{read.__name__}: column {name}"
    for terms in (False, True):
        fields, columns = read_ours(path, terms)
        assert [field["name"] for field in fields] == [name for name, _, _ in FIELDS]
        assert columns == [[value for group in groups for value in group[index]] for index in range(len(FIELDS))]


def test_types_are_what_they_say(tmp_path):
    path = write_ours(tmp_path / "types.parquet", FIELDS, random_groups(1, [10]))
    schema = pyarrow.parquet.read_schema(path)
    assert [str(schema.field(name).type) for name, _, _ in FIELDS] == [
        "string", "string", "int64", "decimal128(18, 2)", "date32[day]", "timestamp[us, tz=UTC]", "bool", "string",
        "decimal128(18, 18)"]
    assert all(field.nullable for field in schema)


def test_statistics_are_right(tmp_path):
    groups = random_groups(7, [5000, 300])
    path = write_ours(tmp_path / "statistics.parquet", FIELDS, groups)
    metadata = pyarrow.parquet.read_metadata(path)
    assert metadata.created_by.startswith("aisle version ")
    for group_index, group in enumerate(groups):
        for index, (name, kind, scale) in enumerate(FIELDS):
            column = metadata.row_group(group_index).column(index)
            present = [meaning(kind, scale, value) for value in group[index] if value is not None]
            assert column.statistics.null_count == len(group[index]) - len(present)
            assert column.statistics.has_min_max == bool(present), name
            if present:
                order = (lambda text: text.encode()) if kind in ("term", "text") else None
                assert plain(column.statistics.min) == min(present, key=order), name
                assert plain(column.statistics.max) == max(present, key=order), name


def test_duckdb_skips_by_statistics(tmp_path):
    groups = [[[str(1000 + row) for row in range(first, first + 5000)]] for first in (0, 5000, 10000)]
    path = write_ours(tmp_path / "filtered.parquet", [("id", "term", 0)], groups)
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT count(*) FROM '{path}' WHERE id = '7000'").fetchone() == (1,)
        assert connection.execute(f"SELECT count(*) FROM '{path}' WHERE id > '9' OR id IS NULL").fetchone() == (1000,)


def sample_table(rows):
    """A pyarrow table with a column of each type that can be read, and the values that are expected."""
    day = datetime.date(2024, 2, 27)
    when = datetime.datetime(2024, 12, 31, 23, 59, 58, 999999, tzinfo=datetime.timezone.utc)
    columns = {
        "text": pyarrow.array([f"order {row * 7}" if row % 11 else None for row in range(rows)],
                              pyarrow.string()),
        "word": pyarrow.array([["a", "bb", "", "ä€"][row % 4] for row in range(rows)], pyarrow.string()),
        "i8": pyarrow.array([row % 100 - 50 for row in range(rows)], pyarrow.int8()),
        "i32": pyarrow.array([row * 1000003 % 2**32 - 2**31 for row in range(rows)], pyarrow.int32()),
        "i64": pyarrow.array([row * 2**40 - 2**62 if row % 5 else None for row in range(rows)], pyarrow.int64()),
        "u32": pyarrow.array([row * 1000003 % 2**32 for row in range(rows)], pyarrow.uint32()),
        "u64": pyarrow.array([row * 2**33 for row in range(rows)], pyarrow.uint64()),
        "small": pyarrow.array([decimal.Decimal(row - 20).scaleb(-2) for row in range(rows)], pyarrow.decimal128(7, 2)),
        "money": pyarrow.array([decimal.Decimal(row * -12345678901).scaleb(-4) if row % 3 else None
                                for row in range(rows)], pyarrow.decimal128(18, 4)),
        "wide": pyarrow.array([decimal.Decimal(row * 10**9 - 5 * 10**9).scaleb(-2) for row in range(rows)],
                              pyarrow.decimal128(38, 2)),
        "day": pyarrow.array([day + datetime.timedelta(days=row) for row in range(rows)], pyarrow.date32()),
        "micros": pyarrow.array([when + datetime.timedelta(seconds=row * 77) if row % 7 else None
                                 for row in range(rows)], pyarrow.timestamp("us", "UTC")),
        "local": pyarrow.array([when.replace(tzinfo=None, microsecond=5000) for row in range(rows)],
                               pyarrow.timestamp("ms")),
        "yes": pyarrow.array([None if row % 13 == 0 else row % 3 == 0 for row in range(rows)],
                             pyarrow.bool_()),
        "none": pyarrow.array([None] * rows, pyarrow.int64()),
    }
    return pyarrow.table(columns)


def compare_with_arrow(path, expected):
    for terms in (False, True):
        fields, columns = read_ours(path, terms)
        assert [field["name"] for field in fields] == expected.column_names
        for field, found, column in zip(fields, columns, expected.columns):
            have = [meaning(field["kind"], field["scale"], value) for value in found]
            assert have == [plain(value) for value in column.to_pylist()], field


ARROW_OPTIONS = [
    {},
    {"compression": "none", "data_page_version": "2.0"},
    {"compression": "zstd", "data_page_version": "2.0", "row_group_size": 700},
    {"compression": "snappy", "use_dictionary": False},
    {"compression": "zstd", "use_dictionary": False, "data_page_size": 300},
    {"compression": "snappy", "dictionary_pagesize_limit": 200, "data_page_size": 500},
    {"compression": "none", "version": "1.0"},
    {"compression": "zstd", "store_decimal_as_integer": True},
    {"use_deprecated_int96_timestamps": True},
    {"compression": "none", "use_dictionary": False, "use_byte_stream_split": ["i32", "i64", "small", "money"]},
    {"use_dictionary": False, "data_page_version": "2.0", "column_encoding": {
        "text": "DELTA_BYTE_ARRAY", "word": "DELTA_LENGTH_BYTE_ARRAY", "i32": "DELTA_BINARY_PACKED",
        "i64": "DELTA_BINARY_PACKED", "u32": "DELTA_BINARY_PACKED", "micros": "DELTA_BINARY_PACKED",
        "wide": "DELTA_BYTE_ARRAY",
        "yes": "RLE"}},
    {"write_page_checksum": True, "write_page_index": True},
]


@pytest.mark.parametrize("rows", [0, 1, 5, 3000])
@pytest.mark.parametrize("options", ARROW_OPTIONS, ids=str)
def test_ours_reads_pyarrow(tmp_path, options, rows):
    path = tmp_path / "arrow.parquet"
    table = sample_table(rows)
    if options.get("use_deprecated_int96_timestamps"):
        table = table.drop_columns(["local"])
    pyarrow.parquet.write_table(table, path, **options)
    compare_with_arrow(path, table)


def test_ours_reads_required_columns(tmp_path):
    table = sample_table(500).select(["word", "i32", "small", "day"])
    schema = pyarrow.schema([field.with_nullable(False) for field in table.schema])
    path = tmp_path / "required.parquet"
    for version in ("1.0", "2.0"):
        pyarrow.parquet.write_table(table.cast(schema), path, data_page_version=version)
        compare_with_arrow(path, table)


@pytest.mark.parametrize("options", ["COMPRESSION snappy", "COMPRESSION zstd", "COMPRESSION uncompressed",
                                     "COMPRESSION zstd, PARQUET_VERSION v2", "COMPRESSION snappy, ROW_GROUP_SIZE 2048"])
def test_ours_reads_duckdb(tmp_path, options):
    sample = sample_table(9000)
    path = tmp_path / "duckdb.parquet"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY (SELECT * FROM sample) TO '{path}' (FORMAT parquet, {options})")
    compare_with_arrow(path, sample)


@pytest.mark.parametrize("compression", ["snappy", "zstd", "uncompressed"])
@pytest.mark.parametrize("page_size", [None, 1000])
def test_ours_reads_polars(tmp_path, compression, page_size):
    table = sample_table(6000)
    path = tmp_path / "polars.parquet"
    polars.from_arrow(table).write_parquet(path, compression=compression, data_page_size=page_size)
    compare_with_arrow(path, table)


def test_floats_are_the_shortest_text_of_the_same_number(tmp_path):
    doubles = [0.1, -2.5, 100.0, 1 / 3, 1e300, 5e-324, 1e22, 123456.789, 0.1 + 0.2, None, float("inf"), -0.0, 2.0**60]
    floats = [struct.unpack("f", struct.pack("f", value))[0] if value is not None else None
              for value in [0.1, -2.5, 100.0, 1 / 3, 3.4e38, 1e-45, 16777216.0, 1e10, 0.3, None, float("-inf"), -0.0, 7]]
    path = tmp_path / "floats.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"d": pyarrow.array(doubles, pyarrow.float64()),
                                               "f": pyarrow.array(floats, pyarrow.float32())}), path)
    _, (found_doubles, found_floats) = read_ours(path)
    assert [None if text is None else float(text) for text in found_doubles] == doubles
    for text, value in zip(found_floats, floats):
        assert text is None if value is None else struct.pack("f", float(text)) == struct.pack("f", value)
    assert found_doubles[:4] == ["0.1", "-2.5", "100", "0.3333333333333333"]
    assert found_floats[:4] == ["0.1", "-2.5", "100", "0.33333334"]
    for text, value in zip(found_doubles, doubles):
        if text is not None and value not in (float("inf"), -0.0):
            assert len(text.replace("-", "").replace(".", "").split("e")[0].strip("0")) <= len(
                repr(value).replace("-", "").replace(".", "").split("e")[0].strip("0"))


def test_times_uuids_and_bytes_are_texts(tmp_path):
    table = pyarrow.table({
        "t": pyarrow.array([datetime.time(1, 2, 3, 500000), None, datetime.time(23, 59, 59)], pyarrow.time64("us")),
        "m": pyarrow.array([datetime.time(1, 2, 3), None, datetime.time(0, 0, 0, 1000)], pyarrow.time32("ms")),
        "b": pyarrow.array([b"abcd", None, b"efgh"], pyarrow.binary(4)),
        "h": pyarrow.array([1.5, None, -0.25], pyarrow.float16()),
    })
    path = tmp_path / "texts.parquet"
    pyarrow.parquet.write_table(table, path)
    assert read_ours(path)[1] == [["01:02:03.5", None, "23:59:59"], ["01:02:03", None, "00:00:00.001"],
                                  ["abcd", None, "efgh"], ["1.5", None, "-0.25"]]
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT '01234567-89ab-cdef-0123-456789abcdef'::UUID AS u) TO '{path}'")
    assert read_ours(path)[1] == [["01234567-89ab-cdef-0123-456789abcdef"]]


def test_what_cannot_be_read_says_why(tmp_path):
    path = tmp_path / "odd.parquet"
    for column, words in [(pyarrow.array([[1, 2]]), "nested"), (pyarrow.array([{"a": 1}]), "nested"),
                          (pyarrow.array([2**63 + 5], pyarrow.uint64()), "64 bits"),
                          (pyarrow.array([decimal.Decimal(10**20)], pyarrow.decimal128(38, 0)), "64 bits"),
                          (pyarrow.array([decimal.Decimal(1).scaleb(-20)], pyarrow.decimal128(38, 20)), "decimals")]:
        pyarrow.parquet.write_table(pyarrow.table({"the column": column}), path)
        message = read_ours(path, expect=1)
        assert words in message and "the column" in message and "odd.parquet" in message
    pyarrow.parquet.write_table(pyarrow.table({"a": ["x" * 100]}), path, compression="gzip")
    assert "GZIP" in read_ours(path, expect=1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert "PAR1" in read_ours(path, expect=1)


def test_finer_times_and_smaller_floats_of_others(tmp_path):
    """Nanoseconds go down to the microsecond below, before 1970 too; a half has its few digits, and what is no number."""
    halves = [0.5, 65504.0, -0.0009765625, float("inf"), float("-inf"), float("nan"), 6e-08]
    table = pyarrow.table({
        "ns": pyarrow.array([0, 1999, -1, -1000, -1001, None, 10**18], pyarrow.timestamp("ns")),
        "clock": pyarrow.array([0, 1, 86399999999999, 3723000000000, 1500, None, 10**9], pyarrow.time64("ns")),
        "half": pyarrow.Array.from_buffers(pyarrow.float16(), 7, [None, pyarrow.py_buffer(struct.pack("<7e", *halves))]),
    })
    pyarrow.parquet.write_table(table, tmp_path / "theirs.parquet", version="2.6")
    fields, (ns, clock, half) = read_ours(tmp_path / "theirs.parquet")
    assert [field["kind"] for field in fields] == ["timestamp", "text", "text"]
    assert ns == [0, 1, -1, -1, -2, None, 10**15]
    assert clock == ["00:00:00", "00:00:00.000000001", "23:59:59.999999999", "01:02:03", "00:00:00.0000015", None,
                     "00:00:01"]
    assert [float(text) for text in half[:5]] == halves[:5] and half[5].lstrip("-") == "nan" and float(half[6]) > 0
    assert half[:2] == ["0.5", "65504"]
