"""pandas: read by pyarrow's CSV reader with types given and only the columns needed, categories for repeated texts."""
import glob

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset

from common import Run

run = Run()
TIME = pa.timestamp("s")
TEXT = pa.dictionary(pa.int32(), pa.string())


def read(pattern, types):
    if not run.full:
        types = {name: kind for name, kind in types.items() if kind is not TIME or name == "created_at"}
    convert = pyarrow.csv.ConvertOptions(column_types=types, include_columns=list(types))
    tables = [pyarrow.csv.read_csv(path, convert_options=convert) for path in sorted(glob.glob(pattern))]
    return pa.concat_tables(tables).unify_dictionaries()


def cents(column):
    return pc.cast(pc.multiply(column, pa.scalar(100, pa.decimal128(3, 0))), pa.decimal128(18, 0), safe=False)


orders_types = {"order_id": pa.int64(), "user_id": pa.int64(), "status": TEXT, "created_at": TIME}
items_types = {"id": pa.int64(), "order_id": pa.int64(), "product_id": pa.int64(), "sale_price": pa.decimal128(9, 2)}
if run.full:
    orders_types |= {"returned_at": TIME, "shipped_at": TIME, "delivered_at": TIME, "num_of_item": pa.int32()}
    items_types |= {"user_id": pa.int64(), "status": TEXT, "created_at": TIME, "shipped_at": TIME,
                    "delivered_at": TIME, "returned_at": TIME}
orders = read(run.orders, orders_types)
orders = orders.append_column("d", pc.cast(pc.floor_temporal(orders["created_at"], unit="day"), pa.date32()))
o = orders.drop_columns(["d"]).to_pandas()
o["d"] = pc.cast(orders["d"], pa.int32()).to_numpy()
del orders
o = o.drop_duplicates("order_id")
items = read(run.items, items_types)
items = items.append_column("cents", pc.cast(cents(items["sale_price"]), pa.int64()))
i = items.drop_columns(["sale_price"]).to_pandas()
del items
i = i.drop_duplicates("id")
p = read(run.products, {"id": pa.int64(), "category": TEXT}).to_pandas().drop_duplicates("id")
p = p.rename(columns={"id": "product_id"})
joined = i.merge(o[["order_id", "status", "d"]].rename(columns={"status": "order_status"}), on="order_id").merge(
    p, on="product_id")
if run.full:
    for name, frame in (("orders", o), ("order_items", joined.drop(columns=["order_status"]))):
        pyarrow.dataset.write_dataset(pa.Table.from_pandas(frame, preserve_index=False), f"{run.cleaned}/{name}",
                                      format="parquet", partitioning=["d"], max_partitions=100000)
# One row for each order and category makes the exact distinct counts plain counts.
pairs = joined[["order_id", "category", "d", "order_status"]].drop_duplicates(["order_id", "category"])
pairs = pairs.assign(returned=pairs["order_status"] == "returned")
groups = ["category", "d"]
c = pd.concat([joined.groupby(groups, observed=True)["cents"].agg(["sum", "size"]),
               pairs.groupby(groups, observed=True)["returned"].agg(["size", "sum"])], axis=1).reset_index()
c.columns = ["category", "d", "cents", "lines", "orders", "returned"]
b = o.assign(returned=o["status"] == "returned").groupby("d").agg(
    orders=("order_id", "size"), returned=("returned", "sum"), customers=("user_id", "nunique"))
b = b.join(c.groupby("d")[["cents", "lines"]].sum()).fillna(0).reset_index()
for frame in (c, b):
    frame["d"] = pd.to_datetime(frame["d"], unit="D").dt.strftime("%Y-%m-%d")
run.done(pd.__version__, c[["category", "d", "orders", "cents", "returned"]].itertuples(index=False, name=None),
         b[["d", "orders", "cents", "lines", "returned", "customers"]].astype({"cents": int, "lines": int})
         .itertuples(index=False, name=None))
