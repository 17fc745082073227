/* core/cgroup.c -- see cgroup.h. Formats: proc(5), cgroups(7). SPDX-License-Identifier: MIT */
#include "core/cgroup.h"

/* Up to the separator; *rest goes on behind it. */
static struct ml_str cut(struct ml_str *rest, char separator)
{
    const char *at = rest->n > 0 ? memchr(rest->p, separator, rest->n) : NULL;
    struct ml_str piece = {rest->p, at != NULL ? (size_t)(at - rest->p) : rest->n};
    size_t used = at != NULL ? piece.n + 1 : piece.n;
    *rest = (struct ml_str){rest->p + used, rest->n - used};
    return piece;
}

static bool has_word(struct ml_str list, struct ml_str word)
{
    while (list.n > 0)
        if (ml_str_eq(cut(&list, ','), word))
            return true;
    return false;
}

/* --- /proc/PID/cgroup: "id:controllers:path" ------------------------------------------------------ */

void ml_cgroup_line(struct ml_cgroup both[ML_CGROUP_VERSIONS], struct ml_str line)
{
    struct ml_str id = cut(&line, ':');
    struct ml_str controllers = cut(&line, ':');
    bool unified = ml_str_eq(id, ML_STR("0")) && controllers.n == 0;
    if (line.n == 0 || line.p[0] != '/' || line.n >= ML_CGROUP_PATH ||
        !(unified || has_word(controllers, ML_STR("memory"))))
        return;
    struct ml_cgroup *g = &both[unified ? ML_CGROUP_V2 : ML_CGROUP_V1];
    memcpy(g->path, line.p, line.n);
    g->path[line.n] = '\0';
}

/* --- mountinfo ------------------------------------------------------------------------------------- */

static bool octal(const char *p, char *out)
{
    if (p[0] < '0' || p[0] > '3' || p[1] < '0' || p[1] > '7' || p[2] < '0' || p[2] > '7')
        return false;
    *out = (char)((p[0] - '0') * 64 + (p[1] - '0') * 8 + (p[2] - '0'));
    return true;
}

/* Blanks, tabs, line ends and backslashes are written as \040 and so on. False: too long. */
static bool unescape(struct ml_str s, char out[ML_CGROUP_PATH])
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '\\' && s.n - i > 3 && octal(s.p + i + 1, &c))
            i += 3;
        if (n + 1 >= ML_CGROUP_PATH || c == '\0')
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return n > 0;
}

/* Is the path the root or below it? "/" is above everything. *root_n: how much of the path it is. */
static bool is_below(const char *path, const char *root, size_t *root_n)
{
    size_t n = strlen(root);
    n = n == 1 ? 0 : n;
    *root_n = n;
    return strncmp(path, root, n) == 0 && (path[n] == '\0' || path[n] == '/') &&
           strstr(path + n, "/..") == NULL;
}

/* Of several mounts the one that shows most of the groups above, since they limit too; of equal ones
 * the last, which lies on top; else the first. */
static void offer(struct ml_cgroup *g, const char *root, const char *mount)
{
    size_t root_n;
    bool inside = g->path[0] != '\0' && is_below(g->path, root, &root_n);
    root_n = inside ? root_n : 0;
    if (g->mount[0] != '\0' && (!inside || (g->inside && root_n > g->root_n)))
        return;
    strcpy(g->mount, mount);
    strcpy(g->below, inside && strcmp(g->path + root_n, "/") != 0 ? g->path + root_n : "");
    g->inside = inside;
    g->root_n = root_n;
}

/* "id parent major:minor root mount options [optional...] - type source super-options" */
void ml_cgroup_mount_line(struct ml_cgroup both[ML_CGROUP_VERSIONS], struct ml_str line)
{
    struct ml_str words[6];
    char root[ML_CGROUP_PATH];
    char mount[ML_CGROUP_PATH];
    for (size_t i = 0; i < 6; i++)
        words[i] = cut(&line, ' ');
    while (line.n > 0 && !ml_str_eq(cut(&line, ' '), ML_STR("-")))
        continue;
    struct ml_str type = cut(&line, ' ');
    cut(&line, ' ');
    bool v2 = ml_str_eq(type, ML_STR("cgroup2"));
    bool v1 = ml_str_eq(type, ML_STR("cgroup")) && has_word(line, ML_STR("memory"));
    if ((v1 || v2) && unescape(words[3], root) && unescape(words[4], mount) && mount[0] == '/')
        offer(&both[v2 ? ML_CGROUP_V2 : ML_CGROUP_V1], root, mount);
}

/* --- numbers --------------------------------------------------------------------------------------- */

static bool digits(struct ml_str s, uint64_t *out)
{
    uint64_t v = 0;
    size_t i = 0;
    for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, s.p[i] - '0', &v))
            v = UINT64_MAX; /* more digits overflow again */
    *out = v;
    return i > 0;
}

bool ml_cgroup_number(struct ml_str text, uint64_t *out)
{
    const uint64_t unlimited_v1 = (uint64_t)1 << 62; /* LONG_MAX in whole pages */
    if (ml_str_starts(text, ML_STR("max"))) {
        *out = UINT64_MAX;
        return true;
    }
    if (!digits(text, out))
        return false;
    if (*out >= unlimited_v1)
        *out = UINT64_MAX;
    return true;
}

bool ml_cgroup_field(struct ml_str text, struct ml_str word, uint64_t *out)
{
    while (text.n > 0) {
        struct ml_str line = cut(&text, '\n');
        if (!ml_str_starts(line, word))
            continue;
        struct ml_str rest = {line.p + word.n, line.n - word.n};
        if (rest.n == 0 || (rest.p[0] != ' ' && rest.p[0] != '\t'))
            continue;
        while (rest.n > 0 && (rest.p[0] == ' ' || rest.p[0] == '\t'))
            rest = (struct ml_str){rest.p + 1, rest.n - 1};
        return digits(rest, out);
    }
    return false;
}
