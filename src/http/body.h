/* http/body.h -- the bytes of a request's body: in memory while small, in an unlinked file beyond.
 *
 * Threads: one owner at a time. SPDX-License-Identifier: MIT */
#ifndef ML_HTTP_BODY_H
#define ML_HTTP_BODY_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* All-zero is a valid empty body (with no memory: set memory_max first). */
struct ml_body {
    uint64_t bytes;    /* received so far */
    size_t memory_max; /* beyond this many bytes a file takes over */
    /* private */
    struct ml_buf memory;
    bool in_file;
    int fd;
    void *map; /* of the whole file, once asked for */
};

/* 0, ML_ENOMEM, or ML_EFULL and ML_EIO when the file cannot take it. */
int ml_body_add(struct ml_body *b, struct ml_str bytes);
/* All of it as one slice, which ends with the body. A file is mapped, not read. */
int ml_body_view(struct ml_body *b, struct ml_str *out);
/* Copies up to n bytes from offset; the count in *got. */
int ml_body_read(const struct ml_body *b, uint64_t offset, char *out, size_t n, size_t *got);
/* The file's descriptor moves to the caller; -1 when the body is in memory. */
int ml_body_take_fd(struct ml_body *b);
void ml_body_release(struct ml_body *b);

/* An unlinked file in TMPDIR (/tmp), for reading and writing. A descriptor, or -1 with errno. */
int ml_temp_file(void);

#endif
