/* kql/clickhouse.c -- see clickhouse.h: the outermost SELECT, with the types the reader expects, and the settings that the rest
 * relies on. SPDX-License-Identifier: MIT */
#include "kql/clickhouse.h"

#include "kql/sql.h"

/* Fixed types: a NULL byte before all but strings. */
static struct ml_str fixed(struct ml_sql *s, struct ml_sql_col c)
{
    return ml__sql_printf(s, "CAST(%.*s AS %s)", ML_SQL(c.sql), ml__sql_type(c.type, true));
}

/* The SQL of a name that an inner SELECT may have made: as an alias it would hide that. */
static bool is_like_made(struct ml_str name)
{
    size_t i = name.n;
    while (i > 0 && name.p[i - 1] >= '0' && name.p[i - 1] <= '9')
        i--;
    return i < name.n && i > 0 && name.p[i - 1] == '#';
}

static void select_all(struct ml_sql *s, const struct ml_plan *p, const struct ml_sql_rel *r,
                       struct ml_buf *out)
{
    struct ml_sql_col *cols = ml__sql_cols(s, r->n);
    struct ml_str *as = ml_arena_alloc(s->rt->arena, (size_t)r->n + 1, sizeof *as);
    if (cols == NULL || as == NULL) {
        ml__rt_nomem(s->rt);
        return;
    }
    if (r->n == 0)
        ml__sql_refuse(s, NULL, "a result without columns");
    for (uint32_t i = 0; i < r->n; i++) {
        struct ml_buf b = {0};
        if (is_like_made(p->out.at[i].name))
            ml__sql_refuse(s, NULL, "column '%.*s': a name that ends with '#' and a number",
                           ML_SQL(p->out.at[i].name));
        if (p->out.at[i].type == ML_T_DECIMAL)
            ml__sql_refuse(s, NULL, "column '%.*s' of type decimal", ML_SQL(p->out.at[i].name));
        cols[i] = r->cols[i];
        cols[i].type = p->out.at[i].type;
        cols[i].sql = fixed(s, cols[i]);
        ml__sql_name(&b, p->out.at[i].name);
        as[i] = ml__sql_keep(s, &b);
    }
    struct ml_str order = ml__sql_order_by(s, r);
    struct ml_str text = ml__sql_select_text(s, r, cols, as, r->n, order.p);
    if (s->letters && s->target->version >= ML_SQL_MODERN)
        ml_buf_str(out, ml__sql_letters(s));
    ml_buf_str(out, text);
    ml_buf_cstr(out, "\nSETTINGS join_use_nulls = 0, distributed_product_mode = 'global'");
    if (s->target->version >= ML_SQL_MODERN)
        ml_buf_cstr(out, ", precise_float_parsing = 1, transform_null_in = 0");
}

int ml_clickhouse_sql(struct ml_rt *rt, const struct ml_plan *p, const struct ml_sql_target *target,
                      struct ml_buf *out)
{
    struct ml_sql s = {.rt = rt, .target = target};
    struct ml_sql_rel r = ml__sql_stage(&s, p);
    if (!ml__sql_failed(&s) && r.from.n > 0 && r.from.p[0] == '`')
        /* a table's own names: none of them may be hidden by the result's */
        r = ml__sql_select(&s, &r, &p->out, r.cols, r.n, "");
    if (!ml__sql_failed(&s))
        select_all(&s, p, &r, out);
    if (out->status != ML_OK)
        return ml__rt_nomem(rt);
    return ml__sql_failed(&s) ? ML_EINVALID : ML_OK;
}
