/* tests/c/core/test_book.c -- what the account book promises, seen through snapshots of it.
 * SPDX-License-Identifier: MIT */
#include "core/book.h"

#include "core/snapshot.h"
#include "folder.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { UNDER_ASAN = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { UNDER_ASAN = 1 };
#else
enum { UNDER_ASAN = 0 };
#endif
#else
enum { UNDER_ASAN = 0 };
#endif

static struct ml_book *create(const char *name)
{
    struct ml_book *b = NULL;
    struct ml_error e = {0};
    if (ml_book_create(in_folder(name), 0, &b, &e) != ML_OK)
        fail_msg("%s", e.text);
    return b;
}

static struct ml_line *add_function(struct ml_book *b, const char *name, uint32_t first, uint32_t n)
{
    struct ml_line *lines = NULL;
    assert_int_equal(ml_book_function(b, ML_STR("/src/app.py"), ml_str_of(name), first, n, &lines),
                     ML_OK);
    return lines;
}

static void hit(struct ml_book *b, struct ml_line *line, int64_t net)
{
    if (atomic_load_explicit(&line->hits, memory_order_relaxed) == 0)
        atomic_store_explicit(&line->order, ml_book_next_order(b), memory_order_relaxed);
    atomic_fetch_add_explicit(&line->hits, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&line->rss_net_bytes, net, memory_order_relaxed);
}

static struct ml_snapshot *read_book(const char *path)
{
    struct ml_snapshot *s = NULL;
    struct ml_error e = {0};
    if (ml_snapshot_read(path, &s, &e) != ML_OK)
        fail_msg("%s", e.text);
    return s;
}

/* The hits of a line in a book; -1 if it has no such row. */
static int64_t hits_of(const char *path, const char *function, uint32_t line)
{
    const struct ml_function *f;
    struct ml_snapshot *s = read_book(path);
    int64_t hits = -1;
    size_t n = ml_snapshot_functions(s, &f);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < f[i].n_rows && ml_str_eq(f[i].name, ml_str_of(function)); j++)
            if (f[i].rows[j].line == line)
                hits = (int64_t)f[i].rows[j].hits;
    ml_snapshot_free(s);
    return hits;
}

static off_t file_bytes(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

/* --- one process ------------------------------------------------------------------------------ */

static void what_is_written_is_read(void **state)
{
    struct ml_book *b = create("a.book");
    assert_int_equal(ml_book_meta(b, ML_STR("command"), ML_STR("app.py 1")), ML_OK);
    assert_int_equal(ml_book_meta(b, ML_STR("command"), ML_STR("app.py 2")), ML_OK);
    assert_int_equal(ml_book_source(b, ML_STR("<cell>"), ML_STR("x = 1\n")), ML_OK);
    struct ml_line *lines = add_function(b, "main", 10, 3);
    hit(b, &lines[2], 4096);
    hit(b, &lines[2], -96);
    hit(b, &lines[0], 7);
    atomic_store(&lines[2].rss_max_bytes, 123456);

    struct ml_snapshot *s = read_book(ml_book_path(b));
    const struct ml_function *f;
    assert_int_equal(ml_snapshot_functions(s, &f), 1);
    assert_true(ml_str_eq(f->file, ML_STR("/src/app.py")));
    assert_true(ml_str_eq(f->name, ML_STR("main")));
    assert_int_equal(f->first_line, 10);
    assert_int_equal(f->last_line, 12);
    assert_int_equal(f->n_rows, 2);
    assert_int_equal(f->rows[0].line, 10);
    assert_int_equal(f->rows[0].order, 2);
    assert_int_equal(f->rows[1].line, 12);
    assert_int_equal(f->rows[1].hits, 2);
    assert_int_equal(f->rows[1].rss_net_bytes, 4000);
    assert_int_equal(f->rows[1].rss_max_bytes, 123456);
    assert_int_equal(f->rows[1].order, 1);
    assert_true(ml_str_eq(ml_snapshot_meta(s, ML_STR("command")), ML_STR("app.py 2")));
    assert_true(ml_str_eq(ml_snapshot_source(s, ML_STR("<cell>")), ML_STR("x = 1\n")));
    assert_int_equal(ml_snapshot_pid(s), getpid());
    assert_true(ml_snapshot_start_ns(s) > INT64_C(1500000000) * 1000000000);
    assert_false(ml_snapshot_complete(s));
    assert_false(ml_snapshot_truncated(s));
    assert_int_equal(ml_snapshot_lost(s), 0);
    ml_snapshot_free(s);
    ml_book_close(b);
}

static void close_completes_and_trims(void **state)
{
    struct ml_book *b = create("a.book");
    hit(b, add_function(b, "f", 1, 1), 1);
    off_t before = file_bytes(in_folder("a.book"));
    size_t used = ml_book_bytes(b).n;
    ml_book_close(b);
    assert_true(before > (off_t)used);
    assert_int_equal(file_bytes(in_folder("a.book")), used);
    struct ml_snapshot *s = read_book(in_folder("a.book"));
    assert_true(ml_snapshot_complete(s));
    ml_snapshot_free(s);
}

static void discard_leaves_no_file(void **state)
{
    ml_book_discard(create("a.book"));
    assert_int_equal(file_bytes(in_folder("a.book")), -1);
}

static size_t mapped_bytes_of(const char *name)
{
    char line[PATH_MAX + 128];
    unsigned long first;
    unsigned long last;
    size_t n = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL)
        if (strstr(line, name) != NULL && sscanf(line, "%lx-%lx", &first, &last) == 2)
            n += last - first;
    fclose(f);
    return n;
}

static void a_retired_book_is_complete_and_late_writes_are_lost(void **state)
{
    for (int discard = 0; discard < 2; discard++) {
        struct ml_book *b = create("a.book");
        struct ml_line *lines = add_function(b, "f", 1, 2);
        hit(b, &lines[0], 1);
        assert_true(mapped_bytes_of(folder) > 0);
        ml_book_retire(b, discard);
        assert_int_equal(mapped_bytes_of(folder), 0); /* nothing keeps the file's space taken */
        atomic_fetch_add(&lines[1].hits, 1);
        if (discard) {
            assert_int_equal(file_bytes(in_folder("a.book")), -1);
            continue;
        }
        assert_int_equal(hits_of(in_folder("a.book"), "f", 1), 1);
        assert_int_equal(hits_of(in_folder("a.book"), "f", 2), -1);
        struct ml_snapshot *s = read_book(in_folder("a.book"));
        assert_true(ml_snapshot_complete(s));
        ml_snapshot_free(s);
        assert_int_equal(unlink(in_folder("a.book")), 0);
    }
}

static void only_its_owner_may_read_the_file(void **state)
{
    struct stat st;
    struct ml_book *b = create("a.book");
    assert_int_equal(stat(ml_book_path(b), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    ml_book_close(b);
}

static void an_existing_file_is_kept_unless_told(void **state)
{
    struct ml_book *b = NULL;
    struct ml_error e;
    ml_book_close(create("a.book"));
    assert_int_equal(ml_book_create(in_folder("a.book"), 0, &b, &e), ML_EBUSY);
    assert_non_null(strstr(e.text, "it exists"));
    assert_null(b);
    assert_int_equal(ml_book_create(in_folder("a.book"), 1, &b, &e), ML_OK);
    ml_book_close(b);
}

static void replacing_leaves_the_old_mapping_alone(void **state)
{
    struct ml_book *old = create("a.book");
    struct ml_book *new = NULL;
    struct ml_line *lines = add_function(old, "f", 1, 1);
    assert_int_equal(ml_book_create(in_folder("a.book"), 1, &new, NULL), ML_OK);
    hit(old, lines, 1); /* would be SIGBUS, or in the new file, had it been cut */
    assert_int_equal(hits_of(in_folder("a.book"), "f", 1), -1);
    ml_book_close(new);
    off_t n = file_bytes(in_folder("a.book"));
    ml_book_discard(old); /* its name is now another's: not removed */
    assert_int_equal(file_bytes(in_folder("a.book")), n);
}

static void places_where_no_book_can_be(void **state)
{
    struct {
        const char *path;
        int replace;
        int status;
        const char *text;
    } const rows[] = {
        {"/nonexistent-folder/a.book", 0, ML_ENOTFOUND, "no such file or directory"},
        {"/dev/null", 1, ML_EIO, "not a regular file"},
        {"/dev/full", 0, ML_EBUSY, "it exists"},
        {"/tmp", 1, ML_EIO, "not a regular file"},
        {"/proc/a.book", 0, ML_ENOTFOUND, "cannot create book '/proc/a.book'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ml_book *b = NULL;
        struct ml_error e = {0};
        assert_int_equal(ml_book_create(rows[i].path, rows[i].replace, &b, &e), rows[i].status);
        assert_null(b);
        assert_non_null(strstr(e.text, rows[i].text));
    }
    assert_int_equal(access("/dev/null", F_OK), 0);
}

static void a_relative_path_holds_after_chdir(void **state)
{
    char old[PATH_MAX];
    struct ml_book *b = NULL;
    assert_non_null(getcwd(old, sizeof old));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(ml_book_create("a.book", 0, &b, NULL), ML_OK);
    assert_int_equal(chdir("/"), 0);
    assert_string_equal(ml_book_path(b), in_folder("a.book"));
    ml_book_discard(b);
    assert_int_equal(file_bytes(in_folder("a.book")), -1);
    assert_int_equal(chdir(old), 0);
}

static void figures_stand_within_cache_lines(void **state)
{
    struct ml_book *b = create("a.book");
    for (uint32_t i = 1; i < 40; i++) {
        char name[64] = {0};
        memset(name, 'x', i);
        assert_int_equal((uintptr_t)add_function(b, name, i, i) % sizeof(struct ml_line), 0);
    }
    ml_book_close(b);
}

static void too_much_for_a_record_is_refused_and_counted(void **state)
{
    struct ml_line *lines = NULL;
    struct ml_book *b = create("a.book");
    struct ml_str huge = {"", (size_t)1 << 40}; /* never read */
    assert_int_equal(ml_book_function(b, ML_STR("f"), ML_STR("g"), 1, UINT32_MAX - 1, &lines),
                     ML_ELIMIT);
    assert_int_equal(ml_book_function(b, ML_STR("f"), ML_STR("g"), UINT32_MAX, 2, &lines),
                     ML_ELIMIT);
    assert_int_equal(ml_book_function(b, huge, ML_STR("g"), 1, 1, &lines), ML_ELIMIT);
    assert_int_equal(ml_book_source(b, ML_STR("f"), huge), ML_ELIMIT);
    assert_int_equal(ml_book_meta(b, huge, ML_STR("f")), ML_ELIMIT);
    assert_null(lines);
    ml_book_close(b);
    struct ml_snapshot *s = read_book(in_folder("a.book"));
    assert_int_equal(ml_snapshot_lost(s), 3);
    ml_snapshot_free(s);
}

static void ten_thousand_functions_stay_where_they_are(void **state)
{
    enum { N = 10000 };
    static struct ml_line *lines[N];
    char name[32];
    struct ml_book *b = create("a.book");
    for (uint32_t i = 0; i < N; i++) {
        snprintf(name, sizeof name, "function_%u", i);
        lines[i] = add_function(b, name, i * 10 + 1, 10);
        hit(b, &lines[i][i % 10], (int64_t)i);
    }
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(atomic_load(&lines[i][i % 10].rss_net_bytes), i);
    ml_book_close(b);
    struct ml_snapshot *s = read_book(in_folder("a.book"));
    const struct ml_function *f;
    assert_int_equal(ml_snapshot_functions(s, &f), N);
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(f[i].first_line, i * 10 + 1);
        assert_int_equal(f[i].rows[0].rss_net_bytes, i);
        assert_int_equal(f[i].rows[0].order, i + 1);
    }
    ml_snapshot_free(s);
}

static void a_function_of_100000_lines(void **state)
{
    enum { N = 100000 };
    struct ml_book *b = create("a.book");
    struct ml_line *lines = add_function(b, "long", 1, N);
    for (uint32_t i = 0; i < N; i += 2)
        hit(b, &lines[i], i);
    struct ml_snapshot *s = read_book(ml_book_path(b));
    const struct ml_function *f;
    assert_int_equal(ml_snapshot_functions(s, &f), 1);
    assert_int_equal(f->n_rows, N / 2);
    assert_int_equal(f->rows[N / 2 - 1].line, N - 1);
    assert_int_equal(f->rows[N / 2 - 1].rss_net_bytes, N - 2);
    ml_snapshot_free(s);
    ml_book_close(b);
}

static void a_program_that_closes_all_files_loses_nothing(void **state)
{
    struct ml_book *b = create("a.book");
    int mine[512];
    int n = 0;
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    while (n < 512) { /* its own files now have the numbers that ours had */
        char name[32];
        snprintf(name, sizeof name, "mine%d", n);
        mine[n] = open(in_folder(name), O_RDWR | O_CREAT, 0600);
        assert_true(mine[n] >= 0);
        n++;
    }
    struct ml_line *lines = add_function(b, "big", 1, 50000); /* must grow the file */
    hit(b, &lines[49999], 5);
    ml_book_close(b);
    assert_int_equal(hits_of(in_folder("a.book"), "big", 50000), 1);
    for (int i = 0; i < n; i++) {
        struct stat st;
        assert_int_equal(fstat(mine[i], &st), 0); /* still open, and untouched */
        assert_int_equal(st.st_size, 0);
        close(mine[i]);
    }
}

/* --- several processes ------------------------------------------------------------------------ */

/* A child that books until it is told to end by a byte, or killed. *ready gets a byte once it has
 * booked something. */
static pid_t start_writer(const char *path, int ready, int end)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct ml_book *b = NULL;
    char byte;
    if (ml_book_create(path, 0, &b, NULL) != ML_OK)
        _exit(1);
    struct ml_line *lines = NULL;
    if (ml_book_function(b, ML_STR("w.py"), ML_STR("work"), 1, 2, &lines) != ML_OK)
        _exit(2);
    for (int i = 0; i < 1000; i++)
        hit(b, &lines[1], 10);
    if (write(ready, "r", 1) != 1 || read(end, &byte, 1) != 1)
        _exit(3);
    ml_book_close(b);
    _exit(0);
}

struct writer {
    pid_t pid;
    int ready[2];
    int end[2];
};

static struct writer writer_new(const char *path)
{
    struct writer w;
    char byte;
    assert_int_equal(pipe(w.ready), 0);
    assert_int_equal(pipe(w.end), 0);
    w.pid = start_writer(path, w.ready[1], w.end[0]);
    assert_int_equal(read(w.ready[0], &byte, 1), 1);
    return w;
}

static int writer_end(struct writer *w, int how)
{
    if (how != 0)
        kill(w->pid, how);
    else
        assert_int_equal(write(w->end[1], "e", 1), 1);
    int status = wait_for(w->pid);
    for (int i = 0; i < 2; i++) {
        close(w->ready[i]);
        close(w->end[i]);
    }
    return status;
}

static void another_process_reads_while_it_runs(void **state)
{
    const char *path = in_folder("live.book");
    struct writer w = writer_new(path);
    assert_int_equal(hits_of(path, "work", 2), 1000);
    struct ml_snapshot *s = read_book(path);
    assert_int_equal(ml_snapshot_pid(s), w.pid);
    assert_false(ml_snapshot_complete(s));
    ml_snapshot_free(s);
    assert_int_equal(writer_end(&w, 0), 0);
    s = read_book(path);
    assert_true(ml_snapshot_complete(s));
    ml_snapshot_free(s);
}

static void everything_is_there_after_sigkill(void **state)
{
    const char *path = in_folder("killed.book");
    struct writer w = writer_new(path);
    assert_true(WIFSIGNALED(writer_end(&w, SIGKILL)));
    assert_int_equal(hits_of(path, "work", 2), 1000);
    struct ml_snapshot *s = read_book(path);
    assert_false(ml_snapshot_complete(s));
    assert_false(ml_snapshot_truncated(s));
    ml_snapshot_free(s);
}

static const char *child_path(const char *name, long pid)
{
    char file[64];
    snprintf(file, sizeof file, "%s.%ld", name, pid);
    return in_folder(file);
}

static void a_forked_child_goes_on_in_a_file_of_its_own(void **state)
{
    struct ml_book *b = create("a.book");
    struct ml_line *lines = add_function(b, "f", 1, 4);
    assert_int_equal(ml_book_meta(b, ML_STR("k"), ML_STR("v")), ML_OK);
    hit(b, &lines[0], 1);
    pid_t pid = fork();
    if (pid == 0) {
        struct ml_error e = {0};
        if (ml_book_fork_child(b, &e) != ML_OK)
            _exit(1);
        for (int i = 0; i < 3; i++)
            hit(b, &lines[1], 8); /* the pointer handed out before the fork */
        hit(b, add_function(b, "grandchild_too", 100, 20000), 1);
        pid_t below = fork();
        if (below == 0) {
            if (ml_book_fork_child(b, &e) != ML_OK)
                _exit(2);
            hit(b, &lines[2], 1);
            ml_book_close(b);
            _exit(0);
        }
        int status = wait_for(below);
        ml_book_close(b);
        rename(child_path("a.book", below), in_folder("grandchild.book"));
        _exit(status == 0 ? 0 : 3);
    }
    hit(b, &lines[0], 1);
    assert_int_equal(wait_for(pid), 0);
    assert_int_equal(hits_of(in_folder("a.book"), "f", 1), 2);
    assert_int_equal(hits_of(in_folder("a.book"), "f", 2), -1);
    assert_int_equal(hits_of(in_folder("a.book"), "grandchild_too", 100), -1);
    const char *child = child_path("a.book", pid);
    assert_int_equal(hits_of(child, "f", 1), -1);
    assert_int_equal(hits_of(child, "f", 2), 3);
    assert_int_equal(hits_of(child, "grandchild_too", 100), 1);
    assert_int_equal(hits_of(in_folder("grandchild.book"), "f", 2), -1);
    assert_int_equal(hits_of(in_folder("grandchild.book"), "f", 3), 1);
    struct ml_snapshot *s = read_book(child);
    assert_true(ml_str_eq(ml_snapshot_meta(s, ML_STR("k")), ML_STR("v")));
    assert_int_equal(ml_snapshot_pid(s), pid);
    assert_true(ml_snapshot_complete(s));
    ml_snapshot_free(s);
    ml_book_close(b);
}

static void a_child_without_a_file_books_in_private(void **state)
{
    struct ml_book *b = create("a.book");
    struct ml_line *lines = add_function(b, "f", 1, 4);
    hit(b, &lines[0], 1);
    pid_t pid = fork();
    if (pid == 0) {
        struct ml_error e = {0};
        char kept[PATH_MAX];
        struct ml_snapshot *s = NULL;
        snprintf(kept, sizeof kept, "%s.away", folder);
        if (rename(folder, kept) != 0)
            _exit(1);
        int rc = ml_book_fork_child(b, &e);
        if (rename(kept, folder) != 0 || rc != ML_ENOTFOUND || e.text[0] == '\0')
            _exit(2);
        hit(b, &lines[1], 8);
        hit(b, add_function(b, "later", 100, 50000), 1);
        if (ml_snapshot_parse(ml_book_bytes(b), "live", &s, &e) != ML_OK)
            _exit(3);
        const struct ml_function *f;
        size_t n = ml_snapshot_functions(s, &f);
        int ok = n == 2 && f[0].n_rows == 1 && f[0].rows[0].line == 2 && ml_book_path(b)[0] == '\0';
        ml_snapshot_free(s);
        pid_t below = fork();
        if (below == 0) {
            rc = ml_book_fork_child(b, &e);
            _exit(rc == ML_OK && atomic_load(&lines[1].hits) == 0 ? 0 : 1);
        }
        ok = ok && wait_for(below) == 0;
        ml_book_discard(b); /* must not remove the parent's file */
        _exit(ok ? 0 : 4);
    }
    assert_int_equal(wait_for(pid), 0);
    assert_int_equal(hits_of(in_folder("a.book"), "f", 1), 1);
    assert_int_equal(hits_of(in_folder("a.book"), "f", 2), -1);
    ml_book_close(b);
}

static void a_child_that_was_not_told_changes_nothing_at_close(void **state)
{
    struct ml_book *b = create("a.book");
    hit(b, add_function(b, "f", 1, 1), 1);
    for (int discard = 0; discard < 2; discard++) {
        pid_t pid = fork();
        if (pid == 0) {
            if (discard)
                ml_book_discard(b);
            else
                ml_book_close(b);
            _exit(0);
        }
        assert_int_equal(wait_for(pid), 0);
    }
    hit(b, add_function(b, "g", 1, 4000), 1); /* SIGBUS if the child had trimmed the file */
    struct ml_snapshot *s = read_book(in_folder("a.book"));
    assert_false(ml_snapshot_complete(s));
    ml_snapshot_free(s);
    ml_book_close(b);
}

/* --- no room ------------------------------------------------------------------------------------ */

/* Books functions until the book is full, in this process; then everything that was accepted must be
 * writable and readable. Answers 0, or the number of the step that failed. */
static int fill_to_the_end(const char *path)
{
    enum { MOST = 4000, LINES = 100 };
    static struct ml_line *lines[MOST];
    struct ml_book *b = NULL;
    struct ml_snapshot *s = NULL;
    int rc = ml_book_create(path, 0, &b, NULL);
    if (rc != ML_OK)
        return 1;
    int n = 0;
    while (n < MOST && rc == ML_OK) {
        char name[32];
        snprintf(name, sizeof name, "f%d", n);
        rc = ml_book_function(b, ML_STR("x.py"), ml_str_of(name), 1, LINES, &lines[n]);
        n += rc == ML_OK;
    }
    if (rc != ML_EFULL || n == 0)
        return 2;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < LINES; j++)
            hit(b, &lines[i][j], 1);
    if (ml_book_function(b, ML_STR("x.py"), ML_STR("g"), 1, LINES, &lines[0]) != ML_EFULL)
        return 3;
    ml_book_close(b);
    if (ml_snapshot_read(path, &s, NULL) != ML_OK)
        return 4;
    const struct ml_function *f;
    if (ml_snapshot_functions(s, &f) != (size_t)n || f[n - 1].n_rows != LINES)
        return 5;
    int ok = ml_snapshot_lost(s) == 2 && ml_snapshot_complete(s);
    ml_snapshot_free(s);
    return ok ? 0 : 6;
}

static void a_limited_file_size_is_an_answer(void **state)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit most = {200000, 200000};
        setrlimit(RLIMIT_FSIZE, &most); /* SIGXFSZ would kill */
        _exit(fill_to_the_end(in_folder("a.book")));
    }
    assert_int_equal(wait_for(pid), 0);
}

static void a_full_disk_is_an_answer(void **state)
{
    char disk[PATH_MAX];
    char path[PATH_MAX + 16];
    snprintf(disk, sizeof disk, "%s", in_folder("disk"));
    snprintf(path, sizeof path, "%s/a.book", disk);
    assert_int_equal(mkdir(disk, 0700), 0);
    if (mount("tmpfs", disk, "tmpfs", 0, "size=300k") != 0) {
        rmdir(disk);
        skip(); /* not root; the file size limit above tests the same path */
    }
    pid_t pid = fork();
    if (pid == 0)
        _exit(fill_to_the_end(path));
    int status = wait_for(pid);
    umount(disk);
    rmdir(disk);
    assert_int_equal(status, 0);
}

static void no_room_at_all_leaves_no_file(void **state)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit most = {1000, 1000};
        struct ml_book *b = NULL;
        struct ml_error e = {0};
        setrlimit(RLIMIT_FSIZE, &most);
        int rc = ml_book_create(in_folder("a.book"), 0, &b, &e);
        _exit(rc == ML_EFULL && b == NULL && strstr(e.text, "no space left") != NULL ? 0 : 1);
    }
    assert_int_equal(wait_for(pid), 0);
    assert_int_equal(file_bytes(in_folder("a.book")), -1);
}

static void few_addresses_mean_a_smaller_book(void **state)
{
    if (UNDER_ASAN)
        skip(); /* its own shadow needs terabytes of addresses */
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit most = {(rlim_t)64 << 20, (rlim_t)64 << 20};
        struct ml_book *b = NULL;
        setrlimit(RLIMIT_AS, &most);
        if (ml_book_create(in_folder("a.book"), 0, &b, NULL) != ML_OK)
            _exit(1);
        int rc = ML_OK;
        struct ml_line *lines;
        for (int i = 0; i < 100 && rc == ML_OK; i++)
            rc = ml_book_function(b, ML_STR("x.py"), ML_STR("f"), 1, 100000, &lines);
        ml_book_close(b);
        _exit(rc == ML_EFULL ? 0 : 2);
    }
    assert_int_equal(wait_for(pid), 0);
    struct ml_snapshot *s = read_book(in_folder("a.book"));
    assert_true(ml_snapshot_complete(s));
    ml_snapshot_free(s);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest cases[] = {
        CASE(what_is_written_is_read),
        CASE(close_completes_and_trims),
        CASE(discard_leaves_no_file),
        CASE(a_retired_book_is_complete_and_late_writes_are_lost),
        CASE(only_its_owner_may_read_the_file),
        CASE(an_existing_file_is_kept_unless_told),
        CASE(replacing_leaves_the_old_mapping_alone),
        CASE(places_where_no_book_can_be),
        CASE(a_relative_path_holds_after_chdir),
        CASE(figures_stand_within_cache_lines),
        CASE(too_much_for_a_record_is_refused_and_counted),
        CASE(ten_thousand_functions_stay_where_they_are),
        CASE(a_function_of_100000_lines),
        CASE(a_program_that_closes_all_files_loses_nothing),
        CASE(another_process_reads_while_it_runs),
        CASE(everything_is_there_after_sigkill),
        CASE(a_forked_child_goes_on_in_a_file_of_its_own),
        CASE(a_child_without_a_file_books_in_private),
        CASE(a_child_that_was_not_told_changes_nothing_at_close),
        CASE(a_limited_file_size_is_an_answer),
        CASE(a_full_disk_is_an_answer),
        CASE(no_room_at_all_leaves_no_file),
        CASE(few_addresses_mean_a_smaller_book),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
