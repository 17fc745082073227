/* cli/top_draw.c -- see top_draw.h. SPDX-License-Identifier: MIT */
#include "cli/top_draw.h"

#include "core/heap_format.h"
#include "report/decode.h"
#include "report/size.h"

#include <stdio.h>

enum {
    HEAD_LINES = 5,
    FOOT_LINES = 1,
    GAP = 2,
    SOURCE_LEAST = 16,
    WHERE_LEAST = 16,
    WHERE_MOST = 44
};

const char *const ml_top_state_words[] = {
    [ML_TOP_RUNNING] = "running",
    [ML_TOP_ENDED] = "ended",
    [ML_TOP_KILLED] = "killed",
    [ML_TOP_UNKNOWN] = "not ours to see",
};

static const char *const key_names[] = {"auto", "held", "net", "peak", "allocated", "RSS", "hits"};

static const char BOLD[] = "\033[1m";
static const char DIM[] = "\033[2m";
static const char REVERSE[] = "\033[7m";
static const char WARN[] = "\033[1;31m";
static const char PLAIN[] = "\033[0m";

/* --- a line of the screen -------------------------------------------------------------------------- */

struct pen {
    const struct ml_top_look *look;
    struct ml_buf *out;
    size_t used;  /* columns */
    size_t lines; /* ended */
};

static void style(struct pen *p, const char *sequence)
{
    if (p->look->color)
        ml_buf_cstr(p->out, sequence);
}

/* As much as there is room for. */
static void put(struct pen *p, struct ml_str s)
{
    size_t room = p->look->width == 0 ? 0 : p->look->width - p->used;
    if (p->look->width == 0 || room > 0)
        p->used += ml_decode_print(s, room, p->out);
}

static void put_text(struct pen *p, const char *s)
{
    put(p, ml_str_of(s));
}

static void putf(struct pen *p, const char *fmt, ...) ML_PRINTF(2, 3);
static void putf(struct pen *p, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    put_text(p, text);
}

static void pad_to(struct pen *p, size_t column)
{
    size_t most = p->look->width != 0 && column > p->look->width ? p->look->width : column;
    if (p->used < most) {
        ml_buf_fill(p->out, ' ', most - p->used);
        p->used = most;
    }
}

static void end_line(struct pen *p)
{
    bool screen = p->look->height != 0;
    if (!screen)
        while (p->out->n > 0 && p->out->p[p->out->n - 1] == ' ')
            p->out->n--;
    p->lines++;
    if (!screen || p->lines < p->look->height)
        ml_buf_char(p->out, '\n');
    p->used = 0;
}

/* --- figures --------------------------------------------------------------------------------------- */

static void print_rate(char *out, size_t n, double per_s)
{
    char size[ML_SIZE_MAX];
    const double most = 9e18;
    double v = per_s > most ? most : per_s < -most ? -most : per_s;
    ml_size_print_change(size, (int64_t)v, ML_UNIT_AUTO);
    ml_size_trim(size);
    if ((int64_t)v == 0)
        snprintf(out, n, "0");
    else
        snprintf(out, n, "%s/s", size);
}

static void print_change(char *out, size_t n, int64_t bytes)
{
    char size[ML_SIZE_MAX];
    ml_size_print_change(size, bytes, ML_UNIT_AUTO);
    snprintf(out, n, "%s", size);
}

static void print_size(char *out, size_t n, uint64_t bytes)
{
    char size[ML_SIZE_MAX];
    ml_size_print(size, bytes, ML_UNIT_AUTO);
    snprintf(out, n, "%s", size);
}

static void print_count(char *out, size_t n, double count)
{
    static const char units[] = {' ', 'k', 'M', 'G', 'T', 'P', 'E'};
    size_t u = 0;
    if (count < 1e7) {
        snprintf(out, n, "%.0f", count);
        return;
    }
    while (count >= 1000 && u + 1 < sizeof units) {
        count /= 1000;
        u++;
    }
    snprintf(out, n, "%.1f%c", count, units[u]);
}

/* --- columns --------------------------------------------------------------------------------------- */

static void held(const struct ml_top_row *r, char *out, size_t n)
{
    print_change(out, n, ml_heap_held(&r->heap));
}

static void held_rate(const struct ml_top_row *r, char *out, size_t n)
{
    print_rate(out, n, r->held_rate);
}

static void net(const struct ml_top_row *r, char *out, size_t n)
{
    print_change(out, n, r->heap.net_bytes);
}

static void peak(const struct ml_top_row *r, char *out, size_t n)
{
    print_size(out, n, r->heap.peak_bytes);
}

static void alloc(const struct ml_top_row *r, char *out, size_t n)
{
    print_size(out, n, r->heap.alloc_bytes);
}

static void alloc_rate(const struct ml_top_row *r, char *out, size_t n)
{
    print_rate(out, n, r->alloc_rate);
}

static void rss(const struct ml_top_row *r, char *out, size_t n)
{
    print_change(out, n, r->rss_net_bytes);
}

static void rss_rate(const struct ml_top_row *r, char *out, size_t n)
{
    print_rate(out, n, r->rss_rate);
}

static void rss_max(const struct ml_top_row *r, char *out, size_t n)
{
    print_size(out, n, r->rss_max_bytes);
}

static void hits(const struct ml_top_row *r, char *out, size_t n)
{
    print_count(out, n, (double)r->hits);
}

static void hits_rate(const struct ml_top_row *r, char *out, size_t n)
{
    print_count(out, n, r->hits_rate < 0 ? 0 : r->hits_rate);
}

/* In the order in which they stand. Where there is no room for all, those of higher rank go. */
static const struct column {
    const char *head;
    int width;
    int rank;
    enum ml_top_key key; /* that sorts by it; AUTO: none */
    bool heap;           /* only with heap figures */
    bool line;           /* only without */
    bool rate;
    void (*print)(const struct ml_top_row *r, char *out, size_t n);
} columns[] = {
    {"Held", 11, 0, ML_TOP_HELD, true, false, false, held},
    {"Held/s", 13, 1, ML_TOP_AUTO, true, false, true, held_rate},
    {"Net", 11, 3, ML_TOP_NET, true, false, false, net},
    {"Peak", 10, 2, ML_TOP_PEAK, true, false, false, peak},
    {"Allocated", 10, 4, ML_TOP_ALLOC, true, false, false, alloc},
    {"Alloc/s", 13, 5, ML_TOP_AUTO, true, false, true, alloc_rate},
    {"Net RSS", 11, 6, ML_TOP_RSS, true, false, false, rss},
    {"Net RSS", 11, 0, ML_TOP_RSS, false, true, false, rss},
    {"RSS/s", 13, 1, ML_TOP_AUTO, false, true, true, rss_rate},
    {"Max RSS", 10, 3, ML_TOP_AUTO, false, true, false, rss_max},
    {"Hits", 7, 2, ML_TOP_HITS, false, true, false, hits},
    {"Hits", 7, 7, ML_TOP_HITS, true, false, false, hits},
    {"Hits/s", 7, 8, ML_TOP_AUTO, false, false, true, hits_rate},
};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

struct layout {
    bool shown[N_COLUMNS];
    size_t figures; /* columns of the screen that they take */
    size_t where;
};

static bool is_possible(const struct column *c, const struct ml_top_rows *t)
{
    return !(c->heap && !t->has_heap) && !(c->line && t->has_heap) && !(c->rate && !t->has_rates);
}

/* The sort column first, then by rank, as long as they leave room for where and source. */
static void lay_out(const struct ml_top_rows *t, const struct ml_top_look *look, struct layout *l)
{
    enum ml_top_key key = ml_top_key_of(t, look->key);
    size_t room = look->width == 0 ? SIZE_MAX
                  : look->width > WHERE_LEAST + SOURCE_LEAST
                      ? look->width - WHERE_LEAST - SOURCE_LEAST
                      : 0;
    *l = (struct layout){0};
    for (int rank = -1; rank < N_COLUMNS; rank++)
        for (size_t i = 0; i < N_COLUMNS; i++) {
            const struct column *c = &columns[i];
            bool turn = rank < 0 ? c->key == key : c->rank == rank;
            size_t need = (size_t)c->width + GAP;
            if (!turn || l->shown[i] || !is_possible(c, t) || l->figures + need > room)
                continue;
            l->shown[i] = true;
            l->figures += need;
        }
}

/* --- where ----------------------------------------------------------------------------------------- */

static void print_where(const struct ml_top_row *r, struct ml_buf *out)
{
    const char *slash = r->file.n > 0 ? memrchr(r->file.p, '/', r->file.n) : NULL;
    struct ml_str name = r->file;
    if (slash != NULL)
        name = (struct ml_str){slash + 1, r->file.n - (size_t)(slash + 1 - r->file.p)};
    ml_buf_clear(out);
    if (r->file.n > 0) {
        ml_buf_str(out, name);
        ml_buf_printf(out, ":%u ", r->line);
    }
    ml_buf_str(out, r->function);
}

static size_t last_row(const struct ml_top_rows *t, const struct ml_top_look *look)
{
    size_t n = look->height == 0 ? look->most : ml_top_page(look);
    return t->n_shown - look->first < n ? t->n_shown : look->first + n;
}

static size_t where_width(const struct ml_top_rows *t, const struct ml_top_look *look,
                          struct ml_buf *text, struct ml_buf *scratch)
{
    size_t widest = WHERE_LEAST;
    size_t most = look->width / 3 > WHERE_LEAST ? look->width / 3 : WHERE_LEAST;
    most = look->width == 0 || most > WHERE_MOST ? WHERE_MOST : most;
    for (size_t i = look->first; i < last_row(t, look); i++) {
        print_where(t->shown[i], text);
        ml_buf_clear(scratch);
        size_t n = ml_decode_print(ml_buf_view(text), 0, scratch);
        widest = n > widest ? n : widest;
    }
    return widest > most ? most : widest;
}

/* --- rows ------------------------------------------------------------------------------------------ */

static struct ml_str unindent(struct ml_str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = (struct ml_str){s.p + 1, s.n - 1};
    return s;
}

static void draw_heads(struct pen *p, const struct layout *l, enum ml_top_key key)
{
    style(p, REVERSE);
    for (size_t i = 0; i < N_COLUMNS; i++) {
        if (!l->shown[i])
            continue;
        bool sorted = columns[i].key == key;
        pad_to(p,
               p->used + (size_t)columns[i].width + GAP - strlen(columns[i].head) - (size_t)sorted);
        putf(p, "%s%s", sorted ? ">" : "", columns[i].head);
    }
    pad_to(p, p->used + GAP);
    size_t start = p->used;
    put_text(p, "Where");
    pad_to(p, start + l->where + GAP);
    put_text(p, "Source");
    if (p->look->height != 0)
        pad_to(p, p->look->width);
    style(p, PLAIN);
    end_line(p);
}

/* Where, then the source; both cut to their room. */
static void draw_place(struct pen *p, const struct layout *l, const struct ml_top_row *r,
                       struct ml_sources *sources, struct ml_buf *text)
{
    struct ml_buf cut = {0};
    pad_to(p, p->used + GAP);
    size_t start = p->used;
    print_where(r, text);
    ml_decode_print(ml_buf_view(text), l->where, &cut);
    put(p, ml_buf_view(&cut));
    ml_buf_free(&cut);
    if (r->file.n == 0)
        return;
    pad_to(p, start + l->where + GAP);
    put(p, unindent(ml_sources_line(sources, r->file, r->line)));
}

static void draw_row(struct pen *p, const struct layout *l, const struct ml_top_row *r,
                     enum ml_top_key key, struct ml_sources *sources, struct ml_buf *text)
{
    char cell[64];
    for (size_t i = 0; i < N_COLUMNS; i++) {
        if (!l->shown[i])
            continue;
        columns[i].print(r, cell, sizeof cell);
        bool sorted = columns[i].key == key;
        if (sorted)
            style(p, BOLD);
        putf(p, "%*s%*s", GAP, "", columns[i].width, cell);
        if (sorted)
            style(p, PLAIN);
    }
    draw_place(p, l, r, sources, text);
    end_line(p);
}

/* --- head and foot --------------------------------------------------------------------------------- */

static void draw_title(struct pen *p, const struct ml_top_rows *t)
{
    const char *state = ml_top_state_words[p->look->state];
    struct ml_str command = ml_snapshot_meta(t->snapshot, ML_STR("command"));
    struct ml_buf cut = {0};
    size_t width = p->look->width != 0 ? p->look->width : 80;
    size_t room = width > strlen(state) + 3 ? width - strlen(state) - 3 : 1;
    style(p, BOLD);
    ml_decode_print(command.n > 0 ? command : ML_STR("memline"), room, &cut);
    put(p, ml_buf_view(&cut));
    ml_buf_free(&cut);
    style(p, PLAIN);
    pad_to(p, width - strlen(state));
    style(p, p->look->state == ML_TOP_KILLED ? WARN : BOLD);
    put_text(p, state);
    style(p, PLAIN);
    end_line(p);
}

static const char *mode_words(const struct ml_top_rows *t)
{
    if (!t->has_heap)
        return "lines only";
    switch (t->heap.mode) {
    case ML_HEAP_EXACT:
        return "exact heap";
    case ML_HEAP_SAMPLE:
        return "sampled heap";
    default:
        return "heap accounting off";
    }
}

static void draw_facts(struct pen *p, const struct ml_top_rows *t)
{
    const struct ml_top_look *look = p->look;
    unsigned long long s = look->elapsed_ns / 1000000000u;
    putf(p, "pid %llu  %s  up %llu:%02llu:%02llu", (unsigned long long)ml_snapshot_pid(t->snapshot),
         mode_words(t), s / 3600, s / 60 % 60, s % 60);
    if (look->height != 0)
        putf(p, "  every %g s", look->interval_ms / 1000.0);
    putf(p, "  by %s  %zu line%s", key_names[ml_top_key_of(t, look->key)], t->n_shown,
         t->n_shown == 1 ? "" : "s");
    if (look->filter.n > 0)
        putf(p, "  with '%.*s'", (int)look->filter.n, look->filter.p);
    end_line(p);
}

static void put_amount(struct pen *p, const char *name, uint64_t bytes, double rate, bool has_rate)
{
    char text[64];
    print_size(text, sizeof text, bytes);
    ml_size_trim(text);
    putf(p, "%s%s %s", p->used > 0 ? "   " : "", name, text);
    print_rate(text, sizeof text, rate);
    if (has_rate)
        putf(p, " %s", text);
}

static void draw_totals(struct pen *p, const struct ml_top_rows *t)
{
    const struct ml_top_look *look = p->look;
    char text[64];
    if (look->rss_bytes != 0)
        put_amount(p, "RSS", look->rss_bytes, look->rss_rate, t->has_rates);
    if (t->has_heap) {
        /* The peak is noted now and then: the heap may be above it at this moment. */
        uint64_t live = t->heap.live_bytes > 0 ? (uint64_t)t->heap.live_bytes : 0;
        uint64_t peak = t->heap.peak_bytes > 0 ? (uint64_t)t->heap.peak_bytes : 0;
        put_amount(p, "heap", live, t->heap_rate, t->has_rates);
        put_amount(p, "peak", peak > live ? peak : live, 0, false);
    }
    if (look->limit_bytes != 0) {
        double percent = 100.0 * (double)look->limit_use_bytes / (double)look->limit_bytes;
        print_size(text, sizeof text, look->limit_bytes);
        ml_size_trim(text);
        putf(p, "%s", p->used > 0 ? "   " : "");
        style(p, percent >= 80 ? WARN : "");
        putf(p, "limit %.0f %% of %s (%s)", percent, text, look->limit_kind);
        style(p, percent >= 80 ? PLAIN : "");
    }
    end_line(p);
}

static void draw_foot(struct pen *p)
{
    const struct ml_top_look *look = p->look;
    if (look->editing) {
        putf(p, "filter: %.*s_", (int)look->filter.n, look->filter.p);
    } else if (look->message != NULL) {
        style(p, WARN);
        put_text(p, look->message);
        style(p, PLAIN);
    } else {
        style(p, DIM);
        put_text(p,
                 "q quit  by h held n net p peak a allocated r RSS i hits  / filter  + - interval");
        style(p, PLAIN);
    }
    end_line(p);
}

size_t ml_top_page(const struct ml_top_look *look)
{
    return look->height > HEAD_LINES + FOOT_LINES ? look->height - HEAD_LINES - FOOT_LINES : 0;
}

/* The lines of the screen's top part that there is room for; a screen may have two lines. */
static void draw_head(struct pen *p, const struct ml_top_rows *t, const struct layout *l)
{
    const struct ml_top_look *look = p->look;
    unsigned room = look->height == 0 ? UINT32_MAX : look->height - FOOT_LINES;
    if (room > 0)
        draw_title(p, t);
    if (room > 1)
        draw_facts(p, t);
    if (room > 2)
        draw_totals(p, t);
    if (room > 3)
        end_line(p);
    if (room > 4)
        draw_heads(p, l, ml_top_key_of(t, look->key));
}

void ml_top_draw(const struct ml_top_rows *t, struct ml_sources *sources,
                 const struct ml_top_look *look, struct ml_buf *out)
{
    struct pen p = {.look = look, .out = out};
    struct ml_buf text = {0};
    struct ml_buf scratch = {0};
    struct layout l;
    lay_out(t, look, &l);
    l.where = where_width(t, look, &text, &scratch);
    draw_head(&p, t, &l);
    enum ml_top_key key = ml_top_key_of(t, look->key);
    size_t end = last_row(t, look);
    for (size_t i = look->first; i < end && out->status == ML_OK; i++)
        draw_row(&p, &l, t->shown[i], key, sources, &text);
    if (look->height == 0 && end < t->n_shown) {
        putf(&p, "%zu more", t->n_shown - end);
        end_line(&p);
    }
    while (p.lines + FOOT_LINES < look->height)
        end_line(&p);
    if (look->height != 0)
        draw_foot(&p);
    if (text.status != ML_OK || scratch.status != ML_OK)
        out->status = ML_ENOMEM;
    ml_buf_free(&text);
    ml_buf_free(&scratch);
}
