#include "sensors/clean_position.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/fields.h"

namespace wayside {
namespace {

// A receiver near 52° N, where a thousandth of a degree of latitude is 111 m.
class Receiver {
 public:
  explicit Receiver(const PositionOptions& options) : cleaner_(options) {}

  std::string judge(const Fix& fix) {
    const auto reason = cleaner_.judge(past_, fix);
    return reason ? name_of(*reason) : "good";
  }
  TextRows judge(const std::vector<Fix>& fixes) {
    TextRows rows;
    for (const Fix& fix : fixes) rows.push_back(judge(fix));
    return rows;
  }
  void save_and_load() {
    std::string bytes;
    ByteWriter writer(bytes);
    past_.save(writer);
    past_ = {};
    ByteReader reader(bytes);
    past_.load(reader);
    EXPECT_TRUE(reader.ok() && reader.left() == 0);
  }

 private:
  PositionCleaner cleaner_;
  PositionPast past_;
};

PositionOptions options(double max_speed = 0) {
  PositionOptions o;
  o.lat = "lat";
  o.lon = "lon";
  o.max_speed = max_speed;
  return o;
}

TEST(PositionCleaner, null_island_and_what_is_not_on_the_earth_are_no_positions) {
  Receiver r(options());
  EXPECT_EQ(r.judge({{0, 0, 0}, {0, 0.0005, -0.0005}, {0, 0, 9.1}, {0, 51, 0}}),
            (TextRows{"null_island", "null_island", "good", "good"}));
  EXPECT_EQ(r.judge({{0, 90.1, 9}, {0, 52, -180.1}, {0, -90, 180}}),
            (TextRows{"out_of_range", "out_of_range", "good"}));
}

TEST(PositionCleaner, a_receiver_that_says_how_bad_it_is_is_believed) {
  PositionOptions o = options();
  o.fix = "fix";
  o.hdop = "hdop";
  o.max_hdop = 5;
  Receiver r(o);
  EXPECT_EQ(r.judge({{0, 52, 9, 0, 1}, {0, 52, 9, 1, 5}, {0, 52, 9, 1, 5.1}, {0, 52, 9}}),
            (TextRows{"no_fix", "good", "imprecise", "good"}));
}

TEST(PositionCleaner, faster_than_the_vehicle_can_be_is_no_position) {
  Receiver r(options(50));
  EXPECT_EQ(r.judge({{0, 52, 9}, {10'000, 52.004, 9}, {11'000, 52.01, 9}, {30'000, 52.01, 9}}),
            (TextRows{"good", "good", "too_fast", "good"}));
}

TEST(PositionCleaner, within_a_second_it_may_go_as_far_as_in_a_second) {
  Receiver r(options(50));
  EXPECT_EQ(r.judge({{0, 52, 9}, {0, 52.0004, 9}, {100, 52.001, 9}}),
            (TextRows{"good", "good", "too_fast"}));
}

TEST(PositionCleaner, positions_that_agree_are_where_it_is) {
  Receiver r(options(50));
  EXPECT_EQ(r.judge({{0, 52, 9}, {1'000, 53, 9}, {2'000, 53, 9}, {3'000, 53, 9}, {4'000, 53, 9}}),
            (TextRows{"good", "too_fast", "too_fast", "good", "good"}))
      << "after a ferry, say";
  EXPECT_EQ(r.judge({{5'000, 54, 9}, {6'000, 55, 9}, {7'000, 56, 9}, {8'000, 53, 9}}),
            (TextRows{"too_fast", "too_fast", "too_fast", "good"}));
}

TEST(PositionCleaner, a_late_position_is_judged_and_teaches_nothing) {
  Receiver r(options(50));
  EXPECT_EQ(r.judge({{10'000, 52, 9}, {9'000, 52, 9}, {8'000, 53, 9}, {11'000, 52, 9}}),
            (TextRows{"good", "good", "too_fast", "good"}));
}

TEST(PositionCleaner, where_it_was_while_it_moves_is_frozen) {
  PositionOptions o = options();
  o.speed = "speed";
  o.frozen_after_ms = 10'000;
  Receiver r(o);
  const auto at = [](int64_t time_ms, double lat, double speed) {
    return Fix{time_ms, lat, 9, kNull, kNull, speed};
  };
  EXPECT_EQ(r.judge({at(0, 52, 0), at(60'000, 52, 0), at(61'000, 52, 20), at(69'999, 52, 20),
                     at(71'000, 52, 20), at(72'000, 52.1, 20), at(73'000, 52.1, 20)}),
            (TextRows{"good", "good", "good", "good", "frozen", "good", "good"}))
      << "standing, it may be the same for ever";
  EXPECT_EQ(r.judge({at(81'999, 52.1, 2), at(82'000, 52.1, 1.9), at(90'000, 52.1, 20),
                     at(100'000, 52.1, 20), at(100'001, 52.1, kNull), at(120'000, 52.1, 20)}),
            (TextRows{"good", "good", "good", "frozen", "good", "good"}))
      << "what is too slow, or not known, ends it";
  EXPECT_EQ(r.judge({at(130'000, 52.1, 20), at(129'999, 52.1, 20), at(130'500, 52.1, 20)}),
            (TextRows{"frozen", "good", "frozen"}))
      << "out of order, too";
}

TEST(PositionCleaner, a_frozen_position_is_no_good_one) {
  PositionOptions o = options(45);
  o.speed = "speed";
  o.frozen_after_ms = 10'000;
  o.accept.readings = 0;
  Receiver r(o);
  for (int64_t s = 0; s < 600; ++s) {
    EXPECT_EQ(r.judge({s * 1'000, 52, 9, kNull, kNull, 25}), s < 10 ? "good" : "frozen") << s;
  }
  EXPECT_EQ(r.judge({600'000, 52.135, 9, kNull, kNull, 25}), "good") << "15 km in 591 s";
}

TEST(PositionCleaner, saved_and_loaded_after_each_reading_it_says_the_same) {
  PositionOptions o = options(50);
  o.speed = "speed";
  o.frozen_after_ms = 4'000;
  Receiver straight(o), restored(o);
  std::set<std::string> said;
  for (int i = 0; i < 200; ++i) {
    const double lat = 52 + (i % 30 < 12 ? 0 : i * 0.0002) + (i % 23 < 4 ? 1 : 0);
    const Fix fix{i * 1'000, lat, 9, kNull, kNull, double(i % 7 + 2)};
    const std::string judged = straight.judge(fix);
    said.insert(judged);
    EXPECT_EQ(restored.judge(fix), judged) << i;
    restored.save_and_load();
  }
  EXPECT_EQ(said, (std::set<std::string>{"good", "too_fast", "frozen"}));
}

}  // namespace
}  // namespace wayside
