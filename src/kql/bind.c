/* kql/bind.c -- names, blocks, functions and tables; see bind.h. SPDX-License-Identifier: MIT */
#include "kql/bind.h"
#include "kql/text.h"

#include "base/near.h"
#include "kql/kql.h"

#include <stdarg.h>
#include <stdio.h>

void ml__b_fail(struct ml_binder *b, const struct ml_node *n, const char *code, const char *fmt,
                ...)
{
    char text[300];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ml_diag_set(b->diag, code, n != NULL ? n->pos : 0, n != NULL ? n->len : 0, "%s", text);
}

bool ml__b_failed(const struct ml_binder *b)
{
    return ml_diag_is_set(b->diag);
}

void *ml__b_alloc(struct ml_binder *b, size_t n, size_t size)
{
    /* What a failed allocation answers: big enough for any one struct of the binder. */
    static ML_THREAD_LOCAL void *spare;
    static ML_THREAD_LOCAL char spare_bytes[4096];
    void *p = ml_arena_alloc(b->arena, n, size);
    if (p != NULL)
        return p;
    ml_diag_set(b->diag, "ML201", 0, 0, "out of memory");
    spare = spare_bytes;
    memset(spare_bytes, 0, sizeof spare_bytes);
    return n * size <= sizeof spare_bytes ? spare : NULL;
}

/* --- names --- */

const struct ml_env *ml__b_find(const struct ml_env *env, struct ml_str name)
{
    for (; env != NULL; env = env->up)
        if (ml_str_eq(env->name, name))
            return env;
    return NULL;
}

void ml__b_env_push(struct ml_binder *b, struct ml_env e)
{
    struct ml_env *kept = ml__b_alloc(b, 1, sizeof *kept);
    *kept = e;
    kept->up = b->env;
    b->env = kept;
}

static bool is_call_of(const struct ml_node *n, const char *name)
{
    return n->kind == ML_N_CALL && n->a == NULL && ml_str_eq(n->text, ml_str_of(name));
}

/* A function's value: does its last statement give a table? Its parameters and lets are looked at by name. */
static bool lambda_is_table(struct ml_binder *b, const struct ml_env *f)
{
    const struct ml_env *outer = b->env;
    const struct ml_node *body = f->node;
    bool table = false;
    if (b->depth++ < ML__INLINE_DEPTH && body->n > 0) {
        b->env = f->scope;
        for (uint32_t i = 0; i < body->a->n; i++) {
            const struct ml_node *p = body->a->kid[i];
            ml__b_env_push(b, (struct ml_env){.name = p->text,
                                              .kind = p->kind == ML_N_TABLE_PARAM ? ML_ENV_PLAN
                                                                                  : ML_ENV_SCALAR});
        }
        for (uint32_t i = 0; i + 1 < body->n; i++) {
            const struct ml_node *s = body->kid[i];
            if (s->kind != ML_N_LET)
                continue;
            if (s->kid[0]->kind == ML_N_LAMBDA)
                ml__b_env_push(b, (struct ml_env){.name = s->text,
                                                  .kind = ML_ENV_FUNC,
                                                  .node = s->kid[0],
                                                  .scope = b->env});
            else
                ml__b_env_push(b, (struct ml_env){.name = s->text,
                                                  .kind = ml__b_is_table(b, s->kid[0])
                                                              ? ML_ENV_PLAN
                                                              : ML_ENV_SCALAR});
        }
        table = ml__b_is_table(b, body->kid[body->n - 1]);
    }
    b->depth--;
    b->env = outer;
    return table;
}

bool ml__b_is_table(struct ml_binder *b, const struct ml_node *n)
{
    if (n == NULL || n->kind == ML_N_PIPE || n->kind == ML_N_DATATABLE || n->kind == ML_N_OP)
        return true;
    if (n->kind == ML_N_NAME) {
        const struct ml_env *e = ml__b_find(b->env, n->text);
        if (e != NULL)
            return e->kind == ML_ENV_TABLE || e->kind == ML_ENV_PLAN ||
                   (e->kind == ML_ENV_FUNC && lambda_is_table(b, e));
        return b->catalog != NULL && b->catalog->find(b->catalog, n->text) != NULL;
    }
    if (n->kind == ML_N_CALL) {
        if (is_call_of(n, "materialize") || is_call_of(n, "table") || n->a != NULL)
            return true;
        const struct ml_env *e = ml__b_find(b->env, n->text);
        return e != NULL && e->kind == ML_ENV_FUNC && lambda_is_table(b, e);
    }
    return false;
}

/* --- statements --- */

static void let(struct ml_binder *b, const struct ml_node *n)
{
    const struct ml_node *value = n->kid[0];
    struct ml_env e = {.name = n->text, .node = value, .scope = b->env};
    if (value->kind == ML_N_LAMBDA) {
        e.kind = ML_ENV_FUNC;
        e.view = (value->flags & ML_F_VIEW) != 0;
    } else if (is_call_of(value, "materialize")) {
        e.kind = ML_ENV_PLAN;
        e.plan = ml__b_table(b, value);
    } else if (ml__b_is_table(b, value)) {
        e.kind = ML_ENV_TABLE;
    } else {
        struct ml_scope none = {0};
        e.kind = ML_ENV_SCALAR;
        e.expr = ml__b_expr(b, value, &none);
    }
    ml__b_env_push(b, e);
}

/* The value that came with the request; NULL: none did. */
static struct ml_expr *parameter(struct ml_binder *b, const struct ml_node *n)
{
    for (size_t i = 0; i < b->rt->nparameters; i++) {
        const struct ml_parameter *p = &b->rt->parameters[i];
        struct ml_val v;
        if (ml_str_eq(p->name, n->text) && ml_val_copy(b->arena, &p->value, &v))
            return ml__b_const(b, n, v.null ? ML_T_DYNAMIC : v.type, v);
    }
    return NULL;
}

static void declare(struct ml_binder *b, const struct ml_node *n)
{
    struct ml_scope none = {0};
    for (uint32_t i = 0; i < n->a->n && !ml__b_failed(b); i++) {
        const struct ml_node *p = n->a->kid[i];
        struct ml_expr *given = parameter(b, p);
        if (given != NULL) {
            given = ml__b_cast(b, given, p->type);
            ml__b_env_push(b,
                           (struct ml_env){.name = p->text, .kind = ML_ENV_SCALAR, .expr = given});
            continue;
        }
        if (p->kind != ML_N_TYPE || p->n == 0) {
            ml__b_fail(b, p, "ML103", "query parameter '%.*s' has no value", (int)p->text.n,
                       p->text.p);
            return;
        }
        struct ml_expr *v = ml__b_cast(b, ml__b_expr(b, p->kid[0], &none), p->type);
        ml__b_env_push(b, (struct ml_env){.name = p->text, .kind = ML_ENV_SCALAR, .expr = v});
    }
}

/* True if the statement was a declaration. */
static bool declaration(struct ml_binder *b, const struct ml_node *n)
{
    if (n->kind == ML_N_LET)
        let(b, n);
    else if (n->kind == ML_N_DECLARE)
        declare(b, n);
    else if (n->kind != ML_N_SET)
        return false;
    return true;
}

void ml__b_block(struct ml_binder *b, const struct ml_node *block, struct ml_expr **expr,
                 struct ml_plan **plan)
{
    const struct ml_node *last = block->n > 0 ? block->kid[block->n - 1] : NULL;
    for (uint32_t i = 0; i + 1 < block->n && !ml__b_failed(b); i++)
        declaration(b, block->kid[i]);
    if (last == NULL || last->kind == ML_N_LET) {
        ml__b_fail(b, block, "KS008", "a function needs a value at its end");
    } else if (ml__b_is_table(b, last)) {
        *plan = ml__b_table(b, last);
    } else {
        struct ml_scope none = {0};
        *expr = ml__b_expr(b, last, &none);
    }
}

/* --- user functions --- */

static const struct ml_node *argument(const struct ml_node *call, const struct ml_node *param,
                                      uint32_t i)
{
    for (uint32_t k = 0; k < call->n; k++)
        if (call->kid[k]->kind == ML_N_ASSIGN && ml_str_eq(call->kid[k]->text, param->text))
            return call->kid[k]->kid[0];
    return i < call->n && call->kid[i]->kind != ML_N_ASSIGN ? call->kid[i] : NULL;
}

/* The parameters' values, on top of the function's own scope. `piped` is the first one when it is not NULL. */
static const struct ml_env *bind_parameters(struct ml_binder *b, const struct ml_env *f,
                                            const struct ml_node *call, struct ml_scope *s,
                                            struct ml_plan *piped)
{
    const struct ml_env *outer = b->env;
    const struct ml_node *params = f->node->a;
    const struct ml_env *inner = f->scope;
    uint32_t nargs = call->kind == ML_N_CALL ? call->n : 0;
    uint32_t shift = piped != NULL;
    if (nargs + shift > params->n) {
        ml__b_fail(b, call, "KS119", "'%.*s' takes %u arguments", (int)call->text.n, call->text.p,
                   params->n);
        return inner;
    }
    for (uint32_t i = 0; i < params->n && !ml__b_failed(b); i++) {
        const struct ml_node *p = params->kid[i];
        const struct ml_node *arg = nargs > 0 && i >= shift ? argument(call, p, i - shift) : NULL;
        struct ml_env e = {.name = p->text};
        b->env = outer;
        if (p->kind == ML_N_TABLE_PARAM) {
            if (i == 0 && piped != NULL) {
                e.kind = ML_ENV_PLAN;
                e.plan = piped;
            } else if (arg != NULL) {
                e.kind = ML_ENV_TABLE;
                e.node = arg;
                e.scope = outer;
            } else {
                ml__b_fail(b, call, "KS119", "argument '%.*s' is missing", (int)p->text.n,
                           p->text.p);
            }
        } else if (arg != NULL || p->n > 0) {
            e.kind = ML_ENV_SCALAR;
            struct ml_scope none = {0};
            struct ml_expr *v = arg != NULL ? ml__b_expr(b, arg, s)
                                            : ml__b_expr(b, p->kid[0], &none);
            e.expr = ml__b_cast(b, v, p->type);
        } else {
            ml__b_fail(b, call, "KS119", "argument '%.*s' is missing", (int)p->text.n, p->text.p);
        }
        b->env = inner;
        ml__b_env_push(b, e);
        inner = b->env;
    }
    b->env = outer;
    return inner;
}

static bool call_user(struct ml_binder *b, const struct ml_env *f, const struct ml_node *call,
                      struct ml_scope *s, struct ml_plan *piped, struct ml_expr **expr,
                      struct ml_plan **plan)
{
    const struct ml_env *outer = b->env;
    if (b->depth >= ML__INLINE_DEPTH) {
        ml__b_fail(b, call, "ML202", "functions call each other too deep");
        return false;
    }
    b->depth++;
    b->env = bind_parameters(b, f, call, s, piped);
    if (!ml__b_failed(b))
        ml__b_block(b, f->node, expr, plan);
    b->env = outer;
    b->depth--;
    return !ml__b_failed(b);
}

struct ml_expr *ml__b_user_call(struct ml_binder *b, const struct ml_node *n, struct ml_scope *s)
{
    const struct ml_env *f = ml__b_find(b->env, n->text);
    struct ml_expr *e = NULL;
    struct ml_plan *plan = NULL;
    if (f == NULL || f->kind != ML_ENV_FUNC)
        return NULL;
    call_user(b, f, n, s, NULL, &e, &plan);
    if (e == NULL) {
        ml__b_fail(b, n, "KS107", "'%.*s' gives a table, not a value", (int)n->text.n, n->text.p);
        e = ml__b_const(b, n, ML_T_NONE, ml_val_null(ML_T_NONE));
    }
    return e;
}

struct ml_plan *ml__b_user_table(struct ml_binder *b, const struct ml_node *call,
                                 struct ml_plan *piped)
{
    const struct ml_env *f = ml__b_find(b->env, call->text);
    struct ml_expr *e = NULL;
    struct ml_plan *plan = NULL;
    struct ml_scope none = {0};
    if (f == NULL || f->kind != ML_ENV_FUNC)
        return NULL;
    call_user(b, f, call, &none, piped, &e, &plan);
    if (plan != NULL && f->view)
        plan->name = f->name;
    return plan;
}

/* --- tables --- */

struct ml_plan *ml__b_plan(struct ml_binder *b, enum ml_plan_kind kind, struct ml_plan *in)
{
    struct ml_plan *p = ml__b_alloc(b, 1, sizeof *p);
    p->kind = (uint8_t)kind;
    p->from_ticks = INT64_MIN;
    p->to_ticks = INT64_MAX;
    if (in == NULL)
        return p;
    p->in = ml__b_alloc(b, 1, sizeof *p->in);
    p->in[0] = in;
    p->nin = 1;
    p->out = in->out;
    p->serialized = in->serialized;
    p->render = in->render;
    p->render_node = in->render_node;
    return p;
}

static struct ml_plan *empty_plan(struct ml_binder *b)
{
    return ml__b_plan(b, ML_P_VALUES, NULL);
}

static struct ml_plan *bind_datatable(struct ml_binder *b, const struct ml_node *n)
{
    struct ml_plan *p = empty_plan(b);
    uint32_t ncols = n->a->n;
    if (ncols == 0 || n->n % ncols != 0) {
        ml__b_fail(b, n, "KS121", "%u values do not fill rows of %u columns", n->n, ncols);
        return p;
    }
    p->out = (struct ml_schema){ml__b_alloc(b, ncols, sizeof *p->out.at), ncols};
    for (uint32_t i = 0; i < ncols; i++) {
        p->out.at[i] = (struct ml_field){n->a->kid[i]->text, n->a->kid[i]->type};
        for (uint32_t k = 0; k < i; k++)
            if (ml_str_eq(p->out.at[k].name, p->out.at[i].name))
                ml__b_fail(b, n->a->kid[i], "KS171", "column '%.*s' is declared twice",
                           (int)p->out.at[i].name.n, p->out.at[i].name.p);
    }
    p->nrows = n->n / ncols;
    p->cells = ml__b_alloc(b, n->n, sizeof *p->cells);
    struct ml_scope none = {0};
    for (uint32_t i = 0; i < n->n && !ml__b_failed(b); i++) {
        enum ml_type want = p->out.at[i % ncols].type;
        struct ml_expr *e = ml__b_expr(b, n->kid[i], &none);
        if (e->kind != ML_E_CONST) {
            ml__b_fail(b, n->kid[i], "KS129", "a value in a datatable must be constant");
            break;
        }
        p->cells[i] = ml_val_cast(b->arena, &e->val, e->type == ML_T_DYNAMIC, want);
    }
    return p;
}

/* The time range of the request, as a filter on the table's time. */
static struct ml_plan *within_request(struct ml_binder *b, struct ml_plan *scan)
{
    struct ml_rt *rt = b->rt;
    if ((rt->from_ticks == 0 && rt->to_ticks == INT64_MAX) || scan->source->time_column < 0)
        return scan;
    uint32_t c = (uint32_t)scan->source->time_column;
    struct ml_expr *t = ml__b_column(b, NULL, c, ML_T_DATETIME);
    struct ml_val low = ml_val_datetime(rt->from_ticks > 0 ? rt->from_ticks : 0);
    struct ml_val high = ml_val_datetime(rt->to_ticks < ML_TICKS_MAX ? rt->to_ticks : ML_TICKS_MAX);
    struct ml_plan *p = ml__b_plan(b, ML_P_FILTER, scan);
    p->exprs = ml__b_alloc(b, 1, sizeof *p->exprs);
    p->n = 1;
    p->name = scan->name;
    p->exprs[0] = ml__b_and(b, ml__b_op(b, NULL, ">=", t, ml__b_const(b, NULL, ML_T_DATETIME, low)),
                            ml__b_op(b, NULL, "<=", t, ml__b_const(b, NULL, ML_T_DATETIME, high)));
    return p;
}

static struct ml_plan *bind_source(struct ml_binder *b, const struct ml_source *src)
{
    struct ml_plan *p = ml__b_plan(b, ML_P_SCAN, NULL);
    uint32_t *columns = ml__b_alloc(b, src->ncolumns, sizeof *columns);
    p->source = src;
    p->name = src->name;
    p->out = (struct ml_schema){ml__b_alloc(b, src->ncolumns, sizeof *p->out.at), src->ncolumns};
    for (uint32_t i = 0; i < src->ncolumns && !ml__b_failed(b); i++) {
        columns[i] = i;
        p->out.at[i] = (struct ml_field){src->columns[i].name, src->columns[i].type};
    }
    p->columns = columns;
    return within_request(b, p);
}

static struct ml_plan *bind_named(struct ml_binder *b, const struct ml_node *n)
{
    const struct ml_env *e = ml__b_find(b->env, n->text);
    if (e != NULL && e->kind == ML_ENV_PLAN)
        return e->plan != NULL ? e->plan : empty_plan(b);
    if (e != NULL && e->kind == ML_ENV_TABLE) {
        const struct ml_env *outer = b->env;
        if (b->depth >= ML__INLINE_DEPTH) {
            ml__b_fail(b, n, "ML202", "let statements are nested too deep");
            return empty_plan(b);
        }
        b->depth++;
        b->env = e->scope;
        struct ml_plan *p = ml__b_table(b, e->node);
        b->env = outer;
        b->depth--;
        return p;
    }
    if (e != NULL && e->kind == ML_ENV_FUNC) {
        struct ml_plan *p = ml__b_user_table(b, n, NULL);
        if (p != NULL || ml__b_failed(b))
            return p != NULL ? p : empty_plan(b);
    }
    const struct ml_source *src = b->catalog != NULL ? b->catalog->find(b->catalog, n->text) : NULL;
    if (src != NULL)
        return bind_source(b, src);
    b->no_table = !ml__b_failed(b);
    ml__b_fail(b, n, "KS142", "unknown table '%.*s'", (int)n->text.n, n->text.p);
    struct ml_near near = {.wanted = n->text};
    for (size_t i = 0; b->catalog != NULL && (src = b->catalog->at(b->catalog, i)) != NULL; i++)
        ml_near_try(&near, src->name);
    for (const struct ml_env *k = b->env; k != NULL; k = k->up)
        ml_near_try(&near, k->name);
    if (near.best.p != NULL)
        ml_diag_hint(b->diag, "did you mean '%.*s'?", (int)near.best.n, near.best.p);
    else if (b->catalog != NULL && b->catalog->missing != NULL)
        ml_diag_hint(b->diag, "%s", b->catalog->missing);
    return empty_plan(b);
}

struct ml_plan *ml__b_shared(struct ml_binder *b, struct ml_plan *in)
{
    struct ml_plan *p = ml__b_plan(b, ML_P_SHARED, in);
    p->shared = b->nshared++;
    return p;
}

static struct ml_plan *bind_table_call(struct ml_binder *b, const struct ml_node *n)
{
    if (n->a != NULL || is_call_of(n, "cluster") || is_call_of(n, "database")) {
        ml__b_fail(b, n, "ML101", "'%.*s()' is not supported: there is only the local store",
                   (int)n->text.n, n->text.p);
        return empty_plan(b);
    }
    if (is_call_of(n, "materialize")) {
        if (n->n != 1) {
            ml__b_fail(b, n, "KS119", "materialize takes one table");
            return empty_plan(b);
        }
        return ml__b_shared(b, ml__b_table(b, n->kid[0]));
    }
    if (is_call_of(n, "table") && n->n > 0) {
        struct ml_node name = {
            .kind = ML_N_NAME, .pos = n->pos, .len = n->len, .text = ml__b_string(b, n->kid[0])};
        return bind_named(b, &name);
    }
    struct ml_plan *p = ml__b_user_table(b, n, NULL);
    if (p == NULL && !ml__b_failed(b))
        ml__b_fail(b, n, "KS143", "unknown table function '%.*s'", (int)n->text.n, n->text.p);
    return p != NULL ? p : empty_plan(b);
}

static struct ml_plan *bind_pipe(struct ml_binder *b, const struct ml_node *n)
{
    struct ml_plan *p = n->kid[0] == NULL ? b->input : ml__b_table(b, n->kid[0]);
    for (uint32_t i = 1; i < n->n && !ml__b_failed(b); i++)
        p = ml__b_op_stage(b, n->kid[i], p);
    return p;
}

struct ml_plan *ml__b_table(struct ml_binder *b, const struct ml_node *n)
{
    if (ml__b_failed(b))
        return empty_plan(b);
    switch ((enum ml_node_kind)n->kind) {
    case ML_N_PIPE:
        return bind_pipe(b, n);
    case ML_N_NAME:
        return bind_named(b, n);
    case ML_N_CALL:
        return bind_table_call(b, n);
    case ML_N_DATATABLE:
        return bind_datatable(b, n);
    case ML_N_OP:
        return ml__b_op_stage(b, n, NULL);
    case ML_N_MEMBER:
        ml__b_fail(b, n, "ML101", "tables of other databases are not supported");
        return empty_plan(b);
    default:
        ml__b_fail(b, n, "KS107", "a table is needed here");
        return empty_plan(b);
    }
}

struct ml_plan *ml__b_subquery(struct ml_binder *b, const struct ml_node *pipe,
                               const struct ml_schema *cols, struct ml_plan **leaf)
{
    struct ml_plan *outer = b->input;
    struct ml_plan *in = ml__b_plan(b, ML_P_INPUT, NULL);
    in->out = *cols;
    in->serialized = true;
    b->input = in;
    struct ml_plan *p = bind_pipe(b, pipe);
    b->input = outer;
    *leaf = in;
    return p;
}

static const struct {
    const char *name;
    ml_bind_fn *bind;
} operators[] = {
    {"where", ml__bind_where},
    {"project", ml__bind_project},
    {"extend", ml__bind_extend},
    {"project-away", ml__bind_project_away},
    {"project-keep", ml__bind_project_keep},
    {"project-rename", ml__bind_project_rename},
    {"project-reorder", ml__bind_project_reorder},
    {"summarize", ml__bind_summarize},
    {"distinct", ml__bind_distinct},
    {"sort", ml__bind_sort},
    {"take", ml__bind_take},
    {"top", ml__bind_top},
    {"count", ml__bind_count},
    {"union", ml__bind_union},
    {"join", ml__bind_join},
    {"lookup", ml__bind_lookup},
    {"parse", ml__bind_parse},
    {"parse-where", ml__bind_parse},
    {"parse-kv", ml__bind_parse_kv},
    {"mv-expand", ml__bind_mv_expand},
    {"mv-apply", ml__bind_mv_apply},
    {"make-series", ml__bind_make_series},
    {"partition", ml__bind_partition},
    {"scan", ml__bind_scan},
    {"search", ml__bind_search},
    {"find", ml__bind_find},
    {"evaluate", ml__bind_evaluate},
    {"render", ml__bind_render},
    {"invoke", ml__bind_invoke},
    {"as", ml__bind_as},
    {"getschema", ml__bind_getschema},
    {"consume", ml__bind_consume},
    {"sample", ml__bind_sample},
    {"sample-distinct", ml__bind_sample_distinct},
    {"top-hitters", ml__bind_top_hitters},
    {"top-nested", ml__bind_top_nested},
    {"serialize", ml__bind_serialize},
    {"print", ml__bind_print},
    {"range", ml__bind_range},
};

struct ml_plan *ml__b_op_stage(struct ml_binder *b, const struct ml_node *op, struct ml_plan *in)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (ml_str_eq(op->text, ml_str_of(operators[i].name)))
            return operators[i].bind(b, op, in);
    bool fork = ml_str_eq(op->text, ML_STR("fork")) || ml_str_eq(op->text, ML_STR("facet"));
    ml__b_fail(b, op, "ML101", "operator '%.*s' is not supported%s", (int)op->text.n, op->text.p,
               fork ? " but at the end of a statement" : "");
    return in != NULL ? in : empty_plan(b);
}

/* A value as a statement of its own: one row. */
static struct ml_plan *bind_value(struct ml_binder *b, const struct ml_node *n)
{
    struct ml_node **kid = ml__b_alloc(b, 1, sizeof *kid);
    struct ml_node *print = ml__b_alloc(b, 1, sizeof *print);
    kid[0] = (struct ml_node *)n;
    *print = (struct ml_node){.kind = ML_N_OP, .pos = n->pos, .len = n->len, .n = 1, .kid = kid};
    return ml__bind_print(b, print, NULL);
}

int ml_bind(struct ml_rt *rt, const struct ml_catalog *catalog, const struct ml_node *query,
            struct ml_bound *out)
{
    struct ml_binder b = {.rt = rt, .arena = rt->arena, .diag = rt->diag, .catalog = catalog};
    size_t results = query->n;
    uint32_t n = 0;
    for (uint32_t i = 0; i < query->n; i++)
        if (ml__b_fork_of(query->kid[i]) != NULL)
            results += ml__b_fork_size(ml__b_fork_of(query->kid[i]));
    struct ml_plan **at = ml__b_alloc(&b, results, sizeof *at);
    for (uint32_t i = 0; i < query->n && !ml__b_failed(&b); i++) {
        const struct ml_node *s = query->kid[i];
        if (ml__b_fork_of(s) != NULL)
            n += ml__b_fork(&b, s, at + n);
        else if (!declaration(&b, s))
            at[n++] = ml__b_is_table(&b, s) || s->kind == ML_N_NAME ? ml__b_table(&b, s)
                                                                    : bind_value(&b, s);
    }
    if (ml__b_failed(&b))
        return ML_EINVALID;
    *out = (struct ml_bound){.at = at, .n = n, .nshared = b.nshared, .nexprs = b.nexprs};
    return ML_OK;
}
