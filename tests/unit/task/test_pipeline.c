/* Where a pipeline is looked for, and what is said when it is nowhere. */
#include "task/pipeline.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "support/unit.h"

static char base[] = "/tmp/aisle-pipeline-XXXXXX";
static char came_from[PATH_MAX];
static struct arena *arena;

static int open_base(void **state)
{
    (void)state;
    struct error error;
    arena = arena_new(0, &error);
    if (!arena || !mkdtemp(base) || !getcwd(came_from, sizeof came_from) || chdir(base) != 0) return -1;
    return file_make_folders("pipelines/near", &error) && file_make_folders("own/near", &error) &&
                   file_make_folders("own/mine", &error)
               ? 0
               : -1;
}

static int close_base(void **state)
{
    (void)state;
    struct error error;
    arena_free(arena);
    return chdir(came_from) == 0 && file_remove_tree(base, &error) ? 0 : -1;
}

static void names_are_looked_for(void **state)
{
    (void)state;
    struct error error = {0};
    unsetenv("AISLE_PIPELINES");
    assert_string_equal(pipeline_folder(arena, "near", &error), "pipelines/near");
    setenv("AISLE_PIPELINES", "own", 1);
    assert_string_equal(pipeline_folder(arena, "near", &error), "own/near"); /* one's own come first */
    assert_string_equal(pipeline_folder(arena, "mine", &error), "own/mine");
    setenv("AISLE_PIPELINES", "", 1);
    assert_string_equal(pipeline_folder(arena, "near", &error), "pipelines/near");
}

static void a_path_is_the_folder_itself(void **state)
{
    (void)state;
    struct error error = {0};
    setenv("AISLE_PIPELINES", "own", 1);
    assert_string_equal(pipeline_folder(arena, "./own", &error), "./own");
    assert_null(pipeline_folder(arena, "./mine", &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "./mine"));
}

static void the_error_tells_where_it_was_sought(void **state)
{
    (void)state;
    struct error error = {0};
    setenv("AISLE_PIPELINES", "own", 1);
    assert_null(pipeline_folder(arena, "gone", &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    static const char *const words[] = {"\"gone\"", "own/gone", "pipelines/gone", "/../pipelines/gone",
                                        "/../share/aisle/pipelines/gone"};
    for (size_t i = 0; i < 5; i++) assert_non_null(strstr(error.message, words[i]));
    unsetenv("AISLE_PIPELINES");
    assert_null(pipeline_folder(arena, "gone", &error));
    assert_null(strstr(error.message, ", ,"));
    assert_null(pipeline_folder(arena, "", &error)); /* not the folder that holds them all */
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_looked_for),
        cmocka_unit_test(a_path_is_the_folder_itself),
        cmocka_unit_test(the_error_tells_where_it_was_sought),
    };
    return cmocka_run_group_tests(tests, open_base, close_base);
}
