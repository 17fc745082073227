/* tests/c/report/test_source.c -- SPDX-License-Identifier: MIT */
#include "report/source.h"

#include "made.h"

#include <sys/stat.h>

static char file[64]; /* a file on disk for one case */

static int setup(void **state)
{
    snprintf(file, sizeof file, "/tmp/memline-source-%ld.py", (long)getpid());
    return 0;
}

static int teardown(void **state)
{
    unlink(file);
    return 0;
}

static void write_source(const char *text, size_t n)
{
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* A snapshot whose book saved this text for the name; NULL: none. */
static struct ml_snapshot *snapshot(const char *name, const char *text)
{
    struct ml_book *b = made_start();
    if (text != NULL)
        assert_int_equal(ml_book_source(b, ml_str_of(name), ml_str_of(text)), ML_OK);
    return made_end(b);
}

static void assert_line(struct ml_sources *all, const char *name, uint32_t line,
                        const char *expected)
{
    struct ml_str s = ml_sources_line(all, ml_str_of(name), line);
    assert_int_equal(s.n, strlen(expected));
    assert_memory_equal(s.p, expected, s.n);
}

static void lines_of_a_file_are_found(void **state)
{
    static const char text[] = "one\ntwo\r\nthree\rfour\n\nsix";
    struct ml_snapshot *s = snapshot(file, "not this\n");
    struct ml_sources *all = NULL;
    write_source(text, sizeof text - 1);
    assert_int_equal(ml_sources_new(s, &all), ML_OK);
    static const char *const lines[] = {"", "one", "two", "three", "four", "", "six", "", ""};
    for (uint32_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_line(all, file, i, lines[i]);
    assert_line(all, file, UINT32_MAX, "");
    assert_true(ml_sources_have(all, ml_str_of(file)));
    assert_true(ml_sources_changed(all, ml_str_of(file))); /* written after the book was begun */
    ml_sources_free(all);
    ml_snapshot_free(s);
}

static void a_file_older_than_the_run_is_not_changed(void **state)
{
    struct ml_sources *all = NULL;
    write_source("x\n", 2);
    usleep(20000); /* the clock of files is coarse */
    struct ml_snapshot *s = snapshot(file, NULL);
    assert_int_equal(ml_sources_new(s, &all), ML_OK);
    assert_false(ml_sources_changed(all, ml_str_of(file)));
    ml_sources_free(all);
    ml_snapshot_free(s);
}

static void what_is_not_on_disk_comes_from_the_book(void **state)
{
    struct ml_snapshot *s = snapshot("<cell 1>", "x = 1\ny = 2\n");
    struct ml_sources *all = NULL;
    assert_int_equal(ml_sources_new(s, &all), ML_OK);
    assert_line(all, "<cell 1>", 2, "y = 2");
    assert_false(ml_sources_changed(all, ML_STR("<cell 1>")));
    assert_line(all, "<cell 2>", 1, "");
    assert_false(ml_sources_have(all, ML_STR("<cell 2>")));
    assert_false(ml_sources_have(all, (struct ml_str){NULL, 0}));
    ml_sources_free(all);
    ml_snapshot_free(s);
}

static void a_huge_file_is_left_unread(void **state)
{
    struct ml_snapshot *s = snapshot(file, "from the book\n");
    struct ml_sources *all = NULL;
    write_source("x\n", 2);
    assert_int_equal(truncate(file, 17 << 20), 0);
    assert_int_equal(ml_sources_new(s, &all), ML_OK);
    assert_line(all, file, 1, "from the book");
    ml_sources_free(all);
    ml_snapshot_free(s);
}

static struct ml_snapshot *given; /* of the case below */

static int look_up(void *arg)
{
    struct ml_sources *all = NULL;
    int rc = ml_sources_new(given, &all);
    if (rc != ML_OK)
        return rc;
    struct ml_str s = ml_sources_line(all, ml_str_of(file), 2);
    ml_sources_free(all);
    return s.n == 3 ? ML_OK : ML_ENOMEM; /* without memory lines are empty, which is no failure */
}

static void without_memory_lines_are_empty(void **state)
{
    write_source("one\ntwo\n", 8);
    given = snapshot(file, NULL);
    assert_true(fail_each(look_up, NULL) > 3);
    ml_snapshot_free(given);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(lines_of_a_file_are_found),
        CASE(a_file_older_than_the_run_is_not_changed),
        CASE(what_is_not_on_disk_comes_from_the_book),
        CASE(a_huge_file_is_left_unread),
        CASE(without_memory_lines_are_empty),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
