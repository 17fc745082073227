/* cli/query_prompt.c -- `memline query` on a terminal: history and completion through libedit; see query_run.h.
 *
 * A query may take several lines: it ends with an empty line or a semicolon at the end of a line. Completed are tables,
 * their columns, operators and functions. SPDX-License-Identifier: MIT */
#include "cli/query_run.h"

#include "base/buf.h"
#include "base/mem.h"
#include "kql/agg.h"
#include "kql/func.h"

#include <editline/readline.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>

enum { HISTORY_MAX = 1000 };

static const struct ml_catalog *tables; /* the prompt's, for completion: libedit has no context */

static const char *const operators[] = {"where",
                                        "project",
                                        "extend",
                                        "summarize",
                                        "sort by",
                                        "order by",
                                        "take",
                                        "limit",
                                        "top",
                                        "count",
                                        "distinct",
                                        "join",
                                        "lookup",
                                        "union",
                                        "parse",
                                        "parse-where",
                                        "parse-kv",
                                        "mv-expand",
                                        "mv-apply",
                                        "project-away",
                                        "project-keep",
                                        "project-rename",
                                        "project-reorder",
                                        "serialize",
                                        "search",
                                        "render",
                                        "getschema",
                                        "make-series",
                                        "evaluate",
                                        "scan",
                                        "partition by",
                                        "top-nested",
                                        "top-hitters",
                                        "sample",
                                        "sample-distinct",
                                        "find",
                                        "invoke",
                                        "as",
                                        "let",
                                        "print",
                                        "range",
                                        "datatable",
                                        NULL};

/* The i-th name that can be completed; false after the last. */
static bool name_at(size_t i, struct ml_str *out)
{
    for (size_t k = 0; operators[k] != NULL; k++, i--)
        if (i == 0)
            return *out = ml_str_of(operators[k]), true;
    const struct ml_source *s;
    for (size_t k = 0; tables != NULL && (s = tables->at(tables, k)) != NULL; k++) {
        if (i-- == 0)
            return *out = s->name, true;
        if (i < s->ncolumns)
            return *out = s->columns[i].name, true;
        i -= s->ncolumns;
    }
    const struct ml_func *f;
    for (size_t k = 0; (f = ml_func_at(k)) != NULL; k++)
        if (f->name[0] != '_' && i-- == 0)
            return *out = ml_str_of(f->name), true;
    const struct ml_agg *agg;
    for (size_t k = 0; (agg = ml_agg_at(k)) != NULL; k++)
        if (i-- == 0)
            return *out = ml_str_of(agg->name), true;
    return false;
}

static char *complete_one(const char *text, int state)
{
    static size_t next;
    struct ml_str name;
    struct ml_str start = ml_str_of(text);
    if (state == 0)
        next = 0;
    while (name_at(next, &name)) {
        next++;
        if (ml_str_starts(name, start)) {
            char *copy = malloc(name.n + 1); /* libedit frees it */
            if (copy == NULL)
                return NULL;
            memcpy(copy, name.p, name.n);
            copy[name.n] = '\0';
            return copy;
        }
    }
    return NULL;
}

static char **complete(const char *text, int start, int end)
{
    (void)start;
    (void)end;
    return rl_completion_matches(text, complete_one);
}

static bool history_path(char *out, size_t n)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (state != NULL && state[0] == '/')
        return snprintf(out, n, "%s/memline_query_history", state) < (int)n;
    return home != NULL && snprintf(out, n, "%s/.memline_query_history", home) < (int)n;
}

/* The prompt's own, for the handler of Ctrl-C. */
static struct {
    struct ml_buf query; /* the lines typed so far */
    sigjmp_buf again;
    volatile sig_atomic_t reading;
    atomic_bool cancel;
} prompt;

/* While a line is typed it is given up, as a shell does; while a query runs, that is. */
static void interrupted(int sig)
{
    (void)sig;
    if (prompt.reading) {
        prompt.reading = 0;
        siglongjmp(prompt.again, 1);
    }
    atomic_store(&prompt.cancel, true);
}

/* True when the query is complete. */
static bool add_line(struct ml_buf *query, const char *line)
{
    size_t n = strlen(line);
    if (n == 0)
        return query->n > 0;
    if (query->n > 0)
        ml_buf_char(query, '\n');
    ml_buf_cstr(query, line);
    return line[n - 1] == ';';
}

static void run(const struct ml_query_run *r, struct ml_buf *query)
{
    struct ml_query_run one = *r;
    struct ml_buf out = {0};
    struct ml_buf wrong = {0};
    atomic_store(&prompt.cancel, false);
    one.options.cancel = &prompt.cancel;
    add_history(query->p);
    ml_query_print(&one, ml_buf_view(query), &out, &wrong);
    if (wrong.n > 0)
        fwrite(wrong.p, 1, wrong.n, stderr);
    else
        fwrite(out.p != NULL ? out.p : "", 1, out.n, stdout);
    fflush(stdout);
    ml_buf_free(&out);
    ml_buf_free(&wrong);
    ml_buf_clear(query);
}

static char *read_line(void)
{
    if (sigsetjmp(prompt.again, 1) != 0) {
        ml_buf_clear(&prompt.query);
        putchar('\n');
    }
    prompt.reading = 1;
    char *line = readline(prompt.query.n == 0 ? "kql> " : "...> ");
    prompt.reading = 0;
    return line;
}

int ml_query_prompt(const struct ml_query_run *r)
{
    char path[PATH_MAX];
    bool keep = history_path(path, sizeof path);
    struct sigaction before;
    struct sigaction action = {.sa_handler = interrupted};
    char *line;
    tables = r->options.catalog;
    rl_readline_name = "memline";
    rl_attempted_completion_function = complete;
    rl_completion_append_character = '\0';
    rl_catch_signals = 0;
    using_history();
    stifle_history(HISTORY_MAX);
    if (keep)
        read_history(path);
    sigaction(SIGINT, &action, &before);
    puts("KQL; an empty line runs the query, Ctrl-C gives it up, Ctrl-D leaves");
    while ((line = read_line()) != NULL) {
        bool ends = add_line(&prompt.query, line);
        free(line);
        if (!ends)
            continue;
        run(r, &prompt.query);
        if (keep)
            write_history(path);
    }
    putchar('\n');
    sigaction(SIGINT, &before, NULL);
    ml_buf_free(&prompt.query);
    return ML_OK;
}
