/* core/book_read.c -- a book's bytes (book_format.h) become a snapshot.
 *
 * The bytes come from anywhere: a living writer, a copy cut short, an enemy. Every length is checked
 * against what is really there before it is used, and nothing is allocated for what is only claimed.
 * SPDX-License-Identifier: MIT */
#include "core/snapshot.h"

#include "base/mem.h"
#include "base/vec.h"
#include "core/book_format.h"
#include "core/book_heap.h"
#include "core/line.h"
#include "core/snapshot_build.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct reader {
    const char *bytes;
    size_t n;         /* bytes that are there and used */
    const char *name; /* for messages */
    struct ml__run run;
    struct ml_snapshot *s;
    ML_VEC(struct ml_row) rows; /* of one function; used again for the next */
    struct ml__heap_tables heap;
    bool tables; /* first pass: only the heap's tables */
    struct ml_error *e;
};

/* A figure that its writer may change at this moment: eight bytes read at once. */
static uint64_t load_u64(const char *p)
{
    uint64_t v;
    if ((uintptr_t)p % sizeof v == 0)
        return __atomic_load_n((const uint64_t *)(const void *)p, __ATOMIC_RELAXED);
    memcpy(&v, p, sizeof v);
    return v;
}

static int not_a_book(const char *name, struct ml_error *e)
{
    ml_fail(e, ML_EFORMAT, "cannot read '%s': it is not a memline book", name);
    ml_hint(e, "memline run app.py, which writes one");
    return ML_EFORMAT;
}

/* Bytes too few for a header: the beginning of one, or of something else? */
static int short_header(struct ml_str bytes, const char *name, struct ml_error *e)
{
    size_t n = bytes.n < 8 ? bytes.n : 8;
    if (n != 0 && memcmp(bytes.p, ML_BOOK_MAGIC, n) != 0)
        return not_a_book(name, e);
    return ml_fail(e, ML_ETRUNCATED, "cannot read book '%s': it ends within its header", name);
}

static int check_version(const struct ml_book_header *h, const char *name, struct ml_error *e)
{
    if (h->order_mark != ML_BOOK_ORDER_MARK)
        return ml_fail(e, ML_EFORMAT,
                       "cannot read book '%s': it was written on a machine of another byte order",
                       name);
    if (h->version == ML_BOOK_VERSION && h->header_bytes == ML_BOOK_HEADER_BYTES &&
        h->line_bytes == sizeof(struct ml_line))
        return ML_OK;
    return ml_fail(e, ML_ENEWER,
                   "cannot read book '%s': it has format %u, this memline %s reads format %u", name,
                   h->version, ML_VERSION, ML_BOOK_VERSION);
}

/* Checks the header; *h gets its fields, *used the bytes it claims. */
static int read_header(struct ml_str bytes, const char *name, struct ml_book_header *h,
                       uint64_t *used, struct ml_error *e)
{
    static const char unwritten[8];
    if (bytes.n < ML_BOOK_HEADER_BYTES)
        return short_header(bytes, name, e);
    memcpy((void *)h, bytes.p, sizeof *h);
    if (memcmp(h->magic, unwritten, sizeof unwritten) == 0)
        return ml_fail(e, ML_ETRUNCATED, "cannot read book '%s': its header is not written", name);
    if (memcmp(h->magic, ML_BOOK_MAGIC, sizeof h->magic) != 0)
        return not_a_book(name, e);
    int rc = check_version(h, name, e);
    if (rc != ML_OK)
        return rc;
    *used = atomic_load_explicit(&h->used_bytes, memory_order_relaxed);
    if (*used < ML_BOOK_HEADER_BYTES || *used > ML_BOOK_MAX_BYTES)
        return ml_fail(e, ML_EFORMAT, "cannot read book '%s': its header is damaged", name);
    return ML_OK;
}

static int damaged(struct reader *r, size_t at)
{
    return ml_fail(r->e, ML_EFORMAT, "cannot read book '%s': damaged record at byte %zu", r->name,
                   at);
}

static int no_memory(struct reader *r, int rc)
{
    if (rc == ML_OK)
        return rc;
    return ml_fail(r->e, rc, "cannot read book '%s': %s", r->name, ml_status_text(rc));
}

static int read_pair(struct reader *r, size_t at, size_t n)
{
    struct ml_book_pair head;
    memcpy(&head, r->bytes + at, sizeof head);
    const char *texts = r->bytes + at + sizeof head;
    if ((uint64_t)head.first_bytes + head.second_bytes > n - sizeof head)
        return damaged(r, at);
    struct ml_str first = {texts, head.first_bytes};
    struct ml_str second = {texts + head.first_bytes, head.second_bytes};
    return no_memory(r, head.kind == ML_BOOK_META ? ml__snapshot_add_meta(r->s, first, second)
                                                  : ml__snapshot_add_source(r->s, first, second));
}

static const char *figure_of(const char *lines, size_t line, size_t offset)
{
    return lines + line * sizeof(struct ml_line) + offset;
}

/* The lines that ran, into r->rows. */
static int read_rows(struct reader *r, const char *lines, const struct ml_book_function *head)
{
    uint32_t ref = (uint32_t)((size_t)(lines - r->bytes) / ML_BOOK_ALIGN);
    r->rows.n = 0;
    for (uint32_t i = 0; i < head->n_lines; i++) {
        uint64_t hits = load_u64(figure_of(lines, i, offsetof(struct ml_line, hits)));
        const struct ml_heap *heap = ml__heap_of_line(&r->heap, ref + i);
        if (hits == 0 && heap == NULL)
            continue;
        struct ml_row row = {
            .line = head->first_line + i,
            .hits = hits,
            .rss_net_bytes = (int64_t)load_u64(
                figure_of(lines, i, offsetof(struct ml_line, rss_net_bytes))),
            .rss_max_bytes = load_u64(figure_of(lines, i, offsetof(struct ml_line, rss_max_bytes))),
            .order = load_u64(figure_of(lines, i, offsetof(struct ml_line, order))),
        };
        if (heap != NULL)
            row.heap = *heap;
        if (ml_vec_push(&r->rows, row) != ML_OK)
            return ML_ENOMEM;
    }
    return ML_OK;
}

static int read_function(struct reader *r, size_t at, size_t n)
{
    struct ml_book_function head;
    memcpy(&head, r->bytes + at, sizeof head);
    uint64_t texts = (uint64_t)sizeof head + head.file_bytes + head.name_bytes;
    uint64_t figures = (uint64_t)head.n_lines * sizeof(struct ml_line);
    if (texts > n || ml_book_align((size_t)texts) + figures != n || head.n_lines == 0 ||
        head.first_line > UINT32_MAX - head.n_lines)
        return damaged(r, at);
    const char *p = r->bytes + at + sizeof head;
    const char *lines = r->bytes + at + ml_book_align((size_t)texts);
    int rc = read_rows(r, lines, &head);
    struct ml_function f = {
        .file = {p, head.file_bytes},
        .name = {p + head.file_bytes, head.name_bytes},
        .first_line = head.first_line,
        .last_line = head.first_line + head.n_lines - 1,
        .rows = r->rows.at,
        .n_rows = r->rows.n,
    };
    if (rc == ML_OK && f.n_rows > 0)
        rc = ml__snapshot_add_function(r->s, &f);
    if (rc == ML_OK && f.n_rows > 0)
        rc = ml__heap_accounts(&r->heap, &f, (uint32_t)((size_t)(lines - r->bytes) / ML_BOOK_ALIGN),
                               head.n_lines, r->s);
    return no_memory(r, rc);
}

/* One record at `at`; *next gets the place of the following one, 0 at a cut. */
static int read_record(struct reader *r, size_t at, size_t *next)
{
    uint32_t head[2] = {0, 0}; /* kind, bytes */
    size_t rest = r->n - at;
    *next = 0;
    if (rest >= sizeof head)
        memcpy(head, r->bytes + at, sizeof head);
    /* Zeros: space whose bytes never reached the disk. */
    bool unwritten = head[0] == 0 && head[1] == 0;
    if (unwritten || (r->run.truncated && head[1] > rest)) {
        r->run.truncated = true;
        return ML_OK;
    }
    size_t n = head[1];
    if (n < ML_BOOK_ALIGN || n % ML_BOOK_ALIGN != 0 || n > ML_BOOK_MAX_RECORD || n > rest)
        return damaged(r, at);
    *next = at + n;
    if (r->tables)
        return no_memory(r, ml__heap_table(&r->heap, r->bytes, at, n));
    switch (head[0]) {
    case ML_BOOK_META:
    case ML_BOOK_SOURCE:
        return read_pair(r, at, n);
    case ML_BOOK_FUNCTION:
        return read_function(r, at, n);
    default:
        return ML_OK;
    }
}

static int read_records(struct reader *r)
{
    size_t at = ML_BOOK_HEADER_BYTES;
    while (at != 0 && at < r->n) {
        int rc = read_record(r, at, &at);
        if (rc != ML_OK)
            return rc;
    }
    return ML_OK;
}

/* The heap's tables first: which lines have rows depends on them. */
static int read_all(struct reader *r)
{
    r->tables = true;
    int rc = read_records(r);
    if (rc == ML_OK)
        rc = no_memory(r, ml__heap_tables_sort(&r->heap));
    r->tables = false;
    if (rc == ML_OK)
        rc = read_records(r);
    if (rc == ML_OK)
        rc = no_memory(r, ml__heap_finish(&r->heap, r->s));
    return rc == ML_OK ? no_memory(r, ml__snapshot_sort(r->s)) : rc;
}

int ml_snapshot_parse(struct ml_str bytes, const char *name, struct ml_snapshot **out,
                      struct ml_error *e)
{
    struct ml_book_header h;
    uint64_t used = 0;
    int rc = read_header(bytes, name, &h, &used, e);
    if (rc != ML_OK)
        return rc;
    struct reader r = {
        .bytes = bytes.p,
        .n = used < bytes.n ? (size_t)used : bytes.n,
        .name = name,
        .run = {.pid = h.pid,
                .start_ns = h.start_ns,
                .lost = atomic_load_explicit(&h.lost, memory_order_relaxed),
                .complete = atomic_load_explicit(&h.complete, memory_order_relaxed) == 1,
                .truncated = used > bytes.n},
        .e = e,
    };
    rc = no_memory(&r, ml__snapshot_new(&r.s));
    if (rc == ML_OK)
        rc = read_all(&r);
    ml_vec_free(&r.rows);
    ml__heap_tables_release(&r.heap);
    if (rc != ML_OK) {
        ml_snapshot_free(r.s);
        return rc;
    }
    ml__snapshot_set_run(r.s, &r.run);
    *out = r.s;
    return ML_OK;
}

/* --- from a file --------------------------------------------------------------------------------- */

/* Up to n bytes from the file's start into p; *got tells how many there were. */
static int read_up_to(int fd, char *p, size_t n, size_t *got)
{
    size_t at = 0;
    while (at < n) {
        ssize_t k = pread(fd, p + at, n - at, (off_t)at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return errno;
        if (k == 0)
            break;
        at += (size_t)k;
    }
    *got = at;
    return 0;
}

/* The used part of the file. The header is the one read first: its writer may have added records
 * since, which are then not looked at. */
static int read_used(int fd, const char *name, char **out, size_t *out_n, struct ml_error *e)
{
    char head[ML_BOOK_HEADER_BYTES];
    struct ml_book_header h;
    size_t n = 0;
    uint64_t used = 0;
    struct stat st;
    int err = read_up_to(fd, head, sizeof head, &n);
    if (err != 0)
        return ml_fail_errno(e, err, "cannot read book '%s'", name);
    int rc = read_header((struct ml_str){head, n}, name, &h, &used, e);
    if (rc != ML_OK)
        return rc;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size < used)
        used = (uint64_t)st.st_size;
    char *p = ml_calloc((size_t)used, 1);
    if (p == NULL)
        return ml_fail(e, ML_ENOMEM, "cannot read book '%s': out of memory", name);
    err = read_up_to(fd, p, (size_t)used, &n);
    if (err != 0) {
        ml_free(p);
        return ml_fail_errno(e, err, "cannot read book '%s'", name);
    }
    memcpy(p, head, n < sizeof head ? n : sizeof head);
    *out = p;
    *out_n = n;
    return ML_OK;
}

int ml_snapshot_read(const char *path, struct ml_snapshot **out, struct ml_error *e)
{
    char *bytes = NULL;
    size_t n = 0;
    struct stat st;
    /* Without blocking: a pipe that nobody writes to must not hang us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return ml_fail_errno(e, errno, "cannot open book '%s'", path);
    int rc = fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)
                 ? ml_fail(e, ML_EFORMAT, "cannot open book '%s': not a regular file", path)
                 : read_used(fd, path, &bytes, &n, e);
    close(fd);
    if (rc == ML_OK)
        rc = ml_snapshot_parse((struct ml_str){bytes, n}, path, out, e);
    ml_free(bytes);
    return rc;
}
