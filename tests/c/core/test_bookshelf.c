/* tests/c/core/test_bookshelf.c -- SPDX-License-Identifier: MIT */
#include "core/bookshelf.h"

#include "folder.h"
#include "test.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

static void touch(const char *name, time_t when)
{
    struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
    FILE *f = fopen(in_folder(name), "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(utimensat(AT_FDCWD, in_folder(name), times, 0), 0);
}

static void the_folder_follows_the_environment(void **state)
{
    static const struct {
        const char *books;
        const char *xdg;
        const char *home;
        const char *path; /* NULL: there is none */
    } rows[] = {
        {"/b", "/x", "/h", "/b"},
        {"b", "/x", "/h", "b"},
        {"", "/x", "/h", "/x/memline"},
        {"", "x", "/h", "/h/.local/state/memline"}, /* XDG wants absolute paths */
        {"", "", "/h", "/h/.local/state/memline"},
        {"", "", "", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[PATH_MAX] = "";
        struct ml_error e = {0};
        setenv("MEMLINE_BOOKS", rows[i].books, 1);
        setenv("XDG_STATE_HOME", rows[i].xdg, 1);
        setenv("HOME", rows[i].home, 1);
        int rc = ml_bookshelf_path(path, sizeof path, &e);
        assert_int_equal(rc, rows[i].path != NULL ? ML_OK : ML_ENOTFOUND);
        assert_string_equal(path, rows[i].path != NULL ? rows[i].path : "");
    }
    char small[8];
    setenv("MEMLINE_BOOKS", "/longer/than/that", 1);
    assert_int_equal(ml_bookshelf_path(small, sizeof small, NULL), ML_ELIMIT);
}

static void assert_newest(const char *name)
{
    char path[PATH_MAX];
    struct ml_error e;
    setenv("MEMLINE_BOOKS", folder, 1);
    int rc = ml_bookshelf_newest(path, sizeof path, &e);
    assert_int_equal(rc, name != NULL ? ML_OK : ML_ENOTFOUND);
    if (name != NULL)
        assert_string_equal(path, in_folder(name));
    else
        assert_non_null(strstr(e.text, "no book in"));
}

static void the_newest_book_is_found(void **state)
{
    assert_newest(NULL);
    touch("a.txt", 90);
    touch("a.book.txt", 90);
    touch(".book", 90);
    touch("12", 90);
    assert_newest(NULL);
    touch("b.book", 10);
    touch("c.book", 10);
    assert_newest("b.book"); /* of equal ones the first by name */
    touch("c.book", 20);
    assert_newest("c.book");
    touch("b.book.77", 30); /* a child of b wrote last */
    assert_newest("b.book");
    touch("d.book.1.2", 40);
    assert_newest("d.book"); /* though that one is gone itself */
}

static void no_folder_is_no_book(void **state)
{
    char path[PATH_MAX];
    setenv("MEMLINE_BOOKS", "/nonexistent/folder", 1);
    assert_int_equal(ml_bookshelf_newest(path, sizeof path, NULL), ML_ENOTFOUND);
    setenv("MEMLINE_BOOKS", "/etc/passwd", 1);
    assert_int_not_equal(ml_bookshelf_newest(path, sizeof path, NULL), ML_OK);
}

static void children_are_found_by_name(void **state)
{
    struct ml_paths p = {0};
    static const char *const names[] = {"a.book",     "a.book.10", "a.book.9", "a.book.10.3",
                                        "a.book.x",   "a.book.",   "b.book.1", "xa.book.1",
                                        "a.book.10x", "a.book..1"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        touch(names[i], 1);
    assert_int_equal(ml_bookshelf_children(in_folder("a.book"), &p), ML_OK);
    assert_int_equal(p.all.n, 3);
    assert_string_equal(p.all.at[0], in_folder("a.book.10"));
    assert_string_equal(p.all.at[1], in_folder("a.book.10.3"));
    assert_string_equal(p.all.at[2], in_folder("a.book.9"));
    ml_paths_free(&p);
    assert_int_equal(ml_bookshelf_children("/nonexistent/a.book", &p), ML_OK);
    assert_int_equal(p.all.n, 0);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(ml_bookshelf_children("a.book", &p), ML_OK);
    assert_int_equal(p.all.n, 3);
    assert_string_equal(p.all.at[0], "a.book.10");
    ml_paths_free(&p);
    assert_int_equal(chdir("/"), 0);
}

static int look_for_children(void *arg)
{
    struct ml_paths p = {0};
    int rc = ml_bookshelf_children(in_folder("a.book"), &p);
    ml_paths_free(&p);
    return rc;
}

static void every_failed_allocation_is_an_answer(void **state)
{
    touch("a.book.1", 1);
    touch("a.book.2", 1);
    assert_int_equal(fail_each(look_for_children, NULL), 5);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(the_folder_follows_the_environment),
        CASE(the_newest_book_is_found),
        CASE(no_folder_is_no_book),
        CASE(children_are_found_by_name),
        CASE(every_failed_allocation_is_an_answer),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
