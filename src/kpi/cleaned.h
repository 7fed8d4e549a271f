/* Cleaned rows on disk: Parquet by dataset and place, read back when rows of that place change.
 *
 * A place (kpi/state.h) has one or more files; new rows add a file, and a place that loses rows, or has many small
 * files, is written anew as one. Files hold every field of the schema, the derived columns that the spec lists as
 * "cleaned", and where the row came from: `_source` (number of the source file) and `_line`.
 *   cleaned/orders/order_date=2025-04-01/RUN-1.parquet    cleaned/products/RUN-1.parquet
 * pending/order_items/7-RUN-1.parquet
 */
#ifndef AISLE_KPI_CLEANED_H
#define AISLE_KPI_CLEANED_H

#include "kpi/fact.h"
#include "kpi/rows.h"
#include "store/folder.h"
#include "tabular/parquet.h"
#include "tabular/term.h"

struct cleaned;

/* The cleaned rows of a folder as a change under way sees them. */
struct cleaned *cleaned_open(const struct kpi_spec *spec, struct folder *folder, struct change *change, const char *run,
                             struct terms *terms, unsigned workers, struct error *error);
void cleaned_close(struct cleaned *cleaned);

/* How many files, and rows, a place has now. */
size_t cleaned_files(struct cleaned *cleaned, int dataset, int64_t place);
uint64_t cleaned_rows(struct cleaned *cleaned, int dataset, int64_t place);

/* All rows of a place, in one batch with sources and lines; no rows give a batch of none. The caller frees as a
 * row_list does. */
bool cleaned_read(struct cleaned *cleaned, int dataset, int64_t place, struct rows *rows, struct error *error);

/* The same with some fields alone (those set in `fields`; the others are absent) and without sources and lines. Safe
 * from several threads at once while nobody writes and cleaned_rows was called since. */
bool cleaned_read_fields(struct cleaned *cleaned, int dataset, int64_t place, const bool *fields, struct rows *rows,
                         struct error *error);

/* The rows that earlier runs left in a place; their files are forgotten. */
bool cleaned_take(struct cleaned *cleaned, int dataset, int64_t place, struct rows *rows, struct error *error);

/* Every place that a dataset has, ascending. */
bool cleaned_places(struct cleaned *cleaned, int dataset, int64_t **places, size_t *count, struct error *error);

/* Whether any row of a place has one of `keys` (ascending) in a field; reads that column alone. */
bool cleaned_mentions(struct cleaned *cleaned, int dataset, int64_t place, int field, const int64_t *keys, size_t count,
                      bool *any, struct error *error);

/* A row of a row list: item in the upper half, row in the lower. */
typedef uint64_t row_reference;

/* Neighbours in a pile that came from one item of a row list. */
struct tuple_run {
    const struct pile *pile;
    uint32_t from, count;
    uint32_t item;
    int row_word; /* of the pile: the rows' places in the item */
};

/* Rows to write: through references to a list, or as tuples that joining laid out (then with the list they refer to).
 */
struct cleaned_rows {
    const struct row_list *list;
    const row_reference *references; /* NULL with tuples */
    size_t count;
    const struct fact *fact; /* of the tuples; NULL with references */
    const struct tuple_run *runs;
    size_t run_count;
};

/* Adds a file with the rows of some lists, in this order. Safe from several threads at once, each with a number of its
 * own below `workers`, whose writers and memory serve one file after the other. */
bool cleaned_write(struct cleaned *cleaned, unsigned worker, int dataset, int64_t place,
                   const struct cleaned_rows *lists, size_t list_count, struct error *error);

/* Forgets the files that a place had before. Call it before cleaned_write for the same place. */
bool cleaned_drop(struct cleaned *cleaned, int dataset, int64_t place, struct error *error);

/* Names all that was written in the change. */
bool cleaned_finish(struct cleaned *cleaned, struct error *error);

#endif
