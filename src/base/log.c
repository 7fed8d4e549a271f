#include "base/log.h"

#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"

enum { MAXIMUM_LINE_BYTES = 64 * 1024 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static pthread_once_t level_once = PTHREAD_ONCE_INIT;
static _Atomic int least_level = LOG_WARN;

static void read_level(void)
{
    const char *text = getenv("AISLE_LOG");

    for (int i = 0; text != NULL && i < 4; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            atomic_store(&least_level, i);
        }
    }
}

void log_set_level(enum log_level level)
{
    pthread_once(&level_once, read_level);
    atomic_store(&least_level, (int)level);
}

/* Appends one value. False when the kind is not one of ours, after which the rest cannot be read. */
static bool append_value(struct buffer *line, char kind, va_list *arguments)
{
    switch (kind) {
    case 's': {
        const char *text = va_arg(*arguments, const char *);

        if (text == NULL) {
            buffer_append_text(line, "null");
        } else {
            json_append_string(line, str_of(text));
        }
        return true;
    }
    case 'i':
        buffer_append_format(line, "%lld", (long long)va_arg(*arguments, int64_t));
        return true;
    case 'f': {
        double number = va_arg(*arguments, double);

        if (isfinite(number)) {
            buffer_append_format(line, "%.17g", number);
        } else {
            buffer_append_text(line, "null");
        }
        return true;
    }
    case 'b':
        buffer_append_text(line, va_arg(*arguments, int) ? "true" : "false");
        return true;
    default:
        return false;
    }
}

void log_event(enum log_level level, const char *event, ...)
{
    char time[32];
    struct buffer line __attribute__((cleanup(buffer_free))) = {.ceiling = MAXIMUM_LINE_BYTES};
    va_list arguments;

    pthread_once(&level_once, read_level);
    if ((int)level < atomic_load(&least_level)) {
        return;
    }
    clock_format_rfc3339(clock_now_us(), time);
    buffer_append_format(&line, "{\"ts\":\"%s\",\"level\":\"%s\",\"event\":", time, level_names[level]);
    json_append_string(&line, str_of(event));
    va_start(arguments, event);
    for (;;) {
        const char *name = va_arg(arguments, const char *);

        if (name == NULL) {
            break;
        }
        const char *kind = va_arg(arguments, const char *);

        buffer_append_char(&line, ',');
        json_append_string(&line, str_of(name));
        buffer_append_char(&line, ':');
        if (!append_value(&line, kind[0], &arguments)) {
            buffer_append_text(&line, "null");
            break;
        }
    }
    va_end(arguments);
    buffer_append_text(&line, "}\n");
    if (!line.failed) {
        ssize_t ignored = write(STDERR_FILENO, line.data, line.length);

        (void)ignored;
    }
}
