/* kql/sql_dynamic.c -- dynamic values as SQL: JSON text, read by ClickHouse's JSON functions; see sql.h.
 *
 * A chain d.a[1].b is read from its root in one call, since an extracted part is printed anew and may lose whether a number had
 * a point. Where that matters the row fails with a message of ours. SPDX-License-Identifier: MIT */
#include "kql/sql.h"

struct path {
    struct ml_str root;  /* JSON text, may be NULL */
    struct ml_str keys;  /* ", 'a', 2": arguments of the JSON functions */
    struct ml_str doubt; /* what makes the text read otherwise by ClickHouse: a condition */
};

/* Numbers beyond 64 bits or with three digits of exponent, and halves of surrogate pairs. */
static const char odd[] =
    "'(^|[:,\\\\[])[ \\\\t-\\\\r]*-?([0-9]{19}|[0-9.]+[eE][+-]?[0-9]{3})|\\\\\\\\u[dD][89a-fA-F]'";

/* A key that a bag has twice: the last one counts here, the first one there. */
static void doubt_twice(struct ml_sql *s, struct path *p, const struct ml_buf *keys)
{
    struct ml_str all = ml__sql_printf(s, "JSONExtractKeys(ifNull(%.*s, '')%.*s)", ML_SQL(p->root),
                                       (int)keys->n, keys->p != NULL ? keys->p : "");
    p->doubt = ml__sql_printf(s, "%.*s OR length(arrayDistinct(%.*s)) != length(%.*s)",
                              ML_SQL(p->doubt), ML_SQL(all), ML_SQL(all));
}

/* Keys of d.a["b"][2], outermost last. */
static void add_keys(struct ml_sql *s, const struct ml_expr *e, struct ml_buf *keys)
{
    const struct ml_expr *k = e->arg[1];
    struct ml_buf text = {0};
    if (k->kind != ML_E_CONST || k->val.null ||
        (k->val.type != ML_T_STRING && !ml_type_is_int(k->val.type))) {
        ml__sql_refuse(s, k->node, "a member whose name is not constant");
        return;
    }
    if (k->val.type == ML_T_STRING)
        ml__sql_string(&text, k->val.s);
    else
        ml_buf_printf(&text, "%lld", (long long)(k->val.i < 0 ? k->val.i : k->val.i + 1));
    ml_buf_printf(keys, ", %.*s", (int)text.n, text.p);
    ml_buf_free(&text);
}

static void walk(struct ml_sql *s, const struct ml_expr *e, const struct ml_sql_rel *in,
                 struct path *p, struct ml_buf *keys)
{
    if (ml__sql_is_call(e, "member") || ml__sql_is_call(e, "index")) {
        walk(s, e->arg[0], in, p, keys);
        if (e->arg[1]->kind == ML_E_CONST && e->arg[1]->val.type == ML_T_STRING)
            doubt_twice(s, p, keys);
        if (e->arg[1]->kind == ML_E_CONST && ml_type_is_int(e->arg[1]->val.type))
            /* a number picks a member of a bag in ClickHouse, and nothing here */
            p->root = ml__sql_printf(s, "if(JSONType(%.*s%.*s) = 'Array', %.*s, NULL)",
                                     ML_SQL(p->root), (int)keys->n, keys->p != NULL ? keys->p : "",
                                     ML_SQL(p->root));
        add_keys(s, e, keys);
    } else if (ml__sql_is_call(e, "parse_json") && e->arg[0]->type == ML_T_STRING) {
        p->root = ml__sql_expr(s, e->arg[0], in).sql; /* text that is no JSON has no members */
        p->doubt = ml__sql_printf(s, "match(ifNull(%.*s, ''), %s)", ML_SQL(p->root), odd);
    } else {
        p->root = ml__sql_expr(s, e, in).sql;
        p->doubt = ml__sql_printf(s, "match(ifNull(%.*s, ''), %s)", ML_SQL(p->root), odd);
    }
}

/* value, of rows whose JSON both read alike; the others fail. */
static struct ml_str sure(struct ml_sql *s, const struct path *p, struct ml_str value,
                          const char *other)
{
    return ml__sql_printf(s,
                          "if(throwIf(%.*s, 'memline: JSON with a key twice, numbers beyond 64 "
                          "bits, or halves of characters') = 0, %.*s, %s)",
                          ML_SQL(p->doubt), ML_SQL(value), other);
}

static struct path path_of(struct ml_sql *s, const struct ml_expr *e, const struct ml_sql_rel *in)
{
    struct path p = {.doubt = ML_STR("0")};
    struct ml_buf keys = {0};
    if (ml__sql_too_old(s, e->node, "a dynamic value"))
        return p;
    walk(s, e, in, &p, &keys);
    if (keys.n == 0 && ml__sql_is_call(e, "parse_json"))
        p.root = ml__sql_expr(s, e, in).sql;
    p.root = ml__sql_printf(s, "ifNull(%.*s, '')", ML_SQL(p.root));
    p.keys = ml__sql_keep(s, &keys);
    return p;
}

static struct ml_str part(struct ml_sql *s, const char *fn, const struct path *p)
{
    return ml__sql_printf(s, "%s(%.*s%.*s)", fn, ML_SQL(p->root), ML_SQL(p->keys));
}

/* Compact text of arrays and bags: as it stands, but where ClickHouse would print it otherwise. flat: neither has it bags
 * inside, whose keys might stand there twice. */
static struct ml_str container(struct ml_sql *s, const struct path *p, struct ml_str type,
                               bool flat)
{
    struct ml_str raw = part(s, "JSONExtractRaw", p);
    struct ml_str keys = part(s, "JSONExtractKeys", p);
    struct ml_str bags = ML_STR("0");
    if (flat)
        bags = ml__sql_printf(s,
                              "position(substring(%.*s, 2), '{') > 0 OR "
                              "length(arrayDistinct(%.*s)) != length(%.*s)",
                              ML_SQL(raw), ML_SQL(keys), ML_SQL(keys));
    return ml__sql_printf(s,
                          "if(throwIf(%.*s IN ('Array', 'Object') AND (match(%.*s, "
                          "'[0-9][.eE]|[0-9]{19}|-0|[\\\\\\\\/\\\\x00-\\\\x08]') OR %.*s), "
                          "'memline: the text of an array or bag with real numbers, slashes, "
                          "escapes or bags inside') = 0, %.*s, '')",
                          ML_SQL(type), ML_SQL(p->root), ML_SQL(bags), ML_SQL(raw));
}

static struct ml_sql_col typed(struct ml_sql *s, const struct ml_node *at, const struct path *p,
                               enum ml_type to)
{
    struct ml_sql_col text = {part(s, "JSONExtractString", p), ML_T_STRING, false};
    struct ml_sql_col whole = {part(s, "JSONExtractInt", p), ML_T_LONG, false};
    struct ml_sql_col real = {part(s, "JSONExtractFloat", p), ML_T_REAL, false};
    struct ml_sql_col yes = {part(s, "JSONExtractBool", p), ML_T_BOOL, false};
    struct ml_str type = part(s, "JSONType", p);
    if (to == ML_T_STRING) {
        struct ml_str number = ml__sql_cast(s, at, real, to).sql;
        struct ml_str all = ml__sql_printf(
            s,
            "multiIf(%.*s = 'String', %.*s, %.*s = 'Int64', toString(%.*s), %.*s = 'Double', %.*s, "
            "%.*s = 'Bool', if(%.*s, 'true', 'false'), %.*s IN ('Array', 'Object'), %.*s, "
            "throwIf(%.*s = 'UInt64', 'memline: a number beyond 64 bits') != 0, '?', '')",
            ML_SQL(type), ML_SQL(text.sql), ML_SQL(type), ML_SQL(whole.sql), ML_SQL(type),
            ML_SQL(number), ML_SQL(type), ML_SQL(yes.sql), ML_SQL(type),
            ML_SQL(container(s, p, type, true)), ML_SQL(type));
        return ml__sql_made(to, false, sure(s, p, all, "'?'"));
    }
    struct ml_str from_text = to == ML_T_DATETIME || to == ML_T_TIMESPAN || to == ML_T_GUID
                                  ? (ml__sql_refuse(s, at, "a %s from a dynamic value",
                                                    ml_type_name(to)),
                                     text.sql)
                                  : ml__sql_cast(s, at, text, to).sql;
    struct ml_str from_whole = ml__sql_cast(s, at, whole, to).sql;
    struct ml_str all = ml__sql_printf(
        s,
        "multiIf(%.*s = 'String', %.*s, %.*s = 'Int64', %.*s, %.*s = 'Double', %.*s, %.*s = "
        "'Bool', "
        "%.*s, throwIf(%.*s = 'UInt64', 'memline: a number beyond 64 bits') != 0, %.*s, NULL)",
        ML_SQL(type), ML_SQL(from_text), ML_SQL(type), ML_SQL(from_whole), ML_SQL(type),
        ML_SQL(ml__sql_cast(s, at, real, to).sql), ML_SQL(type),
        ML_SQL(ml__sql_cast(s, at, yes, to).sql), ML_SQL(type), ML_SQL(from_whole));
    return ml__sql_made(to, true, sure(s, p, all, to == ML_T_REAL ? "0." : "1"));
}

struct ml_sql_col ml__sql_dynamic_cast(struct ml_sql *s, const struct ml_expr *e,
                                       const struct ml_sql_rel *in, enum ml_type to)
{
    struct path p = path_of(s, e, in);
    struct ml_sql_col none = {ML_STR("NULL"), to, true};
    return ml__sql_failed(s) ? none : typed(s, e->node, &p, to);
}

struct ml_sql_col ml__sql_json_cast(struct ml_sql *s, const struct ml_node *at, struct ml_str json,
                                    enum ml_type to)
{
    struct path p = {.root = ml__sql_printf(s, "ifNull(%.*s, '')", ML_SQL(json)),
                     .keys = ML_STR(""),
                     .doubt = ml__sql_printf(s, "match(ifNull(%.*s, ''), %s)", ML_SQL(json), odd)};
    struct ml_sql_col none = {ML_STR("NULL"), to, true};
    return ml__sql_too_old(s, at, "a dynamic value") ? none : typed(s, at, &p, to);
}

struct ml_str ml__sql_dynamic_is_null(struct ml_sql *s, const struct ml_expr *e,
                                      const struct ml_sql_rel *in)
{
    struct path p = path_of(s, e, in);
    if (ml__sql_failed(s))
        return ML_STR("0");
    struct ml_str null = ml__sql_printf(s, "%.*s = 'Null'", ML_SQL(part(s, "JSONType", &p)));
    return sure(s, &p, null, "toUInt8(2)");
}

/* A member as a dynamic value of its own. */
struct ml_sql_col ml__sql_member(struct ml_sql *s, const struct ml_expr *e,
                                 const struct ml_sql_rel *in)
{
    struct path p = path_of(s, e, in);
    if (ml__sql_failed(s))
        return ml__sql_made(ML_T_DYNAMIC, true, ML_STR("NULL"));
    struct ml_str type = part(s, "JSONType", &p);
    struct ml_str raw = container(s, &p, type, false);
    struct ml_str value = ml__sql_printf(
        s,
        "multiIf(throwIf(%.*s IN ('Double', 'UInt64'), 'memline: a real number inside a dynamic "
        "value "
        "as a value of its own: cast it') != 0, '?', %.*s = 'Null', NULL, %.*s)",
        ML_SQL(type), ML_SQL(type), ML_SQL(raw));
    return ml__sql_made(ML_T_DYNAMIC, true, sure(s, &p, value, "'?'"));
}

/* Text that is not JSON is a string; an empty one is null. */
struct ml_sql_col ml__sql_parse_json(struct ml_sql *s, const struct ml_expr *e,
                                     const struct ml_sql_rel *in)
{
    const struct ml_expr *a = e->arg[0];
    struct ml_sql_col x = ml__sql_expr(s, a, in);
    if (ml__sql_failed(s) || a->type == ML_T_DYNAMIC || ml__sql_too_old(s, e->node, "'parse_json'"))
        return ml__sql_made(ML_T_DYNAMIC, true, x.sql);
    if (a->type != ML_T_STRING)
        return ml__sql_cast(s, e->node, x, ML_T_DYNAMIC);
    struct path p = {.doubt = ml__sql_printf(s, "match(%.*s, %s)", ML_SQL(x.sql), odd)};
    struct ml_str value = ml__sql_printf(
        s,
        "multiIf(empty(%.*s) OR %.*s = 'null', NULL, isValidJSON(%.*s), %.*s, toJSONString(%.*s))",
        ML_SQL(x.sql), ML_SQL(x.sql), ML_SQL(x.sql), ML_SQL(x.sql), ML_SQL(x.sql));
    return ml__sql_made(ML_T_DYNAMIC, true, sure(s, &p, value, "'?'"));
}

/* --- making JSON --- */

/* JSON text of a value that may be NULL: then 'null', unless it stays NULL as a whole. */
struct ml_str ml__sql_json_of(struct ml_sql *s, const struct ml_node *at, struct ml_sql_col x)
{
    switch (x.type) {
    case ML_T_DYNAMIC:
        return x.sql;
    case ML_T_STRING:
        if (ml__sql_too_old(s, at, "a dynamic value"))
            return x.sql;
        return ml__sql_printf(s, "toJSONString(%.*s)", ML_SQL(x.sql));
    case ML_T_BOOL:
        return ml__sql_printf(s, "if(isNull(%.*s), NULL, if(%.*s, 'true', 'false'))", ML_SQL(x.sql),
                              ML_SQL(x.sql));
    case ML_T_INT:
    case ML_T_LONG:
        return ml__sql_printf(s, "toString(%.*s)", ML_SQL(x.sql));
    case ML_T_REAL: {
        struct ml_sql_col text = ml__sql_cast(s, at, x, ML_T_STRING);
        return ml__sql_printf(s,
                              "if(isNull(%.*s), NULL, multiIf(isNaN(%.*s), '\"NaN\"', "
                              "isInfinite(%.*s), if(%.*s < 0, '\"-Infinity\"', '\"Infinity\"'), "
                              "%.*s))",
                              ML_SQL(x.sql), ML_SQL(x.sql), ML_SQL(x.sql), ML_SQL(x.sql),
                              ML_SQL(text.sql));
    }
    case ML_T_DATETIME:
    case ML_T_TIMESPAN:
    case ML_T_GUID: {
        struct ml_sql_col plain = x;
        plain.null = false;
        struct ml_sql_col text = ml__sql_cast(s, at, plain, ML_T_STRING);
        return ml__sql_printf(s, "if(isNull(%.*s), NULL, concat('\"', %.*s, '\"'))", ML_SQL(x.sql),
                              ML_SQL(text.sql));
    }
    default:
        ml__sql_refuse(s, at, "a %s inside a dynamic value", ml_type_name(x.type));
        return x.sql;
    }
}

static struct ml_str element(struct ml_sql *s, const struct ml_expr *e, const struct ml_sql_rel *in)
{
    return ml__sql_printf(s, "ifNull(%.*s, 'null')",
                          ML_SQL(ml__sql_json_of(s, e->node, ml__sql_expr(s, e, in))));
}

struct ml_sql_col ml__sql_pack_array(struct ml_sql *s, const struct ml_expr *e,
                                     const struct ml_sql_rel *in)
{
    struct ml_buf b = {0};
    ml__sql_too_old(s, e->node, "a dynamic value");
    ml_buf_cstr(&b, "concat('['");
    for (uint32_t i = 0; i < e->n && !ml__sql_failed(s); i++)
        ml_buf_printf(&b, "%s, %.*s", i > 0 ? ", ','" : "", ML_SQL(element(s, e->arg[i], in)));
    ml_buf_cstr(&b, ", ']')");
    return ml__sql_made(ML_T_DYNAMIC, false, ml__sql_keep(s, &b));
}

/* Constant keys, each once. */
struct ml_sql_col ml__sql_bag_pack(struct ml_sql *s, const struct ml_expr *e,
                                   const struct ml_sql_rel *in)
{
    struct ml_buf b = {0};
    ml__sql_too_old(s, e->node, "a dynamic value");
    ml_buf_cstr(&b, "concat('{'");
    for (uint32_t i = 0; i + 1 < e->n && !ml__sql_failed(s); i += 2) {
        struct ml_buf key = {0};
        const struct ml_val *k = ml__sql_constant(s, e, i);
        for (uint32_t j = 0; j < i && !ml__sql_failed(s); j += 2)
            if (k->type != ML_T_STRING || ml_str_eq(k->s, e->arg[j]->val.s))
                ml__sql_refuse(s, e->arg[i]->node, "'bag_pack' with such a key");
        if (ml__sql_failed(s))
            break;
        ml_buf_cstr(&key, i > 0 ? "," : "");
        ml_buf_json(&key, k->s);
        ml_buf_char(&key, ':');
        ml_buf_cstr(&b, ", ");
        ml__sql_string(&b, ml_buf_view(&key));
        ml_buf_free(&key);
        ml_buf_printf(&b, ", %.*s", ML_SQL(element(s, e->arg[i + 1], in)));
    }
    ml_buf_cstr(&b, ", '}')");
    return ml__sql_made(ML_T_DYNAMIC, false, ml__sql_keep(s, &b));
}

struct ml_sql_col ml__sql_array_length(struct ml_sql *s, const struct ml_expr *e,
                                       const struct ml_sql_rel *in)
{
    struct path p = path_of(s, e->arg[0], in);
    if (ml__sql_failed(s))
        return ml__sql_null(s, ML_T_LONG);
    struct ml_str n = ml__sql_printf(s, "if(%.*s = 'Array', toInt64(%.*s), NULL)",
                                     ML_SQL(part(s, "JSONType", &p)),
                                     ML_SQL(part(s, "JSONLength", &p)));
    return ml__sql_made(ML_T_LONG, true, sure(s, &p, n, "toInt64(0)"));
}

/* split(text, delimiter) */
struct ml_sql_col ml__sql_split(struct ml_sql *s, const struct ml_expr *e,
                                const struct ml_sql_rel *in)
{
    struct ml_sql_col x = ml__sql_expr(s, e->arg[0], in);
    struct ml_sql_col d = ml__sql_expr(s, e->arg[1], in);
    if (e->n > 2 || ml__sql_constant(s, e, 1)->s.n == 0)
        ml__sql_refuse(s, e->node, "this form of 'split'");
    if (ml__sql_too_old(s, e->node, "'split'"))
        return ml__sql_null(s, ML_T_DYNAMIC);
    return ml__sql_made(
        ML_T_DYNAMIC, false,
        ml__sql_printf(s, "if(empty(%.*s), '[\"\"]', toJSONString(splitByString(%.*s, %.*s)))",
                       ML_SQL(x.sql), ML_SQL(d.sql), ML_SQL(x.sql)));
}
