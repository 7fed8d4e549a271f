#include "tabular/text_form.h"

#include "support/unit.h"

struct example {
    enum text_form form;
    const char *text;
    bool fits;
};

static const struct example examples[] = {
    {FORM_NONE, "anything", true},
    {FORM_EMAIL, "anna.b+c@shop.example", true},
    {FORM_EMAIL, "a@b.co", true},
    {FORM_EMAIL, "a@b", false},
    {FORM_EMAIL, "@b.co", false},
    {FORM_EMAIL, "a@", false},
    {FORM_EMAIL, "a b@c.de", false},
    {FORM_EMAIL, ".a@c.de", false},
    {FORM_EMAIL, "a.@c.de", false},
    {FORM_EMAIL, "a..b@c.de", false},
    {FORM_EMAIL, "a@-c.de", false},
    {FORM_EMAIL, "a@c..de", false},
    {FORM_EMAIL, "a@b@c.de", false},
    {FORM_EMAIL, "", false},
    {FORM_URI, "https://example.org/a?b=%20c#d", true},
    {FORM_URI, "urn:isbn:0451450523", true},
    {FORM_URI, "//example.org", false},
    {FORM_URI, "http:", false},
    {FORM_URI, "http://a b", false},
    {FORM_URI, "http://a%2", false},
    {FORM_URI, "1http://a", false},
    {FORM_UUID, "123e4567-e89b-12d3-a456-426614174000", true},
    {FORM_UUID, "123e4567e89b12d3a456426614174000", false},
    {FORM_UUID, "123e4567-e89b-12d3-a456-42661417400g", false},
    {FORM_BINARY, "aGVsbG8=", true},
    {FORM_BINARY, "", true},
    {FORM_BINARY, "aGVsbG8", false},
    {FORM_BINARY, "aGVs=G8=", false},
    {FORM_OBJECT, "{\"a\": [1]}", true},
    {FORM_OBJECT, "[1]", false},
    {FORM_OBJECT, "{\"a\": }", false},
    {FORM_OBJECT, "", false},
    {FORM_ARRAY, "[]", true},
    {FORM_ARRAY, "{}", false},
    {FORM_GEOPOINT, "12.5, -45", true},
    {FORM_GEOPOINT, "180,90", true},
    {FORM_GEOPOINT, "181,0", false},
    {FORM_GEOPOINT, "12.5", false},
    {FORM_GEOPOINT, "a,b", false},
    {FORM_GEOPOINT, "", false},
    {FORM_GEOPOINT_ARRAY, "[12.5, -45]", true},
    {FORM_GEOPOINT_ARRAY, "[12.5, -91]", false},
    {FORM_GEOPOINT_ARRAY, "[12.5]", false},
    {FORM_GEOPOINT_OBJECT, "{\"lon\": 1, \"lat\": 2}", true},
    {FORM_GEOPOINT_OBJECT, "{\"lon\": 1, \"lng\": 2}", false},
    {FORM_GEOJSON, "{\"type\": \"Point\", \"coordinates\": [1, 2]}", true},
    {FORM_GEOJSON, "{\"type\": \"Topology\"}", false},
    {FORM_GEOJSON, "{}", false},
    {FORM_TOPOJSON, "{\"type\": \"Topology\"}", true},
    {FORM_DURATION, "P1Y2M3DT4H5M6.7S", true},
    {FORM_DURATION, "P3W", true},
    {FORM_DURATION, "PT0S", true},
    {FORM_DURATION, "P", false},
    {FORM_DURATION, "PT", false},
    {FORM_DURATION, "P1DT", false},
    {FORM_DURATION, "P1M1Y", false},
    {FORM_DURATION, "P1H", false},
    {FORM_DURATION, "P1.5YT1H", false},
    {FORM_DURATION, "1Y", false},
};

static void judges_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        const struct example *example = &examples[i];
        bool fits = text_form_judge(example->form, str_of(example->text)) == TEXT_FORM_FITS;
        if (fits != example->fits)
            fail_msg("form %d, %s: %s", example->form, example->text, fits ? "was taken" : "was refused");
    }
}

static void each_form_has_a_wish(void **state)
{
    (void)state;
    assert_null(text_form_wish(FORM_NONE));
    for (int form = FORM_EMAIL; form <= FORM_DURATION; form++) assert_non_null(text_form_wish((enum text_form)form));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_forms),
        cmocka_unit_test(each_form_has_a_wish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
