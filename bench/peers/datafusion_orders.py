"""DataFusion: schemas given, exact decimals, each deduplicated table kept in memory and used by both results."""
import os

import pyarrow as pa
from datafusion import SessionConfig, SessionContext, __version__

from common import Run

run = Run()
context = SessionContext(SessionConfig().with_target_partitions(len(os.sched_getaffinity(0))))
TIME = pa.timestamp("s") if run.full else pa.string()
MONEY = pa.decimal128(9, 2)
ORDERS = pa.schema([("order_id", pa.int32()), ("user_id", pa.int32()), ("status", pa.string()), ("created_at", TIME),
                    ("returned_at", TIME), ("shipped_at", TIME), ("delivered_at", TIME), ("num_of_item", pa.int32())])
ITEMS = pa.schema([("id", pa.int32()), ("order_id", pa.int32()), ("user_id", pa.int32()), ("product_id", pa.int32()),
                   ("status", pa.string()), ("created_at", TIME), ("shipped_at", TIME), ("delivered_at", TIME),
                   ("returned_at", TIME), ("sale_price", MONEY)])
PRODUCTS = pa.schema([("id", pa.int32()), ("sku", pa.string()), ("cost", MONEY), ("category", pa.string()),
                      ("name", pa.string()), ("brand", pa.string()), ("retail_price", MONEY),
                      ("department", pa.string())])
for name, folder, schema in (("orders", "orders", ORDERS), ("items", "order_items", ITEMS),
                             ("products", "products", PRODUCTS)):
    context.register_csv(name, os.path.join(run.data, folder) + "/", schema=schema, has_header=True)
if run.full:
    order_columns = ", ".join(f"min({c}) {c}" for c in ORDERS.names if c != "order_id")
    item_columns = ", ".join(f"min({c}) {c}" for c in ITEMS.names if c != "id")
    day = "cast(min(created_at) as date)"
else:
    order_columns, day = "min(user_id) user_id, min(status) status", "cast(left(min(created_at), 10) as date)"
    item_columns = "min(order_id) order_id, min(product_id) product_id, min(sale_price) sale_price"


def keep(name, query):
    context.register_view(name, context.sql(query).cache())


keep("o", f"select order_id, {order_columns}, {day} d from orders group by order_id")
keep("p", "select id product_id, min(category) category from products group by id")
if run.full:
    keep("i", f"select id, {item_columns} from items group by id")
    context.sql(f"copy (select * from o) to '{run.cleaned}/orders/' stored as parquet partitioned by (d)").collect()
    context.sql(f"copy (select i.*, category, d from i join o on i.order_id = o.order_id join p on "
                f"i.product_id = p.product_id) to '{run.cleaned}/order_items/' stored as parquet partitioned by (d)"
                ).collect()
    source = "i"
else:
    source = f"(select id, {item_columns} from items group by id)"
keep("c", f"""select category, d, count(distinct o.order_id) orders, sum(sale_price) revenue, count(*) lines,
           count(distinct case when o.status = 'returned' then o.order_id end) returned
    from {source} i join o on i.order_id = o.order_id join p on i.product_id = p.product_id group by 1, 2""")


def rows(query):
    return [tuple(row.values()) for row in context.sql(query).to_arrow_table().to_pylist()]


categories = rows("select category, d, orders, cast(revenue * 100 as bigint), returned from c")
days = rows("""select a.d, orders, cast(revenue * 100 as bigint), lines, returned, customers
    from (select d, count(*) orders, sum(case when status = 'returned' then 1 else 0 end) returned,
                 count(distinct user_id) customers from o group by d) a
    left join (select d, sum(revenue) revenue, sum(lines) lines from c group by d) b on a.d = b.d""")
run.done(__version__, categories, days)
