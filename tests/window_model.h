// A window block as plain as it can be written: it keeps every reading of a window and computes
// each result from scratch. What the engine says is compared with it; with the pipeline it shares
// the options and the form of what is said.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/window_model_sql.h"

namespace wayside {

class WindowModel {
 public:
  // `sources` are those of the pipeline; a reading names its source by its place there.
  WindowModel(WindowOptions options, const std::vector<SourceOptions>& sources, int64_t tick_ms);

  // A window over the results of this one; outlives it.
  void set_reader(WindowModel& reader) { reader_ = &reader; }

  void turn(int64_t timer_ms, const std::vector<Reading>& readings);
  void finish();

  // In the order of the block for each key.
  const std::vector<Emission>& emissions() const { return emissions_; }
  // By reading, in order of arrival.
  enum class Fate { kPassedBy, kTaken, kLate };
  const std::vector<Fate>& fates() const { return fates_; }

 private:
  struct Heard {
    int64_t newest_ms = kTimeMin;
    int64_t heard_ms = 0;
    bool idle = false;
  };
  struct Source {
    SourceOptions options;
    bool read = false;  // by this window
    std::map<std::string, Heard> keys;
    Heard whole;
  };
  struct Open {
    int64_t start = 0;
    int64_t end = 0;
    std::vector<Reading> readings;  // in order of arrival; with `purge` since the last result
    std::vector<size_t> arrivals;   // by reading: its place among all
    int64_t early_due_ms = kTimeMax;
    uint32_t since_early = 0;      // readings since the last result by early_count
    uint32_t revision = 0;         // of the next result
    bool ended = false;            // the watermark has passed its end
    bool changed = false;          // readings came since the last result
    bool told = false;             // it has a result that is final
    std::vector<Emission> former;  // with `retract`: what it was told to be, by start
  };
  struct Key {
    int64_t watermark = kTimeMin;
    int64_t newest_ms = kTimeMin;
    std::vector<Open> open;         // by start
    std::vector<Reading> readings;  // windows by count: all of them
  };
  using Span = std::pair<int64_t, int64_t>;

  bool by_key() const { return sources_.front().options.watermark == WatermarkMode::kKey; }
  int64_t& watermark(const std::string& key) {
    return by_key() ? keys_[key].watermark : watermark_;
  }
  int64_t combined(const std::string& key) const;
  int64_t behind(const Source& source, const std::string& key) const;
  bool is_idle(const Source& source, const std::string& key) const;
  int64_t on_grid(int64_t time_ms) const;

  void run_timers(Source& source, int64_t timer_ms);
  void on_idle(const std::string& key);
  void tell(const std::string& key);
  struct Lingering {    // of a key that is forgotten but for what is open
    int64_t behind_ms;  // the clock less its event time
    int64_t due_ms;     // when it is looked at next
  };
  bool let_go(const std::string& key, int64_t timer_ms, Lingering& left);
  int64_t open_for(const std::string& key, int64_t event_ms) const;
  bool is_known(const std::string& key) const;
  void forget(const std::string& key);
  void hear(const Reading& reading, int64_t timer_ms);
  void take(const Reading& reading);
  void advance(const std::string& key, int64_t to);
  void advance_key(const std::string& key, Key& state, int64_t to);

  std::vector<Span> spans(int64_t time_ms) const;
  bool is_late(const Span& span, const std::string& key);
  void take_by_count(const Reading& reading);
  void take_into_session(const Reading& reading);
  void take_into_spans(const Reading& reading);
  void add(const Reading& reading, Open& window);
  int64_t next_due(const Open& window) const;
  std::vector<Reading> counted(const Open& window) const;
  void fire(const std::string& key, Open& window, bool final);
  void take_result(const Emission& result);
  void tell_late(const Reading& reading, Value start, Value end);

  WindowOptions options_;
  std::vector<Source> sources_;
  int64_t tick_ms_;
  WindowModel* reader_ = nullptr;
  bool started_ = false;
  std::map<std::string, Key> keys_;
  std::map<std::string, Lingering> lingering_;
  int64_t watermark_ = kTimeMin;  // source mode
  std::vector<Emission> emissions_;
  std::vector<Fate> fates_;
};

}  // namespace wayside
