"""Timers: one that runs at start and every second, one async, one that fails and is tried again."""

import logging

import azure.functions as func

app = func.FunctionApp()
tries = []


@app.schedule(schedule="* * * * * *", arg_name="tick", run_on_startup=True, use_monitor=False)
def every_second(tick: func.TimerRequest) -> None:
    logging.info("tick, past due: %s", tick.past_due)


@app.timer_trigger(schedule="0 0 4 1 1 *", arg_name="tick", run_on_startup=True, use_monitor=False)
async def yearly(tick: func.TimerRequest) -> None:
    logging.info("a year has passed")


@app.timer_trigger(schedule="0 0 5 1 1 *", arg_name="tick", run_on_startup=True, use_monitor=False)
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:01")
def stubborn(tick: func.TimerRequest, context: func.Context) -> None:
    tries.append(1)
    logging.info(
        "try %d of %d", context.retry_context.retry_count, context.retry_context.max_retry_count
    )
    if len(tries) < 3:
        raise RuntimeError("not yet")
    logging.info("third time lucky")
