/* kql/advice.h -- what somebody meant who knows another language: hints under an error.
 *
 * NULL: nothing is known. The texts follow the message as they are. SPDX-License-Identifier: MIT */
#ifndef ML_KQL_ADVICE_H
#define ML_KQL_ADVICE_H

#include "base/str.h"

/* A token that stands where `wanted` was expected; `before` is the text of the query up to it. */
const char *ml__advice_token(struct ml_str token, struct ml_str before, const char *wanted);
/* A word in an operator's, a function's, a column's place. */
const char *ml__advice_operator(struct ml_str word);
const char *ml__advice_function(struct ml_str word);

#endif
