/* report/pprof.c -- a profile for `go tool pprof` and what understands its format: profile.proto of
 * github.com/google/pprof, written by hand.
 *
 *   message:  field, field, ...
 *   field:    key varint (number << 3 | type) | type 0: value varint | type 2: length varint, bytes
 * Of each path four values: objects and bytes allocated, objects and bytes in use. The scope is a label.
 * The bytes are not compressed; pprof reads that, and the program compresses what it writes.
 * SPDX-License-Identifier: MIT */
#include "report/decode.h"
#include "report/formats.h"
#include "report/frames.h"

/* Profile */
enum { SAMPLE_TYPE = 1, SAMPLE = 2, LOCATION = 4, FUNCTION = 5, STRINGS = 6, TIME_NANOS = 9 };
enum { PERIOD_TYPE = 11, PERIOD = 12, COMMENT = 13, DEFAULT_SAMPLE_TYPE = 14 };
/* The others, in the order of their numbers, from 1. */
enum { TYPE_TYPE = 1, TYPE_UNIT };
enum { SAMPLE_LOCATIONS = 1, SAMPLE_VALUES, SAMPLE_LABEL };
enum { LABEL_KEY = 1, LABEL_TEXT };
enum { LOCATION_ID = 1, LOCATION_LINE = 4 };
enum { LINE_FUNCTION = 1, LINE_LINE };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_SYSTEM_NAME, FUNCTION_FILE, FUNCTION_START };

struct pprof {
    struct ml_buf *out;
    struct ml_frames strings;
    struct ml_frames functions; /* ids are one more than their numbers */
    struct ml_frames locations;
    struct ml_buf texts; /* string_table */
    struct ml_buf part;  /* a message within the message; then within that */
    struct ml_buf inner;
    struct ml_buf clean; /* a text as UTF-8 */
    int status;          /* ML_OK or ML_ENOMEM; sticks */
};

static void varint(struct ml_buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        ml_buf_char(b, (char)(v | 0x80));
    ml_buf_char(b, (char)v);
}

static void number(struct ml_buf *b, unsigned field, uint64_t v)
{
    if (v == 0) /* the default */
        return;
    varint(b, field << 3);
    varint(b, v);
}

static void bytes(struct ml_buf *b, unsigned field, struct ml_str s)
{
    varint(b, field << 3 | 2);
    varint(b, s.n);
    ml_buf_str(b, s);
}

/* A text's index in the string table. */
static uint64_t text(struct pprof *p, struct ml_str s)
{
    uint64_t index = 0;
    bool is_new = false;
    ml_buf_clear(&p->clean);
    ml_decode_utf8(s, &p->clean);
    int rc = p->clean.status;
    if (rc == ML_OK)
        rc = ml__frames_text(&p->strings, ml_buf_view(&p->clean), &index, &is_new);
    if (rc == ML_OK && is_new)
        bytes(&p->texts, STRINGS, ml_buf_view(&p->clean));
    if (rc != ML_OK)
        p->status = rc;
    return index;
}

static void value_type(struct pprof *p, unsigned field, struct ml_str type, struct ml_str unit)
{
    ml_buf_clear(&p->part);
    number(&p->part, TYPE_TYPE, text(p, type));
    number(&p->part, TYPE_UNIT, text(p, unit));
    bytes(p->out, field, ml_buf_view(&p->part));
}

static uint64_t function_id(struct pprof *p, const struct ml_frame *f)
{
    uint64_t index = 0;
    bool is_new = false;
    int rc = ml__frames_function(&p->functions, f, &index, &is_new);
    if (rc != ML_OK)
        p->status = rc;
    if (rc == ML_OK && is_new) {
        ml_buf_clear(&p->inner);
        number(&p->inner, FUNCTION_ID, index + 1);
        number(&p->inner, FUNCTION_NAME, text(p, f->name));
        number(&p->inner, FUNCTION_SYSTEM_NAME, text(p, f->name));
        number(&p->inner, FUNCTION_FILE, text(p, f->file));
        number(&p->inner, FUNCTION_START, f->first_line);
        bytes(p->out, FUNCTION, ml_buf_view(&p->inner));
    }
    return index + 1;
}

static void write_location(struct pprof *p, const struct ml_frame *f, uint64_t id)
{
    struct ml_buf line = {0};
    uint64_t function = function_id(p, f);
    ml_buf_clear(&p->inner);
    number(&line, LINE_FUNCTION, function);
    number(&line, LINE_LINE, f->line);
    number(&p->inner, LOCATION_ID, id);
    bytes(&p->inner, LOCATION_LINE, ml_buf_view(&line));
    bytes(p->out, LOCATION, ml_buf_view(&p->inner));
    if (line.status != ML_OK)
        p->status = line.status;
    ml_buf_free(&line);
}

static uint64_t location_id(struct pprof *p, const struct ml_frame *f)
{
    uint64_t index = 0;
    bool is_new = false;
    int rc = ml__frames_line(&p->locations, f, &index, &is_new);
    if (rc != ML_OK)
        p->status = rc;
    if (rc == ML_OK && is_new)
        write_location(p, f, index + 1);
    return index + 1;
}

static void add_label(struct pprof *p, const struct ml_scope_row *scope)
{
    ml_buf_clear(&p->inner);
    number(&p->inner, LABEL_KEY, text(p, scope->name));
    number(&p->inner, LABEL_TEXT, text(p, scope->key));
    bytes(&p->part, SAMPLE_LABEL, ml_buf_view(&p->inner));
}

static void add_values(struct pprof *p, const struct ml_heap *h)
{
    int64_t held = ml_heap_held(h);
    uint64_t in_use = h->alloc_count > h->freed_count ? h->alloc_count - h->freed_count : 0;
    const uint64_t values[] = {h->alloc_count, h->alloc_bytes, in_use,
                               held > 0 ? (uint64_t)held : 0};
    ml_buf_clear(&p->inner);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        varint(&p->inner, values[i]);
    bytes(&p->part, SAMPLE_VALUES, ml_buf_view(&p->inner));
}

static int add_stack(void *arg, const struct ml_stack *s)
{
    struct pprof *p = arg;
    struct ml_buf ids = {0};
    /* A function without a line, in front of its own line, says nothing here. */
    size_t n = s->n == 2 && s->frames[1].line == 0 ? 1 : s->n;
    for (size_t i = 0; i < n; i++)
        varint(&ids, location_id(p, &s->frames[i]));
    ml_buf_clear(&p->part);
    bytes(&p->part, SAMPLE_LOCATIONS, ml_buf_view(&ids));
    add_values(p, s->heap);
    if (s->scope != NULL && s->scope->name.n > 0)
        add_label(p, s->scope);
    bytes(p->out, SAMPLE, ml_buf_view(&p->part));
    if (ids.status != ML_OK || p->part.status != ML_OK || p->inner.status != ML_OK)
        p->status = ML_ENOMEM;
    ml_buf_free(&ids);
    return p->status;
}

static void write_rest(struct pprof *p, const struct ml_snapshot *s)
{
    struct ml_heap_summary h;
    struct ml_str command = ml_snapshot_meta(s, ML_STR("command"));
    ml_snapshot_heap(s, &h);
    int64_t start = ml_snapshot_start_ns(s);
    value_type(p, SAMPLE_TYPE, ML_STR("alloc_objects"), ML_STR("count"));
    value_type(p, SAMPLE_TYPE, ML_STR("alloc_space"), ML_STR("bytes"));
    value_type(p, SAMPLE_TYPE, ML_STR("inuse_objects"), ML_STR("count"));
    value_type(p, SAMPLE_TYPE, ML_STR("inuse_space"), ML_STR("bytes"));
    number(p->out, TIME_NANOS, start > 0 ? (uint64_t)start : 0);
    value_type(p, PERIOD_TYPE, ML_STR("space"), ML_STR("bytes"));
    number(p->out, PERIOD, h.rate_bytes > 0 ? h.rate_bytes : 1);
    if (command.n > 0)
        number(p->out, COMMENT, text(p, command));
    number(p->out, DEFAULT_SAMPLE_TYPE, text(p, ML_STR("inuse_space")));
    ml_buf_str(p->out, ml_buf_view(&p->texts));
    if (p->texts.status != ML_OK || p->part.status != ML_OK)
        p->status = ML_ENOMEM;
}

int ml__report_pprof(const struct ml_snapshot *s, const struct ml_report_options *o,
                     struct ml_buf *out, struct ml_error *e)
{
    struct pprof p = {.out = out};
    text(&p, ML_STR("")); /* index 0 is the empty text */
    int rc = ml__stacks(s, "a pprof file", add_stack, &p, e);
    if (rc == ML_OK) {
        write_rest(&p, s);
        rc = p.status;
    }
    if (rc == ML_ENOMEM)
        ml_fail(e, rc, "cannot make the report: out of memory");
    ml__frames_release(&p.strings);
    ml__frames_release(&p.functions);
    ml__frames_release(&p.locations);
    ml_buf_free(&p.texts);
    ml_buf_free(&p.part);
    ml_buf_free(&p.inner);
    ml_buf_free(&p.clean);
    return rc;
}
