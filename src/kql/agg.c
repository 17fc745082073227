/* kql/agg.c -- the table of aggregates, and the simple ones: counts, sums, extremes, moments; see agg.h.
 * SPDX-License-Identifier: MIT */
#include "kql/agg_state.h"

#include "base/err.h"
#include "kql/decimal.h"
#include "kql/text.h"

#include <math.h>

#define AGG(name, result, args, state, update, finish, prefix, flags) \
    {name, result, args, sizeof(state), update, finish, prefix, flags},
static const struct ml_agg aggs[] = {
#include "kql/agg.def"
};
#undef AGG

enum { AGGS = sizeof aggs / sizeof aggs[0] };

const struct ml_agg *ml_agg_at(size_t i)
{
    return i < AGGS ? &aggs[i] : NULL;
}

static const struct ml_agg *plain(struct ml_str name)
{
    static const struct {
        const char *old;
        const char *name;
    } aliases[] = {{"makelist", "make_list"},       {"makeset", "make_set"},
                   {"argmax", "arg_max"},           {"argmin", "arg_min"},
                   {"make_dictionary", "make_bag"}, {"percentilew_array", "percentilesw_array"}};
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (ml_str_eq(name, ml_str_of(aliases[i].old)))
            name = ml_str_of(aliases[i].name);
    for (size_t i = 0; i < AGGS; i++)
        if (ml_str_eq(name, ml_str_of(aggs[i].name)))
            return &aggs[i];
    return NULL;
}

const struct ml_agg *ml_agg_find(struct ml_str name, bool *filter)
{
    const struct ml_agg *a = plain(name);
    *filter = false;
    if (a != NULL || !ml_str_ends(name, ML_STR("if")))
        return a;
    *filter = true;
    struct ml_str base = {name.p, name.n - 2};
    if (base.n > 0 && base.p[base.n - 1] == '_')
        base.n--; /* make_list_if */
    return plain(base);
}

static bool is_null(const struct ml_column *c, size_t i)
{
    return c->type == ML_T_DYNAMIC ? c->v[i].null : c->nulls != NULL && c->nulls[i];
}

/* --- count --- */

int ml__agg_count(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                  const struct ml_column *a, size_t n)
{
    struct count_state *s = (struct count_state *)states;
    for (size_t i = 0; i < n; i++)
        s[group[i]].n++;
    return ML_OK;
}

struct ml_val ml__agg_count_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    return ml_val_long(((struct count_state *)state)->n);
}

/* --- sum and avg --- */

int ml__agg_sum(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                const struct ml_column *a, size_t n)
{
    struct sum_state *s = (struct sum_state *)states;
    if (a->type == ML_T_REAL) {
        for (size_t i = 0; i < n; i++)
            if (!is_null(a, i)) {
                s[group[i]].d += a->d[i];
                s[group[i]].n++;
            }
        return ML_OK;
    }
    if (ml_type_is_i64(a->type)) {
        for (size_t i = 0; i < n; i++)
            if (!is_null(a, i)) {
                struct sum_state *one = &s[group[i]];
                one->i = (int64_t)((uint64_t)one->i +
                                   (uint64_t)a->i[i]); /* wraps, also in averages */
                one->wide += a->i[i];
                one->n++;
            }
        return ML_OK;
    }
    for (size_t i = 0; i < n; i++) {
        struct ml_val v = ml_column_get(a, i);
        struct sum_state *one = &s[group[i]];
        if (v.null)
            continue;
        if (v.type == ML_T_DECIMAL)
            ml_dec_add(one->dec, v.dec, &one->dec);
        else if (a->type == ML_T_DYNAMIC) /* numbers inside a dynamic */
            one->d += v.type == ML_T_REAL ? v.d : ml_type_is_number(v.type) ? (double)v.i : 0;
        else
            return ml__rt_fail(cx->rt, cx->call->node, "KS107", "%s does not take a %s",
                               cx->call->agg->name, ml_type_name(a->type));
        one->n++;
    }
    return ML_OK;
}

struct ml_val ml__agg_sum_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    struct sum_state *s = (struct sum_state *)state;
    if (cx->call->type == ML_T_REAL)
        return ml_val_real(s->d);
    if (cx->call->type == ML_T_DECIMAL)
        return (struct ml_val){.type = ML_T_DECIMAL, .dec = s->dec};
    return ml_val_i64(cx->call->type, s->i);
}

struct ml_val ml__agg_avg_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    struct sum_state *s = (struct sum_state *)state;
    enum ml_type in = cx->call->arg[0]->type;
    if (in == ML_T_DECIMAL) {
        struct ml_val v = {.type = ML_T_DECIMAL};
        bool ok = s->n > 0 && ml_dec_div(s->dec, ml_dec_from_i64(s->n), &v.dec);
        return ok ? v : ml_val_null(ML_T_DECIMAL);
    }
    if (cx->call->type == ML_T_REAL)
        return ml_val_real((in == ML_T_REAL ? s->d : (double)s->i) / (double)s->n);
    return s->n > 0 ? ml_val_i64(cx->call->type, (int64_t)(s->wide / s->n))
                    : ml_val_null(cx->call->type);
}

/* --- min and max: a NaN wins --- */

static int best(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                const struct ml_column *a, size_t n, int sign)
{
    struct best_state *s = (struct best_state *)states;
    for (size_t i = 0; i < n && ml_type_is_i64(a->type); i++) {
        struct best_state *b = &s[group[i]];
        if (is_null(a, i))
            continue;
        bool better = sign < 0 ? a->i[i] < b->best.i : a->i[i] > b->best.i;
        if (!b->any || better)
            *b = (struct best_state){ml_val_i64(a->type, a->i[i]), true};
    }
    for (size_t i = 0; i < n && !ml_type_is_i64(a->type); i++) {
        if (is_null(a, i))
            continue;
        struct best_state *b = &s[group[i]];
        struct ml_val v = ml_column_get(a, i);
        bool nan = v.type == ML_T_REAL && isnan(v.d);
        bool was_nan = b->any && b->best.type == ML_T_REAL && isnan(b->best.d);
        if (was_nan || (b->any && !nan && sign * ml_val_cmp(&v, &b->best) <= 0))
            continue;
        b->any = true;
        if (!ml_val_copy(cx->arena, &v, &b->best))
            return ML_ENOMEM;
    }
    return ML_OK;
}

int ml__agg_min(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                const struct ml_column *a, size_t n)
{
    return best(cx, states, group, a, n, -1);
}

int ml__agg_max(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                const struct ml_column *a, size_t n)
{
    return best(cx, states, group, a, n, 1);
}

struct ml_val ml__agg_best_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    struct best_state *s = (struct best_state *)state;
    return s->any ? s->best : ml_val_null(cx->call->type);
}

/* --- moments, after Welford --- */

static double real_at(const struct ml_column *c, size_t i)
{
    if (c->type == ML_T_REAL)
        return c->d[i];
    return c->type == ML_T_DECIMAL ? ml_dec_real(c->dec[i]) : (double)c->i[i];
}

int ml__agg_moment(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                   const struct ml_column *a, size_t n)
{
    struct moment_state *s = (struct moment_state *)states;
    for (size_t i = 0; i < n; i++) {
        struct moment_state *m = &s[group[i]];
        if (is_null(a, i))
            continue;
        double x = real_at(a, i);
        m->n++;
        double delta = x - m->mean;
        m->mean += delta / (double)m->n;
        m->m2 += delta * (x - m->mean);
    }
    return ML_OK;
}

int ml__agg_comoment(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                     const struct ml_column *a, size_t n)
{
    struct moment_state *s = (struct moment_state *)states;
    for (size_t i = 0; i < n; i++) {
        struct moment_state *m = &s[group[i]];
        if (is_null(&a[0], i) || is_null(&a[1], i))
            continue;
        double x = real_at(&a[0], i);
        double y = real_at(&a[1], i);
        m->n++;
        double delta = x - m->mean;
        m->mean += delta / (double)m->n;
        m->mean_y += (y - m->mean_y) / (double)m->n;
        m->m2 += delta * (y - m->mean_y);
    }
    return ML_OK;
}

/* The engine shows variances with ten decimals. */
static double variance(const struct moment_state *s, int64_t less)
{
    double v = s->n > less ? s->m2 / (double)(s->n - less) : 0;
    return fabs(v) < 1e5 ? nearbyint(v * 1e10) / 1e10 : v;
}

struct ml_val ml__agg_variance_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    return ml_val_real(variance((struct moment_state *)state, 1));
}

struct ml_val ml__agg_variancep_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    return ml_val_real(variance((struct moment_state *)state, 0));
}

struct ml_val ml__agg_stdev_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    return ml_val_real(sqrt(variance((struct moment_state *)state, 1)));
}

struct ml_val ml__agg_stdevp_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    return ml_val_real(sqrt(variance((struct moment_state *)state, 0)));
}

struct ml_val ml__agg_covariance_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    struct moment_state *s = (struct moment_state *)state;
    return ml_val_real(s->n > 1 ? s->m2 / (double)(s->n - 1) : 0);
}

struct ml_val ml__agg_covariancep_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    struct moment_state *s = (struct moment_state *)state;
    return ml_val_real(s->n > 0 ? s->m2 / (double)s->n : 0);
}

/* --- bits --- */

int ml__agg_bits(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                 const struct ml_column *a, size_t n)
{
    struct sum_state *s = (struct sum_state *)states;
    char op = cx->call->agg->name[11]; /* binary_all_X */
    for (size_t i = 0; i < n; i++) {
        struct sum_state *one = &s[group[i]];
        if (is_null(a, i))
            continue;
        if (one->n++ == 0)
            one->i = a->i[i];
        else
            one->i = op == 'a' ? one->i & a->i[i] : op == 'o' ? one->i | a->i[i] : one->i ^ a->i[i];
    }
    return ML_OK;
}

struct ml_val ml__agg_bits_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    struct sum_state *s = (struct sum_state *)state;
    return s->n > 0 ? ml_val_long(s->i) : ml_val_null(ML_T_LONG);
}
