// Patterns against a model that tries, for each reading that may begin a match, all ways on to the
// end; and under many schedules, which must not differ.
#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <tuple>

#include "pipeline/pattern_matcher.h"
#include "tests/schedules.h"

namespace wayside {
namespace {

using Taken = PatternMatcher::Taken;

struct Seen {
  int64_t time;
  std::vector<double> conditions;  // by step
};

// ---- the model

// How a match that began with one reading ends first.
struct Ending {
  int64_t time = 0;
  bool by_time = false;  // behind all readings of its time
  size_t reading = 0;    // else the one that completes it
  size_t begin = 0;
  std::vector<Taken> taken;
  auto order() const { return std::tuple(time, by_time, by_time ? 0 : reading, begin); }
};

class Model {
 public:
  Model(const PatternPlan& plan, const std::vector<Seen>& seen) : plan_(plan), seen_(seen) {}

  std::vector<Ending> matches() const {
    std::vector<Ending> endings;
    for (size_t i = 0; i < seen_.size(); ++i) {
      if (auto ending = first_ending(i)) endings.push_back(*ending);
    }
    const auto earlier = [](const Ending& a, const Ending& b) { return a.order() < b.order(); };
    std::sort(endings.begin(), endings.end(), earlier);
    if (plan_.after_match == AfterMatch::kNext) return endings;
    std::vector<Ending> told;
    for (const Ending& e : endings) {
      const bool had_begun =
          !told.empty() && (told.back().by_time ? seen_[e.begin].time <= told.back().time
                                                : e.begin <= told.back().reading);
      if (!had_begun) told.push_back(e);
    }
    return told;
  }

 private:
  using Way = std::pair<size_t, std::vector<Taken>>;  // the step that took a reading

  bool is(size_t step, size_t reading) const { return is_true(seen_[reading].conditions[step]); }

  std::optional<Ending> first_ending(size_t begin) const {
    std::optional<Ending> first;
    for (Way& way : ways_on(0, begin, std::vector<Taken>(plan_.steps.size()), false)) {
      better(first, end_of(begin, way.first, begin, std::move(way.second)));
    }
    return first;
  }

  static void better(std::optional<Ending>& first, std::optional<Ending> other) {
    if (other && (!first || other->order() < first->order())) first = std::move(other);
  }

  std::vector<Way> ways_on(size_t group, size_t reading, const std::vector<Taken>& taken,
                           bool broken) const {
    std::vector<Way> ways;
    for (; group < plan_.groups.size(); ++group) {
      const PatternPlan::Group& g = plan_.groups[group];
      if (g.absent && (broken || plan_.steps[g.begin].for_ms > 0 || plan_.is_last(group))) break;
      if (g.absent) continue;
      for (size_t s = g.begin; s < g.end; ++s) {
        if (!is(s, reading)) continue;
        ways.emplace_back(s, taken);
        ways.back().second[s] = {1, seen_[reading].time, seen_[reading].time};
      }
      if (!g.skippable) break;
    }
    return ways;
  }

  // From `step`, which has taken the reading `at`.
  std::optional<Ending> end_of(size_t begin, size_t step, size_t at,
                               std::vector<Taken> taken) const {
    const PatternPlan::Step& s = plan_.steps[step];
    const int64_t last_time = seen_[begin].time + plan_.within_ms;
    const bool enough = taken[step].count >= s.min;
    if (enough && plan_.is_last(s.group)) return Ending{seen_[at].time, false, at, begin, taken};
    size_t absent = s.group + 1;
    while (absent < plan_.groups.size() && plan_.groups[absent].skippable) ++absent;
    const bool guarded = enough && absent < plan_.groups.size() && plan_.groups[absent].absent;
    int64_t absent_until = kTimeMax;
    if (guarded) {
      const PatternPlan::Step& a = plan_.steps[plan_.groups[absent].begin];
      if (a.for_ms > 0) absent_until = seen_[at].time + a.for_ms;
      if (a.for_ms == 0 && plan_.is_last(absent)) absent_until = last_time;
    }
    bool broken = false;
    for (size_t r = at + 1; r <= seen_.size(); ++r) {
      const int64_t time = r < seen_.size() ? seen_[r].time : kTimeMax;
      const bool passed = guarded && !broken && absent_until < time;
      if (passed && plan_.is_last(absent)) return Ending{absent_until, true, 0, begin, taken};
      if (time > last_time && (!guarded || broken || absent_until == kTimeMax)) break;
      if (r == seen_.size()) break;
      broken |= guarded && !passed && time > seen_[at].time && is(plan_.groups[absent].begin, r);
      if (time > last_time) continue;
      std::optional<Ending> first;
      bool goes_on = false;
      if (!passed && taken[step].count < s.max && is(step, r)) {
        goes_on = true;
        auto more = taken;
        ++more[step].count;
        more[step].last_ms = time;
        better(first, end_of(begin, step, r, std::move(more)));
      }
      if (enough) {
        for (Way& way : ways_on((passed ? absent : s.group) + 1, r, taken, broken)) {
          goes_on = true;
          better(first, end_of(begin, way.first, r, std::move(way.second)));
        }
      }
      if (goes_on) return first;
    }
    return std::nullopt;
  }

  const PatternPlan& plan_;
  const std::vector<Seen>& seen_;
};

// ---- against it

PatternOptions make_pattern(std::mt19937_64& random) {
  const auto below = [&](uint64_t n) { return int64_t(random() % n); };
  PatternOptions options;
  options.within_ms = 2'000 + below(12) * 1'000;
  options.after_match = below(2) ? AfterMatch::kNext : AfterMatch::kPastLast;
  options.max_partial = 100'000;
  for (int64_t n = 1 + below(5); n > 0; --n) {
    PatternStep step;
    step.name = "s" + std::to_string(n);
    const std::string least = std::to_string(1 + below(3));
    if (below(3) == 0) step.times = least + (below(2) ? "+" : "");
    if (below(4) == 0) step.times = least + "-" + std::to_string(3 + below(2));
    step.optional = below(4) == 0;
    step.alternative = !options.steps.empty() && below(4) == 0;
    if (below(4) == 0) {
      step = {step.name, "", "1", false, false, true, below(2) * (1 + below(5)) * 1'000};
    }
    options.steps.push_back(step);
  }
  return options;
}

std::string to_line(int64_t start, int64_t end, const std::vector<Taken>& taken) {
  std::string line = std::to_string(start) + "-" + std::to_string(end);
  for (const Taken& t : taken) {
    line += " " + std::to_string(t.count);
    if (t.count > 0) line += ":" + std::to_string(t.first_ms) + "-" + std::to_string(t.last_ms);
  }
  return line;
}

TEST(PatternModel, the_matcher_finds_what_the_model_finds) {
  size_t patterns = 0, told = 0, tried = 0;
  for (auto [seed, end] = seeds(5'000); seed < end; ++seed) {
    ++tried;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    PatternPlan plan;
    BlockError none;
    if (!plan.make(make_pattern(random), none)) continue;
    ++patterns;
    std::vector<Seen> seen;
    int64_t time = 0;
    for (int i = 0; i < 25; ++i) {
      time += int64_t(random() % 4) * 500;
      seen.push_back({time, {}});
      for (size_t s = 0; s < plan.steps.size(); ++s) {
        seen.back().conditions.push_back(random() % 5 < 2 ? 1 : random() % 2 ? 0 : kNull);
      }
    }
    PatternMatcher matcher(plan);
    PatternMatcher::Runs runs;
    std::vector<PatternMatcher::Match> found;
    for (const Seen& s : seen) {
      if (random() % 3 == 0) matcher.pass(runs, s.time - 1, found);
      matcher.take(runs, s.time, s.conditions.data(), found);
      std::string saved;
      ByteWriter writer(saved);
      matcher.save(runs, writer);
      runs = {};
      ByteReader reader(saved);
      matcher.load(runs, reader);
      ASSERT_TRUE(reader.ok() && reader.left() == 0);
    }
    matcher.pass(runs, kTimeMax, found);
    EXPECT_TRUE(runs.empty());
    Lines expected, lines;
    for (const Ending& e : Model(plan, seen).matches()) {
      expected.push_back(to_line(seen[e.begin].time, e.time, e.taken));
    }
    for (const auto& m : found) lines.push_back(to_line(m.start_ms, m.end_ms, m.taken));
    ASSERT_EQ(lines, expected);
    told += lines.size();
  }
  EXPECT_GT(patterns, tried / 5);
  EXPECT_GT(5 * told, 3 * tried);
}

// ---- schedules

Fleet make_pattern_fleet(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](uint64_t n) { return int64_t(random() % n); };
  std::map<std::string, int64_t> clocks;
  Fleet fleet(80);
  for (size_t tick = 0; tick < fleet.size(); ++tick) {
    for (int64_t n = below(6); n > 0; --n) {
      const std::string key(1, char('d' - below(4)));
      if ((tick / 15 + size_t(key[0])) % 4 == 0) continue;  // silent for a while
      int64_t& clock = clocks[key];
      clock += below(2'500);
      const int64_t behind = below(4) == 0 ? below(7'000) : 0;
      fleet[tick].push_back({(clock - behind) / 500 * 500, key, double(below(40)),
                             std::string(1, char('a' + below(3))), 0});
    }
  }
  return fleet;
}

PipelineOptions chain_of(uint64_t seed) {
  PipelineOptions options;
  options.sources = {climate()};
  options.sources[0].watermark = seed % 2 ? WatermarkMode::kKey : WatermarkMode::kSource;
  options.sources[0].max_disorder_ms = 3'000;
  options.sources[0].idle_after_ms = 6 * kTick;
  options.sources[0].forget_after_ms = 14 * kTick;
  const auto pattern = [&](const char* name, const char* from, std::vector<PatternStep> steps) {
    PatternOptions p;
    p.name = name;
    p.from = from;
    p.steps = std::move(steps);
    p.within_ms = 8'000;
    p.after_match = seed % 3 ? AfterMatch::kNext : AfterMatch::kPastLast;
    p.max_partial = 1 + seed % 9;
    options.patterns.push_back(std::move(p));
  };
  pattern("again", "steps", {{"twice", "warm > 0", "2", false, false, false, 0}});
  pattern("steps", "climate",
          {{"a", "door = 'a'", "1+", false, false, false, 0},
           {"warm", "temp_c > 25", "1", true, false, false, 0},
           {"b", "door = 'b'", "1", false, false, false, 0},
           {"c", "door = 'c'", "2", false, true, false, 0}});
  pattern("quiet", "climate",
          {{"a", "door = 'a'", "1", false, false, false, 0},
           {"b", "door = 'b'", "1", false, false, true, 3'000}});
  WindowOptions window;
  window.name = "w";
  window.from = {"quiet"};
  window.size_ms = 20'000;
  window.select = {{"n", "count()"}};
  options.windows = {window};
  return options;
}

TEST(PatternSchedules, cuts_and_what_is_saved_do_not_matter) {
  std::map<std::string, size_t> told;
  uint64_t evicted = 0, tried = 0;
  for (auto [seed, end] = seeds(200); seed < end; ++seed) {
    ++tried;
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Fleet fleet = make_pattern_fleet(seed);
    const PipelineOptions options = chain_of(seed);
    const Outcome whole = run(options, tick_by_tick(fleet));
    const auto expected = by_block_and_key(whole.emissions);
    for (const auto& [what, lines] : expected) told[what.substr(0, what.find(' '))] += lines.size();
    const Outcome single = run(options, one_by_one(fleet));
    ASSERT_EQ(by_block_and_key(single.emissions), expected);
    expect_same_fates(single.ledger, whole.ledger);
    std::mt19937_64 random(seed);
    const Outcome reloaded = run(options, one_by_one(fleet), [&] { return random() % 25 == 0; });
    ASSERT_EQ(numbered(reloaded.emissions), numbered(single.emissions));
    expect_same_fates(reloaded.ledger, single.ledger);
    Stage stage(options);
    for (const auto& readings : fleet) stage.turn(readings);
    for (const BlockStatus& b : stage.pipeline().block_status()) evicted += b.evicted;
  }
  for (const char* block : {"steps", "again", "quiet", "w"})
    EXPECT_GT(told[block], tried / 4) << block;
  EXPECT_GT(evicted, tried / 2);
}

TEST(PatternSchedules, when_all_is_forgotten_nothing_is_left) {
  for (const uint64_t seed : {1, 2}) {
    Stage stage(chain_of(seed));
    SavedState saved;
    int64_t now = 0;
    Fleet fleet = make_pattern_fleet(seed);
    fleet.resize(120);
    for (const auto& readings : fleet) {
      stage.turn(readings, now += kTick);
      saved.apply(stage.pipeline().save_changes());
    }
    for (const StateRow& row : saved.rows()) EXPECT_EQ(row.key, "") << row.component;
    for (const auto& b : stage.pipeline().block_status()) EXPECT_EQ(b.open, 0u) << b.name;
  }
}

}  // namespace
}  // namespace wayside
