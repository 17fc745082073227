/* host/blob_pattern.c -- patterns of blob paths; see binding_text.h.
 *
 *   L0 N1 L1 N2 L2 ... Nk Lk     literals and names in turn; L0 is the prefix
 *
 * "As many as can be, the first name first" puts each literal at its last place before the next one: so the
 * match runs from the end, in one pass. SPDX-License-Identifier: MIT */
#include "host/binding_text.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAMES_MAX = 16 };

struct ml_blob_pattern {
    char container[64];
    size_t n; /* names */
    char *names[NAMES_MAX];
    struct ml_buf literals[NAMES_MAX + 1];
};

void ml_blob_pattern_free(struct ml_blob_pattern *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->n; i++)
        ml_free(p->names[i]);
    for (size_t i = 0; i <= NAMES_MAX; i++)
        ml_buf_free(&p->literals[i]);
    ml_free(p);
}

static int add_name(struct ml_blob_pattern *p, const char *text, size_t n, struct ml_error *e)
{
    if (n == 0 || p->n == NAMES_MAX)
        return ml_fail(e, ML_EINVALID, "the pattern has %s",
                       n == 0 ? "an empty name" : "too many names");
    char *name = ml_strndup(text, n);
    if (name == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    for (size_t i = 0; i < p->n; i++)
        if (strcasecmp(p->names[i], name) == 0) {
            ml_free(name);
            return ml_fail(e, ML_EINVALID, "the pattern has '{%.*s}' twice", (int)n, text);
        }
    p->names[p->n++] = name;
    return ML_OK;
}

static int parse(struct ml_blob_pattern *p, const char *text, struct ml_error *e)
{
    while (*text != '\0') {
        struct ml_buf *literal = &p->literals[p->n];
        size_t plain = strcspn(text, "{}");
        ml_buf_add(literal, text, plain);
        text += plain;
        if (*text == '\0')
            break;
        if (text[0] == text[1]) {
            ml_buf_char(literal, *text);
            text += 2;
            continue;
        }
        const char *end = *text == '{' ? strchr(text, '}') : NULL;
        if (end == NULL)
            return ml_fail(e, ML_EINVALID, "its braces do not match");
        int rc = add_name(p, text + 1, (size_t)(end - text) - 1, e);
        if (rc != ML_OK)
            return rc;
        text = end + 1;
    }
    for (size_t i = 0; i <= p->n; i++)
        if (p->literals[i].status != ML_OK)
            return ml_fail(e, ML_ENOMEM, "out of memory");
    return ML_OK;
}

int ml_blob_pattern_new(const char *text, struct ml_blob_pattern **out, struct ml_error *e)
{
    text += strspn(text, "/");
    const char *slash = strchr(text, '/');
    size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
    struct ml_error why = {0};
    if (n < 3 || n > 63 || memchr(text, '{', n) != NULL)
        return ml_fail(e, ML_EINVALID,
                       "Invalid blob trigger path '%.200s'. Paths must be in the format "
                       "container/blob.",
                       text);
    struct ml_blob_pattern *p = ml_calloc(1, sizeof *p);
    if (p == NULL)
        return ml_fail(e, ML_ENOMEM, "out of memory");
    (void)snprintf(p->container, sizeof p->container, "%.*s", (int)n, text);
    /* a container alone stands for all of its blobs */
    int rc = parse(p, slash != NULL && slash[1] != '\0' ? slash + 1 : "{name}", &why);
    if (rc != ML_OK) {
        ml_blob_pattern_free(p);
        return ml_fail(e, rc, "Invalid blob trigger path '%.200s': %s.", text, why.text);
    }
    *out = p;
    return ML_OK;
}

const char *ml_blob_pattern_container(const struct ml_blob_pattern *p)
{
    return p->container;
}

struct ml_str ml_blob_pattern_prefix(const struct ml_blob_pattern *p)
{
    return ml_buf_view(&p->literals[0]);
}

/* The last place of `what` that ends at or before `end` and starts at or after `from`; -1: none. */
static long last_place(struct ml_str s, size_t from, size_t end, struct ml_str what)
{
    if (what.n > end)
        return -1;
    for (size_t i = end - what.n + 1; i-- > from;)
        if (what.n == 0 || memcmp(s.p + i, what.p, what.n) == 0)
            return (long)i;
    return -1;
}

bool ml_blob_pattern_match(const struct ml_blob_pattern *p, struct ml_str blob,
                           void (*each)(void *user, const char *name, struct ml_str value),
                           void *user)
{
    struct ml_str values[NAMES_MAX], prefix = ml_blob_pattern_prefix(p);
    if (!ml_str_starts(blob, prefix))
        return false;
    if (p->n == 0)
        return blob.n == prefix.n;
    size_t end = blob.n;
    for (size_t i = p->n; i > 0; i--) {
        struct ml_str literal = ml_buf_view(&p->literals[i]);
        long at = last_place(blob, prefix.n, end, literal);
        if (at < 0 || (i == p->n && (size_t)at + literal.n != blob.n))
            return false;
        values[i - 1] = (struct ml_str){NULL, (size_t)at}; /* its end; its start is not known yet */
        end = (size_t)at;
    }
    size_t from = prefix.n;
    for (size_t i = 0; i < p->n; i++) {
        size_t to = values[i].n;
        values[i] = (struct ml_str){blob.p + from, to - from};
        from = to + p->literals[i + 1].n;
        if (each != NULL)
            each(user, p->names[i], values[i]);
    }
    return true;
}
