/* tests/c/host/test_receipts.c. SPDX-License-Identifier: MIT */
#include "host/receipts.h"

#include "../test.h"

static char path[] = "/tmp/memline-receipts-XXXXXX";

static struct ml_receipts *open_it(void)
{
    struct ml_receipts *r = NULL;
    assert_int_equal(ml_receipts_open(path, &r, NULL), ML_OK);
    return r;
}

static int look(struct ml_receipts *r, const char *blob, const char *etag)
{
    return ml_receipts_look(r, ml_str_of(blob), ml_str_of(etag));
}

static void put(struct ml_receipts *r, const char *blob, const char *etag, int tries)
{
    assert_int_equal(ml_receipts_put(r, ml_str_of(blob), ml_str_of(etag), tries), ML_OK);
}

static void they_outlive_the_process(void **state)
{
    (void)state;
    struct ml_receipts *r = open_it();
    assert_int_equal(look(r, "a", "1"), 0);
    put(r, "a", "1", 1);
    put(r, "a", "1", 2);
    put(r, "odd name\n%41 \xc3\xbc", "1", ML_RECEIPT_DONE);
    put(r, "b", "7", 250);
    ml_receipts_close(r);
    r = open_it();
    assert_int_equal(ml_receipts_count(r), 3);
    assert_int_equal(look(r, "a", "1"), 2);
    assert_int_equal(look(r, "a", "2"), 0); /* changed: it is new */
    assert_int_equal(look(r, "odd name\n%41 \xc3\xbc", "1"), ML_RECEIPT_DONE);
    assert_int_equal(look(r, "b", "7"), 250);
    put(r, "a", "2", ML_RECEIPT_DONE);
    assert_int_equal(look(r, "a", "2"), ML_RECEIPT_DONE);
    assert_int_equal(look(r, "a", "1"), 0);
    ml_receipts_close(r);
}

static void a_scan_drops_what_is_gone(void **state)
{
    (void)state;
    struct ml_receipts *r = open_it();
    ml_receipts_begin_scan(r);
    assert_int_equal(look(r, "a", "2"), ML_RECEIPT_DONE);
    put(r, "c", "1", ML_RECEIPT_DONE); /* ended meanwhile */
    ml_receipts_end_scan(r);
    assert_int_equal(ml_receipts_count(r), 2);
    assert_int_equal(look(r, "b", "7"), 0);
    assert_int_equal(look(r, "c", "1"), ML_RECEIPT_DONE);
    ml_receipts_close(r);
}

static void the_file_does_not_grow_for_ever(void **state)
{
    (void)state;
    struct ml_receipts *r = open_it();
    for (int i = 0; i < 5000; i++)
        put(r, "a", "3", 1 + i % 2);
    ml_receipts_close(r);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    assert_in_range(ftell(f), 1, 1100 * 20);
    assert_int_equal(fclose(f), 0);
    r = open_it();
    assert_int_equal(look(r, "a", "3"), 2);
    ml_receipts_close(r);
}

static void broken_lines_are_passed_over(void **state)
{
    static const char text[] = "done 0123456789ab\n\nx\n999999 0123456789ab y\ndone zz z\n"
                               "300 0123456789ab a\n1 0000000000000 b\nhalf";
    (void)state;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, sizeof text - 1, f), sizeof text - 1);
    assert_int_equal(fclose(f), 0);
    struct ml_receipts *r = open_it();
    assert_int_equal(ml_receipts_count(r), 0);
    ml_receipts_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_outlive_the_process),
        cmocka_unit_test(a_scan_drops_what_is_gone),
        cmocka_unit_test(the_file_does_not_grow_for_ever),
        cmocka_unit_test(broken_lines_are_passed_over),
    };
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    (void)close(fd);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return rc;
}
