/* host/logs.c -- `func logs`: what the project's functions logged, from its store, as the console showed it.
 *
 * The newest lines are found by looking at the last hour first, then at a day, a month, everything. --follow looks
 * at the last minute again and again: what has an itemId that was not there before is new, however late it came.
 * SPDX-License-Identifier: MIT */
#include "base/map.h"
#include "base/mem.h"
#include "base/port.h"
#include "host/console.h"
#include "host/func.h"
#include "host/say.h"
#include "host/settings.h"
#include "host/wire.h"
#include "store/place.h"
#include "store/reader.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define S_TICKS ML_STORE_TICKS_PER_S

enum { TAIL = 100, TAIL_MAX = 1000000, FOLLOW_MS = 300, WINDOW_S = 60, CACHE_BYTES = 64 << 20 };

struct line {
    int64_t ticks;
    uint64_t order; /* of reading, among equal times */
    enum ml_level level;
    char *category; /* owned */
    char *text;     /* owned */
};

struct logs {
    struct ml_console console;
    const char *function; /* NULL: all */
    size_t most;          /* lines kept */
    ML_VEC(struct line) lines;
    uint64_t read;
    struct ml_map *before; /* itemIds that were shown; NULL: every row is wanted */
    struct ml_map now;     /* those of this look, from a time on */
    int64_t followed_from;
};

/* -- a row --------------------------------------------------------------------------------------- */

static struct ml_str text_at(const struct ml_colview *c, uint32_t row)
{
    uint32_t k = c->codes != NULL ? c->codes[row] : row;
    return (struct ml_str){c->bytes + c->offsets[k], c->offsets[k + 1] - c->offsets[k]};
}

enum { C_TIME, C_MESSAGE, C_SEVERITY, C_DIMENSIONS, C_FUNCTION, C_ITEM, N_COLUMNS };

static const enum ml_store_col columns[N_COLUMNS] = {ML_COL_timestamp,      ML_COL_message,
                                                     ML_COL_severityLevel,  ML_COL_customDimensions,
                                                     ML_COL_operation_Name, ML_COL_itemId};

static enum ml_level level_of(const struct ml_colview *severity, uint32_t row, const json_t *dims)
{
    static const enum ml_level of[] = {ML_LEVEL_DEBUG, ML_LEVEL_INFORMATION, ML_LEVEL_WARNING,
                                       ML_LEVEL_ERROR, ML_LEVEL_CRITICAL};
    const char *name = ml_json_text(dims, "LogLevel");
    enum ml_level level;
    if (name != NULL && ml_level_parse(name, &level))
        return level;
    bool null = severity->nulls != NULL && severity->nulls[row] != 0;
    int64_t v = null ? 1 : ((const int64_t *)severity->fixed)[row];
    return of[v < 0 ? 0 : v > 4 ? 4 : v];
}

static void line_free(struct line *l)
{
    ml_free(l->category);
    ml_free(l->text);
}

static int by_time(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    if (x->ticks != y->ticks)
        return x->ticks < y->ticks ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

/* Only the newest stay. */
static void cut(struct logs *g)
{
    if (g->lines.n == 0)
        return;
    qsort(g->lines.at, g->lines.n, sizeof g->lines.at[0], by_time);
    size_t gone = g->lines.n > g->most ? g->lines.n - g->most : 0;
    for (size_t i = 0; i < gone; i++)
        line_free(&g->lines.at[i]);
    memmove(g->lines.at, g->lines.at + gone, (g->lines.n - gone) * sizeof g->lines.at[0]);
    g->lines.n -= gone;
}

static int add_line(struct logs *g, const struct ml_colview *c, uint32_t row)
{
    struct ml_str dims_text = text_at(&c[C_DIMENSIONS], row), message = text_at(&c[C_MESSAGE], row);
    json_t *dims = dims_text.n != 0 ? json_loadb(dims_text.p, dims_text.n, 0, NULL) : NULL;
    const char *category = ml_json_text(dims, "Category");
    struct line l = {
        .ticks = ((const int64_t *)c[C_TIME].fixed)[row],
        .order = g->read++,
        .level = level_of(&c[C_SEVERITY], row, dims),
    };
    int rc = ML_OK;
    if (category == NULL)
        category = "Function.User"; /* of a client that knows no categories */
    if (ml_console_shows(&g->console, category, l.level)) {
        l.category = ml_strdup(category);
        l.text = ml_strndup(message.n != 0 ? message.p : "", message.n);
        rc = l.category != NULL && l.text != NULL ? ml_vec_push(&g->lines, l) : ML_ENOMEM;
        if (rc != ML_OK)
            line_free(&l);
    }
    json_decref(dims);
    if (rc == ML_OK && g->lines.n >= 2 * g->most + 1000)
        cut(g);
    return rc;
}

static int add_row(struct logs *g, const struct ml_colview *c, uint32_t row)
{
    struct ml_str function = text_at(&c[C_FUNCTION], row), item = text_at(&c[C_ITEM], row);
    int rc = ML_OK;
    if (g->function != NULL && (strlen(g->function) != function.n ||
                                strncasecmp(g->function, function.p, function.n) != 0))
        return ML_OK;
    if (((const int64_t *)c[C_TIME].fixed)[row] >= g->followed_from)
        rc = ml_map_put(&g->now, item, 1);
    if (rc != ML_OK || (g->before != NULL && ml_map_find(g->before, item) != NULL))
        return rc;
    return add_line(g, c, row);
}

/* -- looking ------------------------------------------------------------------------------------- */

static int add_block(struct logs *g, struct ml_read_block *b, int64_t from, struct ml_error *e)
{
    struct ml_colview c[N_COLUMNS];
    int rc = ML_OK;
    for (size_t i = 0; rc == ML_OK && i < N_COLUMNS; i++)
        rc = ml_read_column(b, columns[i], &c[i], e);
    for (uint32_t row = 0; rc == ML_OK && row < b->rows; row++)
        if (((const int64_t *)c[C_TIME].fixed)[row] >= from)
            rc = add_row(g, c, row);
    return rc;
}

/* The rows from that time on. */
static int look(struct logs *g, struct ml_reader *r, int64_t from, struct ml_error *e)
{
    struct ml_read *rd = NULL;
    struct ml_read_scan *s = NULL;
    struct ml_read_block *b = NULL;
    int rc = ml_read_begin(r, &rd, e);
    if (rc == ML_OK)
        rc = ml_read_open(rd, ML_TABLE_traces, from, ML_STORE_TICKS_MAX, &s, e);
    while (rc == ML_OK && (rc = ml_read_next(s, &b, e)) == ML_OK && b != NULL) {
        rc = add_block(g, b, from, e);
        ml_read_block_free(b);
    }
    ml_read_close(s);
    ml_read_end(rd);
    cut(g);
    if (rc == ML_ENOMEM)
        (void)ml_fail(e, rc, "out of memory");
    return rc;
}

static void forget(struct logs *g)
{
    for (size_t i = 0; i < g->lines.n; i++)
        line_free(&g->lines.at[i]);
    g->lines.n = 0;
}

static void show(struct logs *g)
{
    for (size_t i = 0; i < g->lines.n; i++) {
        const struct line *l = &g->lines.at[i];
        ml_console_past(&g->console, l->category, l->level, (l->ticks - ML_STORE_TICKS_1970) * 100,
                        ml_str_of(l->text));
    }
    forget(g);
}

static int64_t now_ticks(void)
{
    return ml_wall_ns() / 100 + ML_STORE_TICKS_1970;
}

/* The newest lines, without reading all that there ever was. */
static int look_back(struct logs *g, struct ml_reader *r, struct ml_error *e)
{
    static const int64_t spans_s[] = {3600, 86400, 31 * 86400};
    int rc = ML_OK;
    for (size_t i = 0; rc == ML_OK && i < 4; i++) {
        forget(g);
        rc = look(g, r, i < 3 ? now_ticks() - spans_s[i] * S_TICKS : 0, e);
        if (g->lines.n >= g->most)
            break;
    }
    return rc;
}

/* After a look that noted the itemIds of the last minute and more. */
static int follow(struct logs *g, struct ml_reader *r, struct ml_error *e)
{
    struct ml_map before = {0};
    const struct timespec pause = {0, FOLLOW_MS * 1000000L};
    int rc = ML_OK;
    g->most = TAIL_MAX;
    g->before = &before;
    while (rc == ML_OK) {
        ml_map_free(&before);
        before = g->now;
        g->now = (struct ml_map){0};
        (void)nanosleep(&pause, NULL);
        g->followed_from = now_ticks() - WINDOW_S * S_TICKS;
        rc = look(g, r, g->followed_from, e);
        show(g);
    }
    g->before = NULL;
    ml_map_free(&before);
    return rc;
}

/* -- the command --------------------------------------------------------------------------------- */

/* "30s", "10m", "2h", "1d", "00:10:00", "2026-11-27", "2026-11-27T10:00[:00][Z]" (UTC). */
static bool parse_since(const char *s, int64_t *ticks)
{
    static const struct {
        char letter;
        int64_t s;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char *end;
    int64_t ms;
    long n = strtol(s, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (end != s && n >= 0 && n < 1000000 && end[0] == units[i].letter && end[1] == '\0') {
            *ticks = now_ticks() - n * units[i].s * S_TICKS;
            return true;
        }
    if (ml_settings_timespan(s, &ms)) {
        *ticks = now_ticks() - ms * (S_TICKS / 1000);
        return true;
    }
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S",
                                        "%Y-%m-%d %H:%M", "%Y-%m-%d"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct tm tm = {0};
        const char *rest = strptime(s, forms[i], &tm);
        if (rest != NULL && (rest[0] == '\0' || strcmp(rest, "Z") == 0)) {
            *ticks = (int64_t)timegm(&tm) * S_TICKS + ML_STORE_TICKS_1970;
            return true;
        }
    }
    return false;
}

static int read_options(const struct ml_func_options *o, struct logs *g, int64_t *from)
{
    struct ml_level_filter *f = &g->console.filter;
    char *end;
    f->user = ML_LEVEL_INFORMATION;
    f->system = o->verbose ? ML_LEVEL_INFORMATION : ML_LEVEL_WARNING;
    if (o->level != NULL && !ml_level_parse(o->level, &f->user))
        return ml_say_failure("Invalid --level value '%s'. Expected one of: Trace, Debug, "
                              "Information, Warning, Error, Critical, None",
                              o->level);
    if (o->level != NULL)
        f->system = f->user;
    if (o->since != NULL && !parse_since(o->since, from))
        return ml_say_failure("Invalid --since value '%s'. Expected 30s, 10m, 2h, 1d, or a time of "
                              "UTC such as 2026-11-27T10:00.",
                              o->since);
    long n = o->tail != NULL ? strtol(o->tail, &end, 10) : o->since != NULL ? TAIL_MAX : TAIL;
    if (o->tail != NULL && (end == o->tail || *end != '\0' || n < 0 || n > TAIL_MAX))
        return ml_say_failure("Invalid --tail value '%s'. Expected a number up to %d.", o->tail,
                              TAIL_MAX);
    g->most = (size_t)n;
    g->function = o->dir;
    g->console.show_category = o->show_category;
    g->console.show_level = o->show_level;
    return 0;
}

static int open_store(const struct ml_func_options *o, struct ml_reader **r, struct ml_error *e)
{
    char root[PATH_MAX], path[PATH_MAX];
    const struct timespec pause = {0, FOLLOW_MS * 1000000L};
    int rc = ml_project_root(root, e);
    if (rc == ML_OK)
        rc = ml_store_place(root, path, sizeof path, e);
    if (rc != ML_OK)
        return rc;
    while ((rc = ml_reader_open(path, CACHE_BYTES, r, e)) == ML_ENOTFOUND && o->follow)
        (void)nanosleep(&pause, NULL); /* the host of this project is yet to be started */
    if (rc == ML_ENOTFOUND)
        (void)ml_fail(e, rc, "No records of this project yet ('%.700s'). Start it with: func start",
                      path);
    return rc;
}

int ml_func_logs(const struct ml_func_options *o)
{
    struct logs g = {0};
    struct ml_reader *r = NULL;
    struct ml_error e = {0};
    int64_t from = -1;
    g.followed_from = o->follow ? now_ticks() - 2 * WINDOW_S * S_TICKS : ML_STORE_TICKS_MAX;
    ml_console_init(&g.console, STDOUT_FILENO);
    int status = read_options(o, &g, &from);
    if (status == 0) {
        int rc = open_store(o, &r, &e);
        if (rc == ML_OK)
            rc = from >= 0 ? look(&g, r, from, &e) : look_back(&g, r, &e);
        show(&g);
        if (rc == ML_OK && o->follow)
            rc = follow(&g, r, &e);
        if (rc != ML_OK)
            status = ml_say_failure("%s", e.text);
    }
    ml_reader_close(r);
    ml_map_free(&g.now);
    ml_vec_free(&g.lines);
    ml_console_release(&g.console);
    return status;
}
