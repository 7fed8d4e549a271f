#include "base/crc.h"

#include <zlib.h>

#include "base/random.h"
#include "support/unit.h"

enum { MOST = 5000 };

/* The definition: one bit after the other. */
static uint64_t bit_by_bit(enum crc_kind kind, const uint8_t *data, size_t size)
{
    static const uint64_t polynomials[CRC_KINDS] = {0xEDB88320, 0x82F63B78, 0x9A6C9329AC4BC9B5};
    uint64_t ones = kind == CRC_64NVME ? UINT64_MAX : UINT32_MAX;
    uint64_t crc = ones;

    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomials[kind] : 0);
        }
    }
    return crc ^ ones;
}

/* The check values of the catalogue of parametrised CRC algorithms (Cook): of the digits 1 to 9. */
static void published_values_come_out(void **state)
{
    (void)state;
    assert_true(crc_add(CRC_32, 0, "123456789", 9) == 0xCBF43926);
    assert_true(crc_add(CRC_32C, 0, "123456789", 9) == 0xE3069283);
    assert_true(crc_add(CRC_64NVME, 0, "123456789", 9) == 0xAE8B14860A799888);
    for (enum crc_kind kind = 0; kind < CRC_KINDS; kind++) {
        assert_true(crc_add(kind, 0, "", 0) == 0);
    }
}

static void every_way_gives_the_definition(void **state)
{
    static uint8_t bytes[MOST + 64];
    struct random random;

    (void)state;
    random_seed(&random, 1);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)random_next(&random);
    }
    for (int round = 0; round < 3000; round++) {
        const uint8_t *data = bytes + random_below(&random, 64);
        size_t size = (size_t)random_below(&random, round < 2000 ? 300 : MOST);
        size_t first = (size_t)random_below(&random, size + 1);

        for (enum crc_kind kind = 0; kind < CRC_KINDS; kind++) {
            uint64_t wanted = bit_by_bit(kind, data, size);
            uint64_t half = crc_add(kind, 0, data, first);

            assert_true(crc_add(kind, 0, data, size) == wanted);
            assert_true(crc_add_plain(kind, 0, data, size) == wanted);
            assert_true(crc_add(kind, half, data + first, size - first) == wanted);
            assert_true(crc_join(kind, half, crc_add(kind, 0, data + first, size - first), size - first) == wanted);
        }
        assert_true(crc_add(CRC_32, 0, data, size) == crc32(0, data, (unsigned)size));
    }
}

/* Runs too long to be held: of bytes whose check zlib joins, too. */
static void long_runs_join(void **state)
{
    struct random random;

    (void)state;
    random_seed(&random, 2);
    for (int round = 0; round < 1000; round++) {
        uint32_t first = (uint32_t)random_next(&random);
        uint32_t second = (uint32_t)random_next(&random);
        uint64_t size = random_next(&random) >> (10 + random_below(&random, 50));

        assert_true(crc_join(CRC_32, first, second, size) == crc32_combine(first, second, (z_off_t)size));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values_come_out),
        cmocka_unit_test(every_way_gives_the_definition),
        cmocka_unit_test(long_runs_join),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
