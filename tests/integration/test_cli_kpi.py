"""Reading what runs left: kpi, export, trace and runs, on a shop small enough to work out by hand."""
import csv
import io
import json
import os
import pty
import shutil
import subprocess

import duckdb
import pytest

from conftest import PROGRAM, TOP

ORDERS = """order_id,user_id,status,created_at,returned_at,shipped_at,delivered_at,num_of_item
1,10,delivered,2025-04-01T10:00:00,,2025-04-01T12:00:00,2025-04-02T10:00:00,2
2,11,returned,2025-04-01T11:00:00,2025-04-05T00:00:00,2025-04-01T15:00:00,2025-04-03T11:00:00,1
3,10,shipped,2025-04-02T09:00:00,,2025-04-02T21:00:00,,1
x,10,shipped,2025-02-30T09:00:00,,,,1
4,12,cancelled,2025-05-01T09:00:00,,,,1
"""
ITEMS = """id,order_id,user_id,product_id,status,created_at,shipped_at,delivered_at,returned_at,sale_price
101,1,10,P1,delivered,2025-04-01T10:00:00,,,,20.00
102,1,10,P2,delivered,2025-04-01T10:00:00,,,,5.50
103,2,11,P1,returned,2025-04-01T11:00:00,,,,21
104,3,10,P3,shipped,2025-04-02T09:00:00,,,,100
105,4,12,P2,cancelled,2025-05-01T09:00:00,,,,6
"""
PRODUCTS = """id,sku,cost,category,name,brand,retail_price,department
P1,S1,10,Electronics,Phone,Acme,25,All
P2,S2,2,"Home, Garden",Pot,Acme,6,All
P3,S3,50,Electronics,Screen,Acme,120,All
"""


@pytest.fixture
def shop(aisle, tmp_path):
    """`aisle` in a folder where the shop's files were run."""
    files = tmp_path / "files"
    for name, text in {"orders": ORDERS, "order_items": ITEMS, "products": PRODUCTS}.items():
        (files / name).mkdir(parents=True)
        (files / name / f"{name}_part1.csv").write_text(text)
    aisle("run", "orders", files)
    return aisle


def rows(done):
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_the_tables_are_listed(shop):
    listed = [line.split()[0] for line in shop("kpi").stdout.splitlines()[2:]]
    assert listed == ["category_day", "day", "product_day", "product", "customer", "month", "fulfilment_day", "region_day"]


def test_days_are_exact(shop):
    assert shop("kpi", "days", "--csv").stdout == (
        "order_date,total_orders,total_revenue,total_items_sold,return_rate,unique_customers,avg_order_value\n"
        "2025-04-01,2,46.50,3,0.5000,2,23.25\n"
        "2025-04-02,1,100.00,1,0.0000,1,100.00\n"
        "2025-05-01,1,6.00,1,0.0000,1,6.00\n")


def test_json_says_the_same_as_csv(shop):
    for table in ("category", "days", "product_day", "products", "customers", "months", "fulfilment"):
        from_json = json.loads(shop("kpi", table, "--json").stdout, parse_float=str, parse_int=str)
        from_csv = rows(shop("kpi", table, "--csv"))
        assert from_csv
        assert from_csv == [{name: "" if value is None else value for name, value in row.items()} for row in from_json]


def test_a_table_has_bars_and_sums(shop):
    done = shop("kpi", "days", LC_ALL="C.UTF-8")
    assert done.stdout.splitlines() == [
        "order_date  total_orders  total_revenue                total_items_sold  return_rate  unique_customers  "
        "avg_order_value",
        "──────────  ────────────  ─────────────  ────────────  ────────────────  ───────────  ────────────────  "
        "───────────────",
        "2025-04-01             2          46.50  █████▋                       3       0.5000                 2  "
        "          23.25",
        "2025-04-02             1         100.00  ████████████                 1       0.0000                 1  "
        "         100.00",
        "2025-05-01             1           6.00  ▊                            1       0.0000                 1  "
        "           6.00",
        "──────────  ────────────  ─────────────  ────────────  ────────────────  ───────────  ────────────────  "
        "───────────────",
        "total                  4         152.50                               5",
    ]
    assert "#####" in shop("kpi", "days", LC_ALL="C").stdout


def test_rows_are_chosen_by_day_and_key(shop):
    assert [row["order_date"] for row in rows(shop("kpi", "days", "--csv", "--from", "2025-04-02"))] == [
        "2025-04-02", "2025-05-01"]
    assert [row["order_month"] for row in rows(shop("kpi", "months", "--csv", "--to", "2025-04-02"))] == ["2025-04"]
    garden = rows(shop("kpi", "category", "--csv", "--category", "Home, Garden", "--to", "2025-04-30"))
    assert [(row["category"], row["daily_revenue"]) for row in garden] == [("Home, Garden", "5.50")]
    assert [row["product_id"] for row in rows(shop("kpi", "products", "--csv", "--key", "P3"))] == ["P3"]
    nothing = shop("kpi", "category", "--csv", "--category", "Toys")
    assert nothing.stdout.count("\n") == 1
    assert nothing.stderr == "aisle: the table 'category_day' has no such rows\n"


def test_best_and_worst(shop):
    # Net revenue: P1 20.00 (one of two came back), P2 5.50 (one was cancelled), P3 100.00.
    best = rows(shop("kpi", "products", "--top", "2", "--csv"))
    assert [(row["product_id"], row["net_revenue"], row["rank"]) for row in best] == [
        ("P3", "100.00", "1"), ("P1", "20.00", "2")]
    assert [row["product_id"] for row in rows(shop("kpi", "products", "--worst", "2", "--csv"))] == ["P2", "P1"]
    assert [row["customer_id"] for row in rows(shop("kpi", "customers", "--top", "1", "--by", "orders", "--csv"))] == ["10"]
    assert len(rows(shop("kpi", "products", "--top", "100", "--csv"))) == 3


def test_wrong_words_get_an_answer(shop, aisle):
    assert "did you mean 'category_day'?" in shop("kpi", "categroy_day", expect=2).stderr
    assert "'aisle kpi' lists them" in shop("kpi", "zzzz", expect=2).stderr
    assert "did you mean 'net_revenue'?" in shop("kpi", "products", "--top", "3", "--by", "net_revenu", expect=2).stderr
    assert "one of --top and --worst" in shop("kpi", "days", "--top", "1", "--worst", "1", expect=2).stderr
    assert "has no category" in shop("kpi", "days", "--category", "Toys", expect=2).stderr
    assert "there is no day '2025-02-30'" in shop("kpi", "days", "--from", "2025-02-30", expect=2).stderr
    assert "there is no pipeline" in shop("kpi", "days", "--pipeline", "nonsense", expect=1).stderr


def test_a_table_answers_to_its_name_in_the_plural(shop):
    for name in ("categories", "category", "category_day"):
        assert shop("kpi", name, "--csv").stdout == shop("export", "category_day").stdout


def test_a_table_without_numbers_has_no_best(shop, tmp_path):
    pipeline = tmp_path / "mine/orders"
    shutil.copytree(TOP / "pipelines/orders", pipeline)
    spec = json.loads((pipeline / "kpis.json").read_text())
    spec["tables"].append({"name": "seen", "key": ["region"], "measures": [
        {"name": "last", "from": "orders", "max": "order_date"}]})
    (pipeline / "kpis.json").write_text(json.dumps(spec))
    shop("run", pipeline, tmp_path / "files")
    done = shop("kpi", "seen", "--top", "1", "--pipeline", pipeline, expect=2)
    assert "the table 'seen' has no number to go by; name a column with --by" in done.stderr
    assert shop("kpi", "seen", "--pipeline", pipeline, "--top", "1", "--by", "last", "--csv").returncode == 0


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_full_disk_is_told(shop, tmp_path, form):
    with open("/dev/full", "w") as full:
        done = subprocess.run([PROGRAM, "export", "order_items", "--format", form], stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=60, cwd=tmp_path,
                              env=os.environ | {"AISLE_PIPELINES": str(TOP / "pipelines")})
    assert done.returncode == 1 and "written" in done.stderr


def test_without_data_it_says_how_to_make_some(aisle):
    for command in (("kpi", "days"), ("export", "day"), ("trace", "day", "2025-04-01")):
        done = aisle(*command, expect=1)
        assert done.stdout == ""
        assert "aisle run orders PATH" in done.stderr and "aisle sample orders" in done.stderr
    assert "no data folder" in aisle("runs", expect=1).stderr


@pytest.mark.parametrize("table", ["category_day", "day", "product", "orders", "order_items", "products"])
def test_every_export_format_says_the_same(shop, tmp_path, table):
    for ending in ("csv", "jsonl", "parquet"):
        shop("export", table, "-o", f"out.{ending}")
    lines = [json.loads(line, parse_float=str, parse_int=str) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    texts = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert texts == [{name: "" if value is None else value for name, value in row.items()} for row in lines]
    assert texts
    read = duckdb.sql(f"select * from '{tmp_path}/out.parquet'")
    assert read.columns == list(lines[0])
    filled = duckdb.sql(f"select count(*), count(columns(*)) from '{tmp_path}/out.parquet'").fetchall()[0]
    assert filled == (len(lines), *(sum(line[name] is not None for line in lines) for name in read.columns))
    assert sorted(path.name for path in tmp_path.glob("out.*")) == ["out.csv", "out.jsonl", "out.parquet"]
    assert shop("export", table).stdout == (tmp_path / "out.csv").read_text()
    assert shop("export", table, "--format", "jsonl").stdout == (tmp_path / "out.jsonl").read_text()


def test_cleaned_rows_have_their_day_and_values(shop, tmp_path):
    shop("export", "order_items", "-o", "items.parquet")
    read = duckdb.sql(f"select id, order_id, sale_price, total_price, order_date::text from '{tmp_path}/items.parquet' "
                      "order by id").fetchall()
    assert [(row[0], row[1], float(row[2]), float(row[3]), row[4]) for row in read] == [
        ("101", "1", 20, 20, "2025-04-01"), ("102", "1", 5.5, 5.5, "2025-04-01"), ("103", "2", 21, 21, "2025-04-01"),
        ("104", "3", 100, 100, "2025-04-02"), ("105", "4", 6, 6, "2025-05-01")]
    assert [row["order_id"] for row in rows(shop("export", "orders", "--from", "2025-04-02", "--to", "2025-04-30"))] == ["3"]


def test_an_export_that_fails_leaves_what_was_there(shop, tmp_path):
    kept = tmp_path / "kept.csv"
    kept.write_text("of before")
    os.symlink("/dev/full", tmp_path / "kept.csv.part")
    done = shop("export", "day", "-o", "kept.csv", expect=1)
    assert "kept.csv" in done.stderr
    assert kept.read_text() == "of before"
    assert "cannot be written" in shop("export", "day", "-o", "no/such/folder/x.csv", expect=1).stderr
    assert "must be csv, jsonl or parquet" in shop("export", "day", "--format", "xml", expect=2).stderr


def test_parquet_is_not_for_terminals(shop, tmp_path):
    control, own = pty.openpty()
    done = subprocess.run([PROGRAM, "export", "day", "--format", "parquet"], stdout=own, stderr=subprocess.PIPE, text=True,
                          cwd=tmp_path, timeout=60, env=os.environ | {"AISLE_PIPELINES": str(TOP / "pipelines")})
    os.close(own)
    os.close(control)
    assert done.returncode == 2
    assert "-o FILE" in done.stderr


def test_a_kpi_is_traced_to_files_and_lines(shop, tmp_path):
    traced = json.loads(shop("trace", "category_day", "Electronics", "2025-04-01", "--json").stdout)
    place = str(tmp_path / "files/order_items/order_items_part1.csv")
    assert [(row["dataset"], row["file"], row["line"], row["row"]["id"]) for row in traced] == [
        ("order_items", place, 2, "101"), ("order_items", place, 4, "103")]
    day = json.loads(shop("trace", "day", "2025-04-01", "--json").stdout)
    assert [(row["dataset"], row["line"]) for row in day] == [
        ("orders", 2), ("orders", 3), ("order_items", 2), ("order_items", 3), ("order_items", 4)]
    customer = json.loads(shop("trace", "customer", "10", "--json").stdout)
    assert {(row["dataset"], row["line"]) for row in customer} == {
        ("orders", 2), ("orders", 4), ("order_items", 2), ("order_items", 3), ("order_items", 5)}
    month = json.loads(shop("trace", "month", "2025-05", "--json").stdout)
    assert [(row["dataset"], row["line"]) for row in month] == [("orders", 6), ("order_items", 6)]
    whole_category = json.loads(shop("trace", "category", "Electronics", "--json").stdout)
    assert [row["row"]["id"] for row in whole_category] == ["101", "103", "104"]


def test_a_trace_shows_the_kpi_and_counts_rows(shop):
    shown = shop("trace", "day", "2025-04-01", "--limit", "2").stdout
    assert "46.50" in shown
    assert "orders: 2 rows\norder_items: 3 rows\n2 of 5 rows are shown" in shown
    assert "no row stands behind it" in shop("trace", "customer", "nobody").stdout
    assert "must be a date" in shop("trace", "day", "yesterday", expect=2).stderr
    assert "has 1 key, not 2" in shop("trace", "day", "2025-04-01", "more", expect=2).stderr


def test_a_trace_after_a_correction_leads_to_the_newer_file(shop, tmp_path):
    later = tmp_path / "later" / "order_items"
    later.mkdir(parents=True)
    header, first, *_ = ITEMS.splitlines()
    (later / "fix.csv").write_text(f"{header}\n\n{first.replace('20.00', '30.00')}\n")
    shop("run", "orders", tmp_path / "later")
    traced = json.loads(shop("trace", "category_day", "Electronics", "2025-04-01", "--json").stdout)
    assert {(row["file"].rsplit("/", 1)[1], row["row"]["id"], row["row"]["sale_price"]) for row in traced} == {
        ("fix.csv", "101", 30), ("order_items_part1.csv", "103", 21)}
    assert [row["line"] for row in traced if row["row"]["id"] == "101"] == [3]


def test_runs_are_listed_and_shown(shop, tmp_path):
    shop("run", "orders", tmp_path / "files")
    listed = json.loads(shop("runs", "--json").stdout)
    assert [run["status"] for run in listed] == ["NOTHING_NEW", "DONE"]
    first = listed[1]["run"]
    assert listed[1]["datasets"]["orders"] == listed[1]["datasets"]["orders"] | {"read": 5, "valid": 4, "rejected": 1}
    table = shop("runs").stdout
    assert first in table and "rows read" in table
    assert len(json.loads(shop("runs", "--json", "--last", "1").stdout)) == 1
    shown = shop("runs", "show", first).stdout
    assert f"Run {first}  DONE" in shown and "1 of 5 rows rejected" in shown
    assert json.loads(shop("runs", "show", first, "--json").stdout) == listed[1]
    assert "there is no run 'zzz'" in shop("runs", "show", "zzz", expect=1).stderr
    assert "more than one run begins with '0'" in shop("runs", "show", "0", expect=2).stderr
    assert "needs RUN" in shop("runs", "show", expect=2).stderr
