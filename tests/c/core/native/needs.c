/* A library that depends on another in its own folder. SPDX-License-Identifier: MIT */
#include <stddef.h>

void *needed_get(size_t n);
void needed_give(void *p);
void *needs_get(size_t n);
void needs_give(void *p);

void *needs_get(size_t n)
{
    return needed_get(n);
}

void needs_give(void *p)
{
    needed_give(p);
}
