// The journal's head, told to the uplinks, and whether the journal is still the one whose head it
// was.
#include "firmware-gw/anchor.h"

#include <gtest/gtest.h>

#include "config/written.h"
#include "firmware-gw/buffer.h"
#include "firmware-gw/loop.h"
#include "firmware-gw/replay.h"
#include "tests/messages.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

class Anchor : public testing::Test {
 protected:
  // An entry for each life.
  void SetUp() override {
    for (int life = 0; life < 3; ++life) {
      auto loop = Loop::recover(config_, Surroundings::system(config_));
      ASSERT_TRUE(loop.ok());
      push_chunks((*loop)->queue(), make_messages(uint64_t(life), 5), 5);
      (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
      (*loop)->stop();
    }
    JournalReader reader(posix_disk(), config_.gateway.state_dir + "/journal");
    uint64_t oldest = 0;
    ASSERT_TRUE(reader.seek(1, oldest).ok());
    for (JournalEntry entry; *reader.next(entry);) entries_.push_back(entry);
    ASSERT_GE(entries_.size(), 3u);
  }
  std::string verdict(uint64_t entry, const std::string& hash) const {
    const auto check = verify_buffer(config_, JournalAnchor{entry, hash});
    EXPECT_TRUE(check.ok());
    return check.ok() ? check->anchor : "";
  }
  void flip_byte_of(const JournalEntry& entry) const {
    auto file =
        posix_disk().open(journal_path(config_.gateway.state_dir + "/journal", entry.place.file),
                          Disk::Mode::kReadWrite);
    ASSERT_TRUE(file.ok());
    char byte = 0;
    const uint64_t at = entry.place.offset + sizeof(EntryHeader) + 5;
    ASSERT_TRUE((*file)->read_at(at, &byte, 1).ok());
    byte ^= 1;
    ASSERT_TRUE((*file)->write_at(at, {&byte, 1}).ok());
  }

  TempFolder folder_;
  const Config config_ = small_config(folder_ / "state");
  std::vector<JournalEntry> entries_;
};

TEST_F(Anchor, holds_while_the_journal_is_what_it_was) {
  for (const JournalEntry& entry : entries_) {
    EXPECT_EQ(verdict(entry.sequence, to_hex(entry.hash)), "holds");
  }
}

TEST_F(Anchor, differs_when_a_byte_before_it_was_changed) {
  const std::string hash = to_hex(entries_[1].hash);
  flip_byte_of(entries_[0]);
  EXPECT_EQ(verdict(2, hash).substr(0, 45), "differs: the journal was changed before entry");
}

TEST_F(Anchor, of_another_journal_differs) {
  EXPECT_EQ(verdict(2, std::string(32, '0')), "differs: the journal was changed before entry 3");
  EXPECT_EQ(verdict(99, std::string(32, '0')),
            "differs: the journal ends with entry " + std::to_string(entries_.back().sequence));
}

TEST_F(Anchor, of_an_entry_that_is_recycled_is_gone) {
  AnchorCheck check(JournalAnchor{1, to_hex(entries_[0].hash)});
  check.see(entries_[2], true);
  EXPECT_EQ(check.verdict(),
            "cannot be told: the journal begins with entry 3, by retention or because files were "
            "removed");
  AnchorCheck next(JournalAnchor{1, to_hex(entries_[0].hash)});
  next.see(entries_[1], false);
  EXPECT_EQ(next.verdict(), "holds") << "the oldest entry knows the one before";
}

TEST(JournalAnchor, is_an_entry_and_a_hash) {
  const std::string hash(32, 'a');
  EXPECT_EQ(JournalAnchor::parse("17:" + hash)->entry, 17u);
  for (const std::string& text :
       std::vector<std::string>{"17", "17:abc", "x:" + hash, "0:" + hash, ":" + hash}) {
    EXPECT_FALSE(JournalAnchor::parse(text)) << text;
  }
}

// ---- telling it

// Stands still.
class HandClock : public Clock {
 public:
  explicit HandClock(int64_t ms) : now_{ms, ms} {}
  Now now() override { return now_; }
  std::string save() const override { return ""; }

 private:
  Now now_;
};

class AnchorsTold : public testing::Test {
 protected:
  // A life at a time of day, with as many readings.
  void live(int64_t ms, size_t readings) {
    config_.storage.anchor_ms = every_ms_;
    Surroundings around = Surroundings::system(config_);
    around.make_clock = [&](std::string_view, const Now&) {
      return std::make_unique<HandClock>(ms);
    };
    auto loop = Loop::recover(config_, around);
    ASSERT_TRUE(loop.ok()) << loop.error().message;
    push_chunks((*loop)->queue(), make_messages(++lives_, readings), readings);
    (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
    (*loop)->stop();
  }
  std::vector<std::string> told() const {
    std::vector<std::string> lines;
    const auto take = [&](std::string_view line) {
      if (line.find(R"("type":"anchor")") != line.npos) {
        lines.emplace_back(line.substr(line.find(R"("cause")")));
      }
    };
    EXPECT_TRUE(replay_journal(config_, config_.gateway.state_dir, {}, take).ok());
    return lines;
  }
  JournalEntry entry(uint64_t sequence) const {
    return **read_entry(posix_disk(), config_.gateway.state_dir + "/journal", sequence);
  }
  std::string line(uint64_t told_by, uint64_t head) const {
    return "\"cause\":\"" + std::to_string(told_by) + "\",\"config\":\"" +
           version_digits(config_version(config_)) + "\",\"entry\":" + std::to_string(head) +
           ",\"hash\":\"" + to_hex(entry(head).hash) + "\"}";
  }

  static constexpr int64_t kHour = 3'600'000;
  TempFolder folder_;
  Config config_ = small_config(folder_ / "state");
  uint64_t lives_ = 0;
  int64_t every_ms_ = kHour;
};

TEST_F(AnchorsTold, once_in_each_hour_in_which_something_came) {
  live(10 * kHour + 1, 5);
  live(10 * kHour + 2, 5);
  EXPECT_TRUE(told().empty()) << "within the hour";
  live(11 * kHour, 5);
  live(11 * kHour + 5, 5);
  live(19 * kHour, 5);
  EXPECT_EQ(told(), (std::vector<std::string>{line(3, 2), line(5, 4)}));
}

TEST_F(AnchorsTold, never_when_that_is_wanted) {
  every_ms_ = 0;
  for (int64_t hour = 1; hour < 4; ++hour) live(hour * kHour, 3);
  EXPECT_TRUE(told().empty());
}

}  // namespace
}  // namespace wayside
