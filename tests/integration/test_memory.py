"""What a run and its readers hold in memory at most, as the system counts it."""
import os
import subprocess
import sys

import pytest

from conftest import PROGRAM, TOP

MB = 1 << 20


# A child starts out with what its parent holds, so the parent is a process that holds next to nothing.
WATCH = """import os, sys
child = os.fork()
if child == 0:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss * 1024)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak_bytes(tmp_path, *arguments):
    """Resident memory of a command at its peak; mapped files count too."""
    done = subprocess.run([sys.executable, "-S", "-c", WATCH, PROGRAM, *map(str, arguments)], cwd=tmp_path, timeout=120,
                          stdout=subprocess.PIPE, text=True, check=True,
                          env=os.environ | {"AISLE_PIPELINES": str(TOP / "pipelines")})
    return int(done.stdout)


@pytest.fixture
def orders(aisle, tmp_path):
    """Files of 136 MB."""
    aisle("sample", "orders", "--rows", "400000", "--dirty", "1%", "--seed", "4", "--out", "files")
    return tmp_path / "files"


@pytest.mark.parametrize("kind", [["--data", "data"], ["--kpi-only"]])
def test_a_run_is_held_to_its_limit(tmp_path, orders, kind):
    """Beside the steps, whose memory the limit gives, are the program, mapped state and days that are written anew."""
    used = peak_bytes(tmp_path, "run", "orders", orders, *kind, "--memory-limit", "120M", "--threads", "2")
    assert used < 210 * MB


def test_a_long_table_by_day_is_written_as_it_is_read(aisle, tmp_path, orders):
    aisle("run", "orders", orders, "--data", "data")
    assert len(aisle("export", "product_day", "--data", "data").stdout) > 10 * MB
    assert peak_bytes(tmp_path, "export", "product_day", "--data", "data") < 40 * MB
