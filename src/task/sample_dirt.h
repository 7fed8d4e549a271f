/* Inside the sample task: what can be wrong with a row. */
#ifndef AISLE_TASK_SAMPLE_DIRT_H
#define AISLE_TASK_SAMPLE_DIRT_H

#include "task/sample_row.h"

enum dirt_act {
    DIRT_SET,     /* a cell becomes one of the texts */
    DIRT_SHORT,   /* the row ends after its first cells */
    DIRT_LONG,    /* it has two cells more */
    DIRT_BYTES,   /* a cell holds bytes that are not UTF-8 */
    DIRT_QUOTING, /* a cell has bytes after its closing quote */
    DIRT_QUOTED,  /* every cell is quoted, and one holds quotes, a delimiter and a newline: odd but right */
    DIRT_COPY,    /* the same row comes again later; with texts, a cell of the copy is changed */
    DIRT_OLDER,   /* an older state of the row comes again later: a cell set, others emptied */
};

#define DIRT_MAX_TEXTS 8

struct dirt_rule {
    const char *name;
    enum dirt_act act;
    int column;                        /* the cell it is about; where it does not matter, 0 */
    const char *texts[DIRT_MAX_TEXTS]; /* one is taken; ended by NULL */
    int empty_from, empty_to;          /* DIRT_OLDER: cells emptied, both included */
};

struct dirt_rules {
    const struct dirt_rule *rules;
    size_t count; /* at most SAMPLE_MAX_DEFECTS */
};

/* Draws whether the row [row, end) becomes dirty, and how. Changes it in place (there is room for SAMPLE_ROW_BYTES) and
 * appends what comes again later to `later`; counts in `counts`. The row ends with a newline. Gives its new end. A row
 * that is not to be kept (`kept` false) is drawn for all the same, so that the next one does not depend on it. */
char *dirt_apply(const struct dirt_rules *rules, uint64_t share, struct random *random, bool kept, char *row, char *end,
                 struct buffer *later, struct sample_dataset *counts);

/* The rules of each dataset and family. */
extern const struct dirt_rules dirt_orders[2], dirt_items[2], dirt_products[2], dirt_sales, dirt_catalog;

#endif
