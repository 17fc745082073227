/* api/insights.c -- Application Insights and Log Analytics: one protocol under two names.
 * SPDX-License-Identifier: MIT */
#include "api/job.h"
#include "api/schema_json.h"
#include "store/rows.h"

static int read_ask(struct ml__job *j, struct ml_error *e)
{
    struct ml_http_request *r = j->request;
    struct ml_str body;
    int64_t now = ml_ticks_now();
    if (!ml_str_eq(r->method, ML_STR("POST")))
        return ml_ask_get(&r->arena, r->query, now, &j->ask, e);
    int rc = ml_body_view(&r->body, &body);
    return rc == ML_OK ? ml_ask_insights(&r->arena, body, now, &j->ask, e) : rc;
}

static void serve_query(struct ml_api *a, struct ml_http_request *r)
{
    struct ml_error e = {0};
    struct ml_prefer prefer;
    struct ml__job *j = ml__job_new(a, r);
    if (j == NULL)
        return;
    if (read_ask(j, &e) != ML_OK) {
        ml__job_refuse(j, 400, "BadArgumentError", e.text);
        return;
    }
    ml_prefer_parse(ml_http_header(r, ML_STR("prefer")), &prefer);
    j->kind = prefer.kusto_shape ? ML_SHAPE_V1 : ML_SHAPE_AI;
    j->frame.statistics = prefer.statistics;
    j->frame.render = prefer.render;
    if (prefer.wait_s != 0)
        j->ask.timeout_ns = (uint64_t)prefer.wait_s * 1000000000u;
    ml__job_start(j);
}

static void serve_metadata(struct ml_api *a, struct ml_http_request *r, bool views)
{
    struct ml_buf body = {0};
    ml_schema_metadata(views, ml_str_of(a->o.app_id), &body);
    ml__reply_json(r, 200, &body);
}

/* What follows "/v1/apps/ID" or "/v1/workspaces/ID". */
bool ml__serve_insights(struct ml_api *a, struct ml_http_request *r, struct ml_str rest,
                        bool workspace)
{
    if (ml_str_eq(rest, ML_STR("/query")))
        serve_query(a, r);
    else if (ml_str_eq(rest, ML_STR("/metadata")) || ml_str_eq(rest, ML_STR("/query/schema")))
        serve_metadata(a, r, workspace);
    else
        return false;
    return true;
}
