/* fuzz/fuzz_kql.c -- query text through lexer, parser, binder, optimizer and executor, with bounds on time and memory;
 * with the optimizer and without it a query must end the same way. SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include "base/err.h"
#include "kql/engine.h"
#include "kql/filetable.h"
#include "kql/kql.h"

#include <stdlib.h>

static const char rows[] =
    "{\"timestamp\":\"2026-01-01T00:00:00Z\",\"message\":\"memory_profiler_logs: 1  2  3  4  x\","
    "\"n\":1,\"r\":1.5,\"d\":{\"a\":[1,null,{\"b\":\"c\"}]}}\n"
    "{\"timestamp\":\"2026-01-02T00:00:00Z\",\"message\":\"caf\xC3\xA9 "
    "timeout\",\"n\":-9223372036854775807}\n"
    "{\"message\":\"\",\"r\":-0.0,\"d\":[]}\n";

static struct ml_filetable *traces;

static const struct ml_source *find(const struct ml_catalog *c, struct ml_str name)
{
    return ml_str_eq(name, ML_STR("traces")) ? ml_filetable_source(traces) : NULL;
}

static const struct ml_source *at(const struct ml_catalog *c, size_t i)
{
    return i == 0 ? ml_filetable_source(traces) : NULL;
}

/* Rows of the first table, or -1 for an error; -2 for a limit, which may strike anywhere. */
static long run(struct ml_str text, bool plain)
{
    struct ml_catalog c = {.find = find, .at = at};
    struct ml_query_options o = {.catalog = &c,
                                 .now_ticks = 639028224000000000,
                                 .timeout_ns = 300000000,
                                 .max_bytes = (size_t)64 << 20,
                                 .no_optimizer = plain};
    struct ml_query *q = NULL;
    long n = 0;
    int rc = ml_query_open(text, &o, &q);
    for (uint32_t t = 0; rc == ML_OK && t < ml_query_tables(q); t++) {
        struct ml_batch b;
        while ((rc = ml_query_next(q, t, &b)) == ML_OK && b.n > 0)
            n += t == 0 ? (long)b.n : 0;
    }
    if (rc != ML_OK) {
        struct ml_buf shown = {0};
        const struct ml_diag *d = ml_query_diag(q);
        if (!ml_diag_is_set(d))
            abort(); /* a failure says why */
        ml_diag_print(d, text, &shown);
        ml_buf_free(&shown);
        n = strncmp(d->code, "ML20", 4) == 0 ? -2 : -1;
    }
    ml_query_close(q);
    return n;
}

/* Is nothing of the query's text outside of quotes? Signs that only text of ours has, in balance. */
static bool is_sound(struct ml_str sql)
{
    long depth = 0;
    for (size_t i = 0; i < sql.n; i++) {
        char c = sql.p[i];
        if (c == '\'' || c == '`') {
            for (i++; i < sql.n && sql.p[i] != c; i++)
                i += sql.p[i] == '\\';
            if (i >= sql.n)
                return false;
        } else if (memchr(";\\\"#$&?@^{|}~:\t", c, 16) != NULL || (unsigned char)c >= 0x7F) {
            return false;
        }
        depth += (c == '(' || c == '[') - (c == ')' || c == ']');
        if (depth < 0)
            return false;
    }
    return depth == 0;
}

/* As SQL for an old and a new server: refused, or sound. */
static void emit(struct ml_str text, unsigned version)
{
    struct ml_catalog c = {.find = find, .at = at};
    struct ml_engine engine = {.target = {ML_STR("memline"), version}};
    struct ml_query_options o = {
        .catalog = &c, .now_ticks = 639028224000000000, .timeout_ns = 300000000, .engine = &engine};
    struct ml_query *q = NULL;
    struct ml_buf sql = {0};
    if (ml_query_open(text, &o, &q) == ML_OK && ml_query_tables(q) == 1) {
        ml_query_explain(q, &sql);
        if (!is_sound(ml_buf_view(&sql)))
            abort();
    }
    ml_buf_free(&sql);
    ml_query_close(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ml_error e;
    struct ml_str text = {(const char *)data, size};
    if (size > 4096)
        return 0;
    if (traces == NULL &&
        ml_filetable_parse(ML_STR("traces"), (struct ml_str){rows, sizeof rows - 1}, false, &traces,
                           &e) != ML_OK)
        abort();
    emit(text, 1816);
    emit(text, 2609);
    long with = run(text, false);
    long without = run(text, true);
    bool volatile_text = memmem(text.p, text.n, "rand", 4) != NULL ||
                         memmem(text.p, text.n, "sample", 6) != NULL;
    if (with != without && with >= 0 && without >= 0 && !volatile_text)
        abort(); /* the optimizer changed the answer */
    return 0;
}
