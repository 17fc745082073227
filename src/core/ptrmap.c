/* core/ptrmap.c -- see ptrmap.h. SPDX-License-Identifier: MIT */
#include "core/ptrmap.h"

#include "base/mem.h"

static int grow(struct ml_ptrmap *m)
{
    size_t slots = m->slots == NULL ? 16 : (m->mask + 1) * 2;
    struct ml_ptrmap bigger = {.slots = ml_calloc(slots, sizeof *m->slots), .mask = slots - 1};
    if (bigger.slots == NULL)
        return 0;
    for (size_t i = 0; m->slots != NULL && i <= m->mask; i++)
        if (m->slots[i].key != 0) {
            size_t at = ml_ptrmap_home(&bigger, m->slots[i].key);
            while (bigger.slots[at].key != 0)
                at = (at + 1) & bigger.mask;
            bigger.slots[at] = m->slots[i];
        }
    bigger.n = m->n;
    ml_free(m->slots);
    *m = bigger;
    return 1;
}

uintptr_t *ml_ptrmap_put(struct ml_ptrmap *m, const void *key)
{
    uintptr_t *known = ml_ptrmap_find(m, key);
    if (known != NULL)
        return known;
    if ((m->slots == NULL || (m->n + 1) * 2 > m->mask + 1) && !grow(m))
        return NULL;
    size_t i = ml_ptrmap_home(m, (uintptr_t)key);
    while (m->slots[i].key != 0)
        i = (i + 1) & m->mask;
    m->slots[i] = (struct ml_ptrslot){.key = (uintptr_t)key};
    m->n++;
    return &m->slots[i].value;
}

void ml_ptrmap_remove(struct ml_ptrmap *m, const void *key)
{
    uintptr_t *value = ml_ptrmap_find(m, key);
    if (value == NULL)
        return;
    size_t hole = (size_t)((struct ml_ptrslot *)((char *)value -
                                                 offsetof(struct ml_ptrslot, value)) -
                           m->slots);
    /* Close the gap: move back every later slot of the run that may stand at the hole. */
    for (size_t i = (hole + 1) & m->mask; m->slots[i].key != 0; i = (i + 1) & m->mask) {
        size_t home = ml_ptrmap_home(m, m->slots[i].key);
        if (((i - home) & m->mask) >= ((i - hole) & m->mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole] = (struct ml_ptrslot){0};
    m->n--;
}

void ml_ptrmap_free(struct ml_ptrmap *m)
{
    ml_free(m->slots);
    *m = (struct ml_ptrmap){0};
}
