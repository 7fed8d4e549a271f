"""Object lock over the S3 protocol."""
import datetime

import pytest

from s3 import fails, serve

SOON = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(days=2)
LATER = SOON + datetime.timedelta(days=2)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("s3")) as server:
        server.s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
        server.s3.create_bucket(Bucket="plain")
        server.s3.put_object(Bucket="plain", Key="k", Body=b"x")
        yield server


@pytest.fixture
def s3(server):
    return server.s3


def test_a_locked_bucket_has_versions(s3):
    assert s3.get_bucket_versioning(Bucket="locked")["Status"] == "Enabled"
    assert s3.get_object_lock_configuration(Bucket="locked")["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled"}
    with fails("InvalidBucketState", 409):
        s3.put_bucket_versioning(Bucket="locked", VersioningConfiguration={"Status": "Suspended"})


def test_governance(s3):
    put = s3.put_object(Bucket="locked", Key="g", Body=b"x", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=SOON)
    head = s3.head_object(Bucket="locked", Key="g")
    assert head["ObjectLockMode"] == "GOVERNANCE" and head["ObjectLockRetainUntilDate"] == SOON
    version = {"Bucket": "locked", "Key": "g", "VersionId": put["VersionId"]}
    with fails("AccessDenied", 403):
        s3.delete_object(**version)
    assert s3.delete_object(Bucket="locked", Key="g")["DeleteMarker"]
    s3.put_object_retention(**version, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": LATER})
    assert s3.get_object_retention(**version)["Retention"] == {"Mode": "GOVERNANCE", "RetainUntilDate": LATER}
    with fails("AccessDenied", 403):
        s3.put_object_retention(**version, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": SOON})
    s3.put_object_retention(**version, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": SOON},
                            BypassGovernanceRetention=True)
    s3.delete_object(**version, BypassGovernanceRetention=True)


def test_compliance(s3):
    put = s3.put_object(Bucket="locked", Key="c", Body=b"x", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=SOON)
    version = {"Bucket": "locked", "Key": "c", "VersionId": put["VersionId"]}
    with fails("AccessDenied", 403):
        s3.delete_object(**version, BypassGovernanceRetention=True)
    with fails("AccessDenied", 403):
        s3.put_object_retention(**version, Retention={}, BypassGovernanceRetention=True)
    done = s3.delete_objects(Bucket="locked", Delete={"Objects": [{"Key": "c", "VersionId": put["VersionId"]}]})
    assert done["Errors"][0]["Code"] == "AccessDenied"


def test_legal_hold(s3):
    put = s3.put_object(Bucket="locked", Key="h", Body=b"x", ObjectLockLegalHoldStatus="ON")
    version = {"Bucket": "locked", "Key": "h", "VersionId": put["VersionId"]}
    assert s3.get_object_legal_hold(**version)["LegalHold"] == {"Status": "ON"}
    assert s3.head_object(Bucket="locked", Key="h")["ObjectLockLegalHoldStatus"] == "ON"
    with fails("AccessDenied", 403):
        s3.delete_object(**version, BypassGovernanceRetention=True)
    s3.put_object_legal_hold(**version, LegalHold={"Status": "OFF"})
    assert s3.get_object_legal_hold(**version)["LegalHold"] == {"Status": "OFF"}
    s3.delete_object(**version)


def test_default_retention(s3):
    s3.create_bucket(Bucket="kept", ObjectLockEnabledForBucket=True)
    rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}}
    s3.put_object_lock_configuration(Bucket="kept", ObjectLockConfiguration=rule)
    assert s3.get_object_lock_configuration(Bucket="kept")["ObjectLockConfiguration"] == rule
    s3.put_object(Bucket="kept", Key="k", Body=b"x")
    head = s3.head_object(Bucket="kept", Key="k")
    assert head["ObjectLockMode"] == "GOVERNANCE" and head["ObjectLockRetainUntilDate"] > SOON


def test_what_may_not_be(server, s3):
    with fails("NoSuchObjectLockConfiguration", 404):
        s3.put_object(Bucket="locked", Key="free", Body=b"")
        s3.get_object_retention(Bucket="locked", Key="free")
    with fails("ObjectLockConfigurationNotFoundError", 404):
        s3.get_object_lock_configuration(Bucket="plain")
    for call in (lambda: s3.put_object(Bucket="plain", Key="k", Body=b"", ObjectLockMode="GOVERNANCE",
                                       ObjectLockRetainUntilDate=SOON),
                 lambda: s3.put_object(Bucket="plain", Key="k", Body=b"", ObjectLockLegalHoldStatus="ON"),
                 lambda: s3.get_object_retention(Bucket="plain", Key="k"),
                 lambda: s3.get_object_legal_hold(Bucket="plain", Key="k"),
                 lambda: s3.put_object_retention(Bucket="plain", Key="k", Retention={}),
                 lambda: s3.put_object_legal_hold(Bucket="plain", Key="k", LegalHold={"Status": "ON"})):
        with fails("InvalidRequest", 400):
            call()
    past = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
    mode, until = "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"
    for headers in ({mode: "GOVERNANCE"}, {until: SOON.isoformat()}, {mode: "STRICT", until: SOON.isoformat()},
                    {mode: "GOVERNANCE", until: past.isoformat()}, {mode: "GOVERNANCE", until: "soon"},
                    {"x-amz-object-lock-legal-hold": "MAYBE"}):
        answer = server.raw("PUT", "/locked/wrong", b"", headers)
        assert (answer.status, answer.element("Code")) == (400, "InvalidArgument"), headers
    answer = server.raw("PUT", "/locked/free?retention", "<Retention><Mode>GOVERNANCE</Mode></Retention>")
    assert answer.element("Code") == "MalformedXML"
    for inside, name in (("<Days>1</Days><Years>1</Years>", "MalformedXML"), ("", "MalformedXML"),
                         ("<Days>0</Days>", "InvalidRetentionPeriod"), ("<Years>101</Years>", "InvalidRetentionPeriod")):
        answer = server.raw("PUT", "/locked?object-lock", "<ObjectLockConfiguration><ObjectLockEnabled>Enabled"
                            "</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode>"
                            f"{inside}</DefaultRetention></Rule></ObjectLockConfiguration>")
        assert answer.status == 400 and answer.element("Code") == name, inside
