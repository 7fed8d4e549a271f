"""Programs that people use, against the S3 protocol: the AWS CLI, s3cmd, rclone, curl; virtual hosts and HTTPS."""
import filecmp
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from s3 import KEY_ID, SECRET, body_of, serve

# The programs of the environment that runs the tests.
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def tree(tmp_path):
    """A folder with files of all sizes."""
    folder = tmp_path / "tree"
    made = random.Random(4)
    for name, size in (("a.csv", 10), ("empty", 0), ("sub/b c+d ä.bin", 70_000), ("sub/deep/big.bin", 20_000_000)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(made.randbytes(size))
    return folder


def run(server, *command, expect=0, cwd=None, **more):
    program = shutil.which(command[0], path=PATH)
    assert program, f"{command[0]} is not installed: tools/install-packages test"
    done = subprocess.run([program, *map(str, command[1:])], capture_output=True, text=True, cwd=cwd, timeout=300,
                          env=server.environment | {"PATH": PATH} | more)
    assert done.returncode == expect, f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}"
    return done.stdout


def same(left, right):
    compared = filecmp.dircmp(left, right)
    assert not compared.left_only and not compared.right_only
    for name in compared.common_files:
        assert (left / name).read_bytes() == (right / name).read_bytes(), name
    for name in compared.common_dirs:
        same(left / name, right / name)


def test_aws_s3(server, tree, tmp_path):
    assert "make_bucket: cli" in run(server, "aws", "s3", "mb", "s3://cli")
    assert "cli" in run(server, "aws", "s3", "ls")
    run(server, "aws", "s3", "cp", tree / "sub/deep/big.bin", "s3://cli/big.bin", "--no-progress")
    assert "20000000 big.bin" in run(server, "aws", "s3", "ls", "s3://cli/")
    run(server, "aws", "s3", "cp", "s3://cli/big.bin", tmp_path / "back.bin", "--no-progress")
    assert (tmp_path / "back.bin").read_bytes() == (tree / "sub/deep/big.bin").read_bytes()
    run(server, "aws", "s3", "cp", "s3://cli/big.bin", "s3://cli/copy.bin", "--no-progress")
    run(server, "aws", "s3", "mv", "s3://cli/copy.bin", "s3://cli/moved.bin", "--no-progress")
    assert "copy.bin" not in run(server, "aws", "s3", "ls", "s3://cli/")
    run(server, "aws", "s3", "sync", tree, "s3://cli/tree", "--no-progress")
    assert run(server, "aws", "s3", "sync", tree, "s3://cli/tree", "--no-progress") == ""
    run(server, "aws", "s3", "sync", "s3://cli/tree", tmp_path / "again", "--no-progress")
    same(tree, tmp_path / "again")
    (tmp_path / "config").write_text("[default]\ns3 =\n  signature_version = s3v4\n")
    url = run(server, "aws", "s3", "presign", "s3://cli/tree/a.csv", AWS_CONFIG_FILE=str(tmp_path / "config")).strip()
    assert run(server, "curl", "-sf", url, "-o", tmp_path / "by-url") == ""
    assert (tmp_path / "by-url").read_bytes() == (tree / "a.csv").read_bytes()
    run(server, "aws", "s3", "rm", "s3://cli/", "--recursive")
    assert run(server, "aws", "s3", "ls", "s3://cli/") == ""
    run(server, "aws", "s3", "rb", "s3://cli")


def test_aws_s3api(server, tree):
    run(server, "aws", "s3api", "create-bucket", "--bucket", "api")
    put = json.loads(run(server, "aws", "s3api", "put-object", "--bucket", "api", "--key", "k", "--body", tree / "a.csv",
                         "--checksum-algorithm", "SHA256", "--metadata", "shop=12", "--tagging", "a=1"))
    assert put["ETag"] == '"%s"' % hashlib.md5((tree / "a.csv").read_bytes()).hexdigest() and put["ChecksumSHA256"]
    head = json.loads(run(server, "aws", "s3api", "head-object", "--bucket", "api", "--key", "k"))
    assert head["Metadata"] == {"shop": "12"} and head["ContentLength"] == 10
    run(server, "aws", "s3api", "put-bucket-versioning", "--bucket", "api", "--versioning-configuration", "Status=Enabled")
    assert json.loads(run(server, "aws", "s3api", "get-bucket-versioning", "--bucket", "api")) == {"Status": "Enabled"}
    listed = json.loads(run(server, "aws", "s3api", "list-object-versions", "--bucket", "api"))
    assert [entry["VersionId"] for entry in listed["Versions"]] == ["null"]


def s3cmd(server, folder, *command, **more):
    return run(server, "s3cmd", "--no-ssl", f"--host={server.host}:{server.port}",
               f"--host-bucket={server.host}:{server.port}", f"--access_key={KEY_ID}", f"--secret_key={SECRET}",
               "--config", folder / "none", "--no-progress", *command, **more)


def test_s3cmd(server, tree, tmp_path):
    (tmp_path / "none").touch()
    s3cmd(server, tmp_path, "mb", "s3://cmd")
    s3cmd(server, tmp_path, "put", tree / "a.csv", "s3://cmd/a.csv")
    s3cmd(server, tmp_path, "put", tree / "sub/deep/big.bin", "s3://cmd/big.bin", "--multipart-chunk-size-mb=5")
    assert "s3://cmd/big.bin" in s3cmd(server, tmp_path, "ls", "s3://cmd")
    s3cmd(server, tmp_path, "get", "s3://cmd/big.bin", tmp_path / "big.bin")
    assert (tmp_path / "big.bin").read_bytes() == (tree / "sub/deep/big.bin").read_bytes()
    s3cmd(server, tmp_path, "sync", f"{tree}/", "s3://cmd/tree/")
    (tmp_path / "again").mkdir()
    s3cmd(server, tmp_path, "sync", "s3://cmd/tree/", f"{tmp_path}/again/")
    same(tree, tmp_path / "again")
    s3cmd(server, tmp_path, "cp", "s3://cmd/a.csv", "s3://cmd/b.csv")
    assert "MD5 sum:   %s" % hashlib.md5((tree / "a.csv").read_bytes()).hexdigest() in s3cmd(
        server, tmp_path, "info", "s3://cmd/b.csv")
    s3cmd(server, tmp_path, "del", "--recursive", "--force", "s3://cmd")
    s3cmd(server, tmp_path, "rb", "s3://cmd")


def test_rclone(server, tree, tmp_path):
    remote = {"RCLONE_CONFIG": "/nonexistent", "RCLONE_CONFIG_HERE_TYPE": "s3", "RCLONE_CONFIG_HERE_PROVIDER": "Other",
              "RCLONE_CONFIG_HERE_ENV_AUTH": "true", "RCLONE_CONFIG_HERE_ENDPOINT": server.url,
              "RCLONE_CONFIG_HERE_REGION": "us-east-1"}
    run(server, "rclone", "mkdir", "here:rclone", **remote)
    run(server, "rclone", "sync", tree, "here:rclone/tree", "--s3-upload-cutoff=10M", "--s3-chunk-size=5M", **remote)
    run(server, "rclone", "check", tree, "here:rclone/tree", "--download", **remote)
    run(server, "rclone", "copy", "here:rclone/tree", tmp_path / "again", **remote)
    same(tree, tmp_path / "again")
    run(server, "rclone", "moveto", "here:rclone/tree/a.csv", "here:rclone/moved.csv", **remote)
    assert sorted(run(server, "rclone", "lsf", "here:rclone", **remote).split()) == ["moved.csv", "tree/"]
    run(server, "rclone", "purge", "here:rclone", **remote)
    assert "rclone" not in run(server, "rclone", "lsd", "here:", **remote)


def test_curl(server, tmp_path):
    server.s3.create_bucket(Bucket="curl")
    signed = ("curl", "-sf", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{KEY_ID}:{SECRET}", "-H",
              "x-amz-content-sha256: UNSIGNED-PAYLOAD")
    (tmp_path / "file").write_bytes(b"by curl")
    run(server, *signed, "-T", tmp_path / "file", f"{server.url}/curl/up")
    assert run(server, *signed, f"{server.url}/curl/up") == "by curl"
    assert body_of(server.s3, "curl", "up") == b"by curl"
    made = server.s3.generate_presigned_post("curl", "form")
    fields = [part for name, value in made["fields"].items() for part in ("-F", f"{name}={value}")]
    run(server, "curl", "-sf", *fields, "-F", f"file=@{tmp_path / 'file'}", f"{server.url}/curl")
    assert body_of(server.s3, "curl", "form") == b"by curl"


@pytest.mark.parametrize("domain", ["localhost", "s3.localhost"])
def test_virtual_hosts(server, domain):
    url = f"http://{domain}:{server.port}"
    s3 = server.client(endpoint=url, s3={"addressing_style": "virtual"})
    bucket = "virtual-" + domain.replace(".", "-")
    with resolving(domain, server.host):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="a/b c", Body=b"virtual")
        assert body_of(s3, bucket, "a/b c") == b"virtual"
        assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["Key"] == "a/b c"
        assert bucket in [entry["Name"] for entry in s3.list_buckets()["Buckets"]]
    assert body_of(server.s3, bucket, "a/b c") == b"virtual"
    head = server.raw("GET", "/a/b%20c", headers={"Host": f"{bucket}.{domain}"}, signed=False)
    assert head.status == 403 and head.element("Resource") == "/a/b c"


class resolving:
    """Names under a domain are this machine's while it lasts."""

    def __init__(self, domain, host):
        self.domain, self.host = domain, host

    def __enter__(self):
        import socket
        self.socket, self.found = socket, socket.getaddrinfo
        socket.getaddrinfo = lambda name, *more, **named: self.found(
            self.host if str(name).endswith(self.domain) else name, *more, **named)

    def __exit__(self, *_):
        self.socket.getaddrinfo = self.found


def test_https_and_a_domain_of_its_own(tmp_path):
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=shop.test", "-addext",
                    "subjectAltName=DNS:shop.test,DNS:*.shop.test,IP:127.0.0.1"], check=True, capture_output=True)
    with serve(tmp_path, "--tls-certificate", certificate, "--tls-key", key, "--domain", "shop.test") as server:
        assert server.url.startswith("https://")
        s3 = server.client(verify=str(certificate))
        s3.create_bucket(Bucket="sealed")
        mine = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": bytes(32)}
        body = random.Random(6).randbytes(300_000)
        s3.put_object(Bucket="sealed", Key="k", Body=body, **mine)
        assert body_of(s3, "sealed", "k", **mine) == body
        with resolving("shop.test", server.host):
            virtual = server.client(endpoint=f"https://shop.test:{server.port}", verify=str(certificate),
                                    s3={"addressing_style": "virtual"})
            assert virtual.list_objects_v2(Bucket="sealed")["Contents"][0]["Size"] == 300_000
