/* kql/text.c -- values as text and JSON; see text.h. SPDX-License-Identifier: MIT */
#include "kql/text.h"

#include "base/err.h"
#include "kql/decimal.h"
#include "kql/ticks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void ml_real_print(double d, struct ml_buf *out)
{
    char text[40];
    if (isnan(d) || isinf(d)) {
        ml_buf_cstr(out, isnan(d) ? "NaN" : d < 0 ? "-inf" : "inf");
        return;
    }
    if (fabs(d) < 1e15 && d == floor(d)) {
        ml_buf_cstr(out, signbit(d) ? "-" : "");
        ml_buf_i64(out, (int64_t)fabs(d));
        ml_buf_cstr(out, ".0");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, d);
        if (strtod(text, NULL) == d)
            break;
    }
    ml_buf_cstr(out, text);
    if (strpbrk(text, ".e") == NULL)
        ml_buf_cstr(out, ".0");
}

void ml_guid_print(const uint8_t g[16], struct ml_buf *out)
{
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            ml_buf_char(out, '-');
        ml_buf_char(out, hex[g[i] >> 4]);
        ml_buf_char(out, hex[g[i] & 15]);
    }
}

void ml_val_print(const struct ml_val *v, bool inside, struct ml_buf *out)
{
    if (v->null)
        return;
    switch ((enum ml_type)v->type) {
    case ML_T_BOOL:
        ml_buf_cstr(out, inside ? (v->i ? "true" : "false") : v->i ? "True" : "False");
        break;
    case ML_T_REAL:
        ml_real_print(v->d, out);
        break;
    case ML_T_DECIMAL:
        ml_dec_print(v->dec, out);
        break;
    case ML_T_DATETIME:
        ml_datetime_print(v->i, out);
        break;
    case ML_T_TIMESPAN:
        ml_timespan_print(v->i, out);
        break;
    case ML_T_GUID:
        ml_guid_print(v->guid, out);
        break;
    case ML_T_STRING:
    case ML_T_TEXT:
        ml_buf_str(out, v->s);
        break;
    case ML_T_ARRAY:
    case ML_T_BAG:
        ml_val_json(v, out);
        break;
    default:
        ml_buf_i64(out, v->i);
    }
}

void ml_val_json(const struct ml_val *v, struct ml_buf *out)
{
    if (v->null) {
        ml_buf_cstr(out, "null");
        return;
    }
    switch ((enum ml_type)v->type) {
    case ML_T_ARRAY:
        ml_buf_char(out, '[');
        for (uint32_t i = 0; i < v->n; i++) {
            if (i > 0)
                ml_buf_char(out, ',');
            ml_val_json(&v->items[i], out);
        }
        ml_buf_char(out, ']');
        break;
    case ML_T_BAG:
        ml_buf_char(out, '{');
        for (uint32_t i = 0; i < v->n; i++) {
            if (i > 0)
                ml_buf_char(out, ',');
            ml_buf_json(out, v->pairs[i].key);
            ml_buf_char(out, ':');
            ml_val_json(&v->pairs[i].val, out);
        }
        ml_buf_char(out, '}');
        break;
    case ML_T_STRING:
        ml_buf_json(out, v->s);
        break;
    case ML_T_REAL:
        if (isinf(v->d))
            ml_buf_cstr(out, v->d < 0 ? "\"-Infinity\"" : "\"Infinity\"");
        else if (isnan(v->d))
            ml_buf_cstr(out, "\"NaN\"");
        else
            ml_real_print(v->d, out);
        break;
    case ML_T_DECIMAL:
    case ML_T_DATETIME:
    case ML_T_TIMESPAN:
    case ML_T_GUID:
        ml_buf_char(out, '"');
        ml_val_print(v, true, out);
        ml_buf_char(out, '"');
        break;
    default: /* BOOL, LONG, and TEXT, which is JSON already */
        ml_val_print(v, true, out);
    }
}

struct ml_str ml_val_text(struct ml_arena *a, const struct ml_val *v, bool inside)
{
    if (v->null)
        return ML_STR("");
    if (v->type == ML_T_STRING)
        return v->s;
    struct ml_buf b = {0};
    ml_val_print(v, inside, &b);
    struct ml_str s = {NULL, 0};
    if (b.status == ML_OK)
        s = ml_arena_copy(a, ml_buf_view(&b));
    ml_buf_free(&b);
    return s;
}
