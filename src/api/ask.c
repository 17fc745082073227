/* api/ask.c -- see ask.h. SPDX-License-Identifier: MIT */
#include "api/ask.h"

#include "http/url.h"
#include "kql/ticks.h"

#include <jansson.h>
#include <stdlib.h>

static struct ml_str text_of(const json_t *v)
{
    if (!json_is_string(v))
        return (struct ml_str){0};
    return (struct ml_str){json_string_value(v), json_string_length(v)};
}

/* The member as arena text; an empty slice when it is none. */
static int member(struct ml_arena *a, const json_t *object, const char *key, struct ml_str *out)
{
    struct ml_str s = text_of(json_object_get(object, key));
    if (s.p == NULL)
        return ML_OK;
    *out = ml_arena_copy(a, s);
    return out->p != NULL ? ML_OK : ML_ENOMEM;
}

static int set_period(struct ml_str timespan, int64_t now, struct ml_ask *ask, struct ml_error *e)
{
    if (timespan.n == 0)
        return ML_OK;
    if (!ml_period_parse(timespan, now, &ask->period))
        return ml_fail(e, ML_EINVALID,
                       "the timespan '%.*s' is not an ISO 8601 duration or interval",
                       (int)(timespan.n > 100 ? 100 : timespan.n), timespan.p);
    ask->has_period = true;
    return ML_OK;
}

static json_t *parse_object(struct ml_str body, struct ml_error *e)
{
    json_error_t error;
    json_t *root = json_loadb(body.p != NULL ? body.p : "", body.n, JSON_ALLOW_NUL, &error);
    if (json_is_object(root))
        return root;
    ml_fail(e, ML_EINVALID, "the body is not a JSON object%s%s", root == NULL ? ": " : "",
            root == NULL ? error.text : "");
    json_decref(root);
    return NULL;
}

int ml_ask_insights(struct ml_arena *a, struct ml_str body, int64_t now, struct ml_ask *out,
                    struct ml_error *e)
{
    struct ml_ask ask = {0};
    struct ml_str timespan = {0};
    json_t *root = parse_object(body, e);
    if (root == NULL)
        return ML_EINVALID;
    int rc = member(a, root, "query", &ask.query);
    if (rc == ML_OK)
        rc = member(a, root, "timespan", &timespan);
    json_decref(root);
    if (rc == ML_OK && ask.query.p == NULL)
        rc = ml_fail(e, ML_EINVALID, "the body has no 'query'");
    if (rc == ML_OK)
        rc = set_period(timespan, now, &ask, e);
    if (rc == ML_OK)
        *out = ask;
    return rc;
}

/* -- Kusto's options -- */

static uint64_t count_of(const json_t *v)
{
    if (json_is_integer(v))
        return json_integer_value(v) > 0 ? (uint64_t)json_integer_value(v) : 0;
    if (json_is_string(v))
        return strtoull(json_string_value(v), NULL, 10);
    return 0;
}

static bool is_true(const json_t *v)
{
    struct ml_str s = text_of(v);
    return json_is_true(v) || ml_str_eq(s, ML_STR("true")) || ml_str_eq(s, ML_STR("True"));
}

/* A timespan as text, or as a number of seconds. */
static uint64_t timeout_of(const json_t *v)
{
    int64_t ticks = 0;
    if (json_is_number(v) && json_number_value(v) > 0 && json_number_value(v) < 1e6)
        return (uint64_t)(json_number_value(v) * 1e9);
    if (json_is_string(v) && ml_timespan_parse(text_of(v), &ticks) && ticks > 0 &&
        ticks < 366 * ML_TICKS_DAY)
        return (uint64_t)ticks * 100;
    return 0;
}

static void set_options(const json_t *o, struct ml_ask *ask)
{
    ask->timeout_ns = timeout_of(json_object_get(o, "servertimeout"));
    ask->max_rows = count_of(json_object_get(o, "query_take_max_records"));
    ask->error_rows = count_of(json_object_get(o, "truncationmaxrecords"));
    if (is_true(json_object_get(o, "notruncation")))
        ask->error_rows = UINT64_MAX;
    int64_t now;
    if (ml_datetime_parse(text_of(json_object_get(o, "query_now")), &now))
        ask->now_ticks = now;
}

static int set_parameters(struct ml_arena *a, const json_t *properties, struct ml_ask *ask)
{
    const json_t *parameters = json_object_get(properties, "Parameters");
    if (!json_is_object(parameters) || json_object_size(parameters) == 0)
        return ML_OK;
    char *s = json_dumps(parameters, JSON_COMPACT);
    if (s == NULL)
        return ML_ENOMEM;
    ask->parameters = ml_arena_copy(a, ml_str_of(s));
    free(s);
    return ask->parameters.p != NULL ? ML_OK : ML_ENOMEM;
}

static int set_properties(struct ml_arena *a, const json_t *properties, struct ml_ask *ask,
                          struct ml_error *e)
{
    json_t *parsed = NULL;
    if (json_is_string(properties) && json_string_length(properties) != 0) {
        parsed = parse_object(text_of(properties), NULL);
        if (parsed == NULL)
            return ml_fail(e, ML_EINVALID, "'properties' is not JSON");
        properties = parsed;
    }
    set_options(json_object_get(properties, "Options"), ask);
    int rc = set_parameters(a, properties, ask);
    json_decref(parsed);
    return rc;
}

int ml_ask_kusto(struct ml_arena *a, struct ml_str body, struct ml_ask *out, struct ml_error *e)
{
    struct ml_ask ask = {0};
    json_t *root = parse_object(body, e);
    if (root == NULL)
        return ML_EINVALID;
    int rc = member(a, root, "csl", &ask.query);
    if (rc == ML_OK)
        rc = member(a, root, "db", &ask.database);
    if (rc == ML_OK)
        rc = set_properties(a, json_object_get(root, "properties"), &ask, e);
    json_decref(root);
    if (rc == ML_OK && ask.query.p == NULL)
        rc = ml_fail(e, ML_EINVALID, "the body has no 'csl'");
    if (rc == ML_OK)
        *out = ask;
    return rc;
}

int ml_ask_get(struct ml_arena *a, struct ml_str query_string, int64_t now, struct ml_ask *out,
               struct ml_error *e)
{
    struct ml_ask ask = {.query = ml_url_query_find(a, query_string, ML_STR("query"))};
    if (ask.query.p == NULL)
        ask.query = ml_url_query_find(a, query_string, ML_STR("csl"));
    if (ask.query.p == NULL)
        return ml_fail(e, ML_EINVALID, "the address has no '?query='");
    ask.database = ml_url_query_find(a, query_string, ML_STR("db"));
    int rc = set_period(ml_url_query_find(a, query_string, ML_STR("timespan")), now, &ask, e);
    if (rc == ML_OK)
        *out = ask;
    return rc;
}

/* -- Prefer -- */

static struct ml_str trim(struct ml_str s)
{
    while (s.n != 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = (struct ml_str){s.p + 1, s.n - 1};
    while (s.n != 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static void take_preference(struct ml_str one, struct ml_prefer *out)
{
    if (ml_str_starts(one, ML_STR("wait="))) {
        unsigned s = 0;
        for (size_t i = 5; i < one.n && one.p[i] >= '0' && one.p[i] <= '9' && s < 100000; i++)
            s = s * 10 + (unsigned)(one.p[i] - '0');
        out->wait_s = s;
    }
    out->kusto_shape |= ml_str_eq(one, ML_STR("ai.response-thinning=false"));
    out->statistics |= ml_str_eq(one, ML_STR("include-statistics=true"));
    out->render |= ml_str_eq(one, ML_STR("include-render=true"));
}

void ml_prefer_parse(struct ml_str header, struct ml_prefer *out)
{
    *out = (struct ml_prefer){0};
    while (header.n != 0) {
        size_t n = 0;
        while (n < header.n && header.p[n] != ',' && header.p[n] != ';')
            n++;
        take_preference(trim((struct ml_str){header.p, n}), out);
        n += n < header.n;
        header = (struct ml_str){header.p + n, header.n - n};
    }
}
