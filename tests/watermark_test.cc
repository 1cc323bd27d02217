#include "pipeline/watermark.h"

#include <gtest/gtest.h>

namespace wayside {
namespace {

constexpr uint32_t kA = 0, kB = 1, kC = 2;
constexpr int64_t kTick = 1'000;

SourceOptions options(WatermarkMode mode) {
  SourceOptions o;
  o.max_disorder_ms = 5'000;
  o.idle_after_ms = 30'000;
  o.forget_after_ms = 60'000;
  o.watermark = mode;
  return o;
}

class Tracker {
 public:
  explicit Tracker(WatermarkMode mode) : mode_(mode), watermarks(options(mode), kTick) {}

  struct Row {
    uint32_t key;
    int64_t time;
  };
  std::vector<int64_t> advance(const std::vector<Row>& rows, int64_t timer_ms = 0) {
    std::vector<int64_t> times, after;
    std::vector<uint32_t> keys;
    for (const Row& row : rows) {
      times.push_back(row.time);
      keys.push_back(row.key);
    }
    BatchView view;
    view.rows = rows.size();
    view.times = times.data();
    view.keys = keys.data();
    watermarks.advance(view, timer_ms, after);
    return after;
  }
  void expire(int64_t timer_ms) { watermarks.expire(timer_ms, idle, forgotten); }
  // Continues in another tracker that has loaded what this one saved.
  void reload() {
    WatermarkTracker fresh(options(mode_), kTick);
    std::string totals;
    ByteWriter writer(totals);
    watermarks.save_totals(writer);
    ByteReader totals_reader(totals);
    fresh.load_totals(totals_reader);
    for (uint32_t key : {kC, kB, kA}) {
      std::string bytes;
      ByteWriter key_writer(bytes);
      if (!watermarks.save_key(key, key_writer)) continue;
      ByteReader reader(bytes);
      fresh.load_key(key, reader);
      EXPECT_TRUE(reader.ok());
    }
    watermarks = std::move(fresh);
  }

 private:
  WatermarkMode mode_;

 public:
  WatermarkTracker watermarks;
  std::vector<uint32_t> idle, forgotten;
};

TEST(Watermark, is_the_newest_event_time_less_the_disorder_and_one_and_never_goes_back) {
  Tracker t(WatermarkMode::kKey);
  EXPECT_EQ(t.watermarks.watermark(kA), kTimeMin);
  EXPECT_EQ(t.advance({{kA, 10'000}, {kA, 7'000}, {kA, 10'000}, {kA, 10'001}}),
            (std::vector<int64_t>{4'999, 4'999, 4'999, 5'000}));
  EXPECT_EQ(t.watermarks.watermark(kA), 5'000);
  EXPECT_EQ(t.advance({{kB, -3'000}}), std::vector<int64_t>{-8'001}) << "before 1970 as well";
}

TEST(Watermark, a_key_has_its_own_and_a_source_one_for_all) {
  const std::vector<Tracker::Row> rows = {{kA, 100'000}, {kB, 10'000}, {kA, 90'000}, {kB, 120'000}};
  Tracker by_key(WatermarkMode::kKey), by_source(WatermarkMode::kSource);
  EXPECT_EQ(by_key.advance(rows), (std::vector<int64_t>{94'999, 4'999, 94'999, 114'999}));
  EXPECT_EQ(by_source.advance(rows), (std::vector<int64_t>{94'999, 94'999, 94'999, 114'999}));
  EXPECT_EQ(by_key.watermarks.watermark(kA), 94'999);
  EXPECT_EQ(by_source.watermarks.watermark(kA), 114'999);
  EXPECT_EQ(by_source.watermarks.newest_ms(kA), 100'000) << "what a key said last is known in both";
}

TEST(Watermark, a_silent_key_becomes_idle_and_then_is_to_be_forgotten) {
  Tracker t(WatermarkMode::kKey);
  t.advance({{kA, 1}}, 100);
  t.advance({{kB, 1}}, 20'000);
  EXPECT_EQ(t.watermarks.next_timer(), 31'000) << "30,100 on a grid of seconds";
  t.expire(30'999);
  EXPECT_TRUE(t.idle.empty());
  t.expire(31'000);
  EXPECT_EQ(t.idle, std::vector<uint32_t>{kA});
  EXPECT_TRUE(t.watermarks.is_idle(kA));
  EXPECT_FALSE(t.watermarks.is_idle(kB));
  EXPECT_EQ(t.watermarks.next_timer(), 50'000) << "now it is about B";
  t.expire(50'000);
  EXPECT_EQ(t.idle, std::vector<uint32_t>{kB});
  EXPECT_TRUE(t.forgotten.empty());
  t.expire(61'000);
  EXPECT_EQ(t.forgotten, std::vector<uint32_t>{kA});
  t.watermarks.forget_key(kA);
  EXPECT_FALSE(t.watermarks.knows(kA));
  EXPECT_EQ(t.watermarks.known_keys(), 1u);
  EXPECT_EQ(t.watermarks.watermark(kA), kTimeMin);
  EXPECT_EQ(t.watermarks.next_timer(), 80'000);
}

TEST(Watermark, a_reading_ends_idleness_but_does_not_move_it_back) {
  Tracker t(WatermarkMode::kKey);
  t.advance({{kA, 50'000}}, 0);
  t.expire(30'000);
  ASSERT_TRUE(t.watermarks.is_idle(kA));
  EXPECT_EQ(t.advance({{kA, 20'000}}, 40'000), std::vector<int64_t>{44'999});
  EXPECT_FALSE(t.watermarks.is_idle(kA));
  EXPECT_EQ(t.watermarks.next_timer(), 70'000);
}

TEST(Watermark, a_key_that_was_never_heard_counts_as_idle) {
  Tracker t(WatermarkMode::kKey);
  EXPECT_TRUE(t.watermarks.is_idle(kA));
  EXPECT_EQ(t.watermarks.next_timer(), kTimeMax);
}

TEST(Watermark, a_source_is_idle_only_when_all_its_keys_are_silent) {
  Tracker t(WatermarkMode::kSource);
  t.advance({{kA, 1}}, 0);
  t.advance({{kB, 1}}, 20'000);
  t.expire(30'000);
  EXPECT_FALSE(t.watermarks.is_idle(kA));
  t.expire(50'000);
  EXPECT_TRUE(t.watermarks.is_idle(kA));
  EXPECT_TRUE(t.watermarks.is_idle(kC));
  t.expire(80'000);
  EXPECT_EQ(t.forgotten, (std::vector<uint32_t>{kA, kB}));
}

TEST(Watermark, a_silent_key_is_forgotten_while_its_source_goes_on_speaking) {
  Tracker t(WatermarkMode::kSource);
  t.advance({{kA, 1}, {kB, 1}}, 0);
  t.reload();
  t.advance({{kB, 2}}, 50'000);
  EXPECT_EQ(t.watermarks.next_timer(), 60'000) << "about A, which is not idle but silent";
  t.expire(59'000);
  EXPECT_TRUE(t.forgotten.empty());
  t.expire(60'000);
  EXPECT_EQ(t.forgotten, std::vector<uint32_t>{kA});
  t.watermarks.forget_key(kA);
  EXPECT_EQ(t.watermarks.known_keys(), 1u);
  EXPECT_EQ(t.watermarks.watermark(kA), -4'999) << "the source's own";
  EXPECT_EQ(t.watermarks.next_timer(), 80'000) << "the source falls idle";
}

TEST(Watermark, a_source_that_never_spoke_becomes_idle_after_its_start) {
  Tracker t(WatermarkMode::kSource);
  EXPECT_EQ(t.watermarks.next_timer(), kTimeMax);
  t.watermarks.start(5'000);
  t.watermarks.start(9'000);  // only the first one counts
  EXPECT_EQ(t.watermarks.next_timer(), 35'000);
  t.expire(35'000);
  EXPECT_TRUE(t.watermarks.is_idle(kA));
  EXPECT_EQ(t.watermarks.next_timer(), kTimeMax);
}

TEST(Watermark, goes_on_after_a_reload_as_if_nothing_had_been) {
  for (WatermarkMode mode : {WatermarkMode::kKey, WatermarkMode::kSource}) {
    Tracker whole(mode), reloaded(mode);
    for (Tracker* t : {&whole, &reloaded}) {
      t->advance({{kA, 10'000}, {kC, 9'000}}, 0);
      t->advance({{kB, 60'000}}, 12'345);
      t->expire(31'000);
      if (t == &reloaded) t->reload();
      t->advance({{kC, 70'000}}, 32'000);
    }
    for (uint32_t key : {kA, kB, kC}) {
      EXPECT_EQ(whole.watermarks.watermark(key), reloaded.watermarks.watermark(key));
      EXPECT_EQ(whole.watermarks.is_idle(key), reloaded.watermarks.is_idle(key));
    }
    EXPECT_EQ(whole.watermarks.known_keys(), reloaded.watermarks.known_keys());
    for (int64_t now = 32'000; now < 200'000; now += kTick) {
      EXPECT_EQ(whole.watermarks.next_timer(), reloaded.watermarks.next_timer()) << now;
      for (Tracker* t : {&whole, &reloaded}) t->expire(now);
      EXPECT_EQ(whole.idle, reloaded.idle) << now;
      EXPECT_EQ(whole.forgotten, reloaded.forgotten) << now;
      for (Tracker* t : {&whole, &reloaded}) {
        for (uint32_t key : std::vector<uint32_t>(t->forgotten)) t->watermarks.forget_key(key);
      }
    }
    EXPECT_EQ(whole.watermarks.known_keys(), 0u);
  }
}

TEST(Watermark, keys_that_fall_silent_again_and_again_leave_nothing_behind) {
  SourceOptions o = options(WatermarkMode::kKey);
  o.forget_after_ms = 1'000'000'000;
  WatermarkTracker watermarks(o, kTick);
  std::vector<uint32_t> idle, forgotten;
  std::vector<int64_t> after;
  const uint32_t keys[] = {kA, kB};
  for (int64_t i = 0; i < 1'000; ++i) {
    const int64_t times[] = {i, i};
    BatchView view;
    view.rows = 2;
    view.times = times;
    view.keys = keys;
    watermarks.advance(view, i * 40'000, after);
    watermarks.expire(i * 40'000 + 30'000, idle, forgotten);
    ASSERT_EQ(idle.size(), 2u);
    ASSERT_LE(watermarks.deadlines(), 70u);
  }
}

}  // namespace
}  // namespace wayside
