"""Tables over the DynamoDB protocol, with boto3: what stands in docs of the SDK works, and failures have its names."""
import json
import subprocess
from decimal import Decimal

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from s3 import KEY_ID, PROGRAM, SECRET, serve


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("tables")) as server:
        yield server


def resource(server, key_id=KEY_ID, secret=SECRET):
    return boto3.resource("dynamodb", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id=key_id,
                          aws_secret_access_key=secret)


@pytest.fixture
def sales(server, request):
    """A table of its own for each test."""
    table = resource(server).create_table(
        TableName=request.node.name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "category", "AttributeType": "S"},
                              {"AttributeName": "order_date", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "category", "KeyType": "HASH"}, {"AttributeName": "order_date", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[{"IndexName": "by_date", "Projection": {"ProjectionType": "ALL"},
                                 "KeySchema": [{"AttributeName": "order_date", "KeyType": "HASH"},
                                               {"AttributeName": "category", "KeyType": "RANGE"}]}])
    table.wait_until_exists()
    return table


def test_numbers_keep_38_digits(sales):
    number = Decimal("1234567890123456789012345678901234.5678")
    sales.put_item(Item={"category": "Books", "order_date": "2025-01-01", "revenue": number})
    assert sales.get_item(Key={"category": "Books", "order_date": "2025-01-01"})["Item"]["revenue"] == number


def test_batches_and_pages_return_every_item_once(sales):
    with sales.batch_writer() as batch:
        for day in range(60):
            batch.put_item(Item={"category": "Toys", "order_date": f"2025-{day // 28 + 1:02}-{day % 28 + 1:02}", "n": day})
    found, start = [], {}
    while True:
        page = sales.query(KeyConditionExpression=Key("category").eq("Toys"), Limit=7, ScanIndexForward=False, **start)
        found += [int(item["n"]) for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert found == list(range(59, -1, -1))
    segments = [sales.scan(Segment=segment, TotalSegments=5)["Items"] for segment in range(5)]
    assert sorted(int(item["n"]) for items in segments for item in items) == list(range(60))


def test_index_range_and_filter(sales):
    for category, revenue in (("Books", 10), ("Garden", 20), ("Toys", 30)):
        sales.put_item(Item={"category": category, "order_date": "2025-04-01", "revenue": revenue})
    answer = sales.query(IndexName="by_date", KeyConditionExpression=Key("order_date").eq("2025-04-01")
                         & Key("category").gt("Books"), FilterExpression=Attr("revenue").lt(30))
    assert [item["category"] for item in answer["Items"]] == ["Garden"]
    assert answer["Count"] == 1 and answer["ScannedCount"] == 2


def test_conditions_and_counters_are_atomic(sales, server):
    from concurrent.futures import ThreadPoolExecutor

    def add(_):
        resource(server).Table(sales.name).update_item(
            Key={"category": "Books", "order_date": "2025-01-01"}, UpdateExpression="ADD sold :one",
            ExpressionAttributeValues={":one": 1})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(80)))
    assert sales.get_item(Key={"category": "Books", "order_date": "2025-01-01"})["Item"]["sold"] == 80


def test_failures_carry_the_item_and_the_names(sales, server):
    sales.put_item(Item={"category": "Books", "order_date": "2025-01-01", "sold": 1})
    with pytest.raises(ClientError) as failure:
        sales.put_item(Item={"category": "Books", "order_date": "2025-01-01"},
                       ConditionExpression=Attr("category").not_exists(),
                       ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert failure.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert failure.value.response["Item"]["sold"] == {"N": "1"}
    with pytest.raises(ClientError) as failure:
        sales.meta.client.transact_write_items(TransactItems=[
            {"Put": {"TableName": sales.name, "Item": {"category": "A", "order_date": "B"}}},
            {"ConditionCheck": {"TableName": sales.name, "Key": {"category": "Books", "order_date": "2025-01-01"},
                                "ConditionExpression": "sold > :n", "ExpressionAttributeValues": {":n": 5}}}])
    assert [reason["Code"] for reason in failure.value.response["CancellationReasons"]] == [
        "None", "ConditionalCheckFailed"]
    assert "Item" not in sales.get_item(Key={"category": "A", "order_date": "B"})
    with pytest.raises(ClientError) as failure:
        resource(server, secret="wrong").Table(sales.name).get_item(Key={"category": "A", "order_date": "B"})
    assert failure.value.response["Error"]["Code"] == "InvalidSignatureException"
    with pytest.raises(ClientError) as failure:
        resource(server, key_id="AKNOBODY000000000000").Table(sales.name).scan()
    assert failure.value.response["Error"]["Code"] == "UnrecognizedClientException"


def test_keys_have_rights_by_table_in_batches_and_transactions(server, tmp_path):
    for name in ("Open", "Secret"):
        resource(server).create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                                      AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                                      KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "arn:aws:dynamodb:us-east-1:*:table/Open"}]}
    (tmp_path / "policy.json").write_text(json.dumps(policy))
    made = json.loads(subprocess.run([PROGRAM, "key", "add", "--policy", tmp_path / "policy.json", "--name", "reader",
                                      "--data", server.folder / "data", "--json"], check=True, capture_output=True).stdout)
    client = resource(server, made["id"], made["secret"]).meta.client
    key = {"id": "a"}
    client.batch_get_item(RequestItems={"Open": {"Keys": [key]}})
    client.transact_write_items(TransactItems=[{"Put": {"TableName": "Open", "Item": key}}])
    denied = [
        lambda: client.get_item(TableName="Secret", Key=key),
        lambda: client.batch_get_item(RequestItems={"Open": {"Keys": [key]}, "Secret": {"Keys": [key]}}),
        lambda: client.batch_write_item(RequestItems={"Secret": [{"PutRequest": {"Item": key}}]}),
        lambda: client.transact_get_items(TransactItems=[{"Get": {"TableName": "Secret", "Key": key}}]),
        lambda: client.transact_write_items(TransactItems=[
            {"Put": {"TableName": "Open", "Item": {"id": "b"}}}, {"Delete": {"TableName": "Secret", "Key": key}}]),
        lambda: client.list_tables(),
    ]
    for call in denied:
        with pytest.raises(ClientError) as failure:
            call()
        assert failure.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "Item" not in client.get_item(TableName="Open", Key={"id": "b"})


def test_items_outlive_the_server(tmp_path):
    with serve(tmp_path) as server:
        resource(server).create_table(TableName="Kept", BillingMode="PAY_PER_REQUEST",
                                      AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}],
                                      KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
        resource(server).Table("Kept").put_item(Item={"id": 7, "nested": {"list": [1, "two", None, True, b"\x00"]}})
        server.process.kill()
        server.process.wait()
        server.process.returncode = 0
    with serve(tmp_path) as server:
        item = resource(server).Table("Kept").get_item(Key={"id": 7})["Item"]
        assert item["nested"]["list"] == [1, "two", None, True, b"\x00"]


def test_a_transaction_with_a_token_is_done_once(sales):
    place = {"category": "Books", "order_date": "2025-01-01"}

    def add(sold, token):
        sales.meta.client.transact_write_items(ClientRequestToken=token, TransactItems=[
            {"Update": {"TableName": sales.name, "Key": place, "UpdateExpression": "ADD sold :n",
                        "ExpressionAttributeValues": {":n": sold}}}])

    add(5, "one")
    add(5, "one")
    with pytest.raises(ClientError) as failure:
        add(6, "one")
    assert failure.value.response["Error"]["Code"] == "IdempotentParameterMismatchException"
    add(5, "two")
    assert sales.get_item(Key=place)["Item"]["sold"] == 10


def test_older_parameters(sales):
    client = sales.meta.client
    for day in range(1, 6):
        sales.put_item(Item={"category": "Books", "order_date": f"2025-01-0{day}", "sold": day})
    page = client.query(TableName=sales.name, KeyConditions={
        "category": {"ComparisonOperator": "EQ", "AttributeValueList": ["Books"]},
        "order_date": {"ComparisonOperator": "GE", "AttributeValueList": ["2025-01-03"]}},
        QueryFilter={"sold": {"ComparisonOperator": "NE", "AttributeValueList": [4]}}, AttributesToGet=["sold"])
    assert [item["sold"] for item in page["Items"]] == [3, 5]
    with pytest.raises(ClientError) as failure:
        sales.put_item(Item={"category": "Books", "order_date": "2025-01-01"}, Expected={"sold": {"Value": 9}})
    assert failure.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    updated = sales.update_item(Key={"category": "Books", "order_date": "2025-01-01"}, ReturnValues="ALL_NEW",
                                AttributeUpdates={"sold": {"Action": "ADD", "Value": 10}})
    assert updated["Attributes"]["sold"] == 11
