// Both kinds of join against a model that keeps everything and looks at all of it each time; and
// under many schedules, which must not differ.
#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <set>

#include "tests/schedules.h"

namespace wayside {
namespace {

constexpr int kTicks = 50;
constexpr int64_t kDisorder = 3'000, kIdleAfter = 6 * kTick, kForgetAfter = 14 * kTick;

// Three keys in two sources, 0 (left) and 1 (right). Each source of a key has a clock of its own,
// and its silences. A reading's number is its value.
Fleet make_fleet(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](uint64_t n) { return int64_t(random() % n); };
  std::map<std::pair<std::string, uint32_t>, int64_t> clocks;
  double number = 0;
  Fleet fleet(kTicks);
  for (int tick = 0; tick < kTicks; ++tick) {
    for (int64_t n = below(5); n > 0; --n) {
      const std::string key(1, char('c' - below(3)));
      const auto source = uint32_t(below(2));
      if ((tick / 10 + key[0] + source * (seed % 7)) % 3 == 0) continue;  // silent for a while
      int64_t& clock = clocks[{key, source}];
      clock += below(2'500);
      const int64_t behind = below(4) == 0 ? below(6'000) : 0;
      fleet[size_t(tick)].push_back({(clock - behind) / 500 * 500, key, ++number, "", source});
    }
  }
  return fleet;
}

PipelineOptions options_of(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto pick = [&](std::initializer_list<int64_t> of) {
    return of.begin()[random() % of.size()];
  };
  PipelineOptions options;
  options.sources = {climate("climate"), climate("positions")};
  for (SourceOptions& source : options.sources) {
    source.watermark = seed % 2 ? WatermarkMode::kKey : WatermarkMode::kSource;
    source.max_disorder_ms = kDisorder;
    source.idle_after_ms = kIdleAfter;
    source.forget_after_ms = kForgetAfter;
  }
  JoinOptions as_of;
  as_of.name = "as_of";
  as_of.from = "climate";
  as_of.with = "positions";
  as_of.select = {{"p", "temp_c"}};
  as_of.within_ms = pick({0, 500, 4'000, 20'000});
  as_of.max_wait_ms = pick({0, 2'000, 60'000});
  as_of.inner = pick({0, 0, 1});
  JoinOptions interval = as_of;
  interval.name = "interval";
  interval.within_ms = 0;
  interval.inner = false;
  interval.before_ms = pick({0, 1'000, 5'000});
  interval.after_ms = pick({500, 3'000});
  options.joins = {as_of, interval};
  return options;
}

// ---- the model

class Model {
 public:
  Model(const PipelineOptions& options, const JoinOptions& join)
      : join_(join), by_key_(options.sources[0].watermark == WatermarkMode::kKey) {
    for (Side& side : all_) side.idle = false;  // a source's silence counts from the start
  }

  void tick(int64_t now) {
    now_ = now;
    for (const size_t s : {0, 1}) {
      if (!by_key_) all_[s].idle |= now >= all_[s].heard + kIdleAfter;
      for (auto& [name, key] : keys_) {
        Side& side = key.sides[s];
        if (by_key_ && side.known && now >= side.heard + kIdleAfter) side.idle = true;
      }
      settle();
      for (auto& [name, key] : keys_) {
        Side& side = key.sides[s];
        if (!side.known || now < side.heard + kForgetAfter) continue;
        side = {};
        if (key.sides[1 - s].known) continue;
        release(name, key, kTimeMax);
        key = {};
      }
    }
  }

  void take(const Reading& r) {
    Key& key = keys_[r.key];
    for (Side* side : {&key.sides[r.source], &all_[r.source]}) {
      *side = {true, false, std::max(side->newest, r.time_ms), now_};
    }
    if (join_.is_interval() ? take_for_pairs(r, key) : take_as_of(r, key)) {
      key.readings[r.source].push_back({r.time_ms, r.temp_c});
    } else {
      ++late;
    }
    settle();
  }

  void finish() {
    for (auto& [name, key] : keys_) release(name, key, kTimeMax);
  }

  std::map<std::string, Lines> said;  // by block and key
  uint64_t late = 0;

 private:
  struct Side {
    bool known = false, idle = true;
    int64_t newest = kTimeMin;
    int64_t heard = 0;
    int64_t watermark() const { return newest == kTimeMin ? kTimeMin : newest - kDisorder - 1; }
  };
  struct Kept {
    int64_t time;
    double number;
    bool told = false;
  };
  struct Key {
    Side sides[2];
    std::vector<Kept> readings[2];  // in order of arrival
    int64_t watermark = kTimeMin;
  };

  int64_t& watermark(Key& key) { return by_key_ ? key.watermark : watermark_; }
  const Side& side(const Key& key, size_t s) const { return by_key_ ? key.sides[s] : all_[s]; }

  void settle() {
    for (auto& [name, key] : keys_) {
      int64_t& mark = watermark(key);
      mark = std::max(mark, join_.is_interval() ? goal_of_pairs(key) : goal_as_of(key));
    }
    if (join_.is_interval()) return;
    for (auto& [name, key] : keys_) release(name, key, watermark(key));
  }

  int64_t goal_of_pairs(const Key& key) const {
    int64_t goal = kTimeMax;
    for (const size_t s : {0, 1}) {
      if (!side(key, s).idle) goal = std::min(goal, side(key, s).watermark());
    }
    return goal == kTimeMax ? kTimeMin : goal;
  }

  int64_t goal_as_of(const Key& key) const {
    const Side& left = side(key, 0);
    const Side& right = side(key, 1);
    const int64_t waited = saturating_add(left.watermark(), -join_.max_wait_ms);
    int64_t goal = left.watermark();
    if (!right.idle) goal = std::min(goal, std::max(right.watermark(), waited));
    if (!left.idle) return goal;
    for (const auto& [name, k] : keys_) {
      if (by_key_ && &k != &key) continue;
      for (const Kept& l : k.readings[0]) goal = std::max(goal, l.told ? kTimeMin : l.time);
    }
    return goal;
  }

  bool take_as_of(const Reading& r, Key& key) {
    const int64_t passed = watermark(key);
    if (r.source == 0) return r.time_ms > passed;
    if (join_.within_ms > 0 && passed != kTimeMin && r.time_ms + join_.within_ms <= passed) {
      return false;
    }
    const auto& known = key.readings[1];
    return std::none_of(known.begin(), known.end(),
                        [&](const Kept& k) { return k.time <= passed && k.time > r.time_ms; });
  }

  bool take_for_pairs(const Reading& r, Key& key) {
    if (r.time_ms <= watermark(key)) return false;
    std::vector<Kept> others = key.readings[1 - r.source];
    std::stable_sort(others.begin(), others.end(), by_time);
    for (const Kept& o : others) {
      const int64_t left = r.source == 0 ? r.time_ms : o.time;
      const int64_t right = r.source == 0 ? o.time : r.time_ms;
      if (right < left - join_.before_ms.value_or(0) || right > left + join_.after_ms.value_or(0))
        continue;
      say(r.key, std::max(left, right), r.source == 0 ? r.temp_c : o.number,
          r.source == 0 ? o.number : r.temp_c);
    }
    return true;
  }

  void release(const std::string& name, Key& key, int64_t upto) {
    if (join_.is_interval()) return;
    std::vector<Kept*> due;
    for (Kept& l : key.readings[0]) {
      if (!l.told && l.time <= upto) due.push_back(&l);
    }
    std::stable_sort(due.begin(), due.end(), [](auto* a, auto* b) { return by_time(*a, *b); });
    for (Kept* l : due) {
      l->told = true;
      const Kept* best = nullptr;
      for (const Kept& r : key.readings[1]) {
        if (r.time <= l->time && (!best || r.time >= best->time)) best = &r;
      }
      if (best && join_.within_ms > 0 && l->time - best->time > join_.within_ms) best = nullptr;
      if (best || !join_.inner) say(name, l->time, l->number, best ? best->number : kNull);
    }
  }

  void say(const std::string& key, int64_t time, double left, double right) {
    const auto text = [](double n) { return is_null(n) ? "NULL" : to_text(Value(n)); };
    said[join_.name + ' ' + key].push_back(join_.name + ' ' + key + " @" + std::to_string(time) +
                                           " temp_c=" + text(left) + " door=NULL p=" + text(right));
  }

  static bool by_time(const Kept& a, const Kept& b) { return a.time < b.time; }

  const JoinOptions& join_;
  const bool by_key_;
  int64_t now_ = 0;
  std::map<std::string, Key> keys_;
  Side all_[2];
  int64_t watermark_ = kTimeMin;
};

TEST(JoinModel, both_joins_say_what_the_model_says) {
  std::map<std::string, size_t> told;
  uint64_t late = 0, tried = 0;
  for (auto [seed, end] = seeds(1'000); seed < end; ++seed) {
    ++tried;
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Fleet fleet = make_fleet(seed);
    const PipelineOptions options = options_of(seed);
    for (const JoinOptions& join : options.joins) {
      PipelineOptions one = options;
      one.joins = {join};
      Model model(one, join);
      for (int tick = 0; tick < kTicks; ++tick) {
        model.tick(tick * kTick);
        for (const Reading& r : fleet[size_t(tick)]) model.take(r);
      }
      model.finish();
      const Outcome outcome = run(one, tick_by_tick(fleet));
      ASSERT_EQ(by_block_and_key(outcome.emissions), model.said);
      ASSERT_EQ(outcome.ledger.late, model.late);
      late += model.late;
      for (const auto& [what, lines] : model.said) told[join.name] += lines.size();
    }
  }
  EXPECT_GT(told["as_of"], 10 * tried);
  EXPECT_GT(told["interval"], 10 * tried);
  EXPECT_GT(late, tried);
}

// Joins of joins and of windows, too.
PipelineOptions chain_of(uint64_t seed) {
  PipelineOptions options = options_of(seed);
  std::mt19937_64 random(seed);
  for (JoinOptions& join : options.joins) join.max_rows = 3 + uint32_t(random() % 20);
  WindowOptions window;
  window.name = "w";
  window.from = {"as_of"};
  window.size_ms = 4'000;
  window.select = {{"n", "count()"}, {"most", "max(p)"}};
  options.windows = {window};
  JoinOptions own = options.joins[0];
  own.name = "own";
  own.with = "w";
  own.select = {{"n", "n"}, {"until", "window_end"}};
  JoinOptions self = options.joins[1];
  self.name = "self";
  self.from = self.with = "own";
  self.select = {{"m", "n"}, {"key2", "vehicle"}};
  options.joins.push_back(own);
  options.joins.push_back(self);
  options.rules.push_back({"many", "self", "n > 1", 0, Severity::kInfo, {}});
  return options;
}

TEST(JoinSchedules, how_readings_are_cut_into_turns_does_not_matter) {
  std::map<std::string, size_t> told;
  size_t tried = 0;
  for (auto [seed, end] = seeds(200); seed < end; ++seed) {
    ++tried;
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Fleet fleet = make_fleet(seed);
    const PipelineOptions options = chain_of(seed);
    const Outcome whole = run(options, tick_by_tick(fleet));
    const auto expected = by_block_and_key(whole.emissions);
    for (const auto& [what, lines] : expected) told[what.substr(0, what.find(' '))] += lines.size();
    const Outcome single = run(options, one_by_one(fleet));
    ASSERT_EQ(by_block_and_key(single.emissions), expected);
    expect_same_fates(single.ledger, whole.ledger);
    std::mt19937_64 random(seed);
    const Outcome cut =
        run(options, make_schedule(fleet, [&](size_t) { return random() % 3 == 0; }));
    ASSERT_EQ(by_block_and_key(cut.emissions), expected);
    expect_same_fates(cut.ledger, whole.ledger);
  }
  for (const char* block : {"as_of", "interval", "w", "own", "self", "many"}) {
    EXPECT_GT(told[block], tried / 2) << block;
  }
}

TEST(JoinSchedules, a_pipeline_that_knows_only_what_was_saved_says_the_same) {
  for (auto [seed, end] = seeds(200); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const PipelineOptions options = chain_of(seed);
    const Schedule schedule = one_by_one(make_fleet(seed));
    std::mt19937_64 random(seed);
    const Outcome whole = run(options, schedule);
    const Outcome reloaded = run(options, schedule, [&] { return random() % 25 == 0; });
    ASSERT_EQ(numbered(reloaded.emissions), numbered(whole.emissions));
    expect_same_fates(reloaded.ledger, whole.ledger);
  }
}

}  // namespace
}  // namespace wayside
