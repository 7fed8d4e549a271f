"""Editing a pipeline: tables and fields are added in its folder, what has been taken is worked out anew, and an edit that
would change what is kept is refused."""
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

ORDERS = Path(__file__).resolve().parent.parent.parent / "pipelines/orders"

FIRST = {
    "orders.csv": "order_id,user_id,status,created_at,region\n1,10,delivered,2025-04-01T09:30:00,North\n"
                  "2,11,returned,2025-04-01T10:00:00,South\n3,10,delivered,2025-05-02T10:00:00,North\n"
                  "4,12,delivered,2025-05-02T11:00:00,\n",
    "products.csv": "id,category\nP1,Toys\n",
    "order_items.csv": "id,order_id,product_id,sale_price\n1,1,P1,10.00\n2,1,P2,25.50\n3,2,P2,24.00\n4,3,P1,9.90\n",
}
LATER = {
    "products_2.csv": "id,category\nP2,Books\n",
    "orders_2.csv": "order_id,user_id,status,created_at,region,channel\n2,11,delivered,2025-04-01T10:00:00,North,web\n",
}
CHANNEL = {"name": "channel_day", "key": ["channel", "order_date"],
           "measures": [{"name": "orders", "from": "orders", "count": True},
                        {"name": "customers", "from": "orders", "distinct": "customer_id"}]}
REGION = {"name": "region_month", "key": ["region", "order_month"],
          "measures": [{"name": "orders", "from": "orders", "count": True},
                       {"name": "revenue", "from": "order_items", "sum": "total_price", "scale": 2},
                       {"name": "categories", "from": "order_items", "distinct": "category"},
                       {"name": "last", "from": "order_items", "max": "order_date"},
                       {"name": "rank", "rank": "revenue"}]}


@pytest.fixture
def shop(aisle, tmp_path):
    """A copy of the pipeline, and what one does with it."""

    class Shop:
        folder = tmp_path / "mine/orders"

        def write(self, name, files):
            (tmp_path / name).mkdir()
            for file, text in files.items():
                (tmp_path / name / file).write_text(text)

        def run(self, *words, data="data", expect=0):
            done = aisle("run", "./mine/orders", *words, "--data", data, "--json", expect=expect)
            return json.loads(done.stdout) if expect == 0 else done.stderr

        def table(self, name, data="data"):
            return json.loads(aisle("kpi", name, "--pipeline", "./mine/orders", "--data", data, "--json").stdout)

        def edit(self, file, change):
            path = self.folder / file
            value = json.loads(path.read_text())
            change(value)
            path.write_text(json.dumps(value))

        def add_tables(self, *tables):
            self.edit("kpis.json", lambda spec: spec["tables"].extend(tables))

        def field(self, dataset, name, **members):
            def change(schema):
                next(field for field in schema["fields"] if field["name"] == name).update(members)
            self.edit(f"schemas/{dataset}.json", change)

    shutil.copytree(ORDERS, Shop.folder)
    shop = Shop()
    shop.write("first", FIRST)
    shop.write("later", LATER)
    return shop


def test_a_table_by_region_is_an_edit(shop, aisle):
    shop.run("first")
    shop.add_tables(REGION)
    refused = aisle("kpi", "region_month", "--pipeline", "./mine/orders", "--data", "data", expect=1)
    assert "the next run brings it up to date" in refused.stderr
    again = shop.run("first")
    assert again["status"] == "NOTHING_NEW" and again["rebuilt"] is True
    assert shop.table("region_month") == [
        {"region": "North", "order_month": "2025-04", "orders": 1, "revenue": 10.0, "categories": 1,
         "last": "2025-04-01", "rank": 1},
        {"region": "North", "order_month": "2025-05", "orders": 1, "revenue": 9.9, "categories": 1,
         "last": "2025-05-02", "rank": 2},
        {"region": "South", "order_month": "2025-04", "orders": 1, "revenue": 0.0, "categories": 0, "last": None,
         "rank": 3}]
    assert "rebuilt" not in shop.run("first")


def test_what_waits_still_waits_after_a_rebuild(shop):
    assert shop.run("first")["datasets"]["order_items"]["pending"] == 2
    shop.add_tables(REGION)
    later = shop.run("later")
    assert later["rebuilt"] is True and later["pending_resolved"] == 2
    shop.run("first", "later", data="at-once")
    for table in ("region_month", "category_day", "day", "product", "customer", "fulfilment_day"):
        assert shop.table(table) == shop.table(table, data="at-once")
    assert shop.table("region_month")[0] == {"region": "North", "order_month": "2025-04", "orders": 2, "revenue": 59.5,
                                             "categories": 2, "last": "2025-04-01", "rank": 1}


def test_a_field_added_later_has_no_value_in_rows_from_before(shop):
    shop.run("first")
    shop.edit("schemas/orders.json", lambda schema: schema["fields"].append(
        {"name": "channel", "type": "string", "intern": True, "optional": True}))
    shop.add_tables(CHANNEL)
    shop.run("first")
    assert shop.table("channel_day") == []
    shop.run("later")
    assert shop.table("channel_day") == [{"channel": "web", "order_date": "2025-04-01", "orders": 1, "customers": 1}]


def test_joins_that_end_and_begin_move_rows(shop, aisle):
    """Lines that waited for a product go in when there is no such join any more, and wait again when there is."""
    shop.run("first")
    kept = (shop.folder / "kpis.json").read_text()
    without = json.loads(kept)
    del without["datasets"]["order_items"]["joins"]["products"]
    del without["datasets"]["order_items"]["columns"]["category"]
    without["tables"] = [table for table in without["tables"] if "category" not in table["key"]]

    def lines():
        text = aisle("export", "order_items", "--pipeline", "./mine/orders", "--data", "data", "--format", "jsonl").stdout
        return sorted(json.loads(line)["id"] for line in text.splitlines())

    assert lines() == ["1", "4"]
    (shop.folder / "kpis.json").write_text(json.dumps(without))
    assert shop.run("first")["rebuilt"] is True
    assert lines() == ["1", "2", "3", "4"]
    assert [day["total_revenue"] for day in shop.table("day")] == [59.5, 9.9]
    (shop.folder / "kpis.json").write_text(kept)
    assert shop.run("first")["rebuilt"] is True
    assert lines() == ["1", "4"]
    assert [day["total_revenue"] for day in shop.table("day")] == [10.0, 9.9]
    assert shop.run("later")["pending_resolved"] == 2
    assert [day["total_revenue"] for day in shop.table("day")] == [59.5, 9.9]


def test_state_of_another_version_is_made_anew(shop, aisle):
    shop.run("first")
    before = shop.table("day")
    with sqlite3.connect(shop.folder.parent.parent / "data/aisle.db") as folder:
        key, text = folder.execute("SELECT * FROM documents WHERE key = 'kpi/orders'").fetchone()
        document = json.loads(text)
        del document["format"]
        folder.execute("UPDATE documents SET text = ? WHERE key = ?", (json.dumps(document), key))
    refused = aisle("kpi", "day", "--pipeline", "./mine/orders", "--data", "data", expect=1)
    assert "by another version of aisle; the next run brings it up to date" in refused.stderr
    assert shop.run("first")["rebuilt"] is True
    assert shop.table("day") == before
    assert "rebuilt" not in shop.run("first")


@pytest.mark.parametrize("dataset, field, members", [
    ("order_items", "sale_price", {"scale": 2}),
    ("order_items", "quantity", {"type": "number", "scale": 2}),
    ("order_items", "created_at", {"type": "date"}),
    ("orders", "num_of_item", {"type": "string", "constraints": {}}),
])
def test_another_type_for_rows_that_are_kept_is_refused(shop, dataset, field, members):
    shop.run("first")
    before = shop.table("day")
    schema = (shop.folder / f"schemas/{dataset}.json").read_text()
    shop.field(dataset, field, **members)
    assert f'the schema of "{dataset}" gives "{field}" another type or scale' in shop.run("later", expect=1)
    (shop.folder / f"schemas/{dataset}.json").write_text(schema)
    assert shop.table("day") == before
    later = shop.run("later")
    assert later["status"] == "DONE" and "rebuilt" not in later


def test_a_data_folder_is_of_one_pipeline(shop, aisle):
    shop.run("first")
    shop.edit("kpis.json", lambda spec: spec.update(pipeline="second"))
    message = shop.run("later", expect=1)
    assert 'data holds the rows of a dataset "products" of another pipeline than "second", of "orders"' in message
    assert "give each pipeline a data folder of its own" in message
    shop.run("first", "later", data="own")
    assert len(aisle("export", "orders", "--pipeline", "./mine/orders", "--data", "own").stdout.splitlines()) == 5


def test_a_dataset_may_not_come_to_a_second_pipeline_later(shop, aisle, tmp_path):
    """Two pipelines get along in a folder while their datasets have other names; then one takes up a name of the other."""
    shop.run("first")
    visits = tmp_path / "mine/visits"
    visits.mkdir()
    (visits / "visits.json").write_text(json.dumps({"primaryKey": "visit", "fields": [
        {"name": "visit", "type": "string", "intern": True},
        {"name": "day", "type": "date", "constraints": {"required": True}}]}))
    spec = {"pipeline": "visits", "partition": "day", "datasets": {"visits": {"schema": "visits.json"}}, "tables": [
        {"name": "day", "key": ["day"], "measures": [{"name": "n", "from": "visits", "count": True}]}]}
    (visits / "kpis.json").write_text(json.dumps(spec))
    shop.write("walks", {"visits.csv": "visit,day\n1,2025-04-01\n"})
    aisle("run", "./mine/visits", "walks", "--data", "data")
    orders, before = shop.table("day"), aisle("export", "orders", "--pipeline", "./mine/orders", "--data", "data").stdout
    spec["datasets"]["orders"] = {"schema": "visits.json"}
    (visits / "kpis.json").write_text(json.dumps(spec))
    shop.write("more", {"visits_2.csv": "visit,day\n2,2025-04-02\n"})
    done = aisle("run", "./mine/visits", "more", "--data", "data", expect=1)
    assert 'data holds the rows of a dataset "orders" of another pipeline than "visits", of "orders"' in done.stderr
    assert shop.table("day") == orders
    assert aisle("export", "orders", "--pipeline", "./mine/orders", "--data", "data").stdout == before
    del spec["datasets"]["orders"]
    (visits / "kpis.json").write_text(json.dumps(spec))
    aisle("run", "./mine/visits", "more", "--data", "data")
    assert json.loads(aisle("kpi", "day", "--pipeline", "./mine/visits", "--data", "data", "--json").stdout) == [
        {"day": "2025-04-01", "n": 1}, {"day": "2025-04-02", "n": 1}]
    shop.run("later")
