/* Keys over a whole file: which rows repeat one, and which refer to nothing. */
#ifndef AISLE_TASK_CHECK_KEYS_H
#define AISLE_TASK_CHECK_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "tabular/column.h"

/* Keys of `width` values each, one after the other; COLUMN_NULL where there is no value. */
struct key_list {
    size_t width;
    int64_t *values;
    size_t count, capacity;
};

/* Makes room for `more` keys and returns where the first goes; the caller counts them. */
int64_t *key_list_room(struct key_list *list, size_t more, struct error *error);
void key_list_free(struct key_list *list);

/* Keys of rows. Row numbers rise. The valid rows are those of 2 … that are not among the rejected ones. */
struct keyed_rows {
    struct key_list valid;
    struct key_list rejected; /* one for each of `rejected_rows`; those that cannot be told are null */
    const uint64_t *rejected_rows;
    size_t rejected_count;
};

/* A row that breaks a key. */
struct key_break {
    uint64_t row;
    uint64_t first_row; /* the row that has the key; 0 for a reference */
    uint32_t set;       /* which key, as the caller numbers them */
};

struct key_breaks {
    struct key_break *items;
    size_t count, capacity;
};

/* Appends a break for each row whose key an earlier row has. Keys with a null are passed over. */
bool keys_find_repeated(const struct keyed_rows *rows, uint32_t set, struct key_breaks *breaks, struct error *error);

/* Appends a break for each row whose key `foreign` does not hold. Sorts `foreign`. */
bool keys_find_dangling(const struct keyed_rows *rows, struct key_list *foreign, uint32_t set,
                        struct key_breaks *breaks, struct error *error);

/* By row, then by set. */
void key_breaks_sort(struct key_breaks *breaks);
void key_breaks_free(struct key_breaks *breaks);

#endif
