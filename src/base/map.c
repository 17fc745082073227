/* base/map.c -- see map.h. Hash: FNV-1a 64 with a final mix. SPDX-License-Identifier: MIT */
#include "base/map.h"

#include "base/err.h"
#include "base/mem.h"

struct ml_map_slot {
    char *key; /* owned; NULL: free */
    size_t key_n;
    uint64_t hash;
    uint64_t value;
};

uint64_t ml_hash(struct ml_str s)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211u; /* wraps as intended */
    h ^= h >> 32;
    return h * 0x9E3779B97F4A7C15u;
}

/* The key's slot, or the free one where it belongs. There is always a free one. */
static size_t slot_of(const struct ml_map *m, struct ml_str key, uint64_t hash)
{
    size_t i = hash & (m->cap - 1);
    while (m->slots[i].key != NULL) {
        const struct ml_map_slot *s = &m->slots[i];
        if (s->hash == hash && ml_str_eq((struct ml_str){s->key, s->key_n}, key))
            break;
        i = (i + 1) & (m->cap - 1);
    }
    return i;
}

uint64_t *ml_map_find(const struct ml_map *m, struct ml_str key)
{
    if (m->n == 0)
        return NULL;
    struct ml_map_slot *s = &m->slots[slot_of(m, key, ml_hash(key))];
    return s->key != NULL ? &s->value : NULL;
}

static int grow(struct ml_map *m)
{
    struct ml_map bigger = {.cap = m->cap < 8 ? 16 : m->cap * 2, .n = m->n};
    bigger.slots = ml_calloc(bigger.cap, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return ML_ENOMEM;
    for (size_t i = 0; i < m->cap; i++) {
        const struct ml_map_slot *s = &m->slots[i];
        if (s->key != NULL)
            bigger.slots[slot_of(&bigger, (struct ml_str){s->key, s->key_n}, s->hash)] = *s;
    }
    ml_free(m->slots);
    *m = bigger;
    return ML_OK;
}

int ml_map_put(struct ml_map *m, struct ml_str key, uint64_t value)
{
    if (m->cap == 0 || m->n + 1 > m->cap / 4 * 3) {
        int rc = grow(m);
        if (rc != ML_OK)
            return rc;
    }
    uint64_t hash = ml_hash(key);
    struct ml_map_slot *s = &m->slots[slot_of(m, key, hash)];
    if (s->key == NULL) {
        char *copy = ml_strndup(key.p != NULL ? key.p : "", key.n);
        if (copy == NULL)
            return ML_ENOMEM;
        *s = (struct ml_map_slot){.key = copy, .key_n = key.n, .hash = hash};
        m->n++;
    }
    s->value = value;
    return ML_OK;
}

bool ml_map_remove(struct ml_map *m, struct ml_str key)
{
    if (m->n == 0)
        return false;
    size_t mask = m->cap - 1;
    size_t hole = slot_of(m, key, ml_hash(key));
    if (m->slots[hole].key == NULL)
        return false;
    ml_free(m->slots[hole].key);
    /* Close the gap: move back every later slot of the run that may stand at the hole. */
    for (size_t i = (hole + 1) & mask; m->slots[i].key != NULL; i = (i + 1) & mask) {
        size_t home = m->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole] = (struct ml_map_slot){0};
    m->n--;
    return true;
}

bool ml_map_next(const struct ml_map *m, size_t *i, struct ml_str *key, uint64_t *value)
{
    for (; *i < m->cap; ++*i) {
        const struct ml_map_slot *s = &m->slots[*i];
        if (s->key == NULL)
            continue;
        *key = (struct ml_str){s->key, s->key_n};
        *value = s->value;
        ++*i;
        return true;
    }
    return false;
}

void ml_map_free(struct ml_map *m)
{
    for (size_t i = 0; i < m->cap; i++)
        ml_free(m->slots[i].key);
    ml_free(m->slots);
    *m = (struct ml_map){0};
}
