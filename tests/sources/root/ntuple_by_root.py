"""RNTuples that only ROOT writes: all types of columns, classes, projected fields,
small pages.
"""

import functools
from pathlib import Path
from typing import Any

import pytest

__all__ = ["LATE", "write_late_ntuple", "write_ntuple", "write_rare_ntuple"]

_CODE = r"""
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleWriteOptions.hxx>
#include <ROOT/RNTupleWriter.hxx>
#include <ROOT/RField.hxx>
#include <ROOT/RVec.hxx>
#include <array>
#include <atomic>
#include <bitset>
#include <optional>
#include <string>
#include <variant>

enum class Side : short { kLeft = -7, kRight = 3 };
struct NtupleJet { float pt; std::int32_t id; std::vector<float> tracks; float cov[2]; };
struct NtupleHit { float pt; std::vector<int> hits; };
struct LateHit { float pt; std::array<int, 2> pair; };
struct NtupleEvent { double weight; std::vector<NtupleJet> jets; std::array<float, 2> xy;
std::string name; };

void write_ntuple(const char* file, int num, int compression) {
  using namespace ROOT;
  auto model = RNTupleModel::Create();
  auto flag = model->MakeField<bool>("flag"); auto letter = model->MakeField<char>("letter");
  auto i8 = model->MakeField<std::int8_t>("i8"); auto u8 = model->MakeField<std::uint8_t>("u8");
  auto i16 = model->MakeField<std::int16_t>("i16");
  auto u16 = model->MakeField<std::uint16_t>("u16");
  auto i32 = model->MakeField<std::int32_t>("i32");
  auto u32 = model->MakeField<std::uint32_t>("u32");
  auto i64 = model->MakeField<std::int64_t>("i64");
  auto u64 = model->MakeField<std::uint64_t>("u64");
  auto f32 = model->MakeField<float>("f32"); auto f64 = model->MakeField<double>("f64");
  auto d32 = model->MakeField<Double32_t>("d32");
  auto half_field = std::make_unique<RField<float>>("half"); half_field->SetHalfPrecision();
  model->AddField(std::move(half_field));
  auto cut_field = std::make_unique<RField<float>>("truncated"); cut_field->SetTruncated(17);
  model->AddField(std::move(cut_field));
  auto scale_field = std::make_unique<RField<float>>("quantised");
  scale_field->SetQuantized(13, {-10, 3000}); model->AddField(std::move(scale_field));
  auto text = model->MakeField<std::string>("text");
  auto floats = model->MakeField<std::vector<float>>("floats");
  auto rvec = model->MakeField<RVec<std::int16_t>>("rvec");
  auto flags = model->MakeField<std::vector<bool>>("flags");
  auto pairs = model->MakeField<std::vector<std::array<double, 2>>>("pairs");
  auto fixed = model->MakeField<std::array<std::int64_t, 3>>("fixed");
  auto matrix = model->MakeField<std::array<std::array<float, 2>, 3>>("matrix");
  auto bits = model->MakeField<std::bitset<11>>("bits");
  auto number = model->MakeField<std::atomic<int>>("atomic");
  auto side = model->MakeField<Side>("side");
  auto maybe = model->MakeField<std::optional<int>>("maybe");
  auto deep = model->MakeField<std::vector<std::vector<float>>>("deep");
  auto words = model->MakeField<std::vector<std::string>>("words");
  auto two = model->MakeField<std::pair<float, int>>("two");
  auto jets = model->MakeField<std::vector<NtupleJet>>("jets");
  auto event = model->MakeField<NtupleEvent>("event");
  auto variant = model->MakeField<std::variant<int, float>>("variant");
  auto map_names = [](const std::string& n) -> std::string {
    if (n == "nJet") return "jets"; if (n == "Jet_pt") return "jets";
    if (n == "Jet_pt._0") return "jets._0.pt"; return n; };
  model->AddProjectedField(std::make_unique<RField<RNTupleCardinality<std::uint32_t>>>("nJet"),
    map_names);
  model->AddProjectedField(std::make_unique<RField<std::vector<float>>>("Jet_pt"), map_names);
  model->AddProjectedField(std::make_unique<RField<float>>("alias"),
    [](const std::string& n) { return n == "alias" ? std::string("f32") : n; });
  RNTupleWriteOptions options; options.SetCompression(compression);
  options.SetMaxUnzippedPageSize(512);
  options.SetInitialUnzippedPageSize(128); options.SetPageBufferBudget(1 << 20);
  auto writer = RNTupleWriter::Recreate(std::move(model), "Events", file, options);
  auto& own = writer->GetModel().GetDefaultEntry();
  auto half = own.GetPtr<float>("half"); auto cut = own.GetPtr<float>("truncated");
  auto scaled = own.GetPtr<float>("quantised");
  for (int e = 0; e < num; e++) {
    *flag = e % 3 == 0; *letter = 'a' + e % 26; *i8 = e * 7; *u8 = e * 5; *i16 = -e * 31;
    *u16 = e * 37; *i32 = (e % 2 ? -1 : 1) * e * 100003; *u32 = e * 4000037u;
    *i64 = (e % 2 ? -1 : 1) * (1LL << 40) * e; *u64 = ~0ULL - e; *f32 = e * 0.37f - 5;
    *f64 = e / 3.0; *d32 = e / 7.0;
    *half = e / 16.f; *cut = e * 1.37f; *scaled = e * 1.1f;
    *text = std::string(e % 13, 'x') + std::to_string(e);
    floats->clear(); rvec->clear(); flags->clear(); pairs->clear(); deep->clear();
    words->clear(); jets->clear(); event->jets.clear();
    for (int j = 0; j < (e * 7) % 5; j++) {
      floats->push_back(e + j / 8.f); flags->push_back((e + j) % 3 == 1);
      pairs->push_back({e + 0.5, j - 0.5});
      deep->push_back(std::vector<float>(j, e)); words->push_back(std::to_string(e * j));
    }
    for (int j = 0; j < (e * 3) % 4; j++) {
      rvec->push_back(e - 10 * j);
      jets->push_back({e + j / 4.f, j - e, std::vector<float>(j, e), {e * 1.f, j * 1.f}});
      event->jets.push_back({-e - j / 4.f, e, {}, {}});
    }
    *fixed = {e, -e, 5}; *matrix = {{{e * 1.f, 1}, {2, 3}, {4, e + .5f}}}; *bits = e;
    *number = -e; *side = e % 2 ? Side::kLeft : Side::kRight;
    if (e % 3) *maybe = e; else maybe->reset();
    *two = {e / 2.f, e}; event->weight = e * 1e3; event->xy = {e * 1.f, -e * 1.f};
    event->name = std::to_string(-e); *variant = e;
    writer->Fill();
    if (e % 300 == 299) writer->CommitCluster(e % 600 == 599);
  }
}

void write_late_ntuple(const char* file, int late) {
  using namespace ROOT;
  auto model = RNTupleModel::Create();
  auto early = model->MakeField<int>("early");
  RNTupleWriteOptions options;
  options.SetMaxUnzippedPageSize(256); options.SetInitialUnzippedPageSize(128);
  auto writer = RNTupleWriter::Recreate(std::move(model), "Events", file, options);
  std::shared_ptr<int> number; std::shared_ptr<std::array<int, 3>> array;
  std::shared_ptr<std::vector<int>> list; std::shared_ptr<std::string> text;
  std::shared_ptr<LateHit> hit;
  for (int e = 0; e < 500; e++) {
    if (e == late) {
      auto updater = writer->CreateModelUpdater(); updater->BeginUpdate();
      number = updater->MakeField<int>("late");
      array = updater->MakeField<std::array<int, 3>>("late_array");
      list = updater->MakeField<std::vector<int>>("late_list");
      text = updater->MakeField<std::string>("late_text");
      hit = updater->MakeField<LateHit>("late_hit"); updater->CommitUpdate();
    }
    *early = e;
    if (e >= late) {
      *number = 2 * e; *array = {e, -e, e}; list->assign(e % 3, e); *text = std::to_string(e);
      *hit = LateHit{1.f * e, {e, -e}};
    }
    writer->Fill();
    if (e % 80 == 79) writer->CommitCluster();
  }
}

void write_rare_ntuple(const char* file) {
  using namespace ROOT;
  auto model = RNTupleModel::Create();
  auto maybe = model->MakeField<std::optional<NtupleJet>>("maybe_jet");
  auto maybes = model->MakeField<std::vector<std::optional<int>>>("maybes");
  auto owned = model->MakeField<std::unique_ptr<float>>("owned");
  auto nothing = model->MakeField<std::array<float, 0>>("nothing");
  auto tracks = model->MakeField<std::vector<std::vector<NtupleHit>>>("tracks");
  auto cube = model->MakeField<std::vector<std::vector<std::vector<int>>>>("cube");
  auto pages = model->MakeField<std::vector<std::vector<std::string>>>("pages");
  auto grids = model->MakeField<std::vector<std::vector<std::array<float, 2>>>>("grids");
  auto writer = RNTupleWriter::Recreate(std::move(model), "Events", file);
  for (int e = 0; e < 100; e++) {
    if (e % 3) *maybe = NtupleJet{e * 1.f, e, {}, {}}; else maybe->reset();
    if (e % 4) *owned = std::make_unique<float>(e / 2.f); else owned->reset();
    maybes->clear(); tracks->clear(); cube->clear(); pages->clear(); grids->clear();
    for (int i = 0; i < e % 4; i++) {
      maybes->push_back(i % 2 ? std::optional<int>(e) : std::nullopt);
      tracks->push_back(std::vector<NtupleHit>(i, NtupleHit{e + i / 4.f, {e, i}}));
      cube->push_back(std::vector<std::vector<int>>(i, std::vector<int>(e % 3, e)));
      pages->push_back(std::vector<std::string>(i, std::to_string(e)));
      grids->push_back(std::vector<std::array<float, 2>>(i, {e * 1.f, i * 1.f}));
    }
    writer->Fill();
    if (e % 30 == 29) writer->CommitCluster();
  }
}
"""

#: The first entry of the late fields.
LATE = 100


@functools.cache
def _root() -> Any:
    """Return ROOT with the function that writes; skip the test where it is not installed."""
    root = pytest.importorskip("ROOT")
    assert root.gInterpreter.Declare(_CODE)
    return root


def write_ntuple(path: Path, num: int, *, compression: int) -> Path:
    """Write an RNTuple ``Events`` in clusters of 300 entries; `compression` is ROOT's number."""
    _root().write_ntuple(str(path), num, compression)
    return path


def write_late_ntuple(path: Path) -> Path:
    """Write an RNTuple of 500 entries whose other fields begin inside of the second cluster."""
    _root().write_late_ntuple(str(path), LATE)
    return path


def write_rare_ntuple(path: Path) -> Path:
    """Write an RNTuple of optional fields, lists of lists, and arrays of no numbers."""
    _root().write_rare_ntuple(str(path))
    return path
