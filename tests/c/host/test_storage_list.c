/* tests/c/host/test_storage_list.c. SPDX-License-Identifier: MIT */
#include "host/storage_list.h"

#include "../test.h"

struct seen {
    int n;
    char text[2000];
};

static void add(struct seen *s, const char *what, struct ml_str v)
{
    size_t n = strlen(s->text);
    (void)snprintf(s->text + n, sizeof s->text - n, "%s=%.*s ", what, (int)v.n,
                   v.n != 0 ? v.p : "");
}

static void on_message(void *user, const struct ml_queue_message *m)
{
    struct seen *s = user;
    char count[16];
    s->n++;
    add(s, "id", m->id);
    add(s, "receipt", m->receipt);
    add(s, "text", m->text);
    add(s, "inserted", m->inserted);
    (void)snprintf(count, sizeof count, "%lld", (long long)m->dequeue_count);
    add(s, "count", ml_str_of(count));
}

static void messages_are_read(void **state)
{
    static const char xml[] =
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><QueueMessagesList>"
        "<QueueMessage><MessageId>1</MessageId><InsertionTime>T</InsertionTime><ExpirationTime>E"
        "</ExpirationTime><PopReceipt>R&amp;</PopReceipt><TimeNextVisible>V</TimeNextVisible>"
        "<DequeueCount>3</DequeueCount><MessageText>a &lt;b&gt;</MessageText></QueueMessage>"
        "<QueueMessage><MessageId>2</MessageId><PopReceipt>S</PopReceipt><New><MessageId>no"
        "</MessageId></New><MessageText/></QueueMessage></QueueMessagesList>";
    struct seen s = {0};
    (void)state;
    assert_int_equal(ml_queue_messages_read(ML_STR(xml), on_message, &s, NULL), ML_OK);
    assert_int_equal(s.n, 2);
    assert_string_equal(s.text, "id=1 receipt=R& text=a <b> inserted=T count=3 "
                                "id=2 receipt=S text= inserted= count=0 ");
    s.n = 0;
    assert_int_equal(ml_queue_messages_read(ML_STR("<QueueMessagesList />"), on_message, &s, NULL),
                     ML_OK);
    assert_int_equal(s.n, 0);
}

static void lists_that_cannot_be_right_are_refused(void **state)
{
    static const char *const messages[] = {
        "<QueueMessagesList>", "<Q><QueueMessage><MessageId>1</MessageId></QueueMessage></Q>",
        "<Q><QueueMessage></Q>", "no xml"};
    static const char *const blobs[] = {"<E><Blobs><Blob><Name></Name></Blob></Blobs></E>",
                                        "<E><Blobs><Blob><Name>x</Blob></Blobs></E>", "<E>"};
    struct seen s = {0};
    struct ml_buf marker = {0};
    struct ml_error e = {0};
    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        assert_int_equal(ml_queue_messages_read(ml_str_of(messages[i]), on_message, &s, &e),
                         ML_EFORMAT);
    assert_string_equal(e.text, "the storage service answered a list of messages that cannot be "
                                "read");
    for (size_t i = 0; i < sizeof blobs / sizeof blobs[0]; i++)
        assert_int_equal(ml_blob_list_read(ml_str_of(blobs[i]), NULL, &s, &marker, &e), ML_EFORMAT);
    assert_int_equal(s.n, 0);
    ml_buf_free(&marker);
}

static void on_blob(void *user, const struct ml_blob_item *b)
{
    struct seen *s = user;
    char *properties = json_dumps(b->properties, JSON_COMPACT | JSON_SORT_KEYS),
         *metadata = json_dumps(b->metadata, JSON_COMPACT | JSON_SORT_KEYS);
    s->n++;
    add(s, "name", b->name);
    add(s, "etag", b->etag);
    add(s, "p", ml_str_of(properties));
    add(s, "m", ml_str_of(metadata));
    free(properties);
    free(metadata);
}

static void blobs_are_read(void **state)
{
    static const char xml[] =
        "<EnumerationResults><Blobs>"
        "<Blob><Name>a/b c</Name><Properties><Creation-Time>Fri, 27 Nov 2026 20:48:45 GMT"
        "</Creation-Time><Etag>0x1</Etag><Content-Length>12</Content-Length>"
        "<Content-Type>text/plain</Content-Type></Properties><Metadata><by>me</by></Metadata></"
        "Blob>"
        "<BlobPrefix><Name>p</Name></BlobPrefix><Blob><Name>x</Name></Blob>"
        "</Blobs><NextMarker>m1</NextMarker></EnumerationResults>";
    struct seen s = {0};
    struct ml_buf marker = {0};
    (void)state;
    assert_int_equal(ml_blob_list_read(ML_STR(xml), on_blob, &s, &marker, NULL), ML_OK);
    assert_int_equal(s.n, 2);
    assert_string_equal(
        s.text, "name=a/b c etag=0x1 p={\"ContentLength\":12,\"ContentType\":\"text/plain\","
                "\"CreatedOn\":\"2026-11-27T20:48:45+00:00\",\"ETag\":\"0x1\"} "
                "m={\"by\":\"me\"} name=x etag= p={} m={} ");
    assert_string_equal(marker.p, "m1");
    ml_buf_free(&marker);
}

static void dates_become_iso(void **state)
{
    char out[32];
    (void)state;
    assert_true(ml_storage_iso_date(ML_STR("Thu, 01 Jan 1970 00:00:00 GMT"), out));
    assert_string_equal(out, "1970-01-01T00:00:00+00:00");
    assert_false(ml_storage_iso_date(ML_STR("Thu, 01 anF 1970 00:00:00 GMT"), out));
    assert_false(ml_storage_iso_date(ML_STR("Thu, 01 Jan 1970 00:00:00 GMT+1"), out));
    assert_false(ml_storage_iso_date(ML_STR("text/plain"), out));
    assert_false(ml_storage_iso_date(ML_STR(""), out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_read),
        cmocka_unit_test(lists_that_cannot_be_right_are_refused),
        cmocka_unit_test(blobs_are_read),
        cmocka_unit_test(dates_become_iso),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
