/* kql/sql_text.c -- literals, names and types of ClickHouse SQL; see sql.h. The only place that quotes.
 * SPDX-License-Identifier: MIT */
#include "kql/sql.h"

#include "kql/text.h"

#include <math.h>
#include <stdio.h>

/* Everything that could end or bend the literal is escaped; control bytes too, so that SQL has one line a line. */
static void quoted(struct ml_buf *out, struct ml_str s, char quote)
{
    ml_buf_char(out, quote);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '\\' || c == (unsigned char)quote)
            ml_buf_printf(out, "\\%c", c);
        else if (c == '\n')
            ml_buf_cstr(out, "\\n");
        else if (c == '\t')
            ml_buf_cstr(out, "\\t");
        else if (c < 0x20 || c == 0x7F)
            ml_buf_printf(out, "\\x%02X", c);
        else
            ml_buf_char(out, (char)c);
    }
    ml_buf_char(out, quote);
}

void ml__sql_string(struct ml_buf *out, struct ml_str s)
{
    quoted(out, s, '\'');
}

void ml__sql_name(struct ml_buf *out, struct ml_str name)
{
    quoted(out, name, '`');
}

const char *ml__sql_type(enum ml_type t, bool null)
{
    switch (t) {
    case ML_T_BOOL:
        return null ? "Nullable(UInt8)" : "UInt8";
    case ML_T_INT:
        return null ? "Nullable(Int32)" : "Int32";
    case ML_T_REAL:
        return null ? "Nullable(Float64)" : "Float64";
    case ML_T_STRING:
        return "String";
    case ML_T_GUID:
    case ML_T_DYNAMIC:
        return null ? "Nullable(String)" : "String";
    default:
        return null ? "Nullable(Int64)" : "Int64";
    }
}

static void real_literal(struct ml_sql *s, double d, struct ml_buf *out)
{
    char text[40];
    if (fpclassify(d) == FP_SUBNORMAL && s->target->version < ML_SQL_MODERN)
        ml__sql_refuse(s, NULL, "a number as near to 0 as %g on version 18.16", d);
    if (isnan(d)) {
        ml_buf_cstr(out, "nan");
        return;
    }
    if (isinf(d)) {
        ml_buf_cstr(out, d < 0 ? "-inf" : "inf");
        return;
    }
    snprintf(text, sizeof text, "%.17g", d);
    ml_buf_cstr(out, text);
    if (strpbrk(text, ".e") == NULL)
        ml_buf_cstr(out, ".0");
}

void ml__sql_value(struct ml_sql *s, enum ml_type t, const struct ml_val *v, struct ml_buf *out)
{
    struct ml_buf text = {0};
    if (t == ML_T_STRING) {
        ml__sql_string(out, v->s);
        return;
    }
    if (v->null) {
        ml_buf_printf(out, "CAST(NULL AS %s)", ml__sql_type(t, true));
        return;
    }
    switch (t) {
    case ML_T_BOOL:
    case ML_T_INT:
        ml_buf_printf(out, "to%s(%lld)", ml__sql_type(t, false), (long long)v->i);
        break;
    case ML_T_REAL:
        real_literal(s, v->d, out);
        break;
    case ML_T_DYNAMIC:
        ml_val_json(v, &text);
        ml__sql_string(out, ml_buf_view(&text));
        break;
    case ML_T_GUID:
        ml_val_print(v, false, &text);
        ml__sql_string(out, ml_buf_view(&text));
        break;
    default:
        ml_buf_printf(out, "toInt64(%lld)", (long long)v->i);
    }
    ml_buf_free(&text);
}

void ml__sql_const(struct ml_sql *s, const struct ml_expr *e, struct ml_buf *out)
{
    if (e->type == ML_T_DECIMAL || e->type == ML_T_NONE)
        ml__sql_refuse(s, e->node, "a %s is not mapped", ml_type_name(e->type));
    ml__sql_value(s, e->type, &e->val, out);
}

struct ml_sql_col ml__sql_null(struct ml_sql *s, enum ml_type t)
{
    if (t == ML_T_STRING)
        return (struct ml_sql_col){ML_STR("''"), t, false};
    return (struct ml_sql_col){ml__sql_printf(s, "CAST(NULL AS %s)", ml__sql_type(t, true)), t,
                               true};
}

bool ml__sql_is_null(struct ml_sql_col c)
{
    const struct ml_str start = ML_STR("CAST(NULL AS Nullable(");
    return (c.type == ML_T_STRING && ml_str_eq(c.sql, ML_STR("''"))) ||
           (ml_str_starts(c.sql, start) && c.sql.n < start.n + 12);
}

struct ml_str ml__sql_keep(struct ml_sql *s, struct ml_buf *b)
{
    struct ml_str none = ML_STR("");
    struct ml_str r = none;
    if (b->status == ML_OK && b->n > ML_SQL_MAX_BYTES)
        ml_diag_set(s->rt->diag, "ML203", 0, 0, "the SQL of this query is longer than %zu bytes",
                    ML_SQL_MAX_BYTES);
    else if (b->status == ML_OK && b->n > 0)
        r = ml_arena_copy(s->rt->arena, ml_buf_view(b));
    if (b->status != ML_OK || r.p == NULL) {
        ml__rt_nomem(s->rt);
        r = none;
    }
    ml_buf_free(b);
    return r;
}

struct ml_str ml__sql_printf(struct ml_sql *s, const char *fmt, ...)
{
    struct ml_buf b = {0};
    va_list args;
    va_start(args, fmt);
    ml_buf_vprintf(&b, fmt, args);
    va_end(args);
    return ml__sql_keep(s, &b);
}

struct ml_str ml__sql_new_name(struct ml_sql *s, struct ml_str name)
{
    struct ml_buf text = {0};
    struct ml_buf b = {0};
    ml_buf_str(&text, name);
    ml_buf_printf(&text, "#%u", ++s->names);
    ml__sql_name(&b, ml_buf_view(&text));
    ml_buf_free(&text);
    return ml__sql_keep(s, &b);
}

struct ml_sql_col *ml__sql_cols(struct ml_sql *s, uint32_t n)
{
    struct ml_sql_col *c = ml_arena_alloc(s->rt->arena, (size_t)n + 1, sizeof *c);
    if (c == NULL)
        ml__rt_nomem(s->rt);
    return c;
}

bool ml__sql_failed(const struct ml_sql *s)
{
    return ml_diag_is_set(s->rt->diag);
}

void ml__sql_refuse(struct ml_sql *s, const struct ml_node *at, const char *fmt, ...)
{
    char text[300];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ml_diag_set(s->rt->diag, "ML105", at != NULL ? at->pos : 0, at != NULL ? at->len : 0,
                "not on ClickHouse: %s", text);
}

bool ml__sql_too_old(struct ml_sql *s, const struct ml_node *at, const char *what)
{
    if (s->target->version >= ML_SQL_MODERN)
        return false;
    ml__sql_refuse(s, at, "%s needs version %u.%u or later; this server has %u.%u", what,
                   ML_SQL_MODERN / 100, ML_SQL_MODERN % 100, s->target->version / 100,
                   s->target->version % 100);
    return true;
}
