/* report/frames.h -- numbers for things that many paths share: each is kept once, in order of coming.
 * Within src/report only. SPDX-License-Identifier: MIT */
#ifndef ML_REPORT_FRAMES_H
#define ML_REPORT_FRAMES_H

#include "base/buf.h"
#include "base/map.h"
#include "report/stacks.h"

/* All-zero is a valid empty table. */
struct ml_frames {
    struct ml_map by_key;
    struct ml_buf key; /* scratch */
    uint64_t n;
};

/* The thing's number, from 0; *is_new tells that it came now. ML_ENOMEM, then nothing changed. */
int ml__frames_text(struct ml_frames *t, struct ml_str text, uint64_t *number, bool *is_new);
/* Of a frame: with its line, or of its function only. */
int ml__frames_line(struct ml_frames *t, const struct ml_frame *f, uint64_t *number, bool *is_new);
int ml__frames_function(struct ml_frames *t, const struct ml_frame *f, uint64_t *number,
                        bool *is_new);
void ml__frames_release(struct ml_frames *t);

#endif
