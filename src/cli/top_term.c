/* cli/top_term.c -- see top_term.h. SPDX-License-Identifier: MIT */
#include "cli/top_term.h"

#include "base/buf.h"
#include "base/utf8.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static const char enter[] = "\033[?1049h\033[?25l\033[?7l\033[2J";
static const char leave[] = "\033[?7h\033[?25h\033[?1049l";
static const int asked[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT}; /* to end */
static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
enum { N_ASKED = sizeof asked / sizeof asked[0], N_CRASHES = sizeof crashes / sizeof crashes[0] };

static struct termios before;
static volatile sig_atomic_t taken;
static volatile sig_atomic_t end_signal; /* 0: none came */
static volatile sig_atomic_t stop_wanted;
static sigset_t waiting; /* the signal mask while waiting: everything comes through */
static char pending[64]; /* keys not decoded yet */
static size_t n_pending;

static void write_all(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(STDOUT_FILENO, p, n);
        if (k < 0 && errno != EINTR)
            return;
        p += k > 0 ? k : 0;
        n -= k > 0 ? (size_t)k : 0;
    }
}

/* --- signals: they only come while we wait, but for crashes ------------------------------------------- */

static void on_end(int signal)
{
    end_signal = signal;
}

static void on_stop(int signal)
{
    (void)signal;
    stop_wanted = 1;
}

static void on_resize(int signal)
{
    (void)signal; /* to wake us up */
}

/* Only what is safe in a handler. The handler is gone then (SA_RESETHAND): the signal comes again and kills. */
static void on_crash(int signal)
{
    if (taken) {
        write_all(leave, sizeof leave - 1);
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    }
    raise(signal);
}

static void handle(int signal, void (*handler)(int), int flags)
{
    struct sigaction a = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&a.sa_mask);
    sigaction(signal, &a, NULL);
}

static void handle_signals(void)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    for (size_t i = 0; i < N_ASKED; i++) {
        handle(asked[i], on_end, 0);
        sigaddset(&blocked, asked[i]);
    }
    handle(SIGTSTP, on_stop, 0);
    sigaddset(&blocked, SIGTSTP);
    handle(SIGWINCH, on_resize, 0);
    sigaddset(&blocked, SIGWINCH);
    for (size_t i = 0; i < N_CRASHES; i++)
        handle(crashes[i], on_crash, (int)SA_RESETHAND);
    sigprocmask(SIG_BLOCK, &blocked, &waiting);
    for (size_t i = 0; i < N_ASKED; i++)
        sigdelset(&waiting, asked[i]);
    sigdelset(&waiting, SIGTSTP);
    sigdelset(&waiting, SIGWINCH);
}

/* --- taking and giving back -------------------------------------------------------------------------- */

/* Keys come at once and unseen; ^C and ^Z stay signals. */
static int take(void)
{
    struct termios raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_iflag &= ~(tcflag_t)(IXON);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0)
        return errno;
    taken = 1;
    write_all(enter, sizeof enter - 1);
    return 0;
}

int ml_term_open(struct ml_error *e)
{
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return ml_fail_errno(e, errno, "cannot use the terminal");
    handle_signals();
    int err = take();
    return err == 0 ? ML_OK : ml_fail_errno(e, err, "cannot use the terminal");
}

void ml_term_close(void)
{
    if (!taken)
        return;
    taken = 0;
    write_all(leave, sizeof leave - 1);
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

void ml_term_obey(void)
{
    if (end_signal == 0)
        return;
    handle(end_signal, SIG_DFL, 0);
    sigprocmask(SIG_SETMASK, &waiting, NULL);
    raise(end_signal);
}

/* ^Z: the shell gets its terminal, and we go on when it lets us. */
static void stop(void)
{
    sigset_t old;
    ml_term_close();
    handle(SIGTSTP, SIG_DFL, 0);
    sigprocmask(SIG_SETMASK, &waiting, &old);
    raise(SIGTSTP);
    sigprocmask(SIG_SETMASK, &old, NULL);
    handle(SIGTSTP, on_stop, 0);
    stop_wanted = 0;
    tcgetattr(STDIN_FILENO, &before);
    take();
}

/* --- the screen -------------------------------------------------------------------------------------- */

void ml_term_size(unsigned *width, unsigned *height)
{
    struct winsize size = {0};
    bool ok = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    *width = ok ? size.ws_col : 80;
    *height = ok ? size.ws_row : 24;
}

/* Each line is wiped before it is written, as an older frame stands there: behind the last column, wiping
 * would take the last character. */
void ml_term_show(struct ml_str frame)
{
    struct ml_buf out = {0};
    ml_buf_cstr(&out, "\033[H\033[K");
    for (size_t i = 0; i < frame.n; i++) {
        if (frame.p[i] == '\n')
            ml_buf_cstr(&out, "\r\n\033[K");
        else
            ml_buf_char(&out, frame.p[i]);
    }
    if (out.status == ML_OK)
        write_all(out.p, out.n);
    ml_buf_free(&out);
}

/* --- keys -------------------------------------------------------------------------------------------- */

static int final_key(const char *sequence, size_t n)
{
    static const struct {
        const char *tail; /* behind "ESC [" or "ESC O" */
        int key;
    } keys[] = {{"A", ML_TERM_UP},         {"B", ML_TERM_DOWN},  {"5~", ML_TERM_PAGE_UP},
                {"6~", ML_TERM_PAGE_DOWN}, {"H", ML_TERM_FIRST}, {"1~", ML_TERM_FIRST},
                {"7~", ML_TERM_FIRST},     {"F", ML_TERM_LAST},  {"4~", ML_TERM_LAST},
                {"8~", ML_TERM_LAST}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strlen(keys[i].tail) == n && memcmp(keys[i].tail, sequence, n) == 0)
            return keys[i].key;
    return ML_TERM_UNKNOWN;
}

/* "ESC [ parameters final" or "ESC O final". */
static size_t decode_sequence(const char *p, size_t n, int *key)
{
    size_t at = 2;
    if (n < 2)
        return 0;
    if (p[1] != '[' && p[1] != 'O') {
        *key = ML_TERM_ESCAPE;
        return 1;
    }
    while (at < n && (unsigned char)p[at] < 0x40 && (unsigned char)p[at] >= 0x20)
        at++;
    if (at == n)
        return 0;
    *key = final_key(p + 2, at - 1);
    return at + 1;
}

size_t ml_term_decode(const char *p, size_t n, int *key)
{
    if (n == 0)
        return 0;
    if (p[0] == '\033')
        return decode_sequence(p, n, key);
    unsigned char c = (unsigned char)p[0];
    *key = c == '\r' || c == '\n' ? ML_TERM_ENTER
           : c == 0x7F || c == 8  ? ML_TERM_RUBOUT
           : c >= 0x20            ? c
                                  : ML_TERM_UNKNOWN;
    return 1;
}

/* More bytes behind those that wait; false: the terminal is gone. */
static bool read_keys(int ms)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    struct timespec wait = {ms / 1000, (long)(ms % 1000) * 1000000};
    int n = ppoll(&fd, 1, &wait, &waiting);
    if (n <= 0)
        return true;
    ssize_t got = read(STDIN_FILENO, pending + n_pending, sizeof pending - n_pending);
    if (got <= 0)
        return got < 0 && (errno == EINTR || errno == EAGAIN);
    n_pending += (size_t)got;
    return true;
}

int ml_term_wait(int ms)
{
    enum { SEQUENCE_MS = 50 }; /* a lone escape is a key when nothing follows so long */
    int key = ML_TERM_NONE;
    if (n_pending == 0 && !read_keys(ms))
        return ML_TERM_END;
    if (end_signal != 0)
        return ML_TERM_END;
    if (stop_wanted)
        stop();
    size_t used = ml_term_decode(pending, n_pending, &key);
    if (used == 0 && n_pending > 0) {
        read_keys(SEQUENCE_MS);
        used = ml_term_decode(pending, n_pending, &key);
    }
    if (used == 0 && n_pending > 0) {
        key = n_pending == 1 ? ML_TERM_ESCAPE : ML_TERM_UNKNOWN;
        used = n_pending;
    }
    n_pending -= used;
    memmove(pending, pending + used, n_pending);
    return key;
}
