/* core/elf_slots.h -- the slots through which loaded objects call functions of others, found and written.
 *
 * Picture:   object: PT_DYNAMIC -> relocations -> (slot, symbol's name); the slot holds an address
 * A slot is written only when we know what it holds: the real function; or, while the loader has not
 * bound it yet, the stub of its own object. All else belongs to somebody and is left alone and counted.
 * Nothing is remembered: taking the hooks out is the same walk, which writes the real function
 * wherever our wrapper stands. So an address of an object that has gone is never written.
 * Loader:    all work is done inside of dl_iterate_phdr, under the lock with which the loader takes
 *            objects off its list: none can vanish under our hands. In there: no other lock, no
 *            allocation, no Python. An object that another thread is just loading may be seen before
 *            its slots are filled: they match nothing, and the next walk finds them.
 * RELRO:     a page that is read-only now (as the loader left it) is made writable for the store and
 *            read-only again; one that is writable stays so: the loader is not done with it.
 * Threads:   one walk at a time, the caller sees to that; slots change by single 8-byte stores.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_ELF_SLOTS_H
#define ML_CORE_ELF_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ml_elf_hook {
    const char *name;
    void *wrapper;
    /* filled in by ml_elf_resolve: */
    void *real;     /* NULL: no object defines it */
    uintptr_t from; /* load address of the object that does */
};

enum { ML_ELF_NAME = 64, ML_ELF_OTHERS = 8 };

struct ml_elf_counts {
    uint32_t objects; /* loaded, without those never touched */
    uint32_t patched; /* of those, with our wrapper in a slot */
    uint32_t slots;   /* that hold our wrapper */
    uint32_t data;    /* of those, words of data */
    uint32_t written; /* of those, by this walk */
    uint32_t waiting; /* not bound yet, and it is not known to whom they will be */
    uint32_t other;   /* bound to somebody else's function of that name */
    uint32_t refused; /* the system did not let us write */
    uint32_t loading; /* objects whose RELRO is still writable */
    uint32_t length;  /* of the loader's list; new objects come at its end */
    uint64_t adds;    /* objects loaded and unloaded, ever */
    uint64_t subs;
    bool fixed;      /* the program is linked statically: it has no slots */
    uint32_t others; /* objects with an allocator of their own; the names of the first */
    char other_names[ML_ELF_OTHERS][ML_ELF_NAME];
};

/* Find who defines each hook's name: the first in load order, as the loader itself decides for calls
 * from the program. Definitions, not the stubs that an executable exports in their place. */
void ml_elf_resolve(struct ml_elf_hook *hooks, size_t n);

/* Objects loaded and unloaded so far. Cost: about 100 ns. */
void ml_elf_changes(uint64_t *adds, uint64_t *subs);

/* Put the wrappers into the slots, or (`undo`) the real functions back. hooks[0] is the one by whose
 * definition other allocators are known. Never touched: the object that holds the address `self`, the
 * loader, the kernel's own, and the definer of hooks[0] unless it is the C library. The first `from`
 * objects of the loader's list are passed over. Cost: some 30 us an object. */
void ml_elf_patch(const struct ml_elf_hook *hooks, size_t n, const void *self, bool undo,
                  size_t from, struct ml_elf_counts *out);

/* Name of the object that holds the address, without folder; empty if there is none. */
void ml_elf_name(const void *address, char out[ML_ELF_NAME]);

#endif
