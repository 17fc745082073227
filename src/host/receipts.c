/* host/receipts.c -- see receipts.h. In memory: path -> 48 bits of the ETag's hash, 8 of tries, 8 of the scan.
 * SPDX-License-Identifier: MIT */
#include "host/receipts.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "host/file.h"
#include "host/say.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 256 << 20, SLACK_LINES = 1000 };

struct ml_receipts {
    char *path; /* owned; NULL: memory only */
    int fd;     /* for appending; -1: none */
    struct ml_map map;
    size_t lines; /* of the file */
    unsigned scan;
};

static uint64_t pack(struct ml_str etag, int tries, unsigned scan)
{
    return (ml_hash(etag) & ~UINT64_C(0xffff)) | (uint64_t)(tries & 0xff) << 8 | (scan & 0xff);
}

static int tries_of(uint64_t v)
{
    return (int)(v >> 8 & 0xff);
}

/* -- the file ------------------------------------------------------------------------------------ */

/* Names may hold any character: those that would break a line are escaped. */
static void add_escaped(struct ml_buf *b, struct ml_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == '%' || c == 0x7f)
            ml_buf_printf(b, "%%%02X", c);
        else
            ml_buf_char(b, (char)c);
    }
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void add_unescaped(struct ml_buf *b, struct ml_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
            ml_buf_char(b, (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2])));
            i += 2;
        } else {
            ml_buf_char(b, s.p[i]);
        }
    }
}

static void add_line(struct ml_buf *b, struct ml_str blob, uint64_t value)
{
    int tries = tries_of(value);
    if (tries == ML_RECEIPT_DONE)
        ml_buf_cstr(b, "done");
    else
        ml_buf_printf(b, "%d", tries);
    ml_buf_printf(b, " %012llx ", (unsigned long long)(value >> 16));
    add_escaped(b, blob);
    ml_buf_char(b, '\n');
}

static void read_line(struct ml_receipts *r, struct ml_str line, struct ml_buf *name)
{
    char head[32];
    size_t word = 0;
    while (word < line.n && line.p[word] != ' ')
        word++;
    if (word == 0 || word > 4 || line.n < word + 15 || line.p[word + 13] != ' ')
        return;
    (void)snprintf(head, sizeof head, "%.*s", (int)word + 13, line.p);
    uint64_t etag = strtoull(head + word + 1, NULL, 16);
    int tries = strncmp(head, "done ", 5) == 0 ? ML_RECEIPT_DONE : atoi(head);
    if (tries < 0 || tries > ML_RECEIPT_DONE)
        return;
    ml_buf_clear(name);
    add_unescaped(name, (struct ml_str){line.p + word + 14, line.n - word - 14});
    if (name->status == ML_OK)
        (void)ml_map_put(&r->map, ml_buf_view(name), etag << 16 | (uint64_t)tries << 8);
}

static void load(struct ml_receipts *r)
{
    struct ml_buf b = {0}, name = {0};
    if (ml_file_read(r->path, FILE_MAX, &b, NULL) == ML_OK) {
        const char *p = b.p, *end = p != NULL ? p + b.n : p;
        const char *nl;
        while (p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
            read_line(r, (struct ml_str){p, (size_t)(nl - p)}, &name);
            r->lines++;
            p = nl + 1;
        }
    }
    ml_buf_free(&b);
    ml_buf_free(&name);
}

static void open_file(struct ml_receipts *r)
{
    if (r->fd >= 0)
        (void)close(r->fd);
    r->fd = r->path != NULL ? open(r->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
}

static void write_anew(struct ml_receipts *r)
{
    struct ml_buf b = {0};
    struct ml_str key;
    size_t i = 0;
    uint64_t v;
    ml_buf_cstr(&b, "");
    while (ml_map_next(&r->map, &i, &key, &v))
        add_line(&b, key, v);
    if (b.status == ML_OK && ml_file_write(r->path, ml_buf_view(&b), 0600, NULL) == ML_OK) {
        r->lines = r->map.n;
        open_file(r);
    }
    ml_buf_free(&b);
}

int ml_receipts_open(const char *path, struct ml_receipts **out, struct ml_error *e)
{
    struct ml_receipts *r = ml_calloc(1, sizeof *r);
    if (r == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    r->fd = -1;
    if (path != NULL) {
        r->path = ml_strdup(path);
        if (r->path == NULL) {
            ml_free(r);
            return ml_fail(e, ML_ENOMEM, "out of memory");
        }
        load(r);
        if (r->lines > 2 * r->map.n + SLACK_LINES)
            write_anew(r);
        if (r->fd < 0)
            open_file(r);
    }
    *out = r;
    return ML_OK;
}

void ml_receipts_close(struct ml_receipts *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        (void)close(r->fd);
    ml_map_free(&r->map);
    ml_free(r->path);
    ml_free(r);
}

/* -- looking and putting ------------------------------------------------------------------------- */

int ml_receipts_look(struct ml_receipts *r, struct ml_str blob, struct ml_str etag)
{
    uint64_t *v = ml_map_find(&r->map, blob);
    if (v == NULL)
        return 0;
    *v = (*v & ~UINT64_C(0xff)) | (r->scan & 0xff);
    return (*v ^ pack(etag, 0, 0)) >> 16 == 0 ? tries_of(*v) : 0;
}

int ml_receipts_put(struct ml_receipts *r, struct ml_str blob, struct ml_str etag, int tries)
{
    struct ml_buf b = {0};
    uint64_t v = pack(etag, tries, r->scan);
    int rc = ml_map_put(&r->map, blob, v);
    if (rc != ML_OK || r->fd < 0)
        return rc;
    add_line(&b, blob, v);
    if (b.status == ML_OK)
        ml_write_fully(r->fd, ml_buf_view(&b));
    r->lines++;
    ml_buf_free(&b);
    if (r->lines > 2 * r->map.n + SLACK_LINES)
        write_anew(r);
    return ML_OK;
}

void ml_receipts_begin_scan(struct ml_receipts *r)
{
    r->scan++;
}

void ml_receipts_end_scan(struct ml_receipts *r)
{
    struct ml_map kept = {0};
    struct ml_str key;
    size_t i = 0, gone = 0;
    uint64_t v;
    while (ml_map_next(&r->map, &i, &key, &v))
        gone += (v & 0xff) != (r->scan & 0xff);
    if (gone == 0)
        return;
    for (i = 0; ml_map_next(&r->map, &i, &key, &v);)
        if ((v & 0xff) == (r->scan & 0xff) && ml_map_put(&kept, key, v) != ML_OK) {
            ml_map_free(&kept); /* another time */
            return;
        }
    ml_map_free(&r->map);
    r->map = kept; /* the file's lines of them do no harm until they are too many */
    if (r->path != NULL && r->lines > 2 * r->map.n + SLACK_LINES)
        write_anew(r);
}

size_t ml_receipts_count(const struct ml_receipts *r)
{
    return r->map.n;
}
