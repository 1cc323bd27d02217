#include "firmware-gw/restore.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <thread>

#include "firmware-gw/loop.h"
#include "firmware-gw/replay.h"
#include "tests/messages.h"
#include "tests/status_socket.h"
#include "tests/temp_folder.h"
#include "tests/told_sink.h"

namespace wayside {
namespace {

namespace fs = std::filesystem;

class Restore : public testing::Test {
 protected:
  using Messages = std::vector<TestMessage>;
  using Lines = std::vector<std::string>;
  static constexpr size_t kLives = 5;

  Config config_of(const std::string& name) const {
    Config config = small_config(folder_ / name);
    config.uplinks[0].dir = folder_ / (name + "-out");
    return config;
  }
  // What came in one life: each is an entry of the journal.
  Messages messages_of(size_t life) const {
    const size_t share = messages_.size() / kLives;
    const auto begin = messages_.begin() + ptrdiff_t(life * share);
    return {begin, life + 1 == kLives ? messages_.end() : begin + ptrdiff_t(share)};
  }
  // `linked`: what it says is delivered before it ends.
  void live(const Config& config, const Messages& messages, bool linked = true) {
    Surroundings around = Surroundings::system(config);
    SinksOpened opened;
    around.make_sink = [&](const UplinkOptions& options, std::vector<Epoch> epochs) {
      return std::make_unique<ToldSink>(opened,
                                        make_file_sink(posix_disk(), options, std::move(epochs)));
    };
    auto loop = Loop::recover(config, around);
    ASSERT_TRUE(loop.ok()) << loop.error().message;
    if (linked) {
      ASSERT_TRUE((*loop)->make_workers().ok());
    }
    (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
    if (linked) opened.await(1);
    auto chunk = make_chunk(messages, messages.size());
    const size_t size = chunk->size;
    (*loop)->queue().push(std::move(chunk), size);
    (*loop)->stop();
    if (!linked) return;
    for (const UplinkStatus& u : (*loop)->status().latest()->uplinks) {
      EXPECT_TRUE(u.balanced());
      EXPECT_EQ(u.pending(), 0u);
    }
  }
  static Lines delivered(const Config& config) {
    Lines all;
    std::set<fs::path> files;
    for (const auto& file : fs::directory_iterator(config.uplinks[0].dir)) {
      if (file.path().extension() == ".jsonl") files.insert(file.path());
    }
    for (const fs::path& file : files) {
      std::ifstream in(file);
      for (std::string line; std::getline(in, line);) all.push_back(line);
    }
    return all;
  }
  static Lines said(const Config& config, const ReplaySpan& span) {
    Lines lines;
    EXPECT_TRUE(replay_journal(config, config.gateway.state_dir, span, [&](std::string_view l) {
                  lines.emplace_back(l);
                }).ok());
    return lines;
  }
  static std::string id_of(const std::string& line) {
    static const std::regex kId(R"re("id":"([^"]*)")re");
    std::smatch found;
    return std::regex_search(line, found, kId) ? found[1].str() : "";
  }
  // Without their ids, sorted, and without what tells of the epoch.
  static Lines contents(const Lines& lines) {
    static const std::regex kId(R"re("id":"[^"]*",)re");
    Lines all;
    for (const std::string& line : lines) {
      if (line.find("new_epoch") != std::string::npos) continue;
      all.push_back(std::regex_replace(line, kId, ""));
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  TempFolder folder_;
  const Config config_ = config_of("original");
  const Messages messages_ = make_messages(11, 400);
};

TEST_F(Restore, a_copy_goes_on_as_the_original_did_and_sends_nothing_twice) {
  for (size_t life = 0; life < kLives; ++life) live(config_, messages_of(life));
  std::set<std::string> ids;
  for (const std::string& line : delivered(config_)) ids.insert(id_of(line));
  const Lines all = said(config_, {});
  ASSERT_EQ(all.size(), ids.size());
  for (size_t life = 0; life + 1 < kLives; ++life) {
    const Config copy = config_of("copy" + std::to_string(life));
    Moment until;
    until.entry = life + 1;
    const auto restored = restore(config_, until, copy.gateway.state_dir);
    ASSERT_TRUE(restored.ok()) << restored.error().message;
    EXPECT_EQ(restored->entry, life + 1);
    EXPECT_EQ(restored->pending, 0u);
    for (size_t later = life + 1; later < kLives; ++later) live(copy, messages_of(later));
    ReplaySpan behind;
    behind.after.entry = restored->entry;
    behind.after.wall_ms = kTimeMax;
    EXPECT_EQ(contents(delivered(copy)), contents(said(config_, behind)));
    for (const std::string& line : delivered(copy)) {
      EXPECT_FALSE(ids.contains(id_of(line))) << line;
      EXPECT_NE(id_of(line).find('/' + restored->epoch + '/'), std::string::npos) << line;
    }
  }
}

TEST_F(Restore, what_the_original_has_not_sent_yet_the_copy_sends_with_the_same_ids) {
  live(config_, messages_of(0));
  live(config_, messages_of(1), false);
  live(config_, messages_of(2), false);
  const Config copy = config_of("copy");
  Moment until;
  until.entry = 2;
  const auto restored = restore(config_, until, copy.gateway.state_dir);
  ASSERT_TRUE(restored.ok()) << restored.error().message;
  ReplaySpan second;
  second.after = {1, kTimeMax};
  second.until.entry = 2;
  Lines expected = said(config_, second);
  EXPECT_EQ(restored->pending, expected.size());
  live(copy, {});
  Lines sent = delivered(copy);
  std::erase_if(sent,
                [](const std::string& l) { return l.find("new_epoch") != std::string::npos; });
  std::sort(sent.begin(), sent.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(sent, expected);
}

TEST_F(Restore, the_original_is_left_as_it_was) {
  live(config_, messages_of(0));
  live(config_, messages_of(1));
  const Lines before = said(config_, {});
  ASSERT_TRUE(restore(config_, {1, kTimeMax}, folder_ / "copy").ok());
  EXPECT_EQ(said(config_, {}), before);
  EXPECT_EQ(said(config_of("copy"), {}), said(config_, {{0, kTimeMin}, {1, kTimeMax}}));
}

// The marks of a gateway that runs are in its memory; its store learns them now and then.
TEST_F(Restore, what_a_running_original_has_delivered_is_not_sent_again) {
  Config original = config_;
  original.storage.commit_age_ms = 0;
  auto loop = Loop::recover(original, Surroundings::system(original));
  ASSERT_TRUE(loop.ok()) << loop.error().message;
  ASSERT_TRUE((*loop)->make_workers().ok());
  push_chunks((*loop)->queue(), messages_of(0), 10);
  (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
  const auto all_delivered = [&] {
    const auto status = (*loop)->status().latest();
    return status && !status->uplinks.empty() && status->uplinks[0].delivered > 0 &&
           status->uplinks[0].pending() == 0 && status->total.in == messages_of(0).size();
  };
  while (!all_delivered()) std::this_thread::yield();
  {
    const StatusSocket gateway(original.gateway.state_dir,
                               [&] { return (*loop)->status().latest()->to_json(); });
    const auto restored = restore(original, {}, folder_ / "copy");
    ASSERT_TRUE(restored.ok()) << restored.error().message;
    EXPECT_EQ(restored->pending, 0u);
  }
  (*loop)->stop();
}

TEST_F(Restore, an_uplink_that_the_original_does_not_have_begins_at_the_end) {
  live(config_, messages_of(0));
  live(config_, messages_of(1), false);
  const auto same = restore(config_, {}, folder_ / "same");
  ASSERT_TRUE(same.ok()) << same.error().message;
  ASSERT_GT(same->pending, 0u);
  Config copy = config_;
  copy.uplinks.push_back(copy.uplinks[0]);
  copy.uplinks.back().name = "other";
  const auto restored = restore(copy, {}, folder_ / "copy");
  ASSERT_TRUE(restored.ok()) << restored.error().message;
  EXPECT_EQ(restored->pending, same->pending) << "what the one that it has did not deliver";
}

class RestoreOfRecycled : public Restore {
 protected:
  static Config small_files(Config config) {
    config.storage.file_bytes = 16 * kJournalPage;
    config.storage.max_bytes = 4 * config.storage.file_bytes;
    config.storage.commit_bytes = 200;
    config.storage.checkpoint_bytes = 1;
    return config;
  }
  void SetUp() override {
    for (size_t life = 0; life + 1 < kLives; ++life) {
      auto loop = Loop::recover(original_, Surroundings::system(original_));
      ASSERT_TRUE(loop.ok()) << loop.error().message;
      ASSERT_TRUE((*loop)->make_workers().ok());
      push_chunks((*loop)->queue(), messages_of(life), 4);
      (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
      (*loop)->stop();
    }
    live(original_, {});
    JournalReader reader(posix_disk(), original_.gateway.state_dir + "/journal");
    uint64_t oldest = 0;
    ASSERT_FALSE(*reader.seek(1, oldest)) << "its beginning should be gone";
    for (JournalEntry entry; *reader.next(entry);) newest_ = entry.sequence;
  }

  const Config original_ = small_files(config_);
  uint64_t newest_ = 0;
};

TEST_F(RestoreOfRecycled, gives_no_id_twice) {
  const Config copy = small_files(config_of("copy"));
  const auto restored = restore(original_, {newest_ - 5, kTimeMax}, copy.gateway.state_dir);
  ASSERT_TRUE(restored.ok()) << restored.error().message;
  EXPECT_EQ(restored->entry, newest_ - 5);
  live(copy, make_messages(12, 100));
  std::set<std::string> ids;
  for (const std::string& line : delivered(original_)) ids.insert(id_of(line));
  for (const std::string& line : delivered(copy)) {
    EXPECT_TRUE(ids.insert(id_of(line)).second) << line;
  }
}

TEST_F(RestoreOfRecycled, sends_nothing_again_wherever_it_ends) {
  for (uint64_t last = newest_ - 9; last <= newest_; ++last) {
    const auto restored =
        restore(original_, {last, kTimeMax}, folder_ / ("copy" + std::to_string(last)));
    ASSERT_TRUE(restored.ok()) << restored.error().message;
    EXPECT_EQ(restored->pending, 0u) << "up to entry " << last;
  }
}

// What it said the next entry tells, or for the newest one the store.
TEST_F(RestoreOfRecycled, what_the_last_entry_said_keeps_its_ids) {
  const Messages more = messages_of(kLives - 1);
  const auto middle = more.begin() + ptrdiff_t(more.size() / 2);
  live(original_, {more.begin(), middle}, false);
  live(original_, {middle, more.end()}, false);
  std::vector<Lines> sent;
  for (const uint64_t last : {newest_ + 1, newest_ + 2}) {
    const Config copy = small_files(config_of("copy" + std::to_string(last)));
    const auto restored = restore(original_, {last, kTimeMax}, copy.gateway.state_dir);
    ASSERT_TRUE(restored.ok()) << restored.error().message;
    ASSERT_EQ(restored->entry, last);
    live(copy, {});
    sent.push_back(delivered(copy));
  }
  live(original_, {});
  std::set<std::string> ids;
  for (const std::string& line : delivered(original_)) ids.insert(id_of(line));
  size_t events = 0;
  for (const Lines& lines : sent) {
    for (const std::string& line : lines) {
      if (line.find("incident") != std::string::npos) continue;
      EXPECT_TRUE(ids.contains(id_of(line))) << line;
      events += line.find(R"("type":"reading")") == std::string::npos;
    }
  }
  EXPECT_GT(events, 0u);
}

TEST_F(Restore, a_copy_can_be_copied) {
  for (size_t life = 0; life < 3; ++life) live(config_, messages_of(life));
  ASSERT_TRUE(restore(config_, {2, kTimeMax}, folder_ / "copy").ok());
  const auto again = restore(config_of("copy"), {1, kTimeMax}, folder_ / "again");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->pending, 0u);
}

TEST_F(Restore, what_cannot_be_is_told) {
  live(config_, messages_of(0));
  const std::string state = folder_ / "original";
  const std::string copy = folder_ / "copy";
  const auto message = [&](const Moment& until, const std::string& dir) {
    const auto restored = restore(config_, until, dir);
    return restored.ok() ? "" : restored.error().message;
  };
  EXPECT_EQ(message({}, state), state + " is not empty; name a folder that is, or a new one");
  EXPECT_TRUE(message({UINT64_MAX, 1'000}, copy)
                  .starts_with("the journal in " + state + " begins later: with entry 1 of "));
  EXPECT_EQ(message({}, copy), "") << "and the folder is as good as new";
  const std::string again = folder_ / "again";
  fs::rename(state + "/wayside.db", state + "/elsewhere");
  EXPECT_EQ(message({}, again), "there is no wayside.db in " + state +
                                    ", and without it nobody knows what was delivered already; "
                                    "start the gateway on it once, which makes it again from the "
                                    "journal");
  fs::rename(state + "/elsewhere", state + "/wayside.db");
  Config too_many = config_;
  too_many.uplinks.resize(40, config_.uplinks[0]);
  for (UplinkOptions& u : too_many.uplinks) u.name += std::to_string(&u - &too_many.uplinks[0]);
  EXPECT_FALSE(restore(too_many, {}, again).ok()) << "when the journal was copied already";
  EXPECT_TRUE(fs::is_empty(again)) << "and nothing of it stays";
}

}  // namespace
}  // namespace wayside
