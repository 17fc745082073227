/* kql/type.c -- see type.h. SPDX-License-Identifier: MIT */
#include "kql/type.h"

#include <strings.h>

#define ML_ROW(name, text, net) {text, net},
static const struct {
    const char *name;
    const char *net;
} types[] = {ML_TYPES(ML_ROW)};
#undef ML_ROW

static const struct {
    const char *name;
    enum ml_type type;
} spellings[] = {
    {"bool", ML_T_BOOL},         {"boolean", ML_T_BOOL},      {"int", ML_T_INT},
    {"long", ML_T_LONG},         {"real", ML_T_REAL},         {"double", ML_T_REAL},
    {"decimal", ML_T_DECIMAL},   {"datetime", ML_T_DATETIME}, {"date", ML_T_DATETIME},
    {"timespan", ML_T_TIMESPAN}, {"time", ML_T_TIMESPAN},     {"guid", ML_T_GUID},
    {"uuid", ML_T_GUID},         {"uniqueid", ML_T_GUID},     {"string", ML_T_STRING},
    {"dynamic", ML_T_DYNAMIC},   {"int32", ML_T_INT},         {"int64", ML_T_LONG},
};

const char *ml_type_name(enum ml_type t)
{
    return t < ML_T_COUNT ? types[t].name : "unknown";
}

const char *ml_type_net(enum ml_type t)
{
    return t < ML_T_COUNT ? types[t].net : "System.Object";
}

bool ml_type_find(struct ml_str name, enum ml_type *out)
{
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++)
        if (ml_str_eq(name, ml_str_of(spellings[i].name))) {
            *out = spellings[i].type;
            return true;
        }
    return false;
}
