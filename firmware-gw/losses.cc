#include "firmware-gw/losses.h"

#include <algorithm>
#include <iterator>

#include "base/bytes.h"
#include "base/time.h"

namespace wayside {
namespace {

constexpr const char* kNames[kLossClasses] = {"raw", "result", "alarm", "thinned"};
constexpr const char* kWhat[kLossClasses] = {
    "readings that were not yet forwarded", "results", "alarms",
    "readings that were not yet forwarded were thinned out"};
constexpr size_t kFirstClasses = 3;  // those that were there from the first version on

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
  for (size_t i = 0; i < kLossClasses; ++i) {
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
  std::array<Class, kLossClasses> classes;
  for (size_t i = 0; i < kFirstClasses; ++i) classes[i].total = in.varint();
  std::map<std::string, uint64_t> gone;
  for (size_t n = in.count(2); n > 0; --n) {
    const std::string uplink(in.text());
    gone[uplink] = in.varint();
  }
  for (size_t i = 0; i < kLossClasses && in.left() > 0; ++i) {  // earlier versions saved less
    Class& c = classes[i];
    if (i >= kFirstClasses) c.total = in.varint();
    c.untold = in.varint();
    c.from_ms = in.signed_varint();
    c.to_ms = in.signed_varint();
  }
  Looked at;
  if (in.left() > 0) at = {in.varint(), in.signed_varint()};
  if (!in.ok()) return;
  looked = at;
  gone_ = std::move(gone);
  classes_ = classes;
}

std::string Losses::save() const {
  std::string saved;
  ByteWriter out(saved);
  for (size_t i = 0; i < kFirstClasses; ++i) out.varint(classes_[i].total);
  out.varint(gone_.size());
  for (const auto& [uplink, readings] : gone_) {
    out.text(uplink);
    out.varint(readings);
  }
  for (size_t i = 0; i < kLossClasses; ++i) {
    const Class& c = classes_[i];
    if (i >= kFirstClasses) out.varint(c.total);
    out.varint(c.untold);
    out.signed_varint(c.from_ms);
    out.signed_varint(c.to_ms);
  }
  out.varint(looked.oldest);
  out.signed_varint(looked.wall_ms);
  return saved;
}

}  // namespace wayside
