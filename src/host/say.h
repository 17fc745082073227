/* host/say.h -- plain messages of the func commands: results on stdout, failures on stderr.
 *
 * Colours only where the stream is a terminal and NO_COLOR is unset. Each call is one write, so
 * lines of several processes do not interleave. Threads: as safe as write(2).
 * SPDX-License-Identifier: MIT */
#ifndef ML_HOST_SAY_H
#define ML_HOST_SAY_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

/* Escape sequences of the console; the numbers are ECMA-48 attributes. */
enum ml_color {
    ML_PLAIN = 0,
    ML_RED = 91,
    ML_RED_BOLD = 1,
    ML_YELLOW = 93,
    ML_DARK_YELLOW = 33,
    ML_DARK_CYAN = 36,
    ML_DARK_GREEN = 32,
    ML_DARK_GRAY = 90
};

/* Does this descriptor show colours? */
bool ml_color_wanted(int fd);
/* One line to stdout; the line's end is added. */
void ml_say(const char *fmt, ...) ML_PRINTF(1, 2);
void ml_say_warning(const char *fmt, ...) ML_PRINTF(1, 2);
/* The one red message of a failure, to stderr. Answers 1, the exit status. */
int ml_say_failure(const char *fmt, ...) ML_PRINTF(1, 2);
/* All of s to fd, retrying; errors are ignored (a closed pipe is nobody's business here). */
void ml_write_fully(int fd, struct ml_str s);

/* Both stdin and stdout are terminals: questions may be asked. */
bool ml_is_interactive(void);
/* Prints the prompt and reads a line without its end; false at end of file. */
bool ml_ask(const char *prompt, char *answer, size_t answer_bytes);

#endif
