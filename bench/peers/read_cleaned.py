"""read_cleaned.py FOLDER: rows, sum of keys and of cents of the cleaned Parquet files under FOLDER/DATASET, as JSON."""
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

KEYS = {"orders": ["order_id"], "order_items": ["id", "order_item_id"]}
answer = {}
for dataset, keys in KEYS.items():
    rows = key_sum = cents = 0
    for path in sorted((Path(sys.argv[1]) / dataset).rglob("*.parquet")):
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        key = next(name for name in keys if name in names)
        price = [name for name in ("sale_price", "price", "cents") if name in names][:1]
        table = file.read(columns=[key, *price])
        rows += table.num_rows
        key_sum += pc.sum(pc.cast(table[key], pa.int64())).as_py() or 0
        for name in price:
            cents += round((pc.sum(table[name]).as_py() or 0) * (1 if name == "cents" else 100))
    answer[dataset] = [rows, key_sum, cents]
print(json.dumps(answer))
