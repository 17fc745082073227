/* kql/parse_literal.c -- datetime(...), guid(...), dynamic(...): literals with a type in front.
 *
 * The text between the parentheses is read raw, but for dynamic, whose elements are tokens.
 * SPDX-License-Identifier: MIT */
#include "kql/parse.h"

#include "base/vec.h"
#include "kql/decimal.h"
#include "kql/text.h"
#include "kql/ticks.h"

#include <math.h>

static bool dynamic_value(struct ml_parser *p, struct ml_val *out);

static struct ml_str trim(struct ml_str s)
{
    while (s.n > 0 && (*s.p == ' ' || *s.p == '\t' || *s.p == '\n' || *s.p == '\r'))
        s = (struct ml_str){s.p + 1, s.n - 1};
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\n' ||
                       s.p[s.n - 1] == '\r'))
        s.n--;
    return s;
}

/* The bytes between '(' (the current token) and its ')'; the parser then stands behind it. */
static bool payload(struct ml_parser *p, struct ml_str *out)
{
    struct ml_str q = p->lex.query;
    size_t from = p->tok.pos + 1;
    size_t i = from;
    while (i < q.n && q.p[i] != ')' && q.p[i] != '\n' && q.p[i] != '(')
        i++;
    if (i >= q.n || q.p[i] != ')') {
        ml__p_expected(p, "')'");
        return false;
    }
    *out = trim((struct ml_str){q.p + from, i - from});
    if (out->n >= 2 && (out->p[0] == '"' || out->p[0] == '\'') && out->p[out->n - 1] == out->p[0])
        *out = (struct ml_str){out->p + 1, out->n - 2};
    p->tok.pos = (uint32_t)i;
    p->tok.len = 1;
    ml__p_next(p);
    return true;
}

static bool real_payload(struct ml_str s, double *out)
{
    int64_t i;
    if (ml_real_parse(s, out))
        return true;
    bool ok = ml_long_parse(s, &i);
    *out = (double)i;
    return ok;
}

/* A number alone is days. */
static bool timespan_payload(struct ml_str s, int64_t *out)
{
    double days;
    if (ml_timespan_parse(s, out))
        return true;
    if (!ml_real_parse(s, &days) || !(fabs(days) < 1e7))
        return false;
    *out = (int64_t)round(days * (double)ML_TICKS_DAY);
    return true;
}

static bool scalar(enum ml_type type, struct ml_str s, struct ml_val *out)
{
    *out = (struct ml_val){.type = (uint8_t)type};
    switch (type) {
    case ML_T_BOOL:
        *out = ml_val_str(s);
        *out = ml_val_cast(NULL, out, false, ML_T_BOOL);
        return !out->null;
    case ML_T_INT:
        return ml_long_parse(s, &out->i) && out->i == (int32_t)out->i;
    case ML_T_LONG:
        return ml_long_parse(s, &out->i);
    case ML_T_REAL:
        return real_payload(s, &out->d);
    case ML_T_DECIMAL:
        return ml_dec_parse(s, &out->dec);
    case ML_T_DATETIME:
        return ml_datetime_parse(s, &out->i);
    case ML_T_TIMESPAN:
        return timespan_payload(s, &out->i);
    case ML_T_GUID:
        return ml_guid_parse(s, out->guid);
    default:
        return false;
    }
}

static bool string_token(const struct ml_parser *p)
{
    return p->tok.kind == ML_TOK_LITERAL && p->tok.val.type == ML_T_STRING;
}

static bool array_value(struct ml_parser *p, struct ml_val *out)
{
    ML_VEC(struct ml_val) items = {0};
    bool ok = true;
    while (ok && !ml__p_is(p, "]")) {
        struct ml_val v;
        ok = dynamic_value(p, &v) && ml_vec_push(&items, v) == ML_OK;
        if (ok && !ml__p_take(p, ","))
            break;
    }
    ok = ok && ml__p_want(p, "]");
    struct ml_val *kept = ok ? ml_arena_raw(p->lex.arena, items.n, sizeof *kept) : NULL;
    if (kept != NULL && items.n > 0)
        memcpy(kept, items.at, items.n * sizeof *kept);
    *out = ml_val_array(kept, items.n);
    ml_vec_free(&items);
    return kept != NULL;
}

static bool bag_value(struct ml_parser *p, struct ml_val *out)
{
    ML_VEC(struct ml_pair) pairs = {0};
    bool ok = true;
    while (ok && !ml__p_is(p, "}")) {
        struct ml_pair pair = {.key = p->tok.val.s};
        if (!string_token(p)) {
            ml__p_expected(p, "a key in quotes");
            ok = false;
            break;
        }
        ml__p_next(p);
        ok = ml__p_want(p, ":") && dynamic_value(p, &pair.val);
        size_t k = 0;
        while (k < pairs.n && !ml_str_eq(pairs.at[k].key, pair.key))
            k++;
        if (ok && k < pairs.n)
            pairs.at[k] = pair;
        else
            ok = ok && ml_vec_push(&pairs, pair) == ML_OK;
        if (ok && !ml__p_take(p, ","))
            break;
    }
    ok = ok && ml__p_want(p, "}");
    struct ml_pair *kept = ok ? ml_arena_raw(p->lex.arena, pairs.n, sizeof *kept) : NULL;
    if (kept != NULL && pairs.n > 0)
        memcpy(kept, pairs.at, pairs.n * sizeof *kept);
    *out = ml_val_bag(kept, pairs.n);
    ml_vec_free(&pairs);
    return kept != NULL;
}

static bool dynamic_name(struct ml_parser *p, struct ml_val *out)
{
    struct ml_node *n;
    if (ml__p_take(p, "null"))
        *out = ml_val_null(ML_T_NONE);
    else if (ml__p_take(p, "true"))
        *out = ml_val_bool(true);
    else if (ml__p_take(p, "false"))
        *out = ml_val_bool(false);
    else if (ml__p_typed_literal(p, &n))
        *out = n->val;
    else
        return ml__p_expected(p, "a value"), false;
    return !ml_diag_is_set(p->lex.diag);
}

static bool dynamic_value(struct ml_parser *p, struct ml_val *out)
{
    bool ok = false;
    if (!ml__p_enter(p))
        return false;
    if (ml__p_take(p, "{")) {
        ok = bag_value(p, out);
    } else if (ml__p_take(p, "[")) {
        ok = array_value(p, out);
    } else if (p->tok.kind == ML_TOK_LITERAL) {
        *out = p->tok.val;
        ok = out->type != ML_T_LONG || out->n == 0;
        if (!ok)
            ml__p_fail(p, "KS004", "the number does not fit a long");
        ml__p_next(p);
    } else if (p->tok.kind == ML_TOK_NAME) {
        ok = dynamic_name(p, out);
    } else {
        bool minus = ml__p_take(p, "-");
        if ((minus || ml__p_take(p, "+")) && p->tok.kind == ML_TOK_LITERAL && !string_token(p)) {
            *out = p->tok.val;
            out->n = 0;
            if (minus && out->type == ML_T_REAL)
                out->d = -out->d;
            else if (minus)
                out->i = (int64_t)(0 - (uint64_t)out->i);
            ml__p_next(p);
            ok = true;
        } else {
            ml__p_expected(p, "a value");
        }
    }
    p->depth--;
    if (!ok) /* without a message of its own */
        ml__p_fail(p, "ML201", "out of memory");
    return ok && !ml_diag_is_set(p->lex.diag);
}

/* '-' 9223372036854775808 does not lex as a number; in a cell long(-9223372036854775808) does. */
bool ml__p_typed_literal(struct ml_parser *p, struct ml_node **out)
{
    enum ml_type type;
    uint32_t pos = p->tok.pos;
    struct ml_str name = p->tok.text;
    if (p->tok.kind != ML_TOK_NAME || !ml_type_find(name, &type) || type == ML_T_STRING)
        return false;
    struct ml_token open = ml__p_peek(p);
    if (!ml_token_is(&open, "("))
        return false;
    ml__p_next(p);
    struct ml_val v = {0};
    enum ml_node_kind kind = ML_N_LIT;
    if (type == ML_T_DYNAMIC) {
        ml__p_next(p);
        if (!dynamic_value(p, &v))
            v = ml_val_null(ML_T_NONE);
        ml__p_want(p, ")");
    } else {
        struct ml_str s = {NULL, 0};
        struct ml_token at = p->tok;
        if (!payload(p, &s))
            ;
        else if (ml_str_eq(s, ML_STR("null")) || (s.n == 0 && type != ML_T_DATETIME))
            v = ml_val_null(type);
        else if (s.n == 0 || (type == ML_T_DATETIME && ml_str_eq(s, ML_STR("now"))))
            kind = ML_N_NOW;
        else if (!scalar(type, s, &v)) {
            ml_diag_set(p->lex.diag, "KS204", at.pos, (uint32_t)(s.n + 2), "not a valid %s: '%.*s'",
                        ml_type_name(type), (int)(s.n < 60 ? s.n : 60), s.p);
            p->tok.kind = ML_TOK_END;
        }
    }
    *out = ml__p_node(p, kind, pos);
    (*out)->type = (uint8_t)type;
    (*out)->val = v;
    return true;
}
