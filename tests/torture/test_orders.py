"""Runs of the orders pipeline in which allocations fail, or reads and writes come short.

Whatever fails, the data folder must hold the state before the run or the one after it, and the same run, tried again,
must end as if nothing had been.
"""
import json
import shutil

import pytest
import torture


@pytest.fixture
def days(aisle, tmp_path):
    """Two days of files, some rows dirty, and the data folder after the first of them."""
    common = ["--rows", "60", "--dirty", "8%", "--days", "2", "--products", "20"]
    aisle("sample", "orders", *common, "--seed", "1", "--out", "first")
    aisle("sample", "orders", *common, "--seed", "2", "--first-order", "61", "--out", "second")
    aisle("run", "orders", "first", "--data", "before", expect=None)
    return tmp_path


def tables(aisle, data):
    """What a reader gets to see."""
    return [aisle("kpi", table, "--data", data, "--json").stdout for table in ("days", "customers")]


def counts(done):
    found = json.loads(done.stdout)
    return {name: {kind: rows[kind] for kind in ("read", "valid", "rejected", "duplicate", "pending")}
            for name, rows in found["datasets"].items()}


def run_second(aisle, folder, **environment):
    shutil.rmtree(folder / "data", ignore_errors=True)
    shutil.copytree(folder / "before", folder / "data")
    return aisle("run", "orders", "second", "--data", "data", "--threads", "1", "--json", expect=None, **environment)


def test_a_failing_allocation_leaves_the_old_state_or_the_new(aisle, days):
    whole = run_second(aisle, days)
    assert whole.returncode in (0, 3)
    before, after = tables(aisle, "before"), tables(aisle, "data")
    assert before != after
    for fail_at in torture.places(torture.count_allocations(lambda **more: run_second(aisle, days, **more), days)):
        done = run_second(aisle, days, AISLE_FAIL_ALLOCATION=str(fail_at))
        torture.assert_clean(done, fail_at)
        left = tables(aisle, "data")
        assert left == after or (done.returncode == 1 and left == before), f"allocation {fail_at}"
        again = aisle("run", "orders", "second", "--data", "data", "--json", expect=None)
        assert again.returncode in (0, 3), f"allocation {fail_at}:\n{again.stderr}"
        assert tables(aisle, "data") == after, f"allocation {fail_at}"
        if left == before:
            assert counts(again) == counts(whole), f"allocation {fail_at}"


def test_short_reads_and_writes_change_nothing(aisle, days):
    whole = run_second(aisle, days)
    expected = tables(aisle, "data")
    short = run_second(aisle, days, AISLE_SHORT_IO="1")
    assert counts(short) == counts(whole)
    assert tables(aisle, "data") == expected
