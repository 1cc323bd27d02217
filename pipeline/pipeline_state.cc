// The pipeline's state: of what parts it consists, how it is saved and loaded.
#include <algorithm>
#include <functional>
#include <utility>

#include "base/hash.h"
#include "pipeline/command.h"
#include "pipeline/pipeline.h"
#include "pipeline/pipeline_source.h"

namespace wayside {

template <class Part>
void Pipeline::add_component(const char* kind, Part& part, uint64_t meaning) {
  components_.push_back({std::string(kind) + ":" + part.name(), meaning,
                         [&](uint32_t k, ByteWriter& w) { return part.save_key(k, w); },
                         [&](uint32_t k, ByteReader& r) { part.load_key(k, r); },
                         [&](ByteWriter& w) { part.save_totals(w); },
                         [&](ByteReader& r) { part.load_totals(r); }});
}

// What is around blocks is saved apart, so that their own state stays as it is without it.
void Pipeline::list_limits() {
  if (limits_.empty()) return;
  components_.push_back({"limits",
                         1,
                         {},
                         {},
                         [this](ByteWriter& w) { w.fixed(measured_ms_); },
                         [this](ByteReader& r) { measured_ms_ = r.fixed<int64_t>(); }});
  for (const auto& made : limits_) {
    KeyLimit* limit = made.first;
    components_.push_back({"limit:" + limit->name(), meanings_[made.second],
                           [=](uint32_t k, ByteWriter& w) { return limit->save_place(k, w); },
                           [=](uint32_t k, ByteReader& r) { limit->load_place(k, r); },
                           [=](ByteWriter& w) { limit->save_places(w); },
                           [=](ByteReader& r) { limit->load_places(r); }});
  }
}

void Pipeline::list_lingering() {
  const auto add = [&](Block& block) {
    keeping_.push_back(&block);
    keeping_names_.push_back(block.status().kind + ':' + block.name());
  };
  for (auto& block : blocks_) add(*block);
  for (auto& watch : watches_) add(*watch);
  lingering_ = LingeringKeys(options_.engine.tick_ms);
  if (options_.windows.empty()) return;  // nothing else keeps a key
  components_.push_back(
      {"lingering", 1,
       [this](uint32_t k, ByteWriter& w) { return lingering_.save_key(k, keeping_names_, w); },
       [this](uint32_t k, ByteReader& r) { lingering_.load_key(k, keeping_names_, r); },
       [](ByteWriter&) {}, [](ByteReader&) {}});
}

// What only sources with such cleaning have, and with expect_every.
void Pipeline::list_judged(Source& s) {
  if (s.cleaner.counts()) {
    components_.push_back({"cleaned:" + s.options.name,
                           1,
                           {},
                           {},
                           [&s](ByteWriter& w) { s.cleaner.save_counts(w); },
                           [&s](ByteReader& r) { s.cleaner.load_counts(r); }});
  }
  if (s.cleaner.has_past()) {
    components_.push_back({"judged:" + s.options.name, s.cleaner.past_fingerprint(),
                           [&s](uint32_t k, ByteWriter& w) { return s.cleaner.save_past(k, w); },
                           [&s](uint32_t k, ByteReader& r) { s.cleaner.load_past(k, r); },
                           [](ByteWriter&) {}, [](ByteReader&) {}});
  }
  if (s.quality.is_on()) {
    components_.push_back({"quality:" + s.options.name, s.quality.fingerprint(),
                           [&s](uint32_t k, ByteWriter& w) { return s.quality.save_key(k, w); },
                           [&s](uint32_t k, ByteReader& r) { s.quality.load_key(k, r); },
                           [&s](ByteWriter& w) { s.quality.save_totals(w); },
                           [&s](ByteReader& r) { s.quality.load_totals(r); }});
  }
}

void Pipeline::list_components() {
  for (auto& made : sources_) {
    Source& s = *made;
    components_.push_back({"ledger:" + s.options.name,
                           1,
                           {},
                           {},
                           [&s](ByteWriter& w) { w.fixed(s.ledger); },
                           [&s](ByteReader& r) { s.ledger = r.fixed<Ledger>(); }});
    components_.push_back({"source:" + s.options.name, uint64_t(s.watermarks.by_key()),
                           [&s](uint32_t k, ByteWriter& w) { return s.watermarks.save_key(k, w); },
                           [&s](uint32_t k, ByteReader& r) { s.watermarks.load_key(k, r); },
                           [&s](ByteWriter& w) { s.watermarks.save_totals(w); },
                           [&s](ByteReader& r) { s.watermarks.load_totals(r); }});
    components_.push_back({"rolled_over:" + s.options.name,
                           1,
                           {},
                           {},
                           [&s](ByteWriter& w) { w.varint(s.rolled_over); },
                           [&s](ByteReader& r) { s.rolled_over = r.varint(); }});
    components_.push_back({"clean:" + s.options.name, s.cleaner.kept_fingerprint(),
                           [&s](uint32_t k, ByteWriter& w) { return s.cleaner.save_key(k, w); },
                           [&s](uint32_t k, ByteReader& r) { s.cleaner.load_key(k, r); },
                           [&s](ByteWriter& w) { s.cleaner.save_totals(w); },
                           [&s](ByteReader& r) { s.cleaner.load_totals(r); }});
    list_judged(s);
  }
  components_.push_back({"unrouted",
                         1,
                         {},
                         {},
                         [this](ByteWriter& w) { w.fixed(unrouted_); },
                         [this](ByteReader& r) { unrouted_ = r.fixed<Ledger>(); }});
  components_.push_back({"sessions",
                         1,
                         {},
                         {},
                         [this](ByteWriter& w) { save_sessions(w); },
                         [this](ByteReader& r) { load_sessions(r); }});
  for (size_t b = 0; b < blocks_.size(); ++b) {
    Block& block = *blocks_[b];
    add_component(block.status().kind.c_str(), block, meanings_[b]);
    if (!block.keeps_keys()) components_.back().save_key = {};
    components_.back().is_loaded = [&block](uint32_t k) { return block.is_loaded(k); };
    faults_.push_back({&block, components_.back().name, meanings_[b]});
  }
  for (const auto& named : lookups_) {
    Lookup& lookup = *named.second;
    components_.push_back({"table:" + named.first,
                           1,
                           {},
                           {},
                           [&lookup](ByteWriter& w) { w.raw(lookup.contents()); },
                           [&lookup](ByteReader& r) { lookup.set_contents(r.raw(r.left())); }});
  }
  list_limits();
  list_lingering();
  // State over a stream means something else when the stream does.
  const auto meaning = [&](const auto& part, const std::string& from) {
    return part->fingerprint() ^ streams_[from];
  };
  for (auto& w : watches_) {
    add_component("order", *w, meaning(w, w->name()));
    faults_.push_back({w.get(), components_.back().name, components_.back().fingerprint});
  }
  for (size_t r = 0; r < rules_.size(); ++r) {
    add_component("rule", *rules_[r], meaning(rules_[r], options_.rules[r].from));
  }
  for (size_t d = 0; d < detectors_.size(); ++d) {
    add_component("detector", *detectors_[d], meaning(detectors_[d], options_.detectors[d].from));
  }
  components_.push_back({"faults",
                         1,
                         {},
                         {},
                         [this](ByteWriter& w) { save_faults(w); },
                         [this](ByteReader& r) { load_faults(r); }});
}

// Of all blocks in one row, so that their own state stays as it is without it.
void Pipeline::save_faults(ByteWriter& out) const {
  for (const Faults& f : faults_) {
    if (const uint64_t n = faults_of(*f.block); n > 0) {
      out.text(f.name);
      out.fixed(f.meaning);
      out.varint(n);
    }
  }
}

void Pipeline::load_faults(ByteReader& in) {
  while (in.ok() && in.left() > 0) {
    const std::string_view name = in.text();
    const auto meaning = in.fixed<uint64_t>();
    const uint64_t n = in.varint();
    for (Faults& f : faults_) {
      if (f.name == name && f.meaning == meaning) f.before = n;
    }
  }
}

uint64_t Pipeline::faults_of(const Block& block) const {
  const auto at = std::find_if(faults_.begin(), faults_.end(),
                               [&](const Faults& f) { return f.block == &block; });
  return block.faults() + (at == faults_.end() ? 0 : at->before);
}

std::vector<Pipeline::StatePart> Pipeline::state_parts() const {
  std::vector<StatePart> parts;
  for (const Component& c : components_) {
    const std::string block = c.name.substr(c.name.find(':') + 1);
    parts.push_back({c.name, c.fingerprint, of_commands_.contains(block)});
  }
  return parts;
}

// A view is made when what it reads is there, so they come in any order.
std::vector<ViewShape> Pipeline::view_shapes() const {
  std::vector<ViewShape> shapes;
  for (const ViewOptions& options : options_.views) {
    const auto view = std::find_if(views_.begin(), views_.end(),
                                   [&](const auto& v) { return v.first->name() == options.name; });
    shapes.push_back(view->first->shape());
    shapes.back().meaning = meanings_[view->second];
  }
  if (!options_.commands.empty()) {
    shapes.push_back(Command::decisions(options_.engine.command_rows));
  }
  return shapes;
}

void Pipeline::save_sessions(ByteWriter& out) const {
  out.varint(sessions_.size());
  for (const auto& [connection, begun] : sessions_) {
    out.text(connection);
    out.varint(begun);
  }
}

void Pipeline::load_sessions(ByteReader& in) {
  for (size_t n = in.count(2); n > 0; --n) {
    std::string connection(in.text());
    sessions_[std::move(connection)] = in.varint();
  }
}

std::vector<StateRow> Pipeline::save_changes() {
  std::vector<StateRow> rows;
  for (std::string& key : forgotten_) rows.push_back({"", std::move(key), ""});
  forgotten_.clear();
  for (uint32_t key : keys_.take_touched()) {
    if (keys_.text(key).empty()) continue;  // forgotten since
    for (const Component& c : components_) {
      if (!c.save_key) continue;
      if (c.is_loaded && !c.is_loaded(key)) continue;  // it is as it was saved
      StateRow row{c.name, keys_.text(key), ""};
      ByteWriter writer(row.bytes);
      writer.fixed(c.fingerprint);
      if (!c.save_key(key, writer)) row.bytes.clear();
      rows.push_back(std::move(row));
    }
  }
  for (Component& c : components_) {
    StateRow row{c.name, "", ""};
    ByteWriter writer(row.bytes);
    writer.fixed(c.fingerprint);
    c.save_totals(writer);
    const uint64_t saved = hash64(row.bytes);
    if (std::exchange(c.saved, saved) != saved) rows.push_back(std::move(row));
  }
  return rows;
}

Status Pipeline::load(const std::vector<StateRow>& rows) {
  for (const StateRow& row : rows) WS_TRY(load_row(row));
  loaded();
  return {};
}

Status Pipeline::load_row(const StateRow& row) {
  for (const Component& c : components_) {
    if (c.name != row.component) continue;
    ByteReader reader(row.bytes);
    if (reader.fixed<uint64_t>() != c.fingerprint) continue;  // the block means something else now
    if (row.key.empty()) {
      c.load_totals(reader);
    } else if (c.load_key) {
      c.load_key(keys_.intern(row.key), reader);
    }
    if (!reader.ok() || reader.left() != 0) {
      return Error{ErrorCode::kBadData,
                   "state of " + row.component + ", key '" + row.key + "', is damaged"};
    }
  }
  return {};
}

void Pipeline::loaded() {
  for (auto& reach : reaches_) {
    if (reach->derived) reach->derived->loaded();
  }
  for (const auto& made : limits_) made.first->loaded();
}

Status Pipeline::learn(const std::vector<StateRow>& rows) {
  std::vector<StatePages*> pages;
  for (PagedBlock* paged : paged_) {
    pages.push_back(paged->pages());
    paged->set_pages(nullptr);
  }
  const Status loaded = load(rows);
  for (const StateRow& row : rows) {
    if (!row.key.empty()) keys_.touch(keys_.intern(row.key));
  }
  for (size_t p = 0; p < paged_.size(); ++p) paged_[p]->set_pages(pages[p]);
  return loaded;
}

// ---- pages

void Pipeline::set_pages(StatePages& pages) {
  for (PagedBlock* paged : paged_) {
    for (const Component& c : components_) {
      if (c.name == paged->status().kind + ':' + paged->name())
        paged->name_rows(c.name, c.fingerprint);
    }
    paged->set_pages(&pages);
  }
}

void Pipeline::saved() {
  for (PagedBlock* paged : paged_) paged->saved();
}

bool Pipeline::wants_saving() const {
  return std::any_of(paged_.begin(), paged_.end(),
                     [](const PagedBlock* paged) { return paged->wants_saving(); });
}

Status Pipeline::page_status() const {
  for (const PagedBlock* paged : paged_) WS_TRY(paged->trouble());
  return {};
}

}  // namespace wayside
