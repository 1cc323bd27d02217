#include "sensors/clean_number.h"

#include <gtest/gtest.h>

#include "tests/fields.h"

namespace wayside {
namespace {

// One key's readings, each as "value reason…", '-' for nothing.
class Number {
 public:
  explicit Number(const FieldCleaning& options) : cleaner_(0, options) {}

  std::string clean(int64_t time_ms, double value) {
    std::string reasons;
    const double left = cleaner_.clean(
        past_, time_ms, value, [&](Reason reason) { reasons.append(" ").append(name_of(reason)); });
    std::string text = is_null(left) ? "-" : std::to_string(left);
    if (!is_null(left)) text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text + reasons;
  }
  TextRows clean(const std::vector<std::pair<int64_t, double>>& readings) {
    TextRows rows;
    for (const auto& [time_ms, value] : readings) rows.push_back(clean(time_ms, value));
    return rows;
  }
  void save_and_load() {
    std::string bytes;
    ByteWriter writer(bytes);
    past_.save(writer);
    NumberPast loaded;
    ByteReader reader(bytes);
    loaded.load(reader);
    EXPECT_TRUE(reader.ok() && reader.left() == 0);
    past_ = loaded;
  }

 private:
  NumberCleaner cleaner_;
  NumberPast past_;
};

FieldCleaning rate(double max_rate, uint32_t readings = 3, int64_t ms = 0) {
  FieldCleaning options;
  options.max_rate = max_rate;
  options.accept = {readings, ms};
  return options;
}

FieldCleaning stuck(int64_t after_ms, OnStuck on_stuck) {
  FieldCleaning options;
  options.stuck_after_ms = after_ms;
  options.on_stuck = on_stuck;
  return options;
}

FieldCleaning median(const std::string& smooth) {
  FieldCleaning options;
  options.smooth = smooth;
  return options;
}

TEST(NumberCleaner, what_changes_faster_than_max_rate_becomes_nothing) {
  Number n(rate(0.5));
  EXPECT_EQ(n.clean({{0, 10}, {2'000, 11}, {4'000, 30}, {6'000, 12}, {8'000, 13}, {9'000, 14}}),
            (TextRows{"10", "11", "- too_fast", "12", "13", "- too_fast"}));
}

TEST(NumberCleaner, within_a_second_it_may_change_as_much_as_in_a_second) {
  Number n(rate(0.5));
  EXPECT_EQ(n.clean({{0, 10}, {0, 10.5}, {1, 10.2}, {999, 10.8}}),
            (TextRows{"10", "10.5", "10.2", "- too_fast"}));
}

TEST(NumberCleaner, a_step_of_exactly_max_rate_is_good_whatever_its_last_bit_says) {
  Number n(rate(0.1));
  for (int tenth = -200; tenth <= 1'000; ++tenth) {
    EXPECT_EQ(n.clean((tenth + 200) * 1'000, tenth / 10.0).find("too_fast"), std::string::npos)
        << tenth;
  }
}

TEST(NumberCleaner, the_rate_counts_from_the_last_good_value_so_that_a_gap_allows_more) {
  Number n(rate(1));
  EXPECT_EQ(n.clean({{0, 0}, {10'000, 10}, {11'000, 21}, {20'000, 20}}),
            (TextRows{"0", "10", "- too_fast", "20"}));
}

TEST(NumberCleaner, readings_that_agree_make_a_step_right) {
  Number n(rate(1, 3));
  EXPECT_EQ(n.clean({{0, 0}, {1'000, 50}, {2'000, 51}, {3'000, 50}, {4'000, 50}, {5'000, 0}}),
            (TextRows{"0", "- too_fast", "- too_fast", "50", "50", "- too_fast"}));
}

TEST(NumberCleaner, readings_that_disagree_or_a_good_one_between_them_make_nothing_right) {
  Number n(rate(1, 3));
  EXPECT_EQ(n.clean({{0, 0}, {1'000, 50}, {2'000, 51}, {3'000, 90}, {4'000, 90}, {5'000, 0}}),
            (TextRows{"0", "- too_fast", "- too_fast", "- too_fast", "- too_fast", "0"}));
  EXPECT_EQ(n.clean({{6'000, 50}, {7'000, 50}, {8'000, 50}}),
            (TextRows{"- too_fast", "- too_fast", "50"}));
}

TEST(NumberCleaner, a_step_may_be_right_after_a_time_or_never) {
  Number timed(rate(1, 3, 5'000));
  EXPECT_EQ(timed.clean({{0, 0}, {1'000, 50}, {2'000, 50}, {5'999, 50}, {6'000, 50}}),
            (TextRows{"0", "- too_fast", "- too_fast", "- too_fast", "50"}));
  Number never(rate(1, 0));
  EXPECT_EQ(never.clean({{0, 0}, {1'000, 50}, {2'000, 50}, {3'000, 50}, {4'000, 50}}).back(),
            "- too_fast");
}

TEST(NumberCleaner, a_late_reading_is_judged_and_teaches_nothing) {
  Number n(rate(1, 2));
  EXPECT_EQ(n.clean({{10'000, 10}, {9'000, 9}, {9'000, 50}, {9'500, 50}, {11'000, 11}}),
            (TextRows{"10", "9", "- too_fast", "- too_fast", "11"}));
}

TEST(NumberCleaner, a_value_that_stays_the_very_same_is_stuck_until_another_one_comes) {
  Number marked(stuck(10'000, OnStuck::kMark));
  EXPECT_EQ(
      marked.clean(
          {{0, 7}, {5'000, 7}, {9'999, 7}, {10'000, 7}, {15'000, 7}, {16'000, 8}, {17'000, 7}}),
      (TextRows{"7", "7", "7", "7 stuck", "7 stuck", "8", "7"}));
  Number removed(stuck(10'000, OnStuck::kRemove));
  EXPECT_EQ(removed.clean({{0, 7}, {5'000, 7}, {10'000, 7}, {11'000, 7.5}}),
            (TextRows{"7", "7", "- stuck", "7.5"}));
}

TEST(NumberCleaner, readings_more_than_half_of_that_apart_do_not_show_that_it_is_stuck) {
  Number n(stuck(10'000, OnStuck::kMark));
  EXPECT_EQ(n.clean({{0, 7}, {50'000, 7}, {55'000, 7}, {60'001, 7}, {65'000, 7}}),
            (TextRows{"7", "7", "7", "7", "7"}))
      << "who was switched off for the night, say";
}

TEST(NumberCleaner, what_is_stuck_and_removed_is_no_good_value) {
  FieldCleaning options = stuck(10'000, OnStuck::kRemove);
  options.max_rate = 1;
  Number n(options);
  EXPECT_EQ(n.clean({{0, 0}, {5'000, 0}, {10'000, 0}, {15'000, 0}, {16'000, 10}}),
            (TextRows{"0", "0", "- stuck", "- stuck", "10"}))
      << "since 5 s it may have changed by 11";
}

TEST(NumberCleaner, a_late_reading_ends_no_stuck_value) {
  Number n(stuck(10'000, OnStuck::kMark));
  EXPECT_EQ(n.clean({{0, 7}, {5'000, 7}, {4'000, 3}, {10'000, 7}}),
            (TextRows{"7", "7", "3", "7 stuck"}));
}

TEST(NumberCleaner, the_median_of_the_last_values_takes_spikes_out) {
  Number n(median("median:3"));
  EXPECT_EQ(n.clean({{0, 1}, {1, 2}, {2, 90}, {3, 3}, {4, 4}, {5, 5}}),
            (TextRows{"1", "1.5 smoothed", "2 smoothed", "3", "4", "4 smoothed"}));
  Number one(median("median:1"));
  EXPECT_EQ(one.clean({{0, 1}, {1, 90}}), (TextRows{"1", "90"}));
  Number most(median("median:63"));
  for (int i = 0; i < 100; ++i) most.clean(i, i);
  EXPECT_EQ(most.clean(100, 100), "69 smoothed");
}

TEST(NumberCleaner, what_is_removed_is_in_no_median) {
  FieldCleaning options = rate(1);
  options.smooth = "median:3";
  Number n(options);
  EXPECT_EQ(n.clean({{0, 1}, {1'000, 90}, {2'000, 3}}),
            (TextRows{"1", "- too_fast", "2 smoothed"}));
}

TEST(NumberCleaner, saved_and_loaded_after_each_reading_it_says_the_same) {
  FieldCleaning options = rate(2, 2);
  options.stuck_after_ms = 3'000;
  options.smooth = "median:3";
  Number straight(options), restored(options);
  std::string all;
  for (int i = 0; i < 200; ++i) {
    const double value = i % 20 < 8 ? 5 : (i * 7919) % 13 * (i % 3);
    const std::string said = straight.clean(i * 700, value);
    EXPECT_EQ(restored.clean(i * 700, value), said) << i;
    restored.save_and_load();
    all += said;
  }
  for (const char* reason : {"too_fast", "stuck", "smoothed"}) {
    EXPECT_NE(all.find(reason), std::string::npos) << reason;
  }
}

TEST(NumberPast, bytes_that_cannot_be_right_are_refused) {
  NumberPast past;
  past.last = {1, 2};
  past.next = 2;
  std::string bytes;
  ByteWriter writer(bytes);
  past.save(writer);
  ByteReader reader(bytes);
  past.load(reader);
  EXPECT_FALSE(reader.ok());
}

TEST(MedianOf, it_is_an_odd_number_up_to_63) {
  EXPECT_EQ(median_of("median:1"), 1u);
  EXPECT_EQ(median_of("median:63"), 63u);
  for (const char* wrong : {"", "median", "median:", "median:0", "median:4", "median:65", "mean:5",
                            "median:5 ", "median:-5", "median:99999999999"}) {
    EXPECT_FALSE(median_of(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace wayside
