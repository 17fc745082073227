/* cli/cmd_top.c -- `memline top`: a running profile, looked at from outside.
 *
 * The book is read again and again, as any reader may; the process that writes it does not know.
 * SPDX-License-Identifier: MIT */
#include "base/port.h"
#include "cli/args.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/top_draw.h"
#include "cli/top_term.h"
#include "core/book_find.h"
#include "core/bookshelf.h"
#include "core/limit.h"
#include "core/proc.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OPT_INTERVAL = 1, OPT_SORT, OPT_FILTER, OPT_ONCE, OPT_LINES, OPT_JSON, OPT_COLOR };

static const struct ml_option options[] = {
    {OPT_SORT, 's', "sort", "KEY", "held, net, peak, alloc, rss or hits; default: held, or rss"},
    {OPT_FILTER, 'f', "filter", "TEXT", "only lines with TEXT in file:line or function"},
    {OPT_INTERVAL, 'i', "interval", "SECONDS", "between two looks, 0.1 to 3600; default 1"},
    {OPT_ONCE, '1', "once", NULL, "one look, as plain text; so it is in a pipe"},
    {OPT_LINES, 'n', "lines", "N", "with --once: so many lines; default 20"},
    {OPT_JSON, 0, "json", NULL, "one look, all lines, as JSON"},
    {OPT_COLOR, 0, "color", "WHEN",
     "auto (on a terminal, unless NO_COLOR is set), always or never"},
    {0}};

static const struct ml_usage usage = {
    "top", "[options] [PID|BOOK]",
    "Shows which lines take memory now, of a program that runs under memline, at no cost to\n"
    "it. Named by its process id or by its book; without either it is the newest book. When the\n"
    "program has ended, its last figures stay.\n\n"
    "keys: h held, n net, p peak, a allocated, r RSS, i hits: sort by it; arrows, page up and\n"
    "page down: scroll; /: filter; + and -: interval; blank: look now; q: quit.",
    options, false};

enum { LIMITS_AGAIN = 5 }; /* looks between two readings of the limits */

struct top {
    char path[PATH_MAX];
    struct ml_top_rows rows;
    struct ml_top_look look;
    char filter[128];
    size_t filter_n;
    bool once;
    bool json;
    /* the process */
    int32_t pid;
    uint64_t began;    /* tells it from later ones of that id; 0: it is gone */
    uint64_t looks;    /* taken */
    uint64_t look_ns;  /* when the last was */
    int64_t last_seen; /* wall clock when it was last seen to run */
    struct ml_limits limits;
    struct ml_error trouble; /* of the last look; status ML_OK: none */
    struct ml_sources *sources;
};

/* --- a look at the process --------------------------------------------------------------------------- */

/* The process that the book names, if it is that one: it has the book mapped. */
static void find_process(struct top *t, const struct ml_book_brief *b)
{
    int32_t pid = b->pid <= INT32_MAX ? (int32_t)b->pid : 0;
    if (pid == t->pid && t->looks > 0)
        return;
    t->pid = pid;
    t->began = ml_book_mapped(pid, t->path, b) != 0 ? ml_process_began(pid) : 0;
}

static enum ml_top_state state_of(struct top *t, const struct ml_book_brief *b)
{
    if (b->complete)
        return ML_TOP_ENDED;
    return t->began != 0 && ml_process_began(t->pid) == t->began ? ML_TOP_RUNNING : ML_TOP_KILLED;
}

static void look_at_memory(struct top *t, double seconds)
{
    uint64_t was = t->look.rss_bytes;
    uint64_t use = 0;
    if (ml_proc_memory(t->pid, ML_MEM_RSS, &t->look.rss_bytes, NULL) != ML_OK)
        t->look.rss_bytes = 0;
    t->look.rss_rate = was != 0 && seconds > 0 ? ((double)t->look.rss_bytes - (double)was) / seconds
                                               : 0;
    if (t->looks % LIMITS_AGAIN == 0)
        ml_limits_read(&t->limits, "", t->pid);
    const struct ml_limit *l = ml_limits_tightest(&t->limits, &use);
    t->look.limit_bytes = l != NULL ? l->bytes : 0;
    t->look.limit_use_bytes = use;
    t->look.limit_kind = l != NULL ? ml_limit_kind_name(l->kind) : "";
}

/* Its last word on memory, when it is gone. */
static void remember_memory(struct top *t)
{
    const struct ml_moment *m;
    size_t n = ml_snapshot_moments(t->rows.snapshot, &m);
    t->look.rss_rate = 0;
    if (n == 0)
        return;
    t->look.rss_bytes = m[n - 1].rss_bytes;
    if (t->last_seen == 0)
        t->last_seen = m[n - 1].at_ns;
}

static void look_at_process(struct top *t, const struct ml_book_brief *b, double seconds)
{
    int64_t start = ml_snapshot_start_ns(t->rows.snapshot);
    find_process(t, b);
    t->look.state = state_of(t, b);
    if (t->look.state == ML_TOP_RUNNING) {
        t->last_seen = ml_wall_ns();
        look_at_memory(t, seconds);
    } else {
        remember_memory(t);
    }
    t->look.elapsed_ns = t->last_seen > start ? (uint64_t)(t->last_seen - start) : 0;
}

/* --- a look at the book ------------------------------------------------------------------------------ */

static int read_book(struct top *t, struct ml_book_brief *b, struct ml_error *e)
{
    struct ml_snapshot *s = NULL;
    int rc = ml_book_peek(t->path, b, e);
    if (rc == ML_OK)
        rc = ml_snapshot_read(t->path, &s, e);
    if (rc != ML_OK)
        return rc;
    ml_sources_free(t->sources); /* they point into the snapshot before */
    t->sources = NULL;
    rc = ml_top_take(&t->rows, s, ml_now_ns());
    if (rc == ML_OK)
        rc = ml_sources_new(t->rows.snapshot, &t->sources);
    return rc == ML_OK ? rc : ml_fail(e, rc, "cannot show '%s': out of memory", t->path);
}

/* A look. When it fails, what was seen last stays; the first one must not fail. */
static int look(struct top *t, struct ml_error *e)
{
    struct ml_book_brief b;
    uint64_t now = ml_now_ns();
    int rc = read_book(t, &b, &t->trouble);
    if (rc != ML_OK && t->rows.snapshot == NULL) {
        *e = t->trouble;
        return rc;
    }
    t->trouble.status = rc;
    if (rc != ML_OK && t->sources == NULL && ml_sources_new(t->rows.snapshot, &t->sources) != ML_OK)
        return ml_fail(e, ML_ENOMEM, "cannot show '%s': out of memory", t->path);
    if (rc == ML_OK)
        look_at_process(t, &b, t->look_ns != 0 ? (double)(now - t->look_ns) / 1e9 : 0);
    else if (ml_process_began(t->pid) != t->began && t->look.state == ML_TOP_RUNNING)
        t->look.state = ML_TOP_KILLED; /* and its book is gone */
    t->looks++;
    t->look_ns = now;
    return ML_OK;
}

static void arrange(struct top *t)
{
    t->look.filter = (struct ml_str){t->filter, t->filter_n};
    ml_top_arrange(&t->rows, t->look.key, t->look.filter);
    size_t page = ml_top_page(&t->look);
    size_t last = t->rows.n_shown > page ? t->rows.n_shown - page : 0;
    if (t->look.first > last)
        t->look.first = last;
}

/* --- keys -------------------------------------------------------------------------------------------- */

static void scroll(struct top *t, long by)
{
    long at = (long)t->look.first + by;
    t->look.first = at > 0 ? (size_t)at : 0; /* arrange holds the other end */
}

static void slower(struct top *t, bool faster)
{
    static const unsigned steps[] = {100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000};
    enum { N = sizeof steps / sizeof steps[0] };
    size_t i = 0;
    while (i + 1 < N && steps[i] < t->look.interval_ms)
        i++;
    if (faster)
        i -= i > 0;
    else
        i += i + 1 < N && steps[i] <= t->look.interval_ms;
    t->look.interval_ms = steps[i];
}

static bool sort_by(struct top *t, int key)
{
    static const char letters[] = {[ML_TOP_HELD] = 'h',  [ML_TOP_NET] = 'n', [ML_TOP_PEAK] = 'p',
                                   [ML_TOP_ALLOC] = 'a', [ML_TOP_RSS] = 'r', [ML_TOP_HITS] = 'i'};
    for (size_t i = ML_TOP_HELD; i < sizeof letters; i++) {
        if (letters[i] != key)
            continue;
        t->look.key = (enum ml_top_key)i;
        t->look.first = 0;
        return true;
    }
    return false;
}

/* The last character, all its bytes. */
static void rub_out(struct top *t)
{
    while (t->filter_n > 0 && ((unsigned char)t->filter[--t->filter_n] & 0xC0) == 0x80)
        continue;
}

static void edit_filter(struct top *t, int key)
{
    if (key == ML_TERM_ENTER || key == ML_TERM_ESCAPE)
        t->look.editing = false;
    if (key == ML_TERM_ESCAPE)
        t->filter_n = 0;
    if (key == ML_TERM_RUBOUT)
        rub_out(t);
    if (key >= 0x20 && key < 0x100 && t->filter_n < sizeof t->filter)
        t->filter[t->filter_n++] = (char)key;
    t->look.first = 0;
}

/* False: it is the end. *now: look at once. */
static bool press(struct top *t, int key, bool *now)
{
    if (key == ML_TERM_END)
        return false;
    if (t->look.editing) {
        edit_filter(t, key);
        return true;
    }
    long page = (long)ml_top_page(&t->look);
    switch (key) {
    case 'q':
        return false;
    case ML_TERM_UP:
    case 'k':
        scroll(t, -1);
        break;
    case ML_TERM_DOWN:
    case 'j':
        scroll(t, 1);
        break;
    case ML_TERM_PAGE_UP:
        scroll(t, -page);
        break;
    case ML_TERM_PAGE_DOWN:
        scroll(t, page);
        break;
    case ML_TERM_FIRST:
        t->look.first = 0;
        break;
    case ML_TERM_LAST:
        scroll(t, LONG_MAX / 2);
        break;
    case '/':
        t->look.editing = true;
        t->filter_n = 0;
        break;
    case ML_TERM_ESCAPE:
        t->filter_n = 0;
        break;
    case '+':
        slower(t, false);
        break;
    case '-':
        slower(t, true);
        break;
    case ' ':
        *now = true;
        break;
    default:
        sort_by(t, key);
    }
    return true;
}

/* --- on a terminal ----------------------------------------------------------------------------------- */

static int draw(struct top *t, struct ml_error *e)
{
    struct ml_buf frame = {0};
    ml_term_size(&t->look.width, &t->look.height);
    t->look.message = t->trouble.status != ML_OK ? t->trouble.text : NULL;
    arrange(t);
    ml_top_draw(&t->rows, t->sources, &t->look, &frame);
    int rc = frame.status;
    if (rc == ML_OK)
        ml_term_show(ml_buf_view(&frame));
    else
        ml_fail(e, rc, "cannot show '%s': %s", t->path, ml_status_text(rc));
    ml_buf_free(&frame);
    return rc;
}

/* What is left of the interval, ms. */
static int time_left(const struct top *t)
{
    uint64_t passed = (ml_now_ns() - t->look_ns) / 1000000;
    return passed < t->look.interval_ms ? (int)(t->look.interval_ms - passed) : 0;
}

static int watch(struct top *t, struct ml_error *e)
{
    int rc = ml_term_open(e);
    if (rc != ML_OK)
        return rc;
    for (bool on = true; on && rc == ML_OK;) {
        bool now = false;
        rc = draw(t, e);
        if (rc != ML_OK)
            break;
        on = press(t, ml_term_wait(time_left(t)), &now);
        if (on && (now || time_left(t) == 0))
            rc = look(t, e);
    }
    ml_term_close();
    ml_term_obey();
    return rc;
}

/* --- anywhere else ----------------------------------------------------------------------------------- */

static int show_once(struct top *t, struct ml_error *e)
{
    struct ml_buf out = {0};
    t->look.width = ml_output_width(NULL);
    t->look.height = 0;
    arrange(t);
    (t->json ? ml_top_json : ml_top_draw)(&t->rows, t->sources, &t->look, &out);
    int rc = out.status == ML_OK ? ml_output_write(NULL, ml_buf_view(&out), e)
                                 : ml_fail(e, out.status, "cannot show '%s': %s", t->path,
                                           ml_status_text(out.status));
    ml_buf_free(&out);
    return rc;
}

/* --- arguments --------------------------------------------------------------------------------------- */

static int find_book(struct top *t, const char *word, struct ml_error *e)
{
    if (word == NULL)
        return ml_bookshelf_newest(t->path, sizeof t->path, e);
    char *end;
    unsigned long pid = strtoul(word, &end, 10);
    if (isdigit((unsigned char)word[0]) && *end == '\0' && pid <= INT32_MAX)
        return ml_book_of((int32_t)pid, t->path, sizeof t->path, e);
    if (strlen(word) >= sizeof t->path)
        return ml_fail(e, ML_ELIMIT, "path of the book is too long");
    strcpy(t->path, word);
    return ML_OK;
}

static int take_interval(struct top *t, const struct ml_args *a)
{
    char *end;
    double s = strtod(a->value, &end);
    if (end == a->value || *end != '\0' || !(s >= 0.1 && s <= 3600))
        return ml_args_fail(a, "option '--interval' takes 0.1 to 3600 seconds, not '%s'", a->value);
    t->look.interval_ms = (unsigned)(s * 1000 + 0.5);
    return ML_EXIT_OK;
}

static int take_lines(struct top *t, const struct ml_args *a)
{
    char *end;
    unsigned long n = strtoul(a->value, &end, 10);
    if (!isdigit((unsigned char)a->value[0]) || *end != '\0' || n == 0)
        return ml_args_fail(a, "option '--lines' takes a number from 1, not '%s'", a->value);
    t->look.most = n;
    return ML_EXIT_OK;
}

static int take_option(struct top *t, int id, const struct ml_args *a, int *color)
{
    int which = 0;
    int status = ML_EXIT_OK;
    switch (id) {
    case OPT_INTERVAL:
        return take_interval(t, a);
    case OPT_LINES:
        return take_lines(t, a);
    case OPT_SORT:
        status = ml_args_choice(a, "--sort", ml_top_key_words, &which);
        t->look.key = (enum ml_top_key)which;
        return status;
    case OPT_FILTER:
        t->filter_n = strnlen(a->value, sizeof t->filter);
        memcpy(t->filter, a->value, t->filter_n);
        return status;
    case OPT_ONCE:
        t->once = true;
        return status;
    case OPT_JSON:
        t->once = t->json = true;
        return status;
    default:
        return ml_args_choice(a, "--color", ml_color_words, color);
    }
}

static int run(struct top *t, const char *word, struct ml_error *e)
{
    int rc = find_book(t, word, e);
    if (rc == ML_OK)
        rc = look(t, e);
    if (rc != ML_OK)
        return rc;
    bool screen = !t->once && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    return screen ? watch(t, e) : show_once(t, e);
}

int ml_cmd_top(int argc, char **argv)
{
    static struct top t = {.look = {.interval_ms = 1000, .most = 20, .limit_kind = ""}};
    struct ml_args a;
    struct ml_error e;
    const char *word = NULL;
    int color = ML_COLOR_AUTO;
    ml_args_init(&a, &usage, argc, argv);
    for (int id; (id = ml_args_next(&a)) != ML_ARG_END;) {
        if (id == ML_ARG_HELP || id == ML_ARG_BAD)
            return ml_args_stop(&a, id);
        if (id == ML_ARG_WORD && word != NULL)
            return ml_args_fail(&a, "one process or book at a time, not also '%s'", a.value);
        if (id == ML_ARG_WORD) {
            word = a.value;
            continue;
        }
        int status = take_option(&t, id, &a, &color);
        if (status != ML_EXIT_OK)
            return status;
    }
    t.look.color = ml_output_colors(color, NULL);
    int rc = run(&t, word, &e);
    ml_sources_free(t.sources);
    ml_top_rows_free(&t.rows);
    if (rc == ML_OK)
        return ML_EXIT_OK;
    ml_error_print(&e);
    return ML_EXIT_FAILED;
}
