"""aisle check: what it finds, writes and ends with, beside a plain model of the same rules."""
import csv
import io
import json
import random
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

PIPELINES = Path(__file__).resolve().parents[2] / "pipelines"
SALES = PIPELINES / "sales/schema.json"
SALES_COLUMNS = "order_id,date,model,brand,release_year,price,region,customer_review,ram,storage,color".split(",")
REGIONS = ["North America", "South America", "Europe", "Asia", "Africa", "Oceania"]


def schema(tmp_path, **members):
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(members))
    return path


def check(aisle, file, schema_path, *options, expect=0):
    return json.loads(aisle("check", file, "--schema", schema_path, "--json", *options, expect=expect).stdout)


def findings(report):
    return {(f["column"], f["rule"], f["severity"]): f["count"] for f in report["findings"]}


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def decimal_of(text):
    """A number as the rules mean it: no nan, no inf, no underscores."""
    try:
        return float(text) if not set(text) - set("0123456789+-.eE") else None
    except ValueError:
        return None


def is_whole(text):
    return text.lstrip("+-").isdigit() and len(text) - len(text.lstrip("+-")) <= 1


def is_day(text):
    try:
        return date.fromisoformat(text) is not None and len(text) == 10
    except ValueError:
        return False


def memory_reasons(value, name, label, most):
    if value in ("", "N/A"):
        return []
    if not is_whole(value):
        return [f"Invalid {name} format - must be a number"]
    reasons = [f"{label} must be greater than 0"] if int(value) <= 0 else []
    return reasons + ([f"RAM exceeds maximum limit ({most}GB)"] if most and int(value) > most else [])


def sales_reasons(row):
    """The rules of the sales pipeline, in their order."""
    reasons = [f"Missing required field: {name}" for name in ("order_id", "date", "brand", "price", "region")
               if not row[name]]
    price = decimal_of(row["price"])
    if price is None:
        reasons.append("Invalid price format - must be a number")
    elif price <= 0:
        reasons.append("Price must be greater than 0")
    elif price > 10000:
        reasons.append("Price exceeds maximum limit (10000)")
    reasons += memory_reasons(row["ram"], "RAM", "RAM", 32)
    reasons += memory_reasons(row["storage"], "storage", "Storage", None)
    if row["date"] and not is_day(row["date"]):
        reasons.append("Invalid date format - must be YYYY-MM-DD")
    if row["region"] and row["region"] not in REGIONS:
        reasons.append("Invalid region - must be one of: " + ", ".join(REGIONS))
    if row["brand"] and not row["model"]:
        reasons.append("Model is required when brand is provided")
    return reasons


def sales_row(pick):
    return {
        "order_id": pick(["ORD1", "ORD2", ""]),
        "date": pick(["2024-05-20", "2024-02-29", "2023-02-29", "20/05/2024", "2024-5-2", ""]),
        "model": pick(["X1", "Find, \"N2\"", ""]),
        "brand": pick(["Oppo", "Honor", ""]),
        "release_year": "2023",
        "price": pick(["899", "0.01", "10000", "10000.01", "0", "-5", "1e3", "1e300", "-1e300", "nan", "inf", "12,5",
                       "abc", ""]),
        "region": pick(REGIONS + ["Mars", "europe", ""]),
        "customer_review": pick(["fine", "two\nlines", ""]),
        "ram": pick(["8", "32", "33", "0", "-1", "8.0", "x", "N/A", "", "99999999999999999999"]),
        "storage": pick(["128", "0", "-1", "12GB", "N/A", ""]),
        "color": "Silver",
    }


@pytest.mark.parametrize("seed", range(5))
def test_sales_gives_exactly_the_messages(aisle, tmp_path, seed):
    rng = random.Random(seed)
    # Mostly clean rows, so that single faults and many at once both come.
    def pick(values):
        return rng.choice(values) if rng.random() < 0.3 else values[0]
    rows = [sales_row(pick) for _ in range(2000)]
    file = tmp_path / "sales.csv"
    with open(file, "w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, SALES_COLUMNS, lineterminator=rng.choice(["\n", "\r\n"]))
        writer.writeheader()
        writer.writerows(rows)
    expected = [(number, sales_reasons(row)) for number, row in enumerate(rows, 2)]
    bad = [(number, ", ".join(reasons)) for number, reasons in expected if reasons]
    report = check(aisle, file, SALES, "--out", "checked", expect=1)
    assert (report["read"], report["rejected"]) == (2000, len(bad))
    assert report["valid"] + report["rejected"] == report["read"]
    rejected = rows_of(tmp_path / "checked/sales_rejected.csv")
    assert [(int(row["row_number"]), row["rejection_reasons"]) for row in rejected] == bad
    valid = rows_of(tmp_path / "checked/sales_valid.csv")
    assert valid == [row for row, (_, reasons) in zip(rows, expected) if not reasons]
    assert sum(f["count"] for f in report["findings"]) == sum(len(reasons) for _, reasons in expected)


@pytest.mark.parametrize("keyed", [False, True])
def test_every_rejected_row_has_the_headers_cells(aisle, tmp_path, keyed):
    """The reasons stand under their header, and no byte of a row is lost; a row of other cells names no key."""
    path = schema(tmp_path, fields=[{"name": "id"}, {"name": "n", "type": "integer"}, {"name": "note"}],
                  **({"primaryKey": "id"} if keyed else {}))
    (tmp_path / "in.csv").write_text('id,n,note\n1\n1,2,a\n3,4,a,"b ""c""",d\n5,x,"e,f"\n6,7,g"h"i\n1,8,\n')
    check(aisle, "in.csv", path, "--out", "out", expect=1)
    rejected = rows_of(tmp_path / "out/in_rejected.csv")
    repeated = [("1", "8", "", "id: must be unique, is 1, first on line 3", "7")] if keyed else []
    assert [tuple(row.values()) for row in rejected] == [
        ("1", "", "", "the row has the wrong number of fields: 1 instead of 3", "2"),
        ("3", "4", 'a,"b ""c""",d', "the row has the wrong number of fields: 5 instead of 3", "4"),
        ("5", "x", "e,f", "n: must be a whole number, is x", "5"),
        ("6", "7", 'g"h"i', "a quote stands where none may be", "6"),
    ] + repeated


def test_a_clean_file_goes_through_byte_for_byte(aisle, tmp_path):
    path = schema(tmp_path, fields=[{"name": "a"}, {"name": "b", "type": "number"}])
    text = 'a,b\r\n"x, ""y""",1.50\r\n\r\nz ,2\n'
    (tmp_path / "in.csv").write_bytes(text.encode())
    report = check(aisle, "in.csv", path, "--out", "out")
    assert report["status"] == "clean" and report["read"] == 2 and report["rejected_file"] is None
    assert (tmp_path / "out/in_valid.csv").read_bytes().replace(b"\r\n", b"\n").replace(b"\n\n", b"\n") == \
        text.encode().replace(b"\r\n", b"\n").replace(b"\n\n", b"\n")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["in_valid.csv"]


def test_rejects_of_an_earlier_check_do_not_stay(aisle, tmp_path):
    path = schema(tmp_path, fields=[{"name": "a", "type": "integer"}])
    (tmp_path / "in.csv").write_text("a\nx\n")
    aisle("check", "in.csv", "-s", path, "--out", "out", expect=1)
    assert (tmp_path / "out/in_rejected.csv").exists()
    (tmp_path / "in.csv").write_text("a\n1\n")
    aisle("check", "in.csv", "-s", path, "--out", "out")
    assert not (tmp_path / "out/in_rejected.csv").exists()


def test_lines_count_newlines_in_cells_and_blank_lines(aisle, tmp_path):
    path = schema(tmp_path, fields=[{"name": "a"}, {"name": "n", "type": "integer"}])
    (tmp_path / "in.csv").write_text('a,n\n"one\ntwo",1\n\n"x\ny",bad\n\nz,worse\n')
    report = check(aisle, "in.csv", path, expect=1)
    samples = report["findings"][0]["samples"]
    assert [(s["line"], s["row"], s["value"]) for s in samples] == [(5, 3, "bad"), (8, 4, "worse")]


def test_rows_that_are_wrong_as_a_whole(aisle, tmp_path):
    path = schema(tmp_path, fields=[{"name": "a"}, {"name": "n", "type": "integer"}])
    (tmp_path / "in.csv").write_bytes(b'a,n\nx,1\nx,1,2\nx\n\xff,1\nx"y"z,1\n"q"r,1\nlast,2')
    report = check(aisle, "in.csv", path, "--out", "out", expect=1)
    assert findings(report) == {(None, "fields", "error"): 2, (None, "encoding", "error"): 1,
                                (None, "quoting", "error"): 2}
    assert report["read"] == 7 and report["valid"] == 2
    assert (tmp_path / "out/in_valid.csv").read_bytes().rstrip(b"\n") == b"a,n\nx,1\nlast,2"


@pytest.mark.parametrize("seed", range(4))
def test_keys_are_unique_over_the_whole_file(aisle, tmp_path, seed):
    """Random ids of every shape, some rows broken besides; the first row keeps the key."""
    rng = random.Random(seed)
    path = schema(tmp_path, primaryKey="id", fields=[
        {"name": "id"}, {"name": "code", "constraints": {"unique": True}}, {"name": "n", "type": "integer"}])
    shape = [lambda: str(rng.randrange(400)), lambda: f"P{rng.randrange(1000):04}", lambda: str(rng.randrange(10**15)),
             lambda: rng.choice(["", "a long id that needs the dictionary", "é", "0007", "7"])]
    rows = [(rng.choice(shape)(), rng.choice(["", str(i)]) if rng.random() < 0.95 else "again",
             "x" if rng.random() < 0.05 else "1") for i in range(3000)]
    (tmp_path / "in.csv").write_text("id,code,n\n" + "".join(",".join(row) + "\n" for row in rows))
    expected, first_id, first_code = [], {}, {}
    for number, (key, code, n) in enumerate(rows, 2):
        reasons = []
        if not key:
            reasons.append("id: is required")
        elif first_id.setdefault(key, number) != number:
            reasons.append(f"id: must be unique, is {key}, first on line {first_id[key]}")
        if code and first_code.setdefault(code, number) != number:
            reasons.append(f"code: must be unique, is {code}, first on line {first_code[code]}")
        if n == "x":
            reasons.append("n: must be a whole number, is x")
        if reasons:
            expected.append((number, ", ".join(reasons)))
    report = check(aisle, "in.csv", path, "--out", "out", expect=1)
    rejected = rows_of(tmp_path / "out/in_rejected.csv")
    assert [(int(row["row_number"]), row["rejection_reasons"]) for row in rejected] == expected
    assert report["rejected"] == len(expected) and report["valid"] == 3000 - len(expected)
    bad = {number for number, _ in expected}
    assert [tuple(row.values()) for row in rows_of(tmp_path / "out/in_valid.csv")] == \
        [row for number, row in enumerate(rows, 2) if number not in bad]


def test_keys_of_several_fields(aisle, tmp_path):
    path = schema(tmp_path, primaryKey=["shop", "day"], fields=[{"name": "shop"}, {"name": "day", "type": "date"}])
    (tmp_path / "in.csv").write_text("shop,day\na,2025-01-01\na,2025-01-02\nb,2025-01-01\na,2025-01-01\n")
    report = check(aisle, "in.csv", path, expect=1)
    assert findings(report) == {("shop", "unique", "error"): 1}
    assert report["findings"][0]["samples"][0]["reason"] == \
        "shop + day: must be unique together, is a + 2025-01-01, first on line 2"


def test_foreign_keys_are_looked_up_where_a_file_is_given(aisle, tmp_path):
    (tmp_path / "orders.csv").write_text("order_id,user_id,status,created_at\n1,5,shipped,2025-07-01\nA7,5,x,2025-07-01\n")
    (tmp_path / "products.csv").write_text("product_id,name,category,price\nP1,Lamp,Home,9.5\n")
    (tmp_path / "items.csv").write_text("order_item_id,order_id,product_id,quantity,price\n"
                                        "1,1,P1,1,2\n2,9,P1,1,2\n3,A7,P2,1,2\n4,A7, P1 ,1,2\n")
    items = PIPELINES / "orders/schemas/order_items.json"
    alone = check(aisle, "items.csv", items)
    assert alone["unchecked_references"] == ["orders", "products"]
    report = check(aisle, "items.csv", items, "--with", "orders=orders.csv,products=products.csv", expect=1)
    assert report["unchecked_references"] == []
    assert findings(report) == {("order_id", "reference", "error"): 1, ("product_id", "reference", "error"): 1}
    reasons = [s["reason"] for f in report["findings"] for s in f["samples"]]
    assert reasons == ["order_id: must be in orders, is 9", "product_id: must be in products, is P2"]


def test_a_table_may_refer_to_itself(aisle, tmp_path):
    path = schema(tmp_path, fields=[{"name": "id"}, {"name": "parent"}],
                  foreignKeys=[{"fields": "parent", "reference": {"resource": "", "fields": "id"}}])
    (tmp_path / "in.csv").write_text("id,parent\n1,\n2,1\n3,9\n")
    report = check(aisle, "in.csv", path, expect=1)
    assert report["findings"][0]["samples"][0]["reason"] == "parent: must be in this file, is 9"


def test_warnings_leave_rows_valid(aisle, tmp_path):
    path = schema(tmp_path, fields=[{"name": "status", "constraints": {"enum": ["open", "done"]},
                                     "severity": {"enum": "warning"}}])
    (tmp_path / "in.csv").write_text("status\nopen\nlost\n")
    report = check(aisle, "in.csv", path)
    assert (report["status"], report["valid"], report["warned"]) == ("clean", 2, 1)
    assert findings(report) == {("status", "enum", "warning"): 1}


def test_keys_that_only_warn_and_keys_with_a_message(aisle, tmp_path):
    (tmp_path / "in.csv").write_text("id,code\n1,A\n2,A\n2,B\n")
    path = schema(tmp_path, fields=[
        {"name": "id", "constraints": {"unique": True}, "messages": {"unique": "That id is taken"}},
        {"name": "code", "constraints": {"unique": True}, "severity": {"unique": "warning"}}])
    report = check(aisle, "in.csv", path, "--out", "out", expect=1)
    assert findings(report) == {("id", "unique", "error"): 1, ("code", "unique", "warning"): 1}
    assert (report["valid"], report["rejected"], report["warned"]) == (2, 1, 1)
    assert [row["rejection_reasons"] for row in rows_of(tmp_path / "out/in_rejected.csv")] == ["That id is taken"]
    assert [row["id"] for row in rows_of(tmp_path / "out/in_valid.csv")] == ["1", "2"]


def test_reports_tell_what_was_not_checked_and_what_is_worth_a_note(aisle, tmp_path):
    """Further columns, references without a file and rows that only warn, in the terminal's report and on the page."""
    path = schema(tmp_path, fields=[
        {"name": "order_id"}, {"name": "status", "constraints": {"enum": ["open"]}, "severity": {"enum": "warning"}}],
        foreignKeys=[{"fields": "order_id", "reference": {"resource": "orders", "fields": "id"}}])
    (tmp_path / "in.csv").write_text("order_id,status,colour\n1,open,red\n2,lost,red\n")
    shown = aisle("check", "in.csv", "-s", path, "--html", "report.html").stdout
    page = (tmp_path / "report.html").read_text()
    assert "in.csv: clean" in shown and "2 rows: 2 valid, 0 rejected, 1 valid with warnings" in shown
    assert "note: references to orders were not checked: give the file with --with orders=FILE" in shown
    assert "colour" in shown and "colour" in page
    assert "<p>Not checked: references to orders</p>" in page


def test_a_file_that_is_not_taken_says_why_everywhere(aisle, tmp_path):
    path = schema(tmp_path, fields=[{"name": "a"}])
    (tmp_path / "in.csv").write_text("b\n1\n")
    shown = aisle("check", "in.csv", "-s", path, "--html", "report.html", expect=1).stdout
    assert "in.csv: not taken" in shown and '"a" is missing' in shown
    assert "&quot;a&quot; is missing" in (tmp_path / "report.html").read_text()


def test_samples_of_long_values_end_at_a_character(aisle, tmp_path):
    path = schema(tmp_path, fields=[{"name": "n", "type": "integer"}])
    (tmp_path / "in.csv").write_text("n\nx" + "é" * 500 + "\n", encoding="utf-8")
    sample = check(aisle, "in.csv", path, expect=1)["findings"][0]["samples"][0]
    assert sample["value"] == "x" + "é" * 149


def test_a_file_that_foreign_keys_refer_to_must_have_the_column(aisle, tmp_path):
    path = schema(tmp_path, fields=[{"name": "order_id"}],
                  foreignKeys=[{"fields": "order_id", "reference": {"resource": "orders", "fields": "id"}}])
    (tmp_path / "in.csv").write_text("order_id\n1\n")
    (tmp_path / "orders.csv").write_text("number\n1\n")
    done = aisle("check", "in.csv", "-s", path, "--with", "orders=orders.csv", expect=1)
    assert "orders.csv, which foreign keys refer to" in done.stderr and '"id"' in done.stderr


def test_the_budget_decides_on_the_exit_status(aisle, tmp_path):
    fields = [{"name": "n", "type": "integer"}]
    (tmp_path / "in.csv").write_text("n\n" + "1\n" * 9 + "x\n")
    assert check(aisle, "in.csv", schema(tmp_path, fields=fields), expect=1)["status"] == "rejects"
    within = schema(tmp_path, fields=fields, rejectBudget={"share": 0.1})
    assert check(aisle, "in.csv", within)["status"] == "rejects"
    over = schema(tmp_path, fields=fields, rejectBudget={"count": 0})
    assert check(aisle, "in.csv", over, expect=3)["status"] == "over_budget"


@pytest.mark.parametrize("content, status, named", [
    (b"", "empty", ""),
    (b"b,c\n1,2\n", "bad_header", "\"a\" is missing"),
    (b"a,a\n1,2\n", "bad_header", "twice"),
    (b"a,b\n1,\"2\n3,4\n", "broken", "quote"),
])
def test_files_that_cannot_be_taken(aisle, tmp_path, content, status, named):
    path = schema(tmp_path, fields=[{"name": "a"}])
    (tmp_path / "in.csv").write_bytes(content)
    report = check(aisle, "in.csv", path, "--out", "out", expect=1)
    assert report["status"] == status and named in report["problem"]
    assert list((tmp_path / "out").iterdir()) == []


def test_a_header_alone_is_clean(aisle, tmp_path):
    path = schema(tmp_path, fields=[{"name": "a"}], primaryKey="a")
    (tmp_path / "in.csv").write_text("a\n")
    assert check(aisle, "in.csv", path)["read"] == 0


def test_other_dialects(aisle, tmp_path):
    path = schema(tmp_path, dialect={"delimiter": ";", "quoteChar": "'"}, fields=[
        {"name": "a"}, {"name": "n", "type": "number", "decimalChar": ",", "groupChar": "."}])
    (tmp_path / "in.csv").write_text("a;n\n'x;y';1.234,5\n'it''s';1,2.3\n")
    report = check(aisle, "in.csv", path, "--out", "out", expect=1)
    assert findings(report) == {("n", "type", "error"): 1}
    assert (tmp_path / "out/in_valid.csv").read_text() == "a;n\n'x;y';1.234,5\n"


def test_the_page_stands_alone_and_escapes(aisle, tmp_path):
    path = schema(tmp_path, fields=[{"name": "n", "type": "integer"}])
    (tmp_path / "in.csv").write_text("n\n<script>alert('&')</script>\n")
    aisle("check", "in.csv", "-s", path, "--html", "report.html", expect=1)
    page = (tmp_path / "report.html").read_text()
    tags, texts = [], []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            tags.append(tag)
            assert not {"src", "href"} & {name for name, _ in attributes}

        def handle_data(self, data):
            texts.append(data)

    Reader().feed(page)
    assert "script" not in tags and "table" in tags
    assert "<script>alert('&')</script>" in texts


def test_the_terminal_report_names_line_column_rule_and_value(aisle, tmp_path):
    path = schema(tmp_path, fields=[{"name": "price", "type": "number", "constraints": {"minimum": 0}}])
    (tmp_path / "in.csv").write_text("price\n1\n-3\n")
    shown = aisle("check", "in.csv", "-s", path, expect=1).stdout
    assert "2 rows: 1 valid, 1 rejected" in shown
    line = next(line for line in shown.splitlines() if line.strip().startswith("3 "))
    assert line.split()[:4] == ["3", "price", "minimum", "-3"]


@pytest.mark.parametrize("arguments, named", [
    (["in.csv"], "--schema"),
    (["in.csv", "-s", "schema.json", "--with", "orders"], "orders"),
    (["-s", "schema.json"], "FILE"),
])
def test_wrong_words(aisle, tmp_path, arguments, named):
    (tmp_path / "in.csv").write_text("a\n")
    done = aisle("check", *arguments, expect=2)
    assert named in done.stderr and done.stdout == ""


def test_a_wrong_schema_is_named(aisle, tmp_path):
    path = schema(tmp_path, fields=[{"name": "a", "type": "strnig"}])
    (tmp_path / "in.csv").write_text("a\n")
    done = aisle("check", "in.csv", "-s", path, expect=1)
    assert "schema.json" in done.stderr and '"strnig"' in done.stderr


def test_large_files_give_the_same_as_small_ones(aisle, tmp_path):
    """Rows over many blocks: every hundredth is wrong, one key comes again at the very end."""
    path = schema(tmp_path, primaryKey="id", fields=[{"name": "id"}, {"name": "n", "type": "integer"},
                                                     {"name": "text"}])
    text = io.StringIO()
    text.write("id,n,text\n")
    for i in range(60000):
        text.write(f"{i},{'x' if i % 100 == 99 else i},{'filler ' * 5}\n")
    text.write("0,1,again\n")
    (tmp_path / "in.csv").write_text(text.getvalue())
    report = check(aisle, "in.csv", path, "--out", "out", expect=1)
    assert findings(report) == {("n", "type", "error"): 600, ("id", "unique", "error"): 1}
    rejected = rows_of(tmp_path / "out/in_rejected.csv")
    assert [int(row["row_number"]) for row in rejected] == [i + 2 for i in range(99, 60000, 100)] + [60002]
    assert len(rows_of(tmp_path / "out/in_valid.csv")) == 60001 - 601


def test_the_first_example_of_the_documentation_holds(aisle, tmp_path):
    text = (PIPELINES.parent / "docs/schemas.md").read_text()
    data, rules, rejected = (block.split("\n", 1)[1] for block in text.split("```")[1:6:2])
    (tmp_path / "shop.csv").write_text(data)
    (tmp_path / "shop.json").write_text(rules)
    aisle("check", "shop.csv", "--schema", "shop.json", "--out", "checked", expect=1)
    assert (tmp_path / "checked/shop_rejected.csv").read_text() == rejected
    assert (tmp_path / "checked/shop_valid.csv").read_text() == "".join(data.splitlines(True)[:2])
