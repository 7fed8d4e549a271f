#include "tabular/parquet_encode.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "Parquet is little endian, and so are the stores below");

enum {
    GROUP = 8,   /* the hybrid packs values in groups of this many */
    BLOCK = 128, /* of DELTA_BINARY_PACKED */
    MINIBLOCK = 32,
    MINIBLOCKS = BLOCK / MINIBLOCK,
    VARINT_BYTES = 10,
    STORE_SLACK = 16, /* packing stores whole words and goes on from where the value ends */
};

unsigned encode_bit_width(uint64_t most)
{
    return most == 0 ? 0 : 64 - (unsigned)__builtin_clzll(most);
}

static uint8_t *put_varint(uint8_t *out, uint64_t value)
{
    while (value >= 0x80) {
        *out++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *out++ = (uint8_t)value;
    return out;
}

static uint8_t *put_zigzag(uint8_t *out, int64_t value)
{
    return put_varint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

/* Packs `count` values (a multiple of 8) of `width` bits each, first value in the lowest bits. */
static uint8_t *pack(uint8_t *out, const uint64_t *values, size_t count, unsigned width)
{
    uint64_t pending = 0;
    unsigned bits = 0;

    for (size_t i = 0; i < count; i++) {
        pending |= values[i] << bits;
        bits += width;
        if (bits >= 64) {
            memcpy(out, &pending, sizeof pending);
            out += sizeof pending;
            bits -= 64;
            pending = bits > 0 ? values[i] >> (width - bits) : 0;
        }
    }
    memcpy(out, &pending, sizeof pending);
    return out + bits / 8;
}

static uint64_t pack_four(const uint32_t *values, unsigned width)
{
    return (uint64_t)values[0] | (uint64_t)values[1] << width | (uint64_t)values[2] << 2 * width |
           (uint64_t)values[3] << 3 * width;
}

/* A group of 8 of the hybrid: `width` bytes. */
static uint8_t *pack_group(uint8_t *out, const uint32_t *values, unsigned width)
{
    if (width <= 16) {
        uint64_t low = pack_four(values, width);
        uint64_t high = pack_four(values + 4, width);
        uint64_t words[2] = {low, high};

        if (width < 16) {
            words[0] = low | (width > 0 ? high << 4 * width : 0);
            words[1] = width > 0 ? high >> (64 - 4 * width) : 0;
        }
        memcpy(out, words, sizeof words);
        return out + width;
    }
    uint64_t wide[GROUP];

    for (unsigned i = 0; i < GROUP; i++) {
        wide[i] = values[i];
    }
    return pack(out, wide, GROUP, width);
}

static uint8_t *put_run(uint8_t *out, uint32_t value, size_t count, unsigned width)
{
    out = put_varint(out, (uint64_t)count << 1);
    memcpy(out, &value, sizeof value);
    return out + (width + 7) / 8;
}

static bool group_is_constant(const uint32_t *values)
{
    uint32_t difference = 0;

    for (unsigned i = 1; i < GROUP; i++) {
        difference |= values[0] ^ values[i];
    }
    return difference == 0;
}

/* Values from `from` on that repeat the one there, in whole groups or up to the end; 0 when not even a group does. */
static size_t run_length(const uint32_t *values, size_t from, size_t count)
{
    size_t at = from;

    while (at + GROUP <= count && group_is_constant(values + at) && values[at] == values[from]) {
        at += GROUP;
    }
    if (at == from) {
        return 0;
    }
    while (at < count && values[at] == values[from]) {
        at++;
    }
    if (at < count) {
        at -= (at - from) % GROUP; /* what follows begins at a whole group */
    }
    return at - from;
}

static size_t literal_length(const uint32_t *values, size_t from, size_t count)
{
    size_t at = from;

    while (at + GROUP <= count && !group_is_constant(values + at)) {
        at += GROUP;
    }
    return at + GROUP <= count ? at - from : count - from;
}

static uint8_t *put_literals(uint8_t *out, const uint32_t *values, size_t count, unsigned width)
{
    size_t groups = (count + GROUP - 1) / GROUP;

    out = put_varint(out, (uint64_t)groups << 1 | 1);
    for (size_t i = 0; i < count / GROUP; i++) {
        out = pack_group(out, values + i * GROUP, width);
    }
    if (count % GROUP > 0) {
        uint32_t last[GROUP] = {0};

        memcpy(last, values + count - count % GROUP, count % GROUP * sizeof *last);
        out = pack_group(out, last, width);
    }
    return out;
}

void encode_hybrid(struct buffer *into, const uint32_t *values, size_t count, unsigned width)
{
    /* Every run covers a group at least, so each group costs its bits or a run's header, never both. */
    size_t most = (count / GROUP + 1) * (width + VARINT_BYTES) + STORE_SLACK;
    char *room = buffer_room(into, most);

    if (room == NULL) {
        return;
    }
    uint8_t *out = (uint8_t *)room;

    for (size_t at = 0; at < count;) {
        size_t length = run_length(values, at, count);

        if (length > 0) {
            out = put_run(out, values[at], length, width);
        } else {
            length = literal_length(values, at, count);
            out = put_literals(out, values + at, length, width);
        }
        at += length;
    }
    buffer_advance(into, (size_t)(out - (uint8_t *)room));
}

void encode_hybrid_run(struct buffer *into, uint32_t value, size_t count, unsigned width)
{
    char *room = buffer_room(into, VARINT_BYTES + STORE_SLACK);

    if (room != NULL && count > 0) {
        buffer_advance(into, (size_t)(put_run((uint8_t *)room, value, count, width) - (uint8_t *)room));
    }
}

/* Differences of `count` values (at most BLOCK) to the ones before them; the rest of the block repeats the smallest,
 * so that it packs to nothing. Returns the smallest. */
static int64_t take_differences(const int64_t *values, size_t count, bool of_int32, int64_t differences[BLOCK])
{
    int64_t least = INT64_MAX;

    for (size_t i = 0; i < count; i++) {
        differences[i] = (int64_t)((uint64_t)values[i] - (uint64_t)values[(ptrdiff_t)i - 1]);
    }
    if (of_int32) {
        for (size_t i = 0; i < count; i++) {
            differences[i] = (int32_t)(uint32_t)(uint64_t)differences[i];
        }
    }
    for (size_t i = 0; i < count; i++) {
        least = differences[i] < least ? differences[i] : least;
    }
    for (size_t i = count; i < BLOCK; i++) {
        differences[i] = least;
    }
    return least;
}

static uint8_t *put_block(uint8_t *out, const int64_t *values, size_t count, bool of_int32)
{
    int64_t differences[BLOCK];
    int64_t least = take_differences(values, count, of_int32, differences);
    size_t filled = (count + MINIBLOCK - 1) / MINIBLOCK;

    out = put_zigzag(out, least);
    uint8_t *widths = out;
    out += MINIBLOCKS;
    memset(widths, 0, MINIBLOCKS);
    for (size_t block = 0; block < filled; block++) {
        const int64_t *from = differences + block * MINIBLOCK;
        uint64_t above[MINIBLOCK];
        uint64_t all = 0;

        for (unsigned i = 0; i < MINIBLOCK; i++) {
            above[i] = (uint64_t)from[i] - (uint64_t)least;
            all |= above[i];
        }
        widths[block] = (uint8_t)encode_bit_width(all);
        if (widths[block] > 0) {
            out = pack(out, above, MINIBLOCK, widths[block]);
        }
    }
    return out;
}

void encode_delta(struct buffer *into, const int64_t *values, size_t count, bool of_int32)
{
    size_t blocks = count / BLOCK + 1;
    char *room = buffer_room(into, 4 * VARINT_BYTES + blocks * (BLOCK * 8 + MINIBLOCKS + VARINT_BYTES) + STORE_SLACK);

    if (room == NULL) {
        return;
    }
    uint8_t *out = (uint8_t *)room;

    out = put_varint(out, BLOCK);
    out = put_varint(out, MINIBLOCKS);
    out = put_varint(out, count);
    out = put_zigzag(out, count > 0 ? values[0] : 0);
    for (size_t at = 1; at < count; at += BLOCK) {
        size_t left = count - at;

        out = put_block(out, values + at, left < BLOCK ? left : BLOCK, of_int32);
    }
    buffer_advance(into, (size_t)(out - (uint8_t *)room));
}

void encode_booleans(struct buffer *into, const int64_t *values, size_t count)
{
    size_t size = (count + 7) / 8;
    char *room = buffer_room(into, size);

    if (room == NULL) {
        return;
    }
    memset(room, 0, size);
    for (size_t i = 0; i < count; i++) {
        room[i / 8] = (char)(room[i / 8] | (values[i] != 0) << i % 8);
    }
    buffer_advance(into, size);
}

void encode_plain(struct buffer *into, const int64_t *values, size_t count, bool of_int32)
{
    size_t width = of_int32 ? 4 : 8;
    char *room = buffer_room(into, count * width);

    if (room == NULL) {
        return;
    }
    if (of_int32) {
        for (size_t i = 0; i < count; i++) {
            int32_t value = (int32_t)values[i];

            memcpy(room + i * width, &value, sizeof value);
        }
    } else if (count > 0) {
        memcpy(room, values, count * width);
    }
    buffer_advance(into, count * width);
}
