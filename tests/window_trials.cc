#include "tests/window_trials.h"

#include <cstdlib>
#include <random>

#include "tests/window_model_sql.h"

namespace wayside {
namespace {

constexpr int kTicks = 40;
constexpr int64_t kNever = 1'000'000 * kTick;

class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}
  int64_t below(int64_t n) { return int64_t(random_() % uint64_t(n)); }
  int64_t between(int64_t least, int64_t most) { return least + below(most - least + 1); }
  bool once_in(int64_t n) { return below(n) == 0; }
  template <class T>
  T one_of(std::initializer_list<T> all) {
    return all.begin()[below(int64_t(all.size()))];
  }
  std::string one_of(const std::vector<std::string>& all) {
    return all[size_t(below(int64_t(all.size())))];
  }

 private:
  std::mt19937_64 random_;
};

// Windows, lateness and steps of time are some of these units long. With one millisecond nearly all
// readings meet a border; days are made of a few of the largest.
constexpr int64_t kQuarterDay = kDayMs / 4;
int64_t draw_unit(Draw& draw) { return draw.one_of<int64_t>({1, 1, 1'000, 1'000, kQuarterDay}); }

SourceOptions draw_source(Draw& draw, int64_t unit_ms) {
  SourceOptions source;
  source.max_disorder_ms = draw.one_of<int64_t>({0, 1, 2, 5}) * unit_ms;
  source.idle_after_ms = draw.one_of<int64_t>({4 * kTick, 10 * kTick, kNever});
  source.forget_after_ms = draw.one_of<int64_t>({6 * kTick, 14 * kTick, kNever});
  return source;
}

void draw_size(Draw& draw, int64_t unit_ms, WindowOptions& w) {
  w.size_ms = draw.between(1, 10) * unit_ms;
  if (draw.once_in(4)) w.size_ms += draw.below(unit_ms);
  if (draw.once_in(3)) w.offset_ms = draw.between(-5, 5) * unit_ms;
  if (draw.once_in(2)) return;
  w.every_ms = draw.once_in(2) ? w.size_ms / draw.between(1, 5) : draw.between(1, 14) * unit_ms;
  w.every_ms = std::max(w.every_ms, w.size_ms / 12 + 1);
}

void draw_early_results(Draw& draw, int64_t unit_ms, WindowOptions& w) {
  w.purge = !w.retract && draw.once_in(3);
  if (draw.once_in(2)) return;
  if (draw.once_in(2)) w.early_ms = draw.between(1, 5) * unit_ms;
  if (w.early_ms == 0 || draw.once_in(3)) w.early_count = uint32_t(draw.between(1, 4));
  w.at_end = !draw.once_in(4);
}

void draw_windows_without_end(Draw& draw, WindowOptions& w) {
  w.global = true;
  w.retract = draw.once_in(2);
  w.early_count = uint32_t(draw.below(4));
  w.purge = !w.retract && draw.once_in(3);
  w.at_end = w.early_count == 0 || draw.once_in(2);
}

void draw_windows_by_count(Draw& draw, WindowOptions& w) {
  w.count = uint32_t(draw.between(1, 6));
  w.every_count = uint32_t(draw.below(8));
}

void draw_windows_by_time(Draw& draw, int64_t unit_ms, WindowOptions& w) {
  if (unit_ms == kQuarterDay && draw.once_in(2)) {
    w.calendar = draw.one_of({CalendarUnit::kDay, CalendarUnit::kWeek, CalendarUnit::kMonth});
  } else if (draw.once_in(3)) {
    w.gap_ms = draw.between(1, 5) * unit_ms;
  } else {
    draw_size(draw, unit_ms, w);
  }
  w.retract = draw.once_in(3);
  if (draw.once_in(2)) w.allowed_lateness_ms = draw.between(1, 10) * unit_ms;
  if (draw.once_in(2)) draw_early_results(draw, unit_ms, w);
}

void draw_last(Draw& draw, int64_t unit_ms, WindowOptions& w) {
  if (draw.once_in(2)) {
    w.last_count = uint32_t(draw.between(1, 4));
    return;
  }
  w.last_ms = draw.between(1, 6) * unit_ms / 2 + 1;
  if (draw.once_in(2)) w.max_last = uint32_t(draw.between(1, 3));
}

WindowOptions draw_any_window(Draw& draw, int64_t unit_ms) {
  WindowOptions w;
  switch (draw.below(8)) {
    case 0:
      draw_windows_by_count(draw, w);
      break;
    case 1:
      draw_windows_without_end(draw, w);
      break;
    default:
      draw_windows_by_time(draw, unit_ms, w);
  }
  if (draw.once_in(4)) draw_last(draw, unit_ms, w);
  if (draw.once_in(4)) w.having = "n >= 2";
  w.select = {{"n", "count()"}};
  w.to = {"out"};
  return w;
}

WindowOptions draw_window(Draw& draw, int64_t unit_ms, const std::vector<SourceOptions>& sources) {
  WindowOptions w = draw_any_window(draw, unit_ms);
  for (const SourceOptions& source : sources) {
    if (!draw.once_in(3)) w.from.push_back(source.name);
  }
  if (w.from.empty()) w.from.push_back(sources.front().name);
  if (draw.once_in(3)) w.where = draw.one_of(model_conditions());
  for (int64_t i = draw.below(4); i > 0; --i) {
    std::string sql = draw.one_of(model_aggregates());
    if (draw.once_in(3)) sql += " FILTER (WHERE " + draw.one_of(model_conditions()) + ")";
    w.select.push_back({"a" + std::to_string(i), sql});
  }
  w.late_to = {"out"};
  return w;
}

// A window over the results of another one.
WindowOptions draw_reader(Draw& draw, int64_t unit_ms, const std::string& from) {
  WindowOptions w = draw_any_window(draw, unit_ms);
  w.name = "reader";
  w.from = {from};
  w.select.push_back({"sum", "sum(n)"});
  w.select.push_back({"last", "max(n)"});
  return w;
}

struct TrialDevice {
  std::string key;
  int64_t silent_at, silent_until;  // ticks
  int64_t clock_ms;
};

std::vector<TrialDevice> draw_devices(Draw& draw, int64_t unit_ms) {
  const int64_t base_ms = draw.one_of<int64_t>({0, -kDayMs, 1'700'000'000'000});
  std::vector<TrialDevice> devices;
  for (const char* key : {"c", "a", "b"}) {
    const int64_t silent_at = draw.below(kTicks);
    const int64_t silent_until = silent_at + draw.below(kTicks / 2);
    devices.push_back({key, silent_at, silent_until, base_ms + draw.between(-8, 8) * unit_ms});
  }
  return devices;
}

Reading draw_reading(Draw& draw, int64_t unit_ms, TrialDevice& device) {
  device.clock_ms += draw.once_in(12) ? draw.below(60) * unit_ms : draw.below(4) * unit_ms / 2;
  int64_t behind_ms = 0;
  if (draw.once_in(3)) behind_ms = draw.below(6) * unit_ms / 2;
  if (draw.once_in(20)) behind_ms = draw.below(25) * unit_ms;
  Reading reading{device.clock_ms - behind_ms, device.key};
  if (draw.once_in(4)) reading.time_ms += draw.below(unit_ms);
  // Whole numbers, so that sums are exact in any order.
  if (!draw.once_in(8)) reading.temp_c = double(draw.between(-50, 100));
  if (!draw.once_in(3)) reading.door = draw.once_in(2) ? "open" : "shut";
  return reading;
}

// With a watermark for the source all devices have one clock, or most of what they say would be
// late.
Fleet draw_fleet(Draw& draw, int64_t unit_ms, const std::vector<SourceOptions>& sources) {
  const bool one_clock = sources.front().watermark == WatermarkMode::kSource;
  std::vector<TrialDevice> devices = draw_devices(draw, unit_ms);
  const int64_t source_silent_at = draw.below(kTicks);
  Fleet fleet(kTicks);
  for (int64_t tick = 0; tick < kTicks; ++tick) {
    for (int64_t n = draw.below(7); n > 0; --n) {
      TrialDevice& device = devices[size_t(draw.below(int64_t(devices.size())))];
      if (tick >= device.silent_at && tick < device.silent_until) continue;
      if (one_clock)
        device.clock_ms = std::ranges::max(devices, {}, &TrialDevice::clock_ms).clock_ms;
      Reading reading = draw_reading(draw, unit_ms, device);
      reading.source = uint32_t(draw.below(int64_t(sources.size())));
      const bool silent = tick >= source_silent_at && tick < source_silent_at + 12;
      if (reading.source == 1 && silent) continue;
      fleet[size_t(tick)].push_back(reading);
    }
  }
  return fleet;
}

void add(std::string& text, const char* name, int64_t value) {
  if (value != 0) text += std::string(" ") + name + "=" + std::to_string(value);
}

}  // namespace

WindowTrial make_window_trial(uint64_t seed) {
  Draw draw(seed);
  const int64_t unit_ms = draw_unit(draw);
  WindowTrial trial;
  PipelineOptions& o = trial.options;
  o.engine.tick_ms = kTick;
  o.uplinks = {"out"};
  const WatermarkMode mode = draw.one_of({WatermarkMode::kKey, WatermarkMode::kSource});
  for (int64_t s = draw.one_of<int64_t>({1, 1, 2}); s > 0; --s) {
    const SourceOptions times = draw_source(draw, unit_ms);
    SourceOptions& source = o.sources.emplace_back(climate("s" + std::to_string(s)));
    source.max_disorder_ms = times.max_disorder_ms;
    source.idle_after_ms = times.idle_after_ms;
    source.forget_after_ms = times.forget_after_ms;
    source.watermark = mode;
  }
  for (const char* name : {"one", "two"}) {
    o.windows.push_back(draw_window(draw, unit_ms, o.sources));
    o.windows.back().name = name;
  }
  if (draw.once_in(2) && o.windows.front().at_end) {
    o.windows.push_back(draw_reader(draw, unit_ms, o.windows.front().name));
  }
  trial.fleet = draw_fleet(draw, unit_ms, o.sources);
  return trial;
}

std::string describe(const WindowTrial& trial) {
  std::string text;
  for (const WindowOptions& window : trial.options.windows) text += describe(window) + '\n';
  return text;
}

std::string describe(const WindowOptions& w) {
  std::string text = w.name + ":";
  add(text, "size", w.size_ms);
  add(text, "every", w.every_ms);
  add(text, "offset", w.offset_ms);
  add(text, "gap", w.gap_ms);
  add(text, "count", w.count);
  add(text, "every_count", w.every_count);
  add(text, "calendar", int64_t(w.calendar));
  add(text, "global", w.global);
  add(text, "lateness", w.allowed_lateness_ms);
  add(text, "early", w.early_ms);
  add(text, "early_count", w.early_count);
  if (!w.at_end) text += " at_end=false";
  if (w.purge) text += " purge";
  add(text, "last", w.last_count);
  add(text, "last_ms", w.last_ms);
  if (w.last_ms > 0) add(text, "max_last", w.max_last);
  if (w.retract) text += " retract";
  if (!w.where.empty()) text += " where=" + w.where;
  if (!w.having.empty()) text += " having=" + w.having;
  for (const std::string& source : w.from) text += " from=" + source;
  for (const auto& [alias, sql] : w.select) text += " " + alias + "=" + sql;
  return text;
}

std::map<std::string, Lines> timed_lines(const std::vector<Emission>& emissions) {
  std::map<std::string, Lines> lines;
  for (const Emission& e : emissions) {
    std::string& line = lines[e.block + ' ' + e.key].emplace_back(to_line(e));
    if (e.type == "window") line += " @" + std::to_string(e.time_ms);
  }
  return lines;
}

void expect_same_lines(const std::map<std::string, Lines>& seen,
                       const std::map<std::string, Lines>& expected) {
  std::map<std::string, std::pair<Lines, Lines>> both;
  for (const auto& [key, lines] : seen) both[key].first = lines;
  for (const auto& [key, lines] : expected) both[key].second = lines;
  for (const auto& [key, lines] : both) {
    const auto& [ours, theirs] = lines;
    const auto at = size_t(std::ranges::mismatch(ours, theirs).in1 - ours.begin());
    if (at == ours.size() && at == theirs.size()) continue;
    ADD_FAILURE() << "seen:     " << (at < ours.size() ? ours[at] : key + ": nothing more")
                  << "\nexpected: " << (at < theirs.size() ? theirs[at] : key + ": nothing more")
                  << "\nafter:    " << (at > 0 ? ours[at - 1] : "nothing");
    return;
  }
}

}  // namespace wayside
