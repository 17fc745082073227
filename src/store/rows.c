/* store/rows.c -- a batch of rows as one run of bytes.
 *
 *   row  = u32 bytes of what follows | u8 table | cell...
 *   cell = u8 column | i64 or double            INT, LONG, DATETIME, REAL
 *          u8 column | u32 n | n bytes          STRING, DYNAMIC
 * Only cells that were set are there: most of a record's 36 columns are empty.
 * Integers are in the machine's order; the bytes never leave the process.
 * SPDX-License-Identifier: MIT */
#include "store/rows.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/port.h"
#include "base/utf8.h"

#include <assert.h>
#include <string.h>

#define ROW_HEAD 5
#define RANDOM_POOL 2048

static_assert(ML_N_COLUMNS <= 255, "a column is a byte in a batch");
static_assert(ML_N_TABLES <= 255, "a table is a byte in a batch");

struct ml_rows {
    struct ml_buf bytes;
    size_t n;     /* whole rows */
    size_t start; /* of the row begun */
    bool open;
    enum ml_store_table table;
    uint64_t seen[4]; /* columns set in the row begun */
    int status;       /* of the row begun */
    size_t random_left;
    unsigned char random[RANDOM_POOL]; /* one system call makes 128 GUIDs */
};

int ml_rows_new(struct ml_rows **out)
{
    struct ml_rows *r = ml_calloc(1, sizeof *r);
    if (r == NULL)
        return ML_ENOMEM;
    r->bytes.max = ML_ROWS_MAX_BYTES;
    *out = r;
    return ML_OK;
}

int ml_rows_copy(const struct ml_rows *from, struct ml_rows **out)
{
    struct ml_rows *r = NULL;
    int rc = ml_rows_new(&r);
    if (rc != ML_OK)
        return rc;
    ml_buf_add(&r->bytes, from->bytes.p, from->open ? from->start : from->bytes.n);
    r->n = from->n;
    if (r->bytes.status != ML_OK) {
        ml_rows_free(r);
        return ML_ENOMEM;
    }
    *out = r;
    return ML_OK;
}

void ml_rows_free(struct ml_rows *r)
{
    if (r != NULL)
        ml_buf_free(&r->bytes);
    ml_free(r);
}

void ml_rows_clear(struct ml_rows *r)
{
    ml_buf_clear(&r->bytes);
    r->n = 0;
    r->open = false;
}

size_t ml_rows_count(const struct ml_rows *r)
{
    return r->n;
}

size_t ml_rows_bytes(const struct ml_rows *r)
{
    return r->bytes.n;
}

void ml_rows_begin(struct ml_rows *r, enum ml_store_table t)
{
    ml_rows_cancel(r);
    r->start = r->bytes.n;
    r->open = true;
    r->table = t;
    r->status = ML_OK;
    memset(r->seen, 0, sizeof r->seen);
    unsigned char head[ROW_HEAD] = {0, 0, 0, 0, (unsigned char)t};
    ml_buf_add(&r->bytes, head, sizeof head);
}

void ml_rows_cancel(struct ml_rows *r)
{
    if (!r->open)
        return;
    r->bytes.n = r->start;
    r->bytes.status = ML_OK;
    r->open = false;
}

static bool was_set(const struct ml_rows *r, enum ml_store_col c)
{
    return (r->seen[c / 64] >> (c % 64) & 1) != 0;
}

static bool is_text(enum ml_store_col c)
{
    enum ml_store_type t = ml_store_col_get(c)->type;
    return t == ML_STORE_STRING || t == ML_STORE_DYNAMIC;
}

/* False: the table has no such column, or the row failed already. */
static bool begin_cell(struct ml_rows *r, enum ml_store_col c, bool fits)
{
    if (!r->open || r->status != ML_OK || ml_store_table_index(r->table, c) < 0)
        return false;
    if (!fits) {
        r->status = ML_EINVALID; /* a value of another type: a mistake of ours */
        return false;
    }
    r->seen[c / 64] |= UINT64_C(1) << (c % 64);
    return true;
}

static bool is_ascii(struct ml_str s)
{
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        uint64_t w;
        memcpy(&w, s.p + i, 8);
        if ((w & UINT64_C(0x8080808080808080)) != 0)
            return false;
    }
    for (; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

/* Append text, each byte that is not UTF-8 as U+FFFD. */
static void add_text(struct ml_buf *b, struct ml_str s)
{
    size_t good = 0; /* bytes from s.p on that are known to be fine */
    while (good < s.n) {
        uint32_t point;
        size_t n = ml_utf8_next((struct ml_str){s.p + good, s.n - good}, &point);
        if (n > 0) {
            good += n;
            continue;
        }
        ml_buf_add(b, s.p, good);
        ml_buf_add(b, "\xEF\xBF\xBD", 3);
        s = (struct ml_str){s.p + good + 1, s.n - good - 1};
        good = 0;
    }
    ml_buf_add(b, s.p, good);
}

void ml_rows_str(struct ml_rows *r, enum ml_store_col c, struct ml_str s)
{
    if (!begin_cell(r, c, is_text(c)))
        return;
    if (s.n > ML_CELL_MAX_BYTES) {
        r->status = ML_ELIMIT;
        return;
    }
    unsigned char head[5] = {(unsigned char)c};
    ml_buf_add(&r->bytes, head, sizeof head);
    size_t from = r->bytes.n;
    if (is_ascii(s))
        ml_buf_str(&r->bytes, s);
    else
        add_text(&r->bytes, s);
    if (r->bytes.status != ML_OK)
        return;
    uint32_t n = (uint32_t)(r->bytes.n - from);
    memcpy(r->bytes.p + from - 4, &n, 4);
}

void ml_rows_i64(struct ml_rows *r, enum ml_store_col c, int64_t v)
{
    enum ml_store_type type = ml_store_col_get(c)->type;
    if (type == ML_STORE_DATETIME && (v < 0 || v > ML_STORE_TICKS_MAX))
        return;
    if (type == ML_STORE_REAL) {
        ml_rows_f64(r, c, (double)v);
        return;
    }
    if (!begin_cell(r, c, !is_text(c)))
        return;
    if (type == ML_STORE_INT)
        v = (int32_t)v; /* wraps, as the header says */
    unsigned char cell[9] = {(unsigned char)c};
    memcpy(cell + 1, &v, 8);
    ml_buf_add(&r->bytes, cell, sizeof cell);
}

void ml_rows_f64(struct ml_rows *r, enum ml_store_col c, double v)
{
    if (!begin_cell(r, c, ml_store_col_get(c)->type == ML_STORE_REAL))
        return;
    unsigned char cell[9] = {(unsigned char)c};
    memcpy(cell + 1, &v, 8);
    ml_buf_add(&r->bytes, cell, sizeof cell);
}

static void guid_text(const unsigned char *random, char out[37])
{
    static const char hex[] = "0123456789abcdef";
    char *p = out;
    for (int i = 0; i < 16; i++) {
        unsigned char b = random[i];
        if (i == 6)
            b = (unsigned char)((b & 0x0F) | 0x40); /* version 4 */
        if (i == 8)
            b = (unsigned char)((b & 0x3F) | 0x80); /* the RFC's variant */
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = hex[b >> 4];
        *p++ = hex[b & 15];
    }
    *p = '\0';
}

void ml_guid_new(char out[37])
{
    unsigned char random[16];
    ml_random(random, sizeof random);
    guid_text(random, out);
}

static void set_item_id(struct ml_rows *r)
{
    if (r->random_left < 16) {
        ml_random(r->random, sizeof r->random);
        r->random_left = sizeof r->random;
    }
    char guid[37];
    guid_text(r->random + r->random_left - 16, guid);
    r->random_left -= 16;
    ml_rows_str(r, ML_COL_itemId, (struct ml_str){guid, 36});
}

int ml_rows_end(struct ml_rows *r)
{
    if (!r->open)
        return ML_EINVALID;
    if (!was_set(r, ML_COL_timestamp))
        ml_rows_i64(r, ML_COL_timestamp, ml_ticks_now());
    if (!was_set(r, ML_COL_itemId))
        set_item_id(r);
    if (!was_set(r, ML_COL_itemType))
        ml_rows_str(r, ML_COL_itemType, ml_store_table_get(r->table)->item_type);
    if (!was_set(r, ML_COL_itemCount))
        ml_rows_i64(r, ML_COL_itemCount, 1);
    int rc = r->status != ML_OK ? r->status : r->bytes.status;
    if (rc != ML_OK) {
        ml_rows_cancel(r);
        return rc;
    }
    uint32_t n = (uint32_t)(r->bytes.n - r->start - 4);
    memcpy(r->bytes.p + r->start, &n, 4);
    r->n++;
    r->open = false;
    return ML_OK;
}

bool ml_rows_next(const struct ml_rows *r, size_t *at, enum ml_store_table *t,
                  struct ml_row_ref *row)
{
    size_t end = r->open ? r->start : r->bytes.n;
    if (*at >= end)
        return false;
    const unsigned char *p = (const unsigned char *)r->bytes.p + *at;
    uint32_t n;
    memcpy(&n, p, 4);
    *t = (enum ml_store_table)p[4];
    row->p = p + ROW_HEAD;
    row->end = p + 4 + n;
    *at += 4 + (size_t)n;
    return true;
}

bool ml_row_next(struct ml_row_ref *row, struct ml_cell *cell)
{
    if (row->p >= row->end)
        return false;
    cell->column = (enum ml_store_col) * row->p++;
    switch (ml_store_col_get(cell->column)->type) {
    case ML_STORE_STRING:
    case ML_STORE_DYNAMIC: {
        uint32_t n;
        memcpy(&n, row->p, 4);
        cell->s = (struct ml_str){(const char *)row->p + 4, n};
        row->p += 4 + (size_t)n;
        break;
    }
    case ML_STORE_REAL:
        memcpy(&cell->f, row->p, 8);
        row->p += 8;
        break;
    default:
        memcpy(&cell->i, row->p, 8);
        row->p += 8;
        break;
    }
    return true;
}

int64_t ml_ticks_now(void)
{
    return ML_STORE_TICKS_1970 + ml_wall_ns() / 100;
}
