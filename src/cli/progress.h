/* A progress line on a terminal: what is being done, how much of it, how fast, how long still. Where the stream is no
 * terminal nothing is written.
 *
 *     struct progress progress;
 *     progress_start(&progress, stderr, "reading");
 *     ... progress_update(&progress, done, total) ...      // as often as one likes, from one thread at a time
 *     progress_stage(&progress, "writing");                // another stage begins at 0
 *     progress_end(&progress);                             // the line vanishes; before anything else is written
 */
#ifndef AISLE_CLI_PROGRESS_H
#define AISLE_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buffer.h"
#include "cli/terminal.h"

struct progress {
    FILE *stream;
    struct terminal terminal;
    const char *stage;  /* borrowed */
    int64_t started_us; /* of the stage */
    int64_t shown_us;   /* when the line was last written; 0: it is not there */
};

void progress_start(struct progress *progress, FILE *stream, const char *stage);
void progress_stage(struct progress *progress, const char *stage);

/* Bytes of the stage that are done, and all of them (0: not known). The line is written at most ten times a second. */
void progress_update(struct progress *progress, uint64_t done_bytes, uint64_t total_bytes);
void progress_end(struct progress *progress);

/* The line, without control characters, after `elapsed_us` of a stage:
 * "reading  ██████▌       45%  812 MB of 1.8 GB  1.1 GB/s  0.90 s left", shortened from the right to the terminal's
 * width. The time left is told from the first second on. */
void progress_line(const struct terminal *terminal, struct buffer *into, const char *stage, uint64_t done_bytes,
                   uint64_t total_bytes, int64_t elapsed_us);

#endif
