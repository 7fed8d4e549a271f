"""Input that is wrong: a clear word about what, where and why; what was good is taken, and nothing is lost."""
import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from conftest import PROGRAM
from shop import compare_tables, oracle_of, run_json

ORDERS = "order_id,customer_id,order_date,status\n"
LINES = "order_item_id,order_id,product_id,quantity,price\n"
PRODUCTS = "product_id,name,category,price\n"
GOOD = {"orders": ORDERS + "10,7,2025-04-01,delivered\n11,8,2025-04-02,returned\n",
        "order_items": LINES + "1,10,P1,2,5.00\n2,11,P1,1,7.50\n", "products": PRODUCTS + "P1,Mug,Home,6\n"}


@pytest.fixture
def shop(aisle, tmp_path):
    """A folder of good files, and runs of it with others beside them."""

    class Bad:
        files = tmp_path / "files"
        data = tmp_path / "data"

        def put(self, dataset, content, name="extra.csv"):
            path = self.files / dataset / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            return path

        def run(self, expect=None, **environment):
            done = aisle("run", "orders", self.files, "--data", self.data, "--json", expect=expect, **environment)
            assert done.returncode in (0, 1, 3), f"{done.returncode}: {done.stderr}"
            return done

        def rejected(self):
            """Reasons and number of each rejected row of all files, which all have the cells of their header."""
            rows = []
            for path in sorted((self.data / "rejected").rglob("*.csv")):
                with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
                    header, *records = csv.reader(file)
                assert header[-2:] == ["rejection_reasons", "row_number"]
                assert {len(record) for record in records} == {len(header)}
                rows += [{"reasons": record[-2], "row_number": int(record[-1])} for record in records]
            return rows

        def invalid(self):
            """The reasons beside the files in invalid/."""
            return [path.read_text() for path in sorted((self.data / "invalid").rglob("*.json"))]

    bad = Bad()
    for dataset, text in GOOD.items():
        bad.put(dataset, text, f"{dataset}_part1.csv")
    return bad


def good_is_taken(aisle, shop, done, **more):
    counts = run_json(done)["datasets"]
    assert counts["order_items"]["valid"] == 2 + more.get("order_items", 0)
    assert counts["orders"]["valid"] == 2 + more.get("orders", 0)
    day = aisle("export", "day", "--format", "csv", "--data", shop.data).stdout
    assert "2025-04-01" in day and "2025-04-02" in day


@pytest.mark.parametrize("content, words", [
    ("order_id,customer_id,order_date\n12,7,2025-04-01\n", ["status"]),
    ("order_id,customer_id,order_date,status,status\n12,7,2025-04-01,delivered,delivered\n", ["status"]),
    ("", ["empty"]),
    (b"\xef\xbb\xbf", ["empty"]),
    (bytes(range(256)) * 200, []),
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0\1" * 5000, []),
    (ORDERS + '12,7,2025-04-01,"delivered\n' + "13,7,2025-04-01,delivered\n" * 50, ["quote"]),
    (ORDERS.encode("utf-16-le") + "12,7,2025-04-01,delivered\n".encode("utf-16-le"), []),
], ids=["missing-column", "duplicate-header", "empty", "only-a-mark", "binary", "picture",
        "unclosed-quote", "utf-16-unmarked"])
def test_a_file_that_cannot_be_taken(aisle, shop, content, words):
    shop.put("orders", content)
    done = shop.run()
    good_is_taken(aisle, shop, done)
    reasons = shop.invalid()
    assert len(reasons) == 1, "the file and its reasons are not under invalid/"
    json.loads(reasons[0])
    told = reasons[0] + done.stdout
    assert "extra.csv" in told
    for word in words:
        assert word in told.lower(), told
    kept = [path for path in (shop.data / "invalid").rglob("*") if path.is_file() and path.suffix != ".json"]
    assert [path.read_bytes() for path in kept] == [content if isinstance(content, bytes) else content.encode()]


def test_no_file_that_can_be_taken(aisle, tmp_path):
    """The run fails, says why, keeps the files, and has made no tables of nothing."""
    for dataset in GOOD:
        (tmp_path / "files").mkdir(exist_ok=True)
        (tmp_path / f"files/{dataset}_1.csv").write_text("nothing,of,this\n1,2,3\n")
    done = aisle("run", "orders", "files", "--json", expect=1)
    told = run_json(done)
    assert told["status"] == "VALIDATION_FAILED" and len(told["files"]) == 3
    assert all("is missing" in file["problem"] for file in told["files"])
    assert len(list((tmp_path / "aisle-data/invalid").rglob("*.csv"))) == 3
    assert aisle("export", "day").stdout.count("\n") == 1
    assert aisle("run", "orders", "files", "--tables", "day", expect=2).stderr == (
        "aisle: --tables goes with --kpi-only: a data folder always holds all tables\n")


def test_two_columns_for_one_field(aisle, shop):
    """The field's own name counts, and the run says that the other column was passed by."""
    shop.put("orders", "order_id,customer_id,order_date,status,created_at\n12,7,2025-05-09,delivered,2025-04-01\n")
    done = shop.run(expect=0)
    good_is_taken(aisle, shop, done, orders=1)
    assert "order_date" in done.stdout
    assert "2025-05-09" not in aisle("export", "day", "--format", "csv", "--data", shop.data).stdout


def test_a_header_only(aisle, shop):
    shop.put("orders", ORDERS)
    done = shop.run(expect=0)
    good_is_taken(aisle, shop, done)
    assert run_json(done)["datasets"]["orders"]["read"] == 2


BAD_ROWS = [
    ("orders", "12,7,2025-02-30,delivered", ["2025-02-30", "created_at|order_date"]),
    ("orders", "12,7,,delivered", ["created_at|order_date"]),
    ("orders", ",7,2025-04-01,delivered", ["order_id"]),
    ("orders", "12,,2025-04-01,delivered", ["user_id|customer_id"]),
    ("orders", "12,7,2025-04-01,", ["status"]),
    ("orders", "12,7,2025-04-01", ["3", "4"]),
    ("orders", "12,7,2025-04-01,delivered,more", ["5", "4"]),
    ("orders", b"12,7,2025-04-01,caf\xe9", ["utf-8"]),
    ("orders", b"12,7,2025-04-01,a\0b", ["nul|utf-8"]),  # after the first 8 KiB, where it would mean a binary file
    ("orders", '12,7,2025-04-01,"a"b', ["quot"]),
    ("order_items", "3,10,P1,1,-0.01", ["sale_price|price", "-0.01", "0"]),
    ("order_items", "3,10,P1,1,99999999999999999999.99", ["sale_price|price", "99999999999999999999.99"]),
    ("order_items", "3,10,P1,1,nan", ["sale_price|price", "nan"]),
    ("order_items", "3,10,P1,0,1.00", ["quantity", "0"]),
    ("order_items", "3,10,P1,9223372036854775808,1.00", ["quantity", "9223372036854775808"]),
    ("order_items", "3,10,,1,1.00", ["product_id"]),
    ("products", "P2,Cup,,6", ["category"]),
]


@pytest.mark.parametrize("dataset, row, words", BAD_ROWS, ids=[f"{d}-{i}" for i, (d, _, _) in enumerate(BAD_ROWS)])
def test_a_row_that_is_rejected(aisle, shop, dataset, row, words):
    header = {"orders": ORDERS, "order_items": LINES, "products": PRODUCTS}[dataset].encode()
    raw = row if isinstance(row, bytes) else row.encode()
    good = {"orders": b"13,7,2025-04-01,delivered\n", "order_items": b"4,10,P1,1,1.00\n",
            "products": b"P3,Tea,Food,1\n"}
    blank = b"\n" * (9000 if b"\0" in raw else 0)  # blank lines are no rows
    shop.put(dataset, header + good[dataset] + blank + raw + b"\n")
    done = shop.run()
    counts = run_json(done)["datasets"][dataset]
    assert counts["rejected"] == 1
    assert counts["read"] == counts["valid"] + 1
    good_is_taken(aisle, shop, done, **{dataset: 1})
    rows = shop.rejected()
    assert len(rows) == 1
    assert rows[0]["row_number"] == 3  # the header is row 1
    for word in words:
        assert any(part in rows[0]["reasons"].lower() for part in word.lower().split("|")), rows[0]
    texts = b"".join(path.read_bytes() for path in (shop.data / "rejected").rglob("*.csv"))
    assert raw.split(b",")[0] in texts


def test_every_reason_of_a_row(shop):
    shop.put("order_items", LINES + ",10,,0,-1\n")
    shop.run()
    reasons = shop.rejected()[0]["reasons"]
    for word in ("id", "product_id", "quantity", "price"):
        assert word in reasons


def test_all_rows_bad(aisle, shop):
    for dataset, text in GOOD.items():
        header, *rows = text.splitlines()
        bad = [row.split(",")[1] for row in rows]
        shop.put(dataset, "\n".join([header, *bad]) + "\n", f"{dataset}_part1.csv")
    done = shop.run()
    assert run_json(done)["status"] == "REJECTED_ALL"
    assert done.returncode != 0
    assert len(shop.rejected()) == 5


def test_an_unknown_status_is_only_a_warning(aisle, shop):
    shop.put("orders", ORDERS + "12,7,2025-04-01,teleported\n")
    done = shop.run(expect=0)
    assert run_json(done)["datasets"]["orders"]["valid"] == 3
    assert "warn" in done.stdout + done.stderr


def test_two_files_claim_one_key(aisle, shop):
    shop.put("order_items", LINES + "1,10,P1,2,6.00\n", "order_items_part2.csv")
    shop.put("products", PRODUCTS + "P1,Mug,Home,6\n", "products_part2.csv")
    done = shop.run(expect=0)
    counts = run_json(done)["datasets"]
    assert counts["order_items"]["duplicate"] == 1
    day = aisle("export", "day", "--format", "csv", "--data", shop.data).stdout
    assert "12.00" in day
    # The line's copy differs, the product's does not, though its file does not hold what was taken before.
    assert "differ" in done.stdout + done.stderr or "conflict" in done.stdout + done.stderr


def test_a_cell_of_10_megabytes(aisle, shop):
    shop.put("products", PRODUCTS + f'P2,"{"x" * 10_000_000}",Home,6\n')
    done = shop.run(expect=0)
    assert run_json(done)["datasets"]["products"]["valid"] == 2


def test_cells_with_newlines_and_quotes(aisle, shop):
    shop.put("products", (PRODUCTS + 'P2,"a ""big""\r\ncup, blue",Home,6\n').replace("\n", "\r\n"))
    done = shop.run(expect=0)
    told = run_json(done)["datasets"]["products"]
    assert (told["read"], told["valid"]) == (2, 2)


def test_a_folder_without_a_dataset(aisle, tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "notes.txt").write_text("nothing")
    done = aisle("run", "orders", "pictures", "--data", tmp_path / "data", expect=None)
    assert done.returncode in (1, 2)
    assert "pictures" in done.stderr


def test_a_file_that_is_not_there(aisle, tmp_path):
    done = aisle("run", "orders", "orders_part1.csv", "--data", tmp_path / "data", expect=None)
    assert done.returncode in (1, 2)
    assert "orders_part1.csv" in done.stderr


def test_a_broken_link(aisle, shop):
    (shop.files / "orders" / "orders_part2.csv").symlink_to("gone.csv")
    done = aisle("run", "orders", shop.files, "--data", shop.data, "--json", expect=1)
    assert "orders_part2.csv" in done.stderr


def test_a_file_that_may_not_be_read(shop):
    """As another user where the tests run as root, since root may read everything."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o777)
        program = shutil.copy(PROGRAM, place / "aisle")
        shutil.copytree(shop.files, place / "files")
        secret = place / "files" / "orders" / "orders_part2.csv"
        secret.write_text(GOOD["orders"])
        secret.chmod(0)
        pipelines = next((folder / "pipelines" for folder in PROGRAM.parents if (folder / "pipelines").is_dir()), None)
        if pipelines:
            shutil.copytree(pipelines, place / "pipelines")
        other = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
        done = subprocess.run([program, "run", "orders", "files", "--data", place / "data", "--json"], cwd=place,
                              capture_output=True, text=True, timeout=60, **other)
        assert "orders_part2.csv" in done.stdout + done.stderr, done.stderr


def test_a_file_that_grows_while_it_is_read(aisle, tmp_path):
    """Either the run says that the file changed and takes nothing of it, or it ended before that. Then the whole file
    can be taken."""
    aisle("sample", "orders", "--rows", 100000, "--seed", 3, "--out", tmp_path / "files")
    grown = tmp_path / "files" / "order_items" / "order_items_part1.csv"
    stop = threading.Event()

    def grow():
        with open(grown, "ab", buffering=0) as file:
            number = 10_000_000
            while not stop.is_set():
                number += 1
                file.write(b"%d,1,1,1,delivered,2025-03-08,,,,1.00\n" % number)

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        done = aisle("run", "orders", tmp_path / "files", "--data", tmp_path / "data", "--json", expect=None)
    finally:
        stop.set()
        thread.join()
    if done.returncode != 0:
        assert "order_items_part1.csv" in done.stderr
        assert "changed" in done.stderr or "grew" in done.stderr or "grow" in done.stderr
    again = run_json(aisle("run", "orders", tmp_path / "files", "--data", tmp_path / "data", "--json"))
    for counts in again["datasets"].values():
        assert counts["read"] == counts["valid"] + counts["rejected"] + counts["duplicate"] + counts["pending"]


def small_disk(command, folder, size):
    """Runs a command where `folder` is a file system of so many bytes, or, where none can be made, where no file may
    become larger."""
    mount = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
             'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"', "sh", str(size), str(folder)]
    if shutil.which("unshare") and subprocess.run([*mount, "true"], capture_output=True).returncode == 0:
        return subprocess.run([*mount, *command], capture_output=True, text=True, timeout=120)

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 4, size // 4))

    return subprocess.run(command, capture_output=True, text=True, timeout=120, preexec_fn=limit)


@pytest.mark.parametrize("size", [65536, 262144, 1048576, 2097152, 4194304])
def test_a_full_disk(aisle, tmp_path, size):
    """The run fails and says so, or fits; it never claims what did not reach the disk."""
    aisle("sample", "orders", "--rows", 20000, "--seed", 3, "--out", tmp_path / "files")
    (tmp_path / "disk").mkdir()
    done = small_disk([PROGRAM, "run", "orders", tmp_path / "files", "--data", tmp_path / "disk" / "data", "--json"],
                      tmp_path / "disk", size)
    assert done.returncode in (0, 1), f"{done.returncode}: {done.stderr}"
    if done.returncode != 0:
        assert done.stderr.startswith("aisle: ") and len(done.stderr) > 20


def test_a_write_that_fails_leaves_the_state_before(aisle, shop, tmp_path):
    shop.run(expect=0)
    aisle("sample", "orders", "--rows", 5000, "--first-order", 1001, "--seed", 3, "--out",
          tmp_path / "more")
    before = aisle("export", "day", "--format", "csv", "--data", shop.data).stdout

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40000, 40000))

    done = subprocess.run([PROGRAM, "run", "orders", tmp_path / "more", "--data", shop.data, "--json"],
                          capture_output=True, text=True, timeout=120, preexec_fn=limit)
    assert done.returncode == 1 and done.stderr.startswith("aisle: ")
    assert aisle("export", "day", "--format", "csv", "--data", shop.data).stdout == before
    after = run_json(aisle("run", "orders", tmp_path / "more", "--data", shop.data, "--json"))
    assert after["datasets"]["orders"]["valid"] == 5000


def test_rejected_rows_are_kept_word_for_word(aisle, shop, tmp_path):
    """Every row that a run counts as rejected is in rejected/, with its reasons."""
    aisle("sample", "orders", "--rows", 2000, "--seed", 8, "--dirty", "0.5", "--out", tmp_path / "dirty")
    oracle, expected = oracle_of(tmp_path / "dirty")
    done = aisle("run", "orders", tmp_path / "dirty", "--data", shop.data, "--json", expect=None)
    counts = run_json(done)["datasets"]
    rejected = sum(told["rejected"] for told in counts.values())
    assert rejected == sum(told["rejected"] for told in expected["datasets"].values())
    rows = shop.rejected()
    assert len(rows) == rejected
    assert all(row["reasons"] and row["row_number"] for row in rows)
    compare_tables(aisle, shop.data, oracle)
