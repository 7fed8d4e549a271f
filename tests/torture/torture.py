"""Runs of the program in which allocations fail one after the other.

The sanitizer build counts its allocations and lets the one that AISLE_FAIL_ALLOCATION names fail.
TORTURE_RUNS says how many places a walk tries, 0 for every one.
"""
import os

RUNS = int(os.environ.get("TORTURE_RUNS", "24"))

# What a run with a failing allocation may end with: failed, or done, for some it can do without.
CLEAN_STATUSES = {0, 1, 3}


def count_allocations(run, folder):
    """The allocations of `run(**environment)` when none fails."""
    count = folder / "allocations"
    run(AISLE_COUNT_ALLOCATIONS=str(count))
    return int(count.read_text())


def places(total):
    """Which allocations are to fail: each, or the first ones and others spread evenly over the rest."""
    if RUNS == 0 or total <= RUNS:
        return range(1, total + 1)
    first = RUNS // 2
    rest = RUNS - first
    return sorted({*range(1, first + 1), *(first + (total - first) * (i + 1) // rest for i in range(rest))})


def assert_clean(done, fail_at):
    """The run ended by itself and said why, and the sanitizers found nothing, a leak included."""
    said = done.stderr
    assert "Sanitizer" not in said and "runtime error" not in said, f"allocation {fail_at}:\n{said}"
    assert done.returncode in CLEAN_STATUSES, f"allocation {fail_at}: status {done.returncode}\n{said}"
    assert done.returncode != 1 or "memory" in said, f"allocation {fail_at} failed, and it said only:\n{said}"


def walk(run, folder):
    """Calls `run(**environment)` with one failing allocation after the other."""
    for fail_at in places(count_allocations(run, folder)):
        assert_clean(run(AISLE_FAIL_ALLOCATION=str(fail_at)), fail_at)
