/* A pseudo terminal, for what behaves differently on one. */
#ifndef AISLE_TESTS_SUPPORT_PTY_H
#define AISLE_TESTS_SUPPORT_PTY_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

/* A stream to a terminal of `columns` columns; what is written to it can be read from `*control`, which the caller
 * closes. NULL where the machine has no pseudo terminals. It never becomes the process's controlling terminal. */
static inline FILE *pty_open(unsigned short columns, int *control)
{
    *control = posix_openpt(O_RDWR | O_NOCTTY);
    if (*control < 0 || grantpt(*control) != 0 || unlockpt(*control) != 0) return NULL;
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    ioctl(*control, TIOCSWINSZ, &size);
    int fd = open(ptsname(*control), O_RDWR | O_NOCTTY);
    return fd < 0 ? NULL : fdopen(fd, "w");
}

#endif
