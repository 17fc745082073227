/* kql/fn.h -- the implementations named in func.def. SPDX-License-Identifier: MIT */
#ifndef ML_KQL_FN_H
#define ML_KQL_FN_H

#include "kql/eval.h"

#define FUNC(name, result, args, fn, flags) ml_fn fn;
#define VEC(name, result, args, vec, flags) ml_vec_fn vec;
#include "kql/func.def"
#undef FUNC
#undef VEC

#endif
