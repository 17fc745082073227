/* core/scope and core/recorder: the stack and the rule of the increments, with a meter of our own.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "core/scope.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t memory; /* what the meter tells */
static int64_t peak;   /* since the last reading */

static struct ml_reading tell(struct ml_recorder *r)
{
    struct ml_reading now = {.bytes = memory, .peak_bytes = peak > memory ? peak : memory};
    peak = memory;
    return now;
}

static int ended;
static uint64_t ended_hits;

static void note_end(struct ml_recorder *r, struct ml_call *call)
{
    ended++;
    ended_hits = call->sheets[0]->lines[1].hits;
}

struct subject {
    struct ml_recorder *r;
    struct ml_probe probe;
    struct ml_thread *t;
};

static struct subject subject_new(bool per_call)
{
    struct subject s = {.t = ml_thread_get()};
    size_t top;
    memory = peak = 1000;
    ended = 0;
    assert_non_null(s.t);
    assert_int_equal(ml_recorder_new(per_call, &s.r), ML_OK);
    s.r->read = tell;
    s.r->tells_peaks = true;
    s.r->on_end = per_call ? note_end : NULL;
    struct ml_top code = {.first_line = 10, .n_lines = 5};
    assert_int_equal(ml_recorder_add(s.r, &code, &top), ML_OK);
    s.probe = (struct ml_probe){
        .recorder = s.r, .top = (uint32_t)top, .is_top = true, .always = true};
    return s;
}

static const void *id(size_t n)
{
    return (const void *)(uintptr_t)(n * 64);
}

static void line(struct subject *s, uint32_t n)
{
    ml_scope_line(s->t, ml_scope_top(s->t), n);
}

static const struct ml_line *figures(const struct subject *s, uint32_t n)
{
    return &s->r->total->sheets[0]->lines[n - 10];
}

static void expect(const struct subject *s, uint32_t n, uint64_t hits, int64_t net)
{
    assert_int_equal(figures(s, n)->hits, hits);
    assert_int_equal(figures(s, n)->rss_net_bytes, net);
}

static void one_reading_ends_a_line_and_starts_the_next(void **state)
{
    struct subject s = subject_new(false);
    ml_scope_enter(s.t, id(1), &s.probe);
    memory += 5; /* before the first line: the first line's, so that the sum is exact */
    line(&s, 11);
    memory += 100;
    line(&s, 12);
    memory -= 30;
    line(&s, 11);
    memory += 1;
    ml_scope_leave(s.t);
    expect(&s, 11, 2, 106);
    expect(&s, 12, 1, -30);
    assert_int_equal(figures(&s, 11)->rss_max_bytes, 1105);
    assert_int_equal(s.r->total->sheets[0]->calls, 1);
    assert_int_equal(s.r->total->sheets[0]->first_bytes, 1000);
    assert_int_equal(s.t->n, 0);
    ml_recorder_unref(s.r);
}

static void callees_belong_to_the_calling_line(void **state)
{
    struct subject s = subject_new(false);
    ml_scope_enter(s.t, id(1), &s.probe);
    line(&s, 11);
    ml_scope_enter(s.t, id(2), &s.probe);
    line(&s, 13);
    memory += 50;
    ml_scope_leave(s.t);
    memory += 7;
    ml_scope_leave(s.t);
    expect(&s, 11, 1, 57);
    expect(&s, 13, 1, 50);
    ml_recorder_unref(s.r);
}

static void a_nested_execution_of_an_open_line_is_a_hit_only(void **state)
{
    struct subject s = subject_new(false);
    for (size_t depth = 1; depth <= 3; depth++) {
        ml_scope_enter(s.t, id(depth), &s.probe);
        line(&s, 11);
        memory += 10;
    }
    for (size_t depth = 3; depth >= 1; depth--)
        ml_scope_leave(s.t);
    expect(&s, 11, 3, 30);
    assert_int_equal(s.t->open_lines.n, 0);
    assert_int_equal(s.t->sheet_top.n, 0);
    ml_recorder_unref(s.r);
}

static void while_suspended_nothing_is_charged(void **state)
{
    struct subject s = subject_new(false);
    struct ml_frame kept;
    ml_scope_enter(s.t, id(1), &s.probe);
    line(&s, 11);
    memory += 10;
    ml_scope_suspend(s.t, &kept);
    memory += 1000;
    ml_scope_resume(s.t, &kept);
    memory += 3;
    line(&s, 12);
    ml_scope_leave(s.t);
    expect(&s, 11, 1, 13);
    expect(&s, 12, 1, 0);
    ml_recorder_unref(s.r);
}

static void a_call_ends_with_the_frame_that_opened_it(void **state)
{
    struct subject s = subject_new(true);
    struct ml_frame kept;
    ml_scope_enter(s.t, id(1), &s.probe);
    line(&s, 11);
    ml_scope_enter(s.t, id(2), &s.probe);
    line(&s, 11);
    ml_scope_leave(s.t);
    assert_int_equal(ended, 0);
    ml_scope_suspend(s.t, &kept);
    assert_int_equal(ended, 0);
    ml_scope_enter(s.t, id(3), &s.probe); /* another call meanwhile */
    line(&s, 11);
    ml_scope_leave(s.t);
    assert_int_equal(ended, 1);
    assert_int_equal(ended_hits, 1);
    ml_scope_resume(s.t, &kept);
    ml_scope_leave(s.t);
    assert_int_equal(ended, 2);
    assert_int_equal(ended_hits, 2);
    assert_int_equal(s.t->top_of.n, 0);
    ml_recorder_unref(s.r);
}

static void a_forgotten_frame_ends_its_call(void **state)
{
    struct subject s = subject_new(true);
    struct ml_frame kept;
    ml_scope_enter(s.t, id(1), &s.probe);
    line(&s, 11);
    ml_scope_suspend(s.t, &kept);
    ml_scope_forget(&kept);
    ml_scope_forget(&kept);
    assert_int_equal(ended, 1);
    ml_recorder_unref(s.r);
}

static void the_recorder_outlives_its_owner_while_a_call_is_open(void **state)
{
    struct subject s = subject_new(true);
    ml_scope_enter(s.t, id(1), &s.probe);
    ml_recorder_unref(s.r);
    line(&s, 11);
    ml_scope_leave(s.t);
    assert_int_equal(ended, 1);
}

static void frames_whose_end_was_not_told_are_dropped(void **state)
{
    struct subject s = subject_new(false);
    uint64_t before = s.t->resyncs;
    for (size_t i = 1; i <= 4; i++)
        ml_scope_enter(s.t, id(i), &s.probe);
    assert_false(ml_scope_sync(s.t, id(9)));
    assert_true(ml_scope_sync(s.t, id(2)));
    assert_int_equal(s.t->n, 2);
    assert_int_equal(s.t->resyncs - before, 2);
    ml_scope_leave(s.t);
    ml_scope_leave(s.t);
    ml_recorder_unref(s.r);
}

static void lines_outside_the_sheet_are_passed_over(void **state)
{
    struct subject s = subject_new(false);
    ml_scope_enter(s.t, id(1), &s.probe);
    line(&s, 9);
    memory += 10;
    line(&s, 15);
    line(&s, 0);
    line(&s, UINT32_MAX);
    line(&s, 14);
    ml_scope_leave(s.t);
    expect(&s, 14, 1, 0);
    ml_recorder_unref(s.r);
}

static void transient_peaks_reach_the_callers_line(void **state)
{
    struct subject s = subject_new(false);
    ml_scope_enter(s.t, id(1), &s.probe);
    line(&s, 11);
    ml_scope_enter(s.t, id(2), &s.probe);
    line(&s, 12);
    peak = memory + 300;
    line(&s, 13);
    ml_scope_leave(s.t);
    line(&s, 14);
    ml_scope_leave(s.t);
    const int64_t *peaks = s.r->total->sheets[0]->peak_bytes;
    assert_int_equal(peaks[1], 300);
    assert_int_equal(peaks[2], 300);
    assert_int_equal(peaks[3], 0);
    assert_int_equal(peaks[4], 0);
    ml_recorder_unref(s.r);
}

static void joining_in_the_middle_of_a_line_is_no_hit(void **state)
{
    struct subject s = subject_new(false);
    ml_scope_join(s.t, id(1), &s.probe, 12);
    memory += 20;
    line(&s, 13);
    ml_scope_leave(s.t);
    expect(&s, 12, 0, 20);
    expect(&s, 13, 1, 0);
    assert_int_equal(s.r->total->sheets[0]->calls, 0);
    ml_recorder_unref(s.r);
}

/* One pass over everything that allocates. */
static void exercise(struct subject *s)
{
    struct ml_frame kept;
    for (size_t i = 1; i < 80; i++)
        ml_scope_enter(s->t, id(i), &s->probe);
    for (uint32_t n = 10; n < 15 && s->t->n > 0; n++)
        line(s, n);
    if (s->t->n > 0) {
        ml_scope_suspend(s->t, &kept);
        ml_scope_resume(s->t, &kept);
    }
    while (s->t->n > 0)
        ml_scope_leave(s->t);
}

static void without_memory_frames_are_lost_and_nothing_else(void **state)
{
    for (int per_call = 0; per_call < 2; per_call++)
        for (long n = 1; n < 40; n++) {
            struct subject s = subject_new(per_call);
            ml_mem_fail_after(n);
            exercise(&s);
            ml_mem_fail_after(0);
            assert_int_equal(s.t->n, 0);
            exercise(&s);
            ml_recorder_unref(s.r);
        }
}

static void *in_a_thread(void *p)
{
    struct subject *s = p;
    struct ml_thread *t = ml_thread_get();
    for (size_t i = 0; i < 100; i++) {
        ml_scope_enter(t, id(1), &s->probe);
        ml_scope_leave(t);
    }
    return t != s->t ? NULL : p;
}

static void each_thread_has_its_own_stack(void **state)
{
    struct subject s = subject_new(false);
    ml_scope_enter(s.t, id(1), &s.probe);
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        void *same;
        assert_int_equal(pthread_create(&thread, NULL, in_a_thread, &s), 0);
        assert_int_equal(pthread_join(thread, &same), 0);
        assert_null(same);
    }
    assert_int_equal(s.t->n, 1);
    ml_scope_leave(s.t);
    assert_int_equal(s.r->total->sheets[0]->calls, 2001);
    ml_recorder_unref(s.r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_reading_ends_a_line_and_starts_the_next),
        cmocka_unit_test(callees_belong_to_the_calling_line),
        cmocka_unit_test(a_nested_execution_of_an_open_line_is_a_hit_only),
        cmocka_unit_test(while_suspended_nothing_is_charged),
        cmocka_unit_test(a_call_ends_with_the_frame_that_opened_it),
        cmocka_unit_test(a_forgotten_frame_ends_its_call),
        cmocka_unit_test(the_recorder_outlives_its_owner_while_a_call_is_open),
        cmocka_unit_test(frames_whose_end_was_not_told_are_dropped),
        cmocka_unit_test(lines_outside_the_sheet_are_passed_over),
        cmocka_unit_test(transient_peaks_reach_the_callers_line),
        cmocka_unit_test(joining_in_the_middle_of_a_line_is_no_hit),
        cmocka_unit_test(without_memory_frames_are_lost_and_nothing_else),
        cmocka_unit_test(each_thread_has_its_own_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
