// Stores as earlier versions left them, packed with zstd: fixtures/store-N is of format N. Each was
// made by that version from make_messages(9, 400): 200 messages in a life that ended in order, the
// rest in one that lost power between the journal and the store, with nothing delivered of it.
#include <gtest/gtest.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "firmware-gw/loop.h"
#include "tests/messages.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

namespace fs = std::filesystem;

std::string read_all(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void unpack(const fs::path& from, const fs::path& to) {
  for (const auto& file : fs::recursive_directory_iterator(from)) {
    if (!file.is_regular_file()) continue;
    const std::string packed = read_all(file.path());
    std::string bytes(ZSTD_getFrameContentSize(packed.data(), packed.size()), '\0');
    ASSERT_EQ(ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size()),
              bytes.size());
    const fs::path path = (to / fs::relative(file.path(), from)).replace_extension();
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
  }
}

class EarlierStore : public testing::TestWithParam<int> {
 protected:
  EarlierStore() : config_(small_config(folder_ / "state")) {
    unpack(fs::path(WAYSIDE_FIXTURES) / ("store-" + std::to_string(GetParam())),
           config_.gateway.state_dir);
  }
  std::set<std::string> ids_at_uplink() const {
    std::set<std::string> ids;
    for (const auto& file : fs::directory_iterator(config_.uplinks[0].dir)) {
      if (file.path().extension() != ".jsonl") continue;
      std::ifstream lines(file.path());
      for (std::string line; std::getline(lines, line);) {
        EXPECT_TRUE(ids.insert(line.substr(0, line.find(','))).second) << "twice: " << line;
      }
    }
    return ids;
  }
  std::unique_ptr<Loop> recover() {
    auto loop = Loop::recover(config_, Surroundings::system(config_));
    EXPECT_TRUE(loop.ok()) << loop.error().message;
    return loop.ok() ? std::move(*loop) : nullptr;
  }

  TempFolder folder_;
  const Config config_;
};

TEST_P(EarlierStore, opens_without_loss_and_says_what_it_would_have_said) {
  const auto loop = recover();
  ASSERT_NE(loop, nullptr);
  const Ledger total = loop->engine().pipeline().total();
  EXPECT_TRUE(total.balanced());
  EXPECT_EQ(total.in, 428u);
  EXPECT_EQ(total.used, 364u);
  EXPECT_EQ(total.late, 12u);
  EXPECT_EQ(total.duplicate, 27u);
  EXPECT_EQ(total.quarantined, 25u);
  EXPECT_EQ(loop->engine().emissions().last_sequence(), 96u);
}

TEST_P(EarlierStore, delivers_what_was_pending_once_and_goes_on) {
  const auto is_there = [&](int number) {
    const std::set<std::string> ids = ids_at_uplink();
    const std::string ending = "/" + std::to_string(number) + "\"";
    return std::any_of(ids.begin(), ids.end(),
                       [&](const std::string& id) { return id.ends_with(ending); });
  };
  EXPECT_FALSE(is_there(96));
  constexpr int kLives = 5;  // one may end before its uplink is open
  for (int life = 0; life < kLives && !is_there(96); ++life) {
    const auto loop = recover();
    ASSERT_NE(loop, nullptr);
    ASSERT_TRUE(loop->make_workers().ok());
    auto chunk = make_chunk(make_messages(11, 20), 20);
    const size_t size = chunk->size;
    loop->queue().push(std::move(chunk), size);
    loop->start({[](uint32_t, uint64_t) {}, [] {}});
    loop->stop();
  }
  for (int number = 1; number <= 96; ++number) EXPECT_TRUE(is_there(number)) << number;
}

INSTANTIATE_TEST_SUITE_P(Formats, EarlierStore, testing::Values(1));

}  // namespace
}  // namespace wayside
