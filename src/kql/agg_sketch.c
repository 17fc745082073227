/* kql/agg_sketch.c -- hll, tdigest and their merging aggregates; see agg.h.
 *
 * The states of the real engine are sketches. Ours hold the values themselves, so that what is read from them is exact:
 * {"hll": [each value once]}, {"tdigest": [all values]}. SPDX-License-Identifier: MIT */
#include "kql/agg_state.h"

#include "base/err.h"
#include "kql/text.h"

static struct ml_str key_of(const struct ml_agg_cx *cx)
{
    bool set = strncmp(cx->call->agg->name, "hll", 3) == 0;
    return set ? ML_STR("hll") : ML_STR("tdigest");
}

/* The values of a state; what is no state has none. */
static const struct ml_val *values_of(const struct ml_agg_cx *cx, const struct ml_val *state)
{
    const struct ml_val *v = state->null || state->type != ML_T_BAG
                                 ? NULL
                                 : ml_val_member(state, key_of(cx));
    return v != NULL && !v->null && v->type == ML_T_ARRAY ? v : NULL;
}

int ml__agg_sketch_merge(struct ml_agg_cx *cx, char *states, const uint32_t *group,
                         const struct ml_column *a, size_t n)
{
    struct list_state *s = (struct list_state *)states;
    bool set = key_of(cx).n == 3;
    for (size_t i = 0; i < n; i++) {
        struct ml_val v = ml_column_get(a, i);
        v = ml_val_force(cx->arena, &v);
        const struct ml_val *values = values_of(cx, &v);
        for (uint32_t k = 0; values != NULL && k < values->n; k++) {
            bool nomem = false;
            if ((!set || ml__list_is_new(cx, &s[group[i]], &values->items[k], &nomem)) &&
                !ml__list_push(cx, &s[group[i]], &values->items[k]))
                return ML_ENOMEM;
            if (nomem)
                return ML_ENOMEM;
        }
    }
    return ML_OK;
}

struct ml_val ml__agg_sketch_end(struct ml_agg_cx *cx, char *state, uint32_t column)
{
    struct list_state *s = (struct list_state *)state;
    if (s->n == 0) /* of nothing there is no state */
        return ml_val_null(ML_T_NONE);
    struct ml_pair *pair = ml_arena_raw(cx->arena, 1, sizeof *pair);
    if (pair == NULL) {
        ml__rt_nomem(cx->rt);
        return ml_val_null(ML_T_NONE);
    }
    *pair = (struct ml_pair){key_of(cx), ml_val_array(s->items, s->n)};
    return ml_val_bag(pair, 1);
}
