#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/thread.h"
#include "tabular/term.h"

static unsigned tag_of(term code)
{
    return (unsigned)((uint64_t)code >> TERM_TAG_SHIFT);
}

static struct terms *new_terms(void)
{
    struct error error = {0};
    struct terms *terms = terms_new(&error);
    assert_non_null(terms);
    return terms;
}

static term enter(struct terms *terms, struct str text)
{
    struct error error = {0};
    term code = term_of(terms, text, &error);
    assert_int_not_equal(code, TERM_NULL);
    assert_true(code >= 0);
    assert_int_equal(term_find(terms, text), code);
    char room[2000];
    assert_int_equal(term_text(terms, code, room, sizeof room), text.length);
    assert_true(str_equal(str_slice(room, text.length), text));
    return code;
}

static void test_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned tag;
    } cases[] = {
        {"0", TERM_TAG_NUMBER},
        {"42", TERM_TAG_NUMBER},
        {"999999999999999999", TERM_TAG_NUMBER},
        {"1000000000000000000", TERM_TAG_DICTIONARY}, /* 19 digits */
        {"", TERM_TAG_SHORT},
        {"00", TERM_TAG_SHORT},
        {"0000000012", TERM_TAG_DICTIONARY}, /* digits alone have no prefix */
        {"-1", TERM_TAG_SHORT},
        {" 1", TERM_TAG_SHORT},
        {"P1001", TERM_TAG_SHORT},
        {"1234567", TERM_TAG_NUMBER},
        {"shipped", TERM_TAG_SHORT},
        {"returned", TERM_TAG_DICTIONARY},
        {"ORD0000123", TERM_TAG_PREFIXED},
        {"ORD00001234", TERM_TAG_PREFIXED},
        {"A1B2C3D4E5", TERM_TAG_PREFIXED},
        {"X9999999999999", TERM_TAG_PREFIXED},
        {"X0000000000000", TERM_TAG_PREFIXED},
        {"X00000000000000", TERM_TAG_DICTIONARY}, /* 14 digits */
        {"abcdefghijklmnopqrstuvwxyzabcdef1", TERM_TAG_PREFIXED},
        {"abcdefghijklmnopqrstuvwxyzabcdefg1", TERM_TAG_DICTIONARY}, /* prefix of 33 bytes */
    };
    struct terms *terms = new_terms();
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
            assert_int_equal(tag_of(enter(terms, str_of(cases[i].text))), cases[i].tag);
    assert_int_equal(enter(terms, str_of("42")), 42);
    assert_int_equal(enter(terms, str_slice("a\0b", 3)), enter(terms, str_slice("a\0b", 3)));
    assert_int_not_equal(enter(terms, str_slice("a\0", 2)), enter(terms, str_slice("a", 1)));
    assert_int_equal(term_find(terms, str_of("never seen before")), TERM_NULL);
    assert_int_equal(term_find(terms, str_of("NEVERSEEN1")), TERM_NULL);
    terms_free(terms);
}

static struct str random_text(struct random *random, char room[40])
{
    static const char alphabet[] = "0123456789000111abAB-";
    size_t length = random_below(random, 24);
    for (size_t i = 0; i < length; i++) room[i] = alphabet[random_below(random, i < 3 ? 21 : 16)];
    return str_slice(room, length);
}

static void test_equal_codes_are_equal_texts(void **state)
{
    (void)state;
    struct terms *terms = new_terms();
    struct random random;
    random_seed(&random, 3);
    enum { COUNT = 1500 };
    static char rooms[COUNT][40];
    static struct str texts[COUNT];
    static term codes[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        texts[i] = random_text(&random, rooms[i]);
        codes[i] = enter(terms, texts[i]);
    }
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < i; j++) {
            assert_int_equal(codes[i] == codes[j], str_equal(texts[i], texts[j]));
            int order = terms_compare(terms, codes[i], codes[j]);
            int expected = str_compare_natural(texts[i], texts[j]);
            assert_int_equal((order > 0) - (order < 0), (expected > 0) - (expected < 0));
        }
    assert_true(terms_compare(terms, TERM_NULL, codes[0]) < 0);
    assert_true(terms_compare(terms, codes[0], TERM_NULL) > 0);
    assert_int_equal(terms_compare(terms, TERM_NULL, TERM_NULL), 0);
    terms_free(terms);
}

/* More prefixes than fit: the rest become entries, still one code a text. */
static void test_prefixes_run_out(void **state)
{
    (void)state;
    struct terms *terms = new_terms();
    char text[40];
    for (unsigned i = 0; i < 70000; i++) {
        snprintf(text, sizeof text, "prefix-%u-x%u", i, i % 10);
        term code = enter(terms, str_of(text));
        assert_int_equal(tag_of(code), i < 65536 ? TERM_TAG_PREFIXED : TERM_TAG_DICTIONARY);
        assert_int_equal(enter(terms, str_of(text)), code);
    }
    assert_int_equal(tag_of(enter(terms, str_of("prefix-5-x77"))), TERM_TAG_PREFIXED);
    assert_int_equal(tag_of(enter(terms, str_of("prefix-69999-x77"))), TERM_TAG_DICTIONARY);
    terms_free(terms);
}

static void test_save_and_load(void **state)
{
    (void)state;
    struct error error = {0};
    struct terms *terms = new_terms();
    struct terms *copy = new_terms();
    struct random random;
    random_seed(&random, 5);
    char room[40];
    for (int part = 0; part < 4; part++) {
        uint64_t from = terms_count(terms);
        for (int i = 0; i < 300; i++) enter(terms, random_text(&random, room));
        static char large[1500];
        memset(large, 'x', sizeof large);
        enter(terms, str_slice(large, (size_t)(1200 + part)));
        struct buffer saved;
        buffer_init(&saved, 0);
        assert_true(terms_save_since(terms, from, &saved, &error));
        assert_true(terms_load(copy, saved.data, saved.length, &error));
        buffer_free(&saved);
    }
    assert_int_equal(terms_count(copy), terms_count(terms));
    random_seed(&random, 5);
    for (int i = 0; i < 1200; i++) {
        struct str text = random_text(&random, room);
        assert_int_equal(term_find(copy, text), term_find(terms, text));
    }
    terms_free(copy);
    terms_free(terms);
}

static void expect_damaged(const char *data, size_t size)
{
    struct error error = {0};
    struct terms *terms = new_terms();
    assert_false(terms_load(terms, data, size, &error));
    assert_int_equal(error.code, ERROR_CORRUPT);
    terms_free(terms);
}

static void test_damaged_dictionary_file(void **state)
{
    (void)state;
    expect_damaged("\x05"
                   "abcd",
                   5);         /* cut */
    expect_damaged("\x80", 1); /* cut inside the length */
    expect_damaged("\xff\xff\xff\xff\x01"
                   "a",
                   6); /* a length past any text */
    expect_damaged("\x02"
                   "aa"
                   "\x02"
                   "aa",
                   6); /* one text twice */
}

static void test_too_long(void **state)
{
    (void)state;
    struct error error = {0};
    struct terms *terms = new_terms();
    size_t size = ((size_t)1 << 20) + 1;
    char *text = memory_zeroed(size, &error);
    assert_non_null(text);
    assert_int_equal(term_of(terms, str_slice(text, size), &error), TERM_NULL);
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_int_not_equal(term_of(terms, str_slice(text, size - 1), &error), TERM_NULL);
    memory_free(text);
    terms_free(terms);
}

#define SHARED_TEXTS 4000

struct shared {
    struct terms *terms;
    term codes[8][SHARED_TEXTS];
};

static bool enter_many(void *context, size_t index, unsigned worker, struct error *error)
{
    (void)worker;
    struct shared *shared = context;
    char text[40];
    for (size_t i = 0; i < SHARED_TEXTS; i++) {
        size_t turn = index % 2 == 0 ? i : SHARED_TEXTS - 1 - i;
        snprintf(text, sizeof text, turn % 3 == 0 ? "text number %zu!" : "PREFIX%zu-%03zu", turn, turn % 7);
        term code = term_of(shared->terms, str_of(text), error);
        if (code == TERM_NULL) return false;
        shared->codes[index][turn] = code;
    }
    return true;
}

static void test_many_threads(void **state)
{
    (void)state;
    struct error error = {0};
    struct team *team = team_new(4, &error);
    assert_non_null(team);
    struct shared *shared = memory_zeroed(sizeof *shared, &error);
    assert_non_null(shared);
    shared->terms = new_terms();
    assert_true(team_run(team, 8, enter_many, shared, &error));
    for (size_t i = 1; i < 8; i++) assert_memory_equal(shared->codes[i], shared->codes[0], sizeof shared->codes[0]);
    terms_free(shared->terms);
    memory_free(shared);
    team_free(team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_equal_codes_are_equal_texts),
        cmocka_unit_test(test_prefixes_run_out),
        cmocka_unit_test(test_save_and_load),
        cmocka_unit_test(test_damaged_dictionary_file),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
