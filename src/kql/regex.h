/* kql/regex.h -- the one door to PCRE2, with the syntax of Rust's regex crate checked in front.
 *
 * What that syntax lacks (back references, look-around, atomic groups, possessive quantifiers, recursion, callouts) is
 * refused by name; Unicode classes are on. Matching has limits: reaching one is an error, never "no match".
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_REGEX_H
#define ML_KQL_REGEX_H

#include "base/err.h"
#include "base/str.h"

struct ml_regex;

enum { ML_RE_UNGREEDY = 1, ML_RE_CASELESS = 2, ML_RE_DOTALL = 4, ML_RE_MULTILINE = 8 };

int ml_regex_new(struct ml_str pattern, unsigned flags, struct ml_regex **out, struct ml_error *e);
void ml_regex_free(struct ml_regex *r); /* NULL is fine */
/* Capturing groups, without the whole match. */
unsigned ml_regex_groups(const struct ml_regex *r);
/* The number of a named group; 0: there is none. */
unsigned ml_regex_group(const struct ml_regex *r, struct ml_str name);
/* 1 found, 0 not, negative ML_E (a limit). Bounds are read with ml_regex_span until the next search.
 * Text that is not UTF-8 never matches beyond its bad byte. */
int ml_regex_find(struct ml_regex *r, struct ml_str text, size_t from);
/* False: the group took no part. */
bool ml_regex_span(const struct ml_regex *r, unsigned group, size_t *from, size_t *to);

#endif
