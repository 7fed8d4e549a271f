/* What is gathered of a column while a file is profiled; nobody but task/profile includes it. */
#ifndef AISLE_TASK_PROFILE_STATE_H
#define AISLE_TASK_PROFILE_STATE_H

#include "base/random.h"
#include "task/profile.h"

/* What every value so far can be read as: a bit for each entry of profile_forms. */
struct profile_form {
    enum field_type type;
    const char *format;
    bool month_first; /* reads days and months the American way */
};
extern const struct profile_form profile_forms[];
extern const size_t profile_form_count;

/* The forms among `forms` that a text has. */
uint32_t profile_forms_of(struct str text, uint32_t forms);

/* Texts that often stand for no value. */
extern const char *const profile_missing_texts[];
extern const size_t profile_missing_text_count;

/* Different values of a column with how often each came. */
struct value_count {
    uint64_t hash[2]; /* both 0: free */
    uint64_t count;
    const char *text; /* of the first DISTINCT_TEXTS short ones; else NULL */
};
struct value_counts {
    struct value_count *slots;
    size_t capacity; /* a power of two */
    size_t count;
};
bool value_counts_add(struct value_counts *distinct, struct str text, struct arena *arena, struct error *error);
void value_counts_free(struct value_counts *distinct);

/* The `most` values that came most often and whose text is known, by falling count; how many there are. */
size_t value_counts_top(const struct value_counts *distinct, struct profile_value *top, size_t most);

/* Decimals of a number; a column with finer ones stays text. */
#define PROFILE_SCALE_MOST 9

#define PROFILE_SAMPLE ((size_t)1 << 20)

struct gathered {
    uint32_t forms; /* 0: only a text */
    uint64_t present, empty;
    uint64_t *missing; /* one for each of profile_missing_texts */
    bool leading_zero, plus_sign;
    size_t shortest, longest;
    int decimals;
    bool has_exponent;
    bool has_number;
    double least_number, most_number;
    struct buffer least_text, most_text; /* of numbers */
    struct buffer first_text, last_text; /* of texts in order of bytes, for ISO dates */
    double *sample;                      /* numbers */
    size_t sample_count, sample_capacity;
    uint64_t numbers;
    struct value_counts distinct;
};

/* Takes one cell. */
bool gathered_add(struct gathered *gathered, struct str cell, struct arena *arena, struct random *random,
                  struct error *error);
void gathered_free(struct gathered *gathered);

/* What the gathered facts say. */
bool gathered_conclude(struct gathered *gathered, struct arena *arena, struct profile_column *column,
                       struct error *error);

#endif
