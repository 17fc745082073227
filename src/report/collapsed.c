/* report/collapsed.c -- a line per call path, as flame graph tools read it:
 *
 *   outermost;...;innermost bytes
 *
 * A frame is "name (file:line)", the bytes are those held, or with --sort alloc those allocated. In names,
 * ';' becomes ':' and a line's end a blank. SPDX-License-Identifier: MIT */
#include "report/decode.h"
#include "report/formats.h"
#include "report/stacks.h"

struct collapsed {
    struct ml_buf *out;
    bool allocated;
};

static void write_text(struct ml_buf *out, struct ml_str s)
{
    size_t start = out->n;
    ml_decode_utf8(s, out);
    for (size_t i = start; i < out->n; i++)
        if (out->p[i] == ';')
            out->p[i] = ':';
        else if ((unsigned char)out->p[i] < ' ')
            out->p[i] = ' ';
}

static void write_frame(struct ml_buf *out, const struct ml_frame *f)
{
    write_text(out, f->name);
    if (f->file.n == 0)
        return;
    ml_buf_cstr(out, " (");
    write_text(out, f->file);
    ml_buf_printf(out, f->line != 0 ? ":%u)" : ")", f->line);
}

static int write_stack(void *arg, const struct ml_stack *s)
{
    struct collapsed *c = arg;
    int64_t bytes = c->allocated ? (int64_t)s->heap->alloc_bytes : ml_heap_held(s->heap);
    if (bytes <= 0)
        return ML_OK;
    for (size_t i = s->n; i-- > 0;) {
        write_frame(c->out, &s->frames[i]);
        ml_buf_char(c->out, i > 0 ? ';' : ' ');
    }
    ml_buf_i64(c->out, bytes);
    ml_buf_char(c->out, '\n');
    return c->out->status;
}

int ml__report_collapsed(const struct ml_snapshot *s, const struct ml_report_options *o,
                         struct ml_buf *out, struct ml_error *e)
{
    struct collapsed c = {.out = out, .allocated = o->sort == ML_SORT_ALLOC};
    int rc = ml__stacks(s, "collapsed stacks", write_stack, &c, e);
    return out->status != ML_OK ? ML_OK : rc; /* ml_report tells of the buffer */
}
