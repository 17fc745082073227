/* kql/fn_string.c -- strings, in code points where it matters; see func.def. SPDX-License-Identifier: MIT */
#include "kql/fn.h"
#include "kql/fold.h"
#include "kql/text.h"

#include "base/utf8.h"

#include "base/vec.h"

enum { TEXT_MAX = 64 * 1024 * 1024 };

static struct ml_str text_of(struct ml_fcx *f, unsigned i, const struct ml_val *a)
{
    return ml_val_text(f->arena, &a[i], f->types[i] == ML_T_DYNAMIC);
}

/* A part of a string that the batch's memory holds anyway. */
static struct ml_val part(struct ml_str s, size_t from, size_t to)
{
    return ml_val_str((struct ml_str){s.p != NULL ? s.p + from : NULL, to - from});
}

struct ml_val ml__fn_strcat(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_buf b = {.max = TEXT_MAX};
    for (unsigned i = 0; i < f->n; i++)
        ml_val_print(&a[i], f->types[i] == ML_T_DYNAMIC, &b);
    return ml__f_text(f, &b);
}

struct ml_val ml__fn_strcat_delim(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_buf b = {.max = TEXT_MAX};
    for (unsigned i = 1; i < f->n; i++) {
        if (i > 1)
            ml_buf_str(&b, a[0].s);
        ml_val_print(&a[i], f->types[i] == ML_T_DYNAMIC, &b);
    }
    return ml__f_text(f, &b);
}

struct ml_val ml__fn_strcat_array(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_buf b = {.max = TEXT_MAX};
    if (a[0].null || a[0].type != ML_T_ARRAY)
        return ml_val_str(ML_STR(""));
    for (uint32_t i = 0; i < a[0].n; i++) {
        if (i > 0)
            ml_buf_str(&b, a[1].s);
        ml_val_print(&a[0].items[i], true, &b);
    }
    return ml__f_text(f, &b);
}

struct ml_val ml__fn_strlen(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_long((int64_t)ml_points(a->s));
}

struct ml_val ml__fn_string_size(struct ml_fcx *f, const struct ml_val *a)
{
    return ml_val_long((int64_t)a->s.n);
}

struct ml_val ml__fn_substring(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_str s = a[0].s;
    int64_t n = (int64_t)ml_points(s);
    int64_t start = a[1].i;
    int64_t len = f->n > 2 ? a[2].i : n;
    if (start < 0)
        start += n;
    if (start < 0 || start >= n || len <= 0)
        return ml_val_str(ML_STR(""));
    if (len > n - start)
        len = n - start;
    size_t from = ml_point_offset(s, (size_t)start);
    struct ml_str rest = {s.p + from, s.n - from};
    return part(s, from, from + ml_point_offset(rest, (size_t)len));
}

struct ml_val ml__fn_split(struct ml_fcx *f, const struct ml_val *a)
{
    ML_VEC(struct ml_val) parts = {0};
    struct ml_str s = a[0].s;
    struct ml_str d = a[1].s;
    size_t at = 0;
    int rc = ML_OK;
    while (d.n > 0 && rc == ML_OK) {
        const char *hit = s.n > at ? memmem(s.p + at, s.n - at, d.p, d.n) : NULL;
        if (hit == NULL)
            break;
        rc = ml_vec_push(&parts, part(s, at, (size_t)(hit - s.p)));
        at = (size_t)(hit - s.p) + d.n;
    }
    if (rc == ML_OK)
        rc = ml_vec_push(&parts, part(s, at, s.n));
    struct ml_val out = ml_val_null(ML_T_NONE);
    struct ml_val *items = rc == ML_OK ? ml__f_alloc(f, parts.n, sizeof *items) : NULL;
    if (items != NULL) {
        memcpy(items, parts.at, parts.n * sizeof *items);
        int64_t k = f->n > 2 ? a[2].i : -1;
        if (f->n <= 2)
            out = ml_val_array(items, parts.n);
        else if (k >= 0 && k < (int64_t)parts.n)
            out = ml_val_array(items + k, 1);
    }
    ml_vec_free(&parts);
    return out;
}

static struct ml_val map_points(struct ml_fcx *f, struct ml_str s, uint32_t (*of)(uint32_t))
{
    char *p = ml__f_alloc(f, s.n + 1, 4);
    size_t n = 0;
    while (p != NULL && s.n > 0) {
        uint32_t c;
        size_t k = ml_utf8_next(s, &c);
        if (k == 0)
            p[n++] = s.p[0];
        else
            n += ml_utf8_put(of(c), p + n);
        k = k != 0 ? k : 1;
        s = (struct ml_str){s.p + k, s.n - k};
    }
    return ml_val_str((struct ml_str){p, n});
}

struct ml_val ml__fn_toupper(struct ml_fcx *f, const struct ml_val *a)
{
    return map_points(f, a->s, ml_upper_point);
}

struct ml_val ml__fn_tolower(struct ml_fcx *f, const struct ml_val *a)
{
    return map_points(f, a->s, ml_lower_point);
}

/* Byte offset of the occurrence-th hit that starts within [from, to); SIZE_MAX: there is none. */
static size_t find_nth(struct ml_str s, struct ml_str needle, size_t from, size_t to,
                       int64_t occurrence)
{
    for (;;) {
        const char *hit = to > from ? memmem(s.p + from, s.n - from, needle.p, needle.n) : NULL;
        if (hit == NULL || (size_t)(hit - s.p) >= to)
            return SIZE_MAX;
        if (--occurrence <= 0)
            return (size_t)(hit - s.p);
        from = (size_t)(hit - s.p) + 1;
    }
}

struct ml_val ml__fn_indexof(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_str s = text_of(f, 0, a);
    struct ml_str needle = text_of(f, 1, a);
    int64_t n = (int64_t)ml_points(s);
    int64_t start = f->n > 2 ? a[2].i : 0;
    int64_t length = f->n > 3 ? a[3].i : -1;
    int64_t occurrence = f->n > 4 ? a[4].i : 1;
    if (needle.n == 0 || length < -1 || occurrence < 1)
        return ml_val_null(ML_T_LONG);
    if (start < 0)
        start = start + n < 0 ? 0 : start + n;
    if (start > n)
        return ml_val_long(-1);
    int64_t end = length < 0 || length > n - start ? n : start + length;
    size_t at = find_nth(s, needle, ml_point_offset(s, (size_t)start),
                         ml_point_offset(s, (size_t)end), occurrence);
    return ml_val_long(at == SIZE_MAX ? -1 : (int64_t)ml_points((struct ml_str){s.p, at}));
}

struct ml_val ml__fn_replace_string(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_str s = a[0].s;
    struct ml_buf b = {.max = TEXT_MAX};
    size_t at = 0;
    if (a[1].s.n == 0)
        return a[0];
    for (;;) {
        const char *hit = s.n > at ? memmem(s.p + at, s.n - at, a[1].s.p, a[1].s.n) : NULL;
        if (hit == NULL)
            break;
        ml_buf_add(&b, s.p + at, (size_t)(hit - s.p) - at);
        ml_buf_str(&b, a[2].s);
        at = (size_t)(hit - s.p) + a[1].s.n;
    }
    if (at == 0)
        return a[0];
    ml_buf_add(&b, s.p + at, s.n - at);
    return ml__f_text(f, &b);
}

/* replace_strings(s, [a, b], [x, y]): a everywhere, then b where nothing was replaced yet. */
struct ml_val ml__fn_replace_strings(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_str s = a[0].s;
    struct ml_buf b = {.max = TEXT_MAX};
    if (a[1].type != ML_T_ARRAY || a[2].type != ML_T_ARRAY || a[2].n != a[1].n)
        return ml__f_error(f, "replace_strings needs two arrays of one length");
    /* by byte: 0 as it is; k + 1: the first byte of text k; UINT32_MAX: a further byte of one */
    uint32_t *mark = ml__f_alloc(f, s.n, sizeof *mark);
    size_t *length = ml__f_alloc(f, a[1].n, sizeof *length);
    if (mark == NULL || length == NULL)
        return ml_val_str(ML_STR(""));
    for (uint32_t k = 0; k < a[1].n; k++) {
        struct ml_str from = ml_val_text(f->arena, &a[1].items[k], true);
        length[k] = from.n;
        for (size_t at = 0; from.n > 0 && at + from.n <= s.n; at++) {
            bool here = memcmp(s.p + at, from.p, from.n) == 0;
            for (size_t i = 0; here && i < from.n; i++)
                here = mark[at + i] == 0;
            if (!here)
                continue;
            for (size_t i = 0; i < from.n; i++)
                mark[at + i] = UINT32_MAX;
            mark[at] = k + 1;
            at += from.n - 1;
        }
    }
    for (size_t at = 0; at < s.n; at += mark[at] != 0 ? length[mark[at] - 1] : 1) {
        if (mark[at] != 0)
            ml_buf_str(&b, ml_val_text(f->arena, &a[2].items[mark[at] - 1], true));
        else
            ml_buf_char(&b, s.p[at]);
    }
    return ml__f_text(f, &b);
}

struct ml_val ml__fn_reverse(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_str s = text_of(f, 0, a);
    char *p = ml__f_alloc(f, s.n + 1, 1);
    size_t at = s.n;
    while (p != NULL && s.n > 0) {
        uint32_t c;
        size_t k = ml_utf8_next(s, &c);
        k = k != 0 ? k : 1;
        at -= k;
        memcpy(p + at, s.p, k);
        s = (struct ml_str){s.p + k, s.n - k};
    }
    return ml_val_str((struct ml_str){p, p != NULL ? text_of(f, 0, a).n : 0});
}

struct ml_val ml__fn_strrep(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_str s = text_of(f, 0, a);
    struct ml_str d = f->n > 2 ? a[2].s : ML_STR("");
    struct ml_buf b = {.max = TEXT_MAX};
    int64_t n = a[1].i < 1024 ? a[1].i : 1024;
    for (int64_t i = 0; i < n; i++) {
        if (i > 0)
            ml_buf_str(&b, d);
        ml_buf_str(&b, s);
    }
    return ml__f_text(f, &b);
}

struct ml_val ml__fn_strcmp(struct ml_fcx *f, const struct ml_val *a)
{
    int c = ml_str_cmp(a[0].s, a[1].s);
    return ml_val_long((c > 0) - (c < 0));
}

/* translate(from, to, s): characters of from become those of to at the same place (the last one repeats). */
struct ml_val ml__fn_translate(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_buf b = {.max = TEXT_MAX};
    size_t nto = ml_points(a[1].s);
    for (struct ml_str s = a[2].s; s.n > 0;) {
        uint32_t c;
        size_t k = ml_utf8_next(s, &c);
        k = k != 0 ? k : 1;
        struct ml_str one = {s.p, k};
        size_t at = 0;
        struct ml_str from = a[0].s;
        while (from.n > 0 && !ml_str_starts(from, one)) {
            uint32_t skip;
            size_t w = ml_utf8_next(from, &skip);
            w = w != 0 ? w : 1;
            from = (struct ml_str){from.p + w, from.n - w};
            at++;
        }
        if (from.n == 0) {
            ml_buf_str(&b, one);
        } else if (nto > 0) {
            size_t to = ml_point_offset(a[1].s, at < nto ? at : nto - 1);
            struct ml_str rest = {a[1].s.p + to, a[1].s.n - to};
            ml_buf_add(&b, rest.p, ml_point_offset(rest, 1));
        }
        s = (struct ml_str){s.p + k, s.n - k};
    }
    return ml__f_text(f, &b);
}

struct ml_val ml__fn_has_any_index(struct ml_fcx *f, const struct ml_val *a)
{
    if (a[1].type != ML_T_ARRAY)
        return ml_val_null(ML_T_LONG);
    for (uint32_t i = 0; i < a[1].n; i++) {
        struct ml_needle n;
        struct ml_str term = ml_val_text(f->arena, &a[1].items[i], true);
        if (ml_needle_init(&n, f->arena, term, ML_S_HAS, true) && ml_needle_in(&n, a[0].s))
            return ml_val_long(i);
    }
    return ml_val_long(-1);
}

struct ml_val ml__fn_isascii(struct ml_fcx *f, const struct ml_val *a)
{
    for (size_t i = 0; i < a->s.n; i++)
        if ((unsigned char)a->s.p[i] >= 0x80)
            return ml_val_bool(false);
    return ml_val_bool(true);
}

struct ml_val ml__fn_isutf8(struct ml_fcx *f, const struct ml_val *a)
{
    for (struct ml_str s = a->s; s.n > 0;) {
        uint32_t c;
        size_t k = ml_utf8_next(s, &c);
        if (k == 0)
            return ml_val_bool(false);
        s = (struct ml_str){s.p + k, s.n - k};
    }
    return ml_val_bool(true);
}

struct ml_val ml__fn_codepoints(struct ml_fcx *f, const struct ml_val *a)
{
    size_t n = ml_points(a->s);
    struct ml_val *items = ml__f_alloc(f, n, sizeof *items);
    size_t i = 0;
    for (struct ml_str s = a->s; items != NULL && s.n > 0 && i < n; i++) {
        uint32_t c = 0xFFFD;
        size_t k = ml_utf8_next(s, &c);
        k = k != 0 ? k : 1;
        items[i] = ml_val_long(c);
        s = (struct ml_str){s.p + k, s.n - k};
    }
    return ml_val_array(items, i);
}

static void add_point(struct ml_buf *b, const struct ml_val *v)
{
    char p[4];
    if (v->type == ML_T_ARRAY && !v->null) {
        for (uint32_t i = 0; i < v->n; i++)
            if (v->items[i].type != ML_T_ARRAY)
                add_point(b, &v->items[i]);
    } else if (!v->null && ml_type_is_int(v->type) && v->i >= 0 && v->i <= 0x10FFFF) {
        ml_buf_add(b, p, ml_utf8_put((uint32_t)v->i, p));
    }
}

struct ml_val ml__fn_from_codepoints(struct ml_fcx *f, const struct ml_val *a)
{
    struct ml_buf b = {.max = TEXT_MAX};
    for (unsigned i = 0; i < f->n; i++)
        add_point(&b, &a[i]);
    return ml__f_text(f, &b);
}

/* The first record of a CSV text. */
struct ml_val ml__fn_parse_csv(struct ml_fcx *f, const struct ml_val *a)
{
    ML_VEC(struct ml_val) fields = {0};
    struct ml_str s = a->s;
    size_t i = 0;
    bool more = true;
    while (more) {
        struct ml_buf b = {.max = TEXT_MAX};
        if (i < s.n && s.p[i] == '"') {
            for (i++; i < s.n; i++) {
                if (s.p[i] == '"' && !(i + 1 < s.n && s.p[i + 1] == '"'))
                    break;
                i += s.p[i] == '"';
                ml_buf_char(&b, s.p[i]);
            }
            i += i < s.n;
        }
        while (i < s.n && s.p[i] != ',' && s.p[i] != '\n' && s.p[i] != '\r')
            ml_buf_char(&b, s.p[i++]);
        more = i < s.n && s.p[i] == ',';
        i++;
        if (ml_vec_push(&fields, ml__f_text(f, &b)) != ML_OK)
            break;
    }
    struct ml_val *items = ml__f_alloc(f, fields.n, sizeof *items);
    if (items != NULL)
        memcpy(items, fields.at, fields.n * sizeof *items);
    struct ml_val out = ml_val_array(items, items != NULL ? fields.n : 0);
    ml_vec_free(&fields);
    return out;
}

/* Up to four dotted numbers as one decimal: 8 digits each after the first. */
struct ml_val ml__fn_parse_version(struct ml_fcx *f, const struct ml_val *a)
{
    char digits[40];
    size_t n = 0;
    struct ml_str s = a->s;
    size_t i = 0;
    for (int part_no = 0; part_no < 4; part_no++) {
        uint64_t v = 0;
        size_t start = i;
        while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && i - start < 8)
            v = v * 10 + (uint64_t)(s.p[i++] - '0');
        if (part_no == 0 && i == start)
            return ml_val_null(ML_T_DECIMAL);
        for (uint64_t scale = 10000000; scale > 0; scale /= 10)
            digits[n++] = (char)('0' + v / scale % 10);
        if (i < s.n && s.p[i] == '.')
            i++;
        else if (i < s.n)
            return ml_val_null(ML_T_DECIMAL);
    }
    if (i < s.n)
        return ml_val_null(ML_T_DECIMAL);
    struct ml_val text = ml_val_str((struct ml_str){digits, n});
    return ml_val_cast(f->arena, &text, false, ML_T_DECIMAL);
}
