"""ClickHouse in the process (chdb): structures given, exact decimals, memory tables between the steps."""
import os

import chdb
from chdb import session

from common import Run

run = Run()
db = session.Session()
threads = len(os.sched_getaffinity(0))
SETTINGS = (f"settings max_threads={threads}, input_format_csv_use_best_effort_in_schema_inference=0, "
            "date_time_input_format='best_effort'")
TIME = "Nullable(DateTime)" if run.full else "String"
ORDERS = (f"order_id UInt32, user_id UInt32, status LowCardinality(String), created_at {TIME}, returned_at {TIME}, "
          f"shipped_at {TIME}, delivered_at {TIME}, num_of_item UInt32")
ITEMS = (f"id UInt32, order_id UInt32, user_id UInt32, product_id UInt32, status LowCardinality(String), "
         f"created_at {TIME}, shipped_at {TIME}, delivered_at {TIME}, returned_at {TIME}, sale_price Decimal(9, 2)")
PRODUCTS = ("id UInt32, sku String, cost Decimal(9, 2), category LowCardinality(String), name String, brand String, "
            "retail_price Decimal(9, 2), department String")


def csv(path, structure):
    return f"file('{path}', 'CSVWithNames', '{structure}')"


def rows(query):
    text = str(db.query(query, "TabSeparated"))
    return [line.split("\t") for line in text.splitlines()]


def run_query(query):
    db.query(query + " " + SETTINGS)


db.query("create database x engine=Atomic")
if run.full:
    order_columns = ", ".join(f"any({c}) {c}" for c in ("user_id", "status", "num_of_item")) + ", " + ", ".join(
        f"any(t.{c}) {c}" for c in ("created_at", "returned_at", "shipped_at", "delivered_at"))
    day = "toDate(any(t.created_at))"
    item_columns = ", ".join(f"any({c}) {c}" for c in (
        "order_id", "user_id", "product_id", "status", "created_at", "shipped_at", "delivered_at", "returned_at",
        "sale_price"))
else:
    order_columns, day = "any(user_id) user_id, any(status) status", "toDate(any(left(t.created_at, 10)))"
    item_columns = "any(order_id) order_id, any(product_id) product_id, any(sale_price) sale_price"
run_query(f"create table x.o engine=Memory as select order_id, {order_columns}, {day} d "
          f"from {csv(run.orders, ORDERS)} t group by order_id")
run_query(f"create table x.i engine=Memory as select id, {item_columns} from {csv(run.items, ITEMS)} group by id")
run_query(f"create table x.p engine=Memory as select id product_id, any(category) category "
          f"from {csv(run.products, PRODUCTS)} group by id")
if run.full:
    for name, query in (("orders", "select * from x.o"),
                        ("order_items", "select i.*, p.category, o.d d from x.i i join x.o o "
                                        "on i.order_id = o.order_id join x.p p on i.product_id = p.product_id")):
        os.makedirs(f"{run.cleaned}/{name}", exist_ok=True)
        run_query(f"insert into function file('{run.cleaned}/{name}/d_{{_partition_id}}.parquet', 'Parquet') "
                  f"partition by d {query}")
run_query("""create table x.c engine=Memory as
    select category, d, uniqExact(order_id) orders, sum(toDecimal128(sale_price, 2)) revenue, count() lines,
           uniqExactIf(order_id, status = 'returned') returned
    from (select i.order_id order_id, i.sale_price sale_price, p.category category, o.d d, o.status status
          from x.i i join x.o o on i.order_id = o.order_id join x.p p on i.product_id = p.product_id)
    group by 1, 2""")
categories = rows("select category, d, orders, toInt64(revenue * 100), returned from x.c")
days = rows("""select d, orders, toInt64(revenue * 100), lines, returned, customers
    from (select d, count() orders, countIf(status = 'returned') returned, uniqExact(user_id) customers
          from x.o group by d) a
    left join (select d, sum(revenue) revenue, sum(lines) lines from x.c group by d) b using (d)""")
run.done(chdb.__version__, categories, days)
