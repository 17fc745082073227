/* host/xml.c -- see xml.h. SPDX-License-Identifier: MIT */
#include "host/xml.h"

#include "base/err.h"
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

void ml_xml_init(struct ml_xml *x, struct ml_str in)
{
    *x = (struct ml_xml){.in = in, .text = {.max = ML_XML_TEXT_MAX}};
    if (ml_str_starts(in, ML_STR("\xef\xbb\xbf"))) /* Azurite and Azure send a BOM here and there */
        x->at = 3;
}

void ml_xml_release(struct ml_xml *x)
{
    ml_buf_free(&x->text);
}

static struct ml_str rest(const struct ml_xml *x)
{
    return (struct ml_str){x->in.p + x->at, x->in.n - x->at};
}

/* Past the next `mark`; false: there is none. */
static bool skip_past(struct ml_xml *x, struct ml_str mark)
{
    struct ml_str r = rest(x);
    const char *p = r.n >= mark.n ? memmem(r.p, r.n, mark.p, mark.n) : NULL;
    if (p == NULL)
        return false;
    x->at = (size_t)(p - x->in.p) + mark.n;
    return true;
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == ':' || c == '.' || (unsigned char)c >= 0x80;
}

static struct ml_str take_name(struct ml_xml *x)
{
    struct ml_str s = rest(x);
    size_t n = 0;
    while (n < s.n && is_name(s.p[n]))
        n++;
    x->at += n;
    return (struct ml_str){s.p, n};
}

/* After a tag's name: attributes up to '>' or "/>". */
static bool skip_attributes(struct ml_xml *x, bool *closed)
{
    while (x->at < x->in.n) {
        char c = x->in.p[x->at++];
        if (c == '>') {
            *closed = x->in.p[x->at - 2] == '/';
            return true;
        }
        if (c == '<')
            return false;
        if (c == '"' || c == '\'') {
            const char *end = memchr(x->in.p + x->at, c, x->in.n - x->at);
            if (end == NULL)
                return false;
            x->at = (size_t)(end - x->in.p) + 1;
        }
    }
    return false;
}

static enum ml_xml_token fail(struct ml_xml *x)
{
    x->bad = true;
    return ML_XML_BAD;
}

static enum ml_xml_token close_tag(struct ml_xml *x)
{
    x->name = x->open[--x->depth];
    return ML_XML_CLOSE;
}

/* At '<' of a tag. */
static enum ml_xml_token take_tag(struct ml_xml *x)
{
    bool closed = false;
    x->at++;
    if (x->at < x->in.n && x->in.p[x->at] == '/') {
        x->at++;
        struct ml_str name = take_name(x);
        while (x->at < x->in.n && strchr(" \t\r\n", x->in.p[x->at]) != NULL && x->in.p[x->at] != 0)
            x->at++;
        if (x->depth == 0 || !ml_str_eq(name, x->open[x->depth - 1]) || x->at >= x->in.n ||
            x->in.p[x->at] != '>')
            return fail(x);
        x->at++;
        return close_tag(x);
    }
    struct ml_str name = take_name(x);
    if (name.n == 0 || x->depth == ML_XML_DEPTH || !skip_attributes(x, &closed))
        return fail(x);
    x->open[x->depth++] = name;
    x->name = name;
    x->close_next = closed;
    return ML_XML_OPEN;
}

static bool add_code_point(struct ml_buf *b, unsigned long c)
{
    char bytes[4];
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return false;
    ml_buf_add(b, bytes, ml_utf8_put((uint32_t)c, bytes));
    return true;
}

/* s: what stands between '&' and ';'. */
static bool add_entity(struct ml_buf *b, struct ml_str s)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (ml_str_eq(s, ml_str_of(known[i].name))) {
            ml_buf_char(b, known[i].c);
            return true;
        }
    if (s.n < 2 || s.p[0] != '#')
        return false;
    bool hex = s.p[1] == 'x';
    unsigned long c = 0;
    size_t i = hex ? 2 : 1;
    if (i == s.n)
        return false;
    for (; i < s.n; i++) {
        char d = s.p[i];
        unsigned v = d >= '0' && d <= '9'          ? (unsigned)(d - '0')
                     : hex && d >= 'a' && d <= 'f' ? (unsigned)(d - 'a') + 10
                     : hex && d >= 'A' && d <= 'F' ? (unsigned)(d - 'A') + 10
                                                   : 99;
        if (v == 99 || c > 0x10ffff)
            return false;
        c = c * (hex ? 16 : 10) + v;
    }
    return add_code_point(b, c);
}

static bool take_text(struct ml_xml *x)
{
    struct ml_str s = rest(x);
    const char *end = memchr(s.p, '<', s.n);
    s.n = end != NULL ? (size_t)(end - s.p) : s.n;
    x->at += s.n;
    for (size_t i = 0; i < s.n;) {
        const char *amp = memchr(s.p + i, '&', s.n - i);
        size_t plain = amp != NULL ? (size_t)(amp - s.p) : s.n;
        ml_buf_add(&x->text, s.p + i, plain - i);
        i = plain;
        if (amp == NULL)
            break;
        const char *semi = memchr(amp, ';', s.n - i < 12 ? s.n - i : 12);
        if (semi == NULL ||
            !add_entity(&x->text, (struct ml_str){amp + 1, (size_t)(semi - amp) - 1}))
            return false;
        i = (size_t)(semi - s.p) + 1;
    }
    return x->text.status == ML_OK;
}

static bool blank(const struct ml_buf *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->p[i] != ' ' && b->p[i] != '\n' && b->p[i] != '\r' && b->p[i] != '\t')
            return false;
    return true;
}

/* Comments, instructions and CDATA. 1: one was taken; 0: something else stands here; -1: broken. */
static int take_special(struct ml_xml *x)
{
    struct ml_str r = rest(x);
    if (ml_str_starts(r, ML_STR("<!--")))
        return skip_past(x, ML_STR("-->")) ? 1 : -1;
    if (ml_str_starts(r, ML_STR("<?")))
        return skip_past(x, ML_STR("?>")) ? 1 : -1;
    if (ml_str_starts(r, ML_STR("<![CDATA["))) {
        size_t from = x->at + 9;
        x->at = from;
        if (!skip_past(x, ML_STR("]]>")))
            return -1;
        ml_buf_add(&x->text, x->in.p + from, x->at - 3 - from);
        return x->text.status == ML_OK ? 1 : -1;
    }
    return ml_str_starts(r, ML_STR("<!")) ? -1 : 0;
}

/* At '<': is the text before it one to tell of? Blanks only where they are all that a tag holds. */
static bool tells_text(const struct ml_xml *x, bool after_open)
{
    return x->text.n != 0 &&
           (!blank(&x->text) || (after_open && ml_str_starts(rest(x), ML_STR("</"))));
}

enum ml_xml_token ml_xml_next(struct ml_xml *x)
{
    bool after_open = x->after_open;
    x->after_open = false;
    if (x->bad)
        return ML_XML_BAD;
    if (x->close_next) {
        x->close_next = false;
        return close_tag(x);
    }
    ml_buf_clear(&x->text);
    while (x->at < x->in.n) {
        if (x->in.p[x->at] != '<') {
            if (!take_text(x))
                return fail(x);
            continue;
        }
        int special = take_special(x);
        if (special < 0)
            return fail(x);
        if (special > 0)
            continue;
        if (tells_text(x, after_open))
            return x->depth != 0 ? ML_XML_TEXT : fail(x);
        enum ml_xml_token t = take_tag(x);
        x->after_open = t == ML_XML_OPEN;
        return t;
    }
    return x->depth == 0 && blank(&x->text) ? ML_XML_END : fail(x);
}
