#include "tabular/csv_transcode.h"

#include <string.h>

#define LONGEST_UTF8 4

struct csv_mark csv_mark_of(const unsigned char *head, size_t size, enum csv_encoding declared)
{
    if (size >= 3 && head[0] == 0xef && head[1] == 0xbb && head[2] == 0xbf) {
        return (struct csv_mark){.encoding = CSV_UTF8, .size = 3};
    }
    if (size >= 2 && head[0] == 0xff && head[1] == 0xfe) {
        return (struct csv_mark){.encoding = CSV_UTF16, .size = 2};
    }
    if (size >= 2 && head[0] == 0xfe && head[1] == 0xff) {
        return (struct csv_mark){.encoding = CSV_UTF16, .big_endian = true, .size = 2};
    }
    return (struct csv_mark){.encoding = declared};
}

void csv_transcoder_init(struct csv_transcoder *transcoder, enum csv_encoding declared, const char *path,
                         struct csv_sink sink)
{
    transcoder->path = path;
    transcoder->sink = sink;
    transcoder->declared = declared;
    transcoder->decided = false;
    transcoder->offset = 0;
    transcoder->held_size = 0;
    transcoder->output_size = 0;
}

static bool flush(struct csv_transcoder *transcoder, struct error *error)
{
    size_t size = transcoder->output_size;

    transcoder->output_size = 0;
    return size == 0 || transcoder->sink.take(transcoder->sink.context, transcoder->output, size, error);
}

/* Room for one more character is there. */
static void put(struct csv_transcoder *transcoder, uint32_t character)
{
    char *to = transcoder->output + transcoder->output_size;
    char *start = to;

    if (character < 0x80) {
        *to++ = (char)character;
    } else if (character < 0x800) {
        *to++ = (char)(0xc0 | character >> 6);
        *to++ = (char)(0x80 | (character & 0x3f));
    } else if (character < 0x10000) {
        *to++ = (char)(0xe0 | character >> 12);
        *to++ = (char)(0x80 | (character >> 6 & 0x3f));
        *to++ = (char)(0x80 | (character & 0x3f));
    } else {
        *to++ = (char)(0xf0 | character >> 18);
        *to++ = (char)(0x80 | (character >> 12 & 0x3f));
        *to++ = (char)(0x80 | (character >> 6 & 0x3f));
        *to++ = (char)(0x80 | (character & 0x3f));
    }
    transcoder->output_size += (size_t)(to - start);
}

static bool make_room(struct csv_transcoder *transcoder, struct error *error)
{
    return transcoder->output_size + LONGEST_UTF8 <= sizeof transcoder->output || flush(transcoder, error);
}

static bool feed_latin1(struct csv_transcoder *transcoder, const unsigned char *data, size_t size, struct error *error)
{
    for (size_t i = 0; i < size; i++) {
        if (!make_room(transcoder, error)) {
            return false;
        }
        put(transcoder, data[i]);
    }
    transcoder->offset += size;
    return true;
}

static uint32_t unit_at(const struct csv_transcoder *transcoder, const unsigned char *data)
{
    return transcoder->mark.big_endian ? (uint32_t)data[0] << 8 | data[1] : (uint32_t)data[1] << 8 | data[0];
}

static bool lone_surrogate(const struct csv_transcoder *transcoder, uint32_t unit, struct error *error)
{
    return error_set(error, ERROR_INVALID,
                     "%s: byte %llu is not UTF-16: the surrogate %04X stands without its pair; declare the encoding "
                     "that the file has",
                     transcoder->path, (unsigned long long)transcoder->offset, (unsigned)unit);
}

/* Decodes the characters that are whole. `*taken` is how many bytes they had, at most 3 fewer than there are. */
static bool decode_utf16(struct csv_transcoder *transcoder, const unsigned char *data, size_t size, size_t *taken,
                         struct error *error)
{
    size_t at = 0;

    while (at + 2 <= size) {
        uint32_t character = unit_at(transcoder, data + at);
        size_t length = 2;

        if ((character & 0xfc00) == 0xd800) {
            if (at + 4 > size) {
                break;
            }
            uint32_t low = unit_at(transcoder, data + at + 2);

            if ((low & 0xfc00) != 0xdc00) {
                return lone_surrogate(transcoder, character, error);
            }
            character = 0x10000 + ((character & 0x3ff) << 10 | (low & 0x3ff));
            length = 4;
        } else if ((character & 0xfc00) == 0xdc00) {
            return lone_surrogate(transcoder, character, error);
        }
        if (!make_room(transcoder, error)) {
            return false;
        }
        put(transcoder, character);
        transcoder->offset += length;
        at += length;
    }
    *taken = at;
    return true;
}

static bool feed_utf16(struct csv_transcoder *transcoder, const unsigned char *data, size_t size, struct error *error)
{
    size_t taken = 0;

    /* A character that was cut: the bytes of it are completed one by one. */
    while (transcoder->held_size > 0 && size > 0) {
        transcoder->held[transcoder->held_size++] = *data++;
        size--;
        if (!decode_utf16(transcoder, transcoder->held, transcoder->held_size, &taken, error)) {
            return false;
        }
        if (taken > 0) {
            transcoder->held_size = 0;
        }
    }
    if (size == 0) {
        return true;
    }
    if (!decode_utf16(transcoder, data, size, &taken, error)) {
        return false;
    }
    transcoder->held_size = size - taken;
    memcpy(transcoder->held, data + taken, size - taken);
    return true;
}

static bool feed_decided(struct csv_transcoder *transcoder, const unsigned char *data, size_t size, struct error *error)
{
    switch (transcoder->mark.encoding) {
    case CSV_LATIN1:
        return feed_latin1(transcoder, data, size, error);
    case CSV_UTF16:
        return feed_utf16(transcoder, data, size, error);
    default:
        transcoder->offset += size;
        return size == 0 || transcoder->sink.take(transcoder->sink.context, (const char *)data, size, error);
    }
}

/* Looks for the mark in what is held, and feeds on the rest of it. */
static bool decide(struct csv_transcoder *transcoder, struct error *error)
{
    unsigned char start[CSV_MARK_SIZE];
    size_t size = transcoder->held_size;

    memcpy(start, transcoder->held, size);
    transcoder->held_size = 0;
    transcoder->decided = true;
    transcoder->mark = csv_mark_of(start, size, transcoder->declared);
    transcoder->offset = transcoder->mark.size;
    return feed_decided(transcoder, start + transcoder->mark.size, size - transcoder->mark.size, error);
}

bool csv_transcoder_feed(struct csv_transcoder *transcoder, const char *data, size_t size, struct error *error)
{
    while (!transcoder->decided && size > 0) {
        transcoder->held[transcoder->held_size++] = (unsigned char)*data++;
        size--;
        if (transcoder->held_size == CSV_MARK_SIZE && !decide(transcoder, error)) {
            return false;
        }
    }
    return size == 0 || feed_decided(transcoder, (const unsigned char *)data, size, error);
}

bool csv_transcoder_end(struct csv_transcoder *transcoder, struct error *error)
{
    if (!transcoder->decided && !decide(transcoder, error)) {
        return false;
    }
    if (transcoder->held_size > 0) {
        return error_set(error, ERROR_INVALID,
                         "%s: the UTF-16 text ends in the middle of a character, after byte %llu: the file is not "
                         "complete, send it again",
                         transcoder->path, (unsigned long long)(transcoder->offset + transcoder->held_size));
    }
    return flush(transcoder, error);
}
