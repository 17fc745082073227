/* core/native.c -- see native.h. SPDX-License-Identifier: MIT */
#include "core/native.h"

#include "base/mem.h"
#include "core/heap.h"
#include "core/native_hooks.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct ml__real ml__real;
bool ml__realloc_frees;
/* For the jump in base/port.h, which knows no fields. */
__attribute__((visibility("hidden"))) void *(*ml__real_dlsym)(void *handle, const char *name);

#define ROW(name, result, arguments) {#name, (void *)ml__hook_##name, NULL, 0},
#define ONE(name, result, arguments) +1
enum {
    BLOCKS = 0 ML_NATIVE_BLOCKS(ONE),
    OTHERS_END = BLOCKS ML_NATIVE_OTHERS(ONE),
    HOOKS = 0 ML_NATIVE_ALL(ONE),
};

/* All under `lock`. hooks[0] is malloc's. */
static struct ml_elf_hook hooks[HOOKS] = {ML_NATIVE_ALL(ROW)};
static char provider[ML_ELF_NAME];
static bool ready;   /* the real functions are known */
static bool inherit; /* threads get their creator's account */
/* How far the loader's list is done. Another thread may just be loading an object when we first see it, and
 * fill its slots after us: so what is new is looked at once more after a while. */
static struct {
    uint64_t adds, subs;
    uint32_t settled; /* objects that need no look */
    uint32_t seen;    /* objects that there were at `seen_ns` */
    uint64_t seen_ns;
    uint32_t length; /* objects that there were when last looked */
    uint32_t patience;
    uint32_t waiting; /* slots that need a look at times */
} progress;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static _Atomic bool installed;
#undef ROW
#undef ONE

enum {
    SETTLE_NS = 50 * 1000 * 1000, /* longer than relocating an object takes */
    WAITING_NS = 1000 * 1000 * 1000,
    PATIENCE =
        100, /* looks at an object whose RELRO stays writable: somebody else may have done that */
};

/* --- the real functions ----------------------------------------------------------------------------------- */

static void fill_real(void)
{
    size_t i = 0;
#define FILL(name, result, arguments) *(void **)&ml__real.name = hooks[i++].real;
    ML_NATIVE_ALL(FILL)
#undef FILL
    ml__real_dlsym = ml__real.dlsym;
}

static bool realloc_frees(void)
{
    void *p = ml__real.malloc(32);
    void *q = p != NULL ? ml__real.realloc(p, 0) : NULL;
    if (q != NULL)
        ml__real.free(q);
    return q == NULL;
}

static bool is_libc(uintptr_t base)
{
    struct ml_elf_hook h = {.name = "__libc_start_main"};
    ml_elf_resolve(&h, 1);
    return h.from == base;
}

static int resolve(struct ml_error *e)
{
    ml_elf_resolve(hooks, HOOKS);
    if (hooks[0].real == NULL || hooks[1].real == NULL || hooks[3].real == NULL)
        return ml_fail(e, ML_EUNSUPPORTED, "cannot find the allocator of this program");
    /* C++'s operators count as the allocator's only if they are: libstdc++'s call malloc. */
    bool own = !is_libc(hooks[0].from);
    for (size_t i = BLOCKS; i < OTHERS_END; i++)
        if (!own || hooks[i].from != hooks[0].from)
            hooks[i].real = NULL;
    fill_real();
    ml__realloc_frees = realloc_frees();
    ml_elf_name(hooks[0].real, provider);
    ready = true;
    return ML_OK;
}

/* --- in and out ------------------------------------------------------------------------------------------- */

/* Wrappers may be called for ever: pointers to them are in the program's hands. */
static void pin(void)
{
    Dl_info here;
    if (dladdr((void *)pin, &here) != 0 && here.dli_fname != NULL)
        (void)dlopen(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

static void walk(bool undo, size_t from, struct ml_elf_counts *counts)
{
    struct ml_elf_hook *create = &hooks[HOOKS - 1];
    void *keep = create->real;
    if (!inherit && !undo)
        create->real = NULL;
    ml_elf_patch(hooks, HOOKS, (void *)pin, undo, from, counts);
    create->real = keep;
}

/* Hook all objects that are not known to be done. */
static void look(struct ml_elf_counts *counts)
{
    uint64_t now = ml_now_ns();
    walk(false, progress.settled, counts);
    if (counts->subs != progress.subs) {
        /* The list has closed up over what has gone. */
        walk(false, 0, counts);
        progress.settled = progress.seen = 0;
    }
    if (counts->adds != progress.adds)
        progress.patience = PATIENCE;
    bool held = counts->loading != 0 && progress.patience != 0;
    progress.patience -= held;
    if (now - progress.seen_ns >= SETTLE_NS && !held) {
        progress.settled = progress.seen;
        progress.seen = counts->length;
        progress.seen_ns = now;
    }
    progress.length = counts->length;
    progress.adds = counts->adds;
    progress.subs = counts->subs;
    progress.waiting = counts->waiting;
}

int ml_native_install(struct ml_error *e)
{
    struct ml_elf_counts counts;
    int rc = ML_OK;
    if (!atomic_load(&installed))
        ml_maps_clear(); /* not under our lock: at a fork they are taken the other way round */
    pthread_mutex_lock(&lock);
    if (!ready)
        rc = resolve(e);
    if (rc == ML_OK && !atomic_load(&installed)) {
        pin();
        memset(&progress, 0, sizeof progress);
    }
    if (rc == ML_OK) {
        look(&counts);
        if (counts.fixed)
            rc = ml_fail(e, ML_EUNSUPPORTED,
                         "the program is linked statically: what it allocates "
                         "outside of Python cannot be seen");
    }
    atomic_store(&installed, rc == ML_OK);
    pthread_mutex_unlock(&lock);
    return rc;
}

void ml_native_uninstall(void)
{
    struct ml_elf_counts counts;
    pthread_mutex_lock(&lock);
    if (atomic_exchange(&installed, false))
        walk(true, 0, &counts);
    pthread_mutex_unlock(&lock);
}

/* Whether there is something to look at. */
static bool look_due(void)
{
    uint64_t adds, subs, age = ml_now_ns() - progress.seen_ns;
    ml_elf_changes(&adds, &subs);
    return adds != progress.adds || subs != progress.subs ||
           (progress.settled != progress.length && age >= SETTLE_NS) ||
           (progress.waiting != 0 && age >= WAITING_NS);
}

void ml_native_refresh(void)
{
    struct ml_elf_counts counts;
    int keep = errno;
    if (!atomic_load_explicit(&installed, memory_order_relaxed) ||
        pthread_mutex_trylock(&lock) != 0)
        return;
    if (progress.waiting != 0)
        progress.settled = 0;
    if (atomic_load(&installed) && look_due())
        look(&counts);
    pthread_mutex_unlock(&lock);
    errno = keep;
}

void ml_native_report(struct ml_native_report *out)
{
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&lock);
    out->installed = atomic_load(&installed);
    if (ready)
        walk(!out->installed, 0, &out->elf); /* writes only what has changed since */
    memcpy(out->provider, provider, sizeof provider);
    pthread_mutex_unlock(&lock);
    ml_maps_totals(&out->maps);
}

void ml_native_inherit(bool on)
{
    struct ml_elf_counts counts;
    pthread_mutex_lock(&lock);
    inherit = on;
    if (atomic_load(&installed) && on)
        walk(false, 0, &counts);
    pthread_mutex_unlock(&lock);
}

/* --- fork: the lock may be another thread's ------------------------------------------------------------------- */

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
}

/* --- symbols that are looked up by name --------------------------------------------------------------------- */

/* Called by the jump in base/port.h: our wrapper for a function of the family, else NULL: then the real
 * dlsym goes on as if it had been called directly, which matters to it (RTLD_NEXT, RTLD_DEFAULT look at the
 * caller, so those are never answered here). */
void *ml__dlsym_pick(void *handle, const char *name);
__attribute__((visibility("hidden"), used)) void *ml__dlsym_pick(void *handle, const char *name)
{
    ml_native_refresh(); /* what was just loaded is about to be called */
    if (handle == RTLD_DEFAULT || handle == RTLD_NEXT || name == NULL ||
        !atomic_load_explicit(&installed, memory_order_relaxed))
        return NULL;
    for (size_t i = 0; i < HOOKS - 1; i++) {
        const struct ml_elf_hook *h = &hooks[i];
        if (h->real == NULL || h->name[0] != name[0] || strcmp(h->name, name) != 0)
            continue;
        return ml__real.dlsym(handle, name) == h->real ? h->wrapper : NULL;
    }
    return NULL;
}

ML_PICK_OR_JUMP(ml__hook_dlsym, ml__dlsym_pick, ml__real_dlsym);

/* --- threads with their creator's account ---------------------------------------------------------------------- */

struct start {
    void *(*run)(void *);
    void *arg;
    uint32_t site;
};

static void *start_thread(void *arg)
{
    struct start s = *(struct start *)arg;
    ml_free(arg);
    struct ml_heap_thread *t = ml_heap_thread();
    if (t != NULL)
        atomic_store_explicit(&t->site, s.site, memory_order_relaxed);
    return s.run(s.arg);
}

int ml__hook_pthread_create(pthread_t *out, const pthread_attr_t *how, void *(*run)(void *),
                            void *arg)
{
    uint32_t site = ml_heap_site_here();
    struct start *s = site != ML_SITE_NONE ? ml_calloc(1, sizeof *s) : NULL;
    if (s == NULL)
        return ml__real.pthread_create(out, how, run, arg);
    *s = (struct start){run, arg, site};
    int rc = ml__real.pthread_create(out, how, start_thread, s);
    if (rc != 0)
        ml_free(s);
    return rc;
}
