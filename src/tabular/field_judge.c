#include "tabular/datetime.h"
#include "tabular/pattern.h"
#include "tabular/schema.h"
#include "tabular/schema_read.h"

/* The longest text a term may have (tabular/term.h). */
#define TERM_BYTES_CEILING (1024 * 1024)

static bool is_one_of(struct str text, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(text, list[i])) return true;
    return false;
}

static bool parse_timestamp(const char *format, struct str text, int64_t *value)
{
    if (!format) return timestamp_parse(text, value);
    if (strcmp(format, "any") == 0) return timestamp_parse_any(text, value);
    return timestamp_parse_format(text, format, value);
}

/* A date by a format, or with "any" also the UTC day of a timestamp. */
static bool parse_date(const char *format, struct str text, int64_t *value)
{
    if (!format) return date_parse(text, value);
    if (!parse_timestamp(format, text, value)) return false;
    *value = days_of_timestamp(*value);
    return true;
}

static bool parse_time(const char *format, struct str text, int64_t *value)
{
    if (!format || strcmp(format, "any") == 0) return time_parse(text, value);
    if (!timestamp_parse_format(text, format, value)) return false;
    *value -= days_of_timestamp(*value) * MICROSECONDS_PER_DAY;
    return true;
}

/* `YYYY-MM`, as months since 0000-01. */
static bool parse_yearmonth(struct str text, int64_t *value)
{
    char day[10];
    int64_t days;
    if (text.length != 7) return false;
    memcpy(day, text.data, 7);
    memcpy(day + 7, "-01", 3);
    if (!date_parse(str_slice(day, sizeof day), &days)) return false;
    struct civil civil = civil_of_days(days);
    *value = civil.year * 12 + civil.month - 1;
    return true;
}

bool field_parse(const struct field *field, struct str text, int64_t *value, enum number_result *result)
{
    *result = NUMBER_OK;
    switch (field->type) {
    case FIELD_INTEGER:
        *result = integer_parse(text, &field->number, value);
        return *result == NUMBER_OK;
    case FIELD_YEAR:
        *result = integer_parse(text, &number_format_default, value);
        return *result == NUMBER_OK && text.length == 4 && *value >= 1;
    case FIELD_YEARMONTH:
        return parse_yearmonth(text, value);
    case FIELD_NUMBER:
        *result = number_parse(text, field->scale, &field->number, value);
        return *result == NUMBER_OK;
    case FIELD_BOOLEAN:
        *value = is_one_of(text, field->trues, field->true_count);
        return *value || is_one_of(text, field->falses, field->false_count);
    case FIELD_DATE:
        return parse_date(field->format, text, value);
    case FIELD_DATETIME:
        return parse_timestamp(field->format, text, value);
    case FIELD_TIME:
        return parse_time(field->format, text, value);
    default:
        return false;
    }
}

static void breach(const struct field *field, enum rule rule, struct verdict *verdict)
{
    if (field->warning[rule])
        verdict->warned |= 1U << rule;
    else
        verdict->broken |= 1U << rule;
}

/* A number too large to be held breaks a bound on that side, where there is one; else it is not of the type. */
static void judge_unparsed(const struct field *field, enum number_result result, struct verdict *verdict)
{
    if (result == NUMBER_TOO_LARGE && field->has_maximum)
        breach(field, RULE_MAXIMUM, verdict);
    else if (result == NUMBER_TOO_SMALL && field->has_minimum)
        breach(field, RULE_MINIMUM, verdict);
    else
        breach(field, RULE_TYPE, verdict);
}

static void judge_value(const struct field *field, struct str text, struct verdict *verdict)
{
    int64_t value;
    enum number_result result;
    if (!field_parse(field, text, &value, &result)) {
        judge_unparsed(field, result, verdict);
        return;
    }
    verdict->value = value;
    if (field->has_minimum && (value < field->minimum || (field->exclusive_minimum && value == field->minimum)))
        breach(field, RULE_MINIMUM, verdict);
    if (field->has_maximum && (value > field->maximum || (field->exclusive_maximum && value == field->maximum)))
        breach(field, RULE_MAXIMUM, verdict);
    bool listed = field->enum_count == 0;
    for (size_t i = 0; i < field->enum_count; i++) listed = listed || field->enum_values[i] == value;
    if (!listed) breach(field, RULE_ENUM, verdict);
}

static void judge_text(const struct field *field, struct str text, struct terms *terms, struct verdict *verdict)
{
    if (field->enum_count > 0 && !is_one_of(text, field->enums, field->enum_count)) breach(field, RULE_ENUM, verdict);
    enum text_form_result fits = text_form_judge(field->form, text);
    if (fits == TEXT_FORM_DIFFERS) breach(field, RULE_TYPE, verdict);
    verdict->failed = fits == TEXT_FORM_FAILED;
    if (field->kind != COLUMN_TERM) return;
    if (text.length > TERM_BYTES_CEILING) {
        verdict->broken |= 1U << RULE_TYPE;
    } else if (terms) {
        verdict->value = term_of(terms, text, NULL);
        verdict->failed = verdict->failed || verdict->value == TERM_NULL;
    }
}

/* Characters: bytes of UTF-8 that do not continue another. */
static size_t count_characters(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++) count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

static void judge_form(const struct field *field, struct str text, struct verdict *verdict)
{
    if (field->has_lengths) {
        size_t length = count_characters(text);
        if (length < field->min_length) breach(field, RULE_MIN_LENGTH, verdict);
        if (length > field->max_length) breach(field, RULE_MAX_LENGTH, verdict);
    }
    if (field->pattern) {
        enum pattern_result result = pattern_match(field->pattern, text);
        if (result == PATTERN_NO_MATCH) breach(field, RULE_PATTERN, verdict);
        verdict->failed = verdict->failed || result == PATTERN_FAILED;
    }
}

void field_judge(const struct schema *schema, const struct field *field, struct str text, struct terms *terms,
                 struct verdict *verdict)
{
    (void)schema;
    if (field->trim) text = str_trim(text);
    *verdict = (struct verdict){.value = COLUMN_NULL, .text = text};
    if (is_one_of(text, field->missing, field->missing_count)) {
        if (!field->has_default) {
            if (field->required) breach(field, RULE_REQUIRED, verdict);
            return;
        }
        text = field->default_text;
        verdict->text = text;
    }
    verdict->present = true;
    if (field->kind == COLUMN_TERM || field->kind == COLUMN_TEXT)
        judge_text(field, text, terms, verdict);
    else
        judge_value(field, text, verdict);
    judge_form(field, text, verdict);
}

bool condition_is_broken(const struct condition_rule *rule, const struct verdict *verdicts)
{
    if (verdicts[rule->require_field].present) return false;
    const struct verdict *when = &verdicts[rule->when_field];
    if (rule->when_values) return when->present && is_one_of(when->text, rule->when_values, rule->when_value_count);
    return when->present == rule->when_present;
}
