/* cli/import_book.c -- see import_book.h. SPDX-License-Identifier: MIT */
#include "cli/import_book.h"

#include "core/snapshot.h"
#include "report/source.h"

#include <stdio.h>
#include <string.h>

#define BOOK_MAGIC "MEMLBOOK"

bool ml_import_is_book(const char *path)
{
    char head[sizeof BOOK_MAGIC - 1];
    FILE *f = fopen(path, "rbe");
    if (f == NULL)
        return false;
    bool book = fread(head, 1, sizeof head, f) == sizeof head &&
                memcmp(head, BOOK_MAGIC, sizeof head) == 0;
    fclose(f);
    return book;
}

struct run {
    const struct ml_snapshot *snapshot;
    struct ml_sources *sources;
    bool has_heap;
    int64_t ticks;
    char id[64]; /* start and process: the same book always gives the same run */
};

static void add_line(struct ml_rows *rows, const struct run *run, const struct ml_function *f,
                     const struct ml_row *row)
{
    ml_rows_begin(rows, ML_TABLE_lines);
    ml_rows_i64(rows, ML_COL_timestamp, run->ticks);
    ml_rows_str(rows, ML_COL_runId, ml_str_of(run->id));
    ml_rows_str(rows, ML_COL_command, ml_snapshot_meta(run->snapshot, ML_STR("command")));
    ml_rows_str(rows, ML_COL_mode, ml_snapshot_meta(run->snapshot, ML_STR("mode")));
    ml_rows_i64(rows, ML_COL_processId, (int64_t)ml_snapshot_pid(run->snapshot));
    ml_rows_str(rows, ML_COL_file, f->file);
    ml_rows_str(rows, ML_COL_function, f->name);
    ml_rows_i64(rows, ML_COL_firstLine, f->first_line);
    ml_rows_i64(rows, ML_COL_line, row->line);
    ml_rows_str(rows, ML_COL_text, ml_sources_line(run->sources, f->file, row->line));
    ml_rows_i64(rows, ML_COL_hits, (int64_t)row->hits);
    if (run->has_heap) {
        ml_rows_i64(rows, ML_COL_heapNet, row->heap.net_bytes);
        ml_rows_i64(rows, ML_COL_heapPeak, (int64_t)row->heap.peak_bytes);
        ml_rows_i64(rows, ML_COL_allocated, (int64_t)row->heap.alloc_bytes);
        ml_rows_i64(rows, ML_COL_held, ml_heap_held(&row->heap));
    }
    ml_rows_i64(rows, ML_COL_rssNet, row->rss_net_bytes);
    ml_rows_i64(rows, ML_COL_rssMax, (int64_t)row->rss_max_bytes);
}

static int add_lines(struct ml_rows *rows, const struct run *run)
{
    const struct ml_function *functions;
    size_t n = ml_snapshot_functions(run->snapshot, &functions);
    int rc = ML_OK;
    for (size_t i = 0; rc == ML_OK && i < n; i++)
        for (size_t k = 0; rc == ML_OK && k < functions[i].n_rows; k++) {
            add_line(rows, run, &functions[i], &functions[i].rows[k]);
            rc = ml_rows_end(rows);
        }
    return rc;
}

int ml_import_book(struct ml_store *s, const char *path, uint64_t *count, struct ml_error *e)
{
    struct ml_snapshot *snapshot = NULL;
    struct ml_rows *rows = NULL;
    struct run run = {0};
    int rc = ml_snapshot_read(path, &snapshot, e);
    if (rc != ML_OK)
        return rc;
    int64_t start_ns = ml_snapshot_start_ns(snapshot);
    struct ml_heap_summary heap;
    run.snapshot = snapshot;
    run.has_heap = ml_snapshot_heap(snapshot, &heap);
    run.ticks = ML_STORE_TICKS_1970 + start_ns / 100;
    snprintf(run.id, sizeof run.id, "%lld-%llu", (long long)start_ns,
             (unsigned long long)ml_snapshot_pid(snapshot));
    rc = ml_sources_new(snapshot, &run.sources);
    if (rc == ML_OK)
        rc = ml_rows_new(&rows);
    if (rc == ML_OK)
        rc = add_lines(rows, &run);
    if (rc != ML_OK)
        ml_fail(e, rc, "cannot import book '%s': %s", path, ml_status_text(rc));
    else
        rc = ml_store_append(s, rows, e);
    if (rc == ML_OK)
        *count = ml_rows_count(rows);
    ml_rows_free(rows);
    ml_sources_free(run.sources);
    ml_snapshot_free(snapshot);
    return rc;
}
