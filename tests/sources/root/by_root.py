"""Trees that only ROOT writes: leaf lists, split classes, names that uproot does not take."""

import functools
from pathlib import Path
from typing import Any

import pytest

__all__ = ["draw", "write_hits", "write_leaves"]

_CODE = r"""
#include "TClonesArray.h"
#include "TFile.h"
#include "TObject.h"
#include "TTree.h"

class NamedHit : public TObject { public: float p[3]; float e; ClassDef(NamedHit, 1); };

void write_leaves(const char* file, int num, bool is_closed) {
  TFile f(file, "recreate"); TTree t("t", "t");
  struct { float x, y; } p; struct { float v[3]; int n; } q; struct { int n; float x[10]; } counted;
  struct { double d; int i; bool b; char c; short s; Long64_t l; unsigned int u; } mixed;
  struct { float a[2][3]; float b; } matrix; float first = 0, second = 0, only = 0;
  t.Branch("p", &p, "x/F:y/F", 64); t.Branch("q", &q, "v[3]/F:n/I");
  t.Branch("d", &mixed.d, "d/D"); t.Branch("i", &mixed.i, "i/I:b/O");
  t.Branch("matrix", &matrix, "a[2][3]/F:b/F");
  t.Branch("dot.", &p, "x/F:y/F"); t.Branch("only", &only, "leaf/F");
  t.Branch("twice", &first, "twice/F"); t.Branch("twice", &second, "twice/F");
  t.Branch("counted", &counted, "n/I:x[n]/F");
  t.Branch("esc\x1b[31m", &only, "esc/F"); t.Branch("x[2]", &only, "x/F");
  t.Branch("p.y", &first, "y/F");
  for (int i = 0; i < num; i++) {
    p.x = i; p.y = -i; q.n = i; mixed.d = i; mixed.i = i; mixed.b = i % 2; first = i; second = -i;
    only = i + 0.5; counted.n = i % 5; matrix.b = -i;
    for (int j = 0; j < 3; j++) q.v[j] = 10 * i + j;
    for (int j = 0; j < 6; j++) matrix.a[j / 3][j % 3] = 10 * i + j;
    t.Fill();
  }
  if (is_closed) t.Write(); else t.AutoSave("SaveSelf");
}

void write_hits(const char* file, int num) {
  TFile f(file, "recreate"); TTree t("t", "t");
  auto* hits = new TClonesArray("NamedHit"); auto* more = new TClonesArray("NamedHit");
  auto* one = new NamedHit; auto* two = new NamedHit; float e = 0;
  t.Branch("hit", &hits); t.Branch("more.", &more);
  t.Branch("one", &one); t.Branch("two", &two); t.Branch("e", &e, "e/F");
  for (int i = 0; i < num; i++) {
    hits->Clear(); more->Clear(); e = i; one->e = 100 + i; two->e = 200 + i;
    for (int k = 0; k < 3; k++) { one->p[k] = i; two->p[k] = -i; }
    for (int j = 0; j < i % 4; j++) {
      auto* hit = (NamedHit*)hits->ConstructedAt(j); hit->e = i; more->ConstructedAt(j);
      for (int k = 0; k < 3; k++) hit->p[k] = i + k;
    }
    t.Fill();
  }
  t.Write();
}
"""


@functools.cache
def _root() -> Any:
    """Return ROOT with the functions that write; skip the test where it is not installed."""
    root = pytest.importorskip("ROOT")
    root.gErrorIgnoreLevel = root.kFatal
    assert root.gInterpreter.Declare(_CODE)
    return root


def write_leaves(path: Path, num: int, *, is_closed: bool = True) -> Path:
    """Write a tree ``t`` of leaf lists and odd names; if not closed, its last baskets are in it."""
    _root().write_leaves(str(path), num, is_closed)
    return path


def write_hits(path: Path, num: int) -> Path:
    """Write a tree ``t`` of a class with an array, split into branches of branches."""
    _root().write_hits(str(path), num)
    return path


def draw(path: Path, name: str) -> list[float]:
    """Return what ROOT draws of a branch or leaf, all entries and elements."""
    file = _root().TFile.Open(str(path))
    tree = file.Get("t")
    num = tree.Draw(name, "", "goff")
    values = tree.GetV1()
    drawn = [float(values[i]) for i in range(num)]
    file.Close()
    return drawn
