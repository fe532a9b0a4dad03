"""The verdict of audits, and their findings by kind."""

from collections.abc import Sequence

from memmpy.display import Table, format_count
from memmpy.report.report_data import FindingGroup, Verdict
from memmpy.training import Audit, Finding

__all__ = ["findings_of", "verdict_of"]

#: Findings of one kind that the page shows at first.
_NUM_FIRST = 5
_LEVELS = ("error", "warning", "info")


def verdict_of(audits: Sequence[Audit], *, what: str) -> Verdict:
    """Return the verdict of audits; of none, that nothing was checked."""
    if not audits:
        return Verdict("unknown", "Not checked.", "memmpy check lists what would spoil a training.")
    levels = [finding.level for audit in audits for finding in audit.findings]
    num_errors, num_warnings = levels.count("error"), levels.count("warning")
    if num_errors:
        title = f"{format_count(num_errors, 'error')}."
        if num_warnings:
            title = f"{title[:-1]} and {format_count(num_warnings, 'warning')}."
        return Verdict("error", title, "Solve the errors before you train.")
    if num_warnings:
        title = f"{format_count(num_warnings, 'warning')}."
        return Verdict("warning", title, "Look at the findings before you train.")
    return Verdict("good", "Healthy.", f"The check of {what} found no errors and no warnings.")


def findings_of(audits: Sequence[Audit]) -> list[FindingGroup]:
    """Return the findings by kind and message, the worst first."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in (finding for audit in audits for finding in audit.findings):
        kind = finding.level, finding.kind, finding.message
        groups.setdefault(kind, []).append(finding)
    ordered = sorted(groups.items(), key=lambda item: _LEVELS.index(item[0][0]))
    return [_finding_group(*kind, findings) for kind, findings in ordered]


def _finding_group(
    level: str, kind: str, message: str, findings: Sequence[Finding]
) -> FindingGroup:
    ordered = sorted(findings, key=lambda one: -one.count)
    rows = [(one.key or "-", one.where, f"{one.count:,}") for one in ordered]
    first = len(rows) if len(rows) <= _NUM_FIRST + 1 else _NUM_FIRST
    headings = ("key", "where", "entries")
    more = Table(headings, 2, [rows[first:]]) if rows[first:] else None
    return FindingGroup(level, kind, message, Table(headings, 2, [rows[:first]]), more)
