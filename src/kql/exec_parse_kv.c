/* kql/exec_parse_kv.c -- parse-kv: "key=value" pairs to columns; see exec.h. SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "kql/exec.h"
#include "kql/regex.h"
#include "kql/text.h"

struct kv {
    struct ml_exec x;
    struct ml_regex *regex;
    struct ml_str *found; /* of the row at hand, by key */
    bool *has;
};

static struct ml_str trim(struct ml_str s)
{
    while (s.n > 0 && (*s.p == ' ' || (*s.p >= '\t' && *s.p <= '\r')))
        s = (struct ml_str){s.p + 1, s.n - 1};
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || (s.p[s.n - 1] >= '\t' && s.p[s.n - 1] <= '\r')))
        s.n--;
    return s;
}

/* The first occurrence of a key wins. */
static void note(struct kv *k, struct ml_str key, struct ml_str value)
{
    const struct ml_parse_spec *spec = k->x.plan->parse;
    for (uint32_t i = 0; i < spec->ncolumns; i++)
        if (!k->has[i] && ml_str_eq(spec->keys[i], key)) {
            k->has[i] = true;
            k->found[i] = value;
        }
}

static bool at_text(struct ml_str s, size_t i, struct ml_str what)
{
    return what.n > 0 && s.n - i >= what.n && memcmp(s.p + i, what.p, what.n) == 0;
}

/* A quoted value at i (at the opening quote): its text without escapes; the place after it. */
static size_t quoted(struct kv *k, struct ml_str s, size_t i, struct ml_str *value)
{
    const struct ml_parse_spec *spec = k->x.plan->parse;
    char *p = ml_arena_raw(&k->x.batch, s.n - i, 1);
    size_t n = 0;
    size_t at = i + 1;
    while (p != NULL && at < s.n && s.p[at] != spec->quote_close.p[0]) {
        if (at_text(s, at, spec->escape) && at + spec->escape.n < s.n)
            at += spec->escape.n;
        p[n++] = s.p[at++];
    }
    *value = (struct ml_str){p, n};
    return at < s.n ? at + 1 : at;
}

/* End of an unquoted value that starts at i. */
static size_t value_end(const struct ml_parse_spec *spec, struct ml_str s, size_t i)
{
    size_t end = i;
    while (end < s.n && !at_text(s, end, spec->pair))
        end += at_text(s, end, spec->escape) && end + spec->escape.n < s.n ? spec->escape.n + 1 : 1;
    if (!spec->is_greedy)
        return end;
    /* greedy: goes on until a pair delimiter after which a new key stands */
    while (end < s.n) {
        size_t j = end + 1;
        while (j < s.n && !at_text(s, j, spec->pair) && !at_text(s, j, spec->kv))
            j++;
        if (j < s.n && at_text(s, j, spec->kv))
            return end;
        end = j;
    }
    return end;
}

static struct ml_str unescape(struct kv *k, struct ml_str s)
{
    const struct ml_parse_spec *spec = k->x.plan->parse;
    if (spec->escape.n == 0 || memmem(s.p, s.n, spec->escape.p, spec->escape.n) == NULL)
        return s;
    char *p = ml_arena_raw(&k->x.batch, s.n, 1);
    size_t n = 0;
    for (size_t i = 0; p != NULL && i < s.n; i++) {
        if (at_text(s, i, spec->escape) && i + spec->escape.n < s.n)
            i += spec->escape.n;
        p[n++] = s.p[i];
    }
    return (struct ml_str){p, n};
}

static void split_row(struct kv *k, struct ml_str s)
{
    const struct ml_parse_spec *spec = k->x.plan->parse;
    size_t i = 0;
    while (i < s.n) {
        size_t key = i;
        while (i < s.n && !at_text(s, i, spec->kv) && !at_text(s, i, spec->pair))
            i++;
        if (i >= s.n)
            return;
        if (!at_text(s, i, spec->kv)) { /* no value: not a pair */
            i += spec->pair.n;
            continue;
        }
        struct ml_str name = trim((struct ml_str){s.p + key, i - key});
        if (name.n >= 2 && spec->quote_open.n > 0 && name.p[0] == spec->quote_open.p[0] &&
            name.p[name.n - 1] == spec->quote_close.p[0])
            name = (struct ml_str){name.p + 1, name.n - 2};
        i += spec->kv.n;
        size_t start = i;
        while (start < s.n && s.p[start] == ' ' && !at_text(s, start, spec->pair))
            start++;
        struct ml_str value;
        if (start < s.n && spec->quote_open.n > 0 && s.p[start] == spec->quote_open.p[0]) {
            i = quoted(k, s, start, &value);
            while (i < s.n && !at_text(s, i, spec->pair))
                i++;
        } else {
            size_t end = value_end(spec, s, i);
            value = unescape(k, trim((struct ml_str){s.p + i, end - i}));
            i = end;
        }
        note(k, name, value);
        i += i < s.n ? spec->pair.n : 1;
    }
}

static int regex_row(struct kv *k, struct ml_str s)
{
    size_t at = 0;
    while (at <= s.n) {
        size_t from[3] = {0};
        size_t to[3] = {0};
        int rc = ml_regex_find(k->regex, s, at);
        if (rc < 0)
            return ml__rt_fail(k->x.rt, NULL, "ML206", "a regular expression took too long");
        if (rc == 0)
            return ML_OK;
        for (unsigned g = 0; g < 3; g++)
            ml_regex_span(k->regex, g, &from[g], &to[g]);
        note(k, (struct ml_str){s.p + from[1], to[1] - from[1]},
             (struct ml_str){s.p + from[2], to[2] - from[2]});
        at = to[0] > at ? to[0] : at + 1;
    }
    return ML_OK;
}

static int open_kv(struct ml_exec *x)
{
    struct kv *k = (struct kv *)x;
    const struct ml_parse_spec *spec = x->plan->parse;
    struct ml_error e;
    k->found = ml_arena_alloc(&x->keep, spec->ncolumns, sizeof *k->found);
    k->has = ml_arena_alloc(&x->keep, spec->ncolumns, sizeof *k->has);
    if (k->found == NULL || k->has == NULL)
        return ml__rt_nomem(x->rt);
    if (spec->regex.n == 0)
        return ML_OK;
    if (ml_regex_new(spec->regex, 0, &k->regex, &e) != ML_OK)
        return ml__rt_regex(x->rt, x->plan->exprs[0]->node, &e);
    if (ml_regex_groups(k->regex) < 2)
        return ml__rt_fail(x->rt, x->plan->exprs[0]->node, "KS204",
                           "the regex needs two groups: key and value");
    return ML_OK;
}

static int next_kv(struct ml_exec *x, struct ml_batch *out)
{
    struct kv *k = (struct kv *)x;
    const struct ml_parse_spec *spec = x->plan->parse;
    struct ml_ecx cx = {x->rt, &x->batch};
    struct ml_batch in;
    struct ml_column text;
    int rc = ml__exec_next(x->in[0], &in);
    if (rc != ML_OK || in.n == 0)
        return rc;
    if ((rc = ml__eval(&cx, x->plan->exprs[0], &in, &text)) != ML_OK)
        return rc;
    if (!ml__batch_init(out, &x->batch, x->plan->out.n))
        return ml__rt_nomem(x->rt);
    memcpy(out->cols, in.cols, in.ncols * sizeof *in.cols);
    for (uint32_t i = 0; i < spec->ncolumns; i++)
        if (!ml_column_init_nulls(&out->cols[spec->place[i]], &x->batch, spec->types[i], in.n))
            return ml__rt_nomem(x->rt);
    for (size_t r = 0; r < in.n; r++) {
        struct ml_str s = text.s[text.constant ? 0 : r];
        memset(k->has, 0, spec->ncolumns * sizeof *k->has);
        if (k->regex != NULL)
            rc = regex_row(k, s);
        else
            split_row(k, s);
        if (rc != ML_OK)
            return rc;
        for (uint32_t i = 0; i < spec->ncolumns; i++) {
            struct ml_val v = ml_val_str(k->found[i]);
            if (!k->has[i])
                v = ml_val_null(spec->types[i]);
            else if (spec->types[i] == ML_T_DYNAMIC)
                v = ml_json_or_string(&x->batch, k->found[i]);
            else
                v = ml_val_cast(&x->batch, &v, false, spec->types[i]);
            ml_column_set(&out->cols[spec->place[i]], r, &v);
        }
    }
    out->n = in.n;
    return ML_OK;
}

static void close_kv(struct ml_exec *x)
{
    ml_regex_free(((struct kv *)x)->regex);
}

const struct ml_exec_ops ml__exec_parse_kv = {
    .size = sizeof(struct kv), .open = open_kv, .next = next_kv, .close = close_kv};
