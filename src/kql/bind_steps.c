/* kql/bind_steps.c -- the scan operator; see bind.h.
 *
 * Inside a step the columns are those of the row, then the declared ones with their defaults; s.c reads the state that step s
 * has reached, laid out behind them: width columns for each step. SPDX-License-Identifier: MIT */
#include "kql/bind.h"

static void declared(struct ml_binder *b, const struct ml_node *list, struct ml_steps_spec *spec,
                     struct ml_cols *c)
{
    struct ml_scope none = {0};
    spec->ndeclared = list != NULL ? list->n : 0;
    spec->defaults = ml__b_alloc(b, spec->ndeclared + 1, sizeof *spec->defaults);
    for (uint32_t i = 0; i < spec->ndeclared && !ml__b_failed(b); i++) {
        const struct ml_node *n = list->kid[i];
        struct ml_expr *e = n->n > 0 ? ml__b_expr(b, n->kid[0], &none)
                                     : ml__b_const(b, n, n->type, ml_val_null(n->type));
        if (ml__cols_find(c, n->text) >= 0)
            ml__b_fail(b, n, "KS171", "there is a column '%.*s' already", (int)n->text.n,
                       n->text.p);
        spec->defaults[i] = ml__b_cast(b, e, n->type);
        ml__cols_add(b, c, n->text, n->type, NULL);
    }
}

static uint8_t output_of(struct ml_binder *b, const struct ml_node *step)
{
    const struct ml_node *n = ml__b_opt(step, "output");
    if (n == NULL)
        return 0;
    struct ml_str word = ml__b_word(b, n);
    if (ml_str_eq(word, ML_STR("none")))
        return 2;
    return ml_str_eq(word, ML_STR("last"));
}

static void bind_step(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s,
                      struct ml_scan_step *step, uint32_t ninput)
{
    step->condition = ml__b_predicate(b, n->a, s);
    step->n = n->n;
    step->target = ml__b_alloc(b, n->n, sizeof *step->target);
    step->value = ml__b_alloc(b, n->n, sizeof *step->value);
    for (uint32_t i = 0; i < n->n && !ml__b_failed(b); i++) {
        const struct ml_node *a = n->kid[i];
        int32_t k = a->kind == ML_N_ASSIGN ? ml__schema_find(s->cols, a->text) : -1;
        if (k < (int32_t)ninput) {
            ml__b_fail(b, a, "KS142", "only declared columns can be set here");
            return;
        }
        step->target[i] = (uint32_t)k;
        step->value[i] = ml__b_cast(b, ml__b_expr(b, a->kid[0], s), s->cols->at[k].type);
    }
    if (step->condition->window)
        ml__b_fail(b, n->a, "KS146", "window functions are not allowed in a step");
    for (uint32_t i = 0; i < step->n && !ml__b_failed(b); i++)
        if (step->value[i]->window)
            ml__b_fail(b, n->kid[i], "KS146", "window functions are not allowed in a step");
}

struct ml_plan *ml__bind_scan(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    struct ml_steps_spec *spec = ml__b_alloc(b, 1, sizeof *spec);
    struct ml_cols c = {0};
    if (op->b != NULL) {
        struct ml_node sort = *op->b;
        in = ml__bind_sort(b, &sort, in);
    } else if (!in->serialized) {
        ml__b_fail(b, op, "KS146", "'scan' needs ordered rows");
        ml_diag_hint(b->diag, "put `| sort by ...` before");
        return in;
    }
    struct ml_plan *p = ml__b_plan(b, ML_P_SCAN_STEPS, in);
    for (uint32_t i = 0; i < in->out.n; i++)
        ml__cols_add(b, &c, in->out.at[i].name, in->out.at[i].type, NULL);
    declared(b, op->a, spec, &c);
    struct ml_schema cols = ml__cols_schema(&c);
    spec->ninput = in->out.n;
    spec->nsteps = op->n;
    spec->steps = ml__b_alloc(b, op->n, sizeof *spec->steps);
    spec->match_id = -1;
    for (uint32_t i = 0; i < op->n; i++) {
        spec->steps[i].name = op->kid[i]->text;
        spec->steps[i].output = output_of(b, op->kid[i]);
        if (op->kid[i]->flags & ML_F_VIEW)
            ml__b_fail(b, op->kid[i], "ML101", "'optional' steps are not supported");
    }
    struct ml_scope s = {.cols = &cols, .steps = spec};
    for (uint32_t i = 0; i < op->n && !ml__b_failed(b); i++)
        bind_step(b, op->kid[i], &s, &spec->steps[i], spec->ninput);
    const struct ml_node *id = ml__b_opt(op, "with_match_id");
    if (id != NULL) {
        spec->match_id = (int32_t)c.n;
        ml__cols_add(b, &c, ml__b_word(b, id), ML_T_LONG, NULL);
    }
    p->out = ml__cols_schema(&c);
    p->steps = spec;
    p->serialized = true;
    return p;
}
