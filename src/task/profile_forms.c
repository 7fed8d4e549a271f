/* What a text can be read as. */
#include "tabular/datetime.h"
#include "task/profile_state.h"

/* From the narrowest on: of the forms that all values of a column have, the first is taken. */
const struct profile_form profile_forms[] = {
    {FIELD_INTEGER, NULL, false},
    {FIELD_NUMBER, NULL, false},
    {FIELD_BOOLEAN, NULL, false},
    {FIELD_DATE, NULL, false},
    {FIELD_DATETIME, NULL, false},
    {FIELD_DATETIME, "any", false},
    {FIELD_TIME, NULL, false},
    {FIELD_DATE, "%d/%m/%Y", false},
    {FIELD_DATE, "%m/%d/%Y", true},
    {FIELD_DATE, "%d.%m.%Y", false},
    {FIELD_DATE, "%d-%m-%Y", false},
    {FIELD_DATE, "%m-%d-%Y", true},
    {FIELD_DATE, "%Y/%m/%d", false},
    {FIELD_DATE, "%d %b %Y", false},
    {FIELD_DATE, "%b %d, %Y", false},
    {FIELD_DATETIME, "%d/%m/%Y %H:%M", false},
    {FIELD_DATETIME, "%m/%d/%Y %H:%M", true},
    {FIELD_DATETIME, "%d.%m.%Y %H:%M", false},
    {FIELD_DATETIME, "%Y/%m/%d %H:%M", false},
    {FIELD_DATETIME, "%d/%m/%Y %H:%M:%S", false},
    {FIELD_DATETIME, "%m/%d/%Y %H:%M:%S", true},
    {FIELD_DATETIME, "%d.%m.%Y %H:%M:%S", false},
    {FIELD_DATETIME, "%Y/%m/%d %H:%M:%S", false},
};
const size_t profile_form_count = sizeof profile_forms / sizeof profile_forms[0];

const char *const profile_missing_texts[] = {"NA",   "N/A", "n/a", "NULL", "null", "None",
                                             "none", "NaN", "nan", "-",    "?",    "#N/A"};
const size_t profile_missing_text_count = sizeof profile_missing_texts / sizeof profile_missing_texts[0];

static bool is_boolean(struct str text)
{
    static const char *const words[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_is(text, words[i])) return true;
    return false;
}

/* Large numbers may have fewer decimals. */
static bool is_number(struct str text)
{
    static const int scales[] = {PROFILE_SCALE_MOST, 4, 0};
    int64_t ignored;
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++)
        if (number_parse(text, scales[i], &number_format_default, &ignored) == NUMBER_OK) return true;
    return false;
}

static bool has_form(struct str text, const struct profile_form *form)
{
    int64_t ignored;
    switch (form->type) {
    case FIELD_INTEGER:
        return integer_parse(text, &number_format_default, &ignored) == NUMBER_OK;
    case FIELD_NUMBER:
        return is_number(text);
    case FIELD_BOOLEAN:
        return is_boolean(text);
    case FIELD_TIME:
        return time_parse(text, &ignored);
    default:
        break;
    }
    if (form->format && strcmp(form->format, "any") == 0) return timestamp_parse_any(text, &ignored);
    if (form->format) return timestamp_parse_format(text, form->format, &ignored);
    return form->type == FIELD_DATE ? date_parse(text, &ignored) : timestamp_parse(text, &ignored);
}

uint32_t profile_forms_of(struct str text, uint32_t forms)
{
    for (size_t i = 0; i < profile_form_count; i++)
        if ((forms >> i & 1) != 0 && !has_form(text, &profile_forms[i])) forms &= ~(UINT32_C(1) << i);
    return forms;
}
