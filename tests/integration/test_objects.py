"""aisle ls, cp, cat, rm, presign, mb and rb, and runs over objects: in a data folder's own buckets, and on servers."""
import json
import random
import subprocess
import urllib.request
from pathlib import Path

import pytest

from conftest import PROGRAM, TOP
from oracle import Oracle
from servers import KEY_ID, SECRET, clean_environment, moto, serving
from shop import Shop, compare_cleaned, compare_counts, compare_tables, run_json

PLACES = ["folder", "server", "another"]


class Objects:
    """The program, with the object store that it is to use."""

    def __init__(self, folder, url=None):
        self.folder, self.url = folder, url
        self.environment = clean_environment(AISLE_PIPELINES=str(TOP / "pipelines"))
        if url:
            self.environment |= {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}

    def __call__(self, *words, expect=0, stdin=b"", **environment):
        done = subprocess.run([PROGRAM, *map(str, words)], input=stdin, capture_output=True, cwd=self.folder,
                              timeout=120, env=self.environment | environment)
        assert expect is None or done.returncode == expect, (words, done.returncode, done.stdout, done.stderr)
        return done

    def keys(self, url):
        listed = self("ls", "--recursive", "--json", url).stdout.decode()
        return [json.loads(line)["key"] for line in listed.splitlines()]


@pytest.fixture(scope="module")
def another():
    with moto() as url:
        yield url


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with serving(PROGRAM, folder / "data", folder / "ready") as url:
        yield url


@pytest.fixture(params=PLACES)
def objects(request, tmp_path):
    if request.param == "folder":
        made = Objects(tmp_path)
        made.environment["AISLE_DATA"] = str(tmp_path / "aisle-data")
        made("mb", "--data", tmp_path / "aisle-data", "s3://first")
    else:
        made = Objects(tmp_path, request.getfixturevalue(request.param))
        made("mb", "s3://first")
    yield made
    for bucket in made("ls", "--json").stdout.decode().splitlines():
        made("rb", "--force", f"s3://{json.loads(bucket)['bucket']}")


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in Path(folder).rglob("*")
            if path.is_file()}


def test_files_become_objects_and_come_back(objects, tmp_path):
    chance = random.Random(5)
    made = tmp_path / "made"
    names = ["a.csv", "b c/d+e.json", "b c/ä€.txt", "deep/er/and/deeper.bin", "empty", "large.bin"]
    for name in names:
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if name == "empty" else chance.randbytes(6_000_000 if name == "large.bin" else 999))
    objects("cp", "--recursive", made, "s3://first/below")
    assert objects.keys("s3://first") == sorted((f"below/{name}" for name in names), key=str.encode)
    objects("cp", "--recursive", "s3://first/below/", tmp_path / "back")
    assert tree(tmp_path / "back") == tree(made)
    objects("mb", "s3://second")
    objects("cp", "--recursive", "s3://first/below/b c", "s3://second/x")
    assert objects.keys("s3://second/x/") == ["x/b c/d+e.json", "x/b c/ä€.txt"]
    assert objects("cat", "s3://second/x/b c/d+e.json", "s3://first/below/a.csv").stdout == (
        (made / "b c/d+e.json").read_bytes() + (made / "a.csv").read_bytes())


def test_one_file_takes_the_name_that_its_target_says(objects, tmp_path):
    (tmp_path / "a.csv").write_bytes(b"a\n")
    objects("cp", "a.csv", "s3://first")
    objects("cp", "a.csv", "s3://first/folder/")
    objects("cp", "a.csv", "s3://first/folder/b.csv")
    objects("cp", "s3://first/a.csv", "s3://first/copies/")
    assert objects.keys("s3://first") == ["a.csv", "copies/a.csv", "folder/a.csv", "folder/b.csv"]
    (tmp_path / "into").mkdir()
    objects("cp", "s3://first/folder/b.csv", "into")
    objects("cp", "s3://first/folder/b.csv", "into/c.csv")
    objects("cp", "s3://first/folder/b.csv", "new/")
    assert tree(tmp_path / "into") == {"b.csv": b"a\n", "c.csv": b"a\n"}
    assert tree(tmp_path / "new") == {"b.csv": b"a\n"}
    objects("cp", "-", "s3://first/piped", stdin=b"from a pipe")
    assert objects("cp", "s3://first/piped", "-").stdout == b"from a pipe"


def test_folders_are_listed_as_keys_have_them(objects):
    for key in ["a", "b/1", "b/2", "c/d/e"]:
        objects("cp", "-", f"s3://first/{key}", stdin=b"123")
    lines = [json.loads(line) for line in objects("ls", "--json", "s3://first").stdout.splitlines()]
    assert [line.get("key", line.get("prefix")) for line in lines] == ["a", "b/", "c/"]
    assert lines[0]["size_bytes"] == 3 and lines[0]["etag"] == "202cb962ac59075b964b07152d234b70"
    shown = objects("ls", "s3://first/b/").stdout.decode().splitlines()
    assert [line.split()[-1] for line in shown[2:]] == ["b/1", "b/2"]


def test_objects_and_buckets_go(objects):
    for key in ["a", "b/1", "b/2", "bb"]:
        objects("cp", "-", f"s3://first/{key}", stdin=b"x")
    objects("rm", "s3://first/a", "s3://first/absent")
    objects("rm", "--recursive", "s3://first/b/")
    assert objects.keys("s3://first") == ["bb"]
    assert b"first" in objects("rb", "s3://first", expect=1).stderr
    assert objects("rm", "s3://first", expect=2).stdout == b""
    objects("rb", "--force", "s3://first")
    assert objects("ls", "--json").stdout == b""
    assert b"first" in objects("ls", "s3://first", expect=1).stderr


def test_what_is_wrong_is_told(objects, tmp_path):
    (tmp_path / "folder").mkdir()
    for words, status in [(("cp", "a", "b"), 2), (("cp", "absent", "s3://first/"), 1), (("cat", "s3://first"), 2),
                          (("cp", "folder", "s3://first/"), 2), (("cat", "s3://first/absent"), 1),
                          (("cp", "s3://first/absent", "x"), 1), (("mb", "s3://ab"), 1),
                          (("mb", "s3://first/key"), 2), (("ls", "first"), 2)]:
        done = objects(*words, expect=status)
        assert done.stdout == b"" and done.stderr.startswith(b"aisle: "), words
    assert [path.name for path in tmp_path.iterdir() if path.name != "aisle-data"] == ["folder"]


def test_keys_that_lead_out_of_the_folder_are_not_followed(objects, tmp_path):
    if objects.url:
        objects("cp", "-", "s3://first/x/%2E%2E/up", stdin=b"fine: no dots")
    objects("cp", "-", "s3://first/x/../../up", stdin=b"x")
    done = objects("cp", "--recursive", "s3://first/x", "down", expect=1)
    assert b"copy it alone" in done.stderr
    assert not (tmp_path / "up").exists()


def test_a_presigned_url_is_enough(objects):
    objects("cp", "-", "s3://first/a b", stdin=b"signed")
    if not objects.url:
        assert b"server" in objects("presign", "s3://first/a b", expect=None).stderr
        return
    url = objects("presign", "--expires", "60", "s3://first/a b").stdout.decode().strip()
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"signed"


def files(seed):
    shop = Shop(seed)
    return [("products", "products_1", shop.file("products", 12)), ("orders", "orders_1", shop.file("orders", 60)),
            ("orders", "orders_2", shop.file("orders", 60)), ("order_items", "items_1", shop.file("order_items", 150))]


def test_a_run_over_objects_is_a_run_over_files(objects, aisle, tmp_path):
    """Same rows, same tables; the names of the objects stay with the rows; what is known is not taken again."""
    first = [(dataset, f"{dataset}/{name}", content) for dataset, name, content in files(71)]
    oracle = Oracle()
    expected = oracle.run(first)
    for place, (_, name, content) in enumerate(first):
        source = tmp_path / f"file{place}"
        source.write_bytes(content)
        objects("cp", source, f"s3://first/raw_data/{name}.csv")
    objects("cp", "-", "s3://first/raw_data/notes.csv", stdin=b"of no dataset\n")
    objects("cp", "-", "s3://first/raw_data/orders/.hidden.csv", stdin=b"passed over\n")
    data = tmp_path / ("aisle-data" if not objects.url else "state")
    summary = run_json(objects("run", "orders", "s3://first/raw_data/", "--data", data, "--json", expect=None))
    compare_counts(summary, expected)
    compare_tables(aisle, data, oracle)
    compare_cleaned(aisle, data, oracle)
    assert sorted(entry["file"] for entry in summary["files"]) == sorted(
        f"s3://first/raw_data/{name}.csv" for _, name, _ in first)
    assert summary["not_of_a_dataset"] == ["s3://first/raw_data/notes.csv"]
    again = run_json(objects("run", "orders", "s3://first/raw_data", "--data", data, "--json"))
    assert again["status"] == "NOTHING_NEW"
    assert all(entry["outcome"] == "skipped" for entry in again["files"])


def rooms(data):
    """What --output keeps as objects, as the folder has it."""
    return {name: content for name, content in tree(data).items()
            if name.split("/")[0] in ("cleaned", "rejected", "invalid")}


def mirror(objects, folder):
    objects("cp", "--recursive", "s3://second/lake/", folder)
    return tree(folder) if folder.exists() else {}


def put_inputs(objects, tmp_path, inputs, broken=False):
    for place, (dataset, name, content) in enumerate(inputs):
        source = tmp_path / f"input{place}"
        source.write_bytes(content)
        objects("cp", source, f"s3://first/raw/{dataset}/{name}.csv")
    if broken:
        objects("cp", "-", "s3://first/raw/orders/broken.csv", stdin=b"no,header,of,orders\n1,2,3,4\n")


def test_what_a_run_keeps_is_at_its_output_too(objects, aisle, tmp_path):
    data = tmp_path / ("aisle-data" if not objects.url else "state")
    objects("mb", "s3://second")
    put_inputs(objects, tmp_path, files(72), broken=True)
    run = ("run", "orders", "s3://first/raw/", "--data", data, "--output", "s3://second/lake", "--json")
    summary = run_json(objects(*run, expect=3))
    kept = rooms(data)
    assert {name.split("/")[0] for name in kept} == {"cleaned", "rejected", "invalid"}
    assert summary["files_written"] == len(kept)
    assert mirror(objects, tmp_path / "m1") == kept
    again = run_json(objects(*run[:-2], "s3://second/lake/", "--json", expect=None))
    assert again["files_written"] == len(rooms(data).keys() - kept.keys())  # the broken file is set aside anew
    kept = rooms(data)
    # A run without --output changes the folder alone; the next one with it makes up for that.
    shop = Shop(73)
    second = [("orders", "orders_3", shop.file("orders", 60)), ("order_items", "items_3", shop.file("order_items", 99))]
    put_inputs(objects, tmp_path, second)
    objects(*run[:-3], "--json", expect=None)
    assert mirror(objects, tmp_path / "m2") == kept
    summary = run_json(objects(*run, expect=None))
    assert mirror(objects, tmp_path / "m3") == rooms(data) != kept
    assert summary["files_written"] == len(rooms(data).keys() - kept.keys())
    assert summary["files_taken_away"] == len(kept.keys() - rooms(data).keys()) > 0
    for words in (["--output", "s3://first/raw/out"], ["--output", "s3://second/x", "--kpi-only"],
                  ["--output", "elsewhere"]):
        objects(*run[:-3], *words, expect=2)
    objects(*run[:-3], "--output", "s3://nowhere-at-all/x", expect=1)


@pytest.mark.parametrize("place", ["change.synced=crash", "change.applied=crash", "change.committed=crash",
                                   "output.written=crash", "output.written=crash:2"])
def test_a_run_that_is_killed_is_finished_by_the_next(aisle, tmp_path, place):
    objects = Objects(tmp_path)
    data = tmp_path / "aisle-data"
    objects.environment["AISLE_DATA"] = str(data)
    for bucket in ("first", "second"):
        objects("mb", "--data", data, f"s3://{bucket}")
    first = files(74)
    put_inputs(objects, tmp_path, first)
    run = ("run", "orders", "s3://first/raw/", "--data", data, "--output", "s3://second/lake", "--json")
    objects(*run, expect=None)
    shop = Shop(75)
    second = [("orders", "orders_3", shop.file("orders", 60)), ("order_items", "items_3", shop.file("order_items", 99)),
              ("products", "products_3", shop.file("products", 9))]
    put_inputs(objects, tmp_path, second)
    objects(*run, expect=137, AISLE_FAILPOINTS=place)
    objects(*run, expect=None)
    assert mirror(objects, tmp_path / "mirror") == rooms(data)
    oracle = Oracle()
    oracle.run(first)
    oracle.run(second)
    compare_tables(aisle, data, oracle)


def test_a_folder_that_a_server_holds_is_reached_through_it(tmp_path):
    objects = Objects(tmp_path)
    data = tmp_path / "aisle-data"
    objects("mb", "--data", data, "s3://first")
    objects("cp", "--data", data, "-", "s3://first/before", stdin=b"1")
    with serving(PROGRAM, data, tmp_path / "ready") as url:
        objects("cp", "--data", data, "-", "s3://first/meanwhile", stdin=b"2")
        objects.environment["AISLE_DATA"] = str(data)
        assert objects.keys("s3://first") == ["before", "meanwhile"]
        link = objects("presign", "s3://first/meanwhile").stdout.decode().strip()
        assert link.startswith(url + "/first/meanwhile?")
        with urllib.request.urlopen(link) as answer:
            assert answer.read() == b"2"
        # Somebody else's key is not replaced by the folder's.
        done = objects("ls", "--data", data, AWS_ACCESS_KEY_ID="somebody", AWS_SECRET_ACCESS_KEY="else", expect=1)
        assert b"InvalidAccessKeyId" in done.stderr
    assert objects.keys("s3://first") == ["before", "meanwhile"]


def test_more_files_than_may_be_open_at_first(tmp_path):
    objects = Objects(tmp_path)
    data = tmp_path / "aisle-data"
    objects("sample", "orders", "--rows", "300", "--files", "60", "--out", "many")
    objects("mb", "--data", data, "s3://first")
    objects("cp", "--data", data, "--recursive", "many", "s3://first/many")
    for place in ("many", "s3://first/many/"):
        done = subprocess.run(["bash", "-c", 'ulimit -Sn 64; exec "$@"', "bash", PROGRAM, "run", "orders", place,
                               "--data", tmp_path / "state" if place == "many" else data, "--json"],
                              capture_output=True, cwd=tmp_path, env=objects.environment, timeout=120)
        assert done.returncode == 0, done.stderr
        assert len(json.loads(done.stdout)["files"]) == 121
