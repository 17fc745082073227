"""Build a page out of pieces: many short lines, small strings."""


def escape(text):
    text = text.replace("&", "&amp;")
    text = text.replace("<", "&lt;")
    return text.replace(">", "&gt;")


def row(cells):
    parts = []
    for cell in cells:
        parts.append("<td>")
        parts.append(escape(cell))
        parts.append("</td>")
    return "".join(parts)


def page(i):
    out = ["<table>"]
    for k in range(4):
        cells = [str(k), f"<{i}>", "a & b", "plain"]
        out.append("<tr>" + row(cells) + "</tr>")
    out.append("</table>")
    return "\n".join(out)


def work(n):
    total = 0
    for i in range(n):
        total += len(page(i % 10))
    return total
