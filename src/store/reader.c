/* store/reader.c -- see reader.h. Lock order: ml_read.lock, then a tail's, a tail block's or the
 * cache's lock (leaves). SPDX-License-Identifier: MIT */
#include "store/reader.h"

#include "base/mem.h"
#include "base/vec.h"
#include "store/cache.h"
#include "store/db.h"
#include "store/segment.h"
#include "store/tail.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static_assert(ML_SEGMENT_ROWS == ML__SEGMENT_ROWS, "one bound for both sides");

#define POOL 8 /* idle connections kept */

struct connection {
    sqlite3 *db;
    sqlite3_stmt *chunk; /* SELECT data FROM chunk WHERE id=? */
};

struct ml_reader {
    char *path;
    struct ml__cache *cache;
    struct ml__tail tails[ML_N_TABLES];
    struct ml__strip *no_text;  /* one empty string ML_SEGMENT_ROWS times */
    struct ml__strip *no_value; /* ML_SEGMENT_ROWS nulls */
    pthread_mutex_t lock;       /* guards pool */
    struct connection pool[POOL];
    size_t n_pool;
    atomic_uint_fast64_t pruned;
    atomic_uint_fast64_t read;
    atomic_uint_fast64_t decoded;
    atomic_uint_fast64_t cached;
};

struct ml_read {
    struct ml_reader *reader; /* borrowed */
    pthread_mutex_t lock;     /* guards use of the connection */
    struct connection con;    /* inside a transaction */
};

struct piece { /* a segment that the time range left */
    int64_t id;
    int64_t min_ticks;
    int64_t max_ticks;
    uint32_t rows;
};

struct ml_read_scan {
    struct ml_read *read; /* borrowed */
    enum ml_store_table table;
    int64_t from;
    int64_t to;
    ML_VEC(struct piece) pieces;
    size_t at;
    struct ml__tail_block *tail[ML__TAIL_BLOCKS]; /* one reference each */
    size_t n_tail;
    size_t tail_at;
    uint32_t tail_row; /* next row of tail[tail_at] */
    bool newest_first;
};

struct view_memory {
    struct view_memory *next;
    size_t align; /* keeps what follows aligned */
};

struct block {
    struct ml_read_block outer; /* first, so that both have one address */
    struct ml_read *read;       /* borrowed */
    enum ml_store_table table;
    int64_t segment;             /* 0: a tail block */
    struct ml__tail_block *tail; /* one reference, or NULL */
    uint32_t first;              /* row of the strips where the block begins */
    uint32_t strip_rows;
    struct ml__strip *strips[ML_N_COLUMNS]; /* references taken so far */
    struct view_memory *made;               /* arrays made for view columns */
};

/* -- The reader and its connections -- */

static void close_connection(struct connection *c)
{
    sqlite3_finalize(c->chunk);
    ml__db_close(c->db);
}

static int open_connection(const char *path, struct connection *out, struct ml_error *e)
{
    struct connection c = {0};
    int rc = ml__db_open(path, false, &c.db, e);
    if (rc == ML_OK)
        rc = ml__db_prepare(c.db, "SELECT data FROM chunk WHERE id=?", &c.chunk, e);
    if (rc == ML_OK)
        *out = c;
    else
        close_connection(&c);
    return rc;
}

/* Strips for columns that a segment has no chunk of. */
static int make_empty_strips(struct ml_reader *r)
{
    struct ml__cells none = {.type = ML_STORE_LONG};
    struct ml__cells text = {.type = ML_STORE_STRING};
    struct ml_buf bytes = {0};
    for (int i = 0; i < ML_SEGMENT_ROWS; i++) {
        ml__cells_none(&none);
        ml__cells_none(&text);
    }
    int rc = ml__strip_build(&none, &r->no_value);
    if (rc == ML_OK)
        rc = ml__strip_encode(&text, NULL, &bytes); /* as a dictionary of one entry */
    if (rc == ML_OK)
        rc = ml__strip_decode(ml_buf_view(&bytes), ML_STORE_STRING, ML_SEGMENT_ROWS, &r->no_text);
    ml__cells_free(&none);
    ml__cells_free(&text);
    ml_buf_free(&bytes);
    return rc;
}

int ml_reader_open(const char *path, uint64_t cache_bytes, struct ml_reader **out,
                   struct ml_error *e)
{
    struct ml_reader *r = ml_calloc(1, sizeof *r);
    if (r == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    pthread_mutex_init(&r->lock, NULL);
    for (int t = 0; t < ML_N_TABLES; t++)
        ml__tail_init(&r->tails[t]);
    int rc = open_connection(path, &r->pool[0], e); /* an unreadable file is told now */
    if (rc != ML_OK)
        goto out;
    r->n_pool = 1;
    r->path = ml_strdup(path);
    rc = r->path == NULL ? ML_ENOMEM : make_empty_strips(r);
    if (rc == ML_OK)
        rc = ml__cache_new(cache_bytes != 0 ? cache_bytes : ML_READER_CACHE_BYTES, &r->cache);
    if (rc != ML_OK) {
        ml_fail(e, rc, "out of memory");
        goto out;
    }
    *out = r;
    r = NULL;
out:
    ml_reader_close(r);
    return rc;
}

void ml_reader_close(struct ml_reader *r)
{
    if (r == NULL)
        return;
    while (r->n_pool > 0)
        close_connection(&r->pool[--r->n_pool]);
    for (int t = 0; t < ML_N_TABLES; t++)
        ml__tail_release(&r->tails[t]);
    ml__cache_free(r->cache);
    ml__strip_drop(r->no_text);
    ml__strip_drop(r->no_value);
    pthread_mutex_destroy(&r->lock);
    ml_free(r->path);
    ml_free(r);
}

void ml_reader_stats(struct ml_reader *r, struct ml_reader_stats *out)
{
    *out = (struct ml_reader_stats){
        .blocks_pruned = atomic_load(&r->pruned),
        .blocks_read = atomic_load(&r->read),
        .columns_decoded = atomic_load(&r->decoded),
        .columns_cached = atomic_load(&r->cached),
        .cache_bytes = ml__cache_bytes(r->cache),
    };
}

static void count(atomic_uint_fast64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* -- A read: one transaction -- */

static int take_connection(struct ml_reader *r, struct connection *out, struct ml_error *e)
{
    pthread_mutex_lock(&r->lock);
    bool found = r->n_pool > 0;
    if (found)
        *out = r->pool[--r->n_pool];
    pthread_mutex_unlock(&r->lock);
    return found ? ML_OK : open_connection(r->path, out, e);
}

static void give_connection(struct ml_reader *r, struct connection *c)
{
    pthread_mutex_lock(&r->lock);
    bool kept = r->n_pool < POOL;
    if (kept)
        r->pool[r->n_pool++] = *c;
    pthread_mutex_unlock(&r->lock);
    if (!kept)
        close_connection(c);
}

int ml_read_begin(struct ml_reader *r, struct ml_read **out, struct ml_error *e)
{
    struct ml_read *rd = ml_calloc(1, sizeof *rd);
    if (rd == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    rd->reader = r;
    pthread_mutex_init(&rd->lock, NULL);
    int rc = take_connection(r, &rd->con, e);
    if (rc == ML_OK)
        rc = ml__db_exec(rd->con.db, "BEGIN", e);
    int64_t seen;
    if (rc == ML_OK) /* the first SELECT fixes what the transaction sees */
        rc = ml__db_i64(rd->con.db, "SELECT count(*) FROM fact", &seen, e);
    if (rc != ML_OK) {
        ml_read_end(rd);
        return rc;
    }
    *out = rd;
    return ML_OK;
}

void ml_read_end(struct ml_read *rd)
{
    if (rd == NULL)
        return;
    if (rd->con.db != NULL) {
        sqlite3_reset(rd->con.chunk);
        if (sqlite3_get_autocommit(rd->con.db) == 0 &&
            sqlite3_exec(rd->con.db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
            close_connection(&rd->con);
        else
            give_connection(rd->reader, &rd->con);
    }
    pthread_mutex_destroy(&rd->lock);
    ml_free(rd);
}

/* -- A scan -- */

static int list_pieces(struct ml_read_scan *s, struct ml_error *e)
{
    sqlite3 *db = s->read->con.db;
    sqlite3_stmt *st = NULL;
    uint64_t pruned = 0;
    int rc = ml__db_prepare(
        db, "SELECT id,rows,min_ticks,max_ticks FROM segment WHERE tbl=? ORDER BY min_ticks,id",
        &st, e);
    if (rc != ML_OK)
        return rc;
    sqlite3_bind_int(st, 1, (int)s->table);
    while ((rc = ml__db_step(db, st, e)) == SQLITE_ROW) {
        struct piece p = {.id = sqlite3_column_int64(st, 0),
                          .rows = (uint32_t)sqlite3_column_int64(st, 1),
                          .min_ticks = sqlite3_column_int64(st, 2),
                          .max_ticks = sqlite3_column_int64(st, 3)};
        if (p.rows == 0 || p.rows > ML_SEGMENT_ROWS || p.id <= 0 || p.id > INT64_MAX / 512) {
            rc = ml_fail(e, ML_EFORMAT, "the store has a damaged segment");
            break;
        }
        if (p.max_ticks < s->from || p.min_ticks > s->to) {
            pruned++;
            continue;
        }
        if (ml_vec_push(&s->pieces, p) != ML_OK) {
            rc = ml_fail(e, ML_ENOMEM, "out of memory");
            break;
        }
    }
    sqlite3_finalize(st);
    count(&s->read->reader->pruned, pruned);
    return rc < 0 ? rc : ML_OK;
}

static int list_tail(struct ml_read_scan *s, struct ml_error *e)
{
    struct ml__tail *tail = &s->read->reader->tails[s->table];
    return ml__tail_blocks(tail, s->table, s->read->con.db, s->tail, &s->n_tail, e);
}

int ml_read_open(struct ml_read *rd, enum ml_store_table t, int64_t from, int64_t to,
                 struct ml_read_scan **out, struct ml_error *e)
{
    struct ml_read_scan *s = ml_calloc(1, sizeof *s);
    if (s == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    s->read = rd;
    s->table = t;
    s->from = from;
    s->to = to;
    pthread_mutex_lock(&rd->lock);
    int rc = list_pieces(s, e);
    if (rc == ML_OK)
        rc = list_tail(s, e);
    pthread_mutex_unlock(&rd->lock);
    if (rc != ML_OK) {
        ml_read_close(s);
        return rc;
    }
    *out = s;
    return ML_OK;
}

void ml_read_newest_first(struct ml_read_scan *s)
{
    s->newest_first = true;
    for (size_t i = 0, k = s->pieces.n; i + 1 < k; i++) {
        struct piece p = s->pieces.at[i];
        s->pieces.at[i] = s->pieces.at[--k];
        s->pieces.at[k] = p;
    }
}

void ml_read_close(struct ml_read_scan *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n_tail; i++)
        ml__tail_drop(s->tail[i]);
    ml_vec_free(&s->pieces);
    ml_free(s);
}

/* -- Blocks -- */

static struct block *block_new(struct ml_read_scan *s, uint32_t strip_rows)
{
    struct block *b = ml_calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->outer.inner = b;
    b->read = s->read;
    b->table = s->table;
    b->strip_rows = strip_rows;
    return b;
}

void ml_read_block_free(struct ml_read_block *outer)
{
    struct block *b = (struct block *)outer;
    if (b == NULL)
        return;
    for (int c = 0; c < ML_N_COLUMNS; c++)
        ml__strip_drop(b->strips[c]);
    while (b->made != NULL) {
        struct view_memory *next = b->made->next;
        ml_free(b->made);
        b->made = next;
    }
    ml__tail_drop(b->tail);
    ml_free(b);
}

/* A chunk of the file, decoded; or the strip for columns that hold nothing. Under rd->lock. */
static int load_chunk(struct ml_read *rd, int64_t chunk, enum ml_store_type type, uint32_t rows,
                      struct ml__strip **out, struct ml_error *e)
{
    struct ml_reader *r = rd->reader;
    sqlite3_stmt *st = rd->con.chunk;
    sqlite3_bind_int64(st, 1, chunk);
    int rc = ml__db_step(rd->con.db, st, e);
    if (rc == SQLITE_DONE) {
        bool text = type == ML_STORE_STRING || type == ML_STORE_DYNAMIC;
        *out = ml__strip_ref(text ? r->no_text : r->no_value);
        rc = ML_OK;
    } else if (rc == SQLITE_ROW) {
        struct ml_str bytes = {sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0)};
        rc = ml__strip_decode(bytes, type, rows, out);
        if (rc != ML_OK)
            ml_fail(e, rc, "the store has a damaged chunk (%lld): %s", (long long)chunk,
                    ml_status_text(rc));
    }
    sqlite3_reset(st);
    return rc;
}

static int segment_strip(struct ml_read *rd, int64_t segment, uint32_t rows, enum ml_store_col c,
                         struct ml__strip **out, struct ml_error *e)
{
    struct ml_reader *r = rd->reader;
    int64_t chunk = segment * 256 + (int64_t)c;
    struct ml__strip *s = ml__cache_find(r->cache, chunk);
    if (s != NULL) {
        count(&r->cached, 1);
        *out = s;
        return ML_OK;
    }
    pthread_mutex_lock(&rd->lock);
    int rc = load_chunk(rd, chunk, ml_store_col_get(c)->type, rows, &s, e);
    pthread_mutex_unlock(&rd->lock);
    if (rc != ML_OK)
        return rc;
    count(&r->decoded, 1);
    if (s != r->no_text && s != r->no_value)
        ml__cache_put(r->cache, chunk, s);
    *out = s;
    return ML_OK;
}

static int block_strip(struct block *b, enum ml_store_col c, struct ml__strip **out,
                       struct ml_error *e)
{
    int rc = ML_OK;
    if (b->strips[c] == NULL && b->tail != NULL) {
        pthread_mutex_lock(&b->read->lock);
        rc = ml__tail_column(b->tail, c, b->read->con.db, &b->strips[c], e);
        pthread_mutex_unlock(&b->read->lock);
    } else if (b->strips[c] == NULL) {
        rc = segment_strip(b->read, b->segment, b->strip_rows, c, &b->strips[c], e);
    }
    if (rc == ML_OK)
        *out = b->strips[c];
    return rc;
}

/* The first row of the sorted times that is >= ticks. */
static uint32_t lower_bound(const int64_t *times, uint32_t n, int64_t ticks)
{
    uint32_t low = 0;
    uint32_t high = n;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (times[mid] < ticks)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Cut a sealed block to the scan's range; its rows are sorted. */
static int cut(struct ml_read_scan *s, const struct piece *p, struct block *b, struct ml_error *e)
{
    b->outer.rows = p->rows;
    b->outer.min_ticks = p->min_ticks;
    b->outer.max_ticks = p->max_ticks;
    b->outer.exact = true;
    if (p->min_ticks >= s->from && p->max_ticks <= s->to)
        return ML_OK;
    struct ml__strip *times = NULL;
    int rc = block_strip(b, ML_COL_timestamp, &times, e);
    if (rc != ML_OK)
        return rc;
    const int64_t *t = times->fixed;
    uint32_t first = lower_bound(t, p->rows, s->from);
    uint32_t end = s->to == INT64_MAX ? p->rows : lower_bound(t, p->rows, s->to + 1);
    b->first = first;
    b->outer.rows = end > first ? end - first : 0;
    if (b->outer.rows != 0) {
        b->outer.min_ticks = t[first];
        b->outer.max_ticks = t[end - 1];
    }
    return ML_OK;
}

static int next_sealed(struct ml_read_scan *s, struct block **out, struct ml_error *e)
{
    const struct piece *p = &s->pieces.at[s->at++];
    struct block *b = block_new(s, p->rows);
    if (b == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    b->segment = p->id;
    int rc = cut(s, p, b, e);
    if (rc != ML_OK) {
        ml_read_block_free(&b->outer);
        return rc;
    }
    *out = b;
    return ML_OK;
}

/* At most ML_SEGMENT_ROWS rows of a tail block. */
static int next_tail(struct ml_read_scan *s, struct block **out, struct ml_error *e)
{
    struct ml__tail_block *t = s->tail[s->tail_at];
    uint32_t rows = t->rows - s->tail_row;
    rows = rows > ML_SEGMENT_ROWS ? ML_SEGMENT_ROWS : rows;
    struct block *b = block_new(s, t->rows);
    if (b == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    b->tail = t;
    b->first = s->tail_row;
    b->outer.min_ticks = t->min_ticks;
    b->outer.max_ticks = t->max_ticks;
    b->outer.exact = t->min_ticks >= s->from && t->max_ticks <= s->to;
    b->outer.rows = t->max_ticks < s->from || t->min_ticks > s->to ? 0 : rows;
    s->tail_row += rows;
    if (s->tail_row == t->rows) {
        s->tail_row = 0;
        s->tail_at++;
    }
    *out = b;
    return ML_OK;
}

int ml_read_next(struct ml_read_scan *s, struct ml_read_block **out, struct ml_error *e)
{
    for (;;) {
        struct block *b = NULL;
        int rc = ML_OK;
        bool sealed = s->at < s->pieces.n;
        bool tail = s->tail_at < s->n_tail;
        if (sealed && !(tail && s->newest_first))
            rc = next_sealed(s, &b, e);
        else if (tail)
            rc = next_tail(s, &b, e);
        if (rc != ML_OK)
            return rc;
        if (b == NULL || b->outer.rows != 0) {
            count(&s->read->reader->read, b != NULL);
            *out = b != NULL ? &b->outer : NULL;
            return ML_OK;
        }
        ml_read_block_free(&b->outer);
    }
}

int ml_read_column(struct ml_read_block *outer, enum ml_store_col c, struct ml_colview *out,
                   struct ml_error *e)
{
    struct block *b = (struct block *)outer;
    struct ml__strip *s = NULL;
    int rc = block_strip(b, c, &s, e);
    if (rc != ML_OK)
        return rc;
    *out = (struct ml_colview){.type = ml_store_col_get(c)->type, .rows = outer->rows};
    if (s->fixed != NULL)
        out->fixed = (const char *)s->fixed + (size_t)b->first * 8;
    if (s->nulls != NULL)
        out->nulls = s->nulls + b->first;
    if (s->offsets != NULL) {
        out->offsets = s->codes != NULL ? s->offsets : s->offsets + b->first;
        out->bytes = s->text;
        out->codes = s->codes != NULL ? s->codes + b->first : NULL;
        out->heads = s->heads != NULL ? s->heads + b->first : NULL;
        out->n_entries = s->n_entries;
    }
    return ML_OK;
}

/* -- View columns -- */

/* Zeroed memory that lives as long as the block. */
static void *block_alloc(struct block *b, size_t bytes)
{
    struct view_memory *m = ml_calloc(1, sizeof *m + bytes);
    if (m == NULL)
        return NULL;
    m->next = b->made;
    b->made = m;
    return m + 1;
}

static int constant_column(struct block *b, struct ml_str value, struct ml_colview *out)
{
    uint32_t *codes = block_alloc(b, (size_t)b->outer.rows * 4);
    uint32_t *offsets = block_alloc(b, 8);
    if (codes == NULL || offsets == NULL)
        return ML_ENOMEM;
    offsets[1] = (uint32_t)value.n;
    *out = (struct ml_colview){.type = ML_STORE_STRING,
                               .rows = b->outer.rows,
                               .offsets = offsets,
                               .bytes = value.p,
                               .codes = codes,
                               .n_entries = 1};
    return ML_OK;
}

/* "True" and "False" as a bool; all other text is null. */
static int bool_column(struct block *b, const struct ml_colview *text, struct ml_colview *out)
{
    uint32_t rows = text->rows;
    uint8_t *values = block_alloc(b, rows);
    uint8_t *nulls = block_alloc(b, rows);
    if (values == NULL || nulls == NULL)
        return ML_ENOMEM;
    for (uint32_t r = 0; r < rows; r++) {
        uint32_t k = text->codes != NULL ? text->codes[r] : r;
        struct ml_str s = {text->bytes + text->offsets[k], text->offsets[k + 1] - text->offsets[k]};
        values[r] = ml_str_eq(s, ML_STR("True"));
        nulls[r] = !values[r] && !ml_str_eq(s, ML_STR("False"));
    }
    *out = (struct ml_colview){
        .type = ML_STORE_BOOL, .rows = rows, .fixed = values, .nulls = nulls};
    return ML_OK;
}

int ml_read_view_column(struct ml_read_block *outer, const struct ml_store_view_info *v, size_t i,
                        struct ml_colview *out, struct ml_error *e)
{
    struct block *b = (struct block *)outer;
    const struct ml_store_view_column *column = &v->columns[i];
    int rc;
    if (column->constant.p != NULL) {
        rc = constant_column(b, column->constant, out);
    } else {
        rc = ml_read_column(outer, column->column, out, e);
        if (rc != ML_OK || column->type != ML_STORE_BOOL)
            return rc;
        struct ml_colview text = *out;
        rc = bool_column(b, &text, out);
    }
    return rc == ML_OK ? ML_OK : ml_fail(e, rc, "out of memory");
}
