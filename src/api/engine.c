/* api/engine.c -- a job's query through the engine into its shape. Runs on the pool.
 * SPDX-License-Identifier: MIT */
#include "api/catalog.h"
#include "api/job.h"
#include "base/port.h"
#include "kql/kql.h"
#include "store/rows.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define MAX_PARAMETERS 256

/* -- Parameters of declare query_parameters -- */

/* Clients write values as literals: 'text', long(5), datetime(2020-01-01), or bare. The engine casts the text to the
 * declared type. */
static struct ml_str literal_text(struct ml_str s)
{
    if (s.n >= 2 && (s.p[0] == '\'' || s.p[0] == '"') && s.p[s.n - 1] == s.p[0])
        return (struct ml_str){s.p + 1, s.n - 2};
    const char *open = s.n != 0 && s.p[s.n - 1] == ')' ? memchr(s.p, '(', s.n) : NULL;
    enum ml_type type;
    if (open != NULL && ml_type_find((struct ml_str){s.p, (size_t)(open - s.p)}, &type))
        return literal_text((struct ml_str){open + 1, (size_t)(s.p + s.n - open - 2)});
    return s;
}

static bool parameter_value(struct ml_arena *a, const json_t *v, struct ml_val *out)
{
    struct ml_str text = {json_string_value(v), json_string_length(v)};
    if (json_is_boolean(v))
        *out = ml_val_bool(json_is_true(v));
    else if (json_is_integer(v))
        *out = ml_val_long(json_integer_value(v));
    else if (json_is_real(v))
        *out = ml_val_real(json_real_value(v));
    else
        *out = ml_val_str(ml_arena_copy(a, literal_text(text)));
    return out->type != ML_T_STRING || out->s.p != NULL;
}

static int read_parameters(struct ml_arena *a, struct ml_str json, struct ml_query_options *o)
{
    json_t *root = json.n != 0 ? json_loadb(json.p, json.n, JSON_ALLOW_NUL, NULL) : NULL;
    size_t n = json_object_size(root);
    n = n < MAX_PARAMETERS ? n : MAX_PARAMETERS;
    struct ml_parameter *all = ml_arena_alloc(a, n != 0 ? n : 1, sizeof *all);
    const char *name;
    json_t *value;
    bool good = all != NULL;
    size_t i = 0;
    json_object_foreach(root, name, value) {
        if (!good || i == n)
            break;
        all[i].name = ml_arena_copy(a, ml_str_of(name));
        good = all[i].name.p != NULL && parameter_value(a, value, &all[i].value);
        i++;
    }
    json_decref(root);
    o->parameters = all;
    o->nparameters = i;
    return good ? ML_OK : ML_ENOMEM;
}

/* -- Running -- */

static void too_large(struct ml__job *j, const char *what)
{
    j->frame.error_code = "E_QUERY_RESULT_SET_TOO_LARGE";
    snprintf(j->error.text, sizeof j->error.text,
             "the result is larger than the limit of its %s, so not all rows were returned "
             "(E_QUERY_RESULT_SET_TOO_LARGE); ask for less (take, summarize), or set notruncation",
             what);
    j->frame.error_text = j->error.text;
}

/* Room for what follows the rows, so that an answer cut for its size is still whole JSON. */
#define TRAILER_BYTES 16384

static int timed_next(struct ml__job *j, struct ml_query *q, uint32_t t, struct ml_batch *batch)
{
    uint64_t start = ml_now_ns();
    int rc = ml_query_next(q, t, batch);
    j->frame.elapsed_ns += ml_now_ns() - start;
    return rc;
}

static int shape_table(struct ml__job *j, struct ml_query *q, uint32_t t, struct ml_shape *s)
{
    const struct ml_query_table *info = ml_query_table(q, t);
    struct ml_batch batch;
    int rc;
    ml_shape_table(s, info->columns, info->ncolumns);
    while ((rc = timed_next(j, q, t, &batch)) == ML_OK && batch.n > 0) {
        ml_shape_rows(s, &batch);
        if (s->truncated || s->out->status != ML_OK)
            break;
    }
    return rc;
}

static int shape_all(struct ml__job *j, struct ml_query *q, struct ml_shape *s)
{
    int rc = ML_OK;
    for (uint32_t t = 0; rc == ML_OK && t < ml_query_tables(q) && !s->truncated; t++)
        rc = shape_table(j, q, t, s);
    return rc;
}

/* More rows than asked for are fine (query_take_max_records); more than allowed are told. */
static void limit_rows(const struct ml__job *j, struct ml_shape *s, bool *is_error)
{
    uint64_t most = j->ask.error_rows != 0 ? j->ask.error_rows : j->api->o.result_rows;
    *is_error = j->ask.max_rows == 0 || j->ask.max_rows > most;
    s->max_rows = *is_error ? most : j->ask.max_rows;
    if (s->max_rows == UINT64_MAX)
        s->max_rows = 0;
}

static void run_query(struct ml__job *j, struct ml_query *q)
{
    struct ml_shape s = {0};
    bool is_error;
    limit_rows(j, &s, &is_error);
    j->frame.now_ticks = ml_ticks_now();
    if (ml_query_tables(q) != 0)
        j->frame.visualization = ml_query_visualization(q, 0, j->kind == ML_SHAPE_AI);
    j->out.max = j->ask.error_rows == UINT64_MAX ? 0 : j->api->o.result_bytes + TRAILER_BYTES;
    s.max_bytes = j->ask.error_rows == UINT64_MAX ? 0 : j->api->o.result_bytes;
    ml_shape_begin(&s, j->kind, &j->frame, &j->out);
    if (shape_all(j, q, &s) != ML_OK) {
        j->diag = *ml_query_diag(q);
        return;
    }
    if (s.cut)
        too_large(j, "size");
    else if (s.truncated && is_error)
        too_large(j, "rows");
    ml_shape_end(&s, &j->frame);
}

static int open_query(struct ml__job *j, const struct ml_catalog *catalog, struct ml_query **out)
{
    uint64_t longest = (uint64_t)j->api->o.query_s * 1000000000u;
    struct ml_query_options o = {
        .catalog = catalog,
        .now_ticks = j->ask.now_ticks,
        .from_ticks = j->ask.has_period ? j->ask.period.from_ticks : 0,
        .to_ticks = j->ask.has_period ? j->ask.period.to_ticks : 0,
        .timeout_ns = j->ask.timeout_ns != 0 && j->ask.timeout_ns < longest ? j->ask.timeout_ns
                                                                            : longest,
        .max_bytes = j->api->o.query_bytes,
        .cancel = &j->cancel,
    };
    if (read_parameters(&j->request->arena, j->ask.parameters, &o) != ML_OK)
        return ML_ENOMEM;
    return ml_query_open(j->ask.query, &o, out);
}

void ml__engine_run(struct ml__job *j)
{
    struct ml_store_catalog *catalog = NULL;
    struct ml_query *q = NULL;
    if (ml_store_catalog_open(j->api->reader, &catalog, &j->error) != ML_OK)
        return;
    int rc = open_query(j, ml_store_catalog_get(catalog), &q);
    if (q == NULL)
        ml_fail(&j->error, ML_ENOMEM, "out of memory");
    else if (rc != ML_OK)
        j->diag = *ml_query_diag(q);
    else
        run_query(j, q);
    if (rc != ML_OK && q != NULL && !ml_diag_is_set(&j->diag))
        ml_fail(&j->error, rc, "the query failed: %s", ml_status_text(rc));
    ml_query_close(q);
    ml_store_catalog_close(catalog);
}
