#include "tabular/parquet_decode.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "Parquet is little endian, and so are the loads below");

enum { GROUP = 8, MINIBLOCK_MULTIPLE = 32, MOST_MINIBLOCKS = 512 };

struct input {
    const uint8_t *at;
    const uint8_t *end;
};

static bool take_varint(struct input *input, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 70 && input->at < input->end; shift += 7) {
        uint8_t byte = *input->at++;

        *value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return true;
        }
    }
    return false;
}

static bool take_zigzag(struct input *input, int64_t *value)
{
    uint64_t raw = 0;
    bool taken = take_varint(input, &raw);

    *value = (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
    return taken;
}

static uint64_t load_word(const uint8_t *from)
{
    uint64_t word;

    memcpy(&word, from, sizeof word);
    return word;
}

/* `count` values of `width` (1 to 32) bits; reads up to 8 bytes past them. */
static void unpack_narrow(const uint8_t *data, unsigned width, uint32_t *values, size_t count)
{
    uint64_t mask = (UINT64_C(1) << width) - 1;

    for (size_t i = 0, bit = 0; i < count; i++, bit += width) {
        values[i] = (uint32_t)(load_word(data + bit / 8) >> bit % 8 & mask);
    }
}

/* One run of the hybrid: its header is taken, and what it holds is described. */
struct run {
    size_t count; /* of values, at most what is wanted */
    bool packed;
    uint32_t value;      /* not packed: repeated */
    const uint8_t *bits; /* packed: where they begin */
};

static bool take_run(struct input *input, unsigned width, size_t wanted, struct run *run)
{
    uint64_t head = 0;
    size_t value_size = (width + 7) / 8;

    if (!take_varint(input, &head)) {
        return false;
    }
    size_t left = (size_t)(input->end - input->at);

    run->packed = (head & 1) != 0;
    head >>= 1;
    if (head == 0) {
        return false; /* a run of nothing would let a few bytes go on for ever */
    }
    if (!run->packed) {
        if (left < value_size) {
            return false;
        }
        run->count = head < wanted ? (size_t)head : wanted;
        run->value = 0;
        memcpy(&run->value, input->at, value_size);
        input->at += value_size;
        return width == 32 || run->value >> width == 0;
    }
    /* The last group may be cut short where the values end. */
    size_t groups_wanted = (wanted + GROUP - 1) / GROUP;
    size_t groups = head < groups_wanted ? (size_t)head : groups_wanted;

    run->count = groups * GROUP < wanted ? groups * GROUP : wanted;
    run->bits = input->at;
    size_t needed = (run->count * width + 7) / 8;

    if (left < needed) {
        return false;
    }
    input->at += left < groups * width ? left : groups * width;
    return true;
}

bool decode_hybrid(const uint8_t *data, size_t size, unsigned width, uint32_t *values, size_t count)
{
    struct input input = {data, data + size};

    if (width > 32) {
        return false;
    }
    if (width == 0) {
        memset(values, 0, count * sizeof *values);
        return true;
    }
    for (size_t done = 0; done < count;) {
        struct run run = {0};

        if (!take_run(&input, width, count - done, &run)) {
            return false;
        }
        if (run.packed) {
            unpack_narrow(run.bits, width, values + done, run.count);
        } else {
            for (size_t i = 0; i < run.count; i++) {
                values[done + i] = run.value;
            }
        }
        done += run.count;
    }
    return true;
}

/* Eight bits as eight bytes of 0 or 1, the lowest bit first. */
static uint64_t spread_bits(uint8_t bits)
{
    uint64_t copies = bits * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);

    return (copies + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7 & UINT64_C(0x0101010101010101);
}

bool decode_levels(const uint8_t *data, size_t size, uint8_t *levels, size_t count, size_t *present)
{
    struct input input = {data, data + size};

    *present = 0;
    for (size_t done = 0; done < count;) {
        struct run run = {0};

        if (!take_run(&input, 1, count - done, &run)) {
            return false;
        }
        if (run.packed) {
            for (size_t i = 0; i < run.count; i += GROUP) {
                size_t left = run.count - i;
                uint64_t bytes = spread_bits(run.bits[i / GROUP]);

                memcpy(levels + done + i, &bytes, left < GROUP ? left : GROUP);
            }
            for (size_t i = 0; i < run.count; i++) {
                *present += levels[done + i];
            }
        } else {
            memset(levels + done, (int)run.value, run.count);
            *present += run.value * run.count;
        }
        done += run.count;
    }
    return true;
}

/* `count` values of `width` (1 to 64) bits. */
static void unpack_wide(const uint8_t *data, unsigned width, uint64_t *values, size_t count)
{
    uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;

    if (width <= 57) {
        for (size_t i = 0, bit = 0; i < count; i++, bit += width) {
            values[i] = load_word(data + bit / 8) >> bit % 8 & mask;
        }
        return;
    }
    for (size_t i = 0, bit = 0; i < count; i++, bit += width) {
        uint64_t low = load_word(data + bit / 8) >> bit % 8;
        uint64_t high = bit % 8 > 0 ? (uint64_t)data[bit / 8 + 8] << (64 - bit % 8) : 0;

        values[i] = (low | high) & mask;
    }
}

struct delta {
    uint64_t miniblock; /* values a miniblock */
    uint64_t miniblocks;
    uint64_t count;
    int64_t first;
};

static bool take_delta_head(struct input *input, struct delta *delta)
{
    uint64_t block = 0;

    if (!take_varint(input, &block) || !take_varint(input, &delta->miniblocks) || !take_varint(input, &delta->count) ||
        !take_zigzag(input, &delta->first)) {
        return false;
    }
    if (delta->miniblocks == 0 || delta->miniblocks > MOST_MINIBLOCKS || block == 0 || block > UINT32_MAX ||
        block % delta->miniblocks != 0) {
        return false;
    }
    delta->miniblock = block / delta->miniblocks;
    return delta->miniblock % MINIBLOCK_MULTIPLE == 0;
}

/* One miniblock: `count` values wanted of it. Turns differences into values, `*last` being the one before them. */
static bool take_miniblock(struct input *input, const struct delta *delta, unsigned width, int64_t least,
                           int64_t *values, size_t count, uint64_t *last)
{
    size_t size = (size_t)(delta->miniblock / 8 * width);
    size_t left = (size_t)(input->end - input->at);
    uint64_t sum = *last;

    if (width > 64 || left < (count * width + 7) / 8) {
        return false;
    }
    if (width == 0) {
        for (size_t i = 0; i < count; i++) {
            sum += (uint64_t)least;
            values[i] = (int64_t)sum;
        }
    } else {
        unpack_wide(input->at, width, (uint64_t *)values, count);
        for (size_t i = 0; i < count; i++) {
            sum += (uint64_t)values[i] + (uint64_t)least;
            values[i] = (int64_t)sum;
        }
        input->at += left < size ? left : size;
    }
    *last = sum;
    return true;
}

bool decode_delta(const uint8_t *data, size_t size, int64_t *values, size_t count, size_t *used)
{
    struct input input = {data, data + size};
    struct delta delta;

    if (!take_delta_head(&input, &delta) || delta.count != count) {
        return false;
    }
    if (count > 0) {
        values[0] = delta.first;
    }
    uint64_t last = (uint64_t)delta.first;

    for (size_t done = 1; done < count;) {
        int64_t least = 0;

        if (!take_zigzag(&input, &least) || (uint64_t)(input.end - input.at) < delta.miniblocks) {
            return false;
        }
        const uint8_t *widths = input.at;

        input.at += delta.miniblocks;
        for (uint64_t i = 0; i < delta.miniblocks && done < count; i++) {
            size_t wanted = count - done < delta.miniblock ? count - done : (size_t)delta.miniblock;

            if (!take_miniblock(&input, &delta, widths[i], least, values + done, wanted, &last)) {
                return false;
            }
            done += wanted;
        }
    }
    if (used != NULL) {
        *used = (size_t)(input.at - data);
    }
    return true;
}

bool decode_booleans(const uint8_t *data, size_t size, int64_t *values, size_t count)
{
    if (size < (count + 7) / 8) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = data[i / 8] >> i % 8 & 1;
    }
    return true;
}
