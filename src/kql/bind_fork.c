/* kql/bind_fork.c -- fork and facet, the operators that make several results of one; see bind.h.
 *
 * They end a statement: what stands before them is a shared stage, run once, and each result reads it.
 * SPDX-License-Identifier: MIT */
#include "kql/bind.h"

const struct ml_node *ml__b_fork_of(const struct ml_node *statement)
{
    const struct ml_node *last = statement->kind == ML_N_PIPE && statement->n > 1
                                     ? statement->kid[statement->n - 1]
                                     : NULL;
    if (last == NULL || last->kind != ML_N_OP)
        return NULL;
    return ml_str_eq(last->text, ML_STR("fork")) || ml_str_eq(last->text, ML_STR("facet")) ? last
                                                                                           : NULL;
}

uint32_t ml__b_fork_size(const struct ml_node *fork)
{
    return fork->n + (fork->b != NULL);
}

static struct ml_plan *leg(struct ml_binder *b, const struct ml_node *pipe, struct ml_plan *in)
{
    struct ml_plan *outer = b->input;
    b->input = in;
    struct ml_plan *p = ml__b_table(b, pipe);
    b->input = outer;
    return p;
}

/* facet by c: summarize count_c = count() by c */
static struct ml_plan *counts(struct ml_binder *b, const struct ml_node *column, struct ml_plan *in)
{
    struct ml_node *call = ml__b_alloc(b, 1, sizeof *call);
    struct ml_node *named = ml__b_alloc(b, 1, sizeof *named);
    struct ml_node *by = ml__b_alloc(b, 1, sizeof *by);
    struct ml_node *op = ml__b_alloc(b, 1, sizeof *op);
    struct ml_node **kids = ml__b_alloc(b, 3, sizeof(struct ml_node *));
    if (column->kind != ML_N_NAME)
        ml__b_fail(b, column, "KS107", "facet takes columns");
    if (ml__b_failed(b))
        return in;
    *call = (struct ml_node){
        .kind = ML_N_CALL, .text = ML_STR("count"), .pos = column->pos, .len = column->len};
    *named = *call;
    named->kind = ML_N_ASSIGN;
    named->text = ml__b_join_text(b, ML_STR("count"), "_", column->text);
    *by = *op = *call;
    by->kind = ML_N_LIST;
    op->kind = ML_N_OP;
    op->text = ML_STR("summarize");
    kids[0] = call;
    named->kid = &kids[0];
    kids[1] = (struct ml_node *)column;
    by->kid = &kids[1];
    kids[2] = named;
    op->kid = &kids[2];
    named->n = by->n = op->n = 1;
    op->a = by;
    return ml__bind_summarize(b, op, in);
}

uint32_t ml__b_fork(struct ml_binder *b, const struct ml_node *statement, struct ml_plan **at)
{
    const struct ml_node *fork = ml__b_fork_of(statement);
    struct ml_node before = *statement;
    uint32_t n = 0;
    before.n--;
    struct ml_plan *in = ml__b_shared(b, ml__b_table(b, &before));
    bool facet = ml_str_eq(fork->text, ML_STR("facet"));
    for (uint32_t i = 0; i < fork->n && !ml__b_failed(b); i++)
        at[n++] = facet ? counts(b, fork->kid[i], in) : leg(b, fork->kid[i], in);
    if (fork->b != NULL && !ml__b_failed(b))
        at[n++] = leg(b, fork->b, in);
    return n;
}
