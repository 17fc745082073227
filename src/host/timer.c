/* host/timer.c -- timer triggers: schedules, past-due slots, retries. No storage account anywhere.
 *
 * Each timer remembers its last and next slot in STATE/timers/NAME.json (useMonitor), so that a slot
 * missed while the host was down runs at the next start. One run of a timer at a time.
 * SPDX-License-Identifier: MIT */
#include "host/timer.h"

#include "base/mem.h"
#include "host/cron.h"
#include "host/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { MAX_SLEEP_MS = 60000 }; /* look again: the wall clock may be set */

enum cause { ON_SCHEDULE, ON_STARTUP, PAST_DUE };

struct timer {
    struct ml_host *host;
    struct ml_function *fn; /* of the app this generation belongs to */
    struct ml_cron cron;
    char text[160]; /* the schedule as resolved */
    bool monitor;
    time_t last;
    time_t next;
    time_t missed; /* a slot that passed while nobody ran; 0: none */
    struct ml_timer *alarm;
    bool running;
    enum cause cause;
    char reason[160];
    char details[200];
    /* retries */
    struct ml_retry retry;
    int tries; /* so far, without the first */
    char retry_id[37];
    char exception[512];
};

struct ml_timers {
    int refs; /* the host, and each timer whose run has not ended */
    ML_VEC(struct timer *) at;
    struct ml_app *app;
    bool stopped;
};

static void timers_unref(struct ml_timers *ts)
{
    if (--ts->refs != 0)
        return;
    for (size_t i = 0; i < ts->at.n; i++)
        ml_free(ts->at.at[i]);
    ml_vec_free(&ts->at);
    ml_app_unref(ts->app);
    ml_free(ts);
}

static const char *text_of(const struct ml_function *f, const char *name)
{
    const json_t *v = ml_json_get(f->trigger, name);
    return json_is_string(v) ? json_string_value(v) : NULL;
}

static bool parse(const struct ml_function *f, struct ml_cron *cron, char *out, size_t out_bytes)
{
    const char *schedule = text_of(f, "schedule");
    const char *resolved = schedule != NULL ? ml_setting_resolve(schedule) : NULL;
    if (resolved == NULL || !ml_cron_parse(resolved, cron))
        return false;
    (void)snprintf(out, out_bytes, "%s", resolved);
    return true;
}

void ml_timers_check(struct ml_host *h)
{
    for (size_t i = 0; i < h->app->n; i++) {
        struct ml_function *f = &h->app->functions[i];
        struct ml_cron cron;
        char text[160];
        if (f->kind == ML_TRIGGER_TIMER && f->error == NULL && !parse(f, &cron, text, sizeof text))
            f->error = ml_strdup("The schedule expression was not recognized as a valid cron "
                                 "expression or timespan string.");
    }
}

/* -- what is remembered -------------------------------------------------------------------------- */

static bool state_path(const struct timer *t, char out[PATH_MAX])
{
    char dir[PATH_MAX], name[160];
    (void)snprintf(name, sizeof name, "%.128s.json", t->fn->name);
    return t->host->state_dir[0] != '\0' &&
           ml_path_join(dir, sizeof dir, t->host->state_dir, "timers") == ML_OK &&
           ml_make_dirs(dir, 0700, NULL) == ML_OK &&
           ml_path_join(out, PATH_MAX, dir, name) == ML_OK;
}

static void remember(const struct timer *t)
{
    char path[PATH_MAX];
    struct ml_buf b = {0};
    if (!t->monitor || !state_path(t, path))
        return;
    ml_buf_printf(&b, "{\"schedule\":");
    ml_buf_json(&b, ml_str_of(t->text));
    ml_buf_printf(&b, ",\"last\":%lld,\"next\":%lld}\n", (long long)t->last, (long long)t->next);
    if (b.status == ML_OK)
        (void)ml_file_write(path, ml_buf_view(&b), 0600, NULL);
    ml_buf_free(&b);
}

static void recall(struct timer *t, time_t now)
{
    char path[PATH_MAX];
    if (!t->monitor || !state_path(t, path))
        return;
    json_t *doc = json_load_file(path, 0, NULL);
    const char *schedule = ml_json_text(doc, "schedule");
    if (schedule != NULL && strcmp(schedule, t->text) == 0) {
        time_t next = (time_t)ml_json_i64(doc, "next", 0);
        t->last = (time_t)ml_json_i64(doc, "last", 0);
        if (next > 0 && next < now)
            t->missed = next;
    }
    json_decref(doc);
}

/* -- running ------------------------------------------------------------------------------------- */

/* "2026-11-22T10:31:42.0000000+01:00" */
static void local_time(char *out, size_t out_bytes, time_t when)
{
    struct tm tm;
    (void)localtime_r(&when, &tm);
    long off = tm.tm_gmtoff / 60;
    (void)snprintf(out, out_bytes, "%04d-%02d-%02dT%02d:%02d:%02d.0000000%c%02u:%02u",
                   tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                   off < 0 ? '-' : '+', (unsigned)(labs(off) / 60) % 100,
                   (unsigned)(labs(off) % 60));
}

void ml_timer_payload(struct ml_buf *b, const struct ml_timer_info *info)
{
    char last[96], next[96];
    ml_buf_cstr(b, "{\"Schedule\":{\"AdjustForDST\":true},\"ScheduleStatus\":");
    if (info->monitor) {
        local_time(next, sizeof next, info->next);
        if (info->last != 0)
            local_time(last, sizeof last, info->last);
        else
            (void)snprintf(last, sizeof last, "0001-01-01T00:00:00+00:00");
        ml_buf_printf(b, "{\"Last\":\"%s\",\"Next\":\"%s\",\"LastUpdated\":\"%s\"}", last, next,
                      last);
    } else {
        ml_buf_cstr(b, "null");
    }
    ml_buf_printf(b, ",\"IsPastDue\":%s}", info->past_due ? "true" : "false");
}

struct run {
    struct timer *t;
    struct ml_timers *set; /* a reference: a reload may replace the host's */
};

static void write_inputs(void *user, struct ml_buf *b, struct ml_buf *payload)
{
    const struct timer *t = ((const struct run *)user)->t;
    struct ml_buf json = {0};
    const struct ml_timer_info info = {t->monitor, t->last, t->next, t->cause == PAST_DUE};
    (void)payload;
    ml_timer_payload(&json, &info);
    ml_buf_json(b, ml_str_of(t->fn->trigger_param));
    ml_buf_cstr(b, ":{\"t\":\"json\",\"v\":");
    ml_buf_json(b, ml_buf_view(&json));
    ml_buf_char(b, '}');
    ml_buf_free(&json);
}

static void set_alarm(struct timer *t);
static void run(struct timer *t, const char *id);

/* The set that a timer belongs to: stored with the alarm's user. */
static struct ml_timers *set_of(struct timer *t)
{
    return t->host->timers;
}

static void on_retry(void *user)
{
    struct timer *t = user;
    char id[37];
    (void)snprintf(id, sizeof id, "%s", t->retry_id);
    ml_timer_free(t->alarm);
    t->alarm = NULL;
    run(t, id);
}

static void on_end(void *user, bool ok, const struct ml_frame *result)
{
    struct run *r = user;
    struct timer *t = r->t;
    struct ml_timers *set = r->set;
    ml_free(r);
    t->running = false;
    if (!ok && !set->stopped && ml_retry_again(&t->retry, t->tries)) {
        const json_t *err = result != NULL ? json_object_get(result->json, "error") : NULL;
        const char *message = ml_json_text(err, "message"),
                   *id = result != NULL ? ml_json_text(result->json, "id") : NULL;
        (void)snprintf(t->exception, sizeof t->exception, "%.500s",
                       message != NULL ? message : "failed");
        (void)snprintf(t->retry_id, sizeof t->retry_id, "%s", id != NULL ? id : "");
        uint64_t wait = ml_retry_delay_ms(&t->retry, t->tries++);
        if (ml_timer_new(t->host->loop, wait, 0, on_retry, t, &t->alarm) == ML_OK) {
            timers_unref(set);
            return;
        }
    }
    t->tries = 0;
    if (!set->stopped)
        set_alarm(t);
    timers_unref(set);
}

static void run(struct timer *t, const char *id)
{
    struct ml_host *h = t->host;
    struct run *r = ml_calloc(1, sizeof *r);
    if (r == NULL)
        return;
    r->t = t;
    r->set = set_of(t);
    struct ml_call call = {
        .fn = t->fn,
        .reason = t->reason,
        .details = t->details[0] != '\0' ? t->details : NULL,
        .write_inputs = write_inputs,
        .on_end = on_end,
        .user = r,
        .retry_id = id != NULL && id[0] != '\0' ? id : NULL,
        .retry_count = t->tries,
        .retry_max = t->retry.kind == ML_RETRY_NONE ? ML_NO_RETRY : t->retry.max,
        .retry_exception = t->tries > 0 ? t->exception : NULL,
    };
    t->running = true;
    r->set->refs++;
    int rc = ml_invoke(h, &call);
    if (rc != ML_OK) { /* no worker just now: the next slot will do */
        struct ml_timers *set = r->set;
        ml_free(r);
        t->running = false;
        set_alarm(t);
        timers_unref(set);
    }
}

static void fire(struct timer *t, enum cause cause)
{
    char now[96], slot[96];
    time_t wall = time(NULL);
    local_time(now, sizeof now, wall);
    t->cause = cause;
    t->details[0] = '\0';
    (void)snprintf(t->reason, sizeof t->reason, "Timer fired at %s", now);
    if (cause == ON_STARTUP) {
        (void)snprintf(t->details, sizeof t->details,
                       "Trigger Details: UnscheduledInvocationReason: RunOnStartup");
    } else if (cause == PAST_DUE) {
        local_time(slot, sizeof slot, t->missed);
        (void)snprintf(
            t->details, sizeof t->details,
            "Trigger Details: UnscheduledInvocationReason: IsPastDue, OriginalSchedule: %s", slot);
    }
    t->last = wall;
    t->next = ml_cron_next(&t->cron, wall);
    remember(t);
    run(t, NULL);
}

static void on_alarm(void *user)
{
    struct timer *t = user;
    ml_timer_free(t->alarm);
    t->alarm = NULL;
    if (ml_wall_ns() / 1000000 >= (int64_t)t->next * 1000)
        fire(t, ON_SCHEDULE);
    else
        set_alarm(t);
}

/* Sleep until the next slot, in steps. */
static void set_alarm(struct timer *t)
{
    int64_t now_ms = ml_wall_ns() / 1000000;
    if (t->next <= now_ms / 1000) /* a long run passed it: the next future one */
        t->next = ml_cron_next(&t->cron, (time_t)(now_ms / 1000));
    if (t->next < 0)
        return;
    int64_t wait = (int64_t)t->next * 1000 - now_ms;
    if (wait > MAX_SLEEP_MS)
        wait = MAX_SLEEP_MS;
    (void)ml_timer_new(t->host->loop, wait > 0 ? (uint64_t)wait : 0, 0, on_alarm, t, &t->alarm);
}

static void tell_occurrences(const struct timer *t)
{
    struct ml_buf b = {0};
    time_t when = time(NULL);
    if (t->cron.span_ms != 0)
        ml_buf_printf(&b, "The next 5 occurrences of the '%s' schedule (Constant: %s) will be:",
                      t->fn->name, t->text);
    else
        ml_buf_printf(&b, "The next 5 occurrences of the '%s' schedule (Cron: '%s') will be:",
                      t->fn->name, t->text);
    for (int i = 0; i < 5 && when >= 0; i++) {
        struct tm tm;
        char line[80];
        when = ml_cron_next(&t->cron, when);
        if (when < 0)
            break;
        (void)localtime_r(&when, &tm);
        (void)strftime(line, sizeof line, "\n%m/%d/%Y %H:%M:%S%z", &tm);
        ml_buf_cstr(&b, line);
    }
    ml_host_log(t->host, "Host.Triggers.Timer", ML_LEVEL_INFORMATION, "%s",
                b.status == ML_OK ? b.p : "");
    ml_buf_free(&b);
}

static void start_one(struct ml_host *h, struct ml_function *f)
{
    struct timer *t = ml_calloc(1, sizeof *t);
    if (t == NULL || !parse(f, &t->cron, t->text, sizeof t->text) ||
        ml_vec_push(&h->timers->at, t) != ML_OK) {
        ml_free(t);
        return;
    }
    const json_t *monitor = ml_json_get(f->trigger, "useMonitor");
    time_t now = time(NULL);
    t->host = h;
    t->fn = f;
    t->monitor = (monitor == NULL || ml_json_truthy(monitor)) && !ml_cron_is_fast(&t->cron);
    ml_retry_read(json_object_get(f->entry, "retry"), ml_setting(&h->settings, "retry"), &t->retry);
    recall(t, now);
    t->next = ml_cron_next(&t->cron, now);
    tell_occurrences(t);
    remember(t);
    if (ml_json_truthy(ml_json_get(f->trigger, "runOnStartup")))
        fire(t, ON_STARTUP);
    else if (t->missed != 0)
        fire(t, PAST_DUE);
    else
        set_alarm(t);
}

void ml_timers_start(struct ml_host *h)
{
    struct ml_timers *ts = ml_calloc(1, sizeof *ts);
    if (ts == NULL)
        return;
    ts->refs = 1;
    ts->app = ml_app_ref(h->app);
    h->timers = ts;
    for (size_t i = 0; i < h->app->n; i++) {
        struct ml_function *f = &h->app->functions[i];
        if (f->kind == ML_TRIGGER_TIMER && f->error == NULL && !f->disabled)
            start_one(h, f);
    }
}

void ml_timers_stop(struct ml_host *h)
{
    struct ml_timers *ts = h->timers;
    if (ts == NULL)
        return;
    h->timers = NULL;
    ts->stopped = true;
    for (size_t i = 0; i < ts->at.n; i++) {
        ml_timer_free(ts->at.at[i]->alarm);
        ts->at.at[i]->alarm = NULL;
    }
    timers_unref(ts);
}
