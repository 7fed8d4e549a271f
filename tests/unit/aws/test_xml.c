#include "aws/xml.h"

#include <string.h>

#include "base/random.h"
#include "support/torture.h"

static struct arena *arena;
static struct error error;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(0, &error);
    return arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static const struct xml_element *read_text(const char *text)
{
    return xml_read(text, strlen(text), arena, &error);
}

static void reads_a_request_with_namespaces_and_types(void **state)
{
    const struct xml_element *root =
        read_text("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<s3:Policy xmlns:s3=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n"
                  "  <s3:Grant><s3:Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\">"
                  "<s3:URI>http://x/?a&amp;b</s3:URI></s3:Grantee></s3:Grant>"
                  "<s3:Grant/> <s3:Name>a<![CDATA[<b>]]>&#x43;</s3:Name>\n</s3:Policy>");

    (void)state;
    assert_non_null(root);
    assert_string_equal(root->name, "Policy");
    assert_string_equal(root->text, "");
    const struct xml_element *grant = xml_child(root, "Grant");
    const struct xml_element *grantee = xml_child(grant, "Grantee");

    assert_string_equal(grantee->type, "Group");
    assert_null(grant->type);
    assert_string_equal(xml_text(grantee, "URI", "none"), "http://x/?a&b");
    assert_string_equal(xml_text(grantee, "ID", "none"), "none");
    assert_non_null(xml_next(grant));
    assert_null(xml_next(xml_next(grant)));
    assert_null(xml_next(grant)->first_child);
    assert_string_equal(xml_text(root, "Name", ""), "a<b>C");
    assert_null(xml_child(root, "name"));
}

static void a_type_of_another_namespace_is_none(void **state)
{
    const struct xml_element *root = read_text("<a type=\"x\" xmlns:o=\"urn:other\" o:type=\"y\"/>");

    (void)state;
    assert_non_null(root);
    assert_null(root->type);
}

static void refuses_what_is_no_plain_document(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a>&nbsp;</a>",
        "<a>\x01</a>",
        "<a>\xFF</a>",
        "<a b=1/>",
        "{}",
        "<x:a/>",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
        "<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://127.0.0.1/\"> %p;]><a/>",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        error.name = "";
        if (read_text(texts[i]) != NULL) {
            fail_msg("%s is taken", texts[i]);
        }
        assert_string_equal(error.name, "MalformedXML");
    }
    assert_null(read_text("<a>\n  <b>\n</a>"));
    assert_non_null(strstr(error.message, "line 3, column 3"));
}

static void bounds_depth_and_elements(void **state)
{
    struct buffer text __attribute__((cleanup(buffer_free))) = {0};

    (void)state;
    for (int depth = 31; depth <= 33; depth++) {
        buffer_clear(&text);
        for (int i = 0; i < depth; i++) {
            buffer_append_text(&text, "<a>");
        }
        for (int i = 0; i < depth; i++) {
            buffer_append_text(&text, "</a>");
        }
        assert_int_equal(xml_read(text.data, text.length, arena, &error) != NULL, depth <= 32);
    }
    buffer_clear(&text);
    buffer_append_text(&text, "<a>");
    for (int i = 0; i < 250000; i++) {
        buffer_append_text(&text, "<b/>");
    }
    buffer_append_text(&text, "</a>");
    assert_null(xml_read(text.data, text.length, arena, &error));
    assert_non_null(strstr(error.message, "too many"));
}

static void writes_as_s3_does(void **state)
{
    struct buffer out __attribute__((cleanup(buffer_free))) = {0};

    (void)state;
    xml_declare(&out);
    xml_open_root(&out, "ListBucketResult");
    xml_open(&out, "Contents");
    xml_leaf_text(&out, "Key", "a&b<c>\"d\"\r\n\t\x01");
    xml_leaf_text(&out, "Prefix", NULL);
    xml_leaf(&out, "Delimiter", str_slice("/x", 1));
    xml_leaf(&out, "Marker", str_slice(NULL, 0));
    xml_leaf_number(&out, "Size", INT64_MAX);
    xml_leaf_number(&out, "Least", INT64_MIN);
    xml_leaf_number(&out, "Zero", 0);
    xml_leaf_bool(&out, "IsTruncated", false);
    xml_leaf_time(&out, "LastModified", INT64_C(1751373296789012));
    xml_leaf_text(&out, "Wide", "\xEF\xBF\xBE\xEF\xBC\xA1\xEF\xBF\xBF");
    xml_close(&out, "Contents");
    xml_close(&out, "ListBucketResult");
    assert_string_equal(
        buffer_text(&out),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Contents>"
        "<Key>a&amp;b&lt;c&gt;&quot;d&quot;&#xd;\n\t&#x1;</Key><Delimiter>/</Delimiter><Marker></Marker>"
        "<Size>9223372036854775807</Size><Least>-9223372036854775808</Least><Zero>0</Zero>"
        "<IsTruncated>false</IsTruncated><LastModified>2025-07-01T12:34:56.789Z</LastModified>"
        "<Wide>&#xfffe;\xEF\xBC\xA1&#xffff;</Wide></Contents></ListBucketResult>");
}

static void what_is_written_reads_the_same(void **state)
{
    struct buffer out __attribute__((cleanup(buffer_free))) = {0};
    struct random random;

    (void)state;
    random_seed(&random, 9);
    for (int round = 0; round < 2000; round++) {
        char text[30];
        size_t length = random_below(&random, sizeof text);

        for (size_t i = 0; i < length; i++) {
            text[i] = "<>&\"'\r\n\t a]]/"[random_below(&random, 13)];
        }
        buffer_clear(&out);
        xml_open_root(&out, "A");
        xml_leaf(&out, "B", str_slice(text, length));
        xml_close(&out, "A");
        const struct xml_element *root = xml_read(out.data, out.length, arena, &error);

        assert_non_null(root);
        assert_true(str_equal(str_of(xml_text(root, "B", "?")), str_slice(text, length)));
        arena_reset(arena);
    }
}

static bool read_document(void *context, struct error *problem)
{
    static const char text[] = "<?xml version=\"1.0\"?><a xmlns=\"urn:a\" xmlns:x=\"http://www.w3.org/2001/"
                               "XMLSchema-instance\"><b x:type=\"c\">some text &amp; more</b><d><e/></d></a>";
    struct arena *own = arena_new(0, problem);
    const struct xml_element *root = own == NULL ? NULL : xml_read(text, strlen(text), own, problem);

    (void)context;
    if (own != NULL) {
        arena_free(own);
    }
    return root != NULL;
}

static void want_of_memory_is_an_error(void **state)
{
    (void)state;
    torture_walk(read_document, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_a_request_with_namespaces_and_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_type_of_another_namespace_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_plain_document, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bounds_depth_and_elements, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writes_as_s3_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_written_reads_the_same, set_up, tear_down),
        cmocka_unit_test(want_of_memory_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
