/* tests/c/core/test_book_peek.c -- SPDX-License-Identifier: MIT */
#include "core/book_peek.h"

#include "core/book.h"
#include "folder.h"
#include "test.h"

static void a_book_tells_whose_it_is(void **state)
{
    struct ml_book *b = NULL;
    struct ml_book_brief brief;
    const char *path = in_folder("a.book");
    assert_int_equal(ml_book_create(path, 0, &b, NULL), ML_OK);
    assert_int_equal(ml_book_peek(path, &brief, NULL), ML_OK);
    assert_int_equal(brief.pid, getpid());
    assert_true(brief.start_ns > 0);
    assert_false(brief.complete);
    ml_book_close(b);
    assert_int_equal(ml_book_peek(path, &brief, NULL), ML_OK);
    assert_true(brief.complete);
}

static void what_is_none_is_refused(void **state)
{
    struct ml_error e;
    struct ml_book_brief brief;
    const char *path = in_folder("b.book");
    assert_int_equal(ml_book_peek(path, &brief, &e), ML_ENOTFOUND);
    FILE *f = fopen(path, "w");
    fputs("MEMLBOOK and no more", f);
    fclose(f);
    assert_int_equal(ml_book_peek(path, &brief, &e), ML_EFORMAT);
    assert_non_null(strstr(e.text, "is not a memline book"));
    assert_int_equal(ml_book_peek(folder, &brief, &e), ML_EFORMAT);
    assert_int_equal(ml_book_peek("/dev/zero", &brief, &e), ML_EFORMAT);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test_setup_teardown(a_book_tells_whose_it_is, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(what_is_none_is_refused, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
