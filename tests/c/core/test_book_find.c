/* tests/c/core/test_book_find.c -- real processes with real books. SPDX-License-Identifier: MIT */
#include "core/book_find.h"

#include "core/book.h"
#include "folder.h"
#include "test.h"

#include <signal.h>
#include <sys/wait.h>

/* A child that writes a book, and waits to be killed. */
static pid_t writer(const char *path)
{
    int told[2];
    char ok = 0;
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct ml_book *b = NULL;
        if (ml_book_create(path, 0, &b, NULL) == ML_OK && write(told[1], "y", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    close(told[1]);
    assert_int_equal(read(told[0], &ok, 1), 1);
    close(told[0]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void a_process_leads_to_the_book_it_has_mapped(void **state)
{
    char found[PATH_MAX] = "";
    struct ml_book_brief b;
    const char *path = in_folder("a book.book");
    setenv("MEMLINE_BOOKS", "/nonexistent", 1);
    pid_t pid = writer(path);
    assert_int_equal(ml_book_of(pid, found, sizeof found, NULL), ML_OK);
    assert_string_equal(found, path);
    assert_int_equal(ml_book_peek(path, &b, NULL), ML_OK);
    assert_int_equal(b.pid, pid);
    assert_int_equal(ml_book_mapped(pid, path, &b), 1);
    assert_int_equal(ml_book_mapped(getpid(), path, &b), 0);
    end(pid);
    assert_int_equal(ml_book_mapped(pid, path, &b), 0);
}

static void of_an_ended_process_the_folder_of_books_knows(void **state)
{
    char found[PATH_MAX] = "";
    struct ml_error e;
    setenv("MEMLINE_BOOKS", folder, 1);
    const char *path = in_folder("a.book");
    pid_t pid = writer(path);
    end(pid);
    assert_int_equal(ml_book_of(pid, found, sizeof found, NULL), ML_OK);
    assert_string_equal(found, path);
    unlink(path);
    assert_int_equal(ml_book_of(pid, found, sizeof found, &e), ML_ENOTFOUND);
    assert_non_null(strstr(e.text, "no process "));
    assert_int_equal(ml_book_of(getpid(), found, sizeof found, &e), ML_ENOTFOUND);
    assert_non_null(strstr(e.text, "has no account book: memline does not profile it"));
}

static void a_process_is_known_by_its_beginning(void **state)
{
    uint64_t me = ml_process_began(getpid());
    assert_true(me != 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(ml_process_began(pid), 0); /* ended, not waited for */
    waitpid(pid, NULL, 0);
    assert_int_equal(ml_process_began(pid), 0);
    assert_int_equal(ml_process_began(getpid()), me);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test_setup_teardown(a_process_leads_to_the_book_it_has_mapped, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(of_an_ended_process_the_folder_of_books_knows, folder_setup,
                                        folder_teardown),
        cmocka_unit_test(a_process_is_known_by_its_beginning),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
