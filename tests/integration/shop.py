"""Random files of a small shop, spelled in every way that is allowed, with defects; and the comparison with the
model."""
import csv
import gzip
import io
import json
import random
from decimal import Decimal

from oracle import FIELDS, KEY, PARSERS, STATUSES, Oracle, rank_bounds

ORDER_IDS = [str(n) for n in range(1, 31)] + ["07", "7", "P1", "P01", "ORD-\u00e4", "9" * 18, "1" + "0" * 18, "A" * 40,
                                               "x,y", 'say "hi"']
LINE_IDS = [str(n) for n in range(1, 90)] + ["L1", "L01", "line 5", "12345678901234567890"]
PRODUCT_IDS = ["1", "2", "3", "P1001", "P1002", "P01001", "p1001", "sku-9", "\u20ac5"]
CUSTOMERS = ["1", "2", "3", "4", "0004", "c7", "C7", "anna@shop.example"]
CATEGORIES = ["Books", "Home & Kitchen", "Gr\u00f6\u00dfe, \"XL\"", "books", "Toys"]
PRICES = ["0", "0.01", "9.99", "10", "10.0", "81.8", "19.95", "0.005", "3.3333", "12.3456", "1e2", "+5.00",
          "1.20000", ".5", "123456.78"]
REGIONS = ["North", "South", "", "Overseas, far"]
ZONES = ["", "", "", "Z", "+02:00", "-0530"]

DEFECTS = {
    "orders": {"order_id": [""], "user_id": ["", " "], "status": [""],
               "created_at": ["", "2025-02-30", "2025-13-01", "31/03/2025", "yesterday", "2025-04-01T24:00:00",
                              "2025-04-01T10:61:00"],
               "returned_at": ["never", "2025-04-31"], "num_of_item": ["0", "-1", "two", "1.5", "9223372036854775808"]},
    "order_items": {"id": [""], "order_id": ["", "\t"], "product_id": [""],
                    "sale_price": ["", "-0.01", "-3", "free", "nan", "inf", "1.23456",
                                   "99999999999999999999.99", "12.3.4", "1,5"],
                    "quantity": ["0", "-2", "many", "1.5", "99999999999999999999"], "created_at": ["2025-02-29"]},
    "products": {"id": [""], "category": ["", "  "], "retail_price": ["-1", "dear"], "cost": ["1.00001"]},
}
QUANTITY_NAMES = {
    "orders": {"order_id": "order_id", "user_id": "customer_id", "created_at": "order_date", "status": "status"},
    "order_items": {"id": "order_item_id", "order_id": "order_id", "product_id": "product_id", "quantity": "quantity",
                    "sale_price": "price"},
    "products": {"id": "product_id", "name": "name", "category": "category", "retail_price": "price"},
}
REQUIRED = {"orders": ["order_id", "user_id", "status", "created_at"],
            "order_items": ["id", "order_id", "product_id", "sale_price"], "products": ["id", "category"]}
ALL = {"orders": [*REQUIRED["orders"], "returned_at", "shipped_at", "delivered_at", "num_of_item", "region"],
       "order_items": [*REQUIRED["order_items"], "user_id", "status", "created_at", "shipped_at", "quantity"],
       "products": [*REQUIRED["products"], "sku", "cost", "name", "brand", "retail_price", "department"]}


class Shop:
    def __init__(self, seed, dirty=0.1):
        self.random = random.Random(seed)
        self.dirty = dirty
        self.made = {"orders": [], "order_items": [], "products": []}

    def pick(self, values):
        return self.random.choice(values)

    def moment(self, day, hour, minute, zoned=True):
        text = f"2025-{3 + day // 28:02}-{1 + day % 28:02}"
        form = self.random.randrange(4)
        if form == 0:
            return text
        zone = self.pick(ZONES) if zoned else ""
        if form == 1:
            return f"{text} {hour:02}:{minute:02}:00.{self.random.randrange(1000):03}{zone}" if zoned else \
                f"{text} {hour:02}:{minute:02}:00"
        return f"{text}T{hour:02}:{minute:02}:{self.random.randrange(60):02}{zone}"

    def order(self):
        day, hour = self.random.randrange(40), self.random.randrange(24)
        later = lambda days: self.moment(day + days, self.random.randrange(24), self.random.randrange(60), False)
        # Without a fraction and a zone the times between two events are whole and never negative.
        return {"order_id": self.pick(ORDER_IDS), "user_id": self.pick(CUSTOMERS),
                "status": self.pick([*STATUSES, "delivered", "returned", "teleported"]),
                "created_at": self.moment(day, hour, self.random.randrange(60), False),
                "shipped_at": self.pick(["", later(1)]), "delivered_at": self.pick(["", later(3)]),
                "returned_at": self.pick(["", "", self.moment(day + 5, hour, 30)]),
                "num_of_item": self.pick(["", "1", "5"]), "region": self.pick(REGIONS)}

    def line(self):
        return {"id": self.pick(LINE_IDS), "order_id": self.pick(ORDER_IDS), "product_id": self.pick(PRODUCT_IDS),
                "sale_price": self.pick(PRICES), "user_id": self.pick(CUSTOMERS), "status": self.pick(STATUSES),
                "created_at": self.moment(self.random.randrange(40), 12, 0), "shipped_at": "",
                "quantity": self.pick(["1", "1", "2", "12", "", "+3"])}

    def product(self):
        return {"id": self.pick(PRODUCT_IDS), "category": self.pick(CATEGORIES),
                "name": self.pick(["Lamp", "Mug, big", 'The "best"', "two\nlines", ""]), "sku": "s1", "cost": "1.5",
                "brand": "", "retail_price": self.pick(["", *PRICES]), "department": "Home"}

    def row(self, dataset):
        """Some rows come again as they were."""
        made = self.made[dataset]
        if made and self.random.random() < 0.15:
            return dict(self.pick(made))
        make = {"orders": self.order, "order_items": self.line, "products": self.product}[dataset]
        made.append(make())
        return dict(made[-1])

    def file(self, dataset, rows):
        """A file of about so many rows: names, column order, quoting, line ends and compression as chance has it."""
        names = QUANTITY_NAMES[dataset]
        if self.random.random() < 0.6:
            extra = [name for name in ALL[dataset] if name not in REQUIRED[dataset]]
            chosen = REQUIRED[dataset] + self.random.sample(extra, self.random.randrange(len(extra) + 1))
            names = {name: name for name in chosen}
        columns = list(names)
        if self.random.random() < 0.5:
            self.random.shuffle(columns)
        unknown = self.random.random() < 0.2
        end = self.pick([b"\n", b"\n", b"\r\n"])
        lines = [",".join([names[name] for name in columns] + ["note"] * unknown).encode()]
        for _ in range(rows):
            lines.append(self.line_of(dataset, self.row(dataset), columns, unknown))
        data = end.join(lines) + self.pick([end, end, b""])
        data = self.pick([b"", b"", b"\xef\xbb\xbf"]) + data
        return gzip.compress(data, mtime=0) if self.random.random() < 0.15 else data

    def line_of(self, dataset, row, columns, unknown):
        bad = self.random.random() < self.dirty
        if bad and self.random.random() < 0.6:
            name = self.pick([name for name in columns if name in DEFECTS[dataset]])
            row[name] = self.pick(DEFECTS[dataset][name])
            bad = False
        cells = [self.cell(row[name]) for name in columns] + [b"passed by"] * unknown
        if bad:
            kind = self.random.randrange(5)
            at = self.random.randrange(len(cells))
            if kind == 0:
                cells = cells[:-1]
            elif kind == 1:
                cells.append(b"more")
            elif kind == 2:
                cells[at] = b"caf\xe9"
            elif kind == 3:
                cells[at] = b'"a"b'
            else:
                cells[at] = b'6""'
        return b",".join(cells)

    def cell(self, text):
        if any(c in text for c in ',"\n\r') or self.random.random() < 0.05:
            return ('"' + text.replace('"', '""') + '"').encode()
        return (self.pick(["", "", "", " ", "\t"]) + text + self.pick(["", "", "", "  "])).encode()


def store(folder, files):
    """Files (dataset, name, bytes) as a batch in a folder; a compressed one gets its ending."""
    for dataset, name, data in files:
        path = folder / dataset / (name + (".csv.gz" if data[:2] == b"\x1f\x8b" else ".csv"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def run_json(done):
    return json.loads(done.stdout)


def table(aisle, data, name, form):
    """A table as lists of columns and rows of texts; None is null."""
    text = aisle("export", name, "--format", form, "--data", data).stdout
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        return [{key: value if value != "" else None for key, value in row.items()} for row in rows]
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


KEYS = {"category_day": ["category", "order_date"], "day": ["order_date"], "month": ["order_month"],
        "product_day": ["order_date", "product_id"], "product": ["product_id"], "customer": ["customer_id"],
        "fulfilment_day": ["order_date"], "region_day": ["region", "order_date"]}


def same_value(expected, got):
    if expected is None or got is None:
        return expected is None and got is None
    if isinstance(expected, str):
        return expected == str(got)
    return Decimal(expected) == Decimal(str(got))


def compare_table(name, expected, rows):
    got = {}
    for row in rows:
        key = tuple(str(row[column]) for column in KEYS[name])
        assert key not in got, f"{name}: {key} comes twice"
        got[key] = row
    assert sorted(got) == sorted(expected), (
        f"{name}: missing {sorted(set(expected) - set(got))[:5]}, too many {sorted(set(got) - set(expected))[:5]}")
    for key, columns in expected.items():
        row = got[key]
        extra = set(row) - set(columns) - set(KEYS[name]) - ({"rank"} if name == "product" else set())
        assert not extra, f"{name}: columns {extra} are not told"
        for column, value in columns.items():
            assert same_value(value, row[column]), f"{name} {key} {column}: {row[column]}, expected {value}"
    if name == "product":
        revenues = [columns["net_revenue"] for columns in expected.values()]
        for key, columns in expected.items():
            low, high = rank_bounds(revenues, columns["net_revenue"])
            assert low <= int(got[key]["rank"]) <= high, f"product {key}: rank {got[key]['rank']}, not {low} to {high}"


def compare_tables(aisle, data, oracle, form="jsonl"):
    for name, expected in oracle.tables().items():
        compare_table(name, expected, table(aisle, data, name, form))


def typed(kind, value):
    """A value of an export as the model has it."""
    return None if value is None else PARSERS[kind](str(value))


def compare_cleaned(aisle, data, oracle):
    """The cleaned rows are those that stand, typed, with what was added to them."""
    orders = {row["order_id"]: row for row in oracle.orders()}
    lines = {row["id"]: row | {"total_price": row["total"], "order_date": row["order"]["order_date"]}
             for row in oracle.lines()}
    products = {key: row for key, (_, row, _) in oracle.rows["products"].items()}
    for name, expected in (("orders", orders), ("order_items", lines), ("products", products)):
        got = {row[KEY[name]]: row for row in table(aisle, data, name, "jsonl")}
        assert sorted(got) == sorted(expected), name
        for key, row in expected.items():
            for field, (kind, _, _) in FIELDS[name].items():
                assert typed(kind, got[key][field]) == row[field], f"{name} {key} {field}: {got[key][field]}"
            for added in {"order_date", "order_month", "total_price"} & set(got[key]):
                assert same_value(row[added], got[key][added]), f"{name} {key} {added}: {got[key][added]}"


def compare_totals(summary, oracle):
    for dataset, counts in oracle.all_runs().items():
        if dataset in summary["totals"] or any(counts.values()):
            assert summary["totals"][dataset] == counts, f"all runs, {dataset}: {summary['totals'][dataset]}, {counts}"


def compare_counts(summary, expected):
    for dataset, counts in expected["datasets"].items():
        told = summary["datasets"].get(dataset, dict.fromkeys(counts, 0))
        assert {name: told[name] for name in counts} == counts, f"{dataset}: {told}, expected {counts}"
    assert summary["pending_resolved"] == expected["pending_resolved"]


def oracle_of(folder):
    """A model that has taken a folder of files in one run, and what that run counts."""
    oracle = Oracle()
    files = [(dataset.name, path.name, path.read_bytes())
             for dataset in folder.iterdir() if dataset.is_dir() for path in sorted(dataset.iterdir())]
    return oracle, oracle.run(files)
