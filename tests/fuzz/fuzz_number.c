/* Exact decimals: the first byte chooses scale and form. What is read and written again reads the same. */
#include <stdint.h>
#include <stdlib.h>

#include "tabular/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    struct number_format format = {.decimal = data[0] & 32 ? ',' : '.',
                                   .group = data[0] & 64 ? (data[0] & 32 ? '.' : ',') : 0,
                                   .bare = (data[0] & 128) == 0};
    int scale = (data[0] & 31) % (NUMBER_SCALE_MAX + 1);
    struct str text = str_slice((const char *)data + 1, size - 1);
    int64_t value, again;
    integer_parse(text, &format, &value);
    if (number_parse(text, scale, &format, &value) != NUMBER_OK) return 0;
    struct buffer written __attribute__((cleanup(buffer_free))) = {0};
    number_append(value, scale, &written);
    if (number_parse(str_slice(written.data, written.length), scale, &number_format_default, &again) != NUMBER_OK ||
        again != value)
        abort();
    return 0;
}
