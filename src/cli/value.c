/* One word of the command line as a checked value. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "cli/describe.h"
#include "cli/options.h"
#include "tabular/datetime.h"

static bool all_digits(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < '0' || text[i] > '9') return false;
    return length > 0;
}

/* Decimal digits as a number; false when they are more than int64_t holds. */
static bool digits_value(const char *text, size_t length, int64_t *number)
{
    int64_t sum = 0;
    for (size_t i = 0; i < length; i++)
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, text[i] - '0', &sum)) return false;
    *number = sum;
    return true;
}

static bool wrong_bounds(const struct option *option, const char *text, const char *what, const char *unit,
                         struct error *error)
{
    if (option->maximum > 0)
        return error_set(error, ERROR_USAGE, "%s: must be %s from %" PRId64 " to %" PRId64 ", is '%s'", what, unit,
                         option->minimum, option->maximum, text);
    return error_set(error, ERROR_USAGE, "%s: must be %s of at least %" PRId64 ", is '%s'", what, unit, option->minimum,
                     text);
}

static bool in_bounds(const struct option *option, int64_t number)
{
    return number >= option->minimum && (option->maximum == 0 || number <= option->maximum);
}

static bool parse_count(const struct option *option, const char *text, const char *what, struct value *value,
                        struct error *error)
{
    size_t length = strlen(text);
    if (!all_digits(text, length) || !digits_value(text, length, &value->number) || !in_bounds(option, value->number))
        return wrong_bounds(option, text, what, "a whole number", error);
    return true;
}

/* The power of two that a size's suffix stands for, -1 for none that is known. */
static int suffix_shift(const char *suffix)
{
    static const char letters[] = "KMGT";
    if (*suffix == '\0' || strcasecmp(suffix, "B") == 0) return 0;
    const char *letter = strchr(letters, toupper((unsigned char)*suffix));
    const char *rest = suffix + 1;
    if (letter == NULL || (*rest != '\0' && strcasecmp(rest, "B") != 0 && strcasecmp(rest, "iB") != 0)) return -1;
    return 10 * (int)(letter - letters + 1);
}

static bool parse_size(const struct option *option, const char *text, const char *what, struct value *value,
                       struct error *error)
{
    size_t digits = strspn(text, "0123456789");
    int shift = suffix_shift(text + digits);
    if (digits == 0 || shift < 0)
        return error_set(error, ERROR_USAGE, "%s: must be a size such as 512M or 2G, is '%s'", what, text);
    int64_t number = 0;
    if (!digits_value(text, digits, &number) || __builtin_mul_overflow(number, INT64_C(1) << shift, &value->number))
        return error_set(error, ERROR_USAGE, "%s: '%s' is more bytes than can be counted", what, text);
    if (!in_bounds(option, value->number)) return wrong_bounds(option, text, what, "a number of bytes", error);
    return true;
}

static bool parse_share(const char *text, const char *what, struct value *value, struct error *error)
{
    char *end = NULL;
    size_t plain = strspn(text, "0123456789.");
    double number = plain > 0 ? strtod(text, &end) : 0.0;
    bool percent = plain > 0 && strcmp(text + plain, "%") == 0;
    if (plain == 0 || end != text + plain || (text[plain] != '\0' && !percent))
        return error_set(error, ERROR_USAGE, "%s: must be a share such as 0.05 or 5%%, is '%s'", what, text);
    value->real = percent ? number / 100.0 : number;
    if (value->real > 1.0)
        return error_set(error, ERROR_USAGE, "%s: must be a share from 0 to 1 (0%% to 100%%), is '%s'", what, text);
    return true;
}

static bool parse_date(const char *text, const char *what, struct value *value, struct error *error)
{
    bool shaped = strlen(text) == 10 && text[4] == '-' && text[7] == '-' && all_digits(text, 4) &&
                  all_digits(text + 5, 2) && all_digits(text + 8, 2);
    if (!shaped) return error_set(error, ERROR_USAGE, "%s: must be a date such as 2025-04-01, is '%s'", what, text);
    if (!date_parse(str_of(text), &value->number))
        return error_set(error, ERROR_USAGE, "%s: there is no day '%s' in the calendar", what, text);
    return true;
}

static bool parse_choice(const struct option *option, const char *text, const char *what, struct value *value,
                         struct error *error)
{
    for (int64_t i = 0; option->choices[i] != NULL; i++) {
        if (strcmp(option->choices[i], text) == 0) {
            value->number = i;
            return true;
        }
    }
    struct buffer names;
    buffer_init(&names, 0);
    describe_choices(&names, option->choices);
    const char *nearest = options_nearest(text, option->choices);
    const char *list = buffer_text(&names);
    error_set(error, ERROR_USAGE, "%s: must be %s, is '%s'%s%s%s", what, list == NULL ? "one of its choices" : list,
              text, nearest == NULL ? "" : " (did you mean '", nearest == NULL ? "" : nearest,
              nearest == NULL ? "" : "'?)");
    buffer_free(&names);
    return false;
}

bool value_parse(const struct option *option, const char *text, const char *what, struct value *value,
                 struct error *error)
{
    value->text = text;
    switch (option->kind) {
    case VALUE_COUNT:
        return parse_count(option, text, what, value, error);
    case VALUE_SHARE:
        return parse_share(text, what, value, error);
    case VALUE_SIZE:
        return parse_size(option, text, what, value, error);
    case VALUE_DATE:
        return parse_date(text, what, value, error);
    case VALUE_CHOICE:
        return parse_choice(option, text, what, value, error);
    case VALUE_FILE:
    case VALUE_FOLDER:
        if (*text == '\0') return error_set(error, ERROR_USAGE, "%s: must be a path, is empty", what);
        return true;
    case VALUE_FLAG:
        value->number = 1;
        return true;
    case VALUE_TEXT:
    case VALUE_COMMAND:
        return true;
    }
    return error_set(error, ERROR_INTERNAL, "%s: value kind %d is unknown", what, (int)option->kind);
}
