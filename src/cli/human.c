#include "cli/human.h"

void human_bytes(struct buffer *into, uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) {
        buffer_append_format(into, "%u B", (unsigned)bytes);
        return;
    }
    double amount = (double)bytes / 1000;
    size_t unit = 0;
    while (amount >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
        amount /= 1000;
        unit++;
    }
    buffer_append_format(into, amount < 9.95 ? "%.1f %s" : "%.0f %s", amount, units[unit]);
}

void human_duration(struct buffer *into, int64_t duration_us)
{
    double seconds = (double)(duration_us > 0 ? duration_us : 0) / 1e6;
    int64_t whole = (int64_t)(seconds + 0.5);
    if (seconds < 0.0995)
        buffer_append_format(into, "%.3f s", seconds);
    else if (seconds < 9.995)
        buffer_append_format(into, "%.2f s", seconds);
    else if (seconds < 59.95)
        buffer_append_format(into, "%.1f s", seconds);
    else if (whole < 3600)
        buffer_append_format(into, "%d min %d s", (int)(whole / 60), (int)(whole % 60));
    else
        buffer_append_format(into, "%lld h %d min", (long long)(whole / 3600), (int)(whole % 3600 / 60));
}

void human_number(struct buffer *into, struct str number, bool separator)
{
    size_t sign = number.length > 0 && number.data[0] == '-';
    size_t digits = 0;
    while (sign + digits < number.length && number.data[sign + digits] >= '0' && number.data[sign + digits] <= '9')
        digits++;
    bool plain = sign + digits == number.length || number.data[sign + digits] == '.';
    if (!separator || !plain || digits < 4) {
        buffer_append_str(into, number);
        return;
    }
    buffer_append(into, number.data, sign);
    for (size_t i = 0; i < digits; i++) {
        if (i > 0 && (digits - i) % 3 == 0) buffer_append_char(into, ',');
        buffer_append_char(into, number.data[sign + i]);
    }
    buffer_append(into, number.data + sign + digits, number.length - sign - digits);
}
