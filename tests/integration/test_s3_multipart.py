"""Uploads in parts over the S3 protocol."""
import base64
import datetime
import hashlib
import random
import zlib

import pytest

from s3 import body_of, fails, serve

MIB = 1 << 20
PARTS = [random.Random(1).randbytes(5 * MIB), random.Random(2).randbytes(5 * MIB), random.Random(3).randbytes(100)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("s3")) as server:
        server.s3.create_bucket(Bucket="parts")
        yield server


@pytest.fixture
def s3(server):
    return server.s3


def upload(s3, key, parts=PARTS, **more):
    """All of an upload but its completion: its id and the parts to name."""
    upload_id = s3.create_multipart_upload(Bucket="parts", Key=key, **more)["UploadId"]
    algorithm = {name: value for name, value in more.items() if name == "ChecksumAlgorithm"}
    named = []
    for number, part in enumerate(parts, 1):
        done = s3.upload_part(Bucket="parts", Key=key, UploadId=upload_id, PartNumber=number, Body=part, **algorithm)
        named.append({"PartNumber": number, "ETag": done["ETag"]} |
                     {name: value for name, value in done.items() if name.startswith("Checksum")})
    return upload_id, named


def complete(s3, key, upload_id, named, **more):
    return s3.complete_multipart_upload(Bucket="parts", Key=key, UploadId=upload_id,
                                        MultipartUpload={"Parts": named}, **more)


def etag_of(parts):
    digests = b"".join(hashlib.md5(part).digest() for part in parts)
    return f'"{hashlib.md5(digests).hexdigest()}-{len(parts)}"'


def test_upload(server, s3):
    upload_id, named = upload(s3, "big/ä", ContentType="text/csv", Metadata={"a": "1"}, Tagging="t=1",
                              StorageClass="STANDARD_IA", CacheControl="no-store")
    assert [part["ETag"] for part in named] == [f'"{hashlib.md5(part).hexdigest()}"' for part in PARTS]
    with fails("404"):
        s3.head_object(Bucket="parts", Key="big/ä")
    done = complete(s3, "big/ä", upload_id, named)
    assert done["ETag"] == etag_of(PARTS) and done["Bucket"] == "parts" and done["Key"] == "big/ä"
    assert done["Location"] == f"{server.url}/parts/big/%C3%A4"
    got = s3.get_object(Bucket="parts", Key="big/ä")
    assert got["Body"].read() == b"".join(PARTS) and got["ETag"] == etag_of(PARTS)
    assert got["ContentType"] == "text/csv" and got["Metadata"] == {"a": "1"} and got["TagCount"] == 1
    assert got["StorageClass"] == "STANDARD_IA" and got["CacheControl"] == "no-store"
    middle = s3.get_object(Bucket="parts", Key="big/ä", Range=f"bytes={5 * MIB - 10}-{5 * MIB + 9}")["Body"].read()
    assert middle == PARTS[0][-10:] + PARTS[1][:10]
    assert complete(s3, "big/ä", upload_id, named)["ETag"] == done["ETag"]  # once more gives the same answer


def test_part_numbers_of_reading(s3):
    upload_id, named = upload(s3, "byparts")
    complete(s3, "byparts", upload_id, named)
    for number, part in enumerate(PARTS, 1):
        got = s3.get_object(Bucket="parts", Key="byparts", PartNumber=number)
        assert got["Body"].read() == part and got["PartsCount"] == 3
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        head = s3.head_object(Bucket="parts", Key="byparts", PartNumber=number)
        assert head["ContentLength"] == len(part) and head["PartsCount"] == 3
    with fails("InvalidPartNumber", 416):
        s3.get_object(Bucket="parts", Key="byparts", PartNumber=4)
    with fails("InvalidArgument", 400):
        s3.get_object(Bucket="parts", Key="byparts", PartNumber=0)
    attributes = s3.get_object_attributes(Bucket="parts", Key="byparts", ObjectAttributes=["ObjectParts", "ObjectSize"])
    assert attributes["ObjectParts"]["TotalPartsCount"] == 3 and attributes["ObjectSize"] == 10 * MIB + 100


def test_parts_in_any_order_and_again(s3):
    upload_id = s3.create_multipart_upload(Bucket="parts", Key="again")["UploadId"]
    for number in (7, 3, 7):
        done = s3.upload_part(Bucket="parts", Key="again", UploadId=upload_id, PartNumber=number,
                              Body=PARTS[0] if number == 3 else PARTS[2])
    third = f'"{hashlib.md5(PARTS[0]).hexdigest()}"'
    complete(s3, "again", upload_id, [{"PartNumber": 3, "ETag": third}, {"PartNumber": 7, "ETag": done["ETag"]}])
    assert body_of(s3, "parts", "again") == PARTS[0] + PARTS[2]


def test_completing_wrongly(server, s3):
    upload_id, named = upload(s3, "wrong")
    with fails("InvalidPartOrder", 400):
        complete(s3, "wrong", upload_id, named[::-1])
    with fails("InvalidPart", 400):
        complete(s3, "wrong", upload_id, [{"PartNumber": 9, "ETag": named[0]["ETag"]}])
    with fails("InvalidPart", 400):
        complete(s3, "wrong", upload_id, [{"PartNumber": 1, "ETag": '"0"'}])
    with fails("NoSuchUpload", 404):
        complete(s3, "wrong", "A" * 32, named)
    small = s3.upload_part(Bucket="parts", Key="wrong", UploadId=upload_id, PartNumber=1, Body=b"x")["ETag"]
    with fails("EntityTooSmall", 400):
        complete(s3, "wrong", upload_id, [{"PartNumber": 1, "ETag": small}, named[1]])
    s3.put_object(Bucket="parts", Key="wrong", Body=b"there")
    with fails("PreconditionFailed", 412):
        complete(s3, "wrong", upload_id, named[1:], IfNoneMatch="*")
    with fails("InvalidRequest", 400):
        complete(s3, "wrong", upload_id, named[1:], MpuObjectSize=5)
    for document in ("", "<CompleteMultipartUpload/>", "<CompleteMultipartUpload>", "<Other/>",
                     "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>",
                     "<CompleteMultipartUpload><Part><PartNumber>x</PartNumber><ETag>a</ETag></Part>"
                     "</CompleteMultipartUpload>"):
        answer = server.raw("POST", f"/parts/wrong?uploadId={upload_id}", document)
        assert answer.status == 400 and answer.element("Code") == "MalformedXML", document
    complete(s3, "wrong", upload_id, named[1:], MpuObjectSize=5 * MIB + 100)
    assert body_of(s3, "parts", "wrong") == PARTS[1] + PARTS[2]


def test_abort(s3):
    upload_id, named = upload(s3, "abandoned", PARTS[2:])
    started = s3.list_multipart_uploads(Bucket="parts", Prefix="abandoned")["Uploads"][0]["Initiated"]
    with fails("PreconditionFailed", 412):
        s3.abort_multipart_upload(Bucket="parts", Key="abandoned", UploadId=upload_id,
                                  IfMatchInitiatedTime=started - datetime.timedelta(days=1))
    s3.abort_multipart_upload(Bucket="parts", Key="abandoned", UploadId=upload_id, IfMatchInitiatedTime=started)
    with fails("NoSuchUpload", 404):
        complete(s3, "abandoned", upload_id, named)
    with fails("NoSuchUpload", 404):
        s3.list_parts(Bucket="parts", Key="abandoned", UploadId=upload_id)
    with fails("NoSuchUpload", 404):
        s3.upload_part(Bucket="parts", Key="abandoned", UploadId=upload_id, PartNumber=1, Body=b"x")
    with fails("NoSuchUpload", 404):
        s3.abort_multipart_upload(Bucket="parts", Key="abandoned", UploadId=upload_id)


@pytest.mark.parametrize("number", [0, 10001])
def test_part_numbers_that_may_not_be(server, s3, number):
    upload_id = s3.create_multipart_upload(Bucket="parts", Key="numbers")["UploadId"]
    answer = server.raw("PUT", f"/parts/numbers?partNumber={number}&uploadId={upload_id}", b"x")
    assert answer.status == 400 and answer.element("Code") == "InvalidArgument"
    s3.abort_multipart_upload(Bucket="parts", Key="numbers", UploadId=upload_id)


def test_listings(s3):
    keys = ["list/a", "list/a", "list/b/1", "list/b/2", "list/c"]
    ids = [s3.create_multipart_upload(Bucket="parts", Key=key)["UploadId"] for key in keys]
    every = s3.list_multipart_uploads(Bucket="parts", Prefix="list/")
    assert [entry["Key"] for entry in every["Uploads"]] == keys and not every["IsTruncated"]
    assert sorted(entry["UploadId"] for entry in every["Uploads"]) == sorted(ids)
    assert every["Uploads"][0]["StorageClass"] == "STANDARD" and len(every["Uploads"][0]["Owner"]["ID"]) == 64
    folded = s3.list_multipart_uploads(Bucket="parts", Prefix="list/", Delimiter="/")
    assert [entry["Prefix"] for entry in folded["CommonPrefixes"]] == ["list/b/"]
    assert [entry["Key"] for entry in folded["Uploads"]] == ["list/a", "list/a", "list/c"]
    found, marker = [], {}
    while True:
        page = s3.list_multipart_uploads(Bucket="parts", Prefix="list/", MaxUploads=2, **marker)
        found += [entry["UploadId"] for entry in page.get("Uploads", [])]
        if not page["IsTruncated"]:
            break
        marker = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
    assert found == [entry["UploadId"] for entry in every["Uploads"]]
    for key, upload_id in zip(keys, ids):
        s3.abort_multipart_upload(Bucket="parts", Key=key, UploadId=upload_id)


def test_list_parts(s3):
    upload_id, named = upload(s3, "listed", [bytes([n]) * n for n in range(1, 6)])
    every = s3.list_parts(Bucket="parts", Key="listed", UploadId=upload_id)
    assert [(part["PartNumber"], part["Size"], part["ETag"]) for part in every["Parts"]] == [
        (part["PartNumber"], part["PartNumber"], part["ETag"]) for part in named]
    page = s3.list_parts(Bucket="parts", Key="listed", UploadId=upload_id, MaxParts=2, PartNumberMarker=1)
    assert [part["PartNumber"] for part in page["Parts"]] == [2, 3] and page["IsTruncated"]
    assert page["NextPartNumberMarker"] == 3 and page["MaxParts"] == 2
    with fails("NoSuchUpload"):
        s3.list_parts(Bucket="parts", Key="listed", UploadId="A" * 32)


def test_part_copy(s3):
    s3.put_object(Bucket="parts", Key="source", Body=PARTS[0] + PARTS[1])
    upload_id = s3.create_multipart_upload(Bucket="parts", Key="pieced")["UploadId"]
    named = []
    for number, more in enumerate(({"CopySourceRange": f"bytes=0-{5 * MIB - 1}"},
                                   {"CopySourceRange": f"bytes={5 * MIB}-{10 * MIB - 1}"}, {}), 1):
        done = s3.upload_part_copy(Bucket="parts", Key="pieced", UploadId=upload_id, PartNumber=number,
                                   CopySource="parts/source", **more)
        named.append({"PartNumber": number, "ETag": done["CopyPartResult"]["ETag"]})
    complete(s3, "pieced", upload_id, named)
    assert body_of(s3, "parts", "pieced") == (PARTS[0] + PARTS[1]) * 2
    upload_id = s3.create_multipart_upload(Bucket="parts", Key="pieced")["UploadId"]
    for text in ("bytes=0-", f"bytes=0-{10 * MIB}", "bytes=5-3", "0-3"):
        with fails("InvalidArgument", 400):
            s3.upload_part_copy(Bucket="parts", Key="pieced", UploadId=upload_id, PartNumber=1,
                                CopySource="parts/source", CopySourceRange=text)
    with fails("PreconditionFailed", 412):
        s3.upload_part_copy(Bucket="parts", Key="pieced", UploadId=upload_id, PartNumber=1, CopySource="parts/source",
                            CopySourceIfModifiedSince=datetime.datetime(2100, 1, 1))
    with fails("PreconditionFailed", 412):
        s3.upload_part_copy(Bucket="parts", Key="pieced", UploadId=upload_id, PartNumber=1, CopySource="parts/source",
                            CopySourceIfMatch='"other"')
    with fails("NoSuchKey"):
        s3.upload_part_copy(Bucket="parts", Key="pieced", UploadId=upload_id, PartNumber=1, CopySource="parts/absent")
    s3.abort_multipart_upload(Bucket="parts", Key="pieced", UploadId=upload_id)


def test_composite_checksum(s3):
    upload_id, named = upload(s3, "composite", ChecksumAlgorithm="SHA256")
    done = complete(s3, "composite", upload_id, named)
    digests = b"".join(hashlib.sha256(part).digest() for part in PARTS)
    assert done["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(digests).digest()).decode() + "-3"
    assert done["ChecksumType"] == "COMPOSITE"
    attributes = s3.get_object_attributes(Bucket="parts", Key="composite", MaxParts=2,
                                          ObjectAttributes=["Checksum", "ObjectParts"])
    assert attributes["Checksum"]["ChecksumSHA256"].split("-")[0] == done["ChecksumSHA256"].split("-")[0]
    parts = attributes["ObjectParts"]
    assert parts["TotalPartsCount"] == 3 and parts["IsTruncated"] and parts["NextPartNumberMarker"] == 2
    assert [part["Size"] for part in parts["Parts"]] == [5 * MIB, 5 * MIB]
    assert parts["Parts"][0]["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(PARTS[0]).digest()).decode()
    part = s3.head_object(Bucket="parts", Key="composite", PartNumber=3, ChecksumMode="ENABLED")
    assert part["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(PARTS[2]).digest()).decode()


def test_full_object_checksum(s3):
    upload_id, named = upload(s3, "full", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    value = base64.b64encode(zlib.crc32(b"".join(PARTS)).to_bytes(4, "big")).decode()
    with fails("BadDigest", 400):
        complete(s3, "full", upload_id, named, ChecksumCRC32="AAAAAA==", ChecksumType="FULL_OBJECT")
    with fails("InvalidRequest", 400):
        complete(s3, "full", upload_id, named, ChecksumCRC32=value, ChecksumType="COMPOSITE")
    with fails("InvalidRequest", 400):
        complete(s3, "full", upload_id, named, ChecksumCRC32=value, ChecksumCRC32C=value)
    with fails("NotImplemented", 501):
        complete(s3, "full", upload_id, named, IfNoneMatch='"etag"')
    done = complete(s3, "full", upload_id, named, ChecksumCRC32=value, ChecksumType="FULL_OBJECT")
    assert done["ChecksumCRC32"] == value and done["ChecksumType"] == "FULL_OBJECT"
    assert s3.get_object(Bucket="parts", Key="full", ChecksumMode="ENABLED")["ChecksumCRC32"] == value


def test_checksums_that_do_not_fit(s3):
    for algorithm, kind in (("SHA256", "FULL_OBJECT"), ("SHA1", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")):
        with fails("InvalidRequest", 400):
            s3.create_multipart_upload(Bucket="parts", Key="sums", ChecksumAlgorithm=algorithm, ChecksumType=kind)
    with fails("InvalidRequest", 400):
        s3.create_multipart_upload(Bucket="parts", Key="sums", ChecksumAlgorithm="MD4")
    upload_id = s3.create_multipart_upload(Bucket="parts", Key="sums", ChecksumAlgorithm="SHA256")["UploadId"]
    with fails("InvalidRequest", 400):
        s3.upload_part(Bucket="parts", Key="sums", UploadId=upload_id, PartNumber=1, Body=b"x", ChecksumCRC32="AAAAAA==")
    s3.abort_multipart_upload(Bucket="parts", Key="sums", UploadId=upload_id)


def test_encrypted_parts(s3):
    mine = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": bytes(range(32))}
    upload_id = s3.create_multipart_upload(Bucket="parts", Key="mine", **mine)["UploadId"]
    named = []
    for number, part in enumerate(PARTS, 1):
        done = s3.upload_part(Bucket="parts", Key="mine", UploadId=upload_id, PartNumber=number, Body=part, **mine)
        assert done["SSECustomerAlgorithm"] == "AES256"
        named.append({"PartNumber": number, "ETag": done["ETag"]})
    complete(s3, "mine", upload_id, named)
    assert body_of(s3, "parts", "mine", **mine) == b"".join(PARTS)
    upload_id, named = upload(s3, "sealed", ServerSideEncryption="AES256")
    assert complete(s3, "sealed", upload_id, named)["ServerSideEncryption"] == "AES256"
    assert body_of(s3, "parts", "sealed") == b"".join(PARTS)


def test_a_bucket_with_uploads_is_not_empty(s3):
    s3.create_bucket(Bucket="half-done")
    upload_id = s3.create_multipart_upload(Bucket="half-done", Key="k")["UploadId"]
    s3.upload_part(Bucket="half-done", Key="k", UploadId=upload_id, PartNumber=1, Body=b"x")
    with fails("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket="half-done")
    s3.abort_multipart_upload(Bucket="half-done", Key="k", UploadId=upload_id)
    s3.delete_bucket(Bucket="half-done")
