/* tests/c/kql/test_query.c -- the engine through kql.h: pruning, limits, cancelling, no memory. SPDX-License-Identifier: MIT */
#include "kql/kql.h"

#include "kql/filetable.h"

#include "test.h"

static struct ml_filetable *table;

static const struct ml_source *find(const struct ml_catalog *c, struct ml_str name)
{
    return ml_str_eq(name, ML_STR("logs")) ? ml_filetable_source(table) : NULL;
}

static const struct ml_source *at(const struct ml_catalog *c, size_t i)
{
    return i == 0 ? ml_filetable_source(table) : NULL;
}

static const struct ml_catalog catalog = {.find = find, .at = at};

static int make_table(void **state)
{
    struct ml_buf b = {0};
    struct ml_error e;
    ml_buf_cstr(&b, "timestamp,n,s\n");
    for (int i = 0; i < 100000; i++)
        ml_buf_printf(&b, "2026-01-%02dT00:00:00Z,%d,text %d\n", i / 10000 + 1, i, i % 10);
    int rc = ml_filetable_parse(ML_STR("logs"), ml_buf_view(&b), true, &table, &e);
    ml_buf_free(&b);
    return rc;
}

static int drop_table(void **state)
{
    ml_filetable_free(table);
    return 0;
}

/* The rows of a query's first table; its first cell if it is a long. */
static int run(const char *text, const struct ml_query_options *o, size_t *rows, int64_t *cell,
               struct ml_diag *why)
{
    struct ml_query *q = NULL;
    int rc = ml_query_open(ml_str_of(text), o, &q);
    struct ml_batch b = {0};
    size_t n = 0;
    while (rc == ML_OK && (rc = ml_query_next(q, 0, &b)) == ML_OK && b.n > 0) {
        struct ml_val v = ml_column_get(&b.cols[0], 0);
        if (n == 0 && cell != NULL)
            *cell = v.i;
        n += b.n;
    }
    if (rows != NULL)
        *rows = n;
    if (why != NULL && q != NULL)
        *why = *ml_query_diag(q);
    ml_query_close(q);
    return rc;
}

static int64_t count(const char *text, struct ml_query_options o)
{
    int64_t n = -1;
    o.catalog = &catalog;
    assert_int_equal(run(text, &o, NULL, &n, NULL), ML_OK);
    return n;
}

static void blocks_make_no_difference(void **state)
{
    const struct ml_query_options o = {0};
    assert_int_equal(count("logs | count", o), 100000);
    assert_int_equal(count("logs | where n % 7 == 3 | count", o), 14286);
    assert_int_equal(count("logs | summarize sum(n)", o), 4999950000);
    assert_int_equal(count("logs | where timestamp >= datetime(2026-01-10) | count", o), 10000);
    assert_int_equal(count("logs | summarize by s | count", o), 10);
    assert_int_equal(count("logs | top 1 by n desc | project n", o), 99999);
}

static void the_request_narrows_time(void **state)
{
    struct ml_query_options o = {0};
    o.from_ticks = o.to_ticks = count("print tolong(datetime(2026-01-02))", o);
    assert_int_equal(count("logs | count", o), 10000);
    assert_int_equal(count("union logs, (logs | where n < 5) | count", o), 10000);
}

static void limits_end_a_query_with_their_name(void **state)
{
    struct ml_diag d;
    struct ml_query_options o = {.catalog = &catalog, .max_bytes = 1 << 20};
    assert_int_equal(run("logs | sort by n", &o, NULL, NULL, &d), ML_ENOMEM);
    assert_string_equal(d.code, "ML201");
    o = (struct ml_query_options){.catalog = &catalog, .timeout_ns = 1};
    assert_int_equal(run("logs | count", &o, NULL, NULL, &d), ML_ETIMEOUT);
    atomic_bool stop = true;
    o = (struct ml_query_options){.catalog = &catalog, .cancel = &stop};
    assert_int_equal(run("logs | count", &o, NULL, NULL, &d), ML_ECANCELLED);
}

static void parameters_replace_defaults(void **state)
{
    const struct ml_parameter p = {ML_STR("x"), ml_val_str(ML_STR("41"))};
    struct ml_query_options o = {.parameters = &p, .nparameters = 1};
    assert_int_equal(count("declare query_parameters(x:long = 1); print x + 1", o), 42);
}

static const char *const hungry[] = {
    "datatable(k:long, d:dynamic, s:string)[1, dynamic({\"a\": [1, 2]}), \"x=1\", 2, "
    "dynamic(null), \"y\"]"
    " | where s has 'x' or k > 1 | mv-expand e = d.a | extend t = strcat(s, tostring(k))"
    " | summarize make_list(t), arg_max(k, *), dcount(s), percentile(k, 50) by bin(k, 1) | sort by "
    "k asc",
    "let f = (x:long) { x * 2 }; range x from 1 to 10 step 1 | join kind=fullouter (range x from 5 "
    "to 15 step 1) on x"
    " | union withsource=t (print x = 1) | parse kind=regex t with a \"_\" b | extend y = f(x), z "
    "= extract(\"(\\\\d)\", 1, t)",
};

static int attempt(void *arg)
{
    const struct ml_query_options o = {.now_ticks = 1};
    struct ml_query *q = NULL;
    int rc = ml_query_open(ml_str_of(arg), &o, &q);
    struct ml_batch b;
    while (rc == ML_OK && (rc = ml_query_next(q, 0, &b)) == ML_OK && b.n > 0)
        ;
    ml_query_close(q);
    return rc;
}

static void without_memory_it_says_so(void **state)
{
    for (size_t i = 0; i < sizeof hungry / sizeof hungry[0]; i++)
        fail_each(attempt, (void *)(uintptr_t)hungry[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_make_no_difference),
        cmocka_unit_test(the_request_narrows_time),
        cmocka_unit_test(limits_end_a_query_with_their_name),
        cmocka_unit_test(parameters_replace_defaults),
        cmocka_unit_test(without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, make_table, drop_table);
}
