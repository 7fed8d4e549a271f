"""Polars: lazy, streaming, schemas given, prices as exact cents, both results from one plan."""
import polars as pl

from common import Run

run = Run()
TEXT = pl.String
ORDERS = {"order_id": pl.Int32, "user_id": pl.Int32, "status": pl.Categorical, "created_at": TEXT, "returned_at": TEXT,
          "shipped_at": TEXT, "delivered_at": TEXT, "num_of_item": pl.Int32}
ITEMS = {"id": pl.Int32, "order_id": pl.Int32, "user_id": pl.Int32, "product_id": pl.Int32, "status": pl.Categorical,
         "created_at": TEXT, "shipped_at": TEXT, "delivered_at": TEXT, "returned_at": TEXT, "sale_price": pl.Float64}
PRODUCTS = {"id": pl.Int32, "sku": TEXT, "cost": pl.Float64, "category": TEXT, "name": TEXT, "brand": TEXT,
            "retail_price": pl.Float64, "department": TEXT}
TIMES = ["created_at", "returned_at", "shipped_at", "delivered_at"]


def times(frame):
    return frame.with_columns(pl.col(TIMES).str.to_datetime("%Y-%m-%dT%H:%M:%S"))


orders = pl.scan_csv(run.orders, schema=ORDERS)
items = pl.scan_csv(run.items, schema=ITEMS)
products = pl.scan_csv(run.products, schema=PRODUCTS).select(pl.col("id").alias("product_id"), "category")
# A price has two decimals, so rounding the float's cents is exact.
cents = (pl.col("sale_price") * 100).round().cast(pl.Int64).alias("cents")
day = pl.col("created_at").str.slice(0, 10).alias("d")
if run.full:
    orders = times(orders.with_columns(day)).unique("order_id", keep="any").collect(engine="streaming")
    items = times(items).with_columns(cents).unique("id", keep="any")
    items = (items.join(orders.lazy().select("order_id", "d", pl.col("status").alias("order_status")), on="order_id")
             .join(products, on="product_id")).collect(engine="streaming")
    orders.write_parquet(f"{run.cleaned}/orders", partition_by="d", compression="snappy")
    items.drop("order_status").write_parquet(f"{run.cleaned}/order_items", partition_by="d", compression="snappy")
    orders, joined = orders.lazy(), items.lazy().rename({"order_status": "status", "status": "item_status"})
else:
    orders = orders.select("order_id", "user_id", "status", day).unique("order_id", keep="any")
    items = items.select("id", "order_id", "product_id", cents).unique("id", keep="any")
    joined = items.join(orders, on="order_id").join(products, on="product_id")
is_returned = pl.col("status") == "returned"
by_category = joined.group_by("category", "d").agg(
    pl.col("order_id").n_unique().alias("orders"), pl.col("cents").sum(),
    pl.col("order_id").filter(is_returned).n_unique().alias("returned"), pl.len().alias("lines"))
by_day = orders.group_by("d").agg(
    pl.len().alias("orders"), is_returned.sum().alias("returned"), pl.col("user_id").n_unique().alias("customers"))
c, b = pl.collect_all([by_category, by_day], engine="streaming")
b = b.join(c.group_by("d").agg(pl.col("cents").sum(), pl.col("lines").sum()), on="d", how="left").fill_null(0)
run.done(pl.__version__, c.select("category", "d", "orders", "cents", "returned").rows(),
         b.select("d", "orders", "cents", "lines", "returned", "customers").rows())
