/* kql/fold.h -- letters: simple case folding, letter-or-digit, and the searches built on them.
 *
 * One code point folds to one. A byte that is not UTF-8 stands for itself.
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_FOLD_H
#define ML_KQL_FOLD_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

uint32_t ml_fold_point(uint32_t c);
uint32_t ml_upper_point(uint32_t c);
uint32_t ml_lower_point(uint32_t c);
bool ml_is_alnum_point(uint32_t c);

/* A text to search for. */
struct ml_needle {
    struct ml_str text; /* folded when fold is set; the arena's */
    bool fold;
    bool ascii;      /* every byte below 0x80 */
    bool word_left;  /* the match must not follow a letter or digit */
    bool word_right; /* ... nor be followed by one */
    bool at_start;
    bool at_end;
};

enum ml_search {
    ML_S_CONTAINS,
    ML_S_STARTS,
    ML_S_ENDS,
    ML_S_EQUALS,
    ML_S_HAS,
    ML_S_HASPREFIX,
    ML_S_HASSUFFIX
};

/* False: out of memory. */
bool ml_needle_init(struct ml_needle *n, struct ml_arena *a, struct ml_str text,
                    enum ml_search kind, bool fold);
bool ml_needle_in(const struct ml_needle *n, struct ml_str text);
/* Can ml_needle_next find it? Not an empty one, nor one with letters beyond ASCII whose case does not count. */
bool ml_needle_jumps(const struct ml_needle *n);
/* The next place from `at` on where the needle may begin, text.n when there is none: to run over many texts that
 * stand one behind the other. Cheap; ml_needle_in decides. */
size_t ml_needle_next(const struct ml_needle *n, struct ml_str text, size_t at);

/* Code points of a text (a bad byte is one). */
size_t ml_points(struct ml_str s);
/* Byte offset of the n-th code point, s.n when there are fewer. */
size_t ml_point_offset(struct ml_str s, size_t n);

#endif
