"""Making sample data under failing allocations and short writes."""
import shutil

import torture


def test_sample_survives_failing_allocations(aisle, tmp_path):
    def make(**environment):
        shutil.rmtree(tmp_path / "made", ignore_errors=True)
        return aisle("sample", "orders", "--rows", "40", "--dirty", "10%", "--out", "made", expect=None, **environment)

    torture.walk(make, tmp_path)


def test_sample_is_the_same_when_writes_come_short(aisle, tmp_path):
    aisle("sample", "orders", "--rows", "400", "--dirty", "10%", "--out", "whole")
    aisle("sample", "orders", "--rows", "400", "--dirty", "10%", "--out", "short", AISLE_SHORT_IO="1")
    whole = {path.relative_to(tmp_path / "whole"): path.read_bytes()
             for path in (tmp_path / "whole").rglob("*.csv")}
    short = {path.relative_to(tmp_path / "short"): path.read_bytes()
             for path in (tmp_path / "short").rglob("*.csv")}
    assert whole
    assert whole == short
