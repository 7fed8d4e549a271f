"""An edited kpis.json over random data: what was kept under the old one is worked out anew, to the same tables as in a
folder that never knew another, and both to what the model says."""
import json
import shutil
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from oracle import Oracle, half_up, ratio
from shop import KEYS, Shop, compare_table, run_json, store

ORDERS = Path(__file__).resolve().parent.parent.parent / "pipelines/orders"
RETURNS = {
    "name": "region_returns", "key": ["region", "order_date"], "measures": [
        {"name": "orders", "from": "orders", "count": True},
        {"name": "customers", "from": "orders", "distinct": "customer_id"},
        {"name": "returned", "from": "orders", "count": True, "where": {"status": ["returned"]}},
        {"name": "return_rate", "ratio": ["returned", "orders"], "scale": 3},
        {"name": "kept_revenue", "from": "order_items", "sum": "total_price", "scale": 1,
         "where_not": {"order_status": ["returned"]}},
        {"name": "dearest", "from": "order_items", "max": "sale_price"},
        {"name": "rank", "rank": "kept_revenue", "hidden": True}]}


def edit(pipeline):
    """A table by region and day more, one less, and another meaning of a measure."""
    path = pipeline / "kpis.json"
    spec = json.loads(path.read_text())
    spec["tables"] = [RETURNS, *(table for table in spec["tables"] if table["name"] != "customer")]
    day = next(table for table in spec["tables"] if table["name"] == "day")
    for measure in day["measures"]:
        if measure["name"] == "total_items_sold":
            measure["where"] = {"order_status": ["delivered", "shipped"]}
        if measure["name"] == "avg_order_value":
            measure["scale"] = 5
    path.write_text(json.dumps(spec))


def returns(orders, lines):
    table = {}
    for key in {(order["region"], order["order_date"]) for order in orders if order["region"] is not None}:
        members = [order for order in orders if (order["region"], order["order_date"]) == key]
        sold = [line for line in lines if (line["order"]["region"], line["order"]["order_date"]) == key]
        kept = sum((line["total"] for line in sold if line["order"]["status"] != "returned"), Decimal(0))
        returned = sum(order["status"] == "returned" for order in members)
        table[key] = {"orders": len(members), "customers": len({order["user_id"] for order in members}),
                      "returned": returned, "return_rate": ratio(returned, len(members), 3),
                      "kept_revenue": half_up(kept, 1),
                      "dearest": max((Decimal(line["sale_price"]) for line in sold), default=None)}
    return table


def expected_tables(oracle):
    orders, lines = list(oracle.orders()), list(oracle.lines())
    tables = oracle.tables() | {"region_returns": returns(orders, lines)}
    del tables["customer"]
    revenue, items = defaultdict(Decimal), defaultdict(int)
    for line in lines:
        revenue[line["order"]["order_date"],] += line["total"]
        if line["order"]["status"] in ("delivered", "shipped"):
            items[line["order"]["order_date"],] += line["quantity"]
    for key, row in tables["day"].items():
        row["total_items_sold"] = items[key]
        row["avg_order_value"] = ratio(revenue[key], row["total_orders"], 5)
    return tables


@pytest.mark.parametrize("seed", [11, 12, 13, 14])
@pytest.mark.parametrize("limit", [[], ["--memory-limit", "16M"]])
def test_an_edited_spec_is_as_if_it_had_always_been(aisle, tmp_path, monkeypatch, seed, limit):
    monkeypatch.setitem(KEYS, "region_returns", ["region", "order_date"])
    shop, oracle, pipeline = Shop(seed), Oracle(), tmp_path / "mine/orders"
    shutil.copytree(ORDERS, pipeline)
    batches = [[(dataset, f"{dataset}_{number}_{part}", shop.file(dataset, 30))
                for dataset in ("orders", "order_items", "products") for part in range(2)] for number in range(4)]

    def run(data, batch):
        done = aisle("run", pipeline, batch, "--data", data, "--json", *limit, expect=None)
        assert done.returncode in (0, 3), done.stderr
        return run_json(done)

    def exported(data, table):
        text = aisle("export", table, "--pipeline", pipeline, "--format", "jsonl", "--data", data).stdout
        return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]

    folders = []
    for number, batch in enumerate(batches):
        folders.append(store(tmp_path / f"batch{number}", batch))
        oracle.run([(dataset, f"{name}.csv", data) for dataset, name, data in batch])
        if number < 3:
            assert "rebuilt" not in run("old", folders[-1])
    before = aisle("kpi", "day", "--pipeline", pipeline, "--data", "old", "--json").stdout
    edit(pipeline)
    refused = aisle("export", "region_returns", "--pipeline", pipeline, "--data", "old", expect=None)
    assert refused.returncode != 0 and "next run" in refused.stderr

    summary = run("old", folders[3])
    assert summary["rebuilt"] is True
    assert "rebuilt" not in run("old", folders[3])
    for folder in folders:
        fresh = run("new", folder)
        assert "rebuilt" not in fresh
    runs = [json.loads(aisle("runs", "--data", data, "--json").stdout) for data in ("old", "new")]
    assert runs[0][0]["totals"] == runs[1][0]["totals"]
    tables = expected_tables(oracle)
    for name, rows in tables.items():
        assert exported("old", name) == exported("new", name), name
        compare_table(name, rows, exported("old", name))
    assert aisle("kpi", "day", "--pipeline", pipeline, "--data", "old", "--json").stdout != before
    gone = aisle("export", "customer", "--pipeline", pipeline, "--data", "old", expect=None)
    assert gone.returncode == 2 and "customer" in gone.stderr


def test_a_spec_that_cannot_work_leaves_the_folder_as_it_was(aisle, tmp_path):
    pipeline = tmp_path / "mine/orders"
    shutil.copytree(ORDERS, pipeline)
    shop = Shop(3)
    first = store(tmp_path / "first", [(dataset, dataset, shop.file(dataset, 20))
                                       for dataset in ("orders", "order_items", "products")])
    aisle("run", pipeline, first, "--data", "data", "--json", expect=None)
    before = aisle("export", "day", "--pipeline", pipeline, "--data", "data").stdout
    good = (pipeline / "kpis.json").read_text()
    (pipeline / "kpis.json").write_text(good.replace('"distinct": "order_id"', '"distinct": "order_number"', 1))
    for words in (["run", pipeline, first], ["export", "day", "--pipeline", pipeline]):
        wrong = aisle(*words, "--data", "data", expect=None)
        assert wrong.returncode != 0
        for word in ("kpis.json", 'table "category_day"', 'measure "orders"', "order_number"):
            assert word in wrong.stderr
    (pipeline / "kpis.json").write_text(good)
    assert aisle("export", "day", "--pipeline", pipeline, "--data", "data").stdout == before
