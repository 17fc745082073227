/* host/file.h -- whole small files. Threads: nothing shared. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_FILE_H
#define ML_HOST_FILE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

/* Append the file's bytes to b, at most max of them (more: ML_ELIMIT). */
int ml_file_read(const char *path, size_t max, struct ml_buf *b, struct ml_error *e);
/* Write through a neighbour and rename, so that a reader sees the old or the new. */
int ml_file_write(const char *path, struct ml_str bytes, unsigned mode, struct ml_error *e);
bool ml_is_file(const char *path);
bool ml_is_dir(const char *path);
/* mkdir -p. */
int ml_make_dirs(const char *path, unsigned mode, struct ml_error *e);
/* "DIR/NAME" into out; ML_ELIMIT when it does not fit. */
int ml_path_join(char *out, size_t out_bytes, const char *dir, const char *name);
/* The user's state folder for a project ($XDG_STATE_HOME/memline/HASH), made when missing: timers, certificate, spool. */
int ml_state_dir(const char *root, char *out, size_t out_bytes, struct ml_error *e);

#endif
