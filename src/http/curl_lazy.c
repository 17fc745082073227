/* http/curl_lazy.c -- libcurl, loaded when it is first used.
 *
 * The names of libcurl that this program uses, each forwarded to the library once that is open. libcurl brings
 * some twenty libraries along (TLS, Kerberos, LDAP, SSH): 3 MiB and 2 ms of every start, for the few
 * processes that ever send anything. A function added here needs its line in LIST, and its forwarder.
 * Where the library cannot be loaded, init fails as libcurl's own does, and its users tell it.
 *
 * The three functions with a last argument of any type pass it on as a pointer: where long, pointer and
 * curl_off_t are all 64 bits, as on every 64-bit Linux, they travel the same way.
 * Threads: any; loading is done once. SPDX-License-Identifier: MIT */
#include <assert.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>

/* Macros of the header that check types, or guess them; we define the functions. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

static_assert(sizeof(long) == sizeof(void *) && sizeof(curl_off_t) == sizeof(void *),
              "a last argument of any type is passed on as a pointer");

#define LIST(F)                 \
    F(curl_global_init)         \
    F(curl_easy_init)           \
    F(curl_easy_cleanup)        \
    F(curl_easy_reset)          \
    F(curl_easy_setopt)         \
    F(curl_easy_getinfo)        \
    F(curl_easy_perform)        \
    F(curl_easy_strerror)       \
    F(curl_getdate)             \
    F(curl_slist_append)        \
    F(curl_slist_free_all)      \
    F(curl_multi_init)          \
    F(curl_multi_cleanup)       \
    F(curl_multi_setopt)        \
    F(curl_multi_assign)        \
    F(curl_multi_add_handle)    \
    F(curl_multi_remove_handle) \
    F(curl_multi_socket_action) \
    F(curl_multi_info_read)

#define FIELD(name) __typeof__(&name) name##_;
static struct {
    void *library;
    LIST(FIELD)
} real;
#undef FIELD

static void load(void)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return;
#define FIND(name)                                           \
    *(void **)(void *)&real.name##_ = dlsym(library, #name); \
    if (real.name##_ == NULL)                                \
        return;
    LIST(FIND)
#undef FIND
    real.library = library;
}

static int is_there(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, load);
    return real.library != NULL;
}

CURLcode curl_global_init(long flags)
{
    return is_there() ? real.curl_global_init_(flags) : CURLE_FAILED_INIT;
}

CURL *curl_easy_init(void)
{
    return is_there() ? real.curl_easy_init_() : NULL;
}

CURLM *curl_multi_init(void)
{
    return is_there() ? real.curl_multi_init_() : NULL;
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *text)
{
    return is_there() ? real.curl_slist_append_(list, text) : NULL;
}

void curl_slist_free_all(struct curl_slist *list)
{
    if (list != NULL)
        real.curl_slist_free_all_(list);
}

time_t curl_getdate(const char *text, const time_t *unused)
{
    return is_there() ? real.curl_getdate_(text, unused) : -1;
}

const char *curl_easy_strerror(CURLcode code)
{
    return is_there() ? real.curl_easy_strerror_(code) : "libcurl.so.4 cannot be loaded";
}

/* From here on a handle is needed, which only the library gives. */

void curl_easy_cleanup(CURL *h)
{
    real.curl_easy_cleanup_(h);
}

void curl_easy_reset(CURL *h)
{
    real.curl_easy_reset_(h);
}

CURLcode curl_easy_perform(CURL *h)
{
    return real.curl_easy_perform_(h);
}

CURLcode curl_easy_setopt(CURL *h, CURLoption option, ...)
{
    va_list args;
    va_start(args, option);
    void *value = va_arg(args, void *);
    va_end(args);
    return real.curl_easy_setopt_(h, option, value);
}

CURLcode curl_easy_getinfo(CURL *h, CURLINFO info, ...)
{
    va_list args;
    va_start(args, info);
    void *value = va_arg(args, void *);
    va_end(args);
    return real.curl_easy_getinfo_(h, info, value);
}

CURLMcode curl_multi_setopt(CURLM *m, CURLMoption option, ...)
{
    va_list args;
    va_start(args, option);
    void *value = va_arg(args, void *);
    va_end(args);
    return real.curl_multi_setopt_(m, option, value);
}

CURLMcode curl_multi_cleanup(CURLM *m)
{
    return real.curl_multi_cleanup_(m);
}

CURLMcode curl_multi_assign(CURLM *m, curl_socket_t socket, void *user)
{
    return real.curl_multi_assign_(m, socket, user);
}

CURLMcode curl_multi_add_handle(CURLM *m, CURL *h)
{
    return real.curl_multi_add_handle_(m, h);
}

CURLMcode curl_multi_remove_handle(CURLM *m, CURL *h)
{
    return real.curl_multi_remove_handle_(m, h);
}

CURLMcode curl_multi_socket_action(CURLM *m, curl_socket_t socket, int events, int *running)
{
    return real.curl_multi_socket_action_(m, socket, events, running);
}

CURLMsg *curl_multi_info_read(CURLM *m, int *left)
{
    return real.curl_multi_info_read_(m, left);
}
