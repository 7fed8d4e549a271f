/* Batches for other engines in the same process: the Arrow C data interface.
 *
 * A batch is a struct array, a child for each field of the schema. Terms and texts are utf8; integers, years and months
 * (since 0000-01) int64; numbers decimal128 of 19 digits with the field's scale; dates date32; timestamps of
 * microseconds in UTC; times of day time64 in microseconds; booleans bool.
 */
#ifndef AISLE_TABULAR_ARROW_H
#define AISLE_TABULAR_ARROW_H

#include "tabular/arrow_abi.h"
#include "tabular/column.h"
#include "tabular/schema.h"
#include "tabular/term.h"

/* Both give something that stands alone: it holds copies, and the taker calls its `release`, from any thread. On
 * failure `release` is NULL and nothing is held. */
bool arrow_schema_export(const struct schema *schema, struct ArrowSchema *out, struct error *error);

/* ERROR_LIMIT when the texts of a column have more than 2 GiB. `terms` may be NULL when no column holds any. */
bool arrow_batch_export(const struct schema *schema, const struct batch *batch, const struct terms *terms,
                        struct ArrowArray *out, struct error *error);

#endif
