/* host/cert.c -- see cert.h. The openssl command does the work that needs a library of its own.
 * SPDX-License-Identifier: MIT */
#include "host/cert.h"

#include "host/file.h"
#include "host/say.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PEM_MAX = 1 << 20, DAYS = 365 };

/* Runs openssl; its stdout goes to out (NULL: nowhere). */
static int openssl(char *const argv[], struct ml_buf *out)
{
    int fd[2];
    if (pipe2(fd, O_CLOEXEC) != 0)
        return ML_EIO;
    pid_t pid = fork();
    if (pid == 0) {
        int nul = open("/dev/null", O_RDWR);
        (void)dup2(nul, 0);
        (void)dup2(fd[1], 1);
        (void)dup2(nul, 2);
        (void)execvp("openssl", argv);
        _exit(127);
    }
    (void)close(fd[1]);
    char b[4096];
    ssize_t n;
    while (pid > 0 && ((n = read(fd[0], b, sizeof b)) > 0 || (n < 0 && errno == EINTR)))
        if (n > 0 && out != NULL && out->n < PEM_MAX)
            ml_buf_add(out, b, (size_t)n);
    (void)close(fd[0]);
    int status = 1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid < 0)
        return ML_EIO;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0     ? ML_OK
           : WIFEXITED(status) && WEXITSTATUS(status) == 127 ? ML_ENOTFOUND
                                                             : ML_EFORMAT;
}

/* Still good for a week? */
static bool is_fresh(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && time(NULL) - st.st_mtime < (time_t)(DAYS - 7) * 86400;
}

static int self_signed(const char *dir, struct ml_buf *cert, struct ml_buf *key, struct ml_error *e)
{
    char cert_path[PATH_MAX], key_path[PATH_MAX], days[16];
    (void)snprintf(days, sizeof days, "%d", DAYS);
    if (ml_path_join(cert_path, sizeof cert_path, dir, "localhost.crt") != ML_OK ||
        ml_path_join(key_path, sizeof key_path, dir, "localhost.key") != ML_OK)
        return ml_fail(e, ML_ELIMIT, "cannot keep a certificate: the path is too long");
    if (!is_fresh(cert_path) || !ml_is_file(key_path)) {
        char *const argv[] = {
            "openssl",       "req",      "-x509",
            "-newkey",       "rsa:2048", "-nodes",
            "-days",         days,       "-subj",
            "/CN=localhost", "-addext",  "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1",
            "-keyout",       key_path,   "-out",
            cert_path,       NULL};
        ml_say("Generating a self signed certificate using openssl");
        mode_t old = umask(077);
        int rc = openssl(argv, NULL);
        (void)umask(old);
        if (rc != ML_OK)
            return ml_fail(e, rc,
                           rc == ML_ENOTFOUND
                               ? "The openssl command is needed to make a certificate and was not "
                                 "found. Install it, or give a certificate with --cert."
                               : "openssl could not make a certificate in '%s'.",
                           dir);
    }
    int rc = ml_file_read(cert_path, PEM_MAX, cert, e);
    return rc == ML_OK ? ml_file_read(key_path, PEM_MAX, key, e) : rc;
}

static int from_pfx(const char *file, const char *password, struct ml_buf *cert, struct ml_buf *key,
                    struct ml_error *e)
{
    char pass[512], in[PATH_MAX];
    (void)snprintf(in, sizeof in, "%s", file);
    if (ml_is_file(password))
        (void)snprintf(pass, sizeof pass, "file:%s", password);
    else
        (void)setenv("MEMLINE_PFX_PASSWORD", password,
                     1); /* not on the command line for all to see */
    if (!ml_is_file(password))
        (void)snprintf(pass, sizeof pass, "env:MEMLINE_PFX_PASSWORD");
    char *const cert_argv[] = {"openssl", "pkcs12", "-in", in, "-nokeys", "-passin", pass, NULL};
    char *const key_argv[] = {"openssl", "pkcs12",  "-in", in,  "-nocerts",
                              "-nodes",  "-passin", pass,  NULL};
    int rc = openssl(cert_argv, cert);
    if (rc == ML_OK)
        rc = openssl(key_argv, key);
    (void)unsetenv("MEMLINE_PFX_PASSWORD");
    if (rc != ML_OK)
        return ml_fail(e, rc, "The certificate '%s' cannot be read%s.", file,
                       rc == ML_ENOTFOUND ? ": the openssl command was not found"
                                          : ": wrong password, or not a PFX file");
    return ML_OK;
}

int ml_cert_load(const char *file, const char *password, const char *dir, struct ml_buf *cert,
                 struct ml_buf *key, struct ml_error *e)
{
    if (file == NULL)
        return self_signed(dir, cert, key, e);
    int rc = ml_file_read(file, PEM_MAX, cert, e);
    if (rc != ML_OK)
        return rc;
    if (cert->p != NULL && strstr(cert->p, "-----BEGIN ") != NULL) {
        ml_buf_str(key, ml_buf_view(cert));
        return ML_OK;
    }
    ml_buf_clear(cert);
    return from_pfx(file, password != NULL ? password : "", cert, key, e);
}
