/* base/buf.h -- a growing byte buffer with a maximum.
 *
 * Errors stick: after a failed append the buffer ignores further ones and keeps `status`, so a
 * writer appends freely and looks once at the end.
 * Threads: one owner at a time. SPDX-License-Identifier: MIT */
#ifndef ML_BASE_BUF_H
#define ML_BASE_BUF_H

#include "base/port.h"
#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* All-zero is a valid empty buffer. */
struct ml_buf {
    char *p;    /* owned; always zero-terminated once anything was appended */
    size_t n;   /* bytes in use */
    size_t cap; /* bytes allocated */
    size_t max; /* most bytes allowed; 0: no limit */
    int status; /* ML_OK, ML_ENOMEM or ML_ELIMIT */
};

void ml_buf_add(struct ml_buf *b, const void *bytes, size_t n);
void ml_buf_str(struct ml_buf *b, struct ml_str s);
void ml_buf_cstr(struct ml_buf *b, const char *s);
void ml_buf_char(struct ml_buf *b, char c);
/* n copies of c. */
void ml_buf_fill(struct ml_buf *b, char c, size_t n);
void ml_buf_printf(struct ml_buf *b, const char *fmt, ...) ML_PRINTF(2, 3);
void ml_buf_vprintf(struct ml_buf *b, const char *fmt, va_list args);
/* Decimal digits, without a call of printf. */
void ml_buf_i64(struct ml_buf *b, int64_t v);
void ml_buf_u64(struct ml_buf *b, uint64_t v);
/* A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD (source files and log
 * lines hold anything). */
void ml_buf_json(struct ml_buf *b, struct ml_str s);
/* The place of n more bytes to be filled by the caller, who then adds n to b->n; NULL on failure. */
char *ml_buf_reserve(struct ml_buf *b, size_t n);

static inline struct ml_str ml_buf_view(const struct ml_buf *b)
{
    return (struct ml_str){b->p, b->n};
}

/* Empty, memory kept, error forgotten. */
void ml_buf_clear(struct ml_buf *b);
void ml_buf_free(struct ml_buf *b);

#endif
