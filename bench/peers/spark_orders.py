"""Spark: local mode, schemas given, the products broadcast, both deduplicated tables cached."""
import os

import pyspark
from pyspark.sql import SparkSession
import pyspark.sql.functions as F

from common import Run

cores = len(os.sched_getaffinity(0))
spark = (SparkSession.builder.master(f"local[{cores}]").config("spark.driver.memory", "12g")
         .config("spark.sql.shuffle.partitions", str(4 * cores)).config("spark.ui.enabled", "false")
         .config("spark.ui.showConsoleProgress", "false")
         .config("spark.sql.session.timeZone", "UTC").getOrCreate())
spark.sparkContext.setLogLevel("ERROR")
run = Run()  # the start of the JVM is not counted
TIME = "timestamp" if run.full else "string"
ORDERS = (f"order_id long, user_id long, status string, created_at {TIME}, returned_at {TIME}, shipped_at {TIME}, "
          f"delivered_at {TIME}, num_of_item int")
ITEMS = (f"id long, order_id long, user_id long, product_id long, status string, created_at {TIME}, shipped_at {TIME}, "
         f"delivered_at {TIME}, returned_at {TIME}, sale_price decimal(9,2)")


def csv(folder, schema):
    return spark.read.csv(f"{run.data}/{folder}", header=True, schema=schema)


orders = csv("orders", ORDERS).dropDuplicates(["order_id"]).withColumn(
    "d", F.to_date("created_at") if run.full else F.substring("created_at", 1, 10))
items = csv("order_items", ITEMS).dropDuplicates(["id"])
if not run.full:
    orders = orders.select("order_id", "user_id", "status", "d")
    items = items.select("order_id", "product_id", "sale_price")
orders = orders.cache()
products = csv("products", "id long, sku string, cost string, category string").select(
    F.col("id").alias("product_id"), "category").dropDuplicates(["product_id"])
joined = items.join(orders.select("order_id", "d", F.col("status").alias("order_status")), "order_id").join(
    F.broadcast(products), "product_id")
if run.full:
    joined = joined.cache()
    orders.write.partitionBy("d").parquet(f"{run.cleaned}/orders")
    joined.drop("order_status").write.partitionBy("d").parquet(f"{run.cleaned}/order_items")
c = joined.groupBy("order_id", "category").agg(
    F.first("d").alias("d"), F.first("order_status").alias("status"), F.sum("sale_price").alias("revenue"),
    F.count("*").alias("lines")).groupBy("category", "d").agg(
    F.count("*").alias("orders"), F.sum("revenue").alias("revenue"), F.sum("lines").alias("lines"),
    F.sum((F.col("status") == "returned").cast("long")).alias("returned")).cache()
categories = [(r.category, r.d, r.orders, int(r.revenue * 100), r.returned) for r in c.collect()]
by_day = {}
for r in c.collect():
    cents, lines = by_day.get(str(r.d), (0, 0))
    by_day[str(r.d)] = (cents + int(r.revenue * 100), lines + r.lines)
b = orders.groupBy("d").agg(
    F.count("*").alias("orders"), F.sum((F.col("status") == "returned").cast("long")).alias("returned"),
    F.countDistinct("user_id").alias("customers")).collect()
days = [(r.d, r.orders, *by_day.get(str(r.d), (0, 0)), r.returned, r.customers) for r in b]
run.done(pyspark.__version__, categories, days)
