"""Listings and versions over the S3 protocol."""
import pytest

from s3 import body_of, fails, serve

KEYS = sorted(["a", "a/1", "a/2", "a/b/1", "b", "b/", "c d", "c+d", "ä", "ö/1", "z/<&>\"'", "z/\x01", "zz"])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("s3")) as server:
        server.s3.create_bucket(Bucket="keys")
        for key in KEYS:
            server.s3.put_object(Bucket="keys", Key=key, Body=key.encode())
        server.s3.create_bucket(Bucket="versions")
        server.s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
        yield server


@pytest.fixture
def s3(server):
    return server.s3


def keys_of(page):
    return [entry["Key"] for entry in page.get("Contents", [])]


def prefixes_of(page):
    return [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]


def in_order(keys):
    return sorted(keys, key=str.encode)


def test_all(s3):
    page = s3.list_objects_v2(Bucket="keys")
    assert keys_of(page) == in_order(KEYS) and page["KeyCount"] == len(KEYS) and not page["IsTruncated"]
    entry = page["Contents"][0]
    assert entry["Size"] == 1 and entry["StorageClass"] == "STANDARD" and "Owner" not in entry
    assert entry["ETag"] == s3.head_object(Bucket="keys", Key="a")["ETag"] and entry["ChecksumAlgorithm"] == ["CRC32"]
    owned = s3.list_objects_v2(Bucket="keys", FetchOwner=True)["Contents"][0]["Owner"]["ID"]
    first = s3.list_objects(Bucket="keys")
    assert keys_of(first) == in_order(KEYS) and first["Contents"][0]["Owner"]["ID"] == owned


@pytest.mark.parametrize("prefix,delimiter", [("", "/"), ("a/", "/"), ("a", ""), ("a", "/"), ("z/", "/"), ("none", "/"),
                                              ("", "+"), ("", "b/"), ("ö", "/")])
def test_prefix_and_delimiter(s3, prefix, delimiter):
    keys, folded = [], []
    for key in in_order(KEYS):
        if key.startswith(prefix):
            at = key.find(delimiter, len(prefix)) if delimiter else -1
            if at < 0:
                keys.append(key)
            elif key[:at + len(delimiter)] not in folded:
                folded.append(key[:at + len(delimiter)])
    for call in (s3.list_objects_v2, s3.list_objects):
        page = call(Bucket="keys", Prefix=prefix, Delimiter=delimiter)
        assert keys_of(page) == keys and prefixes_of(page) == folded


@pytest.mark.parametrize("most", [1, 2, 3, 5])
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_pages(s3, most, delimiter):
    whole = s3.list_objects_v2(Bucket="keys", Delimiter=delimiter)
    for name in ("list_objects_v2", "list_objects"):
        pages = list(s3.get_paginator(name).paginate(Bucket="keys", Delimiter=delimiter,
                                                     PaginationConfig={"PageSize": most}))
        assert [key for page in pages for key in keys_of(page)] == keys_of(whole)
        assert [prefix for page in pages for prefix in prefixes_of(page)] == prefixes_of(whole)
        assert all(len(keys_of(page)) + len(prefixes_of(page)) <= most for page in pages)


def test_start_after(s3):
    assert keys_of(s3.list_objects_v2(Bucket="keys", StartAfter="b")) == [
        key for key in in_order(KEYS) if key.encode() > b"b"]
    assert keys_of(s3.list_objects(Bucket="keys", Marker="b")) == [
        key for key in in_order(KEYS) if key.encode() > b"b"]


def test_encoding(server):
    plain = server.raw("GET", "/keys?list-type=2&prefix=c")
    assert b"<Key>c d</Key>" in plain.body and b"<Key>c+d</Key>" in plain.body
    coded = server.raw("GET", "/keys?list-type=2&prefix=c&encoding-type=url")
    assert b"<Key>c%20d</Key>" in coded.body and b"<Key>c%2Bd</Key>" in coded.body
    assert b"<EncodingType>url</EncodingType>" in coded.body
    answer = server.raw("GET", "/keys?encoding-type=base64")
    assert answer.status == 400 and answer.element("Code") == "InvalidArgument"


def test_none_and_too_many(server, s3):
    page = s3.list_objects_v2(Bucket="keys", MaxKeys=0)
    assert page["KeyCount"] == 0 and not page["IsTruncated"]
    assert s3.list_objects_v2(Bucket="keys", MaxKeys=5000)["MaxKeys"] == 1000
    for target in ("/keys?max-keys=x", "/keys?max-keys=-1", "/keys?list-type=2&continuation-token=abc"):
        answer = server.raw("GET", target)
        assert answer.status == 400 and answer.element("Code") == "InvalidArgument", target
    with fails("NoSuchBucket", 404):
        s3.list_objects_v2(Bucket="no-such-bucket")


def versions_of(s3, **more):
    page = s3.list_object_versions(Bucket="versions", **more)
    return [(entry["Key"], entry["VersionId"], entry["IsLatest"]) for entry in page.get("Versions", [])]


def test_versions(s3):
    one = s3.put_object(Bucket="versions", Key="doc", Body=b"1")["VersionId"]
    two = s3.put_object(Bucket="versions", Key="doc", Body=b"2")["VersionId"]
    assert one != two and s3.get_bucket_versioning(Bucket="versions")["Status"] == "Enabled"
    assert body_of(s3, "versions", "doc") == b"2" and body_of(s3, "versions", "doc", VersionId=one) == b"1"
    assert s3.head_object(Bucket="versions", Key="doc", VersionId=one)["VersionId"] == one
    assert versions_of(s3, Prefix="doc") == [("doc", two, True), ("doc", one, False)]
    gone = s3.delete_object(Bucket="versions", Key="doc")
    assert gone["DeleteMarker"] and gone["VersionId"] not in (one, two)
    marker = gone["VersionId"]
    page = s3.list_object_versions(Bucket="versions", Prefix="doc")
    assert [(entry["VersionId"], entry["IsLatest"]) for entry in page["DeleteMarkers"]] == [(marker, True)]
    with fails("NoSuchKey", 404):
        s3.get_object(Bucket="versions", Key="doc")
    with fails("MethodNotAllowed", 405):
        s3.get_object(Bucket="versions", Key="doc", VersionId=marker)
    with fails("405", 405):
        s3.head_object(Bucket="versions", Key="doc", VersionId=marker)
    assert keys_of(s3.list_objects_v2(Bucket="versions", Prefix="doc")) == []
    back = s3.delete_object(Bucket="versions", Key="doc", VersionId=marker)
    assert back["DeleteMarker"] and back["VersionId"] == marker
    assert body_of(s3, "versions", "doc") == b"2"
    s3.delete_object(Bucket="versions", Key="doc", VersionId=two)
    assert body_of(s3, "versions", "doc") == b"1"
    with fails("NoSuchVersion", 404):
        s3.get_object(Bucket="versions", Key="doc", VersionId=two)


def test_markers_have_their_headers(server, s3):
    s3.put_object(Bucket="versions", Key="marked", Body=b"x")
    marker = s3.delete_object(Bucket="versions", Key="marked")["VersionId"]
    answer = server.raw("GET", "/versions/marked")
    assert answer.status == 404 and answer.headers["x-amz-delete-marker"] == "true"
    assert answer.headers["x-amz-version-id"] == marker
    answer = server.raw("HEAD", f"/versions/marked?versionId={marker}")
    assert answer.status == 405 and answer.headers["allow"] == "DELETE" and "last-modified" in answer.headers


def test_versions_in_pages(s3):
    for n in range(7):
        for _ in range(3):
            s3.put_object(Bucket="versions", Key=f"paged/{n}", Body=b"x")
    whole = versions_of(s3, Prefix="paged/")
    assert len(whole) == 21
    pages = list(s3.get_paginator("list_object_versions").paginate(Bucket="versions", Prefix="paged/",
                                                                   PaginationConfig={"PageSize": 4}))
    assert [(entry["Key"], entry["VersionId"], entry["IsLatest"]) for page in pages
            for entry in page["Versions"]] == whole
    folded = s3.list_object_versions(Bucket="versions", Delimiter="/", Prefix="pa")
    assert prefixes_of(folded) == ["paged/"] and "Versions" not in folded
    with fails("InvalidArgument", 400):
        s3.list_object_versions(Bucket="versions", VersionIdMarker=whole[0][1])


def test_delete_many_versions(s3):
    ids = [s3.put_object(Bucket="versions", Key="multi", Body=b"x")["VersionId"] for _ in range(3)]
    done = s3.delete_objects(Bucket="versions", Delete={"Objects": [{"Key": "multi"}]})["Deleted"]
    assert done[0]["DeleteMarker"] and done[0]["DeleteMarkerVersionId"]
    every = [{"Key": "multi", "VersionId": id_} for id_ in ids + [done[0]["DeleteMarkerVersionId"]]]
    done = s3.delete_objects(Bucket="versions", Delete={"Objects": every})["Deleted"]
    assert sorted(entry["VersionId"] for entry in done) == sorted(entry["VersionId"] for entry in every)
    assert versions_of(s3, Prefix="multi") == []


def test_copy_of_a_version(s3):
    old = s3.put_object(Bucket="versions", Key="v", Body=b"old")["VersionId"]
    s3.put_object(Bucket="versions", Key="v", Body=b"new")
    done = s3.copy_object(Bucket="versions", Key="v", CopySource={"Bucket": "versions", "Key": "v", "VersionId": old})
    assert done["CopySourceVersionId"] == old and done["VersionId"] != old
    assert body_of(s3, "versions", "v") == b"old"
    marker = s3.delete_object(Bucket="versions", Key="v")["VersionId"]
    with fails("InvalidRequest", 400):
        s3.copy_object(Bucket="versions", Key="w",
                       CopySource={"Bucket": "versions", "Key": "v", "VersionId": marker})
    with fails("NoSuchKey", 404):
        s3.copy_object(Bucket="versions", Key="w", CopySource={"Bucket": "versions", "Key": "v"})


def test_tags_of_versions(s3):
    old = s3.put_object(Bucket="versions", Key="t", Body=b"", Tagging="v=1")["VersionId"]
    s3.put_object(Bucket="versions", Key="t", Body=b"", Tagging="v=2")
    assert s3.get_object_tagging(Bucket="versions", Key="t", VersionId=old)["TagSet"][0]["Value"] == "1"
    done = s3.put_object_tagging(Bucket="versions", Key="t", VersionId=old,
                                 Tagging={"TagSet": [{"Key": "v", "Value": "3"}]})
    assert done["VersionId"] == old
    assert s3.get_object_tagging(Bucket="versions", Key="t", VersionId=old)["TagSet"][0]["Value"] == "3"
    assert s3.get_object_tagging(Bucket="versions", Key="t")["TagSet"][0]["Value"] == "2"


def test_suspended(s3):
    s3.create_bucket(Bucket="suspended")
    s3.put_object(Bucket="suspended", Key="k", Body=b"before")
    s3.put_bucket_versioning(Bucket="suspended", VersioningConfiguration={"Status": "Enabled"})
    kept = s3.put_object(Bucket="suspended", Key="k", Body=b"kept")["VersionId"]
    assert body_of(s3, "suspended", "k", VersionId="null") == b"before"
    s3.put_bucket_versioning(Bucket="suspended", VersioningConfiguration={"Status": "Suspended"})
    assert s3.put_object(Bucket="suspended", Key="k", Body=b"after")["VersionId"] == "null"
    assert body_of(s3, "suspended", "k") == b"after" and body_of(s3, "suspended", "k", VersionId=kept) == b"kept"
    assert s3.delete_object(Bucket="suspended", Key="k")["VersionId"] == "null"
    with fails("NoSuchKey"):
        s3.get_object(Bucket="suspended", Key="k")
    assert body_of(s3, "suspended", "k", VersionId=kept) == b"kept"
