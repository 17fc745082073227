/* host/spool.c -- records as JSON lines in a folder, rotated and bounded. See sink.h.
 *
 * Each put is one append; a row is never cut in two by rotation. A disk that refuses is told once, and tried again.
 * SPDX-License-Identifier: MIT */
#include "host/sink.h"

#include "base/mem.h"
#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ROTATE_BYTES = 16 << 20, KEPT = 4 };

struct spool {
    char dir[PATH_MAX];
    int fd; /* -1: to be opened */
    int64_t bytes;
    bool told;
    uint64_t lost;
    struct ml_sink_trouble trouble;
    struct ml_buf out; /* reused */
};

void ml_ticks_text(struct ml_buf *b, int64_t ticks)
{
    int64_t since = ticks - ML_STORE_TICKS_1970;
    time_t s = (time_t)(since / ML_STORE_TICKS_PER_S);
    struct tm tm;
    (void)gmtime_r(&s, &tm);
    ml_buf_printf(b, "%04d-%02d-%02dT%02d:%02d:%02d.%07dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                  tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                  (int)(since % ML_STORE_TICKS_PER_S));
}

void ml_row_json(struct ml_buf *b, enum ml_store_table table, struct ml_row_ref row)
{
    struct ml_cell c;
    ml_buf_cstr(b, "{\"table\":");
    ml_buf_json(b, ml_store_table_get(table)->name);
    while (ml_row_next(&row, &c)) {
        const struct ml_store_col_info *col = ml_store_col_get(c.column);
        ml_buf_char(b, ',');
        ml_buf_json(b, col->name);
        ml_buf_char(b, ':');
        switch (col->type) {
        case ML_STORE_DYNAMIC:
            ml_buf_str(b, c.s.n != 0 ? c.s : ML_STR("null"));
            break;
        case ML_STORE_STRING:
        case ML_STORE_BOOL:
            ml_buf_json(b, c.s);
            break;
        case ML_STORE_REAL:
            ml_buf_printf(b, "%.9g", c.f);
            break;
        case ML_STORE_DATETIME:
            ml_buf_char(b, '"');
            ml_ticks_text(b, c.i);
            ml_buf_char(b, '"');
            break;
        default:
            ml_buf_i64(b, c.i);
        }
    }
    ml_buf_char(b, '}');
}

static void name_of(const struct spool *s, int k, char out[PATH_MAX])
{
    char name[32];
    if (k == 0)
        (void)snprintf(name, sizeof name, "records.jsonl");
    else
        (void)snprintf(name, sizeof name, "records.%d.jsonl", k);
    (void)ml_path_join(out, PATH_MAX, s->dir, name);
}

static int spool_file(struct spool *s)
{
    char path[PATH_MAX];
    struct stat st;
    name_of(s, 0, path);
    s->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (s->fd < 0)
        return -1;
    s->bytes = fstat(s->fd, &st) == 0 ? st.st_size : 0;
    return 0;
}

static void rotate(struct spool *s)
{
    char from[PATH_MAX], to[PATH_MAX];
    (void)close(s->fd);
    s->fd = -1;
    for (int k = KEPT - 1; k >= 0; k--) {
        name_of(s, k, from);
        name_of(s, k + 1, to);
        (void)rename(from, to);
    }
}

static void trouble(struct spool *s, int err)
{
    char text[400];
    if (s->told)
        return;
    s->told = true;
    (void)snprintf(text, sizeof text,
                   "Records cannot be kept in '%.200s': %s. Requests go on without.", s->dir,
                   strerror(err));
    s->trouble.tell(s->trouble.user, text);
}

static void spool_put(void *self, const struct ml_rows *rows)
{
    struct spool *s = self;
    size_t at = 0;
    enum ml_store_table t;
    struct ml_row_ref row;
    ml_buf_clear(&s->out);
    while (ml_rows_next(rows, &at, &t, &row)) {
        ml_row_json(&s->out, t, row);
        ml_buf_char(&s->out, '\n');
    }
    if (s->out.status != ML_OK || (s->fd < 0 && spool_file(s) != 0)) {
        trouble(s, s->out.status != ML_OK ? ENOMEM : errno);
        return;
    }
    ssize_t n = write(s->fd, s->out.p, s->out.n);
    if (n != (ssize_t)s->out.n) {
        trouble(s, n < 0 ? errno : ENOSPC);
        if (n > 0) /* no half lines */
            (void)!ftruncate(s->fd, s->bytes);
        return;
    }
    s->told = false;
    s->bytes += n;
    if (s->out.cap > 1 << 20)
        ml_buf_free(&s->out);
    if (s->bytes >= ROTATE_BYTES)
        rotate(s);
}

static void spool_close(void *self, unsigned wait_ms)
{
    struct spool *s = self;
    (void)wait_ms;
    if (s->fd >= 0)
        (void)close(s->fd);
    ml_buf_free(&s->out);
    ml_free(s);
}

int ml_spool_open(const char *dir, const struct ml_sink_trouble *t, struct ml_sink *out,
                  struct ml_error *e)
{
    struct spool *s = ml_calloc(1, sizeof *s);
    if (s == NULL || snprintf(s->dir, sizeof s->dir, "%s", dir) >= (int)sizeof s->dir) {
        ml_free(s);
        return ml_fail(e, ML_ENOMEM, "cannot keep records in '%s'", dir);
    }
    s->trouble = *t;
    if (spool_file(s) != 0)
        trouble(s, errno);
    *out = (struct ml_sink){.self = s, .put = spool_put, .close = spool_close};
    return ML_OK;
}
