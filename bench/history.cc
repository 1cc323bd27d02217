// How fast history answers: a journal of three days by the real writer, then one key, one hour.
// history_bench DIR [READINGS]: DIR is made, and taken away in the end. A JSON line a figure.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "firmware-gw/engine.h"
#include "firmware-gw/sql.h"
#include "storage/history_index.h"

namespace wayside {
namespace {

using std::chrono::steady_clock;

constexpr size_t kKeys = 200;
constexpr int64_t kPerSecond = 100;
constexpr int64_t kGroupMs = 2'000;  // storage.commit_age
constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr int64_t kDisorderMs = 5'000;
constexpr int64_t kHourMs = 3'600'000;
constexpr int kQuestions = 15;

constexpr const char* kConfig = R"toml(
[[mqtt]]
name = "local"
url = "mqtt://127.0.0.1"
[[source]]
name = "climate"
topic = "fleet/{vehicle}/climate"
key = "vehicle"
time = { field = "ts", unit = "ms" }
max_future = "off"
fields = { temp_c = "t", speed = "s", door = { path = "d", type = "text" } }
)toml";

void figure(const char* name, double value, const char* unit) {
  std::printf("{\"name\": \"history.%s\", \"value\": %.4g, \"unit\": \"%s\"}\n", name, value, unit);
  std::fflush(stdout);
}

double seconds_since(steady_clock::time_point begun) {
  return std::chrono::duration<double>(steady_clock::now() - begun).count();
}

[[noreturn]] void fail(const Error& error) {
  std::fprintf(stderr, "history_bench: %s\n", error.message.c_str());
  std::exit(1);
}

// The board's disk, but nothing waits for the device: what is measured here is read later.
class UnsyncedFile : public File {
 public:
  explicit UnsyncedFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
  Status write_at(uint64_t at, std::string_view bytes) override {
    return file_->write_at(at, bytes);
  }
  Result<size_t> read_at(uint64_t at, char* into, size_t n) override {
    return file_->read_at(at, into, n);
  }
  Status sync_data() override { return {}; }
  Status truncate(uint64_t size) override { return file_->truncate(size); }
  Result<uint64_t> size() override { return file_->size(); }

 private:
  std::unique_ptr<File> file_;
};

class UnsyncedDisk : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override {
    WS_ASSIGN(auto file, disk_.open(path, mode));
    return std::unique_ptr<File>(new UnsyncedFile(std::move(file)));
  }
  Status rename(const std::string& from, const std::string& to) override {
    return disk_.rename(from, to);
  }
  Status remove(const std::string& path) override { return disk_.remove(path); }
  Status make_dirs(const std::string& path) override { return disk_.make_dirs(path); }
  Status sync_dir(const std::string&) override { return {}; }
  Result<std::vector<std::string>> list(const std::string& path) override {
    return disk_.list(path);
  }
  Result<uint64_t> free_bytes(const std::string& path) override { return disk_.free_bytes(path); }

 private:
  Disk& disk_ = posix_disk();
};

// A fleet that sends by turns, up to five seconds late; the temperature walks.
class Fleet {
 public:
  explicit Fleet(Engine& engine) : group_(engine.admission().make_group()) {
    for (size_t k = 0; k < kKeys; ++k) names_.push_back("truck-" + std::to_string(k));
  }

  Group& next_group(int64_t begin_ms) {
    group_.clear();
    ReadingBatch& batch = group_.batches.front();
    const auto rows = static_cast<uint32_t>(kPerSecond * kGroupMs / 1'000);
    for (uint32_t i = 0; i < rows; ++i) {
      const size_t k = (next_++) % kKeys;
      batch.times.push_back(begin_ms + int64_t{i} * kGroupMs / rows -
                            static_cast<int64_t>(random_() % kDisorderMs));
      batch.columns[0].texts.push_back(batch.texts.intern(names_[k]));
      batch.columns[1].numbers.push_back(
          std::round(40 * std::sin(double(next_ / kKeys + k) / 300)) / 10);
      batch.columns[2].numbers.push_back(double(random_() % 900) / 10);
      batch.columns[3].texts.push_back(batch.texts.intern(random_() % 50 == 0 ? "open" : "closed"));
    }
    group_.turns.push_back({{begin_ms + kGroupMs, begin_ms + kGroupMs}, {{0, 0, rows}}});
    return group_;
  }

 private:
  Group group_;
  std::vector<std::string> names_;
  uint64_t next_ = 0;
  std::mt19937_64 random_{1};
};

int64_t write_journal(const Config& config, uint64_t readings) {
  auto engine = Engine::make(config, {});
  if (!engine.ok()) fail(engine.error());
  UnsyncedDisk disk;
  JournalOptions options;
  options.dir = config.gateway.state_dir + "/journal";
  options.max_bytes = UINT64_MAX;
  auto journal = Journal::open(disk, options);
  if (!journal.ok()) fail(journal.error());
  Fleet fleet(**engine);
  std::string block;
  int64_t at_ms = kStartMs;
  const auto begun = steady_clock::now();
  for (uint64_t done = 0; done < readings; at_ms += kGroupMs) {
    Group& group = fleet.next_group(at_ms);
    done += group.rows();
    block.clear();
    encode_group(group, (*engine)->schemas(), {}, block);
    const Status status = (*journal)->append(engine_stamp(), at_ms + kGroupMs, {}, block);
    if (!status.ok()) fail(status.error());
  }
  figure("written.readings", double(readings), "1");
  figure("written.seconds", seconds_since(begun), "s");
  figure("written.bytes", double((*journal)->bytes_written()), "B");
  return at_ms;
}

void make_indexes(const Config& config) {
  const auto begun = steady_clock::now();
  KnownIndexes known;
  while (true) {
    const auto more =
        index_some(posix_disk(), config.gateway.state_dir, 0, known, [] { return true; });
    if (!more.ok()) fail(more.error());
    if (!*more) break;
  }
  uint64_t bytes = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(history_dir(config.gateway.state_dir)))
    bytes += entry.file_size();
  figure("index.seconds_per_file", seconds_since(begun) / double(known.there.size()), "s");
  figure("index.bytes", double(bytes), "B");
}

double ask(const Config& config, const std::string& sql, uint64_t rows_min, uint64_t rows_max) {
  const auto begun = steady_clock::now();
  SqlQuestion question{sql, true, {std::chrono::minutes(10), 256 << 20}};
  const auto answer = answer_sql(config, question, [](std::string_view) {});
  const double seconds = seconds_since(begun);
  if (!answer.ok()) fail(answer.error());
  if (answer->rows < rows_min || answer->rows > rows_max) {
    fail({ErrorCode::kInternal, sql + ": " + std::to_string(answer->rows) + " rows"});
  }
  return seconds;
}

// One hour's entries read and decoded, and nothing else: what any answer from the journal takes.
double read_hour(const Config& config, uint64_t first) {
  auto engine = Engine::make(config, {});
  if (!engine.ok()) fail(engine.error());
  const auto begun = steady_clock::now();
  JournalReader reader(posix_disk(), config.gateway.state_dir + "/journal");
  uint64_t oldest = 0;
  if (auto there = reader.seek(first, oldest); !there.ok()) fail(there.error());
  JournalEntry entry;
  for (int64_t n = 0; n < kHourMs / kGroupMs; ++n) {
    if (auto there = reader.next(entry); !there.ok()) fail(there.error());
    Group group = (*engine)->admission().make_group();
    if (Status s = decode_group(entry.block, (*engine)->schemas(), {}, group); !s.ok())
      fail(s.error());
  }
  return seconds_since(begun);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void measure(const Config& config, int64_t end_ms) {
  std::mt19937_64 random(2);
  std::vector<double> answers, floors;
  const int64_t hours = (end_ms - kStartMs) / kHourMs;
  for (int i = 0; i < kQuestions; ++i) {
    const int64_t hour = static_cast<int64_t>(random() % static_cast<uint64_t>(hours));
    const int64_t from_ms = kStartMs + hour * kHourMs;
    const std::string sql =
        "SELECT time, temp_c, speed, door FROM climate WHERE vehicle = 'truck-" +
        std::to_string(random() % kKeys) + "' AND time >= " + std::to_string(from_ms) +
        " AND time < " + std::to_string(from_ms + kHourMs) + " ORDER BY time";
    constexpr uint64_t kRows = kHourMs / 1'000 * kPerSecond / kKeys;
    answers.push_back(ask(config, sql, kRows - 5, kRows + 5));
    floors.push_back(read_hour(config, static_cast<uint64_t>(hour * kHourMs / kGroupMs) + 1));
  }
  figure("key_hour.seconds", median(answers), "s");
  figure("key_hour.seconds_max", *std::max_element(answers.begin(), answers.end()), "s");
  figure("key_hour.ratio_to_floor", median(answers) / median(floors), "ratio");
  figure("count_all.seconds", ask(config, "SELECT count(*), avg(temp_c) FROM climate", 1, 1), "s");
  for (const auto& entry :
       std::filesystem::directory_iterator(history_dir(config.gateway.state_dir)))
    std::filesystem::remove(entry.path());
  const std::string last =
      "SELECT * FROM climate WHERE key = 'truck-7' AND time > " + std::to_string(end_ms - kHourMs);
  figure("key_hour_without_index.seconds", ask(config, last, 1, 1'000'000), "s");
}

int run(int argc, char** argv) {
  if (argc < 2) fail({ErrorCode::kUsage, "expected history_bench DIR [READINGS]"});
  const std::string dir = argv[1];
  const uint64_t readings = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 26'000'000;
  std::vector<ConfigError> errors;
  auto config =
      parse_config(std::string("[gateway]\nid = \"bench\"\n") + kConfig, "bench.toml", errors);
  if (!config) fail({ErrorCode::kConfig, errors.front().to_text()});
  config->gateway.state_dir = dir;
  if (std::filesystem::exists(dir)) fail({ErrorCode::kUsage, dir + " is there already"});
  const int64_t end_ms = write_journal(*config, readings);
  make_indexes(*config);
  measure(*config, end_ms);
  std::filesystem::remove_all(dir);
  return 0;
}

}  // namespace
}  // namespace wayside

int main(int argc, char** argv) { return wayside::run(argc, argv); }
