/* Uploads in parts: the object is the parts one after the other, its ETag and checksums those of S3, whatever came in
 * between. */
#include "store/local/upload.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "support/local_store.h"

#define PART (5U << 20)
#define MOST_PARTS 4
#define ALL_DIGESTS ((1U << DIGEST_KINDS) - 1)

static uint8_t source[MOST_PARTS * PART + 100000];

static void check_error(const char *name, const struct error *error)
{
    assert_non_null(error->name);
    assert_string_equal(error->name, name);
}

static const char *begin_upload(struct local_place *place, const struct object_put *options,
                                const struct object_checksum *checksum)
{
    struct error error = {0};
    const char *id = upload_create(place->store, options, checksum != NULL ? checksum : &(struct object_checksum){0},
                                   place->arena, &error);

    must(id != NULL, &error);
    return id;
}

static const char *begin_plain(struct local_place *place, const char *key)
{
    return begin_upload(place, &(struct object_put){.bucket = "one", .key = key, .owner = TEST_OWNER}, NULL);
}

struct sent {
    unsigned number;
    const void *data;
    size_t size;
    const uint8_t *customer_key;
    struct put_expected expected;
};

static bool send_part(struct local_place *place, const char *key, const char *id, const struct sent *sent,
                      struct upload_part *part, struct error *error)
{
    struct put *put = upload_part_begin(place->store, "one", key, id, sent->number, sent->customer_key,
                                        sent->expected.checksum_given ? 1U << sent->expected.checksum_kind : 0, error);
    bool good = put != NULL && object_put_write(put, sent->data, sent->size, error) &&
                upload_part_finish(put, &sent->expected, place->arena, part, error);

    object_put_abandon(put);
    return good;
}

static struct upload_part must_send(struct local_place *place, const char *key, const char *id, unsigned number,
                                    const void *data, size_t size)
{
    struct error error = {0};
    struct upload_part part;

    must(send_part(place, key, id, &(struct sent){.number = number, .data = data, .size = size}, &part, &error),
         &error);
    return part;
}

static bool finish(struct local_place *place, const char *key, const char *id, const struct upload_named *parts,
                   size_t count, struct object *object, struct error *error)
{
    struct upload_complete complete = {.bucket = "one", .key = key, .id = id, .parts = parts, .part_count = count};

    return upload_complete(place->store, &complete, place->arena, object, error);
}

static void assert_body(struct local_place *place, const char *key, const uint8_t *customer_key, const uint8_t *bytes,
                        size_t size)
{
    struct error error = {0};
    struct object object;
    struct object_reader *reader = object_open(place->store, &(struct object_place){"one", key, NULL}, customer_key,
                                               place->arena, &object, &error);

    must(reader != NULL, &error);
    uint8_t *back = memory_array(size + 1, 1, &error);

    assert_int_equal(object_read(reader, back, size + 1, 0, &error), size);
    assert_memory_equal(back, bytes, size);
    for (size_t at = PART - 100; at + 200 < size; at += PART) {
        assert_int_equal(object_read(reader, back, 200, at, &error), 200);
        assert_memory_equal(back, bytes + at, 200);
    }
    object_close(reader);
    memory_free(back);
}

static void test_the_object_is_its_parts_in_order(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;
    uint8_t sums[3 * 16];
    uint8_t value[DIGEST_MAX_BYTES];
    char etag[40];
    struct upload_part parts[3];
    const char *id = begin_plain(place, "big");
    size_t size = 2 * PART + 777;

    /* Sent in another order, one of them twice; a part that is not named goes. */
    parts[2] = must_send(place, "big", id, 7, source + 2 * PART, 777);
    must_send(place, "big", id, 1, "other", 5);
    parts[1] = must_send(place, "big", id, 5, source + PART, PART);
    parts[0] = must_send(place, "big", id, 1, source, PART);
    must_send(place, "big", id, 9, source, 100000);
    assert_int_equal(count_blobs(place), 3);

    struct upload_named named[] = {{1, parts[0].etag, NULL}, {5, parts[1].etag, NULL}, {7, parts[2].etag, NULL}};

    must(finish(place, "big", id, named, 3, &object, &error), &error);
    for (size_t p = 0; p < 3; p++) {
        assert_true(digest_once(DIGEST_MD5, source + p * PART, p < 2 ? PART : 777, value, &error));
        memcpy(sums + 16 * p, value, 16);
        digest_hex(value, 16, etag);
        assert_string_equal(parts[p].etag, etag);
    }
    assert_true(digest_once(DIGEST_MD5, sums, sizeof sums, value, &error));
    digest_hex(value, 16, etag);
    strcat(etag, "-3");
    assert_string_equal(object.etag, etag);
    assert_int_equal(object.size_bytes, size);
    assert_int_equal(object.part_count, 3);
    assert_string_equal(object.sha256, "");
    assert_body(place, "big", NULL, source, size);
    assert_int_equal(count_blobs(place), 2);

    /* The same again gives the same, other parts do not. */
    struct object again;

    must(finish(place, "big", id, named, 3, &again, &error), &error);
    assert_string_equal(again.etag, etag);
    assert_int_equal(again.modified_us, object.modified_us);
    assert_false(finish(place, "big", id, named, 2, &again, &error));
    check_error("NoSuchUpload", &error);
    assert_false(upload_abort(place->store, "one", "big", id, &error));
    check_error("NoSuchUpload", &error);
    assert_false(send_part(place, "big", id, &(struct sent){.number = 1, .data = "x", .size = 1}, &parts[0], &error));
    check_error("NoSuchUpload", &error);

    /* With the object its parts' files go. */
    delete_key(place, "one", "big", NULL);
    assert_int_equal(count_blobs(place), 0);
}

static void test_what_is_wrong_is_told_and_changes_nothing(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;
    const char *id = begin_plain(place, "k");
    struct upload_part first = must_send(place, "k", id, 1, source, PART - 1);
    struct upload_part second = must_send(place, "k", id, 2, source, 100);
    struct upload_named small[] = {{1, first.etag, NULL}, {2, second.etag, NULL}};
    struct upload_named order[] = {{2, second.etag, NULL}, {1, first.etag, NULL}};
    struct upload_named twice[] = {{2, second.etag, NULL}, {2, second.etag, NULL}};
    struct upload_named absent[] = {{3, first.etag, NULL}};
    struct upload_named wrong[] = {{1, second.etag, NULL}};
    struct upload_named text[] = {{1, "abc", NULL}};
    struct upload_named checksum[] = {{1, first.etag, "AAAAAA=="}};

    assert_false(finish(place, "k", id, small, 2, &object, &error));
    check_error("EntityTooSmall", &error);
    assert_false(finish(place, "k", id, order, 2, &object, &error));
    check_error("InvalidPartOrder", &error);
    assert_false(finish(place, "k", id, twice, 2, &object, &error));
    check_error("InvalidPartOrder", &error);
    assert_false(finish(place, "k", id, absent, 1, &object, &error));
    check_error("InvalidPart", &error);
    assert_false(finish(place, "k", id, wrong, 1, &object, &error));
    check_error("InvalidPart", &error);
    assert_false(finish(place, "k", id, text, 1, &object, &error));
    check_error("InvalidPart", &error);
    assert_false(finish(place, "k", id, checksum, 1, &object, &error));
    check_error("InvalidPart", &error);
    assert_false(finish(place, "k", id, small, 0, &object, &error));
    assert_false(finish(place, "k", "01ARZ3NDEKTSV4RRFFQ69G5FAV", small, 1, &object, &error));
    check_error("NoSuchUpload", &error);
    assert_false(finish(place, "other", id, small, 1, &object, &error));
    check_error("NoSuchUpload", &error);
    for (unsigned number = 0; number <= UPLOAD_MAX_PARTS + 1; number += UPLOAD_MAX_PARTS + 1) {
        assert_null(upload_part_begin(place->store, "one", "k", id, number, NULL, 0, &error));
        check_error("InvalidArgument", &error);
    }

    struct upload_complete sized = {
        .bucket = "one", .key = "k", .id = id, .parts = small, .part_count = 1, .size_given = true, .size_bytes = 5};

    assert_false(upload_complete(place->store, &sized, place->arena, &object, &error));
    check_error("InvalidRequest", &error);
    put_text(place, "one", "k", "there already");
    struct upload_complete conditional = {
        .bucket = "one", .key = "k", .id = id, .parts = small, .part_count = 1, .conditions = {.if_none_match = "*"}};

    assert_false(upload_complete(place->store, &conditional, place->arena, &object, &error));
    check_error("PreconditionFailed", &error);
    assert_string_equal(text_of(place, "one", "k", NULL), "there already");

    /* All of that left the upload as it was. */
    must(finish(place, "k", id, small, 1, &object, &error), &error);
    assert_body(place, "k", NULL, source, PART - 1);
    assert_int_equal(count_blobs(place), 1);
}

/* In every algorithm and type that S3 knows, against the checksum of all bytes or of all checksums. */
static void test_checksums_are_of_the_whole_or_of_the_parts(void **state)
{
    static const struct {
        enum digest_kind kind;
        bool composite, allowed;
    } cases[] = {
        {DIGEST_MD5, true, false},       {DIGEST_SHA1, true, true},       {DIGEST_SHA1, false, false},
        {DIGEST_SHA256, true, true},     {DIGEST_SHA256, false, false},   {DIGEST_CRC32, true, true},
        {DIGEST_CRC32, false, true},     {DIGEST_CRC32C, true, true},     {DIGEST_CRC32C, false, true},
        {DIGEST_CRC64NVME, true, false}, {DIGEST_CRC64NVME, false, true},
    };
    struct local_place *place = *state;
    struct error error = {0};

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct object_checksum asked = {.present = true, .kind = cases[c].kind, .composite = cases[c].composite};
        struct object_put options = {.bucket = "one", .key = "sum", .owner = TEST_OWNER};
        uint8_t sums[2 * DIGEST_MAX_BYTES];
        uint8_t value[DIGEST_MAX_BYTES];
        char wanted[80];
        struct object object;
        struct upload_part parts[2];
        size_t bytes = digest_bytes(asked.kind);

        if (!cases[c].allowed) {
            assert_null(upload_create(place->store, &options, &asked, place->arena, &error));
            check_error("InvalidRequest", &error);
            continue;
        }
        const char *id = begin_upload(place, &options, &asked);

        for (size_t p = 0; p < 2; p++) {
            size_t size = p == 0 ? PART : 1234;

            assert_true(digest_once(asked.kind, source + p * PART, size, value, &error));
            memcpy(sums + p * bytes, value, bytes);
            digest_base64(value, bytes, wanted);
            struct sent sent = {.number = (unsigned)p + 1,
                                .data = source + p * PART,
                                .size = size,
                                .expected = {.checksum_given = p == 0, .checksum_kind = asked.kind}};

            sent.expected.checksum_base64 = p == 0 ? wanted : NULL;
            must(send_part(place, "sum", id, &sent, &parts[p], &error), &error);
            assert_true(parts[p].checksum.present);
            assert_string_equal(parts[p].checksum.value, wanted);
        }
        struct upload_named named[] = {{1, parts[0].etag, NULL}, {2, parts[1].etag, NULL}};

        if (asked.composite) {
            assert_false(finish(place, "sum", id, named, 2, &object, &error));
            check_error("InvalidRequest", &error);
            named[0].checksum_base64 = parts[0].checksum.value;
            named[1].checksum_base64 = parts[1].checksum.value;
            assert_true(digest_once(asked.kind, sums, 2 * bytes, value, &error));
        } else {
            assert_true(digest_once(asked.kind, source, PART + 1234, value, &error));
        }
        digest_base64(value, bytes, wanted);
        struct upload_complete complete = {.bucket = "one",
                                           .key = "sum",
                                           .id = id,
                                           .parts = named,
                                           .part_count = 2,
                                           .checksum_base64 = "AAAAAAAAAAA="};

        assert_false(upload_complete(place->store, &complete, place->arena, &object, &error));
        check_error("BadDigest", &error);
        complete.checksum_base64 = wanted;
        must(upload_complete(place->store, &complete, place->arena, &object, &error), &error);
        if (asked.composite) {
            strcat(wanted, "-2");
        }
        assert_true(object.checksum.present && object.checksum.kind == asked.kind &&
                    object.checksum.composite == asked.composite);
        assert_string_equal(object.checksum.value, wanted);
        must(object_head(place->store, &(struct object_place){"one", "sum", NULL}, place->arena, &object, &error),
             &error);
        assert_string_equal(object.checksum.value, wanted);
        assert_true(object.checksum.composite == asked.composite);
    }
}

static void test_a_part_must_be_what_was_announced(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct upload_part part;
    struct object_checksum asked = {.present = true, .kind = DIGEST_SHA256, .composite = true};
    const char *id = begin_upload(place, &(struct object_put){.bucket = "one", .key = "p"}, &asked);
    struct sent other = {
        .number = 1,
        .data = "test",
        .size = 4,
        .expected = {.checksum_given = true, .checksum_kind = DIGEST_CRC32, .checksum_base64 = "2H9+DA=="}};
    struct sent md5 = {.number = 1, .data = "tesT", .size = 4, .expected = {.md5_base64 = "CY9rzUYh03PK3k6DJie09g=="}};

    assert_false(send_part(place, "p", id, &other, &part, &error));
    check_error("InvalidRequest", &error);
    assert_false(send_part(place, "p", id, &md5, &part, &error));
    check_error("BadDigest", &error);
    md5.data = "test";
    must(send_part(place, "p", id, &md5, &part, &error), &error);
}

static void test_encrypted_parts_need_the_key_they_were_begun_with(void **state)
{
    static const uint8_t key[32] = "a key of the customer, 32 bytes";
    static const uint8_t wrong[32] = "another key of a customer 32 by";
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;
    struct upload_part part;
    struct object_put options = {
        .bucket = "one", .key = "c", .encryption = ENCRYPTION_CUSTOMER, .customer_key = key, .owner = TEST_OWNER};
    const char *id = begin_upload(place, &options, NULL);
    struct upload upload;

    must(upload_head(place->store, "one", "c", id, place->arena, &upload, &error), &error);
    assert_int_equal(upload.encryption, ENCRYPTION_CUSTOMER);
    assert_non_null(upload.customer_key_md5);
    assert_null(upload_part_begin(place->store, "one", "c", id, 1, NULL, 0, &error));
    check_error("InvalidRequest", &error);
    assert_null(upload_part_begin(place->store, "one", "c", id, 1, wrong, 0, &error));
    check_error("InvalidRequest", &error);
    must(send_part(place, "c", id, &(struct sent){.number = 1, .data = source, .size = 99999, .customer_key = key},
                   &part, &error),
         &error);
    struct upload_named named = {1, part.etag, NULL};

    must(finish(place, "c", id, &named, 1, &object, &error), &error);
    assert_body(place, "c", key, source, 99999);
    assert_null(
        object_open(place->store, &(struct object_place){"one", "c", NULL}, wrong, place->arena, &object, &error));

    options = (struct object_put){.bucket = "one", .key = "s", .encryption = ENCRYPTION_AES256, .owner = TEST_OWNER};
    id = begin_upload(place, &options, NULL);
    assert_null(upload_part_begin(place->store, "one", "s", id, 1, key, 0, &error));
    part = must_send(place, "s", id, 1, source, 88888);
    named.etag = part.etag;
    must(finish(place, "s", id, &named, 1, &object, &error), &error);
    assert_int_equal(object.encryption, ENCRYPTION_AES256);
    assert_body(place, "s", NULL, source, 88888);
}

static void test_a_part_is_copied_from_an_object(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;
    struct upload_part part;
    const char *id = begin_plain(place, "to");

    put_text(place, "one", "from", "0123456789");
    for (int c = 0; c < 5; c++) {
        struct upload_copy copy = {.from = {"one", "from", NULL}, .offset = 2, .size_bytes = 5};

        copy.size_bytes = c == 1 ? UINT64_MAX : c == 2 ? 9 : 5;
        copy.conditions.if_match = c == 3 ? "\"0\"" : NULL;
        copy.conditions.if_none_match = c == 4 ? "*" : NULL;
        struct put *put = upload_part_begin(place->store, "one", "to", id, 1 + (unsigned)c, NULL, 0, &error);

        assert_non_null(put);
        assert_int_equal(upload_part_copy(put, &copy, place->arena, &part, &error), c < 2);
        assert_true(c >= 2 || part.size_bytes == (c == 0 ? 5 : 8));
        if (c >= 2) {
            check_error(c == 2 ? "InvalidArgument" : "PreconditionFailed", &error);
        } else {
            struct upload_named named = {1 + (unsigned)c, part.etag, NULL};

            if (c == 1) {
                must(finish(place, "to", id, &named, 1, &object, &error), &error);
                assert_string_equal(text_of(place, "one", "to", NULL), "23456789");
                id = begin_plain(place, "to");
            }
        }
        object_put_abandon(put);
    }
}

static void test_uploads_and_parts_are_listed_in_pages(void **state)
{
    static const char *const keys[] = {"a/1", "a/1", "a/2", "b", "c/x/1", "c/x/2", "d"};
    struct local_place *place = *state;
    struct error error = {0};
    struct buffer seen __attribute__((cleanup(buffer_free))) = {0};
    const char *id = NULL;

    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        id = begin_plain(place, keys[k]);
    }
    for (unsigned most = 1; most < 9; most++) {
        for (int shape = 0; shape < 3; shape++) {
            struct upload_listing listing = {.bucket = "one",
                                             .prefix = shape == 2 ? "c/" : "",
                                             .delimiter = shape == 0 ? "" : "/",
                                             .after_key = "",
                                             .after_id = "",
                                             .most = most};
            struct upload_page page = {.truncated = true};

            buffer_clear(&seen);
            for (int pages = 0; page.truncated && pages < 20; pages++) {
                must(upload_list(place->store, &listing, place->arena, &page, &error), &error);
                assert_true(page.upload_count + page.prefix_count <= most);
                for (size_t u = 0; u < page.upload_count; u++) {
                    buffer_append_format(&seen, "%s ", page.uploads[u].key);
                }
                for (size_t p = 0; p < page.prefix_count; p++) {
                    buffer_append_format(&seen, "[%s] ", page.prefixes[p]);
                }
                listing.after_key = page.next_key;
                listing.after_id = page.next_id;
            }
            if (most == 1) {
                assert_string_equal(buffer_text(&seen), shape == 0   ? "a/1 a/1 a/2 b c/x/1 c/x/2 d "
                                                        : shape == 1 ? "[a/] b [c/] d "
                                                                     : "[c/x/] ");
            }
            assert_int_equal(seen.length, shape == 0 ? 28 : shape == 1 ? 14 : 7);
        }
    }
    struct upload_part *parts = NULL;
    size_t count = 0;
    bool truncated = false;

    for (unsigned number = 1; number <= 5; number++) {
        must_send(place, "d", id, number * 10, source, number);
    }
    must(upload_parts(place->store, "one", "d", id, 10, 3, place->arena, &parts, &count, &truncated, &error), &error);
    assert_int_equal(count, 3);
    assert_true(truncated && parts[0].number == 20 && parts[2].number == 40 && parts[2].size_bytes == 4);
    must(upload_parts(place->store, "one", "d", id, 40, 1, place->arena, &parts, &count, &truncated, &error), &error);
    assert_true(count == 1 && !truncated);
}

static void test_what_is_aborted_or_stale_goes_with_its_files(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    const char *id = begin_plain(place, "k");
    uint64_t aborted = 0;
    struct upload upload;

    must_send(place, "k", id, 1, source, 70000);
    must_send(place, "k", id, 2, "small", 5);
    must(upload_abort(place->store, "one", "k", id, &error), &error);
    assert_int_equal(count_blobs(place), 0);
    assert_false(upload_head(place->store, "one", "k", id, place->arena, &upload, &error));
    check_error("NoSuchUpload", &error);

    id = begin_plain(place, "logs/1");
    must_send(place, "logs/1", id, 1, source, 70000);
    begin_plain(place, "data/1");
    must(upload_abort_stale(place->store, NULL, "", clock_now_us() - UPLOAD_STALE_US, &aborted, &error), &error);
    assert_int_equal(aborted, 0);
    must(upload_abort_stale(place->store, "one", "logs/", clock_now_us() + 1, &aborted, &error), &error);
    assert_int_equal(aborted, 1);
    assert_int_equal(count_blobs(place), 0);
    must(upload_abort_stale(place->store, NULL, "", clock_now_us() + 1, &aborted, &error), &error);
    assert_int_equal(aborted, 1);
    assert_false(upload_abort_stale(place->store, "none", "", 0, &aborted, &error));
    check_error("NoSuchBucket", &error);
}

static void test_the_object_has_what_the_upload_was_begun_with(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct object object;
    struct object_put options = {
        .bucket = "one",
        .key = "k",
        .owner = TEST_OWNER,
        .headers = (struct store_field[]){{"Content-Type", "text/plain"}},
        .header_count = 1,
        .metadata = (struct store_field[]){{"a", "b"}},
        .metadata_count = 1,
        .tags = (struct store_field[]){{"t", "u"}},
        .tag_count = 1,
        .storage_class = "STANDARD_IA",
    };
    struct object_event *events = NULL;
    size_t count = 0;

    set_versioning(place, "one", true);
    const char *id = begin_upload(place, &options, NULL);
    struct upload_part part = must_send(place, "k", id, 1, source, 300000);
    struct upload_named named = {1, part.etag, NULL};

    local_place_close(place);
    local_place_open(place);
    must(finish(place, "k", id, &named, 1, &object, &error), &error);
    assert_string_not_equal(object.version_id, "null");
    must(object_head(place->store, &(struct object_place){"one", "k", NULL}, place->arena, &object, &error), &error);
    assert_true(object.header_count == 1 && object.metadata_count == 1 && object.tag_count == 1);
    assert_string_equal(object.storage_class, "STANDARD_IA");
    assert_body(place, "k", NULL, source, 300000);
    must(object_events(place->store, 0, 10, place->arena, &events, &count, &error), &error);
    assert_int_equal(count, 1);
    assert_string_equal(events[0].name, "ObjectCreated:CompleteMultipartUpload");
    assert_int_equal(events[0].size_bytes, 300000);
}

/* In a process of its own, which ends at once wherever AISLE_FAILPOINTS says; 0 when all was done. */
static int send_and_finish(const char *path)
{
    struct local_place own = {.inline_bytes = 1000, .arena = arena_new(0, NULL)};
    struct local_place *place = &own;
    struct error error = {0};
    struct object object;

    snprintf(own.path, sizeof own.path, "%s", path);
    local_place_open(place);
    bucket_create(place->store, &(struct bucket_create){.name = "one", .owner = TEST_OWNER}, &error);
    const char *id = begin_plain(place, "k");
    struct upload_part part = must_send(place, "k", id, 1, source, 70000);
    struct upload_named named = {1, part.etag, NULL};

    must(finish(place, "k", id, &named, 1, &object, &error), &error);
    local_place_close(place);
    arena_free(own.arena);
    return 0;
}

static void test_a_kill_leaves_the_upload_or_the_object(void **state)
{
    static const char *const points[] = {"blob.written",        "blob.synced",           "blob.named",
                                         "upload.stored",       "committer.applied:2",   "committer.applied:3",
                                         "committer.applied:4", "committer.committed:3", "committer.committed:4"};
    struct error error = {0};

    (void)state;
    for (size_t p = 0; p < sizeof points / sizeof points[0]; p++) {
        struct local_place place = {.inline_bytes = 1000, .arena = arena_new(0, &error)};
        const char *colon = strchr(points[p], ':');
        int length = colon != NULL ? (int)(colon - points[p]) : (int)strlen(points[p]);
        char setting[80];
        int status = 0;

        snprintf(place.path, sizeof place.path, "/tmp/aisle-test-local-XXXXXX");
        assert_non_null(mkdtemp(place.path));
        snprintf(setting, sizeof setting, "%.*s=crash%s", length, points[p], colon != NULL ? colon : "");
        pid_t child = fork();

        if (child == 0) {
            setenv("AISLE_FAILPOINTS", setting, 1);
            execl("/proc/self/exe", "test_upload", place.path, (char *)NULL);
            _exit(1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WEXITSTATUS(status), 137);
        local_place_open(&place);
        struct upload_listing listing = {
            .bucket = "one", .prefix = "", .delimiter = "", .after_key = "", .after_id = "", .most = 10};
        struct upload_page page = {0};
        struct object object;
        bool there = object_head(place.store, &(struct object_place){"one", "k", NULL}, place.arena, &object, &error);

        if (upload_list(place.store, &listing, place.arena, &page, &error)) {
            assert_true(page.upload_count == 0 || !there);
        }
        if (there) {
            assert_body(&place, "k", NULL, source, 70000);
        } else if (page.upload_count > 0) {
            struct upload_part part = must_send(&place, "k", page.uploads[0].id, 1, source, 70000);
            struct upload_named named = {1, part.etag, NULL};

            must(finish(&place, "k", page.uploads[0].id, &named, 1, &object, &error), &error);
            assert_body(&place, "k", NULL, source, 70000);
        }
        assert_true(count_blobs(&place) <= 1);
        local_place_close(&place);
        arena_free(place.arena);
        file_remove_tree(place.path, NULL);
    }
}

static int setup(void **state)
{
    int result = local_place_setup(state);

    if (result == 0) {
        make_bucket(*state, "one");
    }
    return result;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, local_place_teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_kill_leaves_the_upload_or_the_object),
        TEST(test_the_object_is_its_parts_in_order),
        TEST(test_what_is_wrong_is_told_and_changes_nothing),
        TEST(test_checksums_are_of_the_whole_or_of_the_parts),
        TEST(test_a_part_must_be_what_was_announced),
        TEST(test_encrypted_parts_need_the_key_they_were_begun_with),
        TEST(test_a_part_is_copied_from_an_object),
        TEST(test_uploads_and_parts_are_listed_in_pages),
        TEST(test_what_is_aborted_or_stale_goes_with_its_files),
        TEST(test_the_object_has_what_the_upload_was_begun_with),
    };
    struct random random;

    random_seed(&random, 1);
    for (size_t i = 0; i < sizeof source; i++) {
        source[i] = (uint8_t)(random_next(&random) >> 7);
    }
    return argc == 2 ? send_and_finish(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
