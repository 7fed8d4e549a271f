"""Who may do what over the S3 protocol: keys with policies of their own, bucket policies, public access, ACLs, session
tokens, clocks, and requests that were tampered with."""
import datetime
import http.client
import json
import random
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from botocore.config import Config

from s3 import KEY_ID, PROGRAM, SECRET, body_of, fails, serve

OWNER, OTHER = "000000000000", "444455556666"
SHOP = "arn:aws:s3:::shop"
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"


def statement(effect, action, resource, **more):
    return {"Effect": effect, "Action": action, "Resource": resource} | more


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


POLICIES = {
    "validate": document(statement("Allow", "s3:GetObject", f"{SHOP}/raw_data/*"),
                         statement("Allow", "s3:PutObject", [f"{SHOP}/cleaned/*", f"{SHOP}/rejected/*"]),
                         statement("Allow", "s3:ListBucket", SHOP,
                                   Condition={"StringLike": {"s3:prefix": "raw_data/*"}})),
    "careful": document(statement("Allow", "s3:*", "*"), statement("Deny", "s3:DeleteObject*", f"{SHOP}/keep/*")),
    "home": document(statement("Allow", "s3:*", SHOP + "/home/${aws:username}/*")),
    "tagged": document(statement("Allow", "s3:GetObject", f"{SHOP}/*",
                                 Condition={"StringEquals": {"s3:ExistingObjectTag/kind": "open"}}),
                       statement("Allow", ["s3:PutObject", "s3:PutObjectTagging"], f"{SHOP}/*",
                                 Condition={"StringEquals": {"s3:RequestObjectTag/kind": "open"}})),
    "far": document(statement("Allow", "s3:*", "*", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})),
}


def key(folder, *words):
    done = subprocess.run([PROGRAM, "key", *words, "--data", folder / "data", "--json"], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The server, and clients of keys by their names; "other" is of another account."""
    folder = tmp_path_factory.mktemp("access")
    made = {"other": key(folder, "add", "--name", "other", "--owner", OTHER),
            "session": key(folder, "add", "--name", "session", "--session", "--expires", "1h"),
            "gone": key(folder, "add", "--name", "gone")}
    for name, policy in POLICIES.items():
        (folder / "policy.json").write_text(policy)
        made[name] = key(folder, "add", "--name", name, "--policy", str(folder / "policy.json"))
    key(folder, "disable", made["gone"]["id"])
    with serve(folder) as server:
        server.keys = made
        server.s3.create_bucket(Bucket="shop")
        for name in ("raw_data/1.csv", "sales/1.csv", "keep/1", "home/home/1", "home/alice/1"):
            server.s3.put_object(Bucket="shop", Key=name, Body=name)
        yield server


@pytest.fixture
def s3(place):
    """The admin's client; what a test sets of the bucket is taken away after it."""
    yield place.s3
    place.s3.delete_bucket_policy(Bucket="shop")
    place.s3.put_public_access_block(Bucket="shop", PublicAccessBlockConfiguration=block(True))
    place.s3.put_bucket_ownership_controls(
        Bucket="shop", OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})


def block(on):
    return {name: on for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")}


def client(place, name, **settings):
    return place.client(place.keys[name]["id"], place.keys[name]["secret"], **settings)


def test_a_step_has_only_its_own_rights(place, s3):
    step = client(place, "validate")
    assert body_of(step, "shop", "raw_data/1.csv") == b"raw_data/1.csv"
    step.put_object(Bucket="shop", Key="cleaned/1.parquet", Body=b"x")
    assert [found["Key"] for found in step.list_objects_v2(Bucket="shop", Prefix="raw_data/")["Contents"]] == [
        "raw_data/1.csv"]
    with fails("AccessDenied", 403):
        step.list_objects_v2(Bucket="shop")
    with fails("AccessDenied", 403):
        step.get_object(Bucket="shop", Key="sales/1.csv")
    with fails("AccessDenied", 403):
        step.get_object(Bucket="shop", Key="cleaned/1.parquet")
    with fails("AccessDenied", 403):
        step.put_object(Bucket="shop", Key="raw_data/2.csv", Body=b"x")
    with fails("AccessDenied", 403):
        step.delete_object(Bucket="shop", Key="raw_data/1.csv")
    with fails("AccessDenied", 403):
        step.list_buckets()
    with fails("AccessDenied", 403):
        step.create_bucket(Bucket="other-shop")
    with fails("AccessDenied", 403):
        step.put_bucket_policy(Bucket="shop", Policy=document(statement("Allow", "s3:*", SHOP, Principal="*")))
    with fails("AccessDenied", 403):
        step.create_multipart_upload(Bucket="shop", Key="raw_data/2.csv")


def test_copying_needs_both_rights(place, s3):
    step = client(place, "validate")
    step.copy_object(Bucket="shop", Key="cleaned/copy", CopySource="shop/raw_data/1.csv")
    assert body_of(s3, "shop", "cleaned/copy") == b"raw_data/1.csv"
    with fails("AccessDenied", 403):
        step.copy_object(Bucket="shop", Key="cleaned/copy", CopySource="shop/sales/1.csv")
    with fails("AccessDenied", 403):
        step.copy_object(Bucket="shop", Key="sales/copy", CopySource="shop/raw_data/1.csv")
    upload = step.create_multipart_upload(Bucket="shop", Key="cleaned/parts")["UploadId"]
    with fails("AccessDenied", 403):
        step.upload_part_copy(Bucket="shop", Key="cleaned/parts", UploadId=upload, PartNumber=1,
                              CopySource="shop/sales/1.csv")


def test_an_explicit_deny_wins(place, s3):
    careful = client(place, "careful")
    careful.put_object(Bucket="shop", Key="keep/2", Body=b"x")
    with fails("AccessDenied", 403):
        careful.delete_object(Bucket="shop", Key="keep/2")
    s3.put_bucket_policy(Bucket="shop", Policy=document(
        statement("Allow", "s3:DeleteObject", f"{SHOP}/*", Principal={"AWS": OWNER})))
    with fails("AccessDenied", 403):
        careful.delete_object(Bucket="shop", Key="keep/2")
    answer = careful.delete_objects(Bucket="shop", Delete={"Objects": [{"Key": "keep/2"}, {"Key": "never-there"}]})
    assert [error["Code"] for error in answer["Errors"]] == ["AccessDenied"]
    assert body_of(s3, "shop", "keep/2") == b"x"
    s3.put_bucket_policy(Bucket="shop", Policy=document(
        statement("Deny", "s3:GetObject", f"{SHOP}/sales/*", Principal="*")))
    with fails("AccessDenied", 403):
        s3.get_object(Bucket="shop", Key="sales/1.csv")


def test_the_account_can_mend_a_policy_that_denies_all(place, s3):
    s3.put_bucket_policy(Bucket="shop", Policy=document(
        statement("Deny", "s3:*", [SHOP, f"{SHOP}/*"], Principal="*")))
    with fails("AccessDenied", 403):
        s3.list_objects_v2(Bucket="shop")
    s3.delete_bucket_policy(Bucket="shop")
    s3.list_objects_v2(Bucket="shop")


def test_variables_of_the_user(place, s3):
    home = client(place, "home")
    assert body_of(home, "shop", "home/home/1") == b"home/home/1"
    with fails("AccessDenied", 403):
        home.get_object(Bucket="shop", Key="home/alice/1")


def test_tags_of_objects_and_requests(place, s3):
    tagged = client(place, "tagged")
    with fails("AccessDenied", 403):
        tagged.put_object(Bucket="shop", Key="tagged", Body=b"x")
    with fails("AccessDenied", 403):
        tagged.put_object(Bucket="shop", Key="tagged", Body=b"x", Tagging="kind=secret")
    tagged.put_object(Bucket="shop", Key="tagged", Body=b"x", Tagging="kind=open")
    assert body_of(tagged, "shop", "tagged") == b"x"
    s3.put_object_tagging(Bucket="shop", Key="tagged", Tagging={"TagSet": [{"Key": "kind", "Value": "secret"}]})
    with fails("AccessDenied", 403):
        tagged.get_object(Bucket="shop", Key="tagged")
    with fails("AccessDenied", 403):
        tagged.get_object(Bucket="shop", Key="sales/1.csv")


def test_the_clients_address(place, s3):
    with fails("AccessDenied", 403):
        client(place, "far").get_object(Bucket="shop", Key="sales/1.csv")
    s3.put_bucket_policy(Bucket="shop", Policy=document(
        statement("Allow", "s3:GetObject", f"{SHOP}/*", Principal={"AWS": f"arn:aws:iam::{OWNER}:user/far"},
                  Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}, "Bool": {"aws:SecureTransport": "false"}})))
    assert body_of(client(place, "far"), "shop", "sales/1.csv") == b"sales/1.csv"


def test_another_account(place, s3):
    other = client(place, "other")
    with fails("AccessDenied", 403):
        other.get_object(Bucket="shop", Key="sales/1.csv")
    assert other.list_buckets()["Buckets"] == []
    s3.put_bucket_policy(Bucket="shop", Policy=document(
        statement("Allow", "s3:GetObject", f"{SHOP}/sales/*", Principal={"AWS": OTHER})))
    assert body_of(other, "shop", "sales/1.csv") == b"sales/1.csv"
    with fails("AccessDenied", 403):
        other.put_object(Bucket="shop", Key="sales/1.csv", Body=b"x")
    other.create_bucket(Bucket="others-own")
    with fails("AccessDenied", 403):
        s3.list_objects_v2(Bucket="others-own")
    with fails("BucketAlreadyExists", 409):
        s3.create_bucket(Bucket="others-own")
    other.delete_bucket(Bucket="others-own")


def test_nobody_gets_in_unless_public_access_is_let_in(place, s3):
    nobody = place.client(None)
    public = document(statement("Allow", "s3:GetObject", f"{SHOP}/sales/*", Principal="*"))
    with fails("AccessDenied", 403):
        nobody.get_object(Bucket="shop", Key="sales/1.csv")
    with fails("AccessDenied", 403):
        nobody.list_buckets()
    with fails("AccessDenied", 403):
        s3.put_bucket_policy(Bucket="shop", Policy=public)
    s3.put_public_access_block(Bucket="shop", PublicAccessBlockConfiguration=block(False))
    s3.put_bucket_policy(Bucket="shop", Policy=public)
    assert s3.get_bucket_policy_status(Bucket="shop")["PolicyStatus"]["IsPublic"]
    assert body_of(nobody, "shop", "sales/1.csv") == b"sales/1.csv"
    assert urllib.request.urlopen(f"{place.url}/shop/sales/1.csv").read() == b"sales/1.csv"
    with fails("AccessDenied", 403):
        nobody.put_object(Bucket="shop", Key="sales/1.csv", Body=b"x")
    with fails("AccessDenied", 403):
        nobody.list_objects_v2(Bucket="shop")
    s3.put_public_access_block(Bucket="shop", PublicAccessBlockConfiguration=block(False) | {
        "RestrictPublicBuckets": True})
    with fails("AccessDenied", 403):
        nobody.get_object(Bucket="shop", Key="sales/1.csv")


def test_acls_where_the_bucket_lets_them(place, s3):
    nobody = place.client(None)
    with fails("AccessControlListNotSupported", 400):
        s3.put_object_acl(Bucket="shop", Key="sales/1.csv", ACL="public-read")
    s3.put_bucket_ownership_controls(
        Bucket="shop", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    with fails("AccessDenied", 403):
        s3.put_object_acl(Bucket="shop", Key="sales/1.csv", ACL="public-read")
    s3.put_public_access_block(Bucket="shop", PublicAccessBlockConfiguration=block(False))
    s3.put_object_acl(Bucket="shop", Key="sales/1.csv", ACL="public-read")
    assert body_of(nobody, "shop", "sales/1.csv") == b"sales/1.csv"
    with fails("AccessDenied", 403):
        nobody.get_object(Bucket="shop", Key="keep/1")
    s3.put_public_access_block(Bucket="shop", PublicAccessBlockConfiguration=block(False) | {"IgnorePublicAcls": True})
    with fails("AccessDenied", 403):
        nobody.get_object(Bucket="shop", Key="sales/1.csv")


def test_policies_that_are_none(place, s3):
    for policy in ("{}", "nothing", document(statement("Allow", "s3:GetObject", f"{SHOP}/*")),
                   document(statement("Allow", "s3:GetObject", "arn:aws:s3:::other/*", Principal={"AWS": OTHER})),
                   document(statement("Allow", "s3:GetObject", f"{SHOP}/*", Principal={"AWS": "alice"})),
                   document(statement("Permit", "s3:GetObject", f"{SHOP}/*", Principal={"AWS": OTHER}))):
        with fails("MalformedPolicy", 400):
            s3.put_bucket_policy(Bucket="shop", Policy=policy)
    with fails("NoSuchBucketPolicy", 404):
        s3.get_bucket_policy(Bucket="shop")


def test_keys_that_do_not_count(place, s3):
    with fails("InvalidAccessKeyId", 403):
        place.client("AKIAUNKNOWN", "x" * 40).list_buckets()
    with fails("InvalidAccessKeyId", 403):
        client(place, "gone").list_buckets()
    with fails("SignatureDoesNotMatch", 403):
        place.client(KEY_ID, SECRET[:-1] + "8").list_buckets()


def test_session_tokens(place, s3):
    made = place.keys["session"]

    def session(token):
        return boto3.client("s3", endpoint_url=place.url, region_name="us-east-1", aws_access_key_id=made["id"],
                            aws_secret_access_key=made["secret"], aws_session_token=token,
                            config=Config(signature_version="s3v4"))

    assert session(made["session_token"]).list_objects_v2(Bucket="shop")["KeyCount"] > 0
    url = session(made["session_token"]).generate_presigned_url("get_object", {"Bucket": "shop", "Key": "keep/1"})
    assert urllib.request.urlopen(url).read() == b"keep/1"
    for token in (made["session_token"][:-1] + "A", "short", None):
        with fails("InvalidToken", 400):
            session(token).list_buckets()
    with fails("InvalidToken", 400):
        boto3.client("s3", endpoint_url=place.url, region_name="us-east-1", aws_access_key_id=KEY_ID,
                     aws_secret_access_key=SECRET, aws_session_token="more").list_buckets()


def signed(place, method, target, headers=None, body=b"", region="us-east-1", service="s3", at=None, payload=None):
    """The headers of a request that is right but for what is said."""
    request = botocore.awsrequest.AWSRequest(method, place.url + target, data=body, headers=headers or {})
    signer = botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(KEY_ID, SECRET), service, region)
    if payload:
        signer.payload = lambda request: payload
    original = botocore.auth.get_current_datetime
    if at:
        botocore.auth.get_current_datetime = lambda: at
    try:
        signer.add_auth(request)
    finally:
        botocore.auth.get_current_datetime = original
    return dict(request.headers.items())


def send(place, method, target, headers, body=b""):
    """Gives status, and the error's code where there is one."""
    connection = http.client.HTTPConnection(place.host, int(place.port), timeout=60)
    connection.putrequest(method, target, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    if body or method in ("PUT", "POST"):
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    code = text.split("<Code>")[1].split("</Code>")[0] if "<Code>" in text else ""
    return answer.status, code


def now():
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


def test_clocks_that_differ(place):
    for minutes, expected in ((0, 200), (14, 200), (-14, 200)):
        headers = signed(place, "GET", "/shop", at=now() + datetime.timedelta(minutes=minutes))
        assert send(place, "GET", "/shop", headers)[0] == expected
    for minutes in (16, -16, 60 * 24 * 8):
        headers = signed(place, "GET", "/shop", at=now() + datetime.timedelta(minutes=minutes))
        assert send(place, "GET", "/shop", headers) == (403, "RequestTimeTooSkewed")


def test_the_wrong_region_or_service(place):
    for more in ({"region": "eu-central-1"}, {"service": "dynamodb"}):
        assert send(place, "GET", "/shop", signed(place, "GET", "/shop", **more)) == (
            400, "AuthorizationHeaderMalformed")


@pytest.mark.parametrize("name, value", [("X-Amz-Date", "20200101T000000Z"), ("X-Amz-Content-SHA256", "0" * 64),
                                         ("X-Amz-Meta-Shop", "Linz"), ("Host", "example.org")])
def test_headers_that_were_changed(place, name, value):
    headers = signed(place, "PUT", "/shop/changed", {"X-Amz-Meta-Shop": "Graz"}) | {name: value}
    status, code = send(place, "PUT", "/shop/changed", headers)
    assert (status, code) in ((403, "SignatureDoesNotMatch"), (400, "AuthorizationHeaderMalformed"))


def test_a_body_that_was_changed(place):
    headers = signed(place, "PUT", "/shop/changed", body=b"what was signed")
    assert send(place, "PUT", "/shop/changed", headers, b"something other")[1] in (
        "XAmzContentSHA256Mismatch", "SignatureDoesNotMatch")
    with fails("NoSuchKey"):
        place.s3.get_object(Bucket="shop", Key="changed")


def test_targets_that_were_changed(place):
    headers = signed(place, "GET", "/shop/sales/1.csv")
    assert send(place, "GET", "/shop/sales/1.csv", headers)[0] == 200
    assert send(place, "GET", "/shop/sales/%31.csv", headers)[0] == 200  # the same, spelt otherwise
    for method, target in (("GET", "/shop/keep/1"), ("GET", "/shop/sales/1.csv?versionId=null"),
                           ("DELETE", "/shop/sales/1.csv"), ("GET", "/shop//sales/1.csv"),
                           ("GET", "/shop/keep/../sales/1.csv")):
        assert send(place, method, target, headers) == (403, "SignatureDoesNotMatch"), target


def test_headers_that_were_added(place):
    headers = signed(place, "GET", "/shop/sales/1.csv")
    assert send(place, "GET", "/shop/sales/1.csv", headers | {"x-amz-expected-bucket-owner": OTHER}) == (
        403, "AccessDenied")
    headers = signed(place, "GET", "/shop/sales/1.csv", {"x-amz-expected-bucket-owner": OTHER})
    assert send(place, "GET", "/shop/sales/1.csv", headers) == (403, "AccessDenied")
    headers = signed(place, "GET", "/shop/sales/1.csv", {"x-amz-expected-bucket-owner": OWNER})
    assert send(place, "GET", "/shop/sales/1.csv", headers)[0] == 200


def fetch(url, method="GET", body=None):
    """Status and error code of a URL."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method=method)) as answer:
            answer.read()
            return answer.status, ""
    except urllib.error.HTTPError as problem:
        text = problem.read().decode()
        return problem.code, text.split("<Code>")[1].split("</Code>")[0] if "<Code>" in text else ""


def presigned(place, method, target, expires, at=None):
    request = botocore.awsrequest.AWSRequest(method, place.url + target)
    signer = botocore.auth.S3SigV4QueryAuth(botocore.credentials.Credentials(KEY_ID, SECRET), "s3", "us-east-1",
                                            expires=expires)
    original = botocore.auth.get_current_datetime
    if at:
        botocore.auth.get_current_datetime = lambda: at
    try:
        signer.add_auth(request)
    finally:
        botocore.auth.get_current_datetime = original
    return request.url


def test_presigned_urls(place, s3):
    url = presigned(place, "GET", "/shop/sales/1.csv", 60)
    assert fetch(url) == (200, "")
    assert fetch(url, "HEAD")[0] == 403
    assert fetch(url, "PUT", b"x") == (403, "SignatureDoesNotMatch")
    assert fetch(url.replace("sales", "keep")) == (403, "SignatureDoesNotMatch")
    assert fetch(url.replace("Expires=60", "Expires=600")) == (403, "SignatureDoesNotMatch")
    assert fetch(url + "&versionId=null") == (403, "SignatureDoesNotMatch")
    assert fetch(url + "&X-Amz-Expires=600") == (400, "AuthorizationQueryParametersError")
    assert fetch(url.replace("us-east-1", "eu-west-1"))[0] == 400
    ago = now() - datetime.timedelta(minutes=10)
    assert fetch(presigned(place, "GET", "/shop/sales/1.csv", 60, ago)) == (403, "AccessDenied")
    assert fetch(presigned(place, "GET", "/shop/sales/1.csv", 3600, ago)) == (200, "")
    ahead = now() + datetime.timedelta(hours=1)
    assert fetch(presigned(place, "GET", "/shop/sales/1.csv", 3600, ahead)) == (403, "AccessDenied")
    assert fetch(presigned(place, "GET", "/shop/sales/1.csv", 604801)) == (400, "AuthorizationQueryParametersError")
    put = presigned(place, "PUT", "/shop/by-url", 60)
    assert fetch(put, "PUT", b"by URL") == (200, "")
    assert body_of(s3, "shop", "by-url") == b"by URL"


def test_a_presigned_url_has_the_rights_of_its_key(place, s3):
    step = client(place, "validate", signature_version="s3v4")
    good = step.generate_presigned_url("get_object", {"Bucket": "shop", "Key": "raw_data/1.csv"})
    bad = step.generate_presigned_url("get_object", {"Bucket": "shop", "Key": "sales/1.csv"})
    assert fetch(good) == (200, "")
    assert fetch(bad) == (403, "AccessDenied")


def test_signature_version_2_is_told_apart(place):
    assert send(place, "GET", "/shop", {"Authorization": f"AWS {KEY_ID}:c2ln", "Host": f"{place.host}:{place.port}"})[
        0] == 400


def test_urls_presigned_by_version_2(place, s3):
    """What boto3 and the AWS CLI's version 1 make unless told otherwise."""
    old = place.client(signature_version="s3")
    url = old.generate_presigned_url("get_object", {"Bucket": "shop", "Key": "sales/1.csv"})
    assert "AWSAccessKeyId" in url and fetch(url) == (200, "")
    assert fetch(url, "PUT", b"x")[0] == 403
    assert fetch(url.replace("sales", "keep")) == (403, "SignatureDoesNotMatch")
    assert fetch(url + "&versionId=null") == (403, "SignatureDoesNotMatch")
    for more in ("retention", "legal-hold", "attributes", "publicAccessBlock", "prefix=a", "x-amz-acl=public-read"):
        assert fetch(url + "&" + more) == (400, "InvalidRequest"), more
    assert fetch(url + "&Expires=9999999999")[0] == 403
    assert fetch(url.replace("Expires=", "Expires=9"))[0] == 403
    assert fetch(old.generate_presigned_url("get_object", {"Bucket": "shop", "Key": "keep/1"}, ExpiresIn=-5)) == (
        403, "AccessDenied")
    assert fetch(old.generate_presigned_url("get_object", {"Bucket": "shop", "Key": "keep/1"}, ExpiresIn=800000)) == (
        403, "AccessDenied")
    named = old.generate_presigned_url("get_object", {"Bucket": "shop", "Key": "odd/ä +&?.txt",
                                                      "ResponseContentType": "text/x; a=b"})
    s3.put_object(Bucket="shop", Key="odd/ä +&?.txt", Body=b"odd")
    with urllib.request.urlopen(named) as answer:
        assert answer.read() == b"odd" and answer.headers["Content-Type"] == "text/x; a=b"
    put = old.generate_presigned_url("put_object", {"Bucket": "shop", "Key": "by-url-2"})
    request = urllib.request.Request(put, data=b"by URL", method="PUT", headers={"Content-Type": ""})
    assert urllib.request.urlopen(request).status == 200
    assert body_of(s3, "shop", "by-url-2") == b"by URL"
    limited = client(place, "validate", signature_version="s3")
    assert fetch(limited.generate_presigned_url("get_object", {"Bucket": "shop", "Key": "raw_data/1.csv"})) == (200, "")
    assert fetch(limited.generate_presigned_url("get_object", {"Bucket": "shop", "Key": "sales/1.csv"})) == (
        403, "AccessDenied")
    made = place.keys["session"]
    session = boto3.client("s3", endpoint_url=place.url, region_name="us-east-1", aws_access_key_id=made["id"],
                           aws_secret_access_key=made["secret"], aws_session_token=made["session_token"],
                           config=Config(signature_version="s3"))
    url = session.generate_presigned_url("get_object", {"Bucket": "shop", "Key": "keep/1"})
    assert fetch(url) == (200, "")
    assert fetch(url.split("&x-amz-security-token")[0])[0] in (400, 403)
    virtual = boto3.client("s3", endpoint_url=f"http://localhost:{place.port}", region_name="us-east-1",
                           aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET,
                           config=Config(signature_version="s3", s3={"addressing_style": "virtual"}))
    url = virtual.generate_presigned_url("get_object", {"Bucket": "shop", "Key": "keep/1"})
    target = "/" + url.split("/", 3)[3]
    host = urllib.parse.urlsplit(url).netloc
    assert host.startswith("shop.") and send(place, "GET", target, {"Host": host}) == (200, "")
    # the same signature does not count for a path that only looks like the bucket's
    s3.put_object(Bucket="shop", Key="shop/keep/1", Body=b"other")
    assert send(place, "GET", "/shop" + target, {"Host": host})[0] == 403


def test_two_ways_to_sign_at_once(place):
    url = presigned(place, "GET", "/shop/sales/1.csv", 60)
    target = url.removeprefix(place.url)
    assert send(place, "GET", target, signed(place, "GET", "/shop/sales/1.csv")) == (400, "InvalidArgument")


def test_keys_in_any_form_are_signed_as_they_are(place, s3):
    version_4 = place.client(signature_version="s3v4")
    for name in ("a b", "a+b", "a%2Fb", "ä€😀", "a//b", "./a", "../a", "a?b&c=d#e", "~(1)*'!", "a\nb"):
        s3.put_object(Bucket="shop", Key="odd/" + name, Body=name.encode())
        assert body_of(s3, "shop", "odd/" + name) == name.encode()
        url = version_4.generate_presigned_url("get_object", {"Bucket": "shop", "Key": "odd/" + name})
        assert fetch(url) == (200, "")
        s3.delete_object(Bucket="shop", Key="odd/" + name)


def test_random_requests_are_signed_as_botocore_signs_them(place):
    """What botocore signs is accepted, whatever is in path, query and headers, and no longer with another secret."""
    chance = random.Random(4)
    letters = "ab/ +%&=?#~.*'()!@:;,<>|^`[]{}$\"äé€😀\x01\x7f"

    def text(most):
        return "".join(chance.choice(letters) for _ in range(chance.randint(1, most)))

    for _ in range(200):
        path = "/shop/" + urllib.parse.quote(text(20).replace("/", "") + "x", safe="/~" if chance.random() < 0.5 else "")
        query = "&".join(urllib.parse.quote(text(6), safe="~") + ("=" + urllib.parse.quote(text(8), safe="~"))
                         for _ in range(chance.randint(0, 4)))
        headers = {f"x-amz-meta-{number}": "".join(chance.choice("ab  ,;=\"'") for _ in range(8)).strip() or "x"
                   for number in range(chance.randint(0, 3))}
        target = path + ("?" + query if query else "")
        right = signed(place, "GET", target, headers)
        assert send(place, "GET", target, right) in ((404, "NoSuchKey"), (400, "InvalidArgument")), (target, headers)
        wrong = right | {"Authorization": right["Authorization"][:-1] + ("0" if right["Authorization"][-1] != "0" else "1")}
        assert send(place, "GET", target, wrong) == (403, "SignatureDoesNotMatch"), (target, headers)


def test_chunks_with_wrong_signatures_leave_nothing(place, s3):
    body = b"10;chunk-signature=" + b"0" * 64 + b"\r\n" + b"x" * 16 + b"\r\n0;chunk-signature=" + b"0" * 64 + b"\r\n\r\n"
    streaming = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    headers = signed(place, "PUT", "/shop/chunks", {"x-amz-decoded-content-length": "16",
                                                    "content-encoding": "aws-chunked",
                                                    "x-amz-content-sha256": streaming}, payload=streaming)
    assert send(place, "PUT", "/shop/chunks", headers, body) == (403, "SignatureDoesNotMatch")
    with fails("NoSuchKey"):
        s3.get_object(Bucket="shop", Key="chunks")
