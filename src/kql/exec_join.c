/* kql/exec_join.c -- join and lookup of every kind; see exec.h.
 *
 * The right side is kept and its keys numbered; rows of one key form a chain. Left batches then look their keys up. For the
 * right-hand kinds a mark remembers which right rows found a partner.
 * SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "kql/table.h"

struct join {
    struct ml_exec x;
    struct ml_rowset right;
    struct ml_groups keys; /* of the right side */
    struct ml_groups seen; /* innerunique: left keys that had their row */
    struct ml_schema key_schema;
    uint32_t *first;      /* by key: first right row */
    uint32_t *next;       /* by right row: the next one of its key, or UINT32_MAX */
    uint8_t *matched;     /* by right row */
    struct ml_batch left; /* the current left batch */
    uint32_t *group;      /* key of each of its rows */
    size_t row;           /* where to go on in it */
    uint32_t chain;       /* right row to go on with; UINT32_MAX: a new left row */
    bool open;
    bool left_done;
    size_t tail; /* unmatched right rows given so far */
};

static int eval_keys(struct join *j, bool right, const struct ml_batch *in, struct ml_arena *a,
                     struct ml_column **out)
{
    const struct ml_plan *p = j->x.plan;
    struct ml_ecx cx = {j->x.rt, a};
    *out = ml_arena_alloc(a, p->nkeys, sizeof **out);
    if (*out == NULL)
        return ml__rt_nomem(j->x.rt);
    for (uint32_t i = 0; i < p->nkeys; i++) {
        int rc = ml__eval(&cx, p->exprs[i + (right ? p->nkeys : 0)], in, &(*out)[i]);
        if (rc != ML_OK)
            return rc;
    }
    return ML_OK;
}

static int build(struct join *j)
{
    struct ml_exec *x = &j->x;
    const struct ml_plan *p = x->plan;
    struct ml_column *keys;
    int rc = ml__exec_drain(x->in[1], &j->right);
    if (rc != ML_OK)
        return rc;
    j->key_schema.n = p->nkeys;
    j->key_schema.at = ml_arena_alloc(&x->keep, p->nkeys, sizeof *j->key_schema.at);
    if (j->key_schema.at == NULL)
        return ml__rt_nomem(x->rt);
    for (uint32_t i = 0; i < p->nkeys; i++)
        j->key_schema.at[i].type = p->exprs[i]->type;
    size_t n = j->right.all.n;
    uint32_t *group = ml_arena_raw(&x->keep, n, sizeof *group);
    j->next = ml_arena_raw(&x->keep, n, sizeof *j->next);
    j->matched = ml_arena_alloc(&x->keep, n, 1);
    if (group == NULL || j->next == NULL || j->matched == NULL ||
        !ml__groups_init(&j->keys, &j->key_schema, x->rt->max_bytes) ||
        !ml__groups_init(&j->seen, &j->key_schema, x->rt->max_bytes))
        return ml__rt_nomem(x->rt);
    if ((rc = eval_keys(j, true, &j->right.all, &x->keep, &keys)) != ML_OK)
        return rc;
    if (n > 0 && !ml__groups_find(&j->keys, &x->keep, keys, n, true, group))
        return ml__rt_nomem(x->rt);
    size_t groups = ml__groups_n(&j->keys);
    j->first = ml_arena_raw(&x->keep, groups, sizeof *j->first);
    if (j->first == NULL)
        return ml__rt_nomem(x->rt);
    memset(j->first, 0xFF, groups * sizeof *j->first);
    for (size_t i = n; i-- > 0;) { /* backwards, so that chains run forwards */
        j->next[i] = j->first[group[i]];
        j->first[group[i]] = (uint32_t)i;
    }
    return ML_OK;
}

/* The next left batch with the right-side key of each row; innerunique keeps the first row of every key. */
static int pull_left(struct join *j)
{
    struct ml_exec *x = &j->x;
    struct ml_column *keys;
    int rc = ml__exec_next(x->in[0], &j->left);
    if (rc != ML_OK || j->left.n == 0) {
        j->left_done = rc == ML_OK;
        return rc;
    }
    ml_arena_reset(&x->batch);
    size_t n = j->left.n;
    j->group = ml_arena_raw(&x->batch, n, sizeof *j->group);
    if (j->group == NULL)
        return ml__rt_nomem(x->rt);
    if ((rc = eval_keys(j, false, &j->left, &x->batch, &keys)) != ML_OK)
        return rc;
    if (x->plan->join == ML_JOIN_INNERUNIQUE) {
        size_t known = ml__groups_n(&j->seen);
        uint32_t *own = ml_arena_raw(&x->batch, n, sizeof *own);
        uint32_t *keep = ml_arena_raw(&x->batch, n, sizeof *keep);
        if (own == NULL || keep == NULL ||
            !ml__groups_find(&j->seen, &x->batch, keys, n, true, own))
            return ml__rt_nomem(x->rt);
        size_t kept = 0;
        for (size_t i = 0; i < n; i++)
            if (own[i] == known) {
                keep[kept++] = (uint32_t)i;
                known++;
            }
        struct ml_batch few;
        if (!ml__batch_init(&few, &x->batch, j->left.ncols))
            return ml__rt_nomem(x->rt);
        for (size_t c = 0; c < few.ncols; c++)
            if (!ml_column_gather(&j->left.cols[c], &x->batch, keep, kept, &few.cols[c]))
                return ml__rt_nomem(x->rt);
        for (uint32_t c = 0; c < x->plan->nkeys; c++) {
            struct ml_column all = keys[c];
            if (!ml_column_gather(&all, &x->batch, keep, kept, &keys[c]))
                return ml__rt_nomem(x->rt);
        }
        few.n = n = kept;
        j->left = few;
    }
    if (n > 0 && !ml__groups_find(&j->keys, &x->batch, keys, n, false, j->group))
        return ml__rt_nomem(x->rt);
    j->row = 0;
    j->chain = UINT32_MAX;
    return ML_OK;
}

/* Pairs of row numbers for one output batch; UINT32_MAX on a side: no partner. */
struct pairs {
    uint32_t *l;
    uint32_t *r;
    size_t n;
};

static void semi(struct join *j, struct pairs *p, bool anti)
{
    for (; j->row < j->left.n; j->row++) {
        bool found = j->group[j->row] != UINT32_MAX;
        if (found != anti) {
            p->l[p->n] = (uint32_t)j->row;
            p->r[p->n++] = UINT32_MAX;
        }
        if (p->n == ML_BATCH_ROWS) {
            j->row++;
            return;
        }
    }
}

static void match(struct join *j, struct pairs *p, bool keep_left)
{
    while (j->row < j->left.n && p->n < ML_BATCH_ROWS) {
        uint32_t g = j->group[j->row];
        if (j->chain == UINT32_MAX)
            j->chain = g != UINT32_MAX ? j->first[g] : UINT32_MAX;
        if (j->chain == UINT32_MAX) {
            if (keep_left) {
                p->l[p->n] = (uint32_t)j->row;
                p->r[p->n++] = UINT32_MAX;
            }
            j->row++;
            continue;
        }
        j->matched[j->chain] = 1;
        p->l[p->n] = (uint32_t)j->row;
        p->r[p->n++] = j->chain;
        j->chain = j->next[j->chain];
        if (j->chain == UINT32_MAX)
            j->row++;
    }
}

/* Only marks: the right-hand semi and anti joins. */
static void mark(struct join *j)
{
    for (; j->row < j->left.n; j->row++) {
        uint32_t g = j->group[j->row];
        for (uint32_t r = g != UINT32_MAX ? j->first[g] : UINT32_MAX;
             r != UINT32_MAX && !j->matched[r]; r = j->next[r])
            j->matched[r] = 1;
    }
}

static void tail_rows(struct join *j, struct pairs *p, uint8_t wanted)
{
    for (; j->tail < j->right.all.n && p->n < ML_BATCH_ROWS; j->tail++)
        if (j->matched[j->tail] == wanted) {
            p->l[p->n] = UINT32_MAX;
            p->r[p->n++] = (uint32_t)j->tail;
        }
}

static int emit(struct join *j, const struct pairs *p, struct ml_batch *out)
{
    struct ml_exec *x = &j->x;
    const struct ml_plan *plan = x->plan;
    uint32_t width = plan->in[0]->out.n;
    if (!ml__batch_init(out, &x->batch, plan->out.n))
        return ml__rt_nomem(x->rt);
    for (uint32_t i = 0; i < plan->out.n; i++) {
        uint32_t from = (uint32_t)plan->map[i];
        bool right = from >= width;
        const struct ml_column *c;
        struct ml_column none = {.type = (uint8_t)plan->out.at[i].type};
        if (right)
            c = &j->right.all.cols[from - width];
        else
            c = j->left.ncols > 0 ? &j->left.cols[from] : &none;
        if (!ml_column_gather(c, &x->batch, right ? p->r : p->l, p->n, &out->cols[i]))
            return ml__rt_nomem(x->rt);
    }
    out->n = p->n;
    return ML_OK;
}

static int next_join(struct ml_exec *x, struct ml_batch *out)
{
    struct join *j = (struct join *)x;
    uint8_t kind = x->plan->join;
    int rc = ML_OK;
    if (!j->open) {
        if ((rc = build(j)) != ML_OK)
            return rc;
        j->open = true;
    }
    for (;;) {
        if (!j->left_done && j->row >= j->left.n && (rc = pull_left(j)) != ML_OK)
            return rc;
        struct pairs p = {.l = ml_arena_raw(&x->batch, ML_BATCH_ROWS, sizeof *p.l),
                          .r = ml_arena_raw(&x->batch, ML_BATCH_ROWS, sizeof *p.r)};
        if (p.l == NULL || p.r == NULL)
            return ml__rt_nomem(x->rt);
        if (j->left_done) {
            if (kind == ML_JOIN_RIGHTOUTER || kind == ML_JOIN_FULLOUTER ||
                kind == ML_JOIN_RIGHTANTI)
                tail_rows(j, &p, 0);
            else if (kind == ML_JOIN_RIGHTSEMI)
                tail_rows(j, &p, 1);
            j->left = (struct ml_batch){0};
            return p.n > 0 ? emit(j, &p, out) : ML_OK;
        }
        if (kind == ML_JOIN_LEFTSEMI || kind == ML_JOIN_LEFTANTI)
            semi(j, &p, kind == ML_JOIN_LEFTANTI);
        else if (kind == ML_JOIN_RIGHTSEMI || kind == ML_JOIN_RIGHTANTI)
            mark(j);
        else
            match(j, &p, kind == ML_JOIN_LEFTOUTER || kind == ML_JOIN_FULLOUTER);
        if (p.n > 0)
            return emit(j, &p, out);
    }
}

static void close_join(struct ml_exec *x)
{
    struct join *j = (struct join *)x;
    ml__rows_free(&j->right);
    ml__groups_free(&j->keys);
    ml__groups_free(&j->seen);
}

const struct ml_exec_ops ml__exec_join = {
    .size = sizeof(struct join), .next = next_join, .close = close_join};
