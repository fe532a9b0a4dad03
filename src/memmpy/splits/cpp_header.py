"""Writes the rule of splits as a C++ header, for code without Python."""

import re
from collections.abc import Sequence
from itertools import pairwise

from memmpy.kernels import derive_key
from memmpy.splits.ticket_rule import TicketRule, edges_of

__all__ = ["header_text"]

_HEADER = """\
// Written by memmpy. The rule of:
//   {title}
// split_of({signature}{fold_note}) returns 0 for train, 1 for val, 2 for test.
{fold_of_note}// Integers of any width may be given, and texts of the metadata as std::string.
#pragma once
#include <cstddef>
#include <cstdint>
{includes}#include <string>
#include <type_traits>

namespace memmpy {{

inline std::uint64_t mix64(std::uint64_t z) {{  // Stafford's variant 13, as in SplitMix64
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}}

inline std::uint64_t absorb(std::uint64_t state, std::uint64_t word) {{
  return mix64(state ^ mix64(word + 0x9E3779B97F4A7C15u));
}}

template <class T>
std::uint64_t word_of(T value) {{  // a negative number of 32 bits is what it is as unsigned
  static_assert(std::is_integral<T>::value, "a float may round two event numbers to one");
  const std::uint64_t word = static_cast<std::uint64_t>(value);
  return word >= 0xFFFFFFFF80000000u ? word & 0xFFFFFFFFu : word;
}}

inline std::uint64_t word_of(const std::string& text) {{  // the last 8 bytes of its SHA-256
  static const std::uint32_t k[64] = {{
{constants}}};
  std::uint32_t h[8] = {{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
  std::string data = text + '\\x80';
  while (data.size() % 64 != 56) data += '\\0';
  for (int shift = 56; shift >= 0; shift -= 8)
    data += static_cast<char>(static_cast<std::uint64_t>(text.size()) * 8 >> shift);
  auto turned = [](std::uint32_t x, int n) {{ return x >> n | x << (32 - n); }};
  for (std::size_t at = 0; at < data.size(); at += 64) {{
    std::uint32_t w[64], a[8];
    for (int i = 0; i < 16; ++i) {{
      w[i] = 0;
      for (int j = 0; j < 4; ++j)
        w[i] = w[i] << 8 | static_cast<unsigned char>(data[at + 4 * i + j]);
    }}
    for (int i = 16; i < 64; ++i)
      w[i] = w[i - 16] + w[i - 7] +
             (turned(w[i - 15], 7) ^ turned(w[i - 15], 18) ^ w[i - 15] >> 3) +
             (turned(w[i - 2], 17) ^ turned(w[i - 2], 19) ^ w[i - 2] >> 10);
    for (int i = 0; i < 8; ++i) a[i] = h[i];
    for (int i = 0; i < 64; ++i) {{
      const std::uint32_t one = a[7] + (turned(a[4], 6) ^ turned(a[4], 11) ^ turned(a[4], 25)) +
                                ((a[4] & a[5]) ^ (~a[4] & a[6])) + k[i] + w[i];
      const std::uint32_t two = (turned(a[0], 2) ^ turned(a[0], 13) ^ turned(a[0], 22)) +
                                ((a[0] & a[1]) ^ (a[0] & a[2]) ^ (a[1] & a[2]));
      for (int j = 7; j > 0; --j) a[j] = a[j - 1];
      a[4] += one;
      a[0] = one + two;
    }}
    for (int i = 0; i < 8; ++i) h[i] += a[i];
  }}
  return word_of(static_cast<std::uint64_t>(h[6]) << 32 | h[7]);
}}

inline std::uint64_t word_of(const char* text) {{ return word_of(std::string(text)); }}

template <{templates}>
std::uint64_t ticket_of({parameters}) {{
  std::uint64_t identity = 0x{identity_key:016X}u;
{absorbed}  std::uint64_t ticket = absorb(0x{ticket_key:016X}u, identity);
{region}  return ticket;
}}

template <{templates}>
int split_of({parameters}{fold_parameter}) {{
  struct Range {{ std::uint64_t first, last; int fold, split; }};
  static const Range ranges[] = {{
{ranges}  }};
  const std::uint64_t ticket = ticket_of({names});
  for (const Range& range : ranges)
    if ({fold_test}range.first <= ticket && ticket <= range.last) return range.split;
  return -1;{no_fold}
}}
{fold_of}
}}  // namespace memmpy
"""

_FOLD_OF = """
template <{templates}>
int fold_of({parameters}) {{
  static const std::uint64_t edges[] = {{{edges}}};
  const std::uint64_t ticket = ticket_of({names});
  int fold = 0;
  for (const std::uint64_t edge : edges) fold += ticket >= edge;
  return fold;
}}
"""

_REGION = """\
  if (region < 0 || region >= {num}) throw std::out_of_range("region is not 0 to {last}");
  static const std::uint64_t edges[] = {{{edges}}};
  static const std::uint64_t widths[] = {{{widths}}};
  ticket /= {num}u;
  if (ticket >= widths[region]) ticket = widths[region] - 1;
  ticket += edges[region];
"""

#: Primes, of whose cube roots SHA-256 takes the first bits behind the point.
_PRIMES = [n for n in range(2, 312) if all(n % d for d in range(2, int(n**0.5) + 1))]


def header_text(
    rule: TicketRule,
    ranges: Sequence[tuple[int, int, int, int]],
    *,
    num_folds: int | None,
    title: str,
) -> str:
    """Return the text of a header with `split_of` and, where there are folds, `fold_of`.

    Parameters
    ----------
    rule : TicketRule
        The rule of the tickets; by columns.
    ranges : sequence of (start, stop, fold, split)
        The tickets of each split of each fold.
    num_folds : int or None
        The number of folds.
    title : str
        The description in the first lines of the header.
    """
    assert rule.by != "file"
    names = _identifiers(rule.by)
    given = ["region", *names] if rule.region is not None else names
    types = [f"T{i}" for i in range(len(names))]
    parameters = [f"const {kind}& {name}" for kind, name in zip(types, names, strict=True)]
    if rule.region is not None:
        parameters.insert(0, "int region")
    has_folds = num_folds is not None
    shared = {
        "templates": ", ".join(f"class {kind}" for kind in types),
        "parameters": ", ".join(parameters),
        "names": ", ".join(given),
    }
    region, fold_of = "", ""
    if rule.region is not None:
        edges = edges_of(rule.num_regions)
        widths = [stop - start for start, stop in pairwise(edges)]
        region = _REGION.format(
            edges=_words(edges[:-1]),
            widths=_words(widths),
            num=rule.num_regions,
            last=rule.num_regions - 1,
        )
    fold_of_note = ""
    if has_folds:
        fold_of = _FOLD_OF.format(edges=_words(edges_of(num_folds)[1:-1]), **shared)
        fold_of_note = f"// fold_of({shared['names']}) returns the fold that tests the event.\n"
    if rule.region is not None:
        fold_of_note += f"// region is the value of {rule.region!r}.\n"
    return _HEADER.format(
        includes="" if rule.region is None else "#include <stdexcept>\n",
        title=title.replace("\\\n", " ").replace("\n", " "),
        signature=shared["names"],
        fold_note=", fold" if has_folds else "",
        fold_of_note=fold_of_note,
        constants=_constants(),
        identity_key=derive_key(len(names), purpose="column identity"),
        ticket_key=derive_key(rule.seed, purpose="ticket"),
        absorbed="".join(f"  identity = absorb(identity, word_of({name}));\n" for name in names),
        region=region,
        ranges="".join(
            f"    {{0x{start:016X}u, 0x{stop - 1:016X}u, {fold}, {split}}},\n"
            for start, stop, fold, split in ranges
        ),
        fold_parameter=", int fold" if has_folds else "",
        fold_test="range.fold == fold && " if has_folds else "",
        no_fold="  // no such fold" if has_folds else "",
        fold_of=fold_of,
        **shared,
    )


def _identifiers(keys: Sequence[str]) -> list[str]:
    """Return names of C++ for columns, each once; an underscore at the end keeps off keywords."""
    names: list[str] = []
    for key in keys:
        name = re.sub(r"[^0-9A-Za-z]+", "_", key).strip("_")
        name = f"{name}_" if re.match("[A-Za-z]", name) else f"value_{name}_"
        names.append(f"{name}{len(names)}" if name in names else name)
    return names


def _words(numbers: Sequence[int]) -> str:
    return ", ".join(f"0x{number:016X}u" for number in numbers)


def _constants() -> str:
    """Return the 64 constants of SHA-256: the first 32 bits of cube roots, behind the point."""
    words = [f"0x{_cube_root_bits(prime):08x}" for prime in _PRIMES]
    lines = [", ".join(words[i : i + 8]) for i in range(0, 64, 8)]
    return "".join(f"      {line},\n" for line in lines)


def _cube_root_bits(prime: int) -> int:
    """Return the first 32 bits behind the point of a cube root, exactly."""
    target = prime << 96
    low, high = 0, 1 << 40
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= target else (low, middle - 1)
    return low & 0xFFFFFFFF
