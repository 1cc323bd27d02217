// Damages what lies on disk, in many ways, and starts the gateway on it: `./dev damage N`. State
// folders of a few kinds are made by the real loop; of each mutation it checks that the loop
// starts, keeps every entry that was not damaged, gives nothing twice, and says what is lost.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "tests/damage_state.h"

namespace wayside {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr auto kStartMax = std::chrono::seconds(10);
constexpr int kLivesMax = 4;

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
        if (d.kind == Damage::Kind::kLoss) losses_.push_back(d);
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
    for (const Entry& e : state_.entries) {
      if (!whole_.contains(e.sequence)) continue;
      ++totals_.entries_undamaged;
      const bool kept = found.contains(e.sequence) && found[e.sequence] == e.hash;
      totals_.entries_kept += kept;
      if (!kept) wrong += "entry " + std::to_string(e.sequence) + " is not kept; ";
    }
  }
  static bool is_drained(const Snapshot& last) {
    return std::all_of(last.uplinks.begin(), last.uplinks.end(),
                       [](const UplinkStatus& u) { return u.pending() == 0; });
  }

  void check_ledgers(const Snapshot& last, std::string& wrong) {
    bool good = last.total.balanced();
    for (const UplinkStatus& u : last.uplinks) {
      if (u.name == "remote") gone_ = u.dropped + u.compacted;
      const bool balanced = u.balanced() && u.pending() == 0;
      if (!balanced) {
        wrong += u.name + ": emitted " + std::to_string(u.emitted) + ", delivered " +
                 std::to_string(u.delivered) + ", compacted " + std::to_string(u.compacted) +
                 ", dropped " + std::to_string(u.dropped) + "; ";
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
    check_lines(wrong);
    check_missing(got, wrong);
  }

  void check_lines(std::string& wrong) {
    std::set<std::string> lines;
    for (const std::string& file : files_in(dir_)) {
      if (!file.ends_with(".jsonl")) continue;
      const std::string then = read_all(state_.dir + "/" + file);
      std::ifstream in(dir_ + "/" + file);
      size_t at = 0;
      for (std::string line; std::getline(in, line); at += line.size() + 1) {
        const bool old = at < then.size();
        if (!line.starts_with("{\"id\":\"truck-17/") || !line.ends_with("}")) {
          if (!old) wrong += "a broken line in " + file + " at " + std::to_string(at) + "; ";
          continue;
        }
        // A line that was damaged may have got another one's id.
        if (old && then.find(line) == std::string::npos) continue;
        const std::string id = line.substr(7, line.find('"', 7) - 7);
        if (lines.insert(id).second) continue;
        ++totals_.duplicates;
        wrong += id + " is twice in the file; ";
      }
    }
  }

  // What did not come and no report of a loss is about.
  struct Missing {
    uint64_t emissions = 0;
    uint64_t readings = 0;
    uint64_t last_entry = 0;  // of the readings, those in the journal's last entry
    std::string first;
    uint64_t all() const { return emissions + readings; }
  };

  void check_missing(const std::set<std::string>& got, std::string& wrong) {
    const std::string stem = "truck-17/" + state_.epoch + "/";
    Missing missing;
    const auto miss = [&](const std::string& id, uint64_t Missing::*count) {
      if (missing.all() == 0) missing.first = id;
      ++(missing.*count);
    };
    for (uint64_t n = 1; n <= state_.said; ++n) {
      const std::string id = stem + std::to_string(n);
      if (losses_.empty() && !got.contains(id)) miss(id, &Missing::emissions);
    }
    for (const Entry& e : state_.entries) {
      bool whole = true;
      for (size_t row = 0; row < e.readings; ++row) {
        const std::string id = stem + std::to_string(e.sequence) + "." + std::to_string(row);
        if (got.contains(id)) continue;
        whole = false;
        if (is_told(e.sequence)) continue;
        miss(id, &Missing::readings);
        missing.last_entry += &e == &state_.entries.back();
      }
      if (whole || !whole_.contains(e.sequence)) continue;
      wrong += "readings of entry " + std::to_string(e.sequence) + " were not delivered; ";
    }
    if (missing.all() == 0 || is_excused(missing)) return;
    ++totals_.unreported;
    wrong += std::to_string(missing.all()) +
             " events are missing and nobody was told, the first is " + missing.first + "; ";
  }

  // By its range, or by a report that the store, which knows of it, is lost.
  bool is_told(uint64_t entry) const {
    return std::any_of(losses_.begin(), losses_.end(), [&](const Damage& d) {
      if (d.from == 0) return d.what.starts_with("wayside.db");
      return d.from <= entry && (d.to == 0 || entry <= d.to);
    });
  }

  // Why something may be missing without a report.
  bool is_excused(const Missing& missing) {
    if (missing.all() <= gone_) return true;
    const uint64_t last = state_.entries.back().sequence;
    const bool only_last =
        missing.readings > 0 && missing.last_entry == missing.readings && !whole_.contains(last);
    if (!only_last || torn_) return only_last;
    // The last entry of a killed process, overwritten as if it had never been written: no byte is
    // left on the disk that knows of it.
    const bool unprovable = last > state_.stored;
    totals_.unprovable += unprovable;
    return unprovable;
  }

  const State& state_;
  std::string dir_;
  Config config_;
  Totals& totals_;
  Remote remote_;
  std::set<uint64_t> whole_;
  std::vector<std::string> damage_;
  std::vector<Damage> losses_;
  bool torn_ = false;
  uint64_t gone_ = 0;  // dropped or compacted by the remote uplink, as it tells
};

int run(uint64_t mutations, uint64_t seed, std::optional<uint64_t> only) {
  const std::string root =
      "/dev/shm/wayside-damage-" + std::to_string(static_cast<long>(::getpid()));
  fs::remove_all(root);
  fs::create_directories(root);
  std::vector<State> states;
  states.push_back(make_state(root, {"whole", false, true, false}, seed));
  states.push_back(make_state(root, {"whole-killed", false, false, false}, seed + 1));
  states.push_back(make_state(root, {"recycled", true, true, false}, seed + 2));
  states.push_back(make_state(root, {"recycled-killed", true, false, false}, seed + 3));
  states.push_back(make_state(root, {"whole-offline", false, true, true}, seed + 4));
  states.push_back(make_state(root, {"recycled-offline", true, true, true}, seed + 5));

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
