"""Plays requests of the DynamoDB protocol to a server and keeps what it answers, without what differs by time and place."""
import decimal
import http.client
import json
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

PASSING = {"TableArn", "TableId", "CreationDateTime", "IndexArn", "LatestStreamArn", "LatestStreamLabel", "TableSizeBytes", "IndexSizeBytes",
           "ItemCount", "ProvisionedThroughput", "BillingModeSummary", "DeletionProtectionEnabled", "TableStatus", "IndexStatus"}


class Player:
    def __init__(self, url, key_id, secret):
        self.url = url
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)
        self.credentials = botocore.credentials.Credentials(key_id, secret)

    def play(self, operation, request):
        body = json.dumps(request).encode()
        headers = {"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0"}
        signed = botocore.awsrequest.AWSRequest("POST", self.url + "/", data=body, headers=headers)
        botocore.auth.SigV4Auth(self.credentials, "dynamodb", "us-east-1").add_auth(signed)
        self.connection.request("POST", "/", body, dict(signed.headers.items()))
        response = self.connection.getresponse()
        answer = json.loads(response.read(), parse_float=str)
        if "ReturnConsumedCapacity" not in request:
            answer.pop("ConsumedCapacity", None)
        return told(answer, response.status)


def told(answer, status):
    if status == 200:
        return plain(answer)
    message = answer.get("message", answer.get("Message"))
    more = {name: value for name, value in answer.items() if name not in ("__type", "message", "Message")}
    return {"failure": answer["__type"].split("#")[-1], "message": message} | plain(more)


def number(text):
    """In one notation, whichever the server chose."""
    return f"{decimal.Context(prec=60).create_decimal(text).normalize(decimal.Context(prec=60)):f}"


def plain(value):
    """Sets in one order, and without what differs from one server to the next."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (kind, content), = value.items()
        if kind in ("SS", "BS") and isinstance(content, list):
            return {kind: sorted(content)}
        if kind == "NS" and isinstance(content, list):
            return {kind: sorted(number(text) for text in content)}
        if kind == "N" and isinstance(content, str):
            return {kind: number(content)}
    kept = {name: plain(item) for name, item in value.items() if name not in PASSING}
    for name in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes", "AttributeDefinitions"):
        if isinstance(kept.get(name), list):
            kept[name].sort(key=json.dumps)
    return kept
