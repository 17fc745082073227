/* kql/query.c -- see kql.h. SPDX-License-Identifier: MIT */
#include "kql/kql.h"

#include "base/err.h"
#include "base/mem.h"
#include "kql/bind.h"
#include "kql/engine.h"
#include "kql/exec.h"
#include "kql/explain.h"
#include "kql/optimize.h"
#include "kql/parse.h"
#include "kql/visual.h"

#include <stdio.h>

#define DEFAULT_MAX_BYTES ((size_t)2 << 30)

struct ml_query {
    struct ml_arena arena;
    struct ml_str text;
    struct ml_diag diag;
    struct ml_rt rt;
    struct ml_bound bound;
    struct ml_query_table *tables;
    struct ml_exec **execs;         /* opened at the first next */
    const struct ml_engine *engine; /* NULL: we answer ourselves */
    struct ml_str *sql;             /* of each table, for the engine */
    struct ml_answer **answers;     /* its rows; opened at the first next */
    struct ml_arena batch;          /* the engine's last batch */
};

static int64_t clock_ticks(void)
{
    return ml_wall_ns() / 100 + ML_TICKS_UNIX;
}

static bool describe(struct ml_query *q)
{
    q->tables = ml_arena_alloc(&q->arena, q->bound.n, sizeof *q->tables);
    q->execs = ml_arena_alloc(&q->arena, q->bound.n, sizeof *q->execs);
    if (q->tables == NULL || q->execs == NULL)
        return false;
    for (uint32_t i = 0; i < q->bound.n; i++) {
        const struct ml_plan *p = q->bound.at[i];
        struct ml_query_column *c = ml_arena_alloc(&q->arena, p->out.n, sizeof *c);
        char name[24] = "PrimaryResult";
        if (i > 0)
            snprintf(name, sizeof name, "Table_%u", i);
        if (c == NULL)
            return false;
        for (uint32_t k = 0; k < p->out.n; k++)
            c[k] = (struct ml_query_column){p->out.at[k].name, p->out.at[k].type};
        q->tables[i] = (struct ml_query_table){.name = ml_arena_copy(&q->arena, ml_str_of(name)),
                                               .columns = c,
                                               .ncolumns = p->out.n,
                                               .render = p->render};
    }
    return true;
}

/* The SQL of every table, so that what cannot be said in it is told at once. */
static int make_sql(struct ml_query *q)
{
    q->sql = ml_arena_alloc(&q->arena, (size_t)q->bound.n + 1, sizeof *q->sql);
    q->answers = ml_arena_alloc(&q->arena, (size_t)q->bound.n + 1, sizeof *q->answers);
    if (q->sql == NULL || q->answers == NULL)
        return ml__rt_nomem(&q->rt);
    for (uint32_t i = 0; i < q->bound.n; i++) {
        struct ml_buf b = {0};
        int rc = ml_clickhouse_sql(&q->rt, q->bound.at[i], &q->engine->target, &b);
        if (rc == ML_OK && (q->sql[i] = ml_arena_copy(&q->arena, ml_buf_view(&b))).p == NULL)
            rc = ml__rt_nomem(&q->rt);
        ml_buf_free(&b);
        if (rc != ML_OK)
            return rc;
    }
    return ML_OK;
}

static int prepare(struct ml_query *q, const struct ml_query_options *o)
{
    q->rt = (struct ml_rt){.arena = &q->arena,
                           .now_ticks = o->now_ticks != 0 ? o->now_ticks : clock_ticks(),
                           .deadline_ns = o->timeout_ns != 0 ? ml_now_ns() + o->timeout_ns : 0,
                           .max_bytes = o->max_bytes != 0 ? o->max_bytes : DEFAULT_MAX_BYTES,
                           .cancel = o->cancel,
                           .random = (uint64_t)ml_wall_ns(),
                           .diag = &q->diag,
                           .from_ticks = o->from_ticks,
                           .to_ticks = o->from_ticks == 0 && o->to_ticks == 0 ? INT64_MAX
                                                                              : o->to_ticks,
                           .parameters = o->parameters,
                           .nparameters = o->nparameters};
    struct ml_node *tree = ml_parse(&q->arena, q->text, &q->diag);
    if (tree == NULL)
        return ML_EINVALID;
    int rc = ml_bind(&q->rt, o->catalog, tree, &q->bound);
    if (rc == ML_OK && !o->no_optimizer)
        rc = ml_optimize(&q->rt, &q->bound);
    if (rc == ML_OK && !describe(q))
        rc = ml__rt_nomem(&q->rt);
    q->engine = o->engine;
    if (rc == ML_OK && q->engine != NULL)
        rc = make_sql(q);
    return rc;
}

/* Places the diagnostics; their code decides the status. */
static int failed(struct ml_query *q, int rc)
{
    if (rc == ML_OK)
        return rc;
    ml_diag_place(&q->diag, q->text);
    return strcmp(q->diag.code, "ML201") == 0 ? ML_ENOMEM : rc;
}

int ml_query_open(struct ml_str text, const struct ml_query_options *o, struct ml_query **out)
{
    struct ml_query *q = ml_calloc(1, sizeof *q);
    *out = NULL;
    if (q == NULL)
        return ML_ENOMEM;
    q->text = ml_arena_copy(&q->arena, text);
    if (q->text.p == NULL) {
        ml_query_close(q);
        return ML_ENOMEM;
    }
    int rc = failed(q, prepare(q, o));
    *out = q;
    return rc;
}

void ml_query_close(struct ml_query *q)
{
    if (q == NULL)
        return;
    for (uint32_t i = 0; q->execs != NULL && i < q->bound.n; i++)
        ml__exec_close(q->execs[i]);
    for (uint32_t i = 0; q->answers != NULL && i < q->bound.n; i++)
        if (q->answers[i] != NULL)
            q->engine->close(q->answers[i]);
    ml_arena_clear(&q->batch);
    for (uint32_t i = 0; i < q->rt.nstates; i++)
        if (q->rt.states[i].drop != NULL)
            q->rt.states[i].drop(q->rt.states[i].cache);
    for (uint32_t i = 0; i < q->rt.nshared; i++)
        if (q->rt.shared[i] != NULL) {
            ml__rows_free(q->rt.shared[i]);
            ml_free(q->rt.shared[i]);
        }
    ml_free(q->rt.shared);
    ml_arena_clear(&q->arena);
    ml_free(q);
}

uint32_t ml_query_tables(const struct ml_query *q)
{
    return q->bound.n;
}

const struct ml_query_table *ml_query_table(const struct ml_query *q, uint32_t table)
{
    return &q->tables[table];
}

/* Rows of the other engine. */
static int next_answer(struct ml_query *q, uint32_t table, struct ml_batch *batch)
{
    struct ml_error e = {0};
    int rc = ML_OK;
    uint64_t now = ml_now_ns();
    struct ml_engine_limits limits = {.max_bytes = q->rt.max_bytes, .cancel = q->rt.cancel};
    if (q->rt.deadline_ns != 0)
        limits.timeout_ns = q->rt.deadline_ns > now ? q->rt.deadline_ns - now : 1;
    if (q->answers[table] == NULL)
        rc = q->engine->open(q->engine, q->sql[table], q->tables[table].columns,
                             q->tables[table].ncolumns, &limits, &q->answers[table], &e);
    ml_arena_reset(&q->batch);
    if (rc == ML_OK)
        rc = q->engine->next(q->answers[table], &q->batch, batch, &e);
    if (rc == ML_ENOMEM)
        return ml__rt_nomem(&q->rt);
    if (rc != ML_OK) {
        ml_diag_set(&q->diag, rc == ML_EUNSUPPORTED ? "ML105" : "ML210", 0, 0, "%s", e.text);
        if (e.hint[0] != '\0')
            ml_diag_hint(&q->diag, "%s", e.hint);
    }
    return rc;
}

int ml_query_next(struct ml_query *q, uint32_t table, struct ml_batch *batch)
{
    int rc = ML_OK;
    *batch = (struct ml_batch){0};
    if (q->engine != NULL)
        return failed(q, next_answer(q, table, batch));
    if (q->execs[table] == NULL)
        rc = ml__exec_open(&q->rt, q->bound.at[table], NULL, &q->execs[table]);
    if (rc == ML_OK)
        rc = ml__exec_next(q->execs[table], batch);
    return failed(q, rc);
}

struct ml_str ml_query_visualization(struct ml_query *q, uint32_t table, bool insights)
{
    struct ml_buf b = {0};
    struct ml_str s = {NULL, 0};
    if (q->bound.at[table]->render.n == 0)
        return s;
    ml__visual_json(q->bound.at[table], insights, &b);
    s = ml_arena_copy(&q->arena, ml_buf_view(&b));
    ml_buf_free(&b);
    return s;
}

struct ml_str ml_query_render(const struct ml_query *q, uint32_t table, const char *option,
                              uint32_t i)
{
    return ml__visual_value(q->bound.at[table], option, i);
}

bool ml_query_by_row(const struct ml_query *q)
{
    for (uint32_t i = 0; i < q->bound.n; i++)
        if (!ml__plan_by_row(q->bound.at[i]))
            return false;
    return true;
}

const struct ml_diag *ml_query_diag(const struct ml_query *q)
{
    return &q->diag;
}

struct ml_query_stats ml_query_stats(const struct ml_query *q)
{
    return (struct ml_query_stats){q->rt.blocks_read, q->rt.rows_read};
}

void ml_query_explain(const struct ml_query *q, struct ml_buf *out)
{
    for (uint32_t i = 0; i < q->bound.n; i++) {
        if (q->engine == NULL) {
            ml__explain(q->bound.at[i], 0, out);
            continue;
        }
        ml_buf_str(out, q->sql[i]);
        ml_buf_cstr(out, i + 1 < q->bound.n ? "\n;\n" : "\n");
    }
}
