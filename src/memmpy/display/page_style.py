"""The style of values in notebooks and pages."""

__all__ = ["styled_html"]

#: Colours come from the page: its text, and shades of it. So the style suits light and dark pages,
#: Jupyter, VS Code and the documentation, without a script.
_STYLE = """
.memmpy{font-size:.875rem;line-height:1.4;max-width:100%;color:var(--jp-content-font-color1,inherit);
--line:rgba(128,128,128,.3);--shade:rgba(128,128,128,.09)}
.memmpy p{margin:.5em 0 .35em;font-weight:600;white-space:pre-wrap;overflow-wrap:anywhere}
.memmpy p~p:last-child{font-weight:400}
.memmpy .scroll{overflow:auto;max-height:48rem;margin:.25em 0 .75em;
width:fit-content;max-width:100%;border:1px solid var(--line);border-radius:6px}
.memmpy table{border-collapse:collapse;margin:0;border:0;font-size:inherit;
font-variant-numeric:tabular-nums;width:auto;display:table}
.memmpy th,.memmpy td{padding:.28em .8em;border:0;vertical-align:baseline;background:none;
max-width:32em;overflow-wrap:break-word;color:inherit}
.memmpy [style*=right]{white-space:nowrap;overflow-wrap:normal}
.memmpy tbody th{font-weight:400}
.memmpy thead th{font-weight:600;white-space:nowrap;border-bottom:1px solid var(--line);
position:sticky;top:0;background:var(--jp-layout-color0,var(--vscode-editor-background,
var(--color-background-primary,Canvas)))}
.memmpy tbody+tbody tr:first-child>*{border-top:1px solid var(--line)}
.memmpy tbody tr:nth-child(even){background:var(--shade)}
.memmpy tbody tr:nth-child(odd){background:none}
.memmpy tbody tr:hover{background:rgba(74,144,217,.16)}
.memmpy .note{margin:-.4em 0 .75em;font-size:.8125rem;opacity:.85;white-space:pre-wrap}
.memmpy svg{vertical-align:middle;overflow:visible}
.memmpy ul{margin:.25em 0 .75em;padding-left:1.4em}
.memmpy details{margin:.25em 0}.memmpy summary{cursor:pointer;font-weight:600}
""".replace("\n", "")


def styled_html(content: str) -> str:
    """Return HTML with the style of memmpy, which acts on this content alone."""
    return f'<div class="memmpy"><style>{_STYLE}</style>{content}</div>'
