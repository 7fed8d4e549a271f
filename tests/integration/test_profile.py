"""aisle profile: what it tells of a file, and that its draft holds for the file it was drafted from."""
import csv
import json
import random
import statistics
from datetime import date, timedelta

import pytest


def profile(aisle, file, *options):
    told = json.loads(aisle("profile", file, "--json", *options).stdout)
    return told, {column["name"]: column for column in told["columns"]}, \
        {field["name"]: field for field in told["schema"]["fields"]}


def write(path, header, rows, delimiter=","):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(header)
        writer.writerows(rows)


def test_types_are_those_of_the_whole_file(aisle, tmp_path):
    """The last row alone decides what the others would have hidden from a sample."""
    header = ["order_id", "zip", "n", "price", "flag", "day", "moment", "mixed", "late"]
    rows = [[str(i), f"{i:05}", i, f"{i}.50", "true", "2025-07-01", "2025-07-01T10:00:00", "2025-07-01", i]
            for i in range(5000)]
    rows.append(["5000", "99999", -7, "3.125", "false", "2025-07-02", "2025-07-02 10:00:00Z", "2025-07-01T00:00:00",
                 "none of these"])
    write(tmp_path / "in.csv", header, rows)
    told, columns, fields = profile(aisle, "in.csv")
    assert {name: field["type"] for name, field in fields.items()} == {
        "order_id": "string", "zip": "string", "n": "integer", "price": "number", "flag": "boolean", "day": "date",
        "moment": "datetime", "mixed": "datetime", "late": "string"}
    assert fields["mixed"]["format"] == "any" and "format" not in fields["day"]
    assert fields["price"]["scale"] == 3
    assert "minimum" not in fields["n"]["constraints"] and fields["price"]["constraints"]["minimum"] == 0
    assert told["schema"]["primaryKey"] == "order_id" == told["primary_key"]
    assert columns["order_id"]["id"] and columns["zip"]["id"] and not columns["n"]["id"]


@pytest.mark.parametrize("texts, form, ambiguous", [
    (["31/12/2024", "1/2/2025"], "%d/%m/%Y", False),
    (["12/31/2024", "1/2/2025"], "%m/%d/%Y", False),
    (["11/12/2024", "1/2/2025"], "%d/%m/%Y", True),
    (["31.12.2024", "01.02.2025"], "%d.%m.%Y", False),
    (["31 Dec 2024", "1 February 2025"], "%d %b %Y", False),
    (["2024/12/31 10:15", "2025/01/01 9:00"], "%Y/%m/%d %H:%M", False),
])
def test_formats_of_dates(aisle, tmp_path, texts, form, ambiguous):
    write(tmp_path / "in.csv", ["d", "x"], [[text, "y"] for text in texts])
    _, _, fields = profile(aisle, "in.csv")
    assert fields["d"]["format"] == form
    assert ("exchanged" in fields["d"]["description"]) == ambiguous


def test_numbers_and_their_distribution(aisle, tmp_path):
    rng = random.Random(5)
    numbers = [round(rng.gauss(100, 30), 2) for _ in range(10001)]
    write(tmp_path / "in.csv", ["price", "x"], [[number, "y"] for number in numbers])
    _, columns, _ = profile(aisle, "in.csv")
    told = columns["price"]
    assert (float(told["least"]), float(told["most"])) == (min(numbers), max(numbers))
    ordered = sorted(numbers)
    assert told["quantiles"] == [ordered[2500], ordered[5000], ordered[7500]]
    assert told["quantiles"][1] == statistics.median(numbers)
    assert told["distinct"] == len(set(numbers)) and not told["quantiles_estimated"]


def test_missing_values_enumerations_and_top_values(aisle, tmp_path):
    rows = [[i, ["delivered", "returned", "shipped"][i * i % 3], ["N/A", "8", "16", ""][i % 4]] for i in range(400)]
    write(tmp_path / "in.csv", ["id", "status", "ram"], rows)
    _, columns, fields = profile(aisle, "in.csv")
    assert sorted(fields["status"]["constraints"]["enum"]) == ["delivered", "returned"]
    assert columns["status"]["top"] == [{"value": "returned", "count": 266}, {"value": "delivered", "count": 134}]
    assert fields["ram"]["type"] == "integer" and fields["ram"]["missingValues"] == ["", "N/A"]
    assert (columns["ram"]["missing"], columns["ram"]["present"]) == (200, 200)
    assert "required" not in fields["ram"]["constraints"] and fields["status"]["constraints"]["required"]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_is_told_from_the_file(aisle, tmp_path, delimiter):
    write(tmp_path / "in.csv", ["a", "b"], [["1,5", "x"], ["2,5", "y"]], delimiter)
    told, _, fields = profile(aisle, "in.csv")
    assert list(fields) == ["a", "b"]
    assert told["schema"]["dialect"] == {"delimiter": delimiter}


def test_broken_rows_are_left_out_and_counted(aisle, tmp_path):
    (tmp_path / "in.csv").write_bytes(b"a,b\n1,2\n3\n\xff,4\n5,6\n")
    told, columns, _ = profile(aisle, "in.csv")
    assert (told["rows"], told["broken"], columns["a"]["present"]) == (4, 2, 2)


def random_cell(rng, kind):
    return {
        "integer": lambda: str(rng.randrange(-50, 50)),
        "large": lambda: str(rng.randrange(10**17)) + rng.choice(["", ".5"]),
        "number": lambda: repr(rng.random() * 100),
        "exponent": lambda: f"{rng.randrange(9)}e{rng.randrange(-3, 4)}",
        "date": lambda: str(date(2025, 1, 1) + timedelta(rng.randrange(400))),
        "slashes": lambda: f"{rng.randrange(1, 29)}/{rng.randrange(1, 13)}/2025",
        "word": lambda: rng.choice(["red", "green", "blue"]),
        "text": lambda: rng.choice(["a, b", "say \"x\"", "two\nlines", "é", " padded "]) + str(rng.random()),
        "missing": lambda: rng.choice(["", "NA", "-", "null"]),
        "flag": lambda: rng.choice(["true", "FALSE"]),
        "zeros": lambda: f"{rng.randrange(1000):04}",
        "ids": lambda: f"P{rng.randrange(10**6)}",
    }[kind]()


@pytest.mark.parametrize("seed", range(12))
def test_the_file_is_valid_by_its_draft(aisle, tmp_path, seed):
    rng = random.Random(seed)
    kinds = ["integer", "large", "number", "exponent", "date", "slashes", "word", "text", "flag", "zeros", "ids"]
    header = [f"{rng.choice(['c', 'id', 'order_id', 'code'])}{i}" if i else "key_id" for i in range(8)]
    columns = [[rng.choice(kinds)] * 10 + rng.choice([[], ["missing"], ["missing", rng.choice(kinds)]]) for _ in header]
    rows = [[random_cell(rng, rng.choice(kinds)) for kinds in columns] for _ in range(rng.choice([1, 30, 500]))]
    for number, row in enumerate(rows):
        row[0] = str(number)
    write(tmp_path / "in.csv", header, rows)
    aisle("profile", "in.csv", "-o", "draft.json")
    report = json.loads(aisle("check", "in.csv", "-s", "draft.json", "--json", expect=None).stdout)
    assert report["status"] == "clean" and report["read"] == len(rows), report["findings"]


def test_the_draft_and_the_table_go_where_they_should(aisle, tmp_path):
    write(tmp_path / "in.csv", ["id", "city"], [[1, "Oslo"], [2, "Rome"]])
    done = aisle("profile", "in.csv")
    assert json.loads(done.stdout)["name"] == "in" and "distinct" in done.stderr
    done = aisle("profile", "in.csv", "-o", "draft.json")
    assert "distinct" in done.stdout and json.loads((tmp_path / "draft.json").read_text())["primaryKey"] == "id"


@pytest.mark.parametrize("word, sign", [("\\t", "\t"), ("tab", "\t"), ("#", "#")])
def test_the_delimiter_may_be_given(aisle, tmp_path, word, sign):
    (tmp_path / "in.csv").write_text(f"a,x{sign}b,y\n1,2{sign}3,4\n")
    told, columns, _ = profile(aisle, "in.csv", "--delimiter", word)
    assert list(columns) == ["a,x", "b,y"] and told["schema"]["dialect"] == {"delimiter": sign}


@pytest.mark.parametrize("word", ["", "ab", '"', "é"])
def test_what_cannot_be_a_delimiter(aisle, tmp_path, word):
    (tmp_path / "in.csv").write_text("a,b\n1,2\n")
    assert "is not one ASCII character" in aisle("profile", "in.csv", "--delimiter", word, expect=2).stderr


@pytest.mark.parametrize("encoding, codec", [("latin-1", "latin-1"), ("utf-16", "utf-16-le")])
def test_the_draft_says_the_encoding(aisle, tmp_path, encoding, codec):
    (tmp_path / "in.csv").write_bytes("name,n\nJosé,1\nZoë,2\n".encode(codec))
    told, columns, _ = profile(aisle, "in.csv", "--encoding", encoding)
    assert told["schema"]["encoding"] == encoding
    (tmp_path / "draft.json").write_text(json.dumps(told["schema"]))
    report = json.loads(aisle("check", "in.csv", "-s", "draft.json", "--json").stdout)
    assert (report["status"], report["read"]) == ("clean", 2)


@pytest.mark.parametrize("content, named", [
    (b"a\xff,b\n1,2\n", "it is not UTF-8 (--encoding names another)"),
    (b'a"b"c,d\n1,2\n', "a quote stands where none may be")])
def test_a_header_that_is_no_text(aisle, tmp_path, content, named):
    (tmp_path / "in.csv").write_bytes(content)
    assert named in aisle("profile", "in.csv", expect=1).stderr


@pytest.mark.parametrize("content, named", [(b"", "empty"), (b"a,a\n1,2\n", '"a" twice'), (b"a,b\n1,\"2\n", "quote")])
def test_files_that_cannot_be_profiled(aisle, tmp_path, content, named):
    (tmp_path / "in.csv").write_bytes(content)
    assert named in aisle("profile", "in.csv", expect=1).stderr
