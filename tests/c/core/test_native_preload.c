/* core/native: other allocators in the place of the C library's (K19 of the profiling reference). Each case
 * runs this program again with one of them preloaded. SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/folder.h"
#include "core/native.h"
#include "core/native/family.h"

#include "core/counted.h"

#include <dlfcn.h>
#include <sys/wait.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* --- in the child ---------------------------------------------------------------------------------- */

#define MUST(what)                                             \
    do {                                                       \
        if (!(what)) {                                         \
            fprintf(stderr, "line %d: %s\n", __LINE__, #what); \
            exit(1);                                           \
        }                                                      \
    } while (0)

enum { MANY = 1000000 };

static void small_blocks(const struct family_maker *makers, void (*give)(void *p))
{
    static void *blocks[MANY];
    uint32_t site = on_line(1);
    for (size_t i = 0; i < MANY; i++)
        blocks[i] = makers[0].make(8);
    MUST(held_by(site) == 8 * MANY);
    MUST(figures_of(site).alloc_count == MANY);
    for (size_t i = 0; i < MANY; i++)
        give(blocks[i]);
    MUST(held_by(site) == 0);
    MUST(atomic_load(&ml_heap_totals->stale_blocks) == 0);
}

/* jemalloc has no pvalloc: that is the C library's, whose blocks jemalloc's free does not know. */
static bool of_the_allocator(const char *name)
{
    Dl_info one, all;
    void *f = dlsym(RTLD_DEFAULT, name), *g = dlsym(RTLD_DEFAULT, "malloc");
    return strcmp(name, "reallocarray") == 0 || /* calls realloc */
           (f != NULL && dladdr(f, &one) != 0 && dladdr(g, &all) != 0 &&
            one.dli_fbase == all.dli_fbase);
}

static void whole_family(const struct family_maker *makers, void (*give)(void *p))
{
    void *blocks[64];
    uint32_t site = on_line(2);
    for (; makers->name != NULL; makers++) {
        int64_t bytes = 0;
        if (!of_the_allocator(makers->name))
            continue;
        for (size_t i = 0; i < 64; i++) {
            blocks[i] = makers->make(i);
            bytes += (int64_t)i;
        }
        MUST(held_by(site) == bytes);
        for (size_t i = 0; i < 64; i++)
            give(blocks[i]);
        MUST(held_by(site) == 0);
    }
    MUST(atomic_load(&ml_heap_totals->stale_blocks) == 0);
}

static void reallocation(void *(*grow)(void *p, size_t n))
{
    uint32_t site = on_line(3);
    void *p = grow(NULL, 8);
    p = grow(p, 100000);
    MUST(held_by(site) == 100000);
    p = grow(p, 3);
    MUST(held_by(site) == 3);
    p = grow(p, 0);
    MUST(held_by(site) == 0);
    if (p != NULL) /* an empty block */
        MUST(grow(p, 9) != NULL && held_by(site) == 9);
}

/* C++'s operators, as a library's slots would be bound to them. */
static void operators(void *(*lookup)(void *handle, const char *name))
{
    void *program = dlopen(NULL, RTLD_LAZY);
    void *(*new_)(size_t) = (void *(*)(size_t))lookup(program, "_Znwm");
    void (*delete_)(void *, size_t) = (void (*)(void *, size_t))lookup(program, "_ZdlPvm");
    uint32_t site = on_line(4);
    if (new_ == NULL || delete_ == NULL)
        return;
    void *small[1000], *p = new_(1000);
    MUST(held_by(site) == 1000);
    for (size_t i = 0; i < 1000; i++)
        small[i] = new_(8); /* share cells: not counted */
    MUST(held_by(site) == 1000);
    for (size_t i = 0; i < 1000; i++)
        delete_(small[i], 8);
    delete_(p, 1000);
    MUST(held_by(site) == 0);
    puts("operators too");
}

static int child(const char *preloaded)
{
    struct ml_error e;
    struct ml_native_report r;
    void *h = dlopen(NATIVE_FOLDER "/family_lazy.so", RTLD_LAZY);
    MUST(h != NULL);
    const struct family_maker *makers = dlsym(h, "family_makers");
    void (*give)(void *) = (void (*)(void *))dlsym(h, "family_free");
    MUST(folder_setup(NULL) == 0);
    counting_begins(ML_HEAP_EXACT);
    MUST(ml_native_install(&e) == ML_OK);
    ml_native_report(&r);
    printf("%s: %u slots in %u of %u objects\n", r.provider, r.elf.slots, r.elf.patched,
           r.elf.objects);
    MUST(*preloaded == '\0' || strstr(preloaded, r.provider) != NULL);
    small_blocks(makers, give);
    whole_family(makers, give);
    reallocation((void *(*)(void *, size_t))dlsym(h, "family_realloc"));
    operators((void *(*)(void *, const char *))dlsym(h, "family_lookup"));
    ml_native_uninstall();
    counting_ends();
    return folder_teardown(NULL);
}

/* --- cases ---------------------------------------------------------------------------------------------- */

static const char *const folders[] = {"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
                                      "/usr/lib64", "/usr/lib"};

static void preloaded(const char *name)
{
    char path[PATH_MAX] = "", self[PATH_MAX];
    for (size_t i = 0; name != NULL && i < 4 && access(path, R_OK) != 0; i++)
        snprintf(path, sizeof path, "%s/%s", folders[i], name);
    if (name != NULL && (SANITIZED || access(path, R_OK) != 0)) {
        printf("# %s: %s\n", name, SANITIZED ? "not under a sanitizer" : "not installed");
        skip();
    }
    assert_int_equal(ml_program_path(self, sizeof self), ML_OK);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (name != NULL)
            setenv("LD_PRELOAD", path, 1);
        execl(self, self, "child", name != NULL ? name : "", (char *)NULL);
        _exit(127);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void the_c_librarys(void **state)
{
    preloaded(NULL);
}

static void jemalloc(void **state)
{
    preloaded("libjemalloc.so.2");
}

static void tcmalloc(void **state)
{
    preloaded("libtcmalloc_minimal.so.4");
}

static void mimalloc(void **state)
{
    preloaded("libmimalloc.so.2.0");
}

int main(int argc, char **argv)
{
    if (argc > 2)
        return child(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_c_librarys),
        cmocka_unit_test(jemalloc),
        cmocka_unit_test(tcmalloc),
        cmocka_unit_test(mimalloc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
