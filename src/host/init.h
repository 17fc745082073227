/* host/init.h -- what init.c shares with `func new`. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_INIT_H
#define ML_HOST_INIT_H

#include "host/func.h"

enum ml_model { ML_MODEL_V1 = 1, ML_MODEL_V2 = 2 };

/* "v1" or "v2" in any case; NULL: the default (MEMLINE_FUNC_DEFAULT_MODEL, else v2). Answers 0, or 1 after
 * having said what is wrong. */
int ml_func_model(const char *text, enum ml_model *out);
void ml_func_print_link(enum ml_model m);
/* init in the working directory. */
int ml_func_init_here(const struct ml_func_options *o);

#endif
