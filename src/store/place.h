/* store/place.h -- where a project's store lies.
 *
 * MEMLINE_STORE names the file. Else it is .memline/store.db in the folder given or in the nearest folder
 * above it that has one; when none has, in the folder given. SPDX-License-Identifier: MIT */
#ifndef ML_STORE_PLACE_H
#define ML_STORE_PLACE_H

#include "base/err.h"

#include <stddef.h>

/* The path for a folder ("." for the working folder). Errors: ML_ELIMIT (too long for out), ML_EIO. */
int ml_store_place(const char *folder, char *out, size_t out_bytes, struct ml_error *e);
/* Make the folder that path lies in, if it is missing; a .memline gets a .gitignore. */
int ml_store_make_place(const char *path, struct ml_error *e);

#endif
