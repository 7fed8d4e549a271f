/* The forms of the CSV scan, behind csv_scan.h. The scalar one is the specification; the others give bit for bit the
 * same. Tests, the fuzzer and the benchmark walk through this table. */
#ifndef AISLE_TABULAR_CSV_SCAN_FORMS_H
#define AISLE_TABULAR_CSV_SCAN_FORMS_H

#include "tabular/csv_scan.h"

struct csv_form {
    const char *name; /* what AISLE_SIMD calls it */
    bool (*available)(void);
    bool (*scan)(const char *data, size_t size, const struct csv_dialect *dialect, struct csv_index *index,
                 size_t *consumed);
    void (*facts)(const char *data, size_t size, const struct csv_dialect *dialect, struct csv_block_facts *facts);
};

/* Slowest first: the last available one is what runs when AISLE_SIMD does not ask for another. */
const struct csv_form *csv_forms(size_t *count);

bool csv_scan_avx512(const char *data, size_t size, const struct csv_dialect *dialect, struct csv_index *index,
                     size_t *consumed);
bool csv_scan_has_avx512(void);

void csv_block_facts_scalar(const char *data, size_t size, const struct csv_dialect *dialect,
                            struct csv_block_facts *facts);

void csv_block_facts_portable(const char *data, size_t size, const struct csv_dialect *dialect,
                              struct csv_block_facts *facts);
void csv_block_facts_avx2(const char *data, size_t size, const struct csv_dialect *dialect,
                          struct csv_block_facts *facts);
void csv_block_facts_avx512(const char *data, size_t size, const struct csv_dialect *dialect,
                            struct csv_block_facts *facts);

#endif
