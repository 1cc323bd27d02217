// JSON Lines in rotating files. A batch is appended and synced, then the mark beside it is
// overwritten; what a crash left between the two is found again by the ids in the lines, so that no
// line is ever written twice or half.
#include <algorithm>
#include <charconv>

#include "base/hash.h"
#include "base/log.h"
#include "base/release.h"
#include "sensors/json_object.h"
#include "storage/damage.h"
#include "uplink/sink.h"

namespace wayside {
namespace {

constexpr const char* kSuffix = ".jsonl";
constexpr size_t kMarkBytes = 1536;     // more than any mark has
constexpr size_t kLinesKept = 2 << 20;  // room for a batch, from one to the next
// In the file of the mark.
constexpr uint64_t kSafeMark = 0;
constexpr uint64_t kLastMark = kMarkBytes;

// "00000012.jsonl" → 12; 0 for anything else.
uint64_t number_of(std::string_view name) {
  uint64_t number = 0;
  if (name.size() != 14 || name.substr(8) != kSuffix) return 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + 8, number);
  return error == std::errc() && end == name.data() + 8 ? number : 0;
}

// The id of a line that we wrote: {"id":"gateway/epoch/12",… or …/34.5",…
std::string_view id_of(std::string_view line) {
  constexpr std::string_view kHead = "{\"id\":\"";
  if (!line.starts_with(kHead)) return {};
  line.remove_prefix(kHead.size());
  return line.substr(0, line.find('"'));
}

template <class T>
bool to_number(std::string_view text, T& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// Is it one of ours from beginning to end? What a power cut tears out of a line reads as zeros or
// rubbish, which may well have an end of line in it.
bool is_whole(std::string_view line) { return !id_of(line).empty() && is_json_object(line); }

// "gateway/epoch/12" → "epoch"
std::string_view epoch_of(std::string_view id) {
  id = id.substr(0, std::min(id.rfind('/'), id.size()));
  return id.substr(id.rfind('/') + 1);
}

// Moves the mark past one delivered line. Lines come in the order in which the backlog gave them.
void pass_line(std::string_view line, Mark& mark) {
  const std::string_view id = id_of(line);
  const std::string_view last = id.substr(id.rfind('/') + 1);
  std::string_view rest = line.substr(std::min(line.find(",\"type\":\""), line.size()));
  const size_t dot = last.find('.');
  uint64_t number = 0;
  if (!to_number(last.substr(0, dot), number)) return;
  if (dot != std::string_view::npos) {
    uint64_t row = 0;
    if (!to_number(last.substr(dot + 1), row)) return;
    mark.raw.entry = number - 1;
    mark.raw.rows = row + 1;
    ++mark.raw.seen;
  } else {
    const bool alarm =
        rest.starts_with(",\"type\":\"alarm\"") || rest.starts_with(",\"type\":\"incident\"");
    mark.delivered_upto[alarm ? 0 : 1] = number;
  }
  ++mark.delivered;
}

class FileSink : public Sink {
 public:
  FileSink(Disk& disk, const UplinkOptions& options, std::vector<Epoch> epochs)
      : disk_(disk), options_(options), epochs_(std::move(epochs)) {}

  Result<Mark> open(const Mark& local) override {
    file_.reset();
    mark_file_.reset();
    WS_TRY(disk_.make_dirs(options_.dir));
    WS_TRY(list_files());
    Place place;
    const auto text = read_file(disk_, mark_path());
    if (text.ok()) place = newest_place(*text);
    if (!text.ok() && text.error().code == ErrorCode::kBadData) {  // a folder
      WS_TRY(set_aside("mark"));
    }
    if (place.mark) {
      const std::optional<Mark> ours = in_last_epoch(*place.mark, epochs_);
      if (!ours) {
        log_warn(
            "uplink {}: the mark in {} is of epoch {}, which is not of this store; it is ignored",
            options_.name, options_.dir, place.mark->epoch);
        place = {};
      }
    }
    if (place.file == 0) place.mark.reset();
    Mark mark = resume_from(local, place.mark, epochs_);
    // Counts only grow, so that equal ones of one epoch are one position.
    const bool known = place.mark && place.mark->epoch == epochs_.back().name &&
                       mark.delivered == place.mark->delivered;
    if (files_.empty()) {
      WS_TRY(next_file());
      return mark;
    }
    for (uint64_t number : files_) {
      if (known && number < place.file && number != files_.back()) continue;
      WS_TRY(pass_file(number, known && number == place.file ? place.size : 0, mark));
    }
    return mark;
  }

  Status deliver(std::span<const Message> messages, Mark& after) override {
    if (lines_.capacity() > kLinesKept) release(lines_);
    lines_.clear();
    size_t bytes = 0;
    for (const Message& m : messages) bytes += m.value.size() + 1;
    lines_.reserve(bytes);
    for (const Message& m : messages) {
      lines_ += m.value;
      lines_ += '\n';
    }
    if (size_ > 0 && size_ + lines_.size() > options_.file_bytes) WS_TRY(next_file());
    if (lines_.empty()) return write_safe_mark(after);
    WS_TRY(file_->write_at(size_, lines_));
    WS_TRY(file_->sync_data());
    size_ += lines_.size();
    return write_mark(after, kLastMark);
  }

 private:
  // The mark, and the file and size that it stands for.
  struct Place {
    std::optional<Mark> mark;
    uint64_t file = 0;
    uint64_t size = 0;
  };

  std::string path(uint64_t number) const {
    char name[24];
    std::snprintf(name, sizeof name, "/%08llu", static_cast<unsigned long long>(number));
    return options_.dir + name + kSuffix;
  }
  std::string mark_path() const { return options_.dir + "/mark"; }

  static Place read_place(std::string_view text) {
    Place place;
    const size_t first = text.find(' ');
    const size_t second = text.find(' ', first + 1);
    if (second == std::string_view::npos) return place;
    if (!text.ends_with('\n')) return place;
    text = text.substr(0, text.find_last_not_of(" \n") + 1);
    // Files of the first version end here: no checksum.
    if (const size_t crc = text.rfind(" crc "); crc != std::string_view::npos) {
      if (text.substr(crc + 5) != std::to_string(crc32c(text.substr(0, crc)))) return {};
      text = text.substr(0, crc);
    }
    if (!to_number(text.substr(0, first), place.file) ||
        !to_number(text.substr(first + 1, second - first - 1), place.size)) {
      return {};
    }
    place.mark = Mark::from_text(text.substr(second + 1));
    return place;
  }

  static Place newest_place(const std::string& text) {
    Place place = read_place(text.substr(0, kMarkBytes));
    if (text.size() <= kLastMark) return place;
    Place last = read_place(text.substr(kLastMark));
    if (last.mark && (!place.mark || last.mark->settled() > place.mark->settled())) return last;
    return place;
  }

  // What the lines do not tell, how many were dropped between them, may not be lost. The other mark
  // is the newest one while this one is written, so that it has to be safe, too.
  Status write_safe_mark(const Mark& mark) {
    if (mark_file_) WS_TRY(mark_file_->sync_data());
    WS_TRY(write_mark(mark, kSafeMark));
    WS_TRY(mark_file_->sync_data());
    return disk_.sync_dir(options_.dir);
  }

  // In its place and, as a rule, not synced: an older mark only means that more lines are looked
  // at, while a new file for each would cost more than the lines.
  Status write_mark(const Mark& mark, uint64_t at) {
    std::string text =
        std::to_string(files_.back()) + ' ' + std::to_string(size_) + ' ' + mark.to_text();
    text += " crc " + std::to_string(crc32c(text));
    text.resize(kMarkBytes - 1, ' ');
    text += '\n';
    if (!mark_file_) {
      WS_ASSIGN(mark_file_, disk_.open(mark_path(), Disk::Mode::kCreate));
    }
    return mark_file_->write_at(at, text);
  }

  Status set_aside(const std::string& name) {
    WS_ASSIGN(const auto names, disk_.list(options_.dir));
    const std::string aside = aside_name(names, name);
    log_error("uplink {}: {} in {} is no file; it is kept as {}", options_.name, name, options_.dir,
              aside);
    return disk_.rename(options_.dir + '/' + name, options_.dir + '/' + aside);
  }

  Status list_files() {
    files_.clear();
    WS_ASSIGN(auto names, disk_.list(options_.dir));
    for (const std::string& name : names) {
      const uint64_t number = number_of(name);
      if (number == 0) continue;
      WS_ASSIGN(const auto file, disk_.open(options_.dir + '/' + name, Disk::Mode::kRead));
      char byte = 0;
      const auto read = file->read_at(0, &byte, 1);
      if (read.ok()) {
        files_.push_back(number);
      } else if (read.error().code == ErrorCode::kBadData) {
        WS_TRY(set_aside(name));
      } else {
        return read.error();
      }
    }
    std::sort(files_.begin(), files_.end());
    return {};
  }

  // Counts the lines from `from` on that are beyond the mark as delivered, cuts what is torn off
  // the end of the last file, and leaves it open for more.
  Status pass_file(uint64_t number, uint64_t from, Mark& mark) {
    WS_ASSIGN(file_, disk_.open(path(number), Disk::Mode::kReadWrite));
    WS_ASSIGN(uint64_t size, file_->size());
    from = std::min(from, size);
    std::string text(size - from, '\0');
    WS_ASSIGN(size_t n, file_->read_at(from, text.data(), text.size()));
    text.resize(n);
    constexpr size_t kNowhere = std::string::npos;
    size_t torn = kNowhere;
    size_t news = kNowhere;  // where the lines begin that are beyond the mark
    size_t done = 0;
    for (size_t end; (end = text.find('\n', done)) != kNowhere; done = end + 1) {
      std::string_view line(text.data() + done, end - done);
      if (!is_whole(line)) {
        torn = std::min(torn, done);
      } else if (!is_ours(id_of(line)) || !is_beyond(line, mark)) {
        torn = kNowhere;  // this one was safe already: what is broken before it was not broken by a
                          // crash
      } else if (torn == kNowhere) {
        news = std::min(news, done);
        pass_line(line, mark);
      }
    }
    if (number != files_.back()) return {};
    const size_t good = std::min(torn, done);
    size_ = from + good;
    if (size_ < size) {
      log_warn("{}: a torn end was cut off", path(number));
      WS_TRY(file_->truncate(size_));
    }
    // Nobody knows whether these lines were ever synced, and after a sync that failed another one
    // would not try again.
    if (news < good) {
      WS_TRY(file_->write_at(from + news, std::string_view(text).substr(news, good - news)));
    }
    // Also when it was only cut: the next batch may begin a new file, and nobody cuts this one
    // then.
    return size_ < size || news < good ? file_->sync_data() : Status();
  }

  // Has this store given that number in that epoch? Another one, of which ours is a copy, may have
  // gone on where our own epoch ended.
  bool is_ours(std::string_view id) const {
    const std::string_view last = id.substr(id.rfind('/') + 1);
    const size_t dot = last.find('.');
    uint64_t number = 0;
    if (!to_number(last.substr(0, dot), number)) return false;
    const bool reading = dot != std::string_view::npos;
    const auto first = reading ? &Epoch::first_entry : &Epoch::first_sequence;
    return epoch_at(epochs_, first, number) == epoch_of(id);
  }

  static bool is_beyond(std::string_view line, const Mark& mark) {
    Mark next = mark;
    pass_line(line, next);
    return next.delivered_upto[0] > mark.delivered_upto[0] ||
           next.delivered_upto[1] > mark.delivered_upto[1] || next.raw.entry > mark.raw.entry ||
           (next.raw.entry == mark.raw.entry && next.raw.rows > mark.raw.rows);
  }

  Status next_file() {
    const uint64_t number = files_.empty() ? 1 : files_.back() + 1;
    WS_ASSIGN(file_, disk_.open(path(number), Disk::Mode::kCreate));
    WS_TRY(disk_.sync_dir(options_.dir));
    files_.push_back(number);
    size_ = 0;
    while (files_.size() > 1 && files_.size() * options_.file_bytes > options_.max_bytes) {
      WS_TRY(disk_.remove(path(files_.front())));
      files_.erase(files_.begin());
    }
    return {};
  }

  Disk& disk_;
  UplinkOptions options_;
  std::vector<Epoch> epochs_;
  std::vector<uint64_t> files_;  // oldest first; the last one is being written
  std::unique_ptr<File> file_;
  std::unique_ptr<File> mark_file_;
  uint64_t size_ = 0;
  std::string lines_;  // of a batch; its room is used again by the next one
};

}  // namespace

std::unique_ptr<Sink> make_file_sink(Disk& disk, const UplinkOptions& options,
                                     std::vector<Epoch> epochs) {
  return std::make_unique<FileSink>(disk, options, std::move(epochs));
}

}  // namespace wayside
