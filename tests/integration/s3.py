"""An S3 server under test, and clients for it."""
import contextlib
import hashlib
import http.client
import os
import signal
import subprocess
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

TOP = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(os.environ.get("AISLE", TOP / "build/aisle")).resolve()
KEY_ID = "AKAISLETEST000000001"
SECRET = "not/a/secret+0123456789012345678901234567"


class Answer:
    """An HTTP answer with its body taken apart when it is XML."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def xml(self):
        return ElementTree.fromstring(self.body)

    def element(self, name):
        """The text of an error's element, None when it is not there."""
        for element in self.xml.iter():
            if element.tag.split("}")[-1] == name:
                return element.text or ""
        return None


class Server:
    def __init__(self, url, process, folder):
        self.url, self.process, self.folder = url, process, folder
        self.host, self.port = urllib.parse.urlsplit(url).netloc.split(":")
        self.s3 = self.client()

    def client(self, key_id=KEY_ID, secret=SECRET, verify=None, endpoint=None, **settings):
        """A boto3 client; `key_id` None is nobody."""
        settings = {"signature_version": "s3v4", "retries": {"max_attempts": 0}, "s3": {"addressing_style": "path"}} | settings
        if key_id is None:
            settings["signature_version"] = UNSIGNED
        return boto3.client("s3", endpoint_url=endpoint or self.url, region_name="us-east-1", verify=verify,
                            aws_access_key_id=key_id, aws_secret_access_key=secret, config=Config(**settings))

    @property
    def environment(self):
        """For programs that take AWS's variables."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AISLE_"))}
        return kept | {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1",
                       "AWS_ENDPOINT_URL": self.url, "AWS_EC2_METADATA_DISABLED": "true",
                       "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}

    def raw(self, method, target, body=b"", headers=None, signed=True, payload=None):
        """One request by hand, signed unless told otherwise; `payload` replaces its SHA-256. The answer is not judged."""
        headers = dict(headers or {})
        body = body.encode() if isinstance(body, str) else body
        if signed:
            request = botocore.awsrequest.AWSRequest(method, self.url + target, data=body, headers=headers)
            request.context["payload"] = payload or hashlib.sha256(body).hexdigest()
            credentials = botocore.credentials.Credentials(KEY_ID, SECRET)
            Signer(credentials, "s3", "us-east-1").add_auth(request)
            headers = dict(request.headers.items())
        connection = http.client.HTTPConnection(self.host, int(self.port), timeout=60)
        try:
            connection.request(method, target, body or None, headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()


class Signer(botocore.auth.S3SigV4Auth):
    """Signs with the payload hash that it is told."""

    def payload(self, request):
        return request.context["payload"]


@contextlib.contextmanager
def serve(folder, *arguments, **environment):
    """`aisle serve` with its data in a folder, on a free port."""
    ready = Path(folder) / "ready"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "AISLE_"))}
    inherited |= {"AISLE_ACCESS_KEY_ID": KEY_ID, "AISLE_SECRET_ACCESS_KEY": SECRET}
    ready.unlink(missing_ok=True)
    with open(Path(folder) / "log", "a") as log:
        process = subprocess.Popen([PROGRAM, "serve", "--data", Path(folder) / "data", "--listen", "127.0.0.1:0",
                                    "--ready-file", ready, *arguments], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, env=inherited | environment)
    try:
        while not ready.exists():
            assert process.poll() is None, (Path(folder) / "log").read_text()
            time.sleep(0.01)
        yield Server(ready.read_text().strip(), process, Path(folder))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=60)
    assert status == 0, (Path(folder) / "log").read_text()[-5000:]


@contextlib.contextmanager
def fails(name, status=None):
    """The block must fail with that error of S3's."""
    try:
        yield
    except ClientError as problem:
        found = problem.response["Error"]["Code"]
        assert found == name, problem
        assert status is None or problem.response["ResponseMetadata"]["HTTPStatusCode"] == status, problem
    else:
        raise AssertionError(f"no {name}: it was done")


def body_of(s3, bucket, key, **more):
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()
