/* XML as the S3 protocol has it: documents in, documents out, as trees of jansson values.
 *
 * Reading goes through expat with bounds on depth, elements and bytes, without external entities or a document type
 * (both MalformedXML). Writing is straight into a buffer.
 */
#ifndef AISLE_AWS_XML_H
#define AISLE_AWS_XML_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/str.h"

/* An element: its name without prefix, its text (of leaves) and its children in order. */
struct xml_element {
    const char *name;
    const char *text; /* "" when it has children or nothing; untrimmed */
    const char *type; /* the xsi:type attribute, which grants have; NULL: none */
    const struct xml_element *first_child, *next;
};

/* Parses a document into the arena. MalformedXML with line and column. `size` is bounded by the caller. */
const struct xml_element *xml_read(const void *data, size_t size, struct arena *arena, struct error *error);

/* The first child of that name, or NULL; the next of the same name after `element`, or NULL. */
const struct xml_element *xml_child(const struct xml_element *element, const char *name);
const struct xml_element *xml_next(const struct xml_element *element);
/* A child's text, or `fallback` when there is none. */
const char *xml_text(const struct xml_element *element, const char *name, const char *fallback);

/* Writing. Text is escaped; characters that XML 1.0 cannot carry become character references as S3 sends them. */
void xml_declare(struct buffer *out);                                       /* <?xml version="1.0" … ?>\n */
void xml_open(struct buffer *out, const char *name);                        /* <Name> */
void xml_open_root(struct buffer *out, const char *name);                   /* with S3's namespace of 2006-03-01 */
void xml_close(struct buffer *out, const char *name);                       /* </Name> */
void xml_leaf(struct buffer *out, const char *name, struct str text);       /* <Name>text</Name> */
void xml_leaf_text(struct buffer *out, const char *name, const char *text); /* NULL: nothing at all */
void xml_leaf_number(struct buffer *out, const char *name, int64_t number);
void xml_leaf_bool(struct buffer *out, const char *name, bool value);
void xml_leaf_time(struct buffer *out, const char *name, int64_t time_us); /* 2025-07-01T12:34:56.789Z */

#endif
