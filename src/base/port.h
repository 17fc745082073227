/* base/port.h -- the one place for compiler attributes and operating-system facts.
 *
 * Nothing else in the tree tests for a compiler or a platform. SPDX-License-Identifier: MIT */
#ifndef ML_BASE_PORT_H
#define ML_BASE_PORT_H

#include <stddef.h>
#include <stdint.h>

#define ML_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define ML_NOINLINE __attribute__((noinline, cold))
/* Called often, and not to be merged into its callers. */
#define ML_APART __attribute__((noinline))
#define ML_INLINE inline __attribute__((always_inline))
#define ML_UNUSED __attribute__((unused))
#define ML_LIKELY(x) __builtin_expect(!!(x), 1)
#define ML_UNLIKELY(x) __builtin_expect(!!(x), 0)
/* Initial-exec: one load from a fixed offset. Only for pointer-sized variables: the extension is
 * loaded with dlopen and shares a small static reserve (specs/profiling.md, pitfall 4). */
#define ML_THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))

#if defined(__GLIBC__)
#include <malloc.h>
#define ML_TRIM_HEAP() ((void)malloc_trim(0))
#define ML_SMALL_HEAP()                                                     \
    ((void)(mallopt(M_ARENA_MAX, 1), mallopt(M_MMAP_THRESHOLD, 128 * 1024), \
            mallopt(M_TRIM_THRESHOLD, 128 * 1024)))
#else
#define ML_TRIM_HEAP() ((void)0)
#define ML_SMALL_HEAP() ((void)0)
#endif

#if defined(__linux__)
#include <sys/mman.h>
/* From the page that p lies in to the page where the bytes end: a whole mapping, where malloc made one. */
#define ML_LARGE_PAGES(p, bytes)                                \
    ((void)madvise((void *)((uintptr_t)(p) & ~(uintptr_t)4095), \
                   (((uintptr_t)(p)&4095) + (bytes) + 4095) & ~(size_t)4095, MADV_HUGEPAGE))
#else
#define ML_LARGE_PAGES(p, bytes) ((void)0)
#endif

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

/* The thread sanitizer calls the C library in a new thread before that can run what it instruments: in
 * such a build the C library's own calls are not hooked. */
#if defined(__SANITIZE_THREAD__)
enum { ML_HOOK_LIBC = 0 };
#else
enum { ML_HOOK_LIBC = 1 };
#endif

/* Relocations that hold the address of a symbol: a slot for calls, a slot for the address, a word of
 * data. Their numbers are the processor's. */
#if defined(__x86_64__)
enum { ML_RELOC_CALL = 7, ML_RELOC_ADDRESS = 6, ML_RELOC_DATA = 1 };
#elif defined(__aarch64__)
enum { ML_RELOC_CALL = 1026, ML_RELOC_ADDRESS = 1025, ML_RELOC_DATA = 257 };
#else /* none that we know: no slot is ever found */
enum { ML_RELOC_CALL = -1, ML_RELOC_ADDRESS = -2, ML_RELOC_DATA = -3 };
#endif

/* Define `name(a, b)`: answers pick(a, b) unless that is NULL, and then jumps to *instead with the
 * same two arguments and return address, for functions that look at who called them. */
#if defined(__x86_64__)
#define ML_PICK_OR_JUMP(name, pick, instead)                                               \
    __asm__(".text\n.p2align 4\n.globl " #name "\n.hidden " #name "\n.type " #name         \
            ",@function\n" #name ":\n.cfi_startproc\nendbr64\n"                            \
            "pushq %rdi\n.cfi_adjust_cfa_offset 8\npushq %rsi\n.cfi_adjust_cfa_offset 8\n" \
            "subq $8, %rsp\n.cfi_adjust_cfa_offset 8\ncall " #pick "\n"                    \
            "addq $8, %rsp\n.cfi_adjust_cfa_offset -8\n"                                   \
            "popq %rsi\n.cfi_adjust_cfa_offset -8\npopq %rdi\n.cfi_adjust_cfa_offset -8\n" \
            "testq %rax, %rax\njz 1f\nret\n1: jmpq *" #instead "(%rip)\n"                  \
            ".cfi_endproc\n.size " #name ", .-" #name "\n")
#elif defined(__aarch64__)
#define ML_PICK_OR_JUMP(name, pick, instead)                                                 \
    __asm__(".text\n.p2align 4\n.globl " #name "\n.hidden " #name "\n.type " #name           \
            ",%function\n" #name ":\n.cfi_startproc\nhint #34\n"                             \
            "stp x29, x30, [sp, -32]!\n.cfi_def_cfa_offset 32\n"                             \
            ".cfi_offset 29, -32\n.cfi_offset 30, -24\nstp x0, x1, [sp, 16]\nbl " #pick "\n" \
            "mov x16, x0\nldp x0, x1, [sp, 16]\nldp x29, x30, [sp], 32\n"                    \
            ".cfi_restore 29\n.cfi_restore 30\n.cfi_def_cfa_offset 0\n"                      \
            "cbz x16, 1f\nmov x0, x16\nret\n1: adrp x16, " #instead "\n"                     \
            "ldr x16, [x16, :lo12:" #instead "]\nbr x16\n"                                   \
            ".cfi_endproc\n.size " #name ", .-" #name "\n")
#else /* the caller is then us */
#define ML_PICK_OR_JUMP(name, pick, instead)  \
    void *name(void *a, void *b)              \
    {                                         \
        void *p = pick(a, b);                 \
        return p != NULL ? p : instead(a, b); \
    }                                         \
    _Static_assert(1, "")
#endif

/* Monotonic time since some fixed moment, ns. */
uint64_t ml_now_ns(void);
/* Wall-clock time since 1970-01-01 UTC, ns. */
int64_t ml_wall_ns(void);

/* A cheap, steadily rising counter (~10 ns): the time-stamp counter where it is constant, else
 * ml_now_ns(). Unit: ticks; ml_ticks_per_us() tells how many. */
static inline uint64_t ml_ticks(void)
{
#if defined(__x86_64__)
    return __rdtsc();
#elif defined(__aarch64__)
    uint64_t t;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
    return t;
#else
    return ml_now_ns();
#endif
}

/* Ticks in a microsecond, measured once at first use (about 1 ms). 0 where the counter cannot be
 * trusted (it is not constant over frequency changes): callers then go without it. */
uint64_t ml_ticks_per_us(void);

size_t ml_page_bytes(void);

/* How large this thread's C stack may grow. Some 1 us. */
size_t ml_stack_bytes(void);

/* Zeroed private memory from the kernel, n a multiple of the page size: real only where it is touched,
 * never in huge pages. NULL when there is none; errno is kept. Safe in signal handlers. */
void *ml_pages(size_t n);
void ml_pages_free(void *p, size_t n);

/* Give the file real space from byte `from` up to byte `to`, zeroed, so that a later write through a
 * mapping cannot fail for lack of space. Never raises SIGXFSZ. 0, ML_EFULL or ML_EIO. */
int ml_file_allocate(int fd, uint64_t from, uint64_t to);

/* Unpredictable bytes from the kernel (never fails once the machine is up). */
void ml_random(void *out, size_t n);

/* Absolute path of the running program; the buffer's caller owns it. 0 or an ML_E code. */
int ml_program_path(char *out, size_t out_bytes);

#endif
