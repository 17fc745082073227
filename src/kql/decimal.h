/* kql/decimal.h -- decimal numbers of 34 significant digits.
 *
 * Layout of struct ml_dec, from the top of hi: 8 bits scale, 1 bit sign, 55 bits of the coefficient;
 * then lo, its lower 64 bits. Value = +-coefficient / 10^scale, coefficient < 10^34.
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_DECIMAL_H
#define ML_KQL_DECIMAL_H

#include "kql/val.h"

struct ml_dec ml_dec_from_i64(int64_t i);
/* False for NaN, infinities and what is too large. */
bool ml_dec_from_real(double d, struct ml_dec *out);
/* "-12.5e3"; false: not a number, or too large. */
bool ml_dec_parse(struct ml_str s, struct ml_dec *out);
double ml_dec_real(struct ml_dec d);
/* Truncated toward 0; false: does not fit. */
bool ml_dec_i64(struct ml_dec d, int64_t *out);
void ml_dec_print(struct ml_dec d, struct ml_buf *out);
int ml_dec_cmp(struct ml_dec a, struct ml_dec b);
struct ml_dec ml_dec_neg(struct ml_dec a);
/* Digits past the 34th are rounded; false: too large, or division by 0. */
bool ml_dec_add(struct ml_dec a, struct ml_dec b, struct ml_dec *out);
bool ml_dec_mul(struct ml_dec a, struct ml_dec b, struct ml_dec *out);
bool ml_dec_div(struct ml_dec a, struct ml_dec b, struct ml_dec *out);
/* Largest multiple of `size` that is not above a; false: size is not positive. */
bool ml_dec_bin(struct ml_dec a, struct ml_dec size, struct ml_dec *out);

#endif
