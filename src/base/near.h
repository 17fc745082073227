/* base/near.h -- the name that somebody meant: nearest of the known names, by edit distance.
 *
 *   struct ml_near near = {.wanted = word};
 *   for each known name: ml_near_try(&near, name);
 *   if (near.best.p != NULL) ... "did you mean '%.*s'?"
 * SPDX-License-Identifier: MIT */
#ifndef ML_BASE_NEAR_H
#define ML_BASE_NEAR_H

#include "base/str.h"

struct ml_near {
    struct ml_str wanted;
    struct ml_str best; /* borrowed from the caller of try; .p NULL: nothing is near enough */
    size_t distance;    /* edits from wanted to best */
};

/* Edits (insert, remove, replace, swap neighbours) from a to b; upper and lower case are alike.
 * SIZE_MAX when either is longer than 64 bytes: such names are not typing slips. */
size_t ml_near_distance(struct ml_str a, struct ml_str b);

/* Keeps the candidate if it is near (at most a third of the longer name's length, at least one
 * edit, or wanted is a beginning of it of 3 bytes or more) and nearer than the best so far. */
void ml_near_try(struct ml_near *n, struct ml_str candidate);

#endif
