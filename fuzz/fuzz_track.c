/* fuzz/fuzz_track.c -- telemetry as it comes from the network: plain or gzip bytes into rows.
 * SPDX-License-Identifier: MIT */
#include "api/gunzip.h"
#include "api/track.h"
#include "fuzz.h"

static void track(struct ml_str text)
{
    struct ml_rows *rows = NULL;
    struct ml_track_result result;
    struct ml_buf answer = {0};
    if (ml_rows_new(&rows) != ML_OK)
        return;
    int rc = ml_track_parse(text, rows, &result);
    if (rc == ML_OK) {
        size_t at = 0;
        size_t count = 0;
        enum ml_store_table t;
        struct ml_row_ref row;
        struct ml_cell cell;
        while (ml_rows_next(rows, &at, &t, &row)) {
            while (ml_row_next(&row, &cell))
                REQUIRE(ml_store_table_index(t, cell.column) >= 0);
            count++;
        }
        REQUIRE(count == ml_rows_count(rows) && result.accepted <= result.received);
        ml_track_answer(&result, &answer);
    }
    ml_buf_free(&answer);
    ml_rows_free(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ml_str body = {(const char *)data, n};
    struct ml_buf unpacked = {.max = 1 << 20};
    if (ml_gunzip(body, &unpacked) == ML_OK)
        track(ml_buf_view(&unpacked));
    ml_buf_free(&unpacked);
    track(body);
    return 0;
}
