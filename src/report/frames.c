/* report/frames.c -- see frames.h. SPDX-License-Identifier: MIT */
#include "report/frames.h"

int ml__frames_text(struct ml_frames *t, struct ml_str text, uint64_t *number, bool *is_new)
{
    const uint64_t *found = ml_map_find(&t->by_key, text);
    *is_new = found == NULL;
    *number = found != NULL ? *found : t->n;
    if (found != NULL)
        return ML_OK;
    int rc = ml_map_put(&t->by_key, text, t->n);
    t->n += rc == ML_OK;
    return rc;
}

static int find(struct ml_frames *t, const struct ml_frame *f, uint32_t line, uint64_t *number,
                bool *is_new)
{
    const uint64_t fixed[] = {f->file.n, f->first_line, line};
    ml_buf_clear(&t->key);
    ml_buf_add(&t->key, fixed, sizeof fixed);
    ml_buf_str(&t->key, f->file);
    ml_buf_str(&t->key, f->name);
    if (t->key.status != ML_OK)
        return t->key.status;
    return ml__frames_text(t, ml_buf_view(&t->key), number, is_new);
}

int ml__frames_line(struct ml_frames *t, const struct ml_frame *f, uint64_t *number, bool *is_new)
{
    return find(t, f, f->line, number, is_new);
}

int ml__frames_function(struct ml_frames *t, const struct ml_frame *f, uint64_t *number,
                        bool *is_new)
{
    return find(t, f, 0, number, is_new);
}

void ml__frames_release(struct ml_frames *t)
{
    ml_map_free(&t->by_key);
    ml_buf_free(&t->key);
}
