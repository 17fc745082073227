/* report/speedscope.c -- a file for speedscope: two profiles, bytes held and bytes allocated, each path a
 * sample whose weight is its bytes. The format is told by its schema, file-format-schema.json 0.6.
 * SPDX-License-Identifier: MIT */
#include "report/formats.h"
#include "report/frames.h"

enum { PROFILES = 2 };

struct speedscope {
    struct ml_frames known;
    struct ml_buf frames;
    struct ml_buf samples[PROFILES];
    struct ml_buf weights[PROFILES];
    uint64_t totals[PROFILES];
};

static void write_frame(struct ml_buf *out, const struct ml_frame *f)
{
    struct ml_buf name = {0};
    ml_buf_str(&name, f->name);
    if (f->line != 0)
        ml_buf_printf(&name, ":%u", f->line);
    ml_buf_cstr(out, out->n > 0 ? ",\n      {\"name\": " : "\n      {\"name\": ");
    ml_buf_json(out, ml_buf_view(&name));
    if (f->file.n > 0) {
        ml_buf_cstr(out, ", \"file\": ");
        ml_buf_json(out, f->file);
        ml_buf_printf(out, ", \"line\": %u", f->line != 0 ? f->line : f->first_line);
    }
    ml_buf_char(out, '}');
    if (name.status != ML_OK)
        out->status = name.status;
    ml_buf_free(&name);
}

static int add_sample(struct speedscope *all, int profile, const struct ml_stack *s, uint64_t bytes)
{
    struct ml_buf *samples = &all->samples[profile];
    struct ml_buf *weights = &all->weights[profile];
    ml_buf_cstr(samples, samples->n > 0 ? ", [" : "[");
    for (size_t i = s->n; i-- > 0;) {
        uint64_t number;
        bool is_new;
        int rc = ml__frames_line(&all->known, &s->frames[i], &number, &is_new);
        if (rc != ML_OK)
            return rc;
        if (is_new)
            write_frame(&all->frames, &s->frames[i]);
        ml_buf_u64(samples, number);
        ml_buf_cstr(samples, i > 0 ? ", " : "]");
    }
    ml_buf_cstr(weights, weights->n > 0 ? ", " : "");
    ml_buf_u64(weights, bytes);
    all->totals[profile] += bytes;
    return samples->status != ML_OK ? samples->status : weights->status;
}

static int add_stack(void *arg, const struct ml_stack *s)
{
    struct speedscope *all = arg;
    int64_t held = ml_heap_held(s->heap);
    int rc = held > 0 ? add_sample(all, 0, s, (uint64_t)held) : ML_OK;
    if (rc == ML_OK && s->heap->alloc_bytes > 0)
        rc = add_sample(all, 1, s, s->heap->alloc_bytes);
    return rc != ML_OK ? rc : all->frames.status;
}

static void write_profile(const struct speedscope *all, int i, struct ml_buf *out)
{
    static const char *const names[PROFILES] = {"bytes held", "bytes allocated"};
    ml_buf_printf(out,
                  "%s\n    {\"type\": \"sampled\", \"name\": \"%s\", \"unit\": \"bytes\", "
                  "\"startValue\": 0, \"endValue\": %llu,\n     \"samples\": [",
                  i > 0 ? "," : "", names[i], (unsigned long long)all->totals[i]);
    ml_buf_str(out, ml_buf_view(&all->samples[i]));
    ml_buf_cstr(out, "],\n     \"weights\": [");
    ml_buf_str(out, ml_buf_view(&all->weights[i]));
    ml_buf_cstr(out, "]}");
}

static void write_file(const struct ml_snapshot *s, const struct speedscope *all,
                       struct ml_buf *out)
{
    ml_buf_cstr(out, "{\n  \"$schema\": \"https://www.speedscope.app/file-format-schema.json\",\n"
                     "  \"exporter\": \"memline " ML_VERSION "\",\n  \"name\": ");
    ml_buf_json(out, ml_snapshot_meta(s, ML_STR("command")));
    ml_buf_cstr(out, ",\n  \"activeProfileIndex\": 0,\n  \"shared\": {\n    \"frames\": [");
    ml_buf_str(out, ml_buf_view(&all->frames));
    ml_buf_cstr(out, "\n    ]\n  },\n  \"profiles\": [");
    for (int i = 0; i < PROFILES; i++)
        write_profile(all, i, out);
    ml_buf_cstr(out, "\n  ]\n}\n");
}

int ml__report_speedscope(const struct ml_snapshot *s, const struct ml_report_options *o,
                          struct ml_buf *out, struct ml_error *e)
{
    struct speedscope all = {0};
    int rc = ml__stacks(s, "a speedscope file", add_stack, &all, e);
    if (rc == ML_OK)
        write_file(s, &all, out);
    else if (rc == ML_ENOMEM)
        ml_fail(e, rc, "cannot make the report: out of memory");
    ml__frames_release(&all.known);
    ml_buf_free(&all.frames);
    for (int i = 0; i < PROFILES; i++) {
        ml_buf_free(&all.samples[i]);
        ml_buf_free(&all.weights[i]);
    }
    return rc;
}
