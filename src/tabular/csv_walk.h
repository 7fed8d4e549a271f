/* The records of a CSV file one after the other, for what looks at rows one by one: reports and profiles.
 *
 * Rows are counted and judged as validation does (tabular/validate.h): blank lines do not count, and a record that is
 * not UTF-8, quoted wrongly or of another number of fields than the first is broken as a whole.
 */
#ifndef AISLE_TABULAR_CSV_WALK_H
#define AISLE_TABULAR_CSV_WALK_H

#include "tabular/csv_scan.h"
#include "tabular/csv_source.h"
#include "tabular/schema.h"

struct csv_record {
    struct str bytes;   /* without the line's end */
    uint64_t line;      /* in the file; 1 is the first */
    uint64_t row;       /* 1 is the first record, the header */
    enum rule broken;   /* RULE_ENCODING, RULE_QUOTING, RULE_FIELDS; RULE_COUNT when it is whole */
    struct str *fields; /* their values, unescaped; none when the encoding or the quoting is wrong */
    size_t field_count;
};

struct csv_walk;

/* Walks an open source, which is borrowed. */
struct csv_walk *csv_walk_new(const struct csv_source *source, const struct csv_dialect *dialect, struct error *error);
void csv_walk_free(struct csv_walk *walk);

/* The next record, which lives until the next call; `*end` when there is none. ERROR_INVALID for a quote that is never
 * closed, ERROR_LIMIT for a record over 64 MiB. */
bool csv_walk_next(struct csv_walk *walk, struct csv_record *record, bool *end, struct error *error);

#endif
