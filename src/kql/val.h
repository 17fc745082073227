/* kql/val.h -- one value: a cell, a literal, or an element inside a dynamic.
 *
 * A dynamic is not a wrapper: it is a value whose type is that of its content (LONG, STRING, ARRAY,
 * BAG, ...), so `type` of a dynamic column's cell tells what is inside. The static type of an
 * expression stands in the plan.
 * Invariant: a STRING is never null. A null has its type and null = 1; inside a dynamic NONE.
 * Memory:    strings, items and pairs belong to an arena (or to the block they came from); values are
 *            immutable once built, and copied freely. SPDX-License-Identifier: MIT */
#ifndef ML_KQL_VAL_H
#define ML_KQL_VAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "kql/type.h"

/* 34 significant digits: value = coefficient (hi, lo as a signed 128-bit number with the scale in the
 * top 6 bits of hi taken out) / 10^scale; see decimal.c. */
struct ml_dec {
    uint64_t lo;
    uint64_t hi;
};

struct ml_pair;

struct ml_val {
    uint8_t type; /* enum ml_type */
    uint8_t null;
    uint32_t n; /* ARRAY: items; BAG: pairs */
    union {
        int64_t i; /* BOOL (0, 1), INT, LONG, DATETIME, TIMESPAN */
        double d;
        struct ml_dec dec;
        uint8_t guid[16]; /* in the order of its text */
        struct ml_str s;  /* STRING, TEXT */
        const struct ml_val *items;
        const struct ml_pair *pairs;
    };
};

struct ml_pair {
    struct ml_str key;
    struct ml_val val;
};

static inline struct ml_val ml_val_null(enum ml_type t)
{
    return (struct ml_val){.type = (uint8_t)t, .null = t != ML_T_STRING};
}

static inline struct ml_val ml_val_i64(enum ml_type t, int64_t i)
{
    return (struct ml_val){.type = (uint8_t)t, .i = i};
}

static inline struct ml_val ml_val_long(int64_t i)
{
    return ml_val_i64(ML_T_LONG, i);
}

static inline struct ml_val ml_val_bool(bool b)
{
    return ml_val_i64(ML_T_BOOL, b);
}

static inline struct ml_val ml_val_real(double d)
{
    return (struct ml_val){.type = ML_T_REAL, .d = d};
}

static inline struct ml_val ml_val_str(struct ml_str s)
{
    return (struct ml_val){.type = ML_T_STRING, .s = s};
}

static inline struct ml_val ml_val_array(const struct ml_val *items, size_t n)
{
    return (struct ml_val){.type = ML_T_ARRAY, .n = (uint32_t)n, .items = items};
}

static inline struct ml_val ml_val_bag(const struct ml_pair *pairs, size_t n)
{
    return (struct ml_val){.type = ML_T_BAG, .n = (uint32_t)n, .pairs = pairs};
}

/* A datetime; null outside the range of years 1 to 9999. */
static inline struct ml_val ml_val_datetime(int64_t ticks)
{
    return ticks < 0 || ticks > ML_TICKS_MAX ? ml_val_null(ML_T_DATETIME)
                                             : ml_val_i64(ML_T_DATETIME, ticks);
}

/* Order of two values of one type; nulls are less, and equal to each other; NaN is less than every
 * number; dynamics by type, then content. */
int ml_val_cmp(const struct ml_val *a, const struct ml_val *b);
bool ml_val_eq(const struct ml_val *a, const struct ml_val *b);
/* Equal values have equal hashes (also 1 and 1.0 inside dynamics). */
uint64_t ml_val_hash(const struct ml_val *v);
/* A copy that shares nothing with the old one. False: out of memory. */
bool ml_val_copy(struct ml_arena *a, const struct ml_val *v, struct ml_val *out);

/* The member of a bag; NULL: none. */
const struct ml_val *ml_val_member(const struct ml_val *bag, struct ml_str key);

#endif
