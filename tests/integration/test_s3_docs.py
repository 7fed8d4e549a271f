"""docs/s3.md names every operation that the server knows, and each has a test."""
import re
from pathlib import Path

from s3 import TOP

OPERATIONS = set(re.findall(r'"(\w+)",\s*"s3:', (TOP / "src/http/s3/operations.c").read_text())) | {"PreflightRequest"}
PAGE = (TOP / "docs/s3.md").read_text()
TESTS = "".join(path.read_text() for path in Path(__file__).parent.glob("test_s3_*.py"))

# What boto3 calls otherwise, or has no call for: how the tests make the request.
BY_HAND = {
    "PostObject": "def post(", "PreflightRequest": "def preflight(", "SelectObjectContent": "?select&select-type=2",
    "RenameObject": "?renameObject", "GetBucketMetadataTableConfiguration": "?metadataTable",
    "CreateBucketMetadataTableConfiguration": "?metadataTable", "DeleteBucketMetadataTableConfiguration": "?metadataTable",
    "GetBucketMetadataConfiguration": "?metadataConfiguration",
    "CreateBucketMetadataConfiguration": "?metadataConfiguration",
    "DeleteBucketMetadataConfiguration": "?metadataConfiguration",
    "PutBucketWebsite": '"website", "<WebsiteConfiguration/>"',
    "PutBucketReplication": '"replication", "<ReplicationConfiguration/>"',
    "PutBucketAccelerateConfiguration": '"accelerate", "<AccelerateConfiguration/>"',
    "PutBucketLogging": '"logging", "<BucketLoggingStatus>',
    "PutBucketRequestPayment": '"requestPayment", "<RequestPaymentConfiguration>',
}


def is_tested(name):
    call = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    thing = call.split("_", 1)[1]
    configurations = re.fullmatch(r"\w+_bucket_(inventory|analytics|metrics|intelligent_tiering)_configuration", call)
    return (f".{call}" in TESTS or f'"{call}"' in TESTS or BY_HAND.get(name, "\0") in TESTS or f'"{thing}"' in TESTS or
            bool(configurations) and f'"{configurations[1]}"' in TESTS and
            f"{configurations[1]}&id=".replace("_", "-") in TESTS)


def test_every_operation_is_in_the_table():
    rows = "".join(line for line in PAGE.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`([A-Z]\w+)`", rows)) == OPERATIONS


def test_every_operation_is_tested():
    assert [name for name in sorted(OPERATIONS) if not is_tested(name)] == []
