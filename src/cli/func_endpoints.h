/* cli/func_endpoints.h -- api/ as what `memline func start` lends its host. SPDX-License-Identifier: MIT */
#ifndef ML_CLI_FUNC_ENDPOINTS_H
#define ML_CLI_FUNC_ENDPOINTS_H

#include "host/func.h"

/* One of them in a process. */
const struct ml_func_endpoints *ml_func_api(void);

#endif
