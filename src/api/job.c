/* api/job.c -- see job.h. SPDX-License-Identifier: MIT */
#include "api/job.h"

#include "api/fault.h"
#include "base/mem.h"

#define WATCH_MS 250

static void job_free(struct ml__job *j)
{
    ml_buf_free(&j->out);
    ml_free(j);
}

struct ml__job *ml__job_new(struct ml_api *a, struct ml_http_request *r)
{
    if (a->queries >= a->o.queries) {
        ml__reply_error(r, 429, "TooManyRequests", "%u queries are running already", a->queries);
        return NULL;
    }
    struct ml__job *j = ml_calloc(1, sizeof *j);
    if (j == NULL) {
        ml__reply_error(r, 503, "ServiceUnavailable", "out of memory");
        return NULL;
    }
    j->api = a;
    j->request = r;
    ml_guid_new(j->activity);
    j->frame.activity_id = ml_str_of(j->activity);
    j->frame.request_id = ml_http_header(r, ML_STR("x-ms-client-request-id"));
    return j;
}

void ml__job_refuse(struct ml__job *j, int status, const char *code, const char *text)
{
    ml__reply_error(j->request, status, code, "%s", text);
    job_free(j);
}

/* -- Watching for clients that left -- */

static void watch(void *user)
{
    struct ml_api *a = user;
    for (struct ml__job *j = a->jobs; j != NULL; j = j->next)
        if (ml_http_gone(j->request))
            atomic_store(&j->cancel, true);
}

void ml__jobs_cancel(struct ml_api *a)
{
    for (struct ml__job *j = a->jobs; j != NULL; j = j->next)
        atomic_store(&j->cancel, true);
}

static void enter(struct ml__job *j)
{
    struct ml_api *a = j->api;
    j->next = a->jobs;
    if (a->jobs != NULL)
        a->jobs->prev = j;
    a->jobs = j;
    a->queries++;
    ml__job_begin(a);
    if (a->watch == NULL) /* without memory for a timer queries just are not cancelled early */
        (void)ml_timer_new(a->loop, WATCH_MS, WATCH_MS, watch, a, &a->watch);
}

static void leave(struct ml__job *j)
{
    struct ml_api *a = j->api;
    if (j->prev != NULL)
        j->prev->next = j->next;
    else
        a->jobs = j->next;
    if (j->next != NULL)
        j->next->prev = j->prev;
    a->queries--;
    if (a->jobs == NULL) {
        ml_timer_free(a->watch);
        a->watch = NULL;
    }
}

/* -- Answering -- */

static int fault(struct ml__job *j)
{
    ml_buf_free(&j->out);
    j->out = (struct ml_buf){0};
    ml_diag_place(&j->diag, j->ask.query);
    if (j->kusto_fault)
        return ml_fault_kusto(&j->diag, j->ask.query, j->frame.activity_id, &j->out);
    return ml_fault_insights(&j->diag, j->ask.query, &j->out);
}

static void answer(struct ml__job *j)
{
    int status = 200;
    if (j->error.status != ML_OK) {
        ml__reply_error(j->request, j->error.status == ML_EBUSY ? 503 : 500, "InternalServerError",
                        "%s", j->error.text);
        return;
    }
    if (ml_diag_is_set(&j->diag))
        status = fault(j);
    if (j->kusto_fault)
        ml__reply_kusto(j->request, status, &j->out, j->activity);
    else
        ml__reply_json(j->request, status, &j->out);
}

static void work(void *user)
{
    ml__engine_run(user);
}

static void done(void *user)
{
    struct ml__job *j = user;
    struct ml_api *a = j->api;
    leave(j);
    answer(j);
    job_free(j);
    ml__job_end(a);
}

void ml__job_start(struct ml__job *j)
{
    enter(j);
    if (ml_loop_work(j->api->loop, work, done, j) != ML_OK) {
        ml_fail(&j->error, ML_ENOMEM, "out of memory");
        done(j);
    }
}
