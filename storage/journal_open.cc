// Opening the journal: finds its end, whatever its files hold. Nothing that may hold entries is
// deleted or overwritten.
#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "storage/journal.h"

namespace wayside {
namespace {

constexpr std::string_view kAside = ".wsj.bad";

std::string name_of(uint64_t first_sequence) { return journal_path("", first_sequence).substr(1); }

std::string entries_text(uint64_t from, uint64_t to) {
  return from == to ? "entry " + std::to_string(from)
                    : "entries " + std::to_string(from) + " to " + std::to_string(to);
}

}  // namespace

// Which files are ours, by name and first page. Others are set aside.
Status Journal::look_at_files() {
  WS_ASSIGN(const std::vector<uint64_t> firsts, first_sequences(disk_, options_.dir));
  for (uint64_t first : firsts) {
    WS_ASSIGN(FileLook look, look_at_file(disk_, options_.dir, first));
    using Kind = FileLook::Kind;
    if (look.kind == Kind::kGone) continue;
    if (look.kind == Kind::kForeign) {
      WS_TRY(sort_in(first, std::move(look)));
      continue;
    }
    if (look.kind == Kind::kUnusable) {
      // From here to the next file's first entry; at the end nobody knows how far.
      const auto next = std::upper_bound(firsts.begin(), firsts.end(), first);
      const uint64_t to = next == firsts.end() ? 0 : *next - 1;
      const std::string what = "journal file " + name_of(first) + " is empty or no file; its " +
                               (to ? entries_text(first, to) : "entries") + " are lost";
      WS_TRY(set_aside(name_of(first), {Damage::Kind::kLoss, what, first, to, 0, 0, ""}));
      continue;
    }
    const bool sound = look.kind == Kind::kSound;
    files_.push_back({first, path_of(first), std::move(look.header), look.size, sound});
  }
  std::sort(files_.begin(), files_.end(), [](const FileInfo& a, const FileInfo& b) {
    return a.first_sequence < b.first_sequence;
  });
  WS_ASSIGN(const std::vector<std::string> names, disk_.list(options_.dir));
  if (!std::binary_search(names.begin(), names.end(), "spare")) return {};
  WS_ASSIGN(const auto spare, disk_.open(spare_path(), Disk::Mode::kRead));
  char byte = 0;
  const auto read = spare->read_at(0, &byte, 1);
  // What it holds nobody needs.
  if (read.ok() || read.error().code != ErrorCode::kBadData) return {};
  return set_aside("spare", {Damage::Kind::kRepaired, "journal/spare is no file", 0, 0, 0, 0, ""});
}

// A file under a name that is not its own: gets its own, if that is free.
Status Journal::sort_in(uint64_t name, FileLook look) {
  const uint64_t first = look.header.first_sequence;
  WS_ASSIGN(const std::vector<uint64_t> firsts, first_sequences(disk_, options_.dir));
  if (std::binary_search(firsts.begin(), firsts.end(), first)) {
    const std::string what =
        "journal file " + name_of(name) + " is a copy of another one under a wrong name";
    return set_aside(name_of(name), {Damage::Kind::kRepaired, what, 0, 0, 0, look.size, ""});
  }
  WS_TRY(disk_.rename(path_of(name), path_of(first)));
  files_.push_back({first, path_of(first), std::move(look.header), look.size});
  add_damage(damage_, {Damage::Kind::kRepaired,
                       "journal file " + name_of(first) + " was there as " + name_of(name), 0, 0, 0,
                       look.size, ""});
  return {};
}

// Renames a file, so that it is there for a look and in nobody's way.
Status Journal::set_aside(const std::string& name, Damage damage) {
  WS_ASSIGN(const std::vector<std::string> names, disk_.list(options_.dir));
  std::vector<std::string> aside;
  for (const std::string& n : names) {
    if (n.find(kAside) != std::string::npos) aside.push_back(n);
  }
  if (!aside.empty() && aside.size() >= options_.damaged_files) {
    log_warn("journal: {} is removed: storage.damaged_files are kept", aside.front());
    if (Status removed = disk_.remove(options_.dir + '/' + aside.front()); !removed.ok()) {
      log_warn("journal: {}", removed.error().message);  // a folder, say
    }
  }
  const std::string stem = name.ends_with(".wsj") ? name : name + ".wsj";
  damage.kept_as = stem + ".bad";
  for (int n = 2; std::find(names.begin(), names.end(), damage.kept_as) != names.end(); ++n) {
    damage.kept_as = stem + ".bad-" + std::to_string(n);
  }
  WS_TRY(disk_.rename(options_.dir + '/' + name, options_.dir + '/' + damage.kept_as));
  damage.kept_as = "journal/" + damage.kept_as;
  add_damage(damage_, std::move(damage));
  return {};
}

// From the newest file back to the one that holds the last entry.
Status Journal::find_end() {
  if (!files_.empty()) WS_TRY(settle(files_.back()));
  bool found = false;
  for (size_t i = files_.size(); i-- > 0 && !found;) {
    const bool newest = i + 1 == files_.size();
    WS_ASSIGN(found, read_to_end(i, newest ? UINT64_MAX : files_[i + 1].first_sequence));
    // The newest one without any entry was just made when the power went. Any other one is damaged
    // from beginning to end.
    if (found || (newest && files_[i].sound && !worn_)) continue;
    worn_ = false;
    const uint64_t first = files_[i].first_sequence;
    const uint64_t to = newest ? 0 : files_[i + 1].first_sequence - 1;
    const std::string what = "journal file " + name_of(first) + " cannot be read; its " +
                             (to ? entries_text(first, to) : "entries") + " are lost";
    WS_TRY(
        set_aside(name_of(first), {Damage::Kind::kLoss, what, first, to, 0, files_[i].size, ""}));
    files_.erase(files_.begin() + static_cast<ptrdiff_t>(i));
  }
  WS_TRY(set_hollow_aside());
  WS_TRY(repair_headers());
  if (files_.empty()) return {};
  const FileInfo& last = files_.back();
  if (last.first_sequence > last_sequence_) {  // it is the one without any
    if (last.first_sequence != last_sequence_ + 1) head_ = {};
    last_sequence_ = last.first_sequence - 1;
    offset_ = kJournalPage;
  }
  if (last.header.file_bytes > last.size) {
    add_damage(damage_, {Damage::Kind::kLoss,
                         "journal file " + name_of(last.first_sequence) +
                             " was cut; what came after entry " + std::to_string(last_sequence_) +
                             " is lost",
                         last_sequence_ + 1, 0, 0, last.header.file_bytes - last.size, ""});
    return {};  // the next entry begins a new file
  }
  if (worn_) return {};  // here, too: nothing is trusted to what has failed
  WS_ASSIGN(file_, disk_.open(last.path, Disk::Mode::kReadWrite));
  return {};
}

// The last entry may have been written but not synced when the process ended; from now on it
// counts. But if its sync had failed, it may be in memory only, where no sync finds anything left
// to do. To write it again could damage one that was acknowledged; to read it again cannot.
Status Journal::settle(const FileInfo& info) {
  WS_ASSIGN(const auto file, disk_.open(info.path, Disk::Mode::kReadWrite));
  WS_TRY(file->sync_data());
  file->drop_cache();
  return {};
}

// True: there is an entry. Tells of what is damaged between entries and behind the last one.
Result<bool> Journal::read_to_end(size_t i, uint64_t limit) {
  const FileInfo& info = files_[i];
  JournalReader reader(disk_, options_.dir);
  WS_ASSIGN(const bool open, reader.open_file(info.first_sequence));
  if (!open) return false;
  reader.next_ = info.first_sequence;
  JournalEntry entry;
  bool found = false;
  while (true) {
    const uint64_t expected = reader.next_;
    const uint64_t offset = reader.offset_;
    WS_ASSIGN(bool there, reader.read_expected(entry));
    there = there && entry.sequence < limit;
    if (!there) {
      WS_ASSIGN(const JournalReader::Scan scan, reader.scan(limit, entry));
      there = scan.found;
      if (!there) {
        if (limit != UINT64_MAX) return found;
        worn_ = reader.unreadable_;
        if (!scan.unreadable) {
          WS_TRY(check_rest(info, found, offset, scan.nonzero));
        } else if (found) {
          report_unreadable_end(info);
        }
        return found;
      }
    }
    if (entry.sequence != expected) {
      add_damage(damage_, {Damage::Kind::kLoss,
                           "journal " + entries_text(expected, entry.sequence - 1) +
                               (entry.sequence == expected + 1 ? " is damaged" : " are damaged"),
                           expected, entry.sequence - 1, 0, reader.offset_ - offset, ""});
    }
    found = true;
    last_sequence_ = entry.sequence;
    head_ = entry.hash;
    offset_ = reader.offset_;
  }
}

void Journal::report_unreadable_end(const FileInfo& info) {
  const uint64_t next = last_sequence_ + 1;
  add_damage(damage_, {Damage::Kind::kLoss,
                       "journal file " + name_of(info.first_sequence) +
                           " cannot be read to its end; what came from entry " +
                           std::to_string(next) + " on is lost",
                       next, 0, 0, 0, ""});
}

// Is there something behind the last entry that looks like one?
Status Journal::check_rest(const FileInfo& info, bool found, uint64_t offset, bool nonzero) {
  if (!nonzero || info.header.file_bytes > info.size) return {};
  const uint64_t next = found ? last_sequence_ + 1 : info.first_sequence;
  WS_ASSIGN(const auto file, disk_.open(info.path, Disk::Mode::kRead));
  EntryHeader header;
  std::string bytes(sizeof header, '\0');
  WS_ASSIGN(const size_t n, file->read_at(offset, bytes.data(), bytes.size()));
  std::memcpy(&header, bytes.data(), sizeof header);
  const bool ours =
      n == sizeof header && ((header.magic == EntryHeader::kMagic && header.sequence == next) ||
                             (found && header.previous == head_));
  if (!ours && !info.header.zeroed) return {};
  add_damage(damage_, {Damage::Kind::kTorn,
                       "the journal ends with a piece of entry " + std::to_string(next) +
                           ", as a power cut leaves it",
                       next, next, 0, 0, ""});
  return {};
}

// Older files whose first page is damaged, and that hold no entry either. They would be in the way
// of those that the file before them may have of their numbers.
Status Journal::set_hollow_aside() {
  for (size_t i = files_.size(); i-- > 0;) {
    if (files_[i].sound || i + 1 == files_.size()) continue;
    const uint64_t first = files_[i].first_sequence;
    const uint64_t to = files_[i + 1].first_sequence - 1;
    WS_ASSIGN(const bool holds, holds_entries(first, to + 1));
    if (holds) continue;
    const std::string what = "journal file " + name_of(first) +
                             " holds nothing that can be read; of " + entries_text(first, to) +
                             " only those are there that another file has";
    WS_TRY(
        set_aside(name_of(first), {Damage::Kind::kLoss, what, first, to, 0, files_[i].size, ""}));
    files_.erase(files_.begin() + static_cast<ptrdiff_t>(i));
  }
  return {};
}

// Also what the medium does not give back now may be one.
Result<bool> Journal::holds_entries(uint64_t first, uint64_t limit) {
  JournalReader reader(disk_, options_.dir);
  WS_ASSIGN(const bool open, reader.open_file(first));
  if (!open) return false;
  reader.next_ = first;
  JournalEntry entry;
  WS_ASSIGN(const bool there, reader.read_expected(entry));
  if (there && entry.sequence < limit) return true;
  WS_ASSIGN(const JournalReader::Scan scan, reader.scan(limit, entry));
  return scan.found || scan.unreadable;
}

// First pages that are damaged, or are those of another file since a power cut came between.
Status Journal::repair_headers() {
  for (FileInfo& info : files_) {
    if (info.sound) continue;
    const bool interrupted = info.header.first_sequence != 0;
    info.header = {};
    info.header.first_sequence = info.first_sequence;
    WS_ASSIGN(const auto file, disk_.open(info.path, Disk::Mode::kReadWrite));
    WS_TRY(file->write_at(0, info.header.to_page()));
    WS_TRY(file->sync_data());
    info.sound = true;
    if (interrupted) continue;
    add_damage(damage_, {Damage::Kind::kRepaired,
                         "journal file " + name_of(info.first_sequence) +
                             ": its first page was damaged and is made again; its entries are kept",
                         0, 0, 0, kJournalPage, ""});
  }
  return {};
}

}  // namespace wayside
