/* cli/cmd_report.c -- `memline report`: saved books as a table, a page, or files for other tools.
 * SPDX-License-Identifier: MIT */
#include "cli/args.h"
#include "cli/cmd.h"
#include "cli/gzip.h"
#include "cli/output.h"
#include "cli/page.h"
#include "cli/progress.h"
#include "core/bookshelf.h"
#include "report/report.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum {
    OPT_FORMAT = 1,
    OPT_JSON,
    OPT_CSV,
    OPT_HTML,
    OPT_OUTPUT,
    OPT_SORT,
    OPT_UNIT,
    OPT_MIN,
    OPT_SKIP_ZERO,
    OPT_SCOPES,
    OPT_COLOR
};

static const struct ml_option options[] = {
    {OPT_SORT, 's', "sort", "KEY",
     "line: a listing of each function (the default);\n"
     "net, max or hits: one list of lines, largest first;\n"
     "held, peak or alloc too, where the book has heap figures"},
    {OPT_SKIP_ZERO, 'z', "skip-zero", NULL, "leave out lines that changed nothing"},
    {OPT_MIN, 'm', "min", "SIZE",
     "leave out lines that changed less, up or down: 4096, 64KiB, 1.5MiB"},
    {OPT_SCOPES, 0, "scopes", NULL, "tell each request, task or scope, too, and its lines"},
    {OPT_UNIT, 'u', "unit", "UNIT", "of the table: auto, B, KiB, MiB or GiB"},
    {OPT_FORMAT, 'f', "format", "NAME",
     "table, json, csv, html (a page), pprof (for go tool pprof),\n"
     "speedscope or collapsed (stacks, for flame graph tools)"},
    {OPT_JSON, 0, "json", NULL, "the same as --format json"},
    {OPT_CSV, 0, "csv", NULL, "the same as --format csv"},
    {OPT_HTML, 0, "html", NULL, "the same as --format html"},
    {OPT_OUTPUT, 'o', "output", "FILE", "write there instead of to standard output"},
    {OPT_COLOR, 0, "color", "WHEN",
     "auto (on a terminal, unless NO_COLOR is set), always or never"},
    {0}};

static const struct ml_usage usage = {
    "report", "[options] [BOOK...]",
    "Shows what is in a book, also while the program that writes it runs. Several books\n"
    "are summed. Without a BOOK it is the newest one, with those of its child processes, in\n"
    "the folder of books ($MEMLINE_BOOKS, else $XDG_STATE_HOME/memline, else\n"
    "~/.local/state/memline).\n\n"
    "Net is what was allocated minus what was freed while a line ran, over all its runs, called\n"
    "functions included; Peak the highest rise within one run. Allocated is all that the line\n"
    "itself allocated; Held is what of that is still alive. RSS, or Net RSS, is the change of\n"
    "resident memory while the line ran; Max RSS the highest at its end.",
    options, false};

struct request {
    const char *format;
    const char *output; /* NULL: standard output */
    int color;          /* enum ml_color */
    struct ml_report_options options;
    struct ml_snapshot *snapshot; /* owned; the sum of the books so far */
};

static int add_book(struct request *r, const char *path, struct ml_error *e)
{
    struct ml_snapshot *s = NULL;
    int rc = ml_snapshot_read(path, &s, e);
    if (rc != ML_OK)
        return rc;
    if (r->snapshot == NULL) {
        r->snapshot = s;
        return ML_OK;
    }
    rc = ml_snapshot_merge(r->snapshot, s);
    ml_snapshot_free(s);
    return rc == ML_OK ? rc : ml_fail(e, rc, "cannot add book '%s': %s", path, ml_status_text(rc));
}

/* A child's book that cannot be read (it was killed while it began) is no reason to show nothing. */
static int add_children(struct request *r, const struct ml_paths *children, struct ml_error *e)
{
    for (size_t i = 0; i < children->all.n; i++) {
        int rc = add_book(r, children->all.at[i], e);
        if (rc == ML_ENOMEM)
            return rc;
        if (rc != ML_OK)
            fprintf(stderr, "memline: left out: %s\n", e->text);
    }
    return ML_OK;
}

static int add_newest(struct request *r, struct ml_error *e)
{
    char path[PATH_MAX];
    struct ml_paths children = {0};
    int rc = ml_bookshelf_newest(path, sizeof path, e);
    if (rc != ML_OK)
        return rc;
    fprintf(stderr, "memline: newest book is '%s'\n", path);
    rc = ml_bookshelf_children(path, &children);
    if (rc != ML_OK)
        ml_fail(e, rc, "cannot look for books: %s", ml_status_text(rc));
    else if (children.all.n == 0 || access(path, F_OK) == 0)
        rc = add_book(r, path, e);
    if (rc == ML_OK)
        rc = add_children(r, &children, e);
    if (rc == ML_OK && r->snapshot == NULL)
        rc = e->status;
    ml_paths_free(&children);
    return rc;
}

/* Whoever names one book may not know that its program forked. */
static void tell_children(const char *path)
{
    struct ml_paths children = {0};
    if (ml_bookshelf_children(path, &children) == ML_OK && children.all.n > 0)
        fprintf(stderr, "memline: its child process%s wrote %zu more: memline report '%s'*\n",
                children.all.n > 1 ? "es" : "", children.all.n, path);
    ml_paths_free(&children);
}

/* What is not text is compressed. */
static int write_binary(struct request *r, const struct ml_buf *out, struct ml_error *e)
{
    struct ml_buf packed = {0};
    int rc = ml_gzip(ml_buf_view(out), &packed);
    if (rc == ML_OK)
        rc = ml_output_write(r->output, ml_buf_view(&packed), e);
    else
        ml_fail(e, rc, "cannot compress the report: %s", ml_status_text(rc));
    ml_buf_free(&packed);
    return rc;
}

static int write_report(struct request *r, struct ml_error *e)
{
    struct ml_buf out = {0};
    const struct ml_report_format *f = ml_report_format_find(r->format);
    int rc = ml_report(r->snapshot, r->format, &r->options, &out, e);
    if (rc == ML_OK && f->binary)
        rc = write_binary(r, &out, e);
    else if (rc == ML_OK)
        rc = ml_output_write(r->output, ml_buf_view(&out), e);
    ml_buf_free(&out);
    return rc;
}

static int set(struct request *r, const char *name, const char *value, const struct ml_args *a)
{
    struct ml_error e;
    if (ml_report_set(&r->options, name, value, &e) == ML_OK)
        return ML_EXIT_OK;
    return ml_args_fail(a, "option '--%s' cannot be '%s': it takes %s", name, value, e.hint);
}

static int set_format(struct request *r, const char *name)
{
    struct ml_error e;
    r->format = name;
    if (ml_report_format_find(name) != NULL)
        return ML_EXIT_OK;
    ml_report(NULL, name, NULL, NULL, &e); /* words the error */
    ml_error_print(&e);
    return ML_EXIT_USAGE;
}

/* One option into the request; an exit status. */
static int take(struct request *r, int id, const struct ml_args *a)
{
    switch (id) {
    case OPT_FORMAT:
        return set_format(r, a->value);
    case OPT_JSON:
        return set_format(r, "json");
    case OPT_CSV:
        return set_format(r, "csv");
    case OPT_HTML:
        return set_format(r, "html");
    case OPT_OUTPUT:
        r->output = a->value;
        return ML_EXIT_OK;
    case OPT_SORT:
        return set(r, "sort", a->value, a);
    case OPT_UNIT:
        return set(r, "unit", a->value, a);
    case OPT_MIN:
        return set(r, "min", a->value, a);
    case OPT_SKIP_ZERO:
        r->options.skip_zero = true;
        return ML_EXIT_OK;
    case OPT_SCOPES:
        r->options.scopes = true;
        return ML_EXIT_OK;
    default:
        return ml_args_choice(a, "--color", ml_color_words, &r->color);
    }
}

static int run(struct request *r, char **books, int n, struct ml_error *e)
{
    struct ml_progress progress = {0};
    int rc = n == 0 ? add_newest(r, e) : ML_OK;
    for (int i = 0; i < n && rc == ML_OK; i++) {
        ml_progress_tell(&progress, "reading book", (size_t)i, (size_t)n);
        rc = add_book(r, books[i], e);
    }
    ml_progress_end(&progress);
    if (rc == ML_OK)
        rc = write_report(r, e);
    if (rc == ML_OK && n == 1)
        tell_children(books[0]);
    return rc;
}

int ml_cmd_report(int argc, char **argv)
{
    struct request r = {.format = "table", .color = ML_COLOR_AUTO};
    struct ml_args a;
    struct ml_error e;
    int n_books = 0; /* gathered at the front of argv, behind the reader */
    ml_args_init(&a, &usage, argc, argv);
    for (int id; (id = ml_args_next(&a)) != ML_ARG_END;) {
        if (id == ML_ARG_HELP || id == ML_ARG_BAD)
            return ml_args_stop(&a, id);
        if (id == ML_ARG_WORD) {
            argv[n_books++] = (char *)a.value;
            continue;
        }
        int status = take(&r, id, &a);
        if (status != ML_EXIT_OK)
            return status;
    }
    r.options.color = ml_output_colors(r.color, r.output);
    r.options.width = ml_output_width(r.output);
    r.options.page = ml_page;
    if (ml_report_format_find(r.format)->binary && r.output == NULL && isatty(STDOUT_FILENO))
        return ml_args_fail(&a, "format '%s' is not for a terminal: say --output FILE", r.format);
    int rc = run(&r, argv, n_books, &e);
    ml_snapshot_free(r.snapshot);
    if (rc == ML_OK)
        return ML_EXIT_OK;
    ml_error_print(&e);
    return ML_EXIT_FAILED;
}
