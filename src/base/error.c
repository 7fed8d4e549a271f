#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Takes a UTF-8 sequence off the end that the cut of a long message left unfinished. */
static void drop_cut_sequence(char *text)
{
    size_t length = strlen(text);
    size_t start = length;

    while (start > 0 && length - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) {
        start--;
    }
    if (start == 0) {
        return;
    }
    unsigned char lead = (unsigned char)text[start - 1];
    size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;

    if (wanted > 1 && length - start + 1 < wanted) {
        text[start - 1] = '\0';
    }
}

static void fill(struct error *error, enum error_code code, const char *format, va_list arguments)
{
    error->code = code;
    error->name = NULL;
    int wanted = vsnprintf(error->message, sizeof error->message, format, arguments);

    if (wanted >= (int)sizeof error->message) {
        drop_cut_sequence(error->message);
    }
}

static void append(struct error *error, const char *text)
{
    size_t length = strlen(error->message);
    int wanted = snprintf(error->message + length, sizeof error->message - length, "%s", text);

    if ((size_t)wanted >= sizeof error->message - length) {
        drop_cut_sequence(error->message);
    }
}

bool error_set(struct error *error, enum error_code code, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;

        va_start(arguments, format);
        fill(error, code, format, arguments);
        va_end(arguments);
    }
    return false;
}

bool error_set_named(struct error *error, enum error_code code, const char *name, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;

        va_start(arguments, format);
        fill(error, code, format, arguments);
        va_end(arguments);
        error->name = name;
    }
    return false;
}

static enum error_code code_of_errno(int errnum)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERROR_LIMIT;
    case ENOENT:
    case ENOTDIR:
        return ERROR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERROR_DENIED;
    case ENOMEM:
        return ERROR_MEMORY;
    default:
        return ERROR_IO;
    }
}

bool error_set_errno(struct error *error, int errnum, const char *format, ...)
{
    if (error != NULL) {
        char reason[128];
        va_list arguments;

        va_start(arguments, format);
        fill(error, code_of_errno(errnum), format, arguments);
        va_end(arguments);
        append(error, ": ");
        append(error, strerror_r(errnum, reason, sizeof reason));
    }
    return false;
}

bool error_prefix(struct error *error, const char *format, ...)
{
    if (error != NULL) {
        char before[sizeof error->message];
        va_list arguments;

        memcpy(before, error->message, sizeof before);
        va_start(arguments, format);
        fill(error, error->code, format, arguments);
        va_end(arguments);
        append(error, ": ");
        append(error, before);
    }
    return false;
}

const char *error_code_name(enum error_code code)
{
    switch (code) {
    case ERROR_NONE:
        return "none";
    case ERROR_USAGE:
        return "usage";
    case ERROR_INVALID:
        return "invalid";
    case ERROR_DENIED:
        return "denied";
    case ERROR_NOT_FOUND:
        return "not_found";
    case ERROR_CONFLICT:
        return "conflict";
    case ERROR_LIMIT:
        return "limit";
    case ERROR_IO:
        return "io";
    case ERROR_MEMORY:
        return "memory";
    case ERROR_CORRUPT:
        return "corrupt";
    case ERROR_INTERNAL:
        return "internal";
    }
    return "internal";
}
