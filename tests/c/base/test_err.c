/* tests/c/base/test_err.c -- SPDX-License-Identifier: MIT */
#include "base/err.h"

#include "test.h"

#include <errno.h>

static void every_status_has_texts_of_its_own(void **state)
{
#define CHECK(name, code, text, hint)                       \
    assert_true(ML_E##name < 0);                            \
    assert_string_equal(ml_status_name(ML_E##name), #name); \
    assert_string_equal(ml_status_text(ML_E##name), text);  \
    assert_string_equal(ml_status_hint(ML_E##name), hint);  \
    assert_true(sizeof(text) > 1 && sizeof(hint) > 1);
    ML_ERRORS(CHECK)
#undef CHECK
}

static void unknown_codes_have_texts_too(void **state)
{
    static const int strange[] = {1, 4711, -4711, INT32_MIN};
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        assert_string_equal(ml_status_name(strange[i]), "UNKNOWN");
        assert_non_null(ml_status_text(strange[i]));
        assert_non_null(ml_status_hint(strange[i]));
    }
    assert_string_equal(ml_status_name(ML_OK), "OK");
}

static void fail_fills_and_answers(void **state)
{
    struct ml_error e = {.hint = "of an earlier failure"};
    assert_int_equal(ml_fail(&e, ML_EIO, "cannot open '%s'", "x"), ML_EIO);
    assert_int_equal(e.status, ML_EIO);
    assert_string_equal(e.text, "cannot open 'x'");
    assert_string_equal(e.hint, "");
    ml_hint(&e, "memline run %s", "x.py");
    assert_string_equal(e.hint, "memline run x.py");
    assert_int_equal(ml_fail(NULL, ML_EBUSY, "%d", 1), ML_EBUSY);
    ml_hint(NULL, "%d", 1);
}

static void long_texts_are_cut(void **state)
{
    struct ml_error e;
    char text[3 * ML_ERROR_MAX];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ml_fail(&e, ML_EIO, "%s", text);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    ml_hint(&e, "%s", text);
    assert_int_equal(strlen(e.hint), sizeof e.hint - 1);
}

static void errno_values_keep_their_sense(void **state)
{
    static const struct {
        int err;
        int status;
    } cases[] = {
        {ENOMEM, ML_ENOMEM},  {ENOENT, ML_ENOTFOUND},   {ESRCH, ML_ENOTFOUND},
        {EACCES, ML_EDENIED}, {EPERM, ML_EDENIED},      {ENOSPC, ML_EFULL},
        {EBUSY, ML_EBUSY},    {EADDRINUSE, ML_EBUSY},   {EIO, ML_EIO},
        {4711, ML_EIO},       {ETIMEDOUT, ML_ETIMEOUT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(ml_status_from_errno(cases[i].err), cases[i].status);
}

static void a_failed_call_adds_its_reason(void **state)
{
    struct ml_error e = {0};
    assert_int_equal(ml_fail_errno(&e, ENOENT, "cannot open '%s'", "x"), ML_ENOTFOUND);
    assert_string_equal(e.text, "cannot open 'x': no such file or directory");
    assert_int_equal(ml_fail_errno(&e, 4711, "cannot open '%s'", "x"), ML_EIO);
    assert_string_equal(e.text, "cannot open 'x': unknown error 4711");
    assert_int_equal(ml_fail_errno(NULL, EBUSY, "x"), ML_EBUSY);

    char subject[2 * ML_ERROR_MAX];
    memset(subject, 'x', sizeof subject - 1);
    subject[sizeof subject - 1] = '\0';
    assert_int_equal(ml_fail_errno(&e, EIO, "%s", subject), ML_EIO);
    assert_int_equal(strlen(e.text), ML_ERROR_MAX - 1); /* cut, reason and all */
}

/* What ml_error_print writes to stderr. */
static void printed(const struct ml_error *e, char *out, size_t out_bytes)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    ml_error_print(e);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    ssize_t n = read(ends[0], out, out_bytes - 1);
    close(ends[0]);
    assert_true(n > 0);
    out[n] = '\0';
}

static void print_ends_with_the_next_step(void **state)
{
    char out[2048];
    struct ml_error e;
    ml_fail(&e, ML_ENOTFOUND, "cannot open book '%s': no such file", "app.book");
    printed(&e, out, sizeof out);
    assert_string_equal(
        out, "memline: cannot open book 'app.book': no such file\n  try: check the name\n");
    ml_hint(&e, "memline run app.py");
    printed(&e, out, sizeof out);
    assert_string_equal(
        out, "memline: cannot open book 'app.book': no such file\n  try: memline run app.py\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_texts_of_its_own),
        cmocka_unit_test(unknown_codes_have_texts_too),
        cmocka_unit_test(fail_fills_and_answers),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(errno_values_keep_their_sense),
        cmocka_unit_test(a_failed_call_adds_its_reason),
        cmocka_unit_test(print_ends_with_the_next_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
