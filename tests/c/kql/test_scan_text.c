/* tests/c/kql/test_scan_text.c -- text filters over a packed chunk against the same operator, row by row.
 * SPDX-License-Identifier: MIT */
#include "kql/scan_text.h"

#include "kql/eval.h"
#include "test.h"

enum { ROWS = 300 };

static const char *const pieces[] = {"time", "out", "Time", "\xC3\x9F", "K",
                                     " ",    "_",   "",     "x",        "0"};

struct packed {
    char bytes[ROWS * 40];
    uint32_t offsets[ROWS + 1];
    uint32_t heads[ROWS];
    struct ml_chunk chunk;
};

static void fill(struct packed *p, struct rng *r, bool heads)
{
    size_t at = 0;
    memset(p, 0, sizeof *p);
    for (size_t i = 0; i < ROWS; i++) {
        p->offsets[i] = (uint32_t)at;
        for (size_t k = rng_below(r, 6); k > 0; k--) {
            const char *s = pieces[rng_below(r, sizeof pieces / sizeof pieces[0])];
            memcpy(p->bytes + at, s, strlen(s));
            at += strlen(s);
        }
        size_t n = at - p->offsets[i];
        memcpy(&p->heads[i], p->bytes + p->offsets[i], n < 4 ? n : 4);
    }
    p->offsets[ROWS] = (uint32_t)at;
    p->chunk = (struct ml_chunk){
        .offsets = p->offsets, .bytes = p->bytes, .heads = heads ? p->heads : NULL};
}

static struct ml_str row(const struct packed *p, size_t i)
{
    return (struct ml_str){p->bytes + p->offsets[i], p->offsets[i + 1] - p->offsets[i]};
}

static void compare(const struct packed *p, struct rng *r, const char *op, const char *needle)
{
    struct ml_arena a = {0};
    struct ml_expr column = {.kind = ML_E_COLUMN, .type = ML_T_STRING};
    struct ml_expr text = {
        .kind = ML_E_CONST, .type = ML_T_STRING, .val = ml_val_str(ml_str_of(needle))};
    struct ml_expr *args[] = {&column, &text};
    bool equal = op[0] == '=' && op[1] == '=';
    struct ml_func fn = {.name = op, .vec = equal ? ml__vec_compare : ml__vec_text};
    struct ml_expr e = {.kind = ML_E_CALL, .type = ML_T_BOOL, .n = 2, .arg = args, .fn = &fn};
    struct ml_text_filter f;
    struct ml_needle plain;
    bool is;
    bool fold = false;
    enum ml_search kind = equal ? ML_S_EQUALS : ml__search_of(op, &fold);
    assert_true(ml__text_filter_init(&f, &a, &e, &is));
    assert_true(is);
    assert_true(ml_needle_init(&plain, &a, ml_str_of(needle), kind, fold));
    uint32_t some[ROWS];
    uint32_t kept[ROWS];
    size_t at = rng_below(r, 50);
    size_t n = rng_below(r, ROWS - 50);
    size_t nsome = 0;
    size_t want = 0;
    size_t got = ml__text_filter_rows(&f, &p->chunk, at, NULL, n, kept);
    for (size_t i = 0; i < n; i++) {
        if (ml_needle_in(&plain, row(p, at + i)))
            assert_int_equal(kept[want++], i);
        if (rng_below(r, 3) == 0)
            some[nsome++] = (uint32_t)i;
    }
    assert_int_equal(got, want);
    got = ml__text_filter_rows(&f, &p->chunk, at, some, nsome, kept);
    want = 0;
    for (size_t i = 0; i < nsome; i++)
        if (ml_needle_in(&plain, row(p, at + some[i])))
            assert_int_equal(kept[want++], some[i]);
    assert_int_equal(got, want);
    ml_arena_clear(&a);
}

static void packed_rows_are_kept_like_single_ones(void **state)
{
    static const char *const ops[] = {
        "has", "contains", "startswith",  "endswith",      "hasprefix",   "hassuffix",   "=~",
        "==",  "has_cs",   "contains_cs", "startswith_cs", "endswith_cs", "hasprefix_cs"};
    static const char *const needles[] = {"time", "timeout", "t",       "K", "\xC3\x9F",
                                          "",     " ",       "outTime", "x0"};
    struct rng r = rng_new();
    static struct packed p;
    for (int round = 0; round < 20; round++) {
        fill(&p, &r, round % 2 == 0);
        for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
            for (size_t k = 0; k < sizeof needles / sizeof needles[0]; k++)
                compare(&p, &r, ops[i], needles[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(packed_rows_are_kept_like_single_ones)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
