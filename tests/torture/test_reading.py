"""What reads a data folder, and what the command line says of itself, under failing allocations."""
import functools

import pytest

import torture

COMMANDS = {
    "completion": ("completion", "zsh"),
    "help": ("help", "run"),
    "manual": ("help", "--man"),
    "tables": ("kpi",),
    "kpi": ("kpi", "products", "--top", "3", "--thousands"),
    "kpi as JSON": ("kpi", "category", "--category", "Women", "--json"),
    "export of KPIs": ("export", "customer", "-o", "out.csv"),
    "export of rows": ("export", "orders", "--format", "jsonl"),
    "export as Parquet": ("export", "products", "-o", "out.parquet"),
    "trace": ("trace", "day", "2025-03-09"),
    "runs": ("runs", "--json"),
    "one run": ("runs", "show", "0", "--json"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_reading_survives_failing_allocations(aisle, tmp_path, command):
    aisle("sample", "orders", "--rows", "30", "--days", "3", "--out", "sample")
    aisle("run", "orders", "sample")
    torture.walk(functools.partial(aisle, *COMMANDS[command], expect=None), tmp_path)
    assert not list(tmp_path.glob("*.part"))
