/* kql/text.h -- values as text and JSON, JSON as values, and the conversions between types.
 *
 * Memory: what is built belongs to the arena given. SPDX-License-Identifier: MIT */
#ifndef ML_KQL_TEXT_H
#define ML_KQL_TEXT_H

#include "kql/val.h"

/* Shortest digits that read back, always with a point: 1.0, NaN, inf, -inf. */
void ml_real_print(double d, struct ml_buf *out);
/* As tostring() does. `inside`: the value stands in a dynamic, where a bool is true and not True. */
void ml_val_print(const struct ml_val *v, bool inside, struct ml_buf *out);
/* As compact JSON, NaN and infinities as strings. */
void ml_val_json(const struct ml_val *v, struct ml_buf *out);
/* The same as arena text; .p is NULL when memory is short. */
struct ml_str ml_val_text(struct ml_arena *a, const struct ml_val *v, bool inside);

/* Strict JSON. False: not JSON (or nested too deep, or out of memory). */
bool ml_json_parse(struct ml_arena *a, struct ml_str text, struct ml_val *out);
/* parse_json(): text that is no JSON becomes a string, empty text null. */
struct ml_val ml_json_or_string(struct ml_arena *a, struct ml_str text);
/* The member of a text that holds a JSON bag, as if it were parsed; null where there is none. Strings may point into the
 * text. */
struct ml_val ml_json_member(struct ml_arena *a, struct ml_str text, struct ml_str key);
/* A TEXT value parsed; any other as it is. */
struct ml_val ml_val_force(struct ml_arena *a, const struct ml_val *v);

/* The value as type `to`, null where it cannot be had; never fails but for memory (then null). For
 * DYNAMIC the value itself. */
struct ml_val ml_val_cast(struct ml_arena *a, const struct ml_val *v, bool inside, enum ml_type to);

bool ml_guid_parse(struct ml_str s, uint8_t out[16]);
void ml_guid_print(const uint8_t g[16], struct ml_buf *out);
bool ml_real_parse(struct ml_str s, double *out);
/* Decimal or 0x hexadecimal; with a range of 64 bits. */
bool ml_long_parse(struct ml_str s, int64_t *out);

#endif
