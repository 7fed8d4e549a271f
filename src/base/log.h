/* JSON lines on standard error: one event a line, `ts`, `level`, `event` first, then the given fields. */
#ifndef AISLE_BASE_LOG_H
#define AISLE_BASE_LOG_H

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* What is below `level` is left out. The default is LOG_WARN; AISLE_LOG=debug|info|warn|error sets it. */
void log_set_level(enum log_level level);

/* log_event(LOG_INFO, "file_taken", "path", "s", path, "rows", "i", rows, NULL): after the event's name come
 * triples of field name, kind and value, ended by NULL. Kinds: "s" const char *, "i" int64_t, "f" double,
 * "b" int. A line is written whole or not at all; it never fails the caller. Safe from any thread. */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));

#endif
