/* kql/exec_steps.c -- the scan operator: a sequence of steps that rows walk through; see exec.h and bind_steps.c.
 *
 * Every step has at most one active match: the cells of its last row and its declared columns, plus the states of the steps
 * before it. For each row the steps are tried last to first: first whether the row takes over the match of the step
 * before, then whether it goes on with the match of this step.
 * SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "kql/exec.h"

struct match {
    bool active;
    int64_t id;
    struct ml_val *cells; /* nsteps x width: what each step has reached in this match */
};

struct steps {
    struct ml_exec x;
    struct ml_rowset rows;
    struct ml_rowset result;
    struct match *at; /* by step */
    struct ml_val *defaults;
    uint32_t width; /* input columns and declared ones */
    int64_t next_id;
};

/* A one-row batch: the row, declared columns, then the states of all steps. */
static int scope_batch(struct steps *s, size_t row, const struct ml_val *declared,
                       const struct ml_val *states, struct ml_batch *out)
{
    struct ml_exec *x = &s->x;
    const struct ml_steps_spec *spec = x->plan->steps;
    uint32_t n = s->width * (spec->nsteps + 1);
    if (!ml__batch_init(out, &x->batch, n))
        return ml__rt_nomem(x->rt);
    out->n = 1;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t c = i % s->width;
        struct ml_val v;
        if (i >= s->width)
            v = states[i - s->width];
        else if (c < spec->ninput)
            v = ml_column_get(&s->rows.all.cols[c], row);
        else
            v = declared[c - spec->ninput];
        if (!ml_column_init_constant(&out->cols[i], &x->batch, x->plan->out.at[c].type, &v))
            return ml__rt_nomem(x->rt);
        out->cols[i].constant = false;
    }
    return ML_OK;
}

static void reset_states(const struct steps *s, struct ml_val *cells)
{
    const struct ml_plan *p = s->x.plan;
    for (uint32_t k = 0; k < p->steps->nsteps; k++)
        for (uint32_t c = 0; c < s->width; c++)
            cells[k * s->width + c] = c < p->steps->ninput ? ml_val_null(p->out.at[c].type)
                                                           : s->defaults[c - p->steps->ninput];
}

static int put(struct steps *s, const struct match *m, uint32_t step)
{
    struct ml_exec *x = &s->x;
    const struct ml_plan *p = x->plan;
    struct ml_batch row;
    if (!ml__batch_init(&row, &x->batch, p->out.n))
        return ml__rt_nomem(x->rt);
    row.n = 1;
    for (uint32_t c = 0; c < p->out.n; c++) {
        struct ml_val v = c < s->width ? m->cells[step * s->width + c] : ml_val_long(m->id);
        if (!ml_column_init_constant(&row.cols[c], &x->batch, p->out.at[c].type, &v))
            return ml__rt_nomem(x->rt);
    }
    return ml__rows_add(&s->result, &row, true) ? ML_OK : ml__rt_nomem(x->rt);
}

/* Does the row fulfil step k with these states? Then they become those of match k. */
static int try_step(struct steps *s, size_t row, uint32_t k, const struct match *from, bool *taken)
{
    struct ml_exec *x = &s->x;
    const struct ml_steps_spec *spec = x->plan->steps;
    const struct ml_scan_step *step = &spec->steps[k];
    struct ml_ecx cx = {x->rt, &x->batch};
    struct ml_batch in;
    struct ml_column c;
    uint32_t ncells = spec->nsteps * s->width;
    struct ml_val *states = ml_arena_raw(&x->batch, ncells, sizeof *states);
    if (states == NULL)
        return ml__rt_nomem(x->rt);
    if (from != NULL)
        memcpy(states, from->cells, ncells * sizeof *states);
    else
        reset_states(s, states);
    int rc = scope_batch(s, row, s->defaults, states, &in);
    if (rc != ML_OK || (rc = ml__eval(&cx, step->condition, &in, &c)) != ML_OK)
        return rc;
    struct ml_val yes = ml_column_get(&c, 0);
    *taken = !yes.null && yes.i != 0;
    if (!*taken)
        return ML_OK;
    struct ml_val *mine = states + k * s->width;
    struct ml_val *fresh = ml_arena_raw(&x->batch, s->width, sizeof *fresh);
    if (fresh == NULL)
        return ml__rt_nomem(x->rt);
    for (uint32_t i = 0; i < s->width; i++)
        fresh[i] = i < spec->ninput ? ml_column_get(&s->rows.all.cols[i], row)
                                    : s->defaults[i - spec->ninput];
    for (uint32_t i = 0; i < step->n; i++) {
        if ((rc = ml__eval(&cx, step->value[i], &in, &c)) != ML_OK)
            return rc;
        struct ml_val v = ml_column_get(&c, 0);
        if (!ml_val_copy(&x->keep, &v, &fresh[step->target[i]]))
            return ml__rt_nomem(x->rt);
    }
    memcpy(mine, fresh, s->width * sizeof *mine);
    memcpy(s->at[k].cells, states, ncells * sizeof *states);
    return ML_OK;
}

/* Does the row take over the match of the step before, or else go on with the one of step k, or begin a match? */
static int match_step(struct steps *s, size_t row, uint32_t k, bool *taken)
{
    struct match *m = &s->at[k];
    struct match *before = k > 0 ? &s->at[k - 1] : NULL;
    int rc = ML_OK;
    if (before != NULL && before->active) {
        rc = try_step(s, row, k, before, taken);
        if (rc == ML_OK && *taken) {
            m->active = true;
            m->id = before->id;
            before->active = false;
            return ML_OK;
        }
    }
    if (rc == ML_OK && (m->active || k == 0)) {
        rc = try_step(s, row, k, m->active ? m : NULL, taken);
        if (rc == ML_OK && *taken && !m->active) {
            m->active = true;
            m->id = s->next_id++;
        }
    }
    return rc;
}

/* Last step to first; a row that one step takes is offered to those before it, too. */
static int one_row(struct steps *s, size_t row)
{
    const struct ml_steps_spec *spec = s->x.plan->steps;
    int rc = ML_OK;
    for (uint32_t k = spec->nsteps; k-- > 0 && rc == ML_OK;) {
        bool taken = false;
        rc = match_step(s, row, k, &taken);
        if (rc == ML_OK && taken && spec->steps[k].output == 0)
            rc = put(s, &s->at[k], k);
    }
    return rc;
}

static int run(struct ml_exec *x)
{
    struct steps *s = (struct steps *)x;
    const struct ml_steps_spec *spec = x->plan->steps;
    int rc = ml__exec_drain(x->in[0], &s->rows);
    s->width = spec->ninput + spec->ndeclared;
    s->at = ml_arena_alloc(&x->keep, spec->nsteps, sizeof *s->at);
    s->defaults = ml_arena_alloc(&x->keep, spec->ndeclared, sizeof *s->defaults);
    if (rc != ML_OK)
        return rc;
    if (s->at == NULL || s->defaults == NULL ||
        !ml__rows_init(&s->result, &x->plan->out, x->rt->max_bytes))
        return ml__rt_nomem(x->rt);
    for (uint32_t i = 0; i < spec->ndeclared && rc == ML_OK; i++)
        rc = ml__eval_constant(x->rt, spec->defaults[i], &s->defaults[i]);
    for (uint32_t k = 0; k < spec->nsteps && rc == ML_OK; k++) {
        if (spec->steps[k].output == 1)
            return ml__rt_fail(x->rt, NULL, "ML101", "output=last is not supported in scan");
        s->at[k].cells = ml_arena_alloc(&x->keep, (size_t)spec->nsteps * s->width,
                                        sizeof *s->at[k].cells);
        if (s->at[k].cells == NULL)
            return ml__rt_nomem(x->rt);
        reset_states(s, s->at[k].cells);
    }
    for (size_t row = 0; row < s->rows.all.n && rc == ML_OK; row++) {
        ml_arena_reset(&x->batch);
        rc = one_row(s, row);
        if (rc == ML_OK)
            rc = ml__rt_check(x->rt);
    }
    return rc;
}

static int next_steps(struct ml_exec *x, struct ml_batch *out)
{
    return ml__exec_once(x, run, &((struct steps *)x)->result, out);
}

static void close_steps(struct ml_exec *x)
{
    struct steps *s = (struct steps *)x;
    ml__rows_free(&s->rows);
    ml__rows_free(&s->result);
}

const struct ml_exec_ops ml__exec_steps = {
    .size = sizeof(struct steps), .next = next_steps, .close = close_steps};
