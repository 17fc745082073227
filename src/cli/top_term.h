/* cli/top_term.h -- a terminal as a screen: raw keys, the second buffer, and all as it was afterwards.
 *
 * Whatever ends the program (q, SIGINT, SIGTERM, SIGHUP, a crash), the terminal gets back its mode, its cursor and what
 * stood on it. ^Z gives it back as well, until the program is continued.
 * Threads: the main one; one terminal at a time. Plain ANSI sequences (ECMA-48), as every terminal of today knows.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CLI_TOP_TERM_H
#define ML_CLI_TOP_TERM_H

#include "base/err.h"
#include "base/str.h"

/* Keys: characters as themselves, and these. */
enum ml_term_key {
    ML_TERM_NONE = 0, /* time is up, or the terminal changed its size: draw anew */
    ML_TERM_END = -1, /* a signal asks to end, or the terminal is gone */
    ML_TERM_UP = 1000,
    ML_TERM_DOWN,
    ML_TERM_PAGE_UP,
    ML_TERM_PAGE_DOWN,
    ML_TERM_FIRST,
    ML_TERM_LAST,
    ML_TERM_ESCAPE,
    ML_TERM_ENTER,
    ML_TERM_RUBOUT,
    ML_TERM_UNKNOWN, /* some other key */
};

/* Take the terminal that standard input and output are. Errors: those of the system. */
int ml_term_open(struct ml_error *e);
/* Give it back; nothing happens if it is not taken. */
void ml_term_close(void);
/* If a signal asked to end: end by it, as the shell expects. */
void ml_term_obey(void);

void ml_term_size(unsigned *width, unsigned *height);
/* Show a frame: from the upper left corner, lines ended by a line feed. */
void ml_term_show(struct ml_str frame);
/* The next key; at most so many ms are waited for it. */
int ml_term_wait(int ms);

/* The first key in the n bytes, and how many of them it is; 0: not all of it is there yet. */
size_t ml_term_decode(const char *bytes, size_t n, int *key);

#endif
