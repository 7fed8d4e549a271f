"""libaisle.so: what it gives over the Arrow C stream interface, read by pyarrow."""
import ctypes
import datetime
import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

pyarrow = pytest.importorskip("pyarrow")
TOP = Path(__file__).resolve().parents[2]
LIBRARY = Path(os.environ.get("AISLE", TOP / "build/aisle")).resolve().parent / "libaisle.so"

pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason="a build with sanitizers has no libaisle.so")

STREAM_BYTES = 5 * 8
FIELDS = [
    {"name": "id", "type": "string", "intern": True, "constraints": {"required": True}},
    {"name": "note", "type": "string"},
    {"name": "pieces", "type": "integer", "constraints": {"minimum": 1}},
    {"name": "price", "type": "number", "scale": 2},
    {"name": "day", "type": "date"},
    {"name": "moment", "type": "datetime"},
    {"name": "clock", "type": "time"},
    {"name": "gift", "type": "boolean"},
    {"name": "extra", "type": "string", "optional": True},
    {"name": "weight", "type": "number", "scale": 3, "optional": True},
]
HEADER = "id,note,pieces,price,day,moment,clock,gift\n"


class Counts(ctypes.Structure):
    _fields_ = [("read", ctypes.c_uint64), ("valid", ctypes.c_uint64), ("rejected", ctypes.c_uint64)]


def load():
    library = ctypes.CDLL(str(LIBRARY))
    library.aisle_validate_csv.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint, ctypes.c_void_p,
                                           ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    return library


def call(schema, file, threads=2, rejected=True):
    """(tables of valid and rejected rows, counts), or the message of a refusal."""
    streams = [ctypes.create_string_buffer(STREAM_BYTES) for _ in range(2)]
    addresses = [ctypes.addressof(stream) for stream in streams]
    counts = Counts()
    message = ctypes.create_string_buffer(500)
    status = load().aisle_validate_csv(os.fsencode(schema), os.fsencode(file), threads, addresses[0],
                                       addresses[1] if rejected else None, ctypes.byref(counts), message, 500)
    if status != 0:
        return message.value.decode()
    tables = []
    for address in addresses[:2 if rejected else 1]:
        tables.append(pyarrow.RecordBatchReader._import_from_c(address).read_all())
        tables[-1].validate(full=True)
    return (*tables, (counts.read, counts.valid, counts.rejected))


@pytest.fixture
def schema(tmp_path):
    path = tmp_path / "things.json"
    path.write_text(json.dumps({"fields": FIELDS}))
    return path


def write(tmp_path, content):
    path = tmp_path / "things.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_types_and_values(tmp_path, schema):
    file = write(tmp_path, HEADER + 'P1,"a ""b"", é",3,-12.5,2025-04-01,2025-04-01T12:30:00Z,06:07:08,true\n'
                 "P2,,,,,,,\n42,x,9000000000,0.01,1969-12-31,1969-12-31T23:59:59Z,00:00:00,false\n")
    valid, rejected, counts = call(schema, file)
    assert counts == (3, 3, 0) and rejected.num_rows == 0
    assert [str(column.type) for column in valid.columns] == [
        "string", "string", "int64", "decimal128(19, 2)", "date32[day]", "timestamp[us, tz=UTC]", "time64[us]", "bool",
        "string", "decimal128(19, 3)"]
    utc = datetime.timezone.utc
    assert [list(row.values()) for row in valid.to_pylist()] == [
        ["P1", 'a "b", é', 3, Decimal("-12.50"), datetime.date(2025, 4, 1),
         datetime.datetime(2025, 4, 1, 12, 30, tzinfo=utc), datetime.time(6, 7, 8), True, None, None],
        ["P2"] + [None] * 9,
        ["42", "x", 9000000000, Decimal("0.01"), datetime.date(1969, 12, 31),
         datetime.datetime(1969, 12, 31, 23, 59, 59, tzinfo=utc), datetime.time(0), False, None, None],
    ]


def test_rejects_with_their_reasons(tmp_path, schema):
    wrong = [b'1,"say ""hi"", all",0,1,,,,', b"2,x", b",x,1,1,2025-02-30,,,", b"4,\xff,1,1,,,,", b'5,a"b",1,1,,,,']
    file = write(tmp_path, HEADER.encode() + b"good,x,1,1,,,,\n" + b"\n".join(wrong) + b"\n")
    valid, rejected, counts = call(schema, file)
    assert counts == (6, 1, 5)
    assert valid.column("id").to_pylist() == ["good"]
    assert rejected.schema.names == ["row_number", "rejection_reasons", "row"]
    assert rejected.column("row").to_pylist() == wrong
    assert rejected.column("row_number").to_pylist() == [3, 4, 5, 6, 7]
    reasons = rejected.column("rejection_reasons").to_pylist()
    assert "pieces" in reasons[0] and "number of fields" in reasons[1] and "UTF-8" in reasons[3]
    assert "id" in reasons[2] and "2025-02-30" in reasons[2]


def test_many_batches_and_threads(tmp_path):
    """Rows come in file order on any number of threads; reasons hold quotes and delimiters."""
    schema = tmp_path / "quoted.json"
    schema.write_text(json.dumps({"fields": [{"name": "a", "type": "integer", "messages": {"type": '"a", not whole'}},
                                             {"name": "b", "type": "string"}]}))
    rows = [f"{i if i % 3 else 'x'},line {i}" for i in range(120000)]
    file = write(tmp_path, "a,b\n" + "\n".join(rows) + "\n")
    for threads in (1, 4):
        valid, rejected, counts = call(schema, file, threads)
        assert counts == (120000, 80000, 40000)
        assert valid.column("a").to_pylist() == [i for i in range(120000) if i % 3]
        assert rejected.column("row").to_pylist() == [row.encode() for row in rows[::3]]
        assert rejected.column("row_number").to_pylist() == list(range(2, 120002, 3))
        assert set(rejected.column("rejection_reasons").to_pylist()) == {'"a", not whole'}
    assert rejected.column("row").num_chunks > 1


def test_valid_rows_only(tmp_path, schema):
    valid, counts = call(schema, write(tmp_path, HEADER + "1,x,0,,,,,\n2,x,1,,,,,\n"), rejected=False)
    assert counts == (2, 1, 1) and valid.column("id").to_pylist() == ["2"]


def test_refusals(tmp_path, schema):
    assert "nowhere.csv" in call(schema, tmp_path / "nowhere.csv")
    assert "nowhere.json" in call(tmp_path / "nowhere.json", tmp_path / "nowhere.csv")
    assert "things.csv" in call(schema, write(tmp_path, "id,note\n1,2\n"))
    assert "things.csv" in call(schema, write(tmp_path, ""))
