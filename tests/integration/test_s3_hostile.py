"""What somebody who means harm sends: each is refused or harmless, and the server goes on."""
import base64
import datetime
import hashlib
import hmac
import json
import os
import stat
import subprocess

import pytest

from s3 import KEY_ID, PROGRAM, SECRET, body_of, fails, serve

SHOP = "arn:aws:s3:::shop"
OPEN = {name: False for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("hostile")) as server:
        server.s3.create_bucket(Bucket="shop")
        server.s3.put_object(Bucket="shop", Key="a", Body=b"0123456789", Tagging="kind=open")
        server.s3.create_bucket(Bucket="drop")
        server.s3.put_public_access_block(Bucket="drop", PublicAccessBlockConfiguration=OPEN)
        server.s3.put_bucket_policy(Bucket="drop", Policy=document(
            {"Effect": "Allow", "Principal": "*", "Action": ["s3:PutObject", "s3:GetObject"],
             "Resource": "arn:aws:s3:::drop/*"}))
        yield server


@pytest.fixture(autouse=True)
def lives(server):
    yield
    assert body_of(server.s3, "shop", "a") == b"0123456789"


def limited(server, *statements):
    """A client of a key with that policy."""
    path = server.folder / "policy.json"
    path.write_text(document(*statements))
    done = subprocess.run([PROGRAM, "key", "add", "--name", "limited", "--policy", path, "--data", server.folder / "data",
                           "--json"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    return server.client(made["id"], made["secret"])


def test_nobodys_chunks(server):
    chunks = b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n"
    headers = {"x-amz-decoded-content-length": "3", "content-encoding": "aws-chunked",
               "x-amz-trailer": "x-amz-checksum-crc32"}
    for form in ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "nothing"):
        answer = server.raw("PUT", "/drop/chunks", chunks, headers | {"x-amz-content-sha256": form}, signed=False)
        assert answer.status == 400, form
    answer = server.raw("PUT", "/drop/chunks", chunks,
                        headers | {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, signed=False)
    assert answer.status == 200, answer.body
    assert body_of(server.s3, "drop", "chunks") == b"abc"


@pytest.mark.parametrize("key", ["../../../../tmp/x", "..", "./..", "a/../../b", "%2e%2e/x", "C:\\x", "/etc/passwd", "-rf",
                                 "blobs/../key", "con", "x" * 1024])
def test_keys_that_look_like_paths(server, key):
    before = sorted(os.listdir(server.folder)), sorted(os.listdir(server.folder / "data"))
    for body in (b"small", b"large" * 40000):
        server.s3.put_object(Bucket="shop", Key=key, Body=body)
        assert body_of(server.s3, "shop", key) == body
    server.s3.delete_object(Bucket="shop", Key=key)
    assert (sorted(os.listdir(server.folder)), sorted(os.listdir(server.folder / "data"))) == before


@pytest.mark.parametrize("bucket", ["..", ".", "-", "%2e%2e", "a%2Fb", "a%00b", "A", "a", "x" * 300, "a..b", "127.0.0.1"])
def test_buckets_that_look_like_paths(server, bucket):
    for method in ("PUT", "GET", "DELETE"):
        answer = server.raw(method, f"/{bucket}")
        assert answer.status in (400, 404) or answer.element("Code") == "SignatureDoesNotMatch", answer.body


def test_headers_cannot_be_injected(server):
    for name in ("response-content-type", "response-content-disposition", "response-expires"):
        answer = server.raw("GET", f"/shop/a?{name}=a%0D%0ASet-Cookie%3A%20b%3Dc%0D%0A%0D%0A%3Chtml%3E")
        assert answer.status == 400 and "set-cookie" not in answer.headers
    answer = server.raw("PUT", "/shop/injected", b"x", {"x-amz-meta-a": "b"})
    assert answer.status == 200
    answer = server.raw("GET", "/shop/a?versionId=a%0D%0Ab")
    assert answer.status in (400, 404) and b"<Error>" in answer.body


@pytest.mark.parametrize("text", ["bytes=18446744073709551615-", "bytes=0-18446744073709551615",
                                  "bytes=-18446744073709551615", "bytes=9223372036854775807-9223372036854775808",
                                  "bytes=-0", "bytes=5-4", "bytes=99999999999999999999999-", "bytes=0-0,1-1", "bytes=",
                                  "bytes=-", "bytes=a-b", "lines=1-2"])
def test_ranges_that_overflow(server, text):
    answer = server.raw("GET", "/shop/a", headers={"Range": text})
    assert answer.status in (200, 206, 416) and len(answer.body) <= max(10, len(answer.body) * (answer.status == 416))


@pytest.mark.parametrize("query", ["max-keys=-1", "max-keys=99999999999999999999", "max-keys=1e3", "encoding-type=x",
                                   "list-type=2&continuation-token=%FF", "list-type=2&continuation-token=AAAA",
                                   "versions&version-id-marker=x", "uploads&max-uploads=-1", "list-type=2&max-keys="])
def test_numbers_and_tokens_of_listings(server, query):
    assert server.raw("GET", f"/shop?{query}").status in (200, 400)


def test_parts_that_cannot_be(server):
    upload = server.s3.create_multipart_upload(Bucket="shop", Key="parts")["UploadId"]
    for number in ("0", "-1", "10001", "18446744073709551617", "1.0", "", "a"):
        assert server.raw("PUT", f"/shop/parts?partNumber={number}&uploadId={upload}", b"x").status == 400
    other = server.raw("PUT", f"/shop/other?partNumber=1&uploadId={upload}", b"x")
    assert other.status == 404 and other.element("Code") == "NoSuchUpload"
    assert server.raw("PUT", f"/drop/parts?partNumber=1&uploadId={upload}", b"x").status == 404
    assert server.raw("PUT", f"/shop/parts?partNumber=1&uploadId=..%2F{upload}", b"x").status == 404
    server.s3.abort_multipart_upload(Bucket="shop", Key="parts", UploadId=upload)


BOMB = """<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><Delete><Object><Key>&c;</Key></Object></Delete>"""
FETCH = """<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&a;</Key></Object></Delete>"""


@pytest.mark.parametrize("body", [BOMB, FETCH, "<a>" * 100000, "<Delete>" + "<Object/>" * 400000 + "</Delete>",
                                  "<Delete><Object><Key>\x00</Key></Object></Delete>", "\xff\xfe<", "", "<Delete/>"])
def test_documents_that_explode(server, body):
    body = body.encode("latin-1")
    answer = server.raw("POST", "/shop?delete", body,
                        {"Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()})
    assert answer.status in (400, 413) and b"root:" not in answer.body


@pytest.mark.parametrize("policy", ["[" * 100000, '{"a":' * 5000, '{"Statement": ' * 3000 + "1" + "}" * 3000,
                                    '{"Version": "2012-10-17", "Statement": []}', " " * 30000, "\x00", '"' * 9999])
def test_policies_that_explode(server, policy):
    answer = server.raw("PUT", "/shop?policy", policy)
    assert answer.status == 400 and answer.element("Code") == "MalformedPolicy"


def test_nobodys_documents_are_not_read(server):
    answer = server.raw("POST", "/shop?delete", b"<Delete>", signed=False)
    assert answer.status == 403 and answer.element("Code") == "AccessDenied"
    answer = server.raw("PUT", "/shop/a?tagging", b"<Tagging>", signed=False)
    assert answer.status == 403 and answer.element("Code") == "AccessDenied"


def test_tags_of_a_document_are_condition_keys(server):
    tagger = limited(server, {"Effect": "Allow", "Action": "s3:PutObjectTagging", "Resource": f"{SHOP}/*",
                              "Condition": {"StringEquals": {"s3:RequestObjectTag/kind": "open"},
                                            "ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["kind"]}}})

    def tag(**tags):
        tagger.put_object_tagging(Bucket="shop", Key="a", Tagging={
            "TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]})

    tag(kind="open")
    with fails("AccessDenied"):
        tag(kind="secret")
    with fails("AccessDenied"):
        tag(kind="open", more="x")
    with fails("AccessDenied"):
        tag()


def test_versions_are_condition_keys_wherever_they_are_named(server):
    server.s3.create_bucket(Bucket="versions")
    server.s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    first, second = (server.s3.put_object(Bucket="versions", Key="k", Body=body)["VersionId"] for body in (b"1", b"2"))
    one = limited(server, {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::versions/*",
                           "Condition": {"StringEquals": {"s3:VersionId": first}}},
                  {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::versions/copy"})
    assert body_of(one, "versions", "k", VersionId=first) == b"1"
    with fails("AccessDenied"):
        one.get_object(Bucket="versions", Key="k", VersionId=second)
    one.copy_object(Bucket="versions", Key="copy", CopySource={"Bucket": "versions", "Key": "k", "VersionId": first})
    with fails("AccessDenied"):
        one.copy_object(Bucket="versions", Key="copy", CopySource={"Bucket": "versions", "Key": "k",
                                                                   "VersionId": second})
    answer = one.delete_objects(Bucket="versions", Delete={"Objects": [
        {"Key": "k", "VersionId": first}, {"Key": "k", "VersionId": second}]})
    assert [one["VersionId"] for one in answer["Deleted"]] == [first]
    assert [one["Code"] for one in answer["Errors"]] == ["AccessDenied"]


def post(server, fields, content=b"x", conditions=None, filename="f.txt", sign=True, bucket="shop"):
    """A browser's form. `fields` are pairs, so that one can come twice; the policy covers the first of each."""
    date = datetime.datetime.now(datetime.timezone.utc)
    day, now = date.strftime("%Y%m%d"), date.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{KEY_ID}/{day}/us-east-1/s3/aws4_request"
    fields = list(fields)
    if sign:
        fields += [("x-amz-algorithm", "AWS4-HMAC-SHA256"), ("x-amz-credential", scope), ("x-amz-date", now)]
        rules = [{"bucket": bucket}, *(conditions if conditions is not None else
                                       [["eq", "$" + name, str(value)] for name, value in dict(reversed(fields)).items()])]
        if conditions is not None:
            rules += [["starts-with", "$" + name, ""] for name in ("x-amz-algorithm", "x-amz-credential", "x-amz-date")]
        policy = base64.b64encode(json.dumps({
            "expiration": (date + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "conditions": rules}).encode()).decode()
        secret = ("AWS4" + SECRET).encode()
        for part in (day, "us-east-1", "s3", "aws4_request", policy):
            secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
        fields += [("policy", policy), ("x-amz-signature", secret.hex())]
    body = b"".join(b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (
        name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in fields)
    body += b'--b\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n%s\r\n--b--\r\n' % (
        filename.encode(), content)
    return server.raw("POST", f"/{bucket}", body, {"Content-Type": "multipart/form-data; boundary=b"}, signed=False)


def test_a_form_is_held_to_its_policy(server):
    assert post(server, [("key", "form")]).status == 204
    assert post(server, [("key", "form"), ("key", "other")]).status == 403
    assert post(server, [("key", "form"), ("x-amz-meta-a", "1"), ("X-Amz-Meta-A", "2")]).status == 403
    assert post(server, [("key", "form")], conditions=[["starts-with", "$key", "user/"]]).status == 403
    assert post(server, [("key", "user/${filename}")], filename="../../x",
                conditions=[["starts-with", "$key", "user/"]]).status == 204
    assert body_of(server.s3, "shop", "user/x") == b"x"
    assert post(server, [("key", "form"), ("x-amz-meta-b", "1")], conditions=[{"key": "form"}]).status == 403
    assert post(server, [("key", "form"), ("x-amz-meta-a", b"1\x002")]).status == 400
    assert post(server, [("key", "form")], b"too long",
                conditions=[{"key": "form"}, ["content-length-range", 0, 3]]).status == 400
    with fails("NoSuchKey"):
        server.s3.get_object(Bucket="shop", Key="other")


@pytest.mark.parametrize("name, value", [("x-amz-meta-a", "b\r\nSet-Cookie: c=d"), ("x-amz-meta-a b", "c"),
                                         ("x-amz-meta-a:b", "c"), ("Content-Type", "text/html\r\n\r\n<html>"),
                                         ("Content-Disposition", "a\nb"), ("x-amz-website-redirect-location", "/\x7f")])
def test_a_forms_fields_cannot_break_headers(server, name, value):
    assert post(server, [("key", "form"), (name, value)]).status == 400
    answer = post(server, [("key", "form"), ("success_action_redirect", "http://127.0.0.1/\r\nSet-Cookie: a=b")])
    assert answer.status == 400 and "set-cookie" not in answer.headers


def test_a_forms_fields_are_condition_keys(server):
    server.s3.put_bucket_policy(Bucket="drop", Policy=document(
        {"Effect": "Allow", "Principal": "*", "Action": ["s3:PutObject", "s3:GetObject"],
         "Resource": "arn:aws:s3:::drop/*"},
        {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::drop/*",
         "Condition": {"StringEquals": {"s3:x-amz-storage-class": "GLACIER"}}}))
    assert post(server, [("key", "form")], sign=False, bucket="drop").status == 204
    assert post(server, [("key", "cold"), ("x-amz-storage-class", "GLACIER")], sign=False, bucket="drop").status == 403
    with fails("NoSuchKey"):
        server.s3.get_object(Bucket="drop", Key="cold")


def test_forms_that_never_end(server):
    """Parts' headers are bounded together: a form cannot fill the memory before anybody was asked who they are."""
    part = b'--b\r\nContent-Disposition: form-data; name="n"\r\nX: ' + b"y" * 30000 + b"\r\n\r\nz\r\n"
    answer = server.raw("POST", "/shop", part * 100, {"Content-Type": "multipart/form-data; boundary=b"}, signed=False)
    assert answer.status == 400
    answer = server.raw("POST", "/drop", b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n'
                        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nz\r\n' + part * 100 + b"--b--\r\n",
                        {"Content-Type": "multipart/form-data; boundary=b"}, signed=False)
    assert answer.status == 400


def test_files_are_for_the_servers_user_alone(server):
    data = server.folder / "data"
    server.s3.put_object(Bucket="shop", Key="large", Body=b"x" * 300000)
    for path in [data, *data.rglob("*")]:
        assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0, path
