#include "firmware-gw/buffer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "firmware-gw/loop.h"
#include "firmware-gw/state_lock.h"
#include "firmware-gw/state_report.h"
#include "tests/messages.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

// A gateway whose uplink never answers, so that all of it waits.
class Away : public Sink {
 public:
  Result<Mark> open(const Mark&) override { return down(); }
  Status deliver(std::span<const Message>, Mark&) override { return down(); }

 private:
  static Error down() { return {ErrorCode::kUnavailable, "there is no link"}; }
};

class Buffer : public testing::Test {
 protected:
  static void live(const Config& config, const std::vector<TestMessage>& messages, bool linked) {
    Surroundings around = Surroundings::system(config);
    if (!linked) {
      around.make_sink = [](const UplinkOptions&, std::vector<Epoch>) {
        return std::make_unique<Away>();
      };
    }
    auto loop = Loop::recover(config, around);
    ASSERT_TRUE(loop.ok()) << loop.error().message;
    ASSERT_TRUE((*loop)->make_workers().ok());
    push_chunks((*loop)->queue(), messages, 20);
    (*loop)->start({[](uint32_t, uint64_t) {}, [] {}});
    (*loop)->stop();
  }
  static std::vector<std::string> exported(const Config& config) {
    std::vector<std::string> lines;
    auto count =
        export_buffer(config, "centre", [&](std::string_view l) { lines.emplace_back(l); });
    EXPECT_TRUE(count.ok()) << count.error().message;
    EXPECT_EQ(*count, lines.size());
    return lines;
  }

  TempFolder folder_;
  Config config_ = small_config(folder_ / "state");
  const std::vector<TestMessage> messages_ = make_messages(3, 200);
};

TEST_F(Buffer, an_export_is_what_waits_and_an_import_makes_it_wait_elsewhere) {
  live(config_, messages_, false);
  const std::vector<std::string> lines = exported(config_);
  ASSERT_GT(lines.size(), 150u);
  EXPECT_EQ(exported(config_), lines) << "it takes nothing away";

  const std::string path = folder_ / "rescued.jsonl";
  std::ofstream file(path);
  for (const std::string& line : lines) file << line << '\n';
  file.close();
  const Config other = small_config(folder_ / "other");
  live(other, {}, false);
  auto imported = import_buffer(other, "centre", path);
  ASSERT_TRUE(imported.ok()) << imported.error().message;
  EXPECT_EQ(*imported, lines.size());
  const std::vector<std::string> again = exported(other);
  ASSERT_EQ(again.size(), lines.size());
  std::multiset<std::string> origins;
  for (const std::string& line : again) {
    const size_t at = line.find("\"origin\":\"");
    ASSERT_NE(at, std::string::npos) << line;
    origins.insert(line.substr(at + 10, line.find('"', at + 10) - at - 10));
  }
  for (const std::string& line : lines) {
    const std::string id = line.substr(7, line.find('"', 7) - 7);
    EXPECT_EQ(origins.count(id), 1u) << id;
  }
}

TEST_F(Buffer, an_export_goes_on_behind_a_gap) {
  config_.storage.commit_bytes = 100;
  config_.storage.file_bytes = 4 * kJournalPage;
  config_.storage.max_bytes = 3 * config_.storage.file_bytes;
  const auto reader = [](const std::string& line) { return line.find("reading") != line.npos; };
  for (uint64_t seed = 3; seed < 8; ++seed) live(config_, make_messages(seed, 200), false);
  JournalReader journal(posix_disk(), config_.gateway.state_dir + "/journal");
  uint64_t oldest = 0;
  ASSERT_FALSE(*journal.seek(1, oldest));
  ASSERT_GT(oldest, 1u);
  const std::vector<std::string> lines = exported(config_);
  EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), reader)) << "those behind entry " << oldest;
}

TEST_F(Buffer, an_import_of_anything_else_names_the_line_and_imports_nothing) {
  live(config_, {}, false);
  const std::string path = folder_ / "bad.jsonl";
  const std::string good = "{\"id\":\"a/b/1\",\"type\":\"window\",\"block\":\"w\",\"time\":1}\n";
  for (const char* bad :
       {"{\"id\":1}", "{\"id\":\"a/b/2\",\"type\":\"incident\",\"block\":\"lost\",\"n\":3}"}) {
    std::ofstream(path) << good << bad << '\n';
    auto imported = import_buffer(config_, "centre", path);
    ASSERT_FALSE(imported.ok()) << bad;
    EXPECT_NE(imported.error().message.find("bad.jsonl:2: "), std::string::npos)
        << imported.error().message;
    EXPECT_TRUE(exported(config_).empty());
  }
}

TEST_F(Buffer, an_import_of_what_cannot_be_read_fails) {
  live(config_, {}, false);
  auto imported = import_buffer(config_, "centre", folder_ / "");
  ASSERT_FALSE(imported.ok());
  EXPECT_EQ(imported.error().code, ErrorCode::kIo);
}

TEST_F(Buffer, an_import_takes_more_than_one_entry_holds) {
  const std::string path = folder_ / "many.jsonl";
  std::ofstream file(path);
  constexpr uint64_t kLines = 5'001;
  for (uint64_t i = 0; i < kLines; ++i) {
    file << "{\"id\":\"a/b/" << i << "\",\"type\":\"window\",\"block\":\"w\",\"time\":1}\n";
  }
  file.close();
  live(config_, {}, false);
  auto imported = import_buffer(config_, "centre", path);
  ASSERT_TRUE(imported.ok()) << imported.error().message;
  EXPECT_EQ(*imported, kLines);
  EXPECT_EQ(exported(config_).size(), kLines);
}

TEST_F(Buffer, an_import_is_refused_while_the_gateway_runs) {
  live(config_, {}, false);
  const std::string path = folder_ / "one.jsonl";
  std::ofstream(path) << "{\"id\":\"a/b/1\",\"type\":\"window\",\"block\":\"w\",\"time\":1}\n";
  StateLock lock;
  ASSERT_TRUE(lock.take(config_.gateway.state_dir).ok());
  auto imported = import_buffer(config_, "centre", path);
  ASSERT_FALSE(imported.ok());
  EXPECT_EQ(imported.error().code, ErrorCode::kUnavailable);
}

TEST_F(Buffer, verify_finds_what_is_damaged) {
  config_.storage.commit_bytes = 100;  // a turn of each chunk
  live(config_, messages_, false);
  auto good = verify_buffer(config_);
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(good->damage, "");
  EXPECT_GT(good->readings, 150u);
  const std::string journal = config_.gateway.state_dir + "/journal/0000000000000001.wsj";
  std::fstream file(journal, std::ios::in | std::ios::out | std::ios::binary);
  constexpr std::streamoff kSecondEntry = 2 * 4096;
  file.seekp(kSecondEntry + 100);
  file.write("xxxx", 4);
  file.close();
  auto bad = verify_buffer(config_);
  ASSERT_TRUE(bad.ok());
  EXPECT_NE(bad->damage, "");
}

// ---- when the configuration changes

TEST_F(Buffer, a_check_says_what_becomes_of_the_state) {
  live(config_, messages_, false);
  auto same = state_report(config_);
  ASSERT_TRUE(same.ok());
  for (const std::string& line : *same) EXPECT_TRUE(line.ends_with("is kept")) << line;
  Config changed = config_;
  changed.windows[0].size_ms = 20'000;
  changed.rules[0].name = "open_long";
  changed.uplinks[0].name = "elsewhere";
  PatternOptions& pattern = changed.patterns.emplace_back();
  pattern.name = "twice_open";
  pattern.from = "climate";
  pattern.within_ms = 60'000;
  pattern.steps.resize(2);
  for (PatternStep& step : pattern.steps) step.when = "door = 'open'";
  pattern.steps[0].name = "one";
  pattern.steps[1].name = "two";
  auto report = state_report(changed);
  ASSERT_TRUE(report.ok());
  const auto has = [&](const std::string& text) {
    return std::any_of(report->begin(), report->end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  };
  EXPECT_TRUE(has("window w: means something else now, and learns"));
  EXPECT_TRUE(has("rule open_long: is new, and begins without state"));
  EXPECT_TRUE(has("rule open_3s: is gone"));
  EXPECT_TRUE(has("pattern twice_open: is new, and learns"));
  EXPECT_TRUE(has("source climate: its state is kept"));
  EXPECT_TRUE(has("uplink centre: is gone; "));
}

TEST_F(Buffer, a_window_that_is_new_has_learnt_from_the_journal_what_is_still_open) {
  live(config_, messages_, false);
  Config changed = config_;
  changed.windows[0].name = "w_again";
  auto loop = Loop::recover(config_, Surroundings::system(config_));
  auto learnt = Loop::recover(changed, Surroundings::system(changed));
  ASSERT_TRUE(loop.ok() && learnt.ok());
  const auto open = [](Loop& l) { return l.engine().pipeline().block_status()[0].open; };
  EXPECT_GT(open(**loop), 0u);
  EXPECT_EQ(open(**learnt), open(**loop));
  changed.engine.learn_ms = 0;
  changed.windows[0].name = "w_else";
  learnt = Loop::recover(changed, Surroundings::system(changed));
  ASSERT_TRUE(learnt.ok());
  EXPECT_EQ(open(**learnt), 0u);
}

}  // namespace
}  // namespace wayside
