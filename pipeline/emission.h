// What the pipeline says to the world.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "base/value.h"
#include "pipeline/cause.h"
#include "pipeline/command_answer.h"
#include "pipeline/view_changes.h"

namespace wayside {

// In falling order of importance: an outbox at its limit loses the last first.
enum class Lane : uint8_t { kAlarm = 0, kResult = 1 };

struct NamedValue {
  std::string name;
  Value value;
  bool operator==(const NamedValue&) const = default;
};

struct Emission {
  uint64_t sequence = 0;  // counts from 1 without gaps; with gateway and epoch it is the id
  Lane lane = Lane::kResult;
  bool critical = false;  // worth a commit at once
  uint32_t targets = 0;   // bit u: goes to uplink u
  std::string type;       // "window", "join", "pattern", "late", "alarm", "anomaly", "incident"
  std::string block;
  std::string key;
  int64_t time_ms = 0;
  bool clock_unset = false;  // said while our clock was not set
  // Where it comes from. What was said does not depend on it: digests leave it out.
  Cause cause;
  uint32_t config = 0;  // version of the configuration it was made under; 0: not known
  std::vector<NamedValue> fields;
  uint64_t teller = 0;  // see EmissionBuffer::next
};

// Numbers emissions and collects them. Emissions of former groups are filled anew, so that in the
// steady state nothing is allocated.
class EmissionBuffer {
 public:
  // The next one, for the caller to fill, but for sequence, targets, clock and where it comes from.
  // It counts from here on. Its fields are empty unless it is one that `teller` has filled before:
  // then all is as he left it, and what he says the same each time is there. Null: one without a
  // target does not exist.
  Emission* next(uint32_t targets, uint64_t teller = 0) {
    if (targets == 0) return nullptr;
    for (uint32_t left = targets; left != 0; left &= left - 1) {
      const auto u = static_cast<size_t>(std::countr_zero(left));
      if (emitted_.size() <= u) emitted_.resize(u + 1);
      ++emitted_[u];
    }
    if (used_ == slots_.size()) slots_.emplace_back();
    Emission& e = slots_[used_++];
    if (teller == 0 || e.teller != teller) e.fields.clear();
    e.teller = teller;
    e.targets = targets;
    e.sequence = ++last_sequence_;
    e.clock_unset = clock_unset_;
    e.cause = cause_;
    e.config = config_;
    return &e;
  }
  // A number for who fills them, of nobody else in any life of the pipeline.
  static uint64_t make_teller() {
    static std::atomic<uint64_t> last{0};
    return ++last;
  }
  void add(Emission emission) {
    Emission* slot = next(emission.targets);
    if (!slot) return;
    has_critical_ |= emission.critical;
    emission.sequence = slot->sequence;
    emission.clock_unset = clock_unset_;
    emission.cause = slot->cause;
    emission.config = slot->config;
    *slot = std::move(emission);
  }

  // Readings that an uplink forwards from the journal count as emissions, too; they are not kept
  // here.
  void count_forwarded(uint32_t target, uint64_t readings) {
    if (emitted_.size() <= target) emitted_.resize(target + 1);
    emitted_[target] += readings;
  }

  // What comes is of this journal entry and said under this configuration; 0: not known.
  void begin_entry(uint64_t entry, uint32_t config) {
    cause_ = {entry, Cause::kNoReading, 0};
    config_ = config;
  }
  void begin_turn(uint32_t readings_before) { cause_.before = readings_before; }
  void set_config(uint32_t config) { config_ = config; }
  // The place in the entry of the reading that has just come; kNoReading: none has.
  void set_place(uint32_t place) { cause_.place = place; }
  // Of what is said now.
  const Cause& cause() const { return cause_; }
  // What our time rests on from here on.
  void set_clock(ClockState state) { clock_unset_ = state == ClockState::kUnset; }

  std::span<Emission> pending() { return {slots_.data(), used_}; }
  std::span<const Emission> pending() const { return {slots_.data(), used_}; }
  bool has_critical() const { return has_critical_; }
  void clear() {
    used_ = 0;
    has_critical_ = false;
    if (slots_.size() <= kKept) return;
    slots_.resize(kKept);
    slots_.shrink_to_fit();
  }
  size_t capacity() const { return slots_.capacity(); }  // what it has memory for
  uint64_t last_sequence() const { return last_sequence_; }
  // What a group changes in the read models. It is cleared on its own.
  ViewChanges& views() { return views_; }
  // What is to be answered once the group is safe. Cleared on its own, too.
  std::vector<CommandAnswer>& answers() { return answers_; }
  // How many went to each uplink since the store was made.
  const std::vector<uint64_t>& emitted() const { return emitted_; }
  void restore(uint64_t last_sequence, std::vector<uint64_t> emitted) {
    last_sequence_ = last_sequence;
    emitted_ = std::move(emitted);
  }

 private:
  static constexpr size_t kKept = 4'096;  // of a burst no more memory stays
  std::vector<Emission> slots_;
  size_t used_ = 0;
  std::vector<uint64_t> emitted_;
  uint64_t last_sequence_ = 0;
  bool has_critical_ = false;
  bool clock_unset_ = false;
  Cause cause_;
  uint32_t config_ = 0;
  ViewChanges views_;
  std::vector<CommandAnswer> answers_;
};

}  // namespace wayside
