// Damages what lies on disk, in many ways, and starts the gateway on it: `./dev damage N`. State
// folders of a few kinds are made by the real loop; of each mutation it checks that the loop
// starts, keeps every entry that was not damaged, gives nothing twice, and says what is lost.
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>

#include "firmware-gw/loop.h"
#include "tests/messages.h"

namespace wayside {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr auto kStartMax = std::chrono::seconds(10);
constexpr size_t kMessages = 1'200;
constexpr size_t kMore = 60;  // of the messages are fed after the damage
constexpr int kLivesMax = 4;

// ---- a sink beyond the network, with a mark of its own

struct Remote {
  std::mutex mutex;
  std::optional<Mark> mark;
  std::vector<std::string> ids;
  bool away = false;
  // Of sinks, whether that went well or not: who stops before never sees them deliver.
  size_t opened = 0;
  std::condition_variable some_opened;

  void count_opened() {
    std::lock_guard lock(mutex);
    ++opened;
    some_opened.notify_all();
  }
  void await_opened(size_t n) {
    std::unique_lock lock(mutex);
    some_opened.wait_for(lock, std::chrono::seconds(10), [&] { return opened >= n; });
    opened = 0;
  }
};

// Tells when it was opened.
class ToldSink : public Sink {
 public:
  ToldSink(Remote& remote, std::unique_ptr<Sink> sink) : remote_(remote), sink_(std::move(sink)) {}
  Result<Mark> open(const Mark& local) override {
    auto mark = sink_->open(local);
    remote_.count_opened();
    return mark;
  }
  Status deliver(std::span<const Message> messages, Mark& after) override {
    return sink_->deliver(messages, after);
  }

 private:
  Remote& remote_;
  std::unique_ptr<Sink> sink_;
};

class RemoteSink : public Sink {
 public:
  RemoteSink(Remote& remote, std::vector<Epoch> epochs)
      : remote_(remote), epochs_(std::move(epochs)) {}
  Result<Mark> open(const Mark& local) override {
    std::lock_guard lock(remote_.mutex);
    if (remote_.away) return Error{ErrorCode::kUnavailable, "no network"};
    if (!remote_.mark) return local;
    const auto ours = in_last_epoch(*remote_.mark, epochs_);
    return ours && ours->delivered + ours->dropped >= local.delivered + local.dropped ? *ours
                                                                                      : local;
  }
  Status deliver(std::span<const Message> messages, Mark& after) override {
    std::lock_guard lock(remote_.mutex);
    if (remote_.away) return Error{ErrorCode::kUnavailable, "no network"};
    for (const Message& m : messages) remote_.ids.push_back(m.id);
    remote_.mark = after;
    return {};
  }

 private:
  Remote& remote_;
  std::vector<Epoch> epochs_;
};

Surroundings surroundings(const Config& config, Remote& remote) {
  Surroundings around = Surroundings::system(config);
  around.make_sink = [&remote, file = around.make_sink](const UplinkOptions& options,
                                                        std::vector<Epoch> epochs) {
    std::unique_ptr<Sink> sink;
    if (options.name == "remote") {
      sink = std::make_unique<RemoteSink>(remote, std::move(epochs));
    } else {
      sink = file(options, std::move(epochs));
    }
    return std::unique_ptr<Sink>(std::make_unique<ToldSink>(remote, std::move(sink)));
  };
  return around;
}

// ---- states to damage

struct Entry {
  uint64_t sequence = 0;
  Digest hash{};
  std::string file;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  size_t readings = 0;
  std::string epoch;
};

struct State {
  std::string name;
  std::string dir;
  bool recycled = false;
  bool clean = true;
  std::vector<TestMessage> rest;
  std::optional<Mark> mark;
  std::vector<std::string> ids;  // delivered to the remote sink
  std::vector<Entry> entries;
  uint64_t said = 0;    // emissions
  uint64_t stored = 0;  // the last entry that the store knows of
  uint64_t dropped = 0;
  std::string epoch;
};

// `small`: the journal is recycled; while the state is made, that is, for nobody can tell what is
// lost by damage from what is dropped at a limit.
Config config_of(const std::string& dir, bool small = false) {
  Config config = small_config(dir);
  config.storage.file_bytes = 16 * kJournalPage;
  config.storage.max_bytes = (small ? 3 : 400) * config.storage.file_bytes;
  config.storage.commit_bytes = 600;
  config.storage.checkpoint_bytes = 40'000;
  config.uplinks.push_back(config.uplinks.front());
  config.uplinks.back().name = "remote";
  config.uplinks.back().retry_min_ms = 1;
  config.uplinks.front().dir = dir + "/out/centre";
  for (UplinkOptions& u : config.uplinks) u.linger_ms = 1;
  return config;
}

using Release = std::function<void(uint64_t ticket)>;

void feed(Loop& loop, Remote& remote, const std::vector<TestMessage>& messages,
          const Release& release) {
  constexpr size_t kChunk = 10;
  for (size_t i = 0; i < messages.size(); i += kChunk) {
    const size_t end = std::min(messages.size(), i + kChunk);
    auto chunk =
        make_chunk({messages.begin() + ptrdiff_t(i), messages.begin() + ptrdiff_t(end)}, end);
    const size_t size = chunk->size;
    loop.queue().push(std::move(chunk), size);
  }
  loop.start({[&](uint32_t, uint64_t ticket) {
                if (release) release(ticket);
              },
              [] {}});
  remote.await_opened(2);
  loop.stop();
}

void fail(const std::string& text) {
  std::fprintf(stdout, "%s\n", text.c_str());
  std::exit(1);
}

std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

// All entries of the journal.
std::vector<Entry> entries_of(const std::string& dir, const Config& config) {
  std::vector<Entry> all;
  auto engine = Engine::make(config, {"centre", "remote"});
  JournalReader reader(posix_disk(), dir + "/journal");
  uint64_t oldest = 0;
  if (!reader.seek(1, oldest).ok()) fail("the journal cannot be read");
  JournalEntry entry;
  while (*reader.next(entry)) {
    Group group = (*engine)->admission().make_group();
    Entry e{entry.sequence, entry.hash, "", 0, 0, 0, ""};
    if (decode_group(entry.block, (*engine)->schemas(), (*engine)->connections(), group).ok()) {
      e.readings = group.rows();
    }
    all.push_back(e);
  }
  return all;
}

// Where they lie.
void locate(const std::string& dir, std::vector<Entry>& all) {
  for (const auto& file : fs::directory_iterator(dir + "/journal")) {
    const std::string bytes = read_all(file.path());
    for (uint64_t at = kJournalPage; at + sizeof(EntryHeader) <= bytes.size(); at += kJournalPage) {
      EntryHeader h;
      std::memcpy(&h, bytes.data() + at, sizeof h);
      if (h.magic != EntryHeader::kMagic || at + h.total() > bytes.size()) continue;
      const auto payload = std::string_view(bytes).substr(at + sizeof h, h.payload_bytes);
      if (h.crc_of(payload) != h.crc) continue;
      for (Entry& e : all) {
        if (e.hash != h.hash_of(payload)) continue;
        e.file = "journal/" + file.path().filename().string();
        e.offset = at;
        e.bytes = h.total();
      }
    }
  }
}

State make_state(const std::string& root, const std::string& name, bool recycled, bool clean,
                 bool away, uint64_t seed) {
  State state;
  state.name = name;
  state.dir = root + "/" + name;
  state.recycled = recycled;
  state.clean = clean;
  const std::vector<TestMessage> messages = make_messages(seed, kMessages);
  const size_t cut = messages.size() - kMore;
  const std::string live = state.dir + "-live";
  Remote remote;
  const auto copy = [&](size_t fed) {
    fs::remove_all(state.dir);
    fs::copy(live, state.dir, fs::copy_options::recursive);
    std::lock_guard lock(remote.mutex);
    state.mark = remote.mark;
    state.ids = remote.ids;
    state.rest.assign(messages.begin() + ptrdiff_t(fed), messages.end());
  };
  size_t done = 0;
  for (size_t life = 1; life <= 3; ++life) {
    const Config config = config_of(live, state.recycled);
    auto loop = Loop::recover(config, surroundings(config, remote));
    if (!loop.ok() || !(*loop)->make_workers().ok()) fail("a sound state does not start");
    remote.away = away && life == 3;
    const size_t upto = cut * life / 3;
    const std::vector<TestMessage> part(messages.begin() + ptrdiff_t(done),
                                        messages.begin() + ptrdiff_t(upto));
    bool copied = false;
    feed(**loop, remote, part, [&](uint64_t ticket) {
      if (clean || life < 3 || copied || ticket < part.size() * 2 / 3) return;
      copied = true;  // as if the process was killed between journal and store
      copy(done + ticket);
    });
    done = upto;
  }
  if (clean) copy(cut);
  fs::remove_all(live);

  const Config config = config_of(state.dir);
  state.entries = entries_of(state.dir, config);
  locate(state.dir, state.entries);
  {  // how many emissions it has said, and in which epoch
    const std::string again = state.dir + "-again";
    fs::copy(state.dir, again, fs::copy_options::recursive);
    {
      auto store = Store::open(posix_disk(), again);
      auto from = (*store)->recover();
      state.stored = std::max(from->checkpoint.at.entry, from->outbox.entry);
      for (const auto& [uplink, mark] : from->marks) {
        state.stored = std::max(state.stored, mark.raw.entry);
      }
      state.epoch = from->epochs.back().name;
    }
    const Config other = config_of(again);
    auto loop = Loop::recover(other, surroundings(other, remote));
    if (!loop.ok()) fail("a sound state does not start");
    if (!(*loop)->damage().empty()) fail("a sound state is told to be damaged");
    state.said = (*loop)->engine().emissions().last_sequence();
    loop->reset();
    fs::remove_all(again);
  }
  return state;
}

// ---- damage

std::vector<std::string> files_in(const std::string& dir) {
  std::vector<std::string> files;
  for (const auto& file : fs::recursive_directory_iterator(dir)) {
    if (file.is_regular_file()) files.push_back(fs::relative(file.path(), dir).string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// What was done, for people.
std::string mutate(const std::string& dir, std::mt19937_64& random) {
  const auto below = [&](size_t n) { return n == 0 ? 0 : size_t(random() % n); };
  const std::vector<std::string> files = files_in(dir);
  const size_t what = below(20);
  if (what == 0) {
    for (const char* rest : {"", "-wal", "-shm"}) fs::remove(dir + "/wayside.db" + rest);
    return "delete wayside.db and its log";
  }
  std::string file = files[below(files.size())];
  if (what < 4) file = "wayside.db";
  const std::string path = dir + "/" + file;
  if (what == 4) {
    fs::remove(path);
    return "delete " + file;
  }
  if (what == 5) {
    char name[40];
    std::snprintf(name, sizeof name, "/journal/%016llx.wsj",
                  static_cast<unsigned long long>(1 + below(300)));
    if (file.starts_with("journal/") && !fs::exists(dir + name)) fs::copy_file(path, dir + name);
    return "copy " + file + " to " + name;
  }
  if (what == 6) {
    fs::remove(path);
    fs::create_directory(path);
    return "a folder in the place of " + file;
  }
  std::string bytes = read_all(path);
  const size_t at = below(bytes.size());
  // From a bit to all of it, each size as likely.
  const size_t size = std::min(bytes.size() - at, size_t{1} << below(18));
  std::string done;
  switch (below(5)) {
    case 0:
    case 1:
      if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
      done = "flip a bit";
      break;
    case 2:
      std::fill_n(bytes.begin() + ptrdiff_t(at), size, '\0');
      done = "zero " + std::to_string(size) + " bytes";
      break;
    case 3:
      std::generate_n(bytes.begin() + ptrdiff_t(at), size, [&] { return char(random()); });
      done = "randomise " + std::to_string(size) + " bytes";
      break;
    default:
      bytes.resize(at);
      done = "cut";
  }
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  return done + " of " + file + " at " + std::to_string(at);
}

// ---- the checks

struct Totals {
  uint64_t mutations = 0;
  uint64_t not_started = 0;
  uint64_t entries_undamaged = 0;
  uint64_t entries_kept = 0;
  uint64_t unreported = 0;
  uint64_t unprovable = 0;
  uint64_t duplicates = 0;
  uint64_t unbalanced = 0;
  int64_t slowest_ms = 0;
};

class Trial {
 public:
  Trial(const State& state, const std::string& dir, Totals& totals)
      : state_(state), dir_(dir), config_(config_of(dir)), totals_(totals) {
    remote_.mark = state.mark;
    remote_.ids = state.ids;
  }

  // What is wrong, "" if nothing is.
  std::string run() {
    for (const Entry& e : state_.entries) {
      if (is_whole(e)) whole_.insert(e.sequence);
    }
    std::string wrong;
    std::vector<TestMessage> rest = state_.rest;
    std::string store_damage;
    std::shared_ptr<const Snapshot> last;
    for (int life = 1; life <= kLivesMax; ++life) {
      const auto begun = steady_clock::now();
      auto loop = Loop::recover(config_, surroundings(config_, remote_), store_damage);
      Status made;
      if (loop.ok()) made = (*loop)->make_workers();
      const auto took = steady_clock::now() - begun;
      totals_.slowest_ms =
          std::max(totals_.slowest_ms,
                   int64_t(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
      if (!loop.ok() || !made.ok() || took > kStartMax) {
        ++totals_.not_started;
        return "does not start: " + (!loop.ok()   ? loop.error().message
                                     : !made.ok() ? made.error().message
                                                  : "slow");
      }
      for (const Damage& d : (*loop)->damage()) {
        damage_.push_back(d.what);
        told_ |= d.kind == Damage::Kind::kLoss;
        torn_ |= d.kind == Damage::Kind::kTorn;
      }
      if (life == 1) check_kept(wrong);
      uint64_t acknowledged = 0;
      feed(**loop, remote_, rest, [&](uint64_t ticket) { acknowledged = ticket; });
      rest.erase(rest.begin(), rest.begin() + ptrdiff_t(acknowledged));
      last = (*loop)->status().latest();
      store_damage = (*loop)->store_damage();
      if (store_damage.empty() && is_drained(*last)) break;
      if (store_damage.empty()) continue;
      damage_.push_back("at run time: " + store_damage);
    }
    if (!store_damage.empty()) wrong += "the store stays damaged: " + store_damage + "; ";
    if (!rest.empty()) wrong += std::to_string(rest.size()) + " messages were not taken; ";
    check_ledgers(*last, wrong);
    check_delivered(wrong);
    return wrong;
  }
  const std::vector<std::string>& damage() const { return damage_; }

 private:
  bool is_whole(const Entry& e) const {
    const std::string path = dir_ + "/" + e.file;
    if (!fs::is_regular_file(path)) return false;
    const std::string now = read_all(path);
    const std::string then = read_all(state_.dir + "/" + e.file);
    return now.size() >= e.offset + e.bytes &&
           now.compare(e.offset, e.bytes, then, e.offset, e.bytes) == 0;
  }

  void check_kept(std::string& wrong) {
    std::map<uint64_t, Digest> found;
    for (const Entry& e : entries_of(dir_, config_)) found[e.sequence] = e.hash;
    const uint64_t oldest = oldest_file();
    for (const Entry& e : state_.entries) {
      if (!whole_.contains(e.sequence)) continue;
      // A journal at its limit gives up its oldest file when it begins a new one.
      if (state_.recycled && e.sequence < oldest) continue;
      ++totals_.entries_undamaged;
      const bool kept = found.contains(e.sequence) && found[e.sequence] == e.hash;
      totals_.entries_kept += kept;
      if (!kept) wrong += "entry " + std::to_string(e.sequence) + " is not kept; ";
    }
  }
  uint64_t oldest_file() const {
    auto firsts = first_sequences(posix_disk(), dir_ + "/journal");
    return firsts.ok() && firsts->size() >= 3 ? firsts->front() : 0;
  }

  static bool is_drained(const Snapshot& last) {
    return std::all_of(last.uplinks.begin(), last.uplinks.end(),
                       [](const UplinkStatus& u) { return u.pending() == 0; });
  }

  void check_ledgers(const Snapshot& last, std::string& wrong) {
    bool good = last.total.balanced();
    for (const UplinkStatus& u : last.uplinks) {
      dropped_ += u.dropped;
      const bool balanced = u.balanced() && (u.pending() == 0 || !u.connected);
      if (!balanced) {
        wrong += u.name + ": emitted " + std::to_string(u.emitted) + ", delivered " +
                 std::to_string(u.delivered) + ", dropped " + std::to_string(u.dropped) + "; ";
      }
      good = good && balanced;
      if (!u.trouble.empty()) wrong += u.name + ": " + u.trouble + "; ";
    }
    totals_.unbalanced += !good;
  }

  void check_delivered(std::string& wrong) {
    std::set<std::string> got;
    for (const std::string& id : remote_.ids) {
      if (got.insert(id).second) continue;
      ++totals_.duplicates;
      wrong += id + " came twice; ";
    }
    std::set<std::string> lines;
    for (const std::string& file : files_in(dir_)) {
      if (!file.ends_with(".jsonl")) continue;
      // A line that was damaged may have got another one's id.
      const std::string then = read_all(state_.dir + "/" + file);
      std::ifstream in(dir_ + "/" + file);
      size_t at = 0;
      for (std::string line; std::getline(in, line); at += line.size() + 1) {
        if (!line.starts_with("{\"id\":\"truck-17/") || !line.ends_with("}")) continue;
        if (at < then.size() && then.find(line) == std::string::npos) continue;
        const std::string id = line.substr(7, line.find('"', 7) - 7);
        if (lines.insert(id).second) continue;
        ++totals_.duplicates;
        wrong += id + " is twice in the file; ";
      }
    }
    const std::string stem = "truck-17/" + state_.epoch + "/";
    size_t missing = 0;
    std::string first;
    const auto expect = [&](const std::string& id) {
      if (got.contains(id)) return;
      if (missing++ == 0) first = id;
    };
    for (uint64_t n = 1; n <= state_.said; ++n) expect(stem + std::to_string(n));
    const size_t emissions = missing;
    bool only_last = emissions == 0;
    for (const Entry& e : state_.entries) {
      const size_t before = missing;
      for (size_t row = 0; row < e.readings; ++row) {
        expect(stem + std::to_string(e.sequence) + "." + std::to_string(row));
      }
      if (missing == before) continue;
      only_last = only_last && &e == &state_.entries.back() && e.sequence > state_.stored;
      if (!whole_.contains(e.sequence)) continue;
      wrong += "readings of entry " + std::to_string(e.sequence) + " were not delivered; ";
    }
    if (missing == 0 || told_ || dropped_ > 0) return;
    if (torn_ && missing - emissions <= state_.entries.back().readings) return;
    // The last entry of a killed process, overwritten as if it had never been written: no byte is
    // left on the disk that knows of it.
    if (whole_.size() + 1 == state_.entries.size() &&
        !whole_.contains(state_.entries.back().sequence) &&
        state_.entries.back().sequence > state_.stored) {
      ++totals_.unprovable;
      return;
    }
    ++totals_.unreported;
    wrong += std::to_string(missing) + " events are missing and nobody was told, the first is " +
             first + "; ";
  }

  const State& state_;
  std::string dir_;
  Config config_;
  Totals& totals_;
  Remote remote_;
  std::set<uint64_t> whole_;
  std::vector<std::string> damage_;
  bool told_ = false;
  bool torn_ = false;
  uint64_t dropped_ = 0;
};

int run(uint64_t mutations, uint64_t seed, std::optional<uint64_t> only) {
  const std::string root =
      "/dev/shm/wayside-damage-" + std::to_string(static_cast<long>(::getpid()));
  fs::remove_all(root);
  fs::create_directories(root);
  std::vector<State> states;
  states.push_back(make_state(root, "whole", false, true, false, seed));
  states.push_back(make_state(root, "whole-killed", false, false, false, seed + 1));
  states.push_back(make_state(root, "recycled", true, true, false, seed + 2));
  states.push_back(make_state(root, "recycled-killed", true, false, false, seed + 3));
  states.push_back(make_state(root, "whole-offline", false, true, true, seed + 4));
  states.push_back(make_state(root, "recycled-offline", true, true, true, seed + 5));

  Totals totals;
  uint64_t bad = 0;
  for (uint64_t i = 0; i < mutations; ++i) {
    if (only && i != *only) continue;
    std::mt19937_64 random(seed * 1'000'003 + i);
    const State& state = states[i % states.size()];
    const std::string dir = root + "/damaged";
    fs::remove_all(dir);
    fs::copy(state.dir, dir, fs::copy_options::recursive);
    const std::string what = mutate(dir, random);
    ++totals.mutations;
    Trial trial(state, dir, totals);
    const std::string wrong = trial.run();
    if (wrong.empty() && !only) continue;
    ++bad;
    if (bad > 20) continue;
    std::printf("mutation %llu of %s: %s\n  wrong: %s\n", static_cast<unsigned long long>(i),
                state.name.c_str(), what.c_str(), wrong.substr(0, 400).c_str());
    for (const std::string& told : trial.damage()) std::printf("  told: %s\n", told.c_str());
  }
  fs::remove_all(root);
  const auto n = [](uint64_t number) { return static_cast<unsigned long long>(number); };
  std::printf(
      "{\"mutations\": %llu, \"seed\": %llu, \"not_started\": %llu, \"entries_undamaged\": %llu, "
      "\"entries_kept\": %llu, \"unreported\": %llu, \"unprovable\": %llu, \"duplicates\": %llu, "
      "\"unbalanced\": %llu, \"slowest_ms\": %llu}\n",
      n(totals.mutations), n(seed), n(totals.not_started), n(totals.entries_undamaged),
      n(totals.entries_kept), n(totals.unreported), n(totals.unprovable), n(totals.duplicates),
      n(totals.unbalanced), n(static_cast<uint64_t>(totals.slowest_ms)));
  return bad == 0 ? 0 : 1;
}

}  // namespace
}  // namespace wayside

int main(int argc, char** argv) {
  uint64_t mutations = 200;
  uint64_t seed = 1;
  std::optional<uint64_t> only;
  bool quiet = true;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--seed" && i + 1 < argc) {
      seed = std::stoull(argv[++i]);
    } else if (word == "--only" && i + 1 < argc) {  // one mutation, with the log
      only = std::stoull(argv[++i]);
      quiet = false;
    } else {
      mutations = std::stoull(word);
    }
  }
  if (only) mutations = std::max(mutations, *only + 1);
  if (quiet && !std::freopen("/dev/null", "w", stderr)) return 74;
  return wayside::run(mutations, seed, only);
}
