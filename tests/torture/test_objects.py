"""Objects on the command line and runs over them, in a data folder and on a server, under failing allocations and short
reads and writes."""
import shutil

import pytest

import torture
from conftest import PROGRAM
from servers import KEY_ID, SECRET, serving

NOBODY = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "",
          "AWS_PROFILE": "", "HOME": "/nonexistent"}


@pytest.fixture(params=["folder", "server"])
def objects(request, aisle, tmp_path):
    """The program with a bucket that holds a small shop's files."""
    aisle("sample", "orders", "--rows", "40", "--dirty", "10%", "--files", "2", "--out", "made")
    data = tmp_path / "data"
    if request.param == "folder":
        where = NOBODY | {"AISLE_DATA": str(data)}
        aisle("mb", "--data", data, "s3://first", **NOBODY)
        yield lambda *words, **more: aisle(*words, **(where | more))
        return
    with serving(PROGRAM, data, tmp_path / "ready") as url:
        where = NOBODY | {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL": url}
        aisle("mb", "s3://first", **where)
        yield lambda *words, **more: aisle(*words, **(where | more))


def test_copying_survives_failing_allocations(objects, tmp_path):
    torture.walk(lambda **more: objects("cp", "-r", "made", "s3://first/raw", expect=None, **more), tmp_path)

    def fetch(**more):
        shutil.rmtree(tmp_path / "back", ignore_errors=True)
        return objects("cp", "-r", "s3://first/raw/", "back", expect=None, **more)

    torture.walk(fetch, tmp_path)
    torture.walk(lambda **more: objects("ls", "-r", "s3://first", expect=None, **more), tmp_path)
    torture.walk(lambda **more: objects("rm", "-r", "s3://first/raw/", expect=None, **more), tmp_path)


def test_runs_over_objects_survive_failing_allocations(objects, tmp_path):
    objects("mb", "s3://second")
    objects("cp", "-r", "made", "s3://first/raw")
    number = iter(range(1_000_000))

    def run(**more):
        # A bucket of the data folder is where the state is; a server's need not be.
        state = ["--data", tmp_path / f"state{next(number)}"] if (tmp_path / "ready").exists() else []
        return objects("run", "orders", "s3://first/raw/", *state, "--reprocess", "--output", "s3://second/lake",
                       "--threads", "1", expect=None, **more)

    torture.walk(run, tmp_path)


def test_short_reads_and_writes_change_nothing(objects, tmp_path):
    objects("cp", "-r", "made", "s3://first/raw", AISLE_SHORT_IO="1")
    objects("cp", "-r", "s3://first/raw/", "back", AISLE_SHORT_IO="1")
    made = {path.relative_to(tmp_path / "made"): path.read_bytes() for path in (tmp_path / "made").rglob("*.csv")}
    back = {path.relative_to(tmp_path / "back"): path.read_bytes() for path in (tmp_path / "back").rglob("*.csv")}
    assert made and made == back
