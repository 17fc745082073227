/* kql/func.h -- the scalar functions: a table of rows, an implementation each, a test each.
 *
 * A signature has a letter for every argument: s string, l long or int, r real, n any number, d datetime,
 * t timespan, b bool, y dynamic, a anything; '?' makes what follows optional, '*' repeats the last letter. A
 * dynamic argument is cast to what is asked for. The result: the same letters, i int, g guid, c decimal, '0' as the
 * first argument; "=0" the common type of all arguments, "=1" of all after the first, "=c" as case() wants it,
 * "B" as bin() does.
 * Nulls: unless NULLS is set, a null argument makes the result null and the function is not called.
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_FUNC_H
#define ML_KQL_FUNC_H

#include "kql/plan.h"

struct ml_rt;

/* What an implementation gets beside its arguments. */
struct ml_fcx {
    struct ml_rt *rt;
    struct ml_arena *arena;     /* for the result */
    unsigned n;                 /* arguments given */
    const uint8_t *types;       /* their static types */
    const struct ml_node *node; /* of the call, for messages */
    const char *name;           /* of the function: tells rows that share an implementation apart */
    enum ml_type type;          /* of the result */
    void **cache;               /* the call's own state between rows; starts NULL */
    void (**drop)(void *cache); /* set by the implementation that fills cache */
};

typedef struct ml_val ml_fn(struct ml_fcx *f, const struct ml_val *a);

/* Evaluate over columns: n rows, all arguments evaluated. 0 or ML_E. */
struct ml_ecx;
typedef int ml_vec_fn(struct ml_ecx *cx, const struct ml_expr *e, const struct ml_column *a,
                      size_t n, struct ml_column *out);

enum {
    ML_FN_NULLS = 1,     /* is called with nulls */
    ML_FN_ARGNAME = 2,   /* an automatic column name is that of the first argument */
    ML_FN_PREFIX = 4,    /* ... with the function's name before it */
    ML_FN_SINGLE = 8,    /* ... only when it is the only argument */
    ML_FN_VOLATILE = 16, /* differs from row to row */
    ML_FN_WINDOW = 32,   /* sees all rows */
    ML_FN_CAST = 64,     /* a conversion: the binder makes it a cast */
    ML_FN_MULTI = 128,   /* gives an array of values for several columns */
};

struct ml_func {
    const char *name;
    const char *result;
    const char *args;
    ml_fn *fn;
    ml_vec_fn *vec; /* instead of fn */
    uint16_t flags;
};

/* NULL: there is none. Aliases are resolved. */
const struct ml_func *ml_func_find(struct ml_str name);
/* The i-th, for completion and documents; NULL after the last. */
const struct ml_func *ml_func_at(size_t i);

/* The values of a function with MULTI that names them: NULL in *names ends them, *types has a letter for each.
 * False: it gives one value for each of its arguments. */
bool ml_func_values(const struct ml_func *f, const char *const **names, const char **types);

/* Helpers for implementations. */
struct ml_val ml__f_text(struct ml_fcx *f,
                         struct ml_buf *b); /* takes the buffer's text; frees it */
struct ml_val ml__f_string(struct ml_fcx *f, const char *p, size_t n); /* a copy */
void *ml__f_alloc(struct ml_fcx *f, size_t n, size_t size);
/* The query fails with this message (the first one counts). */
struct ml_val ml__f_error(struct ml_fcx *f, const char *fmt, ...) ML_PRINTF(2, 3);

#endif
