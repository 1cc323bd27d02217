// `when CONDITION for DURATION`: an alarm is raised once the condition has held that long, and
// cleared when it no longer does. It holds from the reading that makes it true up to the reading
// that makes it false; readings in which it is NULL (a field is missing) say nothing. Sees readings
// of a key in event-time order.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "pipeline/emission.h"
#include "pipeline/keys.h"
#include "pipeline/options.h"
#include "sensors/reading.h"

namespace wayside {

class Rule {
 public:
  Rule(const RuleOptions& options, uint32_t targets, const KeyTable& keys)
      : options_(options), targets_(targets), keys_(keys) {}

  void on_reading(uint32_t key, int64_t time, double condition, EmissionBuffer& out);
  // Without a duration it needs nothing but the reading itself, and can judge one that comes behind
  // the watermark: of an alarm that nothing newer has raised both ends are told at once.
  bool judges_late() const { return options_.for_ms == 0; }
  void on_late(uint32_t key, int64_t time, double condition, EmissionBuffer& out);
  // All readings up to here have been seen.
  void on_watermark(uint32_t key, int64_t watermark, EmissionBuffer& out);

  // Adds the keys for which on_watermark() would raise an alarm.
  void add_due_keys(int64_t watermark, std::vector<uint32_t>& keys) const;

  const std::string& name() const { return options_.name; }
  uint64_t raised() const { return raised_; }
  uint64_t fingerprint() const;
  // An alarm that is raised is cleared; `newest_ms` is the key's last event time.
  void forget_key(uint32_t key, int64_t newest_ms, EmissionBuffer& out);
  bool save_key(uint32_t key, ByteWriter& out) const;
  void load_key(uint32_t key, ByteReader& in);
  void save_totals(ByteWriter& out) const { out.varint(raised_); }
  void load_totals(ByteReader& in) { raised_ = in.varint(); }

 private:
  struct Key {
    bool holds = false;
    bool raised = false;
    int64_t since_ms = 0;
  };
  Key& state(uint32_t key);
  void set(uint32_t key, const Key& state);
  int64_t due_ms(const Key& key) const { return key.since_ms + options_.for_ms; }
  void emit(uint32_t key, int64_t time, const char* state, int64_t since_ms, EmissionBuffer& out);

  RuleOptions options_;
  uint32_t targets_;
  const KeyTable& keys_;
  std::vector<Key> states_;
  std::set<std::pair<int64_t, uint32_t>> due_;  // keys that hold and have not raised, by due_ms()
  uint64_t raised_ = 0;
};

}  // namespace wayside
