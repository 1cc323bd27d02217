// A store that its own past catches up with: restored from a copy that is older than what its
// uplink has. The uplink's folder is elsewhere and stays.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <set>

#include "firmware-gw/loop.h"
#include "tests/messages.h"
#include "tests/temp_folder.h"

namespace wayside {
namespace {

namespace fs = std::filesystem;

// Tells when it was opened for the first time.
class TellingSink : public Sink {
 public:
  TellingSink(std::unique_ptr<Sink> sink, std::promise<void>* opened)
      : sink_(std::move(sink)), opened_(opened) {}
  Result<Mark> open(const Mark& local) override {
    Result<Mark> mark = sink_->open(local);
    if (std::promise<void>* opened = std::exchange(opened_, nullptr)) opened->set_value();
    return mark;
  }
  Status deliver(std::span<const Message> messages, Mark& after) override {
    return sink_->deliver(messages, after);
  }

 private:
  std::unique_ptr<Sink> sink_;
  std::promise<void>* opened_;
};

class Rollback : public testing::Test {
 protected:
  using Messages = std::vector<TestMessage>;

  // A life over these messages. With `renewed` they come once a new epoch has begun.
  void live(const std::string& folder, const Messages& messages, bool renewed = false) {
    Config config = small_config(folder + "/state");
    config.uplinks[0].dir = folder + "/out";
    config.storage.commit_age_ms = 1;
    Surroundings around = Surroundings::system(config);
    std::promise<void> opened;
    around.make_sink = [&](const UplinkOptions& options, std::vector<Epoch> epochs) {
      const bool first = epochs.size() == epochs_;
      epochs_ = epochs.size();
      auto sink = make_file_sink(posix_disk(), options, std::move(epochs));
      return std::make_unique<TellingSink>(std::move(sink), renewed && first ? nullptr : &opened);
    };
    auto recovered = Loop::recover(config, around);
    ASSERT_TRUE(recovered.ok()) << recovered.error().message;
    Loop& loop = **recovered;
    ASSERT_TRUE(loop.make_workers().ok());
    loop.start({[](uint32_t, uint64_t) {}, [] {}, {}});
    opened.get_future().wait();  // at its end a life does not open what is not open
    auto chunk = make_chunk(messages, messages.size());
    const size_t size = chunk->size;
    loop.queue().push(std::move(chunk), size);
    loop.stop();
    for (const UplinkStatus& u : loop.status().latest()->uplinks) {
      EXPECT_TRUE(u.balanced());
      EXPECT_EQ(u.pending(), 0u);
    }
  }

  static std::vector<std::string> lines(const std::string& folder) {
    std::vector<std::string> all;
    for (const auto& file : fs::directory_iterator(folder + "/out")) {
      if (file.path().extension() != ".jsonl") continue;
      std::ifstream in(file.path());
      for (std::string line; std::getline(in, line);) all.push_back(line);
    }
    return all;
  }
  // Readings without their ids.
  static std::multiset<std::string> readings(const std::string& folder) {
    std::multiset<std::string> all;
    for (const std::string& line : lines(folder)) {
      const size_t type = line.find(",\"type\":\"reading\"");
      if (type != std::string::npos) all.insert(line.substr(type));
    }
    return all;
  }

  size_t epochs_ = 1;  // that a sink was made with
  TempFolder folder_;
  const Messages messages_ = make_messages(11, 300);
};

TEST_F(Rollback, begins_an_epoch_and_goes_on_and_gives_no_id_twice) {
  const auto part = [&](size_t i) {
    return Messages(messages_.begin() + ptrdiff_t(100 * i),
                    messages_.begin() + ptrdiff_t(100 * i + 100));
  };
  const std::string straight = folder_ / "straight";
  const std::string rolled = folder_ / "rolled";
  for (size_t i = 0; i < 3; ++i) live(straight, part(i));

  live(rolled, part(0));
  fs::copy(rolled + "/state", rolled + "/saved", fs::copy_options::recursive);
  live(rolled, part(1));
  fs::remove_all(rolled + "/state");
  fs::copy(rolled + "/saved", rolled + "/state", fs::copy_options::recursive);
  live(rolled, part(2), true);

  EXPECT_EQ(readings(rolled), readings(straight));
  std::set<std::string> ids;
  size_t incidents = 0;
  for (const std::string& line : lines(rolled)) {
    EXPECT_TRUE(ids.insert(line.substr(0, line.find(','))).second) << line;
    incidents += line.find("\"block\":\"new_epoch\"") != std::string::npos;
  }
  EXPECT_EQ(incidents, 1u);
  // And once more, from the lines alone: the sink's own mark is lost.
  fs::remove(rolled + "/out/mark");
  const size_t before = lines(rolled).size();
  live(rolled, {});
  EXPECT_EQ(lines(rolled).size(), before);
}

}  // namespace
}  // namespace wayside
