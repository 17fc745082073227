/* core/native: a library's allocations, counted; what it asks for is what it gets.
 * The numbers K.. are those of the profiling reference's known-answer programs.
 * SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/folder.h"
#include "core/native.h"
#include "core/native/family.h"

#include "core/counted.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* --- the library ---------------------------------------------------------------------------------- */

struct family {
    void *handle;
    const struct family_maker *makers;
#define FIELD(name, result, arguments) result(*name) arguments;
    FAMILY(FIELD)
#undef FIELD
};

static struct family lazy, now; /* how their slots are bound */

static void *library(const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s.so", NATIVE_FOLDER, name);
    void *h = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    if (h == NULL)
        fail_msg("%s", dlerror());
    return h;
}

static void family_open(struct family *f, const char *name)
{
    f->handle = library(name);
    f->makers = dlsym(f->handle, "family_makers");
#define FIND(name, result, arguments) *(void **)&f->name = dlsym(f->handle, "family_" #name);
    FAMILY(FIND)
#undef FIND
}

static uint32_t site, other;

static int group_setup(void **state)
{
    struct ml_error e;
    int rc = folder_setup(state);
    family_open(&lazy, "family_lazy");
    counting_begins(ML_HEAP_EXACT);
    assert_int_equal(ml_native_install(&e), ML_OK);
    family_open(&now, "family_now");
    ml_native_refresh();
    return rc;
}

static int group_teardown(void **state)
{
    ml_native_uninstall();
    counting_ends();
    return folder_teardown(state);
}

static unsigned line_used;

static int setup(void **state)
{
    site = on_line(line_used++);
    other = on_line(line_used++);
    on_line(line_used - 2);
    return 0;
}

static void expect(uint64_t count, uint64_t bytes, uint64_t freed_count, uint64_t freed_bytes)
{
    struct figures f = figures_of(site);
    assert_int_equal(f.alloc_count, count);
    assert_int_equal(f.alloc_bytes, bytes);
    assert_int_equal(f.freed_count, freed_count);
    assert_int_equal(f.freed_bytes, freed_bytes);
}

/* --- K17: the family ---------------------------------------------------------------------------------- */

enum { CALLS = 1000 };

/* Each maker: 1000 blocks of known sizes, also 0 and less than 16; then half of them freed. */
static void make_and_free(const struct family *f, const struct family_maker *m)
{
    static void *blocks[CALLS];
    uint64_t bytes = 0, freed = 0;
    setup(NULL);
    for (size_t i = 0; i < CALLS; i++) {
        size_t n = i < 40 ? i : i * 32;
        blocks[i] = m->make(n);
        assert_non_null(blocks[i]);
        memset(blocks[i], 0x5A, n);
        bytes += n;
        freed += i % 2 == 0 ? n : 0;
    }
    expect(CALLS, bytes, 0, 0);
    for (size_t i = 0; i < CALLS; i += 2)
        f->free(blocks[i]);
    expect(CALLS, bytes, CALLS / 2, freed);
    for (size_t i = 1; i < CALLS; i += 2)
        f->free(blocks[i]);
    expect(CALLS, bytes, CALLS, bytes);
}

static void every_member_of_the_family_is_counted_to_the_byte(void **state)
{
    for (size_t i = 0; lazy.makers[i].name != NULL; i++) {
        print_message("%s\n", lazy.makers[i].name);
        make_and_free(&lazy, &lazy.makers[i]);
        make_and_free(&now, &now.makers[i]);
    }
}

static void realloc_moves_the_block_to_who_asks(void **state)
{
    on_line(line_used - 1); /* `other` */
    char *p = lazy.makers[0].make(100);
    on_line(line_used - 2);
    memset(p, 7, 100);
    p = lazy.realloc(p, 300000);
    assert_int_equal(p[99], 7);
    assert_int_equal(held_by(other), 0);
    expect(1, 300000, 0, 0);
    p = now.realloc(p, 10);
    expect(2, 300010, 1, 300000);
    assert_int_equal(figures_of(site).reallocs, 2);
    assert_int_equal(p[9], 7);
    p = lazy.reallocarray(p, 10, 20);
    expect(3, 300210, 2, 300010);
    lazy.free(p);
    expect(3, 300210, 3, 300210);
}

static void realloc_to_nothing_frees(void **state)
{
    void *p = lazy.makers[0].make(500);
    void *q = lazy.realloc(p, 0);
    if (q == NULL) {
        expect(1, 500, 1, 500);
    } else { /* an allocator that answers an empty block */
        expect(2, 500, 1, 500);
        lazy.free(q);
    }
    assert_int_equal(held_by(site), 0);
}

/* Out of the optimizer's sight. */
static volatile size_t absurd = SIZE_MAX / 4, zero = 0;

static void calls_that_fail_change_nothing(void **state)
{
    char *p = lazy.makers[0].make(64);
    memset(p, 9, 64);
    errno = 0;
    assert_null(lazy.realloc(p, absurd));
    assert_int_equal(errno, ENOMEM);
    assert_null(lazy.calloc(absurd, 16));
    errno = 0;
    assert_null(lazy.reallocarray(p, absurd, 16));
    assert_int_equal(errno, ENOMEM);
    assert_null(lazy.makers[0].make(absurd));
    expect(1, 64, 0, 0);
    assert_int_equal(p[63], 9); /* still there, and still ours */
    lazy.free(p);
    expect(1, 64, 1, 64);
    lazy.free(NULL);
    expect(1, 64, 1, 64);
}

static void calloc_is_zero_and_errno_is_kept(void **state)
{
    for (size_t n = 0; n < 64; n++) {
        char *p = lazy.calloc(n, 3);
        for (size_t i = 0; i < 3 * n; i++)
            assert_int_equal(p[i], 0);
        assert_true(lazy.usable(p) >= 3 * n);
        errno = 1234;
        lazy.free(p);
        assert_int_equal(errno, 1234);
    }
    assert_int_equal(held_by(site), 0);
}

static void large_blocks_are_counted(void **state)
{
    size_t n = (size_t)5 << 30; /* above 4 GiB */
    void *p = lazy.makers[0].make(n);
    if (p == NULL)
        skip();
    expect(1, n, 0, 0);
    lazy.free(p);
    expect(1, n, 1, n);
}

/* --- K18: where a call comes from ------------------------------------------------------------------------ */

static void the_c_library_counts_for_its_caller(void **state)
{
    if (SANITIZED)
        skip(); /* the sanitizer has its own strdup, which calls its inside */
    size_t n = 50 << 20;
    char *text = malloc(n + 1); /* ours: not seen */
    memset(text, 'x', n);
    text[n] = '\0';
    expect(0, 0, 0, 0);
    char *copy = lazy.strdup(text);
    expect(1, n + 1, 0, 0);
    lazy.free(copy);
    expect(1, n + 1, 1, n + 1);
    free(text);
}

static void getline_is_seen_whole(void **state)
{
    char *line = NULL;
    FILE *f = fopen(in_folder("text"), "w");
    assert_non_null(f);
    for (int i = 0; i < 10000; i++)
        fputc('a', f);
    fclose(f);
    assert_int_equal(lazy.getline(in_folder("text"), &line), 10000);
    assert_true(SANITIZED || held_by(site) >= 10001);
    lazy.free(line);
    assert_int_equal(held_by(site), 0); /* the stream and its buffer as well */
}

static void tables_of_addresses_are_seen(void **state)
{
    size_t n = 200 << 20;
    void *h = library("table");
    ml_native_refresh();
    void *(*get)(size_t) = (void *(*)(size_t))dlsym(h, "table_get");
    void *(*own)(size_t) = (void *(*)(size_t))dlsym(h, "table_own_get");
    void (*give)(void *) = (void (*)(void *))dlsym(h, "table_give");
    void *p = get(n), *q = own(1000);
    expect(2, n + 1000, 0, 0);
    give(p);
    give(q);
    expect(2, n + 1000, 2, n + 1000);
    dlclose(h);
}

static void *mine(size_t n)
{
    return calloc(1, n);
}

static void a_table_that_the_program_changed_is_its_own(void **state)
{
    void *h = library("table");
    void (*set)(void *(*)(size_t)) = (void (*)(void *(*)(size_t)))dlsym(h, "table_set_get");
    void *(*own)(size_t) = (void *(*)(size_t))dlsym(h, "table_own_get");
    set(mine); /* before we look */
    ml_native_refresh();
    free(own(1000));
    expect(0, 0, 0, 0);
    dlclose(h);
}

static void a_looked_up_function_is_seen(void **state)
{
    size_t n = 200 << 20;
    void *program = dlopen(NULL, RTLD_LAZY);
    void *(*get)(size_t) = (void *(*)(size_t))lazy.lookup(program, "malloc");
    void (*give)(void *) = (void (*)(void *))now.lookup(program, "free");
    void *p = get(n);
    expect(1, n, 0, 0);
    give(p);
    expect(1, n, 1, n);
    dlclose(program);
}

static void dlsym_still_knows_who_calls(void **state)
{
    int *marker = lazy.lookup_default(); /* local to that library */
    assert_non_null(marker);
    assert_int_equal(*marker, 42);
    assert_ptr_equal(marker, dlsym(lazy.handle, "family_marker"));
    assert_ptr_not_equal(now.lookup_default(), marker);
    assert_null(lazy.lookup(lazy.handle, "there is no such name"));
    assert_non_null(dlerror());
    assert_ptr_equal(lazy.lookup_next("strtol"), dlsym(RTLD_DEFAULT, "strtol"));
}

static void a_library_loaded_later_is_seen_with_what_it_needs(void **state)
{
    size_t n = 200 << 20;
    void *h = library("needs");
    expect(0, 0, 0, 0); /* its constructor came before us */
    void *(*get)(size_t) = (void *(*)(size_t))lazy.lookup(h, "needs_get"); /* this lets us look */
    void (*give)(void *) = (void (*)(void *))dlsym(h, "needs_give");
    void *p = get(n);
    expect(1, n, 0, 0);
    give(p);
    expect(1, n, 1, n);
    dlclose(h);
}

static void libraries_come_and_go(void **state)
{
    for (int i = 0; i < 50; i++) {
        void *h = library(i % 3 == 0 ? "needs" : "table");
        ml_native_refresh();
        void *(*get)(size_t) = (void *(*)(size_t))dlsym(h, i % 3 == 0 ? "needs_get" : "table_get");
        void (*give)(void *) = (void (*)(void *))dlsym(h, i % 3 == 0 ? "needs_give" : "table_give");
        give(get(100));
        if (i % 2 == 0)
            ml_native_refresh();
        dlclose(h);
        if (i % 5 == 0)
            ml_native_refresh();
    }
    expect(50, 5000, 50, 5000);
}

/* --- in and out ------------------------------------------------------------------------------------------- */

static void out_and_in_again(void **state)
{
    struct ml_error e;
    struct ml_native_report r;
    void *(*get)(size_t) = (void *(*)(size_t))lazy.lookup(lazy.handle, "malloc");
    ml_native_report(&r);
    assert_true(r.installed);
    assert_true(r.elf.slots > 0 && r.elf.patched >= 2 && r.elf.data == 0);
    assert_int_equal(r.elf.refused, 0);
    assert_int_equal(r.elf.waiting, 0);
    assert_int_equal(r.elf.loading, 0);
    assert_false(r.elf.fixed);
    assert_true(strlen(r.provider) > 0);
    void *p = lazy.makers[0].make(100);
    ml_native_uninstall();
    ml_native_report(&r);
    assert_int_equal(r.elf.slots, 0);
    void *q = lazy.makers[0].make(100);
    expect(1, 100, 0, 0);
    lazy.free(q);
    lazy.free(get(100)); /* in the program's hands: it goes on working, and counting */
    assert_ptr_not_equal(lazy.lookup(lazy.handle, "malloc"), get);
    assert_int_equal(ml_native_install(&e), ML_OK);
    lazy.free(p);
    assert_int_equal(figures_of(site).freed_count, 1);
    ml_native_report(&r);
    assert_true(r.elf.slots > 0);
}

static void while_off_everything_passes_through(void **state)
{
    void *p = lazy.makers[0].make(100);
    uint32_t mode = atomic_exchange(&ml_heap_mode_now, ML_HEAP_OFF);
    struct ml_heap_thread *mine = ml_heap_mine; /* as in a forked child */
    ml_heap_mine = NULL;
    p = lazy.realloc(p, 200);
    void *q = lazy.calloc(2, 3);
    void *m = lazy.mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    lazy.munmap(m, 4096);
    lazy.free(q);
    lazy.free(p);
    ml_heap_mine = mine;
    atomic_store(&ml_heap_mode_now, mode);
    expect(1, 100, 0, 0);
}

/* --- K22: threads -------------------------------------------------------------------------------------------- */

static void *free_it(void *p)
{
    lazy.free(p);
    return NULL;
}

static void the_owner_is_who_allocated(void **state)
{
    void *p = lazy.makers[0].make(12345);
    assert_int_equal(lazy.thread(free_it, p), 0);
    expect(1, 12345, 1, 12345);
}

static pthread_key_t last_key;
static int last_calls;

static void at_the_end(void *p)
{
    lazy.free(p);
    if (++last_calls < 3)
        pthread_setspecific(last_key, lazy.makers[0].make(64)); /* once more */
}

static void *dies_allocating(void *arg)
{
    pthread_setspecific(last_key, lazy.makers[0].make(64));
    return NULL;
}

static void destructors_of_threads_may_allocate(void **state)
{
    uint32_t native = ML_SITE_NATIVE;
    int64_t before = held_by(native);
    assert_int_equal(pthread_key_create(&last_key, at_the_end), 0);
    for (int i = 0; i < 200; i++) {
        last_calls = 0;
        assert_int_equal(lazy.thread(dies_allocating, NULL), 0);
        assert_int_equal(last_calls, 3);
    }
    pthread_key_delete(last_key);
    assert_int_equal(held_by(native), before);
    expect(0, 0, 0, 0);
}

static void *kept[CALLS];

static void *allocates_4k(void *arg)
{
    for (size_t i = 0; i < CALLS; i++)
        kept[i] = lazy.makers[0].make(4096);
    return NULL;
}

static void free_kept(void)
{
    for (size_t i = 0; i < CALLS; i++)
        lazy.free(kept[i]);
}

static void a_thread_without_python_is_native(void **state)
{
    int64_t before = held_by(ML_SITE_NATIVE);
    assert_int_equal(lazy.thread(allocates_4k, NULL), 0);
    assert_int_equal(held_by(ML_SITE_NATIVE) - before, CALLS * 4096);
    free_kept();
    assert_int_equal(held_by(ML_SITE_NATIVE), before);
}

static void a_thread_inherits_its_creators_line_if_told_to(void **state)
{
    ml_native_inherit(true);
    assert_int_equal(lazy.thread(allocates_4k, NULL), 0);
    int64_t held = held_by(site); /* and what a thread's end costs */
    assert_in_range(held, CALLS * 4096, CALLS * 4096 + 4096);
    free_kept();
    assert_int_equal(held_by(site), held - CALLS * 4096);
    ml_native_inherit(false);
}

static void *churn(void *arg)
{
    const struct family *f = arg;
    for (int i = 0; i < 20000; i++)
        f->free(f->realloc(f->makers[i % 6].make((size_t)i % 300), 500));
    return NULL;
}

static _Atomic bool over;

static void *in_and_out(void *arg)
{
    struct ml_error e;
    while (!atomic_load(&over)) {
        ml_native_uninstall();
        assert_int_equal(ml_native_install(&e), ML_OK);
    }
    return NULL;
}

/* Hooks go in and out while others are inside of them. */
static void hooks_change_under_running_threads(void **state)
{
    pthread_t threads[3], changer;
    atomic_store(&over, false);
    for (size_t i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, churn, i % 2 == 0 ? &lazy : &now);
    pthread_create(&changer, NULL, in_and_out, NULL);
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&over, true);
    pthread_join(changer, NULL);
}

static void *churn_until_over(void *arg)
{
    while (!atomic_load(&over))
        churn(arg);
    return NULL;
}

static void a_forked_child_allocates(void **state)
{
    pthread_t thread;
    atomic_store(&over, false);
    pthread_create(&thread, NULL, churn_until_over, &lazy);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            struct ml_native_report r;
            for (int j = 0; j < 100; j++)
                lazy.free(lazy.realloc(lazy.makers[0].make(100), 1000));
            ml_native_report(&r);
            _exit(r.installed ? 0 : 1);
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    atomic_store(&over, true);
    pthread_join(thread, NULL);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        CASE(every_member_of_the_family_is_counted_to_the_byte),
        CASE(realloc_moves_the_block_to_who_asks),
        CASE(realloc_to_nothing_frees),
        CASE(calls_that_fail_change_nothing),
        CASE(calloc_is_zero_and_errno_is_kept),
        CASE(large_blocks_are_counted),
        CASE(the_c_library_counts_for_its_caller),
        CASE(getline_is_seen_whole),
        CASE(tables_of_addresses_are_seen),
        CASE(a_table_that_the_program_changed_is_its_own),
        CASE(a_looked_up_function_is_seen),
        CASE(dlsym_still_knows_who_calls),
        CASE(a_library_loaded_later_is_seen_with_what_it_needs),
        CASE(libraries_come_and_go),
        CASE(out_and_in_again),
        CASE(while_off_everything_passes_through),
        CASE(the_owner_is_who_allocated),
        CASE(destructors_of_threads_may_allocate),
        CASE(a_thread_without_python_is_native),
        CASE(a_thread_inherits_its_creators_line_if_told_to),
        CASE(hooks_change_under_running_threads),
        CASE(a_forked_child_allocates),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
