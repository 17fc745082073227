/* host/say.c -- see say.h. SPDX-License-Identifier: MIT */
#include "host/say.h"

#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool ml_color_wanted(int fd)
{
    const char *no = getenv("NO_COLOR");
    return (no == NULL || no[0] == '\0') && isatty(fd);
}

void ml_write_fully(int fd, struct ml_str s)
{
    while (s.n != 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return;
        s.p += n;
        s.n -= (size_t)n;
    }
}

static void say(int fd, enum ml_color color, const char *fmt, va_list args)
{
    struct ml_buf b = {0};
    bool colored = color != ML_PLAIN && ml_color_wanted(fd);
    if (colored)
        ml_buf_printf(&b, "\033[%dm", color);
    ml_buf_vprintf(&b, fmt, args);
    ml_buf_cstr(&b, colored ? "\033[0m\n" : "\n");
    (void)fflush(fd == STDOUT_FILENO ? stdout : stderr);
    ml_write_fully(fd, ml_buf_view(&b));
    ml_buf_free(&b);
}

void ml_say(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(STDOUT_FILENO, ML_PLAIN, fmt, args);
    va_end(args);
}

void ml_say_warning(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(STDOUT_FILENO, ML_DARK_YELLOW, fmt, args);
    va_end(args);
}

int ml_say_failure(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(STDERR_FILENO, ML_RED, fmt, args);
    va_end(args);
    return 1;
}

bool ml_is_interactive(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

bool ml_ask(const char *prompt, char *answer, size_t answer_bytes)
{
    ml_write_fully(STDOUT_FILENO, ml_str_of(prompt));
    if (fgets(answer, (int)answer_bytes, stdin) == NULL) {
        ml_write_fully(STDOUT_FILENO, ML_STR("\n"));
        answer[0] = '\0';
        return false;
    }
    answer[strcspn(answer, "\r\n")] = '\0';
    return true;
}
