#include "sensors/registry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/devices.h"
#include "tests/seeds.h"

namespace wayside {
namespace {

TEST(Registry, a_device_is_found_by_its_id_and_has_what_it_was_given) {
  const auto r = registry_of({device("a"), blocked("b"),
                              with(calibrated(device("c"), "temp_c", 2, -1), "trailer", "T-1")});
  EXPECT_EQ(r->size(), 3u);
  EXPECT_EQ(r->find("d"), Registry::kUnknown);
  EXPECT_FALSE(r->is_blocked(r->find("a")));
  EXPECT_TRUE(r->is_blocked(r->find("b")));
  EXPECT_FALSE(r->is_blocked(r->find("c")));
  EXPECT_FALSE(r->is_blocked(Registry::kUnknown));
  EXPECT_EQ(r->attribute(r->find("c"), 0), "T-1");
  EXPECT_EQ(r->attribute(r->find("a"), 0).data(), nullptr);
  EXPECT_EQ(r->attribute(Registry::kUnknown, 0).data(), nullptr);
  ASSERT_NE(r->calibration(r->find("c"), 0), nullptr);
  EXPECT_EQ(r->calibration(r->find("c"), 0)->apply(10), 19);
  EXPECT_EQ(r->calibration(r->find("a"), 0), nullptr);
  EXPECT_EQ(r->calibration(Registry::kUnknown, 0), nullptr);
}

TEST(Registry, no_device_is_taken_twice) {
  Registry r;
  EXPECT_TRUE(r.add(device("a"), {}));
  EXPECT_FALSE(r.add(blocked("a"), {}));
  EXPECT_FALSE(r.is_blocked(0));
  EXPECT_FALSE(r.blocks());
  EXPECT_EQ(r.size(), 1u);
}

TEST(Registry, of_attributes_that_nobody_wants_the_names_are_known) {
  const auto r = registry_of(
      {with(with(device("a"), "trailer", "T-1"), "colour", "red"), with(device("b"), "empty", "")});
  EXPECT_EQ(r->attributes(), (std::vector<std::string>{"trailer", "colour"}));
  EXPECT_EQ(r->attribute(0, 1).data(), nullptr);
}

TEST(Registry, what_no_double_can_hold_becomes_nothing) {
  EXPECT_TRUE(is_null(Calibration({10, 0}).apply(1e308)));
  EXPECT_TRUE(is_null(Calibration({2, 1}).apply(kNull)));
  EXPECT_EQ(Calibration({1.02, -0.3}).apply(0), -0.3);
}

TEST(Registry, its_meaning_is_the_same_in_whichever_order_it_was_filled) {
  for (auto [seed, end] = seeds(20); seed < end; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::vector<DeviceOptions> devices;
    for (int i = 0; i < 12; ++i) {
      DeviceOptions d =
          random() % 4 ? device("d" + std::to_string(i)) : blocked("b\n" + std::to_string(i));
      if (random() % 2) d = calibrated(d, "temp_c", 1 + double(random() % 9), -0.5);
      if (random() % 2) d = calibrated(d, "level", 0.5, double(random() % 9));
      if (random() % 2) d = with(d, "trailer", "T-" + std::to_string(random() % 3));
      if (random() % 2) d = with(d, "customer", "c=1\nx");
      devices.push_back(d);
    }
    std::string expected, other;
    registry_of(devices)->append_meaning(expected);
    std::shuffle(devices.begin(), devices.end(), random);
    for (DeviceOptions& d : devices) {
      std::shuffle(d.calibrate.begin(), d.calibrate.end(), random);
      std::shuffle(d.attributes.begin(), d.attributes.end(), random);
    }
    registry_of(devices)->append_meaning(other);
    EXPECT_EQ(other, expected);
    devices[random() % devices.size()].calibrate = {{"temp_c", {0.25, 0}}};
    std::string changed;
    registry_of(devices)->append_meaning(changed);
    EXPECT_NE(changed, expected);
  }
}

TEST(Registry, what_nobody_wants_has_no_bearing_on_its_meaning) {
  std::string with_colour, without;
  registry_of({with(device("a"), "colour", "red")})->append_meaning(with_colour);
  registry_of({device("a")})->append_meaning(without);
  EXPECT_EQ(with_colour, without);
}

}  // namespace
}  // namespace wayside
