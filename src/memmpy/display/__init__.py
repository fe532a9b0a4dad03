"""Tables, small charts, progress bars, versions, and numbers as users read them."""

from memmpy.display.inline_charts import Bar, Sparkline
from memmpy.display.number_formats import (
    format_count,
    format_measured,
    format_number,
    format_rate,
    format_seconds,
    format_share,
    format_size,
)
from memmpy.display.progress import Note, Progress, is_quiet, is_terminal, quiet
from memmpy.display.renderable import DisplayBlock, Renderable
from memmpy.display.tables import (
    WIDTH,
    Cell,
    Table,
    TrimmedLines,
    plain_text,
    printable,
)
from memmpy.display.values import (
    column_html,
    facts_html,
    fields_html,
    format_path,
    format_value,
    json_value,
    shorten,
)
from memmpy.display.versions import show_versions
from memmpy.display.wide_tables import WideTable

__all__ = [
    "WIDTH",
    "Bar",
    "Cell",
    "DisplayBlock",
    "Note",
    "Progress",
    "Renderable",
    "Sparkline",
    "Table",
    "TrimmedLines",
    "WideTable",
    "column_html",
    "facts_html",
    "fields_html",
    "format_count",
    "format_measured",
    "format_number",
    "format_path",
    "format_rate",
    "format_seconds",
    "format_share",
    "format_size",
    "format_value",
    "is_quiet",
    "is_terminal",
    "json_value",
    "plain_text",
    "printable",
    "quiet",
    "shorten",
    "show_versions",
]
