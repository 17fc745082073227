/* kql/diag.c -- see diag.h. SPDX-License-Identifier: MIT */
#include "kql/diag.h"

#include "base/utf8.h"

#include <stdio.h>

enum { SHOWN_MAX = 200 }; /* bytes of a source line that are shown */

void ml_diag_set(struct ml_diag *d, const char *code, uint32_t pos, uint32_t len, const char *fmt,
                 ...)
{
    if (ml_diag_is_set(d))
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(d->text, sizeof d->text, fmt, args);
    va_end(args);
    snprintf(d->code, sizeof d->code, "%s", code);
    d->hint[0] = '\0';
    d->pos = pos;
    d->len = len;
}

void ml_diag_hint(struct ml_diag *d, const char *fmt, ...)
{
    if (d->hint[0] != '\0')
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(d->hint, sizeof d->hint, fmt, args);
    va_end(args);
}

static size_t points(struct ml_str s)
{
    size_t n = 0;
    while (s.n > 0) {
        uint32_t point;
        size_t k = ml_utf8_next(s, &point);
        k = k != 0 ? k : 1;
        s = (struct ml_str){s.p + k, s.n - k};
        n++;
    }
    return n;
}

static struct ml_str line_at(struct ml_str query, size_t pos)
{
    size_t from = pos;
    size_t to = pos;
    while (from > 0 && query.p[from - 1] != '\n')
        from--;
    while (to < query.n && query.p[to] != '\n' && query.p[to] != '\r')
        to++;
    return (struct ml_str){query.p + from, to - from};
}

void ml_diag_place(struct ml_diag *d, struct ml_str query)
{
    if (d->pos > query.n)
        d->pos = (uint32_t)query.n;
    d->line = 1;
    for (size_t i = 0; i < d->pos; i++)
        d->line += query.p[i] == '\n';
    struct ml_str line = line_at(query, d->pos);
    size_t before = (size_t)(query.p + d->pos - line.p);
    d->column = (uint32_t)points((struct ml_str){line.p, before}) + 1;
}

void ml_diag_print(const struct ml_diag *d, struct ml_str query, struct ml_buf *out)
{
    ml_buf_printf(out, "kql: %s", d->text);
    if (query.n == 0) {
        ml_buf_char(out, '\n');
        if (d->hint[0] != '\0')
            ml_buf_printf(out, "  %s\n", d->hint);
        return;
    }
    ml_buf_printf(out, " at line %u, column %u\n", d->line, d->column);
    struct ml_str line = line_at(query, d->pos);
    size_t before = (size_t)(query.p + d->pos - line.p);
    if (line.n <= SHOWN_MAX) {
        size_t len = d->len < line.n - before ? d->len : line.n - before;
        size_t carets = points((struct ml_str){line.p + before, len});
        ml_buf_cstr(out, "    ");
        ml_buf_str(out, line);
        ml_buf_cstr(out, "\n    ");
        for (size_t i = 0; i < before;) { /* a tab stays a tab, so that the carets stand right */
            uint32_t point = 0;
            size_t k = ml_utf8_next((struct ml_str){line.p + i, before - i}, &point);
            ml_buf_fill(out, point == '\t' ? '\t' : ' ',
                        k == 0 || point == '\t' ? 1 : (size_t)ml_utf8_width(point));
            i += k != 0 ? k : 1;
        }
        ml_buf_fill(out, '^', carets > 0 ? carets : 1);
        ml_buf_char(out, '\n');
    }
    if (d->hint[0] != '\0')
        ml_buf_printf(out, "  %s\n", d->hint);
}
