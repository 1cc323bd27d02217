// What tests/damage.cc damages: state folders of a few kinds, made by the real loop, and a sink
// beyond the network that has a mark of its own.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "firmware-gw/loop.h"
#include "tests/messages.h"
#include "tests/told_sink.h"

namespace wayside {

struct Remote {
  std::mutex mutex;
  std::optional<Mark> mark;
  std::vector<std::string> ids;
  bool away = false;
  SinksOpened opened;
};

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
  std::vector<TestMessage> rest;  // not fed yet
  std::optional<Mark> mark;
  std::vector<std::string> ids;  // delivered to the remote sink
  std::vector<Entry> entries;
  uint64_t said = 0;    // emissions
  uint64_t stored = 0;  // the last entry that the store knows of
  std::string epoch;
};

// `small`: the journal is recycled; while the state is made, that is, for nobody can tell what is
// lost by damage from what is dropped at a limit.
Config config_of(const std::string& dir, bool small = false);
// Of a gateway with a file uplink and one to `remote`, which outlives it.
Surroundings surroundings(const Config& config, Remote& remote);
// A life: until all of it is taken and the sinks have delivered what there is.
using Release = std::function<void(uint64_t ticket)>;
void feed(Loop& loop, Remote& remote, const std::vector<TestMessage>& messages,
          const Release& release);

std::string read_all(const std::string& path);
// All entries of the journal; where they lie is not yet known.
std::vector<Entry> entries_of(const std::string& dir, const Config& config);

// How a state comes about.
struct Past {
  std::string name;
  bool recycled = false;
  bool clean = true;  // else killed between journal and store
  bool away = false;  // the network, in the last life
};
State make_state(const std::string& root, const Past& past, uint64_t seed);

}  // namespace wayside
