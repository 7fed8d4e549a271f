"""Buckets and their settings over the S3 protocol."""
import datetime
import json

import pytest

from s3 import body_of, fails, serve


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def s3(server):
    return server.s3


@pytest.fixture
def bucket(request, s3):
    """A bucket of the test's own."""
    name = "b-" + request.node.name.split("[")[0].replace("_", "-").lower()[:50].rstrip("-")
    s3.create_bucket(Bucket=name)
    yield name


def test_life_of_a_bucket(s3):
    assert s3.create_bucket(Bucket="life")["Location"] == "/life"
    head = s3.head_bucket(Bucket="life")
    assert head["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket="life")["LocationConstraint"] is None
    listed = s3.list_buckets()
    assert "life" in [entry["Name"] for entry in listed["Buckets"]] and len(listed["Owner"]["ID"]) == 64
    with fails("BucketAlreadyOwnedByYou", 409):
        s3.create_bucket(Bucket="life")
    s3.put_object(Bucket="life", Key="x", Body=b"")
    with fails("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket="life")
    s3.delete_object(Bucket="life", Key="x")
    assert s3.delete_bucket(Bucket="life")["ResponseMetadata"]["HTTPStatusCode"] == 204
    with fails("404", 404):
        s3.head_bucket(Bucket="life")
    with fails("NoSuchBucket", 404):
        s3.delete_bucket(Bucket="life")


@pytest.mark.parametrize("name", ["ab", "UPPER", "a..b", "-ab", "ab-", "192.168.0.1", "a" * 64, "xn--abc", "a_b"])
def test_names_that_may_not_be(server, name):
    answer = server.raw("PUT", f"/{name}")
    assert answer.status == 400 and answer.element("Code") == "InvalidBucketName"
    assert answer.element("BucketName") == name


def test_list_of_buckets_in_pages(s3):
    for n in range(5):
        s3.create_bucket(Bucket=f"paged-{n}")
    page = s3.list_buckets(Prefix="paged-", MaxBuckets=3)
    assert [entry["Name"] for entry in page["Buckets"]] == ["paged-0", "paged-1", "paged-2"]
    page = s3.list_buckets(Prefix="paged-", MaxBuckets=3, ContinuationToken=page["ContinuationToken"])
    assert [entry["Name"] for entry in page["Buckets"]] == ["paged-3", "paged-4"] and "ContinuationToken" not in page
    with fails("InvalidArgument"):
        s3.list_buckets(ContinuationToken="!")


def test_location(s3):
    with fails("InvalidLocationConstraint", 400):
        s3.create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


def test_expected_owner(s3, bucket):
    s3.head_bucket(Bucket=bucket, ExpectedBucketOwner="000000000000")
    with fails("403", 403):
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner="111111111111")
    with fails("AccessDenied", 403):
        s3.put_object(Bucket=bucket, Key="x", Body=b"", ExpectedBucketOwner="111111111111")


LIFECYCLE = {"Rules": [
    {"ID": "one", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 30},
     "Transitions": [{"Days": 10, "StorageClass": "GLACIER_IR"}],
     "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}},
    {"ID": "two", "Status": "Disabled", "Expiration": {"Date": datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)},
     "Filter": {"And": {"Prefix": "a", "Tags": [{"Key": "k", "Value": "v"}, {"Key": "l", "Value": "w"}],
                        "ObjectSizeGreaterThan": 10, "ObjectSizeLessThan": 100}},
     "NoncurrentVersionExpiration": {"NoncurrentDays": 5, "NewerNoncurrentVersions": 2},
     "NoncurrentVersionTransitions": [{"NoncurrentDays": 2, "StorageClass": "STANDARD_IA"}]}]}
CORS = {"CORSRules": [
    {"ID": "one", "AllowedOrigins": ["https://*.shop.example", "http://a"], "AllowedMethods": ["GET", "PUT"],
     "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag", "x-amz-request-id"], "MaxAgeSeconds": 300},
    {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]}
ENCRYPTION = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]}
NOTIFICATION = {
    "TopicConfigurations": [{"Id": "t", "TopicArn": "arn:aws:sns:us-east-1:000000000000:drops",
                             "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": [
                                 {"Name": "prefix", "Value": "raw/"}, {"Name": "suffix", "Value": ".csv"}]}}}],
    "QueueConfigurations": [{"Id": "q", "QueueArn": "arn:aws:sqs:us-east-1:000000000000:q",
                             "Events": ["s3:ObjectRemoved:*"]}],
    "LambdaFunctionConfigurations": [{"Id": "f", "LambdaFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
                                      "Events": ["s3:ObjectCreated:Put", "s3:ObjectCreated:Copy"]}],
    "EventBridgeConfiguration": {}}
OPEN = {"BlockPublicAcls": False, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": True}
TAGS = {"TagSet": [{"Key": "team", "Value": "data +-=._:/@"}, {"Key": "ä", "Value": ""}]}

# What putting, getting and taking away is called, its parameter, what is put, and the error when it is not there.
SETTINGS = [
    ("bucket_lifecycle_configuration", "bucket_lifecycle", "LifecycleConfiguration", LIFECYCLE,
     "NoSuchLifecycleConfiguration"),
    ("bucket_cors", "bucket_cors", "CORSConfiguration", CORS, "NoSuchCORSConfiguration"),
    ("bucket_encryption", "bucket_encryption", "ServerSideEncryptionConfiguration", ENCRYPTION,
     "ServerSideEncryptionConfigurationNotFoundError"),
    ("bucket_tagging", "bucket_tagging", "Tagging", TAGS, "NoSuchTagSet"),
    ("public_access_block", "public_access_block", "PublicAccessBlockConfiguration", OPEN, None),
    ("bucket_ownership_controls", "bucket_ownership_controls", "OwnershipControls",
     {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}, None),
    ("bucket_notification_configuration", None, "NotificationConfiguration", NOTIFICATION, None),
]


def without_metadata(answer):
    answer = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    return next(iter(answer.values())) if set(answer) <= {
        "ServerSideEncryptionConfiguration", "PublicAccessBlockConfiguration", "OwnershipControls"} and answer else answer


@pytest.mark.parametrize("name,gone,parameter,value,missing", SETTINGS, ids=[row[0] for row in SETTINGS])
def test_setting(server, s3, name, gone, parameter, value, missing):
    bucket = "setting-" + name.replace("_", "-")
    s3.create_bucket(Bucket=bucket)
    get, put = getattr(s3, "get_" + name), getattr(s3, "put_" + name)
    if missing:
        with fails(missing, 404):
            get(Bucket=bucket)
    put(Bucket=bucket, **{parameter: value})
    assert without_metadata(get(Bucket=bucket)) == value
    put(Bucket=bucket, **{parameter: value})
    if gone:
        assert getattr(s3, "delete_" + gone)(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    if missing:
        with fails(missing, 404):
            get(Bucket=bucket)


def test_defaults(s3, bucket):
    assert set(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == {
        "Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert without_metadata(s3.get_bucket_notification_configuration(Bucket=bucket)) == {}
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    s3.delete_public_access_block(Bucket=bucket)
    with fails("NoSuchPublicAccessBlockConfiguration", 404):
        s3.get_public_access_block(Bucket=bucket)


def test_default_encryption_is_applied(s3, bucket):
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=ENCRYPTION)
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ServerSideEncryption"] == "AES256"
    assert s3.head_object(Bucket=bucket, Key="k")["ServerSideEncryption"] == "AES256"
    assert body_of(s3, bucket, "k") == b"x"


RULE = "<Rule><ID>a</ID><Status>Enabled</Status><Filter/><Expiration><Days>1</Days></Expiration></Rule>"


def lifecycle(inside="", filter="<Filter/>", expiration="<Expiration><Days>1</Days></Expiration>"):
    return (f"<LifecycleConfiguration><Rule><ID>a</ID><Status>Enabled</Status>{filter}{expiration}{inside}</Rule>"
            "</LifecycleConfiguration>")


# Sub-resource, document, the error.
WRONG = [
    ("lifecycle", "", "MissingRequestBodyError"),
    ("lifecycle", "<x", "MalformedXML"),
    ("lifecycle", "<!DOCTYPE a [<!ENTITY b 'c'>]><LifecycleConfiguration>&b;</LifecycleConfiguration>", "MalformedXML"),
    ("lifecycle", "<Other/>", "MalformedXML"),
    ("lifecycle", "<LifecycleConfiguration/>", "MalformedXML"),
    ("lifecycle", lifecycle(expiration=""), "InvalidRequest"),
    ("lifecycle", lifecycle(filter=""), "MalformedXML"),
    ("lifecycle", lifecycle(inside="<Colour/>"), "MalformedXML"),
    ("lifecycle", lifecycle(inside="<Status>Enabled</Status>"), "MalformedXML"),
    ("lifecycle", lifecycle().replace("Enabled", "On"), "MalformedXML"),
    ("lifecycle", lifecycle(expiration="<Expiration><Days>0</Days></Expiration>"), "InvalidArgument"),
    ("lifecycle", lifecycle(expiration="<Expiration><Days>x</Days></Expiration>"), "MalformedXML"),
    ("lifecycle", lifecycle(expiration="<Expiration><Date>2030-01-01T01:00:00Z</Date></Expiration>"), "InvalidArgument"),
    ("lifecycle", lifecycle(expiration="<Expiration><Date>soon</Date></Expiration>"), "MalformedXML"),
    ("lifecycle", lifecycle(expiration="<Expiration/>"), "MalformedXML"),
    ("lifecycle", lifecycle(expiration="<Expiration><Days>1</Days><Date>2030-01-01T00:00:00Z</Date></Expiration>"),
     "MalformedXML"),
    ("lifecycle", lifecycle(filter="<Filter><Prefix>a</Prefix><ObjectSizeLessThan>1</ObjectSizeLessThan></Filter>"),
     "MalformedXML"),
    ("lifecycle", lifecycle(filter="<Filter><And><Prefix>a</Prefix></And></Filter>"), "MalformedXML"),
    ("lifecycle", lifecycle(inside="<Transition><Days>1</Days><StorageClass>HOT</StorageClass></Transition>"),
     "MalformedXML"),
    ("lifecycle", lifecycle(inside="<Transition><StorageClass>GLACIER_IR</StorageClass></Transition>"), "MalformedXML"),
    ("lifecycle", lifecycle(inside="<NoncurrentVersionExpiration/>"), "MalformedXML"),
    ("lifecycle", f"<LifecycleConfiguration>{RULE}{RULE}</LifecycleConfiguration>", "InvalidArgument"),
    ("lifecycle", lifecycle(filter="<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>",
                            expiration="<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>"
                                       "</Expiration>"), "InvalidRequest"),
    ("cors", "<CORSConfiguration/>", "MalformedXML"),
    ("cors", "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>",
     "MalformedXML"),
    ("cors", "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PATCH</AllowedMethod>"
             "</CORSRule></CORSConfiguration>", "InvalidRequest"),
    ("cors", "<CORSConfiguration><CORSRule><AllowedOrigin>*a*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
             "</CORSRule></CORSConfiguration>", "InvalidRequest"),
    ("cors", "<CORSConfiguration>" + "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
             "</CORSRule>" * 101 + "</CORSConfiguration>", "InvalidRequest"),
    ("encryption", "<ServerSideEncryptionConfiguration/>", "MalformedXML"),
    ("encryption", "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
                   "<SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>"
                   "</ServerSideEncryptionConfiguration>", "NotImplemented"),
    ("encryption", "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
                   "<SSEAlgorithm>ROT13</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>"
                   "</ServerSideEncryptionConfiguration>", "MalformedXML"),
    ("tagging", "<Tagging/>", "MalformedXML"),
    ("tagging", "<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>", "MalformedXML"),
    ("tagging", "<Tagging><TagSet>" + "".join(f"<Tag><Key>{n}</Key><Value/></Tag>" for n in range(51)) +
     "</TagSet></Tagging>", "BadRequest"),
    ("publicAccessBlock", "<PublicAccessBlockConfiguration><BlockPublicAcls>maybe</BlockPublicAcls>"
                          "</PublicAccessBlockConfiguration>", "MalformedXML"),
    ("ownershipControls", "<OwnershipControls><Rule><ObjectOwnership>Me</ObjectOwnership></Rule></OwnershipControls>",
     "MalformedXML"),
    ("notification", "<NotificationConfiguration><TopicConfiguration><Topic>x</Topic><Event>s3:ObjectCreated:*</Event>"
                     "</TopicConfiguration></NotificationConfiguration>", "InvalidArgument"),
    ("notification", "<NotificationConfiguration><TopicConfiguration><Topic>arn:aws:sns:::x</Topic><Event>sale</Event>"
                     "</TopicConfiguration></NotificationConfiguration>", "InvalidArgument"),
    ("versioning", "<VersioningConfiguration/>", "IllegalVersioningConfigurationException"),
    ("versioning", "<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>"
                   "</VersioningConfiguration>", "NotImplemented"),
    ("versioning", "<VersioningConfiguration><Status>On</Status></VersioningConfiguration>", "MalformedXML"),
    ("object-lock", "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>",
     "InvalidBucketState"),
    ("logging", "<BucketLoggingStatus><LoggingEnabled><TargetBucket>a</TargetBucket><TargetPrefix/></LoggingEnabled>"
                "</BucketLoggingStatus>", "NotImplemented"),
    ("requestPayment", "<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>",
     "NotImplemented"),
    ("policy", "{", "MalformedPolicy"),
    ("policy", " " * 20481, "MalformedPolicy"),
    ("website", "<WebsiteConfiguration/>", "NotImplemented"),
    ("replication", "<ReplicationConfiguration/>", "NotImplemented"),
    ("accelerate", "<AccelerateConfiguration/>", "NotImplemented"),
    ("inventory&id=a", "<InventoryConfiguration/>", "NotImplemented"),
    ("analytics&id=a", "<AnalyticsConfiguration/>", "NotImplemented"),
    ("metrics&id=a", "<MetricsConfiguration/>", "NotImplemented"),
    ("intelligent-tiering&id=a", "<IntelligentTieringConfiguration/>", "NotImplemented"),
]


def test_settings_that_may_not_be(server, bucket):
    for query, document, name in WRONG:
        answer = server.raw("PUT", f"/{bucket}?{query}", document)
        assert answer.element("Code") == name, (query, document[:200], answer.body)
        assert answer.status == {"NotImplemented": 501, "InvalidBucketState": 409}.get(name, 400)


def test_a_document_may_not_be_endless(server, bucket):
    answer = server.raw("PUT", f"/{bucket}?tagging", b" " * (4 << 20) + b" ")
    assert answer.status == 400 and answer.element("Code") == "MaxMessageLengthExceeded"


def test_what_is_not_here(s3, bucket):
    for call, name in ((s3.get_bucket_website, "NoSuchWebsiteConfiguration"),
                       (s3.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
                       (s3.get_bucket_policy, "NoSuchBucketPolicy"),
                       (s3.get_bucket_policy_status, "NoSuchBucketPolicy"),
                       (s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError")):
        with fails(name, 404):
            call(Bucket=bucket)
    for thing in ("inventory", "analytics", "metrics", "intelligent_tiering"):
        with fails("NoSuchConfiguration", 404):
            getattr(s3, f"get_bucket_{thing}_configuration")(Bucket=bucket, Id="a")
        with fails("NoSuchConfiguration", 404):
            getattr(s3, f"delete_bucket_{thing}_configuration")(Bucket=bucket, Id="a")
        assert not getattr(s3, f"list_bucket_{thing}_configurations")(Bucket=bucket)["IsTruncated"]
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    s3.delete_bucket_website(Bucket=bucket)
    s3.delete_bucket_replication(Bucket=bucket)
    with fails("NotImplemented", 501):
        s3.create_session(Bucket=bucket)


def test_what_is_newer_than_this_server(server, bucket):
    for method, target in (("GET", "?metadataTable"), ("POST", "?metadataTable"), ("DELETE", "?metadataTable"),
                           ("GET", "?metadataConfiguration"), ("POST", "?metadataConfiguration"),
                           ("DELETE", "?metadataConfiguration"), ("PUT", "/k?renameObject")):
        answer = server.raw(method, f"/{bucket}{target}")
        assert answer.status == 501 and answer.element("Code") == "NotImplemented", (method, target)


def policy(bucket, **statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"} | statement]})


def test_policy(server, s3, bucket):
    text = policy(bucket)
    with fails("AccessDenied", 403):
        s3.put_bucket_policy(Bucket=bucket, Policy=text)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicPolicy": False})
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(text)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"]
    s3.put_object(Bucket=bucket, Key="open", Body=b"for all")
    assert server.raw("GET", f"/{bucket}/open", signed=False).body == b"for all"
    answer = server.raw("GET", f"/{bucket}/absent", signed=False)
    assert answer.status == 403 and answer.element("Code") == "AccessDenied"
    assert server.raw("PUT", f"/{bucket}/open", b"x", signed=False).status == 403
    assert server.raw("GET", f"/{bucket}/open?response-content-type=a/b", signed=False).element("Code") == "InvalidRequest"
    s3.delete_bucket_policy(Bucket=bucket)
    assert server.raw("GET", f"/{bucket}/open", signed=False).status == 403
    with fails("MalformedPolicy", 400):
        s3.put_bucket_policy(Bucket=bucket, Policy=policy("another-bucket"))


def test_policy_by_tag_of_the_object(server, s3, bucket):
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(
        bucket, Condition={"StringEquals": {"s3:ExistingObjectTag/open": "yes"}}))
    s3.put_object(Bucket=bucket, Key="yes", Body=b"x", Tagging="open=yes")
    s3.put_object(Bucket=bucket, Key="no", Body=b"x", Tagging="open=no")
    assert server.raw("GET", f"/{bucket}/yes", signed=False).status == 200
    assert server.raw("GET", f"/{bucket}/no", signed=False).status == 403


def test_denied_deletes_are_told_one_by_one(s3, bucket):
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(
        bucket, Effect="Deny", Action="s3:DeleteObject", Resource=f"arn:aws:s3:::{bucket}/kept/*"))
    for key in ("kept/a", "gone/a"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "kept/a"}, {"Key": "gone/a"}]})
    assert [entry["Key"] for entry in done["Deleted"]] == ["gone/a"]
    assert [(entry["Key"], entry["Code"]) for entry in done["Errors"]] == [("kept/a", "AccessDenied")]


def test_acls_where_owners_are_enforced(s3, bucket):
    acl = s3.get_bucket_acl(Bucket=bucket)
    assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]
    assert acl["Grants"][0]["Grantee"] == {"Type": "CanonicalUser", "ID": acl["Owner"]["ID"]}
    with fails("AccessControlListNotSupported", 400):
        s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    with fails("AccessControlListNotSupported", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"", ACL="public-read")
    s3.put_object(Bucket=bucket, Key="k", Body=b"", ACL="bucket-owner-full-control")
    assert len(s3.get_object_acl(Bucket=bucket, Key="k")["Grants"]) == 1


def test_acls(server, s3):
    s3.create_bucket(Bucket="acls", ObjectOwnership="ObjectWriter")
    with fails("AccessDenied", 403):
        s3.put_bucket_acl(Bucket="acls", ACL="public-read")
    s3.delete_public_access_block(Bucket="acls")
    s3.put_object(Bucket="acls", Key="open", Body=b"x", ACL="public-read")
    s3.put_object(Bucket="acls", Key="shut", Body=b"x")
    grants = s3.get_object_acl(Bucket="acls", Key="open")["Grants"]
    assert {"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"},
            "Permission": "READ"} in grants and len(grants) == 2
    assert server.raw("GET", "/acls/open", signed=False).status == 200
    assert server.raw("GET", "/acls/shut", signed=False).status == 403
    owner = s3.get_bucket_acl(Bucket="acls")["Owner"]["ID"]
    s3.put_object_acl(Bucket="acls", Key="shut", GrantRead=f'id="{owner}", uri="http://acs.amazonaws.com/groups/global/AllUsers"')
    assert server.raw("GET", "/acls/shut", signed=False).status == 200
    whole = {"Owner": {"ID": owner}, "Grants": [
        {"Grantee": {"Type": "CanonicalUser", "ID": owner}, "Permission": "FULL_CONTROL"}]}
    s3.put_object_acl(Bucket="acls", Key="shut", AccessControlPolicy=whole)
    assert server.raw("GET", "/acls/shut", signed=False).status == 403
    s3.put_bucket_acl(Bucket="acls", ACL="public-read")
    assert server.raw("GET", "/acls?list-type=2", signed=False).status == 200
    with fails("InvalidBucketAclWithObjectOwnership", 400):
        s3.put_bucket_ownership_controls(Bucket="acls", OwnershipControls={
            "Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})


def test_acls_that_may_not_be(server, s3):
    s3.create_bucket(Bucket="wrong-acls", ObjectOwnership="BucketOwnerPreferred")
    owner = s3.get_bucket_acl(Bucket="wrong-acls")["Owner"]["ID"]
    for headers, name in (({"x-amz-acl": "everybody"}, "InvalidArgument"),
                          ({"x-amz-acl": "private", "x-amz-grant-read": f'id="{owner}"'}, "InvalidRequest"),
                          ({"x-amz-grant-read": 'emailAddress="a@b"'}, "UnresolvableGrantByEmailAddress"),
                          ({"x-amz-grant-read": 'id="x"'}, "InvalidArgument"),
                          ({"x-amz-grant-read": 'uri="http://x"'}, "InvalidArgument"),
                          ({"x-amz-grant-read": "x"}, "InvalidArgument")):
        answer = server.raw("PUT", "/wrong-acls?acl", headers=headers)
        assert (answer.status, answer.element("Code")) == (400, name), headers
    assert server.raw("PUT", "/wrong-acls?acl").element("Code") == "MissingSecurityHeader"
    answer = server.raw("PUT", "/wrong-acls?acl", "<AccessControlPolicy/>", {"x-amz-acl": "private"})
    assert answer.status == 400 and answer.element("Code") == "UnexpectedContent"
    answer = server.raw("PUT", "/wrong-acls?acl", "<AccessControlPolicy/>")
    assert answer.element("Code") == "MalformedACLError"
    grant = '<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="%s">%s</Grantee>' \
            "<Permission>READ</Permission></Grant>"
    document = "<AccessControlPolicy><Owner><ID>%s</ID></Owner><AccessControlList>%s</AccessControlList></AccessControlPolicy>"
    for id_, grants, name in (("0" * 64, "", "AccessDenied"),
                              (owner, grant % ("CanonicalUser", "<ID>x</ID>"), "InvalidArgument"),
                              (owner, grant % ("Group", "<URI>x</URI>"), "InvalidArgument"),
                              (owner, grant % ("Dog", "<ID>x</ID>"), "MalformedACLError"),
                              (owner, grant % ("AmazonCustomerByEmail", "<EmailAddress>x</EmailAddress>"),
                               "UnresolvableGrantByEmailAddress"),
                              (owner, (grant % ("CanonicalUser", f"<ID>{owner}</ID>")) * 101, "MalformedACLError")):
        answer = server.raw("PUT", "/wrong-acls?acl", document % (id_, grants))
        assert answer.element("Code") == name, (grants[:100], answer.body)


def test_ownership_on_creation(server, s3):
    s3.create_bucket(Bucket="owned", ObjectOwnership="BucketOwnerPreferred")
    assert s3.get_bucket_ownership_controls(Bucket="owned")["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerPreferred"}]
    answer = server.raw("PUT", "/owned-wrongly", headers={"x-amz-object-ownership": "Me"})
    assert answer.status == 400 and answer.element("Code") == "InvalidArgument"
    answer = server.raw("PUT", "/owned-wrongly", "<Other/>")
    assert answer.status == 400 and answer.element("Code") == "MalformedXML"


def test_tags_and_acl_on_creation(server, s3):
    s3.create_bucket(Bucket="made", CreateBucketConfiguration={"Tags": [{"Key": "a", "Value": "1"}]})
    assert s3.get_bucket_tagging(Bucket="made")["TagSet"] == [{"Key": "a", "Value": "1"}]
    document = "<CreateBucketConfiguration>%s</CreateBucketConfiguration>"
    for inside, name in (("<Tags><Tag><Key>aws:a</Key><Value/></Tag></Tags>", "InvalidTag"), ("<Colour/>", "MalformedXML")):
        assert server.raw("PUT", "/made-wrongly", document % inside).element("Code") == name
    with fails("InvalidBucketAclWithObjectOwnership", 400):
        s3.create_bucket(Bucket="made-wrongly", ACL="public-read")
    with fails("AccessDenied", 403):
        s3.create_bucket(Bucket="made-wrongly", ACL="public-read", ObjectOwnership="ObjectWriter")
    with fails("404"):
        s3.head_bucket(Bucket="made-wrongly")
    s3.create_bucket(Bucket="made-private", ACL="private")
    s3.create_bucket(Bucket="made-readable", ACL="private", ObjectOwnership="ObjectWriter")
    assert len(s3.get_bucket_acl(Bucket="made-readable")["Grants"]) == 1


def test_anonymous(server, bucket):
    for method, target in (("GET", "/"), ("PUT", "/new-bucket"), ("GET", f"/{bucket}"), ("PUT", f"/{bucket}/x"),
                           ("DELETE", f"/{bucket}"), ("GET", f"/{bucket}?acl")):
        answer = server.raw(method, target, signed=False)
        assert answer.status == 403 and answer.element("Code") == "AccessDenied", (method, target)
    assert server.raw("GET", "/no-such-bucket", signed=False).element("Code") == "NoSuchBucket"
