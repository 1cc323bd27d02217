#include "storage/history_index.h"

#include <algorithm>

#include "base/bytes.h"
#include "storage/group_codec.h"
#include "storage/mark.h"

namespace wayside {
namespace {

constexpr uint32_t kMagic = 0x31485357;  // "WSH1"
constexpr size_t kRangesMax = 4;         // of an entry
constexpr int64_t kGapMs = 600'000;      // less between two times is one range
constexpr const char* kIndexSuffix = ".wsh";

// Times may be any 64 bits, so their differences wrap around.
uint64_t distance(int64_t from, int64_t to) {
  return static_cast<uint64_t>(to) - static_cast<uint64_t>(from);
}
int64_t moved(int64_t from, uint64_t by) {
  return static_cast<int64_t>(static_cast<uint64_t>(from) + by);
}

std::string index_path(const std::string& state_dir, uint64_t file) {
  return history_dir(state_dir) + '/' + numbered_name(file, kIndexSuffix);
}

std::string journal_dir(const std::string& state_dir) { return state_dir + "/journal"; }

// Whether the file ends with the index's last entry, which is in a chain with all that are before
// it. A file that was the journal's last one again may have grown.
Result<bool> is_of_file(Disk& disk, const std::string& dir, const HistoryIndex& index) {
  JournalReader reader(disk, dir);
  JournalEntry entry;
  if (index.entries.empty()) {
    WS_TRY(reader.seek_place({index.file, kJournalPage, index.file}));
  } else {
    const HistoryIndex::Entry& last = index.entries.back();
    WS_TRY(reader.seek_place({index.file, last.offset, last.sequence}));
    WS_ASSIGN(const bool there, reader.next(entry));
    if (!there || entry.sequence != last.sequence || chain_of(entry.hash) != index.chain)
      return false;
  }
  WS_ASSIGN(const bool more, reader.next(entry));
  return !more || entry.place.file != index.file;
}

}  // namespace

std::string history_dir(const std::string& state_dir) { return state_dir + "/history"; }

std::vector<TimeRange> ranges_of(std::vector<int64_t>& times) {
  std::sort(times.begin(), times.end());
  std::vector<TimeRange> ranges;
  for (int64_t t : times) {
    if (ranges.empty() || distance(ranges.back().to_ms, t) > kGapMs) ranges.push_back({t, t});
    ranges.back().to_ms = t;
  }
  while (ranges.size() > kRangesMax) {  // the two that are closest become one
    size_t at = 0;
    for (size_t i = 1; i + 1 < ranges.size(); ++i) {
      if (distance(ranges[i].to_ms, ranges[i + 1].from_ms) <
          distance(ranges[at].to_ms, ranges[at + 1].from_ms)) {
        at = i;
      }
    }
    ranges[at].to_ms = ranges[at + 1].to_ms;
    ranges.erase(ranges.begin() + static_cast<ptrdiff_t>(at) + 1);
  }
  return ranges;
}

bool HistoryIndex::may_hold(size_t entry, int64_t from_ms, int64_t to_ms) const {
  for (size_t r = entry == 0 ? 0 : entries[entry - 1].ranges_end; r < entries[entry].ranges_end;
       ++r) {
    if (ranges[r].from_ms <= to_ms && ranges[r].to_ms >= from_ms) return true;
  }
  return false;
}

std::string HistoryIndex::encode() const {
  std::string bytes;
  ByteWriter out(bytes);
  out.fixed(kMagic);
  out.fixed(file);
  out.fixed(chain);
  out.varint(entries.size());
  uint64_t sequence = file;
  uint64_t offset = 0;
  int64_t time = 0;
  size_t range = 0;
  for (const Entry& e : entries) {
    out.varint(e.sequence - sequence);
    out.varint((e.offset - offset) / kJournalPage);
    sequence = e.sequence;
    offset = e.offset;
    out.varint(e.ranges_end - range);
    for (; range < e.ranges_end; ++range) {
      const TimeRange& r = ranges[range];
      out.signed_varint(static_cast<int64_t>(distance(time, r.from_ms)));
      out.varint(distance(r.from_ms, r.to_ms));
      time = r.to_ms;
    }
  }
  out.fixed(crc32c(bytes));
  return bytes;
}

std::optional<HistoryIndex> HistoryIndex::decode(std::string_view bytes) {
  if (bytes.size() < sizeof(uint32_t)) return std::nullopt;
  const std::string_view covered = bytes.substr(0, bytes.size() - sizeof(uint32_t));
  ByteReader check(bytes.substr(covered.size()));
  if (check.fixed<uint32_t>() != crc32c(covered)) return std::nullopt;
  ByteReader in(covered);
  HistoryIndex index;
  if (in.fixed<uint32_t>() != kMagic) return std::nullopt;
  index.file = in.fixed<uint64_t>();
  index.chain = in.fixed<uint64_t>();
  index.entries.resize(in.count(3));
  uint64_t sequence = index.file;
  uint64_t offset = 0;
  int64_t time = 0;
  for (Entry& e : index.entries) {
    e.sequence = sequence += in.varint();
    e.offset = offset += in.varint() * kJournalPage;
    for (size_t n = in.count(2); n > 0; --n) {
      TimeRange& r = index.ranges.emplace_back();
      r.from_ms = moved(time, static_cast<uint64_t>(in.signed_varint()));
      r.to_ms = time = moved(r.from_ms, in.varint());
    }
    e.ranges_end = index.ranges.size();
  }
  if (!in.ok() || in.left() != 0) return std::nullopt;
  return index;
}

Result<std::optional<HistoryIndex>> index_file(Disk& disk, const std::string& dir, uint64_t file,
                                               const std::function<bool()>& go_on) {
  std::optional<HistoryIndex> index(std::in_place);
  index->file = file;
  JournalReader reader(disk, dir);
  WS_TRY(reader.seek_place({file, kJournalPage, file}));
  std::vector<int64_t> times;
  for (JournalEntry entry;;) {
    if (!go_on()) return std::optional<HistoryIndex>();
    WS_ASSIGN(const bool there, reader.next(entry));
    if (!there || entry.place.file != file) break;
    times.clear();
    // What is whole but cannot be decoded is met, and told, by whoever reads all.
    if (!event_times(entry.block, times).ok()) continue;
    const std::vector<TimeRange> ranges = ranges_of(times);
    index->ranges.insert(index->ranges.end(), ranges.begin(), ranges.end());
    index->entries.push_back({entry.sequence, entry.place.offset, index->ranges.size()});
    index->chain = chain_of(entry.hash);
  }
  index->unreadable = reader.met_unreadable();
  WS_ASSIGN(const FileLook look, look_at_file(disk, dir, file));
  if (look.kind == FileLook::Kind::kGone) index.reset();
  return index;
}

Result<std::optional<HistoryIndex>> load_index(Disk& disk, const std::string& state_dir,
                                               uint64_t file) {
  const std::optional<HistoryIndex> none;
  WS_ASSIGN(const std::vector<std::string> names, disk.list(history_dir(state_dir)));
  const std::string path = index_path(state_dir, file);
  const std::string name = path.substr(path.rfind('/') + 1);
  if (!std::binary_search(names.begin(), names.end(), name)) return none;
  const auto bytes = read_file(disk, path);
  if (!bytes.ok()) return none;
  auto index = HistoryIndex::decode(*bytes);
  if (!index || index->file != file) return none;
  WS_ASSIGN(const bool follows, is_of_file(disk, journal_dir(state_dir), *index));
  if (!follows) index.reset();
  return index;
}

namespace {

Result<std::set<uint64_t>> indexed_files(Disk& disk, const std::string& state_dir) {
  WS_ASSIGN(const std::vector<std::string> names, disk.list(history_dir(state_dir)));
  std::set<uint64_t> files;
  for (const std::string& name : names) files.insert(number_of_name(name, kIndexSuffix));
  return files;
}

Status remove_superfluous(Disk& disk, const std::string& state_dir,
                          const std::vector<uint64_t>& files) {
  WS_ASSIGN(const std::vector<std::string> names, disk.list(history_dir(state_dir)));
  for (const std::string& name : names) {
    const uint64_t file = number_of_name(name, kIndexSuffix);
    if (file == 0 || std::binary_search(files.begin(), files.end(), file)) continue;
    WS_TRY(disk.remove(history_dir(state_dir) + '/' + name));
  }
  return {};
}

// Without a sync: what a power cut leaves of it is no index, and is made again.
Status write_index(Disk& disk, const std::string& state_dir, uint64_t file,
                   const std::string& bytes) {
  WS_TRY(disk.make_dirs(history_dir(state_dir)));
  const std::string draft = history_dir(state_dir) + "/draft";
  WS_ASSIGN(const auto out, disk.open(draft, Disk::Mode::kCreate));
  WS_TRY(out->truncate(0));
  WS_TRY(out->write_at(0, bytes));
  return disk.rename(draft, index_path(state_dir, file));
}

}  // namespace

Result<bool> index_some(Disk& disk, const std::string& state_dir, uint64_t min_free,
                        KnownIndexes& known, const std::function<bool()>& go_on) {
  WS_ASSIGN(std::vector<uint64_t> files, first_sequences(disk, journal_dir(state_dir)));
  if (!files.empty()) files.pop_back();  // it is still being written
  WS_TRY(remove_superfluous(disk, state_dir, files));
  WS_ASSIGN(const std::set<uint64_t> there, indexed_files(disk, state_dir));
  std::erase_if(known.there, [&](uint64_t file) { return !there.contains(file); });
  for (uint64_t file : files) {
    if (known.there.contains(file) || known.put_off.contains(file)) continue;
    WS_ASSIGN(const auto former, load_index(disk, state_dir, file));
    if (!former) {
      WS_ASSIGN(const uint64_t free_bytes, disk.free_bytes(state_dir));
      if (free_bytes < min_free) return false;  // before a whole file is read in vain
      WS_ASSIGN(const auto index, index_file(disk, journal_dir(state_dir), file, go_on));
      if (!index) return true;
      if (index->unreadable) {
        known.put_off.insert(file);
        return true;
      }
      const std::string bytes = index->encode();
      if (free_bytes < min_free + bytes.size()) return false;
      WS_TRY(write_index(disk, state_dir, file, bytes));
    }
    known.there.insert(file);
    return true;
  }
  return false;
}

}  // namespace wayside
