"""aisle sample: what it writes, and that it says so."""
import csv
import json
from decimal import Decimal

from shop import oracle_of


def made(aisle, tmp_path, *words):
    return json.loads(aisle("sample", *words, "--out", tmp_path / "files", "--json").stdout)


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_orders_hold_together(aisle, tmp_path):
    """Clean orders, lines and products refer to one another, in order of time, with as many lines as an order says."""
    told = made(aisle, tmp_path, "orders", "--rows", 1003, "--files", 3)
    orders = [row for part in (1, 2, 3) for row in rows_of(tmp_path / f"files/orders/orders_part{part}.csv")]
    lines = [row for part in (1, 2, 3) for row in rows_of(tmp_path / f"files/order_items/order_items_part{part}.csv")]
    products = {row["id"]: row for row in rows_of(tmp_path / "files/products/products.csv")}
    assert {name: counts["rows"] for name, counts in told.items()} == {
        "orders": len(orders), "order_items": len(lines), "products": len(products)}
    assert [row["order_id"] for row in orders] == [str(number) for number in range(1, 1004)]
    assert [row["id"] for row in lines] == [str(number) for number in range(1, len(lines) + 1)]
    count = dict.fromkeys((row["order_id"] for row in orders), 0)
    for row in lines:
        count[row["order_id"]] += 1
        retail = Decimal(products[row["product_id"]]["retail_price"])
        assert retail * Decimal("0.88") < Decimal(row["sale_price"]) < retail * Decimal("1.08")
    for row in orders:
        assert count[row["order_id"]] == int(row["num_of_item"])
        times = [row[name] for name in ("created_at", "shipped_at", "delivered_at", "returned_at")]
        assert "2025-03-08T00:00:00" <= times[0] < "2025-04-08"
        assert [time for time in times if time] == sorted(time for time in times if time)
        assert (times[3] != "") == (row["status"] == "returned")
    assert 2.5 < len(lines) / len(orders) < 2.7


def test_a_model_takes_every_clean_row(aisle, tmp_path):
    for family in ("pieces", "quantity"):
        aisle("sample", "orders", "--rows", 300, "--family", family, "--out", tmp_path / family)
        _, counts = oracle_of(tmp_path / family)
        for told in counts["datasets"].values():
            assert told["valid"] == told["read"] > 0


def test_defects_are_told_and_are_there(aisle, tmp_path):
    told = made(aisle, tmp_path, "orders", "--rows", 3000, "--dirty", "20%", "--files", 1)
    for counts in told.values():
        assert sum(counts["defects"].values()) == counts["dirty"]
    assert 500 < told["orders"]["dirty"] < 700
    _, counts = oracle_of(tmp_path / "files")
    # These are no reason to reject a row.
    fine = {"unknown_status", "duplicate", "duplicate_other", "duplicate_older", "orphan_order",
            "orphan_product", "quoted"}
    for dataset, found in told.items():
        rejected = sum(count for name, count in found["defects"].items() if name not in fine)
        # A date or a cell that is made empty, or a cut row, may hit one that was empty or needs no more.
        assert rejected * 0.9 <= counts["datasets"][dataset]["rejected"] <= rejected
        assert counts["datasets"][dataset]["read"] == found["rows"]


def test_sales_and_catalog_have_the_public_columns(aisle, tmp_path):
    made(aisle, tmp_path, "sales", "--rows", 50)
    made(aisle, tmp_path, "catalog", "--rows", 50)
    sales = rows_of(tmp_path / "files/smartphone_sales.csv")
    assert list(sales[0]) == ["order_id", "date", "model", "brand", "release_year", "price", "region",
                              "customer_review", "ram", "storage", "color"]
    products = rows_of(tmp_path / "files/amazon_products.csv")
    assert len({row["asin"] for row in products}) == 50
    for row in products:
        assert isinstance(json.loads(row["categories"]), list) and isinstance(json.loads(row["features"]), list)


def test_words_that_make_no_sense(aisle, tmp_path):
    for words in (["flowers"], [], ["orders", "--rows", "0"], ["orders", "--dirty", "1.5"], ["orders", "--rows", "x"],
                  ["orders", "--start", "2025-02-30"], ["orders", "--start", "1969-12-31"]):
        done = aisle("sample", *words, expect=2)
        assert done.stderr and not done.stdout
    assert not (tmp_path / "sample").exists()


def test_files_that_are_there_stay(aisle, tmp_path):
    aisle("sample", "orders", "--rows", 10, "--out", tmp_path / "files")
    before = (tmp_path / "files/orders/orders_part1.csv").read_bytes()
    done = aisle("sample", "orders", "--rows", 20, "--out", tmp_path / "files", expect=1)
    assert "--out" in done.stderr
    assert (tmp_path / "files/orders/orders_part1.csv").read_bytes() == before
