/* core/recorder.c -- see recorder.h. SPDX-License-Identifier: MIT */
#include "core/recorder.h"

#include "base/mem.h"

#include <string.h>

int ml_recorder_new(bool per_call, struct ml_recorder **out)
{
    struct ml_recorder *r = ml_calloc(1, sizeof *r);
    if (r == NULL)
        return ML_ENOMEM;
    r->refs = 1;
    r->per_call = per_call;
    if (!per_call) {
        int rc = ml_call_new(r, &r->total);
        if (rc != ML_OK) {
            ml_free(r);
            return rc;
        }
        r->refs = 1; /* its own call does not keep it alive */
    }
    *out = r;
    return ML_OK;
}

void ml_recorder_ref(struct ml_recorder *r)
{
    r->refs++;
}

void ml_recorder_unref(struct ml_recorder *r)
{
    if (r == NULL || --r->refs > 0)
        return;
    if (r->on_free != NULL)
        r->on_free(r);
    if (r->total != NULL) {
        r->total->recorder = NULL;
        ml_call_free(r->total);
    }
    ml_free(r->tops);
    ml_free(r);
}

int ml_recorder_add(struct ml_recorder *r, const struct ml_top *top, size_t *index)
{
    if (r->n_tops == r->cap_tops) {
        size_t cap = r->cap_tops == 0 ? 4 : r->cap_tops * 2;
        struct ml_top *tops = ml_realloc(r->tops, cap, sizeof *tops);
        if (tops == NULL)
            return ML_ENOMEM;
        r->tops = tops;
        r->cap_tops = cap;
    }
    r->tops[r->n_tops] = *top;
    *index = r->n_tops++;
    return ML_OK;
}

static void sheet_free(struct ml_sheet *s)
{
    if (s == NULL)
        return;
    if (s->owns_lines)
        ml_free(s->lines);
    ml_free(s->peak_bytes);
    ml_free(s->sites);
    ml_free(s->open);
    ml_free(s);
}

static struct ml_sheet *sheet_new(const struct ml_recorder *r, const struct ml_top *top)
{
    struct ml_sheet *s = ml_calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->first_line = top->first_line;
    s->n_lines = top->n_lines;
    s->owns_lines = top->book_lines == NULL;
    s->lines = s->owns_lines ? ml_calloc(top->n_lines, sizeof *s->lines) : top->book_lines;
    if (r->tells_peaks)
        s->peak_bytes = ml_calloc(top->n_lines, sizeof *s->peak_bytes);
    if (!s->owns_lines)
        s->sites = ml_calloc(top->n_lines, sizeof *s->sites);
    if (s->lines == NULL || (r->tells_peaks && s->peak_bytes == NULL) ||
        (!s->owns_lines && s->sites == NULL)) {
        sheet_free(s);
        return NULL;
    }
    return s;
}

void ml_recorder_clear(struct ml_recorder *r)
{
    for (size_t i = 0; r->total != NULL && i < r->total->n_sheets; i++) {
        struct ml_sheet *s = r->total->sheets[i];
        if (s == NULL || !s->owns_lines)
            continue;
        memset(s->lines, 0, s->n_lines * sizeof *s->lines);
        if (s->peak_bytes != NULL)
            memset(s->peak_bytes, 0, s->n_lines * sizeof *s->peak_bytes);
        s->calls = 0;
        s->first_bytes = s->max_bytes = 0;
    }
}

int ml_call_new(struct ml_recorder *r, struct ml_call **out)
{
    struct ml_call *c = ml_calloc(1, sizeof *c);
    if (c == NULL)
        return ML_ENOMEM;
    c->recorder = r;
    ml_recorder_ref(r);
    *out = c;
    return ML_OK;
}

void ml_call_free(struct ml_call *c)
{
    for (size_t i = 0; i < c->n_sheets; i++)
        sheet_free(c->sheets[i]);
    ml_free(c->sheets);
    ml_recorder_unref(c->recorder);
    ml_free(c);
}

static ML_NOINLINE struct ml_sheet *make_sheet(struct ml_call *c, size_t top)
{
    const struct ml_recorder *r = c->recorder;
    if (top >= c->n_sheets) {
        struct ml_sheet **sheets = ml_realloc(c->sheets, r->n_tops, sizeof(struct ml_sheet *));
        if (sheets == NULL)
            return NULL;
        memset(sheets + c->n_sheets, 0, (r->n_tops - c->n_sheets) * sizeof(struct ml_sheet *));
        c->sheets = sheets;
        c->n_sheets = r->n_tops;
    }
    return c->sheets[top] = sheet_new(r, &r->tops[top]);
}

struct ml_sheet *ml_call_sheet(struct ml_call *c, size_t top)
{
    if (ML_LIKELY(top < c->n_sheets && c->sheets[top] != NULL))
        return c->sheets[top];
    return make_sheet(c, top);
}
