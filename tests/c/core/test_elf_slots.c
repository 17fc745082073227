/* core/elf_slots: slots of real libraries, found, written and put back. SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/elf_slots.h"
#include "core/native/family.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 }; /* their functions must come first */
#else
enum { SANITIZED = 0 };
#endif

static int mallocs, frees;
static void *(*real_malloc)(size_t n);
static void (*real_free)(void *p);

static void *count_malloc(size_t n)
{
    mallocs++;
    return real_malloc(n);
}

static void count_free(void *p)
{
    frees++;
    real_free(p);
}

static struct ml_elf_hook hooks[] = {
    {.name = "malloc", .wrapper = (void *)count_malloc},
    {.name = "free", .wrapper = (void *)count_free},
    {.name = "nobody defines this", .wrapper = (void *)count_free},
};
enum { HOOKS = 3 };

static struct ml_elf_counts counts;

static void patch(bool undo, size_t from)
{
    ml_elf_patch(hooks, HOOKS, (void *)patch, undo, from, &counts);
}

static void *library(const char *name, int how)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s.so", NATIVE_FOLDER, name);
    void *h = dlopen(path, RTLD_LAZY | RTLD_LOCAL | how);
    if (h == NULL)
        fail_msg("%s", dlerror());
    return h;
}

static int setup(void **state)
{
    ml_elf_resolve(hooks, HOOKS);
    *(void **)&real_malloc = hooks[0].real;
    *(void **)&real_free = hooks[1].real;
    mallocs = frees = 0;
    return 0;
}

static int teardown(void **state)
{
    patch(true, 0);
    return 0;
}

static void functions_are_found_where_they_are_defined(void **state)
{
    char name[ML_ELF_NAME];
    void *program = dlopen(NULL, RTLD_LAZY);
    assert_ptr_equal(hooks[0].real, dlsym(program, "malloc"));
    assert_ptr_equal(hooks[1].real, dlsym(program, "free"));
    assert_null(hooks[2].real);
    assert_true(hooks[0].from != 0);
    ml_elf_name(hooks[0].real, name);
    assert_non_null(strstr(name, ".so"));
    ml_elf_name((void *)&counts, name);
    assert_true(strlen(name) > 0);
    ml_elf_name((void *)16, name);
    assert_string_equal(name, "");
    dlclose(program);
}

/* A block that the library allocates and frees; how often we saw that. */
static void expect_seen(void *h, bool seen)
{
    const struct family_maker *makers = dlsym(h, "family_makers");
    void (*give)(void *) = (void (*)(void *))dlsym(h, "family_free");
    mallocs = frees = 0;
    give(makers[0].make(100));
    assert_int_equal(mallocs, seen);
    assert_int_equal(frees, seen);
}

/* "r--p" of the page at `a`. */
static void access_of(uintptr_t a, char out[5])
{
    char line[512];
    FILE *f = fopen("/proc/self/maps", "r");
    assert_non_null(f);
    strcpy(out, "none");
    while (fgets(line, sizeof line, f) != NULL) {
        unsigned long begin, end;
        char how[5];
        if (sscanf(line, "%lx-%lx %4s", &begin, &end, how) == 3 && a >= begin && a < end)
            strcpy(out, how);
    }
    fclose(f);
}

static int relro_of(struct dl_phdr_info *info, size_t n, void *arg)
{
    if (strstr(info->dlpi_name, "family_now") == NULL)
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_GNU_RELRO)
            *(uintptr_t *)arg = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    return 1;
}

static void slots_bound_late_and_read_only_ones_are_written_and_put_back(void **state)
{
    static const char *const names[] = {"family_lazy", "family_now"};
    uintptr_t relro = 0;
    char before[5], after[5];
    for (size_t i = 0; i < 2; i++) {
        void *h = library(names[i], 0);
        dl_iterate_phdr(relro_of, &relro);
        if (i == 1)
            access_of(relro, before);
        patch(false, 0);
        expect_seen(h, true);
        if (i == 1) {
            access_of(relro, after);
            assert_string_equal(before, "r--p");
            assert_string_equal(after, "r--p");
        }
        assert_int_equal(counts.refused, 0);
        assert_int_equal(counts.loading, 0);
        patch(true, 0);
        expect_seen(h, false);
        patch(true, 0);
        assert_int_equal(counts.written, 0);
        dlclose(h);
    }
}

static void a_second_walk_writes_nothing(void **state)
{
    void *h = library("family_lazy", 0);
    patch(false, 0);
    uint32_t slots = counts.slots, patched = counts.patched;
    assert_true(counts.written == slots && slots > 0 && patched > 0);
    patch(false, 0);
    assert_int_equal(counts.written, 0);
    assert_int_equal(counts.slots, slots);
    assert_int_equal(counts.patched, patched);
    dlclose(h);
}

static void only_what_is_new_is_walked_when_asked(void **state)
{
    patch(false, 0);
    uint32_t length = counts.length;
    void *h = library("family_lazy", 0);
    uint64_t adds, subs;
    ml_elf_changes(&adds, &subs);
    assert_true(adds > counts.adds);
    patch(false, length);
    assert_int_equal(counts.objects, 1);
    expect_seen(h, true);
    dlclose(h);
}

static void words_of_data_are_written_too(void **state)
{
    void *h = library("table", 0);
    void *(*get)(size_t) = (void *(*)(size_t))dlsym(h, "table_get");
    void (*give)(void *) = (void (*)(void *))dlsym(h, "table_give");
    patch(false, 0);
    give(get(10));
    assert_int_equal(mallocs, 1);
    assert_int_equal(frees, 1);
    assert_true(counts.data >= 4);
    patch(true, 0);
    give(get(10));
    assert_int_equal(mallocs, 1);
    dlclose(h);
}

static void another_allocator_is_named_and_left_alone(void **state)
{
    void *h = library("other", SANITIZED ? 0 : RTLD_DEEPBIND);
    void *(*get)(size_t) = (void *(*)(size_t))dlsym(h, "other_get");
    void (*give)(void *) = (void (*)(void *))dlsym(h, "other_give");
    patch(false, 0);
    assert_true(counts.others >= 1);
    bool named = false;
    for (uint32_t i = 0; i < counts.others && i < ML_ELF_OTHERS; i++)
        named |= strcmp(counts.other_names[i], "other.so") == 0;
    assert_true(named);
    give(get(100));
    assert_int_equal(mallocs, 0);
    assert_int_equal(frees, 0);
    assert_int_equal(*(int *)dlsym(h, "other_frees"), 1);
    /* Who is bound to the real one already is ours as before; who is not yet may mean the other. */
    void *f = library("family_lazy", 0);
    const struct family_maker *makers = dlsym(f, "family_makers");
    void (*family_give)(void *) = (void (*)(void *))dlsym(f, "family_free");
    patch(false, 0);
    if (counts.waiting != 0) {
        family_give(makers[0].make(100)); /* bound now */
        patch(false, 0);
    }
    expect_seen(f, true);
    dlclose(f);
    dlclose(h);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(functions_are_found_where_they_are_defined),
        CASE(slots_bound_late_and_read_only_ones_are_written_and_put_back),
        CASE(a_second_walk_writes_nothing),
        CASE(only_what_is_new_is_walked_when_asked),
        CASE(words_of_data_are_written_too),
        CASE(another_allocator_is_named_and_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
