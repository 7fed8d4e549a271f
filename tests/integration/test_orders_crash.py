"""A run that is killed, or fails, at any place leaves the old state or the new one, and the next run goes on from
there."""
import os
import random
import re
import signal
import sqlite3
import subprocess
import time

import pytest

from conftest import PROGRAM, TOP
from oracle import Oracle
from shop import Shop, compare_counts, compare_tables, run_json, store


def failpoints():
    """Every place of the program where a test can make it die."""
    names = set()
    for path in sorted((TOP / "src").rglob("*.c")):
        names.update(re.findall(r'failpoint_hit\("([^"]+)"\)', path.read_text()))
    return sorted(names)


def batch(shop, number):
    return [("orders", f"orders_part{number}", shop.file("orders", 40)),
            ("order_items", f"order_items_part{number}", shop.file("order_items", 80)),
            ("products", f"products_part{number}", shop.file("products", 6))]


def leftovers(data):
    """Files in the data folder, without the database and the lock."""
    return {path.relative_to(data).as_posix() for path in data.rglob("*")
            if path.is_file() and not path.name.startswith(("aisle.db", "lock"))}


class TwoRuns:
    """A first run that is there, a second one that is to come, and the model before and after it."""

    def __init__(self, aisle, folder, seed=31):
        shop = Shop(seed)
        self.aisle, self.data = aisle, folder / "data"
        first, second = batch(shop, 1), batch(shop, 2)
        self.before, self.after = Oracle(), Oracle()
        self.before.run(first)
        self.after.run(first)
        self.expected = self.after.run(second)
        self.second = store(folder / "second", second)
        aisle("run", "orders", store(folder / "first", first), "--data", self.data)

    def holds(self, oracle):
        try:
            compare_tables(self.aisle, self.data, oracle)
            return True
        except AssertionError:
            return False

    def again(self):
        """The same run once more: whatever happened, the end is the same."""
        old = self.holds(self.before)
        assert old or self.holds(self.after), "the tables are neither those before the run nor those after it"
        summary = run_json(self.aisle("run", "orders", self.second, "--data", self.data, "--json"))
        if old:
            compare_counts(summary, self.expected)
        else:
            assert all(count == 0 for counts in summary["datasets"].values() for count in counts.values())
        compare_tables(self.aisle, self.data, self.after)


@pytest.mark.parametrize("name", failpoints())
@pytest.mark.parametrize("what", ["crash", "error"])
def test_a_run_ends_at_a_failpoint(aisle, tmp_path, name, what):
    runs = TwoRuns(aisle, tmp_path)
    done = aisle("run", "orders", runs.second, "--data", runs.data, "--json", expect=None,
                 AISLE_FAILPOINTS=f"{name}={what}")
    if what == "crash":
        assert done.returncode in (0, 137, -9), done.stderr
    elif done.returncode != 0:
        assert done.stderr.startswith("aisle: ")
        assert not runs.holds(runs.after) or runs.holds(runs.before) or "removed" in name
    runs.again()


@pytest.mark.parametrize("name", failpoints())
def test_a_crash_leaves_no_files_behind(aisle, tmp_path, name):
    """What the crash left is swept by the next run: the folder then holds the files that its database names, no more."""
    runs = TwoRuns(aisle, tmp_path)
    aisle("run", "orders", runs.second, "--data", runs.data, expect=None, AISLE_FAILPOINTS=f"{name}=crash")
    aisle("run", "orders", runs.second, "--data", runs.data)
    with sqlite3.connect(runs.data / "aisle.db") as database:
        named = {path for path, in database.execute("select path from files")}
    assert leftovers(runs.data) == named


def test_killed_at_any_moment(aisle, tmp_path):
    chance = random.Random(5)
    aisle("sample", "orders", "--rows", 30000, "--seed", 5, "--dirty", "0.02", "--out", tmp_path / "files")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AISLE_")}
    started = time.monotonic()
    whole = run_json(aisle("run", "orders", tmp_path / "files", "--data", tmp_path / "whole", "--json"))
    longest = time.monotonic() - started
    tables = [aisle("export", name, "--format", "csv", "--data", tmp_path / "whole").stdout
              for name in ("category_day", "day", "customer", "product_day")]
    for _ in range(12):
        process = subprocess.Popen([PROGRAM, "run", "orders", tmp_path / "files", "--data", tmp_path / "data"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        time.sleep(chance.random() * longest)
        process.send_signal(signal.SIGKILL)
        process.wait()
    last = run_json(aisle("run", "orders", tmp_path / "files", "--data", tmp_path / "data", "--json"))
    assert last["datasets"] == whole["datasets"] or all(
        counts["read"] == 0 for counts in last["datasets"].values())
    assert tables == [aisle("export", name, "--format", "csv", "--data", tmp_path / "data").stdout
                      for name in ("category_day", "day", "customer", "product_day")]


def test_one_owner_at_a_time(aisle, tmp_path):
    """Two runs onto one folder at once: each is done, or says that another process holds the folder."""
    aisle("sample", "orders", "--rows", 20000, "--seed", 6, "--out", tmp_path / "files")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AISLE_")}
    runs = [subprocess.Popen([PROGRAM, "run", "orders", tmp_path / "files", "--data", tmp_path / "data", "--json"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
            for _ in range(4)]
    done = [(process, *process.communicate(timeout=120)) for process in runs]
    assert any(process.returncode == 0 for process, _, _ in done)
    for process, _, errors in done:
        assert process.returncode == 0 or re.search(r"\d", errors), errors
    assert sum(run_json_text(out)["datasets"]["orders"]["read"] for process, out, _ in done
               if process.returncode == 0) == 20000


def run_json_text(text):
    class Done:
        stdout = text
    return run_json(Done)
