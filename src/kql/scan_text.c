/* kql/scan_text.c -- see scan_text.h. SPDX-License-Identifier: MIT */
#include "kql/scan_text.h"

#include "kql/eval.h"

bool ml__text_filter_init(struct ml_text_filter *f, struct ml_arena *a, const struct ml_expr *e,
                          bool *is)
{
    enum ml_search kind = ML_S_EQUALS;
    bool fold = false;
    *f = (struct ml_text_filter){0};
    *is = false;
    while (e->kind == ML_E_CALL && e->fn->vec == ml__vec_not) {
        f->negate = !f->negate;
        e = e->arg[0];
    }
    if (e->kind != ML_E_CALL || e->n != 2 || e->arg[0]->kind != ML_E_COLUMN ||
        e->arg[0]->type != ML_T_STRING || e->arg[1]->kind != ML_E_CONST ||
        e->arg[1]->type != ML_T_STRING)
        return true;
    if (e->fn->vec == ml__vec_text)
        kind = ml__search_of(e->fn->name, &fold);
    else if (strcmp(e->fn->name, "!=") == 0)
        f->negate = !f->negate;
    else if (strcmp(e->fn->name, "==") != 0)
        return true;
    struct ml_str text = e->arg[1]->val.s;
    if (!ml_needle_init(&f->needle, a, text, kind, fold))
        return false;
    if (f->needle.at_start && !fold && text.n > 0) {
        size_t n = text.n < 4 ? text.n : 4;
        memcpy(&f->head, text.p, n); /* little-endian, as heads are */
        f->mask = n == 4 ? UINT32_MAX : (1u << 8 * n) - 1;
    }
    *is = true;
    return true;
}

static struct ml_str text_at(const struct ml_chunk *k, size_t row)
{
    return (struct ml_str){k->bytes + k->offsets[row], k->offsets[row + 1] - k->offsets[row]};
}

static bool test(const struct ml_text_filter *f, const struct ml_chunk *k, size_t row)
{
    if (f->mask != 0 && k->heads != NULL && (k->heads[row] & f->mask) != f->head)
        return false;
    return ml_needle_in(&f->needle, text_at(k, row));
}

/* Hits of one search over all rows [at, at + n). A hit that crosses rows is none; ml_needle_in decides. */
static void search(const struct ml_text_filter *f, const struct ml_chunk *k, size_t at, size_t n,
                   uint8_t *hit)
{
    const uint32_t *offsets = k->offsets + at;
    struct ml_str all = {k->bytes, offsets[n]};
    size_t row = 0;
    memset(hit, 0, n);
    for (size_t p = ml_needle_next(&f->needle, all, offsets[0]); p < all.n;) {
        while (offsets[row + 1] <= p)
            row++;
        hit[row] = ml_needle_in(&f->needle, text_at(k, at + row));
        p = ml_needle_next(&f->needle, all, offsets[row + 1]);
    }
}

static void test_all(const struct ml_text_filter *f, const struct ml_chunk *k, size_t at, size_t n,
                     uint8_t *hit)
{
    if (f->mask != 0 && k->heads != NULL) {
        for (size_t i = 0; i < n; i++)
            hit[i] = (k->heads[at + i] & f->mask) == f->head;
        for (size_t i = 0; i < n; i++)
            if (hit[i])
                hit[i] = ml_needle_in(&f->needle, text_at(k, at + i));
        return;
    }
    if (!f->needle.at_start && !f->needle.at_end && ml_needle_jumps(&f->needle)) {
        search(f, k, at, n, hit);
        return;
    }
    for (size_t i = 0; i < n; i++)
        hit[i] = ml_needle_in(&f->needle, text_at(k, at + i));
}

size_t ml__text_filter_rows(const struct ml_text_filter *f, const struct ml_chunk *k, size_t at,
                            const uint32_t *rows, size_t n, uint32_t *kept)
{
    uint8_t hit[ML_BATCH_ROWS];
    size_t nkept = 0;
    if (rows == NULL) {
        test_all(f, k, at, n, hit);
        for (size_t i = 0; i < n; i++) { /* branch-free: filters are hard to predict */
            kept[nkept] = (uint32_t)i;
            nkept += hit[i] ^ f->negate;
        }
        return nkept;
    }
    for (size_t i = 0; i < n; i++) {
        kept[nkept] = rows[i];
        nkept += test(f, k, at + rows[i]) != f->negate;
    }
    return nkept;
}
