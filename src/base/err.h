/* base/err.h -- status codes, and the one message that travels with a failure.
 *
 * Every fallible function answers an int: 0 is fine, negative is an ML_E code. What failed in
 * particular ("cannot open book 'app.book'") is written into a struct ml_error that the caller
 * owns, so that errors need no allocation and no global.
 * Threads: nothing shared. SPDX-License-Identifier: MIT */
#ifndef ML_BASE_ERR_H
#define ML_BASE_ERR_H

#include "base/port.h"

/* X(name, code, text, next step). The texts stand in docs/messages.md too (a test compares). */
#define ML_ERRORS(X)                                                                            \
    X(NOMEM, -1, "out of memory", "free some memory, or work on less at a time")                \
    X(IO, -2, "input or output failed", "look at the path, the permissions and the free space") \
    X(NOTFOUND, -3, "not found", "check the name")                                              \
    X(FORMAT, -4, "not in the expected format", "check that the file is what you think it is")  \
    X(NEWER, -5, "written by another version of memline", "use the memline that wrote it")      \
    X(TRUNCATED, -6, "ends too early", "the writer was stopped; write it again")                \
    X(FULL, -7, "no space left", "free some space, or choose another place with -o")            \
    X(LIMIT, -8, "a limit was reached", "see the documentation for the limit")                  \
    X(USAGE, -9, "wrong usage", "try --help")                                                   \
    X(UNSUPPORTED, -10, "not supported", "see the documentation for what is")                   \
    X(BUSY, -11, "in use", "stop the other user, or try again later")                           \
    X(TIMEOUT, -12, "took too long", "raise the limit, or ask for less")                        \
    X(CANCELLED, -13, "cancelled", "run it again")                                              \
    X(INVALID, -14, "invalid value", "check the value")                                         \
    X(DENIED, -15, "not permitted", "run as the owner of the file or process, or as root")

#define ML_ENUM(name, code, text, hint) ML_E##name = (code),
enum ml_status { ML_OK = 0, ML_ERRORS(ML_ENUM) };
#undef ML_ENUM

#define ML_ERROR_MAX 1024

/* What failed, for people: one line, lower case, subject in single quotes, no full stop. */
struct ml_error {
    int status; /* ML_OK or an ML_E code */
    char text[ML_ERROR_MAX];
    char hint[256]; /* next step; empty means the status's own */
};

/* Static texts for a status; never NULL, also for unknown codes. */
const char *ml_status_text(int status);
const char *ml_status_hint(int status);
/* The name without prefix ("NOMEM"), for tests and JSON. */
const char *ml_status_name(int status);

/* Fill e (may be NULL) and answer status, so that `return ml_fail(e, ML_EIO, ...)` reads well.
 * A text too long for the field is cut. */
int ml_fail(struct ml_error *e, int status, const char *fmt, ...) ML_PRINTF(3, 4);
/* The same for a failed system call: the status is the one that fits errno value `err`, and its
 * text in lower case is added (": no such file or directory"). */
int ml_fail_errno(struct ml_error *e, int err, const char *fmt, ...) ML_PRINTF(3, 4);
/* Give the failure its own next step. */
void ml_hint(struct ml_error *e, const char *fmt, ...) ML_PRINTF(2, 3);

/* The status that fits an errno value. */
int ml_status_from_errno(int err);

/* Print "memline: TEXT\n  try: HINT\n" to stderr. */
void ml_error_print(const struct ml_error *e);

#endif
