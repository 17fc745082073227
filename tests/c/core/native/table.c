/* A library that calls the allocator through a table of addresses, as curl and c-ares do: words of data
 * that the loader fills, not slots. SPDX-License-Identifier: MIT */
#include <stdlib.h>

struct functions {
    void *(*get)(size_t n);
    void (*give)(void *p);
    void *(*grow)(void *p, size_t n);
};

const struct functions table_default = {malloc, free, realloc}; /* read-only once loaded */
struct functions table_own = {malloc, free, realloc};           /* the user may set others */

void *table_get(size_t n)
{
    return table_default.get(n);
}

void *table_own_get(size_t n)
{
    return table_own.get(n);
}

void table_give(void *p)
{
    table_own.give(p);
}

void table_set_get(void *(*get)(size_t n))
{
    table_own.get = get;
}
