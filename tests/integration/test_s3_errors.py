"""S3's errors: those that have no place in another test, and that every one has a test."""
import re
from pathlib import Path

import pytest

from s3 import TOP, serve

HERE = Path(__file__).resolve().parent
TABLE = (TOP / "src/http/s3/errors.c").read_text()
NAMES = re.findall(r'^    \{"(\w+)", (\d+)', TABLE, re.MULTILINE)

# Told by tests/unit/http/s3/test_errors.c alone: what it takes to get them here is time, or two requests at one instant.
BY_UNIT_TESTS = {"ExpiredToken", "OperationAborted"}


def test_every_error_has_a_test():
    tests = "".join(path.read_text() for path in HERE.glob("test_s3_*.py"))
    assert len(NAMES) > 60
    assert [name for name, _ in NAMES if f'"{name}"' not in tests and name not in BY_UNIT_TESTS] == []


def test_errors_are_in_order():
    assert [name for name, _ in NAMES] == sorted(name for name, _ in NAMES)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("s3"), AISLE_FAILPOINTS="blob.synced=error:2") as server:
        server.s3.create_bucket(Bucket="errors")
        yield server


def test_targets_that_cannot_be_decoded(server):
    for target in ("/errors/%ff", "/errors/%zz", "/errors/%00", "/errors/k?versionId=%f"):
        answer = server.raw("GET", target, signed=False)
        assert answer.status == 400 and answer.element("Code") == "InvalidURI", target
        assert answer.element("RequestId") == answer.headers["x-amz-request-id"]


def test_a_failure_of_the_server(server):
    """The second file that is synced fails, which is told without what is nobody's business."""
    body = b"x" * 100_000
    assert server.raw("PUT", "/errors/one", body).status == 200
    answer = server.raw("PUT", "/errors/two", body)
    assert answer.status == 500 and answer.element("Code") == "InternalError"
    assert answer.element("Message") == "We encountered an internal error. Please try again."
    assert server.raw("HEAD", "/errors/two").status == 404
    assert server.raw("PUT", "/errors/two", body).status == 200
    assert "stopped at blob.synced" in (server.folder / "log").read_text()


def test_not_modified_has_no_body(server):
    etag = server.raw("PUT", "/errors/k", b"x").headers["etag"]
    answer = server.raw("GET", "/errors/k", headers={"If-None-Match": etag})
    assert answer.status == 304 and answer.body == b""  # "NotModified"


def test_an_empty_version(server):
    answer = server.raw("GET", "/errors/k?versionId=")
    assert answer.status == 400 and answer.element("Code") == "InvalidArgument"
