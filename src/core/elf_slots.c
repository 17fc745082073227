/* core/elf_slots.c -- see elf_slots.h.
 *
 * Sources: the System V ABI, chapter 5 (dynamic section, hash tables, relocations); dl_iterate_phdr(3).
 * SPDX-License-Identifier: MIT */
#include "core/elf_slots.h"

#include "base/port.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- one object ------------------------------------------------------------------------------- */

struct object {
    uintptr_t base;
    uintptr_t begin, end; /* of all it has in memory */
    const ElfW(Phdr) * headers;
    size_t n_headers;
    uintptr_t relro, relro_end; /* whole pages; equal: none */
    const ElfW(Sym) * symbols;
    const char *strings;
    size_t strings_bytes;
    const ElfW(Half) * versions;
    const uint32_t *gnu_hash;
    const uint32_t *hash;
    const ElfW(Rela) * calls;
    size_t calls_n;
    const ElfW(Rela) * data;
    size_t data_n;
    size_t data_relative; /* the first so many have no symbol */
    const char *name;     /* DT_SONAME, or the end of the path */
};

/* glibc writes addresses into the dynamic section, others leave offsets. */
static const void *at(const struct object *o, ElfW(Addr) p)
{
    return (const void *)(p < o->base ? o->base + p : p);
}

static void read_dynamic(struct object *o, const ElfW(Dyn) * d)
{
    size_t calls_bytes = 0, data_bytes = 0, soname = 0;
    bool rela = true;
    for (; d->d_tag != DT_NULL; d++) {
        switch (d->d_tag) {
        case DT_SYMTAB:
            o->symbols = at(o, d->d_un.d_ptr);
            break;
        case DT_STRTAB:
            o->strings = at(o, d->d_un.d_ptr);
            break;
        case DT_STRSZ:
            o->strings_bytes = d->d_un.d_val;
            break;
        case DT_VERSYM:
            o->versions = at(o, d->d_un.d_ptr);
            break;
        case DT_GNU_HASH:
            o->gnu_hash = at(o, d->d_un.d_ptr);
            break;
        case DT_HASH:
            o->hash = at(o, d->d_un.d_ptr);
            break;
        case DT_JMPREL:
            o->calls = at(o, d->d_un.d_ptr);
            break;
        case DT_PLTRELSZ:
            calls_bytes = d->d_un.d_val;
            break;
        case DT_PLTREL:
            rela = d->d_un.d_val == DT_RELA;
            break;
        case DT_RELA:
            o->data = at(o, d->d_un.d_ptr);
            break;
        case DT_RELASZ:
            data_bytes = d->d_un.d_val;
            break;
        case DT_RELACOUNT:
            o->data_relative = d->d_un.d_val;
            break;
        case DT_SONAME:
            soname = d->d_un.d_val;
            break;
        default:
            break;
        }
    }
    o->calls_n = rela && o->calls != NULL ? calls_bytes / sizeof *o->calls : 0;
    o->data_n = o->data != NULL ? data_bytes / sizeof *o->data : 0;
    if (o->data_relative > o->data_n)
        o->data_relative = o->data_n;
    if (o->strings == NULL || o->symbols == NULL)
        o->calls_n = o->data_n = 0;
    else if (soname != 0 && soname < o->strings_bytes)
        o->name = o->strings + soname;
}

static bool object_read(const struct dl_phdr_info *info, struct object *o)
{
    const ElfW(Dyn) *dynamic = NULL;
    size_t page = ml_page_bytes();
    const char *slash = info->dlpi_name != NULL ? strrchr(info->dlpi_name, '/') : NULL;
    *o = (struct object){.base = info->dlpi_addr,
                         .headers = info->dlpi_phdr,
                         .n_headers = info->dlpi_phnum,
                         .begin = UINTPTR_MAX,
                         .name = slash != NULL ? slash + 1 : info->dlpi_name};
    if (o->name == NULL)
        o->name = "";
    for (size_t i = 0; i < o->n_headers; i++) {
        const ElfW(Phdr) *h = &o->headers[i];
        uintptr_t begin = o->base + h->p_vaddr, end = begin + h->p_memsz;
        if (h->p_type == PT_LOAD) {
            o->begin = begin < o->begin ? begin : o->begin;
            o->end = end > o->end ? end : o->end;
        } else if (h->p_type == PT_DYNAMIC) {
            dynamic = (const ElfW(Dyn) *)begin;
        } else if (h->p_type == PT_GNU_RELRO) {
            o->relro = begin & ~(page - 1);
            o->relro_end = end & ~(page - 1);
        }
    }
    if (dynamic == NULL)
        return false;
    read_dynamic(o, dynamic);
    return true;
}

static bool holds(const struct object *o, uintptr_t a)
{
    return a >= o->begin && a < o->end;
}

static bool is_loader(const struct object *o)
{
    return o->base == getauxval(AT_BASE) || o->base == getauxval(AT_SYSINFO_EHDR) ||
           strncmp(o->name, "ld-linux", 8) == 0;
}

/* --- definitions ------------------------------------------------------------------------------ */

static uint32_t gnu_hash_of(const char *s)
{
    uint32_t h = 5381;
    for (; *s != '\0'; s++)
        h = h * 33 + (unsigned char)*s;
    return h;
}

static uint32_t hash_of(const char *s)
{
    uint32_t h = 0;
    for (; *s != '\0'; s++) {
        h = (h << 4) + (unsigned char)*s;
        uint32_t high = h & 0xF0000000u;
        h = (h ^ (high >> 24)) & ~high;
    }
    return h;
}

/* A function that the object defines under this name. A hidden version (an old one, kept for old
 * programs) does only where there is no other. */
static bool defines_here(const struct object *o, uint32_t i, const char *name, uintptr_t *out,
                         bool *hidden)
{
    const ElfW(Sym) *s = &o->symbols[i];
    unsigned type = ELF64_ST_TYPE(s->st_info);
    if (s->st_shndx == SHN_UNDEF || (type != STT_FUNC && type != STT_NOTYPE) ||
        ELF64_ST_BIND(s->st_info) == STB_LOCAL || s->st_name >= o->strings_bytes ||
        strcmp(o->strings + s->st_name, name) != 0)
        return false;
    *hidden = o->versions != NULL && (o->versions[i] & 0x8000) != 0;
    *out = o->base + s->st_value;
    return true;
}

static uintptr_t find_gnu(const struct object *o, const char *name)
{
    const uint32_t *t = o->gnu_hash;
    uint32_t buckets = t[0], first = t[1], words = t[2], h = gnu_hash_of(name);
    const uint32_t *bucket = t + 4 + words * (sizeof(ElfW(Addr)) / 4);
    const uint32_t *chain = bucket + buckets;
    uintptr_t found = 0;
    if (buckets == 0)
        return 0;
    uint32_t i = bucket[h % buckets];
    if (i < first)
        return 0;
    for (;; i++) {
        uintptr_t a;
        bool hidden;
        if ((chain[i - first] | 1) == (h | 1) && defines_here(o, i, name, &a, &hidden)) {
            found = a;
            if (!hidden)
                return found;
        }
        if ((chain[i - first] & 1) != 0)
            return found;
    }
}

static uintptr_t find_sysv(const struct object *o, const char *name)
{
    uint32_t buckets = o->hash[0];
    const uint32_t *bucket = o->hash + 2, *chain = bucket + buckets;
    uintptr_t found = 0;
    if (buckets == 0)
        return 0;
    for (uint32_t i = bucket[hash_of(name) % buckets]; i != STN_UNDEF; i = chain[i]) {
        uintptr_t a;
        bool hidden;
        if (defines_here(o, i, name, &a, &hidden)) {
            found = a;
            if (!hidden)
                return found;
        }
    }
    return found;
}

static uintptr_t find_definition(const struct object *o, const char *name)
{
    if (o->symbols == NULL || o->strings == NULL)
        return 0;
    return o->gnu_hash != NULL ? find_gnu(o, name) : o->hash != NULL ? find_sysv(o, name) : 0;
}

struct resolving {
    struct ml_elf_hook *hooks;
    size_t n;
};

static int resolve_in(struct dl_phdr_info *info, size_t bytes, void *arg)
{
    struct resolving *r = arg;
    struct object o;
    if (!object_read(info, &o) || is_loader(&o))
        return 0;
    for (size_t i = 0; i < r->n; i++) {
        struct ml_elf_hook *h = &r->hooks[i];
        uintptr_t a = h->real == NULL ? find_definition(&o, h->name) : 0;
        if (a != 0) {
            h->real = (void *)a;
            h->from = o.base;
        }
    }
    return 0;
}

void ml_elf_resolve(struct ml_elf_hook *hooks, size_t n)
{
    struct resolving r = {hooks, n};
    for (size_t i = 0; i < n; i++)
        hooks[i].real = NULL;
    dl_iterate_phdr(resolve_in, &r);
}

/* --- what the pages allow ----------------------------------------------------------------------- */

struct region {
    uintptr_t begin, end;
    int protection;
};

/* Regions of this process: as many as the kernel allows by default. */
enum { REGIONS = 65536 };

struct regions {
    struct region *list; /* a mapping of its own; NULL: not known */
    size_t n;
    bool read;
};

static const char *hex(const char *s, uintptr_t *out)
{
    uintptr_t v = 0;
    for (;; s++) {
        if (*s >= '0' && *s <= '9')
            v = v * 16 + (uintptr_t)(*s - '0');
        else if (*s >= 'a' && *s <= 'f')
            v = v * 16 + (uintptr_t)(*s - 'a' + 10);
        else
            break;
    }
    *out = v;
    return s;
}

/* "begin-end rwxp ..." */
static void region_line(struct regions *r, const char *line)
{
    struct region *g = &r->list[r->n];
    const char *s = hex(line, &g->begin);
    if (*s++ != '-')
        return;
    s = hex(s, &g->end);
    if (*s++ != ' ' || strlen(s) < 3)
        return;
    g->protection = (s[0] == 'r' ? PROT_READ : 0) | (s[1] == 'w' ? PROT_WRITE : 0) |
                    (s[2] == 'x' ? PROT_EXEC : 0);
    r->n++;
}

/* No stdio: it would allocate. A line's start is all that matters; a path may be cut. */
static void regions_read(struct regions *r)
{
    char text[4096], line[64] = "";
    size_t used = 0;
    ssize_t got;
    r->read = true;
    if (r->list == NULL)
        return;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    while ((got = read(fd, text, sizeof text)) > 0 || (got < 0 && errno == EINTR)) {
        for (ssize_t i = 0; i < got; i++) {
            if (text[i] != '\n') {
                if (used < sizeof line - 1)
                    line[used++] = text[i];
                continue;
            }
            line[used] = '\0';
            used = 0;
            if (r->n < REGIONS)
                region_line(r, line);
        }
    }
    close(fd);
}

/* Protection of the page at `a`, as it was when first asked in this walk; what the loader leaves RELRO with where we cannot tell. */
static int protection_of(struct regions *r, const struct object *o, uintptr_t a)
{
    if (!r->read)
        regions_read(r);
    size_t low = 0, high = r->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->list[middle].end <= a)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < r->n && r->list[low].begin <= a)
        return r->list[low].protection;
    return PROT_READ | (a >= o->relro && a < o->relro_end ? 0 : PROT_WRITE);
}

/* --- slots ------------------------------------------------------------------------------------- */

struct walk {
    const struct ml_elf_hook *hooks;
    size_t n;
    uintptr_t self;
    bool undo;
    uintptr_t libc;                 /* load address of the C library */
    uintptr_t main_begin, main_end; /* the program, which may export stubs */
    bool ambiguous;                 /* somebody has an allocator of his own */
    size_t from;
    size_t index; /* of the object; 0: the program */
    struct regions regions;
    struct ml_elf_counts *out;
    /* the object at hand */
    struct object o;
    uintptr_t open_page; /* made writable by us, or 0 */
    int open_protection;
    bool has_slot;
};

static void page_close(struct walk *w)
{
    if (w->open_page != 0)
        mprotect((void *)w->open_page, ml_page_bytes(), w->open_protection);
    w->open_page = 0;
}

/* Whether the slot's page can be written now. */
static bool page_open(struct walk *w, uintptr_t slot)
{
    size_t bytes = ml_page_bytes();
    uintptr_t page = slot & ~(bytes - 1);
    if (page == w->open_page)
        return true;
    int protection = protection_of(&w->regions, &w->o, page);
    if ((protection & PROT_WRITE) != 0)
        return true;
    page_close(w);
    if (protection != PROT_READ || page < w->o.relro || page >= w->o.relro_end ||
        mprotect((void *)page, bytes, PROT_READ | PROT_WRITE) != 0)
        return false;
    w->open_page = page;
    w->open_protection = protection;
    return true;
}

static void slot_write(struct walk *w, uintptr_t slot, const void *value, long type)
{
    if (!page_open(w, slot)) {
        w->out->refused++;
        return;
    }
    __atomic_store_n((const void **)slot, value, __ATOMIC_RELEASE);
    w->out->written++;
    if (w->undo)
        return;
    w->out->slots++;
    w->out->data += type == ML_RELOC_DATA;
    w->has_slot = true;
}

/* A slot for calls that the loader has not bound points back into its own object. */
static bool unbound(const struct walk *w, uintptr_t value, long type, const struct ml_elf_hook *h)
{
    return type == ML_RELOC_CALL && holds(&w->o, value) && value != (uintptr_t)h->real;
}

static void slot_seen(struct walk *w, uintptr_t slot, const struct ml_elf_hook *h, long type)
{
    uintptr_t value = __atomic_load_n((const uintptr_t *)slot, __ATOMIC_ACQUIRE);
    if (value == (uintptr_t)h->wrapper) {
        if (w->undo) {
            slot_write(w, slot, h->real, type);
            return;
        }
        w->out->slots++;
        w->out->data += type == ML_RELOC_DATA;
        w->has_slot = true;
    } else if (w->undo || value == 0) {
        return;
    } else if (value == (uintptr_t)h->real) {
        slot_write(w, slot, h->wrapper, type);
    } else if (unbound(w, value, type, h)) {
        if (w->ambiguous)
            w->out->waiting++;
        else
            slot_write(w, slot, h->wrapper, type);
    } else if (value < w->main_begin || value >= w->main_end) {
        /* Through the program's stub it comes to the program's slot, which is ours. */
        w->out->other += type != ML_RELOC_DATA;
    }
}

static const struct ml_elf_hook *hook_named(const struct walk *w, const char *name)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->hooks[i].name[0] == name[0] && strcmp(w->hooks[i].name, name) == 0)
            return w->hooks[i].real != NULL ? &w->hooks[i] : NULL;
    return NULL;
}

/* In a part that the object means to write; text relocations are none of ours. */
static bool slot_is_data(const struct object *o, uintptr_t slot)
{
    if (slot % sizeof(void *) != 0)
        return false;
    for (size_t i = 0; i < o->n_headers; i++) {
        const ElfW(Phdr) *h = &o->headers[i];
        uintptr_t begin = o->base + h->p_vaddr;
        if (h->p_type == PT_LOAD && (h->p_flags & PF_W) != 0 && slot >= begin &&
            slot + sizeof(void *) <= begin + h->p_memsz)
            return true;
    }
    return false;
}

static void relocations(struct walk *w, const ElfW(Rela) * r, size_t n)
{
    const struct object *o = &w->o;
    for (size_t i = 0; i < n; i++) {
        long type = (long)ELF64_R_TYPE(r[i].r_info);
        if (type != ML_RELOC_CALL && type != ML_RELOC_ADDRESS &&
            (type != ML_RELOC_DATA || r[i].r_addend != 0))
            continue;
        const ElfW(Sym) *s = &o->symbols[ELF64_R_SYM(r[i].r_info)];
        if (s->st_name == 0 || s->st_name >= o->strings_bytes)
            continue;
        const struct ml_elf_hook *h = hook_named(w, o->strings + s->st_name);
        uintptr_t slot = o->base + r[i].r_offset;
        if (h != NULL && slot_is_data(o, slot))
            slot_seen(w, slot, h, type);
    }
}

/* --- walks -------------------------------------------------------------------------------------- */

static bool untouched(const struct walk *w, const struct object *o)
{
    return is_loader(o) || holds(o, w->self) || (o->base == w->libc && !ML_HOOK_LIBC) ||
           (o->base == w->hooks[0].from && o->base != w->libc && w->hooks[0].real != NULL);
}

static void copy_name(char out[ML_ELF_NAME], const char *name)
{
    size_t n = strnlen(name, ML_ELF_NAME - 1);
    memcpy(out, name, n);
    out[n] = '\0';
}

static bool has_interpreter(const struct object *o)
{
    for (size_t i = 0; i < o->n_headers; i++)
        if (o->headers[i].p_type == PT_INTERP)
            return true;
    return false;
}

/* First walk: the C library, the program, and who else has an allocator. */
static int survey(struct dl_phdr_info *info, size_t bytes, void *arg)
{
    struct walk *w = arg;
    struct object *o = &w->o;
    bool known = object_read(info, o), program = w->index++ == 0;
    bool allocates = known && find_definition(o, w->hooks[0].name) != 0;
    if (program) {
        w->out->adds = info->dlpi_adds;
        w->out->subs = info->dlpi_subs;
        w->out->fixed = !has_interpreter(o);
        if (!allocates) { /* else its address of the function is no stub */
            w->main_begin = o->begin;
            w->main_end = o->end;
        }
    }
    if (known && w->libc == 0 && find_definition(o, "__libc_start_main") != 0)
        w->libc = o->base;
    if (!allocates || is_loader(o) || o->base == w->libc || o->base == w->hooks[0].from)
        return 0;
    w->ambiguous = true;
    if (w->out->others < ML_ELF_OTHERS)
        copy_name(w->out->other_names[w->out->others], o->name);
    w->out->others++;
    return 0;
}

static int patch_object(struct dl_phdr_info *info, size_t bytes, void *arg)
{
    struct walk *w = arg;
    struct object *o = &w->o;
    if (w->index++ < w->from || !object_read(info, o) || untouched(w, o))
        return 0;
    w->has_slot = false;
    relocations(w, o->calls, o->calls_n);
    relocations(w, o->data + o->data_relative, o->data_n - o->data_relative);
    page_close(w);
    w->out->objects++;
    w->out->patched += w->has_slot;
    w->out->loading += !w->undo && o->relro < o->relro_end &&
                       (protection_of(&w->regions, o, o->relro) & PROT_WRITE) != 0;
    return 0;
}

/* The loader's lock is recursive: it is held here for both walks. */
static int walk_all(struct dl_phdr_info *info, size_t bytes, void *arg)
{
    struct walk *w = arg;
    dl_iterate_phdr(survey, w);
    w->out->length = (uint32_t)w->index;
    w->index = 0;
    dl_iterate_phdr(patch_object, w);
    return 1;
}

void ml_elf_patch(const struct ml_elf_hook *hooks, size_t n, const void *self, bool undo,
                  size_t from, struct ml_elf_counts *out)
{
    struct walk w = {
        .hooks = hooks, .n = n, .self = (uintptr_t)self, .undo = undo, .from = from, .out = out};
    size_t bytes = REGIONS * sizeof(struct region);
    int saved = errno;
    *out = (struct ml_elf_counts){0};
    w.regions.list = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (w.regions.list == MAP_FAILED)
        w.regions.list = NULL;
    dl_iterate_phdr(walk_all, &w);
    if (w.regions.list != NULL)
        munmap(w.regions.list, bytes);
    errno = saved;
}

static int changes_in(struct dl_phdr_info *info, size_t bytes, void *arg)
{
    uint64_t *to = arg;
    to[0] = info->dlpi_adds;
    to[1] = info->dlpi_subs;
    return 1;
}

void ml_elf_changes(uint64_t *adds, uint64_t *subs)
{
    uint64_t found[2] = {0, 0};
    dl_iterate_phdr(changes_in, found);
    *adds = found[0];
    *subs = found[1];
}

struct naming {
    uintptr_t address;
    char *out;
};

static int name_in(struct dl_phdr_info *info, size_t bytes, void *arg)
{
    struct naming *n = arg;
    struct object o;
    if (!object_read(info, &o) || !holds(&o, n->address))
        return 0;
    copy_name(n->out, o.name[0] != '\0' ? o.name : "the program itself");
    return 1;
}

void ml_elf_name(const void *address, char out[ML_ELF_NAME])
{
    struct naming n = {(uintptr_t)address, out};
    out[0] = '\0';
    dl_iterate_phdr(name_in, &n);
}
