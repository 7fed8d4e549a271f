#include "base/failpoint.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/unit.h"

static void an_unnamed_place_never_fails(void **state)
{
    (void)state;
    assert_false(failpoint_hit("commit.after"));
    assert_false(failpoint_hit("commit"));
    assert_false(failpoint_hit("commit.before.long"));
    assert_false(failpoint_hit(""));
}

static void an_error_comes_once_at_its_turn(void **state)
{
    (void)state;
    assert_true(failpoint_hit("commit.before"));
    assert_false(failpoint_hit("commit.before"));
    assert_false(failpoint_hit("parquet.write"));
    assert_false(failpoint_hit("parquet.write"));
    assert_true(failpoint_hit("parquet.write"));
    assert_false(failpoint_hit("parquet.write"));
}

static void a_crash_ends_the_process(void **state)
{
    int status = 0;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        failpoint_hit("late");
        failpoint_hit("late");
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 137);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unnamed_place_never_fails),
        cmocka_unit_test(an_error_comes_once_at_its_turn),
        cmocka_unit_test(a_crash_ends_the_process),
    };

    /* Before the variable is first read. */
    setenv("AISLE_FAILPOINTS", "commit.before=error,parquet.write=error:3,late=crash:2,nonsense", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
