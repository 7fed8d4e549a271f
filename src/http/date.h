/* Dates as HTTP has them (RFC 9110, 5.6.7). */
#ifndef AISLE_HTTP_DATE_H
#define AISLE_HTTP_DATE_H

#include <stdbool.h>
#include <stdint.h>

/* "Tue, 01 Jul 2025 12:34:56 GMT" and a NUL; fractions of a second are cut off. */
void http_date_format(int64_t time_us, char text[30]);

/* Any of the three forms that RFC 9110 has (IMF-fixdate, RFC 850, asctime), and RFC 3339's, which S3 takes too. False
 * when it is none. */
bool http_date_parse(const char *text, int64_t *time_us);

#endif
