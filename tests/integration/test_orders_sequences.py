"""Runs one after another come to the same tables as one run over everything, and both to what the model says."""
import csv
import os
import random

import pytest

from oracle import Oracle
from shop import (Shop, compare_cleaned, compare_counts, compare_table, compare_tables, compare_totals, oracle_of,
                  run_json, store)

SEEDS = [int(os.environ["ORDERS_SEED"])] if "ORDERS_SEED" in os.environ else [1, 2, 3, 4, 5, 6]


def batches_of(shop, count):
    """Files for each of some runs, all with names in order of arrival, some of them sent before."""
    sent, number, batches = [], 0, []
    for _ in range(count):
        batch = []
        for dataset, most in (("orders", 2), ("order_items", 3), ("products", 1)):
            for _ in range(shop.random.randrange(most + 1)):
                number += 1
                batch.append((dataset, f"{dataset}_part{number}", shop.file(dataset, shop.random.randrange(1, 40))))
        for dataset, _, data in shop.random.sample(sent, min(len(sent), shop.random.randrange(3))):
            number += 1
            batch.append((dataset, f"{dataset}_part{number}", data))
        if not batch:
            number += 1
            batch = [("products", f"products_part{number}", shop.file("products", 3))]
        sent += batch
        batches.append(batch)
    return batches


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("limit", [None, "32M"])
def test_any_sequence_of_runs(aisle, tmp_path, seed, limit):
    shop = Shop(seed)
    oracle = Oracle()
    batches = batches_of(shop, 7)
    words = ["--memory-limit", limit] if limit else []
    print(f"ORDERS_SEED={seed}")
    for number, batch in enumerate(batches):
        folder = store(tmp_path / f"run{number}", batch)
        done = aisle("run", "orders", folder, "--data", tmp_path / "data", "--json", *words, expect=None)
        assert done.returncode in (0, 3), done.stderr
        compare_counts(run_json(done), oracle.run(batch))
        compare_totals(run_json(done), oracle)
        compare_tables(aisle, tmp_path / "data", oracle, ["jsonl", "csv"][number % 2])
        compare_cleaned(aisle, tmp_path / "data", oracle)
    everything = store(tmp_path / "everything", [file for batch in batches for file in batch])
    once = aisle("run", "orders", everything, "--data", tmp_path / "once", "--json", *words)
    counts = run_json(once)["datasets"]
    for dataset, told in counts.items():
        assert told["read"] == told["valid"] + told["rejected"] + told["duplicate"] + told["pending"]
    compare_tables(aisle, tmp_path / "once", oracle)
    compare_cleaned(aisle, tmp_path / "once", oracle)
    # The same without a data folder.
    aisle("run", "orders", everything, "--kpi-only", "--out", tmp_path / "kpis", *words)
    for name, expected in oracle.tables().items():
        with open(tmp_path / "kpis" / f"{name}.csv", encoding="utf-8", newline="") as file:
            rows = [{key: value or None for key, value in row.items()} for row in csv.DictReader(file)]
        compare_table(name, expected, rows)


@pytest.mark.parametrize("family", ["pieces", "quantity"])
@pytest.mark.parametrize("dirty", ["0", "0.3"])
def test_one_run_over_a_sample(aisle, tmp_path, family, dirty):
    aisle("sample", "orders", "--rows", 600, "--seed", 11, "--dirty", dirty, "--family", family, "--days", 9,
          "--files", 3, "--products", 40, "--customers", 150, "--out", tmp_path / "files")
    oracle, expected = oracle_of(tmp_path / "files")
    done = aisle("run", "orders", tmp_path / "files", "--data", tmp_path / "data", "--json")
    compare_counts(run_json(done), expected)
    compare_tables(aisle, tmp_path / "data", oracle)
    if dirty == "0":
        assert expected["datasets"]["orders"]["valid"] == 600
    else:
        assert expected["datasets"]["order_items"]["pending"] > 50


@pytest.mark.parametrize("seed", SEEDS)
def test_days_in_any_order(aisle, tmp_path, seed):
    """Days of a clean shop, each its own run, in random order, lines of a day before or after its orders."""
    chance = random.Random(seed)
    print(f"ORDERS_SEED={seed}")
    batches = []
    for day in range(5):
        aisle("sample", "orders", "--rows", 50, "--first-order", 1 + 50 * day, "--days", 1, "--start",
              f"2025-04-0{day + 1}", "--seed", seed, "--products", 20, "--customers", 40, "--out", tmp_path / f"day{day}")
        batches += [(day, part) for part in ("orders", "order_items", "products")]
    chance.shuffle(batches)
    oracle = Oracle()
    for number, (day, part) in enumerate(batches):
        folder = tmp_path / f"day{day}" / part
        files = [(part, f"{number}-{path.name}", path.read_bytes()) for path in folder.iterdir()]
        expected = oracle.run(files)
        done = run_json(aisle("run", "orders", folder, "--data", tmp_path / "data", "--json"))
        compare_counts(done, expected)
    assert not oracle.lines_waiting()
    assert done["datasets"]["order_items"]["pending"] == 0
    compare_tables(aisle, tmp_path / "data", oracle)


def three_files(seed):
    shop = Shop(seed)
    return [("orders", "orders_part1", shop.file("orders", 30)),
            ("order_items", "order_items_part1", shop.file("order_items", 60)),
            ("products", "products", shop.file("products", 9))]


def test_files_sent_again_change_nothing(aisle, tmp_path):
    files = three_files(21)
    folder = store(tmp_path / "files", files)
    first = run_json(aisle("run", "orders", folder, "--data", tmp_path / "data", "--json"))
    tables = {name: aisle("export", name, "--format", "csv", "--data", tmp_path / "data").stdout
              for name in ("category_day", "day", "product", "customer")}
    renamed = store(tmp_path / "again", [(dataset, f"{name}_copy", data) for dataset, name, data in files])
    second = run_json(aisle("run", "orders", renamed, "--data", tmp_path / "data", "--json"))
    for counts in second["datasets"].values():
        assert counts == dict.fromkeys(counts, 0)
    assert second["days_recomputed"] == 0
    assert first["run"] != second["run"]
    for name, text in tables.items():
        assert aisle("export", name, "--format", "csv", "--data", tmp_path / "data").stdout == text


def test_a_reprocess_takes_the_same_files_again(aisle, tmp_path):
    files = three_files(22)
    folder = store(tmp_path / "files", files)
    oracle = Oracle()
    oracle.run(files)
    aisle("run", "orders", folder, "--data", tmp_path / "data", "--json")
    again = run_json(aisle("run", "orders", folder, "--data", tmp_path / "data", "--json", "--reprocess"))
    assert again["datasets"]["orders"]["read"] == 30
    assert again["datasets"]["order_items"]["read"] == 60
    for told in again["datasets"].values():
        assert told["read"] == told["valid"] + told["rejected"] + told["duplicate"] + told["pending"]
    compare_tables(aisle, tmp_path / "data", oracle)


ORDERS = "order_id,customer_id,order_date,status\n"
LINES = "order_item_id,order_id,product_id,quantity,price\n"
PRODUCTS = "product_id,name,category,price\n"


def write(folder, **files):
    batch = [(name, name, text.encode()) for name, text in files.items()]
    return store(folder, batch), batch


@pytest.fixture
def step(aisle, tmp_path):
    """step(orders=…, order_items=…, products=…): one run of these files, compared with the model; gives its summary."""
    oracle = Oracle()
    number = iter(range(100))

    def run(**files):
        folder, batch = write(tmp_path / f"step{next(number)}", **files)
        summary = run_json(aisle("run", "orders", folder, "--data", tmp_path / "data", "--json", expect=None))
        compare_counts(summary, oracle.run(batch))
        compare_tables(aisle, tmp_path / "data", oracle)
        return summary

    return run


def test_a_line_waits_for_its_order_and_its_product(step):
    summary = step(order_items=LINES + "1,10,P1,2,5.00\n")
    assert summary["datasets"]["order_items"]["pending"] == 1
    summary = step(orders=ORDERS + "10,7,2025-04-01,delivered\n")
    assert summary["pending_resolved"] == 0
    summary = step(products=PRODUCTS + "P1,Mug,Home,6\n")
    assert summary["pending_resolved"] == 1
    assert summary["days_recomputed"] == 1


def test_a_newer_order_replaces_an_older_one(step):
    orders = "order_id,user_id,status,created_at,shipped_at\n"
    step(orders=orders + "10,7,processing,2025-04-01T10:00:00,\n", order_items=LINES + "1,10,P1,2,5.00\n",
         products=PRODUCTS + "P1,Mug,Home,6\n")
    step(orders=orders + "10,7,shipped,2025-04-01T10:00:00,2025-04-02T10:00:00\n")
    # An older state that comes late is a duplicate.
    summary = step(orders=orders + "10,7,cancelled,2025-04-01T11:00:00,\n")
    assert summary["datasets"]["orders"]["duplicate"] == 1
    # A newer one may move the order to another day and another customer.
    step(orders=orders + "10,8,returned,2025-04-03T10:00:00,2025-04-04T10:00:00\n")


def test_equal_versions_let_the_later_row_win(step):
    step(orders=ORDERS + "10,7,2025-04-01,processing\n10,7,2025-04-01,returned\n")
    step(orders=ORDERS + "10,9,2025-04-01,delivered\n")


def test_a_product_changes_its_category(step):
    step(orders=ORDERS + "10,7,2025-04-01,delivered\n11,7,2025-04-02,returned\n",
         order_items=LINES + "1,10,P1,2,5.00\n2,11,P1,1,5.00\n3,11,P2,1,8.00\n",
         products=PRODUCTS + "P1,Mug,Home,6\nP2,Book,Books,8\n")
    step(products=PRODUCTS + "P1,Mug,Kitchen,6\n")
    step(products=PRODUCTS + "P1,Mug,Books,6\nP1,Mug,Kitchen,6\n")


def test_a_line_is_replaced_by_one_that_waits(step):
    step(orders=ORDERS + "10,7,2025-04-01,delivered\n", order_items=LINES + "1,10,P1,2,5.00\n",
         products=PRODUCTS + "P1,Mug,Home,6\n")
    summary = step(order_items=LINES + "1,99,P1,2,5.00\n")
    assert summary["datasets"]["order_items"]["pending"] == 1
    step(order_items=LINES + "1,10,P1,3,5.00\n")
    summary = step(orders=ORDERS + "99,7,2025-04-05,delivered\n")
    assert summary["pending_resolved"] == 0


def test_two_waiting_rows_with_one_key(step):
    summary = step(order_items=LINES + "1,10,P1,2,5.00\n1,10,P1,4,5.00\n")
    assert summary["datasets"]["order_items"]["duplicate"] == 1
    step(order_items=LINES + "1,10,P1,6,5.00\n")
    summary = step(orders=ORDERS + "10,7,2025-04-01,delivered\n", products=PRODUCTS + "P1,Mug,Home,6\n")
    assert summary["pending_resolved"] == 1


def test_a_region_column_gives_its_table(aisle, step, tmp_path):
    step(orders="order_id,customer_id,order_date,status,region\n10,7,2025-04-01,delivered,North\n"
                "11,7,2025-04-01,delivered,\n12,8,2025-04-02,delivered,South\n",
         order_items=LINES + "1,10,P1,2,5.00\n2,11,P1,1,5.00\n", products=PRODUCTS + "P1,Mug,Home,6\n")


def test_money_is_exact_and_rounds_half_up(aisle, step, tmp_path):
    step(orders=ORDERS + "1,7,2025-04-01,delivered\n2,7,2025-04-01,delivered\n3,7,2025-04-01,returned\n",
         order_items=LINES + "1,1,P1,1,0.005\n2,1,P1,1,0.01\n3,2,P1,1,0.1\n4,3,P1,3,0.3333\n",
         products=PRODUCTS + "P1,Mug,Home,6\n")
    day = aisle("export", "day", "--format", "csv", "--data", tmp_path / "data").stdout
    assert "1.11" in day  # 0.005 + 0.01 + 0.1 + 0.9999 = 1.1149
    assert "0.3333" in day
