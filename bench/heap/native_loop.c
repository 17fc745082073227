/* The loops of native.c, in a library: only a library's slots are hooked. SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>

void loop_hot(size_t n, size_t bytes);
int loop_scattered(void **blocks, const uint32_t *order, size_t n, size_t bytes);

void loop_hot(size_t n, size_t bytes)
{
    for (size_t i = 0; i < n; i++) {
        char *volatile p = malloc(bytes);
        free(p);
    }
}

/* n blocks alive at once, freed in another order than they came. */
int loop_scattered(void **blocks, const uint32_t *order, size_t n, size_t bytes)
{
    for (size_t i = 0; i < n; i++) {
        blocks[i] = malloc(bytes + i % 5 * 16);
        if (blocks[i] == NULL)
            return -1;
        *(volatile char *)blocks[i] = 1;
    }
    for (size_t i = 0; i < n; i++)
        free(blocks[order[i]]);
    return 0;
}
