"""tools/second_try.py: what passes alone is unsteady, what fails twice has failed."""

import xml.etree.ElementTree as ET

CASE = '<testcase classname="t" name="{}">{}</testcase>'
FAILED = "<failure>no</failure>"


def junit(path, **cases):
    body = "".join(CASE.format(name, inside) for name, inside in cases.items())
    path.write_text(f"<testsuites><testsuite>{body}</testsuite></testsuites>")
    return path


def test_only_what_passed_alone_is_forgiven(run, python, tmp_path):
    from pathlib import Path

    tool = Path(__file__).parents[2] / "tools" / "second_try.py"
    first = junit(tmp_path / "a.xml", good="", shaky=FAILED, bad=FAILED, gone=FAILED)
    second = junit(tmp_path / "b.xml", shaky="", bad=FAILED)
    done = run([python, tool, first, second], status=1)
    assert done.stdout == "unsteady: failed, then passed alone: t.shaky\n"
    left = [
        c.get("name") for c in ET.parse(first).iter("testcase") if c.find("failure") is not None
    ]
    assert left == ["bad", "gone"]
    assert not second.exists()
    first = junit(tmp_path / "a.xml", shaky=FAILED)
    run([python, tool, first, junit(tmp_path / "b.xml", shaky="")])
