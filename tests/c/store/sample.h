/* tests/c/store/sample.h -- rows and stores for the tests of this folder.
 * SPDX-License-Identifier: MIT */
#ifndef ML_TESTS_SAMPLE_H
#define ML_TESTS_SAMPLE_H

#include "core/folder.h"
#include "store/reader.h"
#include "store/store.h"
#include "test.h"

#define T0 (ML_STORE_TICKS_1970 + INT64_C(1700000000) * ML_STORE_TICKS_PER_S)

static inline struct ml_store *store_open(const char *name)
{
    struct ml_store *s = NULL;
    struct ml_error e = {0};
    if (ml_store_open(in_folder(name), &s, &e) != ML_OK)
        fail_msg("%s", e.text);
    return s;
}

static inline struct ml_rows *rows_new(void)
{
    struct ml_rows *r = NULL;
    assert_int_equal(ml_rows_new(&r), ML_OK);
    return r;
}

/* Row i: a second after row i - 1, "message i", severity i % 5, null dimensions for odd i. */
static inline void add_trace(struct ml_rows *r, int64_t i)
{
    char text[64];
    ml_rows_begin(r, ML_TABLE_traces);
    ml_rows_i64(r, ML_COL_timestamp, T0 + i * ML_STORE_TICKS_PER_S);
    snprintf(text, sizeof text, "message %lld", (long long)i);
    ml_rows_str(r, ML_COL_message, ml_str_of(text));
    ml_rows_i64(r, ML_COL_severityLevel, i % 5);
    ml_rows_str(r, ML_COL_cloud_RoleName, i % 3 == 0 ? ML_STR("web") : ML_STR("worker"));
    if (i % 2 == 0)
        ml_rows_str(r, ML_COL_customDimensions, ML_STR("{\"a\":1}"));
    assert_int_equal(ml_rows_end(r), ML_OK);
}

static inline void append_traces(struct ml_store *s, int64_t from, int64_t to)
{
    struct ml_rows *r = rows_new();
    struct ml_error e = {0};
    for (int64_t i = from; i < to; i++)
        add_trace(r, i);
    if (ml_store_append(s, r, &e) != ML_OK)
        fail_msg("%s", e.text);
    ml_rows_free(r);
}

static inline struct ml_reader *reader_open(const char *name)
{
    struct ml_reader *r = NULL;
    struct ml_error e = {0};
    if (ml_reader_open(in_folder(name), 64 << 20, &r, &e) != ML_OK)
        fail_msg("%s", e.text);
    return r;
}

static inline struct ml_str text_of(const struct ml_colview *c, uint32_t row)
{
    uint32_t k = c->codes != NULL ? c->codes[row] : row;
    assert_true(row < c->rows);
    assert_true(c->codes == NULL || k < c->n_entries);
    return (struct ml_str){c->bytes + c->offsets[k], c->offsets[k + 1] - c->offsets[k]};
}

static inline bool null_of(const struct ml_colview *c, uint32_t row)
{
    return c->nulls != NULL && c->nulls[row] != 0;
}

static inline struct ml_colview column_of(struct ml_read_block *b, enum ml_store_col c)
{
    struct ml_colview view = {0};
    struct ml_error e = {0};
    if (ml_read_column(b, c, &view, &e) != ML_OK)
        fail_msg("%s", e.text);
    assert_int_equal(view.rows, b->rows);
    return view;
}

static inline struct ml_read *read_begin(struct ml_reader *r)
{
    struct ml_read *rd = NULL;
    struct ml_error e = {0};
    if (ml_read_begin(r, &rd, &e) != ML_OK)
        fail_msg("%s", e.text);
    return rd;
}

static inline struct ml_read_scan *scan_open(struct ml_read *rd, enum ml_store_table t,
                                             int64_t from, int64_t to)
{
    struct ml_read_scan *s = NULL;
    struct ml_error e = {0};
    if (ml_read_open(rd, t, from, to, &s, &e) != ML_OK)
        fail_msg("%s", e.text);
    return s;
}

static inline struct ml_read_block *block_next(struct ml_read_scan *s)
{
    struct ml_read_block *b = NULL;
    struct ml_error e = {0};
    if (ml_read_next(s, &b, &e) != ML_OK)
        fail_msg("%s", e.text);
    return b;
}

#endif
