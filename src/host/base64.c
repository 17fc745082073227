/* host/base64.c -- see base64.h. SPDX-License-Identifier: MIT */
#include "host/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void ml_base64_encode(struct ml_buf *b, struct ml_str bytes)
{
    for (size_t i = 0; i < bytes.n; i += 3) {
        unsigned v = 0;
        size_t left = bytes.n - i < 3 ? bytes.n - i : 3;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (k < left ? (unsigned char)bytes.p[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            ml_buf_char(b, k <= left ? alphabet[v >> (18 - 6 * k) & 63] : '=');
    }
}

static int digit(char c)
{
    const char *p = c != '\0' ? strchr(alphabet, c) : NULL;
    return p != NULL ? (int)(p - alphabet) : -1;
}

static struct ml_str trimmed(struct ml_str s)
{
    while (s.n != 0 && strchr(" \t\r\n", s.p[0]) != NULL) {
        s.p++;
        s.n--;
    }
    while (s.n != 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL)
        s.n--;
    return s;
}

bool ml_base64_decode(struct ml_buf *b, struct ml_str text)
{
    struct ml_str s = trimmed(text);
    size_t before = b->n;
    if (s.n % 4 != 0)
        return false;
    for (size_t i = 0; i < s.n; i += 4) {
        bool last = i + 4 == s.n;
        size_t pads = !last || s.p[i + 3] != '=' ? 0 : s.p[i + 2] != '=' ? 1 : 2;
        unsigned v = 0;
        for (size_t k = 0; k < 4; k++) {
            int d = k < 4 - pads ? digit(s.p[i + k]) : 0;
            if (d < 0) {
                b->n = before;
                return false;
            }
            v = v << 6 | (unsigned)d;
        }
        for (size_t k = 0; k < 3 - pads; k++)
            ml_buf_char(b, (char)(unsigned char)(v >> (16 - 8 * k)));
    }
    return true;
}
