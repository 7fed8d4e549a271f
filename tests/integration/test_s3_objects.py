"""Objects over the S3 protocol, with boto3 and by hand: putting, getting, deleting, copying, their headers and errors."""
import base64
import datetime
import hashlib
import json
import random
import zlib

import pytest

from s3 import body_of, fails, serve


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("s3")) as server:
        server.s3.create_bucket(Bucket="photos")
        yield server


@pytest.fixture
def s3(server):
    return server.s3


def test_put_and_get(s3):
    body = b"hello\n"
    put = s3.put_object(Bucket="photos", Key="a/b c+d/ä.txt", Body=body, ContentType="text/plain",
                        Metadata={"Color": "red", "shop": "12"}, CacheControl="max-age=60",
                        ContentDisposition="attachment", ContentLanguage="de", ContentEncoding="identity",
                        Expires=datetime.datetime(2030, 1, 1), StorageClass="STANDARD_IA")
    assert put["ETag"] == '"%s"' % hashlib.md5(body).hexdigest()
    got = s3.get_object(Bucket="photos", Key="a/b c+d/ä.txt")
    assert got["Body"].read() == body
    assert got["ContentType"] == "text/plain" and got["Metadata"] == {"color": "red", "shop": "12"}
    assert got["CacheControl"] == "max-age=60" and got["ContentDisposition"] == "attachment"
    assert got["ContentLanguage"] == "de" and got["ContentEncoding"] == "identity"
    assert got["Expires"].year == 2030 and got["StorageClass"] == "STANDARD_IA"
    assert got["ETag"] == put["ETag"] and got["ContentLength"] == 6 and got["AcceptRanges"] == "bytes"
    head = s3.head_object(Bucket="photos", Key="a/b c+d/ä.txt")
    for name in ("ETag", "ContentLength", "ContentType", "Metadata", "LastModified", "StorageClass"):
        assert head[name] == got[name]
    assert len(head["ResponseMetadata"]["RequestId"]) == 16 and head["ResponseMetadata"]["HostId"]


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 1_000_000, 9_000_000])
def test_sizes(s3, size):
    body = random.Random(size).randbytes(size)
    s3.put_object(Bucket="photos", Key="sized", Body=body)
    assert body_of(s3, "photos", "sized") == body
    assert s3.head_object(Bucket="photos", Key="sized")["ContentLength"] == size
    if size > 0:
        assert body_of(s3, "photos", "sized", Range=f"bytes={size // 2}-") == body[size // 2:]


def test_default_content_type(server):
    assert server.raw("PUT", "/photos/plain", b"x").status == 200
    assert server.s3.head_object(Bucket="photos", Key="plain")["ContentType"] == "binary/octet-stream"


def test_errors_of_reading(s3):
    with fails("NoSuchKey", 404):
        s3.get_object(Bucket="photos", Key="nothing")
    with fails("404", 404):
        s3.head_object(Bucket="photos", Key="nothing")
    with fails("NoSuchBucket", 404):
        s3.get_object(Bucket="no-such-bucket", Key="nothing")
    with fails("InvalidArgument", 400):
        s3.get_object(Bucket="photos", Key="nothing", VersionId="none")


RANGES = [("bytes=0-0", 206, slice(0, 1)), ("bytes=3-5", 206, slice(3, 6)), ("bytes=7-", 206, slice(7, 10)),
          ("bytes=-3", 206, slice(7, 10)), ("bytes=-100", 206, slice(0, 10)), ("bytes=8-100", 206, slice(8, 10)),
          ("bytes=0-1,3-4", 200, slice(0, 10)), ("bytes=5-3", 200, slice(0, 10)), ("bytes=x", 200, slice(0, 10)),
          ("lines=1-2", 200, slice(0, 10))]


@pytest.mark.parametrize("text,status,part", RANGES)
def test_ranges(server, text, status, part):
    server.s3.put_object(Bucket="photos", Key="ten", Body=b"0123456789")
    answer = server.raw("GET", "/photos/ten", headers={"Range": text})
    assert (answer.status, answer.body) == (status, b"0123456789"[part])
    assert answer.headers["content-length"] == str(len(answer.body))
    if status == 206:
        assert answer.headers["content-range"] == f"bytes {part.start}-{part.stop - 1}/10"
    else:
        assert "content-range" not in answer.headers
    head = server.raw("HEAD", "/photos/ten", headers={"Range": text})
    assert head.status == status and head.headers["content-length"] == answer.headers["content-length"]


@pytest.mark.parametrize("text", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_ranges_outside(server, text):
    server.s3.put_object(Bucket="photos", Key="ten", Body=b"0123456789")
    answer = server.raw("GET", "/photos/ten", headers={"Range": text})
    assert answer.status == 416 and answer.element("Code") == "InvalidRange"
    assert answer.element("ActualObjectSize") == "10" and answer.element("RangeRequested") == text


def test_if_range(server):
    etag = server.s3.put_object(Bucket="photos", Key="ten", Body=b"0123456789")["ETag"]
    assert server.raw("GET", "/photos/ten", headers={"Range": "bytes=0-0", "If-Range": etag}).status == 206
    assert server.raw("GET", "/photos/ten", headers={"Range": "bytes=0-0", "If-Range": '"x"'}).body == b"0123456789"


def test_conditional_reads(s3):
    etag = s3.put_object(Bucket="photos", Key="when", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket="photos", Key="when")["LastModified"]
    earlier, later = modified - datetime.timedelta(days=1), modified + datetime.timedelta(days=1)
    for read in (s3.get_object, s3.head_object):
        read(Bucket="photos", Key="when", IfMatch=etag)
        read(Bucket="photos", Key="when", IfNoneMatch='"other"')
        read(Bucket="photos", Key="when", IfModifiedSince=earlier)
        read(Bucket="photos", Key="when", IfUnmodifiedSince=later)
        read(Bucket="photos", Key="when", IfMatch=etag, IfUnmodifiedSince=earlier)
        for more in ({"IfNoneMatch": etag}, {"IfNoneMatch": "*"}, {"IfModifiedSince": modified},
                     {"IfNoneMatch": etag, "IfModifiedSince": earlier}):
            with fails("304", 304):
                read(Bucket="photos", Key="when", **more)
        code = "PreconditionFailed" if read == s3.get_object else "412"
        for more in ({"IfMatch": '"other"'}, {"IfUnmodifiedSince": earlier}):
            with fails(code, 412):
                read(Bucket="photos", Key="when", **more)


def test_not_modified_has_its_headers(server):
    etag = server.s3.put_object(Bucket="photos", Key="when", Body=b"x")["ETag"]
    answer = server.raw("GET", "/photos/when", headers={"If-None-Match": etag})
    assert answer.status == 304 and answer.headers["etag"] == etag and "last-modified" in answer.headers
    assert answer.body == b""


def test_conditional_writes(s3):
    s3.delete_object(Bucket="photos", Key="once")
    etag = s3.put_object(Bucket="photos", Key="once", Body=b"1", IfNoneMatch="*")["ETag"]
    with fails("PreconditionFailed", 412):
        s3.put_object(Bucket="photos", Key="once", Body=b"2", IfNoneMatch="*")
    with fails("PreconditionFailed", 412):
        s3.put_object(Bucket="photos", Key="once", Body=b"2", IfMatch='"other"')
    s3.put_object(Bucket="photos", Key="once", Body=b"2", IfMatch=etag)
    with fails("NoSuchKey", 404):
        s3.put_object(Bucket="photos", Key="never", Body=b"2", IfMatch=etag)
    with fails("NotImplemented", 501):
        s3.put_object(Bucket="photos", Key="once", Body=b"2", IfNoneMatch=etag)
    assert body_of(s3, "photos", "once") == b"2"


def test_conditional_deletes(s3):
    etag = s3.put_object(Bucket="photos", Key="gone", Body=b"123")["ETag"]
    for more in ({"IfMatch": '"other"'}, {"IfMatchSize": 4}):
        with fails("PreconditionFailed", 412):
            s3.delete_object(Bucket="photos", Key="gone", **more)
    s3.delete_object(Bucket="photos", Key="gone", IfMatch=etag, IfMatchSize=3)
    with fails("404"):
        s3.head_object(Bucket="photos", Key="gone")


def test_response_overrides(server, s3):
    s3.put_object(Bucket="photos", Key="over", Body=b"x", ContentType="text/plain", CacheControl="no-store")
    got = s3.get_object(Bucket="photos", Key="over", ResponseContentType="application/json",
                        ResponseContentDisposition='attachment; filename="a b.txt"', ResponseCacheControl="max-age=5",
                        ResponseContentEncoding="br", ResponseContentLanguage="fr",
                        ResponseExpires=datetime.datetime(2031, 5, 6))
    assert got["ContentType"] == "application/json" and got["CacheControl"] == "max-age=5"
    assert got["ContentDisposition"] == 'attachment; filename="a b.txt"' and got["ContentEncoding"] == "br"
    assert got["ContentLanguage"] == "fr" and "2031" in got["ExpiresString"]


def test_delete(s3):
    s3.put_object(Bucket="photos", Key="away", Body=b"x")
    s3.delete_object(Bucket="photos", Key="away")
    assert s3.delete_object(Bucket="photos", Key="away")["ResponseMetadata"]["HTTPStatusCode"] == 204
    with fails("NoSuchBucket"):
        s3.delete_object(Bucket="no-such-bucket", Key="away")


def test_delete_many(s3):
    keys = [f"many/{n}" for n in range(20)] + ["many/<&>\"' ä"]
    for key in keys:
        s3.put_object(Bucket="photos", Key=key, Body=b"x")
    done = s3.delete_objects(Bucket="photos", Delete={"Objects": [{"Key": key} for key in keys + ["many/absent"]]})
    assert [entry["Key"] for entry in done["Deleted"]] == keys + ["many/absent"] and "Errors" not in done
    assert "Contents" not in s3.list_objects_v2(Bucket="photos", Prefix="many/")
    s3.put_object(Bucket="photos", Key="many/1", Body=b"x")
    done = s3.delete_objects(Bucket="photos", Delete={"Objects": [{"Key": "many/1"}], "Quiet": True})
    assert "Deleted" not in done and "Errors" not in done


def test_delete_many_with_conditions(s3):
    etag = s3.put_object(Bucket="photos", Key="if", Body=b"x")["ETag"]
    done = s3.delete_objects(Bucket="photos", Delete={"Objects": [{"Key": "if", "ETag": '"other"'}]})
    assert done["Errors"][0]["Code"] == "PreconditionFailed" and done["Errors"][0]["Key"] == "if"
    done = s3.delete_objects(Bucket="photos", Delete={"Objects": [{"Key": "if", "ETag": etag, "Size": 1}]})
    assert done["Deleted"][0]["Key"] == "if"


DELETES = ["", "<Delete/>", "<Delete><Object></Object></Delete>", "<Other/>", "<Delete>",
           "<Delete>" + "<Object><Key>a</Key></Object>" * 1001 + "</Delete>",
           "<Delete><Object><Key>a</Key><Size>x</Size></Object></Delete>",
           "<Delete><Object><Key>a</Key><LastModifiedTime>x</LastModifiedTime></Object></Delete>",
           "<Delete><Object><Key>" + "a" * 1025 + "</Key></Object></Delete>"]


@pytest.mark.parametrize("document", DELETES, ids=range(len(DELETES)))
def test_delete_many_malformed(server, document):
    answer = server.raw("POST", "/photos?delete", document)
    assert answer.status == 400 and answer.element("Code") in ("MalformedXML", "UserKeyMustBeSpecified")


def test_copy(s3):
    s3.put_object(Bucket="photos", Key="from ä+b", Body=b"copied", ContentType="text/plain", Metadata={"a": "1"},
                  Tagging="shop=12&lane=3", StorageClass="STANDARD_IA")
    done = s3.copy_object(Bucket="photos", Key="to", CopySource={"Bucket": "photos", "Key": "from ä+b"})
    assert done["CopyObjectResult"]["ETag"] == '"%s"' % hashlib.md5(b"copied").hexdigest()
    head = s3.get_object(Bucket="photos", Key="to")
    assert head["Body"].read() == b"copied" and head["ContentType"] == "text/plain" and head["Metadata"] == {"a": "1"}
    assert "StorageClass" not in head and head["TagCount"] == 2
    s3.copy_object(Bucket="photos", Key="to", CopySource={"Bucket": "photos", "Key": "from ä+b"},
                   MetadataDirective="REPLACE", Metadata={"b": "2"}, ContentType="text/css",
                   TaggingDirective="REPLACE", Tagging="only=1")
    head = s3.head_object(Bucket="photos", Key="to")
    assert head["Metadata"] == {"b": "2"} and head["ContentType"] == "text/css"
    assert s3.get_object_tagging(Bucket="photos", Key="to")["TagSet"] == [{"Key": "only", "Value": "1"}]


def test_copy_onto_itself(s3):
    s3.put_object(Bucket="photos", Key="self", Body=b"x", Metadata={"a": "1"})
    source = {"Bucket": "photos", "Key": "self"}
    with fails("InvalidRequest", 400):
        s3.copy_object(Bucket="photos", Key="self", CopySource=source)
    s3.copy_object(Bucket="photos", Key="self", CopySource=source, MetadataDirective="REPLACE", Metadata={"a": "2"})
    assert s3.head_object(Bucket="photos", Key="self")["Metadata"] == {"a": "2"}
    s3.copy_object(Bucket="photos", Key="self", CopySource=source, StorageClass="GLACIER_IR")
    head = s3.head_object(Bucket="photos", Key="self")
    assert head["StorageClass"] == "GLACIER_IR" and head["Metadata"] == {"a": "2"}


def test_copy_conditions(s3):
    etag = s3.put_object(Bucket="photos", Key="source", Body=b"x")["ETag"]
    source = {"Bucket": "photos", "Key": "source"}
    for more in ({"CopySourceIfMatch": '"other"'}, {"CopySourceIfNoneMatch": etag},
                 {"CopySourceIfUnmodifiedSince": datetime.datetime(2001, 1, 1)}):
        with fails("PreconditionFailed", 412):
            s3.copy_object(Bucket="photos", Key="target", CopySource=source, **more)
    s3.copy_object(Bucket="photos", Key="target", CopySource=source, CopySourceIfMatch=etag)


def test_copy_errors(server, s3):
    with fails("NoSuchKey"):
        s3.copy_object(Bucket="photos", Key="t", CopySource="photos/absent")
    with fails("NoSuchBucket"):
        s3.copy_object(Bucket="photos", Key="t", CopySource="no-such-bucket/absent")
    with fails("AccessDenied", 403):
        s3.copy_object(Bucket="photos", Key="t", CopySource="photos/sized", ExpectedSourceBucketOwner="111111111111")
    for source in ("photos", "/", "photos/", "photos/%zz"):
        answer = server.raw("PUT", "/photos/t", headers={"x-amz-copy-source": source})
        assert answer.status == 400 and answer.element("Code") == "InvalidArgument"
        assert answer.element("ArgumentName") == "x-amz-copy-source"
    answer = server.raw("PUT", "/photos/t", headers={"x-amz-copy-source": "/photos/sized",
                                                     "x-amz-metadata-directive": "X"})
    assert answer.element("Code") == "InvalidArgument"


def crc(body, polynomial, bits):
    """A CRC of reflected bits, bit by bit."""
    value = (1 << bits) - 1
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
    return (value ^ (1 << bits) - 1).to_bytes(bits // 8, "big")


def digest(algorithm, body):
    if algorithm.startswith("SHA"):
        return hashlib.new(algorithm.lower(), body).digest()
    return {"CRC32": lambda: zlib.crc32(body).to_bytes(4, "big"), "CRC32C": lambda: crc(body, 0x82F63B78, 32),
            "CRC64NVME": lambda: crc(body, 0x9A6C9329AC4BC9B5, 64)}[algorithm]()


ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_checksums(s3, algorithm):
    body = random.Random(5).randbytes(100_000)
    name = "Checksum" + algorithm
    value = base64.b64encode(digest(algorithm, body)).decode()
    put = s3.put_object(Bucket="photos", Key="sum", Body=body, **{name: value})
    assert put[name] == value
    got = s3.get_object(Bucket="photos", Key="sum", ChecksumMode="ENABLED")
    assert got["Body"].read() == body
    assert got[name] == put[name] and got["ChecksumType"] == "FULL_OBJECT"
    assert name not in s3.head_object(Bucket="photos", Key="sum")
    assert name not in s3.get_object(Bucket="photos", Key="sum", ChecksumMode="ENABLED", Range="bytes=0-9")
    attributes = s3.get_object_attributes(Bucket="photos", Key="sum", ObjectAttributes=[
        "ETag", "Checksum", "StorageClass", "ObjectSize"])
    assert attributes["Checksum"][name] == put[name] and attributes["ObjectSize"] == 100_000
    assert attributes["ETag"] == put["ETag"].strip('"') and attributes["StorageClass"] == "STANDARD"


@pytest.mark.parametrize("algorithm,size", [("CRC32", 4), ("CRC32C", 4), ("CRC64NVME", 8), ("SHA1", 20),
                                            ("SHA256", 32)])
def test_wrong_checksums(server, algorithm, size):
    header = "x-amz-checksum-" + algorithm.lower()
    wrong = server.raw("PUT", "/photos/bad", b"abc", {header: base64.b64encode(b"\1" * size).decode()})
    assert wrong.status == 400 and wrong.element("Code") == "BadDigest"
    for value in ("x", base64.b64encode(b"\1" * (size + 1)).decode()):
        answer = server.raw("PUT", "/photos/bad", b"abc", {header: value})
        assert answer.status == 400 and answer.element("Code") == "InvalidRequest"
    assert server.raw("GET", "/photos/bad").status == 404


def test_checksum_headers_that_do_not_fit(server):
    crc = {"x-amz-checksum-crc32": base64.b64encode(zlib.crc32(b"abc").to_bytes(4, "big")).decode()}
    sha = {"x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(b"abc").digest()).decode()}
    for headers in (crc | sha, {"x-amz-sdk-checksum-algorithm": "SHA256"}, crc | {"x-amz-sdk-checksum-algorithm": "SHA1"},
                    {"x-amz-sdk-checksum-algorithm": "MD4"}, {"x-amz-checksum-sha512": "AA=="}, crc | {"x-amz-checksum-x": "A"}):
        answer = server.raw("PUT", "/photos/bad", b"abc", headers)
        assert answer.status == 400 and answer.element("Code") == "InvalidRequest", headers


def test_content_md5(server):
    right = base64.b64encode(hashlib.md5(b"abc").digest()).decode()
    wrong = base64.b64encode(hashlib.md5(b"abd").digest()).decode()
    assert server.raw("PUT", "/photos/md5", b"abc", {"Content-MD5": right}).status == 200
    answer = server.raw("PUT", "/photos/md5", b"abc", {"Content-MD5": wrong})
    assert answer.status == 400 and answer.element("Code") == "BadDigest"
    answer = server.raw("PUT", "/photos/md5", b"abc", {"Content-MD5": "abc"})
    assert answer.status == 400 and answer.element("Code") == "InvalidDigest"


def test_payload_hash(server):
    answer = server.raw("PUT", "/photos/sha", b"abc", payload=hashlib.sha256(b"abd").hexdigest())
    assert answer.status == 400 and answer.element("Code") == "XAmzContentSHA256Mismatch"
    assert server.raw("PUT", "/photos/sha", b"abc", payload="UNSIGNED-PAYLOAD").status == 200
    answer = server.raw("PUT", "/photos/sha", b"abc", payload="SOMETHING")
    assert answer.status == 400 and answer.element("Code") == "InvalidArgument"
    document = "<Delete><Object><Key>a</Key></Object></Delete>"
    answer = server.raw("POST", "/photos?delete", document, payload=hashlib.sha256(b"abd").hexdigest())
    assert answer.status == 400 and answer.element("Code") == "XAmzContentSHA256Mismatch"


def chunked(*chunks, trailer=""):
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailer.encode() + b"\r\n"


def test_unsigned_chunks_with_trailer(server):
    body = random.Random(3).randbytes(200_000)
    crc = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    headers = {"x-amz-decoded-content-length": "200000", "Content-Encoding": "gzip,aws-chunked",
               "x-amz-trailer": "x-amz-checksum-crc32"}
    streaming = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    framed = chunked(body[:65536], body[65536:], trailer=f"x-amz-checksum-crc32:{crc}\r\n")
    answer = server.raw("PUT", "/photos/chunks", framed, headers, payload=streaming)
    assert answer.status == 200 and answer.headers["x-amz-checksum-crc32"] == crc
    got = server.s3.get_object(Bucket="photos", Key="chunks")
    assert got["Body"].read() == body and got["ContentEncoding"] == "gzip"
    wrong = chunked(body, trailer="x-amz-checksum-crc32:AAAAAA==\r\n")
    answer = server.raw("PUT", "/photos/chunks", wrong, headers, payload=streaming)
    assert answer.status == 400 and answer.element("Code") == "BadDigest"
    answer = server.raw("PUT", "/photos/chunks", chunked(body), headers, payload=streaming)
    assert answer.status == 400 and answer.element("Code") == "MalformedTrailerError"
    answer = server.raw("PUT", "/photos/chunks", framed[:-2000], headers, payload=streaming)
    assert answer.status == 400 and answer.element("Code") == "IncompleteBody"
    del headers["x-amz-decoded-content-length"]
    answer = server.raw("PUT", "/photos/chunks", framed, headers, payload=streaming)
    assert answer.status == 411 and answer.element("Code") == "MissingContentLength"


def test_metadata_limit(s3):
    s3.put_object(Bucket="photos", Key="meta", Body=b"", Metadata={"a": "x" * 2047})
    with fails("MetadataTooLarge", 400):
        s3.put_object(Bucket="photos", Key="meta", Body=b"", Metadata={"a": "x" * 2048})


def test_key_limit(server, s3):
    s3.put_object(Bucket="photos", Key="k" * 1024, Body=b"x")
    answer = server.raw("PUT", "/photos/" + "k" * 1025, b"x")
    assert answer.status == 400 and answer.element("Code") == "KeyTooLongError"
    assert answer.element("MaxSizeAllowed") == "1024"


def test_storage_classes(s3):
    for name in ("STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"):
        s3.put_object(Bucket="photos", Key="class", Body=b"x", StorageClass=name)
        assert s3.head_object(Bucket="photos", Key="class").get("StorageClass", "STANDARD") == name
    with fails("InvalidStorageClass", 400):
        s3.put_object(Bucket="photos", Key="class", Body=b"x", StorageClass="COLD")


def test_website_redirect(s3):
    s3.put_object(Bucket="photos", Key="moved", Body=b"", WebsiteRedirectLocation="/elsewhere")
    assert s3.head_object(Bucket="photos", Key="moved")["WebsiteRedirectLocation"] == "/elsewhere"
    with fails("InvalidRedirectLocation", 400):
        s3.put_object(Bucket="photos", Key="moved", Body=b"", WebsiteRedirectLocation="elsewhere")


def test_tagging(s3):
    s3.put_object(Bucket="photos", Key="tagged", Body=b"x", Tagging="a=1&b%20c=d%2Be&empty=")
    expected = [{"Key": "a", "Value": "1"}, {"Key": "b c", "Value": "d+e"}, {"Key": "empty", "Value": ""}]
    assert sorted(s3.get_object_tagging(Bucket="photos", Key="tagged")["TagSet"], key=lambda t: t["Key"]) == expected
    assert s3.head_object(Bucket="photos", Key="tagged")["ResponseMetadata"]["HTTPHeaders"]["x-amz-tagging-count"] == "3"
    s3.put_object_tagging(Bucket="photos", Key="tagged", Tagging={"TagSet": [{"Key": "ä", "Value": "+-=._:/@"}]})
    assert s3.get_object_tagging(Bucket="photos", Key="tagged")["TagSet"] == [{"Key": "ä", "Value": "+-=._:/@"}]
    s3.delete_object_tagging(Bucket="photos", Key="tagged")
    assert s3.get_object_tagging(Bucket="photos", Key="tagged")["TagSet"] == []
    with fails("NoSuchKey"):
        s3.get_object_tagging(Bucket="photos", Key="absent")
    with fails("NoSuchKey"):
        s3.put_object_tagging(Bucket="photos", Key="absent", Tagging={"TagSet": []})


def test_tags_that_may_not_be(s3):
    eleven = [{"Key": str(n), "Value": ""} for n in range(11)]
    for tags, name in ((eleven, "BadRequest"), ([{"Key": "a", "Value": ""}] * 2, "InvalidTag"),
                       ([{"Key": "k" * 129, "Value": ""}], "InvalidTag"), 
                       ([{"Key": "k", "Value": "v" * 257}], "InvalidTag"), ([{"Key": "aws:k", "Value": ""}], "InvalidTag"),
                       ([{"Key": "a&b", "Value": ""}], "InvalidTag"), ([{"Key": "a", "Value": "<"}], "InvalidTag")):
        with fails(name, 400):
            s3.put_object_tagging(Bucket="photos", Key="tagged", Tagging={"TagSet": tags})
    for text in ("a=%zz", "=1"):
        with fails("InvalidArgument" if "%" in text else "InvalidTag", 400):
            s3.put_object(Bucket="photos", Key="tagged", Body=b"", Tagging=text)


def test_attributes_need_names(server):
    server.s3.put_object(Bucket="photos", Key="attributes", Body=b"")
    assert server.raw("GET", "/photos/attributes?attributes").element("Code") == "InvalidRequest"
    assert server.raw("GET", "/photos/none?partNumber=0").element("Code") == "InvalidArgument"
    answer = server.raw("GET", "/photos/attributes?attributes", headers={"x-amz-object-attributes": "ETag,Colour"})
    assert answer.status == 400 and answer.element("Code") == "InvalidArgument"


def test_part_number_of_a_whole_object(s3):
    s3.put_object(Bucket="photos", Key="one", Body=b"0123456789")
    got = s3.get_object(Bucket="photos", Key="one", PartNumber=1)
    assert got["Body"].read() == b"0123456789" and "PartsCount" not in got
    with fails("InvalidPartNumber", 416):
        s3.get_object(Bucket="photos", Key="one", PartNumber=2)
    with fails("InvalidRequest", 400):
        s3.get_object(Bucket="photos", Key="one", PartNumber=1, Range="bytes=0-1")


def test_sse(s3):
    put = s3.put_object(Bucket="photos", Key="sealed", Body=b"secret" * 20000, ServerSideEncryption="AES256")
    assert put["ServerSideEncryption"] == "AES256"
    got = s3.get_object(Bucket="photos", Key="sealed", Range="bytes=70000-70005")
    assert got["Body"].read() == (b"secret" * 20000)[70000:70006] and got["ServerSideEncryption"] == "AES256"
    with fails("NotImplemented", 501):
        s3.put_object(Bucket="photos", Key="sealed", Body=b"", ServerSideEncryption="aws:kms")
    with fails("InvalidEncryptionAlgorithmError", 400):
        s3.put_object(Bucket="photos", Key="sealed", Body=b"", ServerSideEncryption="ROT13")


def test_sse_c(s3):
    key, other = bytes(range(32)), bytes(32)
    mine = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
    put = s3.put_object(Bucket="photos", Key="mine", Body=b"secret" * 20000, **mine)
    assert put["SSECustomerAlgorithm"] == "AES256"
    assert put["SSECustomerKeyMD5"] == base64.b64encode(hashlib.md5(key).digest()).decode()
    assert body_of(s3, "photos", "mine", **mine) == b"secret" * 20000
    assert s3.head_object(Bucket="photos", Key="mine", **mine)["ContentLength"] == 120000
    with fails("InvalidRequest", 400):
        s3.get_object(Bucket="photos", Key="mine")
    with fails("400", 400):
        s3.head_object(Bucket="photos", Key="mine")
    with fails("AccessDenied", 403):
        s3.get_object(Bucket="photos", Key="mine", SSECustomerAlgorithm="AES256", SSECustomerKey=other)
    with fails("403", 403):
        s3.head_object(Bucket="photos", Key="mine", SSECustomerAlgorithm="AES256", SSECustomerKey=other)
    s3.put_object(Bucket="photos", Key="open", Body=b"x")
    with fails("InvalidRequest", 400):
        s3.get_object(Bucket="photos", Key="open", **mine)
    source = {"CopySourceSSECustomerAlgorithm": "AES256", "CopySourceSSECustomerKey": key}
    s3.copy_object(Bucket="photos", Key="bared", CopySource="photos/mine", **source)
    assert body_of(s3, "photos", "bared") == b"secret" * 20000


def test_sse_c_headers_that_do_not_fit(server):
    prefix = "x-amz-server-side-encryption-customer-"
    key = base64.b64encode(bytes(32)).decode()
    md5 = base64.b64encode(hashlib.md5(bytes(32)).digest()).decode()
    cases = [({"algorithm": "AES256", "key": key}, "InvalidArgument"),
             ({"algorithm": "AES256", "key": key, "key-MD5": base64.b64encode(bytes(16)).decode()}, "InvalidArgument"),
             ({"algorithm": "AES256", "key": "x", "key-MD5": md5}, "InvalidArgument"),
             ({"key": key, "key-MD5": md5}, "InvalidArgument"),
             ({"algorithm": "AES128", "key": key, "key-MD5": md5}, "InvalidEncryptionAlgorithmError")]
    for headers, name in cases:
        answer = server.raw("PUT", "/photos/mine", b"x", {prefix + part: value for part, value in headers.items()})
        assert (answer.status, answer.element("Code")) == (400, name), headers
    both = {prefix + "algorithm": "AES256", prefix + "key": key, prefix + "key-MD5": md5,
            "x-amz-server-side-encryption": "AES256"}
    assert server.raw("PUT", "/photos/mine", b"x", both).element("Code") == "InvalidArgument"


def test_length_is_needed(server):
    answer = server.raw("PUT", "/photos/long", b"", {"Content-Length": ""})
    assert answer.status in (400, 411)


def test_restore_and_what_is_not_here(server, s3):
    s3.put_object(Bucket="photos", Key="cold", Body=b"x", StorageClass="GLACIER_IR")
    with fails("InvalidObjectState", 403):
        s3.restore_object(Bucket="photos", Key="cold", RestoreRequest={"Days": 1})
    with fails("NoSuchKey", 404):
        s3.restore_object(Bucket="photos", Key="absent", RestoreRequest={"Days": 1})
    with fails("NotImplemented", 501):
        s3.get_object_torrent(Bucket="photos", Key="cold")
    assert server.raw("POST", "/photos/cold?select&select-type=2", b"<x/>").element("Code") == "NotImplemented"


def test_methods_that_no_operation_takes(server):
    for method, target in (("POST", "/"), ("PUT", "/"), ("DELETE", "/"), ("PATCH", "/photos/x"), ("POST", "/photos/x"),
                           ("PUT", "/photos/x?uploads"), ("DELETE", "/photos/x?retention"), ("POST", "/photos?acl")):
        answer = server.raw(method, target)
        assert answer.status == 405 and answer.element("Code") == "MethodNotAllowed", (method, target)
        assert answer.element("Method") == method and answer.headers["allow"]
    assert server.s3.list_objects_v2(Bucket="photos", Prefix="x")["KeyCount"] == 0


def test_errors_have_their_elements(server):
    answer = server.raw("GET", "/photos/none%20such")
    assert answer.headers["content-type"] == "application/xml"
    assert [element.tag for element in answer.xml] == ["Code", "Message", "Key", "Resource", "RequestId", "HostId"]
    assert answer.element("Key") == "none such" and answer.element("Resource") == "/photos/none such"
    assert answer.element("RequestId") == answer.headers["x-amz-request-id"]
    assert answer.element("HostId") == answer.headers["x-amz-id-2"]
    assert server.raw("GET", "/absent-bucket/x").element("BucketName") == "absent-bucket"
    head = server.raw("HEAD", "/photos/none")
    assert head.status == 404 and head.body == b""


def test_json_bodies_stay_what_they_are(s3):
    s3.put_object(Bucket="photos", Key="j", Body=json.dumps({"a": 1}), ContentType="application/json")
    assert json.loads(body_of(s3, "photos", "j")) == {"a": 1}
