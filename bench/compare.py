"""The results of Aisle and of a peer in one canonical form, and whether they are the same to the last digit."""
import csv
import io
import json
import subprocess
from decimal import ROUND_HALF_UP, Decimal


class Differs(Exception):
    pass


def rounded(value, digits):
    return str(value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def of_peer(out):
    """Counts and cents become the figures of the KPI tables."""
    category_day, day = {}, {}
    with open(out / "category_day.csv") as file:
        for line in file:
            category, date, orders, cents, returned = line.rstrip("\n").split("\t")
            revenue, orders = Decimal(cents) / 100, int(orders)
            category_day[category, date] = (orders, rounded(revenue, 2), rounded(revenue / orders, 2),
                                            rounded(Decimal(returned) / orders, 4))
    with open(out / "day.csv") as file:
        for line in file:
            date, orders, cents, items, returned, customers = line.rstrip("\n").split("\t")
            revenue, orders = Decimal(cents) / 100, int(orders)
            day[date] = (orders, rounded(revenue, 2), int(items), rounded(Decimal(returned) / orders, 4),
                         int(customers), rounded(revenue / orders, 2))
    return {"category_day": category_day, "day": day}


def table_of_aisle(aisle, folder, table):
    """From the files of a run with --kpi-only, else out of the data folder."""
    if (folder / f"{table}.csv").exists():
        return list(csv.DictReader(io.StringIO((folder / f"{table}.csv").read_text())))
    text = subprocess.run([aisle, "export", table, "--format", "csv", "--data", str(folder)], check=True,
                          capture_output=True, text=True).stdout
    return list(csv.DictReader(io.StringIO(text)))


def of_aisle(aisle, folder):
    category_day = {
        (row["category"], row["order_date"]): (int(row["orders"]), rounded(Decimal(row["daily_revenue"]), 2),
                                               rounded(Decimal(row["avg_order_value"]), 2),
                                               rounded(Decimal(row["avg_return_rate"]), 4))
        for row in table_of_aisle(aisle, folder, "category_day")}
    day = {
        row["order_date"]: (int(row["total_orders"]), rounded(Decimal(row["total_revenue"]), 2),
                            int(Decimal(row["total_items_sold"])), rounded(Decimal(row["return_rate"]), 4),
                            int(row["unique_customers"]), rounded(Decimal(row["avg_order_value"]), 2))
        for row in table_of_aisle(aisle, folder, "day")}
    return {"category_day": category_day, "day": day}


def of_cleaned(python, top, out):
    """Rows, days and the sum of prices of the cleaned Parquet files, read by one independent reader."""
    text = subprocess.run([python, str(top / "bench" / "peers" / "read_cleaned.py"), str(out / "cleaned")], check=True,
                          capture_output=True, text=True).stdout
    return {"cleaned": {key: tuple(value) for key, value in json.loads(text).items()}}


def same(expected, got, name):
    """Raises Differs with the first differences."""
    wrong = []
    for table, rows in expected.items():
        for key in sorted(set(rows) | set(got[table])):
            if rows.get(key) != got[table].get(key):
                wrong.append(f"{table} {key}: {rows.get(key)} against {got[table].get(key)}")
    if wrong:
        raise Differs(f"the results of {name} differ in {len(wrong)} rows:\n" + "\n".join(wrong[:10]))
