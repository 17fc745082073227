/* kql/sql.h -- a typed plan as ClickHouse SQL; what the files sql_*.c share. From outside see clickhouse.h.
 *
 *   stage -> relation -> stage ...         a relation is what stands behind FROM and WHERE, with the SQL of each of its
 *                                          columns and the order of its rows; stages wrap it into SELECTs
 *
 * Values:    bool UInt8; int Int32; long, datetime, timespan Int64 (times as ticks); real Float64; string String, never
 *            NULL; guid and dynamic String (the text; JSON). All but string are Nullable where they can be null.
 * Names:     made columns are called `name#7`, with a number that is used once in the query, so that no alias ever hides a
 *            column. User text reaches the SQL only through ml__sql_string and ml__sql_name.
 * Exactness: what ClickHouse does otherwise is refused (ML105), here or, where it depends on the data, by a
 *            throwIf whose message starts with "memline: ".
 * Memory:    the query's arena. Errors: the query's diagnostic; emission then goes on, and its result is not used.
 * SPDX-License-Identifier: MIT */
#ifndef ML_KQL_SQL_H
#define ML_KQL_SQL_H

#include "kql/clickhouse.h"
#include "kql/eval.h"
#include "kql/plan.h"
#include "kql/text.h"

#define ML_SQL_MODERN \
    2308u /* 23.8: JSON, window functions, messages of throwIf; Debian's is 18.16 */
#define ML_SQL_MAX_BYTES ((size_t)1 << 20)

struct ml_sql {
    struct ml_rt *rt;
    const struct ml_sql_target *target;
    uint32_t names; /* numbers given to made columns */
    uint32_t depth;
    bool letters; /* the class of letters and digits is used */
};

struct ml_sql_col {
    struct ml_str sql; /* a name, or an expression over the relation's names */
    enum ml_type type;
    bool null; /* may be NULL */
};

enum { ML_SQL_UNIQUE = 64 }; /* no two rows have the same value */

struct ml_sql_key {
    struct ml_sql_col col;
    uint8_t flags; /* ML_F_DESC, ML_F_NULLS_FIRST, ML_SQL_UNIQUE */
};

struct ml_sql_rel {
    struct ml_str from;
    struct ml_str where; /* empty: none */
    struct ml_sql_col *cols;
    uint32_t n;
    struct ml_sql_key *order; /* how the rows stand; its columns are carried along */
    uint32_t norder;          /* 0: in no order */
};

/* --- text --- */
void ml__sql_string(struct ml_buf *out, struct ml_str s);
void ml__sql_name(struct ml_buf *out, struct ml_str name);
void ml__sql_const(struct ml_sql *s, const struct ml_expr *e, struct ml_buf *out);
void ml__sql_value(struct ml_sql *s, enum ml_type t, const struct ml_val *v, struct ml_buf *out);
/* null, or ''; is one: SELECTs do not carry it. */
struct ml_sql_col ml__sql_null(struct ml_sql *s, enum ml_type t);
bool ml__sql_is_null(struct ml_sql_col c);
/* "Nullable(Int64)", ... */
const char *ml__sql_type(enum ml_type t, bool null);
/* The buffer's text in the arena; frees the buffer. */
struct ml_str ml__sql_keep(struct ml_sql *s, struct ml_buf *b);
struct ml_str ml__sql_printf(struct ml_sql *s, const char *fmt, ...) ML_PRINTF(2, 3);
/* `name#7` */
struct ml_str ml__sql_new_name(struct ml_sql *s, struct ml_str name);

/* --- errors --- */
bool ml__sql_failed(const struct ml_sql *s);
void ml__sql_refuse(struct ml_sql *s, const struct ml_node *at, const char *fmt, ...)
    ML_PRINTF(3, 4);
/* True, with a refusal, on a server that is too old. */
bool ml__sql_too_old(struct ml_sql *s, const struct ml_node *at, const char *what);

/* --- expressions --- */
/* printf arguments of a "%.*s" */
#define ML_SQL(x) (int)(x).n, (x).p

struct ml_sql_col ml__sql_expr(struct ml_sql *s, const struct ml_expr *e,
                               const struct ml_sql_rel *in);
struct ml_sql_col ml__sql_made(enum ml_type t, bool null, struct ml_str sql);
/* The same, never NULL: false instead. */
struct ml_str ml__sql_condition(struct ml_sql *s, const struct ml_expr *e,
                                const struct ml_sql_rel *in);
/* Conversions of SQL text. */
struct ml_sql_col ml__sql_cast(struct ml_sql *s, const struct ml_node *at, struct ml_sql_col x,
                               enum ml_type to);
/* A timestamp's days and so on: the template's $1 is the column. */
struct ml_str ml__sql_template(struct ml_sql *s, const char *text, const struct ml_sql_col *args,
                               uint32_t n);
/* Year, month, day of ticks: an expression over z, e, y, d (see sql_time.c). */
struct ml_str ml__sql_civil(struct ml_sql *s, struct ml_str ticks, const char *body);
struct ml_str ml__sql_datetime_text(struct ml_sql *s, struct ml_str ticks);
struct ml_str ml__sql_timespan_text(struct ml_sql *s, struct ml_str ticks);
/* False: the function is not in the table sql_fn.def. */
bool ml__sql_table_call(struct ml_sql *s, const struct ml_expr *e, const struct ml_sql_rel *in,
                        struct ml_sql_col *out);
bool ml__sql_is_call(const struct ml_expr *e, const char *name);
/* An argument that is a constant and not null; else a refusal. */
const struct ml_val *ml__sql_constant(struct ml_sql *s, const struct ml_expr *e, uint32_t arg);

typedef struct ml_sql_col ml_sql_fn(struct ml_sql *s, const struct ml_expr *e,
                                    const struct ml_sql_rel *in);
ml_sql_fn ml__sql_arith, ml__sql_neg, ml__sql_compare, ml__sql_logic, ml__sql_not,
    ml__sql_cast_call, ml__sql_in, ml__sql_search, ml__sql_has_list, ml__sql_matches,
    ml__sql_member, ml__sql_iff, ml__sql_case, ml__sql_coalesce, ml__sql_best_of, ml__sql_strcat,
    ml__sql_substring, ml__sql_bin, ml__sql_startof, ml__sql_extract, ml__sql_isnull,
    ml__sql_isempty, ml__sql_window, ml__sql_pack_array, ml__sql_bag_pack, ml__sql_date_part,
    ml__sql_date_diff, ml__sql_date_add, ml__sql_parse_json, ml__sql_replace_string,
    ml__sql_indexof, ml__sql_array_length, ml__sql_split, ml__sql_round, ml__sql_abs,
    ml__sql_unixtime;

/* Dynamic values. */
struct ml_str ml__sql_json_of(struct ml_sql *s, const struct ml_node *at, struct ml_sql_col x);
struct ml_sql_col ml__sql_dynamic_cast(struct ml_sql *s, const struct ml_expr *e,
                                       const struct ml_sql_rel *in, enum ml_type to);
struct ml_sql_col ml__sql_json_cast(struct ml_sql *s, const struct ml_node *at, struct ml_str json,
                                    enum ml_type to);
struct ml_str ml__sql_dynamic_is_null(struct ml_sql *s, const struct ml_expr *e,
                                      const struct ml_sql_rel *in);
/* A regular expression that both engines read alike, as a literal; *ascii: only over ASCII text. */
bool ml__sql_regex(struct ml_sql *s, const struct ml_node *at, struct ml_str pattern,
                   unsigned flags, struct ml_buf *out, bool *ascii);
/* Text, guarded to be ASCII. */
struct ml_str ml__sql_ascii(struct ml_sql *s, const struct ml_node *at, struct ml_str text,
                            const char *what);

/* WITH the class of letters and digits, for the start of the query. */
struct ml_str ml__sql_letters(struct ml_sql *s);

/* --- stages --- */
struct ml_sql_rel ml__sql_stage(struct ml_sql *s, const struct ml_plan *p);
/* SELECT cols and the carried order FROM in: the relation around it, its columns under new names where they are
 * expressions; tail: what follows WHERE. extra are more columns, made but not the stage's own. */
struct ml_sql_rel ml__sql_select(struct ml_sql *s, const struct ml_sql_rel *in,
                                 const struct ml_schema *names, struct ml_sql_col *cols, uint32_t n,
                                 const char *tail);
/* The text of that SELECT, without parentheses. */
struct ml_str ml__sql_select_text(struct ml_sql *s, const struct ml_sql_rel *in,
                                  const struct ml_sql_col *cols, const struct ml_str *as,
                                  uint32_t n, const char *tail);
struct ml_str ml__sql_subquery(struct ml_sql *s, struct ml_str select);
/* ORDER BY text of the relation's order; empty without one. */
struct ml_str ml__sql_order_by(struct ml_sql *s, const struct ml_sql_rel *r);
/* The relation with the order as one UInt64 column (its only key); refuses without an order. */
struct ml_sql_rel ml__sql_numbered(struct ml_sql *s, const struct ml_sql_rel *in,
                                   const struct ml_node *at, const char *what);
struct ml_sql_col *ml__sql_cols(struct ml_sql *s, uint32_t n);

typedef struct ml_sql_rel ml_sql_stage_fn(struct ml_sql *s, const struct ml_plan *p);
ml_sql_stage_fn ml__sql_aggregate, ml__sql_join, ml__sql_union, ml__sql_parse, ml__sql_expand;

#endif
