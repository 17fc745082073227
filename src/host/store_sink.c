/* host/store_sink.c -- records into the project's store, through its writer thread. See sink.h.
 *
 * A batch that does not find room in the writer's queue is dropped and told: the host never waits.
 * SPDX-License-Identifier: MIT */
#include "host/sink.h"

#include "base/mem.h"
#include "store/place.h"
#include "store/writer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

struct store_sink {
    struct ml_writer *writer;
    struct ml_loop *loop;
    struct ml_sink_trouble trouble;
    bool told;
    atomic_bool failed; /* set by the writer's thread */
    char why[300];      /* written before failed is set */
};

static void trouble(struct store_sink *s, const char *why)
{
    char text[400];
    if (s->told)
        return;
    s->told = true;
    (void)snprintf(text, sizeof text, "Records cannot be kept: %s. Requests go on without.", why);
    s->trouble.tell(s->trouble.user, text);
}

/* On the writer's thread. */
static void on_written(void *user, int status, const struct ml_error *e)
{
    struct store_sink *s = user;
    if (status == ML_OK || atomic_load(&s->failed))
        return;
    (void)snprintf(s->why, sizeof s->why, "%.290s", e != NULL ? e->text : ml_status_text(status));
    atomic_store(&s->failed, true);
}

static void sink_put(void *self, const struct ml_rows *rows)
{
    struct store_sink *s = self;
    struct ml_rows *copy = NULL;
    if (atomic_load(&s->failed)) {
        trouble(s, s->why);
        atomic_store(&s->failed, false); /* told once; try again */
    }
    int rc = ml_rows_copy(rows, &copy);
    if (rc == ML_OK)
        rc = ml_writer_submit(s->writer, copy, on_written, s);
    if (rc != ML_OK) {
        ml_rows_free(copy);
        trouble(s, rc == ML_EBUSY ? "more arrive than the disk takes" : ml_status_text(rc));
    }
}

static void sink_close(void *self, unsigned wait_ms)
{
    struct store_sink *s = self;
    (void)wait_ms; /* the queue is bounded, and what was acknowledged is to be kept */
    ml_writer_close(s->writer);
    if (atomic_load(&s->failed))
        trouble(s, s->why);
    ml_free(s);
}

struct ml_writer *ml_store_sink_writer(const struct ml_sink *s)
{
    const struct store_sink *sink = s->self;
    return sink->writer;
}

int ml_store_sink_open(struct ml_loop *l, const char *path, const struct ml_sink_trouble *t,
                       struct ml_sink *out, struct ml_error *e)
{
    struct store_sink *s = ml_calloc(1, sizeof *s);
    if (s == NULL)
        return ml_fail(e, ML_ENOMEM, "cannot keep records: out of memory");
    s->loop = l;
    s->trouble = *t;
    int rc = ml_store_make_place(path, e);
    if (rc == ML_OK)
        rc = ml_writer_open(path, NULL, &s->writer, e);
    if (rc != ML_OK) {
        ml_free(s);
        return rc;
    }
    *out = (struct ml_sink){.self = s, .put = sink_put, .close = sink_close};
    return ML_OK;
}
