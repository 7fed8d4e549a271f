"""aisle key: on a folder that nobody holds, and through the server that holds it."""
import json
import os
import stat

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from botocore.config import Config

from s3 import KEY_ID, SECRET, fails, serve

POLICY = {"Version": "2012-10-17",
          "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::shop"}]}


@pytest.fixture(params=["folder", "server", "endpoint"])
def key(request, aisle, tmp_path):
    """Runs `aisle key` in one of the ways to reach the keys; gives its words on standard output."""
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))

    def runner(*where, **environment):
        def run(*words, expect=0):
            return aisle("key", *words, *where, expect=expect, **environment)
        return run

    if request.param == "folder":
        yield runner("--data", tmp_path / "data")
        return
    with serve(tmp_path) as server:
        if request.param == "server":
            yield runner("--data", tmp_path / "data")
        else:
            yield runner("--endpoint-url", server.url, AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET,
                         AWS_REGION="us-east-1")


def listed(key):
    return {one["id"]: one for one in json.loads(key("list", "--json").stdout)}


def test_the_life_of_a_key(key):
    made = json.loads(key("add", "--name", "validate", "--policy", "policy.json", "--json").stdout)
    assert made["id"].startswith("AKIA") and len(made["secret"]) == 40 and "session_token" not in made
    found = listed(key)[made["id"]]
    assert found["name"] == "validate" and found["owner"] == "000000000000" and found["active"]
    assert found["policy"] == POLICY and found["expires"] is None and "secret" not in found
    assert json.loads(key("policy", made["id"]).stdout) == POLICY
    key("policy", made["id"], "--all-rights")
    assert listed(key)[made["id"]]["policy"] is None
    key("policy", made["id"], "--policy", "policy.json")
    key("disable", made["id"])
    assert not listed(key)[made["id"]]["active"]
    key("enable", made["id"])
    assert listed(key)[made["id"]]["active"] and listed(key)[made["id"]]["policy"] == POLICY
    table = key("list").stdout
    assert made["id"] in table and "by policy" in table and made["secret"] not in table
    key("remove", made["id"])
    assert made["id"] not in listed(key)


def test_sessions_and_owners(key):
    made = json.loads(key("add", "--name", "visitor", "--session", "--expires", "15m", "--owner", "111122223333",
                          "--json").stdout)
    assert made["id"].startswith("ASIA") and made["session_token"] and made["expires"]
    assert listed(key)[made["id"]]["owner"] == "111122223333"
    words = key("add", "--name", "visitor", "--session").stdout
    assert "session token" in words and "secret key" in words


def test_what_is_wrong_is_said(key, tmp_path):
    (tmp_path / "bad.json").write_text('{"Statement": {"Effect": "Permit"}}')
    assert '"Effect" must be' in key("add", "--name", "x", "--policy", "bad.json", expect=None).stderr
    assert "letters, digits" in key("add", "--name", "a b", expect=None).stderr
    assert "12 digits" in key("add", "--name", "x", "--owner", "1", expect=None).stderr
    assert "there is no access key" in key("disable", "AKIANONE", expect=1).stderr
    assert "there is no access key" in key("policy", "AKIANONE", expect=1).stderr
    assert "needs --name" in key("add", expect=2).stderr
    assert "such as 15m" in key("add", "--name", "x", "--expires", "soon", expect=2).stderr
    assert "60 seconds to 30 days" in key("add", "--name", "x", "--expires", "31d", expect=None).stderr
    assert "needs the id" in key("remove", expect=2).stderr
    assert "goes with aisle key add" in key("list", "--name", "x", expect=2).stderr


def test_a_running_server_heeds_changes_at_once(aisle, tmp_path):
    with serve(tmp_path) as server:
        def key(*words):
            return aisle("key", *words, "--data", tmp_path / "data", "--json").stdout

        server.s3.create_bucket(Bucket="shop")
        (tmp_path / "policy.json").write_text(json.dumps(POLICY))
        made = json.loads(key("add", "--name", "step", "--policy", tmp_path / "policy.json"))
        step = server.client(made["id"], made["secret"])
        step.list_objects_v2(Bucket="shop")
        with fails("AccessDenied"):
            step.list_buckets()
        key("policy", made["id"], "--all-rights")
        step.list_buckets()
        key("disable", made["id"])
        with fails("InvalidAccessKeyId"):
            step.list_buckets()
        key("enable", made["id"])
        step.list_buckets()
        key("remove", made["id"])
        with fails("InvalidAccessKeyId"):
            step.list_buckets()
        note = tmp_path / "data/server.json"
        assert stat.S_IMODE(os.stat(note).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(tmp_path / "data/key").st_mode) == 0o600
    assert not note.exists()


def test_only_a_key_with_all_rights_manages_keys(aisle, tmp_path):
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    (tmp_path / "policy.json").write_text(json.dumps(everything))
    with serve(tmp_path) as server:
        limited = json.loads(aisle("key", "add", "--name", "all", "--policy", "policy.json", "--data", "data",
                                   "--json").stdout)
        other = json.loads(aisle("key", "add", "--name", "other", "--owner", "111122223333", "--data", "data",
                                 "--json").stdout)
        for made in (limited, other, {"id": KEY_ID, "secret": SECRET[::-1]}):
            done = aisle("key", "list", "--endpoint-url", server.url, AWS_ACCESS_KEY_ID=made["id"],
                         AWS_SECRET_ACCESS_KEY=made["secret"], AWS_REGION="us-east-1", expect=1)
            assert "the server refuses" in done.stderr
        assert server.raw("GET", "/-/keys", signed=False).status == 403
        assert server.raw("GET", "/-/keys").status == 200
        assert server.raw("PUT", "/-/keys").status == 400
        assert server.raw("POST", "/-/keys", body="{").status == 400
        assert server.raw("POST", "/-/keys", body="[]").status == 400
        assert server.raw("POST", "/-/keys", body="x" * 70000).status == 413
        # the body is part of what is signed
        assert server.raw("POST", "/-/keys", body='{"name": "x"}', payload="UNSIGNED-PAYLOAD").status == 400
        assert server.raw("POST", "/-/keys", body='{"name": "x"}', payload="0" * 64).status == 400
        assert server.raw("POST", "/-/keys", body='{"name": "x"}').status == 200
        # a bucket's objects may have such names
        server.s3.create_bucket(Bucket="shop")
        host = f"shop.localhost:{server.port}"
        virtual = boto3.client("s3", endpoint_url=f"http://localhost:{server.port}", region_name="us-east-1",
                               aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET,
                               config=Config(s3={"addressing_style": "path"}))
        virtual.put_object(Bucket="shop", Key="-/keys", Body=b"mine")
        request = botocore.awsrequest.AWSRequest("GET", f"http://{host}/-/keys")
        botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(KEY_ID, SECRET), "s3", "us-east-1").add_auth(request)
        answer = server.raw("GET", "/-/keys", headers=dict(request.headers.items()) | {"Host": host}, signed=False)
        assert answer.body == b"mine"
