/* report/html.c -- the page: one file, with its data in it.
 *
 * The page itself (web/, bundled by the build) is not of this library: the caller hands it over, so that
 * the extension stays small. It has one mark, "{{report}}", in a script element of type
 * application/json; there goes the JSON report with accounts and source texts.
 *
 * Safe: whatever names and sources hold, the JSON has no "<" (written as \u003c, which can only stand in
 * its strings), so nothing in it ends the element or begins another.
 * SPDX-License-Identifier: MIT */
#include "report/formats.h"
#include "report/json.h"

enum { TEXTS_MOST = 8 << 20 }; /* bytes of sources; a page with more is slow to open */

static const struct ml_str mark = {"{{report}}", 10};

/* The mark's place; -1 if the page has none. */
static ptrdiff_t find_mark(struct ml_str page)
{
    const char *at = page.n > 0 ? memmem(page.p, page.n, mark.p, mark.n) : NULL;
    return at != NULL ? at - page.p : -1;
}

static void write_safe(struct ml_str json, struct ml_buf *out)
{
    while (json.n > 0) {
        const char *at = memchr(json.p, '<', json.n);
        size_t n = at != NULL ? (size_t)(at - json.p) : json.n;
        ml_buf_add(out, json.p, n);
        if (at != NULL)
            ml_buf_cstr(out, "\\u003c");
        n += at != NULL;
        json = (struct ml_str){json.p + n, json.n - n};
    }
}

static int no_page(struct ml_error *e)
{
    ml_fail(e, ML_EINVALID, "cannot make the page: this memline has none in it");
    ml_hint(e, "memline report --html FILE BOOK, with a program built where esbuild is installed");
    return ML_EINVALID;
}

/* Everything in the order of the source; the page sorts. */
static int write_data(const struct ml_snapshot *s, struct ml_buf *json, struct ml_error *e)
{
    static const struct ml_report_options all = {0};
    struct ml_view v;
    int rc = ml_view_init(&v, s, &all, e);
    if (rc != ML_OK)
        return rc;
    struct ml_json j = {.snapshot = s,
                        .view = &v,
                        .out = json,
                        .accounts = true,
                        .page = true,
                        .texts_max = TEXTS_MOST};
    rc = ml_sources_new(s, &j.sources);
    if (rc == ML_OK)
        ml__json_write(&j);
    ml_sources_free(j.sources);
    ml_view_release(&v);
    return rc == ML_OK ? json->status : rc;
}

int ml__report_html(const struct ml_snapshot *s, const struct ml_report_options *o,
                    struct ml_buf *out, struct ml_error *e)
{
    struct ml_buf json = {0};
    ptrdiff_t at = find_mark(o->page);
    if (at < 0)
        return no_page(e);
    int rc = write_data(s, &json, e);
    if (rc == ML_OK) {
        struct ml_str page = o->page;
        size_t behind = (size_t)at + mark.n;
        ml_buf_add(out, page.p, (size_t)at);
        write_safe(ml_buf_view(&json), out);
        ml_buf_add(out, page.p + behind, page.n - behind);
    } else {
        ml_fail(e, rc, "cannot make the report: %s", ml_status_text(rc));
    }
    ml_buf_free(&json);
    return rc;
}
