#!/usr/bin/env python3
"""Plays the requests of table_cases to this server and to DynamoDB Local, and compares what they answer.

usage: table_oracle.py FOLDER [SEED] [COUNT]     FOLDER holds DynamoDBLocal's jars (make test-dynamodb)
       table_oracle.py --record                  writes table_answers.jsonl, which test_table_answers.py goes by

Failures must have one type, and messages of expressions one text. Of other messages DynamoDB Local's are its own: the
service's are as the API Reference and the Developer Guide show them. Where the service is documented to differ from
DynamoDB Local, this server follows the service: DIFFERENT says where and why.
"""
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "tests/integration"), str(TOP / "tests/contract")]

import s3  # noqa: E402
import table_cases  # noqa: E402
import table_players  # noqa: E402

ANSWERS = Path(__file__).with_name("table_answers.jsonl")
PORT = 8000
DIFFERENT = (  # operation, in the request as JSON, why
    ("CreateTable", '"LocalSecondaryIndexes": \\[\\]|"BillingMode": "FREE"|"ReadCapacityUnits": 1', "DynamoDB Local lets it through"),
    ("ListTables", "", "DynamoDB Local has made the table with throughput on demand"),
    ("PutItem", '"N": "(\\\\u0661|0\\.0000)', "the service takes ASCII digits, and leading zeros are not significant"),
    ("PutItem", '"B": "(YQ|!!!!)"', "an internal failure there"),
    ("GetItem", '"Key": {"p": {"S": "(a|u)"}}}$', "after a PutItem or UpdateItem that differs"),
    (".*", "size = :s|ExpressionAttributeNames.*size|ProjectionExpression\": \"size\"|SET size", "SIZE is a reserved word"),
    ("UpdateItem", '"ReturnValues": "UPDATED_', "the service returns the parts of documents that were updated"),
    ("UpdateItem", '"(SET [dw] = :one|REMOVE d)"', "keys of indexes keep their types"),
    ("TransactWriteItems", "bad\\(", "the name of a function is judged before its operands"),
    ("Query|DeleteItem", "\\(\\(.*\\)\\)", "of several faults another may be told first"),
    ("Query", '":v[0-9]+": {"B"', "DynamoDB Local shows Java's name for bytes"),
    ("Query|Scan", '"Limit": 0', "members are checked before the table is looked for"),
    ("TransactWriteItems", "conditionCheck|ConditionCheck|UpdateExpression", "cancellation reasons are the service's"),
    ("TransactGetItems", '"Key": {}', "a ValidationException in the service"),
    ("PutItem", '"ConditionalOperator": "BAD"', "an internal failure there"),
    ("PutItem", '"(S|M|L)": .{300000}', "counts the names of attributes otherwise"),
)


def in_order(answer, request):
    """Items of one key in an index, and of a scan, come in no order that is promised."""
    if "Items" in answer and "KeyConditionExpression" not in request or "IndexName" in request and "Items" in answer:
        return answer | {"Items": sorted(answer["Items"], key=lambda item: json.dumps(item, sort_keys=True))}
    return answer


def agree(operation, request, ours, theirs):
    if any(re.fullmatch(name, operation) and re.search(part, json.dumps(request)) for name, part, _ in DIFFERENT):
        return True
    if "failure" in ours or "failure" in theirs:
        expressions = str(theirs.get("message")).startswith("Invalid ") and "Expression: " in str(theirs.get("message"))
        return ours.get("failure") == theirs.get("failure") and (not expressions or ours["message"] == theirs["message"])
    return in_order(ours, request) == in_order(theirs, request)


def compare(folder, seed, count):
    folder = Path(folder).resolve()
    oracle = subprocess.Popen(["java", "-Xmx500m", f"-Djava.library.path={folder}", "-cp", f"{folder}/*",
                               "com.amazonaws.services.dynamodbv2.local.main.ServerRunner", "-port", str(PORT), "-inMemory"],
                              cwd=tempfile.gettempdir(), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    played = wrong = 0
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", PORT)) == 0:
                    break
            time.sleep(0.2)
        with tempfile.TemporaryDirectory() as data, s3.serve(data) as server:
            theirs = table_players.Player(f"http://127.0.0.1:{PORT}", s3.KEY_ID, s3.SECRET)
            ours = table_players.Player(server.url, s3.KEY_ID, s3.SECRET)
            for operation, request in itertools.chain(table_cases.fixed(), table_cases.randoms(seed, count)):
                played += 1
                found, wanted = ours.play(operation, request), theirs.play(operation, request)
                if not agree(operation, request, found, wanted):
                    wrong += 1
                    print(f"{operation} {json.dumps(request)[:400]}\n  here  {json.dumps(found)[:400]}\n"
                          f"  there {json.dumps(wanted)[:400]}")
    finally:
        oracle.terminate()
        oracle.wait()
    print(f"{played} requests, {wrong} answers differ")
    return wrong == 0 and played > 1000


def record():
    with tempfile.TemporaryDirectory() as data, s3.serve(data) as server, open(ANSWERS, "w") as out:
        player = table_players.Player(server.url, s3.KEY_ID, s3.SECRET)
        for operation, request in table_cases.fixed():
            out.write(json.dumps(player.play(operation, request), sort_keys=True) + "\n")
    return True


if __name__ == "__main__":
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    words = sys.argv[1:]
    seed, count = map(int, words[1:3]) if len(words) > 2 else (1, 100)
    good = record() if words == ["--record"] else compare(words[0], seed, count)
    sys.exit(0 if good else 1)
