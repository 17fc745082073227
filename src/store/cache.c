/* store/cache.c -- a map from chunk id to entry, and a ring of entries in order of use.
 * SPDX-License-Identifier: MIT */
#include "store/cache.h"

#include "base/map.h"
#include "base/mem.h"

#include <pthread.h>

struct entry {
    struct entry *next; /* used less recently */
    struct entry *prev;
    struct ml__strip *strip; /* one reference */
    int64_t chunk;
};

struct ml__cache {
    pthread_mutex_t lock; /* guards everything below */
    struct ml_map map;    /* chunk id -> struct entry * */
    struct entry ring;    /* head: ring.next is the most recent */
    uint64_t bytes;
    uint64_t max_bytes;
};

static struct ml_str key_of(const int64_t *chunk)
{
    return (struct ml_str){(const char *)chunk, sizeof *chunk};
}

int ml__cache_new(uint64_t max_bytes, struct ml__cache **out)
{
    struct ml__cache *c = ml_calloc(1, sizeof *c);
    if (c == NULL)
        return ML_ENOMEM;
    pthread_mutex_init(&c->lock, NULL);
    c->max_bytes = max_bytes;
    c->ring.next = c->ring.prev = &c->ring;
    *out = c;
    return ML_OK;
}

static void detach(struct entry *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
}

static void attach_first(struct ml__cache *c, struct entry *n)
{
    n->next = c->ring.next;
    n->prev = &c->ring;
    n->next->prev = n;
    c->ring.next = n;
}

static void evict(struct ml__cache *c, struct entry *n)
{
    detach(n);
    ml_map_remove(&c->map, key_of(&n->chunk));
    c->bytes -= n->strip->bytes;
    ml__strip_drop(n->strip);
    ml_free(n);
}

void ml__cache_free(struct ml__cache *c)
{
    if (c == NULL)
        return;
    while (c->ring.next != &c->ring)
        evict(c, c->ring.next);
    ml_map_free(&c->map);
    pthread_mutex_destroy(&c->lock);
    ml_free(c);
}

struct ml__strip *ml__cache_find(struct ml__cache *c, int64_t chunk)
{
    struct ml__strip *s = NULL;
    pthread_mutex_lock(&c->lock);
    uint64_t *at = ml_map_find(&c->map, key_of(&chunk));
    if (at != NULL) {
        struct entry *n = (struct entry *)(uintptr_t)*at;
        detach(n);
        attach_first(c, n);
        s = ml__strip_ref(n->strip);
    }
    pthread_mutex_unlock(&c->lock);
    return s;
}

static struct entry *entry_new(struct ml__cache *c, int64_t chunk, struct ml__strip *s)
{
    struct entry *n = ml_calloc(1, sizeof *n);
    if (n == NULL)
        return NULL;
    n->chunk = chunk;
    if (ml_map_put(&c->map, key_of(&chunk), (uint64_t)(uintptr_t)n) != ML_OK) {
        ml_free(n);
        return NULL;
    }
    n->strip = ml__strip_ref(s);
    return n;
}

void ml__cache_put(struct ml__cache *c, int64_t chunk, struct ml__strip *s)
{
    pthread_mutex_lock(&c->lock);
    if (s->bytes <= c->max_bytes && ml_map_find(&c->map, key_of(&chunk)) == NULL) {
        while (c->bytes + s->bytes > c->max_bytes)
            evict(c, c->ring.prev);
        struct entry *n = entry_new(c, chunk, s); /* out of memory: it is just not kept */
        if (n != NULL) {
            attach_first(c, n);
            c->bytes += s->bytes;
        }
    }
    pthread_mutex_unlock(&c->lock);
}

uint64_t ml__cache_bytes(struct ml__cache *c)
{
    pthread_mutex_lock(&c->lock);
    uint64_t bytes = c->bytes;
    pthread_mutex_unlock(&c->lock);
    return bytes;
}
