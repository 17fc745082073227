/* host/running.h -- where the host of a project listens: told by it in STATE/host.json while it runs.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ML_HOST_RUNNING_H
#define ML_HOST_RUNNING_H

#include "base/err.h"

/* Mode 0600. key: the master key, or "". Failures are nobody's trouble. */
void ml_running_tell(const char *state_dir, const char *url, const char *key);
void ml_running_forget(const char *state_dir);
/* ML_ENOTFOUND: none runs. */
int ml_running_find(const char *root, char url[128], char key[160], struct ml_error *e);

#endif
