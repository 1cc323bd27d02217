#include "firmware-gw/losses.h"

#include <algorithm>
#include <iterator>

#include "base/bytes.h"
#include "base/time.h"

namespace wayside {
namespace {

constexpr const char* kNames[] = {"raw", "result", "alarm"};
constexpr const char* kWhat[] = {"readings that were not yet forwarded", "results", "alarms"};

}  // namespace

void Losses::add(LossClass what, uint64_t count, int64_t from_ms, int64_t to_ms) {
  if (count == 0) return;
  Class& c = classes_[static_cast<size_t>(what)];
  c.from_ms = c.untold == 0 ? from_ms : std::min(c.from_ms, from_ms);
  c.to_ms = c.untold == 0 ? to_ms : std::max(c.to_ms, to_ms);
  c.untold += count;
  c.total += count;
}

uint64_t Losses::newly_lost(const std::string& uplink, const Ranges& waiting, uint64_t gone) {
  uint64_t& known = gone_[uplink];
  uint64_t lost = 0;
  for (const auto& [after, upto] : waiting) {
    const uint64_t from = std::max(after, known);
    const uint64_t to = std::min(upto, gone);
    lost += to > from ? to - from : 0;
  }
  known = std::max(known, gone);
  return lost;
}

std::vector<Note> Losses::tell(int64_t timer_ms, uint32_t turn) {
  std::vector<Note> notes;
  for (size_t i = 0; i < std::size(kNames); ++i) {
    Class& c = classes_[i];
    const bool first = c.told_ms == INT64_MIN;
    if (c.untold == 0 || (!first && timer_ms - c.told_ms < interval_ms_)) continue;
    Note& note = notes.emplace_back();
    note.kind = Note::Kind::kLost;
    note.turn = turn;
    note.name = kNames[i];
    note.text = std::to_string(c.untold) + ' ' + kWhat[i] + ", from " + format_rfc3339(c.from_ms) +
                " to " + format_rfc3339(c.to_ms) + ": the disk is at its limit";
    c.untold = 0;
    c.told_ms = timer_ms;
  }
  return notes;
}

void Losses::restore(std::string_view saved) {
  ByteReader in(saved);
  std::array<uint64_t, 3> totals{};
  for (uint64_t& total : totals) total = in.varint();
  std::map<std::string, uint64_t> gone;
  for (size_t n = in.count(2); n > 0; --n) {
    const std::string uplink(in.text());
    gone[uplink] = in.varint();
  }
  std::array<Class, 3> untold;
  if (in.left() > 0) {  // earlier versions did not save it
    for (Class& c : untold) {
      c.untold = in.varint();
      c.from_ms = in.signed_varint();
      c.to_ms = in.signed_varint();
    }
  }
  if (!in.ok()) return;
  gone_ = std::move(gone);
  classes_ = untold;
  for (size_t i = 0; i < totals.size(); ++i) classes_[i].total = totals[i];
}

std::string Losses::save() const {
  std::string saved;
  ByteWriter out(saved);
  for (const Class& c : classes_) out.varint(c.total);
  out.varint(gone_.size());
  for (const auto& [uplink, readings] : gone_) {
    out.text(uplink);
    out.varint(readings);
  }
  for (const Class& c : classes_) {
    out.varint(c.untold);
    out.signed_varint(c.from_ms);
    out.signed_varint(c.to_ms);
  }
  return saved;
}

}  // namespace wayside
