/* core/watch_out.h -- the records of a watch on their way to a descriptor.
 *
 *   MEM {MiB:.6f} {unix time:.4f}
 *   CHLD {pid} {MiB:.6f} {unix time:.4f}
 *
 * Other processes append to the same file: each write is made of whole lines, of 4 KiB at most (what
 * a pipe takes at once). A reader that does not read, or a full disk, costs records, never the
 * program: up to 1 MiB waits for better times, what is lost is counted.
 * Threads: one owner at a time. SPDX-License-Identifier: MIT */
#ifndef ML_CORE_WATCH_OUT_H
#define ML_CORE_WATCH_OUT_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ml_watch_out {
    /* private */
    int fd; /* borrowed; -1 once it turned out to be broken */
    struct ml_buf waiting;
    bool midline;           /* the last write broke off within a line; its rest comes first */
    uint64_t oldest_ns;     /* monotonic time of the first waiting record */
    _Atomic uint64_t *lost; /* borrowed: records that could not be written */
};

void ml_watch_out_init(struct ml_watch_out *o, int fd, _Atomic uint64_t *lost);
void ml_watch_out_mem(struct ml_watch_out *o, uint64_t bytes, int64_t wall_ns);
void ml_watch_out_child(struct ml_watch_out *o, int32_t pid, uint64_t bytes, int64_t wall_ns);
/* Write, if something waiting would be more than a second old by `due` (monotonic, ns). */
void ml_watch_out_flush_before(struct ml_watch_out *o, uint64_t due);
/* Write all, waiting for the reader at most a second; what then remains is lost. */
void ml_watch_out_end(struct ml_watch_out *o);
void ml_watch_out_release(struct ml_watch_out *o);

#endif
