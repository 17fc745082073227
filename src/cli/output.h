/* cli/output.h -- where a command's result goes, and what the reader there can show.
 * `path` NULL is standard output. SPDX-License-Identifier: MIT */
#ifndef ML_CLI_OUTPUT_H
#define ML_CLI_OUTPUT_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

enum ml_color { ML_COLOR_AUTO, ML_COLOR_ALWAYS, ML_COLOR_NEVER };
extern const char *const ml_color_words[]; /* "auto", "always", "never", NULL */

/* Auto: on a terminal that is not dumb, unless NO_COLOR is set (https://no-color.org). */
bool ml_output_colors(int color, const char *path);
/* Columns of the terminal; 0 if it is none. */
unsigned ml_output_width(const char *path);

/* Writes all of it. A file is replaced only as a whole: it is written beside and renamed.
 * Errors: those of the system, with the path. */
int ml_output_write(const char *path, struct ml_str bytes, struct ml_error *e);

#endif
