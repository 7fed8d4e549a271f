"""DuckDB: types given, so that nothing is sniffed; each file read once; duplicates removed by hash aggregation."""
import os

import duckdb

from common import Run

run = Run()
db = duckdb.connect(config={"threads": len(os.sched_getaffinity(0)), "preserve_insertion_order": False})


def csv(path, columns):
    spec = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    return f"read_csv('{path}', auto_detect=false, header=true, delim=',', quote='\"', columns={{{spec}}})"


TIME = "TIMESTAMP" if run.full else "VARCHAR"
ORDERS = {"order_id": "INTEGER", "user_id": "INTEGER", "status": "VARCHAR", "created_at": TIME, "returned_at": TIME,
          "shipped_at": TIME, "delivered_at": TIME, "num_of_item": "INTEGER"}
ITEMS = {"id": "INTEGER", "order_id": "INTEGER", "user_id": "INTEGER", "product_id": "INTEGER", "status": "VARCHAR",
         "created_at": TIME, "shipped_at": TIME, "delivered_at": TIME, "returned_at": TIME,
         "sale_price": "DECIMAL(9,2)"}
PRODUCTS = {"id": "INTEGER", "sku": "VARCHAR", "cost": "DECIMAL(9,2)", "category": "VARCHAR", "name": "VARCHAR",
            "brand": "VARCHAR", "retail_price": "DECIMAL(9,2)", "department": "VARCHAR"}


def kept(columns, key):
    return ", ".join(f"any_value({name}) {name}" for name in columns if name != key)


if run.full:
    order_columns, item_columns = kept(ORDERS, "order_id"), kept(ITEMS, "id")
    day, returned, form = "any_value(created_at)::date", "status = 'returned'", "table"
else:
    order_columns = "any_value(user_id) user_id, any_value(status = 'returned') returned"
    item_columns = "any_value(order_id) order_id, any_value(product_id) product_id, any_value(sale_price) sale_price"
    day, returned, form = "any_value(left(created_at, 10)::date)", "returned", "view"
db.execute(f"create table o as select order_id, {order_columns}, {day} d from {csv(run.orders, ORDERS)} "
           "group by order_id")
db.execute(f"create {form} i as select id, {item_columns} from {csv(run.items, ITEMS)} group by id")
db.execute(f"create table p as select id product_id, any_value(category) category from {csv(run.products, PRODUCTS)} "
           "group by id")
if run.full:
    db.execute(f"copy (select * from o) to '{run.cleaned}/orders' (format parquet, partition_by (d))")
    db.execute(f"copy (select i.*, p.category, o.d from i join o using (order_id) join p using (product_id)) "
               f"to '{run.cleaned}/order_items' (format parquet, partition_by (d))")
db.execute(f"""create table c as
    select category, d, count(distinct order_id) orders, sum(sale_price) revenue, count(*) lines,
           count(distinct order_id) filter (o.{returned}) returned
    from i join o using (order_id) join p using (product_id) group by 1, 2""")
categories = db.execute("select category, d, orders, (revenue * 100)::bigint, returned from c").fetchall()
days = db.execute(f"""
    select d, orders, (coalesce(revenue, 0) * 100)::bigint, coalesce(lines, 0)::bigint, returned, customers
    from (select d, count(*) orders, count(*) filter ({returned}) returned, count(distinct user_id) customers
          from o group by d)
    left join (select d, sum(revenue) revenue, sum(lines) lines from c group by d) using (d)""").fetchall()
run.done(duckdb.__version__, categories, days)
