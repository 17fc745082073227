/* core/native_maps.c -- see native_hooks.h: mmap and its kin, told to core/maps.h.
 *
 * A mapping that is made while the thread is inside another hook belongs to an allocator (Python's
 * arenas, say): its blocks are counted, it is not. One that goes is taken out wherever that happens.
 * SPDX-License-Identifier: MIT */
#include "core/heap.h"
#include "core/maps.h"
#include "core/native_hooks.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef HUGETLBFS_MAGIC
#define HUGETLBFS_MAGIC 0x958458f6
#endif

static bool counting(void)
{
    return atomic_load_explicit(&ml_heap_mode_now, memory_order_relaxed) != ML_HEAP_OFF;
}

/* Whole pages; 0 for what the system will refuse. */
static size_t pages(size_t n)
{
    size_t mask = ml_page_bytes() - 1;
    return (n + mask) & ~mask;
}

static enum ml_map_kind kind_of(int flags, int fd)
{
    struct stat s;
    struct statfs fs;
    if ((flags & MAP_ANONYMOUS) != 0)
        return (flags & MAP_SHARED) != 0 ? ML_MAP_SHARED : ML_MAP_ANON;
    if (fstat(fd, &s) == 0 && S_ISCHR(s.st_mode) && s.st_rdev == makedev(1, 5)) /* /dev/zero */
        return (flags & MAP_SHARED) != 0 ? ML_MAP_SHARED : ML_MAP_ANON;
    if (fstatfs(fd, &fs) == 0 &&
        ((uint32_t)fs.f_type == TMPFS_MAGIC || (uint32_t)fs.f_type == HUGETLBFS_MAGIC))
        return ML_MAP_MEMORY;
    return ML_MAP_FILE;
}

/* --- new mappings --------------------------------------------------------------------------------------- */

typedef void *map_function(void *at, size_t n, int access, int flags, int fd, off_t from);

static void *map(map_function *real, void *at, size_t n, int access, int flags, int fd, off_t from)
{
    if (!counting())
        return real(at, n, access, flags, fd, from);
    bool over = (flags & MAP_FIXED) != 0; /* whatever is there goes */
    struct ml_heap_thread *t = ml_heap_begin();
    over = over && ml_maps_leave((uintptr_t)at, pages(n));
    void *p = real(at, n, access, flags, fd, from);
    int keep = errno;
    if (p == MAP_FAILED) {
        if (over)
            ml_maps_stay((uintptr_t)at, pages(n));
    } else if (t != NULL) {
        ml_maps_set((uintptr_t)p, pages(n), ml_heap_site_here(), kind_of(flags, fd),
                    access == PROT_NONE);
    } else if (over) {
        ml_maps_gone((uintptr_t)at, pages(n));
    }
    if (t != NULL)
        ml_heap_end(t);
    errno = keep;
    return p;
}

void *ml__hook_mmap(void *at, size_t n, int access, int flags, int fd, off_t from)
{
    return map(ml__real.mmap, at, n, access, flags, fd, from);
}

void *ml__hook_mmap64(void *at, size_t n, int access, int flags, int fd, off_t from)
{
    return map(ml__real.mmap64, at, n, access, flags, fd, from);
}

/* --- those that go -------------------------------------------------------------------------------------- */

int ml__hook_munmap(void *at, size_t n)
{
    if (!counting())
        return ml__real.munmap(at, n);
    struct ml_heap_thread *t = ml_heap_begin();
    bool known = ml_maps_leave((uintptr_t)at, pages(n));
    int rc = ml__real.munmap(at, n);
    int keep = errno;
    if (known && rc == 0)
        ml_maps_gone((uintptr_t)at, pages(n));
    else if (known)
        ml_maps_stay((uintptr_t)at, pages(n));
    if (t != NULL)
        ml_heap_end(t);
    errno = keep;
    return rc;
}

/* As with realloc, the whole new size is the caller's who asked for it. */
static void remapped(uintptr_t at, size_t old, uintptr_t q, size_t n, int flags, bool seen,
                     bool known, const struct ml_map *m)
{
    if ((flags & MREMAP_DONTUNMAP) != 0)
        ml_maps_stay(at, old);
    else if (old != 0) /* 0: a second view of shared memory */
        ml_maps_gone(at, old);
    enum ml_map_kind kind = known ? (enum ml_map_kind)m->kind : ML_MAP_ANON;
    if (seen)
        ml_maps_set(q, n, ml_heap_site_here(), kind, known && m->reserved);
    else
        ml_maps_gone(q, n);
}

void *ml__hook_mremap(void *at, size_t old, size_t n, int flags, void *to)
{
    if (!counting())
        return ml__real.mremap(at, old, n, flags, to);
    struct ml_heap_thread *t = ml_heap_begin();
    struct ml_map m;
    bool known = ml_maps_find((uintptr_t)at, &m);
    bool fixed = (flags & MREMAP_FIXED) != 0;
    ml_maps_leave((uintptr_t)at, pages(old));
    if (fixed)
        ml_maps_leave((uintptr_t)to, pages(n));
    void *q = ml__real.mremap(at, old, n, flags, to);
    int keep = errno;
    if (q != MAP_FAILED) {
        remapped((uintptr_t)at, pages(old), (uintptr_t)q, pages(n), flags, t != NULL, known, &m);
    } else {
        ml_maps_stay((uintptr_t)at, pages(old));
        if (fixed)
            ml_maps_stay((uintptr_t)to, pages(n));
    }
    if (t != NULL)
        ml_heap_end(t);
    errno = keep;
    return q;
}

/* --- access and contents ---------------------------------------------------------------------------------- */

static int access_changed(int rc, void *at, size_t n, int access)
{
    if (rc != 0 || !counting())
        return rc;
    struct ml_heap_thread *t = ml_heap_begin();
    int keep = errno;
    if (t != NULL) {
        ml_maps_access((uintptr_t)at, pages(n), ml_heap_site_here(), access == PROT_NONE);
        ml_heap_end(t);
    }
    errno = keep;
    return rc;
}

int ml__hook_mprotect(void *at, size_t n, int access)
{
    return access_changed(ml__real.mprotect(at, n, access), at, n, access);
}

int ml__hook_pkey_mprotect(void *at, size_t n, int access, int key)
{
    return access_changed(ml__real.pkey_mprotect(at, n, access, key), at, n, access);
}

int ml__hook_madvise(void *at, size_t n, int advice)
{
    int rc = ml__real.madvise(at, n, advice);
    if (rc == 0 && counting() && (advice == MADV_DONTNEED || advice == MADV_FREE))
        ml_maps_dropped(pages(n));
    return rc;
}

/* --- the program break ------------------------------------------------------------------------------------ */

/* The bytes between the old break and the new one came or went; they need not be whole pages. */
static void moved_break(uintptr_t old, uintptr_t now)
{
    if (now > old) {
        ml_maps_set(old, now - old, ml_heap_site_here(), ML_MAP_ANON, false);
    } else if (now < old) {
        ml_maps_leave(now, old - now);
        ml_maps_gone(now, old - now);
    }
}

void *ml__hook_sbrk(intptr_t by)
{
    struct ml_heap_thread *t = by != 0 ? ml_heap_begin() : NULL;
    void *old = ml__real.sbrk(by);
    int keep = errno;
    if (t != NULL && old != (void *)-1)
        moved_break((uintptr_t)old, (uintptr_t)old + (uintptr_t)by);
    if (t != NULL)
        ml_heap_end(t);
    errno = keep;
    return old;
}

int ml__hook_brk(void *to)
{
    struct ml_heap_thread *t = ml__real.sbrk != NULL ? ml_heap_begin() : NULL;
    void *old = t != NULL ? ml__real.sbrk(0) : (void *)-1;
    int rc = ml__real.brk(to);
    int keep = errno;
    if (rc == 0 && old != (void *)-1)
        moved_break((uintptr_t)old, (uintptr_t)to);
    if (t != NULL)
        ml_heap_end(t);
    errno = keep;
    return rc;
}
