/* api/fault.h -- what is wrong with a query, in the envelopes that clients take apart.
 * SPDX-License-Identifier: MIT */
#ifndef ML_API_FAULT_H
#define ML_API_FAULT_H

#include "base/buf.h"
#include "kql/diag.h"

/* {"error":{"code":"General_BadRequest",...,"@message":"Semantic error: ...","innererror":{..}}}; the HTTP status. */
int ml_fault_kusto(const struct ml_diag *d, struct ml_str query, struct ml_str activity,
                   struct ml_buf *out);
/* {"error":{"code":"BadArgumentError","innererror":{"code":"SyntaxError","innererror":{..}}}}; the HTTP status. */
int ml_fault_insights(const struct ml_diag *d, struct ml_str query, struct ml_buf *out);
/* The text is wrong, not what it means. */
bool ml_fault_is_syntax(const struct ml_diag *d);

#endif
