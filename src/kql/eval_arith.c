/* kql/eval_arith.c -- arithmetic, comparison and logic over columns.
 *
 * The binder has brought both operands of a comparison to one type, and numbers of an arithmetic operator to
 * the result's. `m & row` reads a constant column's only element. SPDX-License-Identifier: MIT */
#include "kql/eval.h"

#include "base/err.h"
#include "kql/decimal.h"
#include "kql/text.h"

#include <math.h>

static size_t mask(const struct ml_column *c)
{
    return c->constant ? 0 : SIZE_MAX;
}

static void set_null(struct ml_column *out, size_t i)
{
    out->nulls[i] = 1;
}

static bool need_nulls(struct ml_ecx *cx, struct ml_column *out, size_t n)
{
    if (out->nulls == NULL)
        out->nulls = ml_arena_alloc(cx->arena, n, 1);
    return out->nulls != NULL;
}

/* Wraps modulo 2^64, as the engine does. */
static void i64_add(char op, const struct ml_column *a, const struct ml_column *b, size_t n,
                    int64_t *r)
{
    size_t ma = mask(a);
    size_t mb = mask(b);
    const uint64_t *x = (const uint64_t *)a->i;
    const uint64_t *y = (const uint64_t *)b->i;
    uint64_t *o = (uint64_t *)r;
    if (op == '+')
        for (size_t i = 0; i < n; i++)
            o[i] = x[i & ma] + y[i & mb];
    else if (op == '-')
        for (size_t i = 0; i < n; i++)
            o[i] = x[i & ma] - y[i & mb];
    else
        for (size_t i = 0; i < n; i++)
            o[i] = x[i & ma] * y[i & mb];
}

static int64_t modulo(int64_t x, int64_t y)
{
    if (y == INT64_MIN)
        return x >= 0 ? x : (int64_t)((uint64_t)x - (uint64_t)INT64_MIN);
    if (y < 0)
        y = -y;
    int64_t m = y == 1 ? 0 : x % y;
    return m < 0 ? m + y : m; /* never negative */
}

static bool i64_div(struct ml_ecx *cx, char op, const struct ml_column *a,
                    const struct ml_column *b, size_t n, struct ml_column *out)
{
    size_t ma = mask(a);
    size_t mb = mask(b);
    for (size_t i = 0; i < n; i++) {
        int64_t x = a->i[i & ma];
        int64_t y = b->i[i & mb];
        if (y == 0) {
            if (!need_nulls(cx, out, n))
                return false;
            set_null(out, i);
            out->i[i] = 0;
        } else if (op == '%') {
            out->i[i] = modulo(x, y);
        } else {
            out->i[i] = y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y;
        }
    }
    return true;
}

static double real_modulo(double x, double y)
{
    double m = fmod(x, y);
    return m < 0 ? m + fabs(y) : m;
}

static void real_arith(char op, const struct ml_column *a, const struct ml_column *b, size_t n,
                       double *o)
{
    size_t ma = mask(a);
    size_t mb = mask(b);
    const double *x = a->d;
    const double *y = b->d;
    switch (op) {
    case '+':
        for (size_t i = 0; i < n; i++)
            o[i] = x[i & ma] + y[i & mb];
        break;
    case '-':
        for (size_t i = 0; i < n; i++)
            o[i] = x[i & ma] - y[i & mb];
        break;
    case '*':
        for (size_t i = 0; i < n; i++)
            o[i] = x[i & ma] * y[i & mb];
        break;
    case '/':
        for (size_t i = 0; i < n; i++)
            o[i] = x[i & ma] / y[i & mb];
        break;
    default:
        for (size_t i = 0; i < n; i++)
            o[i] = real_modulo(x[i & ma], y[i & mb]);
    }
}

static bool dec_one(char op, struct ml_dec x, struct ml_dec y, struct ml_dec *r)
{
    struct ml_dec q;
    int64_t whole;
    switch (op) {
    case '+':
        return ml_dec_add(x, y, r);
    case '-':
        return ml_dec_add(x, ml_dec_neg(y), r);
    case '*':
        return ml_dec_mul(x, y, r);
    case '/':
        return ml_dec_div(x, y, r);
    default: {
        struct ml_dec zero = ml_dec_from_i64(0);
        if (ml_dec_cmp(y, zero) < 0)
            y = ml_dec_neg(y);
        return ml_dec_div(x, y, &q) && ml_dec_i64(q, &whole) && ml_dec_bin(x, y, &q) &&
               ml_dec_add(x, ml_dec_neg(q), r);
    }
    }
}

static bool dec_arith(struct ml_ecx *cx, char op, const struct ml_column *a,
                      const struct ml_column *b, size_t n, struct ml_column *out)
{
    for (size_t i = 0; i < n; i++) {
        if (!dec_one(op, a->dec[i & mask(a)], b->dec[i & mask(b)], &out->dec[i])) {
            if (!need_nulls(cx, out, n))
                return false;
            set_null(out, i);
        }
    }
    return true;
}

/* timespan * real, timespan / real: through double, null where it does not fit. */
static bool timespan_scale(struct ml_ecx *cx, char op, const struct ml_column *a,
                           const struct ml_column *b, size_t n, struct ml_column *out)
{
    if (a->type != ML_T_TIMESPAN) {
        const struct ml_column *t = a;
        a = b;
        b = t;
    }
    for (size_t i = 0; i < n; i++) {
        double f = b->d[i & mask(b)];
        double x = (double)a->i[i & mask(a)];
        double r = op == '*' ? x * f : x / f;
        bool fits = fabs(r) < 9.2233720368547e18;
        out->i[i] = fits ? (int64_t)round(r) : 0;
        if (!fits) {
            if (!need_nulls(cx, out, n))
                return false;
            set_null(out, i);
        }
    }
    return true;
}

/* datetime results outside of years 1 to 9999 are null. */
static bool bound_datetime(struct ml_ecx *cx, size_t n, struct ml_column *out)
{
    for (size_t i = 0; i < n; i++)
        if ((uint64_t)out->i[i] > (uint64_t)ML_TICKS_MAX) {
            if (!need_nulls(cx, out, n))
                return false;
            set_null(out, i);
        }
    return true;
}

int ml__vec_arith(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a, size_t n,
                  struct ml_column *out)
{
    char op = e->fn->name[0];
    bool ok = ml_column_init(out, cx->arena, e->type, n) &&
              ml__nulls_or(cx->arena, &a[0], &a[1], n, out);
    if (!ok)
        return ml__rt_nomem(cx->rt);
    enum ml_type ta = a[0].type;
    enum ml_type tb = a[1].type;
    if (e->type == ML_T_REAL && ta == ML_T_TIMESPAN) {
        for (size_t i = 0; i < n; i++)
            out->d[i] = (double)a[0].i[i & mask(&a[0])] / (double)a[1].i[i & mask(&a[1])];
    } else if (e->type == ML_T_REAL) {
        real_arith(op, &a[0], &a[1], n, out->d);
    } else if (e->type == ML_T_DECIMAL) {
        ok = dec_arith(cx, op, &a[0], &a[1], n, out);
    } else if (ta == ML_T_REAL || tb == ML_T_REAL) {
        ok = timespan_scale(cx, op, &a[0], &a[1], n, out);
    } else if (op == '/' || op == '%') {
        ok = i64_div(cx, op, &a[0], &a[1], n, out);
    } else {
        i64_add(op, &a[0], &a[1], n, out->i);
    }
    if (ok && e->type == ML_T_DATETIME)
        ok = bound_datetime(cx, n, out);
    return ok ? ML_OK : ml__rt_nomem(cx->rt);
}

int ml__vec_neg(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a, size_t n,
                struct ml_column *out)
{
    if (!ml_column_init(out, cx->arena, e->type, n) || !ml__nulls_or(cx->arena, a, a, n, out))
        return ml__rt_nomem(cx->rt);
    for (size_t i = 0; i < n; i++) {
        size_t k = i & mask(a);
        if (e->type == ML_T_REAL)
            out->d[i] = -a->d[k];
        else if (e->type == ML_T_DECIMAL)
            out->dec[i] = ml_dec_neg(a->dec[k]);
        else
            out->i[i] = (int64_t)(0 - (uint64_t)a->i[k]);
    }
    return ML_OK;
}

enum cmp { EQ, NE, LT, LE, GT, GE };

static enum cmp cmp_of(const char *name)
{
    if (name[0] == '=')
        return EQ;
    if (name[0] == '!')
        return NE;
    if (name[0] == '<')
        return name[1] == '=' ? LE : LT;
    return name[1] == '=' ? GE : GT;
}

#define LOOP(test)                                  \
    for (size_t i = 0; i < n; i++)                  \
        o[i] = (uint8_t)(x[i & ma] test y[i & mb]); \
    break

#define COMPARE(name, type, field)                                                                \
    static void name(enum cmp op, const struct ml_column *a, const struct ml_column *b, size_t n, \
                     uint8_t *o)                                                                  \
    {                                                                                             \
        const type *x = a->field;                                                                 \
        const type *y = b->field;                                                                 \
        size_t ma = mask(a);                                                                      \
        size_t mb = mask(b);                                                                      \
        switch (op) {                                                                             \
        case EQ:                                                                                  \
            LOOP(==);                                                                             \
        case NE:                                                                                  \
            LOOP(!=);                                                                             \
        case LT:                                                                                  \
            LOOP(<);                                                                              \
        case LE:                                                                                  \
            LOOP(<=);                                                                             \
        case GT:                                                                                  \
            LOOP(>);                                                                              \
        case GE:                                                                                  \
            LOOP(>=);                                                                             \
        }                                                                                         \
    }
COMPARE(i64_compare, int64_t, i)
COMPARE(real_compare, double, d)
#undef COMPARE
#undef LOOP

static void string_compare(enum cmp op, const struct ml_column *a, const struct ml_column *b,
                           size_t n, uint8_t *o)
{
    size_t ma = mask(a);
    size_t mb = mask(b);
    uint8_t flip = op == NE;
    for (size_t i = 0; i < n; i++)
        o[i] = (uint8_t)ml_str_eq(a->s[i & ma], b->s[i & mb]) ^ flip;
}

static void other_compare(enum cmp op, const struct ml_column *a, const struct ml_column *b,
                          size_t n, uint8_t *o)
{
    for (size_t i = 0; i < n; i++) {
        struct ml_val x = ml_column_get(a, i);
        struct ml_val y = ml_column_get(b, i);
        int c = x.null || y.null ? 0 : ml_val_cmp(&x, &y);
        o[i] = op == EQ   ? c == 0
               : op == NE ? c != 0
               : op == LT ? c < 0
               : op == LE ? c <= 0
               : op == GT ? c > 0
                          : c >= 0;
    }
}

/* == and != with one null are false and true, with two they are null; the others are null at any null. */
static bool compare_nulls(struct ml_ecx *cx, enum cmp op, const struct ml_column *a,
                          const struct ml_column *b, size_t n, struct ml_column *out)
{
    if (op != EQ && op != NE)
        return ml__nulls_or(cx->arena, a, b, n, out);
    if (a->nulls == NULL && b->nulls == NULL)
        return true;
    bool both = a->nulls != NULL && b->nulls != NULL;
    if (both && !need_nulls(cx, out, n))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool x = a->nulls != NULL && a->nulls[i & mask(a)];
        bool y = b->nulls != NULL && b->nulls[i & mask(b)];
        if (x && y)
            out->nulls[i] = 1;
        else if (x || y)
            out->b[i] = op == NE;
    }
    return true;
}

int ml__vec_compare(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a, size_t n,
                    struct ml_column *out)
{
    enum cmp op = cmp_of(e->fn->name);
    if (!ml_column_init(out, cx->arena, ML_T_BOOL, n))
        return ml__rt_nomem(cx->rt);
    if (ml_type_is_i64(a[0].type))
        i64_compare(op, &a[0], &a[1], n, out->b);
    else if (a[0].type == ML_T_REAL)
        real_compare(op, &a[0], &a[1], n, out->b);
    else if (a[0].type == ML_T_STRING && (op == EQ || op == NE))
        string_compare(op, &a[0], &a[1], n, out->b);
    else
        other_compare(op, &a[0], &a[1], n, out->b);
    return compare_nulls(cx, op, &a[0], &a[1], n, out) ? ML_OK : ml__rt_nomem(cx->rt);
}

/* Three values: false wins for `and`, true for `or`; else a null makes null. */
static int logic(struct ml_ecx *cx, const struct ml_column *a, size_t n, bool winner,
                 struct ml_column *out)
{
    const struct ml_column *b = a + 1;
    bool nulls = a->nulls != NULL || b->nulls != NULL;
    bool ok = nulls ? ml_column_init_nulls(out, cx->arena, ML_T_BOOL, n)
                    : ml_column_init(out, cx->arena, ML_T_BOOL, n);
    if (!ok)
        return ml__rt_nomem(cx->rt);
    size_t ma = mask(a);
    size_t mb = mask(b);
    if (!nulls) {
        if (winner)
            for (size_t i = 0; i < n; i++)
                out->b[i] = a->b[i & ma] | b->b[i & mb];
        else
            for (size_t i = 0; i < n; i++)
                out->b[i] = a->b[i & ma] & b->b[i & mb];
        return ML_OK;
    }
    for (size_t i = 0; i < n; i++) {
        bool an = a->nulls != NULL && a->nulls[i & ma];
        bool bn = b->nulls != NULL && b->nulls[i & mb];
        bool wins = (!an && a->b[i & ma] == winner) || (!bn && b->b[i & mb] == winner);
        out->b[i] = wins ? winner : !winner;
        out->nulls[i] = !wins && (an || bn);
    }
    return ML_OK;
}

int ml__vec_and(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a, size_t n,
                struct ml_column *out)
{
    return logic(cx, a, n, false, out);
}

int ml__vec_or(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a, size_t n,
               struct ml_column *out)
{
    return logic(cx, a, n, true, out);
}

int ml__vec_not(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a, size_t n,
                struct ml_column *out)
{
    if (!ml_column_init(out, cx->arena, ML_T_BOOL, n) || !ml__nulls_or(cx->arena, a, a, n, out))
        return ml__rt_nomem(cx->rt);
    for (size_t i = 0; i < n; i++)
        out->b[i] = a->b[i & mask(a)] ^ 1;
    return ML_OK;
}

int ml__vec_cast(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a, size_t n,
                 struct ml_column *out)
{
    if (a->type == e->type) {
        *out = *a;
        return ML_OK;
    }
    if (ml_type_is_int(a->type) && e->type == ML_T_LONG) {
        *out = *a;
        out->type = ML_T_LONG;
        return ML_OK;
    }
    if (ml_type_is_int(a->type) && e->type == ML_T_REAL) {
        if (!ml_column_init(out, cx->arena, ML_T_REAL, n) || !ml__nulls_or(cx->arena, a, a, n, out))
            return ml__rt_nomem(cx->rt);
        for (size_t i = 0; i < n; i++)
            out->d[i] = (double)a->i[i & mask(a)];
        return ML_OK;
    }
    if (!ml_column_init_nulls(out, cx->arena, e->type, n))
        return ml__rt_nomem(cx->rt);
    for (size_t i = 0; i < n; i++) {
        struct ml_val v = ml_column_get(a, i);
        bool had = !v.null && v.type != ML_T_STRING;
        v = ml_val_cast(cx->arena, &v, a->type == ML_T_DYNAMIC, e->type);
        if (had && v.type == ML_T_STRING && v.s.p == NULL)
            return ml__rt_nomem(cx->rt); /* a text that could not be made is not an empty one */
        ml_column_set(out, i, &v);
    }
    return ML_OK;
}
