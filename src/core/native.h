/* core/native.h -- what the program allocates without Python: the C library's allocator and mappings, seen
 * through the slots of every loaded object (core/elf_slots.h), told to core/heap.h and core/maps.h.
 *
 * Invariant: a wrapper does what the real function does, also while accounting is off, while the hooks
 *            are out, and for ever: our library is never unloaded once they have been in.
 * Real:      the functions are found before the first slot changes, in the object that provides them:
 *            the C library or an allocator that was preloaded. Requests of less than 16 bytes ask for
 *            16, so that no two blocks share a cell of the ledger (allocators other than glibc's
 *            would put two into one).
 * Not seen:  static programs, raw system calls, other allocators, the loader's own blocks, what an object's
 *            constructors allocate when it is loaded later; docs/native.md tells how each is reported.
 * Memline's own memory is not seen since our own slots are not touched.
 * Threads:   the hooks run in any thread, in signal handlers, in destructors of threads, after fork:
 *            no lock (but that of core/maps.h), no allocation, no Python, errno kept. The functions
 *            below may be called by any thread.
 * SPDX-License-Identifier: MIT */
#ifndef ML_CORE_NATIVE_H
#define ML_CORE_NATIVE_H

#include "base/err.h"
#include "core/elf_slots.h"
#include "core/maps.h"

struct ml_native_report {
    struct ml_elf_counts elf;
    struct ml_maps_totals maps;
    char provider[ML_ELF_NAME]; /* of malloc: "libc.so.6" */
    bool installed;
};

/* Put the hooks in; again is fine. Mappings known from before are forgotten. Errors: ML_EUNSUPPORTED when
 * the program is linked statically, or has no allocator that we find. Cost: some milliseconds. */
int ml_native_install(struct ml_error *e);
/* Take them out. */
void ml_native_uninstall(void);
/* Hooks for what was loaded meanwhile, if anything was. Also done by itself whenever the program looks
 * up a symbol (dlsym), so before it can call into a library that it loaded. Cost: about 100 ns. */
void ml_native_refresh(void);

void ml_native_report(struct ml_native_report *out);

/* Whether a new thread starts with the account that its creator has (default: no). */
void ml_native_inherit(bool on);

#endif
