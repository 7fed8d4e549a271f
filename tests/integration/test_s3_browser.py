"""What browsers send: forms, cross-origin requests and presigned URLs."""
import base64
import datetime
import hashlib
import http.client
import json
import urllib.parse

import pytest

from s3 import KEY_ID, SECRET, Answer, body_of, fails, serve

ORIGIN = "https://app.shop.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("s3")) as server:
        server.s3.create_bucket(Bucket="drops")
        yield server


@pytest.fixture
def s3(server):
    return server.s3


def post(server, fields, file=b"file's bytes", filename="day 1.csv", content_type="text/csv", after=(), boundary="b0undary",
         path="/drops", cut=0):
    """Sends a form as a browser does."""
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
             for name, value in fields]
    if file is not None:
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
                     f"Content-Type: {content_type}\r\n\r\n".encode() + file + b"\r\n")
    parts += [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
              for name, value in after]
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    body = body[:len(body) - cut]
    connection = http.client.HTTPConnection(server.host, int(server.port), timeout=60)
    try:
        connection.request("POST", path, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def signed(server, key="up/${filename}", conditions=(), fields=(), expires=600):
    made = server.s3.generate_presigned_post("drops", key, Fields=dict(fields), Conditions=list(conditions),
                                             ExpiresIn=expires)
    return list(made["fields"].items())


def test_form(server, s3):
    answer = post(server, signed(server, conditions=[["starts-with", "$Content-Type", "text/"], {"x-amz-meta-shop": "12"},
                                                     {"Cache-Control": "no-store"}],
                                 fields={"x-amz-meta-shop": "12", "Cache-Control": "no-store",
                                         "Content-Type": "text/csv"}))
    assert answer.status == 204 and answer.body == b""
    assert answer.headers["location"] == f"{server.url}/drops/up/day%201.csv"
    assert answer.headers["etag"] == '"%s"' % hashlib.md5(b"file's bytes").hexdigest()
    got = s3.get_object(Bucket="drops", Key="up/day 1.csv")
    assert got["Body"].read() == b"file's bytes" and got["ContentType"] == "text/csv"
    assert got["Metadata"] == {"shop": "12"} and got["CacheControl"] == "no-store"


def test_a_form_by_version_2(server, s3):
    """As boto3 makes it when it is told nothing else."""
    made = server.client(signature_version="s3").generate_presigned_post("drops", "by-v2", ExpiresIn=600)["fields"]
    assert "AWSAccessKeyId" in made
    assert post(server, list(made.items()), b"two").status == 204
    assert body_of(s3, "drops", "by-v2") == b"two"
    for change in ({"signature": made["signature"][:-2] + "A="}, {"key": "elsewhere"},
                   {"AWSAccessKeyId": "AKNOBODY000000000000"}, {"signature": "short"}):
        assert post(server, list((made | change).items()), b"no").status in (400, 403)


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_sizes_of_files(server, s3, size):
    body = (b"\r\n--b0undar\r\n-" * (size // 14 + 1))[:size]
    assert post(server, signed(server, "sized"), body).status == 204
    assert body_of(s3, "drops", "sized") == body


def test_a_field_for_the_bucket(server):
    made = signed(server, "b")
    assert post(server, [("bucket", "drops"), *made]).status == 204


def test_success_actions(server):
    for status, expected in (("200", 200), ("201", 201), ("204", 204), ("500", 204)):
        answer = post(server, signed(server, "s", [{"success_action_status": status}], {"success_action_status": status}))
        assert answer.status == expected
        if expected == 201:
            assert answer.element("Bucket") == "drops" and answer.element("Key") == "s"
            assert answer.element("Location") == f"{server.url}/drops/s" and answer.element("ETag")
    to = "https://shop.example/done?a=b"
    answer = post(server, signed(server, "s ä", [{"success_action_redirect": to}], {"success_action_redirect": to}))
    assert answer.status == 303
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers["location"]).query)
    assert query["bucket"] == ["drops"] and query["key"] == ["s ä"] and query["a"] == ["b"]
    assert query["etag"] == ['"%s"' % hashlib.md5(b"file's bytes").hexdigest()]


def test_size_range(server):
    sized = signed(server, "r", [["content-length-range", 5, 10]])
    assert post(server, sized, b"12345").status == 204
    answer = post(server, sized, b"1234")
    assert answer.status == 400 and answer.element("Code") == "EntityTooSmall"
    answer = post(server, sized, b"12345678901")
    assert answer.status == 400 and answer.element("Code") == "EntityTooLarge" and answer.element("MaxSizeAllowed") == "10"


def test_tags_and_acl_of_a_form(server, s3):
    tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>"
    assert post(server, signed(server, "t", [{"tagging": tags}], {"tagging": tags})).status == 204
    assert s3.get_object_tagging(Bucket="drops", Key="t")["TagSet"] == [{"Key": "a", "Value": "1"}]
    answer = post(server, signed(server, "t", [{"acl": "public-read"}], {"acl": "public-read"}))
    assert answer.status == 400 and answer.element("Code") == "AccessControlListNotSupported"


def test_conditions_that_do_not_hold(server):
    made = dict(signed(server, "k/a"))
    for change, message in (({"key": "other"}, 'Policy Condition failed: {"key": "k/a"}'),
                            ({"x-amz-meta-more": "1"}, "Extra input fields: x-amz-meta-more")):
        fields = {name: value for name, value in (made | change).items()}
        answer = post(server, fields.items())
        assert answer.status == 403 and answer.element("Code") == "AccessDenied"
        assert message in answer.element("Message")
    assert post(server, (made | {"x-ignore-this": "1"}).items()).status == 204
    answer = post(server, signed(server, "k/${filename}", [["starts-with", "$Content-Type", "image/"]],
                                 {"Content-Type": "text/css"}))
    assert answer.status == 403 and "starts-with" in answer.element("Message")
    answer = post(server, signed(server, "late", expires=-1))
    assert answer.status == 403 and "expired" in answer.element("Message")
    answer = post(server, (made | {"x-amz-signature": "0" * 64}).items())
    assert answer.status == 403 and answer.element("Code") == "SignatureDoesNotMatch"


def sign_policy(document):
    import hmac
    policy = base64.b64encode(document).decode()
    now = datetime.datetime.now(datetime.UTC)
    key = ("AWS4" + SECRET).encode()
    for part in (now.strftime("%Y%m%d"), "us-east-1", "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return [("key", "k"), ("policy", policy), ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
            ("x-amz-credential", f"{KEY_ID}/{now:%Y%m%d}/us-east-1/s3/aws4_request"),
            ("x-amz-date", now.strftime("%Y%m%dT%H%M%SZ")),
            ("x-amz-signature", hmac.new(key, policy.encode(), hashlib.sha256).hexdigest())]


@pytest.mark.parametrize("document", [b"{", b"[]", b"{}", b'{"expiration": "2100-01-01T00:00:00Z"}',
                                      b'{"expiration": "soon", "conditions": []}',
                                      b'{"expiration": "2100-01-01T00:00:00Z", "conditions": [1]}',
                                      b'{"expiration": "2100-01-01T00:00:00Z", "conditions": [["eq", "key", "k"]]}',
                                      b'{"expiration": "2100-01-01T00:00:00Z", "conditions": [["is", "$key", "k"]]}',
                                      b'{"expiration": "2100-01-01T00:00:00Z", "conditions": [["eq", "$key"]]}',
                                      b'{"expiration": "2100-01-01T00:00:00Z", "conditions": [{"key": 1}]}',
                                      b'{"expiration": "2100-01-01T00:00:00Z", "conditions": '
                                      b'[["content-length-range", 5, 1]]}'])
def test_policies_that_may_not_be(server, document):
    answer = post(server, sign_policy(document))
    assert answer.status == 400 and answer.element("Code") == "InvalidPolicyDocument"


def test_forms_that_may_not_be(server):
    made = signed(server, "k")
    cases = [(dict(fields=[("a", "b")]), "UserKeyMustBeSpecified"), (dict(fields=made, file=None), "IncorrectNumberOfFilesInPostRequest"),
             (dict(fields=made, cut=30), "MalformedPOSTRequest"), (dict(fields=made + [("x", "y" * 70_000)]),
                                                                  "MaxPostPreDataLengthExceededError"),
             (dict(fields=made, after=[("file", "again")]), "IncorrectNumberOfFilesInPostRequest")]
    for arguments, name in cases:
        answer = post(server, **arguments)
        assert answer.status == 400 and answer.element("Code") == name, (name, answer.body)
    answer = server.raw("POST", "/drops", b"x", {"Content-Type": "text/plain"}, signed=False)
    assert answer.status == 412 and answer.element("Code") == "RequestIsNotMultiPartContent"
    answer = post(server, [("key", "anonymous")])
    assert answer.status == 403 and answer.element("Code") == "AccessDenied"
    assert post(server, made, path="/no-such-bucket").element("Code") == "NoSuchBucket"


def test_fields_after_the_file_say_nothing(server, s3):
    assert post(server, signed(server, "plain"), after=[("x-amz-meta-late", "1")]).status == 204
    assert s3.head_object(Bucket="drops", Key="plain")["Metadata"] == {}


@pytest.fixture
def cors(s3):
    s3.put_bucket_cors(Bucket="drops", CORSConfiguration={"CORSRules": [
        {"AllowedOrigins": ["https://*.shop.example"], "AllowedMethods": ["GET", "PUT"],
         "AllowedHeaders": ["x-amz-*", "Content-Type"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 60},
        {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]}]})
    yield
    s3.delete_bucket_cors(Bucket="drops")


def preflight(server, **headers):
    return server.raw("OPTIONS", "/drops/k", headers={name.replace("_", "-"): value for name, value in headers.items()},
                      signed=False)


def test_preflight(server, cors):
    answer = preflight(server, Origin=ORIGIN, Access_Control_Request_Method="PUT",
                       Access_Control_Request_Headers="X-Amz-Date, content-type")
    assert answer.status == 200 and answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "GET, PUT"
    assert answer.headers["access-control-allow-headers"] == "x-amz-date, content-type"
    assert answer.headers["access-control-max-age"] == "60" and answer.headers["access-control-expose-headers"] == "ETag"
    assert answer.headers["access-control-allow-credentials"] == "true" and "Origin" in answer.headers["vary"]
    answer = preflight(server, Origin="http://x", Access_Control_Request_Method="HEAD")
    assert answer.status == 200 and answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


def test_preflights_that_are_refused(server, cors):
    for headers in ({"Origin": "https://shop.example.org", "Access_Control_Request_Method": "GET"},
                    {"Origin": ORIGIN, "Access_Control_Request_Method": "DELETE"},
                    {"Origin": ORIGIN, "Access_Control_Request_Method": "PUT",
                     "Access_Control_Request_Headers": "x-other"}):
        answer = preflight(server, **headers)
        assert answer.status == 403 and answer.element("Code") == "AccessForbidden", headers
        assert answer.element("Method") == "OPTIONS" and "access-control-allow-origin" not in answer.headers
    for headers in ({"Origin": ORIGIN}, {"Access_Control_Request_Method": "GET"},
                    {"Origin": ORIGIN, "Access_Control_Request_Method": "PATCH"}):
        answer = preflight(server, **headers)
        assert answer.status == 400 and answer.element("Code") == "BadRequest"


def test_preflight_without_a_configuration(server):
    answer = preflight(server, Origin=ORIGIN, Access_Control_Request_Method="GET")
    assert answer.status == 403 and answer.element("Code") == "AccessForbidden"
    assert server.raw("OPTIONS", "/no-such-bucket/k", headers={"Origin": ORIGIN}, signed=False).status == 404


def test_cors_headers_of_answers(server, s3, cors):
    s3.put_object(Bucket="drops", Key="k", Body=b"x")
    for target, status in (("/drops/k", 200), ("/drops/absent", 404)):
        answer = server.raw("GET", target, headers={"Origin": ORIGIN})
        assert answer.status == status and answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["access-control-expose-headers"] == "ETag"
    assert "access-control-allow-origin" not in server.raw("GET", "/drops/k", headers={"Origin": "http://x"}).headers
    assert "access-control-allow-origin" not in server.raw("GET", "/drops/k").headers


def fetch(server, url, method="GET", body=None, headers=None):
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(server.host, int(server.port), timeout=60)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body, headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def test_presigned(server, s3):
    url = s3.generate_presigned_url("put_object", {"Bucket": "drops", "Key": "pre ä"})
    assert fetch(server, url, "PUT", b"by url").status == 200
    url = s3.generate_presigned_url("get_object", {"Bucket": "drops", "Key": "pre ä", "ResponseContentType": "a/b"})
    answer = fetch(server, url)
    assert answer.status == 200 and answer.body == b"by url" and answer.headers["content-type"] == "a/b"
    assert fetch(server, url.replace("pre", "Pre")).element("Code") == "SignatureDoesNotMatch"
    url = s3.generate_presigned_url("get_object", {"Bucket": "drops", "Key": "pre ä"}, ExpiresIn=-5)
    answer = fetch(server, url)
    assert answer.status in (400, 403)


def test_policy_documents_are_json(server):
    assert json.loads(base64.b64decode(dict(signed(server, "k"))["policy"]))["conditions"]
    with fails("NoSuchCORSConfiguration"):
        server.s3.get_bucket_cors(Bucket="drops")
