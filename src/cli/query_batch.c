/* cli/query_batch.c -- `memline query --batch`; see query_run.h.
 *
 * One bad line or query never ends the batch: its answer is an error. SPDX-License-Identifier: MIT */
#include "cli/query_run.h"

#include "base/buf.h"
#include "kql/text.h"

#include <stdlib.h>

static void add_error(const struct ml_diag *d, struct ml_buf *out)
{
    ml_buf_cstr(out, "\"error\":{\"code\":");
    ml_buf_json(out, ml_str_of(d->code));
    ml_buf_cstr(out, ",\"message\":");
    ml_buf_json(out, ml_str_of(d->text));
    ml_buf_printf(out, ",\"line\":%u,\"column\":%u,\"length\":%u", d->line, d->column, d->len);
    if (d->hint[0] != '\0') {
        ml_buf_cstr(out, ",\"hint\":");
        ml_buf_json(out, ml_str_of(d->hint));
    }
    ml_buf_char(out, '}');
}

static void run(const struct ml_query_run *r, struct ml_str text, struct ml_buf *out)
{
    struct ml_query *q = NULL;
    struct ml_buf result = {0};
    int rc = ml_query_open(text, &r->options, &q);
    if (rc == ML_OK)
        rc = ml_query_json(q, &result);
    if (rc == ML_OK) {
        ml_buf_cstr(out, "\"result\":");
        ml_buf_str(out, ml_buf_view(&result));
    } else {
        struct ml_diag d = {.code = "ML201", .text = "out of memory"};
        if (q != NULL && ml_diag_is_set(ml_query_diag(q)))
            d = *ml_query_diag(q);
        add_error(&d, out);
    }
    ml_buf_free(&result);
    ml_query_close(q);
}

static void answer(const struct ml_query_run *r, struct ml_str line, struct ml_buf *out)
{
    struct ml_arena a = {0};
    struct ml_val v = {0};
    bool ok = ml_json_parse(&a, line, &v);
    const struct ml_val *id = ok ? ml_val_member(&v, ML_STR("id")) : NULL;
    const struct ml_val *text = ok ? ml_val_member(&v, ML_STR("query")) : NULL;
    ml_buf_cstr(out, "{\"id\":");
    if (id != NULL)
        ml_val_json(id, out);
    else
        ml_buf_cstr(out, "null");
    ml_buf_char(out, ',');
    if (text != NULL && text->type == ML_T_STRING) {
        run(r, text->s, out);
    } else {
        struct ml_diag d = {
            .code = "ML104", .text = "a line must be {\"id\", \"query\"}", .line = 1, .column = 1};
        add_error(&d, out);
    }
    ml_buf_cstr(out, "}\n");
    ml_arena_clear(&a);
}

int ml_query_batch(const struct ml_query_run *r, FILE *in, FILE *out)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    struct ml_buf b = {0};
    while ((n = getline(&line, &cap, in)) >= 0) {
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            n--;
        if (n == 0)
            continue;
        ml_buf_clear(&b);
        answer(r, (struct ml_str){line, (size_t)n}, &b);
        if (b.status != ML_OK)
            break;
        fwrite(b.p, 1, b.n, out);
        fflush(out);
    }
    free(line);
    int rc = b.status != ML_OK ? b.status : ferror(out) ? ML_EIO : ML_OK;
    ml_buf_free(&b);
    return rc;
}
