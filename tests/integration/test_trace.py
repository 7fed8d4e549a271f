"""From KPI groups back to rows: over random data every group's rows make up its figures, and only the days that can
hold them are read."""
import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from shop import Shop, run_json, store

ORDERS = Path(__file__).resolve().parent.parent.parent / "pipelines/orders"

# Groups by a whole number, alone and with the day; by an order's own key; and by what only a line's product tells.
MORE = [
    {"name": "size", "key": ["num_of_item"], "measures": [{"name": "n", "from": "orders", "count": True}]},
    {"name": "size_day", "key": ["num_of_item", "order_date"], "measures": [
        {"name": "n", "from": "orders", "count": True}]},
    {"name": "quantity_status", "key": ["quantity", "order_status"], "measures": [
        {"name": "units", "from": "order_items", "sum": "quantity"}]},
    {"name": "order", "key": ["order_id"], "measures": [
        {"name": "n", "from": "orders", "count": True}, {"name": "units", "from": "order_items", "sum": "quantity"}]},
    {"name": "category", "key": ["category"], "measures": [
        {"name": "units", "from": "order_items", "sum": "quantity"}]},
]
COUNTS = {"size": "n", "size_day": "n", "order": "n", "customer": "orders", "month": "total_orders",
          "day": "total_orders", "region_day": "orders"}
UNITS = {"quantity_status": "units", "order": "units", "category": "units", "product": "units", "product_day": "units",
         "month": "total_items_sold", "day": "total_items_sold"}


@pytest.fixture
def pipeline(tmp_path):
    folder = tmp_path / "mine/orders"
    shutil.copytree(ORDERS, folder)
    spec = json.loads((folder / "kpis.json").read_text())
    spec["tables"] += MORE
    (folder / "kpis.json").write_text(json.dumps(spec))
    return folder


def groups(aisle, pipeline, table):
    keys = next(t["key"] for t in json.loads((pipeline / "kpis.json").read_text())["tables"] if t["name"] == table)
    text = aisle("export", table, "--pipeline", pipeline, "--format", "jsonl").stdout
    for row in (json.loads(line, parse_float=Decimal) for line in text.splitlines()):
        yield [str(row[key]) for key in keys], row


def traced(aisle, pipeline, table, keys):
    return json.loads(aisle("trace", "--pipeline", pipeline, "--json", "--limit", "0", "--", table, *keys).stdout)


def test_every_group_is_made_of_the_rows_that_are_traced(aisle, tmp_path, pipeline):
    shop = Shop(21, dirty=0.02)
    for number in range(3):
        folder = store(tmp_path / f"batch{number}", [
            (dataset, f"{dataset}_{number}", shop.file(dataset, 60)) for dataset in ("orders", "order_items", "products")])
        run_json(aisle("run", pipeline, folder, "--json", expect=None))
    seen = 0
    for table in sorted(set(COUNTS) | set(UNITS)):
        for keys, row in list(groups(aisle, pipeline, table))[:25]:
            rows = traced(aisle, pipeline, table, keys)
            orders = [r for r in rows if r["dataset"] == "orders"]
            units = sum(r["row"]["quantity"] for r in rows if r["dataset"] == "order_items")
            if table in COUNTS:
                assert (table, keys, len(orders)) == (table, keys, row[COUNTS[table]])
            if table in UNITS:
                assert (table, keys, units) == (table, keys, row[UNITS[table]] or 0)
            seen += len(rows)
    assert seen > 200


ORDER_ROWS = """order_id,user_id,status,created_at,num_of_item
1,10,delivered,2025-04-01T10:00:00,2
2,11,returned,2025-04-02T11:00:00,1
3,10,shipped,2025-05-02T09:00:00,-1
"""
ITEM_ROWS = """id,order_id,product_id,sale_price
101,1,P1,20.00
102,1,P2,5.50
103,2,P1,21
104,3,P3,100
"""
PRODUCT_ROWS = """id,category,name,retail_price
P1,Electronics,Phone,25
P2,Home,Pot,6
P3,Electronics,Screen,120
"""


@pytest.fixture
def three_days(aisle, tmp_path, pipeline):
    for name, text in {"orders": ORDER_ROWS, "order_items": ITEM_ROWS, "products": PRODUCT_ROWS}.items():
        (tmp_path / "files" / name).mkdir(parents=True)
        (tmp_path / "files" / name / f"{name}.csv").write_text(text)
    schema = pipeline / "schemas/orders.json"
    text = json.loads(schema.read_text())
    next(field for field in text["fields"] if field["name"] == "num_of_item").pop("constraints", None)
    schema.write_text(json.dumps(text))
    aisle("run", pipeline, "files")
    return tmp_path / "aisle-data/cleaned"


@pytest.mark.parametrize("table, keys, orders, items", [
    ("size", ["2"], ["1"], []), ("size", ["-1"], ["3"], []), ("size", ["+01"], ["2"], []),
    ("size_day", ["1"], ["2"], []), ("size_day", ["1", "2025-04-02"], ["2"], []), ("size", ["7"], [], []),
    ("quantity_status", ["1", "returned"], [], ["103"]),
])
def test_a_key_may_be_a_whole_number(aisle, pipeline, three_days, table, keys, orders, items):
    rows = traced(aisle, pipeline, table, keys)
    assert [r["row"]["order_id"] for r in rows if r["dataset"] == "orders"] == orders
    assert [r["row"]["id"] for r in rows if r["dataset"] == "order_items"] == items


def test_what_is_no_whole_number_is_no_key(aisle, pipeline, three_days):
    for word in ("two", "1.5", "", "99999999999999999999"):
        refused = aisle("trace", "size", word, "--pipeline", pipeline, expect=2)
        assert f"num_of_item must be a whole number, is '{word}'" in refused.stderr


@pytest.mark.parametrize("table, keys, days, count", [
    ("customer", ["11"], ["2025-04-02"], 2),   # its orders' days are kept for the first and the last of them
    ("customer", ["10"], ["2025-04-01", "2025-05-02"], 5),
    ("product", ["P2"], ["2025-04-01"], 1),    # product_day has its days
    ("category", ["Home"], ["2025-04-01"], 1),  # category_day has
    ("category_day", ["Electronics"], ["2025-04-01", "2025-04-02", "2025-05-02"], 3),
    ("month", ["2025-05"], ["2025-05-02"], 2),
    ("order", ["2"], ["2025-04-02"], 2),
    ("size_day", ["1"], ["2025-04-02"], 1),
])
def test_only_days_that_can_hold_the_rows_are_read(aisle, pipeline, three_days, table, keys, days, count):
    """What the other days hold is spoilt, which does not show."""
    for file in three_days.rglob("order_date=*/*.parquet"):
        if file.parent.name.split("=")[1] not in days:
            file.write_bytes(b"spoilt")
    assert len(traced(aisle, pipeline, table, keys)) == count
