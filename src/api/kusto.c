/* api/kusto.c -- Kusto REST: queries v1 and v2, management, and what clients ask before they begin.
 * SPDX-License-Identifier: MIT */
#include "api/job.h"
#include "api/mgmt.h"
#include "store/rows.h"

static int read_ask(struct ml__job *j, struct ml_error *e)
{
    struct ml_http_request *r = j->request;
    struct ml_str body;
    if (!ml_str_eq(r->method, ML_STR("POST")))
        return ml_ask_get(&r->arena, r->query, ml_ticks_now(), &j->ask, e);
    int rc = ml_body_view(&r->body, &body);
    return rc == ML_OK ? ml_ask_kusto(&r->arena, body, &j->ask, e) : rc;
}

static void serve_query(struct ml_api *a, struct ml_http_request *r, enum ml_shape_kind kind)
{
    struct ml_error e = {0};
    struct ml__job *j = ml__job_new(a, r);
    if (j == NULL)
        return;
    if (read_ask(j, &e) != ML_OK) {
        ml__job_refuse(j, 400, "General_BadRequest", e.text);
        return;
    }
    j->kind = kind;
    j->kusto_fault = true;
    ml__job_start(j);
}

void ml__serve_kusto_v1(struct ml_api *a, struct ml_http_request *r)
{
    serve_query(a, r, ML_SHAPE_V1);
}

void ml__serve_kusto_v2(struct ml_api *a, struct ml_http_request *r)
{
    serve_query(a, r, ML_SHAPE_V2);
}

static void refuse_command(struct ml_http_request *r, const char *activity,
                           const struct ml_error *e)
{
    struct ml_buf body = {0};
    ml_buf_cstr(&body, "{\"error\":{\"code\":\"General_BadRequest\",\"message\":"
                       "\"Request is invalid and cannot be executed.\",\"@type\":"
                       "\"Kusto.Data.Exceptions.KustoBadRequestException\",\"@message\":");
    ml_buf_json(&body, ml_str_of(e->text));
    ml_buf_cstr(&body, ",\"@permanent\":true}}");
    ml__reply_kusto(r, 400, &body, activity);
}

void ml__serve_kusto_mgmt(struct ml_api *a, struct ml_http_request *r)
{
    struct ml_error e = {0};
    struct ml_ask ask = {0};
    struct ml_str body = {0};
    struct ml_buf out = {0};
    char activity[37];
    ml_guid_new(activity);
    int rc = ml_body_view(&r->body, &body);
    if (rc == ML_OK && ml_str_eq(r->method, ML_STR("POST")))
        rc = ml_ask_kusto(&r->arena, body, &ask, &e);
    else if (rc == ML_OK)
        rc = ml_ask_get(&r->arena, r->query, ml_ticks_now(), &ask, &e);
    if (rc == ML_OK)
        rc = ml_mgmt_run(ask.query, ask.database.n != 0 ? ask.database : ml_str_of(a->o.app_id),
                         &out, &e);
    if (rc == ML_OK) {
        ml__reply_kusto(r, 200, &out, activity);
        return;
    }
    ml_buf_free(&out);
    refuse_command(r, activity, &e);
}

/* Clients that find this ask no public cloud who we are; they take a token from elsewhere, or none. */
void ml__serve_auth_metadata(struct ml_api *a, struct ml_http_request *r)
{
    struct ml_buf body = {0};
    ml_buf_cstr(
        &body,
        "{\"AzureAD\":{\"LoginEndpoint\":\"https://login.microsoftonline.com\","
        "\"LoginMfaRequired\":false,\"KustoClientAppId\":\"\",\"KustoClientRedirectUri\":\"\","
        "\"KustoServiceResourceId\":\"https://kusto.kusto.windows.net\","
        "\"FirstPartyAuthorityUrl\":\"\"}}");
    ml__reply_json(r, 200, &body);
}

void ml__serve_ping(struct ml_api *a, struct ml_http_request *r)
{
    ml_http_reply_text(r, 200, "text/plain; charset=utf-8",
                       ML_STR("memline " ML_VERSION " answers here\n"));
}
