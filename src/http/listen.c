/* http/listen.c -- see listen.h. SPDX-License-Identifier: MIT */
#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t parse(const char *text, uint16_t port, union address *out)
{
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
        return sizeof out->v4;
    }
    if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
        return sizeof out->v6;
    }
    return 0;
}

static uint16_t port_of(int fd)
{
    union address a;
    socklen_t n = sizeof a;
    if (getsockname(fd, &a.any, &n) != 0)
        return 0;
    return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

int ml_listen(const char *address, uint16_t port, int *fd, uint16_t *bound, struct ml_error *e)
{
    union address a;
    socklen_t n = parse(address, port, &a);
    if (n == 0)
        return ml_fail(e, ML_EINVALID, "'%s' is not an IP address", address);
    int s = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (s >= 0) {
        (void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        (void)setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* accepted ones inherit */
        if (a.any.sa_family == AF_INET6)
            (void)setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (s < 0 || bind(s, &a.any, n) != 0 || listen(s, 1024) != 0) {
        int err = errno;
        if (s >= 0)
            (void)close(s);
        int status = err == EADDRINUSE ? ML_EBUSY : ml_status_from_errno(err);
        return ml_fail(e, status, "cannot listen on %s port %u: %s", address, (unsigned)port,
                       strerror(err));
    }
    *fd = s;
    if (bound != NULL)
        *bound = port_of(s);
    return ML_OK;
}

void ml_peer_text(const struct sockaddr *sa, char *out, socklen_t out_bytes)
{
    const union address *a = (const void *)sa;
    const void *ip = sa->sa_family == AF_INET6 ? (const void *)&a->v6.sin6_addr
                                               : (const void *)&a->v4.sin_addr;
    out[0] = '\0';
    if (sa->sa_family == AF_INET || sa->sa_family == AF_INET6)
        (void)inet_ntop(sa->sa_family, ip, out, out_bytes);
}
