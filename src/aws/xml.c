#include "aws/xml.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <expat.h>

#include "base/clock.h"
#include "base/memory.h"

enum {
    MAXIMUM_DEPTH = 32,
    MAXIMUM_ELEMENTS = 250000, /* a completed upload of 10,000 parts with every checksum has some 90,000 */
};

#define NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"
#define SCHEMA_INSTANCE "http://www.w3.org/2001/XMLSchema-instance"
#define SEPARATOR '\n' /* between a namespace and a name, which has none */

struct reader {
    XML_Parser parser;
    struct arena *arena;
    struct error *error;
    struct xml_element *open[MAXIMUM_DEPTH];
    struct xml_element *last_child[MAXIMUM_DEPTH]; /* of the open element at that depth */
    struct xml_element *root;
    unsigned depth;
    unsigned elements;
    struct buffer text; /* of the innermost open element */
    bool failed;
};

/* expat takes some failed allocations for mistakes of the document, so those that failed on this thread are counted. */
static _Thread_local uint64_t failures;

static void *reallocate(void *old, size_t size)
{
    void *bytes = memory_resize(old, size, 1, NULL);

    failures += bytes == NULL;
    return bytes;
}

static void *allocate(size_t size)
{
    return reallocate(NULL, size);
}

static void stop(struct reader *reader)
{
    reader->failed = true;
    XML_StopParser(reader->parser, XML_FALSE);
}

static void refuse(struct reader *reader, const char *what)
{
    error_set_named(reader->error, ERROR_INVALID, "MalformedXML", "the XML is refused at line %lu, column %lu: %s",
                    (unsigned long)XML_GetCurrentLineNumber(reader->parser),
                    (unsigned long)XML_GetCurrentColumnNumber(reader->parser) + 1, what);
    stop(reader);
}

static const char *local_name(const char *name)
{
    const char *separator = strrchr(name, SEPARATOR);

    return separator == NULL ? name : separator + 1;
}

static const char *type_of(const char *const *attributes)
{
    for (; attributes[0] != NULL; attributes += 2) {
        const char *local = local_name(attributes[0]);
        size_t space = sizeof SCHEMA_INSTANCE - 1;

        if (strcmp(local, "type") == 0 && (size_t)(local - attributes[0]) == space + 1 &&
            strncmp(attributes[0], SCHEMA_INSTANCE, space) == 0) {
            return attributes[1];
        }
    }
    return NULL;
}

static void start_element(void *data, const char *name, const char **attributes)
{
    struct reader *reader = data;
    const char *type = type_of(attributes);

    if (reader->failed) {
        return;
    }
    if (reader->depth == MAXIMUM_DEPTH) {
        refuse(reader, "elements are nested too deeply");
        return;
    }
    if (++reader->elements > MAXIMUM_ELEMENTS) {
        refuse(reader, "there are too many elements");
        return;
    }
    struct xml_element *element = arena_zeroed(reader->arena, sizeof *element, reader->error);

    name = local_name(name);
    if (element == NULL || (element->name = arena_text(reader->arena, name, strlen(name), reader->error)) == NULL ||
        (type != NULL && (element->type = arena_text(reader->arena, type, strlen(type), reader->error)) == NULL)) {
        stop(reader);
        return;
    }
    element->text = "";
    if (reader->depth == 0) {
        reader->root = element;
    } else {
        struct xml_element *parent = reader->open[reader->depth - 1];
        struct xml_element *before = reader->last_child[reader->depth - 1];

        if (before == NULL) {
            parent->first_child = element;
        } else {
            before->next = element;
        }
        reader->last_child[reader->depth - 1] = element;
    }
    reader->open[reader->depth] = element;
    reader->last_child[reader->depth] = NULL;
    reader->depth++;
    buffer_clear(&reader->text);
}

static void end_element(void *data, const char *name)
{
    struct reader *reader = data;

    (void)name;
    if (reader->failed) {
        return;
    }
    struct xml_element *element = reader->open[--reader->depth];

    if (element->first_child == NULL && reader->text.length > 0) {
        element->text = arena_text(reader->arena, reader->text.data, reader->text.length, reader->error);
        if (element->text == NULL) {
            stop(reader);
        }
    }
    buffer_clear(&reader->text);
}

static void add_text(void *data, const char *text, int length)
{
    struct reader *reader = data;

    if (reader->failed || reader->last_child[reader->depth - 1] != NULL) {
        return; /* between elements */
    }
    buffer_append(&reader->text, text, (size_t)length);
    if (!buffer_check(&reader->text, reader->error)) {
        stop(reader);
    }
}

static void refuse_doctype(void *data, const char *name, const char *system, const char *public, int has_subset)
{
    (void)name;
    (void)system;
    (void)public;
    (void)has_subset;
    refuse(data, "a document type is not taken");
}

static void release_parser(XML_Parser *parser)
{
    if (*parser != NULL) {
        XML_ParserFree(*parser);
    }
}

static bool read_whole(struct reader *reader, const char *data, size_t size)
{
    const size_t step = 1 << 20;
    uint64_t before = failures;

    bool good = true;

    do {
        size_t piece = size < step ? size : step;

        good = XML_Parse(reader->parser, data, (int)piece, piece == size) == XML_STATUS_OK;
        data += piece;
        size -= piece;
    } while (good && size > 0);
    if (failures != before) {
        return error_set(reader->error, ERROR_MEMORY, "no memory is left to read an XML document");
    }
    if (!good && !reader->failed) { /* otherwise it is told already */
        refuse(reader, XML_ErrorString(XML_GetErrorCode(reader->parser)));
    }
    return good;
}

const struct xml_element *xml_read(const void *data, size_t size, struct arena *arena, struct error *error)
{
    static const XML_Memory_Handling_Suite memory = {allocate, reallocate, memory_free};
    static const char separator[2] = {SEPARATOR, '\0'};
    XML_Parser parser __attribute__((cleanup(release_parser))) = XML_ParserCreate_MM(NULL, &memory, separator);
    struct reader reader = {.parser = parser, .arena = arena, .error = error};

    if (parser == NULL) {
        error_set(error, ERROR_MEMORY, "no memory is left to read XML of %zu bytes", size);
        return NULL;
    }
    XML_SetUserData(parser, &reader);
    XML_SetElementHandler(parser, start_element, end_element);
    XML_SetCharacterDataHandler(parser, add_text);
    XML_SetStartDoctypeDeclHandler(parser, refuse_doctype);
    bool read = read_whole(&reader, data, size);

    buffer_free(&reader.text);
    return read ? reader.root : NULL;
}

static const struct xml_element *from(const struct xml_element *element, const char *name)
{
    while (element != NULL && strcmp(element->name, name) != 0) {
        element = element->next;
    }
    return element;
}

const struct xml_element *xml_child(const struct xml_element *element, const char *name)
{
    return from(element->first_child, name);
}

const struct xml_element *xml_next(const struct xml_element *element)
{
    return from(element->next, element->name);
}

const char *xml_text(const struct xml_element *element, const char *name, const char *fallback)
{
    const struct xml_element *child = xml_child(element, name);

    return child == NULL ? fallback : child->text;
}

/* Bytes that do not stand for themselves in text. 0xEF may begin U+FFFE or U+FFFF, which XML has no place for. */
static bool is_special(unsigned char c)
{
    static const bool special[256] = {
        [0 ... 8] = true, [11 ... 31] = true, ['"'] = true, ['&'] = true, ['<'] = true, ['>'] = true, [0xEF] = true,
    };

    return special[c];
}

/* One special character at the beginning of `text`; gives how many bytes of it were written. */
static size_t append_special(struct buffer *out, struct str text)
{
    unsigned char c = (unsigned char)text.data[0];

    switch (c) {
    case '"':
        buffer_append_text(out, "&quot;");
        return 1;
    case '&':
        buffer_append_text(out, "&amp;");
        return 1;
    case '<':
        buffer_append_text(out, "&lt;");
        return 1;
    case '>':
        buffer_append_text(out, "&gt;");
        return 1;
    case 0xEF:
        if (text.length >= 3 && (unsigned char)text.data[1] == 0xBF && (unsigned char)text.data[2] >= 0xBE) {
            buffer_append_text(out, (unsigned char)text.data[2] == 0xBE ? "&#xfffe;" : "&#xffff;");
            return 3;
        }
        buffer_append_char(out, text.data[0]);
        return 1;
    default:
        buffer_append_format(out, "&#x%x;", c);
        return 1;
    }
}

static void append_escaped(struct buffer *out, struct str text)
{
    size_t done = 0;

    for (size_t i = 0; i < text.length;) {
        if (!is_special((unsigned char)text.data[i])) {
            i++;
            continue;
        }
        buffer_append(out, text.data + done, i - done);
        i += append_special(out, str_slice(text.data + i, text.length - i));
        done = i;
    }
    buffer_append(out, text.data + done, text.length - done);
}

void xml_declare(struct buffer *out)
{
    buffer_append_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}

void xml_open(struct buffer *out, const char *name)
{
    size_t length = strlen(name);
    char *room = buffer_room(out, length + 2);

    if (room != NULL) {
        room[0] = '<';
        memcpy(room + 1, name, length);
        room[length + 1] = '>';
        buffer_advance(out, length + 2);
    }
}

void xml_open_root(struct buffer *out, const char *name)
{
    buffer_append_char(out, '<');
    buffer_append_text(out, name);
    buffer_append_text(out, " xmlns=\"" NAMESPACE "\">");
}

void xml_close(struct buffer *out, const char *name)
{
    size_t length = strlen(name);
    char *room = buffer_room(out, length + 3);

    if (room != NULL) {
        room[0] = '<';
        room[1] = '/';
        memcpy(room + 2, name, length);
        room[length + 2] = '>';
        buffer_advance(out, length + 3);
    }
}

void xml_leaf(struct buffer *out, const char *name, struct str text)
{
    xml_open(out, name);
    append_escaped(out, text);
    xml_close(out, name);
}

void xml_leaf_text(struct buffer *out, const char *name, const char *text)
{
    if (text != NULL) {
        xml_leaf(out, name, str_of(text));
    }
}

void xml_leaf_number(struct buffer *out, const char *name, int64_t number)
{
    char digits[24];
    char *first = digits + sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    do {
        *--first = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0) {
        *--first = '-';
    }
    xml_open(out, name);
    buffer_append(out, first, (size_t)(digits + sizeof digits - first));
    xml_close(out, name);
}

void xml_leaf_bool(struct buffer *out, const char *name, bool value)
{
    xml_leaf(out, name, str_of(value ? "true" : "false"));
}

void xml_leaf_time(struct buffer *out, const char *name, int64_t time_us)
{
    char text[32];

    clock_format_rfc3339(time_us, text);
    xml_leaf(out, name, str_of(text));
}
