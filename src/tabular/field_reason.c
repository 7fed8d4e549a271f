/* The sentences that say why a row is refused. */
#include <inttypes.h>
#include <stdio.h>

#include "tabular/datetime.h"
#include "tabular/pattern.h"
#include "tabular/schema.h"
#include "tabular/schema_read.h"

/* Bytes of a value that a sentence shows. */
#define SHOWN_BYTES 80

/* The value for a reader: cut at a character when long, control characters as spaces. */
static void append_value(struct str value, struct buffer *into)
{
    size_t length = value.length;
    if (length > SHOWN_BYTES) {
        length = SHOWN_BYTES;
        while (length > 0 && ((unsigned char)value.data[length] & 0xC0) == 0x80) length--;
    }
    char *room = buffer_room(into, length);
    if (room == NULL) return;
    for (size_t i = 0; i < length; i++)
        room[i] = (unsigned char)value.data[i] < 0x20 || value.data[i] == 0x7F ? ' ' : value.data[i];
    buffer_advance(into, length);
    if (length < value.length) buffer_append_text(into, "…");
}

/* A bound as the field would write it. */
static void append_bound(const struct field *field, int64_t bound, struct buffer *into)
{
    char text[32] = "";
    if (field->type == FIELD_DATE)
        date_text(bound, text);
    else if (field->type == FIELD_DATETIME)
        timestamp_text(bound, text);
    else if (field->type == FIELD_TIME)
        time_text(bound, text);
    else if (field->type == FIELD_YEARMONTH)
        snprintf(text, sizeof text, "%04d-%02d", (int)(bound / 12), (int)(bound % 12) + 1);
    else
        number_append(bound, field->kind == COLUMN_DECIMAL ? field->scale : 0, into);
    buffer_append_text(into, text);
}

static const char *date_wish(const char *format)
{
    if (!format) return "must be a real day as YYYY-MM-DD";
    return strcmp(format, "any") == 0 ? "must be a real day or moment as YYYY-MM-DD, YYYY-MM-DDThh:mm:ss"
                                      : "must be a real day in the field's format";
}

static const char *datetime_wish(const char *format)
{
    if (!format) return "must be a real moment as YYYY-MM-DDThh:mm:ss";
    return strcmp(format, "any") == 0 ? "must be a real day or moment as YYYY-MM-DD, YYYY-MM-DDThh:mm:ss"
                                      : "must be a real moment in the field's format";
}

static const char *type_wish(const struct field *field)
{
    switch (field->type) {
    case FIELD_INTEGER:
        return "must be a whole number";
    case FIELD_NUMBER:
        return "must be a number";
    case FIELD_BOOLEAN:
        return "must be true or false";
    case FIELD_DATE:
        return date_wish(field->format);
    case FIELD_DATETIME:
        return datetime_wish(field->format);
    case FIELD_TIME:
        return "must be a time as hh:mm:ss";
    case FIELD_YEARMONTH:
        return "must be a month as YYYY-MM";
    case FIELD_YEAR:
        return "must be a year of four digits";
    default:
        return "must be a text of at most 1 MiB";
    }
}

static void append_type(const struct field *field, struct str value, struct buffer *into)
{
    int64_t ignored;
    enum number_result result = NUMBER_OK;
    if (field->kind != COLUMN_TERM && field->kind != COLUMN_TEXT) field_parse(field, value, &ignored, &result);
    if (result == NUMBER_TOO_FINE)
        buffer_append_format(into, "must have at most %d decimals", field->scale);
    else if (result == NUMBER_TOO_LARGE || result == NUMBER_TOO_SMALL)
        buffer_append_text(into, "is beyond the range of numbers that can be held");
    else if (field->form != FORM_NONE)
        buffer_append_format(into, "must be %s", text_form_wish(field->form));
    else
        buffer_append_text(into, type_wish(field));
}

static void append_enum(const struct field *field, struct buffer *into)
{
    buffer_append_text(into, "must be one of ");
    for (size_t i = 0; i < field->enum_count; i++) {
        if (i > 0) buffer_append_text(into, " | ");
        if (i == 12) {
            buffer_append_text(into, "…");
            return;
        }
        append_value(field->enums[i], into);
    }
}

/* What the rule asks for. */
static void append_wish(const struct field *field, enum rule rule, struct str value, struct buffer *into)
{
    switch (rule) {
    case RULE_TYPE:
        append_type(field, value, into);
        break;
    case RULE_MINIMUM:
        buffer_append_text(into, field->exclusive_minimum ? "must be more than " : "must be at least ");
        append_bound(field, field->minimum, into);
        break;
    case RULE_MAXIMUM:
        buffer_append_text(into, field->exclusive_maximum ? "must be less than " : "must be at most ");
        append_bound(field, field->maximum, into);
        break;
    case RULE_MIN_LENGTH:
        buffer_append_format(into, "must have at least %" PRIu32 " characters", field->min_length);
        break;
    case RULE_MAX_LENGTH:
        buffer_append_format(into, "must have at most %" PRIu32 " characters", field->max_length);
        break;
    case RULE_PATTERN:
        buffer_append_format(into, "must match the pattern %s", pattern_expression(field->pattern));
        break;
    case RULE_ENUM:
        append_enum(field, into);
        break;
    case RULE_UNIQUE:
        buffer_append_text(into, "must be unique");
        break;
    case RULE_REFERENCE:
        buffer_append_text(into, "must be in the file that it refers to");
        break;
    default:
        buffer_append_text(into, "is required");
        break;
    }
}

static void append_row_reason(enum rule rule, struct str value, struct buffer *into)
{
    if (rule == RULE_ENCODING)
        buffer_append_text(into, "the row is not valid UTF-8 text");
    else if (rule == RULE_FIELDS)
        buffer_append_text(into, "the row has the wrong number of fields");
    else
        buffer_append_text(into, "a quote stands where none may be");
    if (value.length > 0) {
        buffer_append_text(into, ": ");
        append_value(value, into);
    }
}

void field_reason(const struct field *field, enum rule rule, struct str value, struct buffer *into)
{
    if (field && field->message[rule]) {
        buffer_append_text(into, field->message[rule]);
        return;
    }
    if (rule == RULE_ENCODING || rule == RULE_FIELDS || rule == RULE_QUOTING) {
        append_row_reason(rule, value, into);
        return;
    }
    buffer_append_text(into, field->name);
    buffer_append_text(into, ": ");
    append_wish(field, rule, value, into);
    if (value.length > 0) {
        buffer_append_text(into, ", is ");
        append_value(value, into);
    }
}

/* Tells the broken conditional rules that require `field`. */
static size_t each_condition(const struct schema *schema, const struct verdict *verdicts, size_t field,
                             void (*visit)(void *context, size_t field, enum rule rule, const char *message),
                             void *context)
{
    size_t count = 0;
    for (size_t i = 0; i < schema->condition_count; i++) {
        const struct condition_rule *rule = &schema->conditions[i];
        if ((size_t)rule->require_field != field || !condition_is_broken(rule, verdicts)) continue;
        visit(context, field, RULE_CONDITION, rule->message);
        count++;
    }
    return count;
}

size_t schema_each_reason(const struct schema *schema, const struct verdict *verdicts,
                          void (*visit)(void *context, size_t field, enum rule rule, const char *message),
                          void *context)
{
    size_t count = 0;
    bool condition = false;
    bool any = false;
    for (size_t i = 0; i < schema->field_count; i++) any = any || verdicts[i].broken != 0;
    for (size_t i = 0; i < schema->condition_count; i++)
        condition = condition || condition_is_broken(&schema->conditions[i], verdicts);
    if (!any && !condition) return 0;
    for (size_t rank = 0; rank < schema->field_count * RULE_COUNT; rank++) {
        size_t field = schema->by_rank[rank] / RULE_COUNT;
        enum rule rule = (enum rule)(schema->by_rank[rank] % RULE_COUNT);
        if (rule == RULE_CONDITION && condition) {
            count += each_condition(schema, verdicts, field, visit, context);
        } else if (verdicts[field].broken & (1U << rule)) {
            visit(context, field, rule, NULL);
            count++;
        }
    }
    return count;
}

/* Reasons on their way into one text. */
struct reason_list {
    const struct schema *schema;
    const struct verdict *verdicts;
    struct buffer *into;
    size_t count;
    uint32_t broken;
};

static void append_reason(void *context, size_t field, enum rule rule, const char *message)
{
    struct reason_list *list = context;
    if (list->count++ > 0) buffer_append_text(list->into, ", ");
    if (message)
        buffer_append_text(list->into, message);
    else
        field_reason(&list->schema->fields[field], rule, list->verdicts[field].text, list->into);
    list->broken |= 1U << rule;
}

size_t schema_row_reasons(const struct schema *schema, const struct verdict *verdicts, struct buffer *into,
                          uint32_t *broken)
{
    struct reason_list list = {.schema = schema, .verdicts = verdicts, .into = into};
    size_t count = schema_each_reason(schema, verdicts, append_reason, &list);
    if (broken) *broken = list.broken;
    return count;
}
