/* core/mapfile.h -- a file mapped for good at one address, which grows and never moves.
 *
 * Picture:   addresses  | capacity_bytes, in the file | reserved, nothing behind it yet |
 * Invariant: bytes below capacity_bytes have space on the disk, so writing them never faults; bytes
 *            never written are zero. Touching the reserved rest is an error (SIGBUS).
 * Threads:   one at a time. Memory: the mapping; the file is one of our own, created here.
 * Trade-off: the addresses are reserved once, which counts against RLIMIT_AS; where that is too
 *            little, a smaller range is taken and the file ends up smaller. File systems that write
 *            elsewhere than they allocated (copy on write) may break the invariant when full. SPDX-License-Identifier: MIT */
#ifndef ML_CORE_MAPFILE_H
#define ML_CORE_MAPFILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ml_mapfile {
    char *base;            /* owned mapping of reserved_bytes */
    size_t reserved_bytes; /* the most it can grow to */
    size_t capacity_bytes; /* usable now */
    char *path;            /* owned, absolute; NULL: private memory, no file */
    /* private */
    int fd; /* ours only while it still is file dev:ino: programs close what they do not know */
    dev_t dev;
    ino_t ino;
};

/* Creates and maps the file. One that exists is replaced only when `replace`, and only a regular
 * file: it is removed first, so that whoever has it mapped keeps the old one.
 * Errors: ML_EBUSY (exists), ML_ENOTFOUND, ML_EIO, ML_EFULL, ML_ENOMEM; then nothing is left behind. */
int ml_mapfile_create(struct ml_mapfile *m, const char *path, bool replace, struct ml_error *e);

/* At least n bytes of capacity. Errors: ML_EFULL (also when n is above reserved_bytes), ML_EIO. */
int ml_mapfile_grow(struct ml_mapfile *m, size_t n);

/* After fork: leaves the parent's file alone and goes on with a new file `path` (an old one is
 * replaced) at the same addresses, holding these n bytes. If that file cannot be had, the error is
 * returned and the addresses become private memory holding the n bytes. path or bytes NULL is a failure
 * of the caller to get memory: the same, with zeros. */
int ml_mapfile_move(struct ml_mapfile *m, const char *path, const void *bytes, size_t n,
                    struct ml_error *e);

/* Unmaps; the file is cut to n bytes. */
void ml_mapfile_close(struct ml_mapfile *m, size_t n);
/* Unmaps; the file is removed. */
void ml_mapfile_remove(struct ml_mapfile *m);
/* The file is cut to n bytes, or removed; the addresses stay good as private memory of the same size,
 * so that a late write through an old pointer harms nobody. They are never given back. */
void ml_mapfile_retire(struct ml_mapfile *m, size_t n, bool remove);
/* Unmaps; the file stays as it is (it is another process's). */
void ml_mapfile_abandon(struct ml_mapfile *m);

#endif
