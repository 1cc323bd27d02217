#include "sensors/splitter.h"

#include <algorithm>

namespace wayside {
namespace {

std::string_view without_end(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

void Splitter::add(std::string_view bytes) {
  bytes_.erase(0, taken_);
  lines_end_ -= taken_;
  taken_ = 0;
  if (skipping_) {
    const size_t end = bytes.find('\n');
    if (end == bytes.npos) return;
    skipping_ = false;
    bytes.remove_prefix(end + 1);
  }
  const size_t line = lines_end_;  // where it begins
  if (const size_t end = bytes.rfind('\n'); end != bytes.npos) lines_end_ = bytes_.size() + end + 1;
  bytes_ += bytes;
  if (left_out_) leave_out(line);
}

// Of the lines that have ended, from `begin` on.
void Splitter::leave_out(size_t begin) {
  size_t to = begin;
  for (size_t next; begin < lines_end_; begin = next) {
    next = bytes_.find('\n', begin) + 1;
    if (bytes_[begin] == *left_out_) continue;
    std::copy(bytes_.begin() + ptrdiff_t(begin), bytes_.begin() + ptrdiff_t(next),
              bytes_.begin() + ptrdiff_t(to));
    to += next - begin;
  }
  bytes_.erase(to, lines_end_ - to);
  lines_end_ = to;
}

const std::vector<Splitter::Message>& Splitter::take() {
  messages_.clear();
  by_line_ ? take_lines() : take_bursts();
  paused_ = false;
  if (bytes_.size() - lines_end_ > max_bytes_) {  // and still no end
    messages_.push_back({{}, true});
    bytes_.resize(lines_end_);
    skipping_ = true;
  }
  return messages_;
}

void Splitter::put(std::string_view text) {
  text = without_end(text);
  if (text.size() > max_bytes_) {
    messages_.push_back({{}, true});
  } else if (!text.empty()) {
    messages_.push_back({text, false});
  }
}

void Splitter::take_lines() {
  while (taken_ < lines_end_) {
    const size_t next = bytes_.find('\n', taken_) + 1;
    put(std::string_view(bytes_).substr(taken_, next - taken_));
    taken_ = next;
  }
}

// Whole lines, as many as a message may hold.
void Splitter::take_bursts() {
  while (taken_ < lines_end_) {
    const std::string_view lines(bytes_.data() + taken_, lines_end_ - taken_);
    if (lines.size() <= max_bytes_) {
      if (!paused_) return;
      put(lines);
      taken_ = lines_end_;
      return;
    }
    const size_t last = lines.rfind('\n', max_bytes_ - 1);
    const size_t size = (last == lines.npos ? lines.find('\n') : last) + 1;
    put(lines.substr(0, size));
    taken_ += size;
  }
}

void Splitter::reset() {
  bytes_.clear();
  taken_ = lines_end_ = 0;
  skipping_ = paused_ = false;
}

}  // namespace wayside
