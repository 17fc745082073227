/* kql/plan.c -- what can be told from a plan without running it; see plan.h. SPDX-License-Identifier: MIT */
#include "kql/plan.h"

/* No sub-query inside, and nothing that looks at other rows. */
static bool alone(const struct ml_expr *e)
{
    if (e == NULL)
        return true;
    if (e->kind == ML_E_SCALAR || e->kind == ML_E_LIST || e->window)
        return false;
    for (uint32_t i = 0; i < e->n; i++)
        if (!alone(e->arg[i]))
            return false;
    return true;
}

static bool all_alone(struct ml_expr *const *e, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!alone(e[i]))
            return false;
    return true;
}

bool ml__plan_by_row(const struct ml_plan *p)
{
    switch ((enum ml_plan_kind)p->kind) {
    case ML_P_SCAN:
        return p->limit_rows == 0 && all_alone(p->filters, p->nfilters);
    case ML_P_FILTER:
    case ML_P_PROJECT:
    case ML_P_PARSE:
    case ML_P_PARSE_KV:
    case ML_P_UNION:
        break;
    case ML_P_SORT:
        if (p->limit != NULL)
            return false;
        break;
    default:
        return false;
    }
    for (uint32_t i = 0; i < p->nin; i++)
        if (!ml__plan_by_row(p->in[i]))
            return false;
    return !p->window && all_alone(p->exprs, p->n);
}
