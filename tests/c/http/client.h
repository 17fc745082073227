/* tests/c/http/client.h -- a client on the same thread as the server: it writes bytes and turns the loop
 * until the answer is there. SPDX-License-Identifier: MIT */
#ifndef ML_TEST_CLIENT_H
#define ML_TEST_CLIENT_H

#include "base/buf.h"
#include "base/port.h"
#include "http/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

static inline int client_connect(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        (void)close(fd);
        return -1;
    }
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static inline void turn(struct ml_loop *l)
{
    (void)uv_run(ml_loop_uv(l), UV_RUN_NOWAIT);
}

/* Send everything, n bytes at a time. Reads nothing. False: the peer closed. */
static inline bool client_send(struct ml_loop *l, int fd, const char *p, size_t n, size_t step)
{
    uint64_t end = ml_now_ns() + 20000000000ULL;
    while (n != 0 && ml_now_ns() < end) {
        ssize_t w = send(fd, p, step != 0 && step < n ? step : n, MSG_NOSIGNAL);
        if (w > 0) {
            p += w;
            n -= (size_t)w;
        } else if (errno != EAGAIN) {
            return false;
        }
        turn(l);
    }
    return n == 0;
}

/* Is one whole response in b? (Content-Length, chunked, or no body.) */
static inline bool client_complete(const struct ml_buf *b)
{
    const char *end = b->n != 0 ? memmem(b->p, b->n, "\r\n\r\n", 4) : NULL;
    if (end == NULL)
        return false;
    size_t head = (size_t)(end - b->p) + 4;
    const char *len = memmem(b->p, head, "Content-Length: ", 16);
    if (len != NULL)
        return b->n - head >= strtoul(len + 16, NULL, 10);
    if (memmem(b->p, head, "chunked", 7) != NULL)
        return b->n >= head + 5 && memcmp(b->p + b->n - 5, "0\r\n\r\n", 5) == 0;
    return true;
}

/* Read until one response is complete, the peer closes (true in *closed) or wait_ms passes. */
static inline void client_read(struct ml_loop *l, int fd, struct ml_buf *b, unsigned wait_ms,
                               bool *closed)
{
    uint64_t end = ml_now_ns() + wait_ms * 1000000ULL;
    *closed = false;
    while (ml_now_ns() < end && !client_complete(b)) {
        turn(l);
        char *p = ml_buf_reserve(b, 65536);
        ssize_t r = recv(fd, p, 65536, MSG_DONTWAIT);
        if (r > 0) {
            b->n += (size_t)r;
            b->p[b->n] = '\0';
        } else if (r == 0 || errno != EAGAIN) {
            *closed = true;
            return;
        } else {
            usleep(200);
        }
    }
}

#endif
