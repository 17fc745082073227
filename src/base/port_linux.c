/* base/port_linux.c -- port.h for Linux. SPDX-License-Identifier: MIT */
#include "base/port.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t ml_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t ml_wall_ns(void)
{
    return (int64_t)clock_ns(CLOCK_REALTIME);
}

#if defined(__x86_64__)
/* The kernel lists "constant_tsc" and "nonstop_tsc" for every modern processor. */
static int counter_is_constant(void)
{
    char line[8192];
    int found = 0;
    FILE *f = fopen("/proc/cpuinfo", "re");
    if (f == NULL)
        return 0;
    while (!found && fgets(line, sizeof line, f) != NULL)
        found = strncmp(line, "flags", 5) == 0 && strstr(line, "constant_tsc") != NULL;
    fclose(f);
    return found;
}
#else
static int counter_is_constant(void)
{
    return 1;
}
#endif

static uint64_t measure_ticks_per_us(void)
{
    if (!counter_is_constant())
        return 0;
    uint64_t ns0 = ml_now_ns();
    uint64_t ticks0 = ml_ticks();
    uint64_t ns1;
    do
        ns1 = ml_now_ns();
    while (ns1 - ns0 < 500000);
    uint64_t ticks = ml_ticks() - ticks0;
    return ticks * 1000 / (ns1 - ns0);
}

uint64_t ml_ticks_per_us(void)
{
    /* [lock-free] 0: not measured yet; 1: cannot be trusted; else the answer + 1. */
    static _Atomic uint64_t known;
    uint64_t k = atomic_load_explicit(&known, memory_order_relaxed);
    if (k == 0) {
        k = measure_ticks_per_us() + 1;
        atomic_store_explicit(&known, k, memory_order_relaxed);
    }
    return k - 1;
}

void *ml_pages(size_t n)
{
    int keep = errno;
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                   0);
    if (p == MAP_FAILED)
        p = NULL;
    else
        madvise(p, n, MADV_NOHUGEPAGE);
    errno = keep;
    return p;
}

void ml_pages_free(void *p, size_t n)
{
    int keep = errno;
    munmap(p, n);
    errno = keep;
}

size_t ml_page_bytes(void)
{
    long n = sysconf(_SC_PAGESIZE);
    return n > 0 ? (size_t)n : 4096;
}

/* Of the first thread pthread_getattr_np would read /proc/self/maps; its stack grows up to a limit. */
size_t ml_stack_bytes(void)
{
    enum { USUAL = 8 << 20 };
    struct rlimit limit;
    pthread_attr_t attr;
    size_t bytes = 0;
    if (getpid() == gettid()) {
        if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
            bytes = (size_t)limit.rlim_cur;
    } else if (pthread_getattr_np(pthread_self(), &attr) == 0) {
        if (pthread_attr_getstacksize(&attr, &bytes) != 0)
            bytes = 0;
        pthread_attr_destroy(&attr);
    }
    return bytes != 0 ? bytes : USUAL;
}

int ml_file_allocate(int fd, uint64_t from, uint64_t to)
{
    struct rlimit most;
    if (getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur != RLIM_INFINITY && to > most.rlim_cur)
        return ML_EFULL; /* asked beforehand: the kernel would send SIGXFSZ */
    int err;
    do
        err = posix_fallocate(fd, (off_t)from, (off_t)(to - from));
    while (err == EINTR);
    if (err == 0)
        return ML_OK;
    return err == ENOSPC || err == EDQUOT || err == EFBIG ? ML_EFULL : ML_EIO;
}

int ml_program_path(char *out, size_t out_bytes)
{
    ssize_t n = readlink("/proc/self/exe", out, out_bytes - 1);
    if (n < 0)
        return ml_status_from_errno(errno);
    out[n] = '\0';
    return (size_t)n == out_bytes - 1 ? ML_ELIMIT : ML_OK;
}

void ml_random(void *out, size_t n)
{
    char *p = out;
    while (n > 0) {
        ssize_t got = getrandom(p, n,
                                0); /* at most 256 bytes are given whole; signals may cut more */
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
}
