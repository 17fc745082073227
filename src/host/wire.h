/* host/wire.h -- frames between the host and its workers. The format: docs/wire.md.
 *
 * A reader takes bytes as they come and gives whole frames; what breaks the rules is ML_EFORMAT, and the
 * connection is then good for nothing. Threads: one owner. SPDX-License-Identifier: MIT */
#ifndef ML_HOST_WIRE_H
#define ML_HOST_WIRE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdint.h>

enum {
    ML_WIRE_PROTOCOL = 1,
    ML_FRAME_MAX = 8 * 1024 * 1024, /* of L */
    ML_FRAME_HEAD = 9,
    ML_BODY_INLINE = 1024 * 1024, /* longer bodies travel in chunks */
    ML_BODY_CHUNK = 256 * 1024,
    ML_STREAM_WINDOW = 1024 * 1024,
};

struct ml_frame {
    char type;
    json_t *json;          /* owned; an object */
    struct ml_str payload; /* borrowed: ends with the next ml_wire_next or ml_wire_space */
};

void ml_frame_release(struct ml_frame *f);

struct ml_wire_reader {
    /* private */
    struct ml_buf in;
    size_t at; /* consumed so far */
};

/* Room for up to n bytes that the caller reads, then told with ml_wire_filled. NULL: out of memory. */
char *ml_wire_space(struct ml_wire_reader *r, size_t n);
void ml_wire_filled(struct ml_wire_reader *r, size_t n);
/* ML_OK and a frame; ML_ETRUNCATED: more bytes are needed; ML_EFORMAT, ML_ENOMEM. */
int ml_wire_next(struct ml_wire_reader *r, struct ml_frame *out, struct ml_error *e);
void ml_wire_reader_release(struct ml_wire_reader *r);

/* Writing: begin, append the JSON to b, end_json, append the payload, end. `start` is what begin answered. */
size_t ml_wire_begin(struct ml_buf *b, char type);
void ml_wire_end_json(struct ml_buf *b, size_t start);
/* b->status tells failure; a frame that became too long turns it to ML_ELIMIT. */
void ml_wire_end(struct ml_buf *b, size_t start);
/* A frame without payload, at once. */
void ml_wire_frame(struct ml_buf *b, char type, const char *json);

/* The part of the payload that a datum's "at" and "n" name; false: out of bounds. */
bool ml_wire_slice(const struct ml_frame *f, const json_t *datum, struct ml_str *out);
/* Text of a string or json datum, inline or in the payload; false: it is neither. */
bool ml_wire_text(const struct ml_frame *f, const json_t *datum, struct ml_str *out);

/* Members of frames, forgiving about type. */
const char *ml_json_text(const json_t *object,
                         const char *name); /* NULL when absent or no string */
struct ml_str ml_json_str(const json_t *object, const char *name); /* .p NULL likewise */
int64_t ml_json_i64(const json_t *object, const char *name, int64_t fallback);

#endif
