// Bytes that come in a stream, as messages: by line, or by burst, that is the lines between two
// pauses, as a GPS receiver sends those of a moment.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wayside {

class Splitter {
 public:
  struct Message {
    std::string_view text;
    bool is_oversized = false;  // then without text
  };

  // `max_bytes`: of a message. A longer line is one that is oversized; a longer burst is more than
  // one. Lines that begin with `left_out` are as if they had never come, unless they are oversized.
  Splitter(bool by_line, size_t max_bytes, std::optional<char> left_out = {})
      : by_line_(by_line), max_bytes_(max_bytes), left_out_(left_out) {}

  void add(std::string_view bytes);
  // What is whole by now, without the ends of lines; empty lines are none. Views until the next
  // call of add() or take().
  const std::vector<Message>& take();
  // The pause has come: of a burst what there is is whole, but for a line that has not ended.
  void pause() { paused_ = true; }
  size_t held_bytes() const { return bytes_.size() - taken_; }  // that no message has had yet
  bool holds_burst() const { return !by_line_ && lines_end_ > taken_; }
  void reset();  // another connection

 private:
  void leave_out(size_t begin);
  void take_lines();
  void take_bursts();
  void put(std::string_view text);

  const bool by_line_;
  const size_t max_bytes_;
  const std::optional<char> left_out_;
  std::string bytes_;
  size_t taken_ = 0;       // what the last take() gave
  size_t lines_end_ = 0;   // behind the last line that has ended
  bool skipping_ = false;  // a line that is too long, up to its end
  bool paused_ = false;
  std::vector<Message> messages_;
};

}  // namespace wayside
