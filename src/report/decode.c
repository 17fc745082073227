/* report/decode.c -- see decode.h. SPDX-License-Identifier: MIT */
#include "report/decode.h"

#include "base/err.h"
#include "base/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <stdbool.h>

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

/* --- which encoding ---------------------------------------------------------------------------- */

static struct ml_str first_line(struct ml_str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] != '\n' && s.p[n] != '\r')
        n++;
    return (struct ml_str){s.p, n};
}

static struct ml_str behind_line(struct ml_str s, size_t n)
{
    if (n < s.n && s.p[n] == '\r')
        n++;
    if (n < s.n && s.p[n] == '\n')
        n++;
    return (struct ml_str){s.p + n, s.n - n};
}

/* The place behind leading blanks; s.n if there is nothing else. */
static size_t behind_blanks(struct ml_str s)
{
    size_t i = 0;
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\f'))
        i++;
    return i;
}

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

/* The NAME of "# ... coding: NAME" or "coding=NAME", lower case, '_' as '-'; "" if there is none. */
static void cookie_in(struct ml_str line, char *name, size_t name_bytes)
{
    static const struct ml_str word = {"coding", 6};
    name[0] = '\0';
    size_t i = behind_blanks(line);
    if (i == line.n || line.p[i] != '#')
        return;
    for (; i + word.n + 1 < line.n; i++) {
        struct ml_str rest = {line.p + i, line.n - i};
        size_t at = word.n + 1;
        if (!ml_str_starts(rest, word) || (rest.p[word.n] != ':' && rest.p[word.n] != '='))
            continue;
        while (at < rest.n && (rest.p[at] == ' ' || rest.p[at] == '\t'))
            at++;
        size_t n = 0;
        for (; at < rest.n && is_name_char(rest.p[at]) && n + 1 < name_bytes; at++)
            name[n++] = rest.p[at] == '_' ? '-' : (char)tolower((unsigned char)rest.p[at]);
        name[n] = '\0';
        if (n > 0)
            return;
    }
}

/* As the interpreter looks for it: in the first line, or in the second behind a comment or blanks. */
static void find_cookie(struct ml_str bytes, char *name, size_t name_bytes)
{
    struct ml_str line = first_line(bytes);
    cookie_in(line, name, name_bytes);
    size_t i = behind_blanks(line);
    if (name[0] == '\0' && (i == line.n || line.p[i] == '#'))
        cookie_in(first_line(behind_line(bytes, line.n)), name, name_bytes);
}

/* --- decoding ---------------------------------------------------------------------------------- */

void ml_decode_utf8(struct ml_str s, struct ml_buf *out)
{
    size_t start = 0; /* bytes before it are written */
    uint32_t point;
    for (size_t i = 0; i < s.n;) {
        size_t n = ml_utf8_next((struct ml_str){s.p + i, s.n - i}, &point);
        if (n != 0) {
            i += n;
            continue;
        }
        ml_buf_add(out, s.p + start, i - start);
        ml_buf_cstr(out, replacement);
        start = ++i;
    }
    ml_buf_add(out, s.p + start, s.n - start);
}

static void decode_latin1(struct ml_str s, struct ml_buf *out)
{
    char bytes[4];
    for (size_t i = 0; i < s.n; i++)
        ml_buf_add(out, bytes, ml_utf8_put((unsigned char)s.p[i], bytes));
}

static void decode_by_iconv(iconv_t cd, struct ml_str s, struct ml_buf *out)
{
    char *in = (char *)s.p; /* iconv does not write there */
    size_t left = s.n;
    while (left > 0 && out->status == ML_OK) {
        enum { ROOM = 4096 };
        char *at = ml_buf_reserve(out, ROOM);
        size_t room = ROOM;
        if (at == NULL)
            return;
        size_t rc = iconv(cd, &in, &left, &at, &room);
        out->n += ROOM - room;
        if (rc == (size_t)-1 && errno != E2BIG && left > 0) {
            ml_buf_cstr(out, replacement);
            in++;
            left--;
            iconv(cd, NULL, NULL, NULL, NULL);
        }
    }
    ml_buf_add(out, "", 0); /* the terminating zero */
}

static bool starts_with(const char *name, const char *start)
{
    return ml_str_starts(ml_str_of(name), ml_str_of(start));
}

void ml_decode_source(struct ml_str s, struct ml_buf *out)
{
    static const struct ml_str mark = {"\xEF\xBB\xBF", 3};
    char name[64];
    if (ml_str_starts(s, mark)) {
        ml_decode_utf8((struct ml_str){s.p + mark.n, s.n - mark.n}, out);
        return;
    }
    find_cookie(s, name, sizeof name);
    if (strcmp(name, "latin-1") == 0 || starts_with(name, "latin-1-") ||
        strcmp(name, "latin1") == 0 || strcmp(name, "iso-8859-1") == 0 ||
        strcmp(name, "iso-latin-1") == 0) {
        decode_latin1(s, out);
        return;
    }
    bool utf8 = name[0] == '\0' || starts_with(name, "utf-8") || strcmp(name, "utf8") == 0;
    iconv_t cd = utf8 ? (iconv_t)-1 : iconv_open("UTF-8", name);
    if (cd == (iconv_t)-1) {
        ml_decode_utf8(s, out);
        return;
    }
    decode_by_iconv(cd, s, out);
    iconv_close(cd);
}

/* --- printing ------------------------------------------------------------------------------------ */

/* Characters that move the cursor, or turn the writing direction so that text reads otherwise than
 * it runs. */
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F || c == 0x2028 || c == 0x2029;
}

/* Writes the text, or as much of it as fits; *fits tells which. */
static size_t print_up_to(struct ml_str s, size_t max, struct ml_buf *out, bool *fits)
{
    size_t column = 0;
    for (size_t i = 0; i < s.n;) {
        uint32_t c = 0;
        size_t n = ml_utf8_next((struct ml_str){s.p + i, s.n - i}, &c);
        bool shown = n != 0 && !is_control(c);
        bool tab = n == 1 && c == '\t';
        size_t width = tab ? 8 - column % 8 : shown ? (size_t)ml_utf8_width(c) : 1;
        if (column + width > max) {
            *fits = false;
            return column;
        }
        if (tab)
            ml_buf_fill(out, ' ', width);
        else if (shown)
            ml_buf_add(out, s.p + i, n);
        else
            ml_buf_cstr(out, replacement);
        column += width;
        i += n != 0 ? n : 1;
    }
    *fits = true;
    return column;
}

size_t ml_decode_print(struct ml_str s, size_t max_columns, struct ml_buf *out)
{
    size_t max = max_columns != 0 ? max_columns : SIZE_MAX - 8;
    size_t start = out->n;
    bool fits;
    size_t columns = print_up_to(s, max, out, &fits);
    if (fits || out->status != ML_OK)
        return columns;
    out->n = start;
    columns = print_up_to(s, max - 1, out, &fits);
    ml_buf_cstr(out, "\xE2\x80\xA6"); /* an ellipsis, one column */
    return columns + 1;
}
