"""Tables for the Parquet tests: how the test tool, and how other programs, write and read them."""
import datetime
import decimal
import json
import random
import subprocess
from pathlib import Path

from conftest import PROGRAM

TOOL = PROGRAM.parent / "tests/parquet-tool"
EPOCH_DAY = datetime.date(1970, 1, 1)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)


def write_ours(path, fields, groups, codec="zstd"):
    table = {"codec": codec, "groups": groups,
             "fields": [{"name": name, "kind": kind, "scale": scale} for name, kind, scale in fields]}
    done = subprocess.run([TOOL, "write", path], input=json.dumps(table), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return path


def read_ours(path, terms=False, expect=0):
    """What the library reads: fields and, column by column, all row groups in one."""
    done = subprocess.run([TOOL, "read", path, *(["terms"] if terms else [])], capture_output=True, text=True)
    assert done.returncode == expect, done.stderr
    if expect != 0:
        return done.stderr
    table = json.loads(done.stdout)
    columns = [[] for _ in table["fields"]]
    for group in table["groups"]:
        for column, values in zip(columns, group):
            column.extend(values)
    return table["fields"], columns


def meaning(kind, scale, value):
    """A stored number or text as Python means it."""
    if value is None or kind in ("term", "text", "integer"):
        return value
    if kind == "decimal":
        return decimal.Decimal(value).scaleb(-scale)
    if kind == "date":
        return EPOCH_DAY + datetime.timedelta(days=value)
    if kind == "timestamp":
        return EPOCH + value * MICROSECOND
    return bool(value)


def plain(value):
    """What another program gives, in the same Python types."""
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=datetime.timezone.utc) if value.tzinfo is None else value.astimezone(
            datetime.timezone.utc)
    return value


FIELDS = [("id", "term", 0), ("note", "text", 0), ("count", "integer", 0), ("price", "decimal", 2), ("day", "date", 0),
          ("at", "timestamp", 0), ("paid", "boolean", 0), ("status", "term", 0), ("größe", "decimal", 18)]

RANGES = {"integer": (-2**63 + 1, 2**63 - 1), "decimal": (-10**18 + 1, 10**18 - 1), "date": (-700000, 2900000),
          "timestamp": (-62_000_000_000_000_000, 250_000_000_000_000_000), "boolean": (0, 1)}


def random_column(chance, kind, rows):
    """Values of one of several shapes, so that every encoding is met."""
    shape = chance.choice(["random", "few", "ascending", "constant", "steps"])
    low, high = RANGES.get(kind, (0, 10**12))
    start = chance.randint(low, high - 10**6) if kind not in ("boolean",) else 0
    few = [chance.randint(low, high) for _ in range(4)]
    make = {
        "random": lambda row: chance.randint(low, high),
        "few": lambda row: chance.choice(few),
        "ascending": lambda row: min(high, start + row * 3 + chance.randint(0, 2)),
        "constant": lambda row: few[0],
        "steps": lambda row: min(high, start + row // 50 * 1000),
    }[shape]
    values = [make(row) for row in range(rows)]
    if kind in ("term", "text"):
        form = chance.choice(["{}", "P{}", "Ärger {} €", "{}-with-a-rather-long-tail-behind-it"])
        values = [form.format(value) for value in values]
    nulls = chance.choice([0, 0, 0.02, 0.5, 1])
    return [None if chance.random() < nulls else value for value in values]


def random_groups(seed, sizes):
    chance = random.Random(seed)
    return [[random_column(chance, kind, rows) for _, kind, _ in FIELDS] for rows in sizes]


def expected_columns(groups):
    return [[meaning(kind, scale, value) for group in groups for value in group[index]]
            for index, (_, kind, scale) in enumerate(FIELDS)]


def corpus():
    return sorted((Path(__file__).parent.parent / "fuzz/corpus/parquet").glob("*.parquet"))
