"""What a run tells of itself in the log."""
import json
import re

ORDERS = "order_id,user_id,status,created_at\n1,10,delivered,2025-04-01T10:00:00\nx,10,lost,yesterday\n"
ITEMS = "id,order_id,product_id,sale_price\n101,1,P1,20.00\n"
BROKEN = "order_id,status\n1,delivered\n"


def told(done):
    """The log's lines, each with the fields that all have."""
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", line["ts"])
        assert list(line)[:5] == ["ts", "level", "event", "pipeline", "run"] and line["pipeline"] == "orders"
    assert len({line["run"] for line in lines}) == 1
    return lines


def files(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "orders_1.csv").write_text(ORDERS)
    (folder / "order_items_1.csv").write_text(ITEMS)
    (folder / "orders_2.csv").write_text(BROKEN)
    return folder


def test_a_run_tells_its_steps(aisle, tmp_path):
    files(tmp_path)
    done = aisle("run", "orders", "in", "--json", AISLE_LOG="info", expect=None)
    lines = told(done)
    assert [(line["event"], line.get("path")) for line in lines] == [
        ("run_started", None), ("step_done", None), ("file_taken", "in/orders_1.csv"), ("file_broken", "in/orders_2.csv"),
        ("file_taken", "in/order_items_1.csv"), ("run_committed", None)]
    assert {line["level"] for line in lines} == {"info"}
    started, step, taken, broken, _, committed = lines
    assert started["files"] == 3 and started["bytes"] == len(ORDERS) + len(ITEMS) + len(BROKEN)
    assert (step["step"], step["rows"]) == (1, 2)
    assert (taken["dataset"], taken["rows"], taken["rejected"]) == ("orders", 2, 1)
    assert "user_id" in broken["why"]
    assert (committed["status"], committed["steps"], committed["days"]) == ("INVALID_FILES", 1, 1)
    assert committed["run"] == json.loads(done.stdout)["run"]

    again = told(aisle("run", "orders", "in/orders_1.csv", AISLE_LOG="info", expect=None))
    assert [line["event"] for line in again] == ["run_started", "file_passed_over", "run_committed"]
    assert committed["run"] in again[1]["why"]


def test_debug_tells_more_and_the_default_nothing(aisle, tmp_path):
    folder = files(tmp_path)
    (folder / "orders_2.csv").unlink()
    opened = [line for line in told(aisle("run", "orders", "in", "--kpi-only", AISLE_LOG="debug", expect=None))
              if line["level"] == "debug"]
    assert [(line["event"], line["bytes"]) for line in sorted(opened, key=lambda line: line["path"])] == [
        ("file_opened", len(ITEMS)), ("file_opened", len(ORDERS))]
    assert '"event"' not in aisle("run", "orders", "in", expect=None).stderr


def test_a_run_that_fails_says_so(aisle, tmp_path):
    files(tmp_path)
    (tmp_path / "data").write_text("in the way")
    lines = told(aisle("run", "orders", "in", "--data", "data", AISLE_LOG="info", expect=1))
    assert [line["event"] for line in lines] == ["run_started", "run_failed"]
    assert "data" in lines[1]["why"] and lines[1]["code"] != "none"
