"""Requests of the DynamoDB protocol, good and malformed, in an order: each sees what those before it did."""
import random
import string

S, N, B = (lambda text: {"S": text}), (lambda number: {"N": str(number)}), (lambda base64: {"B": base64})
L, M = (lambda *items: {"L": list(items)}), (lambda **members: {"M": members})
ALL_TYPES = {"s": S("text"), "n": N(12.5), "b": B("YWJj"), "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2.5"]},
             "bs": {"BS": ["YQ==", "Yg=="]}, "t": {"BOOL": True}, "f": {"BOOL": False}, "z": {"NULL": True},
             "l": L(N(1), S("two"), L(N(3)), M(k=S("v"))), "m": M(a=N(1), b=M(c=L(N(7), N(8))))}


def schema(name, keys, **more):
    """CreateTable of keys "p:S r:N"; an index is "name p:S r:N PROJECTION included…"."""
    types = {}

    def elements(words):
        pairs = [word.split(":") for word in words if ":" in word]
        types.update(pairs)
        return [{"AttributeName": key, "KeyType": role} for (key, _), role in zip(pairs, ("HASH", "RANGE"))]

    request = {"TableName": name, "BillingMode": "PAY_PER_REQUEST", "KeySchema": elements(keys.split())}
    for member in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        for index in more.get(member, ()):
            words = index.split()
            plain = [word for word in words if ":" not in word]
            projection = {"ProjectionType": plain[1]} | ({"NonKeyAttributes": plain[2:]} if plain[2:] else {})
            request.setdefault(member, []).append(
                {"IndexName": plain[0], "KeySchema": elements(words), "Projection": projection})
    request["AttributeDefinitions"] = [{"AttributeName": key, "AttributeType": kind} for key, kind in types.items()]
    return request


def tables():
    yield "CreateTable", schema("Tab", "p:S")
    good = schema("Xxx", "p:S r:N")
    for change in (
            {"TableName": None}, {"TableName": "a"}, {"TableName": "a b c"}, {"TableName": "x" * 256},
            {"KeySchema": None}, {"KeySchema": []}, {"AttributeDefinitions": None}, {"AttributeDefinitions": []},
            {"KeySchema": [{"AttributeName": "p", "KeyType": "RANGE"}]},
            {"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "HASH"}]},
            {"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "p", "KeyType": "RANGE"}]},
            {"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}]},
            {"KeySchema": [{"AttributeName": "q", "KeyType": "HASH"}]},
            {"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "M"},
                                      {"AttributeName": "r", "AttributeType": "N"}]},
            {"BillingMode": None}, {"BillingMode": "FREE"},
            {"BillingMode": "PROVISIONED"},
            {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}},
            {"BillingMode": None, "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 1}},
            {"GlobalSecondaryIndexes": []}, {"LocalSecondaryIndexes": []}):
        yield "CreateTable", {name: value for name, value in (good | change).items() if value is not None}
    for index in ("ggg q:S WRONG", "ggg q:S INCLUDE", "ggg q:S ALL v", "gg q:S ALL"):
        yield "CreateTable", schema("Xxx", "p:S r:N", GlobalSecondaryIndexes=[index])
    yield "CreateTable", schema("Xxx", "p:S r:N", GlobalSecondaryIndexes=["ggg r:N ALL", "ggg p:S ALL"])
    yield "CreateTable", schema("Xxx", "p:S r:N", LocalSecondaryIndexes=["lll q:S r:N ALL"])
    yield "CreateTable", schema("Xxx", "p:S r:N", LocalSecondaryIndexes=["lll p:S ALL"])
    yield "CreateTable", schema("Xxx", "p:S", LocalSecondaryIndexes=["lll p:S r:N ALL"])
    for operation in ("DescribeTable", "DeleteTable"):
        for request in ({}, {"TableName": "a"}, {"TableName": "None"}, {"TableName": "x y z"}):
            yield operation, request
    for request in ({}, {"Limit": 1}, {"Limit": 0}, {"Limit": 101}, {"ExclusiveStartTableName": "R"}):
        yield "ListTables", request


def items():
    put = lambda **item: ("PutItem", {"TableName": "Tab", "Item": {"p": S("a")} | item})
    yield "PutItem", {"TableName": "Tab", "Item": {"p": S("all")} | ALL_TYPES}
    yield "GetItem", {"TableName": "Tab", "Key": {"p": S("all")}}
    for request in ({}, {"TableName": "Tab"}, {"TableName": "None", "Item": {}}, {"TableName": "Tab", "Item": {}},
                    {"TableName": "Tab", "Item": {"p": N(1)}}, {"TableName": "Tab", "Item": {"p": S("")}},
                    {"TableName": "Tab", "Item": {"p": S("x" * 2048)}}, {"TableName": "Tab", "Item": {"p": S("x" * 2049)}},
                    {"TableName": "a", "Item": {"p": S("a")}}, {"TableName": "Tab", "Item": {"q": S("a")}},
                    {"TableName": "Tab", "Item": {"p": S("a"), "": S("a")}},
                    {"Item": {"p": S("a")}}, {"TableName": "Nothing", "Item": {"p": S("a")}},
                    {"TableName": "Tab", "Item": {"p": S("a")}, "ReturnValues": "ALL_NEW"},
                    {"TableName": "Tab", "Item": {"p": S("a")}, "ReturnValues": "WHAT"},
                    {"TableName": "Tab", "Item": {"p": S("a")}, "ReturnValues": "UPDATED_OLD"},
                    {"TableName": "Tab", "Item": {"p": S("a")}, "ReturnConsumedCapacity": "WHAT"},
                    {"TableName": "Tab", "Item": {"p": S("a")}, "ReturnItemCollectionMetrics": "WHAT"},
                    {"TableName": "Tab", "Item": {"p": S("a")}, "ReturnValuesOnConditionCheckFailure": "WHAT"},
                    {"TableName": "Tab", "Item": {"p": S("a")}, "ReturnConsumedCapacity": "TOTAL"},
                    {"TableName": "Tab", "Item": {"p": S("a")}, "ReturnConsumedCapacity": "INDEXES"},
                    {"TableName": "Tab", "Item": {"p": S("a"), "n": N(1)}, "ReturnValues": "ALL_OLD"},
                    {"TableName": "Tab", "Item": {"p": S("a")}, "ReturnValues": "ALL_OLD"}):
        yield "PutItem", request
    for number in ("1", "01", "+1", "-1", "1.0", "1e3", "1E+3", "1e-3", ".5", "5.", "-.5", "0", "-0", "0.00", "1e125",
                   "9.9e125", "1e126", "1e-130", "1e-131", "-1e126", "0e500", "1" * 38, "1" * 39, "1" + "0" * 40,
                   "0." + "0" * 20 + "1" * 38, "1." + "1" * 38, "", " 1", "1 ", "1e", "e1", "--1", "0x10", "NaN",
                   "Infinity", "1_0", "1,0", "one", "١", "123456789012345678901234567890.12345678",
                   "99999999999999999999999999999999999999e87", "99999999999999999999999999999999999999e88"):
        yield put(n={"N": number})
        yield "GetItem", {"TableName": "Tab", "Key": {"p": S("a")}}
    for value in ({"SS": []}, {"NS": []}, {"BS": []}, {"SS": ["a", "a"]}, {"NS": ["1", "1.0"]}, {"BS": ["YQ==", "YQ=="]},
                  {"SS": [""]}, {"NS": [""]}, {"NS": ["x"]}, {"S": ""}, {"B": ""}, {"BS": [""]}, {"L": []}, {"M": {}},
                  {"NULL": False}, {"NULL": True}, {"BOOL": False}, {}, {"S": "a", "N": "1"}, {"X": "a"},
                  {"M": {"": S("a")}}, {"L": [{}]}, {"L": [{"SS": []}]}, {"M": {"a": {"N": "x"}}}, {"SS": ["b", "a", "c"]},
                  {"NS": ["3", "-1", "2.50", "1e2"]}, {"S": "é\u0000\U0001f600"}, {"B": "YQ"}, {"B": "!!!!"}):
        yield put(v=value)
        yield "GetItem", {"TableName": "Tab", "Key": {"p": S("a")}}
    for depth in (31, 32, 33):
        value = S("deep")
        for _ in range(depth):
            value = L(value)
        yield put(v=value)
        value = S("deep")
        for _ in range(depth):
            value = M(m=value)
        yield put(v=value)
    for size in (409600 - 3, 409600 - 2):
        yield put(v=S("x" * (size - 0)))
    yield put(v=L(*[N(1)] * 1000), w=S("x" * 4000))
    yield "GetItem", {"TableName": "Tab", "Key": {"p": S("a")}, "ReturnConsumedCapacity": "TOTAL"}
    yield "GetItem", {"TableName": "Tab", "Key": {"p": S("a")}, "ReturnConsumedCapacity": "TOTAL", "ConsistentRead": True,
                      "ProjectionExpression": "w"}
    for operation in ("GetItem", "DeleteItem", "UpdateItem"):
        for request in ({}, {"TableName": "Tab"}, {"Key": {"p": S("a")}}, {"TableName": "Tab", "Key": {}},
                        {"TableName": "Tab", "Key": {"p": N(1)}}, {"TableName": "Tab", "Key": {"q": S("a")}},
                        {"TableName": "Tab", "Key": {"p": S("")}}, {"TableName": "Tab", "Key": {"p": S("x" * 2049)}},
                        {"TableName": "Tab", "Key": {"p": S("a"), "q": S("b")}}, {"TableName": "Nothing", "Key": {"p": S("a")}},
                        {"TableName": "Rng", "Key": {"p": S("a")}}, {"TableName": "Rng", "Key": {"p": S("a"), "r": S("b")}},
                        {"TableName": "Tab", "Key": {"p": {"N": "x"}}}, {"TableName": "Tab", "Key": {"p": {}}},
                        {"TableName": "Tab", "Key": {"p": S("none")}},
                        {"TableName": "Tab", "Key": {"p": S("a")}, "ReturnConsumedCapacity": "BAD"}):
            yield operation, request
    for values in ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"):
        yield "DeleteItem", {"TableName": "Tab", "Key": {"p": S("none")}, "ReturnValues": values}
    for projection in ("p", "p,p", "p, p.a", "p[0], p.a", "", " ", "p,", "size", "s, n", "m.a, m.b.c[1]", "l[0], l[3].k",
                       "l[9]", "m.b, m.b.c", "#n", "m.#a", "m..a", "m.", "l[", "l[x]", "l[-1]", "l[1", "1a", "a-b", "a b",
                       "l[99999999999]", ":v", "name", "m.name", "m.b.c[0], m.b.c[1]", "l[2][0], l[0]", "l[3], l[1]",
                       "_a", "a" * 300, "m", "m, s, ss, ns, bs, b, t, f, z", "s.x", "s[0]", "(s)", "s + n", "*"):
        yield "GetItem", {"TableName": "Tab", "Key": {"p": S("all")}, "ProjectionExpression": projection}
    for names in ({"#n": "name"}, {"#s": "s"}, {"#s": "s", "#u": "unused"}, {"s": "s"}, {"#": "s"}, {"#s": ""}, {},
                  {"#s-x": "s"}, {"#s": "m.a"}):
        yield "GetItem", {"TableName": "Tab", "Key": {"p": S("all")}, "ProjectionExpression": "#s",
                          "ExpressionAttributeNames": names}
    yield "GetItem", {"TableName": "Tab", "Key": {"p": S("all")}, "ExpressionAttributeNames": {"#s": "s"}}
    yield "GetItem", {"TableName": "Tab", "Key": {"p": S("all")}, "AttributesToGet": ["s", "n", "none"]}
    yield "GetItem", {"TableName": "Tab", "Key": {"p": S("all")}, "AttributesToGet": []}
    yield "GetItem", {"TableName": "Tab", "Key": {"p": S("all")}, "AttributesToGet": ["s", "s"]}
    yield "GetItem", {"TableName": "Tab", "Key": {"p": S("all")}, "AttributesToGet": ["s"], "ProjectionExpression": "n"}


VALUES = {":n": N(12.5), ":one": N(1), ":s": S("text"), ":t": S("te"), ":b": B("YWJj"), ":ss": {"SS": ["a"]},
          ":ns": {"NS": ["1", "2.5"]}, ":true": {"BOOL": True}, ":null": {"NULL": True}, ":l": L(N(1)),
          ":m": M(a=N(1), b=M(c=L(N(7), N(8)))), ":bs": {"BS": ["YQ=="]}, ":e": S(""), ":S": S("S"), ":two": N(2)}
CONDITIONS = (
    "s = :s", "s <> :s", "s < :s", "s <= :s", "s > :t", "s >= :s", "none = :s", "none <> :s", "none < :s", ":s = s", ":s = :s",
    ":s = :t", "s = s", "s = n", "m = :m", "m.a = :one", "l[0] = :one", "l[9] = :one", "l[9] <> :one", "n = :n", "n < :one",
    "b = :b", "b < :b", "ss = :ss", "ns = :ns", "ss < :ss", "t = :true", "t < :true", "z = :null", "z < :null", "l = :l",
    "l < :l", "m < :m", "not s = :s", "NOT s = :s", "not not s = :s", "NOT (s = :s)", "(s = :s)", "((s = :s))",
    "(s) = :s", "(s = :s", "s = :s)", "s = (:s)", "s = :s and n = :n", "s = :s AND n = :one OR n = :n",
    "s = :t or n = :n and t = :true", "s = :s and", "and s = :s", "s = :s n = :n", "s :s", "s =", "= :s", "s == :s",
    "s != :s", "s = 'text'", "s = 5", "s = text", "s between :t and :s", "s BETWEEN :t AND :s", "s between :s and :t",
    "n between :one and :n", "n between :one and :s", "n between :n", "n between :one or :n", "n not between :one and :n",
    "n between l[0] and :n", ":one between n and n", "ss between :ss and :ss", "s in (:s)", "s IN (:t, :s)", "s in ()", "s in :s",
    "s in (:s,)", "s in (n, s)", "s in (:n)", "m in (:m)", "none in (:s)", "s not in (:s)",
    "attribute_exists(s)", "attribute_exists(none)", "attribute_not_exists(s)", "attribute_not_exists(none)",
    "attribute_exists(:s)", "attribute_exists(s, n)", "attribute_exists()", "attribute_exists(l[0])",
    "attribute_exists(l[9])", "attribute_exists(m.b.c[1])", "attribute_exists(size(s))", "Attribute_Exists(s)",
    "attribute_type(s, :S)", "attribute_type(n, :S)", "attribute_type(none, :S)", "attribute_type(s, :s)",
    "attribute_type(s, :n)", "attribute_type(s, s)", "attribute_type(:s, :S)", "attribute_type(s)",
    "begins_with(s, :t)", "begins_with(s, :s)", "begins_with(n, :t)", "begins_with(s, :n)", "begins_with(b, :b)",
    "begins_with(s, :b)", "begins_with(:s, :t)", "begins_with(s, s)", "begins_with(s, :e)", "begins_with(none, :t)",
    "begins_with(s)", "begins_with(s, :s, :t)", "begins_with(s, :ss)", "begins_with(s, t)",
    "contains(s, :t)", "contains(ss, :t)", "contains(ss, :s)", "contains(ns, :one)", "contains(l, :one)", "contains(l, :s)",
    "contains(s, :one)", "contains(n, :one)", "contains(:s, :t)", "contains(b, :b)", "contains(s, s)", "contains(ss, :ss)",
    "contains(m, :s)", "contains(s, :e)", "contains(none, :s)", "contains(l, :l)",
    "size(s) = :one", "size(s) > :one", "size(n) > :one", "size(ss) = :two", "size(l) > :one", "size(m) = :two",
    "size(b) > :one", "size(t) > :one", "size(z) > :one", "size(none) > :one", "size(none) <> :one", "size(:s) > :one",
    "size(:n) > :one", "size(s)", "size() > :one", "size(s, n) > :one", "size(size(s)) > :one", "size(s) > :s",
    "size(s) between :one and :n", "size(s) in (:one, :two)", "size(s) = size(b)", "size(s) = size(s)", "begins_with(size(s), :t)",
    "s", ":s", "", "  ", "()", "not", "size = :s", "name = :s", "Date = :s", "#s = :s", "#u = :s", "s = :undefined",
    "if_not_exists(s, :s) = :s", "list_append(l, l) = :l", "foo(s)", "foo(s) = :s", "attribute_exists(s) = :true",
    "s = attribute_exists(s)", "attribute_exists(s) and attribute_exists(n) and not attribute_exists(none)",
    "s\n=\t:s", "s=:s", "s=:s AND(n=:n)", "a.b.c.d.e = :s", "l[0][0] = :s", "m.a[0] = :s", "s.a = :s", "s = :s -- x", "s = :s;",
    "n = :one + :one", "n + :one = :n", "$s = :s", "s = @s", "é = :s", "s = :s AND AND n = :n", "s, n", "s < n", "n > l[0]",
    "m.b.c[0] < m.b.c[1]", "attribute_exists (s)", "contains (ss, :t)", "s = :null", "z = :true", "not attribute_exists(none)",
    "NOT s = :t AND NOT n = :one", "(s = :t OR n = :n) AND t = :true", "s IN (" + ", ".join([":s"] * 100) + ")",
    "s IN (" + ", ".join([":s"] * 101) + ")", " AND ".join(["s = :s"] * 151), " AND ".join(["s = :s"] * 150),
    "NOT " * 20 + "s = :s", "(" * 20 + "s = :s" + ")" * 20, "s = :s AND " + "x" * 4100 + " = :s")


def used(expression, given, first):
    """Of the placeholders, those that the expression speaks of."""
    words = "".join(c if c in string.ascii_letters + string.digits + "_#:" else " " for c in expression)
    words = words.replace("#", " #").replace(":", " :").split()
    return {name: value for name, value in given.items() if name in words and name[0] == first}


def with_expression(member, expression, request):
    values = used(expression, VALUES, ":")
    names = used(expression, {"#s": "s", "#n": "name", "#m": "m"}, "#")
    return request | {member: expression} | ({"ExpressionAttributeValues": values} if values else {}) | (
        {"ExpressionAttributeNames": names} if names else {})


def conditions():
    yield "PutItem", {"TableName": "Tab", "Item": {"p": S("all")} | ALL_TYPES}
    check = {"TableName": "Tab", "Key": {"p": S("absent")}}
    for expression in CONDITIONS:
        yield "Query", with_expression("FilterExpression", expression, {
            "TableName": "Tab", "KeyConditionExpression": "p = :p", "ProjectionExpression": "p"}) | {
                "ExpressionAttributeValues": used(expression, VALUES, ":") | {":p": S("all")}}
        yield "DeleteItem", with_expression("ConditionExpression", expression, check)
    for more in ({"ExpressionAttributeValues": {":s": S("a"), ":u": S("b")}}, {"ExpressionAttributeValues": {"s": S("a")}},
                 {"ExpressionAttributeValues": {":s": {}}}, {"ExpressionAttributeValues": {}},
                 {"ExpressionAttributeValues": {":s": {"N": "x"}}}, {"ExpressionAttributeValues": {":s": {"SS": []}}},
                 {"ExpressionAttributeNames": {"#a": "b"}}, {"ExpressionAttributeValues": {":": S("a")}}, {}):
        yield "DeleteItem", check | {"ConditionExpression": "s = :s"} | more
        yield "DeleteItem", check | more
    for on_failure in ("NONE", "ALL_OLD"):
        yield "PutItem", {"TableName": "Tab", "Item": {"p": S("all")}, "ConditionExpression": "attribute_not_exists(p)",
                          "ReturnValuesOnConditionCheckFailure": on_failure}
    yield "Query", {"TableName": "Tab", "KeyConditionExpression": "p = :p", "FilterExpression": "p = :p",
                    "ExpressionAttributeValues": {":p": S("all")}}
    yield "Scan", {"TableName": "Tab", "FilterExpression": "p = :p", "ExpressionAttributeValues": {":p": S("all")}}


UPDATES = (
    "SET s = :s", "set s = :s", "SET s = :s, n = :n", "SET none = :s", "SET m.a = :s", "SET m.x = :s", "SET none.x = :s",
    "SET l[0] = :s", "SET l[9] = :s", "SET l[9] = :s, l[7] = :t", "SET l[0][0] = :s", "SET l[2][0] = :s", "SET s.x = :s",
    "SET s[0] = :s", "SET m[0] = :s", "SET l.x = :s", "SET p = :s", "SET p.x = :s", "SET n = n + :one", "SET n = n - :one",
    "SET n = :one - n", "SET n = :one + :two", "SET n = n + s", "SET n = n + :s", "SET n = s + :one", "SET n = none + :one",
    "SET n = n + :one + :one", "SET n = (n + :one)", "SET n = n * :one", "SET n = l[0] + m.a", "SET n = if_not_exists(n, :one)",
    "SET n = if_not_exists(none, :one) + :one", "SET n = if_not_exists(none, s)", "SET n = if_not_exists(none, none)",
    "SET n = if_not_exists(:n, :one)", "SET n = if_not_exists(n)", "SET l = list_append(l, :l)", "SET l = list_append(:l, l)",
    "SET l = list_append(l, :s)", "SET l = list_append(s, :l)", "SET l = list_append(none, :l)", "SET l = list_append(:l, :l)",
    "SET l = list_append(if_not_exists(none, :l), :l)", "SET l = list_append(l)", "SET s = n, n = s", "SET s = none",
    "SET s = size(s)", "SET s = attribute_exists(s)", "SET s = foo(s)", "SET", "SET s", "SET s =", "SET = :s", "SET s = :s,",
    "SET s = :s SET n = :n", "s = :s", "", "  ", "SET s = :s REMOVE n", "REMOVE n SET s = :s", "REMOVE n, s", "REMOVE none",
    "REMOVE l[0]", "REMOVE l[0], l[1]", "REMOVE l[9]", "REMOVE m.a", "REMOVE m.b.c[0]", "REMOVE none.x", "REMOVE s.x", "REMOVE p",
    "REMOVE", "REMOVE n,", "REMOVE :s", "REMOVE m, m.a", "SET m = :m, m.a = :one", "SET m.a = :one, m[0] = :one", "SET s = :s, s = :t",
    "SET s = :s REMOVE s", "SET l[0] = :s REMOVE l[1]", "SET l[2] = :s REMOVE l[0]",
    "ADD n :one", "ADD none :one", "ADD s :one", "ADD n :s", "ADD ss :ss", "ADD ss :ns", "ADD none :ss", "ADD l :l", "ADD m.a :one",
    "ADD m.x :one", "ADD none.x :one", "ADD n n", "ADD n = :one", "ADD n :one, m.a :one", "ADD p :one", "ADD n :ns", "ADD ns :one",
    "ADD l[0] :one", "ADD l[9] :one", "ADD bs :bs", "ADD z :one", "ADD n",
    "DELETE ss :ss", "DELETE ss :ns", "DELETE none :ss", "DELETE n :one", "DELETE s :ss", "DELETE ns :ns", "DELETE m.x :ss",
    "DELETE none.x :ss", "DELETE ss :s", "DELETE ss", "DELETE p :ss", "DELETE bs :bs",
    "SET s = :s ADD n :one DELETE ss :ss REMOVE l", "ADD n :one ADD m.a :one", "UPDATE s = :s", "SET #s = :s", "SET #u = :s",
    "SET name = :s", "SET s = :undefined", "SET size = :s", "SET s = :s AND n = :n", "SET s = :s; REMOVE n", "SET m.b.c[1] = m.b.c[0]",
    "SET m = m.b", "SET m.b = m", "SET l = ss", "SET #m.a = :one", "SET e = :e", "SET s = :s n = :n", "SET s :s", "REMOVE s = :s",
    "SET l[1] = :s, l[0] = :t", "SET x.y.z = :s", "SET l[3].k = :s", "SET l[3].new = :s", "SET n = -n", "SET n = n +", "SET n = n+:one",
    "SET n=n-:one", "set n = N + :one", "remove n add m.a :one", "SET ss = :ss", "SET z = :null, t = :true, b = :b",
    ", ".join(["SET s0 = :s"] + [f"s{i} = :s" for i in range(1, 299)]), ", ".join(["SET s0 = :s"] + [f"s{i} = :s" for i in range(1, 320)]))


def updates():
    place = {"TableName": "Tab", "Key": {"p": S("u")}}
    for number, expression in enumerate(UPDATES):
        yield "PutItem", {"TableName": "Tab", "Item": {"p": S("u")} | ALL_TYPES}
        values = ("ALL_NEW", "UPDATED_NEW", "UPDATED_OLD")[number % 3]
        yield "UpdateItem", with_expression("UpdateExpression", expression, place | {"ReturnValues": values})
        yield "GetItem", place
    for expression in ("SET s = :s", "REMOVE s", "ADD n :one", "DELETE ss :ss", "SET s = n", "SET m.a = :s", "SET n = n + :one",
                       "SET n = if_not_exists(n, :one)", "REMOVE m.a", None):
        for values in ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW", "BAD"):
            yield "DeleteItem", place
            request = place | {"ReturnValues": values}
            yield "UpdateItem", with_expression("UpdateExpression", expression, request) if expression else request
            yield "GetItem", place
    for number in ("9" * 38, "1e-130", "9.9e125", "-9.9e125"):
        for other in ("1", "1e-38", "9.9e125", "-9.9e125", "-1e-130", "1e-100"):
            yield "PutItem", {"TableName": "Tab", "Item": {"p": S("u"), "n": N(number)}}
            yield "UpdateItem", place | {"UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": N(other)},
                                         "ReturnValues": "ALL_NEW"}
    key = {"TableName": "Rng", "Key": {"p": S("a"), "r": N(1)}}
    for expression in ("SET r = :one", "REMOVE r", "SET p = :s, r = :one", "SET d = :s", "SET d = :one", "SET d = :e", "SET w = :one",
                       "REMOVE d", "SET w = :s"):
        yield "UpdateItem", with_expression("UpdateExpression", expression, key | {"ReturnValues": "ALL_NEW"})


def reads():
    for p in ("a", "b"):
        for r in range(5):
            yield "PutItem", {"TableName": "Rng", "Item": {"p": S(p), "r": N(r), "d": S("day"), "v": N(r * 10), "w": S(f"w{9 - r}"),
                                                          "x": S("extra")}}
    yield "PutItem", {"TableName": "Rng", "Item": {"p": S("a"), "r": N(9)}}
    for item in ({"d": N(1)}, {"d": S("")}, {"w": N(1)}, {"w": S("")}, {"d": S("x" * 2049)}, {"w": S("x" * 1025)}, {"d": {"NULL": True}}):
        yield "PutItem", {"TableName": "Rng", "Item": {"p": S("a"), "r": N(1)} | item}
    base = {"TableName": "Rng"}
    values = {":a": S("a"), ":z": S("zz"), ":n1": N(1), ":n3": N(3), ":w": S("w"), ":day": S("day"), ":e": S(""), ":w7": S("w7")}
    for condition in ("p = :a", "p = :z", "p = :n1", "p = :e", "p = :a and r = :n1", "p = :a and r < :n1", "p = :a and r <= :n1",
                      "p = :a and r > :n1", "p = :a and r >= :n1", "p = :a and r between :n1 and :n3", "p = :a and r between :n3 and :n1",
                      "p = :a and begins_with(r, :w)", "p = :a and r = :w", "r = :n1", "p > :a", "p = :a or r = :n1", "not p = :a",
                      "p = :a and not r = :n1", "p = :a and r <> :n1", "p = :a and r in (:n1)", "p = :a and p = :z",
                      "p = :a and r > :n1 and r < :n3", "p = :a and v = :n1", "p = :a and attribute_exists(r)", "p = :a and contains(r, :w)",
                      "p.x = :a", "p[0] = :a", ":a = p", ":a = p and :n1 < r", "p = r", "p = :a and r = v", "(p = :a) and (r = :n1)",
                      "(p = :a and r = :n1)", "r = :n1 and p = :a", "size(p) = :n1", "p = :a and size(r) = :n1", "p between :a and :z", "",
                      "p", "p = :a and", "p = :undefined", "p = :a and r = :n1 and v = :n3", "begins_with(p, :a)", "p in (:a)", "r > :n1",
                      "p = :a and p > :a", "p = :a and r = r", "attribute_exists(p)", "x = :a", "x = :a and r = :n1", "p = :a AND r > :n1"):
        yield "Query", base | {"KeyConditionExpression": condition,
                               "ExpressionAttributeValues": used(condition, values, ":") or {":a": S("a")}}
    for index in ("all", "keys", "some", "own", "none"):
        for condition in ("d = :day", "d = :day and r > :n1", "d = :day and r <= :n3", "p = :a", "p = :a and w > :w7",
                          "p = :a and begins_with(w, :w)", "p = :a and w = :w7", "d = :day and r = :n1", "r = :n1"):
            yield "Query", base | {"IndexName": index, "KeyConditionExpression": condition,
                                   "ExpressionAttributeValues": used(condition, values, ":")}
    day = {"KeyConditionExpression": "d = :day", "ExpressionAttributeValues": {":day": S("day")}}
    one = {"KeyConditionExpression": "p = :a", "ExpressionAttributeValues": {":a": S("a")}}
    for request in ({}, one, one | {"Limit": 2}, one | {"Limit": 0}, one | {"Limit": -1}, one | {"ScanIndexForward": False},
                    one | {"Limit": 6}, one | {"Limit": 5, "ScanIndexForward": False}, one | {"Select": "COUNT"},
                    one | {"Select": "ALL_PROJECTED_ATTRIBUTES"}, one | {"Select": "SPECIFIC_ATTRIBUTES"}, one | {"Select": "BAD"},
                    one | {"Select": "ALL_ATTRIBUTES", "ProjectionExpression": "v"}, one | {"Select": "COUNT", "ProjectionExpression": "v"},
                    one | {"Select": "SPECIFIC_ATTRIBUTES", "ProjectionExpression": "v"}, one | {"ProjectionExpression": "v, r", "Limit": 2},
                    one | {"ConsistentRead": True, "ReturnConsumedCapacity": "TOTAL"}, one | {"ReturnConsumedCapacity": "INDEXES"},
                    day | {"IndexName": "all", "ConsistentRead": True}, day | {"IndexName": "all", "Select": "ALL_ATTRIBUTES"},
                    day | {"IndexName": "keys", "Select": "ALL_ATTRIBUTES"}, day | {"IndexName": "keys", "ProjectionExpression": "v"},
                    day | {"IndexName": "some", "ProjectionExpression": "v, x"}, day | {"IndexName": "keys", "Select": "COUNT"},
                    day | {"IndexName": "all", "ReturnConsumedCapacity": "INDEXES"}, day | {"IndexName": "keys", "Select": "ALL_PROJECTED_ATTRIBUTES"},
                    one | {"IndexName": "own", "Select": "ALL_ATTRIBUTES"}, one | {"IndexName": "own", "ProjectionExpression": "x, p"},
                    one | {"IndexName": "own", "ConsistentRead": True}, one | {"IndexName": "own", "Select": "ALL_ATTRIBUTES", "ReturnConsumedCapacity": "INDEXES"},
                    one | {"IndexName": "own", "FilterExpression": "w > :w", "ExpressionAttributeValues": {":a": S("a"), ":w": S("w6")}},
                    one | {"FilterExpression": "v > :v", "ExpressionAttributeValues": {":a": S("a"), ":v": N(15)}, "Limit": 3},
                    one | {"FilterExpression": "r > :v", "ExpressionAttributeValues": {":a": S("a"), ":v": N(15)}},
                    one | {"ExclusiveStartKey": {"p": S("a"), "r": N(2)}}, one | {"ExclusiveStartKey": {"p": S("a"), "r": N(2)}, "ScanIndexForward": False},
                    one | {"ExclusiveStartKey": {"p": S("b"), "r": N(2)}}, one | {"ExclusiveStartKey": {"p": S("a")}},
                    one | {"ExclusiveStartKey": {"p": S("a"), "r": S("x")}}, one | {"ExclusiveStartKey": {}},
                    one | {"ExclusiveStartKey": {"p": S("a"), "r": N(2), "x": N(1)}},
                    one | {"ExclusiveStartKey": {"p": S("a"), "r": N(2)}, "KeyConditionExpression": "p = :a and r > :r",
                           "ExpressionAttributeValues": {":a": S("a"), ":r": N(3)}},
                    day | {"IndexName": "all", "Limit": 3, "KeyConditionExpression": "d = :day and r = :r", "ExpressionAttributeValues": {":day": S("day"), ":r": N(7)}},
                    day | {"IndexName": "all", "ExclusiveStartKey": {"p": S("a"), "r": N(2)}},
                    day | {"IndexName": "all", "ExclusiveStartKey": {"p": S("b"), "r": N(2), "d": S("other")}},
                    {"KeyConditionExpression": "p = :a", "KeyConditions": {}, "ExpressionAttributeValues": {":a": S("a")}},
                    one | {"QueryFilter": {"v": {"ComparisonOperator": "NULL"}}}, one | {"AttributesToGet": ["v"]}):
        yield "Query", base | request
    for request in ({}, {"Limit": 0}, {"Select": "COUNT"}, {"IndexName": "all", "Select": "COUNT"}, {"IndexName": "none"}, {"Segment": 0}, {"TotalSegments": 2},
                    {"Segment": 2, "TotalSegments": 2}, {"Segment": -1, "TotalSegments": 2}, {"Segment": 0, "TotalSegments": 0},
                    {"Segment": 0, "TotalSegments": 1000001}, {"Segment": 0, "TotalSegments": 1, "Select": "COUNT"}, {"ExclusiveStartKey": {"p": S("a")}},
                    {"ExclusiveStartKey": {}}, {"Select": "BAD"}, {"FilterExpression": ""}, {"ProjectionExpression": ""},
                    {"FilterExpression": "v >= :v", "ExpressionAttributeValues": {":v": N(30)}, "Select": "COUNT", "ReturnConsumedCapacity": "TOTAL"},
                    {"IndexName": "all", "ConsistentRead": True}, {"IndexName": "keys", "Select": "ALL_ATTRIBUTES"},
                    {"ConsistentRead": True, "Select": "COUNT", "ReturnConsumedCapacity": "TOTAL"}, {"ReturnConsumedCapacity": "BAD"}):
        yield "Scan", base | request
    for operation in ("Query", "Scan"):
        for request in ({}, {"TableName": "Nothing", "KeyConditionExpression": "p = :a", "ExpressionAttributeValues": {":a": S("a")}},
                        {"TableName": "a"}, {"TableName": "Nothing"}, {"TableName": "Nothing", "Limit": 0}):
            yield operation, request


def batches():
    put = lambda p, **more: {"PutRequest": {"Item": {"p": S(p)} | more}}
    delete = lambda p: {"DeleteRequest": {"Key": {"p": S(p)}}}
    for requests in (None, {}, {"Tab": []}, {"Tab": [put("x"), delete("y")]}, {"Tab": [put("x"), delete("x")]}, {"Tab": [{}]}, {"None": [put("x")]},
                     {"Tab": [put("x") | delete("y")]}, {"Tab": [put(f"x{i}") for i in range(25)]}, {"Tab": [put(f"x{i}") for i in range(26)]},
                     {"Tab": [put("x", v={"N": "x"})]}, {"Tab": [{"PutRequest": {"Item": {}}}]}, {"Tab": [{"DeleteRequest": {"Key": {}}}]},
                     {"Tab": [{"PutRequest": {}}]}, {"Tab": [{"DeleteRequest": {"Key": {"p": N(1)}}}]}, {"Tab": [put("")]}, {"a": [put("x")]},
                     {"Tab": [put("x", v={"SS": []})]}, {"Tab": [put("x")], "Rng": [{"PutRequest": {"Item": {"p": S("z")}}}]}):
        yield "BatchWriteItem", {"RequestItems": requests} if requests is not None else {}
    yield "BatchWriteItem", {"RequestItems": {"Tab": [put("x"), delete("x1")]}, "ReturnConsumedCapacity": "TOTAL"}
    keys = lambda *names, **more: {"Keys": [{"p": S(name)} for name in names]} | more
    for requests in (None, {}, {"Tab": {}}, {"Tab": keys()}, {"Tab": keys("x", "none")}, {"Tab": keys("x", "x")}, {"None": keys("x")},
                     {"Tab": keys(*[f"k{i}" for i in range(100)])}, {"Tab": keys(*[f"k{i}" for i in range(101)])}, {"Tab": keys("x", ProjectionExpression="p")},
                     {"Tab": keys("x", ProjectionExpression="")}, {"Tab": {"Keys": [{"p": N(1)}]}}, {"Tab": {"Keys": [{}]}}, {"Tab": keys("x", AttributesToGet=["p"])},
                     {"Tab": keys("x", AttributesToGet=["p"], ProjectionExpression="p")}, {"Tab": keys("")}):
        yield "BatchGetItem", {"RequestItems": requests} if requests is not None else {}
    yield "BatchGetItem", {"RequestItems": {"Tab": keys("x")}, "ReturnConsumedCapacity": "TOTAL"}
    t = lambda kind, p="t", **more: {kind: {"TableName": "Tab"} | ({"Item": {"p": S(p)}} if kind == "Put" else {"Key": {"p": S(p)}}) | more}
    for actions in (None, [], [{}], [t("Put")], [t("Put"), t("Put")], [t("Put") | t("Delete")], [t("Delete", "none")], [t("ConditionCheck")],
                    [t("ConditionCheck", ConditionExpression="attribute_exists(p)")], [t("ConditionCheck", ConditionExpression="attribute_not_exists(p)")],
                    [t("Put", "n1"), t("ConditionCheck", ConditionExpression="attribute_not_exists(p)", ReturnValuesOnConditionCheckFailure="ALL_OLD")],
                    [t("Update", UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": N(1)})], [t("Update")],
                    [t("Update", UpdateExpression="SET v = s", )], [t("Update", UpdateExpression="SET p = :v", ExpressionAttributeValues={":v": N(1)})],
                    [t("Put", "n1"), t("Update", UpdateExpression="ADD p2 :v, v :s", ExpressionAttributeValues={":v": N(1), ":s": {"SS": ["a"]}})],
                    [t("Update", UpdateExpression="SET", )], [t("Put", "")], [{"Put": {"TableName": "None", "Item": {"p": S("a")}}}], [{"Put": {"TableName": "Tab", "Item": {}}}],
                    [t("Put", f"t{i}") for i in range(100)], [t("Put", f"t{i}") for i in range(101)], [{"Get": {"TableName": "Tab", "Key": {"p": S("x")}}}],
                    [t("Delete"), t("Put", "o", ConditionExpression="attribute_exists(none)")], [t("Put", "k", ConditionExpression="bad(")]):
        yield "TransactWriteItems", {"TransactItems": actions} if actions is not None else {}
        yield "GetItem", {"TableName": "Tab", "Key": {"p": S("t")}}
    yield "TransactWriteItems", {"TransactItems": [t("Put"), t("Put", "t2")], "ReturnConsumedCapacity": "TOTAL"}
    token = {"ClientRequestToken": "token-1", "ReturnConsumedCapacity": "TOTAL"}
    add = lambda n: [t("Update", "count", UpdateExpression="ADD n :n", ExpressionAttributeValues={":n": N(n)})]
    for request in (token | {"TransactItems": add(1)}, token | {"TransactItems": add(1)}, token | {"TransactItems": add(2)},
                    {"ClientRequestToken": "", "TransactItems": add(1)}, {"ClientRequestToken": "x" * 37, "TransactItems": add(1)}):
        yield "TransactWriteItems", request
        yield "GetItem", {"TableName": "Tab", "Key": {"p": S("count")}}
    get = lambda p, **more: {"Get": {"TableName": "Tab", "Key": {"p": S(p)}} | more}
    for actions in (None, [], [{}], [get("t")], [get("t"), get("none")], [get("t"), get("t")], [get("t", ProjectionExpression="v")], [{"Get": {"TableName": "None", "Key": {"p": S("a")}}}],
                    [get("")], [{"Get": {"TableName": "Tab", "Key": {}}}], [t("Put")], [get(f"t{i}") for i in range(101)]):
        yield "TransactGetItems", {"TransactItems": actions} if actions is not None else {}
    yield "TransactGetItems", {"TransactItems": [get("t")], "ReturnConsumedCapacity": "TOTAL"}


def older():
    """The conditional parameters from before there were expressions."""
    yield "PutItem", {"TableName": "Tab", "Item": {"p": S("old")} | ALL_TYPES}
    place = {"TableName": "Tab", "Key": {"p": S("old")}}
    tests = [("EQ", [S("text")]), ("NE", [S("text")]), ("LT", [S("u")]), ("LE", [S("text")]), ("GT", [S("a")]), ("GE", [S("z")]), ("NULL", None), ("NOT_NULL", None),
             ("NOT_NULL", [S("a")]), ("CONTAINS", [S("ex")]), ("NOT_CONTAINS", [S("ex")]), ("BEGINS_WITH", [S("te")]), ("BEGINS_WITH", [N(1)]), ("IN", [S("text"), S("b")]),
             ("IN", []), ("IN", [{"SS": ["a"]}]), ("BETWEEN", [S("a"), S("z")]), ("BETWEEN", [S("z"), S("a")]), ("BETWEEN", [S("a")]), ("BETWEEN", [S("a"), N(1)]), ("EQ", []), ("EQ", None), ("EQ", [S("a"), S("b")]),
             ("LT", [{"SS": ["a"]}]), ("BAD", [S("a")]), (None, [S("a")]), ("CONTAINS", [{"SS": ["a"]}]), ("EQ", [{"N": "x"}]), ("LT", [L()]), ("EQ", [L()])]
    for operator, values in tests:
        test = ({"ComparisonOperator": operator} if operator else {}) | ({"AttributeValueList": values} if values is not None else {})
        for name in ("s", "none"):
            yield "DeleteItem", {"TableName": "Tab", "Key": {"p": S("absent")}, "Expected": {name: test}}
            yield "PutItem", {"TableName": "Tab", "Item": {"p": S("old")} | ALL_TYPES, "Expected": {name: test}}
            yield "Scan", {"TableName": "Tab", "ScanFilter": {name: test, "t": {"ComparisonOperator": "EQ", "AttributeValueList": [{"BOOL": True}]}}, "Select": "COUNT"}
        yield "Query", {"TableName": "Tab", "KeyConditions": {"p": test}, "Select": "COUNT"}
        yield "Query", {"TableName": "Rng", "KeyConditions": {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [S("a")]}, "r": test}, "Select": "COUNT"}
    for expected in ({"s": {"Value": S("text")}}, {"s": {"Value": S("x")}}, {"s": {"Exists": False}}, {"none": {"Exists": False}}, {"s": {"Exists": True}}, {"s": {"Exists": True, "Value": S("text")}},
                     {"s": {"Exists": False, "Value": S("text")}}, {"s": {}}, {}, {"s": {"Value": S("a"), "ComparisonOperator": "EQ"}}, {"s": {"Exists": True, "ComparisonOperator": "NULL"}},
                     {"s": {"Value": S("text")}, "n": {"Value": N(1)}}, {"": {"Exists": False}}):
        for more in ({}, {"ConditionalOperator": "OR"}, {"ConditionalOperator": "AND"}):
            yield "PutItem", {"TableName": "Tab", "Item": {"p": S("old")} | ALL_TYPES, "Expected": expected} | more
    yield "PutItem", {"TableName": "Tab", "Item": {"p": S("old")}, "ConditionalOperator": "OR"}
    yield "PutItem", {"TableName": "Tab", "Item": {"p": S("old")}, "Expected": {"s": {"Exists": False}, "n": {"Exists": False}}, "ConditionalOperator": "BAD"}
    yield "PutItem", {"TableName": "Tab", "Item": {"p": S("old")}, "Expected": {"s": {"Exists": False}}, "ConditionExpression": "attribute_exists(s)"}
    for change in ({"s": {"Value": S("new")}}, {"s": {"Value": S("new"), "Action": "PUT"}}, {"s": {"Action": "DELETE"}}, {"none": {"Action": "DELETE"}}, {"ss": {"Action": "DELETE", "Value": {"SS": ["a"]}}},
                   {"ss": {"Action": "DELETE", "Value": {"SS": ["a", "b"]}}}, {"ss": {"Action": "ADD", "Value": {"SS": ["c"]}}}, {"n": {"Action": "ADD", "Value": N(1)}}, {"new": {"Action": "ADD", "Value": N(1)}},
                   {"l": {"Action": "ADD", "Value": L(N(5))}}, {"s": {"Action": "ADD", "Value": S("a")}}, {"s": {"Action": "ADD"}}, {"s": {"Action": "PUT"}}, {"s": {"Action": "BAD", "Value": S("a")}}, {"s": {}}, {},
                   {"p": {"Action": "PUT", "Value": S("a")}}, {"n": {"Action": "DELETE", "Value": N(1)}}, {"s": {"Action": "ADD", "Value": N(1)}}, {"new": {"Action": "ADD", "Value": L(N(5))}},
                   {"new": {"Action": "ADD", "Value": S("x")}}, {"ss": {"Action": "DELETE", "Value": {"NS": ["1"]}}}, {"s": {"Action": "DELETE", "Value": {"SS": ["a"]}}}, {"z": {"Action": "PUT", "Value": {"SS": []}}}):
        for values in ("ALL_NEW", "UPDATED_OLD"):
            yield "PutItem", {"TableName": "Tab", "Item": {"p": S("old")} | ALL_TYPES}
            yield "UpdateItem", place | {"AttributeUpdates": change, "ReturnValues": values}
    yield "UpdateItem", place | {"AttributeUpdates": {"s": {"Action": "DELETE"}}, "UpdateExpression": "REMOVE n"}
    yield "UpdateItem", place | {"AttributeUpdates": {"s": {"Action": "DELETE"}}, "ConditionExpression": "attribute_exists(p)"}
    yield "UpdateItem", place | {"Expected": {"s": {"Exists": False}}, "UpdateExpression": "REMOVE n"}
    equal = {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [S("a")]}}
    for request in ({"KeyConditions": equal}, {"KeyConditions": equal, "FilterExpression": "attribute_exists(v)"}, {"KeyConditions": equal, "AttributesToGet": ["v"], "Limit": 2}, {"KeyConditions": {}},
                    {"KeyConditions": equal | {"r": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [N(1), N(3)]}}}, {"KeyConditions": {"r": {"ComparisonOperator": "EQ", "AttributeValueList": [N(1)]}}},
                    {"KeyConditions": equal | {"v": {"ComparisonOperator": "EQ", "AttributeValueList": [N(1)]}}}, {"KeyConditions": equal, "QueryFilter": {"v": {"ComparisonOperator": "GT", "AttributeValueList": [N(15)]}}},
                    {"KeyConditions": equal, "QueryFilter": {"v": {"ComparisonOperator": "GT", "AttributeValueList": [N(15)]}, "w": {"ComparisonOperator": "NULL"}}, "ConditionalOperator": "OR"},
                    {"KeyConditions": equal, "QueryFilter": {"r": {"ComparisonOperator": "GT", "AttributeValueList": [N(1)]}}}, {"KeyConditions": equal, "ProjectionExpression": "v"},
                    {"KeyConditions": equal, "AttributesToGet": ["v"], "ProjectionExpression": "v"}, {"KeyConditions": equal, "AttributesToGet": ["v"], "Select": "COUNT"}):
        yield "Query", {"TableName": "Rng"} | request
    yield "Scan", {"TableName": "Rng", "ScanFilter": {"v": {"ComparisonOperator": "GT", "AttributeValueList": [N(15)]}}, "FilterExpression": "attribute_exists(v)"}


class Maker:
    """Random items and expressions over few names and values, so that they often meet."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def value(self, depth=0):
        kinds = ["S", "N", "N", "B", "SS", "NS", "BOOL", "NULL"] + (["L", "M"] if depth < 3 else [])
        kind = self.random.choice(kinds)
        text = lambda: "".join(self.random.choices("ab", k=self.random.randint(0, 3)))
        number = lambda: self.random.choice(["0", "1", "-1", "1.5", "10", "2e2", "-0.25"])
        return {kind: {"S": text, "N": number, "B": lambda: self.random.choice(["", "YQ==", "YWI=", "Yg=="]),
                       "SS": lambda: sorted({text() for _ in range(3)}), "NS": lambda: sorted({number() for _ in range(2)}),
                       "BOOL": lambda: self.random.random() < 0.5, "NULL": lambda: True,
                       "L": lambda: [self.value(depth + 1) for _ in range(self.random.randint(0, 3))],
                       "M": lambda: {self.random.choice("abc"): self.value(depth + 1) for _ in range(self.random.randint(0, 3))}}[kind]()}

    def path(self):
        path = self.random.choice("abcde")
        while self.random.random() < 0.35:
            path += self.random.choice([".a", ".b", "[0]", "[1]"])
        return path

    def operand(self, values):
        which = self.random.random()
        if which < 0.5:
            return self.path()
        if which < 0.6:
            return f"size({self.path()})"
        name = f":v{len(values)}"
        values[name] = self.value(1)
        return name

    def condition(self, values, depth=0):
        which = self.random.random()
        if depth < 3 and which < 0.35:
            inner = [self.condition(values, depth + 1) for _ in range(2)]
            return self.random.choice(["{} AND {}", "{} OR {}", "NOT {}", "({})", "({} OR {}) AND {}", "NOT ({} AND {})"]).format(*inner, *inner)
        if which < 0.7:
            return f"{self.operand(values)} {self.random.choice(['=', '<>', '<', '<=', '>', '>='])} {self.operand(values)}"
        a, b, c = (self.operand(values) for _ in range(3))
        return self.random.choice(["{} BETWEEN {} AND {}", "{} IN ({}, {})", "attribute_exists({})", "attribute_not_exists({})",
                                   "begins_with({}, {})", "contains({}, {})"]).format(a, b, c)

    def update(self, values):
        def setting():
            side = lambda: self.random.choice([self.operand(values).replace("size(", "").replace(")", ""), self.operand(values).replace("size(", "").replace(")", ""),
                                               f"if_not_exists({self.path()}, {self.operand(values)})", f"list_append({self.operand(values)}, {self.operand(values)})"]).replace("size(", "").replace("))", ")")
            return f"{self.path()} = {side()}" + (f" {self.random.choice('+-')} {side()}" if self.random.random() < 0.3 else "")

        def value():
            values[f":v{len(values)}"] = self.value(1)
            return f":v{len(values) - 1}"
        sections = [f"SET {', '.join(setting() for _ in range(self.random.randint(1, 2)))}" if self.random.random() < 0.6 else "",
                    f"REMOVE {self.path()}, {self.path()}" if self.random.random() < 0.3 else "",
                    f"ADD {self.path()} {value()}" if self.random.random() < 0.4 else "", f"DELETE {self.path()} {value()}" if self.random.random() < 0.3 else ""]
        return " ".join(section for section in sections if section) or f"REMOVE {self.path()}"


def randoms(seed, count):
    maker = Maker(seed)
    place = {"TableName": "Tab", "Key": {"p": S("random")}}
    for _ in range(count):
        item = {"p": S("random")} | {name: maker.value() for name in "abcde" if maker.random.random() < 0.8}
        yield "PutItem", {"TableName": "Tab", "Item": item}
        for _ in range(3):
            values = {}
            expression = maker.condition(values)
            values = used(expression, values, ":") | {":p": S("random")}
            yield "Query", {"TableName": "Tab", "KeyConditionExpression": "p = :p", "FilterExpression": expression,
                            "ExpressionAttributeValues": values, "Select": "COUNT"}
        for _ in range(2):
            values = {}
            expression = maker.update(values)
            values = used(expression, values, ":")
            yield "UpdateItem", place | {"UpdateExpression": expression, "ReturnValues": "UPDATED_NEW"} | (
                {"ExpressionAttributeValues": values} if values else {})
            yield "GetItem", place


def fixed():
    """The tables that the others use come first."""
    yield "CreateTable", schema("Tab", "p:S")
    yield "CreateTable", schema("Rng", "p:S r:N", GlobalSecondaryIndexes=["all d:S r:N ALL", "keys d:S KEYS_ONLY",
                                                                          "some d:S r:N INCLUDE v"],
                                LocalSecondaryIndexes=["own p:S w:S KEYS_ONLY"])
    for part in (tables, items, conditions, updates, reads, batches, older):
        yield from part()
