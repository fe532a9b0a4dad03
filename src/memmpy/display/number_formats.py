"""Counts, numbers, shares, rates, times and sizes as users read them."""

import math

__all__ = [
    "format_count",
    "format_measured",
    "format_number",
    "format_rate",
    "format_seconds",
    "format_share",
    "format_size",
]


def format_count(num: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: ``1 file``, ``1,234 files``. `many` is an irregular plural."""
    return f"{num:,} {one if num == 1 else many or one + 's'}"


def format_measured(value: float, error: float) -> str:
    """Return a value and its error to two digits of the error: ``1,234.5 ± 3.2``."""
    if not (math.isfinite(value) and math.isfinite(error)):
        return f"{value} ± {error}"
    if error == 0:
        return f"{value:.6g} ± 0"
    decimals = 1 - math.floor(math.log10(error))
    if decimals > 6 or max(abs(value), error) >= 1e10:
        digits = max(0, decimals + math.floor(math.log10(abs(value)))) if value else 0
        return f"{value:.{digits}e} ± {error:.1e}"
    decimals = max(0, decimals)
    return f"{value:,.{decimals}f} ± {error:,.{decimals}f}"


def format_number(value: float | None, *, digits: int = 4) -> str:
    """Return a number: ``12.35``, ``123,457``, ``1.235e+07``; whole ones to 10 digits."""
    if value is None:
        return ""
    if isinstance(value, int) and abs(value) < 10**10:  # 20 digits would displace other columns
        return f"{value:,}"
    if not 1e-4 <= abs(value) < 1e7:  # also where it is NaN
        return f"{value:.{digits}g}"
    text = f"{value:,.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_rate(rate: float) -> str:
    """Return a rate per second in a suitable unit: ``99,999``, ``0.10 M``, ``1,234.57 M``."""
    return f"{rate / 1e6:,.2f} M" if rate >= 1e5 else f"{rate:,.0f}"


def format_seconds(seconds: float) -> str:
    """Return a time in a suitable unit: ``4.2 ms``, ``0.15 s``, ``12 s``, ``35 min``, ``1.7 h``."""
    size, unit = 3600.0, "h"
    for limit, smaller, name in ((5970, 60.0, "min"), (99.5, 1.0, "s"), (0.00995, 1e-3, "ms")):
        if seconds < limit:
            size, unit = smaller, name
    number = seconds / size
    return f"{number:,.0f} {unit}" if number >= 9.95 else f"{number:.2g} {unit}"


def format_share(part: float, whole: float = 1.0) -> str:
    """Return a share: ``42.4 %``, ``< 0.1 %``. Only none is ``0 %``, and only all ``100 %``."""
    percent = 100 * part / whole if whole else math.nan
    if percent in {0, 100}:
        return f"{percent:.0f} %"
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %" if math.isfinite(percent) else "-"


def format_size(num_bytes: int) -> str:
    """Return a number of bytes in a suitable unit: ``999 B``, ``1.5 kB``, ``26.4 MB``."""
    if num_bytes < 1000:
        return f"{num_bytes} B"
    size, unit = num_bytes / 1e3, "kB"
    for larger in ("MB", "GB", "TB", "PB", "EB"):
        if size < 999.95:
            break
        size, unit = size / 1e3, larger
    return f"{size:.1f} {unit}"
