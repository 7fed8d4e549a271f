/* One column, cell by cell, and what it comes to. */
#include <stdlib.h>
#include <strings.h>

#include "base/memory.h"
#include "task/profile_state.h"

static size_t count_characters(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++) count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

static void set_text(struct buffer *buffer, struct str text)
{
    buffer_clear(buffer);
    buffer_append(buffer, text.data, text.length < 64 ? text.length : 64);
}

/* Decimals that a number needs. */
static int decimals_of(struct str text)
{
    const char *point = memchr(text.data, '.', text.length);
    if (!point) return 0;
    const char *last = text.data + text.length;
    while (last > point + 1 && last[-1] == '0') last--;
    return (int)(last - point) - 1;
}

/* Keeps a number among the sample, each with the same chance (Vitter's algorithm R). */
static bool sample_number(struct gathered *gathered, double number, struct random *random, struct error *error)
{
    gathered->numbers++;
    if (gathered->sample_count == PROFILE_SAMPLE) {
        uint64_t place = random_below(random, gathered->numbers);
        if (place < PROFILE_SAMPLE) gathered->sample[place] = number;
        return true;
    }
    if (gathered->sample_count == gathered->sample_capacity) {
        size_t capacity = gathered->sample_capacity * 2 + 1024;
        double *sample = memory_resize(gathered->sample, capacity, sizeof *sample, error);
        if (!sample) return false;
        gathered->sample = sample;
        gathered->sample_capacity = capacity;
    }
    gathered->sample[gathered->sample_count++] = number;
    return true;
}

static bool add_number(struct gathered *gathered, struct str text, struct random *random, struct error *error)
{
    char copy[64];
    if (text.length >= sizeof copy) return true;
    memcpy(copy, text.data, text.length);
    copy[text.length] = 0;
    double number = strtod(copy, NULL);
    size_t sign = text.data[0] == '-' || text.data[0] == '+';
    int decimals = decimals_of(text);
    gathered->plus_sign = gathered->plus_sign || text.data[0] == '+';
    gathered->leading_zero =
        gathered->leading_zero || (text.length > sign + 1 && text.data[sign] == '0' && text.data[sign + 1] != '.');
    gathered->has_exponent = gathered->has_exponent || strpbrk(copy, "eE") != NULL;
    gathered->decimals = decimals > gathered->decimals ? decimals : gathered->decimals;
    if (!gathered->has_number || number < gathered->least_number) {
        gathered->least_number = number;
        set_text(&gathered->least_text, text);
    }
    if (!gathered->has_number || number > gathered->most_number) {
        gathered->most_number = number;
        set_text(&gathered->most_text, text);
    }
    gathered->has_number = true;
    return sample_number(gathered, number, random, error);
}

static int compare_bytes(struct str a, struct str b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static bool is_missing_text(struct gathered *gathered, struct str text)
{
    for (size_t i = 0; text.length <= 4 && i < profile_missing_text_count; i++) {
        if (str_is(text, profile_missing_texts[i])) {
            gathered->missing[i]++;
            return true;
        }
    }
    return false;
}

bool gathered_add(struct gathered *gathered, struct str cell, struct arena *arena, struct random *random,
                  struct error *error)
{
    struct str text = str_trim(cell);
    if (!gathered->missing) {
        gathered->missing = memory_zeroed(profile_missing_text_count * sizeof *gathered->missing, error);
        if (!gathered->missing) return false;
        gathered->forms = (UINT32_C(1) << profile_form_count) - 1;
        gathered->shortest = SIZE_MAX;
    }
    if (text.length == 0) {
        gathered->empty++;
        return true;
    }
    if (is_missing_text(gathered, text)) return true;
    gathered->present++;
    if (gathered->forms != 0) gathered->forms = profile_forms_of(text, gathered->forms);
    size_t length = count_characters(text);
    gathered->shortest = length < gathered->shortest ? length : gathered->shortest;
    gathered->longest = length > gathered->longest ? length : gathered->longest;
    if ((gathered->forms & 3) != 0 && !add_number(gathered, text, random, error)) return false;
    if (gathered->present == 1 ||
        compare_bytes(text, str_slice(gathered->first_text.data, gathered->first_text.length)) < 0)
        set_text(&gathered->first_text, text);
    if (gathered->present == 1 ||
        compare_bytes(text, str_slice(gathered->last_text.data, gathered->last_text.length)) > 0)
        set_text(&gathered->last_text, text);
    return value_counts_add(&gathered->distinct, text, arena, error);
}

void gathered_free(struct gathered *gathered)
{
    memory_free(gathered->missing);
    memory_free(gathered->sample);
    value_counts_free(&gathered->distinct);
    buffer_free(&gathered->least_text);
    buffer_free(&gathered->most_text);
    buffer_free(&gathered->first_text);
    buffer_free(&gathered->last_text);
}

/* Whether a column's name says that its numbers are names: "order_id", "id", "SKU", "zip_code". */
static bool is_named_id(const char *name)
{
    static const char *const endings[] = {"id",  "sku",  "code",  "ean",      "upc",     "gtin", "isbn",
                                          "zip", "asin", "phone", "postcode", "barcode", "uuid"};
    struct str text = str_of(name);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t length = strlen(endings[i]);
        if (text.length < length || strcasecmp(name + text.length - length, endings[i]) != 0) continue;
        char before = text.length == length ? '_' : name[text.length - length - 1];
        char first = name[text.length - length];
        if (before == '_' || before == ' ' || before == '-' || before == '.' ||
            (first >= 'A' && first <= 'Z' && before >= 'a' && before <= 'z'))
            return true;
    }
    return false;
}

/* Whether the outermost numbers can be held with the decimals that the finest needs. */
static bool fits(const struct gathered *gathered, int scale)
{
    int64_t ignored;
    const struct number_format *format = &number_format_default;
    struct str least = str_slice(gathered->least_text.data, gathered->least_text.length);
    struct str most = str_slice(gathered->most_text.data, gathered->most_text.length);
    return number_parse(least, scale, format, &ignored) == NUMBER_OK &&
           number_parse(most, scale, format, &ignored) == NUMBER_OK;
}

static void choose_type(const struct gathered *gathered, struct profile_column *column)
{
    column->type = FIELD_STRING;
    if (gathered->present == 0 || gathered->forms == 0) return;
    const struct profile_form *form = &profile_forms[__builtin_ctz(gathered->forms)];
    column->type = form->type;
    column->format = form->format;
    bool number = form->type == FIELD_INTEGER || form->type == FIELD_NUMBER;
    if (form->type == FIELD_INTEGER && (is_named_id(column->name) || gathered->leading_zero)) {
        column->type = FIELD_STRING;
        column->id = true;
    } else if (form->type == FIELD_NUMBER && gathered->has_exponent) {
        column->scale = PROFILE_SCALE_MOST;
    } else if (number) {
        column->scale = gathered->decimals;
    }
    if (column->type == FIELD_NUMBER && !fits(gathered, column->scale)) column->type = FIELD_STRING;
    for (size_t i = 0; i < profile_form_count; i++)
        column->ambiguous = column->ambiguous || ((gathered->forms >> i & 1) != 0 && profile_forms[i].month_first &&
                                                  !form->month_first && form->format != NULL);
}

static int compare_doubles(const void *a, const void *b)
{
    const double *one = a, *two = b;
    return (*one > *two) - (*one < *two);
}

static bool conclude_range(struct gathered *gathered, struct arena *arena, struct profile_column *column,
                           struct error *error)
{
    bool number = column->type == FIELD_INTEGER || column->type == FIELD_NUMBER;
    bool iso = column->type != FIELD_STRING && column->type != FIELD_BOOLEAN &&
               (!column->format || strcmp(column->format, "any") == 0);
    if (!number && !iso) return true;
    const struct buffer *least = number ? &gathered->least_text : &gathered->first_text;
    const struct buffer *most = number ? &gathered->most_text : &gathered->last_text;
    if (!buffer_check(least, error) || !buffer_check(most, error)) return false;
    column->least = arena_text(arena, least->data, least->length, error);
    column->most = arena_text(arena, most->data, most->length, error);
    if (!column->least || !column->most) return false;
    if (!number || gathered->sample_count == 0) return true;
    column->negative = gathered->least_number < 0;
    column->has_quantiles = true;
    column->estimated = gathered->numbers > gathered->sample_count;
    qsort(gathered->sample, gathered->sample_count, sizeof *gathered->sample, compare_doubles);
    for (size_t q = 0; q < 3; q++) column->quantiles[q] = gathered->sample[(gathered->sample_count - 1) * (q + 1) / 4];
    return true;
}

bool gathered_conclude(struct gathered *gathered, struct arena *arena, struct profile_column *column,
                       struct error *error)
{
    choose_type(gathered, column);
    column->present = gathered->present;
    column->missing = gathered->empty;
    column->distinct = gathered->distinct.count;
    column->shortest = gathered->present > 0 ? gathered->shortest : 0;
    column->longest = gathered->longest;
    column->missing_texts = arena_zeroed(arena, profile_missing_text_count * sizeof *column->missing_texts, error);
    column->values = arena_zeroed(arena, PROFILE_ENUM_MOST * sizeof *column->values, error);
    if (!column->missing_texts || !column->values) return false;
    for (size_t i = 0; gathered->missing && i < profile_missing_text_count; i++) {
        column->missing += gathered->missing[i];
        if (gathered->missing[i] > 0) column->missing_texts[column->missing_text_count++] = profile_missing_texts[i];
    }
    column->top_count = value_counts_top(&gathered->distinct, column->top, PROFILE_TOP);
    if (gathered->distinct.count <= PROFILE_ENUM_MOST)
        column->value_count = value_counts_top(&gathered->distinct, column->values, PROFILE_ENUM_MOST);
    if (column->value_count < gathered->distinct.count) column->value_count = 0;
    column->key = column->missing == 0 && column->present > 0 && column->distinct == column->present;
    return conclude_range(gathered, arena, column, error);
}
