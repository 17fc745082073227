/* core/native_others.c -- see native_hooks.h: what preloaded allocators export beside malloc's family.
 *
 * C++'s operators of libstdc++ call malloc through a slot and need nothing here. Those of an allocator call its
 * inside. They are asked for what the program asks for, never for more: a sized delete that we do not see
 * would tell the allocator a wrong size. Their blocks of 8 bytes and less may share a cell of the
 * ledger, so those are not counted.
 * An exception must not pass a hook that is busy: hence operators that may throw are called as the ones
 * that do not, and only if that failed again, unseen, as themselves.
 * SPDX-License-Identifier: MIT */
#include "core/heap.h"
#include "core/native_hooks.h"

static void *made(struct ml_heap_thread *t, void *p, size_t n)
{
    if (t == NULL)
        return p;
    if (p != NULL && n > 8)
        ml_heap_alloc(t, p, n);
    ml_heap_end(t);
    return p;
}

/* A block that came from the operator that throws, after the other had answered NULL. */
static void *made_late(void *p, size_t n)
{
    return made(p != NULL ? ml_heap_begin() : NULL, p, n);
}

static const char nothrow_tag; /* std::nothrow: its address is all there is to it */

#define NEW(name, nothrow)                                                            \
    void *ml__hook_##name(size_t n)                                                   \
    {                                                                                 \
        struct ml_heap_thread *t = ml__real.nothrow != NULL ? ml_heap_begin() : NULL; \
        void *p = t != NULL ? made(t, ml__real.nothrow(n, &nothrow_tag), n) : NULL;   \
        return p != NULL ? p : made_late(ml__real.name(n), n);                        \
    }                                                                                 \
    void *ml__hook_##nothrow(size_t n, const void *tag)                               \
    {                                                                                 \
        struct ml_heap_thread *t = ml_heap_begin();                                   \
        return made(t, ml__real.nothrow(n, tag), n);                                  \
    }
#define NEW_ALIGNED(name, nothrow)                                                         \
    void *ml__hook_##name(size_t n, size_t align)                                          \
    {                                                                                      \
        struct ml_heap_thread *t = ml__real.nothrow != NULL ? ml_heap_begin() : NULL;      \
        void *p = t != NULL ? made(t, ml__real.nothrow(n, align, &nothrow_tag), n) : NULL; \
        return p != NULL ? p : made_late(ml__real.name(n, align), n);                      \
    }                                                                                      \
    void *ml__hook_##nothrow(size_t n, size_t align, const void *tag)                      \
    {                                                                                      \
        struct ml_heap_thread *t = ml_heap_begin();                                        \
        return made(t, ml__real.nothrow(n, align, tag), n);                                \
    }
NEW(_Znwm, _ZnwmRKSt9nothrow_t)
NEW(_Znam, _ZnamRKSt9nothrow_t)
NEW_ALIGNED(_ZnwmSt11align_val_t, _ZnwmSt11align_val_tRKSt9nothrow_t)
NEW_ALIGNED(_ZnamSt11align_val_t, _ZnamSt11align_val_tRKSt9nothrow_t)

/* DELETE(name, (arguments), (the same without types)) */
#define DELETE(name, arguments, values)                                \
    void ml__hook_##name arguments                                     \
    {                                                                  \
        struct ml_heap_thread *t = p != NULL ? ml_heap_begin() : NULL; \
        if (t != NULL)                                                 \
            ml_heap_release(t, p, false);                              \
        ml__real.name values;                                          \
        if (t != NULL)                                                 \
            ml_heap_end(t);                                            \
    }
DELETE(_ZdlPv, (void *p), (p))
DELETE(_ZdaPv, (void *p), (p))
DELETE(_ZdlPvm, (void *p, size_t n), (p, n))
DELETE(_ZdaPvm, (void *p, size_t n), (p, n))
DELETE(_ZdlPvSt11align_val_t, (void *p, size_t align), (p, align))
DELETE(_ZdaPvSt11align_val_t, (void *p, size_t align), (p, align))
DELETE(_ZdlPvmSt11align_val_t, (void *p, size_t n, size_t align), (p, n, align))
DELETE(_ZdaPvmSt11align_val_t, (void *p, size_t n, size_t align), (p, n, align))
DELETE(_ZdlPvRKSt9nothrow_t, (void *p, const void *nothrow), (p, nothrow))
DELETE(_ZdaPvRKSt9nothrow_t, (void *p, const void *nothrow), (p, nothrow))
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void *p, size_t align, const void *nothrow),
       (p, align, nothrow))
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void *p, size_t align, const void *nothrow),
       (p, align, nothrow))

/* The program knows the size that it asked malloc for; we may have asked for more. So without it. */
void ml__hook_free_sized(void *p, size_t n)
{
    ml__hook_free(p);
}

void ml__hook_free_aligned_sized(void *p, size_t align, size_t n)
{
    ml__hook_free(p);
}

void ml__hook_sdallocx(void *p, size_t n, int flags)
{
    ml__hook_free(p);
}
