/* Found by needs.c through its RPATH; allocates when it is loaded. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

void *needed_at_load;

__attribute__((constructor)) static void at_load(void)
{
    needed_at_load = malloc(1000);
}

__attribute__((destructor)) static void at_unload(void)
{
    free(needed_at_load);
}

void *needed_get(size_t n)
{
    return malloc(n);
}

void needed_give(void *p)
{
    free(p);
}
