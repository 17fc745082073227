/* core/book.c -- see book.h; the byte format is drawn in book_format.h.
 *
 * A record is written into space that no reader looks at yet, then used_bytes is raised past it
 * with release order. A failure before that leaves no trace. SPDX-License-Identifier: MIT */
#include "core/book.h"

#include "base/mem.h"
#include "base/port.h"
#include "core/book_format.h"
#include "core/heap_format.h"
#include "core/mapfile.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct ml_book {
    struct ml_mapfile map;
    _Atomic uint64_t used_bytes; /* as in the header, but a forked child keeps its own */
    _Atomic pid_t writing;       /* the process whose thread is adding a record; 0: nobody is */
    pid_t pid;                   /* the process that may write */
    size_t stem_bytes;           /* the path without the process ids that forks added */
};

static struct ml_book_header *header_of(const struct ml_book *b)
{
    return (struct ml_book_header *)(void *)b->map.base;
}

static void write_header(struct ml_book_header *h)
{
    *h = (struct ml_book_header){
        .version = ML_BOOK_VERSION,
        .order_mark = ML_BOOK_ORDER_MARK,
        .header_bytes = ML_BOOK_HEADER_BYTES,
        .line_bytes = sizeof(struct ml_line),
        .pid = (uint64_t)getpid(),
        .start_ns = ml_wall_ns(),
    };
    memcpy(h->magic, ML_BOOK_MAGIC, sizeof h->magic);
}

static void publish(struct ml_book *b, uint64_t used_bytes)
{
    b->used_bytes = used_bytes;
    atomic_store_explicit(&header_of(b)->used_bytes, used_bytes, memory_order_release);
}

int ml_book_create(const char *path, int replace, struct ml_book **out, struct ml_error *e)
{
    struct ml_book *b = ml_calloc(1, sizeof *b);
    if (b == NULL)
        return ml_fail(e, ML_ENOMEM, "cannot create book '%s': out of memory", path);
    int rc = ml_mapfile_create(&b->map, path, replace != 0, e);
    if (rc != ML_OK) {
        ml_free(b);
        return rc;
    }
    b->pid = getpid();
    b->stem_bytes = strlen(b->map.path);
    write_header(header_of(b));
    publish(b, ML_BOOK_HEADER_BYTES);
    *out = b;
    return ML_OK;
}

/* A child that never called ml_book_fork_child looks at its parent's book: hands off. */
static bool is_mine(const struct ml_book *b)
{
    return b->pid == getpid();
}

void ml_book_close(struct ml_book *b)
{
    if (b == NULL)
        return;
    if (is_mine(b)) {
        atomic_store_explicit(&header_of(b)->complete, 1, memory_order_release);
        ml_mapfile_close(&b->map, (size_t)b->used_bytes);
    } else {
        ml_mapfile_abandon(&b->map);
    }
    ml_free(b);
}

void ml_book_discard(struct ml_book *b)
{
    if (b == NULL)
        return;
    if (is_mine(b))
        ml_mapfile_remove(&b->map);
    else
        ml_mapfile_abandon(&b->map);
    ml_free(b);
}

void ml_book_retire(struct ml_book *b, int discard)
{
    if (b == NULL)
        return;
    if (!is_mine(b)) {
        ml_book_close(b);
        return;
    }
    atomic_store_explicit(&header_of(b)->complete, 1, memory_order_release);
    ml_mapfile_retire(&b->map, (size_t)b->used_bytes, discard != 0);
    ml_free(b);
}

const char *ml_book_path(const struct ml_book *b)
{
    return b->map.path != NULL ? b->map.path : "";
}

struct ml_str ml_book_bytes(const struct ml_book *b)
{
    return (struct ml_str){b->map.base, (size_t)b->used_bytes};
}

uint64_t ml_book_next_order(struct ml_book *b)
{
    return atomic_fetch_add_explicit(&header_of(b)->order, 1, memory_order_relaxed) + 1;
}

/* Be the one who adds a record. False, unless told to wait, when another thread is at it: so that whoever
 * interrupts that thread does not wait for itself. A fork may have caught another process's thread. */
static bool writing_begins(struct ml_book *b, bool wait)
{
    pid_t me = getpid();
    pid_t who = 0;
    while (!atomic_compare_exchange_weak(&b->writing, &who, me)) {
        if (who == 0 || who != me)
            continue; /* free after all, or of a process that is not us: take it from there */
        if (!wait)
            return false;
        sched_yield();
        who = 0;
    }
    return true;
}

static void writing_ends(struct ml_book *b)
{
    atomic_store(&b->writing, 0);
}

/* Zeroed space for a record of n bytes (a multiple of the alignment) behind the published ones. */
static int prepare(struct ml_book *b, size_t n, char **at)
{
    if (n > ML_BOOK_MAX_RECORD)
        return ML_ELIMIT;
    int rc = ml_mapfile_grow(&b->map, (size_t)b->used_bytes + n);
    if (rc == ML_OK)
        *at = b->map.base + b->used_bytes;
    return rc;
}

static char *put(char *at, struct ml_str s)
{
    if (s.n != 0)
        memcpy(at, s.p, s.n);
    return at + s.n;
}

static int write_pair(struct ml_book *b, uint32_t kind, struct ml_str first, struct ml_str second)
{
    char *at;
    if (first.n > ML_BOOK_MAX_RECORD || second.n > ML_BOOK_MAX_RECORD)
        return ML_ELIMIT;
    size_t n = ml_book_align(sizeof(struct ml_book_pair) + first.n + second.n);
    int rc = prepare(b, n, &at);
    if (rc != ML_OK)
        return rc;
    struct ml_book_pair head = {.kind = kind,
                                .bytes = (uint32_t)n,
                                .first_bytes = (uint32_t)first.n,
                                .second_bytes = (uint32_t)second.n};
    memcpy(at, &head, sizeof head);
    put(put(at + sizeof head, first), second);
    publish(b, b->used_bytes + n);
    return ML_OK;
}

int ml_book_meta(struct ml_book *b, struct ml_str key, struct ml_str value)
{
    writing_begins(b, true);
    int rc = write_pair(b, ML_BOOK_META, key, value);
    writing_ends(b);
    return rc;
}

int ml_book_source(struct ml_book *b, struct ml_str file, struct ml_str text)
{
    writing_begins(b, true);
    int rc = write_pair(b, ML_BOOK_SOURCE, file, text);
    writing_ends(b);
    return rc;
}

static int write_function(struct ml_book *b, struct ml_str file, struct ml_str name,
                          uint32_t first_line, uint32_t n_lines, struct ml_line **lines)
{
    char *at;
    if (file.n > ML_BOOK_MAX_RECORD || name.n > ML_BOOK_MAX_RECORD ||
        first_line > UINT32_MAX - n_lines)
        return ML_ELIMIT;
    size_t texts = ml_book_align(sizeof(struct ml_book_function) + file.n + name.n);
    size_t n = texts + (size_t)n_lines * sizeof(struct ml_line);
    int rc = prepare(b, n, &at);
    if (rc != ML_OK)
        return rc;
    struct ml_book_function head = {.kind = ML_BOOK_FUNCTION,
                                    .bytes = (uint32_t)n,
                                    .first_line = first_line,
                                    .n_lines = n_lines,
                                    .file_bytes = (uint32_t)file.n,
                                    .name_bytes = (uint32_t)name.n};
    memcpy(at, &head, sizeof head);
    put(put(at + sizeof head, file), name);
    publish(b, b->used_bytes + n);
    *lines = (struct ml_line *)(void *)(at + texts);
    return ML_OK;
}

int ml_book_function(struct ml_book *b, struct ml_str file, struct ml_str name, uint32_t first_line,
                     uint32_t n_lines, struct ml_line **lines)
{
    writing_begins(b, true);
    int rc = write_function(b, file, name, first_line, n_lines, lines);
    writing_ends(b);
    if (rc != ML_OK)
        atomic_fetch_add_explicit(&header_of(b)->lost, 1, memory_order_relaxed);
    return rc;
}

static int write_table(struct ml_book *b, uint32_t kind, uint32_t first, uint32_t count,
                       size_t element_bytes, void **elements)
{
    char *at;
    if (element_bytes != 0 && count > ML_BOOK_MAX_RECORD / element_bytes)
        return ML_ELIMIT;
    size_t begin = (size_t)b->used_bytes;
    size_t from = ml_book_elements(begin);
    size_t n = ml_book_align(from + count * element_bytes) - begin;
    int rc = prepare(b, n, &at);
    if (rc != ML_OK)
        return rc;
    struct ml_book_table head = {
        .kind = kind, .bytes = (uint32_t)n, .count = count, .first = first};
    memcpy(at, &head, sizeof head);
    publish(b, begin + n);
    *elements = b->map.base + from;
    return ML_OK;
}

int ml_book_table(struct ml_book *b, uint32_t kind, uint32_t first, uint32_t count,
                  size_t element_bytes, void **elements)
{
    writing_begins(b, true);
    int rc = write_table(b, kind, first, count, element_bytes, elements);
    writing_ends(b);
    return rc;
}

int ml_book_table_now(struct ml_book *b, uint32_t kind, uint32_t first, uint32_t count,
                      size_t element_bytes, void **elements)
{
    if (!writing_begins(b, false))
        return ML_EBUSY;
    int rc = is_mine(b) ? write_table(b, kind, first, count, element_bytes, elements) : ML_EBUSY;
    writing_ends(b);
    return rc;
}

uint32_t ml_book_line_ref(const struct ml_book *b, const struct ml_line *line)
{
    uintptr_t offset = (uintptr_t)line - (uintptr_t)b->map.base; /* wraps for foreign lines */
    return offset < b->used_bytes ? (uint32_t)(offset / ML_BOOK_ALIGN) : 0;
}

struct ml_line *ml_book_line_at(const struct ml_book *b, uint32_t ref)
{
    return ref != 0 ? (struct ml_line *)(void *)(b->map.base + (size_t)ref * ML_BOOK_ALIGN) : NULL;
}

/* Sets all figures in a copy of our own records to 0. The heap's tables are its own business: it
 * begins them anew (ml_heap_after_fork). */
static void clear_figures(char *bytes, size_t n)
{
    size_t at = ML_BOOK_HEADER_BYTES;
    while (at < n) {
        struct ml_book_function head;
        memcpy(&head, bytes + at, sizeof head);
        size_t figures = (size_t)head.n_lines * sizeof(struct ml_line);
        if (head.kind == ML_BOOK_FUNCTION)
            memset(bytes + at + head.bytes - figures, 0, figures);
        at += head.bytes;
    }
}

/* The child's copy of the records it knew at the fork, the parent may have gone on since; figures 0.
 * NULL when out of memory. */
static char *child_copy(const struct ml_book *b, size_t n)
{
    char *copy = ml_calloc(n, 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy + ML_BOOK_HEADER_BYTES, b->map.base + ML_BOOK_HEADER_BYTES,
           n - ML_BOOK_HEADER_BYTES);
    clear_figures(copy, n);
    struct ml_book_header *h = (struct ml_book_header *)(void *)copy;
    write_header(h);
    atomic_store_explicit(&h->used_bytes, n, memory_order_relaxed);
    return copy;
}

int ml_book_fork_child(struct ml_book *b, struct ml_error *e)
{
    size_t n = (size_t)b->used_bytes;
    size_t path_bytes = b->stem_bytes + 24;
    b->pid = getpid();
    if (b->map.path == NULL) { /* the parent had lost its file: this memory is ours already */
        clear_figures(b->map.base, n);
        return ML_OK;
    }
    char *path = ml_calloc(path_bytes, 1);
    char *copy = child_copy(b, n);
    if (path != NULL)
        snprintf(path, path_bytes, "%.*s.%ld", (int)b->stem_bytes, b->map.path, (long)b->pid);
    int rc = ml_mapfile_move(&b->map, path, copy, n, e);
    ml_free(copy);
    ml_free(path);
    return rc;
}
