/* host/oom.c -- see oom.h. Control groups of version 2 (memory.events) and 1 (memory.oom_control).
 * SPDX-License-Identifier: MIT */
#include "host/oom.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static long count_in(const char *path)
{
    FILE *f = fopen(path, "re");
    char line[128];
    long n = -1;
    if (f == NULL)
        return -1;
    while (fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "oom_kill %ld", &n) == 1)
            break;
    (void)fclose(f);
    return n;
}

long ml_oom_kills(void)
{
    FILE *f = fopen("/proc/self/cgroup", "re");
    char line[PATH_MAX], path[PATH_MAX + 64];
    long n = -1;
    if (f == NULL)
        return -1;
    while (n < 0 && fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        const char *dir = strrchr(line, ':');
        if (dir == NULL)
            continue;
        if (strncmp(line, "0::", 3) == 0)
            (void)snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.events", dir + 1);
        else if (strstr(line, ":memory:") != NULL)
            (void)snprintf(path, sizeof path, "/sys/fs/cgroup/memory%s/memory.oom_control",
                           dir + 1);
        else
            continue;
        n = count_in(path);
    }
    (void)fclose(f);
    return n;
}
