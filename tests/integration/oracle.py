"""The orders pipeline as a slow and plain model: what every run must count, and what every table must hold.

It shares nothing with the program but the rules: its own reading of CSV, of numbers and times, and one recomputation of
everything from the rows that stand, after each run. Sums are exact; only what a table shows is rounded, half up.
"""
import gzip
import hashlib
import re
from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal

STATUSES = ["delivered", "returned", "shipped", "processing", "cancelled", "completed"]

# dataset -> field -> (type, required, other names). "optional" columns may be absent.
FIELDS = {
    "orders": {
        "order_id": ("id", True, []), "user_id": ("id", True, ["customer_id"]), "status": ("id", True, []),
        "created_at": ("time", True, ["order_date"]), "returned_at": ("time", False, []),
        "shipped_at": ("time", False, []), "delivered_at": ("time", False, []), "num_of_item": ("count", False, []),
        "region": ("id", False, []),
    },
    "order_items": {
        "id": ("id", True, ["order_item_id"]), "order_id": ("id", True, []), "user_id": ("id", False, ["customer_id"]),
        "product_id": ("id", True, []), "status": ("id", False, []), "created_at": ("time", False, []),
        "shipped_at": ("time", False, []), "delivered_at": ("time", False, []), "returned_at": ("time", False, []),
        "sale_price": ("money", True, ["price"]), "quantity": ("count", False, []),
    },
    "products": {
        "id": ("id", True, ["product_id"]), "sku": ("text", False, []), "cost": ("money", False, []),
        "category": ("id", True, []), "name": ("text", False, ["product_name"]), "brand": ("id", False, []),
        "retail_price": ("money", False, ["price"]), "department": ("id", False, []),
    },
}
KEY = {"orders": "order_id", "order_items": "id", "products": "id"}
VERSION = ["created_at", "returned_at", "shipped_at", "delivered_at"]


class BrokenFile(Exception):
    """The file cannot be taken at all."""


class BadRow(Exception):
    """The row is rejected."""


def natural(name):
    """Runs of digits order by their number."""
    return [(0, int(part), part) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name) if part]


def parse_records(data):
    """Bytes to lists of raw fields: delimiters and newlines count where an even number of quotes came before."""
    records, record, field, quoted = [], [], bytearray(), False
    for byte in data:
        if byte == 0x22:
            quoted = not quoted
        if not quoted and byte == 0x2C:
            record.append(bytes(field))
            field.clear()
        elif not quoted and byte == 0x0A:
            if field.endswith(b"\r"):
                del field[-1:]
            record.append(bytes(field))
            records.append(record)
            record, field = [], bytearray()
        else:
            field.append(byte)
    if quoted:
        raise BrokenFile("a quote is never closed")
    if record or field:
        record.append(bytes(field.removesuffix(b"\r")))
        records.append(record)
    return records


def field_text(raw):
    if b"\0" in raw:
        raise BadRow("NUL")
    if raw.startswith(b'"'):
        inner = raw[1:-1].replace(b'""', b"")
        if len(raw) < 2 or not raw.endswith(b'"') or b'"' in inner:
            raise BadRow("bytes after a closing quote")
        raw = raw[1:-1].replace(b'""', b'"')
    elif b'"' in raw:
        raise BadRow("a quote inside an unquoted field")
    try:
        return raw.decode("utf-8").strip(" \t")
    except UnicodeDecodeError:
        raise BadRow("not UTF-8") from None


def parse_time(text):
    """Microseconds since 1970 in UTC."""
    day = r"(\d{4})-(\d\d)-(\d\d)"
    time = r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:?\d\d)?"
    match = re.fullmatch(f"{day}(?:[T ]{time})?", text, re.ASCII)
    if match is None:
        raise BadRow("no time")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    fraction, zone = match.group(7) or "", match.group(8) or "Z"
    if fraction[6:].strip("0"):
        raise BadRow("finer than a microsecond")
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        raise BadRow("no such day or time") from None
    if zone != "Z":
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        if hours > 23 or minutes > 59:
            raise BadRow("no such zone")
        moment -= timedelta(hours=hours, minutes=minutes) * (1 if zone[0] == "+" else -1)
    whole = (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(seconds=1)
    return whole * 1000000 + int(fraction[:6].ljust(6, "0"))


def parse_money(text):
    if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", text, re.ASCII):
        raise BadRow("no number")
    value = Decimal(text)
    if abs(value * 10000) >= 2**63:
        raise BadRow("beyond range")
    if value * 10000 != int(value * 10000):
        raise BadRow("too many decimals")
    if value < 0:
        raise BadRow("negative")
    return value


def parse_count(text):
    if not re.fullmatch(r"[+-]?\d+", text, re.ASCII) or abs(int(text)) >= 2**63 or int(text) <= 0:
        raise BadRow("no count")
    return int(text)


PARSERS = {"id": str, "text": str, "time": parse_time, "money": parse_money, "count": parse_count}


def read_file(dataset, data):
    """Rows of a file, each a dict of typed values or None when it is rejected."""
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    data = data.removeprefix(b"\xef\xbb\xbf")
    records = parse_records(data)
    if not records:
        raise BrokenFile("empty")
    names = [field_text(raw) for raw in records[0]]
    fields = FIELDS[dataset]
    column_of = {}
    for column, name in enumerate(names):
        for field, (_, _, others) in fields.items():
            if name == field or name in others:
                if field in column_of:
                    raise BrokenFile(f"{field} twice")
                column_of[field] = column
    for field, (_, required, _) in fields.items():
        if required and field not in column_of:
            raise BrokenFile(f"{field} is missing")
    rows = []
    for record in records[1:]:
        try:
            if len(record) != len(names):
                raise BadRow("too short or too long")
            texts = [field_text(raw) for raw in record]
            row = {}
            for field, (kind, required, _) in fields.items():
                text = texts[column_of[field]] if field in column_of else ""
                if text == "":
                    if required:
                        raise BadRow(f"{field} is missing")
                    row[field] = None
                else:
                    row[field] = PARSERS[kind](text)
            if dataset == "order_items" and row["quantity"] is None:
                row["quantity"] = 1
            rows.append(row)
        except BadRow:
            rows.append(None)
    return rows


def half_up(value, digits):
    return None if value is None else Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def ratio(above, below, digits):
    """Exact up to the one rounding."""
    if below == 0:
        return None
    scaled = Decimal(above) * 10**digits
    number = int(scaled * 10**6)  # the numerators have at most six decimals once scaled
    assert number == scaled * 10**6
    doubled = 2 * number // (below * 10**6) + 1
    return Decimal(doubled // 2).scaleb(-digits)


class Oracle:
    def __init__(self):
        self.rows = {name: {} for name in FIELDS}  # the winners by key: (version, row, run)
        self.taken = set()
        self.waiting = set()                       # keys of lines that wait after the last run
        self.totals = {name: {"read": 0, "rejected": 0} for name in FIELDS}
        self.run_number = 0

    def run(self, files, reprocess=False):
        """`files`: (dataset, name, bytes). Gives the counts of this run as `aisle run --json` has them."""
        self.run_number += 1
        counts = {name: {"read": 0, "valid": 0, "rejected": 0, "duplicate": 0, "pending": 0} for name in FIELDS}
        arrived = {name: {} for name in FIELDS}  # the winners among the rows of this run
        invalid, skipped = [], []
        for dataset, name, data in sorted(files, key=lambda file: natural(file[1])):
            content = (dataset, hashlib.sha256(data).hexdigest())
            if content in self.taken and not reprocess:
                skipped.append(name)
                continue
            try:
                rows = read_file(dataset, data)
            except (BrokenFile, BadRow):
                invalid.append(name)
                continue
            self.taken.add(content)
            self.take(dataset, rows, arrived[dataset], counts[dataset])
        for dataset, rows in arrived.items():
            self.meet(dataset, rows, counts[dataset])
        waiting = self.lines_waiting()
        for dataset, winners in self.rows.items():
            for key, (_, _, run) in winners.items():
                if run == self.run_number:
                    is_pending = dataset == "order_items" and key in waiting
                    counts[dataset]["pending" if is_pending else "valid"] += 1
        resolved = sum(1 for key in self.waiting - waiting if self.rows["order_items"][key][2] != self.run_number)
        self.waiting = waiting
        return {"datasets": counts, "pending_resolved": resolved, "invalid": invalid, "skipped": skipped}

    def take(self, dataset, rows, arrived, counts):
        for row in rows:
            counts["read"] += 1
            self.totals[dataset]["read"] += 1
            if row is None:
                counts["rejected"] += 1
                self.totals[dataset]["rejected"] += 1
                continue
            key = row[KEY[dataset]]
            version = max(row[name] for name in VERSION if row[name] is not None) if dataset == "orders" else 0
            old = arrived.get(key)
            if old is not None:
                counts["duplicate"] += 1
            if old is None or version >= old[0]:
                arrived[key] = (version, row)

    def meet(self, dataset, arrived, counts):
        """What this run brought meets what stands from earlier runs. A row that says the same as the one that stands
        changes nothing, and is a duplicate."""
        winners = self.rows[dataset]
        for key, (version, row) in arrived.items():
            old = winners.get(key)
            if old is not None and (version < old[0] or row == old[1]):
                counts["duplicate"] += 1
            else:
                winners[key] = (version, row, self.run_number)

    def lines_waiting(self):
        return {key for key, (_, row, _) in self.rows["order_items"].items()
                if row["order_id"] not in self.rows["orders"] or row["product_id"] not in self.rows["products"]}

    def all_runs(self):
        """The balance of all runs together."""
        balance = {}
        for dataset, winners in self.rows.items():
            pending = len(self.lines_waiting()) if dataset == "order_items" else 0
            balance[dataset] = self.totals[dataset] | {"valid": len(winners) - pending, "pending": pending}
            balance[dataset]["duplicate"] = balance[dataset]["read"] - balance[dataset]["rejected"] - len(winners)
        return balance

    def orders(self):
        for _, row, _ in self.rows["orders"].values():
            created = datetime(1970, 1, 1) + timedelta(microseconds=row["created_at"])
            yield row | {"order_date": created.date().isoformat(), "order_month": created.strftime("%Y-%m")}

    def lines(self):
        """Lines joined to their order and product."""
        orders = {row["order_id"]: row for row in self.orders()}
        for _, row, _ in self.rows["order_items"].values():
            order = orders.get(row["order_id"])
            product = self.rows["products"].get(row["product_id"])
            if order is not None and product is not None:
                yield row | {"order": order, "category": product[1]["category"],
                             "total": row["sale_price"] * row["quantity"]}

    def tables(self):
        """Every KPI table: name -> key -> column -> value; None is null."""
        orders, lines = list(self.orders()), list(self.lines())
        return {
            "category_day": self.category_day(lines),
            "day": self.period(orders, lines, "order_date"),
            "month": self.period(orders, lines, "order_month"),
            "product_day": self.products(lines, lambda line: (line["order"]["order_date"], line["product_id"]), False),
            "product": self.products(lines, lambda line: (line["product_id"],), True),
            "customer": self.customers(orders, lines),
            "fulfilment_day": self.fulfilment(orders),
            "region_day": self.regions(orders, lines),
        }

    @staticmethod
    def category_day(lines):
        groups = defaultdict(list)
        for line in lines:
            groups[line["category"], line["order"]["order_date"]].append(line)
        table = {}
        for key, members in groups.items():
            distinct = {line["order_id"] for line in members}
            returned = {line["order_id"] for line in members if line["order"]["status"] == "returned"}
            revenue = sum(line["total"] for line in members)
            table[key] = {"orders": len(distinct), "daily_revenue": half_up(revenue, 2),
                          "avg_order_value": ratio(revenue, len(distinct), 2),
                          "avg_return_rate": ratio(len(returned), len(distinct), 4)}
        return table

    @staticmethod
    def period(orders, lines, of):
        table = {}
        for key in {order[of] for order in orders}:
            members = [order for order in orders if order[of] == key]
            sold = [line for line in lines if line["order"][of] == key]
            revenue = sum((line["total"] for line in sold), Decimal(0))
            table[key,] = {
                "total_orders": len(members), "total_revenue": half_up(revenue, 2),
                "total_items_sold": sum(line["quantity"] for line in sold),
                "return_rate": ratio(sum(order["status"] == "returned" for order in members), len(members), 4),
                "unique_customers": len({order["user_id"] for order in members}),
                "avg_order_value": ratio(revenue, len(members), 2)}
        return table

    @staticmethod
    def products(lines, key_of, over_time):
        groups = defaultdict(list)
        for line in lines:
            groups[key_of(line)].append(line)
        table = {}
        for key, members in groups.items():
            kept = [line for line in members if line["order"]["status"] not in ("returned", "cancelled")]
            table[key] = {
                "units": sum(line["quantity"] for line in members),
                "gross_revenue": half_up(sum(line["total"] for line in members), 2),
                "net_revenue": half_up(sum((line["total"] for line in kept), Decimal(0)), 2),
                "returned_units": sum(line["quantity"] for line in members if line["order"]["status"] == "returned")}
            if over_time:
                days = [line["order"]["order_date"] for line in members]
                table[key] |= {"first_sale": min(days), "last_sale": max(days)}
        return table

    @staticmethod
    def customers(orders, lines):
        table = {}
        for customer in {order["user_id"] for order in orders}:
            days = [date.fromisoformat(order["order_date"]) for order in orders if order["user_id"] == customer]
            revenue = sum((line["total"] for line in lines if line["order"]["user_id"] == customer), Decimal(0))
            table[customer,] = {
                "orders": len(days), "revenue": half_up(revenue, 2), "first_order": min(days).isoformat(),
                "last_order": max(days).isoformat(),
                "mean_days_between_orders": ratio((max(days) - min(days)).days, len(days) - 1, 2)}
        return table

    @staticmethod
    def fulfilment(orders):
        table = {}
        for day in {order["order_date"] for order in orders}:
            members = [order for order in orders if order["order_date"] == day]
            table[day,] = {status: sum(order["status"] == status for order in members) for status in STATUSES}
            for name, end in (("mean_hours_to_ship", "shipped_at"), ("mean_hours_to_deliver", "delivered_at")):
                spans = [(order[end] - order["created_at"]) // 1000000 for order in members if order[end] is not None]
                table[day,][name] = ratio(sum(spans), len(spans) * 3600, 2)
        return table

    @staticmethod
    def regions(orders, lines):
        table = {}
        for key in {(order["region"], order["order_date"]) for order in orders if order["region"] is not None}:
            total = sum((line["total"] for line in lines
                         if (line["order"]["region"], line["order"]["order_date"]) == key), Decimal(0))
            table[key] = {"orders": sum((order["region"], order["order_date"]) == key for order in orders),
                          "revenue": half_up(total, 2)}
        return table


def rank_bounds(net_revenues, own):
    """The ranks that a row may have: ties may stand in any order."""
    above = sum(value > own for value in net_revenues)
    return above + 1, above + sum(value == own for value in net_revenues)
