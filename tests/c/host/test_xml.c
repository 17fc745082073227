/* tests/c/host/test_xml.c. SPDX-License-Identifier: MIT */
#include "host/xml.h"

#include "../test.h"

/* The tokens as text: "<a>" "'text'" "</a>", "." at the end, "!" when it is broken. */
static void read_all(const char *xml, char *out, size_t out_bytes)
{
    struct guarded g = guarded_new(xml, strlen(xml));
    struct ml_xml x;
    enum ml_xml_token t;
    size_t n = 0;
    ml_xml_init(&x, g.str);
    out[0] = '\0';
    do {
        t = ml_xml_next(&x);
        if (t == ML_XML_TEXT)
            n += (size_t)snprintf(out + n, out_bytes - n, "'%s'", x.text.p);
        else if (t == ML_XML_OPEN || t == ML_XML_CLOSE)
            n += (size_t)snprintf(out + n, out_bytes - n, "<%s%.*s>", t == ML_XML_CLOSE ? "/" : "",
                                  (int)x.name.n, x.name.p);
        else
            n += (size_t)snprintf(out + n, out_bytes - n, "%s", t == ML_XML_END ? "." : "!");
    } while (t != ML_XML_END && t != ML_XML_BAD);
    assert_int_equal(ml_xml_next(&x), t);
    ml_xml_release(&x);
    guarded_free(&g);
}

static void documents_become_tokens(void **state)
{
    static const struct {
        const char *xml;
        const char *tokens;
    } cases[] = {
        {"<?xml version=\"1.0\"?><a x='1>' y=\"<\"><b>t</b> <c/></a>\n",
         "<a><b>'t'</b><c></c></a>."},
        {"\xef\xbb\xbf<a>&lt;&amp;&gt;&quot;&apos;&#65;&#x20ac;</a>",
         "<a>'<&>\"'A\xe2\x82\xac'</a>."},
        {"<a> x <!-- no --><![CDATA[<&]]> y</a >", "<a>' x <& y'</a>."},
        {"<a>  </a>", "<a>'  '</a>."}, /* all that it holds */
        {"<a>  <b/>  </a>", "<a><b></b></a>."},
        {"<a></a>", "<a></a>."},
        {"", "."},
    };
    char got[400];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        read_all(cases[i].xml, got, sizeof got);
        assert_string_equal(got, cases[i].tokens);
    }
}

static void what_is_broken_is_bad(void **state)
{
    static const char *const cases[] = {"<a>",
                                        "</a>",
                                        "<a></b>",
                                        "<a",
                                        "<a b='",
                                        "text",
                                        "<a>&nope;</a>",
                                        "<a>&#0;</a>",
                                        "<a>&#xd800;</a>",
                                        "<a>&#x110000;</a>",
                                        "<a>&",
                                        "<!DOCTYPE a><a/>",
                                        "<a><!-- </a>",
                                        "<a><![CDATA[x</a>",
                                        "<>x</>",
                                        "<a></a>trailing"};
    char got[400];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        read_all(cases[i], got, sizeof got);
        assert_int_equal(got[strlen(got) - 1], '!');
    }
}

static void depth_is_bounded(void **state)
{
    struct ml_buf b = {0};
    char got[1000];
    (void)state;
    for (int i = 0; i < ML_XML_DEPTH + 1; i++)
        ml_buf_cstr(&b, "<a>");
    read_all(b.p, got, sizeof got);
    assert_int_equal(got[strlen(got) - 1], '!');
    ml_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_become_tokens),
        cmocka_unit_test(what_is_broken_is_bad),
        cmocka_unit_test(depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
