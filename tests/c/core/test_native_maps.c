/* core/native: mappings that a library makes, of every kind (K23, K24 of the profiling reference), beside
 * what the kernel says of them. SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/folder.h"
#include "core/native.h"
#include "core/native/family.h"

#include "core/counted.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define MIB ((size_t)1 << 20)
enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static struct {
#define FIELD(name, result, arguments) result(*name) arguments;
    FAMILY(FIELD)
#undef FIELD
} lib;

static uint32_t site, other;
static unsigned line_used;

static int group_setup(void **state)
{
    struct ml_error e;
    int rc = folder_setup(state);
    void *h = dlopen(NATIVE_FOLDER "/family_now.so", RTLD_LAZY);
    if (h == NULL)
        fail_msg("%s", dlerror());
#define FIND(name, result, arguments) *(void **)&lib.name = dlsym(h, "family_" #name);
    FAMILY(FIND)
#undef FIND
    counting_begins(ML_HEAP_EXACT);
    assert_int_equal(ml_native_install(&e), ML_OK);
    return rc;
}

static int group_teardown(void **state)
{
    ml_native_uninstall();
    counting_ends();
    return folder_teardown(state);
}

static void run_line(uint32_t s)
{
    ml_heap_switch(ml_heap_thread(), s);
}

static int setup(void **state)
{
    other = on_line(line_used++);
    site = on_line(line_used++);
    return 0;
}

static void expect(size_t anon, size_t file)
{
    struct figures f = figures_of(site);
    assert_int_equal(f.maps, anon);
    assert_int_equal(f.maps_file, file);
    assert_int_equal(f.alloc_bytes, 0); /* nothing of it is heap */
}

static struct ml_maps_totals totals(void)
{
    struct ml_maps_totals t;
    ml_maps_totals(&t);
    return t;
}

static void *map(size_t n)
{
    void *p = lib.mmap(NULL, n, RW, ANON, -1);
    assert_true(p != MAP_FAILED);
    return p;
}

static size_t resident(void *p, size_t n)
{
    static unsigned char in[16384];
    size_t page = ml_page_bytes(), found = 0;
    assert_true(n / page <= sizeof in);
    assert_int_equal(mincore(p, n, in), 0);
    for (size_t i = 0; i < n / page; i++)
        found += in[i] & 1;
    return found * page;
}

/* --- K23 ------------------------------------------------------------------------------------------ */

static void a_third_is_unmapped_from_the_middle(void **state)
{
    size_t n = 63 * MIB;
    char *p = map(n);
    expect(n, 0);
    assert_int_equal(lib.munmap(p + n / 3, n / 3), 0);
    expect(n / 3 * 2, 0);
    assert_int_equal(lib.munmap(p, n), 0); /* holes are fine */
    expect(0, 0);
}

static void remapping_grows_moves_and_shrinks(void **state)
{
    char *p = map(4096);
    p[0] = 'x';
    p = lib.mremap(p, 4096, 100 * MIB, MREMAP_MAYMOVE, NULL);
    assert_true(p != MAP_FAILED && p[0] == 'x');
    expect(100 * MIB, 0);
    run_line(other);
    p = lib.mremap(p, 100 * MIB, 50 * MIB, 0, NULL);
    assert_int_equal(figures_of(other).maps, 50 * MIB); /* as with realloc: all is the asker's */
    expect(0, 0);
    run_line(site);
    char *to = map(60 * MIB);
    char *q = lib.mremap(p, 50 * MIB, 50 * MIB, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    assert_ptr_equal(q, to);
    assert_int_equal(q[0], 'x');
    expect(60 * MIB, 0);
    assert_int_equal(lib.munmap(to, 60 * MIB), 0);
    expect(0, 0);
}

static void remapping_may_leave_the_old_place_mapped(void **state)
{
    char *p = map(MIB);
    char *q = lib.mremap(p, MIB, MIB, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    if (q == MAP_FAILED) { /* before Linux 5.7 */
        expect(MIB, 0);
        lib.munmap(p, MIB);
        return;
    }
    expect(2 * MIB, 0);
    lib.munmap(p, MIB);
    lib.munmap(q, MIB);
    expect(0, 0);
}

static void a_fixed_mapping_replaces_what_is_there(void **state)
{
    size_t n = 64 * MIB;
    char *p = map(n);
    run_line(other);
    assert_ptr_equal(lib.mmap(p + n / 2, n / 2, RW, ANON | MAP_FIXED, -1), p + n / 2);
    assert_int_equal(figures_of(other).maps, n / 2);
    run_line(site);
    expect(n / 2, 0);
    lib.munmap(p, n);
    expect(0, 0);
    assert_int_equal(figures_of(other).maps, 0);
}

static void contents_that_are_given_back_stay_mapped(void **state)
{
    size_t n = 8 * MIB;
    char *p = map(n);
    memset(p, 1, n);
    uint64_t dropped = totals().dropped_bytes;
    assert_true(resident(p, n) >= n / 2);
    assert_int_equal(lib.madvise(p, n, MADV_DONTNEED), 0);
    assert_int_equal(resident(p, n), 0);
    expect(n, 0);
    assert_int_equal(totals().dropped_bytes - dropped, n);
    lib.munmap(p, n);
}

static void the_program_break_moves(void **state)
{
    char *old = lib.sbrk((intptr_t)MIB);
    if (old == (void *)-1)
        skip();
    memset(old, 1, MIB);
    expect(MIB, 0);
    assert_int_equal(lib.brk(old + MIB / 2), 0);
    expect(MIB / 2, 0);
    assert_ptr_equal(lib.sbrk(-(intptr_t)(MIB / 2)), old + MIB / 2);
    expect(0, 0);
}

static void what_has_no_access_is_only_reserved(void **state)
{
    int64_t before = totals().reserved_bytes;
    char *p = lib.mmap(NULL, 64 * MIB, PROT_NONE, ANON | MAP_NORESERVE, -1);
    expect(0, 0);
    assert_int_equal(totals().reserved_bytes - before, 64 * MIB);
    assert_int_equal(lib.mprotect(p + MIB, 2 * MIB, RW), 0);
    expect(2 * MIB, 0);
    assert_int_equal(lib.mprotect(p + MIB, MIB, PROT_NONE), 0);
    expect(MIB, 0);
    assert_int_equal(lib.mprotect(p + MIB, 2 * MIB, PROT_READ), 0);
    expect(2 * MIB, 0);
    lib.munmap(p, 64 * MIB);
    expect(0, 0);
    assert_int_equal(totals().reserved_bytes, before);
}

static void calls_that_fail_change_nothing(void **state)
{
    char *p = map(MIB);
    errno = 0;
    assert_int_equal(lib.munmap(p + 1, 4096), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(lib.munmap(p, 0), -1);
    assert_true(lib.mmap(p + 1, MIB, RW, ANON | MAP_FIXED, -1) == MAP_FAILED);
    assert_true(lib.mmap(NULL, MIB, RW, MAP_PRIVATE, 12345) == MAP_FAILED);
    assert_int_equal(errno, EBADF);
    assert_true(lib.mremap(p, MIB, SIZE_MAX / 4 * 2, MREMAP_MAYMOVE, NULL) == MAP_FAILED);
    expect(MIB, 0);
    lib.munmap(p, MIB);
    expect(0, 0);
}

/* Arenas of an allocator are made inside of its functions: their blocks count, they do not. */
static void a_mapping_made_inside_another_hook_is_not_counted(void **state)
{
    struct ml_heap_thread *t = ml_heap_begin();
    assert_non_null(t);
    void *arena = map(MIB);
    ml_heap_end(t);
    expect(0, 0);
    void *seen = map(MIB);
    t = ml_heap_begin();
    lib.munmap(seen, MIB); /* but one that goes in there is gone */
    ml_heap_end(t);
    expect(0, 0);
    lib.munmap(arena, MIB);
    expect(0, 0);
}

/* --- K24 ------------------------------------------------------------------------------------------ */

static void files_are_not_memory(void **state)
{
    size_t n = 1024 * MIB;
    int fd = open(in_folder("sparse"), O_RDWR | O_CREAT, 0600);
    assert_int_equal(ftruncate(fd, (off_t)n), 0);
    struct ml_maps_totals before = totals();
    void *p = lib.mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd);
    assert_true(p != MAP_FAILED);
    struct ml_maps_totals t = totals();
    if (t.bytes[ML_MAP_MEMORY] != before.bytes[ML_MAP_MEMORY]) {
        expect(n, 0); /* the folder for temporary files is in memory here */
    } else {
        assert_int_equal(t.bytes[ML_MAP_FILE] - before.bytes[ML_MAP_FILE], n);
        expect(0, n);
    }
    lib.munmap(p, n);
    close(fd);
    expect(0, 0);
}

static void shared_memory_and_files_in_memory_are_their_own_kinds(void **state)
{
    struct ml_maps_totals before = totals();
    void *shared = lib.mmap(NULL, 16 * MIB, RW, MAP_SHARED | MAP_ANONYMOUS, -1);
    int fd = memfd_create("test", 0);
    assert_int_equal(ftruncate(fd, (off_t)MIB), 0);
    void *memory = lib.mmap(NULL, MIB, RW, MAP_SHARED, fd);
    int zero = open("/dev/zero", O_RDWR);
    void *zeroes = lib.mmap(NULL, 4096, RW, MAP_PRIVATE, zero);
    assert_true(shared != MAP_FAILED && memory != MAP_FAILED && zeroes != MAP_FAILED);
    struct ml_maps_totals t = totals();
    assert_int_equal(t.bytes[ML_MAP_SHARED] - before.bytes[ML_MAP_SHARED], 16 * MIB);
    assert_int_equal(t.bytes[ML_MAP_MEMORY] - before.bytes[ML_MAP_MEMORY], MIB);
    assert_int_equal(t.bytes[ML_MAP_ANON] - before.bytes[ML_MAP_ANON], 4096);
    expect(17 * MIB + 4096, 0);
    lib.munmap(shared, 16 * MIB);
    lib.munmap(memory, MIB);
    lib.munmap(zeroes, 4096);
    close(fd);
    close(zero);
    expect(0, 0);
}

/* --- threads at the same addresses --------------------------------------------------------------------- */

static void *churn(void *arg)
{
    for (int i = 0; i < 3000; i++) {
        size_t n = (size_t)(1 + i % 5) * 4096;
        char *p = lib.mmap(NULL, n, RW, ANON, -1);
        if (p == MAP_FAILED)
            continue;
        if (i % 3 == 0) {
            p = lib.mremap(p, n, 2 * n, MREMAP_MAYMOVE, NULL);
            n *= 2;
        }
        lib.munmap(p, n);
    }
    return NULL;
}

static void *in_thread(void *arg)
{
    lib.thread(churn, NULL);
    return NULL;
}

static void threads_that_reuse_addresses_lose_nothing(void **state)
{
    pthread_t threads[4];
    size_t intervals = totals().intervals;
    int64_t before = figures_of(ML_SITE_NATIVE).maps;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, in_thread, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(totals().intervals, intervals);
    assert_int_equal(figures_of(ML_SITE_NATIVE).maps, before);
    expect(0, 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        CASE(a_third_is_unmapped_from_the_middle),
        CASE(remapping_grows_moves_and_shrinks),
        CASE(remapping_may_leave_the_old_place_mapped),
        CASE(a_fixed_mapping_replaces_what_is_there),
        CASE(contents_that_are_given_back_stay_mapped),
        CASE(the_program_break_moves),
        CASE(what_has_no_access_is_only_reserved),
        CASE(calls_that_fail_change_nothing),
        CASE(a_mapping_made_inside_another_hook_is_not_counted),
        CASE(files_are_not_memory),
        CASE(shared_memory_and_files_in_memory_are_their_own_kinds),
        CASE(threads_that_reuse_addresses_lose_nothing),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
