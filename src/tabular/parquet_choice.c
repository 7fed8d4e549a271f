#include "tabular/parquet_choice.h"

#include <math.h>

#include "tabular/parquet_encode.h"

enum {
    SINGLES = 1024, /* rows sampled one by one */
    RUN = 32,       /* neighbours sampled together: a miniblock */
    MOST_RUNS = 8,
    RARE_REPEATS = 8, /* fewer say nothing about how many distinct values there are */
    MOST_DISTINCT = 1 << 17,
    HEADER_BITS = 200, /* of a dictionary's page */
};

/* Means over the sampled runs, in bits a value. */
struct run_costs {
    double delta;  /* numbers: DELTA_BINARY_PACKED */
    double length; /* texts: bits of the bytes in full */
    double prefix; /* texts: bits of the bytes that repeat the text before */
};

static bool is_text(enum column_kind kind)
{
    return kind == COLUMN_TEXT || kind == COLUMN_TERM;
}

int32_t choose_without_dictionary(enum column_kind kind)
{
    return is_text(kind) ? ENCODING_DELTA_BYTE_ARRAY : ENCODING_DELTA_BINARY_PACKED;
}

/* Enters rows spread evenly; `*sampled` of them are not null. */
static bool sample_singles(const struct parquet_values *values, size_t rows, struct distinct *distinct, size_t *sampled,
                           struct error *error)
{
    size_t step = rows > SINGLES ? rows / SINGLES : 1;

    *sampled = 0;
    for (size_t i = 0; i < rows; i += step) {
        bool null = distinct->of_texts ? values->texts[i].data == NULL : values->values[i] == COLUMN_NULL;

        if (null) {
            continue;
        }
        if (distinct->of_texts ? !distinct_enter_text(distinct, values->texts[i], error)
                               : !distinct_enter_number(distinct, values->values[i], error)) {
            return false;
        }
        ++*sampled;
    }
    return true;
}

/* Distinct values among `rows`, of which `sampled` random ones had `distinct`: the number for which that many are
 * expected to be met, n (1 - exp(-sampled / n)). */
static double estimate_distinct(size_t rows, size_t sampled, size_t distinct)
{
    double low = (double)distinct;
    double high = (double)rows;

    if (sampled >= rows) {
        return low;
    }
    if (sampled - distinct < RARE_REPEATS) {
        return high;
    }
    for (int i = 0; i < 24; i++) {
        double middle = (low + high) / 2;
        double expected = middle * (1 - exp(-(double)sampled / middle));

        if (expected < (double)distinct) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

/* Bits a miniblock of these numbers takes for each. */
static double number_run_cost(const int64_t *values, size_t count)
{
    int64_t least = INT64_MAX;
    int64_t most = INT64_MIN;
    int64_t before = COLUMN_NULL;

    for (size_t i = 0; i < count; i++) {
        if (values[i] == COLUMN_NULL) {
            continue;
        }
        if (before != COLUMN_NULL) {
            int64_t difference = (int64_t)((uint64_t)values[i] - (uint64_t)before);

            least = difference < least ? difference : least;
            most = difference > most ? difference : most;
        }
        before = values[i];
    }
    return most < least ? 0 : encode_bit_width((uint64_t)most - (uint64_t)least);
}

static bool text_run_cost(const struct parquet_field *field, const struct parquet_values *values, size_t from,
                          size_t count, struct text_encoder *texts, struct run_costs *costs, struct error *error)
{
    struct str before = str_slice("", 0);
    unsigned turn = 0;

    for (size_t i = from; i < from + count; i++) {
        struct str text;

        if (field->kind == COLUMN_TEXT) {
            text = values->texts[i];
        } else if (values->values[i] == COLUMN_NULL) {
            text = (struct str){NULL, 0};
        } else {
            text = text_encoder_render(texts, turn, values->values[i], error);
            turn ^= 1;
            if (text.data == NULL) {
                return false;
            }
        }
        if (text.data == NULL) {
            continue;
        }
        costs->length += 8.0 * (double)text.length;
        costs->prefix += 8.0 * (double)text_common_prefix(before, text);
        before = text;
    }
    return true;
}

static bool sample_runs(const struct parquet_field *field, const struct parquet_values *values, size_t rows,
                        struct text_encoder *texts, struct run_costs *costs, struct error *error)
{
    size_t runs = rows / (2 * RUN) + 1 < MOST_RUNS ? rows / (2 * RUN) + 1 : MOST_RUNS;
    size_t length = rows < RUN ? rows : RUN;
    double weight = 1.0 / (double)runs;

    *costs = (struct run_costs){0};
    for (size_t i = 0; i < runs; i++) {
        size_t from = runs > 1 ? (rows - length) / (runs - 1) * i : 0;

        if (!is_text(field->kind)) {
            costs->delta += weight * number_run_cost(values->values + from, length);
        } else if (!text_run_cost(field, values, from, length, texts, costs, error)) {
            return false;
        }
    }
    costs->length /= (double)(runs * length);
    costs->prefix /= (double)(runs * length);
    return true;
}

bool choose_encoding(struct choice *choice, const struct parquet_field *field, const struct parquet_values *values,
                     size_t rows, struct distinct *distinct, struct text_encoder *texts, struct error *error)
{
    size_t sampled = 0;
    struct run_costs costs;

    if (field->kind == COLUMN_BOOLEAN) {
        *choice = (struct choice){.encoding = ENCODING_PLAIN};
        return true;
    }
    if (!distinct_begin(distinct, field->kind == COLUMN_TEXT, error) ||
        !sample_singles(values, rows, distinct, &sampled, error) ||
        !sample_runs(field, values, rows, texts, &costs, error)) {
        return false;
    }
    double count = estimate_distinct(rows, sampled, distinct->count);
    double entry = is_text(field->kind) ? costs.length + 32 : field->kind == COLUMN_DATE ? 32 : 64;
    double index = encode_bit_width(count < 1 ? 0 : (uint64_t)count - 1);
    double dictionary = index + (count * entry + HEADER_BITS) / (double)rows;
    double lengths = is_text(field->kind) ? 3 : 0;
    double prefixes = costs.prefix > 4 ? 3 : 0;
    double other = costs.delta + lengths + costs.length - (prefixes > 0 ? costs.prefix - prefixes : 0);

    if (sampled > 0 && dictionary < 0.9 * other && count <= MOST_DISTINCT) {
        choice->encoding = ENCODING_RLE_DICTIONARY;
        choice->most_distinct = (size_t)(count * 2) + SINGLES;
    } else {
        choice->encoding = is_text(field->kind) && prefixes == 0 ? ENCODING_DELTA_LENGTH_BYTE_ARRAY
                                                                 : choose_without_dictionary(field->kind);
    }
    return true;
}
