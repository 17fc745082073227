/* tests/c/kql/test_clickhouse.c -- SQL of a plan: what text of the user may do to it, engines, no memory. What it answers is
 * tested on servers (tests/kql/test_scale.py). SPDX-License-Identifier: MIT */
#include "kql/engine.h"
#include "kql/filetable.h"
#include "kql/kql.h"

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
    struct ml_error e;
    return ml_filetable_parse(ML_STR("logs"), ML_STR("timestamp,n,s\n2026-01-01T00:00:00Z,1,x\n"),
                              true, &table, &e);
}

static int drop_table(void **state)
{
    ml_filetable_free(table);
    return 0;
}

/* The SQL for a server, or what is refused. */
static int sql_of(const char *text, unsigned version, struct ml_buf *out, struct ml_diag *why)
{
    struct ml_engine engine = {.target = {ML_STR("db"), version}};
    struct ml_query_options o = {.catalog = &catalog, .now_ticks = 1, .engine = &engine};
    struct ml_query *q = NULL;
    int rc = ml_query_open(ml_str_of(text), &o, &q);
    if (rc == ML_OK)
        ml_query_explain(q, out);
    if (q != NULL)
        *why = *ml_query_diag(q);
    ml_query_close(q);
    return rc != ML_OK ? rc : out->status;
}

/* Everything outside of quotes, with nothing between them. */
static void bare(struct ml_str sql, struct ml_buf *out)
{
    for (size_t i = 0; i < sql.n; i++) {
        char c = sql.p[i];
        ml_buf_char(out, c);
        if (c != '\'' && c != '`')
            continue;
        for (i++; i < sql.n && sql.p[i] != c; i++)
            i += sql.p[i] == '\\';
        assert_true(i < sql.n);
        ml_buf_char(out, c);
    }
}

/* Text of the user changes only what stands between quotes. */
static void text_stays_between_quotes(void **state)
{
    static const char *const nasty[] = {
        "x",
        "'",
        "\\\\",
        "\\\\'",
        "'; DROP TABLE t; --",
        "`",
        "` FROM x",
        "\\n\\t",
        "\\u0000",
        "/* */",
        "{p:String}",
        "\xC3\xA9",
        "\xF0\x9F\x98\x80",
    };
    struct ml_buf first = {0};
    for (size_t i = 0; i < sizeof nasty / sizeof nasty[0]; i++) {
        struct ml_buf text = {0};
        struct ml_buf sql = {0};
        struct ml_buf shape = {0};
        struct ml_diag why;
        ml_buf_printf(&text,
                      "logs | where s == \"%s\" or s contains_cs \"a%s\" | extend ['b%s'] = 1 | "
                      "summarize count() by ['b%s'], s",
                      nasty[i], nasty[i], i == 1 || i == 3 || i == 4 ? "b" : nasty[i],
                      i == 1 || i == 3 || i == 4 ? "b" : nasty[i]);
        int rc = sql_of(text.p, 2609, &sql, &why);
        if (rc != ML_OK)
            print_message("%s\n%s\n", text.p, why.text);
        assert_int_equal(rc, ML_OK);
        bare(ml_buf_view(&sql), &shape);
        if (i == 0)
            first = shape;
        else
            assert_string_equal(shape.p, first.p);
        if (i != 0)
            ml_buf_free(&shape);
        ml_buf_free(&text);
        ml_buf_free(&sql);
    }
    ml_buf_free(&first);
}

static void a_zero_byte_is_escaped(void **state)
{
    struct ml_buf sql = {0};
    struct ml_diag why;
    assert_int_equal(sql_of("print a = \"x\\0y\"", 2609, &sql, &why) == ML_OK ||
                         sql_of("print a = \"x\\u0000y\"", 2609, &sql, &why) == ML_OK,
                     1);
    assert_non_null(strstr(sql.p, "'x\\x00y'"));
    assert_int_equal(strlen(sql.p), sql.n);
    ml_buf_free(&sql);
}

static void what_is_not_mapped_is_named_with_its_place(void **state)
{
    struct ml_buf sql = {0};
    struct ml_diag why;
    assert_int_equal(sql_of("logs\n| extend y = hash(n)", 2609, &sql, &why), ML_EINVALID);
    assert_string_equal(why.code, "ML105");
    assert_non_null(strstr(why.text, "'hash'"));
    assert_int_equal(why.line, 2);
    assert_int_equal(why.column, 14);
    assert_int_equal(sql.n, 0);
}

static int refuse_all(const struct ml_engine *g, struct ml_str sql,
                      const struct ml_query_column *columns, uint32_t n,
                      const struct ml_engine_limits *limits, struct ml_answer **out,
                      struct ml_error *e)
{
    return ml_fail(e, ML_EIO, "nobody is there");
}

static void a_failure_of_the_engine_is_the_query_s(void **state)
{
    struct ml_engine engine = {.target = {ML_STR("db"), 2609}, .open = refuse_all};
    struct ml_query_options o = {.catalog = &catalog, .engine = &engine};
    struct ml_query *q = NULL;
    struct ml_batch b;
    assert_int_equal(ml_query_open(ML_STR("logs | count"), &o, &q), ML_OK);
    assert_int_equal(ml_query_next(q, 0, &b), ML_EIO);
    assert_string_equal(ml_query_diag(q)->code, "ML210");
    assert_string_equal(ml_query_diag(q)->text, "nobody is there");
    ml_query_close(q);
}

static const char everything[] = "logs | where timestamp > datetime(2020-01-01) and s has \"x\" | "
                                 "parse s with a \"=\" b:long \";\" * "
                                 "| extend c = startofmonth(timestamp), d = tostring(n), e = "
                                 "bin(n, 3) | join kind=fullouter (logs | "
                                 "summarize m = max(n), l = count() by s) on s | union (print s = "
                                 "\"q\", n = 1) | sort by n asc | "
                                 "summarize arg_max(n, s), make_list(s), percentile(n, 50) by e";

static int emit_once(void *arg)
{
    struct ml_buf sql = {0};
    struct ml_diag why;
    int rc = sql_of(everything, 2609, &sql, &why);
    ml_buf_free(&sql);
    return rc;
}

static void out_of_memory_is_an_answer(void **state)
{
    assert_true(fail_each(emit_once, NULL) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stays_between_quotes),
        cmocka_unit_test(a_zero_byte_is_escaped),
        cmocka_unit_test(what_is_not_mapped_is_named_with_its_place),
        cmocka_unit_test(a_failure_of_the_engine_is_the_query_s),
        cmocka_unit_test(out_of_memory_is_an_answer),
    };
    return cmocka_run_group_tests_name("kql/clickhouse", tests, make_table, drop_table);
}
