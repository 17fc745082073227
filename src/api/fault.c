/* api/fault.c -- see fault.h. SPDX-License-Identifier: MIT */
#include "api/fault.h"

#include <string.h>

bool ml_fault_is_syntax(const struct ml_diag *d)
{
    static const char *const codes[] = {"KS004", "KS005", "KS006", "KS007", "KS008", "KS176"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(d->code, codes[i]) == 0)
            return true;
    return false;
}

static bool is_limit(const struct ml_diag *d)
{
    return strncmp(d->code, "ML2", 3) == 0;
}

static int status_of(const struct ml_diag *d)
{
    if (strcmp(d->code, "ML204") == 0)
        return 504;
    return 400;
}

static struct ml_str token_of(const struct ml_diag *d, struct ml_str query)
{
    size_t n = d->len < 100 ? d->len : 100;
    if (d->pos > query.n || n > query.n - d->pos)
        return (struct ml_str){"", 0};
    while (n > 0 && d->pos + n < query.n && ((unsigned char)query.p[d->pos + n] & 0xC0) == 0x80)
        n--; /* not inside a character */
    return (struct ml_str){query.p + d->pos, n};
}

/* "unknown column 'x' (KS142) at line 1, column 2; did you mean 'y'?" */
static void add_message(const struct ml_diag *d, const char *prefix, struct ml_buf *out)
{
    struct ml_buf text = {0};
    ml_buf_printf(&text, "%s%s (%s)", prefix, d->text, d->code);
    if (d->line != 0)
        ml_buf_printf(&text, " at line %u, column %u", d->line, d->column);
    if (d->hint[0] != '\0')
        ml_buf_printf(&text, "; %s", d->hint);
    ml_buf_json(out, ml_buf_view(&text));
    ml_buf_free(&text);
}

static void add_place(const struct ml_diag *d, struct ml_str query, struct ml_buf *out)
{
    ml_buf_printf(out, ",\"line\":%u,\"pos\":%u,\"token\":", d->line, d->column);
    ml_buf_json(out, token_of(d, query));
}

int ml_fault_kusto(const struct ml_diag *d, struct ml_str query, struct ml_str activity,
                   struct ml_buf *out)
{
    bool syntax = ml_fault_is_syntax(d);
    const char *code = syntax ? "SYN0002" : "SEM0100";
    const char *kind = syntax ? "Syntax error: SYN0002: " : "Semantic error: SEM0100: ";
    if (is_limit(d)) {
        code = "E_QUERY_LIMITS";
        kind = "Query execution has exceeded the allowed limits: ";
    }
    ml_buf_printf(
        out,
        "{\"error\":{\"code\":\"%s\",\"message\":\"Request is invalid and cannot be executed.\","
        "\"@type\":\"Kusto.Data.Exceptions.%s\",\"@message\":",
        is_limit(d) ? "LimitsExceeded" : "General_BadRequest",
        is_limit(d) ? "KustoServicePartialQueryFailureLimitsExceededException"
                    : "KustoBadRequestException");
    add_message(d, kind, out);
    ml_buf_cstr(out, ",\"@context\":{\"serviceAlias\":\"memline\",\"activityId\":");
    ml_buf_json(out, activity);
    ml_buf_printf(out, "},\"@permanent\":%s,\"innererror\":{\"code\":\"%s\",\"message\":",
                  is_limit(d) ? "false" : "true", code);
    add_message(d, kind, out);
    ml_buf_printf(out, ",\"@type\":\"Kusto.Data.Exceptions.%s\",\"@message\":",
                  syntax ? "SyntaxException" : "SemanticException");
    add_message(d, kind, out);
    add_place(d, query, out);
    ml_buf_cstr(out, "}}}");
    return status_of(d);
}

int ml_fault_insights(const struct ml_diag *d, struct ml_str query, struct ml_buf *out)
{
    bool syntax = ml_fault_is_syntax(d);
    if (is_limit(d)) {
        ml_buf_printf(out, "{\"error\":{\"code\":\"%s\",\"message\":",
                      status_of(d) == 504 ? "GatewayTimeout" : "LimitsExceeded");
        add_message(d, "", out);
        ml_buf_cstr(out, "}}");
        return status_of(d);
    }
    ml_buf_printf(out,
                  "{\"error\":{\"message\":\"The request had some invalid properties\","
                  "\"code\":\"BadArgumentError\",\"innererror\":{\"code\":\"%s\",\"message\":",
                  syntax ? "SyntaxError" : "SemanticError");
    add_message(d, "", out);
    ml_buf_printf(out,
                  ",\"innererror\":{\"code\":\"%s\",\"message\":", syntax ? "SYN0002" : "SEM0100");
    add_message(d, "", out);
    add_place(d, query, out);
    ml_buf_cstr(out, "}}}}");
    return status_of(d);
}
