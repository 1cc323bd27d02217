#include <gtest/gtest.h>

#include <random>

#include "tests/faulty_disk.h"
#include "tests/seeds.h"
#include "uplink/sink.h"

namespace wayside {
namespace {

const std::string kDir = "/out";
const std::vector<Epoch> kEpochs{{"e1", 1, 1}};
const Mark kStart{.epoch = "e1"};

// As the backlog would give them: alarms 1, 4, 7, …, results 2, 3, 5, 6, …, and entries with three
// readings each, of which those from kGapBegin to kGapEnd were taken by a limit: that is told
// alone.
constexpr uint64_t kEmissions = 60;
constexpr uint64_t kJournalEntries = 20;
constexpr uint64_t kReadings = 3;
constexpr uint64_t kGapBegin = 8, kGapEnd = 10;
constexpr uint64_t kEvents = kEmissions + kJournalEntries * kReadings;
bool is_alarm(uint64_t sequence) { return sequence % 3 == 1; }

Message message(const std::string& number, const std::string& type) {
  Message m;
  m.id = "gw/e1/" + number;
  m.type = type;
  const std::string trap = type == "window" ? R"(,"note":"\"type\":\"alarm\"","type":"alarm")" : "";
  m.value = R"({"id":")" + m.id + R"(","type":")" + type + R"(","block":"b","key":"k","time":1)" +
            trap + R"(,"pad":")" + std::string(number.size() * 40, 'p') + "\"}";
  return m;
}

MessageBatch batch_after(const Mark& from, size_t limit, Mark& after) {
  MessageBatch messages;
  after = from;
  for (const bool alarms : {true, false}) {
    uint64_t& upto = after.delivered_upto[alarms ? 0 : 1];
    for (uint64_t s = upto + 1; s <= kEmissions && messages.size() < limit; ++s) {
      if (is_alarm(s) != alarms) continue;
      upto = s;
      messages.add() = message(std::to_string(s), alarms ? s % 2 ? "alarm" : "incident" : "window");
    }
  }
  while (messages.size() < limit) {
    if (after.raw.rows == kReadings) {
      ++after.raw.entry;
      after.raw.rows = 0;
    }
    if (after.raw.entry == kJournalEntries) break;
    if (after.raw.entry == kGapBegin) {
      if (!messages.empty()) break;
      constexpr uint64_t kLost = (kGapEnd - kGapBegin) * kReadings;
      after.raw = {kGapEnd, 0, after.raw.seen + kLost};
      after.dropped += kLost;
      return {};
    }
    const std::string number =
        std::to_string(after.raw.entry + 1) + '.' + std::to_string(after.raw.rows);
    messages.add() = message(number, "reading");
    ++after.raw.rows;
    ++after.raw.seen;
  }
  after.delivered += messages.size();
  return messages;
}

bool at_end(const Mark& mark) { return mark.delivered + mark.dropped == kEvents; }

UplinkOptions options() {
  UplinkOptions o;
  o.name = "files";
  o.dir = kDir;
  o.file_bytes = 4'000;
  o.max_bytes = 1 << 20;
  return o;
}

std::vector<std::string> lines_on(const FaultyDisk& disk) {
  std::vector<std::string> lines;
  for (const std::string& path : disk.paths()) {
    if (!path.ends_with(".jsonl")) continue;
    std::string text = disk.contents(path);
    for (size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
      lines.push_back(text.substr(0, end));
    }
    EXPECT_EQ(text, "") << "half a line in " << path;
  }
  return lines;
}

std::vector<std::string> all_lines(size_t batch) {
  std::vector<std::string> lines;
  for (Mark mark = kStart, after; !at_end(mark); mark = after) {
    for (const Message& m : batch_after(mark, batch, after)) lines.push_back(m.value);
  }
  return lines;
}

// One life of the uplink: until all is delivered, or for good until something fails. `local` is
// what the store knows.
bool deliver_all(FaultyDisk& disk, Mark& local, size_t batch, int tries) {
  auto sink = make_file_sink(disk, options(), kEpochs);
  bool open = false;
  while (tries > 0) {
    if (!open) {
      auto mark = sink->open(local);
      if (!mark.ok()) {
        --tries;
        continue;
      }
      EXPECT_GE(mark->delivered, local.delivered);
      local = *mark;
      open = true;
    }
    Mark after;
    const auto messages = batch_after(local, batch, after);
    if (messages.empty() && after.dropped == local.dropped) return true;
    if (sink->deliver(messages, after).ok()) {
      local = after;
    } else {
      open = false;
      --tries;
    }
  }
  return false;
}

TEST(FileSink, every_line_is_there_once_and_in_order) {
  for (size_t batch : {1, 7, 1000}) {
    FaultyDisk disk;
    Mark local = kStart;
    ASSERT_TRUE(deliver_all(disk, local, batch, 1));
    EXPECT_EQ(lines_on(disk), all_lines(batch));
  }
}

TEST(FileSink, a_call_that_fails_loses_and_repeats_no_line) {
  for (uint64_t n = 1;; ++n) {
    SCOPED_TRACE("call " + std::to_string(n) + " fails");
    FaultyDisk disk(n);
    disk.fail_call(n);
    Mark local = kStart;
    ASSERT_TRUE(deliver_all(disk, local, 7, 3));
    ASSERT_EQ(lines_on(disk), all_lines(7));
    if (disk.calls() < n) break;
    disk.power_cycle();
    ASSERT_EQ(lines_on(disk), all_lines(7)) << "after a power cut";
  }
}

// The store may have kept any of the marks that it was given, or none.
TEST(FileSink, power_lost_at_any_call_loses_and_repeats_no_line) {
  uint64_t calls = 0;
  {
    FaultyDisk disk;
    Mark local = kStart;
    ASSERT_TRUE(deliver_all(disk, local, 7, 1));
    calls = disk.calls();
  }
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    for (uint64_t n = 1; n <= calls; ++n) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", power lost at call " + std::to_string(n));
      FaultyDisk disk(seed * 1'000'003 + n);
      Mark local = kStart;
      const bool store_is_behind = seed % 2;
      for (int life = 0; life < 3; ++life) {
        disk.lose_power_at(life == 2 ? 0 : n);
        Mark reached = local;
        const bool complete = deliver_all(disk, reached, 7, 1);
        if (!store_is_behind) local = reached;
        disk.power_cycle();
        ASSERT_TRUE(complete || life < 2);
        ASSERT_TRUE(!complete || at_end(reached)) << reached.to_text();
      }
      ASSERT_EQ(lines_on(disk), all_lines(7));
    }
  }
}

TEST(FileSink, without_its_mark_it_finds_its_place_by_the_lines) {
  for (const char* text :
       {"", "1", "1 500 1 e1 99 99 99 0 0 99 0", "rubbish\n", "x y 1 e1 0 0 0 0 0 0 0\n"}) {
    SCOPED_TRACE(text);
    FaultyDisk disk;
    Mark whole = kStart;
    ASSERT_TRUE(deliver_all(disk, whole, 7, 1));
    disk.set_contents(kDir + "/mark", text);
    Mark local = kStart;
    ASSERT_TRUE(deliver_all(disk, local, 7, 1));
    EXPECT_EQ(lines_on(disk), all_lines(7));
    EXPECT_EQ(local.delivered, whole.delivered);
    EXPECT_EQ(local.delivered_upto, whole.delivered_upto);
  }
}

TEST(FileSink, a_line_that_rots_later_does_not_take_the_others_with_it) {
  FaultyDisk disk;
  Mark local = kStart;
  ASSERT_TRUE(deliver_all(disk, local, 7, 1));
  const std::string last = disk.paths()[disk.paths().size() - 2];
  ASSERT_TRUE(last.ends_with(".jsonl"));
  std::string rotten = disk.contents(last);
  rotten[10] = '\0';
  disk.set_contents(last, rotten);
  disk.drop(kDir + "/mark");
  ASSERT_TRUE(make_file_sink(disk, options(), kEpochs)->open(local).ok());
  EXPECT_EQ(disk.contents(last), rotten);
}

TEST(FileSink, marks_and_lines_of_another_store_do_not_count) {
  FaultyDisk disk;
  Mark theirs = kStart;
  ASSERT_TRUE(deliver_all(disk, theirs, 7, 1));
  for (const bool with_mark : {true, false}) {
    SCOPED_TRACE(with_mark);
    if (!with_mark) disk.drop(kDir + "/mark");
    Mark ours;
    ours.epoch = "e2";
    auto opened = make_file_sink(disk, options(), {{"e2", 1, 1}})->open(ours);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    EXPECT_EQ(*opened, ours);
  }
  EXPECT_EQ(lines_on(disk), all_lines(7));
}

TEST(FileSink, the_oldest_files_go_when_the_room_is_used_up) {
  FaultyDisk disk;
  UplinkOptions small = options();
  small.max_bytes = 3 * small.file_bytes;
  auto sink = make_file_sink(disk, small, kEpochs);
  Mark mark = *sink->open(kStart);
  for (Mark after; !at_end(mark); mark = after) {
    const auto messages = batch_after(mark, 5, after);
    ASSERT_TRUE(sink->deliver(messages, after).ok());
    uint64_t bytes = 0;
    for (const std::string& path : disk.paths()) bytes += disk.contents(path).size();
    EXPECT_LE(bytes, small.max_bytes + 2 * 1536) << "files and the marks";
  }
  const auto left = lines_on(disk);
  const auto all = all_lines(5);
  ASSERT_LT(left.size(), all.size());
  EXPECT_EQ(left,
            std::vector<std::string>(all.end() - static_cast<ptrdiff_t>(left.size()), all.end()));
}

TEST(FileSink, a_torn_end_that_was_cut_off_does_not_come_back) {
  for (auto [seed, end] = seeds(30); seed < end; ++seed) {
    SCOPED_TRACE(seed);
    FaultyDisk disk(seed);
    const std::string path = options().dir + "/00000001.jsonl";
    const std::string line = R"({"id":"g/e1/1","type":"alarm","block":"b","key":"k","time":1})"
                             "\n";
    disk.set_contents(path, line + "rubb\x01ish\n");
    Mark local;  // so that there is nothing to be written again
    local.epoch = "e1";
    local.delivered_upto[0] = local.delivered = 1;
    ASSERT_TRUE(make_file_sink(disk, options(), {{"e1", 1, 1}})->open(local).ok());
    disk.power_cycle();
    EXPECT_EQ(disk.contents(path), line);
  }
}

}  // namespace
}  // namespace wayside
