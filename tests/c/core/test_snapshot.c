/* tests/c/core/test_snapshot.c -- reading books, whole and hostile; sorting; merging.
 * SPDX-License-Identifier: MIT */
#include "core/snapshot.h"

#include "base/buf.h"
#include "core/book_format.h"
#include "core/line.h"
#include "folder.h"
#include "test.h"

#include <sys/stat.h>

/* --- books made by hand ---------------------------------------------------------------------- */

struct figures {
    uint64_t hits;
    int64_t net;
    uint64_t max;
    uint64_t order;
};
static_assert(sizeof(struct figures) == sizeof(struct ml_line), "the same bytes");

static struct ml_buf book_start(void)
{
    struct ml_buf b = {0};
    struct ml_book_header h = {.version = ML_BOOK_VERSION,
                               .order_mark = ML_BOOK_ORDER_MARK,
                               .header_bytes = ML_BOOK_HEADER_BYTES,
                               .line_bytes = sizeof(struct ml_line),
                               .pid = 77,
                               .start_ns = 5,
                               .complete = 1};
    memcpy(h.magic, ML_BOOK_MAGIC, 8);
    ml_buf_add(&b, (const void *)&h, sizeof h);
    ml_buf_fill(&b, '\0', ML_BOOK_HEADER_BYTES - sizeof h);
    return b;
}

static struct ml_book_header *header(struct ml_buf *b)
{
    return (struct ml_book_header *)(void *)b->p;
}

static void align(struct ml_buf *b)
{
    ml_buf_fill(b, '\0', ml_book_align(b->n) - b->n);
}

static void add_pair(struct ml_buf *b, uint32_t kind, const char *first, const char *second)
{
    size_t n1 = strlen(first);
    size_t n2 = strlen(second);
    struct ml_book_pair head = {kind, (uint32_t)ml_book_align(sizeof head + n1 + n2), (uint32_t)n1,
                                (uint32_t)n2};
    ml_buf_add(b, &head, sizeof head);
    ml_buf_cstr(b, first);
    ml_buf_cstr(b, second);
    align(b);
}

static void add_function(struct ml_buf *b, const char *file, const char *name, uint32_t first,
                         const struct figures *lines, uint32_t n)
{
    struct ml_book_function head = {.kind = ML_BOOK_FUNCTION,
                                    .first_line = first,
                                    .n_lines = n,
                                    .file_bytes = (uint32_t)strlen(file),
                                    .name_bytes = (uint32_t)strlen(name)};
    head.bytes = (uint32_t)(ml_book_align(sizeof head + head.file_bytes + head.name_bytes) +
                            n * sizeof *lines);
    ml_buf_add(b, &head, sizeof head);
    ml_buf_cstr(b, file);
    ml_buf_cstr(b, name);
    align(b);
    ml_buf_add(b, lines, n * sizeof *lines);
}

static void book_end(struct ml_buf *b)
{
    atomic_store(&header(b)->used_bytes, b->n);
}

static const struct figures three[] = {{1, 10, 100, 1}, {0, 0, 0, 0}, {5, -50, 500, 2}};

/* Two files, three functions, a fact and a source, out of order. */
static struct ml_buf sample_book(void)
{
    struct ml_buf b = book_start();
    add_function(&b, "b.py", "late", 30, three, 3);
    add_function(&b, "b.py", "early", 1, three, 3);
    add_pair(&b, ML_BOOK_META, "command", "x.py");
    add_function(&b, "a.py", "only", 7, three, 3);
    add_pair(&b, ML_BOOK_SOURCE, "a.py", "text of a\n");
    book_end(&b);
    return b;
}

/* Parses a copy that ends at a protected page. */
static int parse(struct ml_str bytes, struct ml_snapshot **s, struct ml_error *e)
{
    struct guarded g = guarded_new(bytes.p, bytes.n);
    int rc = ml_snapshot_parse(g.str, "t.book", s, e);
    guarded_free(&g); /* the snapshot owns every byte it points to */
    return rc;
}

static struct ml_snapshot *parsed(struct ml_buf *b)
{
    struct ml_snapshot *s = NULL;
    struct ml_error e = {0};
    if (parse(ml_buf_view(b), &s, &e) != ML_OK)
        fail_msg("%s", e.text);
    ml_buf_free(b);
    return s;
}

/* "file:first-last name line:hits/net/max/order ...; ..." */
static struct ml_buf told(const struct ml_snapshot *s)
{
    const struct ml_function *f;
    struct ml_buf b = {0};
    size_t n = ml_snapshot_functions(s, &f);
    for (size_t i = 0; i < n; i++) {
        ml_buf_printf(&b, "%.*s:%u-%u %.*s", (int)f[i].file.n, f[i].file.p, f[i].first_line,
                      f[i].last_line, (int)f[i].name.n, f[i].name.p);
        for (size_t j = 0; j < f[i].n_rows; j++) {
            const struct ml_row *r = &f[i].rows[j];
            ml_buf_printf(&b, " %u:%llu/%lld/%llu/%llu", r->line, (unsigned long long)r->hits,
                          (long long)r->rss_net_bytes, (unsigned long long)r->rss_max_bytes,
                          (unsigned long long)r->order);
        }
        ml_buf_cstr(&b, "; ");
    }
    return b;
}

static void assert_tells(struct ml_snapshot *s, const char *expected)
{
    struct ml_buf b = told(s);
    assert_string_equal(b.n != 0 ? b.p : "", expected);
    ml_buf_free(&b);
    ml_snapshot_free(s);
}

/* --- reading --------------------------------------------------------------------------------- */

static void functions_come_sorted(void **state)
{
    struct ml_buf b = sample_book();
    assert_tells(parsed(&b), "a.py:7-9 only 7:1/10/100/1 9:5/-50/500/2; "
                             "b.py:1-3 early 1:1/10/100/1 3:5/-50/500/2; "
                             "b.py:30-32 late 30:1/10/100/1 32:5/-50/500/2; ");
}

static void facts_and_sources_are_found(void **state)
{
    struct ml_buf b = book_start();
    struct ml_str key;
    struct ml_str value;
    add_pair(&b, ML_BOOK_META, "b", "old");
    add_pair(&b, ML_BOOK_META, "a", "");
    add_pair(&b, ML_BOOK_META, "b", "new");
    add_pair(&b, ML_BOOK_SOURCE, "<cell>", "x = 1\n");
    book_end(&b);
    struct ml_snapshot *s = parsed(&b);
    assert_true(ml_str_eq(ml_snapshot_meta(s, ML_STR("b")), ML_STR("new")));
    assert_non_null(ml_snapshot_meta(s, ML_STR("a")).p);
    assert_null(ml_snapshot_meta(s, ML_STR("c")).p);
    assert_true(ml_snapshot_meta_at(s, 1, &key, &value));
    assert_true(ml_str_eq(key, ML_STR("b")) && ml_str_eq(value, ML_STR("new")));
    assert_false(ml_snapshot_meta_at(s, 2, &key, &value));
    assert_true(ml_str_eq(ml_snapshot_source(s, ML_STR("<cell>")), ML_STR("x = 1\n")));
    assert_null(ml_snapshot_source(s, ML_STR("b")).p);
    ml_snapshot_free(s);
}

static void the_same_function_twice_is_summed(void **state)
{
    static const struct figures again[] = {
        {1, 1, 900, 4}, {2, 2, 1, 3}, {0, 0, 0, 0}, {1, 0, 0, 9}};
    struct ml_buf b = book_start();
    add_function(&b, "a.py", "f", 1, three, 3);
    add_function(&b, "a.py", "g", 1, three, 1); /* another name: a lambda on the same line */
    add_function(&b, "a.py", "f", 1, again, 4);
    book_end(&b);
    assert_tells(parsed(&b), "a.py:1-4 f 1:2/11/900/1 2:2/2/1/3 3:5/-50/500/2 4:1/0/0/9; "
                             "a.py:1-1 g 1:1/10/100/1; ");
}

static void lines_that_never_ran_are_left_out(void **state)
{
    static const struct figures none[] = {{0, 99, 99, 0}};
    struct ml_buf b = book_start();
    add_function(&b, "a.py", "f", 1, none, 1);
    book_end(&b);
    assert_tells(parsed(&b), "");
}

static void unknown_records_are_skipped(void **state)
{
    struct ml_buf b = book_start();
    add_pair(&b, 4000, "from", "the future");
    add_function(&b, "a.py", "f", 1, three, 1);
    book_end(&b);
    assert_tells(parsed(&b), "a.py:1-1 f 1:1/10/100/1; ");
}

static void bytes_behind_the_used_ones_are_not_looked_at(void **state)
{
    struct ml_buf b = sample_book();
    ml_buf_fill(&b, '\xff', 1000); /* a record being written */
    struct ml_snapshot *s = parsed(&b);
    assert_false(ml_snapshot_truncated(s));
    assert_true(ml_snapshot_complete(s));
    assert_int_equal(ml_snapshot_pid(s), 77);
    assert_int_equal(ml_snapshot_start_ns(s), 5);
    assert_int_equal(ml_snapshot_books(s), 1);
    ml_snapshot_free(s);
}

/* --- damage ----------------------------------------------------------------------------------- */

static void set_u32(struct ml_buf *b, size_t at, uint32_t v)
{
    memcpy(b->p + at, &v, sizeof v);
}

enum { R = ML_BOOK_HEADER_BYTES }; /* the first record: function "late" of b.py */

static void each_damage_has_its_answer(void **state)
{
    static const struct {
        size_t at;
        uint32_t value;
        int status;
        const char *text;
    } rows[] = {
        {offsetof(struct ml_book_header, magic), 0x58585858, ML_EFORMAT, "not a memline book"},
        {offsetof(struct ml_book_header, version), 3, ML_ENEWER, "it has format 3"},
        {offsetof(struct ml_book_header, order_mark), 0x04030201, ML_EFORMAT, "another byte order"},
        {offsetof(struct ml_book_header, line_bytes), 64, ML_ENEWER, "reads format 2"},
        {offsetof(struct ml_book_header, used_bytes), 100, ML_EFORMAT, "header is damaged"},
        {offsetof(struct ml_book_header, used_bytes) + 4, 1, ML_EFORMAT, "header is damaged"},
        {R + 4, 24, ML_EFORMAT, "damaged record at byte 4096"},         /* below the least */
        {R + 4, 100, ML_EFORMAT, "damaged record at byte 4096"},        /* not a multiple */
        {R + 4, 0xFFFFFFE0, ML_EFORMAT, "damaged record at byte 4096"}, /* far too long */
        {R + 4, 64, ML_EFORMAT, "damaged record at byte 4096"},         /* lines do not fit */
        {R + 12, 0xFFFFFFFF, ML_EFORMAT, "damaged record"},             /* n_lines */
        {R + 12, 0, ML_EFORMAT, "damaged record"},
        {R + 8, 0xFFFFFFFE, ML_EFORMAT, "damaged record"},  /* line numbers run over */
        {R + 16, 0xFFFFFFFF, ML_EFORMAT, "damaged record"}, /* length of the file's name */
        {R + 20, 0xFFFFFFE8, ML_EFORMAT, "damaged record"}, /* length of the name */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ml_buf b = sample_book();
        struct ml_snapshot *s = NULL;
        struct ml_error e = {0};
        set_u32(&b, rows[i].at, rows[i].value);
        assert_int_equal(parse(ml_buf_view(&b), &s, &e), rows[i].status);
        assert_null(s);
        if (strstr(e.text, rows[i].text) == NULL)
            fail_msg("row %zu: '%s'", i, e.text);
        ml_buf_free(&b);
    }
}

static void a_pair_longer_than_its_record(void **state)
{
    for (int field = 8; field <= 12; field += 4) {
        struct ml_buf b = book_start();
        struct ml_snapshot *s = NULL;
        add_pair(&b, ML_BOOK_META, "key", "value");
        book_end(&b);
        set_u32(&b, (size_t)(R + field), 0xFFFFFFFF);
        assert_int_equal(parse(ml_buf_view(&b), &s, NULL), ML_EFORMAT);
        ml_buf_free(&b);
    }
}

static void every_cut_is_read_up_to_the_cut(void **state)
{
    struct ml_buf b = sample_book();
    size_t whole = b.n;
    size_t seen = 0; /* functions; never fewer with more bytes */
    for (size_t n = 0; n < whole; n++) {
        const struct ml_function *f;
        struct ml_snapshot *s = NULL;
        struct ml_error e = {0};
        int rc = parse((struct ml_str){b.p, n}, &s, &e);
        if (n < ML_BOOK_HEADER_BYTES) {
            assert_int_equal(rc, ML_ETRUNCATED);
            assert_non_null(strstr(e.text, "ends within its header"));
            continue;
        }
        assert_int_equal(rc, ML_OK);
        assert_true(ml_snapshot_truncated(s));
        size_t got = ml_snapshot_functions(s, &f);
        assert_true(got >= seen);
        seen = got;
        ml_snapshot_free(s);
    }
    assert_int_equal(seen, 3);
    ml_buf_free(&b);
}

static void a_tail_of_zeros_is_a_cut(void **state)
{
    struct ml_buf b = sample_book();
    memset(b.p + R + 192, 0, b.n - R - 192); /* pages that never reached the disk */
    struct ml_snapshot *s = parsed(&b);
    assert_true(ml_snapshot_truncated(s));
    assert_tells(s, "b.py:30-32 late 30:1/10/100/1 32:5/-50/500/2; ");
}

static void an_unwritten_header_is_a_cut(void **state)
{
    static const char zeros[8192];
    struct ml_snapshot *s = NULL;
    struct ml_error e = {0};
    assert_int_equal(parse((struct ml_str){zeros, sizeof zeros}, &s, &e), ML_ETRUNCATED);
    assert_int_equal(parse((struct ml_str){"hello", 5}, &s, &e), ML_EFORMAT);
    assert_int_equal(parse((struct ml_str){"MEML", 4}, &s, &e), ML_ETRUNCATED);
}

static void no_changed_byte_crashes_it(void **state)
{
    static const unsigned char changes[] = {0x00, 0x01, 0x20, 0x7f, 0x80, 0xff};
    struct ml_buf b = sample_book();
    for (size_t i = 0; i < b.n; i = i == sizeof(struct ml_book_header) ? R : i + 1)
        for (size_t c = 0; c < sizeof changes; c++) {
            struct ml_snapshot *s = NULL;
            char kept = b.p[i];
            b.p[i] = (char)changes[c];
            int rc = parse(ml_buf_view(&b), &s, NULL);
            assert_true((rc == ML_OK) == (s != NULL));
            ml_snapshot_free(s);
            b.p[i] = kept;
        }
    ml_buf_free(&b);
}

static void bytes_at_an_odd_address_are_read(void **state)
{
    struct ml_buf b = sample_book();
    struct ml_snapshot *s = NULL;
    char *moved = malloc(b.n + 1);
    memcpy(moved + 1, b.p, b.n);
    assert_int_equal(ml_snapshot_parse((struct ml_str){moved + 1, b.n}, "t", &s, NULL), ML_OK);
    free(moved);
    ml_snapshot_free(s);
    ml_buf_free(&b);
}

static int try_to_parse(void *arg)
{
    struct ml_snapshot *s = NULL;
    struct ml_error e = {0};
    int rc = ml_snapshot_parse(ml_buf_view(arg), "t.book", &s, &e);
    assert_true((rc == ML_OK) == (s != NULL));
    assert_true(rc == ML_OK || strstr(e.text, "out of memory") != NULL);
    ml_snapshot_free(s);
    return rc;
}

static void every_failed_allocation_is_an_answer(void **state)
{
    struct ml_buf b = sample_book();
    assert_true(fail_each(try_to_parse, &b) > 3);
    ml_buf_free(&b);
}

/* --- merging ------------------------------------------------------------------------------------ */

static struct ml_buf second_book(void)
{
    static const struct figures other[] = {{2, 1, 5000, 2}, {1, 1, 1, 1}};
    struct ml_buf b = book_start();
    header(&b)->pid = 88;
    atomic_store(&header(&b)->complete, 0);
    atomic_store(&header(&b)->lost, 3);
    add_function(&b, "a.py", "only", 7, other, 2);
    add_function(&b, "c.py", "new", 1, other, 2);
    add_pair(&b, ML_BOOK_META, "command", "y.py");
    add_pair(&b, ML_BOOK_META, "python", "3.13");
    add_pair(&b, ML_BOOK_SOURCE, "a.py", "other text\n");
    book_end(&b);
    return b;
}

static const char merged[] = "a.py:7-9 only 7:3/11/5000/1 8:1/1/1/3 9:5/-50/500/2; "
                             "b.py:1-3 early 1:1/10/100/1 3:5/-50/500/2; "
                             "b.py:30-32 late 30:1/10/100/1 32:5/-50/500/2; "
                             "c.py:1-2 new 1:2/1/5000/4 2:1/1/1/3; ";

static void merging_sums_lines_and_keeps_maxima(void **state)
{
    struct ml_buf b1 = sample_book();
    struct ml_buf b2 = second_book();
    struct ml_snapshot *s = parsed(&b1);
    struct ml_snapshot *from = parsed(&b2);
    assert_int_equal(ml_snapshot_merge(s, from), ML_OK);
    ml_snapshot_free(from); /* it owns nothing of the result */
    assert_true(ml_str_eq(ml_snapshot_meta(s, ML_STR("command")), ML_STR("x.py")));
    assert_true(ml_str_eq(ml_snapshot_meta(s, ML_STR("python")), ML_STR("3.13")));
    assert_true(ml_str_eq(ml_snapshot_source(s, ML_STR("a.py")), ML_STR("text of a\n")));
    assert_int_equal(ml_snapshot_pid(s), 77);
    assert_int_equal(ml_snapshot_lost(s), 3);
    assert_int_equal(ml_snapshot_books(s), 2);
    assert_false(ml_snapshot_complete(s));
    assert_tells(s, merged);
}

static void a_failed_merge_changes_nothing(void **state)
{
    int rc = ML_ENOMEM;
    for (long n = 1; rc == ML_ENOMEM; n++) {
        struct ml_buf b1 = sample_book();
        struct ml_buf b2 = second_book();
        struct ml_snapshot *s = parsed(&b1);
        struct ml_snapshot *from = parsed(&b2);
        struct ml_buf before = told(s);
        ml_mem_fail_after(n);
        rc = ml_snapshot_merge(s, from);
        ml_mem_fail_after(0);
        assert_int_equal(ml_snapshot_books(s), rc == ML_OK ? 2 : 1);
        assert_tells(s, rc == ML_OK ? merged : before.p);
        ml_buf_free(&before);
        ml_snapshot_free(from);
    }
    assert_int_equal(rc, ML_OK);
}

/* --- files ------------------------------------------------------------------------------------- */

static void write_file(const char *path, struct ml_str bytes)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
    assert_int_equal(fclose(f), 0);
}

static void files_that_are_no_books(void **state)
{
    struct ml_snapshot *s = NULL;
    struct ml_error e;
    struct {
        const char *path;
        int status;
        const char *text;
    } const rows[] = {
        {"/nonexistent.book", ML_ENOTFOUND, "cannot open book '/nonexistent.book': no such file"},
        {"/tmp", ML_EFORMAT, "not a regular file"},
        {"/dev/zero", ML_EFORMAT, "not a regular file"},
        {in_folder("pipe"), ML_EFORMAT, "not a regular file"},
        {in_folder("empty"), ML_ETRUNCATED, "ends within its header"},
        {in_folder("text"), ML_EFORMAT, "not a memline book"},
    };
    write_file(in_folder("empty"), ML_STR(""));
    write_file(in_folder("text"), ML_STR("import os\n"));
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        e = (struct ml_error){0};
        assert_int_equal(ml_snapshot_read(rows[i].path, &s, &e), rows[i].status);
        if (strstr(e.text, rows[i].text) == NULL)
            fail_msg("'%s'", e.text);
        assert_null(s);
    }
}

static void a_claim_of_a_gigabyte_takes_no_gigabyte(void **state)
{
    struct ml_buf b = sample_book();
    struct ml_snapshot *s = NULL;
    atomic_store(&header(&b)->used_bytes, ML_BOOK_MAX_BYTES);
    write_file(in_folder("a.book"), ml_buf_view(&b));
    assert_int_equal(ml_snapshot_read(in_folder("a.book"), &s, NULL), ML_OK);
    assert_true(ml_snapshot_truncated(s));
    const struct ml_function *f;
    assert_int_equal(ml_snapshot_functions(s, &f), 3);
    ml_snapshot_free(s);
    ml_buf_free(&b);
}

#define CASE(f) cmocka_unit_test(f)
#define FILE_CASE(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(functions_come_sorted),
        CASE(facts_and_sources_are_found),
        CASE(the_same_function_twice_is_summed),
        CASE(lines_that_never_ran_are_left_out),
        CASE(unknown_records_are_skipped),
        CASE(bytes_behind_the_used_ones_are_not_looked_at),
        CASE(each_damage_has_its_answer),
        CASE(a_pair_longer_than_its_record),
        CASE(every_cut_is_read_up_to_the_cut),
        CASE(a_tail_of_zeros_is_a_cut),
        CASE(an_unwritten_header_is_a_cut),
        CASE(no_changed_byte_crashes_it),
        CASE(bytes_at_an_odd_address_are_read),
        CASE(every_failed_allocation_is_an_answer),
        CASE(merging_sums_lines_and_keeps_maxima),
        CASE(a_failed_merge_changes_nothing),
        FILE_CASE(files_that_are_no_books),
        FILE_CASE(a_claim_of_a_gigabyte_takes_no_gigabyte),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
