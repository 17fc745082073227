/* kql/sql_stage.c -- stages as SELECTs: leaves, filter, project, sort, take; see sql.h.
 * SPDX-License-Identifier: MIT */
#include "kql/sql.h"

#include <math.h>

enum { DEPTH_MAX = 200, CELLS_MAX = 20000 };

/* --- SELECT --- */

struct ml_str ml__sql_subquery(struct ml_sql *s, struct ml_str select)
{
    struct ml_buf b = {0};
    ml_buf_cstr(&b, "(\n  ");
    for (size_t i = 0; i < select.n; i++) { /* literals have no line ends of their own */
        ml_buf_char(&b, select.p[i]);
        if (select.p[i] == '\n')
            ml_buf_cstr(&b, "  ");
    }
    ml_buf_cstr(&b, "\n)");
    return ml__sql_keep(s, &b);
}

struct ml_str ml__sql_select_text(struct ml_sql *s, const struct ml_sql_rel *in,
                                  const struct ml_sql_col *cols, const struct ml_str *as,
                                  uint32_t n, const char *tail)
{
    struct ml_buf b = {0};
    ml_buf_cstr(&b, "SELECT ");
    for (uint32_t i = 0; i < n; i++) {
        ml_buf_printf(&b, "%s%.*s", i > 0 ? ", " : "", ML_SQL(cols[i].sql));
        if (as != NULL && !ml_str_eq(as[i], cols[i].sql))
            ml_buf_printf(&b, " AS %.*s", ML_SQL(as[i]));
    }
    if (n == 0)
        ml_buf_cstr(&b, "1");
    if (in->from.n > 0)
        ml_buf_printf(&b, "\nFROM %.*s", ML_SQL(in->from));
    if (in->where.n > 0)
        ml_buf_printf(&b, "\nWHERE %.*s", ML_SQL(in->where));
    ml_buf_cstr(&b, tail);
    return ml__sql_keep(s, &b);
}

/* A made name: one name in backticks, with a number at its end. */
static bool is_made_name(struct ml_str sql)
{
    if (sql.n < 4 || sql.p[0] != '`' || sql.p[sql.n - 1] != '`')
        return false;
    for (size_t k = 1; k + 1 < sql.n; k++) {
        if (sql.p[k] == '`')
            return false;
        k += sql.p[k] == '\\';
    }
    size_t i = sql.n - 1;
    while (i > 1 && sql.p[i - 1] >= '0' && sql.p[i - 1] <= '9')
        i--;
    return i < sql.n - 1 && sql.p[i - 1] == '#';
}

static bool listed(struct ml_str name, const struct ml_str *as, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (ml_str_eq(as[i], name))
            return true;
    return false;
}

struct ml_sql_rel ml__sql_select(struct ml_sql *s, const struct ml_sql_rel *in,
                                 const struct ml_schema *names, struct ml_sql_col *cols, uint32_t n,
                                 const char *tail)
{
    uint32_t all = n + in->norder;
    struct ml_sql_col *list = ml__sql_cols(s, all);
    struct ml_str *as = ml_arena_alloc(s->rt->arena, (size_t)all + 1, sizeof *as);
    struct ml_sql_rel r = {.cols = ml__sql_cols(s, n), .n = n};
    r.order = ml_arena_alloc(s->rt->arena, (size_t)in->norder + 1, sizeof *r.order);
    if (list == NULL || as == NULL || r.cols == NULL || r.order == NULL) {
        ml__rt_nomem(s->rt);
        return *in;
    }
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++) {
        r.cols[i] = cols[i];
        if (ml__sql_is_null(cols[i]))
            continue; /* stays what it is */
        bool keeps = is_made_name(cols[i].sql) && !listed(cols[i].sql, as, k);
        list[k] = cols[i];
        as[k] = keeps ? cols[i].sql
                      : ml__sql_new_name(s, names != NULL ? names->at[i].name : ML_STR("c"));
        r.cols[i].sql = as[k++];
    }
    for (uint32_t i = 0; i < in->norder; i++) { /* the order's own columns go along */
        r.order[i] = in->order[i];
        uint32_t at = 0;
        while (at < n && !ml_str_eq(cols[at].sql, in->order[i].col.sql))
            at++;
        if (at < n) {
            r.order[i].col.sql = r.cols[at].sql;
        } else if (listed(in->order[i].col.sql, as, k)) {
            r.order[i].col.sql = in->order[i].col.sql;
        } else {
            list[k] = in->order[i].col;
            as[k] = is_made_name(list[k].sql) ? list[k].sql : ml__sql_new_name(s, ML_STR("key"));
            r.order[i].col.sql = as[k++];
        }
    }
    r.norder = in->norder;
    r.from = ml__sql_subquery(s, ml__sql_select_text(s, in, list, as, k, tail));
    return r;
}

/* --- order --- */

struct ml_str ml__sql_order_by(struct ml_sql *s, const struct ml_sql_rel *r)
{
    struct ml_buf b = {0};
    for (uint32_t i = 0; i < r->norder; i++) {
        const struct ml_sql_key *k = &r->order[i];
        const char *ends = k->flags & ML_F_NULLS_FIRST ? "DESC" : "ASC";
        ml_buf_cstr(&b, i > 0 ? ", " : "\nORDER BY ");
        if (k->col.null)
            ml_buf_printf(&b, "isNull(%.*s) %s, ", ML_SQL(k->col.sql), ends);
        if (k->col.type == ML_T_REAL)
            ml_buf_printf(&b, "ifNull(isNaN(%.*s), 0) %s, ", ML_SQL(k->col.sql), ends);
        ml_buf_printf(&b, "%.*s %s", ML_SQL(k->col.sql), k->flags & ML_F_DESC ? "DESC" : "ASC");
    }
    return ml__sql_keep(s, &b);
}

struct ml_sql_rel ml__sql_numbered(struct ml_sql *s, const struct ml_sql_rel *in,
                                   const struct ml_node *at, const char *what)
{
    if (in->norder == 0) {
        ml__sql_refuse(s, at, "%s over rows in no order", what);
        ml_diag_hint(s->rt->diag, "put `| sort by ...` before");
        return *in;
    }
    if ((in->order[0].flags & ML_SQL_UNIQUE) != 0)
        return *in;
    if (ml__sql_too_old(s, at, what))
        return *in;
    struct ml_sql_rel from = *in;
    struct ml_sql_col *cols = ml__sql_cols(s, in->n + 1);
    if (cols == NULL)
        return *in;
    memcpy(cols, in->cols, in->n * sizeof *cols);
    struct ml_str order = ml__sql_order_by(s, in);
    cols[in->n] = (struct ml_sql_col){
        ml__sql_printf(s, "row_number() OVER (%.*s)", (int)order.n - 1, order.p + 1), ML_T_LONG,
        false};
    struct ml_field *fields = ml_arena_alloc(s->rt->arena, in->n + 1u, sizeof *fields);
    if (fields == NULL)
        return ml__rt_nomem(s->rt), *in;
    for (uint32_t i = 0; i < in->n; i++)
        fields[i].name = ML_STR("c");
    fields[in->n].name = ML_STR("row");
    from.norder = 0;
    struct ml_schema names = {fields, in->n + 1};
    struct ml_sql_rel r = ml__sql_select(s, &from, &names, cols, in->n + 1, "");
    r.order = ml_arena_alloc(s->rt->arena, 1, sizeof *r.order);
    if (r.order == NULL)
        return ml__rt_nomem(s->rt), *in;
    r.order[0] = (struct ml_sql_key){.col = r.cols[in->n], .flags = ML_SQL_UNIQUE};
    r.norder = 1;
    r.n = in->n;
    return r;
}

/* --- leaves --- */

static struct ml_sql_rel scan(struct ml_sql *s, const struct ml_plan *p)
{
    struct ml_sql_rel r = {.cols = ml__sql_cols(s, p->out.n), .n = p->out.n};
    struct ml_buf b = {0};
    if (r.cols == NULL)
        return r;
    for (uint32_t i = 0; i < p->out.n; i++) {
        enum ml_type t = p->out.at[i].type;
        ml__sql_name(&b, p->source->columns[p->columns[i]].name);
        struct ml_str name = ml__sql_keep(s, &b);
        b = (struct ml_buf){0};
        if (t == ML_T_DYNAMIC) /* '' stands for null */
            name = ml__sql_printf(s, "nullIf(%.*s, '')", ML_SQL(name));
        r.cols[i] = (struct ml_sql_col){name, t, t != ML_T_STRING && t != ML_T_DATETIME};
    }
    ml__sql_name(&b, s->target->database);
    ml_buf_char(&b, '.');
    ml__sql_name(&b, p->source->name);
    r.from = ml__sql_keep(s, &b);
    struct ml_buf where = {0};
    if (p->source->time_column >= 0 && s->rt->to_ticks != INT64_MAX) {
        ml__sql_name(&where, p->source->columns[p->source->time_column].name);
        ml_buf_printf(&where, " BETWEEN %lld AND %lld", (long long)s->rt->from_ticks,
                      (long long)s->rt->to_ticks);
    }
    for (uint32_t i = 0; i < p->nfilters && !ml__sql_failed(s); i++)
        ml_buf_printf(&where, "%s%.*s", where.n > 0 ? " AND " : "",
                      ML_SQL(ml__sql_condition(s, p->filters[i], &r)));
    r.where = ml__sql_keep(s, &where);
    return r;
}

/* The order of rows that were written down, or counted. */
static void by_row(struct ml_sql *s, struct ml_sql_rel *r, struct ml_str row)
{
    r->order = ml_arena_alloc(s->rt->arena, 1, sizeof *r->order);
    if (r->order == NULL) {
        ml__rt_nomem(s->rt);
        return;
    }
    r->order[0] = (struct ml_sql_key){.col = {row, ML_T_LONG, false}, .flags = ML_SQL_UNIQUE};
    r->norder = 1;
}

static struct ml_sql_rel values(struct ml_sql *s, const struct ml_plan *p)
{
    struct ml_sql_rel r = {.cols = ml__sql_cols(s, p->out.n), .n = p->out.n};
    struct ml_str row = ml__sql_new_name(s, ML_STR("row"));
    struct ml_buf b = {0};
    uint32_t w = p->out.n;
    if (r.cols == NULL)
        return r;
    if ((size_t)p->nrows * w > CELLS_MAX) {
        ml__sql_refuse(s, NULL, "a datatable of more than %d cells", CELLS_MAX);
        return r;
    }
    for (uint32_t c = 0; c < w; c++) {
        enum ml_type t = p->out.at[c].type;
        r.cols[c] = (struct ml_sql_col){ml__sql_new_name(s, p->out.at[c].name), t, p->nrows == 0};
        if (t == ML_T_DECIMAL || t == ML_T_NONE)
            ml__sql_refuse(s, NULL, "column '%.*s' of type %s", ML_SQL(p->out.at[c].name),
                           ml_type_name(t));
        for (uint32_t k = 0; k < p->nrows; k++)
            r.cols[c].null |= p->cells[(size_t)k * w + c].null != 0;
        r.cols[c].null &= t != ML_T_STRING;
    }
    for (uint32_t k = 0; (k < p->nrows || k == 0) && !ml__sql_failed(s); k++) {
        ml_buf_cstr(&b, k > 0 ? "\nUNION ALL SELECT " : "SELECT ");
        for (uint32_t c = 0; c < w; c++) {
            enum ml_type t = p->out.at[c].type;
            struct ml_val none = ml_val_null(t);
            ml_buf_cstr(&b, r.cols[c].null ? "CAST(" : "");
            ml__sql_value(s, t, p->nrows > 0 ? &p->cells[(size_t)k * w + c] : &none, &b);
            if (r.cols[c].null)
                ml_buf_printf(&b, " AS %s)", ml__sql_type(t, true));
            ml_buf_printf(&b, " AS %.*s, ", ML_SQL(r.cols[c].sql));
        }
        ml_buf_printf(&b, "toInt64(%u) AS %.*s", k, ML_SQL(row));
    }
    r.from = ml__sql_subquery(s, ml__sql_keep(s, &b));
    if (p->nrows == 0)
        r.where = ML_STR("0");
    by_row(s, &r, row);
    return r;
}

/* How many values a range has; as exec_leaf.c counts them. */
static uint64_t range_count(const struct ml_plan *p, struct ml_sql *s)
{
    const struct ml_val *from = &p->from->val;
    const struct ml_val *to = &p->to->val;
    const struct ml_val *step = &p->step->val;
    if (from->null || to->null || step->null)
        return 0;
    if (from->type == ML_T_REAL) {
        double n = floor((to->d - from->d) / step->d);
        uint64_t k = n > 0 && n < 1e9 ? (uint64_t)n : 0;
        for (k = k > 1 ? k - 2 : 0;; k++) {
            double v = from->d + (double)k * step->d;
            if (!(step->d > 0 ? v <= to->d : v >= to->d))
                return k;
        }
    }
    __int128 span = (__int128)to->i - from->i;
    if (step->i == 0 || (span < 0) != (step->i < 0 ? true : false))
        return span == 0 && step->i != 0 ? 1 : 0;
    return (uint64_t)(span / step->i) + 1;
}

static struct ml_sql_rel range(struct ml_sql *s, const struct ml_plan *p)
{
    struct ml_sql_rel r = {.cols = ml__sql_cols(s, 1), .n = 1};
    enum ml_type t = p->out.at[0].type;
    struct ml_buf from = {0};
    struct ml_buf step = {0};
    if (r.cols == NULL)
        return r;
    if (p->from->kind != ML_E_CONST || p->to->kind != ML_E_CONST || p->step->kind != ML_E_CONST) {
        ml__sql_refuse(s, p->from->node, "a range whose ends are not constant");
        return r;
    }
    bool zero = t == ML_T_REAL ? !(p->step->val.d != 0) : p->step->val.i == 0;
    if (!p->step->val.null && zero) {
        ml_diag_set(s->rt->diag, "KS204", p->step->node->pos, p->step->node->len,
                    "the step of a range must not be 0");
        return r;
    }
    uint64_t n = range_count(p, s);
    if (n > 100000000)
        ml_diag_set(s->rt->diag, "ML203", p->to->node->pos, p->to->node->len,
                    "a range has more than 100000000 rows");
    ml__sql_value(s, t, &p->from->val, &from);
    ml__sql_value(s, t, &p->step->val, &step);
    struct ml_str a = ml__sql_keep(s, &from);
    struct ml_str d = ml__sql_keep(s, &step);
    struct ml_str name = ml__sql_new_name(s, p->out.at[0].name);
    struct ml_str row = ml__sql_new_name(s, ML_STR("row"));
    const char *number = t == ML_T_REAL ? "toFloat64(number)" : "toInt64(number)";
    struct ml_str v = n == 0 ? a
                             : ml__sql_printf(s, "%s(%.*s + %s * %.*s)",
                                              t == ML_T_INT    ? "toInt32"
                                              : t == ML_T_REAL ? "toFloat64"
                                                               : "toInt64",
                                              ML_SQL(a), number, ML_SQL(d));
    r.from = ml__sql_subquery(
        s,
        ml__sql_printf(s, "SELECT %.*s AS %.*s, toInt64(number) AS %.*s\nFROM numbers(%llu)",
                       ML_SQL(v), ML_SQL(name), ML_SQL(row), (unsigned long long)(n != 0 ? n : 1)));
    r.where = n == 0 ? ML_STR("0") : r.where;
    r.cols[0] = (struct ml_sql_col){name, t, n == 0};
    by_row(s, &r, row);
    return r;
}

/* --- row by row --- */

static struct ml_sql_rel filter(struct ml_sql *s, const struct ml_plan *p)
{
    struct ml_sql_rel in = ml__sql_stage(s, p->in[0]);
    if (ml__sql_failed(s))
        return in;
    if (p->window)
        ml__sql_refuse(s, p->exprs[0]->node, "a window function in a condition: extend it first");
    struct ml_str c = ml__sql_condition(s, p->exprs[0], &in);
    in.where = in.where.n > 0 ? ml__sql_printf(s, "%.*s AND %.*s", ML_SQL(in.where), ML_SQL(c)) : c;
    return in;
}

static struct ml_sql_rel project(struct ml_sql *s, const struct ml_plan *p)
{
    struct ml_sql_rel in = ml__sql_stage(s, p->in[0]);
    struct ml_sql_col *cols = ml__sql_cols(s, p->n);
    if (ml__sql_failed(s) || cols == NULL)
        return in;
    if (p->window)
        in = ml__sql_numbered(s, &in, p->in[0]->render_node, "a window function");
    bool plain = true;
    for (uint32_t i = 0; i < p->n && !ml__sql_failed(s); i++) {
        if (p->need != NULL && !p->need[i]) {
            cols[i] = ml__sql_null(s, p->out.at[i].type);
            continue;
        }
        cols[i] = ml__sql_expr(s, p->exprs[i], &in);
        plain &= p->exprs[i]->kind == ML_E_COLUMN;
    }
    if (!plain)
        return ml__sql_select(s, &in, &p->out, cols, p->n, "");
    in.cols = cols; /* only chosen and renamed */
    in.n = p->n;
    return in;
}

/* --- sort and take --- */

static bool count_of(struct ml_sql *s, const struct ml_expr *e, long long *out)
{
    bool ok = e->kind == ML_E_CONST && !e->val.null && ml_type_is_int(e->val.type);
    if (!ok)
        ml__sql_refuse(s, e->node, "a number of rows that is not constant");
    *out = ok ? (long long)(e->val.i < 0 ? 0 : e->val.i) : 0;
    return ok;
}

static struct ml_sql_rel limited(struct ml_sql *s, const struct ml_sql_rel *in,
                                 const struct ml_plan *p)
{
    long long n;
    if (!count_of(s, p->limit, &n))
        return *in;
    struct ml_str order = ml__sql_order_by(s, in);
    struct ml_str tail = ml__sql_printf(s, "%.*s\nLIMIT %lld", ML_SQL(order), n);
    return ml__sql_select(s, in, &p->out, in->cols, in->n, tail.p);
}

/* Stable: the order before decides among equals. */
static struct ml_sql_rel sort(struct ml_sql *s, const struct ml_plan *p)
{
    struct ml_sql_rel in = ml__sql_stage(s, p->in[0]);
    struct ml_sql_key *order = ml_arena_alloc(s->rt->arena, (size_t)p->n + in.norder + 1,
                                              sizeof *order);
    if (ml__sql_failed(s))
        return in;
    if (order == NULL)
        return ml__rt_nomem(s->rt), in;
    if (p->no_ties)
        ml__sql_refuse(s, p->limit != NULL ? p->limit->node : NULL, "'top-hitters'");
    for (uint32_t i = 0; i < p->n && !ml__sql_failed(s); i++) {
        order[i] = (struct ml_sql_key){ml__sql_expr(s, p->exprs[i], &in), p->key_flags[i]};
        if (p->exprs[i]->kind == ML_E_CONST)
            order[i].col.sql = ml__sql_printf(s, "materialize(%.*s)", ML_SQL(order[i].col.sql));
    }
    if (in.norder > 0)
        memcpy(order + p->n, in.order, in.norder * sizeof *order);
    in.order = order;
    in.norder += p->n;
    return p->limit != NULL ? limited(s, &in, p) : in;
}

static struct ml_sql_rel take(struct ml_sql *s, const struct ml_plan *p)
{
    struct ml_sql_rel in = ml__sql_stage(s, p->in[0]);
    return ml__sql_failed(s) ? in : limited(s, &in, p);
}

/* A stage that is used several times is run several times: it must give the same rows each time. */
static bool repeatable(const struct ml_plan *p)
{
    if (p->kind == ML_P_TAKE || p->kind == ML_P_SAMPLE ||
        (p->kind == ML_P_SORT && p->limit != NULL))
        return false;
    for (uint32_t i = 0; i < p->nin; i++)
        if (!repeatable(p->in[i]))
            return false;
    return true;
}

static struct ml_sql_rel shared(struct ml_sql *s, const struct ml_plan *p)
{
    if (!repeatable(p->in[0])) {
        ml__sql_refuse(s, NULL, "'materialize' or 'as' of rows that take, top or sample chose");
        return (struct ml_sql_rel){0};
    }
    return ml__sql_stage(s, p->in[0]);
}

static const char *const refused[] = {
    [ML_P_INPUT] = "a sub-query over rows", [ML_P_SAMPLE] = "'sample'",
    [ML_P_PARSE_KV] = "'parse-kv'",         [ML_P_SERIES] = "'make-series'",
    [ML_P_PARTITION] = "'partition'",       [ML_P_NESTED] = "'top-nested'",
    [ML_P_SCAN_STEPS] = "'scan'",
};

struct ml_sql_rel ml__sql_stage(struct ml_sql *s, const struct ml_plan *p)
{
    static ml_sql_stage_fn *const stages[] = {[ML_P_VALUES] = values,
                                              [ML_P_SCAN] = scan,
                                              [ML_P_FILTER] = filter,
                                              [ML_P_PROJECT] = project,
                                              [ML_P_AGGREGATE] = ml__sql_aggregate,
                                              [ML_P_SORT] = sort,
                                              [ML_P_TAKE] = take,
                                              [ML_P_JOIN] = ml__sql_join,
                                              [ML_P_UNION] = ml__sql_union,
                                              [ML_P_PARSE] = ml__sql_parse,
                                              [ML_P_EXPAND] = ml__sql_expand,
                                              [ML_P_RANGE] = range,
                                              [ML_P_SHARED] = shared};
    struct ml_sql_rel none = {0};
    if (ml__sql_failed(s))
        return none;
    if (p->kind >= sizeof stages / sizeof stages[0] || stages[p->kind] == NULL) {
        const char *what = p->kind < sizeof refused / sizeof refused[0] ? refused[p->kind] : NULL;
        ml__sql_refuse(s, p->n > 0 ? p->exprs[0]->node : NULL, "%s",
                       what != NULL ? what : "this operator");
        return none;
    }
    if (s->depth == DEPTH_MAX) {
        ml_diag_set(s->rt->diag, "ML203", 0, 0, "more than %d operators in a row", DEPTH_MAX);
        return none;
    }
    s->depth++;
    struct ml_sql_rel r = stages[p->kind](s, p);
    s->depth--;
    return r;
}
