/* py/rules.c -- see rules.h. SPDX-License-Identifier: MIT */
#include "py/rules.h"

#include "base/mem.h"

#include <fnmatch.h>
#include <string.h>

static void words_clear(struct ml_words *w)
{
    for (size_t i = 0; i < w->n; i++)
        ml_free(w->at[i]);
    ml_free(w->at);
    *w = (struct ml_words){0};
}

/* A path as the operating system spells it, surrogates and all. */
static char *word_of(PyObject *item)
{
    PyObject *bytes = PyUnicode_EncodeFSDefault(item);
    char *copy = bytes != NULL ? ml_strdup(PyBytes_AS_STRING(bytes)) : NULL;
    if (bytes != NULL && copy == NULL)
        PyErr_NoMemory();
    Py_XDECREF(bytes);
    return copy;
}

int ml_words_set(struct ml_words *w, PyObject *sequence)
{
    words_clear(w);
    PyObject *fast = PySequence_Fast(sequence, "expected a sequence of strings");
    if (fast == NULL)
        return -1;
    size_t n = (size_t)PySequence_Fast_GET_SIZE(fast);
    w->at = ml_calloc(n, sizeof *w->at);
    if (w->at == NULL)
        PyErr_NoMemory();
    while (w->at != NULL && w->n < n) {
        w->at[w->n] = word_of(PySequence_Fast_GET_ITEM(fast, (Py_ssize_t)w->n));
        if (w->at[w->n] == NULL)
            break;
        w->n++;
    }
    Py_DECREF(fast);
    return PyErr_Occurred() ? -1 : 0;
}

void ml_rules_clear(struct ml_rules *r)
{
    words_clear(&r->roots);
    words_clear(&r->skip);
    words_clear(&r->include);
    words_clear(&r->exclude);
    words_clear(&r->functions);
}

static bool matches(const struct ml_words *patterns, const char *text)
{
    for (size_t i = 0; i < patterns->n; i++)
        if (fnmatch(patterns->at[i], text, 0) == 0)
            return true;
    return false;
}

static bool below(const char *folder, const char *path)
{
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/')
        n--;
    return strncmp(path, folder, n) == 0 && (path[n] == '/' || folder[n - 1] == '/');
}

/* Is there a folder called name on the way? */
static bool has_part(const char *name, const char *path)
{
    size_t n = strlen(name);
    for (const char *at = strstr(path, name); at != NULL; at = strstr(at + 1, name))
        if (at > path && at[-1] == '/' && at[n] == '/')
            return true;
    return false;
}

static bool is_skipped(const struct ml_rules *r, const char *path)
{
    for (size_t i = 0; i < r->skip.n; i++) {
        const char *s = r->skip.at[i];
        if (s[0] == '/' ? below(s, path) : has_part(s, path))
            return true;
    }
    return false;
}

bool ml_rules_file(const struct ml_rules *r, const char *path)
{
    if (matches(&r->exclude, path))
        return false;
    if (matches(&r->include, path))
        return true;
    for (size_t i = 0; i < r->roots.n; i++)
        if (below(r->roots.at[i], path))
            return !is_skipped(r, path);
    return false;
}

bool ml_rules_function(const struct ml_rules *r, const char *name, const char *qualified)
{
    return r->functions.n == 0 || matches(&r->functions, name) || matches(&r->functions, qualified);
}
