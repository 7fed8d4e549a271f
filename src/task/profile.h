/* What a CSV file holds, column by column, over the whole file, and a schema drafted from it for review. */
#ifndef AISLE_TASK_PROFILE_H
#define AISLE_TASK_PROFILE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "tabular/csv_source.h"
#include "tabular/schema.h"

#define PROFILE_TOP 5
#define PROFILE_ENUM_MOST 20

struct profile_options {
    const char *path;
    char delimiter; /* 0: told from the first lines, of comma, semicolon, tab and bar */
    enum csv_encoding encoding;
    void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
    void *progress_context;
};

struct profile_value {
    const char *text;
    uint64_t count;
};

struct profile_column {
    const char *name;
    enum field_type type;
    const char *format;         /* of dates and times, as schemas have it; NULL: the default */
    bool id;                    /* a text by its name or leading zeros, though all are whole numbers */
    bool ambiguous;             /* day and month may be exchanged */
    uint64_t present, missing;  /* rows with and without a value */
    uint64_t distinct;          /* of the values, exact but for collisions of a 128-bit hash */
    const char **missing_texts; /* texts other than "" that were taken as no value */
    size_t missing_text_count;
    size_t shortest, longest; /* characters */
    int scale;                /* decimals of numbers */
    const char *least, *most; /* as they stand; NULL for texts */
    bool negative;            /* a number is below 0 */
    bool has_quantiles, estimated;
    double quantiles[3]; /* 25 %, median, 75 % of numbers; of a random million when there are more */
    struct profile_value top[PROFILE_TOP];
    size_t top_count;
    struct profile_value *values; /* all of them by falling count, when there are at most PROFILE_ENUM_MOST */
    size_t value_count;
    bool key; /* every row has a value, and no two the same */
};

struct profile {
    struct arena *arena; /* owns all below */
    const char *name;    /* the file's stem */
    char delimiter;
    enum csv_encoding encoding;
    uint64_t bytes, rows;
    uint64_t broken; /* rows left out: not UTF-8, wrong quoting, wrong number of fields */
    struct profile_column *columns;
    size_t column_count;
    int primary_key; /* the column that looks most like one, or -1 */
};

/* Profiles a file. profile_free releases the profile, also after a failure. */
bool profile_run(const struct profile_options *options, struct profile *profile, struct error *error);
void profile_free(struct profile *profile);

/* Appends the drafted schema as JSON: it compiles, and every row that was not broken is valid by it. */
void profile_draft(const struct profile *profile, struct buffer *into);

#endif
