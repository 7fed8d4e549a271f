"""Backup and restore beside a running server, fsck, watched folders, adopted and browsed trees, with the built program."""
import hashlib
import json
import os
import signal
import subprocess
import threading
import time

import pytest

from s3 import PROGRAM, Server, KEY_ID, SECRET


def environment(**further):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AISLE_"))}
    return kept | {"AISLE_ACCESS_KEY_ID": KEY_ID, "AISLE_SECRET_ACCESS_KEY": SECRET} | further


def start(folder, data, *words, **further):
    """A server on a data folder, ready."""
    ready = folder / f"ready-{time.monotonic_ns()}"
    with open(folder / "server.log", "ab") as log:
        process = subprocess.Popen([PROGRAM, "serve", "--data", data, "--listen", "127.0.0.1:0", "--ready-file", ready,
                                    *words], stdout=log, stderr=log, env=environment(**further))
    for _ in range(1200):
        if ready.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    assert ready.exists(), (folder / "server.log").read_text()
    return Server(ready.read_text().strip(), process, folder)


def stop(server):
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=60) == 0


def objects_of(server, bucket):
    """Every key with the SHA-256 of its bytes."""
    found = {}
    for page in server.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            body = server.s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
            found[entry["Key"]] = hashlib.sha256(body).hexdigest()
    return found


@pytest.fixture
def server(tmp_path):
    running = start(tmp_path, tmp_path / "data")
    yield running
    if running.process.poll() is None:
        stop(running)


def test_a_backup_beside_a_busy_server_is_of_one_moment(aisle, tmp_path, server):
    """A writer replaces a.N and then b.N by the same bytes, round after round, so at any moment they are of the same round
    or b is one behind. So they must be in every backup."""
    server.s3.create_bucket(Bucket="shop")
    server.s3.put_object(Bucket="shop", Key="steady", Body=b"s" * 300_000)
    ending = threading.Event()

    def write():
        client, number = server.client(), 0
        while not ending.is_set():
            number += 1
            body = str(number).encode() * 100_000
            client.put_object(Bucket="shop", Key="a", Body=body, Metadata={"round": str(number)})
            client.put_object(Bucket="shop", Key="b", Body=body, Metadata={"round": str(number)})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while "KeyCount" not in (listed := server.s3.list_objects_v2(Bucket="shop")) or listed["KeyCount"] < 3:
            time.sleep(0.01)
        for number in range(3):
            made = json.loads(aisle("backup", "--data", tmp_path / "data", tmp_path / "backup", "--json").stdout)
            assert made["problems"] == 0
            aisle("restore", tmp_path / "backup", "--data", tmp_path / f"restored{number}")
    finally:
        ending.set()
        writer.join()
    for number in range(3):
        restored = start(tmp_path, tmp_path / f"restored{number}")
        rounds = [int(restored.s3.head_object(Bucket="shop", Key=key)["Metadata"]["round"]) for key in "ab"]
        assert rounds[0] - rounds[1] in (0, 1)
        found = objects_of(restored, "shop")
        assert found["a"] == hashlib.sha256(str(rounds[0]).encode() * 100_000).hexdigest()
        assert found["b"] == hashlib.sha256(str(rounds[1]).encode() * 100_000).hexdigest()
        stop(restored)
    # What the backups held back is removed.
    stop(server)
    files = [path for path in (tmp_path / "data/blobs").rglob("*") if path.is_file()]
    assert len(files) == 3


def test_restored_keys_encryption_and_versions_work(aisle, tmp_path, server):
    server.s3.create_bucket(Bucket="safe")
    server.s3.put_bucket_versioning(Bucket="safe", VersioningConfiguration={"Status": "Enabled"})
    for letter in "xyz":
        server.s3.put_object(Bucket="safe", Key="k", Body=letter * 100_000, ServerSideEncryption="AES256")
    aisle("backup", "--data", tmp_path / "data", tmp_path / "backup")
    stop(server)
    aisle("restore", tmp_path / "backup", "--data", tmp_path / "restored")
    assert (tmp_path / "restored/key").stat().st_mode & 0o777 == 0o600
    checked = json.loads(aisle("fsck", "--deep", "--json", "--data", tmp_path / "restored").stdout)
    assert checked["problems"] == 0 and checked["read_bytes"] == 300_000
    restored = start(tmp_path, tmp_path / "restored")
    versions = restored.s3.list_object_versions(Bucket="safe")["Versions"]
    bodies = [restored.s3.get_object(Bucket="safe", Key="k", VersionId=version["VersionId"])["Body"].read()[:1]
              for version in versions]
    assert bodies == [b"z", b"y", b"x"]
    stop(restored)

    # Without the key file nothing encrypted opens, and that is told.
    aisle("backup", "--without-key", "--data", tmp_path / "data", tmp_path / "keyless")
    assert not (tmp_path / "keyless/key").exists()


def test_fsck_beside_a_server_and_repair_only_without_it(aisle, tmp_path, server):
    server.s3.create_bucket(Bucket="shop")
    for number in range(5):
        server.s3.put_object(Bucket="shop", Key=f"k{number}", Body=bytes([65 + number]) * 100_000)
    assert "no problem found" in aisle("fsck", "--deep", "--data", tmp_path / "data").stdout
    refused = aisle("fsck", "--repair", "--data", tmp_path / "data", expect=1)
    assert f"in use by process {server.process.pid}" in refused.stderr
    victim = next(path for path in (tmp_path / "data/blobs").rglob("*") if path.is_file())
    letter = victim.read_bytes()[:1]
    victim.chmod(0o644)
    victim.write_bytes(b"!" + victim.read_bytes()[1:])
    assert aisle("fsck", "--data", tmp_path / "data").returncode == 0
    lines = aisle("fsck", "--deep", "--json", "--data", tmp_path / "data", expect=1).stdout.splitlines()
    problem, counts = json.loads(lines[0]), json.loads(lines[-1])
    assert problem["kind"] == "damaged_body" and problem["repair"] is None and counts["problems"] == 1
    stop(server)
    repaired = aisle("fsck", "--deep", "--repair", "--data", tmp_path / "data")
    assert "moved to quarantine" in repaired.stdout
    assert "no problem found" in aisle("fsck", "--deep", "--data", tmp_path / "data").stdout
    again = start(tmp_path, tmp_path / "data")
    keys = sorted(objects_of(again, "shop"))
    assert keys == sorted(f"k{number}" for number in range(5) if bytes([65 + number]) != letter)
    stop(again)


def test_dropped_files_become_objects_over_a_kill(tmp_path):
    drop = tmp_path / "drop"
    drop.mkdir()
    (tmp_path / "aisle.yaml").write_text(f"watch:\n  - folder: {drop}\n    bucket: inbox\n    prefix: raw/\n"
                                         "    settle_ms: 50\n    after: delete\n")
    words = ["--config", tmp_path / "aisle.yaml"]
    bodies = {f"day{number}/part.csv": f"id\n{number}\n" * (5 if number % 2 else 50_000) for number in range(12)}
    running = start(tmp_path, tmp_path / "data", *words)
    running.s3.put_bucket_versioning(Bucket="inbox", VersioningConfiguration={"Status": "Enabled"})
    for name, body in bodies.items():
        (drop / name).parent.mkdir(exist_ok=True)
        (drop / name).write_text(body)
    while not running.s3.list_objects_v2(Bucket="inbox").get("KeyCount"):
        time.sleep(0.01)
    running.process.kill()
    running.process.wait()
    running = start(tmp_path, tmp_path / "data", *words)
    for _ in range(600):
        if not any(path.is_file() for path in drop.rglob("*")):
            break
        time.sleep(0.05)
    versions = running.s3.list_object_versions(Bucket="inbox")["Versions"]
    assert sorted(version["Key"] for version in versions) == sorted(f"raw/{name}" for name in bodies)
    found = objects_of(running, "inbox")
    assert found == {f"raw/{name}": hashlib.sha256(body.encode()).hexdigest() for name, body in bodies.items()}
    stop(running)


def test_adopted_files_are_served_until_they_are_changed(aisle, tmp_path):
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "deep/big").write_bytes(b"b" * 200_000)
    (tree / "small").write_bytes(b"s")
    made = json.loads(aisle("adopt", tree, "s3://kept/in/", "--data", tmp_path / "data", "--json").stdout)
    assert made == {"files": 2, "size_bytes": 200_001, "linked": 1, "copied": 1, "present": 0, "skipped": 0}
    aisle("backup", "--data", tmp_path / "data", tmp_path / "backup")
    aisle("browse", "kept", "--data", tmp_path / "data")
    assert (tmp_path / "data/browse/kept/in/deep/big").samefile(tree / "deep/big")
    running = start(tmp_path, tmp_path / "data")
    assert running.s3.get_object(Bucket="kept", Key="in/deep/big")["Body"].read() == b"b" * 200_000
    with open(tree / "deep/big", "r+b") as file:
        file.write(b"x")
    answer = running.raw("GET", "/kept/in/deep/big")
    assert answer.status == 500
    assert running.s3.get_object(Bucket="kept", Key="in/small")["Body"].read() == b"s"
    stop(running)
    assert "was adopted, and changed since" in aisle("fsck", "--data", tmp_path / "data", expect=1).stdout
    aisle("restore", tmp_path / "backup", "--data", tmp_path / "restored")
    running = start(tmp_path, tmp_path / "restored")
    assert running.s3.get_object(Bucket="kept", Key="in/deep/big")["Body"].read() == b"b" * 200_000
    stop(running)
