/* host/console.c -- see console.h. SPDX-License-Identifier: MIT */
#include "host/console.h"

#include "host/say.h"

#include <string.h>
#include <time.h>

void ml_console_init(struct ml_console *c, int fd)
{
    *c = (struct ml_console){.fd = fd, .colors = ml_color_wanted(fd), .now_ns = ml_wall_ns};
    c->filter.user = ML_LEVEL_INFORMATION;
    c->filter.system = ML_LEVEL_WARNING;
}

void ml_console_release(struct ml_console *c)
{
    ml_level_filter_release(&c->filter);
    ml_buf_free(&c->line);
}

bool ml_console_shows(const struct ml_console *c, const char *category, enum ml_level level)
{
    return level != ML_LEVEL_NONE && level >= ml_level_shown(&c->filter, category);
}

void ml_console_time(struct ml_buf *b, int64_t wall_ns)
{
    time_t s = (time_t)(wall_ns / 1000000000);
    struct tm tm;
    (void)gmtime_r(&s, &tm);
    ml_buf_printf(b, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                  tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(wall_ns / 1000000 % 1000));
}

static enum ml_color color_of(enum ml_level l)
{
    switch (l) {
    case ML_LEVEL_CRITICAL:
        return ML_RED_BOLD;
    case ML_LEVEL_ERROR:
        return ML_RED;
    case ML_LEVEL_WARNING:
        return ML_DARK_YELLOW;
    case ML_LEVEL_INFORMATION:
        return ML_DARK_CYAN;
    default:
        return ML_DARK_GREEN;
    }
}

static void start_color(struct ml_buf *b, enum ml_color color)
{
    ml_buf_printf(b, color == ML_RED_BOLD ? "\033[%d;91m" : "\033[%dm", color);
}

static void put_line(struct ml_console *c, const char *category, enum ml_level level,
                     const char *time, struct ml_str text)
{
    struct ml_buf *b = &c->line;
    if (c->colors)
        start_color(b, ML_DARK_GRAY);
    ml_buf_printf(b, "[%s] ", time);
    if (c->show_level)
        ml_buf_printf(b, "%s ", ml_level_short(level));
    if (c->show_category && category != NULL)
        ml_buf_printf(b, "[%s] ", category);
    if (c->colors)
        start_color(b, color_of(level));
    ml_buf_str(b, text);
    ml_buf_cstr(b, c->colors ? "\033[0m\n" : "\n");
}

static void put_at(struct ml_console *c, const char *category, enum ml_level level, int64_t wall_ns,
                   struct ml_str text)
{
    struct ml_buf time = {0};
    if (text.n == 0)
        return;
    ml_console_time(&time, wall_ns);
    ml_buf_clear(&c->line);
    for (;;) { /* every piece is a line, empty ones too */
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : text.n;
        size_t shown = n != 0 && text.p[n - 1] == '\r' ? n - 1 : n;
        put_line(c, category, level, time.p, (struct ml_str){text.p, shown});
        if (end == NULL)
            break;
        text.p += n + 1;
        text.n -= n + 1;
    }
    ml_write_fully(c->fd, ml_buf_view(&c->line));
    ml_buf_free(&time);
}

static void put(struct ml_console *c, const char *category, enum ml_level level, struct ml_str text)
{
    put_at(c, category, level, c->now_ns(), text);
}

void ml_console_past(struct ml_console *c, const char *category, enum ml_level level,
                     int64_t wall_ns, struct ml_str text)
{
    if (ml_console_shows(c, category, level))
        put_at(c, category, level, wall_ns, text);
}

void ml_console_log(struct ml_console *c, const char *category, enum ml_level level,
                    struct ml_str text)
{
    if (ml_console_shows(c, category, level))
        put(c, category, level, text);
}

void ml_console_logf(struct ml_console *c, const char *category, enum ml_level level,
                     const char *fmt, ...)
{
    if (!ml_console_shows(c, category, level))
        return;
    struct ml_buf b = {0};
    va_list args;
    va_start(args, fmt);
    ml_buf_vprintf(&b, fmt, args);
    va_end(args);
    put(c, category, level, ml_buf_view(&b));
    ml_buf_free(&b);
}

void ml_console_always(struct ml_console *c, const char *text)
{
    put(c, "Host.Startup", ML_LEVEL_INFORMATION, ml_str_of(text));
}

void ml_console_plain(struct ml_console *c, struct ml_str text)
{
    ml_buf_clear(&c->line);
    ml_buf_str(&c->line, text);
    ml_buf_char(&c->line, '\n');
    ml_write_fully(c->fd, ml_buf_view(&c->line));
}
