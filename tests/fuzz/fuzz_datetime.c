/* Dates and times, plain and by format: a line of format, then the text. What is read and written reads the same. */
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tabular/datetime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_timestamp(int64_t value)
{
    char written[28];
    int64_t again;
    timestamp_text(value, written);
    if (!timestamp_parse(str_of(written), &again) || again != value) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_slice((const char *)data, size);
    int64_t value;
    char written[11];
    if (date_parse(text, &value)) {
        date_text(value, written);
        if (!str_is(text, written)) abort();
    }
    if (time_parse(text, &value) && (value < 0 || value >= MICROSECONDS_PER_DAY)) abort();
    if (timestamp_parse(text, &value)) check_timestamp(value);
    if (timestamp_parse_any(text, &value)) check_timestamp(value);
    const char *line = size > 0 ? memchr(data, '\n', size) : NULL;
    if (!line) return 0;
    size_t length = (size_t)(line - (const char *)data);
    char *format = memory_copy_text((const char *)data, length, NULL);
    if (format && !timestamp_format_problem(format) &&
        timestamp_parse_format(str_slice(line + 1, size - length - 1), format, &value))
        check_timestamp(value);
    memory_free(format);
    return 0;
}
