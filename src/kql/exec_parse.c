/* kql/exec_parse.c -- parse and parse-where; see exec.h.
 *
 * A simple pattern is a row of byte searches: each literal is looked for from where the last one ended, and what lies between
 * is the column. Captures are views into the text. SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "kql/exec.h"
#include "kql/regex.h"
#include "kql/text.h"

enum { COLUMNS_MAX = 256 };

struct parser {
    struct ml_exec x;
    struct ml_regex *regex;
    unsigned *groups; /* regex group of each new column */
};

/* One column set back to "not found" counts as such in a typed conversion. */
struct captures {
    struct ml_str at[COLUMNS_MAX];
};

/* Where the item's literal starts at or after `from`; NULL: nowhere. */
static const char *find_literal(struct ml_str text, size_t from, struct ml_str literal)
{
    if (literal.n == 0)
        return text.p + from;
    return memmem(text.p + from, text.n - from, literal.p, literal.n);
}

/* Bytes of the number that the text starts with. */
static size_t number_length(struct ml_str s, enum ml_type t)
{
    size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    if (t != ML_T_REAL)
        return i;
    if (i < s.n && s.p[i] == '.')
        for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
            ;
    size_t e = i + 1;
    if (i < s.n && (s.p[i] | 0x20) == 'e') {
        e += e < s.n && (s.p[e] == '-' || s.p[e] == '+');
        if (e < s.n && s.p[e] >= '0' && s.p[e] <= '9')
            for (i = e; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
                ;
    }
    return i;
}

/* False: the text does not have the pattern's shape. */
static bool match_simple(const struct ml_parse_spec *spec, struct ml_str text, struct captures *cap)
{
    size_t at = 0;
    int32_t open = -1; /* column that waits for its end */
    size_t open_at = 0;
    enum ml_type open_type = ML_T_STRING;
    if (text.p == NULL)
        text.p = "";
    for (uint32_t i = 0; i < spec->n; i++) {
        const struct ml_parse_item *item = &spec->items[i];
        const char *hit = text.p + at;
        bool fixed = i == 0 && !item->skip; /* must stand here */
        if (item->literal.n > 0) {
            if (fixed) {
                if (!ml_str_starts(text, item->literal))
                    return false;
            } else if ((hit = find_literal(text, at, item->literal)) == NULL) {
                return false;
            }
        }
        size_t start = (size_t)(hit - text.p);
        if (open >= 0 && item->skip && open_type != ML_T_STRING) {
            /* a number takes its digits, '*' the rest; the literal comes after them */
            size_t end = open_at +
                         number_length((struct ml_str){text.p + open_at, text.n - open_at},
                                       open_type);
            cap->at[open] = (struct ml_str){text.p + open_at, end - open_at};
            if (start < end) {
                hit = find_literal(text, end, item->literal);
                if (hit == NULL)
                    return false;
                start = (size_t)(hit - text.p);
            }
        } else if (open >= 0) {
            cap->at[open] = (struct ml_str){text.p + open_at, start - open_at};
        }
        at = start + item->literal.n;
        open = item->column;
        open_at = at;
        open_type = item->type;
    }
    if (open >= 0 && spec->tail && open_type != ML_T_STRING) {
        struct ml_str rest = {text.p + open_at, text.n - open_at};
        cap->at[open] = (struct ml_str){rest.p, number_length(rest, open_type)};
        return true;
    }
    if (open >= 0) {
        cap->at[open] = (struct ml_str){text.p + open_at, text.n - open_at};
        return true;
    }
    return spec->tail || at == text.n || spec->n == 0;
}

/* 1 matches, 0 not, negative ML_E. */
static int match_regex(struct parser *p, struct ml_str text, struct captures *cap)
{
    const struct ml_parse_spec *spec = p->x.plan->parse;
    int rc = ml_regex_find(p->regex, text, 0);
    if (rc < 0)
        return ml__rt_fail(p->x.rt, NULL, "ML206", "a regular expression took too long");
    for (uint32_t i = 0; rc == 1 && i < spec->ncolumns; i++) {
        size_t from = 0;
        size_t to = 0;
        ml_regex_span(p->regex, p->groups[i], &from, &to);
        cap->at[i] = (struct ml_str){text.p + from, to - from};
    }
    return rc;
}

static int open_parse(struct ml_exec *x)
{
    struct parser *p = (struct parser *)x;
    const struct ml_parse_spec *spec = x->plan->parse;
    struct ml_error e;
    if (spec->ncolumns > COLUMNS_MAX)
        return ml__rt_fail(x->rt, NULL, "ML203", "more than %d columns in a pattern", COLUMNS_MAX);
    if (spec->regex.n == 0)
        return ML_OK;
    if (ml_regex_new(spec->regex, spec->flags, &p->regex, &e) != ML_OK)
        return ml__rt_regex(x->rt, x->plan->exprs[0]->node, &e);
    p->groups = ml_arena_alloc(&x->keep, spec->ncolumns, sizeof *p->groups);
    if (p->groups == NULL)
        return ml__rt_nomem(x->rt);
    for (uint32_t i = 0; i < spec->ncolumns; i++) {
        struct ml_buf b = {0};
        ml_buf_printf(&b, "mlc%u", i);
        p->groups[i] = ml_regex_group(p->regex, ml_buf_view(&b));
        ml_buf_free(&b);
        if (p->groups[i] == 0)
            return ml__rt_nomem(x->rt); /* the pattern has the group: its name could not be made */
    }
    return ML_OK;
}

/* Captures to typed cells; false: one did not convert, and the kind asks for all. */
static bool convert(struct ml_exec *x, const struct captures *cap, struct ml_val *vals)
{
    const struct ml_parse_spec *spec = x->plan->parse;
    for (uint32_t i = 0; i < spec->ncolumns; i++) {
        vals[i] = ml_val_str(cap->at[i]);
        if (spec->types[i] == ML_T_STRING)
            continue;
        vals[i] = spec->types[i] == ML_T_DYNAMIC
                      ? ml_json_or_string(&x->batch, cap->at[i])
                      : ml_val_cast(&x->batch, &vals[i], false, spec->types[i]);
        if (vals[i].null && !spec->relaxed)
            return false;
    }
    return true;
}

static int parse_rows(struct parser *p, const struct ml_column *text, size_t n,
                      struct ml_column *made, uint32_t *keep, size_t *kept)
{
    struct ml_exec *x = &p->x;
    const struct ml_parse_spec *spec = x->plan->parse;
    struct captures cap;
    struct ml_val vals[COLUMNS_MAX];
    for (size_t r = 0; r < n; r++) {
        struct ml_str s = text->s[text->constant ? 0 : r];
        int ok = p->regex != NULL ? match_regex(p, s, &cap) : match_simple(spec, s, &cap);
        if (ok < 0)
            return ok;
        bool found = ok == 1 && convert(x, &cap, vals);
        for (uint32_t i = 0; i < spec->ncolumns; i++) {
            if (!found)
                vals[i] = ml_val_null(spec->types[i]);
            ml_column_set(&made[i], r, &vals[i]);
        }
        if (found || !spec->drop)
            keep[(*kept)++] = (uint32_t)r;
    }
    return ML_OK;
}

static int next_parse(struct ml_exec *x, struct ml_batch *out)
{
    struct parser *p = (struct parser *)x;
    const struct ml_parse_spec *spec = x->plan->parse;
    for (;;) {
        struct ml_batch in;
        struct ml_column text;
        struct ml_ecx cx = {x->rt, &x->batch};
        size_t kept = 0;
        ml_arena_reset(&x->batch);
        int rc = ml__exec_next(x->in[0], &in);
        if (rc != ML_OK || in.n == 0)
            return rc;
        if ((rc = ml__eval(&cx, x->plan->exprs[0], &in, &text)) != ML_OK)
            return rc;
        struct ml_column *made = ml_arena_alloc(&x->batch, spec->ncolumns, sizeof *made);
        uint32_t *keep = ml_arena_raw(&x->batch, in.n, sizeof *keep);
        if (made == NULL || keep == NULL || !ml__batch_init(out, &x->batch, x->plan->out.n))
            return ml__rt_nomem(x->rt);
        for (uint32_t i = 0; i < spec->ncolumns; i++)
            if (!ml_column_init_nulls(&made[i], &x->batch, spec->types[i], in.n))
                return ml__rt_nomem(x->rt);
        if ((rc = parse_rows(p, &text, in.n, made, keep, &kept)) != ML_OK)
            return rc;
        memcpy(out->cols, in.cols, in.ncols * sizeof *in.cols);
        for (uint32_t i = 0; i < spec->ncolumns; i++)
            out->cols[spec->place[i]] = made[i];
        out->n = in.n;
        if (kept == in.n)
            return ML_OK;
        for (size_t i = 0; i < out->ncols; i++) {
            struct ml_column all = out->cols[i];
            if (!ml_column_gather(&all, &x->batch, keep, kept, &out->cols[i]))
                return ml__rt_nomem(x->rt);
        }
        out->n = kept;
        if (kept > 0)
            return ML_OK;
    }
}

static void close_parse(struct ml_exec *x)
{
    ml_regex_free(((struct parser *)x)->regex);
}

const struct ml_exec_ops ml__exec_parse = {
    .size = sizeof(struct parser), .open = open_parse, .next = next_parse, .close = close_parse};
