/* tests/c/http/test_loop.c. SPDX-License-Identifier: MIT */
#include "http/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct seen {
    struct ml_loop *loop;
    struct ml_timer *timer;
    int calls;
    int order[8];
};

static void note(void *user)
{
    struct seen *s = user;
    if (++s->calls == 3) {
        ml_timer_free(s->timer);
        ml_loop_stop(s->loop);
    }
}

static void timer_repeats_and_frees_itself(void **state)
{
    (void)state;
    struct seen s = {0};
    assert_int_equal(ml_loop_new(&s.loop), ML_OK);
    assert_int_equal(ml_timer_new(s.loop, 1, 1, note, &s, &s.timer), ML_OK);
    ml_loop_run(s.loop);
    assert_int_equal(s.calls, 3);
    ml_loop_free(s.loop);
}

static void count(void *user)
{
    struct seen *s = user;
    if (++s->calls == 1000)
        ml_loop_stop(s->loop);
}

static void *poster(void *user)
{
    struct seen *s = user;
    for (int i = 0; i < 500; i++)
        (void)ml_loop_post(s->loop, count, s);
    return NULL;
}

static void posts_of_two_threads_all_arrive(void **state)
{
    (void)state;
    struct seen s = {0};
    struct ml_timer *alive;
    assert_int_equal(ml_loop_new(&s.loop), ML_OK);
    assert_int_equal(ml_timer_new(s.loop, 10000, 0, count, &s, &alive), ML_OK);
    pthread_t a, b;
    assert_int_equal(pthread_create(&a, NULL, poster, &s), 0);
    assert_int_equal(pthread_create(&b, NULL, poster, &s), 0);
    ml_loop_run(s.loop);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    assert_int_equal(s.calls, 1000);
    ml_timer_free(alive);
    ml_loop_free(s.loop);
}

static void work(void *user)
{
    struct seen *s = user;
    s->order[0] = ++s->calls;
}

static void done(void *user)
{
    struct seen *s = user;
    s->order[1] = ++s->calls;
}

static void work_comes_before_done(void **state)
{
    (void)state;
    struct seen s = {0};
    assert_int_equal(ml_loop_new(&s.loop), ML_OK);
    assert_int_equal(ml_loop_work(s.loop, work, done, &s), ML_OK);
    ml_loop_run(s.loop);
    assert_int_equal(s.order[0], 1);
    assert_int_equal(s.order[1], 2);
    ml_loop_free(s.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timer_repeats_and_frees_itself),
        cmocka_unit_test(posts_of_two_threads_all_arrive),
        cmocka_unit_test(work_comes_before_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
