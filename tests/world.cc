#include "tests/world.h"

#include <algorithm>

namespace wayside {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kVehicles = 5;
constexpr size_t kAwayShare = 80;        // percent of the readings
constexpr auto kLook = milliseconds(1);  // how often it is looked whether the power is gone

// Small commits, files and checkpoints, so that a short life meets all that a long one does; in
// every other world the journal is so small that it is recycled; in half of those the far system is
// away at first, so that readings are thinned out.
constexpr const char* kConfig = R"toml(
max_future = "off"
fields = { n = "n", temp_c = "t" }

[[window]]
name = "w"
from = "climate"
size = "10s"
select = { readings = "count()", sum = "sum(n)", max_c = "max(temp_c)" }

[[rule]]
name = "hot"
from = "climate"
when = "temp_c > 90"

[[uplink]]
name = "disk"
raw = ["climate"]

[[uplink]]
name = "far"
raw = ["climate"]
)toml";

Config world_config(uint64_t seed, bool rules) {
  Config config = climate_config("/state", kConfig);
  if (!rules) config.rules.clear();
  StorageOptions& storage = config.storage;
  storage.file_bytes = 32 << 10;
  storage.max_bytes = seed % 2 ? 4 << 20 : 320 << 10;
  storage.wal_bytes = 64 << 10;
  storage.commit_bytes = 700;
  storage.commit_age_ms = 2;
  storage.checkpoint_bytes = 40 << 10;
  storage.retry_ms = 1;
  config.storage.anchor_ms = 1;
  for (UplinkOptions& u : config.uplinks) {
    u.linger_ms = 0;
    u.retry_min_ms = u.retry_max_ms = 1;
    u.batch_messages = 50;
    u.backlog_after = 20;
    u.file_bytes = 16 << 10;
  }
  return config;
}

// In which entry something is said depends on where the power was cut.
std::string without_cause(std::string content) {
  const size_t begin = content.find(",\"cause\":\"");
  if (begin == std::string::npos) return content;
  return content.erase(begin, content.find('"', begin + 10) + 1 - begin);
}

// Which heads of the journal are told depends on that, too.
bool is_anchor(const std::string& content) { return content.starts_with(",\"type\":\"anchor\""); }

// A line of the file uplink is {"id":"…","type":…}: its id, and the rest.
std::pair<std::string, std::string> split(const std::string& line) {
  const size_t rest = line.find("\",\"type\"");
  if (!line.starts_with("{\"id\":\"") || rest == std::string::npos) return {"", line};
  return {line.substr(7, rest - 7), without_cause(line.substr(rest + 1))};
}

}  // namespace

// ---- the far system: what it has and its mark survive whatever happens to the gateway

class World::FarSink : public Sink {
 public:
  FarSink(World& world, std::vector<Epoch> epochs) : world_(world), epochs_(std::move(epochs)) {}

  Result<Mark> open(const Mark& local) override {
    std::lock_guard lock(world_.mutex_);
    if (world_.canary_ == Canary::kMarkForgotten) return local;
    return resume_from(local, world_.far_mark_, epochs_);
  }
  bool has_backlog_lane() const override { return true; }

  Status deliver(std::span<const Message> messages, Mark& after) override {
    // The answer may be lost, before or after all was taken.
    const uint64_t luck = world_.random_luck();
    if (luck % 40 == 0 || world_.is_away()) return lost();
    const bool power = world_.disk_.with_power([&] {
      std::lock_guard lock(world_.mutex_);
      for (const Message& m : messages) world_.far_.emplace_back(m.id, split(m.value).second);
      world_.far_mark_ = after;
    });
    if (!power || luck % 40 == 1) return lost();
    return {};
  }

 private:
  static Error lost() { return {ErrorCode::kUnavailable, "the link was told to fail"}; }
  World& world_;
  std::vector<Epoch> epochs_;
};

// Tells the world how far an uplink is.
class World::WatchedSink : public Sink {
 public:
  WatchedSink(World& world, std::string name, std::unique_ptr<Sink> sink)
      : world_(world), name_(std::move(name)), sink_(std::move(sink)) {}

  Result<Mark> open(const Mark& local) override {
    Result<Mark> mark = sink_->open(local);
    if (mark.ok()) tell(*mark);
    return mark;
  }
  Status deliver(std::span<const Message> messages, Mark& after) override {
    Status status = sink_->deliver(messages, after);
    if (status.ok()) tell(after);
    return status;
  }
  bool has_backlog_lane() const override { return sink_->has_backlog_lane(); }

 private:
  void tell(const Mark& mark) {
    std::lock_guard lock(world_.mutex_);
    world_.reached_[name_] = mark;
    world_.news_.notify_all();
  }
  World& world_;
  std::string name_;
  std::unique_ptr<Sink> sink_;
};

// ---- the world

World::World(const Script& script, uint64_t seed, Canary canary)
    : script_(script),
      random_(seed),
      canary_(canary),
      disk_(seed ^ 0x9e37),
      config_(world_config(seed, script.rules)),
      away_until_(seed % 4 == 2 ? script.messages.size() * kAwayShare / 100 : 0),
      luck_(seed) {
  const auto lie = [&](auto which) { disk_.lie_about(which); };
  if (canary == Canary::kJournalUnsynced)
    lie([](const auto& p) { return p.starts_with("/state/journal/"); });
  if (canary == Canary::kStoreUnsynced)
    lie([](const auto& p) { return p.starts_with("/state/wayside.db"); });
  if (canary == Canary::kSinkUnsynced) lie([](const auto& p) { return p.ends_with(".jsonl"); });
  if (canary == Canary::kThinnedUnsynced)
    lie([](const auto& p) { return p.starts_with("/state/thinned/"); });
  if (canary == Canary::kCardLies) lie([](const auto&) { return true; });
}

uint64_t World::random_luck() {
  std::lock_guard lock(mutex_);
  return luck_();
}

Surroundings World::surroundings() {
  Surroundings around = Surroundings::system(config_);
  around.disk = &disk_;
  around.make_sink = [this](const UplinkOptions& options, std::vector<Epoch> epochs) {
    std::unique_ptr<Sink> sink;
    if (options.name == "far") {
      sink = std::make_unique<FarSink>(*this, std::move(epochs));
    } else {
      sink = make_file_sink(disk_, options, std::move(epochs));
    }
    return std::unique_ptr<Sink>(
        std::make_unique<WatchedSink>(*this, options.name, std::move(sink)));
  };
  return around;
}

Result<std::unique_ptr<Loop>> World::start() {
  try {
    return Loop::recover(config_, surroundings());
  } catch (const std::bad_alloc&) {  // a process of its own would end with it
    return Error{ErrorCode::kInternal, "out of memory"};
  }
}

World::End World::live(milliseconds patience, const std::function<void()>& look) {
  const auto begun = steady_clock::now();
  const auto refused = [&](const Error& error) {
    if (disk_.is_dark()) return End::kDark;
    noticed_.why = "no start: " + error.message;
    return End::kRefused;
  };
  reached_.clear();
  auto recovered = start();
  if (!recovered.ok()) return refused(recovered.error());
  Loop& loop = **recovered;
  if (Status made = loop.make_workers(); !made.ok()) return refused(made.error());
  slowest_start_ = std::max(slowest_start_,
                            std::chrono::duration_cast<microseconds>(steady_clock::now() - begun));
  loop.start({[this](uint32_t, uint64_t ticket) {
                // Without power no acknowledgement leaves.
                disk_.with_power([&] {
                  std::lock_guard lock(mutex_);
                  acknowledged_ = std::max<size_t>(acknowledged_, ticket);
                });
                news_.notify_all();
              },
              [] {}});
  feed(loop);
  std::unique_lock lock(mutex_);
  End end = End::kStuck;
  while (end == End::kStuck && steady_clock::now() - begun < patience) {
    if (complete(loop)) end = End::kComplete;
    lock.unlock();
    if (look) look();
    if (end == End::kStuck && disk_.is_dark()) end = End::kDark;
    lock.lock();
    if (end == End::kStuck) news_.wait_for(lock, kLook);
  }
  if (end == End::kStuck) noticed_.why = what_hangs(loop);
  lock.unlock();
  loop.stop();
  if (!loop.engine().pipeline().total().balanced()) {
    blame(&Verdict::corrupt, "the ledger of readings is not balanced", noticed_);
  }
  // What the power took with it is no part of the story.
  if (disk_.is_dark()) end = End::kDark;
  return end;
}

// The broker sends what was not acknowledged, or what it thinks was not: an acknowledgement may
// have been under way when the power went.
void World::feed(Loop& loop) {
  size_t next = 0;
  {
    std::lock_guard lock(mutex_);
    next = acknowledged_;
  }
  if (sent_ > 0) next -= std::min<size_t>(next, random_() % 30);
  while (next < script_.messages.size()) {
    std::vector<TestMessage> part;
    const size_t end = std::min(script_.messages.size(), next + 1 + random_() % 25);
    for (; next < end; ++next) {
      part.push_back(script_.messages[next]);
      part.back().duplicate = next < sent_;
    }
    sent_ = std::max(sent_, next);
    auto chunk = make_chunk(part, next);
    const size_t size = chunk->size;
    loop.queue().push(std::move(chunk), size);
    if (canary_ != Canary::kEarlyAck) continue;
    disk_.with_power([&] {
      std::lock_guard lock(mutex_);
      acknowledged_ = std::max(acknowledged_, next);
    });
  }
}

// Also without anything left to deliver, of which a sink does not hear.
bool World::is_through(const Loop& loop, const std::string& uplink, const Mark& mark) {
  if (mark.backlog.empty()) return true;
  const auto snapshot = loop.status().latest();
  if (!snapshot || snapshot->journal_entry < mark.entry) return false;
  return std::any_of(snapshot->uplinks.begin(), snapshot->uplinks.end(),
                     [&](const auto& u) { return u.name == uplink && u.pending() == 0; });
}

bool World::is_away() const {
  std::lock_guard lock(mutex_);
  return acknowledged_ < away_until_;
}

// For people, of a world that does not come to its end.
std::string World::what_hangs(const Loop& loop) const {
  std::string text = "acknowledged " + std::to_string(acknowledged_) + " of " +
                     std::to_string(script_.messages.size());
  for (const auto& [uplink, mark] : reached_) text += "; " + uplink + " at " + mark.to_text();
  const auto snapshot = loop.status().latest();
  if (!snapshot) return text;
  text += "; entry " + std::to_string(snapshot->journal_entry) + " " + snapshot->trouble;
  for (const UplinkStatus& uplink : snapshot->uplinks) {
    text += "; " + uplink.name + (uplink.connected ? " connected " : " away ") + uplink.trouble;
  }
  return text;
}

bool World::complete(const Loop& loop) const {
  if (acknowledged_ < script_.messages.size()) return false;
  for (const UplinkOptions& u : config_.uplinks) {
    const auto mark = reached_.find(u.name);
    if (mark == reached_.end() || mark->second.raw.seen < script_.messages.size()) return false;
    if (!is_through(loop, u.name, mark->second)) return false;
  }
  return true;
}

World::Messages World::lines_on_disk() {
  Messages all;
  for (const std::string& path : disk_.paths()) {
    if (!path.ends_with(".jsonl")) continue;
    const std::string text = disk_.contents(path);
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      all.push_back(split(text.substr(at, end - at)));
      at = end + 1;
    }
  }
  return all;
}

void World::blame(uint64_t Verdict::*what, const std::string& why, Verdict& verdict) {
  ++(verdict.*what);
  if (verdict.why.empty()) verdict.why = why;
}

void World::judge(const std::string& uplink, const Messages& messages, Verdict& verdict) const {
  std::set<std::string> ids;
  std::multiset<std::string> missing = script_.expected;
  for (const auto& [id, content] : messages) {
    if (!ids.insert(id).second) {
      blame(&Verdict::duplicates, uplink + ": id " + id + " twice", verdict);
      continue;
    }
    // What a journal that is recycled costs is told; how much that is depends on the moment.
    if (content.starts_with(",\"type\":\"incident\",\"block\":\"lost\"")) continue;
    if (is_anchor(content)) continue;
    const auto at = missing.find(content);
    if (at != missing.end()) {
      missing.erase(at);
    } else if (script_.expected.contains(content)) {
      blame(&Verdict::duplicates, uplink + ": twice, as " + id + ": " + content, verdict);
    } else {
      blame(&Verdict::corrupt, uplink + ": unexpected " + id + ": " + content, verdict);
    }
  }
  const auto mark = reached_.find(uplink);
  const uint64_t dropped =
      mark == reached_.end() ? 0 : mark->second.dropped + mark->second.compacted;
  if (missing.size() <= dropped) return;
  for (uint64_t n = missing.size() - dropped; n > 0; --n) {
    blame(&Verdict::lost, uplink + ": never came: " + *missing.begin(), verdict);
  }
}

World::Verdict World::verdict() {
  Verdict verdict = noticed_;
  judge("disk", lines_on_disk(), verdict);
  judge("far", far_, verdict);
  for (const std::string& path : disk_.paths()) {
    if (path.find(".bad") != std::string::npos) {
      blame(&Verdict::corrupt, "set aside: " + path, verdict);
    }
  }
  return verdict;
}

World::Verdict& World::Verdict::operator+=(const Verdict& o) {
  lost += o.lost;
  duplicates += o.duplicates;
  corrupt += o.corrupt;
  if (why.empty()) why = o.why;
  return *this;
}

Script make_script(uint64_t seed, size_t readings, bool rules) {
  Script script;
  script.rules = rules;
  std::mt19937_64 random(seed);
  int64_t clock_ms[kVehicles] = {};
  for (size_t n = 1; n <= readings; ++n) {
    const size_t vehicle = random() % kVehicles;
    clock_ms[vehicle] += static_cast<int64_t>(random() % 2'000);
    script.messages.push_back({"fleet/v" + std::to_string(vehicle) + "/climate",
                               "{\"ts\":" + std::to_string(clock_ms[vehicle]) +
                                   ",\"n\":" + std::to_string(n) +
                                   ",\"t\":" + std::to_string(random() % 100) + "}",
                               static_cast<uint16_t>(1 + n % 60'000)});
  }
  World world(script, seed | 1);  // with room for everything
  if (world.live(std::chrono::seconds(60)) != World::End::kComplete) {
    throw std::runtime_error("the undisturbed world did not come to its end");
  }
  for (const auto& [id, content] : world.far_) {
    if (!is_anchor(content)) script.expected.insert(content);
  }
  return script;
}

}  // namespace wayside
