/* kql/optimize.c -- see optimize.h. SPDX-License-Identifier: MIT */
#include "kql/optimize.h"

#include "base/err.h"

int ml_optimize(struct ml_rt *rt, struct ml_bound *bound)
{
    return ML_OK;
}
