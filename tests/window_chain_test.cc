// What blocks see that read a window.
#include <gtest/gtest.h>

#include "tests/stage.h"

namespace wayside {
namespace {

WindowOptions over(const std::string& name, const std::string& from, int64_t size_ms,
                   std::vector<std::pair<std::string, std::string>> select) {
  WindowOptions w;
  w.name = name;
  w.from = {from};
  w.size_ms = size_ms;
  w.select = std::move(select);
  return w;
}

PipelineOptions chained(WindowOptions first, WindowOptions second) {
  PipelineOptions options;
  options.sources = {climate()};
  options.sources[0].max_disorder_ms = 0;
  options.windows = {std::move(first), std::move(second)};
  return options;
}

Lines of(const std::string& block, const Lines& all) {
  Lines kept;
  for (const std::string& line : all) {
    if (line.starts_with(block + ' ')) kept.push_back(line);
  }
  return kept;
}

TEST(WindowChain, texts_that_a_window_derives_are_texts_for_its_readers) {
  PipelineOptions options = chained(over("w", "climate", 10'000,
                                         {{"n", "count()"},
                                          {"d", "last(door)"},
                                          {"label", "CASE WHEN n > 1 THEN 'many' ELSE 'few' END"},
                                          {"same", "d"},
                                          {"loud", "upper(d)"},
                                          {"rest", "CASE WHEN n > 1 THEN d ELSE n END"}}),
                                    over("v", "w", 60'000,
                                         {{"many", "count() FILTER (WHERE label = 'many')"},
                                          {"label", "last(label)"},
                                          {"same", "last(same)"},
                                          {"loud", "count_distinct(loud)"},
                                          {"texts", "count() FILTER (WHERE rest = 'open')"},
                                          {"ones", "count() FILTER (WHERE rest = 1)"}}));
  options.rules.resize(1);
  options.rules[0].name = "r";
  options.rules[0].from = "w";
  options.rules[0].when = "label = 'many'";
  Stage stage(options);
  const Lines lines =
      stage.all({{0, "a", 1, "open"}, {1, "a", 2, "open"}, {10'000, "a", 3, "shut"}});
  EXPECT_EQ(of("v", lines),
            Lines{"v a [0,60000) #0 final many=1 label=few same=shut loud=2 texts=1 ones=1"});
  EXPECT_FALSE(of("r", lines).empty());
}

TEST(WindowChain, all_results_of_a_window_with_purge_are_read) {
  WindowOptions first = over("w", "climate", 10'000, {{"n", "count()"}});
  first.early_count = 2;
  first.purge = true;
  Stage stage(chained(first, over("v", "w", 60'000, {{"sum", "sum(n)"}})));
  std::vector<Reading> readings;
  for (int64_t i = 0; i < 11; ++i) readings.push_back({i * 2'000, "a"});
  EXPECT_EQ(of("v", stage.all(readings)), Lines{"v a [0,60000) #0 final sum=11"});
}

TEST(WindowChain, a_result_by_count_is_late_for_nobody) {
  WindowOptions first = over("w", "climate", 0, {{"n", "count()"}});
  first.count = 2;
  WindowOptions second = over("v", "w", 20, {{"sum", "sum(n)"}});
  second.late_to = {"out"};
  Stage stage(chained(first, second));
  const Lines lines = stage.all({{10, "a"}, {100, "a"}, {50, "a"}, {60, "a"}});
  EXPECT_EQ(of("v", lines), Lines{"v a [100,120) #0 final sum=4"});
}

TEST(WindowChain, early_results_of_a_session_are_on_the_grid) {
  WindowOptions session = over("w", "climate", 0, {{"n", "count()"}});
  session.gap_ms = 3'000;
  session.early_ms = 10'000;
  PipelineOptions options = chained(session, {});
  options.windows.resize(1);
  std::vector<Reading> readings;
  for (int64_t i = 0; i < 35; ++i) readings.push_back({i * 1'000, "a"});
  EXPECT_EQ(Stage(options).all(readings),
            (Lines{"w a [0,14000) #0 open n=12", "w a [0,24000) #1 open n=22",
                   "w a [0,34000) #2 open n=32", "w a [0,37000) #3 final n=35"}));
}

// Hours that begin each second, for fifteen keys, and a jump over them.
TEST(WindowChain, what_is_too_much_for_a_turn_is_told_in_the_next_ones) {
  for (const WatermarkMode mode : {WatermarkMode::kKey, WatermarkMode::kSource}) {
    PipelineOptions options =
        chained(over("w", "climate", 3'600'000, {{"n", "count()"}}),
                over("v", "w", 7'200'000, {{"results", "count()"}, {"sum", "sum(n)"}}));
    options.windows[0].every_ms = 1'000;
    options.sources[0].watermark = mode;
    options.windows[1].late_to = {"out"};
    const auto told = [&](bool reloaded, size_t& most) {
      Stage stage(options);
      SavedState saved;
      std::vector<Reading> first, second;
      for (int k = 0; k < 15; ++k) first.push_back({0, std::string(1, char('a' + k))});
      for (int k = 0; k < 15; ++k) second.push_back({20'000'000, std::string(1, char('a' + k))});
      Lines all = stage.turn(first);
      for (int64_t turn = 1; turn < 6; ++turn) {
        const Lines lines = stage.turn(turn == 1 ? second : std::vector<Reading>(), turn);
        most = std::max(most, lines.size());
        all.insert(all.end(), lines.begin(), lines.end());
        EXPECT_EQ(stage.pipeline().next_timer() == turn + 1, turn < 3) << turn;
        saved.apply(stage.pipeline().save_changes());
        if (reloaded) stage.reopen(saved);
      }
      return all;
    };
    size_t most = 0;
    const Lines lines = told(false, most);
    EXPECT_EQ(of("w", lines).size(), 15u * 3'600);
    EXPECT_LE(most, Window::kTurnResults + 100);
    Lines per_key;
    for (const std::string& line : of("v", lines)) {
      if (line.starts_with("v c ")) per_key.push_back(line);
    }
    EXPECT_EQ(per_key, Lines{"v c [0,7200000) #0 final results=3600 sum=3600"});
    EXPECT_EQ(told(true, most), lines);
  }
}

TEST(WindowChain, the_end_of_input_tells_all_however_much_it_is) {
  PipelineOptions options = chained(over("w", "climate", 3'600'000, {{"n", "count()"}}), {});
  options.windows.resize(1);
  options.windows[0].every_ms = 1'000;
  std::vector<Reading> readings;
  for (int k = 0; k < 15; ++k) readings.push_back({0, std::string(1, char('a' + k))});
  EXPECT_EQ(Stage(options).all(readings).size(), 15u * 3'600);
}

}  // namespace
}  // namespace wayside
