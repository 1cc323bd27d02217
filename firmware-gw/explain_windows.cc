// Blocks that gather all rows of a key: windows and running values.
#include <algorithm>

#include "firmware-gw/explain_kinds.h"

namespace wayside {
namespace {

class OfWindow : public Rests {
 public:
  OfWindow(const ToldRow& told, size_t limit, const WindowOptions& options) : Rests(told, limit) {
    start_ = time_of(told.find("window_start"));
    end_ = time_of(told.find("window_end"));
    if (options.kind() == WindowKind::kCount) last_ = options.count;
    if (options.last_count > 0) last_ = options.last_count;
    if (options.purge) note_ = "each result clears what it told: the last ones of these count";
    if (options.last_ms > 0)
      note_ = "of these the last " + format_duration(options.last_ms) + " count";
    const Value* back = told.find("retracted");
    if (back && *back == Value(true)) note_ = "a former result, taken back by the last of these";
  }

 private:
  void take(const SeenRow& row) override {
    const int64_t time = row.time_ms();
    if (!row.is_taken()) return;
    if ((!start_ || time >= *start_) && (!end_ || time < *end_)) keep(row);
  }
  std::optional<int64_t> start_, end_;
};

class OfState : public Rests {
 public:
  OfState(const ToldRow& told, size_t limit, const StateOptions& options)
      : Rests(told, limit), ttl_ms_(options.ttl_ms) {
    note_ = "all since the key began";
  }

 private:
  void take(const SeenRow& row) override {
    if (!row.is_taken()) return;
    const int64_t time = row.time_ms();
    if (ttl_ms_ > 0 && total() > 0 && time > saturating_add(newest_ms_, ttl_ms_)) clear();
    newest_ms_ = std::max(newest_ms_, time);
    keep(row);
  }
  void clear() override {
    Rests::clear();
    newest_ms_ = kTimeMin;
  }
  const int64_t ttl_ms_;
  int64_t newest_ms_ = kTimeMin;
};

}  // namespace

std::unique_ptr<Rests> rests_of_window(const ToldRow& told, RestsContext& context,
                                       const WindowOptions& options) {
  return std::make_unique<OfWindow>(told, context.limit, options);
}

std::unique_ptr<Rests> rests_of_state(const ToldRow& told, RestsContext& context,
                                      const StateOptions& options) {
  return std::make_unique<OfState>(told, context.limit, options);
}

}  // namespace wayside
