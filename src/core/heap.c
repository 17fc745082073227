/* core/heap.c -- see heap.h: on and off, threads, the rare cases of blocks. SPDX-License-Identifier: MIT */
#include "core/heap_inside.h"

#include "core/book_format.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    TABLE_SLOTS = 1024, /* threads of one table */
    TABLES = 64,
    PATIENCE = 20000, /* naps for the book, two seconds; who interrupts its writer waits in vain */
    NAP_NS = 100000,
    OLD_TABLES = 128,
};

static struct {
    _Atomic(struct ml_book *) book; /* NULL: off */
    /* [TABLE_SLOTS] each, made as threads come; in the book, or in memory of our own when it is full */
    _Atomic(struct ml_heap_thread *) tables[TABLES];
    struct ml_heap_thread *old[OLD_TABLES]; /* those of books that were left */
    unsigned n_old;
    _Atomic uint32_t used;   /* slots below it may be in use */
    _Atomic uint32_t adding; /* threads that are adding a table, with or without the lock */
    /* This thread's slot just before a fork: the child looks at the parent's book, which goes on. */
    struct ml_heap_thread at_fork;
    struct ml_heap_thread *of_child; /* where that slot is, until the child counts */
} heap;

static struct ml_heap_totals no_totals;
struct ml_heap_totals *ml_heap_totals = &no_totals;
_Atomic uint32_t ml_heap_mode_now;
uint32_t ml_heap_era;
bool ml_heap_ledger_used;
ML_THREAD_LOCAL struct ml_heap_thread *ml_heap_mine;

#define GET(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define SET(field, value) atomic_store_explicit(&(field), value, memory_order_relaxed)

/* --- slots ---------------------------------------------------------------------------------------------- */

/* NULL: there is no such table. */
static struct ml_heap_thread *slot_at(uint32_t i)
{
    struct ml_heap_thread *table = atomic_load(&heap.tables[i / TABLE_SLOTS]);
    return table != NULL ? &table[i % TABLE_SLOTS] : NULL;
}

void ml__each_thread(void (*f)(struct ml_heap_thread *t, void *context), void *context)
{
    uint32_t n = heap.book != NULL ? atomic_load(&heap.used) : 0;
    for (uint32_t i = 0; i < n; i++)
        if (GET(slot_at(i)->tid) != 0)
            f(slot_at(i), context);
}

static struct ml_heap_thread *claim(uint32_t tid)
{
    for (uint32_t i = 0; i < TABLES * TABLE_SLOTS; i++) {
        struct ml_heap_thread *t = slot_at(i);
        uint32_t none = 0;
        if (t == NULL)
            return NULL;
        if (GET(t->tid) != 0 || !atomic_compare_exchange_strong(&t->tid, &none, tid))
            continue;
        uint32_t used = atomic_load(&heap.used);
        while (used <= i && !atomic_compare_exchange_weak(&heap.used, &used, i + 1))
            ;
        return t;
    }
    return NULL;
}

/* Room for more threads, in the book; or, when its disk is full or the `last` try finds it still being written
 * to, in memory of our own: then readers of the book see these threads' figures when they end. */
static void add_table(bool last)
{
    void *table = NULL;
    int rc = ML_EBUSY;
    bool alone = atomic_fetch_add(&heap.adding, 1) == 0;
    struct ml_book *b = heap.book;
    if (b != NULL && alone)
        rc = ml_book_table_now(b, ML_BOOK_THREADS, 0, TABLE_SLOTS, sizeof(struct ml_heap_thread),
                               &table);
    if (b != NULL && rc != ML_OK && (rc != ML_EBUSY || last))
        table = ml_pages(TABLE_SLOTS * sizeof(struct ml_heap_thread));
    for (uint32_t i = 0; table != NULL && i < TABLES; i++) {
        struct ml_heap_thread *none = NULL;
        if (atomic_compare_exchange_strong(&heap.tables[i], &none, table))
            break;
    }
    atomic_fetch_sub(&heap.adding, 1);
}

/* Give way to whoever has the book. No point of cancellation. */
static void nap(void)
{
    syscall(SYS_nanosleep, &(struct timespec){.tv_nsec = NAP_NS}, NULL);
}

/* What the thread has not told yet goes to where it belongs, without the main interpreter's lock. */
static void tell_any(struct ml_heap_thread *t)
{
    struct ml_account *a = ml_heap_account(GET(t->site));
    atomic_fetch_add(&a->alloc_any_bytes, GET(t->alloc_bytes));
    atomic_fetch_add(&a->alloc_any_count, GET(t->alloc_count));
    SET(t->alloc_bytes, 0);
    SET(t->alloc_count, 0);
}

static void give_back(struct ml_heap_thread *t)
{
    tell_any(t);
    atomic_fetch_add(&ml_heap_totals->departed_bytes, GET(t->net_bytes));
    SET(t->net_bytes, 0);
    memset((char *)t + sizeof t->tid, 0, sizeof *t - sizeof t->tid);
    atomic_store_explicit(&t->tid, 0, memory_order_release);
}

/* Slots whose threads ended in a way that we were not told of. */
static void reap(void)
{
    pid_t pid = getpid();
    for (uint32_t i = 0; i < atomic_load(&heap.used); i++) {
        uint32_t tid = GET(slot_at(i)->tid);
        if (tid != 0 && syscall(SYS_tgkill, pid, (pid_t)tid, 0) != 0 && errno == ESRCH)
            give_back(slot_at(i));
    }
}

/* --- threads -------------------------------------------------------------------------------------------- */

static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

/* Is it a slot of the book that is open now? */
static bool is_current(const struct ml_heap_thread *t)
{
    for (uint32_t i = 0; heap.book != NULL && i < TABLES; i++) {
        const struct ml_heap_thread *table = atomic_load(&heap.tables[i]);
        if (table == NULL)
            break;
        if (t >= table && t < table + TABLE_SLOTS)
            return true;
    }
    return false;
}

/* The thread ends. Destructors that run after this one may allocate: they get a slot again, and this
 * is called again. */
static void thread_ends(void *p)
{
    struct ml_heap_thread *t = ml_heap_mine;
    ml_heap_mine = NULL;
    if (t != NULL && is_current(t))
        give_back(t);
}

static void before_fork(void)
{
    const struct ml_heap_thread *t = ml_heap_mine;
    ml__sample_before_fork();
    if (heap.book == NULL)
        return;
    ml__sites_before_fork();
    if (t != NULL)
        memcpy((void *)&heap.at_fork, (const void *)t, sizeof *t);
}

/* The book is still the parent's: count nothing until ml_heap_after_fork. */
static void in_child(void)
{
    SET(ml_heap_mode_now, ML_HEAP_OFF);
    heap.adding = 0;
    heap.of_child = ml_heap_mine;
    ml_heap_mine = NULL;
    ml__sample_in_child();
}

static void watch_ends_and_forks(void)
{
    pthread_key_create(&exit_key, thread_ends);
    pthread_atfork(before_fork, ml__sample_in_parent, in_child);
}

ML_NOINLINE struct ml_heap_thread *ml_heap_begin_new(void)
{
    if (GET(ml_heap_mode_now) == ML_HEAP_OFF)
        return NULL;
    if (ml_heap_mine != NULL && ml_heap_mine->busy != ML_HEAP_RETIRED)
        return NULL; /* inside another hook */
    int keep = errno;
    uint32_t tid = (uint32_t)syscall(SYS_gettid);
    struct ml_heap_thread *t = claim(tid);
    if (t == NULL) {
        reap();
        t = claim(tid);
    }
    for (int tries = PATIENCE; t == NULL && heap.book != NULL && tries > 0; tries--) {
        add_table(tries == 1);
        t = claim(tid);
        if (t == NULL)
            nap();
    }
    if (t != NULL) {
        t->busy = 1;
        SET(t->site, ML_SITE_NATIVE);
        ml_heap_mine = t;
        pthread_setspecific(exit_key, t); /* may allocate: passes through, we are busy */
    }
    errno = keep;
    return t;
}

ML_NOINLINE struct ml_heap_thread *ml_heap_begin_python(void)
{
    struct ml_heap_thread *t = ml_heap_begin();
    if (t == NULL)
        return NULL;
    t->busy = ML_HEAP_IN_PYTHON;
    if (!t->python)
        ml_heap_python(t);
    return t;
}

struct ml_heap_thread *ml_heap_thread(void)
{
    struct ml_heap_thread *t = ml_heap_mine;
    if (GET(ml_heap_mode_now) == ML_HEAP_OFF)
        return NULL;
    if (ML_UNLIKELY(t == NULL || t->busy == ML_HEAP_RETIRED)) {
        t = ml_heap_begin_new();
        if (t != NULL)
            ml_heap_end(t);
    }
    return t;
}

void ml_heap_python(struct ml_heap_thread *t)
{
    t->python = 1;
    if (GET(t->site) != ML_SITE_NATIVE)
        return;
    tell_any(t);
    SET(t->site, ML_SITE_OUTSIDE);
}

ML_APART void ml_heap_flush(struct ml_heap_thread *t)
{
    struct ml_account *a = ml_heap_account(GET(t->site));
    ml__relaxed_add(&a->alloc_bytes, GET(t->alloc_bytes));
    ml__relaxed_add(&a->alloc_count, GET(t->alloc_count));
    SET(t->alloc_bytes, 0);
    SET(t->alloc_count, 0);
    if (t->reallocs != 0) {
        ml__relaxed_add(&a->realloc_count, t->reallocs);
        t->reallocs = 0;
    }
}

uint32_t ml_heap_site_here(void)
{
    const struct ml_heap_thread *t = ml_heap_thread();
    return t != NULL ? GET(t->site) : ML_SITE_NONE;
}

static void add_net(struct ml_heap_thread *t, void *sum)
{
    *(int64_t *)sum += GET(t->net_bytes);
}

int64_t ml_heap_live(void)
{
    int64_t sum = GET(ml_heap_totals->departed_bytes);
    ml__each_thread(add_net, &sum);
    return sum;
}

/* --- on and off ------------------------------------------------------------------------------------------ */

static void retire(struct ml_heap_thread *t, void *context)
{
    if (t->busy == 0)
        t->busy = ML_HEAP_RETIRED;
}

/* Threads that were inside a hook when we left their book. */
static void retire_stragglers(void)
{
    for (unsigned i = 0; i < heap.n_old && i < OLD_TABLES; i++)
        for (uint32_t j = 0; j < TABLE_SLOTS; j++)
            retire(&heap.old[i][j], NULL);
}

static int begin_in(struct ml_book *b)
{
    void *totals, *table;
    int rc = ml_book_table(b, ML_BOOK_HEAP, 0, 1, sizeof(struct ml_heap_totals), &totals);
    if (rc == ML_OK)
        rc = ml_book_table(b, ML_BOOK_THREADS, 0, TABLE_SLOTS, sizeof(struct ml_heap_thread),
                           &table);
    if (rc == ML_OK)
        rc = ml__clock_begin(b);
    if (rc == ML_OK)
        rc = ml__sites_begin(b);
    if (rc != ML_OK)
        return rc;
    ml__scopes_begin(b);
    ml__sample_begin();
    heap.tables[0] = table;
    ml_heap_totals = totals;
    heap.book = b;
    return ML_OK;
}

static void draw_anew(struct ml_heap_thread *t, void *context)
{
    t->sample_rate = 0;
    t->sample_left = 0;
}

int ml_heap_start(struct ml_book *b, enum ml_heap_mode mode)
{
    pthread_once(&exit_once, watch_ends_and_forks);
    if (heap.book != b) {
        ml_heap_stop();
        retire_stragglers();
        atomic_store(&heap.used, 0);
        ml_heap_era++;
        int rc = begin_in(b);
        if (rc != ML_OK)
            return rc;
    }
    ml__each_thread(draw_anew, NULL);
    ml_heap_ledger_used = ml_heap_ledger_used || mode == ML_HEAP_EXACT;
    SET(ml_heap_totals->mode, mode);
    if (mode == ML_HEAP_SAMPLE)
        ml__sample_tell_rate();
    SET(ml_heap_mode_now, mode);
    struct ml_heap_thread *t = ml_heap_thread();
    if (t != NULL)
        ml_heap_python(t);
    return ML_OK;
}

void ml_heap_stop(void)
{
    if (heap.book == NULL)
        return;
    SET(ml_heap_mode_now, ML_HEAP_OFF);
    struct ml_heap_thread *t = ml_heap_mine;
    if (t != NULL && t->busy != ML_HEAP_RETIRED)
        ml_heap_flush(t);
    ml__each_thread(retire, NULL);
    heap.book = NULL;
    while (heap.adding != 0)
        sched_yield();
    for (uint32_t i = 0; i < TABLES && heap.tables[i] != NULL; i++) {
        heap.old[heap.n_old++ % OLD_TABLES] = heap.tables[i];
        heap.tables[i] = NULL;
    }
    ml_heap_totals = &no_totals;
    ml_ledger_clear();
    ml_heap_ledger_used = false;
    ml__sample_clear();
}

/* Lines that are under way go on: this thread's net does, and the total begins at 0. */
void ml_heap_after_fork(void)
{
    if (heap.book == NULL)
        return;
    uint32_t mode = GET(ml_heap_totals->mode);
    uint32_t native = GET(ml_heap_totals->native);
    struct ml_heap_thread *mine = heap.of_child;
    struct ml_heap_thread kept = heap.at_fork;
    memset((void *)ml_heap_totals, 0, sizeof *ml_heap_totals);
    for (uint32_t i = 0; i < TABLES && heap.tables[i] != NULL; i++)
        memset((void *)heap.tables[i], 0, TABLE_SLOTS * sizeof(struct ml_heap_thread));
    ml__sites_after_fork();
    ml__scopes_after_fork();
    ml__clock_after_fork();
    SET(ml_heap_totals->native, native);
    SET(ml_heap_totals->mode, mode);
    if (mode == ML_HEAP_SAMPLE)
        ml__sample_tell_rate();
    if (mine != NULL) {
        kept.tid = (uint32_t)syscall(SYS_gettid);
        kept.alloc_bytes = kept.alloc_count = 0;
        kept.reallocs = kept.busy = 0;
        kept.random[0] = kept.random[1] = 0; /* chance of its own, from the first countdown on */
        kept.sample_rate = 0;
        kept.sample_left = 0;
        SET(ml_heap_totals->departed_bytes, -GET(kept.net_bytes));
        memcpy((void *)mine, (void *)&kept, sizeof kept);
        ml_heap_mine = mine;
    }
    SET(ml_heap_mode_now, mode);
}

/* --- blocks that are out of the ordinary ------------------------------------------------------------------ */

ML_NOINLINE bool ml_heap_due(struct ml_heap_thread *t, void *p, size_t n)
{
    uint32_t mode = GET(ml_heap_mode_now);
    if (mode != ML_HEAP_EXACT)
        return mode == ML_HEAP_OFF || ml__sample_due(t, p, n);
    t->sample_left = ML__CLOCK_BYTES;
    ml_heap_look_at_clock();
    return false;
}

/* The cell is still taken: the block there was freed where we do not see it. */
static void retire_stale(struct ml_heap_thread *t, struct ml_cell old)
{
    ml_heap_retire(t, old, false);
    atomic_fetch_add(&ml_heap_totals->stale_blocks, 1);
    if (ml_cell_field(old.cell) != ML_CELL_SAMPLED)
        atomic_fetch_add(&ml_heap_totals->stale_bytes, old.size);
}

/* Without memory for the ledger the block is a foreign one when it is freed. */
ML_NOINLINE void ml_heap_alloc_odd(struct ml_heap_thread *t, void *p, size_t n)
{
    struct ml_cell old = ml_heap_take(p);
    if (old.cell != 0)
        retire_stale(t, old);
    if (!ml_ledger_enter((uintptr_t)p, n, GET(t->site)))
        return;
    ml__heap_net(t, (int64_t)n);
    ml__relaxed_add(&t->alloc_bytes, n);
    ml__relaxed_add(&t->alloc_count, 1);
}

ML_NOINLINE void ml_heap_retire_odd(struct ml_heap_thread *t, struct ml_cell old)
{
    if (old.cell != 0)
        ml__sample_retire(t, old.cell);
    else if (GET(ml_heap_mode_now) == ML_HEAP_EXACT)
        atomic_fetch_add_explicit(&ml_heap_totals->foreign_frees, 1, memory_order_relaxed);
}

void ml_heap_put(void *p, struct ml_cell old)
{
    if (old.cell == 0)
        return;
    if (ml_cell_field(old.cell) != ML_CELL_SAMPLED) {
        ml_ledger_enter((uintptr_t)p, old.size, ml_cell_site(old.cell));
        return;
    }
    ml__sample_put(ml_heap_mine, (uintptr_t)p, old.cell); /* we are in its hook */
}

void ml_heap_disown(struct ml_heap_thread *t, void *p)
{
    struct ml_cell old = ml_heap_take(p);
    if (old.cell == 0)
        return;
    if (ml_cell_field(old.cell) == ML_CELL_SAMPLED || ml_cell_site(old.cell) != GET(t->site) ||
        GET(t->alloc_count) == 0) {
        ml_heap_retire(t, old, true);
        return;
    }
    int64_t n = (int64_t)old.size;
    int64_t net = GET(t->net_bytes);
    if (t->high_bytes == net)
        t->high_bytes -= n;
    SET(t->net_bytes, net - n);
    SET(t->alloc_bytes, GET(t->alloc_bytes) - (uint64_t)n);
    SET(t->alloc_count, GET(t->alloc_count) - 1);
}

void ml_heap_mapped(uint32_t site, int64_t n, bool file)
{
    struct ml_account *a = ml_heap_account(site);
    atomic_fetch_add(file ? &a->map_file_bytes : &a->map_bytes, n);
}
