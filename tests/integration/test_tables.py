"""Tables over the DynamoDB protocol, with boto3: what stands in docs of the SDK works, and failures have its names."""
import json
import subprocess
import time
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


def wait_for(seen):
    while not seen():
        time.sleep(0.05)


def test_items_whose_time_has_passed_go(tmp_path):
    (tmp_path / "config.yaml").write_text("lifecycle_interval_seconds: 1\n")
    with serve(tmp_path, "--config", tmp_path / "config.yaml") as server:
        table = resource(server).create_table(
            TableName="Sessions", BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"},
                                  {"AttributeName": "user", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[{"IndexName": "by_user", "Projection": {"ProjectionType": "KEYS_ONLY"},
                                     "KeySchema": [{"AttributeName": "user", "KeyType": "HASH"}]}])
        now = int(time.time())
        ends = {1: now - 10, 2: now + 5000, 3: str(now - 10), 4: now - 6 * 365 * 86400, 5: Decimal(now - 20) + Decimal("0.5")}
        with table.batch_writer() as batch:
            for number, end in ends.items():
                batch.put_item(Item={"id": number, "user": "u", "ends": end})
            batch.put_item(Item={"id": 6, "user": "u"})
            for number in range(100, 2600):
                batch.put_item(Item={"id": number, "user": "many", "ends": now - number})
        resource(server).meta.client.update_time_to_live(
            TableName="Sessions", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"})
        wait_for(lambda: table.scan(Select="COUNT")["Count"] == 4)
        assert sorted(int(item["id"]) for item in table.scan()["Items"]) == [2, 3, 4, 6]
        by_user = table.query(IndexName="by_user", KeyConditionExpression=Key("user").eq("u"))
        assert sorted(int(item["id"]) for item in by_user["Items"]) == [2, 3, 4, 6]
        assert table.query(IndexName="by_user", KeyConditionExpression=Key("user").eq("many"))["Count"] == 0


def test_a_table_of_an_old_name_is_empty(server):
    """Writers that are on their way when a table is dropped leave nothing to the next one of its name."""
    from concurrent.futures import ThreadPoolExecutor

    keys = dict(AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}], BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
    table = resource(server).create_table(TableName="Again", **keys)
    stop = False

    def write(worker):
        own = resource(server).Table("Again")
        number = 0
        while not stop:
            try:
                own.put_item(Item={"id": worker * 100000 + number, "round": turn})
            except ClientError as failure:
                assert failure.response["Error"]["Code"] == "ResourceNotFoundException"
            number += 1

    turn = 0
    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, worker) for worker in range(3)]
        for turn in range(1, 6):
            table.delete()
            table = resource(server).create_table(TableName="Again", **keys)
            table.delete_item(Key={"id": -1})
        stop = True
        for writer in writers:
            writer.result()
    for item in table.scan()["Items"]:
        assert item["round"] >= 4


@pytest.mark.parametrize("failpoint", ["committer.applied=crash:40", "committer.committed=crash:40"])
def test_what_was_answered_outlives_a_crash(tmp_path, failpoint):
    """Counters that several add to, each with an index: none is lost, none is added to twice, index and item agree."""
    from concurrent.futures import ThreadPoolExecutor

    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    def table_of(server):
        return boto3.resource("dynamodb", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id=KEY_ID,
                              aws_secret_access_key=SECRET, config=Config(retries={"max_attempts": 0})).Table("Count")

    def add(worker, server):
        table = table_of(server)
        answered = 0
        try:
            while True:
                table.update_item(Key={"id": worker % 2}, UpdateExpression="ADD seen :one SET grp = :group",
                                  ConditionExpression="attribute_not_exists(seen) OR seen >= :zero",
                                  ExpressionAttributeValues={":one": 1, ":zero": 0, ":group": f"g{worker}"})
                answered += 1
        except (BotoCoreError, ClientError):
            return answered

    with serve(tmp_path) as server:
        resource(server).create_table(
            TableName="Count", BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}, {"AttributeName": "grp", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[{"IndexName": "by_group", "Projection": {"ProjectionType": "ALL"},
                                     "KeySchema": [{"AttributeName": "grp", "KeyType": "HASH"}]}])
    with serve(tmp_path, AISLE_FAILPOINTS=failpoint) as server:
        with ThreadPoolExecutor(6) as pool:
            answered = list(pool.map(lambda worker: add(worker, server), range(6)))
        assert server.process.wait() == 137
        server.process.returncode = 0
    assert sum(answered) > 20
    with serve(tmp_path) as server:
        table = table_of(server)
        for half in range(2):
            item = table.get_item(Key={"id": half})["Item"]
            wanted = sum(answered[half::2])
            assert wanted <= item["seen"] <= wanted + 3
            assert item in table.query(IndexName="by_group", KeyConditionExpression=Key("grp").eq(item["grp"]))["Items"]
        assert table.scan(IndexName="by_group", Select="COUNT")["Count"] == 2
