/* kql/sql_join.c -- join, lookup and union; see sql.h.
 *
 * ClickHouse's joins pass over NULL keys, so each key becomes two columns without NULL: whether it is one, and its value
 * (a real has a third, for NaN). A marker column tells which side of an outer join is missing. Semi and anti joins are
 * IN over the keys. SPDX-License-Identifier: MIT */
#include "kql/sql.h"

struct side {
    struct ml_sql_rel r; /* around the input: its columns, then the marker, then the keys */
    struct ml_str mark;
    struct ml_str keys; /* names, comma-separated */
};

/* The columns of one key. */
static uint32_t key_columns(struct ml_sql *s, struct ml_sql_col k, bool null,
                            struct ml_sql_col *out)
{
    uint32_t n = 0;
    struct ml_str v = k.sql;
    enum ml_type t = k.type;
    if (null) {
        out[n++] = ml__sql_made(ML_T_BOOL, false,
                                k.null ? ml__sql_printf(s, "isNull(%.*s)", ML_SQL(v))
                                       : ML_STR("toUInt8(0)"));
        if (k.null)
            v = ml__sql_printf(s, t == ML_T_GUID ? "ifNull(%.*s, '')" : "ifNull(%.*s, 0)",
                               ML_SQL(v));
    }
    if (t == ML_T_REAL) {
        out[n++] = ml__sql_made(ML_T_BOOL, false, ml__sql_printf(s, "isNaN(%.*s)", ML_SQL(v)));
        v = ml__sql_printf(s, "if(isNaN(%.*s), 0., toFloat64(%.*s) + 0.)", ML_SQL(v), ML_SQL(v));
    } else if (t == ML_T_INT) {
        v = ml__sql_printf(s, "toInt32(%.*s)", ML_SQL(v));
    } else if (t == ML_T_BOOL) {
        v = ml__sql_printf(s, "toUInt8(%.*s)", ML_SQL(v));
    } else if (t != ML_T_STRING && t != ML_T_GUID) {
        v = ml__sql_printf(s, "toInt64(%.*s)", ML_SQL(v));
    }
    out[n++] = ml__sql_made(t, false, v);
    return n;
}

static bool side_of(struct ml_sql *s, const struct ml_plan *p, uint32_t which,
                    const struct ml_sql_rel *in, const bool *nulls, const struct ml_str *as,
                    uint32_t nkeys, struct side *out)
{
    uint32_t width = in->n + 1 + 3 * p->nkeys;
    struct ml_sql_col *cols = ml__sql_cols(s, width);
    struct ml_str *names = ml_arena_alloc(s->rt->arena, (size_t)width + 1, sizeof *names);
    struct ml_buf keys = {0};
    if (cols == NULL || names == NULL) {
        ml__rt_nomem(s->rt);
        return false;
    }
    out->r = (struct ml_sql_rel){.cols = ml__sql_cols(s, in->n), .n = in->n};
    uint32_t at = 0;
    for (uint32_t i = 0; i < in->n; i++) {
        bool needed = p->in[which]->need == NULL || p->in[which]->need[i];
        out->r.cols[i] = needed ? in->cols[i] : ml__sql_null(s, in->cols[i].type);
        if (ml__sql_is_null(out->r.cols[i]))
            continue;
        cols[at] = in->cols[i];
        names[at] = ml__sql_new_name(s, p->in[which]->out.at[i].name);
        out->r.cols[i].sql = names[at++];
    }
    cols[at] = ml__sql_made(ML_T_BOOL, false, ML_STR("toUInt8(1)"));
    names[at++] = out->mark = ml__sql_new_name(s, ML_STR("here"));
    uint32_t first = at;
    for (uint32_t i = 0; i < p->nkeys && !ml__sql_failed(s); i++) {
        struct ml_sql_col k = ml__sql_expr(s, p->exprs[which * p->nkeys + i], in);
        at += key_columns(s, k, nulls[i], cols + at);
    }
    for (uint32_t i = 0; i < nkeys; i++) {
        names[first + i] = as[i];
        ml_buf_printf(&keys, "%s%.*s", i > 0 ? ", " : "", ML_SQL(as[i]));
    }
    out->keys = ml__sql_keep(s, &keys);
    struct ml_str tail = ML_STR("");
    if (which == 0 && p->join == ML_JOIN_INNERUNIQUE) { /* the first row of each key */
        struct ml_str order = ml__sql_order_by(s, in);
        tail = ml__sql_printf(s, "%.*s\nLIMIT 1 BY %.*s", ML_SQL(order), ML_SQL(out->keys));
    }
    out->r.from = ml__sql_subquery(s, ml__sql_select_text(s, in, cols, names, at, tail.p));
    return !ml__sql_failed(s);
}

/* Semi and anti: rows of one side whose keys are, or are not, on the other. */
static struct ml_sql_rel by_keys(struct ml_sql *s, const struct ml_plan *p, struct side *l,
                                 struct side *r)
{
    bool right = p->join == ML_JOIN_RIGHTSEMI || p->join == ML_JOIN_RIGHTANTI;
    bool anti = p->join == ML_JOIN_LEFTANTI || p->join == ML_JOIN_RIGHTANTI;
    struct side *kept = right ? r : l;
    struct side *other = right ? l : r;
    struct ml_str list = ml__sql_subquery(
        s, ml__sql_printf(s, "SELECT %.*s\nFROM %.*s", ML_SQL(other->keys), ML_SQL(other->r.from)));
    kept->r.where = ml__sql_printf(s, "(%.*s) %s %.*s", ML_SQL(kept->keys), anti ? "NOT IN" : "IN",
                                   ML_SQL(list));
    struct ml_sql_rel out = kept->r;
    uint32_t width = p->in[0]->out.n;
    out.n = p->out.n;
    out.cols = ml__sql_cols(s, out.n);
    for (uint32_t i = 0; out.cols != NULL && i < out.n; i++)
        out.cols[i] = kept->r.cols[(uint32_t)p->map[i] - (right ? width : 0)];
    return out;
}

/* A column of a side that may be missing. */
static struct ml_sql_col outer(struct ml_sql *s, struct ml_sql_col c, struct ml_str mark,
                               bool missing)
{
    if (!missing || c.type == ML_T_STRING)
        return c; /* '' is ClickHouse's own default */
    if (!c.null)
        c.sql = ml__sql_printf(s, "if(%.*s = 1, %.*s, NULL)", ML_SQL(mark), ML_SQL(c.sql));
    c.null = true;
    return c;
}

struct ml_sql_rel ml__sql_join(struct ml_sql *s, const struct ml_plan *p)
{
    static const char *const kinds[] = {[ML_JOIN_INNERUNIQUE] = "INNER",
                                        [ML_JOIN_INNER] = "INNER",
                                        [ML_JOIN_LEFTOUTER] = "LEFT",
                                        [ML_JOIN_RIGHTOUTER] = "RIGHT",
                                        [ML_JOIN_FULLOUTER] = "FULL"};
    struct ml_sql_rel left = ml__sql_stage(s, p->in[0]);
    struct ml_sql_rel right = ml__sql_stage(s, p->in[1]);
    bool *nulls = ml_arena_alloc(s->rt->arena, (size_t)p->nkeys + 1, sizeof *nulls);
    struct ml_str *as = ml_arena_alloc(s->rt->arena, 3 * (size_t)p->nkeys + 1, sizeof *as);
    struct side l = {0};
    struct side r = {0};
    uint32_t n = 0;
    if (ml__sql_failed(s) || nulls == NULL || as == NULL)
        return left;
    for (uint32_t i = 0; i < p->nkeys && !ml__sql_failed(s); i++) {
        struct ml_sql_col x = ml__sql_expr(s, p->exprs[i], &left);
        nulls[i] = x.null || ml__sql_expr(s, p->exprs[p->nkeys + i], &right).null;
        for (uint32_t k = 0; k < 1u + nulls[i] + (x.type == ML_T_REAL); k++)
            as[n++] = ml__sql_new_name(s, ML_STR("key"));
    }
    if (!side_of(s, p, 0, &left, nulls, as, n, &l) || !side_of(s, p, 1, &right, nulls, as, n, &r))
        return left;
    if (p->join >= ML_JOIN_LEFTANTI)
        return by_keys(s, p, &l, &r);
    struct ml_sql_rel out = {.cols = ml__sql_cols(s, p->out.n), .n = p->out.n};
    uint32_t width = p->in[0]->out.n;
    bool no_left = p->join == ML_JOIN_RIGHTOUTER || p->join == ML_JOIN_FULLOUTER;
    bool no_right = p->join == ML_JOIN_LEFTOUTER || p->join == ML_JOIN_FULLOUTER;
    if (out.cols == NULL)
        return left;
    for (uint32_t i = 0; i < p->out.n; i++) {
        uint32_t from = (uint32_t)p->map[i];
        out.cols[i] = from < width ? outer(s, l.r.cols[from], l.mark, no_left)
                                   : outer(s, r.r.cols[from - width], r.mark, no_right);
    }
    struct ml_str left_name = ml__sql_new_name(s, ML_STR("left"));
    struct ml_str right_name = ml__sql_new_name(s, ML_STR("right"));
    out.from = ml__sql_printf(s, "%.*s AS %.*s ALL %s JOIN %.*s AS %.*s USING (%.*s)",
                              ML_SQL(l.r.from), ML_SQL(left_name), kinds[p->join], ML_SQL(r.r.from),
                              ML_SQL(right_name), ML_SQL(l.keys));
    /* A SELECT of its own: a further join must not see this one's keys. */
    return ml__sql_select(s, &out, &p->out, out.cols, out.n, "");
}

/* A leg's column i: its own, the name of the leg, or nothing. */
static struct ml_sql_col leg_column(struct ml_sql *s, const struct ml_plan *p, uint32_t leg,
                                    uint32_t i, const struct ml_sql_rel *in)
{
    int32_t from = p->map[leg * p->out.n + i];
    struct ml_buf text = {0};
    if (from >= 0)
        return in->cols[from];
    if (i > 0 || p->sources == NULL)
        return ml__sql_null(s, p->out.at[i].type);
    ml__sql_string(&text, p->sources[leg]);
    return ml__sql_made(ML_T_STRING, false, ml__sql_keep(s, &text));
}

/* SELECTs of all legs with the same columns, of the same types; those that nobody reads are left out. */
struct ml_sql_rel ml__sql_union(struct ml_sql *s, const struct ml_plan *p)
{
    uint32_t n = p->out.n;
    struct ml_sql_rel out = {.cols = ml__sql_cols(s, n), .n = n};
    struct ml_sql_col *all = ml__sql_cols(s, p->nin * n); /* leg by leg */
    struct ml_sql_col *list = ml__sql_cols(s, n);
    struct ml_sql_rel *in = ml_arena_alloc(s->rt->arena, p->nin, sizeof *in);
    struct ml_str *as = ml_arena_alloc(s->rt->arena, (size_t)n + 1, sizeof *as);
    struct ml_buf b = {0};
    if (out.cols == NULL || all == NULL || list == NULL || in == NULL || as == NULL) {
        ml__rt_nomem(s->rt);
        return out;
    }
    for (uint32_t leg = 0; leg < p->nin; leg++) {
        in[leg] = ml__sql_stage(s, p->in[leg]);
        if (ml__sql_failed(s))
            return out;
        for (uint32_t i = 0; i < n; i++) {
            all[leg * n + i] = leg_column(s, p, leg, i, &in[leg]);
            out.cols[i].null |= all[leg * n + i].null;
        }
    }
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool needed = p->need == NULL || p->need[i];
        if (needed)
            out.cols[i] = (struct ml_sql_col){ml__sql_new_name(s, p->out.at[i].name),
                                              p->out.at[i].type, out.cols[i].null};
        else
            out.cols[i] = ml__sql_null(s, p->out.at[i].type);
        if (needed)
            as[k++] = out.cols[i].sql;
    }
    for (uint32_t leg = 0; leg < p->nin; leg++) {
        k = 0;
        for (uint32_t i = 0; i < n; i++)
            if (p->need == NULL || p->need[i]) {
                struct ml_sql_col c = all[leg * n + i];
                c.sql = ml__sql_printf(s, "CAST(%.*s AS %s)", ML_SQL(c.sql),
                                       ml__sql_type(out.cols[i].type, out.cols[i].null));
                list[k++] = c;
            }
        ml_buf_cstr(&b, leg > 0 ? "\nUNION ALL\n" : "");
        ml_buf_str(&b, ml__sql_select_text(s, &in[leg], list, as, k, ""));
    }
    out.from = ml__sql_subquery(s, ml__sql_keep(s, &b));
    return out;
}
