/* kql/sql_aggregate.c -- summarize, distinct, count as GROUP BY; see sql.h and agg.def.
 *
 * Nulls are left out by ClickHouse too. What differs: sums and counts over nothing are 0 and averages NaN; a NaN wins in min
 * and max; lists need an order, which becomes a number that goes into the list and out of it again.
 * SPDX-License-Identifier: MIT */
#include "kql/sql.h"

#include "kql/agg.h"

struct group {
    const struct ml_agg_call *call;
    struct ml_sql_col x;  /* the first argument */
    struct ml_str filter; /* "" or ", condition" */
    const char *combine;  /* "" or "If" */
    struct ml_str row;    /* number of the row; empty: in no order */
    bool never_empty;     /* every group has a row */
};

/* fn(x), fnIf(x, condition) */
static struct ml_str plain(struct ml_sql *s, const struct group *g, const char *fn, struct ml_str x)
{
    return ml__sql_printf(s, "%s%s(%.*s%.*s)", fn, g->combine, ML_SQL(x), ML_SQL(g->filter));
}

static struct ml_str count_of(struct ml_sql *s, const struct group *g)
{
    struct ml_str n = plain(s, g, "count", g->x.sql);
    return g->x.null ? ml__sql_printf(s, "ifNull(%.*s, 0)", ML_SQL(n)) : n;
}

static struct ml_str sum_of(struct ml_sql *s, const struct group *g)
{
    struct ml_str sum = plain(s, g, "sum", g->x.sql);
    return g->x.null ? ml__sql_printf(s, "ifNull(%.*s, 0)", ML_SQL(sum)) : sum;
}

typedef struct ml_sql_col agg_fn(struct ml_sql *s, const struct group *g);

static struct ml_sql_col count(struct ml_sql *s, const struct group *g)
{
    const char *all = g->filter.n > 0 ? "toInt64(countIf(%.*s))" : "toInt64(count(%.*s))";
    struct ml_str f = g->filter.n > 2 ? (struct ml_str){g->filter.p + 2, g->filter.n - 2}
                                      : ML_STR("");
    return ml__sql_made(ML_T_LONG, false, ml__sql_printf(s, all, ML_SQL(f)));
}

static bool summable(struct ml_sql *s, const struct group *g)
{
    enum ml_type t = g->x.type;
    bool ok = ml_type_is_int(t) || t == ML_T_REAL || t == ML_T_TIMESPAN;
    if (!ok)
        ml__sql_refuse(s, g->call->node, "'%s' of a %s", g->call->agg->name, ml_type_name(t));
    return ok;
}

static struct ml_sql_col sum(struct ml_sql *s, const struct group *g)
{
    summable(s, g);
    return ml__sql_made(g->call->type, false,
                        ml__sql_printf(s,
                                       g->x.type == ML_T_REAL ? "toFloat64(%.*s)" : "toInt64(%.*s)",
                                       ML_SQL(sum_of(s, g))));
}

static struct ml_sql_col avg(struct ml_sql *s, const struct group *g)
{
    struct ml_str n = count_of(s, g);
    if (g->call->type == ML_T_REAL && summable(s, g))
        return ml__sql_made(
            ML_T_REAL, false,
            ml__sql_printf(s, "(toFloat64(%.*s) / %.*s)", ML_SQL(sum_of(s, g)), ML_SQL(n)));
    if (g->x.type != ML_T_DATETIME && g->x.type != ML_T_TIMESPAN)
        ml__sql_refuse(s, g->call->node, "'avg' of a %s", ml_type_name(g->x.type));
    ml__sql_too_old(s, g->call->node, "the average of times");
    struct group wide = *g;
    wide.x.sql = ml__sql_printf(s, "toInt128(%.*s)", ML_SQL(g->x.sql));
    return ml__sql_made(g->call->type, true,
                        ml__sql_printf(s,
                                       "if(%.*s = 0, NULL, toInt64(intDiv(%.*s, "
                                       "toInt128(greatest(%.*s, 1)))))",
                                       ML_SQL(n), ML_SQL(sum_of(s, &wide)), ML_SQL(n)));
}

static struct ml_sql_col extreme(struct ml_sql *s, const struct group *g)
{
    enum ml_type t = g->x.type;
    struct ml_str x = g->x.sql;
    bool null = g->x.null || (!g->never_empty && t != ML_T_STRING);
    if (t == ML_T_DYNAMIC)
        ml__sql_refuse(s, g->call->node, "'%s' of dynamic values", g->call->agg->name);
    if (null && !g->x.null) /* over nothing: NULL and not 0 */
        x = ml__sql_printf(s, "toNullable(%.*s)", ML_SQL(x));
    struct ml_str best = plain(s, g, g->call->agg->name, x);
    if (t == ML_T_REAL) {
        struct ml_str nan = ml__sql_printf(s, "toUInt8(ifNull(isNaN(%.*s), 0))", ML_SQL(g->x.sql));
        struct ml_str numbers = ml__sql_printf(s, "if(isNaN(%.*s), NULL, %.*s)", ML_SQL(x),
                                               ML_SQL(x));
        best = ml__sql_printf(s, "if(%.*s = 1, nan, %.*s)", ML_SQL(plain(s, g, "max", nan)),
                              ML_SQL(plain(s, g, g->call->agg->name, numbers)));
        null = true;
    }
    if (g->filter.n > 0 && t != ML_T_STRING) /* old servers give 0 where no row passes */
        best = ml__sql_printf(s, "if(%.*s = 0, NULL, %.*s)", ML_SQL(count_of(s, g)), ML_SQL(best));
    return ml__sql_made(g->call->type, null, best);
}

/* -0 and 0 are one value, and so are all NaN. */
static struct ml_str normal(struct ml_sql *s, struct ml_sql_col x)
{
    return x.type == ML_T_REAL
               ? ml__sql_printf(s, "if(isNaN(%.*s), nan, %.*s + 0.)", ML_SQL(x.sql), ML_SQL(x.sql))
               : x.sql;
}

static struct ml_sql_col dcount(struct ml_sql *s, const struct group *g)
{
    if (g->x.type == ML_T_DYNAMIC)
        ml__sql_refuse(s, g->call->node, "'%s' of dynamic values", g->call->agg->name);
    struct ml_str n = plain(s, g, "uniqExact", normal(s, g->x));
    return ml__sql_made(
        ML_T_LONG, false,
        ml__sql_printf(s, g->x.null ? "toInt64(ifNull(%.*s, 0))" : "toInt64(%.*s)", ML_SQL(n)));
}

/* Sample and population forms, rounded to ten decimals as the engine does. */
static struct ml_sql_col moment(struct ml_sql *s, const struct group *g)
{
    const char *name = g->call->agg->name;
    bool population = name[strlen(name) - 1] == 'p';
    bool root = name[0] == 's';
    if (!ml_type_is_int(g->x.type) && g->x.type != ML_T_REAL)
        ml__sql_refuse(s, g->call->node, "'%s' of a %s", name, ml_type_name(g->x.type));
    ml__sql_too_old(s, g->call->node, name);
    struct ml_str x = ml__sql_printf(s, "toFloat64(%.*s)", ML_SQL(g->x.sql));
    struct ml_str v = plain(s, g, population ? "varPopStable" : "varSampStable", x);
    struct ml_str r = ml__sql_printf(
        s,
        "if(%.*s <= %d, 0., arrayMap(v -> if(abs(v) < 1e5, roundBankers(v * 1e10) / 1e10, v), "
        "[assumeNotNull(%.*s)])[1])",
        ML_SQL(count_of(s, g)), !population, ML_SQL(v));
    return ml__sql_made(ML_T_REAL, false, root ? ml__sql_printf(s, "sqrt(%.*s)", ML_SQL(r)) : r);
}

static struct ml_sql_col one_percentile(struct ml_sql *s, const struct group *g,
                                        const struct ml_expr *p)
{
    struct ml_val want = ml_val_cast(s->rt->arena, &p->val, true, ML_T_REAL);
    struct ml_buf b = {0};
    enum ml_type t = g->x.type;
    if (p->kind != ML_E_CONST || want.null || !(ml_type_is_i64(t) || t == ML_T_REAL))
        ml__sql_refuse(s, g->call->node, "'%s' of these values", g->call->agg->name);
    ml__sql_value(s, ML_T_REAL, &want, &b);
    struct ml_str k = ml__sql_keep(s, &b);
    /* groupArray drops NULLs; NaN stands before all numbers. */
    struct ml_str all = plain(s, g, "groupArray", g->x.sql);
    struct ml_str sorted =
        t == ML_T_REAL
            ? ml__sql_printf(
                  s, "arrayConcat(arrayFilter(v -> isNaN(v), a), arraySort(arrayFilter(v -> "
                     "NOT isNaN(v), a)))")
            : ML_STR("arraySort(a)");
    return ml__sql_made(
        g->call->type, true,
        ml__sql_printf(
            s,
            "arrayMap(a -> if(empty(a), NULL, arrayElement(%.*s, toUInt32(least(greatest("
            "ceil(%.*s / 100 * length(a)), 1.), toFloat64(length(a)))))), [%.*s])[1]",
            ML_SQL(sorted), ML_SQL(k), ML_SQL(all)));
}

/* Values in the order of their rows, as JSON; NULLs are dropped, or kept. */
static struct ml_sql_col list(struct ml_sql *s, const struct group *g)
{
    const char *name = g->call->agg->name;
    bool set = strcmp(name, "make_set") == 0;
    bool nulls = strcmp(name, "make_list_with_nulls") == 0;
    const struct ml_node *at = g->call->node;
    struct ml_sql_col none = ml__sql_null(s, ML_T_DYNAMIC);
    long long limit = 1048576;
    if (g->call->n > 1) {
        const struct ml_expr *l = g->call->arg[1];
        if (l->kind != ML_E_CONST || l->val.null)
            ml__sql_refuse(s, at, "'%s' with a limit that is not constant", name);
        else
            limit = l->val.i < limit ? l->val.i : limit;
    }
    if (g->x.type == ML_T_DYNAMIC || (set && g->x.type == ML_T_REAL) || limit <= 0)
        ml__sql_refuse(s, at, "'%s' of %s values", name, ml_type_name(g->x.type));
    if (ml__sql_failed(s) || ml__sql_too_old(s, at, name))
        return none;
    struct ml_sql_col item = {ML_STR("v"), g->x.type, nulls && g->x.null};
    struct ml_str json = ml__sql_json_of(s, at, item);
    if (nulls)
        json = ml__sql_printf(s, "ifNull(%.*s, 'null')", ML_SQL(json));
    else
        json = ml__sql_printf(s, "assumeNotNull(%.*s)", ML_SQL(json));
    struct ml_buf b = {0};
    ml_buf_printf(&b, "groupArray%s((%.*s, %s(%.*s))", !nulls && g->x.null ? "If" : g->combine,
                  ML_SQL(g->row), nulls && g->x.null ? "" : "assumeNotNull", ML_SQL(g->x.sql));
    if (!nulls && g->x.null)
        ml_buf_printf(&b, ", isNotNull(%.*s)%s%.*s", ML_SQL(g->x.sql),
                      g->filter.n > 0 ? " AND " : "", (int)(g->filter.n > 2 ? g->filter.n - 2 : 0),
                      g->filter.n > 2 ? g->filter.p + 2 : "");
    else
        ml_buf_str(&b, g->filter);
    ml_buf_char(&b, ')');
    struct ml_str pairs = ml__sql_keep(s, &b);
    struct ml_str values = ml__sql_printf(s, "arrayMap(p -> p.2, arraySort(p -> p.1, %.*s))",
                                          ML_SQL(pairs));
    if (set)
        values = ml__sql_printf(s, "arrayDistinct(%.*s)", ML_SQL(values));
    return ml__sql_made(ML_T_DYNAMIC, false,
                        ml__sql_printf(s,
                                       "concat('[', arrayStringConcat(arrayMap(v -> %.*s, "
                                       "arraySlice(%.*s, 1, %lld)), ','), ']')",
                                       ML_SQL(json), ML_SQL(values), limit));
}

static const struct {
    const char *name;
    agg_fn *fn;
    bool ordered; /* needs the order of rows */
} aggs[] = {
    {"count", count, false},
    {"sum", sum, false},
    {"avg", avg, false},
    {"min", extreme, false},
    {"max", extreme, false},
    {"dcount", dcount, false},
    {"count_distinct", dcount, false},
    {"stdev", moment, false},
    {"stdevp", moment, false},
    {"variance", moment, false},
    {"variancep", moment, false},
    {"make_list", list, true},
    {"make_set", list, true},
    {"make_list_with_nulls", list, true},
    {"percentile", NULL, false},
    {"percentiles", NULL, false},
    {"arg_max", NULL, true},
    {"arg_min", NULL, true},
    {"take_any", NULL, true},
    {"any", NULL, true},
};

static int find(const struct ml_agg_call *c)
{
    for (size_t i = 0; i < sizeof aggs / sizeof aggs[0]; i++)
        if (strcmp(aggs[i].name, c->agg->name) == 0)
            return (int)i;
    return -1;
}

static bool is_row(const struct ml_agg_call *c)
{
    return (c->agg->flags & ML_AGG_ROWS) != 0;
}

/* arg_max and its kin: a column that is 1 at the row that is taken, in a relation around in. */
static struct ml_str rank(struct ml_sql *s, const struct ml_agg_call *c,
                          const struct ml_sql_col *keys, uint32_t nkeys, struct ml_sql_col x,
                          struct ml_str filter, struct ml_str row)
{
    struct ml_buf b = {0};
    bool best = c->agg->name[0] == 'a' && c->agg->name[3] != '\0';
    ml_buf_cstr(&b, "toUInt8(row_number() OVER (");
    for (uint32_t i = 0; i < nkeys; i++)
        ml_buf_printf(&b, "%s%.*s", i > 0 ? ", " : "PARTITION BY ", ML_SQL(normal(s, keys[i])));
    ml_buf_cstr(&b, nkeys > 0 ? " ORDER BY " : "ORDER BY ");
    if (filter.n > 0)
        ml_buf_printf(&b, "(%.*s) DESC, ", ML_SQL(filter));
    if (best) {
        if (x.null)
            ml_buf_printf(&b, "isNull(%.*s), ", ML_SQL(x.sql));
        if (x.type == ML_T_REAL)
            ml_buf_printf(&b, "ifNull(isNaN(%.*s), 0) DESC, ", ML_SQL(x.sql));
        ml_buf_printf(&b, "%.*s %s, ", ML_SQL(x.sql), strstr(c->agg->name, "max") ? "DESC" : "ASC");
    }
    ml_buf_printf(&b, "%.*s) = 1)", ML_SQL(row));
    return ml__sql_keep(s, &b);
}

struct work {
    struct ml_sql_rel in;
    struct ml_sql_col *keys;
    struct ml_str *ranks; /* of each call; empty: none */
};

/* One more SELECT, with the columns that mark the rows to take. */
static void add_ranks(struct ml_sql *s, const struct ml_plan *p, struct work *w)
{
    uint32_t n = w->in.n;
    struct ml_sql_col *cols = ml__sql_cols(s, n + p->naggs);
    struct ml_field *fields = ml_arena_alloc(s->rt->arena, (size_t)n + p->naggs + 1,
                                             sizeof *fields);
    if (cols == NULL || fields == NULL) {
        ml__rt_nomem(s->rt);
        return;
    }
    memcpy(cols, w->in.cols, n * sizeof *cols);
    for (uint32_t i = 0; i < n; i++)
        fields[i].name = ML_STR("c");
    uint32_t made = n;
    for (uint32_t i = 0; i < p->naggs && !ml__sql_failed(s); i++) {
        const struct ml_agg_call *c = &p->aggs[i];
        if (!is_row(c))
            continue;
        if (c->n > 0 && c->arg[0]->type == ML_T_DYNAMIC && c->agg->name[3] == '_')
            ml__sql_refuse(s, c->node, "'%s' by a dynamic value", c->agg->name);
        struct ml_sql_col x = c->n > 0 ? ml__sql_expr(s, c->arg[0], &w->in)
                                       : ml__sql_null(s, ML_T_LONG);
        struct ml_str f = c->filter != NULL ? ml__sql_condition(s, c->filter, &w->in) : ML_STR("");
        cols[made] = ml__sql_made(ML_T_BOOL, false,
                                  rank(s, c, w->keys, p->n, x, f, w->in.order[0].col.sql));
        fields[made++].name = ML_STR("taken");
    }
    struct ml_schema names = {fields, made};
    struct ml_sql_rel r = ml__sql_select(s, &w->in, &names, cols, made, "");
    made = n;
    for (uint32_t i = 0; i < p->naggs; i++)
        if (is_row(&p->aggs[i]))
            w->ranks[i] = r.cols[made++].sql;
    r.n = n;
    w->in = r;
}

static void row_columns(struct ml_sql *s, const struct ml_agg_call *c, const struct work *w,
                        struct ml_str taken, struct ml_sql_col *out)
{
    struct ml_str cond = taken;
    if (c->filter != NULL)
        cond = ml__sql_printf(s, "%.*s AND %.*s", ML_SQL(taken),
                              ML_SQL(ml__sql_condition(s, c->filter, &w->in)));
    for (uint32_t k = 0; k < c->n && !ml__sql_failed(s); k++) {
        struct ml_sql_col x = ml__sql_expr(s, c->arg[k], &w->in);
        bool text = x.type == ML_T_STRING;
        out[k] = ml__sql_made(
            x.type, !text,
            ml__sql_printf(s, text ? "anyIf(%.*s, %.*s)" : "anyIf(toNullable(%.*s), %.*s)",
                           ML_SQL(x.sql), ML_SQL(cond)));
    }
}

static void add_call(struct ml_sql *s, const struct ml_plan *p, uint32_t i, const struct work *w,
                     struct ml_sql_col *out)
{
    const struct ml_agg_call *c = &p->aggs[i];
    int k = find(c);
    struct group g = {.call = c, .combine = "", .filter = ML_STR(""), .never_empty = p->n > 0};
    if (k < 0) {
        ml__sql_refuse(s, c->node, "'%s' is not mapped", c->agg->name);
        return;
    }
    if (is_row(c)) {
        row_columns(s, c, w, w->ranks[i], out);
        return;
    }
    if (c->filter != NULL) {
        g.combine = "If";
        g.filter = ml__sql_printf(s, ", %.*s", ML_SQL(ml__sql_condition(s, c->filter, &w->in)));
        g.never_empty = false;
    }
    if (c->n > 0)
        g.x = ml__sql_expr(s, c->arg[0], &w->in);
    if (aggs[k].ordered)
        g.row = w->in.order[0].col.sql;
    if (aggs[k].fn != NULL)
        out[0] = aggs[k].fn(s, &g);
    else
        for (uint32_t j = 1; j < c->n && !ml__sql_failed(s); j++)
            out[j - 1] = one_percentile(s, &g, c->arg[j]);
}

static void read_keys(struct ml_sql *s, const struct ml_plan *p, struct work *w)
{
    for (uint32_t i = 0; i < p->n && !ml__sql_failed(s); i++) {
        w->keys[i] = ml__sql_expr(s, p->exprs[i], &w->in);
        w->keys[i].sql = normal(s, w->keys[i]);
        if (w->keys[i].type == ML_T_DYNAMIC)
            ml__sql_refuse(s, p->exprs[i]->node, "a dynamic value as a key");
    }
}

/* The SELECT. Groups of numbered rows stand in the order of their first ones, as ours do. */
static struct ml_sql_rel grouped(struct ml_sql *s, const struct ml_plan *p, struct work *w,
                                 struct ml_sql_col *cols, struct ml_str tail)
{
    uint32_t n = p->out.n;
    const struct ml_sql_key *order = w->in.order;
    bool numbered = p->n > 0 && w->in.norder == 1 && (order[0].flags & ML_SQL_UNIQUE) != 0;
    struct ml_field *fields = ml_arena_alloc(s->rt->arena, n + 1u, sizeof *fields);
    struct ml_sql_key *key = ml_arena_alloc(s->rt->arena, 1, sizeof *key);
    if (fields == NULL || key == NULL)
        return ml__rt_nomem(s->rt), w->in;
    memcpy(fields, p->out.at, n * sizeof *fields);
    fields[n].name = ML_STR("row");
    if (numbered)
        cols[n] = ml__sql_made(ML_T_LONG, false,
                               ml__sql_printf(s, "min(%.*s)", ML_SQL(order[0].col.sql)));
    w->in.norder = 0;
    struct ml_schema names = {fields, n + numbered};
    struct ml_sql_rel r = ml__sql_select(s, &w->in, &names, cols, n + numbered, tail.p);
    if (numbered && !ml__sql_failed(s)) {
        *key = (struct ml_sql_key){.col = r.cols[n], .flags = ML_SQL_UNIQUE};
        r.order = key;
        r.norder = 1;
        r.n = n;
    }
    return r;
}

struct ml_sql_rel ml__sql_aggregate(struct ml_sql *s, const struct ml_plan *p)
{
    struct work w = {.in = ml__sql_stage(s, p->in[0])};
    uint32_t n = p->out.n;
    struct ml_sql_col *cols = ml__sql_cols(s, n + 1);
    bool ordered = false;
    bool rows = false;
    w.keys = cols;
    w.ranks = ml_arena_alloc(s->rt->arena, (size_t)p->naggs + 1, sizeof *w.ranks);
    if (ml__sql_failed(s) || cols == NULL || w.ranks == NULL)
        return w.in;
    for (uint32_t i = 0; i < p->naggs; i++) {
        int k = find(&p->aggs[i]);
        if (k >= 0 && aggs[k].ordered && !ordered) {
            w.in = ml__sql_numbered(s, &w.in, p->aggs[i].node, p->aggs[i].agg->name);
            ordered = true;
        }
        rows |= is_row(&p->aggs[i]);
    }
    if (ml__sql_failed(s))
        return w.in;
    read_keys(s, p, &w);
    if (rows && !ml__sql_too_old(s, p->aggs[0].node, p->aggs[0].agg->name)) {
        add_ranks(s, p, &w);
        read_keys(s, p, &w);
    }
    uint32_t at = p->n;
    for (uint32_t i = 0; i < p->naggs && !ml__sql_failed(s); i++) {
        add_call(s, p, i, &w, cols + at);
        at += p->aggs[i].columns;
    }
    struct ml_buf tail = {0};
    for (uint32_t i = 0; i < p->n; i++)
        ml_buf_printf(&tail, "%s%.*s", i > 0 ? ", " : "\nGROUP BY ", ML_SQL(cols[i].sql));
    struct ml_str text = ml__sql_keep(s, &tail);
    return grouped(s, p, &w, cols, text);
}
