/* kql/advice.c -- see advice.h. SPDX-License-Identifier: MIT */
#include "kql/advice.h"

#include <string.h>
#include <strings.h>

struct advice {
    const char *word;
    const char *text;
};

static const struct advice tokens[] = {
    {"=", "'=' gives a name; '==' compares"},
    {"like", "use contains, has, startswith or matches regex"},
    {"is", "use isnull(x), isnotnull(x) or isempty(x)"},
    {"descending", "did you mean 'desc'?"},
    {"ascending", "did you mean 'asc'?"},
    {"as", "a name stands before its value: n = count()"},
    {"&", "did you mean 'and'?"},
    {NULL, NULL},
};

static const struct advice operators[] = {
    {"select", "use project, or extend to add columns"},
    {"group", "use summarize ... by ..."},
    {"groupby", "use summarize ... by ..."},
    {"aggregate", "use summarize ... by ..."},
    {"stats", "use summarize ... by ..."},
    {"eval", "use extend"},
    {"fields", "use project"},
    {"rename", "use project-rename new = old"},
    {"drop", "use project-away"},
    {"head", "use take, or top N by ..."},
    {"tail", "use top N by ... desc"},
    {"unique", "use distinct"},
    {"dedup", "use distinct, or summarize arg_max(t, *) by ..."},
    {"rex", "use parse, or extend with extract()"},
    {"having", "use where after summarize"},
    {"offset", "use serialize and where row_number() > N"},
    {"|", "operators follow one '|'; the logical one is 'or'"},
    {NULL, NULL},
};

static const struct advice functions[] = {
    {"length", "did you mean 'strlen' or 'array_length'?"},
    {"len", "did you mean 'strlen' or 'array_length'?"},
    {"size", "did you mean 'strlen', 'string_size' or 'array_length'?"},
    {"lower", "did you mean 'tolower'?"},
    {"upper", "did you mean 'toupper'?"},
    {"concat", "did you mean 'strcat'?"},
    {"nvl", "did you mean 'coalesce'?"},
    {"ifnull", "did you mean 'coalesce'?"},
    {"if", "did you mean 'iff'?"},
    {"when", "did you mean 'case'?"},
    {"cast", "use tostring(x), tolong(x), todouble(x), todatetime(x), ..."},
    {"convert", "use tostring(x), tolong(x), todouble(x), todatetime(x), ..."},
    {"str", "did you mean 'tostring'?"},
    {"string", "did you mean 'tostring'?"},
    {"year", "did you mean 'getyear'?"},
    {"month", "did you mean 'monthofyear'?"},
    {"day", "did you mean 'dayofmonth' or 'startofday'?"},
    {"hour", "did you mean 'hourofday'?"},
    {"minute", "use datetime_part(\"minute\", t)"},
    {"second", "use datetime_part(\"second\", t)"},
    {"date_trunc", "use bin(t, 1h) or startofday(t)"},
    {"dateadd", "did you mean 'datetime_add'?"},
    {"datediff", "did you mean 'datetime_diff'?"},
    {"current_timestamp", "did you mean 'now'?"},
    {"getdate", "did you mean 'now'?"},
    {"mean", "did you mean 'avg'?"},
    {"average", "did you mean 'avg'?"},
    {"std", "did you mean 'stdev'?"},
    {"stddev", "did you mean 'stdev'?"},
    {"median", "use percentile(x, 50)"},
    {"first", "use arg_min(t, x)"},
    {"last", "use arg_max(t, x)"},
    {"uniq", "did you mean 'dcount'?"},
    {"nunique", "did you mean 'dcount'?"},
    {"distinct_count", "did you mean 'dcount'?"},
    {"collect_list", "did you mean 'make_list'?"},
    {"array_agg", "did you mean 'make_list'?"},
    {"ltrim", "did you mean 'trim_start'?"},
    {"rtrim", "did you mean 'trim_end'?"},
    {"regexp_extract", "did you mean 'extract'?"},
    {"regexp_replace", "did you mean 'replace_regex'?"},
    {"json_extract", "use parse_json(x).member"},
    {NULL, NULL},
};

static bool same_word(struct ml_str s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

static const char *find(const struct advice *table, struct ml_str word)
{
    for (; table->word != NULL; table++)
        if (same_word(word, table->word))
            return table->text;
    return NULL;
}

/* The byte before the token that is no blank; 0: there is none. */
static char last_of(struct ml_str s)
{
    while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL)
        s.n--;
    return s.n > 0 ? s.p[s.n - 1] : '\0';
}

static bool ends_in_not(struct ml_str s)
{
    while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL)
        s.n--;
    return s.n >= 3 && memcmp(s.p + s.n - 3, "not", 3) == 0;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool starts_with_select(struct ml_str query)
{
    while (query.n > 0 && strchr(" \t\r\n", query.p[0]) != NULL)
        query = (struct ml_str){query.p + 1, query.n - 1};
    return query.n > 6 && strncasecmp(query.p, "select", 6) == 0 && !is_word(query.p[6]);
}

/* A keyword that was not written in lower case. */
static const char *shouted(struct ml_str token)
{
    static const struct advice words[] = {
        {"and", "did you mean 'and'? Words of the language are in lower case"},
        {"or", "did you mean 'or'? Words of the language are in lower case"},
        {"has", "did you mean 'has'? Words of the language are in lower case"},
        {"contains", "did you mean 'contains'? Words of the language are in lower case"},
        {"in", "did you mean 'in'? Words of the language are in lower case"},
        {"by", "did you mean 'by'? Words of the language are in lower case"},
        {"on", "did you mean 'on'? Words of the language are in lower case"},
        {"asc", "did you mean 'asc'? Words of the language are in lower case"},
        {"desc", "did you mean 'desc'? Words of the language are in lower case"},
        {NULL, NULL},
    };
    bool upper = false;
    for (size_t i = 0; i < token.n; i++)
        upper |= token.p[i] >= 'A' && token.p[i] <= 'Z';
    return upper ? find(words, token) : NULL;
}

static bool is_unit(struct ml_str token)
{
    static const char *const units[] = {"day",    "days",    "hour", "hours", "minute", "minutes",
                                        "second", "seconds", "d",    "h",     "m",      "min",
                                        "s",      "sec",     "ms",   "week",  "weeks",  NULL};
    for (const char *const *u = units; *u != NULL; u++)
        if (same_word(token, *u))
            return true;
    return false;
}

const char *ml__advice_token(struct ml_str token, struct ml_str before, const char *wanted)
{
    char last = last_of(before);
    if (starts_with_select(before))
        return "a query starts with a table: T | where ... | project ...";
    if (strcmp(wanted, "'('") == 0 && ends_in_not(before))
        return "not is a function: not(x)";
    if (strcmp(wanted, "'..'") == 0)
        return "a range is written (from .. to)";
    if (strcmp(wanted, "']'") == 0 && token.n == 1 && token.p[0] == ',')
        return "a list of values stands in parentheses: in (\"a\", \"b\")";
    if (last >= '0' && last <= '9' && is_unit(token))
        return "a timespan has no blank in it: 1d, 2h, 30m";
    if (shouted(token) != NULL)
        return shouted(token);
    if (find(tokens, token) != NULL)
        return find(tokens, token);
    if (before.n == 0 && token.n == 1 && token.p[0] == '|')
        return "a query starts with a table";
    bool complete = strcmp(wanted, "';' or an operator") == 0;
    if (complete && token.n > 0 && token.p[0] == '(')
        return "a call needs a place where a value is wanted: summarize count()";
    if (complete && token.n > 0 && (is_word(token.p[0]) || strchr("\"'", token.p[0]) != NULL) &&
        (is_word(last) || last == ')' || last == '"' || last == '\'' || last == ']'))
        return "is something missing before it: ',' or 'by' or '|'?";
    return NULL;
}

const char *ml__advice_operator(struct ml_str word)
{
    return find(operators, word);
}

const char *ml__advice_function(struct ml_str word)
{
    return find(functions, word);
}
