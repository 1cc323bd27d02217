// A gateway in a simulated world: its disk is in memory and fails as it is told, SQLite's files
// included; a broker sends again what was not acknowledged; one uplink is a file on that disk, the
// other a far system that keeps its own mark, as Kafka does. Who drives it cuts the power or makes
// calls fail, and in the end asks what became of each reading.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "firmware-gw/loop.h"
#include "tests/disk_vfs.h"
#include "tests/faulty_disk.h"
#include "tests/messages.h"

namespace wayside {

class SimulatedDisk : public FaultyDisk {
 public:
  explicit SimulatedDisk(uint64_t seed) : FaultyDisk(seed), vfs_(*this, seed) {}
  const char* sqlite_vfs() const override { return vfs_.name(); }
  void fill_at(uint64_t n) {
    vfs_.set_full(n != 0);
    FaultyDisk::fill_at(n);
  }
  void fail_calls(uint64_t n, uint64_t count, Fault fault) {
    vfs_.set_full(fault == Fault::kFull);
    FaultyDisk::fail_calls(n, count, fault);
  }

 private:
  DiskVfs vfs_;
};

// Errors planted to show that they are noticed.
enum class Canary {
  kNone,
  kEarlyAck,         // acknowledged when received
  kJournalUnsynced,  // no fdatasync of the journal
  kStoreUnsynced,    // SQLite with synchronous = OFF
  kCardLies,         // no flush does anything
  kSinkUnsynced,     // no fdatasync of the file uplink
  kThinnedUnsynced,  // no fdatasync of what is kept of thinned readings
  kMarkForgotten,    // the far system's own mark is not looked at
};

// What all worlds of a run are fed, and what has to come out at each uplink, ids left out.
struct Script {
  std::vector<TestMessage> messages;  // reading n is messages[n - 1]
  bool rules = true;                  // else a gateway with windows only
  std::multiset<std::string> expected;
};
Script make_script(uint64_t seed, size_t readings, bool rules = true);

class World {
 public:
  // `script` outlives it.
  World(const Script& script, uint64_t seed, Canary canary = Canary::kNone);

  SimulatedDisk& disk() { return disk_; }
  const SimulatedDisk& disk() const { return disk_; }
  std::mt19937_64& random() { return random_; }

  enum class End {
    kComplete,  // everything is acknowledged and delivered to both uplinks
    kDark,      // the power went
    kRefused,   // no start, see verdict().why
    kStuck,     // `patience` was over
  };
  // From recovery to one of these ends. `look` is called now and then.
  End live(std::chrono::milliseconds patience, const std::function<void()>& look = {});

  struct Verdict {
    uint64_t lost = 0;  // readings or results that an uplink lacks and does not tell as dropped
    uint64_t duplicates = 0;  // anything that an uplink has twice
    uint64_t corrupt = 0;  // refused starts, stores set aside, strange or wrong messages, ledgers
    std::string why;       // for people: the first thing
    Verdict& operator+=(const Verdict& o);
    bool good() const { return lost + duplicates + corrupt == 0; }
  };
  Verdict verdict();
  std::chrono::microseconds slowest_start() const { return slowest_start_; }

 private:
  using Messages = std::vector<std::pair<std::string, std::string>>;  // id, content
  class FarSink;
  class WatchedSink;
  friend Script make_script(uint64_t seed, size_t readings, bool rules);

  Surroundings surroundings();
  Result<std::unique_ptr<Loop>> start();
  uint64_t random_luck();
  void feed(Loop& loop);
  bool is_away() const;
  std::string what_hangs(const Loop& loop) const;  // mutex_ is held
  bool complete(const Loop& loop) const;           // mutex_ is held
  static bool is_through(const Loop& loop, const std::string& uplink, const Mark& mark);
  Messages lines_on_disk();
  void judge(const std::string& uplink, const Messages& messages, Verdict& verdict) const;
  static void blame(uint64_t Verdict::*what, const std::string& why, Verdict& verdict);

  const Script& script_;
  std::mt19937_64 random_;
  const Canary canary_;
  SimulatedDisk disk_;
  Config config_;
  const size_t away_until_;  // so many readings the far system is away
  size_t sent_ = 0;          // messages that the broker has sent at least once
  std::chrono::microseconds slowest_start_{0};
  // Loop and workers write these.
  mutable std::mutex mutex_;
  std::condition_variable news_;
  size_t acknowledged_ = 0;
  std::map<std::string, Mark> reached_;  // by uplink
  Messages far_;                         // what the far system has
  std::optional<Mark> far_mark_;
  Verdict noticed_;
  std::mt19937_64 luck_;
};

}  // namespace wayside
