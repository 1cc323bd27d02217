#include "pipeline/detector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/stage.h"

namespace wayside {
namespace {

// The text-book formula, by sorting copies: nothing shared with the detector.
double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double modified_z(const std::vector<double>& past, double value) {
  const double middle = median(past);
  std::vector<double> deviations;
  double mean_deviation = 0;
  for (double x : past) {
    deviations.push_back(std::abs(x - middle));
    mean_deviation += std::abs(x - middle) / double(past.size());
  }
  const double mad = median(deviations);
  double spread = mad > 0 ? mad / 0.6745 : mean_deviation / 0.7979;
  spread = std::max(spread, std::abs(middle) / 100);
  return std::abs(value - middle) / spread;
}

class Detector : public testing::Test {
 protected:
  Detector() : key_(keys_.intern("a")), other_(keys_.intern("b")) {}
  RobustZDetector make(uint32_t history, double threshold) const {
    DetectorOptions options;
    options.name = "drift";
    options.from = "climate";
    options.field = "temp_c";
    options.history = history;
    options.threshold = threshold;
    return RobustZDetector(options, 1, keys_);
  }
  // The score at each value where a stretch begins, else 0.
  std::vector<double> run(RobustZDetector& detector, const std::vector<double>& values) {
    std::vector<double> scores;
    for (double value : values) {
      EmissionBuffer out;
      detector.on_reading(key_, int64_t(scores.size()), value, out);
      scores.push_back(out.pending().empty() ? 0
                                             : std::get<double>(out.pending()[0].fields[2].value));
    }
    return scores;
  }

  KeyTable keys_;
  uint32_t key_, other_;
};

TEST_F(Detector, the_score_is_the_modified_z_score_of_the_last_values) {
  const std::vector<double> series = {20.1, 20.3, 19.8, 20.0, 20.4, 19.9, 20.2, 20.1,
                                      19.7, 20.0, 27.5, 20.2, 19.9, 20.1, 12.0};
  for (uint32_t history : {6u, 7u, 8u, 11u}) {
    for (size_t spike : {10u, 14u}) {
      RobustZDetector detector = make(history, 8);
      const std::vector<double> scores =
          run(detector, {series.begin(), series.begin() + ptrdiff_t(spike) + 1});
      const std::vector<double> past(
          series.begin() + ptrdiff_t(spike - std::min<size_t>(history, spike)),
          series.begin() + ptrdiff_t(spike));
      EXPECT_NEAR(scores[spike], modified_z(past, series[spike]), 1e-9)
          << "history " << history << ", value " << series[spike];
    }
  }
}

TEST_F(Detector, an_anomaly_tells_the_value_what_was_expected_and_the_score) {
  RobustZDetector detector = make(8, 5);
  EmissionBuffer out;
  for (double x : {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}) detector.on_reading(key_, 0, x, out);
  ASSERT_TRUE(out.pending().empty());
  detector.on_reading(key_, 77, 53.5, out);
  ASSERT_EQ(out.pending().size(), 1u);
  const Emission& e = out.pending()[0];
  EXPECT_EQ(e.type, "anomaly");
  EXPECT_EQ(e.key, "a");
  EXPECT_EQ(e.time_ms, 77);
  EXPECT_EQ(e.fields[0], (NamedValue{"temp_c", 53.5}));
  EXPECT_EQ(e.fields[1], (NamedValue{"expected", 3.5}));
  EXPECT_NEAR(std::get<double>(e.fields[2].value), 0.6745 * 50 / 1.5, 1e-9);
}

TEST_F(Detector, is_silent_while_it_warms_up_and_for_each_key_anew) {
  RobustZDetector detector = make(64, 5);
  EXPECT_EQ(run(detector, {1, 2, 1, 2, 1, 1e9}), std::vector<double>(6, 0));
  EmissionBuffer out;
  detector.on_reading(other_, 0, -1e9, out);
  EXPECT_TRUE(out.pending().empty());
}

TEST_F(Detector, a_stretch_of_high_scores_is_told_once) {
  RobustZDetector detector = make(32, 8);
  std::vector<double> values;
  for (int i = 0; i < 20; ++i) values.push_back(20 + 0.1 * (i % 5));
  values.insert(values.end(), {40, 41, 42});  // one stretch
  values.insert(values.end(), {20, 20.1});    // over
  values.push_back(-10);                      // the next
  const std::vector<double> scores = run(detector, values);
  std::vector<size_t> told;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] > 0) told.push_back(i);
  }
  EXPECT_EQ(told, (std::vector<size_t>{20, 25}));
  EXPECT_EQ(detector.raised(), 2u);
}

TEST_F(Detector, a_small_step_of_a_constant_series_is_no_anomaly) {
  RobustZDetector detector = make(16, 8);
  std::vector<double> values(20, 50.0);
  values.push_back(50.5);  // 1 %
  EXPECT_EQ(run(detector, values), std::vector<double>(21, 0));
  EXPECT_GT(run(detector, {60})[0], 8);
}

TEST_F(Detector, a_missing_value_says_nothing_and_is_not_learnt) {
  RobustZDetector with = make(8, 5), without = make(8, 5);
  std::vector<double> values = {1, 2, 3, 4, 5, 6}, gaps;
  for (double x : values) gaps.insert(gaps.end(), {kNull, x});
  run(with, gaps);
  run(without, values);
  EXPECT_EQ(run(with, {50}), run(without, {50}));
}

TEST_F(Detector, only_the_last_values_count) {
  constexpr uint64_t kSeed = 11;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937_64 random(kSeed);
  const auto noise = [&](double level) { return level + double(random() % 1'000) / 1'000; };
  RobustZDetector old_hand = make(16, 8), novice = make(16, 8);
  for (int i = 0; i < 100; ++i) run(old_hand, {noise(500)});
  for (int i = 0; i < 16; ++i) {
    const double value = noise(20);
    run(old_hand, {value});
    run(novice, {value});
  }
  const std::vector<double> scores = run(novice, {90});
  EXPECT_GT(scores[0], 0);
  EXPECT_EQ(run(old_hand, {20.5, 90})[1] > 0, true);
}

TEST_F(Detector, a_saved_state_goes_on_as_if_nothing_had_been) {
  constexpr uint64_t kSeed = 5;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937_64 random(kSeed);
  std::vector<double> values;
  for (int i = 0; i < 200; ++i) {
    values.push_back(20 + double(random() % 100) / 100 + (random() % 17 == 0 ? 30 : 0));
  }
  auto whole = std::make_unique<RobustZDetector>(make(10, 8));
  const std::vector<double> expected = run(*whole, values);
  ASSERT_GT(whole->raised(), 3u);
  auto detector = std::make_unique<RobustZDetector>(make(10, 8));
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(run(*detector, {values[i]})[0], expected[i]) << i;
    std::string bytes;
    ByteWriter writer(bytes);
    ASSERT_TRUE(detector->save_key(key_, writer));
    EXPECT_FALSE(detector->save_key(other_, writer));
    detector = std::make_unique<RobustZDetector>(make(10, 8));
    ByteReader reader(bytes);
    detector->load_key(key_, reader);
    ASSERT_TRUE(reader.ok() && reader.left() == 0);
  }
}

}  // namespace
}  // namespace wayside
