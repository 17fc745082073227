/* py/py_snapshot.c -- see py_snapshot.h. SPDX-License-Identifier: MIT */
#include "py/py_snapshot.h"

static PyObject *text(struct ml_str s)
{
    return PyUnicode_DecodeUTF8(s.p != NULL ? s.p : "", (Py_ssize_t)s.n, "surrogateescape");
}

/* Append a new reference and drop it. 0, or -1 with an exception. */
static int append(PyObject *list, PyObject *item)
{
    int rc = item != NULL ? PyList_Append(list, item) : -1;
    Py_XDECREF(item);
    return rc;
}

/* In the order of memline.Row's fields behind file and function. */
static PyObject *row(const struct ml_row *r)
{
    const struct ml_heap *h = &r->heap;
    return Py_BuildValue(
        "(IKLKLLKKKKKLLLK)", r->line, (unsigned long long)r->hits, (long long)r->rss_net_bytes,
        (unsigned long long)r->rss_max_bytes, (long long)h->net_bytes, (long long)h->own_net_bytes,
        (unsigned long long)h->peak_bytes, (unsigned long long)h->alloc_bytes,
        (unsigned long long)h->alloc_count, (unsigned long long)h->freed_bytes,
        (unsigned long long)h->freed_count, (long long)ml_heap_held(h), (long long)h->map_bytes,
        (long long)h->map_file_bytes, (unsigned long long)r->order);
}

static PyObject *heap(const struct ml_heap *h)
{
    return Py_BuildValue(
        "{s:L,s:K,s:K,s:K,s:K,s:L,s:K}", "own_net_bytes", (long long)h->own_net_bytes,
        "alloc_bytes", (unsigned long long)h->alloc_bytes, "alloc_count",
        (unsigned long long)h->alloc_count, "freed_bytes", (unsigned long long)h->freed_bytes,
        "freed_count", (unsigned long long)h->freed_count, "held_bytes", (long long)ml_heap_held(h),
        "inherited_bytes", (unsigned long long)h->inherited_bytes);
}

/* None in a book of line figures. */
static PyObject *summary(const struct ml_snapshot *s)
{
    static const char *const modes[] = {"off", "heap", "sample"};
    struct ml_heap_summary h;
    if (!ml_snapshot_heap(s, &h))
        Py_RETURN_NONE;
    return Py_BuildValue(
        "{s:s,s:L,s:L,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:N,s:N}", "mode",
        modes[h.mode >= 0 && h.mode < 3 ? h.mode : 0], "live_bytes", (long long)h.live_bytes,
        "peak_bytes", (long long)h.peak_bytes, "rate_bytes", (unsigned long long)h.rate_bytes,
        "foreign_frees", (unsigned long long)h.foreign_frees, "stale_blocks",
        (unsigned long long)h.stale_blocks, "stale_bytes", (unsigned long long)h.stale_bytes,
        "ledger_bytes", (unsigned long long)h.ledger_bytes, "lost_accounts",
        (unsigned long long)h.lost_accounts, "limit_bytes", (unsigned long long)h.limit_bytes,
        "outside", heap(&h.outside), "native_threads", heap(&h.threads));
}

/* Figures per line and scope: (function index, line, scope id, hits, net, peak, alloc, held). */
static PyObject *places(const struct ml_snapshot *s)
{
    const struct ml_place *all;
    size_t n = ml_snapshot_places(s, &all);
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < n; i++) {
        const struct ml_place *p = &all[i];
        if (p->kind == ML_PLACE_LINE && p->scope != 0 &&
            append(list,
                   Py_BuildValue("(IIIKLKKL)", p->function, p->line, p->scope,
                                 (unsigned long long)p->heap.hits, (long long)p->heap.net_bytes,
                                 (unsigned long long)p->heap.peak_bytes,
                                 (unsigned long long)p->heap.alloc_bytes,
                                 (long long)ml_heap_held(&p->heap))) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *scopes(const struct ml_snapshot *s)
{
    const struct ml_scope_row *all;
    size_t n = ml_snapshot_scopes(s, &all);
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < n; i++) {
        const struct ml_scope_row *r = &all[i];
        if (append(list,
                   Py_BuildValue("(IINNLLLLKL)", r->id, r->parent, text(r->name), text(r->key),
                                 (long long)r->begin_ns, (long long)r->end_ns,
                                 (long long)r->net_bytes, (long long)r->peak_bytes,
                                 (unsigned long long)r->alloc_bytes, (long long)r->held_bytes)) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *rows(const struct ml_function *f)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < f->n_rows; i++) {
        if (append(list, row(&f->rows[i])) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *function(const struct ml_function *f)
{
    return Py_BuildValue("{s:N,s:N,s:I,s:I,s:N}", "file", text(f->file), "name", text(f->name),
                         "first_line", f->first_line, "last_line", f->last_line, "rows", rows(f));
}

PyObject *ml_py_snapshot_dict(const struct ml_snapshot *s)
{
    const struct ml_function *functions;
    size_t n = ml_snapshot_functions(s, &functions);
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < n; i++)
        if (append(list, function(&functions[i])) < 0)
            Py_CLEAR(list);
    if (list == NULL)
        return NULL;
    return Py_BuildValue(
        "{s:N,s:N,s:N,s:N,s:N,s:K,s:d,s:K}", "heap", summary(s), "scopes", scopes(s), "places",
        places(s), "functions", list, "command", text(ml_snapshot_meta(s, ML_STR("command"))),
        "pid", (unsigned long long)ml_snapshot_pid(s), "start",
        (double)ml_snapshot_start_ns(s) / 1e9, "lost", (unsigned long long)ml_snapshot_lost(s));
}
