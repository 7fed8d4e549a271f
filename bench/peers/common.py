"""What every peer's script shares: where the data is, and how results are handed back.

A script is called as `peer.py DATA OUT kpi|full`. DATA holds orders/*.csv, order_items/*.csv and products/*.csv in the
first column family. It leaves in OUT

    category_day.csv   category,order_date,orders,revenue_cents,returned_orders
    day.csv            order_date,orders,revenue_cents,items,returned_orders,customers
    facts.json         seconds of work, without the interpreter's start and imports; the engine's version

and, for `full`, cleaned orders and order_items as Parquet, partitioned by order date, under OUT/cleaned. The bench
reads these files and compares them exactly. Columns are separated by tabs.
"""
import json
import os
import sys
import time


class Run:
    def __init__(self):
        self.data, self.out, mode = sys.argv[1:4]
        self.full = mode == "full"
        self.cleaned = os.path.join(self.out, "cleaned")
        os.makedirs(self.cleaned, exist_ok=True)
        self.orders = os.path.join(self.data, "orders", "*.csv")
        self.items = os.path.join(self.data, "order_items", "*.csv")
        self.products = os.path.join(self.data, "products", "*.csv")
        self.started = time.monotonic()

    def done(self, version, category_day, day):
        """Rows as tuples of plain Python values; dates as text or date; the clock stops here."""
        seconds = time.monotonic() - self.started
        for name, rows in (("category_day", category_day), ("day", day)):
            with open(os.path.join(self.out, name + ".csv"), "w") as file:
                for row in rows:
                    file.write("\t".join(str(value) for value in row) + "\n")
        with open(os.path.join(self.out, "facts.json"), "w") as file:
            json.dump({"seconds": seconds, "version": version}, file)
