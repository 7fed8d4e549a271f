/* Facts: the rows of one dataset joined to their parents and laid out for grouping.
 *
 * Joining scatters rows by partition (the day), so that all that follows works on one day at a time, in cache and in
 * parallel. A row becomes a tuple of 32-bit words: the codes of the columns that some table groups, counts, filters or
 * sums by (two words where a value stays raw), and, where rows are to be written, the row they came from.
 */
#ifndef AISLE_KPI_FACT_H
#define AISLE_KPI_FACT_H

#include "base/thread.h"
#include "kpi/coding.h"
#include "kpi/rows.h"
#include "kpi/view.h"

struct fact_column {
    int column;   /* of the dataset */
    int word;     /* place in the tuple; of a settled column, past its end */
    bool settled; /* the same in every row of a partition, so tuples do not hold it */
    bool raw;     /* takes two words, low half first */
    struct coding *coding;
    int join; /* straight from a parent's codes: which join and which of its parent_columns; -1: computed */
    int position;
};

/* A field of the rows themselves, for those who write them. */
struct fact_field {
    int word;     /* -1: settled, or free text, reached through the reference */
    bool settled; /* `base` (COLUMN_NULL: none) in all rows */
    bool raw;     /* two words, low half first */
    int64_t base, unit;
};

/* How tuples of one dataset are laid out in one step. */
struct fact {
    const struct kpi_dataset *dataset;
    struct fact_column columns[KPI_MAX_COLUMNS];
    int column_count;
    struct coding own[KPI_MAX_COLUMNS];                  /* codings of computed columns */
    const struct coding *parent_coding[KPI_MAX_COLUMNS]; /* by column of the dataset, those from a parent */
    struct fact_field fields[KPI_MAX_COLUMNS];           /* by field of the schema, where rows are to be written */
    int words;
    int data_words;     /* words of columns; fields that no column holds follow */
    int arrays;         /* words and settled columns together */
    int reference_word; /* item and row of the row list take two words here; -1: rows are not to be written */
};

/* The layout for all that the spec's tables need of the dataset. `lists` are the row lists that will be joined (for the
 * bounds of their values), `parents[p]` the codings of dataset p's parent_columns. `with_rows` lays out all fields too.
 */
bool fact_open(struct fact *fact, const struct kpi_spec *spec, int dataset, const struct row_list *const *lists,
               size_t list_count, struct coding *const *parents, bool with_rows, struct error *error);
void fact_close(struct fact *fact);

/* The tuple column that holds a column of the dataset; NULL when the layout has it not. */
const struct fact_column *fact_column_find(const struct fact *fact, int column);

/* Tuples of one partition, made by one worker, column by column. */
struct pile {
    struct pile *next;
    uint32_t rows, capacity;
    uint32_t words[]; /* word w of row r is at w * capacity + r */
};

static inline const uint32_t *pile_word(const struct pile *pile, int word)
{
    return pile->words + (size_t)word * pile->capacity;
}

/* A row that has no parent: which join found none. */
struct orphan {
    uint32_t item, row;
    int join;
};

/* What joining gave: piles by worker and partition code, and the rows left over. */
struct joined {
    unsigned workers;
    struct {
        struct pile **piles; /* by partition; newest first */
        uint32_t partitions;
        struct orphan *orphans;
        size_t orphan_count, orphan_capacity;
    } * worker;
};

struct join_input {
    const struct fact *fact;
    const struct row_list *rows;
    const struct view *views; /* by dataset */
    struct coding *partition; /* of dates; its codes number the partitions */
    bool keep_partitions;     /* fill rows->partition, CODE_NULL for rows that are dead or have no parent */
};

bool join_rows(struct joined *joined, struct team *team, const struct join_input *input, struct error *error);
void joined_free(struct joined *joined);

/* Whether any row was found in a partition. */
bool joined_has(const struct joined *joined, uint32_t partition);

/* Rows that were found, over all partitions. */
uint64_t joined_rows(const struct joined *joined);

/* Partitions that any worker has. */
uint32_t joined_partitions(const struct joined *joined);

#endif
