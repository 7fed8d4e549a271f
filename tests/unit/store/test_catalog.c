/* The database of a data folder: one of an older program is read as it is and brought up to date by its owner. */
#include <stdio.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "base/file.h"
#include "store/catalog.h"
#include "store/folder.h"
#include "support/local_store.h"

/* Takes away all but what version 1 had, as if this program had never opened it. */
static void make_version_1(const char *path)
{
    static const char list[] = "SELECT 'DROP TABLE ' || name FROM sqlite_master WHERE type = 'table' AND "
                               "name NOT LIKE 'sqlite_%' AND "
                               "name NOT IN ('files', 'forgotten', 'documents', 'sources', 'runs') LIMIT 1";
    char file[100];
    char sql[200];
    sqlite3 *db = NULL;
    int there = SQLITE_ROW;

    snprintf(file, sizeof file, "%s/" CATALOG_FILE, path);
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    while (there == SQLITE_ROW) {
        sqlite3_stmt *statement = NULL;

        assert_int_equal(sqlite3_prepare_v2(db, list, -1, &statement, NULL), SQLITE_OK);
        there = sqlite3_step(statement);
        snprintf(sql, sizeof sql, "%s",
                 there == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : "PRAGMA user_version = 1");
        sqlite3_finalize(statement);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    }
    sqlite3_close(db);
}

static int64_t version_of(const char *path)
{
    char file[100];
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;

    snprintf(file, sizeof file, "%s/" CATALOG_FILE, path);
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t version = sqlite3_column_int64(statement, 0);

    sqlite3_finalize(statement);
    sqlite3_close(db);
    return version;
}

static void test_an_older_folder_is_read_and_brought_up_to_date(void **state)
{
    struct local_place *place = *state;
    struct error error = {0};
    struct folder_file *files = NULL;
    size_t count = 0;
    int64_t newest = version_of(place->path);

    assert_true(newest > 1);
    local_place_close(place);
    make_version_1(place->path);
    struct folder *reader = folder_open(place->path, FOLDER_READ, &error);

    must(reader != NULL, &error);
    must(folder_files(reader, place->arena, "cleaned", NULL, NULL, &files, &count, &error), &error);
    folder_close(reader);
    assert_int_equal(version_of(place->path), 1);
    local_place_open(place);
    assert_int_equal(version_of(place->path), newest);
    make_bucket(place, "one");
    put_text(place, "one", "k", "x");
    assert_string_equal(text_of(place, "one", "k", NULL), "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_older_folder_is_read_and_brought_up_to_date, local_place_setup,
                                        local_place_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
