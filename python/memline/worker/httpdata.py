"""HTTP requests and responses between frames and the library's data."""

import datetime
import logging
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from . import convert

if TYPE_CHECKING:
    from .datum import Packer


def read_request(value: Dict[str, Any], payload: bytes, body: Optional[bytes]) -> Any:
    """What the library's HttpRequest converter decodes: a Datum of Datums."""
    from . import datum

    make = convert.datum_class()

    def texts(name: str) -> Dict[str, Any]:
        return {k: make(v, "string") for k, v in (value.get(name) or {}).items()}

    content = value.get("body")
    return make(
        {
            "method": make(value.get("method") or "", "string"),
            "url": make(value.get("url") or "", "string"),
            "headers": texts("headers"),
            "query": texts("query"),
            "params": texts("params"),
            "body": (datum.read(content, payload, body) if content else None) or make(b"", "bytes"),
        },
        "http",
    )


def write_response(value: Dict[str, Any], pack: "Packer") -> Dict[str, Any]:
    """The frame form of what the library made of an HttpResponse."""
    cookies: List[str] = []
    for jar in value.get("cookies") or ():
        cookies.extend(cookie_lines(jar))
    body = pack.datum(value.get("body"))
    return {
        "t": "http",
        "status": status_code(value["status_code"].value),
        "headers": {str(k): str(v.value) for k, v in value["headers"].items()},
        "cookies": cookies,
        "body": body if body["t"] != "none" else pack.bytes(b""),
    }


def status_code(value: Any) -> int:
    """The number; before Python 3.11 str(HTTPStatus.OK) is 'HTTPStatus.OK'."""
    text = str(value)
    if text.startswith("HTTPStatus."):
        return int(HTTPStatus[text[len("HTTPStatus.") :]])
    return int(text)


def cookie_lines(jar: Any) -> List[str]:
    """One finished Set-Cookie value per cookie, attributes in a fixed order."""
    lines = []
    for name, cookie in jar.items():
        parts = [f"{name}={escape(cookie.value)}"]
        if cookie["expires"]:
            parts.append("expires=" + _rfc1123(_expires(cookie["expires"])))
        if cookie["max-age"]:
            parts.append(f"max-age={int(float(cookie['max-age']))}")
        parts.append(f"domain={cookie['domain']}")
        parts.append(f"path={cookie['path']}")
        if cookie["secure"]:
            parts.append("secure")
        same_site = str(cookie["samesite"]).lower()
        if same_site in ("lax", "strict", "none"):
            parts.append(f"samesite={same_site}")
        if cookie["httponly"]:
            parts.append("httponly")
        lines.append("; ".join(parts))
    return lines


# Kept as they are; everything else is percent-escaped, as Uri.EscapeDataString does it.
_PLAIN = re.compile(r"[^A-Za-z0-9\-._~]")


def escape(text: str) -> str:
    return _PLAIN.sub(
        lambda m: "".join(f"%{b:02X}" for b in m.group().encode("utf-8", "replace")), text
    )


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _rfc1123(t: datetime.datetime) -> str:
    """In English whatever the locale; email.utils would cost 15 ms at start."""
    return f"{_DAYS[t.weekday()]}, {t.day:02d} {_MONTHS[t.month - 1]} {t.year:04d} {t:%H:%M:%S} GMT"


_DATE_FORMATS = (
    "%a, %d %b %Y %H:%M:%S GMT",  # RFC 1123
    "%a, %d-%b-%Y %H:%M:%S GMT",  # as cookies often write it
    "%A, %d-%b-%y %H:%M:%S GMT",  # RFC 850
    "%a %b %d %H:%M:%S %Y",  # asctime
)


def _expires(text: str) -> datetime.datetime:
    for form in _DATE_FORMATS:
        try:
            return datetime.datetime.strptime(text, form).replace(tzinfo=datetime.timezone.utc)
        except ValueError:
            pass
    try:
        when = datetime.datetime.fromisoformat(re.sub(r"Z$", "+00:00", text))
    except ValueError:
        logging.error(
            "Can not parse value %s of expires in the cookie due to invalid format.", text
        )
        raise
    return (
        when.astimezone(datetime.timezone.utc)
        if when.tzinfo
        else when.replace(tzinfo=datetime.timezone.utc)
    )
