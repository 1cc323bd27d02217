#include "tests/damage_state.h"

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace wayside {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMessages = 1'200;
constexpr size_t kMore = 60;  // of the messages are fed after the damage

class RemoteSink : public Sink {
 public:
  RemoteSink(Remote& remote, std::vector<Epoch> epochs)
      : remote_(remote), epochs_(std::move(epochs)) {}
  Result<Mark> open(const Mark& local) override {
    std::lock_guard lock(remote_.mutex);
    if (remote_.away) return Error{ErrorCode::kUnavailable, "no network"};
    if (!remote_.mark) return local;
    const auto ours = in_last_epoch(*remote_.mark, epochs_);
    return ours && ours->settled() >= local.settled() ? *ours : local;
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

void fail(const std::string& text) {
  std::fprintf(stdout, "%s\n", text.c_str());
  std::exit(1);
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

// How many emissions it has said, in which epoch, and what its store knows of.
void count_said(State& state) {
  Remote remote;
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

}  // namespace

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
    return std::unique_ptr<Sink>(std::make_unique<ToldSink>(remote.opened, std::move(sink)));
  };
  return around;
}

Config config_of(const std::string& dir, bool small) {
  Config config = small_config(dir);
  config.storage.file_bytes = 16 * kJournalPage;
  config.storage.max_bytes = (small ? 3 : 400) * config.storage.file_bytes;
  config.storage.min_free = 0;
  config.storage.commit_bytes = 600;
  config.storage.checkpoint_bytes = 40'000;
  config.uplinks.push_back(config.uplinks.front());
  config.uplinks.back().name = "remote";
  config.uplinks.back().retry_min_ms = 1;
  config.uplinks.front().dir = dir + "/out/centre";
  for (UplinkOptions& u : config.uplinks) u.linger_ms = 1;
  return config;
}

void feed(Loop& loop, Remote& remote, const std::vector<TestMessage>& messages,
          const Release& release) {
  push_chunks(loop.queue(), messages, 10);
  loop.start({[&](uint32_t, uint64_t ticket) {
                if (release) release(ticket);
              },
              [] {}});
  remote.opened.await(2);
  loop.stop();
}

std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

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

State make_state(const std::string& root, const Past& past, uint64_t seed) {
  State state;
  state.name = past.name;
  state.dir = root + "/" + past.name;
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
    const Config config = config_of(live, past.recycled);
    auto loop = Loop::recover(config, surroundings(config, remote));
    if (!loop.ok() || !(*loop)->make_workers().ok()) fail("a sound state does not start");
    remote.away = past.away && life == 3;
    const size_t upto = cut * life / 3;
    const std::vector<TestMessage> part(messages.begin() + ptrdiff_t(done),
                                        messages.begin() + ptrdiff_t(upto));
    bool copied = false;
    feed(**loop, remote, part, [&](uint64_t ticket) {
      if (past.clean || life < 3 || copied || ticket < part.size() * 2 / 3) return;
      copied = true;  // as if the process was killed between journal and store
      copy(done + ticket);
    });
    done = upto;
  }
  if (past.clean) copy(cut);
  fs::remove_all(live);

  const Config config = config_of(state.dir);
  state.entries = entries_of(state.dir, config);
  locate(state.dir, state.entries);
  count_said(state);
  return state;
}

}  // namespace wayside
