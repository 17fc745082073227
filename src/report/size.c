/* report/size.c -- see size.h and report.h. SPDX-License-Identifier: MIT */
#include "report/size.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t bytes;
    int digits; /* behind the point; a page of 4 KiB shows in MiB with 3 */
};

/* In the order of enum ml_report_unit. */
static const struct unit units[] = {
    [ML_UNIT_B] = {"B", 1, 0},
    [ML_UNIT_KIB] = {"KiB", 1024, 1},
    [ML_UNIT_MIB] = {"MiB", 1024 * 1024, 3},
    [ML_UNIT_GIB] = {"GiB", 1024 * 1024 * 1024, 3},
};

/* The largest unit of which there is one; rounding must not print "1024.0 KiB". */
static enum ml_report_unit auto_unit(uint64_t bytes)
{
    enum ml_report_unit u = ML_UNIT_B;
    while (u < ML_UNIT_GIB && bytes >= units[u].bytes * 1024 - units[u].bytes / 20)
        u++;
    return u;
}

/* Zero has no unit, which cannot mislead; its place stays. Of auto units "B" takes three places too. */
static void print(char out[ML_SIZE_MAX], const char *sign, uint64_t bytes, enum ml_report_unit unit)
{
    bool is_auto = unit == ML_UNIT_AUTO;
    const struct unit *u = &units[is_auto ? auto_unit(bytes) : unit];
    int width = is_auto ? 3 : (int)strlen(u->name);
    if (bytes == 0)
        snprintf(out, ML_SIZE_MAX, "0 %*s", width, "");
    else if (u->bytes == 1)
        snprintf(out, ML_SIZE_MAX, "%s%llu %-*s", sign, (unsigned long long)bytes, width, u->name);
    else
        snprintf(out, ML_SIZE_MAX, "%s%.*f %s", sign, is_auto ? 1 : u->digits,
                 (double)bytes / (double)u->bytes, u->name);
}

void ml_size_print(char out[ML_SIZE_MAX], uint64_t bytes, enum ml_report_unit unit)
{
    print(out, "", bytes, unit);
}

void ml_size_print_change(char out[ML_SIZE_MAX], int64_t bytes, enum ml_report_unit unit)
{
    print(out, bytes < 0 ? "-" : "+", ml_size_abs(bytes), unit);
}

void ml_size_trim(char *text)
{
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == ' ')
        text[--n] = '\0';
}

/* Digits with at most one point, into thousandths; the rest of the text in *end. */
static bool parse_thousandths(const char *text, uint64_t *value, const char **end)
{
    uint64_t v = 0;
    int behind = -1; /* digits behind the point; -1: no point yet */
    const char *p = text;
    for (; isdigit((unsigned char)*p) || (*p == '.' && behind < 0); p++) {
        if (*p == '.') {
            behind = 0;
            continue;
        }
        if (behind == 3) /* finer than a thousandth: of no interest */
            continue;
        if (v > UINT64_MAX / 10 - 9)
            return false;
        v = v * 10 + (uint64_t)(*p - '0');
        behind += behind >= 0;
    }
    if (!isdigit((unsigned char)text[0]))
        return false;
    for (int i = behind < 0 ? 0 : behind; i < 3; i++)
        if (__builtin_mul_overflow(v, 10, &v))
            return false;
    *value = v;
    *end = p;
    return true;
}

bool ml_size_parse(const char *text, uint64_t *bytes)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } names[] = {{"", 1},        {"b", 1},         {"k", 1024},       {"kib", 1024},
                 {"m", 1 << 20}, {"mib", 1 << 20}, {"g", 1 << 30},    {"gib", 1 << 30},
                 {"kb", 1000},   {"mb", 1000000},  {"gb", 1000000000}};
    uint64_t thousandths;
    const char *end;
    char word[4] = "";
    if (!parse_thousandths(text, &thousandths, &end))
        return false;
    while (*end == ' ')
        end++;
    if (strlen(end) >= sizeof word)
        return false;
    for (size_t i = 0; end[i] != '\0'; i++)
        word[i] = (char)tolower((unsigned char)end[i]);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint64_t product;
        if (strcmp(names[i].name, word) != 0)
            continue;
        if (__builtin_mul_overflow(thousandths, names[i].bytes, &product))
            return false;
        *bytes = product / 1000;
        return true;
    }
    return false;
}
